#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "proto/common.pb-c.h"
#include "dnsd/conf/reader.h"
#include "dnsd/ctl/internal.h"
#include "dnsd/xfr/policy.h"
#include "dnsd/xfr/xfr.h"

// Service dnsd.Zones but records and files. Control thread.

// ---- changes that answer with the zone ---------------------------------------------------------

struct ctl_pending *ctl_pending_new(struct ctl *ctl, const char *zone,
                                    Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    struct ctl_pending *pending = mem_zalloc(sizeof *pending);
    pending->ctl = ctl;
    pending->closure = closure;
    pending->closure_data = closure_data;
    if (!str_copy(pending->zone, sizeof pending->zone, zone)) {
        pending->zone[0] = '\0';
    }
    return pending;
}

void ctl_reply_zone_error(Dnsd__ZoneReply_Closure closure, void *closure_data, struct errmsg *e)
{
    Dnsd__ZoneReply reply;
    dnsd__zone_reply__init(&reply);
    Trellis__Error error;
    reply.error = rpc_error(&error, e);
    closure(&reply, closure_data);
}

static void reply_zone(struct ctl *ctl, const char *zone, Dnsd__ZoneReply_Closure closure,
                       void *closure_data)
{
    Dnsd__ZoneReply reply;
    dnsd__zone_reply__init(&reply);
    struct arena arena;
    arena_init(&arena);
    reader_enter();
    reply.zone = ctl_zone_info_of(ctl, zone, &arena);
    closure(&reply, closure_data);
    reader_leave();
    arena_fini(&arena);
}

void ctl_pending_done(void *ctx, const struct zone_result *result)
{
    struct ctl_pending *pending = ctx;
    if (result->err != ERR_OK) {
        struct errmsg e = result->message;
        e.code = result->err;
        ctl_reply_zone_error(pending->closure, pending->closure_data, &e);
    } else {
        reply_zone(pending->ctl, pending->zone, pending->closure, pending->closure_data);
    }
    mem_free(pending);
}

// ---- list, find --------------------------------------------------------------------------------

static bool is_listed(const struct zone *zone, const Dnsd__ZoneListRequest *input)
{
    if (input->contains[0] != '\0' && strstr(zone_text(zone), input->contains) == NULL) {
        return false;
    }
    for (size_t i = 0; i < input->n_types; i++) {
        enum zone_type type;
        if (ctl_zone_type(input->types[i], &type) && type == zone_type(zone)) {
            return true;
        }
    }
    return input->n_types == 0;
}

// First index behind the cursor, which is the name of the last zone of the page before.
static enum err list_start(const struct zone_table *table, const char *cursor, size_t *start,
                           struct errmsg *e)
{
    struct ctl_zone_name name;
    *start = 0;
    if (cursor[0] == '\0') {
        return ERR_OK;
    }
    enum err err = ctl_zone_name(cursor, &name, e);
    if (err != ERR_OK) {
        return err;
    }
    *start = zone_table_seek(table, name.wire.wire);
    if (*start < zone_table_count(table) &&
        name_equal_lower(zone_apex(zone_table_at(table, *start))->wire, name.wire.wire)) {
        (*start)++;
    }
    return ERR_OK;
}

static uint64_t count_listed(const struct zone_table *table, const Dnsd__ZoneListRequest *input)
{
    size_t count = zone_table_count(table);
    if (input->contains[0] == '\0' && input->n_types == 0) {
        return count;
    }
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += is_listed(zone_table_at(table, i), input);
    }
    return total;
}

static void fill_list(const struct zone_table *table, const Dnsd__ZoneListRequest *input,
                      size_t start, struct arena *arena, Dnsd__ZoneListReply *reply)
{
    size_t count = zone_table_count(table);
    size_t limit = input->limit != 0 && input->limit < count ? input->limit : count;
    size_t bytes = 0;
    reply->zones = arena_alloc(arena, (limit + 1) * sizeof *reply->zones);
    reply->total = count_listed(table, input);
    for (size_t i = start; i < count; i++) {
        const struct zone *zone = zone_table_at(table, i);
        if (!is_listed(zone, input)) {
            continue;
        }
        if (reply->n_zones == limit || bytes > RPC_PAGE_BYTES) {
            reply->next_cursor = reply->zones[reply->n_zones - 1]->name;
            return;
        }
        Dnsd__ZoneInfo *info = arena_alloc(arena, sizeof *info);
        ctl_zone_info(zone, arena, info);
        bytes += dnsd__zone_info__get_packed_size(info) + 8;
        reply->zones[reply->n_zones++] = info;
    }
}

static void on_list(Dnsd__Zones_Service *service, const Dnsd__ZoneListRequest *input,
                    Dnsd__ZoneListReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    Dnsd__ZoneListReply reply;
    dnsd__zone_list_reply__init(&reply);
    Trellis__Error error;
    struct errmsg e;
    struct arena arena;
    size_t start;
    arena_init(&arena);
    reader_enter();
    const struct zone_table *table = zone_table_get(ctl->shared->store);
    if (list_start(table, input->cursor, &start, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        fill_list(table, input, start, &arena, &reply);
    }
    closure(&reply, closure_data);
    reader_leave();
    arena_fini(&arena);
}

static void on_find(Dnsd__Zones_Service *service, const Dnsd__FindRequest *input,
                    Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct ctl_zone_name name;
    struct errmsg e;
    if (ctl_zone_name(input->name, &name, &e) != ERR_OK) {
        ctl_reply_zone_error(closure, closure_data, &e);
        return;
    }
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    unsigned labels = name_label_offsets(name.wire.wire, offsets) - 1;
    name_hashes(name.wire.wire, offsets, labels, hashes);
    reader_enter();
    const struct zone *zone = zone_table_closest(zone_table_get(ctl->shared->store), name.wire.wire,
                                                 offsets, labels, hashes);
    if (zone == NULL) {
        err_set(&e, ERR_NOT_FOUND, "No such zone was found: %s", name.text);
        ctl_reply_zone_error(closure, closure_data, &e);
    } else {
        reply_zone(ctl, zone_text(zone), closure, closure_data);
    }
    reader_leave();
}

// ---- create ------------------------------------------------------------------------------------

// The types whose zones are served by this release.
static bool is_supported(enum zone_type type)
{
    return type == ZONE_PRIMARY || type == ZONE_SECONDARY || type == ZONE_CATALOG ||
           type == ZONE_SECONDARY_CATALOG;
}

static enum err check_create(const Dnsd__ZoneCreateRequest *input, struct ctl_zone_name *name,
                             enum zone_type *type, struct errmsg *e)
{
    enum err err = ctl_zone_name(input->zone, name, e);
    if (err != ERR_OK) {
        return err;
    }
    if (name->wire.wire[0] == 1 && name->wire.wire[1] == '*') {
        return err_set(e, ERR_INVALID, "%s: a zone name cannot be a wildcard", name->text);
    }
    if (!ctl_zone_type(input->type, type)) {
        return err_set(e, ERR_INVALID, "%s: unknown zone type", name->text);
    }
    if (!is_supported(*type)) {
        return err_set(e, ERR_UNSUPPORTED, "%s: zones of type %s are not supported", name->text,
                       ctl_zone_type_name(*type));
    }
    if (input->import_file[0] != '\0' && *type != ZONE_PRIMARY) {
        return err_set(e, ERR_INVALID, "%s: only a Primary zone takes a zone file", name->text);
    }
    return ERR_OK;
}

static enum err create_options(struct ctl *ctl, const Dnsd__ZoneCreateRequest *input,
                               const struct ctl_zone_name *name, enum zone_type type,
                               struct zone_options *options, struct errmsg *e)
{
    options->soa_date_scheme =
        type == ZONE_PRIMARY &&
        (input->has_soa_date_scheme ? input->soa_date_scheme
                                    : snapshot_get(ctl->shared)->soa_date_scheme);
    if (input->options != NULL) {
        enum err err = ctl_options_apply(ctl, name->text, type, input->options, options, e);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (policy_is_secondary(type) && options->primaries.count == 0) {
        return err_set(e, ERR_INVALID, "%s: a %s zone needs the address of a primary name server",
                       name->text, ctl_zone_type_name(type));
    }
    return ERR_OK;
}

static void submit_create(struct ctl *ctl, const struct ctl_zone_name *name, enum zone_type type,
                          const struct zone_options *options, const uint8_t *text, size_t text_len,
                          Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    const struct snapshot *snapshot = snapshot_get(ctl->shared);
    struct zone_create create = {
        .zone = name->text,
        .type = type,
        .options = options,
        .server_name = snapshot->server_name,
        .responsible = snapshot->responsible[0] != '\0' ? snapshot->responsible : NULL,
        .soa_ttl = snapshot->soa_ttl,
        .ns_ttl = snapshot->ns_ttl,
        .record_ttl = snapshot->record_ttl,
        .text = (const char *)text,
        .text_len = text_len,
        .text_name = "zone file",
    };
    zone_submit_create(ctl->submitter, &create, ctl_pending_done,
                       ctl_pending_new(ctl, name->text, closure, closure_data));
}

static enum err refuse_without_config(const struct ctl *ctl, struct errmsg *e)
{
    return ctl->has_config
               ? ERR_OK
               : err_set(e, ERR_UNAVAILABLE, "the DNS service has no configuration yet");
}

static void on_create(Dnsd__Zones_Service *service, const Dnsd__ZoneCreateRequest *input,
                      Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct ctl_zone_name name;
    enum zone_type type;
    struct errmsg e;
    uint8_t *text = NULL;
    size_t text_len = 0;
    struct zone_options *options = NULL;
    reader_enter();
    enum err err = refuse_without_config(ctl, &e);
    err = err == ERR_OK ? check_create(input, &name, &type, &e) : err;
    if (err == ERR_OK) {
        options = zone_options_new(type);
        err = create_options(ctl, input, &name, type, options, &e);
    }
    if (err == ERR_OK && input->import_file[0] != '\0') {
        err = ctl_read_spool(ctl, input->import_file, &text, &text_len, &e);
    }
    if (err == ERR_OK) {
        submit_create(ctl, &name, type, options, text, text_len, closure, closure_data);
    } else {
        ctl_reply_zone_error(closure, closure_data, &e);
    }
    reader_leave();
    zone_options_free(options);
    mem_free(text);
}

// ---- delete ------------------------------------------------------------------------------------

struct pending_delete {
    struct ctl *ctl;
    Trellis__Reply_Closure closure;
    void *closure_data;
};

static void reply_plain(Trellis__Reply_Closure closure, void *closure_data, struct errmsg *e)
{
    Trellis__Reply reply;
    trellis__reply__init(&reply);
    Trellis__Error error;
    if (e != NULL) {
        reply.error = rpc_error(&error, e);
    }
    closure(&reply, closure_data);
}

static void on_deleted(void *ctx, const struct zone_result *result)
{
    struct pending_delete *pending = ctx;
    struct errmsg e = result->message;
    e.code = result->err;
    reply_plain(pending->closure, pending->closure_data, result->err == ERR_OK ? NULL : &e);
    mem_free(pending);
}

static void on_released(void *ctx, const struct zone_result *result)
{
    const char *zone = ctx;
    if (result->err != ERR_OK) {
        log_warn("zone is still marked as a catalog's member", F_NAME(zone),
                 F_ERR(&result->message));
    }
    mem_free(ctx);
}

// The zones that this catalog made stay, as ordinary ones: what follows a primary goes on following
// the one that the catalog named. Jobs are done in order, so they are free before it is gone.
static void release_members(struct ctl *ctl, const struct zone *catalog)
{
    const struct zone_table *table = zone_table_get(ctl->shared->store);
    for (size_t i = 0; i < zone_table_count(table); i++) {
        const struct zone *zone = zone_table_at(table, i);
        const struct zone_options *now = zone_options(zone);
        if (now->catalog == NULL || !str_equal_nocase(now->catalog, zone_text(catalog))) {
            continue;
        }
        const struct zone_options *from = policy_primaries(table, zone);
        struct zone_options *options = zone_options_copy(now);
        if (from != now) {
            struct zone_options *source = zone_options_copy(from);
            struct zone_strings primaries = options->primaries;
            char *key = options->primary_tsig_key;
            options->primaries = source->primaries;
            options->primary_tsig_key = source->primary_tsig_key;
            source->primaries = primaries;
            source->primary_tsig_key = key;
            zone_options_free(source);
        }
        options->from_catalog = false;
        mem_free(options->catalog);
        mem_free(options->member_id);
        options->catalog = NULL;
        options->member_id = NULL;
        zone_submit_options(ctl->submitter, zone_text(zone), options, on_released,
                            mem_strdup(zone_text(zone)));
        zone_options_free(options);
    }
}

static void on_delete(Dnsd__Zones_Service *service, const Dnsd__ZoneRequest *input,
                      Trellis__Reply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct zone *zone;
    struct errmsg e;
    reader_enter();
    if (ctl_zone_find(ctl, input->zone, &zone, &e) != ERR_OK) {
        reply_plain(closure, closure_data, &e);
    } else {
        if (zone_type(zone) == ZONE_CATALOG || zone_type(zone) == ZONE_SECONDARY_CATALOG) {
            release_members(ctl, zone);
        }
        struct pending_delete *pending = mem_zalloc(sizeof *pending);
        *pending =
            (struct pending_delete){.ctl = ctl, .closure = closure, .closure_data = closure_data};
        zone_submit_delete(ctl->submitter, zone_text(zone), on_deleted, pending);
    }
    reader_leave();
}

// ---- enable, options ---------------------------------------------------------------------------

static void on_enable(Dnsd__Zones_Service *service, const Dnsd__ZoneEnableRequest *input,
                      Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct zone *zone;
    struct errmsg e;
    reader_enter();
    if (ctl_zone_find(ctl, input->zone, &zone, &e) != ERR_OK) {
        ctl_reply_zone_error(closure, closure_data, &e);
    } else {
        struct zone_options *options = zone_options_copy(zone_options(zone));
        options->disabled = !input->enabled;
        zone_submit_options(ctl->submitter, zone_text(zone), options, ctl_pending_done,
                            ctl_pending_new(ctl, zone_text(zone), closure, closure_data));
        zone_options_free(options);
    }
    reader_leave();
}

static void reply_options(struct ctl *ctl, const char *text, struct errmsg *failed,
                          Dnsd__ZoneOptionsReply_Closure closure, void *closure_data)
{
    Dnsd__ZoneOptionsReply reply;
    dnsd__zone_options_reply__init(&reply);
    Dnsd__ZoneInfo info;
    Dnsd__ZoneOptions options;
    Trellis__Error error;
    struct errmsg e;
    struct zone *zone;
    struct arena arena;
    arena_init(&arena);
    reader_enter();
    if (failed != NULL) {
        reply.error = rpc_error(&error, failed);
    } else if (ctl_zone_find(ctl, text, &zone, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        ctl_zone_info(zone, &arena, &info);
        ctl_options_show(zone, &arena, &options);
        reply.zone = &info;
        reply.options = &options;
    }
    closure(&reply, closure_data);
    reader_leave();
    arena_fini(&arena);
}

static void on_get_options(Dnsd__Zones_Service *service, const Dnsd__ZoneRequest *input,
                           Dnsd__ZoneOptionsReply_Closure closure, void *closure_data)
{
    reply_options(ctl_of(service), input->zone, NULL, closure, closure_data);
}

struct pending_options {
    struct ctl *ctl;
    Dnsd__ZoneOptionsReply_Closure closure;
    void *closure_data;
    char zone[NAME_MAX_TEXT];
};

static void on_options_set(void *ctx, const struct zone_result *result)
{
    struct pending_options *pending = ctx;
    struct errmsg e = result->message;
    e.code = result->err;
    reply_options(pending->ctl, pending->zone, result->err == ERR_OK ? NULL : &e, pending->closure,
                  pending->closure_data);
    mem_free(pending);
}

static void on_set_options(Dnsd__Zones_Service *service, const Dnsd__ZoneOptionsRequest *input,
                           Dnsd__ZoneOptionsReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    static const Dnsd__ZoneOptions nothing = DNSD__ZONE_OPTIONS__INIT;
    struct zone_options *options = NULL;
    struct zone *zone;
    struct errmsg e;
    reader_enter();
    enum err err = refuse_without_config(ctl, &e);
    err = err == ERR_OK ? ctl_zone_find(ctl, input->zone, &zone, &e) : err;
    if (err == ERR_OK) {
        options = zone_options_copy(zone_options(zone));
        err = ctl_options_apply(ctl, zone_text(zone), zone_type(zone),
                                input->options != NULL ? input->options : &nothing, options, &e);
    }
    if (err != ERR_OK) {
        reply_options(ctl, input->zone, &e, closure, closure_data);
    } else {
        struct pending_options *pending = mem_zalloc(sizeof *pending);
        *pending =
            (struct pending_options){.ctl = ctl, .closure = closure, .closure_data = closure_data};
        memcpy(pending->zone, zone_text(zone), strlen(zone_text(zone)) + 1);
        zone_submit_options(ctl->submitter, zone_text(zone), options, on_options_set, pending);
    }
    reader_leave();
    zone_options_free(options);
}

// ---- resync, convert ---------------------------------------------------------------------------

static void on_resync(Dnsd__Zones_Service *service, const Dnsd__ZoneRequest *input,
                      Trellis__Reply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct zone *zone;
    struct errmsg e;
    reader_enter();
    enum err err = ctl_zone_find(ctl, input->zone, &zone, &e);
    if (err == ERR_OK && !policy_is_secondary(zone_type(zone))) {
        err = err_set(&e, ERR_BAD_STATE, "%s is a %s zone: only secondary kinds are transferred",
                      zone_text(zone), ctl_zone_type_name(zone_type(zone)));
    }
    if (err == ERR_OK) {
        xfr_resync(ctl->xfr, zone_text(zone));
    }
    reader_leave();
    reply_plain(closure, closure_data, err == ERR_OK ? NULL : &e);
}

// What may become what, of the types of this release.
static const struct {
    enum zone_type from;
    enum zone_type to;
} conversions[] = {
    {ZONE_SECONDARY, ZONE_PRIMARY},
};

static enum err check_convert(const struct zone *zone, Dnsd__ZoneType wire, enum zone_type *type,
                              struct errmsg *e)
{
    if (!ctl_zone_type(wire, type)) {
        return err_set(e, ERR_INVALID, "%s: unknown zone type", zone_text(zone));
    }
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++) {
        if (conversions[i].from == zone_type(zone) && conversions[i].to == *type) {
            return ERR_OK;
        }
    }
    return err_set(e, ERR_BAD_STATE, "%s: a %s zone cannot be converted to %s", zone_text(zone),
                   ctl_zone_type_name(zone_type(zone)), ctl_zone_type_name(*type));
}

// A zone that leads itself names no primaries and is no catalog's member any more; who may query it
// stays.
static struct zone_options *converted_options(const struct zone *zone, enum zone_type type)
{
    struct zone_options *options = zone_options_new(type);
    options->disabled = zone_options(zone)->disabled;
    options->query_access = zone_options(zone)->query_access;
    struct zone_options *copy = zone_options_copy(zone_options(zone));
    struct zone_strings acl = options->query_acl;
    options->query_acl = copy->query_acl;
    copy->query_acl = acl;
    zone_options_free(copy);
    return options;
}

static void on_convert(Dnsd__Zones_Service *service, const Dnsd__ZoneConvertRequest *input,
                       Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct zone *zone;
    enum zone_type type;
    struct errmsg e;
    reader_enter();
    enum err err = ctl_zone_find(ctl, input->zone, &zone, &e);
    err = err == ERR_OK ? check_convert(zone, input->type, &type, &e) : err;
    if (err != ERR_OK) {
        ctl_reply_zone_error(closure, closure_data, &e);
    } else {
        struct zone_options *options = converted_options(zone, type);
        zone_submit_convert(ctl->submitter, zone_text(zone), type, options, ctl_pending_done,
                            ctl_pending_new(ctl, zone_text(zone), closure, closure_data));
        zone_options_free(options);
    }
    reader_leave();
}

// ------------------------------------------------------------------------------------------------

void ctl_zones_service_init(struct ctl_zones_service *s, struct ctl *ctl)
{
    const Dnsd__Zones_Service service = {
        .base = {.descriptor = &dnsd__zones__descriptor,
                 .invoke = protobuf_c_service_invoke_internal},
        .list = on_list,
        .create = on_create,
        .delete = on_delete,
        .enable = on_enable,
        .get_options = on_get_options,
        .set_options = on_set_options,
        .resync = on_resync,
        .import = ctl_import,
        .export = ctl_export,
        .get_records = ctl_get_records,
        .edit = ctl_edit,
        .find = on_find,
        .convert = on_convert,
    };
    s->service = service;
    s->ctl = ctl;
}
