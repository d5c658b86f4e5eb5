/*
 * Commits: one transaction that changes objects, writes their history and moves the digests.
 *
 * Invariant: a transaction works on `next`; `state` changes only after COMMIT succeeded, so a
 * failure at any statement leaves memory and disk as they were. Thread: clusterd's loop.
 */
#include "clusterd/store/internal.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <assert.h>
#include <string.h>

enum err store_tx_begin(struct store *store, struct errmsg *e)
{
    assert(!store->in_transaction);
    enum err err = store_run(store, STMT_BEGIN, e);
    if (err == ERR_OK) {
        store->in_transaction = true;
        store->changed = false;
        store->changed_cluster = false;
        store->next = store->state;
    }
    return err;
}

void store_tx_rollback(struct store *store)
{
    if (!store->in_transaction) {
        return;
    }
    store->in_transaction = false;
    // SQLite has rolled back by itself after some failures; then there is nothing left to do.
    if (sqlite3_get_autocommit(store->db) == 0) {
        struct errmsg ignored;
        enum err err = store_run(store, STMT_ROLLBACK, &ignored);
        assert(err == ERR_OK || sqlite3_get_autocommit(store->db) != 0);
    }
}

struct held {
    char *value;       // NULL = not there
    uint64_t revision; // of the last change
};

static void read_held(struct store *store, const char *path, struct held *held)
{
    *held = (struct held){0};
    sqlite3_stmt *stmt = store->stmt[STMT_OBJECT_GET];
    store_bind_text(stmt, 1, path);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        held->value = mem_strdup(store_column(stmt, 0));
        held->revision = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

// When an object that is not there was removed; the floor of the history where that is forgotten.
static uint64_t removed_at(struct store *store, const char *path)
{
    sqlite3_stmt *stmt = store->stmt[STMT_CHANGE_LAST];
    store_bind_text(stmt, 1, path);
    uint64_t revision = store->state.floor;
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        revision = (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return revision;
}

static enum err write_change(struct store *store, const char *path, enum store_scope scope,
                             const char *before, const char *after, struct errmsg *e)
{
    int64_t revision = (int64_t)store->next.revision + 1;
    sqlite3_stmt *change = store->stmt[STMT_CHANGE_ADD];
    sqlite3_bind_int64(change, 1, revision);
    store_bind_text(change, 2, path);
    sqlite3_bind_int(change, 3, (int)scope);
    store_bind_text(change, 4, before);
    store_bind_text(change, 5, after);
    enum err err = store_run(store, STMT_CHANGE_ADD, e);
    if (err != ERR_OK) {
        if ((sqlite3_extended_errcode(store->db) & 0xff) == SQLITE_CONSTRAINT) {
            return err_set(e, ERR_INVALID, "%s is changed twice in one commit", path);
        }
        return err;
    }
    if (after == NULL) {
        store_bind_text(store->stmt[STMT_OBJECT_DELETE], 1, path);
        return store_run(store, STMT_OBJECT_DELETE, e);
    }
    sqlite3_stmt *put = store->stmt[STMT_OBJECT_PUT];
    store_bind_text(put, 1, path);
    sqlite3_bind_int(put, 2, (int)scope);
    store_bind_text(put, 3, after);
    sqlite3_bind_int64(put, 4, revision);
    return store_run(store, STMT_OBJECT_PUT, e);
}

static enum err put_over(struct store *store, const char *path, enum store_scope scope,
                         const char *before, const char *after, struct errmsg *e)
{
    bool same = before == NULL || after == NULL ? before == after : strcmp(before, after) == 0;
    if (same) {
        return ERR_OK;
    }
    enum err err = write_change(store, path, scope, before, after, e);
    if (err == ERR_OK && scope == STORE_CLUSTER && before != NULL) {
        err = store_sections_count(&store->next, path, before, false, e);
    }
    if (err == ERR_OK && scope == STORE_CLUSTER && after != NULL) {
        err = store_sections_count(&store->next, path, after, true, e);
    }
    store->changed = true;
    store->changed_cluster = store->changed_cluster || scope == STORE_CLUSTER;
    return err;
}

enum err store_tx_put(struct store *store, const char *path, enum store_scope scope,
                      const char *value, struct errmsg *e)
{
    struct held held;
    read_held(store, path, &held);
    enum err err = put_over(store, path, scope, held.value, value, e);
    mem_free(held.value);
    return err;
}

enum err store_tx_seal(struct store *store, const struct store_commit_row *row, struct errmsg *e)
{
    struct store_state *next = &store->next;
    next->revision++;
    next->commits++;
    bool of_cluster = row->version.epoch != 0 || row->version.seq != 0;
    if (of_cluster) {
        next->version = row->version;
        next->version_time_ms = row->time_ms;
    }
    sqlite3_stmt *stmt = store->stmt[STMT_COMMIT_ADD];
    sqlite3_bind_int64(stmt, 1, (int64_t)next->revision);
    sqlite3_bind_int64(stmt, 2, (int64_t)row->version.epoch);
    sqlite3_bind_int64(stmt, 3, (int64_t)row->version.seq);
    sqlite3_bind_int64(stmt, 4, (int64_t)row->time_ms);
    store_bind_text(stmt, 5, row->actor == NULL ? "" : row->actor);
    store_bind_text(stmt, 6, row->node == NULL ? "" : row->node);
    store_bind_text(stmt, 7, row->summary == NULL ? "" : row->summary);
    if (of_cluster) {
        uint8_t digest[SHA256_SIZE];
        hash_set_bytes(&next->total, digest);
        sqlite3_bind_blob(stmt, 8, digest, sizeof digest, SQLITE_TRANSIENT);
    }
    return store_run(store, STMT_COMMIT_ADD, e);
}

static enum err save_head(struct store *store, struct errmsg *e)
{
    const struct store_state *next = &store->next;
    uint8_t digest[SHA256_SIZE];
    hash_set_bytes(&next->total, digest);
    sqlite3_stmt *stmt = store->stmt[STMT_HEAD_SAVE];
    sqlite3_bind_blob(stmt, 1, store->id, sizeof store->id, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, (int64_t)next->revision);
    sqlite3_bind_int64(stmt, 3, (int64_t)next->version.epoch);
    sqlite3_bind_int64(stmt, 4, (int64_t)next->version.seq);
    sqlite3_bind_int64(stmt, 5, (int64_t)next->version_time_ms);
    sqlite3_bind_int64(stmt, 6, (int64_t)next->floor);
    sqlite3_bind_int64(stmt, 7, (int64_t)next->commits);
    sqlite3_bind_blob(stmt, 8, digest, sizeof digest, SQLITE_TRANSIENT);
    return store_run(store, STMT_HEAD_SAVE, e);
}

enum err store_tx_commit(struct store *store, struct errmsg *e)
{
    enum err err = store_history_trim(store, e);
    if (err == ERR_OK) {
        err = store_sections_save(store, e);
    }
    if (err == ERR_OK) {
        err = save_head(store, e);
    }
    if (err == ERR_OK) {
        err = store_run(store, STMT_COMMIT, e);
    }
    if (err != ERR_OK) {
        store_tx_rollback(store);
        return err;
    }
    store->in_transaction = false;
    store->state = store->next;
    return ERR_OK;
}

void store_tell(struct store *store, const struct store_result *result)
{
    for (size_t i = 0; i < store->observer_count; i++) {
        store->observers[i].fn(store->observers[i].ctx, result);
    }
}

void store_on_commit(struct store *store, store_commit_fn fn, void *ctx)
{
    assert(store->observer_count < STORE_OBSERVERS_MAX);
    store->observers[store->observer_count].fn = fn;
    store->observers[store->observer_count].ctx = ctx;
    store->observer_count++;
}

void store_lock_cluster(struct store *store, const char *primary)
{
    store->locked = primary != NULL;
    if (primary != NULL && !str_copy(store->primary, sizeof store->primary, primary)) {
        store->primary[0] = '\0';
    }
}

// ---- a commit asked for ------------------------------------------------------------------------

static enum err check_preconditions(struct store *store, const struct store_request *request,
                                    const struct store_change *change, const struct held *held,
                                    struct errmsg *e)
{
    if (change->must_exist && held->value == NULL) {
        return err_set(e, ERR_NOT_FOUND, "%s does not exist", change->path);
    }
    if (change->must_not_exist && held->value != NULL) {
        return err_set(e, ERR_EXISTS, "%s exists already", change->path);
    }
    if (request->base_revision == 0) {
        return ERR_OK;
    }
    uint64_t moved = held->value != NULL ? held->revision : removed_at(store, change->path);
    if (moved > request->base_revision) {
        return err_set(e, ERR_CONFLICT,
                       "%s was changed by someone else in the meantime; look at the new value and "
                       "try again",
                       change->path);
    }
    return ERR_OK;
}

static enum err apply_change(struct store *store, const struct store_request *request,
                             const struct store_change *change, struct errmsg *e)
{
    enum store_scope scope = STORE_NODE;
    char *value = NULL;
    enum err err = store_check(change->path, change->value, &scope, &value, e);
    if (err != ERR_OK) {
        return err;
    }
    struct held held = {0};
    if (scope == STORE_CLUSTER && store->locked) {
        err = err_set(e, ERR_NOT_PRIMARY,
                      "this node is a secondary: the config of the cluster is changed on its "
                      "primary %s",
                      store->primary);
    }
    if (err == ERR_OK) {
        read_held(store, change->path, &held);
        err = check_preconditions(store, request, change, &held, e);
    }
    if (err == ERR_OK) {
        err = put_over(store, change->path, scope, held.value, value, e);
    }
    mem_free(held.value);
    mem_free(value);
    return err;
}

static enum err seal_request(struct store *store, const struct store_request *request,
                             struct errmsg *e)
{
    struct store_commit_row row = {
        .time_ms = clock_unix_ms(),
        .actor = request->actor,
        .node = request->node,
        .summary = request->summary,
    };
    if (store->changed_cluster || request->epoch != 0) {
        row.version = store->state.version;
        row.version.seq++;
        if (request->epoch != 0) {
            row.version.epoch = request->epoch;
        }
    }
    return store_tx_seal(store, &row, e);
}

enum err store_commit(struct store *store, const struct store_request *request,
                      struct store_result *result, struct errmsg *e)
{
    enum err err = store_tx_begin(store, e);
    for (size_t i = 0; i < request->count && err == ERR_OK; i++) {
        err = apply_change(store, request, &request->changes[i], e);
    }
    if (err != ERR_OK) {
        store_tx_rollback(store);
        return err;
    }
    bool changed = store->changed || request->epoch != 0;
    if (!changed) {
        store_tx_rollback(store);
    } else {
        err = seal_request(store, request, e);
        if (err == ERR_OK) {
            err = store_tx_commit(store, e);
        }
        if (err != ERR_OK) {
            store_tx_rollback(store);
            return err;
        }
    }
    *result = (struct store_result){
        .revision = store->state.revision, .version = store->state.version, .changed = changed};
    if (changed) {
        store_tell(store, result);
    }
    return ERR_OK;
}
