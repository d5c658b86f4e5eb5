#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/conf/map.h"

/*
 * The files of a consumer's config: <state_dir>/config.snapshot, the whole state at one revision,
 * and <state_dir>/config.snapshot.log, the changes since. Both checksummed. A small change costs
 * one append and one fsync, whatever the size of the state; the log is folded into a new snapshot
 * when it outgrows it. One thread.
 */
#define CONF_STORE_ID_MAX 64

// Which state of which store.
struct conf_held {
    uint8_t store_id[CONF_STORE_ID_MAX];
    size_t store_id_len; // 0 = none
    uint64_t revision;
};

struct conf_snapshot;
NODISCARD enum err conf_snapshot_open(const char *state_dir, struct conf_snapshot **out,
                                      struct errmsg *e);
void conf_snapshot_close(struct conf_snapshot *snapshot);

// Reads the last saved state into the empty `map`. ERR_NOT_FOUND: there is none. ERR_CORRUPT: the
// file made no sense and was renamed to config.snapshot.corrupt; `map` is empty. A torn end of the
// log is cut, with a log line. ERR_IO.
NODISCARD enum err conf_snapshot_load(struct conf_snapshot *snapshot, struct conf_map *map,
                                      struct conf_held *held, struct errmsg *e);

// Saves all of `map`. On return it survives a crash. On failure the state saved before stays.
NODISCARD enum err conf_snapshot_save(struct conf_snapshot *snapshot, const struct conf_map *map,
                                      const struct conf_held *held, struct errmsg *e);
// Saves what is different from the last saved state: the values of `paths` in `map`, absent ones as
// removed. Saves all when nothing was saved before, or when the log has grown too long.
NODISCARD enum err conf_snapshot_append(struct conf_snapshot *snapshot, const struct conf_map *map,
                                        const struct conf_held *held, const char *const *paths,
                                        size_t path_count, struct errmsg *e);

// The formats, for the functions above, tests and fuzzing: whole snapshot bytes into an empty map
// (ERR_CORRUPT leaves it in any state), and as many whole log records as there are. `digest` gets,
// or is, the snapshot's checksum. Returns the bytes of the log that are good; 0 = of another
// snapshot.
NODISCARD enum err conf_snapshot_parse(const uint8_t *bytes, size_t len, struct conf_map *map,
                                       struct conf_held *held, uint8_t digest[SHA256_SIZE]);
size_t conf_snapshot_replay(const uint8_t *bytes, size_t len, const uint8_t digest[SHA256_SIZE],
                            struct conf_map *map, struct conf_held *held,
                            uint8_t chain[SHA256_SIZE]);
