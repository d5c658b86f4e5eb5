// Calls about records: add, get, update, delete. Each first learns the zone (given, or the closest
// to the name), then sends one atomic list of edits to dnsd; reverse records follow in a second
// step.

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/common.pb-c.h"
#include "webd/api/handlers.h"
#include "webd/api/idn.h"
#include "webd/api/net.h"
#include "webd/api/record_form.h"
#include "webd/api/reverse.h"
#include "webd/api/route.h"
#include "webd/api/view.h"
#include "webd/api/zone_view.h"

#define EDITS_MAX    40
#define COMMENTS_MAX 2048

struct record_op {
    struct api_call *call;
    const char *zone; // "" until known
    char owner[NAME_MAX_TEXT];
    struct name name;
    uint16_t type;
    const struct record_row *row;
    unsigned right; // zone-level
    void (*run)(struct record_op *op);
    // what is sent
    Dnsd__Record records[EDITS_MAX];
    size_t record_count;
    Dnsd__Edit edits[EDITS_MAX];
    Dnsd__Edit *edit_list[EDITS_MAX];
    size_t edit_count;
    const Dnsd__Record *shown; // the record that the answer shows
    json_t *answer_zone;
    struct reverse_plan reverse;
    struct str list; // records/get: the array so far
};

static void op_free(void *state)
{
    struct record_op *op = state;
    str_fini(&op->list);
    json_decref(op->answer_zone);
    mem_free(op);
}

static const char *param_of(void *ctx, const char *name)
{
    return call_param(ctx, name);
}

// ---- the zone ----------------------------------------------------------------------------------

static void run_in_zone(struct record_op *op)
{
    if (call_may_zone(op->call, op->zone, op->right)) {
        op->run(op);
    }
}

static void on_found(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct record_op *op = ctx;
    if (zone_check(op->call, reply->error, op->owner)) {
        op->zone = arena_strdup(op->call->arena, reply->zone->name);
        run_in_zone(op);
    }
}

// Reads owner, zone and type; then `run` with the zone known.
static void start(struct api_call *call, unsigned right, bool needs_type,
                  void (*run)(struct record_op *op))
{
    const char *domain = NULL;
    const char *type = NULL;
    char zone[NAME_MAX_TEXT];
    struct errmsg e = {0};
    const char *given_zone = call_text(call, "zone");
    if (!call_need(call, "domain", NULL, &domain) ||
        (needs_type && !call_need(call, "type", NULL, &type))) {
        return;
    }
    struct record_op *op = mem_zalloc(sizeof *op);
    *op = (struct record_op){.call = call, .right = right, .run = run};
    str_init(&op->list);
    call->state = op;
    call->release = op_free;
    enum err err = idn_to_ascii(domain, op->owner, sizeof op->owner, &e);
    if (err == ERR_OK) {
        err = name_from_text(op->owner, &op->name, &e);
    }
    if (err == ERR_OK && given_zone != NULL) {
        err = idn_to_ascii(given_zone, zone, sizeof zone, &e);
    }
    if (err == ERR_OK && needs_type && rr_type_from_text(type, &op->type) != ERR_OK) {
        err = err_set(&e, ERR_INVALID, "Parameter 'type' has an unknown value: %s", type);
    }
    if (err != ERR_OK) {
        call_fail_error(call, &e);
        return;
    }
    op->row = record_row_find(op->type);
    if (given_zone != NULL) {
        op->zone = arena_strdup(call->arena, zone);
        run_in_zone(op);
        return;
    }
    Dnsd__FindRequest request;
    dnsd__find_request__init(&request);
    request.name = op->owner;
    dnsd__zones__find(zone_service(call), &request, on_found, op);
}

// ---- showing records ---------------------------------------------------------------------------

static json_t *view_record(const Dnsd__Record *record)
{
    char text[NAME_MAX_TEXT];
    char ttl[32];
    json_t *o = json_object();
    name_to_text(record->name.data, text);
    view_name(o, "name", text);
    if (rr_type_find((uint16_t)record->type) == NULL) {
        snprintf(text, sizeof text, "%u", record->type);
    } else {
        rr_type_to_text((uint16_t)record->type, text);
    }
    value_ttl_text(record->ttl, ttl);
    json_object_set_new(o, "type", json_string(text));
    json_object_set_new(o, "ttl", json_integer(record->ttl));
    json_object_set_new(o, "ttlString", json_string(ttl));
    json_object_set_new(o, "disabled", json_boolean(record->disabled));
    if (record->comments != NULL && record->comments[0] != 0) {
        json_object_set_new(o, "comments", json_text(record->comments));
    }
    json_object_set_new(o, "rData",
                        record_view((uint16_t)record->type, record->rdata.data, record->rdata.len));
    json_object_set_new(o, "dnssecStatus", json_string("Unknown"));
    json_object_set_new(o, "lastUsedOn", json_time_ms(record->last_used * 1000));
    json_object_set_new(o, "lastModified", json_time_ms(record->last_modified * 1000));
    value_ttl_text(record->expiry_ttl, ttl);
    json_object_set_new(o, "expiryTtl", json_integer(record->expiry_ttl));
    json_object_set_new(o, "expiryTtlString", json_string(ttl));
    return o;
}

// ---- get ---------------------------------------------------------------------------------------

static void ask_records(struct record_op *op, const ProtobufCBinaryData *cursor);

static void on_records(const Dnsd__RecordsReply *reply, void *ctx)
{
    struct record_op *op = ctx;
    struct api_call *call = op->call;
    if (!zone_check(call, reply->error, op->zone)) {
        return;
    }
    if (op->answer_zone == NULL && reply->zone != NULL) {
        op->answer_zone = zone_view(reply->zone);
    }
    for (size_t i = 0; i < reply->n_records; i++) {
        json_t *o = view_record(reply->records[i]);
        if (op->list.len > 0) {
            str_add_char(&op->list, ',');
        }
        json_append(&op->list, o);
        json_decref(o);
    }
    if (reply->next_cursor.len > 0) {
        ask_records(op, &reply->next_cursor);
        return;
    }
    struct str text;
    str_init(&text);
    str_add(&text, "{\"zone\":");
    json_append(&text, op->answer_zone);
    str_add(&text, ",\"records\":[");
    str_add_bytes(&text, op->list.len == 0 ? "" : op->list.text, op->list.len);
    str_add(&text, "]}");
    call_ok_text(call, &text);
}

static void ask_records(struct record_op *op, const ProtobufCBinaryData *cursor)
{
    bool list_zone = false;
    if (!call_bool(op->call, "listZone", &list_zone)) {
        return;
    }
    Dnsd__RecordsRequest request;
    dnsd__records_request__init(&request);
    request.zone = proto_text(op->zone);
    if (list_zone) {
        request.subtree = true;
    } else {
        request.name.data = op->name.wire;
        request.name.len = op->name.len;
    }
    if (cursor != NULL) {
        request.cursor = *cursor;
    }
    dnsd__zones__get_records(zone_service(op->call), &request, on_records, op);
}

static void run_get(struct record_op *op)
{
    ask_records(op, NULL);
}

void record_get(struct api_call *call)
{
    start(call, PERMISSION_VIEW, false, run_get);
}

// ---- edits -------------------------------------------------------------------------------------

static Dnsd__Record *new_record(struct record_op *op, const struct name *name, uint16_t type)
{
    Dnsd__Record *record = &op->records[op->record_count++];
    dnsd__record__init(record);
    record->name.data = arena_dup(op->call->arena, name->wire, name->len);
    record->name.len = name->len;
    record->type = type;
    return record;
}

static Dnsd__Edit *new_edit(struct record_op *op, Dnsd__Edit__Op what)
{
    Dnsd__Edit *edit = &op->edits[op->edit_count];
    dnsd__edit__init(edit);
    edit->op = what;
    op->edit_list[op->edit_count++] = edit;
    return edit;
}

static bool build(struct record_op *op, enum record_which which, Dnsd__Record *record)
{
    uint8_t *bytes = mem_alloc(RDATA_MAX);
    size_t len = 0;
    struct errmsg e = {0};
    enum err err =
        record_build(op->row, op->type, which, param_of, op->call, bytes, RDATA_MAX, &len, &e);
    if (err == ERR_OK) {
        record->rdata.data = arena_dup(op->call->arena, bytes, len);
        record->rdata.len = len;
    } else {
        call_fail_error(op->call, &e);
    }
    mem_free(bytes);
    return err == ERR_OK;
}

// What can be done with a type, and the options of SVCB that are not there yet.
static bool is_editable(struct record_op *op)
{
    bool ipv4_hint = false;
    bool ipv6_hint = false;
    char type[16];
    const struct rr_type *known = rr_type_find(op->type);
    rr_type_to_text(op->type, type);
    bool is_meta = known != NULL && (known->flags & RR_META) != 0;
    bool is_unready = op->type == TYPE_FWD || op->type == TYPE_APP;
    if ((op->row->flags & RECORD_MANAGED) != 0 || is_meta || is_unready) {
        call_fail(op->call, ERR_UNSUPPORTED, "Records of type %s cannot be changed.", type);
        return false;
    }
    if (!call_bool(op->call, "autoIpv4Hint", &ipv4_hint) ||
        !call_bool(op->call, "autoIpv6Hint", &ipv6_hint)) {
        return false;
    }
    if (ipv4_hint || ipv6_hint) {
        call_fail(op->call, ERR_UNSUPPORTED,
                  "Automatic address hints are not supported: put them into svcParams.");
        return false;
    }
    return true;
}

static bool take_options(struct record_op *op, Dnsd__Record *record)
{
    const struct settings *s = op->call->api->settings;
    const char *comments = call_text(op->call, "comments");
    uint32_t ttl = op->type == TYPE_NS    ? s->default_ns_record_ttl
                   : op->type == TYPE_SOA ? s->default_soa_record_ttl
                                          : s->default_record_ttl;
    uint32_t expiry = 0;
    if (!call_ttl(op->call, "ttl", &ttl) || !call_ttl(op->call, "expiryTtl", &expiry)) {
        return false;
    }
    if (comments != NULL && strlen(comments) > COMMENTS_MAX) {
        call_fail(op->call, ERR_INVALID, "Parameter 'comments' is longer than %d bytes.",
                  COMMENTS_MAX);
        return false;
    }
    record->ttl = ttl;
    record->expiry_ttl = expiry;
    record->comments = proto_text(comments == NULL ? "" : comments);
    return true;
}

// Address records for the name server of an NS record that lies in this zone.
static bool add_glue(struct record_op *op, const Dnsd__Record *ns)
{
    static const struct record_field forms[] = {{.form = RECORD_IPV4}, {.form = RECORD_IPV6}};
    char **items;
    size_t count;
    bool is_given;
    struct name target = {.len = (uint8_t)ns->rdata.len};
    struct name zone;
    call_list(op->call, "glue", &items, &count, &is_given);
    if (count == 0) {
        return true;
    }
    memcpy(target.wire, ns->rdata.data, ns->rdata.len);
    name_fold(target.wire);
    if (name_from_text(op->zone, &zone, NULL) != ERR_OK ||
        !name_is_below_or_equal(target.wire, zone.wire)) {
        call_fail(op->call, ERR_INVALID, "Glue is only for name servers inside the zone.");
        return false;
    }
    if (count > EDITS_MAX / 2) {
        call_fail(op->call, ERR_TOO_LARGE, "At most %d glue addresses can be given.",
                  EDITS_MAX / 2);
        return false;
    }
    bool is_first[2] = {true, true};
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[16];
        struct errmsg e = {0};
        size_t family = strchr(items[i], ':') != NULL ? 1 : 0;
        struct cursor out = cursor_over(bytes, sizeof bytes);
        if (record_form_write(&forms[family], items[i], false, &out, &e) != ERR_OK) {
            call_fail(op->call, ERR_INVALID, "Parameter 'glue': %s", e.text);
            return false;
        }
        Dnsd__Edit *edit =
            new_edit(op, is_first[family] ? DNSD__EDIT__OP__REPLACE_RRSET : DNSD__EDIT__OP__ADD);
        edit->record = new_record(op, &target, family == 1 ? TYPE_AAAA : TYPE_A);
        edit->record->ttl = ns->ttl;
        edit->record->rdata.len = cursor_offset(&out);
        edit->record->rdata.data = arena_dup(op->call->arena, bytes, edit->record->rdata.len);
        is_first[family] = false;
    }
    return true;
}

static void answer_edit(void *ctx)
{
    struct record_op *op = ctx;
    bool is_update = strcmp(op->call->route->path, "zones/records/update") == 0;
    if (op->shown == NULL) {
        call_ok(op->call, NULL);
        return;
    }
    json_t *o = json_object();
    json_object_set(o, "zone", op->answer_zone);
    json_object_set_new(o, is_update ? "updatedRecord" : "addedRecord", view_record(op->shown));
    call_ok(op->call, o);
}

static void on_edited(const Dnsd__EditReply *reply, void *ctx)
{
    struct record_op *op = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (err == ERR_EXISTS) {
        call_fail(op->call, err, "Cannot add record: record already exists.");
        return;
    }
    if (!zone_check(op->call, reply->error, op->zone)) {
        return;
    }
    if (reply->zone != NULL) {
        op->answer_zone = zone_view(reply->zone);
    }
    reverse_apply(op->call, &op->reverse, answer_edit, op);
}

static void send_edits(void *ctx)
{
    struct record_op *op = ctx;
    Dnsd__EditRequest request;
    dnsd__edit_request__init(&request);
    request.zone = proto_text(op->zone);
    request.edits = op->edit_list;
    request.n_edits = op->edit_count;
    request.actor = proto_text(call_actor(op->call));
    dnsd__zones__edit(zone_service(op->call), &request, on_edited, op);
}

// The reverse record that goes along with an address record, asked for by `ptr`.
static bool plan_reverse(struct record_op *op, const Dnsd__Record *record)
{
    bool wants_ptr = false;
    bool wants_zone = false;
    bool is_address = op->type == TYPE_A || op->type == TYPE_AAAA;
    if (!is_address) {
        return true;
    }
    if (!call_bool(op->call, "ptr", &wants_ptr) ||
        !call_bool(op->call, "createPtrZone", &wants_zone)) {
        return false;
    }
    if (wants_ptr) {
        reverse_plan_set(&op->reverse, record->rdata.data, record->rdata.len, record->name.data,
                         record->ttl, wants_zone);
    }
    return true;
}

// ---- add ---------------------------------------------------------------------------------------

static void run_add(struct record_op *op)
{
    bool overwrite = false;
    if (!is_editable(op) || !call_bool(op->call, "overwrite", &overwrite)) {
        return;
    }
    if (op->type == TYPE_SOA) {
        call_fail(op->call, ERR_UNSUPPORTED, "The SOA record can only be updated.");
        return;
    }
    Dnsd__Record *record = new_record(op, &op->name, op->type);
    if (!take_options(op, record) || !build(op, RECORD_OF_ADD, record)) {
        return;
    }
    new_edit(op, overwrite ? DNSD__EDIT__OP__REPLACE_RRSET : DNSD__EDIT__OP__ADD)->record = record;
    op->shown = record;
    if ((op->type == TYPE_NS && !add_glue(op, record)) || !plan_reverse(op, record)) {
        return;
    }
    reverse_prepare(op->call, &op->reverse, send_edits, op);
}

// "request-ip-address" stands for the caller's own address.
static void put_request_address(struct api_call *call)
{
    static const char *const names[] = {"ipAddress", "value", "newIpAddress"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *given = call_text(call, names[i]);
        if (given != NULL && strcmp(given, "request-ip-address") == 0) {
            struct web_params *params = &call->request->params;
            for (size_t p = 0; p < params->count; p++) {
                if (params->items[p].value == given) {
                    params->items[p].value = arena_strdup(call->arena, call->client_text);
                }
            }
        }
    }
}

void record_add(struct api_call *call)
{
    put_request_address(call);
    start(call, PERMISSION_MODIFY, true, run_add);
}

// ---- update ------------------------------------------------------------------------------------

static void on_scheme(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct record_op *op = ctx;
    if (zone_check(op->call, reply->error, op->zone)) {
        send_edits(op);
    }
}

// The SOA's serial scheme is an option of the zone.
static void update_soa(struct record_op *op)
{
    bool date_scheme = false;
    if (!call_bool(op->call, "useSerialDateScheme", &date_scheme)) {
        return;
    }
    if (call_text(op->call, "useSerialDateScheme") == NULL) {
        send_edits(op);
        return;
    }
    Dnsd__ZoneOptions options;
    dnsd__zone_options__init(&options);
    Dnsd__ZoneOptionsRequest request;
    dnsd__zone_options_request__init(&request);
    options.has_soa_date_scheme = true;
    options.soa_date_scheme = date_scheme;
    request.zone = proto_text(op->zone);
    request.options = &options;
    request.actor = proto_text(call_actor(op->call));
    dnsd__zones__set_options(zone_service(op->call), &request, on_scheme, op);
}

static bool new_owner(struct record_op *op, struct name *name)
{
    const char *given = call_text(op->call, "newDomain");
    char text[NAME_MAX_TEXT];
    struct errmsg e = {0};
    *name = op->name;
    if (given == NULL) {
        return true;
    }
    enum err err = idn_to_ascii(given, text, sizeof text, &e);
    if (err == ERR_OK) {
        err = name_from_text(text, name, &e);
    }
    if (err != ERR_OK) {
        call_fail_error(op->call, &e);
    }
    return err == ERR_OK;
}

// Puts what is there in the place of what there was.
static void edit_for_update(struct record_op *op, Dnsd__Record *old, Dnsd__Record *fresh)
{
    bool is_moved =
        old->name.len != fresh->name.len || !name_equal(old->name.data, fresh->name.data);
    bool is_whole = (op->row->flags & RECORD_ONLY_ONE) != 0;
    Dnsd__Edit *edit;
    if (is_moved) {
        edit = new_edit(op, is_whole ? DNSD__EDIT__OP__DELETE_RRSET : DNSD__EDIT__OP__DELETE);
        edit->old = old;
        edit = new_edit(op, is_whole ? DNSD__EDIT__OP__REPLACE_RRSET : DNSD__EDIT__OP__ADD);
        edit->record = fresh;
        return;
    }
    edit = new_edit(op, is_whole ? DNSD__EDIT__OP__REPLACE_RRSET : DNSD__EDIT__OP__UPDATE);
    edit->old = is_whole ? NULL : old;
    edit->record = fresh;
}

static void run_update(struct record_op *op)
{
    struct name name;
    bool is_disabled = false;
    if (!is_editable(op) || !new_owner(op, &name) ||
        !call_bool(op->call, "disable", &is_disabled)) {
        return;
    }
    Dnsd__Record *old = new_record(op, &op->name, op->type);
    Dnsd__Record *fresh = new_record(op, &name, op->type);
    fresh->disabled = is_disabled;
    if (!take_options(op, fresh) || !build(op, RECORD_OLD, old) || !build(op, RECORD_NEW, fresh)) {
        return;
    }
    op->shown = fresh;
    edit_for_update(op, old, fresh);
    if (op->type == TYPE_SOA) {
        update_soa(op);
        return;
    }
    if ((op->type == TYPE_NS && !add_glue(op, fresh)) || !plan_reverse(op, fresh)) {
        return;
    }
    reverse_prepare(op->call, &op->reverse, send_edits, op);
}

void record_update(struct api_call *call)
{
    put_request_address(call);
    start(call, PERMISSION_MODIFY, true, run_update);
}

// ---- delete ------------------------------------------------------------------------------------

static void run_delete(struct record_op *op)
{
    if (!is_editable(op)) {
        return;
    }
    if (op->type == TYPE_SOA) {
        call_fail(op->call, ERR_UNSUPPORTED, "The SOA record cannot be deleted.");
        return;
    }
    bool is_whole = (op->row->flags & RECORD_ONLY_ONE) != 0;
    Dnsd__Record *old = new_record(op, &op->name, op->type);
    if (!is_whole && !build(op, RECORD_OLD, old)) {
        return;
    }
    new_edit(op, is_whole ? DNSD__EDIT__OP__DELETE_RRSET : DNSD__EDIT__OP__DELETE)->old = old;
    if (op->type == TYPE_A || op->type == TYPE_AAAA) {
        reverse_plan_drop(&op->reverse, old->rdata.data, old->rdata.len, old->name.data);
    }
    send_edits(op);
}

void record_delete(struct api_call *call)
{
    put_request_address(call);
    start(call, PERMISSION_DELETE, true, run_delete);
}
