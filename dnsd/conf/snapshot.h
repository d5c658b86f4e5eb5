#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <urcu-qsbr.h>

#include "common/dns/name.h"
#include "common/dns/tsig.h"
#include "dnsd/conf/address.h"
#include "dnsd/zone/acl.h"

struct block_set;
struct zone_store;

// Another node of the cluster, as far as DNS goes.
struct snapshot_node {
    uint32_t id;
    char name[NAME_MAX_TEXT];
    union address *addresses; // with its DNS port
    size_t address_count;
};

/*
 * The config as dnsd's threads use it: parsed, checked, immutable once published through
 * shared->snapshot. Made by dnsd/ctl from the settings, `tsig/`, `nodes/` and `cluster/` objects.
 */
struct snapshot {
    struct rcu_head rcu;             // first: free_later casts
    char server_name[NAME_MAX_TEXT]; // DNS Server Domain Name
    char responsible[NAME_MAX_TEXT]; // "" = derived from the server name

    uint16_t udp_size_max;
    uint32_t tcp_receive_timeout_ms;
    uint32_t tcp_send_timeout_ms;
    uint32_t listen_backlog;
    uint32_t udp_send_buffer; // bytes
    uint32_t udp_receive_buffer;

    uint32_t record_ttl;
    uint32_t ns_ttl;
    uint32_t soa_ttl;
    bool soa_date_scheme;
    uint32_t min_refresh_s;
    uint32_t min_retry_s;
    struct acl transfer_networks;
    struct acl notify_networks;
    struct acl block_bypass; // clients for which nothing is blocked

    union address *endpoints; // where to listen
    size_t endpoint_count;
    union address source4; // of our own queries; family 0 = the kernel chooses
    union address source6;

    struct tsig_key *tsig_keys; // by name
    size_t tsig_key_count;

    bool has_cluster;
    struct name cluster_domain; // folded
    struct name cluster_catalog;
    char cluster_domain_text[NAME_MAX_TEXT];
    char cluster_catalog_text[NAME_MAX_TEXT];
    struct snapshot_node *nodes; // without this one
    size_t node_count;
};

// Everything that more than one thread of dnsd reads.
struct shared {
    struct zone_store *store;
    struct snapshot *snapshot; // RCU; never NULL once workers run
    struct block_set *blocks;  // RCU; NULL = none
};

// Read side.
const struct snapshot *snapshot_get(const struct shared *shared);

struct snapshot *snapshot_new(void); // all zero; to be filled and published
void snapshot_free(struct snapshot *snapshot);
// Swaps it in; the one before is freed when no reader can hold it. One thread, not a reader.
void snapshot_publish(struct shared *shared, struct snapshot *snapshot);

// Keys are found by folded name; NULL = unknown. `ctx` is the snapshot (tsig_find_fn).
const struct tsig_key *snapshot_tsig_find(void *ctx, const uint8_t *name_lower);
// By presentation form; "" and NULL give NULL.
const struct tsig_key *snapshot_tsig_find_text(const struct snapshot *snapshot, const char *name);

// Is it the cluster zone, the cluster catalog, or (by its `catalog` option) a member of that?
bool snapshot_is_cluster_zone(const struct snapshot *snapshot, const char *zone_text,
                              const char *catalog_option);
// The key that the nodes of the cluster sign transfers and NOTIFY with; NULL = no cluster.
const struct tsig_key *snapshot_cluster_key(const struct snapshot *snapshot);
