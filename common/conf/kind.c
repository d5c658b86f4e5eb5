#include "common/conf/kind.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/setting.h"
#include "common/conf/value_form.h"
#include "common/dns/name.h"

/*
 * The kinds of store objects. What most of them need follows from their rows; `check` says the
 * rest. Constant data and pure functions; any thread.
 */
#define TO_DNSD (1U << RPC_DNSD)
#define TO_WEBD (1U << RPC_WEBD)

// ---- checks of keys and values -----------------------------------------------------------------

static enum err check_setting(const char *key, const char *json, struct errmsg *e)
{
    const struct setting *row = setting_find(key);
    if (row == NULL || !setting_is_stored(row) || row->kind == SETTING_TSIG) {
        return err_set(e, ERR_INVALID, "there is no setting %.80s", key);
    }
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        return err_set(e, ERR_INVALID, "setting %s: the value is no JSON", key);
    }
    enum err err = setting_check_json(row, value, e);
    json_decref(value);
    return err;
}

// The key is "<node id>/<setting>".
static enum err check_override(const char *key, const char *json, struct errmsg *e)
{
    uint32_t id = 0;
    char number[16] = "";
    const char *slash = strchr(key, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - key);
    if (len > 0 && len < sizeof number) {
        memcpy(number, key, len);
        number[len] = '\0';
    }
    if (slash == NULL || str_to_u32(number, INT32_MAX, &id) != ERR_OK || id == 0) {
        return err_set(e, ERR_INVALID, "%.80s is not <node id>/<setting>", key);
    }
    const struct setting *row = setting_find(slash + 1);
    if (row != NULL && row->scope != SETTING_CLUSTER) {
        return err_set(e, ERR_INVALID, "setting %s belongs to each node; nothing to override",
                       row->name);
    }
    return check_setting(slash + 1, json, e);
}

// Names are stored folded, so that a name has one path; "." is the root.
static enum err check_name(const char *key, const char *json, struct errmsg *e)
{
    struct name name;
    char canonical[NAME_MAX_TEXT];
    (void)json;
    enum err err = name_from_text(key, &name, e);
    if (err != ERR_OK) {
        return err_prefix(e, err, "%.80s", key);
    }
    name_fold(name.wire);
    name_to_text(name.wire, canonical);
    if (strcmp(canonical, key) != 0) {
        return err_set(e, ERR_INVALID, "%.80s must be written %.80s", key, canonical);
    }
    return ERR_OK;
}

static enum err check_digest(const char *key, const char *json, struct errmsg *e)
{
    (void)json;
    if (strlen(key) != 64 || strspn(key, "0123456789abcdef") != 64) {
        return err_set(e, ERR_INVALID, "%.80s is not a SHA-256 in lower-case hex", key);
    }
    return ERR_OK;
}

static enum err check_node_id(const char *key, const char *json, struct errmsg *e)
{
    uint32_t id = 0;
    (void)json;
    if (str_to_u32(key, INT32_MAX, &id) != ERR_OK || id == 0 || key[0] == '0') {
        return err_set(e, ERR_INVALID, "%.80s is not a node id (1 to 2147483647)", key);
    }
    return ERR_OK;
}

// Names of users and groups: what a log line and a URL can hold without harm.
static enum err check_account(const char *key, const char *json, struct errmsg *e)
{
    (void)json;
    for (const char *p = key; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F || *p == '|') {
            return err_set(e, ERR_INVALID, "%.80s holds a character that names must not have", key);
        }
    }
    if (strlen(key) > 255) {
        return err_set(e, ERR_INVALID, "the name is longer than 255 bytes");
    }
    return ERR_OK;
}

static enum err check_tsig(const char *key, const char *json, struct errmsg *e)
{
    enum err err = check_name(key, json, e);
    if (err != ERR_OK) {
        return err;
    }
    json_t *value = json_loads(json, 0, NULL);
    json_t *secret = json_object_get(value, "secret");
    json_t *keys = json_pack("[{s:s, s:O, s:O}]", "keyName", key, "sharedSecret", secret,
                             "algorithmName", json_object_get(value, "algorithm"));
    if (json_string_length(secret) == 0 || strcmp(json_string_value(secret), SETTING_MASK) == 0) {
        err = err_set(e, ERR_INVALID, "TSIG key %.80s has no secret", key);
    } else {
        err = setting_check_json(setting_find("tsigKeys"), keys, e);
    }
    json_decref(keys);
    json_decref(value);
    return err;
}

// ---- the table ---------------------------------------------------------------------------------

static const struct conf_member tsig_members[] = {
    {"algorithm", CONF_STRING, CONF_REQUIRED},
    {"secret", CONF_STRING, CONF_REQUIRED | CONF_SECRET},
};
static const struct conf_member user_members[] = {
    {"displayName", CONF_STRING, 0},
    {"passwordHash", CONF_STRING, CONF_SECRET},
    {"totpSecret", CONF_STRING, CONF_SECRET},
    {"disabled", CONF_BOOL, 0},
    {"sessionTimeoutSeconds", CONF_INTEGER, 0},
    {"groups", CONF_ARRAY, 0},
};
static const struct conf_member group_members[] = {
    {"description", CONF_STRING, 0},
};
static const struct conf_member permission_members[] = {
    {"users", CONF_OBJECT, 0},
    {"groups", CONF_OBJECT, 0},
};
static const struct conf_member token_members[] = {
    {"user", CONF_STRING, CONF_REQUIRED},
    {"name", CONF_STRING, CONF_REQUIRED},
};
static const struct conf_member node_members[] = {
    {"name", CONF_STRING, CONF_REQUIRED},     {"url", CONF_STRING, CONF_REQUIRED},
    {"addresses", CONF_ARRAY, CONF_REQUIRED}, {"dnsPort", CONF_INTEGER, 0},
    {"type", CONF_STRING, CONF_REQUIRED},     {"publicKey", CONF_STRING, CONF_REQUIRED},
    {"pins", CONF_ARRAY, CONF_REQUIRED},
};
static const struct conf_member join_token_members[] = {
    {"expires", CONF_INTEGER, CONF_REQUIRED},
};

#define MEMBERS(array) .members = (array), .member_count = sizeof(array) / sizeof(array)[0]
const struct conf_kind conf_kind_table[] = {
    {.name = "settings",
     .section = "settings",
     .scope_by_setting = true,
     .readers = TO_DNSD | TO_WEBD,
     .check = check_setting},
    {.name = "overrides",
     .section = "settings",
     .scope = CONF_CLUSTER,
     .readers = TO_DNSD | TO_WEBD,
     .check = check_override},
    {.name = "allowed",
     .section = "allowed",
     .scope = CONF_CLUSTER,
     .readers = TO_DNSD | TO_WEBD,
     .check = check_name},
    {.name = "blocked",
     .section = "blocked",
     .scope = CONF_CLUSTER,
     .readers = TO_DNSD | TO_WEBD,
     .check = check_name},
    {.name = "tsig",
     .section = "tsig",
     .scope = CONF_CLUSTER,
     .readers = TO_DNSD | TO_WEBD,
     .check = check_tsig,
     MEMBERS(tsig_members)},
    {.name = "users",
     .section = "access",
     .scope = CONF_CLUSTER,
     .readers = TO_WEBD,
     .check = check_account,
     MEMBERS(user_members)},
    {.name = "groups",
     .section = "access",
     .scope = CONF_CLUSTER,
     .readers = TO_WEBD,
     .check = check_account,
     MEMBERS(group_members)},
    {.name = "permissions",
     .section = "access",
     .scope = CONF_CLUSTER,
     .readers = TO_WEBD,
     .check = check_account,
     MEMBERS(permission_members)},
    {.name = "zonePermissions",
     .section = "access",
     .scope = CONF_CLUSTER,
     .readers = TO_WEBD,
     .check = check_name,
     MEMBERS(permission_members)},
    {.name = "tokens",
     .section = "access",
     .scope = CONF_CLUSTER,
     .readers = TO_WEBD,
     .check = check_digest,
     MEMBERS(token_members)},
    {.name = "nodes",
     .section = "nodes",
     .scope = CONF_CLUSTER,
     .readers = TO_DNSD | TO_WEBD,
     .check = check_node_id,
     MEMBERS(node_members)},
    {.name = "cluster", .section = "nodes", .scope = CONF_CLUSTER, .readers = TO_DNSD | TO_WEBD},
    {.name = "node", .section = "node", .scope = CONF_NODE, .readers = TO_DNSD | TO_WEBD},
    {.name = "joinTokens",
     .section = "nodes",
     .scope = CONF_CLUSTER,
     .is_secret = true,
     .readers = 0,
     .check = check_digest,
     MEMBERS(join_token_members)},
};
const size_t conf_kind_count = sizeof conf_kind_table / sizeof conf_kind_table[0];

const struct conf_kind *conf_kind_find(const char *path)
{
    size_t len = strcspn(path, "/");
    for (size_t i = 0; i < conf_kind_count; i++) {
        const char *name = conf_kind_table[i].name;
        if (strlen(name) == len && memcmp(name, path, len) == 0) {
            return &conf_kind_table[i];
        }
    }
    return NULL;
}

// ---- paths -------------------------------------------------------------------------------------

enum err conf_path_make(const char *kind, const char *key, char *path, size_t size)
{
    size_t used = strlen(kind) + 1;
    if (key[0] == '\0') {
        return ERR_INVALID;
    }
    if (used >= size) {
        return ERR_TOO_LARGE;
    }
    memcpy(path, kind, used - 1);
    path[used - 1] = '/';
    for (const char *p = key; *p != '\0'; p++) {
        bool escape = *p == '/' || *p == '%';
        if (used + (escape ? 3 : 1) >= size) {
            return ERR_TOO_LARGE;
        }
        if (escape) {
            memcpy(path + used, *p == '/' ? "%2F" : "%25", 3);
            used += 3;
        } else {
            path[used++] = *p;
        }
    }
    path[used] = '\0';
    return ERR_OK;
}

enum err conf_path_override(uint32_t node_id, const char *setting, char *path, size_t size)
{
    int len = snprintf(path, size, "overrides/%u/%s", node_id, setting);
    return len < 0 || (size_t)len >= size ? ERR_TOO_LARGE : ERR_OK;
}

enum err conf_path_key(const char *path, char *key, size_t size)
{
    const char *p = strchr(path, '/');
    size_t used = 0;
    if (p == NULL || p[1] == '\0' || size == 0) {
        return ERR_INVALID;
    }
    for (p++; *p != '\0'; p++) {
        char c = *p;
        if (c == '%') {
            bool is_slash = p[1] == '2' && p[2] == 'F';
            if (!is_slash && !(p[1] == '2' && p[2] == '5')) {
                return ERR_INVALID;
            }
            c = is_slash ? '/' : '%';
            p += 2;
        }
        if (used + 1 >= size) {
            return ERR_INVALID;
        }
        key[used++] = c;
    }
    key[used] = '\0';
    return ERR_OK;
}

enum err conf_path_scope(const char *path, enum conf_scope *scope, struct errmsg *e)
{
    const struct conf_kind *kind = conf_kind_find(path);
    if (kind == NULL) {
        return err_set(e, ERR_INVALID, "there is no kind of object for %.80s", path);
    }
    if (!kind->scope_by_setting) {
        *scope = kind->scope;
        return ERR_OK;
    }
    const char *slash = strchr(path, '/');
    const struct setting *row = slash == NULL ? NULL : setting_find(slash + 1);
    if (row == NULL) {
        return err_set(e, ERR_INVALID, "there is no setting for %.80s", path);
    }
    *scope = row->scope == SETTING_NODE ? CONF_NODE : CONF_CLUSTER;
    return ERR_OK;
}

bool conf_path_readable(const char *path, enum rpc_party party)
{
    const struct conf_kind *kind = conf_kind_find(path);
    return party == RPC_CLUSTERD || (kind != NULL && (kind->readers >> party & 1U) != 0);
}

// ---- values ------------------------------------------------------------------------------------

static bool has_type(const json_t *value, enum conf_member_type type)
{
    switch (type) {
    case CONF_STRING:
        return json_is_string(value);
    case CONF_INTEGER:
        return json_is_integer(value);
    case CONF_BOOL:
        return json_is_boolean(value);
    case CONF_ARRAY:
        return json_is_array(value);
    case CONF_OBJECT:
        return json_is_object(value);
    }
    return false;
}

static enum err check_members(const struct conf_kind *kind, const char *path, const char *json,
                              struct errmsg *e)
{
    static const char *const words[] = {"text", "a whole number", "true or false", "a list",
                                        "an object"};
    json_error_t error;
    json_t *value = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    enum err err = ERR_OK;
    if (!json_is_object(value)) {
        err = err_set(e, ERR_INVALID, "%.80s: the value is no JSON object%s%s", path,
                      value == NULL ? ": " : "", value == NULL ? error.text : "");
    }
    for (size_t i = 0; i < kind->member_count && err == ERR_OK; i++) {
        const struct conf_member *member = &kind->members[i];
        const json_t *found = json_object_get(value, member->name);
        if (found == NULL && (member->flags & CONF_REQUIRED) != 0) {
            err = err_set(e, ERR_INVALID, "%.80s: %s is missing", path, member->name);
        } else if (found != NULL && !json_is_null(found) && !has_type(found, member->type)) {
            err = err_set(e, ERR_INVALID, "%.80s: %s is not %s", path, member->name,
                          words[member->type]);
        }
    }
    json_decref(value);
    return err;
}

enum err conf_kind_check(const char *path, const char *json, struct errmsg *e)
{
    const struct conf_kind *kind = conf_kind_find(path);
    char key[CONF_PATH_MAX];
    if (kind == NULL) {
        return err_set(e, ERR_INVALID, "there is no kind of object for %.80s", path);
    }
    if (strlen(path) >= CONF_PATH_MAX || strlen(json) > CONF_VALUE_MAX) {
        return err_set(e, ERR_TOO_LARGE, "%.80s: path or value is too long", path);
    }
    if (conf_path_key(path, key, sizeof key) != ERR_OK) {
        return err_set(e, ERR_INVALID, "%.80s is not a path kind/key", path);
    }
    // A million blocked names hold "{}": not parsed for nothing.
    bool is_plain = strcmp(json, "{}") == 0 && kind->member_count == 0;
    enum err err = ERR_OK;
    if (!is_plain && kind->check != check_setting && kind->check != check_override) {
        err = check_members(kind, path, json, e);
    }
    if (err == ERR_OK && kind->check != NULL) {
        err = kind->check(key, json, e);
    }
    return err;
}

// ---- masking -----------------------------------------------------------------------------------

static bool is_secret_setting(const char *path, const struct conf_kind *kind)
{
    const char *name = strrchr(path, '/');
    if (kind->check != check_setting && kind->check != check_override) {
        return false;
    }
    const struct setting *row = name == NULL ? NULL : setting_find(name + 1);
    return row == NULL || (row->flags & SETTING_SECRET) != 0;
}

// Members that are secret in any kind: the proxy's password is a member of a setting.
static void mask_member(json_t *value, const char *name)
{
    const json_t *found = json_object_get(value, name);
    if (found != NULL && !json_is_null(found)) {
        (void)json_object_set_new(value, name, json_string(SETTING_MASK));
    }
}

char *conf_kind_mask(const char *path, const char *json)
{
    const struct conf_kind *kind = conf_kind_find(path);
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    if (kind == NULL || kind->is_secret || value == NULL || is_secret_setting(path, kind)) {
        bool is_unset = json_is_null(value);
        json_decref(value);
        return mem_strdup(is_unset ? "null" : "\"" SETTING_MASK "\"");
    }
    for (size_t i = 0; i < kind->member_count; i++) {
        if ((kind->members[i].flags & CONF_SECRET) != 0) {
            mask_member(value, kind->members[i].name);
        }
    }
    mask_member(value, "password");
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char *masked = mem_strdup(text == NULL ? "null" : text);
    free(text);
    json_decref(value);
    return masked;
}
