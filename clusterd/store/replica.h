#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "clusterd/store/store.h"

/*
 * How the cluster-scope part of one node's store becomes that of another: commits after a known
 * version, or the whole of it by way of a side table. Loop's thread.
 */

// ---- giving (primary) --------------------------------------------------------------------------

// Can a node that holds `version` with `digest` be brought on by commits? False: it needs a
// snapshot (other line of history, too far behind, or too much in one piece).
#define REPLICA_DELTA_MAX 20000 // changed objects
bool replica_can_follow(struct store *store, struct store_version version,
                        const uint8_t digest[SHA256_SIZE]);

// The changes of cluster scope in the commits after version `after`, in order of version and path,
// until `fn` returns false. With a `path`: from behind that path of commit `after` on. A row with
// path NULL opens each commit.
struct replica_row {
    struct store_commit_row commit;
    const char *path;
    const char *value; // NULL = deleted
};
typedef bool (*replica_row_fn)(void *ctx, const struct replica_row *row);
NODISCARD enum err replica_each(struct store *store, struct store_version after, const char *path,
                                replica_row_fn fn, void *ctx, struct errmsg *e);

// ---- taking (secondary) ------------------------------------------------------------------------

// A row of commits, applied in one transaction: begin, then per commit its changes, then finish.
// The version must follow the held one without a gap and the digest after each commit must be the
// one sent: else ERR_CONFLICT or ERR_CORRUPT and nothing changed. After a failure only
// replica_abort may follow (also allowed after success, does nothing then).
NODISCARD enum err replica_begin(struct store *store, struct errmsg *e);
NODISCARD enum err replica_change(struct store *store, const char *path, const char *value,
                                  struct errmsg *e);
NODISCARD enum err replica_commit(struct store *store, const struct store_commit_row *commit,
                                  struct errmsg *e);
NODISCARD enum err replica_finish(struct store *store, struct errmsg *e);
void replica_abort(struct store *store);

// A snapshot: pages go to a side table; nothing held is touched until replica_stage_swap, which
// replaces all cluster-scope objects in one transaction when the digest is `digest`, else
// ERR_CORRUPT. A stage left over from before is dropped by replica_stage_begin.
NODISCARD enum err replica_stage_begin(struct store *store, struct errmsg *e);
struct replica_object {
    const char *path;
    const char *value; // NULL = deleted
};
NODISCARD enum err replica_stage_add(struct store *store, const struct replica_object *objects,
                                     size_t count, struct errmsg *e);
// `commit` gives the version, time and origin to be held after it. `extra` (may be NULL) are
// node-scope changes that become valid in the same transaction (the role of a node that joins).
NODISCARD enum err replica_stage_swap(struct store *store, const struct store_commit_row *commit,
                                      const uint8_t digest[SHA256_SIZE],
                                      const struct store_change *extra, size_t extra_count,
                                      struct errmsg *e);
