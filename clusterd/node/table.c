#include "clusterd/node/table.h"

#include "common/base/log.h"
#include "common/base/mem.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cluster_options cluster_options_default = {
    .heartbeat_refresh_s = 30,
    .heartbeat_retry_s = 10,
    .config_refresh_s = 900,
    .config_retry_s = 60,
};

static const struct {
    const char *api_name;
    const char *member;
    size_t offset;
    uint32_t min;
    uint32_t max;
} OPTIONS[] = {
    {"heartbeatRefreshIntervalSeconds", "heartbeatRefresh",
     offsetof(struct cluster_options,                                                        heartbeat_refresh_s), 10, 300 },
    {"heartbeatRetryIntervalSeconds",   "heartbeatRetry",
     offsetof(struct cluster_options,                                                        heartbeat_retry_s),   10, 300 },
    {"configRefreshIntervalSeconds",    "configRefresh",
     offsetof(struct cluster_options,                                                        config_refresh_s),    30, 3600},
    {"configRetryIntervalSeconds",      "configRetry",      offsetof(struct cluster_options, config_retry_s),
     30,                                                                                                               3600},
};
#define OPTION_COUNT (sizeof OPTIONS / sizeof OPTIONS[0])

static uint32_t option_get(const struct cluster_options *options, size_t at)
{
    uint32_t value;
    memcpy(&value, (const char *)options + OPTIONS[at].offset, sizeof value);
    return value;
}

static void option_set(struct cluster_options *options, size_t at, uint32_t value)
{
    memcpy((char *)options + OPTIONS[at].offset, &value, sizeof value);
}

enum err cluster_options_check(const struct cluster_options *options, struct errmsg *e)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        uint32_t value = option_get(options, i);
        if (value < OPTIONS[i].min || value > OPTIONS[i].max) {
            return err_set(e, ERR_INVALID, "%s is %u, it must be %u to %u", OPTIONS[i].api_name,
                           value, OPTIONS[i].min, OPTIONS[i].max);
        }
    }
    if (options->config_refresh_s <= options->heartbeat_refresh_s) {
        return err_set(e, ERR_INVALID,
                       "configRefreshIntervalSeconds must be longer than "
                       "heartbeatRefreshIntervalSeconds");
    }
    return ERR_OK;
}

// ---- objects to structs ------------------------------------------------------------------------

static const char *text_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

// IP addresses have one text form each, so that lists can be compared.
static bool canonical_address(const char *text, char out[NODE_ADDRESS_TEXT])
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        return inet_ntop(AF_INET, bytes, out, NODE_ADDRESS_TEXT) != NULL;
    }
    return inet_pton(AF_INET6, text, bytes) == 1 &&
           inet_ntop(AF_INET6, bytes, out, NODE_ADDRESS_TEXT) != NULL;
}

enum err node_set_addresses(struct node *node, char *const *addresses, size_t count,
                            struct errmsg *e)
{
    if (count == 0) {
        return err_set(e, ERR_INVALID, "at least one IP address of the node is needed");
    }
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        char text[NODE_ADDRESS_TEXT] = "";
        bool known = false;
        if (!canonical_address(addresses[i], text)) {
            return err_set(e, ERR_INVALID, "\"%.60s\" is not an IP address", addresses[i]);
        }
        for (size_t j = 0; j < taken; j++) {
            known = known || strcmp(node->addresses[j], text) == 0;
        }
        if (known) {
            continue;
        }
        if (taken == NODE_ADDRESSES_MAX) {
            return err_set(e, ERR_INVALID, "a node has at most %d addresses", NODE_ADDRESSES_MAX);
        }
        memcpy(node->addresses[taken++], text, sizeof text);
    }
    node->address_count = taken;
    return ERR_OK;
}

static enum err parse_addresses(const json_t *list, struct node *node, struct errmsg *e)
{
    char *texts[NODE_ADDRESSES_MAX + 1];
    char copies[NODE_ADDRESSES_MAX + 1][NODE_ADDRESS_TEXT];
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count <= NODE_ADDRESSES_MAX; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || !str_copy(copies[count], NODE_ADDRESS_TEXT, text)) {
            return err_set(e, ERR_INVALID, "addresses: not an IP address");
        }
        texts[count] = copies[count];
        count++;
    }
    return node_set_addresses(node, texts, count, e);
}

static bool parse_digest(const char *text, uint8_t out[SHA256_SIZE])
{
    size_t len = 0;
    return text != NULL && str_from_hex(text, strlen(text), out, SHA256_SIZE, &len) == ERR_OK &&
           len == SHA256_SIZE;
}

static enum err parse_node_json(const json_t *json, struct node *node, struct errmsg *e)
{
    size_t key_len = 0;
    const char *key = text_member(json, "publicKey");
    const json_t *pins = json_object_get(json, "pins");
    json_int_t port = json_integer_value(json_object_get(json, "dnsPort"));
    if (!str_copy(node->name, sizeof node->name, text_member(json, "name")) ||
        node->name[0] == '\0') {
        return err_set(e, ERR_INVALID, "name: missing or too long");
    }
    if (!str_copy(node->url, sizeof node->url, text_member(json, "url")) ||
        !str_starts(node->url, "https://")) {
        return err_set(e, ERR_INVALID, "url: an https:// URL is expected");
    }
    if (str_from_base64(key, strlen(key), node->public_key, sizeof node->public_key, &key_len) !=
            ERR_OK ||
        key_len != sizeof node->public_key) {
        return err_set(e, ERR_INVALID, "publicKey: 32 bytes in base64 are expected");
    }
    if (port < 0 || port > UINT16_MAX) {
        return err_set(e, ERR_INVALID, "dnsPort: 1 to 65535 is expected");
    }
    node->dns_port = port == 0 ? 53 : (uint16_t)port;
    node->is_primary = strcmp(text_member(json, "type"), "Primary") == 0;
    node->pin_count = 0;
    for (size_t i = 0; i < json_array_size(pins) && node->pin_count < NODE_PINS_MAX; i++) {
        if (!parse_digest(json_string_value(json_array_get(pins, i)),
                          node->pins[node->pin_count])) {
            return err_set(e, ERR_INVALID, "pins: SHA-256 digests in hex are expected");
        }
        node->pin_count++;
    }
    if (node->pin_count == 0) {
        return err_set(e, ERR_INVALID, "pins: at least one is needed");
    }
    str_lower(node->name);
    return parse_addresses(json_object_get(json, "addresses"), node, e);
}

enum err node_parse(const char *text, struct node *node, struct errmsg *e)
{
    json_t *json = json_loads(text, 0, NULL);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(e, ERR_INVALID, "not a JSON object");
    }
    enum err err = parse_node_json(json, node, e);
    json_decref(json);
    return err;
}

// ---- structs to objects ------------------------------------------------------------------------

static char *dump(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    char *copy = mem_strdup(text == NULL ? "{}" : text);
    free(text);
    json_decref(json);
    return copy;
}

char *node_json(const struct node *node)
{
    char key[64];
    str_base64(key, node->public_key, sizeof node->public_key);
    json_t *addresses = json_array();
    for (size_t i = 0; i < node->address_count; i++) {
        json_array_append_new(addresses, json_string(node->addresses[i]));
    }
    json_t *pins = json_array();
    for (size_t i = 0; i < node->pin_count; i++) {
        char hex[2 * SHA256_SIZE + 1];
        str_hex(hex, node->pins[i], SHA256_SIZE);
        json_array_append_new(pins, json_string(hex));
    }
    return dump(json_pack("{s:s, s:s, s:o, s:i, s:s, s:s, s:o}", "name", node->name, "url",
                          node->url, "addresses", addresses, "dnsPort", (int)node->dns_port, "type",
                          node->is_primary ? "Primary" : "Secondary", "publicKey", key, "pins",
                          pins));
}

void node_path(uint32_t id, char *path, size_t size)
{
    snprintf(path, size, "nodes/%u", id);
}

char *cluster_config_json(const char *domain, const char *catalog,
                          const struct cluster_options *options)
{
    json_t *json = json_pack("{s:s, s:s}", "domain", domain, "catalog", catalog);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        json_object_set_new(json, OPTIONS[i].member, json_integer(option_get(options, i)));
    }
    return dump(json);
}

// ---- the table ---------------------------------------------------------------------------------

static bool add_to_digest(void *ctx, const struct store_object *object)
{
    hash_sha256_add(ctx, object->path, strlen(object->path) + 1);
    hash_sha256_add(ctx, object->value, strlen(object->value) + 1);
    return true;
}

static void digest_of(struct store *store, uint8_t out[SHA256_SIZE])
{
    struct errmsg e = {0};
    struct hash_sha256 *h = hash_sha256_new();
    if (store_each(store, "nodes/", NULL, add_to_digest, h, &e) != ERR_OK ||
        store_each(store, CLUSTER_CONFIG_PATH, NULL, add_to_digest, h, &e) != ERR_OK) {
        log_error("node table not readable", F_ERR(&e));
    }
    hash_sha256_free(h, out);
}

struct loading {
    struct node_table *table;
    size_t capacity;
};

static bool add_node(void *ctx, const struct store_object *object)
{
    struct loading *loading = ctx;
    struct node_table *table = loading->table;
    struct node node = {0};
    struct errmsg e = {0};
    if (str_to_u32(object->path + strlen("nodes/"), INT32_MAX, &node.id) != ERR_OK ||
        node_parse(object->value, &node, &e) != ERR_OK) {
        log_warn("node left out", F_STR("object", object->path), F_ERR(&e));
        return true;
    }
    mem_grow(&table->nodes, &loading->capacity, table->count + 1, sizeof *table->nodes);
    table->nodes[table->count++] = node;
    return true;
}

static int compare_nodes(const void *left, const void *right)
{
    const struct node *a = left;
    const struct node *b = right;
    if (a->is_primary != b->is_primary) {
        return a->is_primary ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static void load_config(struct store *store, struct node_table *table)
{
    struct str text;
    str_init(&text);
    table->options = cluster_options_default;
    table->in_cluster = store_get(store, CLUSTER_CONFIG_PATH, &text);
    json_t *json = table->in_cluster ? json_loads(text.text, 0, NULL) : NULL;
    bool fits = str_copy(table->domain, sizeof table->domain, text_member(json, "domain"));
    fits = str_copy(table->catalog, sizeof table->catalog, text_member(json, "catalog")) && fits;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        json_int_t value = json_integer_value(json_object_get(json, OPTIONS[i].member));
        if (value >= OPTIONS[i].min && value <= OPTIONS[i].max) {
            option_set(&table->options, i, (uint32_t)value);
        }
    }
    if (!fits) {
        log_error("cluster config not understood", F_STR("object", CLUSTER_CONFIG_PATH));
    }
    json_decref(json);
    str_fini(&text);
}

static void row_digest(const struct node *row, char hex[2 * SHA256_SIZE + 1])
{
    uint8_t digest[SHA256_SIZE];
    char *text = node_json(row);
    hash_sha256(text, strlen(text), digest);
    str_hex(hex, digest, sizeof digest);
    mem_free(text);
}

char *node_place_json(const struct node *row, const struct node *place)
{
    char hex[2 * SHA256_SIZE + 1];
    row_digest(row, hex);
    json_t *addresses = json_array();
    for (size_t i = 0; i < place->address_count; i++) {
        json_array_append_new(addresses, json_string(place->addresses[i]));
    }
    return dump(
        json_pack("{s:s, s:s, s:o}", "for", hex, "url", place->url, "addresses", addresses));
}

void node_table_take_note(struct store *store, struct node_table *table)
{
    struct node *row = table->count > 0 && table->nodes[0].is_primary ? &table->nodes[0] : NULL;
    struct str text;
    str_init(&text);
    if (row != NULL && store_note_get(store, NODE_PRIMARY_NOTE, &text)) {
        char hex[2 * SHA256_SIZE + 1];
        row_digest(row, hex);
        json_t *json = json_loads(text.text, 0, NULL);
        const json_t *addresses = json_object_get(json, "addresses");
        struct node place = {0};
        struct errmsg ignored;
        bool good = strcmp(text_member(json, "for"), hex) == 0 &&
                    str_copy(place.url, sizeof place.url, text_member(json, "url")) &&
                    (json_array_size(addresses) == 0 ||
                     parse_addresses(addresses, &place, &ignored) == ERR_OK);
        if (good) {
            memcpy(row->url, place.url, sizeof row->url);
            memcpy(row->addresses, place.addresses, sizeof row->addresses);
            row->address_count = place.address_count;
        }
        json_decref(json);
    }
    str_fini(&text);
}

bool node_table_load(struct store *store, struct node_table *table)
{
    uint8_t digest[SHA256_SIZE];
    digest_of(store, digest);
    if (table->generation > 0 && memcmp(digest, table->seen, sizeof digest) == 0) {
        return false;
    }
    node_table_fini(table);
    memcpy(table->seen, digest, sizeof digest);
    table->generation++;
    load_config(store, table);
    struct loading loading = {.table = table};
    struct errmsg e = {0};
    if (store_each(store, "nodes/", NULL, add_node, &loading, &e) != ERR_OK) {
        log_error("node table not readable", F_ERR(&e));
    }
    if (table->count > 0) {
        qsort(table->nodes, table->count, sizeof *table->nodes, compare_nodes);
    }
    node_table_take_note(store, table);
    return true;
}

void node_table_fini(struct node_table *table)
{
    mem_free(table->nodes);
    table->nodes = NULL;
    table->count = 0;
}

const struct node *node_table_find(const struct node_table *table, uint32_t id)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->nodes[i].id == id) {
            return &table->nodes[i];
        }
    }
    return NULL;
}

const struct node *node_table_find_name(const struct node_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (str_equal_nocase(table->nodes[i].name, name)) {
            return &table->nodes[i];
        }
    }
    return NULL;
}

const struct node *node_table_primary(const struct node_table *table)
{
    return table->count > 0 && table->nodes[0].is_primary ? &table->nodes[0] : NULL;
}
