/*
 * The history of the store: listing, differences between two states, undoing, trimming.
 * Thread: clusterd's loop.
 */
#include "clusterd/store/internal.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <string.h>

// Trimming waits until this many commits are due, so that it is not part of every commit.
#define TRIM_BATCH 64

static void read_commit(sqlite3_stmt *stmt, struct store_commit_row *row)
{
    *row = (struct store_commit_row){
        .revision = (uint64_t)sqlite3_column_int64(stmt, 0),
        .version.epoch = (uint64_t)sqlite3_column_int64(stmt, 1),
        .version.seq = (uint64_t)sqlite3_column_int64(stmt, 2),
        .time_ms = (uint64_t)sqlite3_column_int64(stmt, 3),
        .actor = store_column(stmt, 4),
        .node = store_column(stmt, 5),
        .summary = store_column(stmt, 6),
        .changes = (uint64_t)sqlite3_column_int64(stmt, 7),
        .digest =
            sqlite3_column_bytes(stmt, 8) == SHA256_SIZE ? sqlite3_column_blob(stmt, 8) : NULL,
    };
}

enum err store_history(struct store *store, uint64_t before, const char *path_prefix,
                       store_history_fn fn, void *ctx, struct errmsg *e)
{
    bool filtered = path_prefix != NULL && path_prefix[0] != '\0';
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(
        store,
        filtered ? "SELECT * FROM commit_ c WHERE revision < ?1 AND EXISTS(SELECT 1 FROM change"
                   " WHERE revision = c.revision AND path >= ?2 AND path < ?3)"
                   " ORDER BY revision DESC"
                 : "SELECT * FROM commit_ WHERE revision < ?1 ORDER BY revision DESC",
        &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    struct str end;
    str_init(&end);
    sqlite3_bind_int64(stmt, 1, before == 0 ? INT64_MAX : (int64_t)before);
    if (filtered) {
        str_add(&end, path_prefix);
        str_add_char(&end, (char)0xff);
        store_bind_text(stmt, 2, path_prefix);
        store_bind_text(stmt, 3, end.text);
    }
    int result = SQLITE_ROW;
    bool more = true;
    while (more) {
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW) {
            break;
        }
        struct store_commit_row row;
        read_commit(stmt, &row);
        more = fn(ctx, &row);
    }
    if (more && result != SQLITE_DONE) {
        err = store_sql_error(store, e, "read history");
    }
    sqlite3_finalize(stmt);
    str_fini(&end);
    return err;
}

// ---- differences -------------------------------------------------------------------------------

// Value of `path` before (`first` true) or after the changes in the half-open range (from, to].
static enum err edge_value(struct store *store, const char *path, uint64_t from, uint64_t to,
                           bool first, char **out, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(
        store,
        first ? "SELECT before FROM change WHERE path = ? AND revision > ? AND revision <= ?"
                " ORDER BY revision LIMIT 1"
              : "SELECT after FROM change WHERE path = ? AND revision > ? AND revision <= ?"
                " ORDER BY revision DESC LIMIT 1",
        &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    store_bind_text(stmt, 1, path);
    sqlite3_bind_int64(stmt, 2, (int64_t)from);
    sqlite3_bind_int64(stmt, 3, (int64_t)to);
    *out = NULL;
    int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        const char *text = store_column(stmt, 0);
        *out = text == NULL ? NULL : mem_strdup(text);
    } else if (result != SQLITE_DONE) {
        err = store_sql_error(store, e, "read history");
    }
    sqlite3_finalize(stmt);
    return err;
}

static enum err check_reach(struct store *store, uint64_t revision, struct errmsg *e)
{
    if (revision > store->state.revision) {
        return err_set(e, ERR_NOT_FOUND, "there is no revision %llu yet, the newest is %llu",
                       (unsigned long long)revision, (unsigned long long)store->state.revision);
    }
    if (revision < store->state.floor) {
        return err_set(e, ERR_NOT_FOUND, "the history reaches back to revision %llu only",
                       (unsigned long long)store->state.floor);
    }
    return ERR_OK;
}

static bool differs(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

struct diff_range {
    uint64_t low;
    uint64_t high;
    bool backwards;
    store_diff_fn fn;
    void *ctx;
};

static enum err diff_path(struct store *store, const struct diff_range *range, const char *path,
                          bool *more, struct errmsg *e)
{
    char *before = NULL;
    char *after = NULL;
    enum err err = edge_value(store, path, range->low, range->high, true, &before, e);
    if (err == ERR_OK) {
        err = edge_value(store, path, range->low, range->high, false, &after, e);
    }
    if (err == ERR_OK && differs(before, after)) {
        struct store_diff_row row = {
            .path = path,
            .before = range->backwards ? after : before,
            .after = range->backwards ? before : after,
        };
        *more = range->fn(range->ctx, &row);
    }
    mem_free(before);
    mem_free(after);
    return err;
}

enum err store_diff(struct store *store, uint64_t from, uint64_t to, const char *after,
                    store_diff_fn fn, void *ctx, struct errmsg *e)
{
    if (to == 0) {
        to = store->state.revision;
    }
    struct diff_range range = {.low = from < to ? from : to,
                               .high = from < to ? to : from,
                               .backwards = from > to,
                               .fn = fn,
                               .ctx = ctx};
    enum err err = check_reach(store, range.low, e);
    if (err == ERR_OK) {
        err = check_reach(store, range.high, e);
    }
    sqlite3_stmt *stmt = NULL;
    if (err == ERR_OK) {
        err = store_prepare(store,
                            "SELECT DISTINCT path FROM change WHERE revision > ? AND revision <= ?"
                            " AND path > ? ORDER BY path",
                            &stmt, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)range.low);
    sqlite3_bind_int64(stmt, 2, (int64_t)range.high);
    store_bind_text(stmt, 3, after == NULL ? "" : after);
    bool more = true;
    while (more && err == ERR_OK) {
        int result = sqlite3_step(stmt);
        if (result == SQLITE_DONE) {
            break;
        }
        if (result != SQLITE_ROW) {
            err = store_sql_error(store, e, "read history");
            break;
        }
        err = diff_path(store, &range, store_column(stmt, 0), &more, e);
    }
    sqlite3_finalize(stmt);
    return err;
}

// ---- undoing -----------------------------------------------------------------------------------

struct undo {
    char *path;
    char *value;    // to put back, NULL = remove
    char *expected; // what must be there now; only looked at for a single commit
    enum store_scope scope;
};
struct undo_list {
    struct undo *items;
    size_t count;
    size_t capacity;
    size_t left_alone;
};

static void undo_list_fini(struct undo_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i].path);
        mem_free(list->items[i].value);
        mem_free(list->items[i].expected);
    }
    mem_free(list->items);
}

static char *dup_or_null(const char *text)
{
    return text == NULL ? NULL : mem_strdup(text);
}

static enum err collect_undo(struct store *store, uint64_t revision, bool everything_after,
                             bool operational, struct undo_list *list, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    // The earliest change of a path after the revision knows what the path was then.
    enum err err = store_prepare(
        store,
        everything_after ? "SELECT path, before, after, scope, min(revision) FROM change"
                           " WHERE revision > ? GROUP BY path"
                         : "SELECT path, before, after, scope FROM change WHERE revision = ?",
        &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)revision);
    int result = sqlite3_step(stmt);
    for (; result == SQLITE_ROW; result = sqlite3_step(stmt)) {
        if (!operational && store_is_operational(store_column(stmt, 0))) {
            list->left_alone++;
            continue;
        }
        mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items);
        list->items[list->count++] = (struct undo){
            .path = mem_strdup(store_column(stmt, 0)),
            .value = dup_or_null(store_column(stmt, 1)),
            .expected = dup_or_null(store_column(stmt, 2)),
            .scope = (enum store_scope)sqlite3_column_int(stmt, 3),
        };
    }
    if (result != SQLITE_DONE) {
        err = store_sql_error(store, e, "read history");
    }
    sqlite3_finalize(stmt);
    return err;
}

static enum err check_undo(struct store *store, const struct undo_list *list, bool everything_after,
                           struct errmsg *e)
{
    struct str held;
    str_init(&held);
    enum err err = ERR_OK;
    for (size_t i = 0; i < list->count && err == ERR_OK; i++) {
        const struct undo *undo = &list->items[i];
        if (undo->scope == STORE_CLUSTER && store->locked) {
            err = err_set(e, ERR_NOT_PRIMARY,
                          "this node is a secondary: the config of the cluster is changed on its "
                          "primary %s",
                          store->primary);
        } else if (!everything_after) {
            bool found = store_get(store, undo->path, &held);
            if (differs(found ? held.text : NULL, undo->expected)) {
                err = err_set(e, ERR_CONFLICT, "%s was changed again since; undo that first",
                              undo->path);
            }
        }
    }
    str_fini(&held);
    return err;
}

static enum err commit_undo(struct store *store, const struct undo_list *list, uint64_t revision,
                            const char *words, const char *actor, const char *node,
                            struct store_result *result, struct errmsg *e)
{
    struct store_change *changes = mem_calloc(list->count + 1, sizeof *changes);
    for (size_t i = 0; i < list->count; i++) {
        changes[i].path = list->items[i].path;
        changes[i].value = list->items[i].value;
    }
    struct str summary;
    str_init(&summary);
    str_printf(&summary, "%s %llu", words, (unsigned long long)revision);
    struct store_request request = {.changes = changes,
                                    .count = list->count,
                                    .actor = actor,
                                    .node = node,
                                    .summary = summary.text};
    enum err err = store_commit(store, &request, result, e);
    str_fini(&summary);
    mem_free(changes);
    return err;
}

// Takes objects that have changed since out of the list.
static void leave_what_moved(struct store *store, struct undo_list *list)
{
    struct str held;
    str_init(&held);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct undo undo = list->items[i];
        bool found = store_get(store, undo.path, &held);
        if (!differs(found ? held.text : NULL, undo.expected)) {
            list->items[kept++] = undo;
        } else {
            mem_free(undo.path);
            mem_free(undo.value);
            mem_free(undo.expected);
        }
    }
    list->count = kept;
    str_fini(&held);
}

enum err store_revert(struct store *store, uint64_t revision, bool everything_after,
                      const char *actor, const char *node, struct store_result *result,
                      struct errmsg *e)
{
    if (!everything_after && (revision <= store->state.floor || revision > store->state.revision)) {
        return err_set(e, ERR_NOT_FOUND, "revision %llu is not in the history",
                       (unsigned long long)revision);
    }
    enum err err = check_reach(store, revision, e);
    struct undo_list list = {0};
    if (err == ERR_OK) {
        err = collect_undo(store, revision, everything_after, false, &list, e);
    }
    if (err == ERR_OK && list.count == 0 && list.left_alone > 0) {
        err = err_set(e, ERR_BAD_STATE,
                      "revision %llu was made by a cluster operation and is undone by another "
                      "operation only (leave, remove, delete)",
                      (unsigned long long)revision);
    }
    if (err == ERR_OK) {
        err = check_undo(store, &list, everything_after, e);
    }
    if (err == ERR_OK) {
        err = commit_undo(store, &list, revision,
                          everything_after ? "return to revision" : "undo revision", actor, node,
                          result, e);
    }
    undo_list_fini(&list);
    return err;
}

enum err store_undo(struct store *store, uint64_t revision, const char *actor, const char *node,
                    struct store_result *result, struct errmsg *e)
{
    struct undo_list list = {0};
    enum err err = collect_undo(store, revision, false, true, &list, e);
    if (err == ERR_OK) {
        leave_what_moved(store, &list);
        err = commit_undo(store, &list, revision, "undo revision", actor, node, result, e);
    }
    undo_list_fini(&list);
    return err;
}

enum err store_find_version(struct store *store, struct store_version version, uint64_t *revision,
                            struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err =
        store_prepare(store, "SELECT revision FROM commit_ WHERE epoch = ? AND seq = ?", &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)version.epoch);
    sqlite3_bind_int64(stmt, 2, (int64_t)version.seq);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        *revision = (uint64_t)sqlite3_column_int64(stmt, 0);
    } else {
        err = err_set(e, ERR_NOT_FOUND, "version %llu.%llu is not in the history of this node",
                      (unsigned long long)version.epoch, (unsigned long long)version.seq);
    }
    sqlite3_finalize(stmt);
    return err;
}

struct store_version store_version_at(struct store *store, uint64_t revision)
{
    if (revision >= store->state.revision) {
        return store->state.version;
    }
    struct store_version version = {0};
    struct errmsg ignored;
    sqlite3_stmt *stmt = NULL;
    if (store_prepare(store,
                      "SELECT epoch, seq FROM commit_ WHERE revision <= ? AND seq > 0"
                      " ORDER BY revision DESC LIMIT 1",
                      &stmt, &ignored) != ERR_OK) {
        return version;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)revision);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        version.epoch = (uint64_t)sqlite3_column_int64(stmt, 0);
        version.seq = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return version;
}

// ---- trimming ----------------------------------------------------------------------------------

// The newest revision to forget, 0 = none.
static enum err trim_limit(struct store *store, uint64_t *limit, struct errmsg *e)
{
    *limit = 0;
    uint64_t now = clock_unix_ms();
    uint64_t oldest_ms =
        now > STORE_HISTORY_SECONDS * 1000 ? now - STORE_HISTORY_SECONDS * 1000 : 0;
    sqlite3_stmt *stmt = NULL;
    enum err err =
        store_prepare(store,
                      "SELECT max(ifnull((SELECT max(revision) FROM (SELECT revision"
                      " FROM commit_ ORDER BY revision DESC LIMIT 1 OFFSET ?1)), 0),"
                      " ifnull((SELECT max(revision) FROM (SELECT revision, time_ms"
                      " FROM commit_ ORDER BY revision LIMIT ?3) WHERE time_ms < ?2), 0))",
                      &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    sqlite3_bind_int64(stmt, 1, STORE_HISTORY_COMMITS);
    sqlite3_bind_int64(stmt, 2, (int64_t)oldest_ms);
    sqlite3_bind_int64(stmt, 3, TRIM_BATCH);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        *limit = (uint64_t)sqlite3_column_int64(stmt, 0);
    } else {
        err = store_sql_error(store, e, "trim history");
    }
    sqlite3_finalize(stmt);
    return err;
}

enum err store_history_trim(struct store *store, struct errmsg *e)
{
    static const char *const sql[] = {"DELETE FROM change WHERE revision <= ?",
                                      "DELETE FROM commit_ WHERE revision <= ?"};
    if (store->next.revision % TRIM_BATCH != 0) {
        return ERR_OK;
    }
    uint64_t limit = 0;
    enum err err = trim_limit(store, &limit, e);
    // The newest commit always stays.
    if (err != ERR_OK || limit <= store->next.floor || limit >= store->next.revision) {
        return err;
    }
    for (size_t i = 0; i < 2 && err == ERR_OK; i++) {
        sqlite3_stmt *stmt = NULL;
        err = store_prepare(store, sql[i], &stmt, e);
        if (err == ERR_OK) {
            sqlite3_bind_int64(stmt, 1, (int64_t)limit);
            if (sqlite3_step(stmt) != SQLITE_DONE) {
                err = store_sql_error(store, e, "trim history");
            }
        }
        sqlite3_finalize(stmt);
    }
    if (err == ERR_OK) {
        store->next.commits -= (uint64_t)sqlite3_changes64(store->db);
        store->next.floor = limit;
    }
    return err;
}
