#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/conf/map.h"
#include "common/rpc/rpc.h"

/*
 * A consumer's copy of the config. On open the last applied state is read from its snapshot file
 * (<state_dir>/config.snapshot: whole, checksummed, written atomically) and applied at once; then
 * clusterd is asked for what is newer: on each hint, on each reconnect, and every 5 s. A new state
 * is given to `apply`; ERR_OK makes it the held one, is saved and acked; anything else is a nack:
 * the consumer goes on with its last good state, and the reason shows in the log, the API, the
 * panel.
 *
 * `changed` lists the paths that differ (NULL with count 0 on the first apply: take everything).
 * Nothing may be applied halfway: check everything first, then switch. Loop's thread.
 */
struct conf_apply {
    const struct conf_map *map; // the new state
    const char *const *changed;
    size_t changed_count;
    bool all; // everything may have changed
    uint64_t revision;
};
typedef enum err (*conf_apply_fn)(void *ctx, const struct conf_apply *change, struct errmsg *e);

struct conf_watch;
NODISCARD enum err conf_watch_open(struct event_base *base, const char *state_dir,
                                   const char *run_dir, struct rpc_client *clusterd,
                                   enum rpc_party self, conf_apply_fn apply, void *ctx,
                                   struct conf_watch **out, struct errmsg *e);
void conf_watch_close(struct conf_watch *watch);

// Is there an applied state (from file or clusterd)?
bool conf_watch_has_state(const struct conf_watch *watch);
const struct conf_map *conf_watch_map(const struct conf_watch *watch);
uint64_t conf_watch_revision(const struct conf_watch *watch);

// True when any of the changed paths starts with `prefix`, or everything may have changed.
bool conf_changed(const struct conf_apply *change, const char *prefix);

// Calls `fn` once, when a state of at least `revision` has been applied here, or refused, or after
// `timeout_ms` (then with ERR_TIMEOUT). Used by webd to answer a write when it shows here.
typedef void (*conf_wait_fn)(void *ctx, enum err result);
void conf_watch_wait(struct conf_watch *watch, uint64_t revision, uint32_t timeout_ms,
                     conf_wait_fn fn, void *ctx);
// Look now, do not wait for the hint.
void conf_watch_poke(struct conf_watch *watch);
