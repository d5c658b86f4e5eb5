// What the jobs of one transaction share: zones as they will be, records read and written. Writer thread.
#include <string.h>

#include "common/base/mem.h"
#include "dnsd/zone/job.h"

struct pending *batch_add(struct batch *batch, struct zone *zone)
{
    struct pending *pending = arena_alloc(&batch->arena, sizeof *pending);
    *pending = (struct pending){.next = batch->pendings, .zone = zone};
    pending->changes_last = &pending->changes;
    if (zone->version != NULL) {
        pending->content = zone->version->content;
        pending->serial = zone->version->soa.serial;
    }
    zone_state_get(zone, &pending->state);
    batch->pendings = pending;
    return pending;
}

struct pending *batch_find(struct batch *batch, const struct name *apex)
{
    for (struct pending *pending = batch->pendings; pending != NULL; pending = pending->next) {
        if (name_equal_lower(pending->zone->apex.wire, apex->wire)) {
            if (!pending->is_deleted) {
                return pending;
            }
            return NULL;
        }
    }
    struct zone *zone = zone_table_find(batch->store->table, apex->wire);
    return zone == NULL ? NULL : batch_add(batch, zone);
}

enum err batch_get(struct batch *batch, const struct job *job, struct pending **out,
                   struct errmsg *e)
{
    struct pending *pending = job->apex.len == 0 ? NULL : batch_find(batch, &job->apex);
    if (pending == NULL) {
        return err_set(e, ERR_NOT_FOUND, "No such zone was found: %s", job->zone);
    }
    *out = pending;
    return ERR_OK;
}

enum zone_type pending_type(const struct pending *pending)
{
    return pending->box != NULL ? pending->box->type : pending->zone->box->type;
}

const struct zone_options *pending_options(const struct pending *pending)
{
    return pending->box != NULL ? pending->box->options : pending->zone->box->options;
}

enum err batch_fail(struct batch *batch, int code, struct errmsg *e)
{
    batch->is_broken = true;
    return store_error(batch->store, code, e);
}

enum err batch_read(struct batch *batch, const struct pending *pending, struct arena *arena,
                    const uint8_t *name, struct owner *owner, struct errmsg *e)
{
    MDB_val value;
    owner_init(owner, name);
    if (pending->content == 0) {
        return ERR_OK;
    }
    int code = store_owner_get(batch->store, batch->txn, pending->content, &pending->zone->apex,
                               name, &value);
    if (code == MDB_NOTFOUND) {
        return ERR_OK;
    }
    if (code != 0) {
        return batch_fail(batch, code, e);
    }
    if (owner_decode(owner, arena, value.mv_data, value.mv_size) != ERR_OK) {
        owner_fini(owner);
        return batch_fail(batch, MDB_CORRUPTED, e);
    }
    return ERR_OK;
}

enum err batch_write(struct batch *batch, struct pending *pending, struct owner *owner,
                     struct errmsg *e)
{
    struct str bytes;
    str_init(&bytes);
    if (owner->count != 0) {
        enum err err = owner_encode(owner, &bytes, e);
        if (err != ERR_OK) {
            str_fini(&bytes);
            return err;
        }
    }
    MDB_val value = {.mv_size = bytes.len, .mv_data = bytes.text};
    int code = store_owner_put(batch->store, batch->txn, pending->content, &pending->zone->apex,
                               owner->name, &value);
    if (code != 0) {
        str_fini(&bytes);
        return batch_fail(batch, code, e);
    }
    struct change *change = arena_alloc(&batch->arena, sizeof *change);
    const uint8_t *rrsets = NULL;
    *change = (struct change){0};
    if (bytes.len != 0 && owner_rrsets(bytes.text, bytes.len, &rrsets, &change->rrsets_size) != ERR_OK) {
        str_fini(&bytes);
        return batch_fail(batch, MDB_CORRUPTED, e);
    }
    change->name = arena_dup(&batch->arena, owner->name, name_len(owner->name));
    change->rrsets = arena_dup(&batch->arena, rrsets, change->rrsets_size);
    *pending->changes_last = change;
    pending->changes_last = &change->next;
    batch->is_changed = true;
    str_fini(&bytes);
    return ERR_OK;
}

enum err batch_write_row(struct batch *batch, struct pending *pending, struct errmsg *e)
{
    // The row only lends the options.
    union {
        const struct zone_options *in;
        struct zone_options *out;
    } options = {.in = pending_options(pending)};
    struct zone_row row = {.apex = pending->zone->apex,
                           .type = pending_type(pending),
                           .content = pending->content,
                           .options = options.out,
                           .state = pending->state};
    int code = store_row_put(batch->store, batch->txn, pending->zone->id, &row);
    if (code != 0) {
        return batch_fail(batch, code, e);
    }
    batch->is_changed = true;
    pending->is_changed = true;
    return ERR_OK;
}

void pending_set_whole(struct pending *pending, struct zone_version *whole, uint32_t content)
{
    if (pending->whole != NULL) {
        version_free_all(pending->whole);
    }
    pending->whole = whole;
    pending->content = content;
    pending->serial = whole->soa.serial;
    pending->changes = NULL;
    pending->changes_last = &pending->changes;
}

void batch_free_pendings(struct batch *batch)
{
    for (struct pending *pending = batch->pendings; pending != NULL; pending = pending->next) {
        zone_box_free(pending->box);
        if (pending->whole != NULL) {
            version_free_all(pending->whole);
        }
        if (pending->is_new) {
            zone_free(pending->zone);
        }
    }
    batch->pendings = NULL;
}
