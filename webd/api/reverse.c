// The PTR record of an address record.

#include "webd/api/reverse.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "proto/common.pb-c.h"
#include "webd/api/net.h"
#include "webd/api/zone_view.h"

struct reverse_step {
    struct api_call *call;
    struct reverse_plan *plan;
    reverse_fn next;
    void *ctx;
};

static struct reverse_step *step_new(struct api_call *call, struct reverse_plan *plan,
                                     reverse_fn next, void *ctx)
{
    struct reverse_step *step = arena_alloc(call->arena, sizeof *step);
    *step = (struct reverse_step){.call = call, .plan = plan, .next = next, .ctx = ctx};
    return step;
}

static void plan_fill(struct reverse_plan *plan, const uint8_t *address, size_t len,
                      const uint8_t *target)
{
    inet_ntop(len == 16 ? AF_INET6 : AF_INET, address, plan->address, sizeof plan->address);
    if (!net_reverse_name(plan->address, plan->owner, sizeof plan->owner)) {
        plan->what = REVERSE_NONE;
        return;
    }
    plan->target.len = (uint8_t)name_len(target);
    memcpy(plan->target.wire, target, plan->target.len);
}

void reverse_plan_set(struct reverse_plan *plan, const uint8_t *address, size_t len,
                      const uint8_t *target, uint32_t ttl, bool may_create_zone)
{
    plan->what = REVERSE_SET;
    plan->ttl = ttl;
    plan->may_create_zone = may_create_zone;
    plan_fill(plan, address, len, target);
}

void reverse_plan_drop(struct reverse_plan *plan, const uint8_t *address, size_t len,
                       const uint8_t *target)
{
    plan->what = REVERSE_DROP;
    plan_fill(plan, address, len, target);
}

// ---- the reverse zone --------------------------------------------------------------------------

static bool take_zone(struct reverse_step *step, const Dnsd__ZoneInfo *zone)
{
    bool is_usable = zone != NULL && zone->type == DNSD__ZONE_TYPE__ZONE_PRIMARY &&
                     !zone->internal && strcmp(zone->name, ".") != 0 &&
                     call_has_zone(step->call, zone->name, PERMISSION_MODIFY);
    return is_usable && str_copy(step->plan->zone, sizeof step->plan->zone, zone->name);
}

static void on_made(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct reverse_step *step = ctx;
    if (!call_check(step->call, reply->error, "dnsd")) {
        return;
    }
    if (!take_zone(step, reply->zone)) {
        call_fail(step->call, ERR_DENIED, "No reverse zone available to add PTR record.");
        return;
    }
    step->next(step->ctx);
}

static void make_zone(struct reverse_step *step)
{
    char zone[NAME_MAX_TEXT];
    if (!call_may(step->call, SECTION_ZONES, PERMISSION_MODIFY) ||
        !net_reverse_zone(step->plan->address, zone, sizeof zone)) {
        call_fail(step->call, ERR_DENIED, "Access was denied: the reverse zone cannot be created.");
        return;
    }
    Dnsd__ZoneCreateRequest request;
    dnsd__zone_create_request__init(&request);
    request.zone = zone;
    request.type = DNSD__ZONE_TYPE__ZONE_PRIMARY;
    request.has_soa_date_scheme = true;
    request.soa_date_scheme = step->call->api->settings->use_soa_serial_date_scheme;
    dnsd__zones__create(zone_service(step->call), &request, on_made, step);
}

static void on_zone(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct reverse_step *step = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        call_check(step->call, reply->error, "dnsd");
    } else if (err == ERR_OK && take_zone(step, reply->zone)) {
        step->next(step->ctx);
    } else if (step->plan->may_create_zone) {
        make_zone(step);
    } else {
        call_fail(step->call, ERR_NOT_FOUND, "No reverse zone available to add PTR record.");
    }
}

void reverse_prepare(struct api_call *call, struct reverse_plan *plan, reverse_fn next, void *ctx)
{
    if (plan->what != REVERSE_SET) {
        next(ctx);
        return;
    }
    Dnsd__FindRequest request;
    dnsd__find_request__init(&request);
    request.name = plan->owner;
    dnsd__zones__find(zone_service(call), &request, on_zone, step_new(call, plan, next, ctx));
}

// ---- the record --------------------------------------------------------------------------------

static void on_ptr(const Dnsd__EditReply *reply, void *ctx)
{
    struct reverse_step *step = ctx;
    bool must_succeed = step->plan->what == REVERSE_SET;
    if (must_succeed && !call_check(step->call, reply->error, "dnsd")) {
        return;
    }
    step->next(step->ctx);
}

static void send_ptr(struct reverse_step *step)
{
    struct reverse_plan *plan = step->plan;
    struct name owner;
    Dnsd__Record record;
    dnsd__record__init(&record);
    Dnsd__Edit edit;
    dnsd__edit__init(&edit);
    Dnsd__Edit *edits[] = {&edit};
    Dnsd__EditRequest request;
    dnsd__edit_request__init(&request);
    if (name_from_text(plan->owner, &owner, NULL) != ERR_OK) {
        step->next(step->ctx);
        return;
    }
    record.name.data = owner.wire;
    record.name.len = owner.len;
    record.type = TYPE_PTR;
    record.ttl = plan->ttl;
    record.rdata.data = plan->target.wire;
    record.rdata.len = plan->target.len;
    if (plan->what == REVERSE_SET) {
        edit.op = DNSD__EDIT__OP__REPLACE_RRSET;
        edit.record = &record;
    } else {
        edit.op = DNSD__EDIT__OP__DELETE;
        edit.old = &record;
    }
    request.zone = plan->zone;
    request.edits = edits;
    request.n_edits = 1;
    request.actor = arena_strdup(step->call->arena, call_actor(step->call));
    dnsd__zones__edit(zone_service(step->call), &request, on_ptr, step);
}

static void on_zone_to_drop(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct reverse_step *step = ctx;
    struct errmsg e;
    if (rpc_error_get(reply->error, &e) == ERR_OK && take_zone(step, reply->zone)) {
        send_ptr(step);
    } else {
        step->next(step->ctx);
    }
}

void reverse_apply(struct api_call *call, struct reverse_plan *plan, reverse_fn next, void *ctx)
{
    struct reverse_step *step = step_new(call, plan, next, ctx);
    if (plan->what == REVERSE_SET) {
        send_ptr(step);
    } else if (plan->what == REVERSE_DROP) {
        Dnsd__FindRequest request;
        dnsd__find_request__init(&request);
        request.name = plan->owner;
        dnsd__zones__find(zone_service(call), &request, on_zone_to_drop, step);
    } else {
        next(ctx);
    }
}
