/*
 * Record edits of one job: the touched names are read once, changed and checked in memory, and only
 * written when all is well. Writer thread.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "dnsd/zone/job.h"

#define TTL_MAX 0x7fffffffu    // RFC 2181 section 8

struct touched {
    struct name name;
    struct owner owner;
    size_t last_edit;
};

struct edit_run {
    struct batch *batch;
    struct pending *pending;
    struct arena *arena;
    struct touched **slots;    // open addressing by name
    size_t slot_count;         // power of two
    size_t used;
    size_t at;                 // index of the edit being applied
    bool has_soa_edit;
};

// ---- touched names -----------------------------------------------------------------------------

static enum err touch(struct edit_run *run, const uint8_t *name, struct touched **out,
                      struct errmsg *e)
{
    size_t mask = run->slot_count - 1;
    size_t slot = name_hash(name) & mask;
    while (run->slots[slot] != NULL) {
        if (name_equal_lower(run->slots[slot]->name.wire, name)) {
            run->slots[slot]->last_edit = run->at;
            *out = run->slots[slot];
            return ERR_OK;
        }
        slot = (slot + 1) & mask;
    }
    struct touched *touched = arena_alloc(run->arena, sizeof *touched);
    touched->name.len = (uint8_t)name_len(name);
    memcpy(touched->name.wire, name, touched->name.len);
    touched->last_edit = run->at;
    enum err err = batch_read(run->batch, run->pending, run->arena, touched->name.wire,
                              &touched->owner, e);
    if (err != ERR_OK) {
        return err;
    }
    run->slots[slot] = touched;
    run->used++;
    *out = touched;
    return ERR_OK;
}

static bool is_apex(const struct edit_run *run, const uint8_t *name)
{
    return name_equal_lower(name, run->pending->zone->apex.wire);
}

// ---- one edit ----------------------------------------------------------------------------------

static enum err refuse(enum err code, const struct zone_record *record, const char *why,
                       struct errmsg *e)
{
    char name[NAME_MAX_TEXT];
    char type[16];
    name_to_text(record->name, name);
    rr_type_to_text(record->type, type);
    return err_set(e, code, "%s %s: %s", name, type, why);
}

// Checks a record by itself; `folded` gets its owner name.
static enum err check_record(const struct edit_run *run, const struct zone_record *record,
                             struct name *folded, struct errmsg *e)
{
    size_t len = record->name == NULL ? 0 : name_check(record->name, NAME_MAX_WIRE);
    if (len == 0) {
        return err_set(e, ERR_INVALID, "the record's name is not a domain name");
    }
    folded->len = (uint8_t)len;
    memcpy(folded->wire, record->name, len);
    name_fold(folded->wire);
    if (!name_is_below_or_equal(folded->wire, run->pending->zone->apex.wire)) {
        return refuse(ERR_INVALID, record, "the name is not in the zone", e);
    }
    return ERR_OK;
}

static enum err check_new(const struct edit_run *run, const struct zone_record *record,
                          struct name *folded, struct errmsg *e)
{
    enum err err = check_record(run, record, folded, e);
    if (err != ERR_OK) {
        return err;
    }
    const struct rr_type *row = rr_type_find(record->type);
    if (record->type == 0 || (row != NULL && (row->flags & RR_META) != 0)) {
        return refuse(ERR_INVALID, record, "this type cannot be in a zone", e);
    }
    if (record->ttl > TTL_MAX) {
        return refuse(ERR_INVALID, record, "the TTL is above 2147483647", e);
    }
    struct errmsg why;
    err = rdata_check(record->type, record->rdata, record->rdata_len, &why);
    return err == ERR_OK ? ERR_OK : refuse(err, record, why.text, e);
}

static void stamp(const struct edit_run *run, struct zone_record *record)
{
    record->last_modified = run->batch->now_s;
}

static enum err add_checked(struct edit_run *run, const struct zone_record *record,
                            struct owner *owner, struct errmsg *e)
{
    if (owner_find(owner, record->type, record->rdata, record->rdata_len) != NULL) {
        return refuse(ERR_EXISTS, record, "the record already exists", e);
    }
    stamp(run, owner_add(owner, run->arena, record));
    owner_set_ttl(owner, record->type, record->ttl);
    return ERR_OK;
}

// The SOA is one that is always there: whatever asks for it to be set replaces it.
static enum err set_soa(struct edit_run *run, const struct zone_record *record,
                        struct owner *owner, struct errmsg *e)
{
    if (!is_apex(run, owner->name)) {
        return refuse(ERR_INVALID, record, "only the zone's apex has a SOA", e);
    }
    if (record->disabled) {
        return refuse(ERR_INVALID, record, "the SOA cannot be disabled", e);
    }
    owner_remove_type(owner, TYPE_SOA);
    stamp(run, owner_add(owner, run->arena, record));
    run->has_soa_edit = true;
    return ERR_OK;
}

static enum err edit_add(struct edit_run *run, const struct zone_edit *edit, struct errmsg *e)
{
    struct name name;
    struct touched *touched;
    enum err err = check_new(run, &edit->record, &name, e);
    if (err != ERR_OK) {
        return err;
    }
    if (edit->record.type == TYPE_SOA) {
        return refuse(ERR_INVALID, &edit->record, "the zone has its SOA; it is changed by an update",
                      e);
    }
    err = touch(run, name.wire, &touched, e);
    return err == ERR_OK ? add_checked(run, &edit->record, &touched->owner, e) : err;
}

static enum err edit_replace(struct edit_run *run, const struct zone_edit *edit, struct errmsg *e)
{
    struct name name;
    struct touched *touched;
    enum err err = check_new(run, &edit->record, &name, e);
    if (err == ERR_OK) {
        err = touch(run, name.wire, &touched, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (edit->record.type == TYPE_SOA) {
        return set_soa(run, &edit->record, &touched->owner, e);
    }
    owner_remove_type(&touched->owner, edit->record.type);
    return add_checked(run, &edit->record, &touched->owner, e);
}

static enum err find_old(struct edit_run *run, const struct zone_record *old,
                         struct touched **touched, struct zone_record **record, struct errmsg *e)
{
    struct name name;
    enum err err = check_record(run, old, &name, e);
    if (err == ERR_OK) {
        err = touch(run, name.wire, touched, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    *record = owner_find(&(*touched)->owner, old->type, old->rdata, old->rdata_len);
    return *record != NULL ? ERR_OK : refuse(ERR_NOT_FOUND, old, "no such record was found", e);
}

static enum err edit_update(struct edit_run *run, const struct zone_edit *edit, struct errmsg *e)
{
    struct name name;
    struct touched *from;
    struct touched *to;
    struct zone_record *old;
    enum err err = check_new(run, &edit->record, &name, e);
    if (err != ERR_OK) {
        return err;
    }
    if (edit->record.type == TYPE_SOA) {
        err = touch(run, name.wire, &to, e);
        return err == ERR_OK ? set_soa(run, &edit->record, &to->owner, e) : err;
    }
    if (edit->old.type == TYPE_SOA) {
        return refuse(ERR_INVALID, &edit->old, "the SOA cannot become another record", e);
    }
    err = find_old(run, &edit->old, &from, &old, e);
    if (err != ERR_OK) {
        return err;
    }
    owner_remove(&from->owner, old);
    err = touch(run, name.wire, &to, e);
    return err == ERR_OK ? add_checked(run, &edit->record, &to->owner, e) : err;
}

static enum err edit_delete(struct edit_run *run, const struct zone_edit *edit, struct errmsg *e)
{
    struct touched *touched;
    struct zone_record *old;
    if (edit->old.type == TYPE_SOA) {
        return err_set(e, ERR_INVALID, "the zone %s must keep its SOA record",
                       run->pending->zone->text);
    }
    enum err err = find_old(run, &edit->old, &touched, &old, e);
    if (err == ERR_OK) {
        owner_remove(&touched->owner, old);
    }
    return err;
}

static enum err edit_delete_rrset(struct edit_run *run, const struct zone_edit *edit,
                                  struct errmsg *e)
{
    struct name name;
    struct touched *touched;
    enum err err = check_record(run, &edit->old, &name, e);
    if (err == ERR_OK) {
        err = touch(run, name.wire, &touched, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    size_t before = touched->owner.count;
    owner_remove_type(&touched->owner, edit->old.type);
    return touched->owner.count < before
               ? ERR_OK
               : refuse(ERR_NOT_FOUND, &edit->old, "no such record was found", e);
}

typedef enum err (*edit_fn)(struct edit_run *run, const struct zone_edit *edit, struct errmsg *e);
static const edit_fn edit_ops[] = {
    [ZONE_EDIT_ADD] = edit_add,
    [ZONE_EDIT_REPLACE_RRSET] = edit_replace,
    [ZONE_EDIT_UPDATE] = edit_update,
    [ZONE_EDIT_DELETE] = edit_delete,
    [ZONE_EDIT_DELETE_RRSET] = edit_delete_rrset,
};

// ---- the whole job -----------------------------------------------------------------------------

static enum err apply_edits(struct edit_run *run, struct job *job, struct errmsg *e)
{
    for (run->at = 0; run->at < job->edit_count; run->at++) {
        const struct zone_edit *edit = &job->edits[run->at];
        enum err err = (size_t)edit->op < sizeof edit_ops / sizeof edit_ops[0] &&
                               edit_ops[edit->op] != NULL
                           ? edit_ops[edit->op](run, edit, e)
                           : err_set(e, ERR_INVALID, "unknown kind of edit");
        if (err != ERR_OK) {
            job->result.failed_edit = run->at;
            return err;
        }
    }
    return ERR_OK;
}

// Raises the serial, unless an edit gave a newer one; the apex is checked with the others.
static enum err raise_serial(struct edit_run *run, struct errmsg *e)
{
    struct touched *apex;
    size_t last = run->at;
    run->at = last == 0 ? 0 : last - 1;
    enum err err = touch(run, run->pending->zone->apex.wire, &apex, e);
    if (err != ERR_OK) {
        return err;
    }
    struct zone_record *soa = owner_find_type(&apex->owner, TYPE_SOA);
    if (soa == NULL) {
        return err_set(e, ERR_INVALID, "the zone %s must keep its SOA record",
                       run->pending->zone->text);
    }
    uint32_t old = run->pending->serial;
    uint32_t serial = soa_serial(soa);
    if (!run->has_soa_edit || !soa_is_newer(serial, old)) {
        bool date = pending_options(run->pending)->soa_date_scheme;
        serial = soa_next_serial(old, date, run->batch->now_s);
        soa_set_serial(soa, run->arena, serial);
    }
    stamp(run, soa);
    return soa_check_apex(&apex->owner, e);
}

static enum err check_touched(struct edit_run *run, struct job *job, struct errmsg *e)
{
    for (size_t i = 0; i < run->slot_count; i++) {
        struct touched *touched = run->slots[i];
        if (touched == NULL) {
            continue;
        }
        enum err err = owner_check(&touched->owner, is_apex(run, touched->name.wire), e);
        if (err != ERR_OK) {
            job->result.failed_edit = touched->last_edit;
            return err;
        }
    }
    return ERR_OK;
}

static enum err write_touched(struct edit_run *run, struct errmsg *e)
{
    for (size_t i = 0; i < run->slot_count; i++) {
        if (run->slots[i] != NULL) {
            enum err err = batch_write(run->batch, run->pending, &run->slots[i]->owner, e);
            if (err != ERR_OK) {
                run->batch->is_broken = true;    // some are written
                return err;
            }
        }
    }
    return ERR_OK;
}

enum err job_edits(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err != ERR_OK) {
        return err;
    }
    if (!zone_type_is_edited(pending_type(pending)) || pending->content == 0) {
        return err_set(e, ERR_BAD_STATE, "the zone %s is not edited here: its records come from its primary",
                       pending->zone->text);
    }
    if (job->has_base_serial && job->base_serial != pending->serial) {
        return err_set(e, ERR_CONFLICT, "the zone %s has changed: serial %u, not %u",
                       pending->zone->text, pending->serial, job->base_serial);
    }
    struct edit_run run = {.batch = batch, .pending = pending, .arena = &job->arena,
                           .slot_count = 8};
    while (run.slot_count < 4 * (job->edit_count + 1)) {
        run.slot_count *= 2;    // an edit touches two names at most
    }
    run.slots = mem_calloc(run.slot_count, sizeof(struct touched *));
    err = apply_edits(&run, job, e);
    if (err == ERR_OK) {
        err = raise_serial(&run, e);
    }
    if (err == ERR_OK) {
        err = check_touched(&run, job, e);
    }
    if (err == ERR_OK) {
        err = write_touched(&run, e);
    }
    if (err == ERR_OK) {
        struct touched *apex;
        err = touch(&run, pending->zone->apex.wire, &apex, e);
        if (err == ERR_OK) {
            pending->serial = soa_serial(owner_find_type(&apex->owner, TYPE_SOA));
            pending->state.last_modified = batch->now_s;
            err = batch_write_row(batch, pending, e);
        }
    }
    for (size_t i = 0; i < run.slot_count; i++) {
        if (run.slots[i] != NULL) {
            owner_fini(&run.slots[i]->owner);
        }
    }
    mem_free(run.slots);
    job->result.changed = err == ERR_OK;
    return err;
}
