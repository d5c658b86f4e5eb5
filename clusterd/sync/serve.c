/*
 * The primary's side of a pull.
 *
 *   request   {"version":[epoch,seq], "digest":hex, "snapshot":bool, "cursor":text}
 *   commits   {"mode":"commits", "version":…, "digest":…, "cursor":text, "commits":[
 *              {"version", "timeMs", "actor", "node", "summary", "digest", "changes":[[path,
 * value]]}]} snapshot  {"mode":"snapshot", "version":…, "digest":…, "timeMs", "cursor":text,
 *              "objects":[[path, value]]}
 *
 * A pair without a value is a deletion. An empty cursor ends the row of pages; a commit that does
 * not fit goes on with the same version on the next page. Thread: clusterd's loop.
 */
#include "clusterd/sync/internal.h"

#include "clusterd/store/replica.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES      ((size_t)100 * 1024) // of texts; a single object may be 128 KiB more
#define PAIR_OVERHEAD   10
#define COMMIT_OVERHEAD 300

struct page {
    json_t *list;            // commits or objects
    json_t *changes;         // of the open commit
    struct store_version at; // of the open commit
    size_t bytes;
    char cursor[STORE_PATH_MAX + 128];
    char last_path[STORE_PATH_MAX];
    bool full;
};

static json_t *pair(const char *path, const char *value)
{
    json_t *pair = json_array();
    json_array_append_new(pair, json_string(path));
    if (value != NULL) {
        json_array_append_new(pair, json_loads(value, JSON_DECODE_ANY, NULL));
    }
    return pair;
}

// ---- commits -----------------------------------------------------------------------------------

static void mark(struct page *page)
{
    page->full = true;
    snprintf(page->cursor, sizeof page->cursor, "c%" PRIu64 ".%" PRIu64 ":%s", page->at.epoch,
             page->at.seq, page->last_path);
}

static bool add_row(void *ctx, const struct replica_row *row)
{
    struct page *page = ctx;
    size_t bytes = row->path == NULL ? COMMIT_OVERHEAD
                                     : strlen(row->path) + PAIR_OVERHEAD +
                                           (row->value == NULL ? 0 : strlen(row->value));
    if (page->bytes > 0 && page->bytes + bytes > PAGE_BYTES) {
        mark(page);
        return false;
    }
    page->bytes += bytes;
    if (row->path != NULL) {
        json_array_append_new(page->changes, pair(row->path, row->value));
        bool fits = str_copy(page->last_path, sizeof page->last_path, row->path);
        (void)fits; // no longer path gets into the store
        return true;
    }
    page->at = row->commit.version;
    page->last_path[0] = '\0';
    page->changes = json_array();
    json_array_append_new(
        page->list,
        json_pack("{s:o, s:I, s:s, s:s, s:s, s:o, s:o}", "version", sync_version_json(page->at),
                  "timeMs", (json_int_t)row->commit.time_ms, "actor", row->commit.actor, "node",
                  row->commit.node, "summary", row->commit.summary, "digest",
                  sync_digest_json(row->commit.digest), "changes", page->changes));
    return true;
}

static enum err serve_commits(struct store *store, struct store_version after, const char *path,
                              struct page *page, struct errmsg *e)
{
    page->at = after;
    if (path != NULL && !str_copy(page->last_path, sizeof page->last_path, path)) {
        return err_set(e, ERR_INVALID, "bad cursor");
    }
    return replica_each(store, after, path, add_row, page, e);
}

// ---- snapshot ----------------------------------------------------------------------------------

static bool add_object(void *ctx, const struct store_object *object)
{
    struct page *page = ctx;
    size_t bytes =
        strlen(object->path) + PAIR_OVERHEAD + (object->value == NULL ? 0 : strlen(object->value));
    if (page->bytes > 0 && page->bytes + bytes > PAGE_BYTES) {
        page->full = true;
        return false;
    }
    page->bytes += bytes;
    json_array_append_new(page->list, pair(object->path, object->value));
    return true;
}

static enum err serve_snapshot(struct store *store, const char *cursor, struct page *page,
                               struct errmsg *e)
{
    struct store_pull pull = {
        .cursor = cursor, .cluster_only = true, .sink = add_object, .ctx = page};
    struct store_pull_result result;
    enum err err = store_pull(store, &pull, &result, e);
    if (err == ERR_OK && result.next_cursor[0] != '\0') {
        snprintf(page->cursor, sizeof page->cursor, "s%s", result.next_cursor);
    }
    return err;
}

// ------------------------------------------------------------------------------------------------

static bool parse_commit_cursor(const char *cursor, struct store_version *version,
                                const char **path)
{
    int used = 0;
    if (sscanf(cursor, "c%" SCNu64 ".%" SCNu64 ":%n", &version->epoch, &version->seq, &used) != 2 ||
        used == 0) {
        return false;
    }
    *path = cursor + used;
    return true;
}

enum err sync_serve_pull(void *ctx, const struct peer_incoming *in, json_t **reply,
                         struct errmsg *e)
{
    struct sync *sync = ctx;
    struct store *store = sync->context->store;
    if (sync->context->self.role != NODE_PRIMARY) {
        return err_set(e, ERR_NOT_PRIMARY, "%s is not the primary", sync->context->self.name);
    }
    const char *cursor = json_string_value(json_object_get(in->body, "cursor"));
    struct store_version version = sync_version_from(json_object_get(in->body, "version"));
    uint8_t digest[SHA256_SIZE] = {0};
    bool snapshot = json_is_true(json_object_get(in->body, "snapshot"));
    bool first = cursor == NULL || cursor[0] == '\0';
    const char *path = NULL;
    if (first && !snapshot) {
        snapshot = !sync_digest_from(json_object_get(in->body, "digest"), digest) ||
                   !replica_can_follow(store, version, digest);
    } else if (!first) {
        snapshot = cursor[0] == 's';
        if (!snapshot && !parse_commit_cursor(cursor, &version, &path)) {
            return err_set(e, ERR_INVALID, "bad cursor");
        }
    }
    struct page page = {.list = json_array()};
    enum err err = snapshot ? serve_snapshot(store, first ? "" : cursor + 1, &page, e)
                            : serve_commits(store, version, path, &page, e);
    if (err != ERR_OK) {
        json_decref(page.list);
        return err;
    }
    uint8_t now[SHA256_SIZE];
    store_digest(store, now);
    *reply = json_pack("{s:s, s:o, s:o, s:I, s:s, s:o}", "mode", snapshot ? "snapshot" : "commits",
                       "version", sync_version_json(store_version(store)), "digest",
                       sync_digest_json(now), "timeMs", (json_int_t)store_version_time_ms(store),
                       "cursor", page.cursor, snapshot ? "objects" : "commits", page.list);
    return ERR_OK;
}
