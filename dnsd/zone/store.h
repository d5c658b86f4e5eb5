#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "dnsd/zone/row.h"
#include "dnsd/zone/table.h"
#include "dnsd/zone/zone.h"

/*
 * What lies on disk: one LMDB environment with the databases
 *
 *   meta      "format" -> u32; "next" -> u32, the next zone id or content number
 *   zones     zone id (u32, big-endian) -> row (row.h)
 *   records   content number (u32, big-endian) | name_to_key behind the apex -> owner (owner.h)
 *
 * A zone's row names the content that is its own. Whole new contents are written under a new number
 * at the end of `records`, so they fill pages in order and become the zone's with its row, in one
 * step; the old ones are taken away later, piece by piece.
 */
struct job;
struct retired;

#define ZONE_LISTENERS_MAX 4

struct zone_store {
    char folder[256];
    MDB_env *env;
    MDB_dbi meta;
    MDB_dbi zones;
    MDB_dbi records;
    struct zone_table *table;        // RCU

    // The queue; `lock` guards this part.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t idle;             // `held` went down
    size_t held;                     // jobs queued or in work
    struct job *first;
    struct job **last;
    struct retired *passed;          // out of the reach of readers, to be freed
    bool is_pin_dropped;             // a version may have become free
    bool is_stopping;

    // The writer thread's own.
    pthread_t writer;
    bool has_writer;
    uint32_t next_id;
    uint64_t stamp;                  // of the last run of changes
    struct zone *waiting;            // zones that have old versions
    uint32_t *purges;                // contents that no zone uses any more
    size_t purge_count;
    size_t purge_capacity;

    struct {
        zone_listen_fn fn;
        void *ctx;
    } listeners[ZONE_LISTENERS_MAX];
    size_t listener_count;
};

// Opens the environment and its databases, loads the zones into a first table. The writer thread is
// not started.
NODISCARD enum err store_open(struct zone_store *store, const char *folder, struct errmsg *e);
void store_close(struct zone_store *store);

// The error for an LMDB return code (not 0): disk full, corrupt with the way to restore, or other.
enum err store_error(const struct zone_store *store, int code, struct errmsg *e);

// In a transaction; results are LMDB's codes. `key` of a record: store_key.
#define STORE_KEY_MAX 511
// Writes content number and the name's key behind the apex; returns the length, 0 = too long.
size_t store_key(uint32_t content, const struct name *apex, const uint8_t *name_lower,
                 uint8_t key[STORE_KEY_MAX]);
int store_row_put(struct zone_store *store, MDB_txn *txn, uint32_t id, const struct zone_row *row);
int store_row_delete(struct zone_store *store, MDB_txn *txn, uint32_t id);
int store_next_put(struct zone_store *store, MDB_txn *txn, uint32_t next);
// The stored form of a name's records; MDB_NOTFOUND.
int store_owner_get(struct zone_store *store, MDB_txn *txn, uint32_t content,
                    const struct name *apex, const uint8_t *name_lower, MDB_val *value);
// Empty value = the name goes.
int store_owner_put(struct zone_store *store, MDB_txn *txn, uint32_t content,
                    const struct name *apex, const uint8_t *name_lower, const MDB_val *value);
// Deletes up to `limit` names of a content; `*done` when none is left.
int store_purge(struct zone_store *store, MDB_txn *txn, uint32_t content, size_t limit, bool *done);

// The owner names of a content in order. The name, the value; valid until the next step.
struct store_scan {
    MDB_cursor *cursor;
    uint32_t content;
    struct name apex;
    size_t apex_key_len;
    uint8_t key[NAME_MAX_KEY];
    struct name name;
    MDB_val value;
};
// From `start` on (NULL = apex). MDB code, MDB_NOTFOUND when there is none.
int store_scan_first(struct store_scan *scan, struct zone_store *store, MDB_txn *txn,
                     uint32_t content, const struct name *apex, const uint8_t *start);
int store_scan_next(struct store_scan *scan);
void store_scan_end(struct store_scan *scan);
