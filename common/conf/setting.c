#include "common/conf/setting.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/kind.h"
#include "common/conf/setting_value.h"
#include "common/conf/value_form.h"

/*
 * The table of settings, struct settings made from stored objects, and its way back to JSON. How a
 * value is parsed and checked: setting_value.c. All of it is immutable once made; any thread.
 */

// ---- the table ---------------------------------------------------------------------------------

// Words of the enums in setting.h, in their order.
#define WORDS(name, ...)                                                                           \
    static const char *const name##_words[] = {__VA_ARGS__};                                       \
    enum { name##_word_count = sizeof name##_words / sizeof name##_words[0] }
WORDS(ipv6_mode, "Disabled", "Enabled", "Preferred");
WORDS(recursion, "Deny", "Allow", "AllowOnlyForPrivateNetworks", "UseSpecifiedNetworkACL");
WORDS(blocking_type, "AnyAddress", "NxDomain", "CustomAddress");
WORDS(proxy_type, "None", "Http", "Socks5");
WORDS(forwarder_protocol, "Udp", "Tcp", "Tls", "Https", "Quic");
WORDS(logging_type, "None", "File", "Console", "FileAndConsole");
WORDS(NONE, "");
_Static_assert((int)ipv6_mode_word_count == SETTING_IPV6_COUNT, "words of ipv6Mode");
_Static_assert((int)recursion_word_count == SETTING_RECURSION_COUNT, "words of recursion");
_Static_assert((int)blocking_type_word_count == SETTING_BLOCKING_COUNT, "words of blockingType");
_Static_assert((int)proxy_type_word_count == SETTING_PROXY_COUNT, "words of proxyType");
_Static_assert((int)forwarder_protocol_word_count == SETTING_FORWARD_COUNT, "words of protocols");
_Static_assert((int)logging_type_word_count == SETTING_LOGGING_COUNT, "words of loggingType");
_Static_assert(sizeof(enum setting_recursion) == sizeof(unsigned), "enums are read as unsigned");

// The flags as the rows write them.
enum {
    SECRET = SETTING_SECRET,
    NULLABLE = SETTING_NULLABLE,
    HIDDEN = SETTING_HIDDEN,
    READ_ONLY = SETTING_READ_ONLY,
    SET_ONLY = SETTING_SET_ONLY,
    LEGACY = SETTING_LEGACY,
    EMPTY_DEFAULT = SETTING_EMPTY_DEFAULT,
    DROP_BAD = SETTING_DROP_BAD,
    HOST_NAME = SETTING_HOST_NAME,
};

#define JSON(...) #__VA_ARGS__
#define ROW(kind_, words_, name_, scope_, effect_, flags_, initial_, min_, max_, form_, offset_,   \
            help_)                                                                                 \
    {.name = (name_),                                                                              \
     .kind = SETTING_##kind_,                                                                      \
     .scope = SETTING_##scope_,                                                                    \
     .effect = SETTING_##effect_,                                                                  \
     .flags = (flags_),                                                                            \
     .initial = (initial_),                                                                        \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .form = SETTING_FORM_##form_,                                                                 \
     .words = words_##_words,                                                                      \
     .word_count = words_##_word_count,                                                            \
     .offset = (offset_),                                                                          \
     .help = (help_)},
#define SETTING(kind, field, name, scope, effect, flags, initial, min, max, form, help)            \
    ROW(kind, NONE, name, scope, effect, flags, initial, min, max, form,                           \
        offsetof(struct settings, field), help)
#define CHOICE(words, field, name, scope, effect, flags, initial, help)                            \
    ROW(WORD, words, name, scope, effect, flags, initial, 0, 0, ANY,                               \
        offsetof(struct settings, field), help)
#define VIRTUAL(kind, words, name, scope, effect, flags, initial, min, max, form, help)            \
    ROW(kind, words, name, scope, effect, flags, initial, min, max, form, SETTING_NO_FIELD, help)
const struct setting setting_table[] = {
#include "common/conf/settings.def"
};
const size_t setting_count = sizeof setting_table / sizeof setting_table[0];

const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < setting_count; i++) {
        if (strcmp(setting_table[i].name, name) == 0) {
            return &setting_table[i];
        }
    }
    return NULL;
}

static json_t *host_name(void)
{
    char host[256];
    char canonical[VALUE_FORM_MAX];
    if (gethostname(host, sizeof host - 1) != 0) {
        return NULL;
    }
    host[sizeof host - 1] = '\0';
    return value_form_check(SETTING_FORM_DOMAIN, host, canonical) ? json_string(canonical) : NULL;
}

json_t *setting_default_json(const struct setting *row)
{
    json_t *json = (row->flags & SETTING_HOST_NAME) != 0 ? host_name() : NULL;
    if (json == NULL) {
        json = json_loads(row->initial, JSON_DECODE_ANY, NULL);
    }
    assert(json != NULL);
    return json;
}

// ---- JSON to struct ----------------------------------------------------------------------------

// What settings_free gets is the first member.
struct owned_settings {
    struct settings settings;
    struct arena arena;
};

static const char *take_string(struct arena *arena, const json_t *json)
{
    return json_is_string(json) ? arena_strdup(arena, json_string_value(json)) : NULL;
}

static struct setting_list take_list(struct arena *arena, const json_t *json)
{
    size_t count = json_array_size(json);
    if (count == 0) {
        return (struct setting_list){0};
    }
    const char **items = arena_alloc(arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = take_string(arena, json_array_get(json, i));
    }
    return (struct setting_list){.items = items, .count = count};
}

static struct setting_ports take_ports(struct arena *arena, const json_t *json)
{
    size_t count = json_array_size(json);
    uint16_t *items = arena_alloc(arena, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (uint16_t)json_integer_value(json_array_get(json, i));
    }
    return (struct setting_ports){.items = items, .count = count};
}

static uint32_t take_u32(const json_t *object, const char *member)
{
    return (uint32_t)json_integer_value(json_object_get(object, member));
}

static struct setting_qpm_list take_qpm(struct arena *arena, const json_t *json)
{
    size_t count = json_array_size(json);
    struct setting_qpm *items = arena_alloc(arena, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(json, i);
        items[i] = (struct setting_qpm){.prefix = take_u32(row, "prefix"),
                                        .udp_limit = take_u32(row, "udpLimit"),
                                        .tcp_limit = take_u32(row, "tcpLimit")};
    }
    return (struct setting_qpm_list){.items = items, .count = count};
}

static unsigned take_word(const struct setting *row, const json_t *json)
{
    unsigned word = 0;
    bool found = setting_word_find(row, json_string_value(json), &word);
    assert(found);
    return word;
}

static struct setting_proxy take_proxy(struct arena *arena, const json_t *json)
{
    if (!json_is_object(json)) {
        return (struct setting_proxy){.type = SETTING_PROXY_NONE};
    }
    return (struct setting_proxy){
        .type = (enum setting_proxy_type)take_word(setting_find("proxyType"),
                                                   json_object_get(json, "type")),
        .address = take_string(arena, json_object_get(json, "address")),
        .port = (int32_t)json_integer_value(json_object_get(json, "port")),
        .username = take_string(arena, json_object_get(json, "username")),
        .password = take_string(arena, json_object_get(json, "password")),
        .bypass = take_list(arena, json_object_get(json, "bypass"))};
}

static struct setting_tsig_list take_tsig(struct arena *arena, const json_t *json)
{
    size_t count = json_array_size(json);
    struct setting_tsig *items = arena_alloc(arena, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(json, i);
        items[i] = (struct setting_tsig){
            .name = take_string(arena, json_object_get(row, "keyName")),
            .algorithm = take_string(arena, json_object_get(row, "algorithmName")),
            .secret = take_string(arena, json_object_get(row, "sharedSecret"))};
    }
    return (struct setting_tsig_list){.items = items, .count = count};
}

// `json` is canonical.
static void take(struct owned_settings *owned, const struct setting *row, const json_t *json)
{
    void *field = (char *)&owned->settings + row->offset;
    struct arena *arena = &owned->arena;
    switch (row->kind) {
    case SETTING_BOOL:
        *(bool *)field = json_is_true(json);
        break;
    case SETTING_I32:
        *(int32_t *)field = (int32_t)json_integer_value(json);
        break;
    case SETTING_U32:
        *(uint32_t *)field = (uint32_t)json_integer_value(json);
        break;
    case SETTING_I64:
        *(int64_t *)field = json_integer_value(json);
        break;
    case SETTING_WORD:
        *(unsigned *)field = take_word(row, json);
        break;
    case SETTING_STRING:
        *(const char **)field = take_string(arena, json);
        break;
    case SETTING_LIST:
        *(struct setting_list *)field = take_list(arena, json);
        break;
    case SETTING_PORTS:
        *(struct setting_ports *)field = take_ports(arena, json);
        break;
    case SETTING_QPM:
        *(struct setting_qpm_list *)field = take_qpm(arena, json);
        break;
    case SETTING_PROXY:
        *(struct setting_proxy *)field = take_proxy(arena, json);
        break;
    case SETTING_TSIG:
        *(struct setting_tsig_list *)field = take_tsig(arena, json);
        break;
    case SETTING_KIND_COUNT:
        break;
    }
}

// ---- loading -----------------------------------------------------------------------------------

static const char *stored_text(const struct conf_map *map, uint32_t node_id, const char *name)
{
    char path[CONF_PATH_MAX];
    if (node_id != 0 && conf_path_override(node_id, name, path, sizeof path) == ERR_OK) {
        const char *text = conf_map_get(map, path);
        if (text != NULL) {
            return text;
        }
    }
    return conf_path_make("settings", name, path, sizeof path) == ERR_OK ? conf_map_get(map, path)
                                                                         : NULL;
}

static enum err load_row(struct owned_settings *owned, const struct conf_map *map, uint32_t node_id,
                         const struct setting *row, struct errmsg *e)
{
    const char *text = map == NULL ? NULL : stored_text(map, node_id, row->name);
    if (text == NULL) {
        json_t *initial = setting_default_json(row);
        take(owned, row, initial);
        json_decref(initial);
        return ERR_OK;
    }
    json_t *stored = json_loads(text, JSON_DECODE_ANY, NULL);
    json_t *canonical = NULL;
    if (stored == NULL) {
        return err_set(e, ERR_INVALID, "setting %s: the stored value is no JSON", row->name);
    }
    enum err err = setting_normalize(row, stored, &canonical, e);
    if (err == ERR_OK) {
        take(owned, row, canonical);
    }
    json_decref(stored);
    json_decref(canonical);
    return err;
}

static bool collect_tsig(void *ctx, const char *path, const char *json)
{
    char name[CONF_PATH_MAX];
    json_t *value = json_loads(json, 0, NULL);
    if (value != NULL && conf_path_key(path, name, sizeof name) == ERR_OK) {
        json_t *row = json_pack("{s:s, s:O?, s:O?}", "keyName", name, "sharedSecret",
                                json_object_get(value, "secret"), "algorithmName",
                                json_object_get(value, "algorithm"));
        (void)json_array_append_new(ctx, row);
    }
    json_decref(value);
    return true;
}

static enum err load_tsig(struct owned_settings *owned, const struct conf_map *map,
                          const struct setting *row, struct errmsg *e)
{
    json_t *keys = json_array();
    json_t *canonical = NULL;
    if (map != NULL) {
        conf_map_each(map, "tsig/", collect_tsig, keys);
    }
    enum err err = setting_normalize(row, keys, &canonical, e);
    if (err == ERR_OK) {
        take(owned, row, canonical);
    }
    json_decref(keys);
    json_decref(canonical);
    return err;
}

enum err settings_load(const struct conf_map *map, uint32_t node_id, struct settings **out,
                       struct errmsg *e)
{
    struct owned_settings *owned = mem_zalloc(sizeof *owned);
    enum err err = ERR_OK;
    arena_init(&owned->arena);
    for (size_t i = 0; i < setting_count && err == ERR_OK; i++) {
        const struct setting *row = &setting_table[i];
        if (row->kind == SETTING_TSIG) {
            err = load_tsig(owned, map, row, e);
        } else if (setting_is_stored(row)) {
            err = load_row(owned, map, node_id, row, e);
        }
    }
    if (err != ERR_OK) {
        settings_free(&owned->settings);
        return err;
    }
    *out = &owned->settings;
    return ERR_OK;
}

struct settings *settings_new_default(void)
{
    struct settings *settings = NULL;
    enum err err = settings_load(NULL, 0, &settings, NULL);
    assert(err == ERR_OK);
    return settings;
}

void settings_free(struct settings *settings)
{
    if (settings != NULL) {
        struct owned_settings *owned = (struct owned_settings *)settings;
        arena_fini(&owned->arena);
        mem_free(owned);
    }
}

uint32_t settings_node_id(const struct conf_map *map)
{
    const char *text = conf_map_get(map, "node/identity");
    json_t *identity = text == NULL ? NULL : json_loads(text, 0, NULL);
    json_int_t id = json_integer_value(json_object_get(identity, "id"));
    json_decref(identity);
    return id > 0 && id <= INT32_MAX ? (uint32_t)id : 0;
}

// ---- struct to JSON ----------------------------------------------------------------------------

static json_t *give_string(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *give_secret(const char *text, bool reveal)
{
    return text == NULL || reveal ? give_string(text) : json_string(SETTING_MASK);
}

static json_t *give_list(const struct setting *row, const struct setting_list *list)
{
    if (list->count == 0 && (row->flags & SETTING_NULLABLE) != 0) {
        return json_null();
    }
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        (void)json_array_append_new(array, json_string(list->items[i]));
    }
    return array;
}

static json_t *give_ports(const struct setting_ports *ports)
{
    json_t *array = json_array();
    for (size_t i = 0; i < ports->count; i++) {
        (void)json_array_append_new(array, json_integer(ports->items[i]));
    }
    return array;
}

static json_t *give_qpm(const struct setting_qpm_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct setting_qpm *row = &list->items[i];
        (void)json_array_append_new(
            array, json_pack("{s:I, s:I, s:I}", "prefix", (json_int_t)row->prefix, "udpLimit",
                             (json_int_t)row->udp_limit, "tcpLimit", (json_int_t)row->tcp_limit));
    }
    return array;
}

static json_t *give_proxy(const struct setting_proxy *proxy, bool reveal)
{
    if (proxy->type == SETTING_PROXY_NONE) {
        return json_null();
    }
    json_t *object = json_pack("{s:s, s:s, s:i}", "type", proxy_type_words[proxy->type], "address",
                               proxy->address, "port", proxy->port);
    if (proxy->username != NULL) {
        (void)json_object_set_new(object, "username", json_string(proxy->username));
        (void)json_object_set_new(object, "password", give_secret(proxy->password, reveal));
    }
    (void)json_object_set_new(object, "bypass",
                              give_list(setting_find("proxyBypass"), &proxy->bypass));
    return object;
}

// settings/get shows TSIG secrets: other servers need them typed in.
static json_t *give_tsig(const struct setting_tsig_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct setting_tsig *key = &list->items[i];
        (void)json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "keyName", key->name,
                                                     "sharedSecret", key->secret, "algorithmName",
                                                     key->algorithm));
    }
    return array;
}

// Older names that follow from newer ones.
static json_t *give_legacy(const struct setting *row, const struct settings *settings)
{
    if (strcmp(row->name, "preferIPv6") == 0) {
        return json_boolean(settings->ipv6_mode == SETTING_IPV6_PREFERRED);
    }
    if (strcmp(row->name, "enableLogging") == 0) {
        return json_boolean(settings->logging_type != SETTING_LOGGING_NONE);
    }
    return NULL;
}

json_t *setting_value_json(const struct setting *row, const struct settings *settings, bool reveal)
{
    if (!setting_is_stored(row)) {
        return give_legacy(row, settings);
    }
    const void *field = (const char *)settings + row->offset;
    switch (row->kind) {
    case SETTING_BOOL:
        return json_boolean(*(const bool *)field);
    case SETTING_I32:
        return json_integer(*(const int32_t *)field);
    case SETTING_U32:
        return json_integer(*(const uint32_t *)field);
    case SETTING_I64:
        return json_integer(*(const int64_t *)field);
    case SETTING_WORD:
        return json_string(row->words[*(const unsigned *)field]);
    case SETTING_STRING:
        return give_secret(*(const char *const *)field,
                           reveal || (row->flags & SETTING_SECRET) == 0);
    case SETTING_LIST:
        return give_list(row, field);
    case SETTING_PORTS:
        return give_ports(field);
    case SETTING_QPM:
        return give_qpm(field);
    case SETTING_PROXY:
        return give_proxy(field, reveal);
    case SETTING_TSIG:
        return give_tsig(field);
    case SETTING_KIND_COUNT:
        break;
    }
    return NULL;
}

json_t *settings_get_json(const struct settings *settings)
{
    json_t *all = json_object();
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        if ((row->flags & (SETTING_HIDDEN | SETTING_READ_ONLY | SETTING_SET_ONLY)) == 0) {
            (void)json_object_set_new(all, row->name, setting_value_json(row, settings, false));
        }
    }
    return all;
}
