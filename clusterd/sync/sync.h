#pragma once

#include <jansson.h>

#include "clusterd/node/context.h"
#include "clusterd/node/local.h"
#include "clusterd/peer/client.h"
#include "clusterd/peer/server.h"

/*
 * Keeps the nodes of the cluster in step: heartbeat, notify, pull, report (cluster.md section 3).
 *
 *   heartbeat  every node asks every other for its state
 *   notify     the primary tells the secondaries of a commit, at once; they pull
 *   pull       a secondary fetches the commits since the version it holds, or everything
 *   report     a secondary tells the primary what it and its daemons have applied
 *
 * Loop's thread.
 */
enum sync_state { SYNC_UNKNOWN, SYNC_CONNECTED, SYNC_UNREACHABLE };

// What is known of another node.
struct sync_node {
    uint32_t id;
    enum sync_state state;
    uint64_t last_seen_ms; // Unix times; 0 = never
    uint64_t up_since_ms;
    uint64_t config_synced_ms;
    struct store_version version;
    struct store_version applied_dnsd;
    struct store_version applied_webd;
    uint8_t digest[SHA256_SIZE];
    bool has_digest;
    uint32_t catalog_serial;
    uint32_t cluster_zone_serial;
    char refused[256];
    char product_version[32];
    char last_error[256];
};

struct sync;
struct sync *sync_new(struct context *context, struct peer_client *client,
                      struct peer_server *server, struct local *local);
void sync_free(struct sync *sync);

// The node table or this node's role has changed.
void sync_refresh(struct sync *sync);
// There was a commit of cluster scope here: tell the secondaries.
void sync_notify(struct sync *sync);
// dnsd or webd has applied or refused something.
void sync_applied(struct sync *sync);

// Asks all nodes now, and pulls.
void sync_poke(struct sync *sync);
// What this node tells others about itself, as a new JSON object.
json_t *sync_state(const struct sync *sync);

const struct sync_node *sync_node(const struct sync *sync, uint32_t id); // NULL = none
uint64_t sync_config_synced_ms(const struct sync *sync); // last pull that worked; 0 = none

typedef void (*sync_fn)(void *ctx, enum err result, const struct errmsg *e);
// Pulls the whole config again from the primary.
void sync_resync(struct sync *sync, sync_fn fn, void *ctx);
// Join: takes the whole config of `primary`, which is in no table yet, in one transaction with
// `extra` (node scope; must stay until `fn` was called).
void sync_take_over(struct sync *sync, const struct node *primary, const struct store_change *extra,
                    size_t extra_count, sync_fn fn, void *ctx);
