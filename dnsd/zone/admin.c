// Jobs on zones as a whole: delete, options, state, change of kind. Writer thread.
#include <string.h>

#include "common/base/mem.h"
#include "dnsd/zone/job.h"

enum err job_delete(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err != ERR_OK) {
        return err;
    }
    int code = store_row_delete(batch->store, batch->txn, pending->zone->id);
    if (code != 0) {
        return batch_fail(batch, code, e);
    }
    pending->is_deleted = true;
    pending->is_changed = true;
    batch->is_changed = true;
    job->result.changed = true;
    return ERR_OK;
}

static enum err set_box(struct pending *pending, enum zone_type type,
                        const struct zone_options *options, struct errmsg *e)
{
    struct zone_box *box;
    struct zone_options *copy = zone_options_copy(options);
    enum err err = zone_box_new(type, copy, &box, e);
    if (err != ERR_OK) {
        zone_options_free(copy);
        return err;
    }
    zone_box_free(pending->box);
    pending->box = box;
    return ERR_OK;
}

enum err job_options(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err == ERR_OK) {
        err = set_box(pending, pending_type(pending), job->options, e);
    }
    if (err == ERR_OK) {
        err = batch_write_row(batch, pending, e);
        job->result.changed = err == ERR_OK;
    }
    return err;
}

enum err job_state(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err != ERR_OK) {
        return err;
    }
    uint64_t last_modified = pending->state.last_modified;
    pending->state = job->state;
    if (pending->state.last_modified == 0) {
        pending->state.last_modified = last_modified;
    }
    pending->has_new_state = true;
    err = batch_write_row(batch, pending, e);
    job->result.changed = err == ERR_OK;
    return err;
}

// Kinds that keep their records when they become the other.
static const struct {
    enum zone_type from;
    enum zone_type to;
} conversions[] = {
    {ZONE_SECONDARY, ZONE_PRIMARY},
    {ZONE_SECONDARY_FORWARDER, ZONE_FORWARDER},
    {ZONE_SECONDARY_CATALOG, ZONE_CATALOG},
    {ZONE_PRIMARY, ZONE_FORWARDER},
    {ZONE_FORWARDER, ZONE_PRIMARY},
    {ZONE_PRIMARY, ZONE_SECONDARY},
    {ZONE_CATALOG, ZONE_SECONDARY_CATALOG},
};

static bool can_convert(enum zone_type from, enum zone_type to)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++) {
        if (conversions[i].from == from && conversions[i].to == to) {
            return true;
        }
    }
    return false;
}

static enum err raise_serial(struct batch *batch, struct job *job, struct pending *pending,
                             struct errmsg *e)
{
    struct owner apex;
    enum err err = batch_read(batch, pending, &job->arena, pending->zone->apex.wire, &apex, e);
    if (err != ERR_OK) {
        return err;
    }
    struct zone_record *soa = owner_find_type(&apex, TYPE_SOA);
    if (soa == NULL) {
        owner_fini(&apex);
        return batch_fail(batch, MDB_CORRUPTED, e);
    }
    uint32_t serial = soa_next_serial(pending->serial, job->options->soa_date_scheme, batch->now_s);
    soa_set_serial(soa, &job->arena, serial);
    err = batch_write(batch, pending, &apex, e);
    if (err == ERR_OK) {
        pending->serial = serial;
    }
    owner_fini(&apex);
    return err;
}

enum err job_convert(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err != ERR_OK) {
        return err;
    }
    if (!can_convert(pending_type(pending), job->type)) {
        return err_set(e, ERR_BAD_STATE, "the zone %s cannot become a zone of that kind",
                       pending->zone->text);
    }
    if (pending->content == 0) {
        return err_set(e, ERR_BAD_STATE, "the zone %s was never loaded", pending->zone->text);
    }
    err = set_box(pending, job->type, job->options, e);
    if (err != ERR_OK) {
        return err;
    }
    if (zone_type_is_edited(job->type)) {
        err = raise_serial(batch, job, pending, e);
        batch->is_broken |= err != ERR_OK;
    }
    pending->state = (struct zone_state){.last_modified = batch->now_s};
    pending->has_new_state = true;
    if (err == ERR_OK) {
        err = batch_write_row(batch, pending, e);
    }
    job->result.changed = err == ERR_OK;
    return err;
}
