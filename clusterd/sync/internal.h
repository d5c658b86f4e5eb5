#pragma once

#include "clusterd/sync/sync.h"

// Shared by the files of this folder only.

struct event;

// Another node, with what is under way to it.
struct sync_entry {
    struct sync_node node;
    struct sync *sync;
    struct event *heartbeat; // next one
    bool asking;             // heartbeat under way
    struct event *notify_retry;
    bool notifying;    // notify under way
    bool notify_again; // a commit came meanwhile
    unsigned notify_failures;
    bool seen; // mark while the table is compared
};

// A row of pull requests to one node, from the first page to the commit.
struct sync_pull {
    bool active;
    bool again; // something newer was announced meanwhile
    bool want_snapshot;
    bool is_snapshot;
    struct node primary;
    // Pins that the primary named in its signed notify: a new certificate may be in use before the
    // row that says so has been pulled over it.
    uint8_t pins[NODE_PINS_MAX][SHA256_SIZE];
    size_t pin_count;
    json_t *pages; // replies of a row of commits, kept until the last
    const struct store_change *extra;
    size_t extra_count;
    sync_fn fn;
    void *ctx;
    unsigned failures;
    struct event *timer; // next refresh or retry
    uint64_t synced_ms;
};

struct sync {
    struct context *context;
    struct peer_client *client;
    struct local *local;
    struct sync_entry **entries;
    size_t count;
    size_t capacity;
    struct sync_pull pull;
    struct event *report_timer;
    bool reporting;
    bool report_again;
};

struct sync_entry *sync_find(const struct sync *sync, uint32_t id);
// Milliseconds from now, into a libevent timer.
void sync_arm(struct event *timer, uint64_t ms);
// `seconds` give or take a tenth, so that nodes do not march in step; in ms.
uint64_t sync_jitter(uint32_t seconds);

// ---- heartbeat.c -------------------------------------------------------------------------------
void sync_heartbeat_start(struct sync_entry *entry);
void sync_take_state(struct sync_entry *entry, const json_t *state);
void sync_add_operations(struct sync *sync, struct peer_server *server);
void sync_reached(struct sync_entry *entry);
void sync_missed(struct sync_entry *entry, const struct errmsg *e);

// ---- notify.c ----------------------------------------------------------------------------------
void sync_notify_entry(struct sync_entry *entry);
void sync_notify_cancel(struct sync_entry *entry);
void sync_report_soon(struct sync *sync);

// ---- pull.c ------------------------------------------------------------------------------------
void sync_pull_init(struct sync *sync);
void sync_pull_fini(struct sync *sync);
// Pulls from the primary of the table if this node is a secondary; notes it when one is under way.
void sync_pull_now(struct sync *sync, bool snapshot);
void sync_pull_refresh(struct sync *sync);
// Remembers the pins that the primary has named, a list of hex texts.
void sync_pull_pins(struct sync *sync, const json_t *pins);

// ---- serve.c -----------------------------------------------------------------------------------
enum err sync_serve_pull(void *ctx, const struct peer_incoming *in, json_t **reply,
                         struct errmsg *e);

// Members of JSON objects.
json_t *sync_version_json(struct store_version version);
struct store_version sync_version_from(const json_t *json); // 0.0 where it is none
bool sync_digest_from(const json_t *json, uint8_t out[SHA256_SIZE]);
json_t *sync_digest_json(const uint8_t digest[SHA256_SIZE]);
