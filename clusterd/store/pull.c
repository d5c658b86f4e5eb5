/*
 * How followers of the store (dnsd, webd, the secondaries' snapshots) bring themselves up to date.
 *
 * The cursor says where the row of pages stands:
 *
 *   s<revision>:<path>    a snapshot has passed <path>; <revision> comes after the one it began at
 *   d<revision>:<path>    changes up to (<revision>, <path>) have been given
 *   ds<revision>:<path>   the same, as the tail of a snapshot
 *
 * A snapshot walks the objects by path, then gives what has changed since it began; changes are
 * given in order of (revision, path), each path at its last change only. So whatever is committed
 * between two pages comes later in the same row, and the last page closes at one moment.
 * Thread: clusterd's loop.
 */
#include "clusterd/store/internal.h"

#include "common/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Objects looked at for one page, whether given or not: bounds the time of one call.
#define SCAN_MAX 20000
// A follower behind by more changes than this gets a snapshot.
#define DELTA_MAX 100000

struct position {
    bool snapshot; // of the whole row of pages
    bool walking;  // still in the objects
    uint64_t revision;
    const char *path;
};

static enum err parse_cursor(const char *cursor, struct position *at, struct errmsg *e)
{
    const char *p = cursor;
    at->walking = *p == 's';
    at->snapshot = at->walking || (p[0] == 'd' && p[1] == 's');
    if (*p != 's' && *p != 'd') {
        return err_set(e, ERR_INVALID, "bad cursor");
    }
    p += at->snapshot && !at->walking ? 2 : 1;
    const char *colon = strchr(p, ':');
    char number[24];
    if (colon == NULL || (size_t)(colon - p) >= sizeof number) {
        return err_set(e, ERR_INVALID, "bad cursor");
    }
    memcpy(number, p, (size_t)(colon - p));
    number[colon - p] = '\0';
    if (str_to_u64(number, INT64_MAX, &at->revision) != ERR_OK) {
        return err_set(e, ERR_INVALID, "bad cursor");
    }
    at->path = colon + 1;
    return ERR_OK;
}

static void write_cursor(struct store_pull_result *result, const struct position *at,
                         const char *path)
{
    const char *kind = at->walking ? "s" : at->snapshot ? "ds" : "d";
    snprintf(result->next_cursor, sizeof result->next_cursor, "%s%" PRIu64 ":%s", kind,
             at->revision, path);
}

static enum err count_changes(struct store *store, uint64_t after, uint64_t *out, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(
        store, "SELECT ifnull(sum(changes), 0) FROM commit_ WHERE revision > ?", &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)after);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        *out = (uint64_t)sqlite3_column_int64(stmt, 0);
    } else {
        err = store_sql_error(store, e, "pull");
    }
    sqlite3_finalize(stmt);
    return err;
}

// The first page: changes where the history reaches back to what the follower holds.
static enum err first_position(struct store *store, const struct store_pull *pull,
                               struct position *at, struct errmsg *e)
{
    bool ours = pull->id != NULL && pull->id_len == STORE_ID_SIZE &&
                memcmp(pull->id, store->id, STORE_ID_SIZE) == 0;
    *at = (struct position){.path = ""};
    if (ours && pull->revision >= store->state.floor && pull->revision <= store->state.revision) {
        uint64_t changes = 0;
        enum err err = count_changes(store, pull->revision, &changes, e);
        if (err != ERR_OK) {
            return err;
        }
        if (changes <= DELTA_MAX) {
            at->revision = pull->revision + 1;
            return ERR_OK;
        }
    }
    at->snapshot = true;
    at->walking = true;
    at->revision = store->state.revision + 1;
    return ERR_OK;
}

struct page {
    const struct store_pull *pull;
    unsigned scanned;
    char last_path[STORE_PATH_MAX];
    uint64_t last_revision;
    bool full;
};

// Gives one object; false when the page is full and the object waits for the next.
static bool give(struct page *page, const struct store_object *object)
{
    bool wanted = !page->pull->cluster_only || object->scope == STORE_CLUSTER;
    if (page->scanned >= SCAN_MAX || (wanted && !page->pull->sink(page->pull->ctx, object))) {
        page->full = true;
        return false;
    }
    page->scanned++;
    bool fits = str_copy(page->last_path, sizeof page->last_path, object->path);
    (void)fits; // paths are checked to be shorter when they come in
    page->last_revision = object->revision;
    return true;
}

static bool give_walked(void *ctx, const struct store_object *object)
{
    return give(ctx, object);
}

// Changes after (revision, path); a path with a later change comes there.
static const char CHANGES_SQL[] =
    "SELECT c.revision, c.path, c.scope, o.value FROM change c LEFT JOIN object o ON o.path = "
    "c.path"
    " WHERE (c.revision, c.path) > (?1, ?2) AND NOT EXISTS(SELECT 1 FROM change l"
    " WHERE l.path = c.path AND l.revision > c.revision) ORDER BY c.revision, c.path";

static enum err give_changes(struct store *store, const struct position *at, struct page *page,
                             struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(store, CHANGES_SQL, &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    sqlite3_bind_int64(stmt, 1, (int64_t)at->revision);
    store_bind_text(stmt, 2, at->path);
    int result = sqlite3_step(stmt);
    for (; result == SQLITE_ROW; result = sqlite3_step(stmt)) {
        struct store_object object = {
            .revision = (uint64_t)sqlite3_column_int64(stmt, 0),
            .path = store_column(stmt, 1),
            .scope = (enum store_scope)sqlite3_column_int(stmt, 2),
            .value = store_column(stmt, 3),
        };
        if (!give(page, &object)) {
            break;
        }
    }
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        err = store_sql_error(store, e, "pull");
    }
    sqlite3_finalize(stmt);
    return err;
}

enum err store_pull(struct store *store, const struct store_pull *pull,
                    struct store_pull_result *result, struct errmsg *e)
{
    struct position at;
    bool first = pull->cursor == NULL || pull->cursor[0] == '\0';
    enum err err = first ? first_position(store, pull, &at, e) : parse_cursor(pull->cursor, &at, e);
    if (err == ERR_OK && !first && at.revision <= store->state.floor) {
        // What happened in between is forgotten: begin anew rather than leave something out.
        err = err_set(e, ERR_CONFLICT, "the pages are older than the history; pull again");
    }
    if (err != ERR_OK) {
        return err;
    }
    struct page *page = mem_zalloc(sizeof *page);
    page->pull = pull;
    *result = (struct store_pull_result){.snapshot = at.snapshot};
    if (at.walking) {
        err = store_each(store, "", at.path, give_walked, page, e);
        if (err == ERR_OK && page->full) {
            write_cursor(result, &at, page->scanned > 0 ? page->last_path : at.path);
        } else {
            at.walking = false;
            at.path = "";
        }
    }
    if (err == ERR_OK && !at.walking) {
        unsigned before = page->scanned;
        err = give_changes(store, &at, page, e);
        if (err == ERR_OK && page->full) {
            bool moved = page->scanned > before;
            at.revision = moved ? page->last_revision : at.revision;
            write_cursor(result, &at, moved ? page->last_path : at.path);
        }
    }
    result->revision = store->state.revision;
    mem_free(page);
    return err;
}
