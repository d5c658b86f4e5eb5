/*
 * Config from another node: rows of commits, or a snapshot by way of the side table `stage`.
 * Thread: clusterd's loop.
 */
#include "clusterd/store/replica.h"

#include "clusterd/store/internal.h"

#include <inttypes.h>
#include <string.h>

// ---- giving ------------------------------------------------------------------------------------

bool replica_can_follow(struct store *store, struct store_version version,
                        const uint8_t digest[SHA256_SIZE])
{
    sqlite3_stmt *stmt = NULL;
    struct errmsg ignored;
    enum err err = store_prepare(store,
                                 "SELECT digest, (SELECT ifnull(sum(changes), 0) FROM commit_"
                                 " WHERE revision > c.revision AND seq > 0) FROM commit_ c"
                                 " WHERE epoch = ? AND seq = ?",
                                 &stmt, &ignored);
    if (err != ERR_OK) {
        return false;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)version.epoch);
    sqlite3_bind_int64(stmt, 2, (int64_t)version.seq);
    bool can = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == SHA256_SIZE &&
               memcmp(sqlite3_column_blob(stmt, 0), digest, SHA256_SIZE) == 0 &&
               sqlite3_column_int64(stmt, 1) <= REPLICA_DELTA_MAX;
    sqlite3_finalize(stmt);
    return can;
}

static bool give_changes(sqlite3_stmt *changes, struct replica_row *row, const char *after,
                         replica_row_fn fn, void *ctx, int *result)
{
    bool more = true;
    sqlite3_bind_int64(changes, 1, (int64_t)row->commit.revision);
    store_bind_text(changes, 2, after);
    while (more) {
        *result = sqlite3_step(changes);
        if (*result != SQLITE_ROW) {
            break;
        }
        row->path = store_column(changes, 0);
        row->value = store_column(changes, 1);
        more = fn(ctx, row);
    }
    sqlite3_reset(changes);
    return more;
}

enum err replica_each(struct store *store, struct store_version after, const char *path,
                      replica_row_fn fn, void *ctx, struct errmsg *e)
{
    sqlite3_stmt *commits = NULL;
    sqlite3_stmt *changes = NULL;
    enum err err = store_prepare(store,
                                 "SELECT revision, epoch, seq, time_ms, actor, node, summary,"
                                 " changes, digest FROM commit_ WHERE ((epoch, seq) > (?1, ?2) OR"
                                 " (?3 AND epoch = ?1 AND seq = ?2)) AND seq > 0"
                                 " ORDER BY epoch, seq",
                                 &commits, e);
    if (err == ERR_OK) {
        err = store_prepare(store,
                            "SELECT path, after FROM change WHERE revision = ? AND scope = 1"
                            " AND path > ? ORDER BY path",
                            &changes, e);
    }
    if (err == ERR_OK) {
        sqlite3_bind_int64(commits, 1, (int64_t)after.epoch);
        sqlite3_bind_int64(commits, 2, (int64_t)after.seq);
        sqlite3_bind_int(commits, 3, path != NULL);
    }
    const char *start = path == NULL ? "" : path; // of the first commit
    bool more = err == ERR_OK;
    int result = SQLITE_DONE;
    while (more) {
        result = sqlite3_step(commits);
        if (result != SQLITE_ROW) {
            break;
        }
        struct replica_row row = {
            .commit = {
                       .revision = (uint64_t)sqlite3_column_int64(commits, 0),
                       .version.epoch = (uint64_t)sqlite3_column_int64(commits, 1),
                       .version.seq = (uint64_t)sqlite3_column_int64(commits, 2),
                       .time_ms = (uint64_t)sqlite3_column_int64(commits, 3),
                       .actor = store_column(commits, 4),
                       .node = store_column(commits, 5),
                       .summary = store_column(commits, 6),
                       .changes = (uint64_t)sqlite3_column_int64(commits, 7),
                       .digest = sqlite3_column_blob(commits, 8),
                       }
        };
        more = fn(ctx, &row) && give_changes(changes, &row, start, fn, ctx, &result);
        start = "";
        if (result != SQLITE_DONE && result != SQLITE_ROW) {
            break;
        }
    }
    if (err == ERR_OK && result != SQLITE_DONE && result != SQLITE_ROW) {
        err = store_sql_error(store, e, "read history");
    }
    sqlite3_finalize(commits);
    sqlite3_finalize(changes);
    return err;
}

// ---- taking commits ----------------------------------------------------------------------------

enum err replica_begin(struct store *store, struct errmsg *e)
{
    return store_tx_begin(store, e);
}

enum err replica_change(struct store *store, const char *path, const char *value, struct errmsg *e)
{
    // Kinds that this release does not know are carried, not judged: the primary has checked.
    if (strlen(path) >= STORE_PATH_MAX || strchr(path, '/') == NULL) {
        return err_set(e, ERR_CORRUPT, "bad path from the primary");
    }
    return store_tx_put(store, path, STORE_CLUSTER, value, e);
}

enum err replica_commit(struct store *store, const struct store_commit_row *commit,
                        struct errmsg *e)
{
    struct store_version held = store->next.version;
    if (commit->version.seq != held.seq + 1 || commit->version.epoch < held.epoch) {
        return err_set(e, ERR_CONFLICT,
                       "version %" PRIu64 ".%" PRIu64 " does not follow %" PRIu64 ".%" PRIu64,
                       commit->version.epoch, commit->version.seq, held.epoch, held.seq);
    }
    uint8_t digest[SHA256_SIZE];
    hash_set_bytes(&store->next.total, digest);
    if (commit->digest == NULL || memcmp(digest, commit->digest, SHA256_SIZE) != 0) {
        return err_set(e, ERR_CORRUPT,
                       "the config after version %" PRIu64 ".%" PRIu64 " is not the primary's",
                       commit->version.epoch, commit->version.seq);
    }
    return store_tx_seal(store, commit, e);
}

static void tell(struct store *store)
{
    struct store_result result = {
        .revision = store->state.revision, .version = store->state.version, .changed = true};
    store_tell(store, &result);
}

enum err replica_finish(struct store *store, struct errmsg *e)
{
    enum err err = store_tx_commit(store, e);
    if (err == ERR_OK) {
        tell(store);
    }
    return err;
}

void replica_abort(struct store *store)
{
    store_tx_rollback(store);
}

// ---- taking a snapshot -------------------------------------------------------------------------

enum err replica_stage_begin(struct store *store, struct errmsg *e)
{
    if (sqlite3_exec(store->db, "DELETE FROM stage", NULL, NULL, NULL) != SQLITE_OK) {
        return store_sql_error(store, e, "stage");
    }
    return ERR_OK;
}

enum err replica_stage_add(struct store *store, const struct replica_object *objects, size_t count,
                           struct errmsg *e)
{
    enum err err = store_run(store, STMT_BEGIN, e);
    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        const struct replica_object *object = &objects[i];
        if (strlen(object->path) >= STORE_PATH_MAX || strchr(object->path, '/') == NULL) {
            err = err_set(e, ERR_CORRUPT, "bad path from the primary");
            break;
        }
        enum store_stmt which = object->value == NULL ? STMT_STAGE_DELETE : STMT_STAGE_PUT;
        store_bind_text(store->stmt[which], 1, object->path);
        if (object->value != NULL) {
            store_bind_text(store->stmt[which], 2, object->value);
        }
        err = store_run(store, which, e);
    }
    if (err == ERR_OK) {
        err = store_run(store, STMT_COMMIT, e);
    }
    if (err != ERR_OK && sqlite3_get_autocommit(store->db) == 0) {
        struct errmsg ignored;
        (void)(store_run(store, STMT_ROLLBACK, &ignored) == ERR_OK);
    }
    return err;
}

// One pass over the objects that differ between what is held and what is staged.
static enum err put_differences(struct store *store, struct errmsg *e)
{
    // Materialised by the ORDER BY before the first row, so that writing while reading is safe.
    static const char sql[] =
        "SELECT o.path AS path, NULL AS value FROM object o LEFT JOIN stage s ON s.path = o.path"
        " WHERE o.scope = 1 AND s.path IS NULL UNION ALL"
        " SELECT s.path, s.value FROM stage s LEFT JOIN object o ON o.path = s.path"
        " WHERE o.path IS NULL OR o.value <> s.value OR o.scope <> 1 ORDER BY value, path";
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(store, sql, &stmt, e);
    int result = SQLITE_DONE;
    while (err == ERR_OK) {
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW) {
            break;
        }
        err = store_tx_put(store, store_column(stmt, 0), STORE_CLUSTER, store_column(stmt, 1), e);
    }
    if (err == ERR_OK && result != SQLITE_DONE) {
        err = store_sql_error(store, e, "swap");
    }
    sqlite3_finalize(stmt);
    return err;
}

static enum err swap(struct store *store, const struct store_commit_row *commit,
                     const uint8_t digest[SHA256_SIZE], const struct store_change *extra,
                     size_t extra_count, struct errmsg *e)
{
    enum err err = put_differences(store, e);
    if (err == ERR_OK) {
        err = store_sections_recount(store, e); // the sums kept may be what has drifted
    }
    if (err != ERR_OK) {
        return err;
    }
    uint8_t have[SHA256_SIZE];
    hash_set_bytes(&store->next.total, have);
    if (memcmp(have, digest, SHA256_SIZE) != 0) {
        return err_set(e, ERR_CORRUPT, "the snapshot received is not the primary's config");
    }
    for (size_t i = 0; i < extra_count && err == ERR_OK; i++) {
        err = store_tx_put(store, extra[i].path, STORE_NODE, extra[i].value, e);
    }
    if (err == ERR_OK) {
        err = store_tx_seal(store, commit, e);
    }
    if (err == ERR_OK &&
        sqlite3_exec(store->db, "DELETE FROM stage", NULL, NULL, NULL) != SQLITE_OK) {
        err = store_sql_error(store, e, "swap");
    }
    return err == ERR_OK ? store_tx_commit(store, e) : err;
}

enum err replica_stage_swap(struct store *store, const struct store_commit_row *commit,
                            const uint8_t digest[SHA256_SIZE], const struct store_change *extra,
                            size_t extra_count, struct errmsg *e)
{
    enum err err = store_tx_begin(store, e);
    if (err == ERR_OK) {
        err = swap(store, commit, digest, extra, extra_count, e);
    }
    if (err != ERR_OK) {
        store_tx_rollback(store);
        return err;
    }
    tell(store);
    return ERR_OK;
}
