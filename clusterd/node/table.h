#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clusterd/node/self.h"
#include "clusterd/store/store.h"

/*
 * The cluster as the store describes it: cluster/config and nodes/<id>, parsed. Read anew after
 * each commit that touched them. Loop's thread.
 */
#define NODE_ADDRESSES_MAX 16
#define NODE_ADDRESS_TEXT  48
#define NODE_PINS_MAX      4 // the certificate in use, and those on their way in or out
#define NODE_URL_MAX       320
#define NODE_COUNT_MAX     255

struct node {
    uint32_t id;
    char name[NODE_NAME_MAX];
    char url[NODE_URL_MAX]; // "https://ns1.example:53443/"
    char addresses[NODE_ADDRESSES_MAX][NODE_ADDRESS_TEXT];
    size_t address_count;
    uint16_t dns_port;
    bool is_primary;
    uint8_t public_key[32];                   // Ed25519
    uint8_t pins[NODE_PINS_MAX][SHA256_SIZE]; // SPKI SHA-256, newest first
    size_t pin_count;
};

struct cluster_options {
    uint32_t heartbeat_refresh_s;
    uint32_t heartbeat_retry_s;
    uint32_t config_refresh_s;
    uint32_t config_retry_s;
};
extern const struct cluster_options cluster_options_default;
// Bounds of cluster.md section 3. ERR_INVALID says which one.
NODISCARD enum err cluster_options_check(const struct cluster_options *options, struct errmsg *e);

struct node_table {
    bool in_cluster;
    char domain[NODE_NAME_MAX];
    char catalog[NODE_NAME_MAX];
    struct cluster_options options;
    struct node *nodes; // primary first, then by name
    size_t count;
    uint64_t generation;       // grows with each reading that found a difference
    uint8_t seen[SHA256_SIZE]; // of what was read
};

// Reads it anew; false when nothing has changed. What is not understood is left out and logged.
bool node_table_load(struct store *store, struct node_table *table);
void node_table_fini(struct node_table *table);

const struct node *node_table_find(const struct node_table *table, uint32_t id); // NULL = none
const struct node *node_table_find_name(const struct node_table *table, const char *name);
const struct node *node_table_primary(const struct node_table *table);

// A secondary may have been told that its primary is at another place than the table says: a note
// of this node, taken until the table's row says something new. Part of node_table_load.
#define NODE_PRIMARY_NOTE "primary"
void node_table_take_note(struct store *store, struct node_table *table);
// That note: `place` has URL and addresses (none: resolve the URL's host), `row` is the table's.
char *node_place_json(const struct node *row, const struct node *place);

// The objects' JSON (mem_free) and paths, to be part of a commit.
char *node_json(const struct node *node);
void node_path(uint32_t id, char *path, size_t size);
char *cluster_config_json(const char *domain, const char *catalog,
                          const struct cluster_options *options);
// The other way: fills all but the id. ERR_INVALID names the member.
NODISCARD enum err node_parse(const char *json, struct node *node, struct errmsg *e);
// Takes a list of IP address texts, in canonical form. ERR_INVALID: bad, none or too many.
NODISCARD enum err node_set_addresses(struct node *node, char *const *addresses, size_t count,
                                      struct errmsg *e);

#define CLUSTER_CONFIG_PATH "cluster/config"
#define NODE_IDENTITY_PATH  "node/identity"
