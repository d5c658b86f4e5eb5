/*
 * The writer thread: takes all queued jobs together, applies them to one LMDB transaction, commits,
 * publishes what they made, completes them. A job that fails leaves no trace. When the transaction
 * itself fails (disk full), it is given up and each job is tried alone, so that each gets its own answer.
 *
 * Giving memory back: what a publication puts out of use is collected in a `struct retired`; call_rcu
 * brings it back to this thread when no reader can hold it. Versions of a zone are then freed from
 * the oldest on, as far as they are not pinned; a version's nodes and pages that the next one no
 * longer has are freed with it.
 */
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "dnsd/zone/submit.h"

#define BATCH_MAX 256u
#define PURGE_STEP 5000u

struct retired {
    struct rcu_head rcu;             // first: on_grace casts
    struct retired *next;
    struct zone_store *store;
    struct zone_garbage memory;      // of plain pieces: pages, tables, states
    struct zone_garbage boxes;
    struct zone_garbage versions;
    struct zone_garbage zones;       // deleted ones
};

static const job_apply_fn job_kinds[JOB_KIND_COUNT] = {
    [JOB_CREATE] = job_create, [JOB_DELETE] = job_delete, [JOB_OPTIONS] = job_options,
    [JOB_STATE] = job_state,   [JOB_EDITS] = job_edits,   [JOB_IMPORT] = job_import,
    [JOB_REPLACE] = job_replace, [JOB_CONVERT] = job_convert,
};

// ---- giving back -------------------------------------------------------------------------------

static void on_grace(struct rcu_head *head)
{
    struct retired *retired = (struct retired *)(void *)head;
    struct zone_store *store = retired->store;
    pthread_mutex_lock(&store->lock);
    retired->next = store->passed;
    store->passed = retired;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
}

static void note_purge(struct zone_store *store, uint32_t content)
{
    mem_grow(&store->purges, &store->purge_capacity, store->purge_count + 1,
             sizeof *store->purges);
    store->purges[store->purge_count++] = content;
}

// Frees the zone's versions as far as nobody holds them; true when there is nothing left to wait for.
static bool zone_reap(struct zone_store *store, struct zone *zone)
{
    while (zone->oldest != NULL && zone->oldest->unreachable) {
        struct zone_version *oldest = zone->oldest;
        // Acquire: what the last holder read happens before it is freed.
        if (atomic_load_explicit(&oldest->pins, memory_order_acquire) != 0) {
            return false;
        }
        uint32_t content = oldest->content;
        zone->oldest = version_free_oldest(oldest);
        if (zone->oldest == NULL || zone->oldest->content != content) {
            note_purge(store, content);
        }
    }
    if (zone->is_gone && zone->oldest == NULL) {
        zone_free(zone);
    }
    return true;
}

static void zone_wait(struct zone_store *store, struct zone *zone)
{
    if (!zone->is_waiting) {
        zone->is_waiting = true;
        zone->waiting_next = store->waiting;
        store->waiting = zone;
    }
}

static void reap_waiting(struct zone_store *store)
{
    struct zone *zone = store->waiting;
    store->waiting = NULL;
    while (zone != NULL) {
        struct zone *next = zone->waiting_next;
        zone->is_waiting = false;
        if (!zone_reap(store, zone)) {
            zone_wait(store, zone);
        }
        zone = next;
    }
}

static void retired_free(struct zone_store *store, struct retired *retired)
{
    for (size_t i = 0; i < retired->versions.count; i++) {
        struct zone_version *version = retired->versions.items[i];
        version->unreachable = true;
        zone_wait(store, version->zone);
    }
    for (size_t i = 0; i < retired->zones.count; i++) {
        struct zone *zone = retired->zones.items[i];
        zone->is_gone = true;
        zone_wait(store, zone);
    }
    for (size_t i = 0; i < retired->boxes.count; i++) {
        zone_box_free(retired->boxes.items[i]);
    }
    mem_free(retired->versions.items);
    mem_free(retired->zones.items);
    mem_free(retired->boxes.items);
    zone_garbage_free(&retired->memory);
    mem_free(retired);
}

void zone_unpin(const struct zone_version *version)
{
    union {
        const struct zone_version *in;
        struct zone_version *out;
    } cast = {.in = version};
    struct zone_store *store = version->zone->store;
    // Under the lock, so that the version is not freed between the two steps.
    pthread_mutex_lock(&store->lock);
    // Release: what this holder read happens before the writer frees it.
    atomic_fetch_sub_explicit(&cast.out->pins, 1, memory_order_release);
    store->is_pin_dropped = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
}

// ---- publishing --------------------------------------------------------------------------------

static struct zone_version *make_version(struct zone_store *store, struct pending *pending)
{
    struct zone *zone = pending->zone;
    const struct zone_version *base = pending->whole != NULL ? pending->whole : zone->version;
    if (pending->changes == NULL) {
        return pending->whole;
    }
    struct version_edit edit;
    version_edit_begin(&edit, base, ++store->stamp);
    for (const struct change *change = pending->changes; change != NULL; change = change->next) {
        version_edit_set(&edit, change->name, change->rrsets, change->rrsets_size);
    }
    struct zone_version *version = version_edit_finish(&edit);
    if (pending->whole != NULL) {    // never seen by a reader: only the last one is
        zone_garbage_free(&version->garbage);
        mem_free(pending->whole);
        version->is_whole = true;
    }
    return version;
}

static void publish_zone(struct zone_store *store, struct pending *pending,
                         struct retired *retired)
{
    struct zone *zone = pending->zone;
    struct zone_version *version = make_version(store, pending);
    pending->whole = NULL;
    if (version != NULL) {
        struct zone_version *old = zone->version;
        if (old != NULL) {
            old->newer = version;
            zone_garbage_add(&retired->versions, old);
        } else {
            zone->oldest = version;
        }
        rcu_assign_pointer(zone->version, version);
    }
    if (pending->box != NULL) {
        zone_garbage_add(&retired->boxes, zone->box);
        rcu_assign_pointer(zone->box, pending->box);
        pending->box = NULL;
    }
    if (pending->has_new_state) {
        if (zone->state != NULL) {
            zone_garbage_add(&retired->memory, zone->state);
        }
        rcu_assign_pointer(zone->state, mem_dup(&pending->state, sizeof pending->state));
    }
    atomic_store_explicit(&zone->last_modified, pending->state.last_modified, memory_order_relaxed);
    zone_reopen(zone);
}

static void retire_zone(struct pending *pending, struct retired *retired)
{
    struct zone *zone = pending->zone;
    if (pending->whole != NULL) {
        version_free_all(pending->whole);
        pending->whole = NULL;
    }
    zone_box_free(pending->box);
    pending->box = NULL;
    if (pending->is_new) {    // made and deleted in one batch
        zone_free(zone);
        pending->zone = NULL;
        return;
    }
    if (zone->version != NULL) {
        zone_garbage_add(&retired->versions, zone->version);
    }
    zone_garbage_add(&retired->zones, zone);
}

static void publish(struct batch *batch)
{
    struct zone_store *store = batch->store;
    struct retired *retired = mem_zalloc(sizeof *retired);
    struct table_edit edit;
    bool is_table_changed = false;
    retired->store = store;
    store->next_id = batch->next_id;
    // First those that go: a name may have gone and come again.
    for (struct pending *pending = batch->pendings; pending != NULL; pending = pending->next) {
        if (!is_table_changed && pending->is_new != pending->is_deleted) {
            is_table_changed = true;
            table_edit_begin(&edit, store->table, ++store->stamp, &retired->memory);
        }
        if (pending->is_deleted && !pending->is_new) {
            table_edit_remove(&edit, pending->zone);
        }
    }
    for (struct pending *pending = batch->pendings; pending != NULL; pending = pending->next) {
        if (pending->is_deleted || !pending->is_changed) {
            continue;
        }
        publish_zone(store, pending, retired);
        if (pending->is_new) {
            table_edit_put(&edit, pending->zone);
        }
    }
    if (is_table_changed) {
        zone_garbage_add(&retired->memory, store->table);
        rcu_assign_pointer(store->table, table_edit_finish(&edit));
    }
    for (struct pending *pending = batch->pendings; pending != NULL; pending = pending->next) {
        for (size_t i = 0; i < store->listener_count && pending->is_changed; i++) {
            bool gone = pending->is_deleted;
            store->listeners[i].fn(store->listeners[i].ctx, pending->zone->text,
                                   gone || pending->zone->version == NULL ? 0 : pending->serial);
        }
        if (pending->is_deleted) {
            retire_zone(pending, retired);
        }
    }
    call_rcu(&retired->rcu, on_grace);
}

// ---- batches -----------------------------------------------------------------------------------

static void apply(struct batch *batch, struct job *job)
{
    struct zone_result *result = &job->result;
    *result = (struct zone_result){0};
    result->err = job_kinds[job->kind](batch, job, &result->message);
    if (result->err == ERR_OK) {
        const struct pending *pending = batch_find(batch, &job->apex);
        result->serial = pending == NULL ? 0 : pending->serial;
    } else {
        result->changed = false;
    }
}

// Runs the jobs as one transaction; false = it broke, nothing is changed, results are not valid.
static bool run_together(struct zone_store *store, struct job **jobs, size_t count,
                         struct errmsg *e)
{
    struct batch batch = {.store = store, .now_s = clock_unix_s(), .next_id = store->next_id};
    int code = mdb_txn_begin(store->env, NULL, 0, &batch.txn);
    if (code != 0) {
        store_error(store, code, e);
        return false;
    }
    arena_init(&batch.arena);
    for (size_t i = 0; i < count && !batch.is_broken; i++) {
        apply(&batch, jobs[i]);
        if (batch.is_broken) {
            *e = jobs[i]->result.message;
        }
    }
    bool good = !batch.is_broken;
    if (good && batch.is_changed) {
        code = batch.next_id == store->next_id ? 0
                                               : store_next_put(store, batch.txn, batch.next_id);
        if (code == 0) {
            code = mdb_txn_commit(batch.txn);
        } else {
            mdb_txn_abort(batch.txn);
        }
        if (code != 0) {
            store_error(store, code, e);
            good = false;
        }
    } else {
        mdb_txn_abort(batch.txn);
    }
    if (good && batch.is_changed) {
        publish(&batch);
    } else {
        batch_free_pendings(&batch);
    }
    arena_fini(&batch.arena);
    return good;
}

static void run_jobs(struct zone_store *store, struct job **jobs, size_t count)
{
    struct errmsg e = {0};
    if (run_together(store, jobs, count, &e)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (count == 1 || !run_together(store, &jobs[i], 1, &e)) {
            jobs[i]->result = (struct zone_result){.err = e.code, .message = e};
            log_error("a change of zones could not be stored", F_NAME(jobs[i]->zone), F_ERR(&e));
        }
    }
}

// Takes a piece of an old content away; so small that jobs hardly wait for it.
static void purge_step(struct zone_store *store)
{
    MDB_txn *txn;
    bool done = false;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code == 0) {
        code = store_purge(store, txn, store->purges[store->purge_count - 1], PURGE_STEP, &done);
        if (code == 0) {
            code = mdb_txn_commit(txn);
        } else {
            mdb_txn_abort(txn);
        }
    }
    if (code != 0) {
        struct errmsg e;
        store_error(store, code, &e);
        log_warn("old zone contents could not be cleared away", F_ERR(&e));
        done = true;    // the next start finds it again
    }
    if (done) {
        store->purge_count--;
    }
}

// ---- the thread --------------------------------------------------------------------------------

void writer_submit(struct zone_store *store, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&store->lock);
    *store->last = job;
    store->last = &job->next;
    store->held++;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
}

void writer_drain(struct zone_store *store, struct zone_submitter *submitter)
{
    (void)submitter;
    pthread_mutex_lock(&store->lock);
    while (store->held != 0) {
        pthread_cond_wait(&store->idle, &store->lock);
    }
    pthread_mutex_unlock(&store->lock);
}

static size_t take_jobs(struct zone_store *store, struct job *jobs[BATCH_MAX])
{
    size_t count = 0;
    while (store->first != NULL && count < BATCH_MAX) {
        jobs[count++] = store->first;
        store->first = store->first->next;
    }
    if (store->first == NULL) {
        store->last = &store->first;
    }
    return count;
}

static void wait_for_work(struct zone_store *store)
{
    rcu_thread_offline();
    while (store->first == NULL && store->passed == NULL && !store->is_pin_dropped &&
           !store->is_stopping && store->purge_count == 0) {
        pthread_cond_wait(&store->wake, &store->lock);
    }
    rcu_thread_online();
}

static void *writer_run(void *arg)
{
    struct zone_store *store = arg;
    struct job *jobs[BATCH_MAX];
    rcu_register_thread();
    for (;;) {
        pthread_mutex_lock(&store->lock);
        wait_for_work(store);
        size_t count = take_jobs(store, jobs);
        struct retired *passed = store->passed;
        bool is_stopping = store->is_stopping;
        store->passed = NULL;
        store->is_pin_dropped = false;
        pthread_mutex_unlock(&store->lock);
        if (count != 0) {
            run_jobs(store, jobs, count);
            for (size_t i = 0; i < count; i++) {
                submit_complete(jobs[i]);
            }
            pthread_mutex_lock(&store->lock);
            store->held -= count;
            pthread_cond_broadcast(&store->idle);
            pthread_mutex_unlock(&store->lock);
        }
        while (passed != NULL) {
            struct retired *next = passed->next;
            retired_free(store, passed);
            passed = next;
        }
        reap_waiting(store);
        if (count == 0 && is_stopping) {
            break;
        }
        if (count == 0 && store->purge_count != 0) {
            purge_step(store);
        }
        rcu_quiescent_state();
    }
    rcu_unregister_thread();
    return NULL;
}

enum err zone_store_open(const char *folder, struct zone_store **out, struct errmsg *e)
{
    struct zone_store *store = mem_zalloc(sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->wake, NULL);
    pthread_cond_init(&store->idle, NULL);
    store->last = &store->first;
    enum err err = store_open(store, folder, e);
    if (err == ERR_OK && pthread_create(&store->writer, NULL, writer_run, store) != 0) {
        err = err_set(e, ERR_INTERNAL, "the zone store's thread could not be started");
    } else if (err == ERR_OK) {
        store->has_writer = true;
    }
    if (err != ERR_OK) {
        zone_store_close(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

void zone_store_close(struct zone_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->has_writer) {
        pthread_mutex_lock(&store->lock);
        store->is_stopping = true;
        pthread_cond_signal(&store->wake);
        pthread_mutex_unlock(&store->lock);
        pthread_join(store->writer, NULL);
        rcu_barrier();    // all that is retired comes to `passed`
    }
    while (store->passed != NULL) {
        struct retired *retired = store->passed;
        store->passed = retired->next;
        retired_free(store, retired);
    }
    reap_waiting(store);
    store_close(store);
    pthread_cond_destroy(&store->idle);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->lock);
    mem_free(store);
}

const struct zone_table *zone_table_get(const struct zone_store *store)
{
    return rcu_dereference(store->table);
}

void zone_listen(struct zone_store *store, zone_listen_fn fn, void *ctx)
{
    assert(store->listener_count < ZONE_LISTENERS_MAX);
    store->listeners[store->listener_count].fn = fn;
    store->listeners[store->listener_count].ctx = ctx;
    store->listener_count++;
}
