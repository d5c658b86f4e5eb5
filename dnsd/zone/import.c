/*
 * Many records at once: zone files into new and existing zones, whole contents from transfers.
 * A zone that is made anew is written under a new content number, in order, and its version is built
 * beside; otherwise name by name. Everything is checked before anything is changed. Writer thread.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "dnsd/zone/job.h"
#include "dnsd/zone/load.h"

struct import {
    struct batch *batch;
    struct pending *pending;
    struct zone_load *load;
    const char *file;            // for messages; NULL = no file
    bool is_checked;             // records must go together (not for transfers)
    bool replaces;               // RRsets of the load replace those that are there
    bool drops;                  // what is there goes, but for SOA and NS where the load has none
    bool takes_serial;           // the load's SOA serial counts
    bool is_new;                 // so does it in a zone made just now
    struct arena *arena;
};

// ---- one name ----------------------------------------------------------------------------------

static void load_to_record(const struct import *import, const struct load_record *from,
                           struct zone_record *to)
{
    *to = (struct zone_record){.name = from->name, .type = from->type, .ttl = from->ttl,
                               .rdata = from->rdata, .rdata_len = from->rdata_len,
                               .disabled = from->disabled, .comments = from->comments,
                               .last_modified = import->batch->now_s};
}

static bool group_has_type(const struct import *import, size_t begin, size_t end, uint16_t type)
{
    for (size_t i = begin; i < end; i++) {
        if (import->load->records[i]->type == type) {
            return true;
        }
    }
    return false;
}

static void owner_append(struct owner *owner, const struct zone_record *record)
{
    mem_grow(&owner->records, &owner->capacity, owner->count + 1, sizeof *owner->records);
    owner->records[owner->count] = *record;
    owner->records[owner->count++].name = owner->name;
}

// The TTL that the RRset has already (RFC 2181 section 5.2), else the record's own.
static uint32_t group_ttl(const struct owner *owner, const struct zone_record *record)
{
    uint32_t group = owner_group(record->type, record->rdata, record->rdata_len);
    for (size_t i = owner->count; i-- > 0;) {
        const struct zone_record *other = &owner->records[i];
        if (owner_group(other->type, other->rdata, other->rdata_len) == group) {
            return other->ttl;
        }
    }
    return record->ttl;
}

// Puts the load's records [begin, end) of one name to those that are there.
static void merge_group(const struct import *import, struct owner *owner, size_t begin, size_t end)
{
    bool was_empty = owner->count == 0;
    if (import->replaces) {
        for (size_t i = begin; i < end && owner->count != 0; i++) {
            const struct load_record *record = import->load->records[i];
            bool is_first = !group_has_type(import, begin, i, record->type);
            if (is_first) {
                owner_remove_type(owner, record->type);
            }
        }
    }
    for (size_t i = begin; i < end; i++) {
        struct zone_record record;
        load_to_record(import, import->load->records[i], &record);
        if (record.type == TYPE_SOA && !import->replaces) {
            owner_remove_type(owner, TYPE_SOA);
        } else if ((!was_empty || record.type == TYPE_SOA) &&
                   owner_find(owner, record.type, record.rdata, record.rdata_len) != NULL) {
            continue;   // a file made by a transfer ends with its SOA again
        }
        record.ttl = group_ttl(owner, &record);
        owner_append(owner, &record);
    }
}

static enum err check_group(const struct import *import, const struct owner *owner, size_t begin,
                            size_t end, struct errmsg *e)
{
    if (!import->is_checked) {
        return ERR_OK;
    }
    bool is_apex = name_equal_lower(owner->name, import->pending->zone->apex.wire);
    enum err err = owner_check(owner, is_apex, e);
    if (err != ERR_OK && import->file != NULL) {
        uint32_t line = 0;
        for (size_t i = begin; i < end; i++) {
            line = import->load->records[i]->line > line ? import->load->records[i]->line : line;
        }
        err_prefix(e, err, "%s:%u", import->file, line);
    }
    return err;
}

// ---- the apex ----------------------------------------------------------------------------------

// The serial that the zone will have: the load's where that counts, else the next one.
static enum err settle_serial(const struct import *import, struct owner *apex, bool load_has_soa,
                              struct errmsg *e)
{
    struct zone_record *soa = owner_find_type(apex, TYPE_SOA);
    if (soa == NULL) {
        return err_set(e, ERR_INVALID, "the zone %s has no SOA record",
                       import->pending->zone->text);
    }
    if (import->takes_serial && load_has_soa) {
        return ERR_OK;
    }
    uint32_t serial = import->pending->serial;
    if (!import->is_new) {
        serial = soa_next_serial(serial, pending_options(import->pending)->soa_date_scheme,
                                 import->batch->now_s);
    }
    soa_set_serial(soa, import->arena, serial);
    return ERR_OK;
}

// The apex as it will be; [begin, end) of the load are its records (maybe none).
static enum err make_apex(const struct import *import, size_t begin, size_t end,
                          struct owner *apex, struct errmsg *e)
{
    bool has_soa = group_has_type(import, begin, end, TYPE_SOA);
    bool has_ns = group_has_type(import, begin, end, TYPE_NS);
    if (import->drops) {
        size_t kept = 0;
        for (size_t i = 0; i < apex->count; i++) {
            uint16_t type = apex->records[i].type;
            if ((type == TYPE_SOA && !has_soa) || (type == TYPE_NS && !has_ns)) {
                apex->records[kept++] = apex->records[i];
            }
        }
        apex->count = kept;
    }
    merge_group(import, apex, begin, end);
    enum err err = check_group(import, apex, begin, end, e);
    if (err == ERR_OK) {
        err = settle_serial(import, apex, has_soa, e);
    }
    if (err == ERR_OK && import->is_checked) {
        err = soa_check_apex(apex, e);
    }
    return err;
}

// ---- all of it anew ----------------------------------------------------------------------------

struct writing {
    MDB_cursor *cursor;
    struct version_builder *builder;
    uint32_t content;
    struct str bytes;
};

static enum err write_owner(const struct import *import, struct writing *writing,
                            struct owner *owner, struct errmsg *e)
{
    uint8_t key_bytes[STORE_KEY_MAX];
    const uint8_t *rrsets;
    size_t rrsets_size;
    str_clear(&writing->bytes);
    enum err err = owner_encode(owner, &writing->bytes, e);
    if (err != ERR_OK) {
        return err;
    }
    MDB_val key = {.mv_data = key_bytes};
    key.mv_size = store_key(writing->content, &import->load->apex, owner->name, key_bytes);
    MDB_val value = {.mv_size = writing->bytes.len, .mv_data = writing->bytes.text};
    int code = key.mv_size == 0 ? MDB_BAD_VALSIZE
                                : mdb_cursor_put(writing->cursor, &key, &value, MDB_APPEND);
    if (code != 0) {
        return batch_fail(import->batch, code, e);
    }
    err = owner_rrsets(writing->bytes.text, writing->bytes.len, &rrsets, &rrsets_size);
    if (err == ERR_OK && rrsets_size != 0) {
        err = version_builder_add(writing->builder, owner->name, rrsets, rrsets_size);
    }
    return err == ERR_OK ? ERR_OK : err_set(e, err, "records out of order");
}

static enum err write_groups(const struct import *import, struct writing *writing,
                             struct owner *apex, struct errmsg *e)
{
    struct owner owner = {0};
    size_t begin = 0;
    if (import->load->count != 0 && name_equal_lower(import->load->records[0]->name, apex->name)) {
        begin = load_group_end(import->load, 0);
    }
    enum err err = make_apex(import, 0, begin, apex, e);
    if (err == ERR_OK) {
        err = write_owner(import, writing, apex, e);
    }
    while (err == ERR_OK && begin < import->load->count) {
        size_t end = load_group_end(import->load, begin);
        owner.name = import->load->records[begin]->name;
        owner.count = 0;
        merge_group(import, &owner, begin, end);
        err = check_group(import, &owner, begin, end, e);
        if (err == ERR_OK) {
            err = write_owner(import, writing, &owner, e);
        }
        begin = end;
    }
    owner_fini(&owner);
    return err;
}

// Writes everything under a new content number. `apex` is what is kept of the old contents.
static enum err import_whole(const struct import *import, struct owner *apex, struct errmsg *e)
{
    struct batch *batch = import->batch;
    struct writing writing = {.content = batch->next_id};
    MDB_txn *child;
    // A transaction of its own inside the batch, so that a bad line takes its records back.
    int code = mdb_txn_begin(batch->store->env, batch->txn, 0, &child);
    if (code != 0) {
        return batch_fail(batch, code, e);
    }
    code = mdb_cursor_open(child, batch->store->records, &writing.cursor);
    if (code != 0) {
        mdb_txn_abort(child);
        return batch_fail(batch, code, e);
    }
    str_init(&writing.bytes);
    writing.builder = version_builder_new(import->pending->zone, &import->load->apex,
                                          writing.content);
    enum err err = write_groups(import, &writing, apex, e);
    mdb_cursor_close(writing.cursor);
    str_fini(&writing.bytes);
    if (err != ERR_OK) {
        version_builder_free(writing.builder);
        mdb_txn_abort(child);
        return err;
    }
    struct zone_version *version =
        version_builder_finish(writing.builder, ++batch->store->stamp);
    if (version == NULL) {
        mdb_txn_abort(child);
        return err_set(e, ERR_INVALID, "the zone %s has no SOA record",
                       import->pending->zone->text);
    }
    code = mdb_txn_commit(child);
    if (code != 0) {
        version_free_all(version);
        return batch_fail(batch, code, e);
    }
    batch->next_id++;
    batch->is_changed = true;
    pending_set_whole(import->pending, version, writing.content);
    return ERR_OK;
}

// ---- name by name ------------------------------------------------------------------------------

// Reads, merges and checks all names first; then writes them.
static enum err import_into(const struct import *import, struct owner *apex, struct errmsg *e)
{
    struct zone_load *load = import->load;
    size_t capacity = 0;
    size_t count = 0;
    struct owner *ready = NULL;
    size_t begin = 0;
    if (load->count != 0 && name_equal_lower(load->records[0]->name, apex->name)) {
        begin = load_group_end(load, 0);
    }
    enum err err = make_apex(import, 0, begin, apex, e);
    while (err == ERR_OK && begin < load->count) {
        size_t end = load_group_end(load, begin);
        mem_grow(&ready, &capacity, count + 1, sizeof *ready);
        err = batch_read(import->batch, import->pending, import->arena,
                         load->records[begin]->name, &ready[count], e);
        if (err == ERR_OK) {
            merge_group(import, &ready[count], begin, end);
            err = check_group(import, &ready[count], begin, end, e);
            count++;
        }
        begin = end;
    }
    if (err == ERR_OK) {
        err = batch_write(import->batch, import->pending, apex, e);
        for (size_t i = 0; i < count && err == ERR_OK; i++) {
            err = batch_write(import->batch, import->pending, &ready[i], e);
        }
        import->batch->is_broken |= err != ERR_OK;    // some are written
    }
    if (err == ERR_OK) {
        import->pending->serial = soa_serial(owner_find_type(apex, TYPE_SOA));
    }
    for (size_t i = 0; i < count; i++) {
        owner_fini(&ready[i]);
    }
    mem_free(ready);
    return err;
}

// ---- jobs --------------------------------------------------------------------------------------

// Are there names beside the apex?
static enum err has_names(struct batch *batch, const struct pending *pending, bool *out,
                          struct errmsg *e)
{
    struct store_scan scan;
    int code = pending->content == 0
                   ? MDB_NOTFOUND
                   : store_scan_first(&scan, batch->store, batch->txn, pending->content,
                                      &pending->zone->apex, NULL);
    if (code == 0) {
        code = store_scan_next(&scan);
        *out = code == 0;
        store_scan_end(&scan);
    } else {
        *out = false;
    }
    return code == 0 || code == MDB_NOTFOUND ? ERR_OK : batch_fail(batch, code, e);
}

static enum err run_import(struct import *import, struct errmsg *e)
{
    struct owner apex;
    bool keeps = false;
    load_sort(import->load);
    enum err err = batch_read(import->batch, import->pending, import->arena,
                              import->pending->zone->apex.wire, &apex, e);
    if (err == ERR_OK && !import->drops) {
        err = has_names(import->batch, import->pending, &keeps, e);
    }
    if (err == ERR_OK) {
        err = keeps ? import_into(import, &apex, e) : import_whole(import, &apex, e);
    }
    if (err == ERR_OK) {
        import->pending->state.last_modified = import->batch->now_s;
        err = batch_write_row(import->batch, import->pending, e);
    }
    owner_fini(&apex);
    return err;
}

enum err job_import(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err != ERR_OK) {
        return err;
    }
    if (!zone_type_is_edited(pending_type(pending)) || pending->content == 0) {
        return err_set(e, ERR_BAD_STATE,
                       "the zone %s takes no import: its records come from its primary",
                       pending->zone->text);
    }
    struct import import = {.batch = batch, .pending = pending, .load = zone_load_new(&job->apex),
                            .file = job->import.text_name, .is_checked = true,
                            .replaces = job->import.overwrite, .drops = job->import.overwrite_zone,
                            .takes_serial = job->import.overwrite_serial, .arena = &job->arena};
    err = load_text(import.load, job->import.text, job->import.text_len, job->import.text_name,
                    job->import.record_ttl, e);
    if (err == ERR_OK) {
        err = run_import(&import, e);
    }
    zone_load_free(import.load);
    job->result.changed = err == ERR_OK;
    return err;
}

enum err job_replace(struct batch *batch, struct job *job, struct errmsg *e)
{
    struct pending *pending;
    enum err err = batch_get(batch, job, &pending, e);
    if (err != ERR_OK) {
        return err;
    }
    if (zone_type_is_edited(pending_type(pending))) {
        return err_set(e, ERR_BAD_STATE, "the zone %s is no secondary any more",
                       pending->zone->text);
    }
    struct owner apex;
    struct import import = {.batch = batch, .pending = pending, .load = job->load, .replaces = true,
                            .drops = true, .takes_serial = true, .arena = &job->arena};
    owner_init(&apex, pending->zone->apex.wire);
    load_sort(job->load);
    err = import_whole(&import, &apex, e);
    if (err == ERR_OK) {
        pending->state.last_modified = batch->now_s;
        err = batch_write_row(batch, pending, e);
    }
    owner_fini(&apex);
    job->result.changed = err == ERR_OK;
    return err;
}

// The records that a new zone begins with: SOA and NS, for a catalog its version (RFC 9432 4.2.1).
static enum err load_defaults(struct zone_load *load, const struct job *job, struct arena *arena,
                              uint64_t now_s, struct errmsg *e)
{
    const struct zone_create *create = &job->create;
    struct zone_record soa;
    struct name server;
    bool date = job->options != NULL && job->options->soa_date_scheme;
    enum err err = soa_make(arena, &job->apex, create->server_name, create->responsible,
                            date ? soa_next_serial(0, true, now_s) : 1, &soa, e);
    if (err == ERR_OK) {
        bool is_catalog = job->type == ZONE_CATALOG;    // its NS leads nowhere on purpose
        err = name_from_text(is_catalog || create->server_name == NULL ? "invalid"
                                                                       : create->server_name,
                             &server, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct load_record record = {.name = job->apex.wire, .type = TYPE_SOA, .ttl = create->soa_ttl,
                                 .rdata = soa.rdata, .rdata_len = soa.rdata_len};
    load_push(load, &record);
    record = (struct load_record){.name = job->apex.wire, .type = TYPE_NS, .ttl = create->ns_ttl,
                                  .rdata = server.wire, .rdata_len = server.len};
    load_push(load, &record);
    struct name version;
    if (job->type == ZONE_CATALOG &&
        name_join((const uint8_t *)"\007version", 8, job->apex.wire, &version)) {
        record = (struct load_record){.name = version.wire, .type = TYPE_TXT,
                                      .rdata = (const uint8_t *)"\0012", .rdata_len = 2};
        load_push(load, &record);
    }
    return ERR_OK;
}

// Contents of a new zone of an edited kind: what every zone begins with, then the file's.
static enum err create_contents(struct batch *batch, struct job *job, struct pending *pending,
                                struct errmsg *e)
{
    struct import import = {.batch = batch, .pending = pending, .load = zone_load_new(&job->apex),
                            .file = job->create.text_name, .is_checked = true, .replaces = true,
                            .takes_serial = true, .arena = &job->arena};
    struct zone_load *file = NULL;
    enum err err = load_defaults(import.load, job, &job->arena, batch->now_s, e);
    if (err == ERR_OK && job->create.text != NULL) {
        file = zone_load_new(&job->apex);
        err = load_text(file, job->create.text, job->create.text_len, job->create.text_name,
                        job->create.record_ttl, e);
    }
    if (err == ERR_OK && file == NULL) {
        err = run_import(&import, e);
    } else if (err == ERR_OK) {
        struct owner apex;
        owner_init(&apex, pending->zone->apex.wire);
        merge_group(&import, &apex, 0, load_group_end(import.load, 0));
        struct zone_load *defaults = import.load;    // lends the apex its records
        import.load = file;
        file = defaults;
        import.drops = true;
        import.is_new = true;
        pending->serial = soa_serial(owner_find_type(&apex, TYPE_SOA));
        load_sort(import.load);
        err = import_whole(&import, &apex, e);
        owner_fini(&apex);
    }
    zone_load_free(file);
    zone_load_free(import.load);
    return err;
}

enum err job_create(struct batch *batch, struct job *job, struct errmsg *e)
{
    if (job->apex.len == 0) {
        return err_set(e, ERR_INVALID, "%s is not a domain name", job->zone);
    }
    if (job->apex.wire[0] == 1 && job->apex.wire[1] == '*') {
        return err_set(e, ERR_INVALID, "a zone cannot be named %s: it begins with a wildcard",
                       job->zone);
    }
    if (batch_find(batch, &job->apex) != NULL) {
        return err_set(e, ERR_EXISTS, "Zone already exists: %s", job->zone);
    }
    struct zone_options *options = job->options != NULL ? zone_options_copy(job->options)
                                                        : zone_options_new(job->type);
    struct zone_box *box;
    enum err err = zone_box_new(job->type, options, &box, e);
    if (err != ERR_OK) {
        zone_options_free(options);
        return err;
    }
    struct zone *zone = zone_new(batch->store, batch->next_id++, &job->apex, box);
    struct pending *pending = batch_add(batch, zone);
    pending->is_new = true;
    pending->state.last_modified = batch->now_s;
    if (zone_type_is_edited(job->type)) {
        err = create_contents(batch, job, pending, e);
    }
    if (err == ERR_OK) {
        err = batch_write_row(batch, pending, e);
    }
    if (err != ERR_OK) {
        if (pending->whole != NULL) {
            version_free_all(pending->whole);
        }
        batch->pendings = pending->next;
        zone_free(zone);
        return err;
    }
    job->result.changed = true;
    return ERR_OK;
}
