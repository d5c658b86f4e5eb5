/*
 * Operations as rows of steps: running, journaling, undoing, and what is done after a crash.
 *
 * The journal is one note in the store, {"kind", "step", "undoing", "args"}, written before each
 * step begins. A step that was interrupted may have happened or not; so each undoing, and each step
 * of a kind that is finished rather than undone, must be able to find its work already done.
 * Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL       "operation"
#define UNDO_RETRY_MS 1000
#define UNDO_TRIES    120

static const struct op_kind *const KINDS[] = {&op_init, &op_join, &op_leave, &op_remove,
                                              &op_delete};
#define KIND_COUNT (sizeof KINDS / sizeof KINDS[0])

static void run_step(struct role *role);

const char *op_text(const struct role *role, const char *name)
{
    const char *text = json_string_value(json_object_get(role->op.args, name));
    return text == NULL ? "" : text;
}

bool op_flag(const struct role *role, const char *name)
{
    return json_is_true(json_object_get(role->op.args, name));
}

void op_set(struct role *role, const char *name, json_t *value)
{
    json_object_set_new(role->op.args, name, value);
}

// ---- waiting -----------------------------------------------------------------------------------

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct role *role = ctx;
    role->timer_fn(role);
}

void op_wait(struct role *role, uint64_t ms, void (*fn)(struct role *role))
{
    if (role->timer == NULL) {
        role->timer = event_new(role->context->base, -1, 0, on_timer, role);
    }
    role->timer_fn = fn;
    struct timeval time = {.tv_sec = (time_t)(ms / 1000),
                           .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    event_add(role->timer, &time);
}

// ---- journal -----------------------------------------------------------------------------------

static enum err write_journal(struct role *role, struct errmsg *e)
{
    const struct op *op = &role->op;
    json_t *json = json_pack("{s:s, s:i, s:b, s:O}", "kind", op->kind->name, "step", (int)op->at,
                             "undoing", (int)op->undoing, "args", op->args);
    char *text = json_dumps(json, JSON_COMPACT);
    enum err err = store_note_set(role->context->store, JOURNAL, text, e);
    free(text);
    json_decref(json);
    return err;
}

static void describe(struct role *role)
{
    struct op *op = &role->op;
    char *text = role->context->operation;
    size_t size = sizeof role->context->operation;
    if (op->kind == NULL) {
        text[0] = '\0';
    } else {
        snprintf(text, size, "%s%s: %s", op->undoing ? "undoing " : "", op->kind->words,
                 op->at < op->kind->count ? op->kind->steps[op->at].name : "");
    }
}

// ---- running -----------------------------------------------------------------------------------

static void finish(struct role *role)
{
    struct op op = role->op;
    role->op = (struct op){0};
    struct errmsg e = {0};
    if (store_note_set(role->context->store, JOURNAL, NULL, &e) != ERR_OK) {
        log_error("journal of the operation not cleared", F_ERR(&e));
    }
    describe(role);
    if (op.undoing) {
        log_warn("operation undone", F_STR("operation", op.kind->name), F_ERR(&op.failure));
    } else {
        log_info("operation done", F_STR("operation", op.kind->name));
    }
    if (op.kind == &op_join) {
        role->task.finished = true;
        role->task.result = op.failure.code;
        role->task.e = op.failure;
    }
    json_decref(op.args);
    if (op.fn != NULL) {
        op.fn(op.ctx, op.failure.code, &op.failure);
    }
}

// The step before the present one that has something to undo.
static void undo_step(struct role *role)
{
    struct op *op = &role->op;
    const struct op_step *step = &op->kind->steps[op->at];
    describe(role);
    if (step->undo == NULL) {
        op_done(role);
        return;
    }
    struct errmsg e = {0};
    if (write_journal(role, &e) != ERR_OK) {
        log_error("journal of the operation not written", F_ERR(&e));
    }
    step->undo(role);
}

static void after_undo(struct role *role, enum err err, const struct errmsg *e)
{
    struct op *op = &role->op;
    if (err != ERR_OK) {
        op->undo_tries++;
        if (op->undo_tries <= UNDO_TRIES) {
            op_wait(role, UNDO_RETRY_MS, undo_step);
            return;
        }
        log_error("a step of the operation could not be undone",
                  F_STR("step", op->kind->steps[op->at].name), F_ERR(e));
    }
    op->undo_tries = 0;
    if (op->at == 0) {
        finish(role);
        return;
    }
    op->at--;
    undo_step(role);
}

static void after_step(struct role *role, enum err err, const struct errmsg *e)
{
    struct op *op = &role->op;
    uint64_t now = clock_mono_ms();
    if (op->kind == &op_join) {
        role->task.steps[op->at].ms = (uint32_t)(now - op->step_started_ms);
        role->task.steps[op->at].done = err == ERR_OK;
    }
    bool must_go_on =
        op->recovering || (op->kind->recovery == OP_FINISH && op->at >= op->kind->no_return);
    if (must_go_on && (err == ERR_UNAVAILABLE || err == ERR_TIMEOUT) &&
        op->undo_tries++ < UNDO_TRIES) {
        op_wait(role, UNDO_RETRY_MS, run_step); // other daemons are starting, too
        return;
    }
    if (err != ERR_OK) {
        op->failure = *e;
        op->failure.code = err;
        op->undoing = true;
        op->undo_tries = 0;
        undo_step(role);
        return;
    }
    op->at++;
    if (op->at == op->kind->count) {
        finish(role);
        return;
    }
    run_step(role);
}

void op_next(struct role *role, enum err err, const struct errmsg *e)
{
    if (role->stopping || role->op.kind == NULL) {
        return; // the journal says where it stood
    }
    if (role->op.undoing) {
        after_undo(role, err, e);
    } else {
        after_step(role, err, e);
    }
}

void op_done(struct role *role)
{
    op_next(role, ERR_OK, NULL);
}

static void run_step(struct role *role)
{
    struct op *op = &role->op;
    struct errmsg e = {0};
    op->step_started_ms = clock_mono_ms();
    op->deadline_ms = 0;
    describe(role);
    enum err err = write_journal(role, &e);
    if (err != ERR_OK) {
        op_next(role, err, &e);
        return;
    }
    op->kind->steps[op->at].run(role);
}

enum err op_start(struct role *role, const struct op_kind *kind, json_t *args, role_fn fn,
                  void *ctx, struct errmsg *e)
{
    if (role->op.kind != NULL) {
        json_decref(args);
        return err_set(e, ERR_BUSY, "another operation is under way: %s", role->context->operation);
    }
    role->op = (struct op){.kind = kind, .args = args, .fn = fn, .ctx = ctx};
    op_set(role, "base", json_integer((json_int_t)store_revision(role->context->store)));
    if (kind == &op_join) {
        role->task_id++;
        role->task = (struct role_task){.count = kind->count};
        for (size_t i = 0; i < kind->count; i++) {
            role->task.steps[i].name = kind->steps[i].name;
        }
    }
    // Begun from the loop, so that nothing is called back from inside.
    op_wait(role, 0, run_step);
    return ERR_OK;
}

// ---- commits of an operation -------------------------------------------------------------------

enum err op_commit(struct role *role, const struct store_change *changes, size_t count,
                   uint64_t epoch, struct store_result *result, struct errmsg *e)
{
    const struct op *op = &role->op;
    char summary[160];
    snprintf(summary, sizeof summary, "%s: %s", op->kind->name, op->kind->steps[op->at].name);
    struct store_request request = {.changes = changes,
                                    .count = count,
                                    .epoch = epoch,
                                    .actor = op_text(role, "actor"),
                                    .node = role->context->self.name,
                                    .summary = summary};
    // What the lock keeps out are changes by others; main sets it anew after each commit.
    store_lock_cluster(role->context->store, NULL);
    return store_commit(role->context->store, &request, result, e);
}

struct own_commits {
    const char *kind;
    uint64_t base;
    uint64_t revisions[32];
    size_t count;
};

static bool collect_own(void *ctx, const struct store_commit_row *row)
{
    struct own_commits *own = ctx;
    size_t len = strlen(own->kind);
    if (row->revision <= own->base) {
        return false;
    }
    if (strncmp(row->summary, own->kind, len) == 0 && row->summary[len] == ':' && own->count < 32) {
        own->revisions[own->count++] = row->revision;
    }
    return true;
}

enum err op_undo_commits(struct role *role, struct errmsg *e)
{
    struct store *store = role->context->store;
    struct own_commits own = {
        .kind = role->op.kind->name,
        .base = (uint64_t)json_integer_value(json_object_get(role->op.args, "base")),
    };
    enum err err = store_history(store, 0, NULL, collect_own, &own, e);
    for (size_t i = 0; i < own.count && err == ERR_OK; i++) {
        store_lock_cluster(store, NULL);
        struct store_result result;
        err = store_undo(store, own.revisions[i], op_text(role, "actor"), role->context->self.name,
                         &result, e);
    }
    return err;
}

// ---- after a start -----------------------------------------------------------------------------

static const struct op_kind *find_kind(const char *name)
{
    for (size_t i = 0; name != NULL && i < KIND_COUNT; i++) {
        if (strcmp(name, KINDS[i]->name) == 0) {
            return KINDS[i];
        }
    }
    return NULL;
}

static void resume(struct role *role)
{
    if (role->op.undoing) {
        undo_step(role);
    } else {
        run_step(role);
    }
}

void role_recover(struct role *role)
{
    struct str text;
    str_init(&text);
    if (!store_note_get(role->context->store, JOURNAL, &text)) {
        str_fini(&text);
        return;
    }
    json_t *json = json_loads(text.text, 0, NULL);
    str_fini(&text);
    const struct op_kind *kind = find_kind(json_string_value(json_object_get(json, "kind")));
    json_int_t step = json_integer_value(json_object_get(json, "step"));
    if (kind == NULL || step < 0 || (size_t)step >= kind->count) {
        log_error("journal of an operation not understood, left alone", F_STR("note", JOURNAL));
        json_decref(json);
        return;
    }
    role->op = (struct op){
        .kind = kind,
        .at = (size_t)step,
        .recovering = true,
        .undoing = kind->recovery == OP_UNDO || json_is_true(json_object_get(json, "undoing")),
        .args = json_deep_copy(json_object_get(json, "args")),
    };
    json_decref(json);
    if (role->op.undoing) {
        err_set(&role->op.failure, ERR_INTERNAL, "clusterd ended while it was under way");
    }
    log_warn(role->op.undoing ? "operation was interrupted, undoing it"
                              : "operation was interrupted, finishing it",
             F_STR("operation", kind->name), F_STR("step", kind->steps[step].name));
    describe(role);
    op_wait(role, 0, resume);
}
