#include "dnsd/ctl/config.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/kind.h"
#include "common/conf/setting.h"
#include "dnsd/conf/snapshot.h"
#include "dnsd/ctl/blocks.h"

// Runs in the control thread, on each new state of the config.

#define UDP_SIZE_MIN 512

static char *const *list_items(const struct setting_list *list)
{
    union {
        const char *const *c;
        char *const *m;
    } u = {.c = list->items};
    return u.m;
}

// ---- settings ----------------------------------------------------------------------------------

static enum err take_lists(struct snapshot *out, const struct settings *s, struct errmsg *e)
{
    const struct {
        const char *name;
        const struct setting_list *list;
        struct acl *acl;
    } rows[] = {
        {"zoneTransferAllowedNetworks", &s->zone_transfer_allowed_networks,
         &out->transfer_networks                                                                 },
        {"notifyAllowedNetworks",       &s->notify_allowed_networks,        &out->notify_networks},
        {"blockingBypassList",          &s->blocking_bypass_list,           &out->block_bypass   },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err err = acl_init(rows[i].acl, list_items(rows[i].list), rows[i].list->count, e);
        if (err != ERR_OK) {
            return err_prefix(e, err, "settings/%s", rows[i].name);
        }
    }
    return ERR_OK;
}

static enum err take_endpoints(struct snapshot *out, const struct settings *s, struct errmsg *e)
{
    const struct setting_list *list = &s->dns_server_local_end_points;
    out->endpoints = mem_calloc(list->count, sizeof *out->endpoints);
    for (size_t i = 0; i < list->count; i++) {
        enum err err = address_parse(list->items[i], DNS_PORT, &out->endpoints[i], e);
        if (err != ERR_OK) {
            return err_prefix(e, err, "settings/dnsServerLocalEndPoints");
        }
        out->endpoint_count++;
    }
    return ERR_OK;
}

// The first address of the list, without its prefix length; a wildcard leaves it to the system.
static void take_source(union address *out, const struct setting_list *list)
{
    char text[ADDRESS_TEXT_SIZE];
    union address address;
    if (list->count == 0 || !str_copy(text, sizeof text, list->items[0])) {
        return;
    }
    text[strcspn(text, "/")] = '\0';
    if (address_parse(text, 0, &address, NULL) == ERR_OK && !address_is_wildcard(&address)) {
        *out = address;
    }
}

static enum err take_tsig(struct snapshot *out, const struct settings *s, struct errmsg *e)
{
    out->tsig_keys = mem_calloc(s->tsig_keys.count, sizeof *out->tsig_keys);
    for (size_t i = 0; i < s->tsig_keys.count; i++) {
        const struct setting_tsig *row = &s->tsig_keys.items[i];
        enum err err = tsig_key_init(&out->tsig_keys[i], row->name, row->algorithm, row->secret, e);
        if (err != ERR_OK) {
            return err_prefix(e, err, "tsig/%s", row->name);
        }
        out->tsig_key_count++;
    }
    return ERR_OK;
}

static enum err take_settings(struct snapshot *out, const struct settings *s, struct errmsg *e)
{
    if (!str_copy(out->server_name, sizeof out->server_name, s->dns_server_domain) ||
        !str_copy(out->responsible, sizeof out->responsible,
                  s->default_responsible_person != NULL ? s->default_responsible_person : "")) {
        return err_set(e, ERR_INVALID,
                       "settings/dnsServerDomain or defaultResponsiblePerson is "
                       "too long");
    }
    out->udp_size_max = (uint16_t)s->udp_payload_size;
    out->tcp_receive_timeout_ms = (uint32_t)s->tcp_receive_timeout;
    out->tcp_send_timeout_ms = (uint32_t)s->tcp_send_timeout;
    out->listen_backlog = (uint32_t)s->listen_backlog;
    out->udp_send_buffer = (uint32_t)s->udp_send_buffer_size_kb * 1024;
    out->udp_receive_buffer = (uint32_t)s->udp_receive_buffer_size_kb * 1024;
    out->record_ttl = s->default_record_ttl;
    out->ns_ttl = s->default_ns_record_ttl;
    out->soa_ttl = s->default_soa_record_ttl;
    out->soa_date_scheme = s->use_soa_serial_date_scheme;
    out->min_refresh_s = s->min_soa_refresh;
    out->min_retry_s = s->min_soa_retry;
    take_source(&out->source4, &s->dns_server_ipv4_source_addresses);
    take_source(&out->source6, &s->dns_server_ipv6_source_addresses);
    enum err err = take_lists(out, s, e);
    err = err == ERR_OK ? take_endpoints(out, s, e) : err;
    return err == ERR_OK ? take_tsig(out, s, e) : err;
}

// ---- cluster -----------------------------------------------------------------------------------

static enum err take_zone_name(const json_t *object, const char *member, struct name *name,
                               char *text, struct errmsg *e)
{
    const char *value = json_string_value(json_object_get(object, member));
    enum err err = name_from_text(value != NULL ? value : "", name, e);
    if (err != ERR_OK || value == NULL) {
        return err_set(e, ERR_INVALID, "cluster/config: %s is not a domain name", member);
    }
    name_fold(name->wire);
    name_to_text(name->wire, text);
    return ERR_OK;
}

static enum err take_cluster(struct snapshot *out, const struct conf_map *map, struct errmsg *e)
{
    const char *text = conf_map_get(map, "cluster/config");
    if (text == NULL) {
        return ERR_OK;
    }
    json_t *object = json_loads(text, 0, NULL);
    enum err err =
        take_zone_name(object, "domain", &out->cluster_domain, out->cluster_domain_text, e);
    if (err == ERR_OK) {
        err =
            take_zone_name(object, "catalog", &out->cluster_catalog, out->cluster_catalog_text, e);
    }
    out->has_cluster = err == ERR_OK;
    json_decref(object);
    return err;
}

struct node_walk {
    struct snapshot *out;
    uint32_t self;
    size_t capacity;
    enum err err;
    struct errmsg *e;
};

static enum err take_node(struct snapshot_node *node, const json_t *object, struct errmsg *e)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *addresses = json_object_get(object, "addresses");
    json_int_t port = json_integer_value(json_object_get(object, "dnsPort"));
    size_t count = json_array_size(addresses);
    if (name == NULL || !str_copy(node->name, sizeof node->name, name)) {
        return err_set(e, ERR_INVALID, "no name");
    }
    node->addresses = mem_calloc(count, sizeof *node->addresses);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(addresses, i));
        uint16_t dns_port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : DNS_PORT;
        enum err err = address_parse(text != NULL ? text : "", dns_port, &node->addresses[i], e);
        if (err != ERR_OK) {
            return err;
        }
        node->address_count++;
    }
    return ERR_OK;
}

static bool on_node(void *ctx, const char *path, const char *json)
{
    struct node_walk *walk = ctx;
    struct snapshot *out = walk->out;
    struct snapshot_node node = {0};
    if (str_to_u32(path + strlen("nodes/"), UINT32_MAX, &node.id) != ERR_OK ||
        node.id == walk->self) {
        return true;
    }
    json_t *object = json_loads(json, 0, NULL);
    walk->err = take_node(&node, object, walk->e);
    json_decref(object);
    // Kept before the check, so that snapshot_free finds its parts.
    mem_grow(&out->nodes, &walk->capacity, out->node_count + 1, sizeof *out->nodes);
    out->nodes[out->node_count++] = node;
    if (walk->err != ERR_OK) {
        walk->err = err_prefix(walk->e, walk->err, "%s", path);
    }
    return walk->err == ERR_OK;
}

// ---- blocked and allowed names -----------------------------------------------------------------

static const enum block_answer blocking_answers[SETTING_BLOCKING_COUNT] = {
    [SETTING_BLOCKING_ANY_ADDRESS] = BLOCK_ANY_ADDRESS,
    [SETTING_BLOCKING_NX_DOMAIN] = BLOCK_NXDOMAIN,
    [SETTING_BLOCKING_CUSTOM_ADDRESS] = BLOCK_CUSTOM,
};

#define CUSTOM_MAX 255 // items of customBlockingAddresses, by its row

static struct blocks_change *new_change(const struct settings *s, bool is_whole)
{
    uint8_t custom4[CUSTOM_MAX][4];
    uint8_t custom6[CUSTOM_MAX][16];
    struct block_policy policy = {.enabled = s->enable_blocking,
                                  .answer = blocking_answers[s->blocking_type],
                                  .ttl = s->blocking_answer_ttl,
                                  .custom4 = (const uint8_t(*)[4])custom4,
                                  .custom6 = (const uint8_t(*)[16])custom6,
                                  .txt_report = s->allow_txt_blocking_report};
    const struct setting_list *list = &s->custom_blocking_addresses;
    for (size_t i = 0; i < list->count && i < CUSTOM_MAX; i++) {
        if (inet_pton(AF_INET, list->items[i], custom4[policy.custom4_count]) == 1) {
            policy.custom4_count++;
        } else if (inet_pton(AF_INET6, list->items[i], custom6[policy.custom6_count]) == 1) {
            policy.custom6_count++;
        }
    }
    return blocks_change_new(is_whole, &policy);
}

// The two kinds of objects.
static const struct {
    const char *prefix;
    bool allowed;
} block_kinds[] = {
    {.prefix = "blocked/", .allowed = false},
    {.prefix = "allowed/", .allowed = true },
};

struct name_walk {
    struct blocks_change *change;
    bool allowed;
    bool is_removed;
    enum err err;
    struct errmsg *e;
};

static bool on_name(void *ctx, const char *path, const char *json)
{
    struct name_walk *walk = ctx;
    char name[CONF_PATH_MAX];
    (void)json;
    walk->err = conf_path_key(path, name, sizeof name);
    if (walk->err == ERR_OK) {
        walk->err =
            blocks_change_name(walk->change, name, walk->allowed, walk->is_removed, walk->e);
    } else {
        walk->err = err_set(walk->e, ERR_INVALID, "not a name");
    }
    if (walk->err != ERR_OK) {
        walk->err = err_prefix(walk->e, walk->err, "%.300s", path);
    }
    return walk->err == ERR_OK;
}

static enum err take_all_names(struct blocks_change *change, const struct conf_map *map,
                               struct errmsg *e)
{
    struct name_walk walk = {.change = change, .err = ERR_OK, .e = e};
    for (size_t i = 0; i < 2 && walk.err == ERR_OK; i++) {
        walk.allowed = block_kinds[i].allowed;
        conf_map_each(map, block_kinds[i].prefix, on_name, &walk);
    }
    return walk.err;
}

static enum err take_changed_names(struct blocks_change *change, const struct conf_apply *apply,
                                   struct errmsg *e)
{
    struct name_walk walk = {.change = change, .err = ERR_OK, .e = e};
    for (size_t i = 0; i < apply->changed_count && walk.err == ERR_OK; i++) {
        const char *path = apply->changed[i];
        for (size_t k = 0; k < 2 && walk.err == ERR_OK; k++) {
            if (str_starts(path, block_kinds[k].prefix)) {
                walk.allowed = block_kinds[k].allowed;
                walk.is_removed = conf_map_get(apply->map, path) == NULL;
                on_name(&walk, path, NULL);
            }
        }
    }
    return walk.err;
}

// ------------------------------------------------------------------------------------------------

static bool any_changed(const struct conf_apply *change, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (conf_changed(change, prefixes[i])) {
            return true;
        }
    }
    return false;
}

static enum err plan_snapshot(const struct conf_apply *change, const struct settings *settings,
                              struct config_plan *plan, struct errmsg *e)
{
    struct snapshot *snapshot = snapshot_new();
    plan->snapshot = snapshot;
    enum err err = take_settings(snapshot, settings, e);
    err = err == ERR_OK ? take_cluster(snapshot, change->map, e) : err;
    struct node_walk walk = {
        .out = snapshot, .self = settings_node_id(change->map), .err = err, .e = e};
    if (err == ERR_OK) {
        conf_map_each(change->map, "nodes/", on_node, &walk);
    }
    return walk.err;
}

static enum err plan_blocks(const struct conf_apply *change, const struct settings *settings,
                            struct config_plan *plan, struct errmsg *e)
{
    plan->blocks = new_change(settings, change->all);
    return change->all ? take_all_names(plan->blocks, change->map, e)
                       : take_changed_names(plan->blocks, change, e);
}

enum err config_plan_make(const struct conf_apply *change, struct config_plan *plan,
                          struct errmsg *e)
{
    static const char *const snapshot_prefixes[] = {"settings/", "overrides/", "tsig/",
                                                    "nodes/",    "cluster/",   "node/"};
    static const char *const block_prefixes[] = {"settings/", "overrides/", "blocked/", "allowed/"};
    struct config_plan made = {0};
    struct settings *settings = NULL;
    enum err err = settings_load(change->map, settings_node_id(change->map), &settings, e);
    if (err == ERR_OK && any_changed(change, snapshot_prefixes, 6)) {
        err = plan_snapshot(change, settings, &made, e);
    }
    if (err == ERR_OK && any_changed(change, block_prefixes, 4)) {
        err = plan_blocks(change, settings, &made, e);
    }
    settings_free(settings);
    if (err != ERR_OK) {
        snapshot_free(made.snapshot);
        blocks_change_free(made.blocks);
        return err;
    }
    *plan = made;
    return ERR_OK;
}
