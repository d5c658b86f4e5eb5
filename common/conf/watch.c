#include "common/conf/watch.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/snapshot.h"
#include "proto/clusterd.pb-c.h"

/*
 * A consumer's copy of the config. All of it runs in the loop's thread.
 *
 *   idle --hint, 5 s, poke--> round: Pull pages into a clone of the held map
 *        round of several pages, or a snapshot --> another round, from where this one ended
 *        last round: one page of changes --> apply, save, ack --> idle
 *
 * The pages of one round may be of different moments, but what a single page holds is of one; so
 * the state is whole once a round was one page of changes. The held map is replaced only after
 * `apply` said yes. Whoever has a call under way or a timer set holds a reference to the watch.
 */
#define RETRY_MS         250   // after a failed pull
#define REFUSED_RETRY_MS 60000 // until a refused state is tried again
#define ROUNDS_MAX       1000  // of one pull, against a store that never comes to rest
#define RESTARTS_MAX     10    // of one pull, when the store changes under it

struct waiter {
    struct waiter *next;
    struct conf_watch *watch;
    struct event *timer;
    uint64_t revision;
    enum err result; // when it is `done`
    bool done;
    conf_wait_fn fn;
    void *ctx;
};

// The state that is being pulled.
struct pull {
    bool running;
    struct conf_map *map;
    struct conf_held held;  // of the rounds that ended
    struct conf_held round; // of the first page of this one
    bool round_snapshot;
    bool round_started;
    unsigned pages; // of this round
    unsigned rounds;
    unsigned restarts;
    char *cursor;
    bool all; // there was a snapshot
    char **changed;
    size_t changed_count;
    size_t changed_capacity;
};

struct conf_watch {
    unsigned refs;
    bool closed;
    struct event_base *base;
    struct rpc_client *clusterd;
    struct rpc_hint *hint;
    struct event *retry;
    conf_apply_fn apply;
    void *ctx;
    struct conf_snapshot *snapshot;

    struct conf_map *map;
    struct conf_held held;
    bool has_state;
    bool unsaved; // held is newer than what the files hold
    bool ack_due;

    struct pull pull;
    bool again; // something newer was announced while pulling
    bool said_waiting;

    uint64_t refused_revision; // 0 = none
    enum err refused_error;
    char refused_reason[512];
    uint64_t refused_until_ms;

    struct waiter *waiters;
};

static void pull_start(struct conf_watch *watch);

static struct conf_watch *watch_ref(struct conf_watch *watch)
{
    watch->refs++;
    return watch;
}

static void watch_unref(struct conf_watch *watch)
{
    if (--watch->refs == 0) {
        mem_free(watch);
    }
}

static ProtobufCService *config_service(struct conf_watch *watch)
{
    return rpc_client_service(watch->clusterd, &clusterd__config__descriptor);
}

// ---- waiters -----------------------------------------------------------------------------------

static void waiter_finish(struct waiter *waiter, enum err result)
{
    if (!waiter->done) {
        waiter->done = true;
        waiter->result = result;
        event_active(waiter->timer, EV_TIMEOUT, 0);
    }
}

static void waiters_look(struct conf_watch *watch)
{
    for (struct waiter *waiter = watch->waiters; waiter != NULL; waiter = waiter->next) {
        if (watch->has_state && watch->held.revision >= waiter->revision) {
            waiter_finish(waiter, ERR_OK);
        } else if (watch->refused_revision >= waiter->revision) {
            waiter_finish(waiter, watch->refused_error);
        }
    }
}

static void waiter_remove(struct waiter *waiter)
{
    struct waiter **link = &waiter->watch->waiters;
    while (*link != waiter) {
        link = &(*link)->next;
    }
    *link = waiter->next;
    event_free(waiter->timer);
    mem_free(waiter);
}

static void on_waiter(evutil_socket_t fd, short what, void *ctx)
{
    struct waiter *waiter = ctx;
    enum err result = waiter->done ? waiter->result : ERR_TIMEOUT;
    conf_wait_fn fn = waiter->fn;
    void *fn_ctx = waiter->ctx;
    (void)fd;
    (void)what;
    waiter_remove(waiter);
    fn(fn_ctx, result);
}

// ---- ack ---------------------------------------------------------------------------------------

static void on_ack(const Trellis__Reply *reply, void *ctx)
{
    struct conf_watch *watch = ctx;
    if (!watch->closed && reply->error != NULL) {
        watch->ack_due = true; // with the next pull that succeeds
    }
    watch_unref(watch);
}

static void send_ack(struct conf_watch *watch, uint64_t revision, const char *refused)
{
    char *reason = mem_strdup(refused == NULL ? "" : refused);
    Clusterd__AckRequest request;
    clusterd__ack_request__init(&request);
    request.revision = revision;
    request.refused = refused != NULL;
    request.reason = reason;
    clusterd__config__ack(config_service(watch), &request, on_ack, watch_ref(watch));
    mem_free(reason);
}

// ---- the pulled state --------------------------------------------------------------------------

static void pull_forget_changes(struct pull *pull)
{
    for (size_t i = 0; i < pull->changed_count; i++) {
        mem_free(pull->changed[i]);
    }
    pull->changed_count = 0;
}

// Ends the pull; what it has not handed over is dropped.
static void pull_end(struct pull *pull)
{
    pull_forget_changes(pull);
    mem_free(pull->changed);
    mem_free(pull->cursor);
    conf_map_free(pull->map);
    *pull = (struct pull){0};
}

static void pull_add_change(struct pull *pull, const char *path)
{
    mem_grow(&pull->changed, &pull->changed_capacity, pull->changed_count + 1,
             sizeof *pull->changed);
    pull->changed[pull->changed_count++] = mem_strdup(path);
}

static void pull_take_object(struct pull *pull, const Clusterd__Object *object)
{
    const char *before = conf_map_get(pull->map, object->path);
    if (object->deleted) {
        if (!conf_map_remove(pull->map, object->path)) {
            return;
        }
    } else {
        if (before != NULL && strcmp(before, object->value) == 0) {
            return;
        }
        conf_map_set(pull->map, object->path, object->value);
    }
    if (!pull->all) {
        pull_add_change(pull, object->path);
    }
}

static bool held_same_store(const struct conf_held *a, const struct conf_held *b)
{
    return a->store_id_len == b->store_id_len &&
           memcmp(a->store_id, b->store_id, a->store_id_len) == 0;
}

// ---- applying ----------------------------------------------------------------------------------

// Saves the held state; `pull` says what is new in it, NULL = everything. Acks when it is safe.
static void save_and_ack(struct conf_watch *watch, const struct pull *pull)
{
    static struct log_limit limit;
    struct errmsg e = {0};
    uint64_t held_back = 0;
    bool whole = watch->unsaved || pull == NULL || pull->all;
    enum err err =
        whole ? conf_snapshot_save(watch->snapshot, watch->map, &watch->held, &e)
              : conf_snapshot_append(watch->snapshot, watch->map, &watch->held,
                                     (const char *const *)pull->changed, pull->changed_count, &e);
    watch->unsaved = err != ERR_OK;
    if (err == ERR_OK) {
        send_ack(watch, watch->held.revision, NULL);
    } else if (log_limit_pass(&limit, 60, &held_back)) {
        log_error("config applied but not saved", F_ERR(&e), F_U64("repeated", held_back));
    }
}

static void refuse(struct conf_watch *watch, uint64_t revision, enum err err,
                   const struct errmsg *e)
{
    const char *reason = e->text[0] != '\0' ? e->text : err_text(err);
    if (watch->refused_revision != revision || strcmp(watch->refused_reason, reason) != 0) {
        log_error("config refused, the last good one stays", F_U64("revision", revision),
                  F_STR("error", reason));
    }
    watch->refused_revision = revision;
    watch->refused_error = err;
    watch->refused_until_ms = clock_mono_ms() + REFUSED_RETRY_MS;
    (void)snprintf(watch->refused_reason, sizeof watch->refused_reason, "%s", reason);
    send_ack(watch, revision, watch->refused_reason);
}

// Gives the pulled state to the consumer; true = it is the held one now.
static bool apply_pulled(struct conf_watch *watch)
{
    struct pull *pull = &watch->pull;
    struct errmsg e = {0};
    bool all = pull->all || !watch->has_state;
    struct conf_apply change = {.map = pull->map,
                                .changed = all ? NULL : (const char *const *)pull->changed,
                                .changed_count = all ? 0 : pull->changed_count,
                                .all = all,
                                .revision = pull->held.revision};
    enum err err = ERR_OK;
    if (all || pull->changed_count > 0) {
        err = watch->apply(watch->ctx, &change, &e);
    }
    if (err != ERR_OK) {
        refuse(watch, pull->held.revision, err, &e);
        return false;
    }
    conf_map_free(watch->map);
    watch->map = pull->map;
    pull->map = NULL;
    watch->held = pull->held;
    watch->has_state = true;
    watch->refused_revision = 0;
    watch->refused_reason[0] = '\0';
    return true;
}

static void pull_finish(struct conf_watch *watch)
{
    struct pull *pull = &watch->pull;
    bool is_new = !watch->has_state || pull->all || pull->held.revision != watch->held.revision ||
                  !held_same_store(&pull->held, &watch->held);
    bool is_refused = watch->refused_revision != 0 &&
                      watch->refused_revision == pull->held.revision &&
                      clock_mono_ms() < watch->refused_until_ms;
    if (is_new && !is_refused && apply_pulled(watch)) {
        save_and_ack(watch, pull);
    } else if (!is_new && watch->unsaved) {
        save_and_ack(watch, NULL);
    } else if (watch->ack_due && is_refused) {
        send_ack(watch, watch->refused_revision, watch->refused_reason);
    } else if (watch->ack_due && !is_new) {
        send_ack(watch, watch->held.revision, NULL);
    }
    watch->ack_due = false;
    pull_end(pull);
    waiters_look(watch);
    if (watch->again) {
        pull_start(watch);
    }
}

// ---- pulling -----------------------------------------------------------------------------------

static void on_page(const Clusterd__PullReply *reply, void *ctx);

static void pull_send(struct conf_watch *watch)
{
    struct pull *pull = &watch->pull;
    Clusterd__PullRequest request;
    clusterd__pull_request__init(&request);
    request.store_id.data = pull->held.store_id;
    request.store_id.len = pull->held.store_id_len;
    request.revision = pull->held.revision;
    if (pull->cursor != NULL) {
        request.cursor = pull->cursor;
    }
    clusterd__config__pull(config_service(watch), &request, on_page, watch_ref(watch));
}

// From the held state, or with `from_nothing` from an empty one, so that a snapshot comes.
static void pull_reset(struct conf_watch *watch, bool from_nothing)
{
    struct pull *pull = &watch->pull;
    unsigned restarts = pull->restarts;
    pull_end(pull);
    pull->running = true;
    pull->restarts = restarts;
    if (from_nothing || !watch->has_state) {
        pull->map = conf_map_new();
    } else {
        pull->map = conf_map_clone(watch->map);
        pull->held = watch->held;
    }
}

static void pull_start(struct conf_watch *watch)
{
    if (watch->pull.running) {
        watch->again = true;
        return;
    }
    watch->again = false;
    (void)event_del(watch->retry);
    pull_reset(watch, false);
    pull_send(watch);
}

static void pull_failed(struct conf_watch *watch, const struct errmsg *e)
{
    const struct timeval delay = {.tv_usec = RETRY_MS * 1000};
    if (!watch->said_waiting) {
        watch->said_waiting = true;
        if (watch->has_state) {
            log_warn("clusterd does not answer, the last config stays",
                     F_U64("revision", watch->held.revision), F_ERR(e));
        } else {
            log_warn("no config here yet, waiting for clusterd", F_ERR(e));
        }
    }
    // After an outage clusterd may have forgotten what was acked.
    watch->ack_due = true;
    pull_end(&watch->pull);
    (void)event_add(watch->retry, &delay);
}

// The store changed between two pages, or does not know what it gave before.
static void pull_restart(struct conf_watch *watch, bool from_nothing)
{
    struct errmsg e = {.text = "the store changes faster than it can be read"};
    if (++watch->pull.restarts > RESTARTS_MAX) {
        pull_failed(watch, &e);
        return;
    }
    pull_reset(watch, from_nothing);
    pull_send(watch);
}

// Begins a round with its first page; false = the pull was begun anew.
static bool round_begin(struct conf_watch *watch, const Clusterd__PullReply *reply)
{
    struct pull *pull = &watch->pull;
    struct conf_held page = {.revision = reply->revision, .store_id_len = reply->store_id.len};
    if (reply->store_id.len > sizeof page.store_id) {
        pull_restart(watch, true);
        return false;
    }
    memcpy(page.store_id, reply->store_id.data, reply->store_id.len);
    if (!reply->snapshot &&
        (!held_same_store(&page, &pull->held) || page.revision < pull->held.revision)) {
        pull_restart(watch, true);
        return false;
    }
    if (reply->snapshot) {
        conf_map_clear(pull->map);
        pull_forget_changes(pull);
        pull->all = true;
    }
    pull->round = page;
    pull->round_snapshot = reply->snapshot;
    pull->round_started = true;
    pull->pages = 0;
    return true;
}

// What later pages say of newer revisions comes again with the next round: whether a change was on
// a page that had gone by is not known.
static void round_end(struct conf_watch *watch)
{
    struct pull *pull = &watch->pull;
    bool is_whole = pull->pages == 1 && !pull->round_snapshot;
    pull->held = pull->round;
    pull->round_started = false;
    mem_free(pull->cursor);
    pull->cursor = NULL;
    if (is_whole || ++pull->rounds > ROUNDS_MAX) {
        pull_finish(watch);
    } else {
        pull_send(watch);
    }
}

static void take_page(struct conf_watch *watch, const Clusterd__PullReply *reply)
{
    struct pull *pull = &watch->pull;
    struct errmsg e = {0};
    if (rpc_error_get(reply->error, &e) != ERR_OK) {
        pull_failed(watch, &e);
        return;
    }
    watch->said_waiting = false;
    if (!pull->round_started && !round_begin(watch, reply)) {
        return;
    }
    if (reply->snapshot != pull->round_snapshot ||
        reply->store_id.len != pull->round.store_id_len ||
        memcmp(reply->store_id.data, pull->round.store_id, reply->store_id.len) != 0) {
        pull_restart(watch, false);
        return;
    }
    pull->pages++;
    for (size_t i = 0; i < reply->n_objects; i++) {
        pull_take_object(pull, reply->objects[i]);
    }
    if (reply->next_cursor[0] == '\0') {
        round_end(watch);
        return;
    }
    mem_free(pull->cursor);
    pull->cursor = mem_strdup(reply->next_cursor);
    pull_send(watch);
}

static void on_page(const Clusterd__PullReply *reply, void *ctx)
{
    struct conf_watch *watch = ctx;
    if (!watch->closed) {
        take_page(watch, reply);
    }
    watch_unref(watch);
}

static void on_hint(void *ctx, uint64_t number)
{
    struct conf_watch *watch = ctx;
    bool is_known = number != 0 && watch->has_state && number <= watch->held.revision;
    if (!is_known) {
        pull_start(watch);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    pull_start(ctx);
}

// ---- opening and closing -----------------------------------------------------------------------

// The state of the files, when there is one and the consumer takes it.
static void apply_saved(struct conf_watch *watch)
{
    struct errmsg e = {0};
    enum err err = conf_snapshot_load(watch->snapshot, watch->map, &watch->held, &e);
    if (err == ERR_OK) {
        struct conf_apply change = {
            .map = watch->map, .all = true, .revision = watch->held.revision};
        err = watch->apply(watch->ctx, &change, &e);
        if (err == ERR_OK) {
            watch->has_state = true;
            return;
        }
        log_error("saved config refused", F_U64("revision", watch->held.revision), F_ERR(&e));
    } else if (err != ERR_NOT_FOUND) {
        log_error("saved config cannot be read, all of it is asked for again", F_ERR(&e));
    }
    conf_map_clear(watch->map);
    watch->held = (struct conf_held){0};
}

enum err conf_watch_open(struct event_base *base, const char *state_dir, const char *run_dir,
                         struct rpc_client *clusterd, enum rpc_party self, conf_apply_fn apply,
                         void *ctx, struct conf_watch **out, struct errmsg *e)
{
    struct conf_watch *watch = mem_zalloc(sizeof *watch);
    *watch = (struct conf_watch){
        .refs = 1, .base = base, .clusterd = clusterd, .apply = apply, .ctx = ctx};
    watch->map = conf_map_new();
    watch->retry = event_new(base, -1, 0, on_retry, watch);
    enum err err = conf_snapshot_open(state_dir, &watch->snapshot, e);
    if (err == ERR_OK) {
        err = rpc_hint_open(base, run_dir, RPC_CLUSTERD, self, "config", on_hint, watch,
                            &watch->hint, e);
    }
    if (err != ERR_OK) {
        conf_watch_close(watch);
        return err;
    }
    apply_saved(watch);
    pull_start(watch);
    *out = watch;
    return ERR_OK;
}

void conf_watch_close(struct conf_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    watch->closed = true;
    while (watch->waiters != NULL) {
        struct waiter *waiter = watch->waiters;
        conf_wait_fn fn = waiter->fn;
        void *fn_ctx = waiter->ctx;
        waiter_remove(waiter);
        fn(fn_ctx, ERR_UNAVAILABLE);
    }
    if (watch->hint != NULL) {
        rpc_hint_close(watch->hint);
    }
    event_free(watch->retry);
    pull_end(&watch->pull);
    conf_map_free(watch->map);
    conf_snapshot_close(watch->snapshot);
    watch_unref(watch);
}

bool conf_watch_has_state(const struct conf_watch *watch)
{
    return watch->has_state;
}

const struct conf_map *conf_watch_map(const struct conf_watch *watch)
{
    return watch->map;
}

uint64_t conf_watch_revision(const struct conf_watch *watch)
{
    return watch->has_state ? watch->held.revision : 0;
}

bool conf_changed(const struct conf_apply *change, const char *prefix)
{
    for (size_t i = 0; i < change->changed_count && !change->all; i++) {
        if (str_starts(change->changed[i], prefix)) {
            return true;
        }
    }
    return change->all;
}

void conf_watch_wait(struct conf_watch *watch, uint64_t revision, uint32_t timeout_ms,
                     conf_wait_fn fn, void *ctx)
{
    struct waiter *waiter = mem_zalloc(sizeof *waiter);
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                                    .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    waiter->watch = watch;
    waiter->revision = revision;
    waiter->fn = fn;
    waiter->ctx = ctx;
    waiter->timer = event_new(watch->base, -1, 0, on_waiter, waiter);
    waiter->next = watch->waiters;
    watch->waiters = waiter;
    (void)event_add(waiter->timer, &timeout);
    waiters_look(watch);
    if (!waiter->done) {
        pull_start(watch);
    }
}

void conf_watch_poke(struct conf_watch *watch)
{
    pull_start(watch);
}
