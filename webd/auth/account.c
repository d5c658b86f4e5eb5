// Users, groups and rights, read from the config objects.

#include "webd/auth/account.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/conf/kind.h"

// clang-format off
const char *const section_names[SECTION_COUNT] = {
    [SECTION_DASHBOARD] = "Dashboard",   [SECTION_ZONES] = "Zones",
    [SECTION_CACHE] = "Cache",           [SECTION_ALLOWED] = "Allowed",
    [SECTION_BLOCKED] = "Blocked",       [SECTION_APPS] = "Apps",
    [SECTION_DNS_CLIENT] = "DnsClient",  [SECTION_SETTINGS] = "Settings",
    [SECTION_DHCP] = "DhcpServer",       [SECTION_ADMINISTRATION] = "Administration",
    [SECTION_LOGS] = "Logs",
};

// What the built-in groups have in each section at first. Administrators have everything.
static const struct {
    unsigned dns;
    unsigned dhcp;
    unsigned everyone;
} initial_rights[SECTION_COUNT] = {
    [SECTION_DASHBOARD] = {.everyone = PERMISSION_VIEW},
    [SECTION_ZONES] = {.dns = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_CACHE] = {.dns = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_ALLOWED] = {.dns = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_BLOCKED] = {.dns = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_APPS] = {.dns = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_DNS_CLIENT] = {.dns = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_SETTINGS] = {.dns = PERMISSION_ALL},
    [SECTION_DHCP] = {.dhcp = PERMISSION_ALL, .everyone = PERMISSION_VIEW},
    [SECTION_ADMINISTRATION] = {.dns = 0},
    [SECTION_LOGS] = {.everyone = PERMISSION_VIEW},
};
// clang-format on

bool group_is_built_in(const char *group)
{
    static const char *const names[] = {GROUP_ADMINISTRATORS, GROUP_DNS, GROUP_DHCP,
                                        GROUP_EVERYONE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal_nocase(names[i], group)) {
            return true;
        }
    }
    return false;
}

static json_t *load_object(const struct conf_map *map, const char *kind, const char *key)
{
    char path[CONF_PATH_MAX];
    if (conf_path_make(kind, key, path, sizeof path) != ERR_OK) {
        return NULL;
    }
    const char *text = conf_map_get(map, path);
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

static void copy_member(const json_t *object, const char *member, char *dst, size_t size)
{
    const char *text = json_string_value(json_object_get(object, member));
    if (!str_copy(dst, size, text == NULL ? "" : text)) {
        dst[0] = 0;
    }
}

bool account_load(const struct conf_map *map, const char *name, struct account *out)
{
    *out = (struct account){0};
    if (!str_copy(out->name, sizeof out->name, name) || name[0] == 0) {
        return false;
    }
    out->object = load_object(map, "users", name);
    if (!json_is_object(out->object)) {
        account_fini(out);
        return false;
    }
    copy_member(out->object, "displayName", out->display, sizeof out->display);
    if (out->display[0] == 0) {
        memcpy(out->display, out->name, sizeof out->display);
    }
    copy_member(out->object, "passwordHash", out->password, sizeof out->password);
    copy_member(out->object, "totpSecret", out->totp, sizeof out->totp);
    out->is_disabled = json_is_true(json_object_get(out->object, "disabled"));
    const json_t *timeout = json_object_get(out->object, "sessionTimeoutSeconds");
    out->session_timeout_s =
        json_is_integer(timeout) ? (uint32_t)json_integer_value(timeout) : ACCOUNT_TIMEOUT_DEFAULT;
    return true;
}

void account_fini(struct account *account)
{
    json_decref(account->object);
    account->object = NULL;
}

static size_t member_index(const struct account *account, const char *group)
{
    const json_t *groups = json_object_get(account->object, "groups");
    size_t count = json_array_size(groups);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(groups, i));
        if (name != NULL && str_equal_nocase(name, group)) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool account_is_member(const struct account *account, const char *group)
{
    return str_equal_nocase(group, GROUP_EVERYONE) || member_index(account, group) != SIZE_MAX;
}

void account_set_member(struct account *account, const char *group, bool is_member)
{
    json_t *groups = json_object_get(account->object, "groups");
    if (!json_is_array(groups)) {
        groups = json_array();
        json_object_set_new(account->object, "groups", groups);
    }
    size_t at = member_index(account, group);
    if (is_member && at == SIZE_MAX) {
        json_array_append_new(groups, json_string(group));
    } else if (!is_member && at != SIZE_MAX) {
        json_array_remove(groups, at);
    }
}

bool account_name_normalize(const char *name, char out[ACCOUNT_NAME_MAX])
{
    if (name[0] == 0 || !str_copy(out, ACCOUNT_NAME_MAX, name)) {
        return false;
    }
    str_lower(out);
    for (const char *p = out; *p != 0; p++) {
        bool is_allowed =
            (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("@-_.", *p) != NULL;
        if (!is_allowed) {
            return false;
        }
    }
    return true;
}

struct administrator_search {
    const struct conf_map *map;
    bool is_found;
};

static bool is_administrator(void *ctx, const char *path, const char *json)
{
    struct administrator_search *search = ctx;
    (void)json;
    char key[CONF_PATH_MAX];
    struct account account;
    if (conf_path_key(path, key, sizeof key) != ERR_OK ||
        !account_load(search->map, key, &account)) {
        return true;
    }
    search->is_found = account.password[0] != 0 && !account.is_disabled &&
                       account_is_member(&account, GROUP_ADMINISTRATORS);
    account_fini(&account);
    return !search->is_found;
}

bool account_has_administrator(const struct conf_map *map)
{
    struct administrator_search search = {.map = map};
    conf_map_each(map, "users/", is_administrator, &search);
    return search.is_found;
}

// ---- rights ------------------------------------------------------------------------------------

bool section_find(const char *name, enum section *out)
{
    uint32_t number;
    if (str_to_u32(name, SECTION_COUNT, &number) == ERR_OK && number > 0) {
        *out = (enum section)(number - 1); // the API counts sections from 1
        return true;
    }
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (str_equal_nocase(section_names[i], name)) {
            *out = (enum section)i;
            return true;
        }
    }
    return false;
}

unsigned permission_from_text(const char *text)
{
    unsigned flags = 0;
    for (; text != NULL && *text != 0; text++) {
        flags |= *text == 'V'   ? (unsigned)PERMISSION_VIEW
                 : *text == 'M' ? (unsigned)PERMISSION_MODIFY
                 : *text == 'D' ? (unsigned)PERMISSION_DELETE
                                : 0u;
    }
    return flags;
}

void permission_to_text(unsigned flags, char out[4])
{
    size_t n = 0;
    if ((flags & PERMISSION_VIEW) != 0) {
        out[n++] = 'V';
    }
    if ((flags & PERMISSION_MODIFY) != 0) {
        out[n++] = 'M';
    }
    if ((flags & PERMISSION_DELETE) != 0) {
        out[n++] = 'D';
    }
    out[n] = 0;
}

static unsigned flags_in(const json_t *object, const struct account *account)
{
    const json_t *users = json_object_get(object, "users");
    unsigned flags = permission_from_text(json_string_value(json_object_get(users, account->name)));
    json_t *groups = json_object_get(object, "groups");
    for (void *at = json_object_iter(groups); at != NULL; at = json_object_iter_next(groups, at)) {
        if (account_is_member(account, json_object_iter_key(at))) {
            flags |= permission_from_text(json_string_value(json_object_iter_value(at)));
        }
    }
    return flags;
}

unsigned permission_of(const struct conf_map *map, const struct account *account,
                       enum section section)
{
    if (account_is_member(account, GROUP_ADMINISTRATORS)) {
        return PERMISSION_ALL;
    }
    json_t *object = load_object(map, "permissions", section_names[section]);
    unsigned flags = object == NULL ? 0 : flags_in(object, account);
    json_decref(object);
    return flags;
}

unsigned permission_of_zone(const struct conf_map *map, const struct account *account,
                            const char *zone)
{
    if (account_is_member(account, GROUP_ADMINISTRATORS) || account_is_member(account, GROUP_DNS)) {
        return PERMISSION_ALL;
    }
    json_t *object = load_object(map, "zonePermissions", zone);
    unsigned flags = object == NULL ? 0 : flags_in(object, account);
    json_decref(object);
    return flags;
}

unsigned permission_kept(enum section section, const char *group)
{
    if (str_equal_nocase(group, GROUP_ADMINISTRATORS)) {
        return PERMISSION_ALL;
    }
    if (str_equal_nocase(group, GROUP_DNS)) {
        return initial_rights[section].dns;
    }
    return str_equal_nocase(group, GROUP_DHCP) ? initial_rights[section].dhcp : 0;
}

static void put_initial(json_t *groups, const char *group, unsigned flags)
{
    char text[4];
    permission_to_text(flags, text);
    if (flags != 0) {
        json_object_set_new(groups, group, json_string(text));
    }
}

json_t *permission_initial(enum section section)
{
    json_t *groups = json_object();
    put_initial(groups, GROUP_ADMINISTRATORS, PERMISSION_ALL);
    put_initial(groups, GROUP_DNS, initial_rights[section].dns);
    put_initial(groups, GROUP_DHCP, initial_rights[section].dhcp);
    put_initial(groups, GROUP_EVERYONE, initial_rights[section].everyone);
    return json_pack("{s:{},s:o}", "users", "groups", groups);
}
