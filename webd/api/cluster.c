// Calls about the cluster; clusterd does the work.

#include <event2/event.h>
#include <string.h>

#include "common/app/app.h"
#include "common/base/mem.h"
#include "webd/api/handlers.h"
#include "webd/api/view.h"

#define TASK_LOOK_MS 200

static ProtobufCService *cluster_service(struct api_call *call)
{
    return rpc_client_service(call->api->clusterd, &clusterd__cluster__descriptor);
}

static char *actor_of(const struct api_call *call)
{
    return proto_text(call_actor(call));
}

// ---- state -------------------------------------------------------------------------------------

static void add_options(json_t *o, const Clusterd__ClusterOptions *options)
{
    json_object_set_new(o, "heartbeatRefreshIntervalSeconds",
                        json_integer(options->heartbeat_refresh_s));
    json_object_set_new(o, "heartbeatRetryIntervalSeconds",
                        json_integer(options->heartbeat_retry_s));
    json_object_set_new(o, "configRefreshIntervalSeconds", json_integer(options->config_refresh_s));
    json_object_set_new(o, "configRetryIntervalSeconds", json_integer(options->config_retry_s));
}

static void add_ours(json_t *o, const Clusterd__StateReply *state)
{
    char digest[65];
    json_object_set_new(o, "clusterCatalog", json_text(state->catalog));
    if (state->version != NULL) {
        json_object_set_new(o, "configVersion",
                            json_pack("{s:I,s:I}", "epoch", (json_int_t)state->version->epoch,
                                      "seq", (json_int_t)state->version->seq));
        json_object_set_new(o, "configVersionTime", json_time_ms(state->version_time_ms));
    }
    if (state->digest.len > 0 && state->digest.len <= 32) {
        str_hex(digest, state->digest.data, state->digest.len);
        json_object_set_new(o, "configDigest", json_string(digest));
    }
    json_object_set_new(o, "configRevision", json_integer((json_int_t)state->revision));
}

static json_t *view_state(struct api_call *call, const Clusterd__StateReply *state)
{
    json_t *o = json_object();
    const char *name =
        state->server_name[0] != 0 ? state->server_name : call->api->settings->dns_server_domain;
    json_object_set_new(o, "version", json_string(app_version));
    json_object_set_new(o, "dnsServerDomain", json_text(name));
    view_add_cluster(call, o, state);
    if (state->initialized && state->options != NULL) {
        add_options(o, state->options);
    }
    add_ours(o, state);
    return o;
}

static void on_state(const Clusterd__StateReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    bool wants_addresses = false;
    if (!call_check(call, reply->error, "clusterd") ||
        !call_bool(call, "includeServerIpAddresses", &wants_addresses)) {
        return;
    }
    json_t *o = view_state(call, reply);
    if (wants_addresses) {
        json_t *addresses = json_array();
        for (size_t i = 0; i < reply->n_server_addresses; i++) {
            json_array_append_new(addresses, json_text(reply->server_addresses[i]));
        }
        json_object_set_new(o, "serverIpAddresses", addresses);
    }
    call_ok(call, o);
}

// After a change: when this webd has the new config too.
struct shown_state {
    struct api_call *call;
    json_t *answer;
};

static void on_shown(void *ctx, enum err result)
{
    struct shown_state *shown = ctx;
    struct api_call *call = shown->call;
    json_t *answer = shown->answer;
    (void)result;
    mem_free(shown);
    call_ok(call, answer);
}

static void on_changed(const Clusterd__StateReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (!call_check(call, reply->error, "clusterd")) {
        return;
    }
    struct shown_state *shown = mem_alloc(sizeof *shown);
    *shown = (struct shown_state){.call = call, .answer = view_state(call, reply)};
    conf_watch_poke(call->api->watch);
    conf_watch_wait(call->api->watch, reply->revision, 2000, on_shown, shown);
}

void cluster_state(struct api_call *call)
{
    Clusterd__StateRequest request;
    clusterd__state_request__init(&request);
    clusterd__cluster__state(cluster_service(call), &request, on_state, call);
}

// ---- making and joining ------------------------------------------------------------------------

static bool need_list(struct api_call *call, const char *name, char ***items, size_t *count)
{
    bool is_given;
    call_list(call, name, items, count, &is_given);
    if (*count == 0) {
        call_fail(call, ERR_INVALID, "Parameter '%s' missing.", name);
        return false;
    }
    return true;
}

void cluster_init(struct api_call *call)
{
    const char *domain = NULL;
    bool allow_foreign = false;
    Clusterd__InitRequest request;
    clusterd__init_request__init(&request);
    if (!call_need(call, "clusterDomain", NULL, &domain) ||
        !need_list(call, "primaryNodeIpAddresses", &request.addresses, &request.n_addresses) ||
        !call_bool(call, "allowForeignAddresses", &allow_foreign)) {
        return;
    }
    request.domain = proto_text(domain);
    request.allow_foreign_addresses = allow_foreign;
    request.actor = actor_of(call);
    clusterd__cluster__initialize(cluster_service(call), &request, on_changed, call);
}

static json_t *view_task(const Clusterd__TaskReply *task)
{
    struct errmsg e = {0};
    json_t *steps = json_array();
    for (size_t i = 0; i < task->n_steps; i++) {
        json_array_append_new(steps,
                              json_pack("{s:s,s:b,s:i}", "name", task->steps[i]->name, "done",
                                        (int)task->steps[i]->done, "ms", (int)task->steps[i]->ms));
    }
    json_t *o = json_pack("{s:I,s:b,s:o}", "id", (json_int_t)task->id, "finished",
                          (int)task->finished, "steps", steps);
    if (rpc_error_get(task->error, &e) != ERR_OK) {
        json_object_set_new(o, "error", json_text(e.text));
    }
    return o;
}

// A join that the caller waits for: its task is looked at until it ends.
struct join_wait {
    struct api_call *call;
    uint64_t id;
    struct event *timer;
};

static void wait_free(void *state)
{
    struct join_wait *wait = state;
    event_free(wait->timer);
    mem_free(wait);
}

static void on_watched(const Clusterd__TaskReply *reply, void *ctx)
{
    struct join_wait *wait = ctx;
    struct api_call *call = wait->call;
    if (!call_check(call, reply->error, "clusterd")) {
        return;
    }
    if (reply->finished) {
        cluster_state(call);
        return;
    }
    static const struct timeval soon = {0, TASK_LOOK_MS * 1000};
    event_add(wait->timer, &soon);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    struct join_wait *wait = ctx;
    Clusterd__TaskRequest request;
    clusterd__task_request__init(&request);
    (void)fd;
    (void)what;
    request.id = wait->id;
    clusterd__cluster__task(cluster_service(wait->call), &request, on_watched, wait);
}

static void on_joining(const Clusterd__TaskReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    bool is_async = false;
    if (!call_check(call, reply->error, "clusterd") || !call_bool(call, "async", &is_async) ||
        (!is_async && !call_bool(call, "background", &is_async))) {
        return;
    }
    if (is_async) {
        call_ok(call, view_task(reply));
        return;
    }
    struct join_wait *wait = mem_alloc(sizeof *wait);
    *wait = (struct join_wait){.call = call, .id = reply->id};
    wait->timer = event_new(call->api->base, -1, 0, on_look, wait);
    call->state = wait;
    call->release = wait_free;
    static const struct timeval soon = {0, TASK_LOOK_MS * 1000};
    event_add(wait->timer, &soon);
}

static char *text_or_empty(const struct api_call *call, const char *name)
{
    const char *value = call_text(call, name);
    return proto_text(value == NULL ? "" : value);
}

void cluster_init_join(struct api_call *call)
{
    Clusterd__JoinRequest request;
    clusterd__join_request__init(&request);
    const char *unused = NULL;
    bool ignore = false;
    bool allow_foreign = false;
    request.token = text_or_empty(call, "joinToken");
    bool has_token = request.token[0] != 0;
    if (!need_list(call, "secondaryNodeIpAddresses", &request.addresses, &request.n_addresses) ||
        (!has_token && (!call_need(call, "primaryNodeUrl", NULL, &unused) ||
                        !call_need(call, "primaryNodeUsername", NULL, &unused) ||
                        !call_need(call, "primaryNodePassword", NULL, &unused))) ||
        !call_bool(call, "ignoreCertificateErrors", &ignore) ||
        !call_bool(call, "allowForeignAddresses", &allow_foreign)) {
        return;
    }
    request.primary_url = text_or_empty(call, "primaryNodeUrl");
    request.primary_address = text_or_empty(call, "primaryNodeIpAddress");
    request.user = text_or_empty(call, "primaryNodeUsername");
    request.password = text_or_empty(call, "primaryNodePassword");
    request.totp = text_or_empty(call, "primaryNodeTotp");
    request.ignore_certificate_errors = ignore;
    request.allow_foreign_addresses = allow_foreign;
    request.actor = actor_of(call);
    clusterd__cluster__join(cluster_service(call), &request, on_joining, call);
}

static void on_task(const Clusterd__TaskReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    bool is_unknown = err != ERR_OK && reply->id == 0;
    if (is_unknown) {
        call_check(call, reply->error, "clusterd");
        return;
    }
    call_ok(call, view_task(reply));
}

void cluster_task(struct api_call *call)
{
    const char *text = NULL;
    Clusterd__TaskRequest request;
    clusterd__task_request__init(&request);
    if (!call_need(call, "id", NULL, &text)) {
        return;
    }
    uint64_t whole = 0;
    if (str_to_u64(text, UINT64_MAX, &whole) != ERR_OK) {
        call_fail(call, ERR_INVALID, "Parameter 'id' must be a number.");
        return;
    }
    request.id = whole;
    clusterd__cluster__task(cluster_service(call), &request, on_task, call);
}

static void on_join_token(const Clusterd__JoinTokenReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (call_check(call, reply->error, "clusterd")) {
        call_ok(call, json_pack("{s:s,s:o}", "token", reply->token, "expires",
                                json_time_ms(reply->expires_ms)));
    }
}

void cluster_create_join_token(struct api_call *call)
{
    Clusterd__JoinTokenRequest request;
    clusterd__join_token_request__init(&request);
    uint32_t valid_s = 0;
    if (!call_u32(call, "validSeconds", 60, 7 * 86400, &valid_s)) {
        return;
    }
    request.valid_s = valid_s;
    request.actor = actor_of(call);
    clusterd__cluster__create_join_token(cluster_service(call), &request, on_join_token, call);
}

// ---- at the primary ----------------------------------------------------------------------------

void cluster_set_options(struct api_call *call)
{
    Clusterd__ClusterOptions request;
    clusterd__cluster_options__init(&request);
    if (!call_u32(call, "heartbeatRefreshIntervalSeconds", 10, 300, &request.heartbeat_refresh_s) ||
        !call_u32(call, "heartbeatRetryIntervalSeconds", 10, 300, &request.heartbeat_retry_s) ||
        !call_u32(call, "configRefreshIntervalSeconds", 30, 3600, &request.config_refresh_s) ||
        !call_u32(call, "configRetryIntervalSeconds", 30, 3600, &request.config_retry_s)) {
        return;
    }
    request.actor = actor_of(call);
    clusterd__cluster__set_options(cluster_service(call), &request, on_changed, call);
}

static void remove_node(struct api_call *call, bool is_forced)
{
    const char *text = NULL;
    Clusterd__RemoveRequest request;
    clusterd__remove_request__init(&request);
    if (!call_need(call, "secondaryNodeId", NULL, &text) ||
        !call_u32(call, "secondaryNodeId", 1, INT32_MAX, &request.node_id)) {
        return;
    }
    request.force = is_forced;
    request.actor = actor_of(call);
    clusterd__cluster__remove(cluster_service(call), &request, on_changed, call);
}

void cluster_remove_secondary(struct api_call *call)
{
    remove_node(call, false);
}

void cluster_delete_secondary(struct api_call *call)
{
    remove_node(call, true);
}

void cluster_delete(struct api_call *call)
{
    bool force = false;
    Clusterd__DeleteRequest request;
    clusterd__delete_request__init(&request);
    if (!call_bool(call, "forceDelete", &force)) {
        return;
    }
    request.force = force;
    request.actor = actor_of(call);
    clusterd__cluster__delete(cluster_service(call), &request, on_changed, call);
}

// ---- at a secondary ----------------------------------------------------------------------------

void cluster_leave(struct api_call *call)
{
    bool force = false;
    bool as_primary = false;
    Clusterd__LeaveRequest request;
    clusterd__leave_request__init(&request);
    if (!call_bool(call, "forceLeave", &force) || !call_bool(call, "zonesAsPrimary", &as_primary)) {
        return;
    }
    request.force = force;
    request.zones_as_primary = as_primary;
    request.actor = actor_of(call);
    clusterd__cluster__leave(cluster_service(call), &request, on_changed, call);
}

static void on_resync(const Trellis__Reply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (call_check(call, reply->error, "clusterd")) {
        call_ok(call, NULL);
    }
}

void cluster_resync(struct api_call *call)
{
    Trellis__Empty request;
    trellis__empty__init(&request);
    clusterd__cluster__resync(cluster_service(call), &request, on_resync, call);
}

void cluster_update_primary(struct api_call *call)
{
    const char *url = NULL;
    bool is_given;
    Clusterd__UpdatePrimaryRequest request;
    clusterd__update_primary_request__init(&request);
    if (!call_need(call, "primaryNodeUrl", NULL, &url)) {
        return;
    }
    call_list(call, "primaryNodeIpAddresses", &request.addresses, &request.n_addresses, &is_given);
    request.url = proto_text(url);
    request.actor = actor_of(call);
    clusterd__cluster__update_primary(cluster_service(call), &request, on_changed, call);
}

void cluster_update_addresses(struct api_call *call)
{
    bool allow_foreign = false;
    Clusterd__UpdateAddressesRequest request;
    clusterd__update_addresses_request__init(&request);
    if (!need_list(call, "ipAddresses", &request.addresses, &request.n_addresses) ||
        !call_bool(call, "allowForeignAddresses", &allow_foreign)) {
        return;
    }
    request.allow_foreign_addresses = allow_foreign;
    request.actor = actor_of(call);
    clusterd__cluster__update_addresses(cluster_service(call), &request, on_changed, call);
}
