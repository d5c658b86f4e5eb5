#include "dnsd/xfr/policy.h"

#include "common/base/str.h"
#include "dnsd/zone/access.h"

// Rules for transfers out and NOTIFY in. Workers call it; see the header.

static bool key_is_named(const struct tsig_key *key, const struct zone_strings *names)
{
    char text[NAME_MAX_TEXT];
    name_to_text(key->name.wire, text);
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal_nocase(names->items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool signed_by_cluster(const struct snapshot *snapshot, const struct zone *zone,
                              const struct tsig_key *key)
{
    return key != NULL && key == snapshot_cluster_key(snapshot) &&
           snapshot_is_cluster_zone(snapshot, zone_text(zone), zone_options(zone)->catalog);
}

const struct zone *policy_rules(const struct zone_table *table, const struct zone *zone,
                                bool transfer)
{
    const struct zone_options *options = zone_options(zone);
    struct name catalog;
    bool is_overridden = transfer ? options->override_transfer : options->override_notify;
    if (options->catalog == NULL || options->from_catalog || is_overridden ||
        name_from_text(options->catalog, &catalog, NULL) != ERR_OK) {
        return zone;
    }
    name_fold(catalog.wire);
    const struct zone *parent = zone_table_find(table, catalog.wire);
    return parent != NULL && zone_type(parent) == ZONE_CATALOG ? parent : zone;
}

static bool asks_name_servers(const struct zone *zone)
{
    enum zone_access rule = zone_options(zone)->transfer;
    return rule == ZONE_NAME_SERVERS || rule == ZONE_NAME_SERVERS_AND_ACL;
}

bool policy_transfer_allowed(const struct snapshot *snapshot, const struct zone_table *table,
                             const struct zone *zone, const struct sockaddr *client,
                             const struct tsig_key *key)
{
    if (acl_allows(&snapshot->transfer_networks, client) ||
        signed_by_cluster(snapshot, zone, key)) {
        return true;
    }
    const struct zone *rules = policy_rules(table, zone, true);
    const struct zone_options *options = zone_options(rules);
    // A catalog has no name servers of its own: where it asks for them, the member's are meant.
    if (!access_allowed(table, rules, ACCESS_TRANSFER, client) &&
        !(asks_name_servers(rules) && asks_name_servers(zone) &&
          access_allowed(table, zone, ACCESS_TRANSFER, client))) {
        return false;
    }
    if (options->transfer_tsig_keys.count == 0) {
        return true;
    }
    return key != NULL && key_is_named(key, &options->transfer_tsig_keys);
}

static bool is_cluster_node(const struct snapshot *snapshot, const struct sockaddr *client)
{
    for (size_t i = 0; i < snapshot->node_count; i++) {
        const struct snapshot_node *node = &snapshot->nodes[i];
        for (size_t j = 0; j < node->address_count; j++) {
            if (acl_same_address(&node->addresses[j].sa, client)) {
                return true;
            }
        }
    }
    return false;
}

bool policy_notify_allowed(const struct snapshot *snapshot, const struct zone_table *table,
                           const struct zone *zone, const struct sockaddr *client,
                           const struct tsig_key *key)
{
    const struct zone_options *options = policy_primaries(table, zone);
    if (key != NULL && options->primary_tsig_key != NULL &&
        key == snapshot_tsig_find_text(snapshot, options->primary_tsig_key)) {
        return true;
    }
    if (acl_allows(&snapshot->notify_networks, client) || is_cluster_node(snapshot, client)) {
        return true;
    }
    for (size_t i = 0; i < options->primaries.count; i++) {
        union address address;
        if (address_parse(options->primaries.items[i], DNS_PORT, &address, NULL) == ERR_OK &&
            acl_same_address(&address.sa, client)) {
            return true;
        }
    }
    return false;
}

bool policy_is_secondary(enum zone_type type)
{
    switch (type) {
    case ZONE_SECONDARY:
    case ZONE_SECONDARY_FORWARDER:
    case ZONE_SECONDARY_CATALOG:
        return true;
    case ZONE_PRIMARY:
    case ZONE_STUB:
    case ZONE_FORWARDER:
    case ZONE_CATALOG:
    case ZONE_TYPE_COUNT:
        return false;
    }
    return false;
}

const struct zone_options *policy_primaries(const struct zone_table *table, const struct zone *zone)
{
    const struct zone_options *options = zone_options(zone);
    struct name catalog;
    if (!options->from_catalog || options->override_primaries || options->catalog == NULL ||
        name_from_text(options->catalog, &catalog, NULL) != ERR_OK) {
        return options;
    }
    name_fold(catalog.wire);
    const struct zone *parent = zone_table_find(table, catalog.wire);
    if (parent == NULL || zone_type(parent) != ZONE_SECONDARY_CATALOG) {
        return options;
    }
    return zone_options(parent);
}
