/*
 * Submitters: how a loop hands jobs to the writer thread and gets them back. The submit functions
 * run in the loop's thread; finished jobs are put on the submitter's list by the writer, which
 * writes to the eventfd; the loop then calls the callbacks.
 */
#include "dnsd/zone/submit.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "dnsd/zone/load.h"

struct zone_submitter {
    struct zone_store *store;
    int fd;
    struct event *event;
    pthread_mutex_t lock;      // of the two below
    struct job *first;
    struct job **last;
};

// ---- back --------------------------------------------------------------------------------------

void submit_complete(struct job *job)
{
    struct zone_submitter *submitter = job->submitter;
    uint64_t one = 1;
    job->next = NULL;
    pthread_mutex_lock(&submitter->lock);
    *submitter->last = job;
    submitter->last = &job->next;
    pthread_mutex_unlock(&submitter->lock);
    // Fails only when the counter is full, and then the loop is awake.
    ssize_t written = write(submitter->fd, &one, sizeof one);
    (void)written;
}

#define TRIM_BYTES ((size_t)8 << 20)

static size_t job_bytes(const struct job *job)
{
    return job->arena.total + (job->load == NULL ? 0 : job->load->arena.total);
}

// False = there was none.
static bool complete_all(struct zone_submitter *submitter)
{
    pthread_mutex_lock(&submitter->lock);
    struct job *job = submitter->first;
    submitter->first = NULL;
    submitter->last = &submitter->first;
    pthread_mutex_unlock(&submitter->lock);
    bool any = job != NULL;
    bool is_large = false;
    while (job != NULL) {
        struct job *next = job->next;
        if (job->fn != NULL) {
            job->fn(job->ctx, &job->result);
        }
        is_large |= job_bytes(job) > TRIM_BYTES;
        job_free(job);
        job = next;
    }
    if (is_large) {
        mem_trim();    // a zone's text and records took several times what stays
    }
    return any;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
    (void)what;
    complete_all(arg);
}

enum err zone_submitter_open(struct zone_store *store, struct event_base *base,
                             struct zone_submitter **out, struct errmsg *e)
{
    struct zone_submitter *submitter = mem_zalloc(sizeof *submitter);
    submitter->store = store;
    submitter->last = &submitter->first;
    pthread_mutex_init(&submitter->lock, NULL);
    submitter->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (submitter->fd < 0) {
        enum err err = err_set(e, err_from_errno(errno), "eventfd: %s", strerror(errno));
        zone_submitter_close(submitter);
        return err;
    }
    submitter->event = event_new(base, submitter->fd, EV_READ | EV_PERSIST, on_event, submitter);
    if (submitter->event == NULL || event_add(submitter->event, NULL) != 0) {
        zone_submitter_close(submitter);
        return err_set(e, ERR_INTERNAL, "an event for the zone store could not be made");
    }
    *out = submitter;
    return ERR_OK;
}

void zone_submitter_close(struct zone_submitter *submitter)
{
    if (submitter == NULL) {
        return;
    }
    do {
        writer_drain(submitter->store, submitter);
    } while (complete_all(submitter));
    if (submitter->event != NULL) {
        event_free(submitter->event);
    }
    if (submitter->fd >= 0) {
        close(submitter->fd);
    }
    pthread_mutex_destroy(&submitter->lock);
    mem_free(submitter);
}

// ---- there -------------------------------------------------------------------------------------

void job_free(struct job *job)
{
    zone_options_free(job->options);
    zone_load_free(job->load);
    arena_fini(&job->arena);
    mem_free(job);
}

static struct job *job_new(struct zone_submitter *submitter, enum job_kind kind, const char *zone,
                           zone_done_fn fn, void *ctx)
{
    struct job *job = mem_zalloc(sizeof *job);
    job->kind = kind;
    job->submitter = submitter;
    job->fn = fn;
    job->ctx = ctx;
    arena_init(&job->arena);
    job->zone = arena_strdup(&job->arena, zone);
    if (name_from_text(zone[0] == 0 ? "." : zone, &job->apex, NULL) == ERR_OK) {
        name_fold(job->apex.wire);
    } else {
        job->apex.len = 0;
    }
    return job;
}

static const char *dup_text(struct job *job, const char *text)
{
    return text == NULL ? NULL : arena_strdup(&job->arena, text);
}

void zone_submit_create(struct zone_submitter *s, const struct zone_create *create, zone_done_fn fn,
                        void *ctx)
{
    struct job *job = job_new(s, JOB_CREATE, create->zone, fn, ctx);
    job->type = create->type;
    job->options = create->options == NULL ? NULL : zone_options_copy(create->options);
    job->create = *create;
    job->create.zone = job->zone;
    job->create.options = NULL;
    job->create.server_name = dup_text(job, create->server_name);
    job->create.responsible = dup_text(job, create->responsible);
    job->create.text_name = create->text_name == NULL ? "zone file" : dup_text(job, create->text_name);
    if (create->text != NULL) {
        job->create.text = arena_dup(&job->arena, create->text, create->text_len);
    }
    writer_submit(s->store, job);
}

void zone_submit_delete(struct zone_submitter *s, const char *zone, zone_done_fn fn, void *ctx)
{
    writer_submit(s->store, job_new(s, JOB_DELETE, zone, fn, ctx));
}

void zone_submit_options(struct zone_submitter *s, const char *zone,
                         const struct zone_options *options, zone_done_fn fn, void *ctx)
{
    struct job *job = job_new(s, JOB_OPTIONS, zone, fn, ctx);
    job->options = zone_options_copy(options);
    writer_submit(s->store, job);
}

void zone_submit_state(struct zone_submitter *s, const char *zone, const struct zone_state *state,
                       zone_done_fn fn, void *ctx)
{
    struct job *job = job_new(s, JOB_STATE, zone, fn, ctx);
    job->state = *state;
    writer_submit(s->store, job);
}

static void copy_record(struct job *job, struct zone_record *to, const struct zone_record *from)
{
    *to = *from;
    size_t len = from->name == NULL ? 0 : name_check(from->name, NAME_MAX_WIRE);
    to->name = len == 0 ? NULL : arena_dup(&job->arena, from->name, len);
    to->rdata = arena_dup(&job->arena, from->rdata, from->rdata_len);
    to->comments = dup_text(job, from->comments);
}

void zone_submit_edits(struct zone_submitter *s, const char *zone, const struct zone_edit *edits,
                       size_t count, const uint32_t *base_serial, zone_done_fn fn, void *ctx)
{
    struct job *job = job_new(s, JOB_EDITS, zone, fn, ctx);
    struct zone_edit *copies = arena_alloc(&job->arena, count * sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i].op = edits[i].op;
        copy_record(job, &copies[i].old, &edits[i].old);
        copy_record(job, &copies[i].record, &edits[i].record);
    }
    job->edits = copies;
    job->edit_count = count;
    if (base_serial != NULL) {
        job->has_base_serial = true;
        job->base_serial = *base_serial;
    }
    writer_submit(s->store, job);
}

void zone_submit_import(struct zone_submitter *s, const char *zone,
                        const struct zone_import *import, zone_done_fn fn, void *ctx)
{
    struct job *job = job_new(s, JOB_IMPORT, zone, fn, ctx);
    job->import = *import;
    job->import.text = arena_dup(&job->arena, import->text, import->text_len);
    job->import.text_name = import->text_name == NULL ? "zone file" : dup_text(job, import->text_name);
    writer_submit(s->store, job);
}

void zone_submit_replace(struct zone_submitter *s, const char *zone, struct zone_load *load,
                         zone_done_fn fn, void *ctx)
{
    struct job *job = job_new(s, JOB_REPLACE, zone, fn, ctx);
    job->load = load;
    writer_submit(s->store, job);
}

void zone_submit_convert(struct zone_submitter *s, const char *zone, enum zone_type type,
                         const struct zone_options *options, zone_done_fn fn, void *ctx)
{
    struct job *job = job_new(s, JOB_CONVERT, zone, fn, ctx);
    job->type = type;
    job->options = zone_options_copy(options);
    writer_submit(s->store, job);
}
