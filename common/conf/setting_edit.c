#include "common/conf/setting_edit.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/kind.h"

/*
 * settings/set in two steps: everything sent is brought into canonical JSON by API name (`values`;
 * the first error ends it), then what differs from the present settings is given to the caller.
 * Any thread.
 */

// Canonical JSON of what was sent for `row`; NULL = not sent, or "as it was".
typedef enum err (*source_fn)(const void *ctx, const struct setting *row, json_t **out,
                              struct errmsg *e);

struct edit {
    const struct settings *now;
    source_fn source;
    const void *source_ctx;
    json_t *values; // API name to canonical JSON
};

struct form_source {
    settings_param_fn param;
    void *ctx;
};

static enum err from_form(const void *ctx, const struct setting *row, json_t **out,
                          struct errmsg *e)
{
    const struct form_source *form = ctx;
    const char *text = form->param(form->ctx, row->name);
    *out = NULL;
    return text == NULL ? ERR_OK : setting_parse_form(row, text, out, e);
}

static enum err from_body(const void *ctx, const struct setting *row, json_t **out,
                          struct errmsg *e)
{
    const json_t *value = json_object_get(ctx, row->name);
    *out = NULL;
    if (value == NULL) {
        return ERR_OK;
    }
    if (json_is_null(value)) {
        return setting_parse_form(row, "", out, e);
    }
    if (json_is_string(value)) {
        return setting_parse_form(row, json_string_value(value), out, e);
    }
    return setting_normalize(row, value, out, e);
}

// Puts what was sent for `name` into values; nothing when it was not sent.
static enum err take(struct edit *edit, const char *name, struct errmsg *e)
{
    json_t *value = NULL;
    enum err err = edit->source(edit->source_ctx, setting_find(name), &value, e);
    if (err == ERR_OK && value != NULL) {
        (void)json_object_set_new(edit->values, name, value);
    }
    return err;
}

// ---- older names -------------------------------------------------------------------------------

static const char *word_for_prefer_ipv6(const struct settings *now, bool is_true)
{
    if (is_true) {
        return "Preferred";
    }
    return now->ipv6_mode == SETTING_IPV6_PREFERRED ? "Disabled" : NULL;
}

static const char *word_for_enable_logging(const struct settings *now, bool is_true)
{
    if (!is_true) {
        return "None";
    }
    return now->logging_type == SETTING_LOGGING_NONE ? "File" : NULL;
}

// A boolean that stands for a word of the newer setting (NULL = leave it), read only without that.
static const struct {
    const char *older;
    const char *newer;
    const char *(*word)(const struct settings *now, bool is_true);
} older_switches[] = {
    {"preferIPv6",    "ipv6Mode",    word_for_prefer_ipv6   },
    {"enableLogging", "loggingType", word_for_enable_logging},
};

static enum err take_older(struct edit *edit, struct errmsg *e)
{
    json_t *value = NULL;
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof older_switches / sizeof older_switches[0]; i++) {
        if (json_object_get(edit->values, older_switches[i].newer) != NULL) {
            continue;
        }
        err = edit->source(edit->source_ctx, setting_find(older_switches[i].older), &value, e);
        if (err != ERR_OK) {
            return err;
        }
        const char *word =
            value == NULL ? NULL : older_switches[i].word(edit->now, json_is_true(value));
        json_decref(value);
        if (word != NULL) {
            (void)json_object_set_new(edit->values, older_switches[i].newer, json_string(word));
        }
    }
    if (json_object_get(edit->values, "dnsReverseProxyNetworkACL") != NULL) {
        return ERR_OK;
    }
    err = edit->source(edit->source_ctx, setting_find("reverseProxyNetworkACL"), &value, e);
    if (err == ERR_OK && value != NULL) {
        (void)json_object_set_new(edit->values, "dnsReverseProxyNetworkACL", value);
    }
    return err;
}

// ---- the proxy ---------------------------------------------------------------------------------

// Puts the part `name` into `proxy` as `member`: as sent, else as it was.
static enum err take_part(struct edit *edit, json_t *proxy, const json_t *before,
                          const char *member, const char *name, struct errmsg *e)
{
    json_t *value = NULL;
    enum err err = edit->source(edit->source_ctx, setting_find(name), &value, e);
    if (err != ERR_OK) {
        return err;
    }
    if (value == NULL) {
        value = json_incref(json_object_get(before, member));
    }
    if (value != NULL && !json_is_null(value)) {
        (void)json_object_set(proxy, member, value);
    }
    json_decref(value);
    return ERR_OK;
}

static enum err take_proxy(struct edit *edit, struct errmsg *e)
{
    static const struct {
        const char *member;
        const char *name;
    } parts[] = {
        {"address",  "proxyAddress" },
        {"port",     "proxyPort"    },
        {"username", "proxyUsername"},
        {"password", "proxyPassword"},
        {"bypass",   "proxyBypass"  }
    };
    const struct setting *row = setting_find("proxy");
    json_t *type = NULL;
    json_t *value = NULL;
    enum err err = edit->source(edit->source_ctx, setting_find("proxyType"), &type, e);
    if (err != ERR_OK || type == NULL) {
        return err;
    }
    json_t *before = setting_value_json(row, edit->now, true);
    json_t *proxy = json_pack("{s:o}", "type", type);
    bool is_none = strcmp(json_string_value(type), "None") == 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !is_none && err == ERR_OK; i++) {
        err = take_part(edit, proxy, before, parts[i].member, parts[i].name, e);
    }
    if (err == ERR_OK) {
        err = setting_normalize(row, proxy, &value, e);
    }
    if (err == ERR_OK) {
        (void)json_object_set_new(edit->values, "proxy", value);
    }
    json_decref(before);
    json_decref(proxy);
    return err;
}

// ---- TSIG keys ---------------------------------------------------------------------------------

static const struct setting_tsig *find_key(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->tsig_keys.count; i++) {
        if (strcmp(settings->tsig_keys.items[i].name, name) == 0) {
            return &settings->tsig_keys.items[i];
        }
    }
    return NULL;
}

static const char *key_name(const json_t *row)
{
    return json_string_value(json_object_get(row, "keyName"));
}

// The mask as a secret stands for the stored one.
static enum err unmask_keys(const struct settings *now, json_t *keys, struct errmsg *e)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        json_t *row = json_array_get(keys, i);
        const struct setting_tsig *key = find_key(now, key_name(row));
        const char *secret = json_string_value(json_object_get(row, "sharedSecret"));
        if (strcmp(secret, SETTING_MASK) != 0) {
            continue;
        }
        if (key == NULL) {
            return err_set(e, ERR_INVALID, "setting tsigKeys: key %.80s has no stored secret",
                           key_name(row));
        }
        (void)json_object_set_new(row, "sharedSecret", json_string(key->secret));
    }
    return ERR_OK;
}

static enum err check_twice(const json_t *keys, struct errmsg *e)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *name = key_name(json_array_get(keys, i));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(name, key_name(json_array_get(keys, k))) == 0) {
                return err_set(e, ERR_INVALID, "setting tsigKeys: key %.80s is there twice", name);
            }
        }
    }
    return ERR_OK;
}

// ---- both steps --------------------------------------------------------------------------------

static enum err take_all(struct edit *edit, struct errmsg *e)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < setting_count && err == ERR_OK; i++) {
        const struct setting *row = &setting_table[i];
        if (setting_is_stored(row) && (row->flags & SETTING_HIDDEN) == 0 &&
            row->kind != SETTING_PROXY) {
            err = take(edit, row->name, e);
        }
    }
    if (err == ERR_OK) {
        err = take_older(edit, e);
    }
    if (err == ERR_OK) {
        err = take_proxy(edit, e);
    }
    json_t *keys = json_object_get(edit->values, "tsigKeys");
    if (err == ERR_OK) {
        err = check_twice(keys, e);
    }
    if (err == ERR_OK) {
        err = unmask_keys(edit->now, keys, e);
    }
    if (err == ERR_OK && json_object_get(edit->values, "forwarders") == NULL) {
        (void)json_object_del(edit->values, "forwarderProtocol");
    }
    return err;
}

static void give(const char *kind, const char *key, const json_t *value, settings_change_fn change,
                 void *ctx)
{
    char path[CONF_PATH_MAX];
    if (conf_path_make(kind, key, path, sizeof path) != ERR_OK) {
        return; // names are checked and shorter
    }
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    change(ctx, path, text);
    free(text);
}

static void give_keys(const struct settings *now, const json_t *keys, settings_change_fn change,
                      void *ctx)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *row = json_array_get(keys, i);
        const struct setting_tsig *key = find_key(now, key_name(row));
        const char *secret = json_string_value(json_object_get(row, "sharedSecret"));
        const char *algorithm = json_string_value(json_object_get(row, "algorithmName"));
        if (key == NULL || strcmp(key->secret, secret) != 0 ||
            strcmp(key->algorithm, algorithm) != 0) {
            json_t *value = json_pack("{s:s, s:s}", "algorithm", algorithm, "secret", secret);
            give("tsig", key_name(row), value, change, ctx);
            json_decref(value);
        }
    }
    for (size_t i = 0; i < now->tsig_keys.count; i++) {
        const char *name = now->tsig_keys.items[i].name;
        bool stays = false;
        for (size_t k = 0; k < json_array_size(keys) && !stays; k++) {
            stays = strcmp(key_name(json_array_get(keys, k)), name) == 0;
        }
        if (!stays) {
            give("tsig", name, NULL, change, ctx);
        }
    }
}

static void give_all(const struct edit *edit, settings_change_fn change, void *ctx)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(edit->values, name, value)
    {
        const struct setting *row = setting_find(name);
        if (row->kind == SETTING_TSIG) {
            give_keys(edit->now, value, change, ctx);
            continue;
        }
        json_t *before = setting_value_json(row, edit->now, true);
        if (!json_equal(before, value)) {
            give("settings", name, value, change, ctx);
        }
        json_decref(before);
    }
}

static enum err run(struct edit *edit, settings_change_fn change, void *ctx, struct errmsg *e)
{
    edit->values = json_object();
    enum err err = take_all(edit, e);
    if (err == ERR_OK) {
        give_all(edit, change, ctx);
    }
    json_decref(edit->values);
    return err;
}

enum err settings_edit_form(const struct settings *now, settings_param_fn param, void *param_ctx,
                            settings_change_fn change, void *change_ctx, struct errmsg *e)
{
    struct form_source form = {.param = param, .ctx = param_ctx};
    struct edit edit = {.now = now, .source = from_form, .source_ctx = &form};
    return run(&edit, change, change_ctx, e);
}

enum err settings_edit_json(const struct settings *now, const json_t *body,
                            settings_change_fn change, void *change_ctx, struct errmsg *e)
{
    struct edit edit = {.now = now, .source = from_body, .source_ctx = body};
    if (!json_is_object(body)) {
        return err_set(e, ERR_INVALID, "the body is not a JSON object of settings");
    }
    return run(&edit, change, change_ctx, e);
}
