/*
 * Calls to dnsd as steps of an operation. Each ends in op_next, from the answer. Thread: loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/mem.h"

#include <string.h>

static ProtobufCService *zones(struct role *role)
{
    return rpc_client_service(role->context->dnsd, &dnsd__zones__descriptor);
}

static void on_look(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct role *role = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (role->stopping) {
        return;
    }
    if (err == ERR_OK || err == ERR_NOT_FOUND) {
        role->look_fn(role, err == ERR_OK ? reply->zone : NULL);
    } else {
        op_next(role, err, &e);
    }
}

void dns_look(struct role *role, const char *zone, dns_info_fn fn)
{
    char *name = mem_strdup(zone);
    Dnsd__ZoneRequest request;
    dnsd__zone_request__init(&request);
    request.zone = name;
    role->look_fn = fn;
    dnsd__zones__get_options(zones(role), &request, on_look, role);
    mem_free(name);
}

static void on_zone(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    op_next(ctx, err, &e);
}

void dns_create(struct role *role, const Dnsd__ZoneCreateRequest *request)
{
    dnsd__zones__create(zones(role), request, on_zone, role);
}

static void on_deleted(const Trellis__Reply *reply, void *ctx)
{
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    op_next(ctx, err == ERR_NOT_FOUND ? ERR_OK : err, &e);
}

static void send_delete(struct role *role, const char *zone,
                        void (*closure)(const Trellis__Reply *reply, void *ctx))
{
    char *name = mem_strdup(zone);
    char *actor = mem_strdup(op_text(role, "actor"));
    Dnsd__ZoneRequest request;
    dnsd__zone_request__init(&request);
    request.zone = name;
    request.actor = actor;
    dnsd__zones__delete(zones(role), &request, closure, role);
    mem_free(name);
    mem_free(actor);
}

void dns_delete(struct role *role, const char *zone)
{
    send_delete(role, zone, on_deleted);
}

static void on_options(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    op_next(ctx, err, &e);
}

void dns_set_catalog(struct role *role, const char *zone, const char *catalog)
{
    char *name = mem_strdup(zone);
    char *catalog_name = mem_strdup(catalog);
    Dnsd__ZoneOptions options;
    dnsd__zone_options__init(&options);
    options.catalog = catalog_name;
    Dnsd__ZoneOptionsRequest request;
    dnsd__zone_options_request__init(&request);
    request.zone = name;
    request.options = &options;
    dnsd__zones__set_options(zones(role), &request, on_options, role);
    mem_free(name);
    mem_free(catalog_name);
}

// ---- the zones that the catalog made here ------------------------------------------------------

static void list_page(struct role *role, const char *cursor);

static void on_list(const Dnsd__ZoneListReply *reply, void *ctx)
{
    struct role *role = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (err != ERR_OK || role->stopping) {
        op_next(role, err, &e);
        return;
    }
    json_t *members = json_object_get(role->op.args, "members");
    const char *catalog = op_text(role, "catalog");
    for (size_t i = 0; i < reply->n_zones; i++) {
        const Dnsd__ZoneInfo *zone = reply->zones[i];
        if (zone->secondary_catalog_member && str_equal_nocase(zone->catalog, catalog)) {
            json_array_append_new(members, json_string(zone->name));
        }
    }
    if (reply->next_cursor[0] == '\0') {
        op_done(role);
    } else {
        list_page(role, reply->next_cursor);
    }
}

static void list_page(struct role *role, const char *cursor)
{
    char *copy = mem_strdup(cursor);
    Dnsd__ZoneListRequest request;
    dnsd__zone_list_request__init(&request);
    request.cursor = copy;
    dnsd__zones__list(zones(role), &request, on_list, role);
    mem_free(copy);
}

void dns_list_members(struct role *role, const char *catalog)
{
    op_set(role, "catalog", json_string(catalog));
    op_set(role, "members", json_array());
    list_page(role, "");
}

static void next_delete(struct role *role);

// A zone that is gone already is as good as deleted; so is one of another kind as converted.
static void after_member(struct role *role, enum err err, struct errmsg *e,
                         void (*next)(struct role *role))
{
    if (role->stopping) {
        return;
    }
    if (err == ERR_UNAVAILABLE || err == ERR_TIMEOUT) {
        op_next(role, err, e);
        return;
    }
    json_array_remove(json_object_get(role->op.args, "members"), 0);
    next(role);
}

static const char *first_member(struct role *role)
{
    return json_string_value(json_array_get(json_object_get(role->op.args, "members"), 0));
}

static void on_member_deleted(const Trellis__Reply *reply, void *ctx)
{
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    after_member(ctx, err, &e, next_delete);
}

static void next_delete(struct role *role)
{
    const char *zone = first_member(role);
    if (zone == NULL) {
        op_done(role);
    } else {
        send_delete(role, zone, on_member_deleted);
    }
}

void dns_delete_members(struct role *role)
{
    next_delete(role);
}

static void next_convert(struct role *role);

static void on_member_converted(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    after_member(ctx, err, &e, next_convert);
}

static void next_convert(struct role *role)
{
    const char *zone = first_member(role);
    if (zone == NULL) {
        op_done(role);
        return;
    }
    char *name = mem_strdup(zone);
    Dnsd__ZoneConvertRequest request;
    dnsd__zone_convert_request__init(&request);
    request.zone = name;
    request.type = DNSD__ZONE_TYPE__ZONE_PRIMARY;
    dnsd__zones__convert(zones(role), &request, on_member_converted, role);
    mem_free(name);
}

void dns_convert_members(struct role *role)
{
    next_convert(role);
}
