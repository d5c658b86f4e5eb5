#include <string.h>

#include "common/base/mem.h"
#include "dnsd/conf/reader.h"
#include "dnsd/ctl/internal.h"

// Records of a zone: pages of them, and changes. Control thread.

/*
 * A cursor names where the next page goes on: how many records of its first owner were shown
 * already (u32, network order), then that owner in wire form.
 */
#define CURSOR_COUNT_SIZE 4u

#define EDITS_MAX 10000u

// ---- reading -----------------------------------------------------------------------------------

struct page {
    const Dnsd__RecordsRequest *input;
    struct name start; // folded owner to begin with
    uint32_t skip;     // of its records
    bool is_limited;   // to `scope`
    struct name scope; // folded; only it, or it and what is below
    struct arena *arena;
    Dnsd__RecordsReply *reply;
    size_t capacity;
    size_t bytes;
    struct name last;       // owner of the last record looked at
    uint32_t count_of_last; // its records looked at so far
};

static bool read_name(const ProtobufCBinaryData *bytes, struct name *out)
{
    size_t len = name_check(bytes->data, bytes->len);
    if (len == 0 || len != bytes->len) {
        return false;
    }
    memcpy(out->wire, bytes->data, len);
    out->len = (uint8_t)len;
    name_fold(out->wire);
    return true;
}

static enum err page_start(struct page *page, const struct zone *zone, struct errmsg *e)
{
    const Dnsd__RecordsRequest *input = page->input;
    page->start = *zone_apex(zone);
    if (input->name.len != 0) {
        if (!read_name(&input->name, &page->scope) ||
            !name_is_below_or_equal(page->scope.wire, zone_apex(zone)->wire)) {
            return err_set(e, ERR_INVALID, "the name is not in the zone %s", zone_text(zone));
        }
        page->is_limited = true;
        page->start = page->scope;
    }
    if (input->cursor.len == 0) {
        return ERR_OK;
    }
    ProtobufCBinaryData name = {.data = input->cursor.data + CURSOR_COUNT_SIZE,
                                .len = input->cursor.len - CURSOR_COUNT_SIZE};
    if (input->cursor.len <= CURSOR_COUNT_SIZE || !read_name(&name, &page->start)) {
        return err_set(e, ERR_INVALID, "bad cursor");
    }
    struct cursor c = cursor_over(input->cursor.data, CURSOR_COUNT_SIZE);
    page->skip = cursor_u32(&c);
    return ERR_OK;
}

static void set_next_cursor(struct page *page, const struct zone_record *next)
{
    size_t len = name_len(next->name);
    uint8_t *bytes = arena_alloc(page->arena, CURSOR_COUNT_SIZE + len);
    struct cursor c = cursor_over(bytes, CURSOR_COUNT_SIZE + len);
    cursor_put_u32(&c, page->count_of_last - 1);
    cursor_put(&c, next->name, len);
    page->reply->next_cursor.data = bytes;
    page->reply->next_cursor.len = CURSOR_COUNT_SIZE + len;
}

static Dnsd__Record *copy_record(struct arena *arena, const struct zone_record *r)
{
    static const char none[] = "";
    Dnsd__Record *out = arena_alloc(arena, sizeof *out);
    dnsd__record__init(out);
    out->name.len = name_len(r->name);
    out->name.data = arena_dup(arena, r->name, out->name.len);
    out->type = r->type;
    out->ttl = r->ttl;
    out->rdata.len = r->rdata_len;
    out->rdata.data = arena_dup(arena, r->rdata, r->rdata_len);
    out->disabled = r->disabled;
    out->comments = arena_strdup(arena, r->comments != NULL ? r->comments : none);
    out->expiry_ttl = r->expiry_ttl;
    out->last_modified = r->last_modified;
    out->last_used = r->last_used;
    return out;
}

static void page_add(struct page *page, const struct zone_record *r)
{
    Dnsd__RecordsReply *reply = page->reply;
    if (reply->n_records == page->capacity) {
        // The arena keeps the old array until the page is sent: at most as much again.
        size_t capacity = page->capacity == 0 ? 64 : page->capacity * 2;
        Dnsd__Record **grown = arena_alloc(page->arena, capacity * sizeof(Dnsd__Record *));
        if (reply->n_records != 0) {
            memcpy(grown, reply->records, reply->n_records * sizeof(Dnsd__Record *));
        }
        reply->records = grown;
        page->capacity = capacity;
    }
    Dnsd__Record *record = copy_record(page->arena, r);
    page->bytes += dnsd__record__get_packed_size(record) + 6;
    reply->records[reply->n_records++] = record;
}

// Counts the records of one owner, for the cursor.
static void page_count(struct page *page, const struct zone_record *r)
{
    if (page->count_of_last != 0 && name_equal_lower(page->last.wire, r->name)) {
        page->count_of_last++;
        return;
    }
    size_t len = name_len(r->name);
    memcpy(page->last.wire, r->name, len);
    page->last.len = (uint8_t)len;
    page->count_of_last = 1;
}

// False = behind what was asked for.
static bool in_scope(const struct page *page, const struct zone_record *r)
{
    if (!page->is_limited) {
        return true;
    }
    return page->input->subtree ? name_is_below_or_equal(r->name, page->scope.wire)
                                : name_equal_lower(r->name, page->scope.wire);
}

static void fill_page(struct page *page, struct zone_iter *iter)
{
    struct zone_record r;
    while (zone_iter_next(iter, &r)) {
        if (!in_scope(page, &r)) {
            return;
        }
        page_count(page, &r);
        if (page->count_of_last <= page->skip && name_equal_lower(r.name, page->start.wire)) {
            continue;
        }
        bool is_full = page->bytes + r.rdata_len > RPC_PAGE_BYTES ||
                       (page->input->limit != 0 && page->reply->n_records == page->input->limit);
        if (is_full && page->reply->n_records != 0) {
            set_next_cursor(page, &r);
            return;
        }
        page_add(page, &r);
    }
}

static enum err get_records(const struct ctl *ctl, struct page *page, struct errmsg *e)
{
    struct zone *zone;
    enum err err = ctl_zone_find(ctl, page->input->zone, &zone, e);
    err = err == ERR_OK ? page_start(page, zone, e) : err;
    if (err != ERR_OK) {
        return err;
    }
    page->reply->zone = ctl_zone_info_of(ctl, zone_text(zone), page->arena);
    const struct zone_version *version = zone_pin(zone);
    if (version == NULL) {
        return ERR_OK; // a secondary before its first transfer
    }
    struct zone_iter iter;
    zone_iter_init(&iter, ctl->shared->store, zone, version, page->start.wire, true);
    fill_page(page, &iter);
    zone_iter_fini(&iter);
    zone_unpin(version);
    return ERR_OK;
}

void ctl_get_records(Dnsd__Zones_Service *service, const Dnsd__RecordsRequest *input,
                     Dnsd__RecordsReply_Closure closure, void *closure_data)
{
    Dnsd__RecordsReply reply;
    Trellis__Error error;
    struct errmsg e;
    struct arena arena;
    arena_init(&arena);
    dnsd__records_reply__init(&reply);
    struct page page = {.input = input, .arena = &arena, .reply = &reply};
    reader_enter();
    if (get_records(ctl_of(service), &page, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    }
    closure(&reply, closure_data);
    reader_leave();
    arena_fini(&arena);
}

// ---- changing ----------------------------------------------------------------------------------

struct pending_edit {
    struct ctl *ctl;
    Dnsd__EditReply_Closure closure;
    void *closure_data;
    char zone[NAME_MAX_TEXT];
};

static void reply_edit(struct ctl *ctl, const char *zone, uint32_t serial, size_t failed_edit,
                       struct errmsg *failed, Dnsd__EditReply_Closure closure, void *closure_data)
{
    Dnsd__EditReply reply;
    Trellis__Error error;
    struct arena arena;
    arena_init(&arena);
    dnsd__edit_reply__init(&reply);
    reader_enter();
    reply.serial = serial;
    reply.failed_edit = (uint32_t)failed_edit;
    reply.zone = ctl_zone_info_of(ctl, zone, &arena);
    if (failed != NULL) {
        reply.error = rpc_error(&error, failed);
    }
    closure(&reply, closure_data);
    reader_leave();
    arena_fini(&arena);
}

static void on_edited(void *ctx, const struct zone_result *result)
{
    struct pending_edit *pending = ctx;
    struct errmsg e = result->message;
    e.code = result->err;
    reply_edit(pending->ctl, pending->zone, result->serial, result->failed_edit,
               result->err == ERR_OK ? NULL : &e, pending->closure, pending->closure_data);
    mem_free(pending);
}

// A record of the request; its parts stay in the request. ERR_INVALID when a part makes no sense:
// the owner must be a name, numbers must fit.
static enum err take_record(const Dnsd__Record *in, struct arena *arena, struct zone_record *out,
                            struct errmsg *e)
{
    struct name owner;
    if (in == NULL) {
        return ERR_OK;
    }
    if (!read_name(&in->name, &owner)) {
        return err_set(e, ERR_INVALID, "the owner is not a name in wire form");
    }
    if (in->type == 0 || in->type > UINT16_MAX || in->rdata.len > UINT16_MAX) {
        return err_set(e, ERR_INVALID, "type or RDATA is out of range");
    }
    *out = (struct zone_record){
        .name = arena_dup(arena, owner.wire, owner.len),
        .type = (uint16_t)in->type,
        .ttl = in->ttl,
        .rdata = in->rdata.len != 0 ? in->rdata.data : (const uint8_t *)"",
        .rdata_len = (uint16_t)in->rdata.len,
        .disabled = in->disabled,
        .comments = in->comments[0] != '\0' ? in->comments : NULL,
        .expiry_ttl = in->expiry_ttl,
    };
    return ERR_OK;
}

static const struct {
    enum zone_edit_op op;
    bool needs_old;
    bool needs_record;
} edit_ops[] = {
    [DNSD__EDIT__OP__ADD] = {ZONE_EDIT_ADD,           false, true },
    [DNSD__EDIT__OP__REPLACE_RRSET] = {ZONE_EDIT_REPLACE_RRSET, false, true },
    [DNSD__EDIT__OP__UPDATE] = {ZONE_EDIT_UPDATE,        true,  true },
    [DNSD__EDIT__OP__DELETE] = {ZONE_EDIT_DELETE,        true,  false},
    [DNSD__EDIT__OP__DELETE_RRSET] = {ZONE_EDIT_DELETE_RRSET,  true,  false},
};

static enum err take_edit(const Dnsd__Edit *in, struct arena *arena, struct zone_edit *out,
                          struct errmsg *e)
{
    size_t op = (size_t)in->op;
    if (in->op <= 0 || op >= sizeof edit_ops / sizeof edit_ops[0]) {
        return err_set(e, ERR_INVALID, "unknown kind of edit");
    }
    if ((edit_ops[op].needs_old && in->old == NULL) ||
        (edit_ops[op].needs_record && in->record == NULL)) {
        return err_set(e, ERR_INVALID, "a record is missing in the edit");
    }
    out->op = edit_ops[op].op;
    enum err err = take_record(in->old, arena, &out->old, e);
    return err == ERR_OK ? take_record(in->record, arena, &out->record, e) : err;
}

static enum err submit_edits(struct ctl *ctl, const Dnsd__EditRequest *input, struct arena *arena,
                             size_t *failed, Dnsd__EditReply_Closure closure, void *closure_data,
                             struct errmsg *e)
{
    struct zone *zone;
    enum err err = ctl_zone_find(ctl, input->zone, &zone, e);
    if (err == ERR_OK && (input->n_edits == 0 || input->n_edits > EDITS_MAX)) {
        err = err_set(e, ERR_INVALID, "1 to %u edits at once", EDITS_MAX);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct zone_edit *edits = arena_alloc(arena, input->n_edits * sizeof *edits);
    memset(edits, 0, input->n_edits * sizeof *edits);
    for (size_t i = 0; i < input->n_edits; i++) {
        err = take_edit(input->edits[i], arena, &edits[i], e);
        if (err != ERR_OK) {
            *failed = i;
            return err;
        }
    }
    struct pending_edit *pending = mem_zalloc(sizeof *pending);
    *pending = (struct pending_edit){.ctl = ctl, .closure = closure, .closure_data = closure_data};
    memcpy(pending->zone, zone_text(zone), strlen(zone_text(zone)) + 1);
    zone_submit_edits(ctl->submitter, zone_text(zone), edits, input->n_edits,
                      input->has_base_serial ? &input->base_serial : NULL, on_edited, pending);
    return ERR_OK;
}

void ctl_edit(Dnsd__Zones_Service *service, const Dnsd__EditRequest *input,
              Dnsd__EditReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct errmsg e;
    struct arena arena;
    size_t failed = 0;
    arena_init(&arena);
    reader_enter();
    enum err err = submit_edits(ctl, input, &arena, &failed, closure, closure_data, &e);
    reader_leave();
    if (err != ERR_OK) {
        reply_edit(ctl, input->zone, 0, failed, &e, closure, closure_data);
    }
    arena_fini(&arena);
}
