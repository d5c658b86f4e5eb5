/*
 * A secondary fetches the config. One row of requests at a time; what is announced meanwhile makes
 * another one follow. Commits are kept until the last page and applied in one transaction; the
 * pages of a snapshot go to the store's side table and are swapped in at the end.
 *
 * Timers: refresh after success; after a failure soon, then longer, at last each retry interval.
 * Thread: clusterd's loop.
 */
#include "clusterd/sync/internal.h"

#include "clusterd/store/replica.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS  200u
#define PULL_TIMEOUT_MS 30000u

static void send_request(struct sync *sync, const char *cursor);

// ---- applying ----------------------------------------------------------------------------------

// The value's one text form; stored texts came from the same function on the primary.
static char *value_text(const json_t *pair)
{
    const json_t *value = json_array_get(pair, 1);
    if (value == NULL) {
        return NULL;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    char *copy = mem_strdup(text == NULL ? "null" : text);
    free(text);
    return copy;
}

static enum err apply_changes(struct store *store, const json_t *changes, struct errmsg *e)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(changes) && err == ERR_OK; i++) {
        const json_t *pair = json_array_get(changes, i);
        const char *path = json_string_value(json_array_get(pair, 0));
        if (path == NULL) {
            return err_set(e, ERR_CORRUPT, "the primary's answer has a change without a path");
        }
        char *value = value_text(pair);
        err = replica_change(store, path, value, e);
        mem_free(value);
    }
    return err;
}

static const char *text_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static enum err close_commit(struct store *store, const json_t *commit, struct errmsg *e)
{
    uint8_t digest[SHA256_SIZE];
    if (!sync_digest_from(json_object_get(commit, "digest"), digest)) {
        return err_set(e, ERR_CORRUPT, "the primary's answer has a commit without a digest");
    }
    struct store_commit_row row = {
        .version = sync_version_from(json_object_get(commit, "version")),
        .time_ms = (uint64_t)json_integer_value(json_object_get(commit, "timeMs")),
        .actor = text_member(commit, "actor"),
        .node = text_member(commit, "node"),
        .summary = text_member(commit, "summary"),
        .digest = digest,
    };
    return replica_commit(store, &row, e);
}

// A commit may be spread over pages: it is closed when the next one begins.
static enum err apply_pages(struct store *store, const json_t *pages, size_t *count,
                            struct errmsg *e)
{
    const json_t *open = NULL;
    enum err err = ERR_OK;
    for (size_t p = 0; p < json_array_size(pages) && err == ERR_OK; p++) {
        const json_t *commits = json_object_get(json_array_get(pages, p), "commits");
        for (size_t c = 0; c < json_array_size(commits) && err == ERR_OK; c++) {
            const json_t *commit = json_array_get(commits, c);
            bool same =
                open != NULL &&
                store_version_compare(sync_version_from(json_object_get(open, "version")),
                                      sync_version_from(json_object_get(commit, "version"))) == 0;
            if (open != NULL && !same) {
                err = close_commit(store, open, e);
            }
            *count += !same;
            open = commit;
            if (err == ERR_OK) {
                err = apply_changes(store, json_object_get(commit, "changes"), e);
            }
        }
    }
    return err == ERR_OK && open != NULL ? close_commit(store, open, e) : err;
}

static enum err apply_commits(struct sync *sync, struct errmsg *e)
{
    struct store *store = sync->context->store;
    size_t count = 0;
    enum err err = replica_begin(store, e);
    if (err != ERR_OK) {
        return err;
    }
    err = apply_pages(store, sync->pull.pages, &count, e);
    if (err == ERR_OK && count > 0) {
        return replica_finish(store, e);
    }
    replica_abort(store);
    return err;
}

static enum err stage_page(struct sync *sync, const json_t *reply, struct errmsg *e)
{
    const json_t *list = json_object_get(reply, "objects");
    size_t count = json_array_size(list);
    struct replica_object *objects = mem_calloc(count + 1, sizeof *objects);
    char **values = mem_calloc(count + 1, sizeof *values);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        values[i] = value_text(pair);
        objects[i].path = json_string_value(json_array_get(pair, 0));
        objects[i].value = values[i];
        if (objects[i].path == NULL) {
            err = err_set(e, ERR_CORRUPT, "the primary's answer has an object without a path");
        }
    }
    if (err == ERR_OK) {
        err = replica_stage_add(sync->context->store, objects, count, e);
    }
    for (size_t i = 0; i < count; i++) {
        mem_free(values[i]);
    }
    mem_free(values);
    mem_free(objects);
    return err;
}

static enum err swap_snapshot(struct sync *sync, const json_t *reply, struct errmsg *e)
{
    struct sync_pull *pull = &sync->pull;
    uint8_t digest[SHA256_SIZE];
    if (!sync_digest_from(json_object_get(reply, "digest"), digest)) {
        return err_set(e, ERR_CORRUPT, "the primary's answer has no digest");
    }
    struct store_commit_row row = {
        .version = sync_version_from(json_object_get(reply, "version")),
        .time_ms = (uint64_t)json_integer_value(json_object_get(reply, "timeMs")),
        .actor = "cluster",
        .node = pull->primary.name,
        .summary = pull->extra_count > 0 ? "join cluster: whole config received"
                                         : "whole config received from the primary",
    };
    return replica_stage_swap(sync->context->store, &row, digest, pull->extra, pull->extra_count,
                              e);
}

// ---- the row of requests -----------------------------------------------------------------------

static void finish(struct sync *sync, enum err result, const struct errmsg *e)
{
    struct sync_pull *pull = &sync->pull;
    sync_fn fn = pull->fn;
    void *ctx = pull->ctx;
    bool again = pull->again;
    json_decref(pull->pages);
    pull->pages = NULL;
    pull->active = false;
    pull->again = false;
    pull->fn = NULL;
    pull->extra = NULL;
    pull->extra_count = 0;
    const struct cluster_options *options = &sync->context->table.options;
    if (result == ERR_OK) {
        pull->failures = 0;
        pull->pin_count = 0;
        pull->want_snapshot = false;
        pull->synced_ms = clock_unix_ms();
        sync_arm(pull->timer, sync_jitter(options->config_refresh_s));
        sync_report_soon(sync);
    } else {
        if (pull->failures == 0) {
            log_warn("config not pulled from the primary", F_STR("primary", pull->primary.name),
                     F_ERR(e));
        }
        uint64_t soon = (uint64_t)RETRY_FIRST_MS << (pull->failures < 12 ? pull->failures : 12);
        uint64_t late = sync_jitter(options->config_retry_s);
        pull->failures++;
        sync_arm(pull->timer, soon < late ? soon : late);
    }
    if (fn != NULL) {
        fn(ctx, result, e);
    }
    if (again && result == ERR_OK && !pull->active) {
        sync_pull_now(sync, false);
    }
}

static enum err check_reply(struct sync *sync, const json_t *reply, struct errmsg *e)
{
    struct store_version version = sync_version_from(json_object_get(reply, "version"));
    if (sync->pull.extra_count == 0 && version.epoch < store_version(sync->context->store).epoch) {
        return err_set(e, ERR_BAD_STATE, "%s answers for epoch %llu, which has passed",
                       sync->pull.primary.name, (unsigned long long)version.epoch);
    }
    return ERR_OK;
}

// Commits that do not fit what is held: the config here is not what it should be.
static void on_bad_commits(struct sync *sync, const struct errmsg *e)
{
    log_warn("config has drifted from the primary's, pulling it anew",
             F_STR("primary", sync->pull.primary.name), F_ERR(e));
    json_decref(sync->pull.pages);
    sync->pull.pages = NULL;
    sync->pull.want_snapshot = true;
    send_request(sync, "");
}

static void take_reply(struct sync *sync, const json_t *reply, struct errmsg *e)
{
    struct sync_pull *pull = &sync->pull;
    const char *cursor = text_member(reply, "cursor");
    bool snapshot = strcmp(text_member(reply, "mode"), "snapshot") == 0;
    bool first = !pull->is_snapshot && pull->pages == NULL;
    enum err err = check_reply(sync, reply, e);
    if (err == ERR_OK && snapshot) {
        if (first) {
            err = replica_stage_begin(sync->context->store, e);
            pull->is_snapshot = true;
        }
        err = err == ERR_OK ? stage_page(sync, reply, e) : err;
    } else if (err == ERR_OK) {
        pull->pages = pull->pages == NULL ? json_array() : pull->pages;
        json_array_append_new(pull->pages, json_deep_copy(reply));
    }
    if (err == ERR_OK && cursor[0] != '\0') {
        send_request(sync, cursor);
        return;
    }
    if (err == ERR_OK) {
        err = snapshot ? swap_snapshot(sync, reply, e) : apply_commits(sync, e);
    }
    if (!snapshot && (err == ERR_CORRUPT || err == ERR_CONFLICT)) {
        on_bad_commits(sync, e);
        return;
    }
    finish(sync, err, e);
}

static void on_reply(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    struct sync *sync = ctx;
    if (result != ERR_OK) {
        finish(sync, result, e);
        return;
    }
    struct errmsg mine = {0};
    take_reply(sync, reply, &mine);
}

static void send_request(struct sync *sync, const char *cursor)
{
    struct sync_pull *pull = &sync->pull;
    struct store *store = sync->context->store;
    uint8_t digest[SHA256_SIZE];
    store_digest(store, digest);
    if (cursor[0] == '\0') {
        pull->is_snapshot = false;
    }
    json_t *body = json_pack(
        "{s:o, s:o, s:b, s:s}", "version", sync_version_json(store_version(store)), "digest",
        sync_digest_json(digest), "snapshot", (int)pull->want_snapshot, "cursor", cursor);
    peer_call(sync->client, &pull->primary, "pull", body, PULL_TIMEOUT_MS, on_reply, sync);
}

void sync_pull_pins(struct sync *sync, const json_t *pins)
{
    struct sync_pull *pull = &sync->pull;
    pull->pin_count = 0;
    for (size_t i = 0; i < json_array_size(pins) && pull->pin_count < NODE_PINS_MAX; i++) {
        pull->pin_count += sync_digest_from(json_array_get(pins, i), pull->pins[pull->pin_count]);
    }
}

// A retry while the primary's new certificate is known by its notify only.
static void add_pins(struct sync_pull *pull)
{
    struct node *primary = &pull->primary;
    for (size_t i = 0; i < pull->pin_count && primary->pin_count < NODE_PINS_MAX; i++) {
        memcpy(primary->pins[primary->pin_count++], pull->pins[i], SHA256_SIZE);
    }
}

static void start(struct sync *sync, const struct node *primary, bool snapshot, sync_fn fn,
                  void *ctx)
{
    struct sync_pull *pull = &sync->pull;
    pull->active = true;
    pull->again = false;
    pull->primary = *primary;
    add_pins(pull);
    pull->want_snapshot = pull->want_snapshot || snapshot;
    pull->fn = fn;
    pull->ctx = ctx;
    event_del(pull->timer);
    send_request(sync, "");
}

void sync_pull_now(struct sync *sync, bool snapshot)
{
    const struct node *primary = node_table_primary(&sync->context->table);
    if (sync->context->self.role != NODE_SECONDARY || primary == NULL) {
        return;
    }
    if (sync->pull.active) {
        sync->pull.again = true;
        return;
    }
    start(sync, primary, snapshot, NULL, NULL);
}

static void refuse(struct sync *sync, enum err code, const char *text, sync_fn fn, void *ctx)
{
    struct errmsg e;
    (void)sync;
    fn(ctx, err_set(&e, code, "%s", text), &e);
}

void sync_resync(struct sync *sync, sync_fn fn, void *ctx)
{
    const struct node *primary = node_table_primary(&sync->context->table);
    if (sync->context->self.role != NODE_SECONDARY || primary == NULL) {
        refuse(sync, ERR_BAD_STATE, "only a secondary of a cluster pulls its config", fn, ctx);
    } else if (sync->pull.active) {
        refuse(sync, ERR_BUSY, "the config is being pulled already", fn, ctx);
    } else {
        start(sync, primary, true, fn, ctx);
    }
}

void sync_take_over(struct sync *sync, const struct node *primary, const struct store_change *extra,
                    size_t extra_count, sync_fn fn, void *ctx)
{
    if (sync->pull.active) {
        refuse(sync, ERR_BUSY, "the config is being pulled already", fn, ctx);
        return;
    }
    sync->pull.extra = extra;
    sync->pull.extra_count = extra_count;
    start(sync, primary, true, fn, ctx);
}

// ---- timer -------------------------------------------------------------------------------------

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    sync_pull_now(ctx, false);
}

void sync_pull_refresh(struct sync *sync)
{
    struct sync_pull *pull = &sync->pull;
    if (sync->context->self.role != NODE_SECONDARY) {
        event_del(pull->timer);
        pull->want_snapshot = false;
    } else if (!pull->active && event_pending(pull->timer, EV_TIMEOUT, NULL) == 0) {
        sync_arm(pull->timer, sync_jitter(sync->context->table.options.config_refresh_s));
    }
}

void sync_pull_init(struct sync *sync)
{
    sync->pull.timer = event_new(sync->context->base, -1, 0, on_timer, sync);
}

void sync_pull_fini(struct sync *sync)
{
    event_free(sync->pull.timer);
    json_decref(sync->pull.pages);
}
