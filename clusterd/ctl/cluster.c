/*
 * clusterd.Cluster: each handler takes a request apart for role/ or sync/ and answers with the
 * state of the cluster when that is done. Thread: clusterd's loop.
 */
#include "clusterd/ctl/cluster.h"

#include <string.h>

#include "common/app/app.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

struct ctl_cluster {
    Clusterd__Cluster_Service service; // first: handlers get a pointer to it
    struct context *context;
    struct role *role;
    struct sync *sync;
    struct local *local;
};

static struct ctl_cluster *self_of(Clusterd__Cluster_Service *service)
{
    return (struct ctl_cluster *)(void *)service;
}

// ---- the state ---------------------------------------------------------------------------------

static Trellis__Version *put_version(struct arena *arena, struct store_version version)
{
    Trellis__Version *out = arena_alloc(arena, sizeof *out);
    trellis__version__init(out);
    out->epoch = version.epoch;
    out->seq = version.seq;
    return out;
}

static void put_digest(struct arena *arena, ProtobufCBinaryData *out,
                       const uint8_t digest[SHA256_SIZE])
{
    out->data = arena_dup(arena, digest, SHA256_SIZE);
    out->len = SHA256_SIZE;
}

static void put_self(const struct ctl_cluster *cluster, struct arena *arena, Clusterd__Node *out)
{
    const struct context *context = cluster->context;
    const struct local_status *local = local_get(cluster->local);
    uint8_t digest[SHA256_SIZE];
    char refused[256];
    store_digest(context->store, digest);
    consumer_refusal(&context->consumers, refused, sizeof refused);
    out->state = CLUSTERD__NODE_STATE__SELF;
    out->up_since_ms = context->started_ms;
    out->config_synced_ms = sync_config_synced_ms(cluster->sync);
    out->version = put_version(arena, store_version(context->store));
    out->applied_dnsd = put_version(arena, context->consumers.row[RPC_DNSD].version);
    out->applied_webd = put_version(arena, context->consumers.row[RPC_WEBD].version);
    out->refused = arena_strdup(arena, refused);
    out->product_version = arena_strdup(arena, app_version);
    put_digest(arena, &out->digest, digest);
    out->catalog_serial = local->catalog_serial;
    out->cluster_zone_serial = local->cluster_zone_serial;
}

static void put_other(const struct ctl_cluster *cluster, struct arena *arena, Clusterd__Node *out)
{
    static const Clusterd__NodeState states[] = {
        [SYNC_UNKNOWN] = CLUSTERD__NODE_STATE__UNKNOWN,
        [SYNC_CONNECTED] = CLUSTERD__NODE_STATE__CONNECTED,
        [SYNC_UNREACHABLE] = CLUSTERD__NODE_STATE__UNREACHABLE,
    };
    const struct sync_node *known = sync_node(cluster->sync, out->id);
    if (known == NULL) {
        return;
    }
    out->state = states[known->state];
    out->up_since_ms = known->up_since_ms;
    out->last_seen_ms = known->last_seen_ms;
    out->config_synced_ms = known->config_synced_ms;
    out->version = put_version(arena, known->version);
    out->applied_dnsd = put_version(arena, known->applied_dnsd);
    out->applied_webd = put_version(arena, known->applied_webd);
    out->refused = arena_strdup(arena, known->refused);
    out->product_version = arena_strdup(arena, known->product_version);
    out->last_error = arena_strdup(arena, known->last_error);
    if (known->has_digest) {
        put_digest(arena, &out->digest, known->digest);
    }
    out->catalog_serial = known->catalog_serial;
    out->cluster_zone_serial = known->cluster_zone_serial;
}

static Clusterd__Node *put_node(const struct ctl_cluster *cluster, struct arena *arena,
                                const struct node *node)
{
    Clusterd__Node *out = arena_alloc(arena, sizeof *out);
    clusterd__node__init(out);
    out->id = node->id;
    out->name = arena_strdup(arena, node->name);
    out->url = arena_strdup(arena, node->url);
    out->n_addresses = node->address_count;
    out->addresses = arena_alloc(arena, (node->address_count + 1) * sizeof(char *));
    for (size_t i = 0; i < node->address_count; i++) {
        out->addresses[i] = arena_strdup(arena, node->addresses[i]);
    }
    out->dns_port = node->dns_port;
    out->type = node->is_primary ? CLUSTERD__NODE_TYPE__PRIMARY : CLUSTERD__NODE_TYPE__SECONDARY;
    if (node->id == cluster->context->self.id) {
        put_self(cluster, arena, out);
    } else {
        put_other(cluster, arena, out);
    }
    return out;
}

static void put_options(struct arena *arena, const struct cluster_options *options,
                        Clusterd__StateReply *reply)
{
    Clusterd__ClusterOptions *out = arena_alloc(arena, sizeof *out);
    clusterd__cluster_options__init(out);
    out->heartbeat_refresh_s = options->heartbeat_refresh_s;
    out->heartbeat_retry_s = options->heartbeat_retry_s;
    out->config_refresh_s = options->config_refresh_s;
    out->config_retry_s = options->config_retry_s;
    reply->options = out;
}

struct address_list {
    struct arena *arena;
    char *items[64];
    size_t count;
};

static void add_address(void *ctx, const char *address)
{
    struct address_list *list = ctx;
    if (list->count < sizeof list->items / sizeof list->items[0]) {
        list->items[list->count++] = arena_strdup(list->arena, address);
    }
}

static void fill_state(const struct ctl_cluster *cluster, struct arena *arena,
                       Clusterd__StateReply *reply)
{
    const struct context *context = cluster->context;
    const struct node_table *table = &context->table;
    uint8_t digest[SHA256_SIZE];
    store_digest(context->store, digest);
    reply->initialized = table->in_cluster;
    reply->domain = arena_strdup(arena, table->in_cluster ? table->domain : "");
    reply->catalog = arena_strdup(arena, table->in_cluster ? table->catalog : "");
    reply->server_name = arena_strdup(arena, context->self.name);
    reply->self_id = context->self.id;
    reply->nodes = arena_alloc(arena, (table->count + 1) * sizeof *reply->nodes);
    for (size_t i = 0; table->in_cluster && i < table->count; i++) {
        reply->nodes[reply->n_nodes++] = put_node(cluster, arena, &table->nodes[i]);
    }
    if (table->in_cluster) {
        put_options(arena, &table->options, reply);
    }
    reply->version = put_version(arena, store_version(context->store));
    put_digest(arena, &reply->digest, digest);
    reply->product_version = arena_strdup(arena, app_version);
    reply->up_since_ms = context->started_ms;
    reply->revision = store_revision(context->store);
    reply->version_time_ms = store_version_time_ms(context->store);
    reply->operation = arena_strdup(arena, context->operation);
}

static void answer_state(const struct ctl_cluster *cluster, enum err result, const struct errmsg *e,
                         Clusterd__StateReply_Closure closure, void *closure_data)
{
    Clusterd__StateReply reply;
    clusterd__state_reply__init(&reply);
    Trellis__Error error;
    struct errmsg failure = {0};
    struct arena arena;
    struct address_list addresses = {.arena = &arena};
    arena_init(&arena);
    if (result != ERR_OK) {
        (void)err_set(&failure, result, "%s", e != NULL ? e->text : err_text(result));
        reply.error = rpc_error(&error, &failure);
    } else {
        fill_state(cluster, &arena, &reply);
        local_addresses(add_address, &addresses);
        reply.server_addresses = addresses.items;
        reply.n_server_addresses = addresses.count;
    }
    closure(&reply, closure_data);
    arena_fini(&arena);
}

static void handle_state(Clusterd__Cluster_Service *service, const Clusterd__StateRequest *request,
                         Clusterd__StateReply_Closure closure, void *closure_data)
{
    (void)request;
    answer_state(self_of(service), ERR_OK, NULL, closure, closure_data);
}

// ---- operations that end later -----------------------------------------------------------------

struct pending {
    struct ctl_cluster *cluster;
    Clusterd__StateReply_Closure closure;
    void *closure_data;
};

static struct pending *pending_new(Clusterd__Cluster_Service *service,
                                   Clusterd__StateReply_Closure closure, void *closure_data)
{
    struct pending *pending = mem_zalloc(sizeof *pending);
    *pending = (struct pending){self_of(service), closure, closure_data};
    return pending;
}

static void on_done(void *ctx, enum err result, const struct errmsg *e)
{
    struct pending *pending = ctx;
    answer_state(pending->cluster, result, e, pending->closure, pending->closure_data);
    mem_free(pending);
}

static void handle_initialize(Clusterd__Cluster_Service *service,
                              const Clusterd__InitRequest *request,
                              Clusterd__StateReply_Closure closure, void *closure_data)
{
    struct role_init init = {.domain = request->domain,
                             .addresses = request->addresses,
                             .address_count = request->n_addresses,
                             .allow_foreign_addresses = request->allow_foreign_addresses,
                             .actor = request->actor};
    role_init(self_of(service)->role, &init, on_done, pending_new(service, closure, closure_data));
}

static void handle_leave(Clusterd__Cluster_Service *service, const Clusterd__LeaveRequest *request,
                         Clusterd__StateReply_Closure closure, void *closure_data)
{
    role_leave(self_of(service)->role, request->force, request->zones_as_primary, request->actor,
               on_done, pending_new(service, closure, closure_data));
}

static void handle_remove(Clusterd__Cluster_Service *service,
                          const Clusterd__RemoveRequest *request,
                          Clusterd__StateReply_Closure closure, void *closure_data)
{
    role_remove(self_of(service)->role, request->node_id, request->force, request->actor, on_done,
                pending_new(service, closure, closure_data));
}

static void handle_delete(Clusterd__Cluster_Service *service,
                          const Clusterd__DeleteRequest *request,
                          Clusterd__StateReply_Closure closure, void *closure_data)
{
    role_delete(self_of(service)->role, request->force, request->actor, on_done,
                pending_new(service, closure, closure_data));
}

static void handle_update_addresses(Clusterd__Cluster_Service *service,
                                    const Clusterd__UpdateAddressesRequest *request,
                                    Clusterd__StateReply_Closure closure, void *closure_data)
{
    role_update_addresses(self_of(service)->role, request->addresses, request->n_addresses,
                          request->allow_foreign_addresses, request->actor, on_done,
                          pending_new(service, closure, closure_data));
}

static void handle_update_primary(Clusterd__Cluster_Service *service,
                                  const Clusterd__UpdatePrimaryRequest *request,
                                  Clusterd__StateReply_Closure closure, void *closure_data)
{
    role_update_primary(self_of(service)->role, request->url, request->addresses,
                        request->n_addresses, request->actor, on_done,
                        pending_new(service, closure, closure_data));
}

static void handle_set_options(Clusterd__Cluster_Service *service,
                               const Clusterd__ClusterOptions *request,
                               Clusterd__StateReply_Closure closure, void *closure_data)
{
    struct ctl_cluster *cluster = self_of(service);
    struct cluster_options options = {.heartbeat_refresh_s = request->heartbeat_refresh_s,
                                      .heartbeat_retry_s = request->heartbeat_retry_s,
                                      .config_refresh_s = request->config_refresh_s,
                                      .config_retry_s = request->config_retry_s};
    struct errmsg e = {0};
    enum err err = role_set_options(cluster->role, &options, request->actor, &e);
    answer_state(cluster, err, &e, closure, closure_data);
}

struct pending_reply {
    Trellis__Reply_Closure closure;
    void *closure_data;
};

static void on_resynced(void *ctx, enum err result, const struct errmsg *e)
{
    struct pending_reply *pending = ctx;
    Trellis__Reply reply;
    trellis__reply__init(&reply);
    Trellis__Error error;
    struct errmsg failure = {0};
    if (result != ERR_OK) {
        (void)err_set(&failure, result, "%s", e != NULL ? e->text : err_text(result));
        reply.error = rpc_error(&error, &failure);
    }
    pending->closure(&reply, pending->closure_data);
    mem_free(pending);
}

static void handle_resync(Clusterd__Cluster_Service *service, const Trellis__Empty *request,
                          Trellis__Reply_Closure closure, void *closure_data)
{
    (void)request;
    struct pending_reply *pending = mem_zalloc(sizeof *pending);
    *pending = (struct pending_reply){closure, closure_data};
    sync_resync(self_of(service)->sync, on_resynced, pending);
}

// ---- join --------------------------------------------------------------------------------------

static void handle_join(Clusterd__Cluster_Service *service, const Clusterd__JoinRequest *request,
                        Clusterd__TaskReply_Closure closure, void *closure_data)
{
    struct role_join join = {.url = request->primary_url,
                             .primary_address = request->primary_address,
                             .user = request->user,
                             .password = request->password,
                             .totp = request->totp,
                             .token = request->token,
                             .ignore_certificate = request->ignore_certificate_errors,
                             .addresses = request->addresses,
                             .address_count = request->n_addresses,
                             .allow_foreign_addresses = request->allow_foreign_addresses,
                             .actor = request->actor};
    Clusterd__TaskReply reply;
    clusterd__task_reply__init(&reply);
    Trellis__Error error;
    struct errmsg e = {0};
    if (role_join(self_of(service)->role, &join, &reply.id, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    }
    closure(&reply, closure_data);
}

static void handle_task(Clusterd__Cluster_Service *service, const Clusterd__TaskRequest *request,
                        Clusterd__TaskReply_Closure closure, void *closure_data)
{
    struct role_task *task = mem_zalloc(sizeof *task);
    Clusterd__TaskReply reply;
    Clusterd__TaskStep steps[ROLE_STEPS_MAX];
    Clusterd__TaskStep *list[ROLE_STEPS_MAX];
    clusterd__task_reply__init(&reply);
    Trellis__Error error;
    struct errmsg e = {0};
    if (role_task(self_of(service)->role, request->id, task) != ERR_OK) {
        (void)err_set(&e, ERR_NOT_FOUND, "there is no task %llu", (unsigned long long)request->id);
        reply.error = rpc_error(&error, &e);
    } else {
        reply.id = request->id;
        reply.finished = task->finished;
        if (task->finished && task->result != ERR_OK) {
            reply.error = rpc_error(&error, &task->e);
        }
        reply.n_steps = task->count;
        reply.steps = list;
        for (size_t i = 0; i < task->count; i++) {
            clusterd__task_step__init(&steps[i]);
            steps[i].name = mem_strdup(task->steps[i].name);
            steps[i].done = task->steps[i].done;
            steps[i].ms = task->steps[i].ms;
            list[i] = &steps[i];
        }
    }
    closure(&reply, closure_data);
    for (size_t i = 0; i < reply.n_steps; i++) {
        mem_free(steps[i].name);
    }
    mem_free(task);
}

static void handle_create_join_token(Clusterd__Cluster_Service *service,
                                     const Clusterd__JoinTokenRequest *request,
                                     Clusterd__JoinTokenReply_Closure closure, void *closure_data)
{
    Clusterd__JoinTokenReply reply;
    clusterd__join_token_reply__init(&reply);
    Trellis__Error error;
    struct errmsg e = {0};
    char *token = NULL;
    if (role_token(self_of(service)->role, request->valid_s, request->actor, &token,
                   &reply.expires_ms, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        reply.token = token;
    }
    closure(&reply, closure_data);
    if (token != NULL) {
        mem_wipe(token, strlen(token));
        mem_free(token);
    }
}

// ------------------------------------------------------------------------------------------------

struct ctl_cluster *ctl_cluster_new(struct context *context, struct role *role, struct sync *sync,
                                    struct local *local)
{
    static const Clusterd__Cluster_Service service = CLUSTERD__CLUSTER__INIT(handle_);
    struct ctl_cluster *cluster = mem_zalloc(sizeof *cluster);
    cluster->service = service;
    cluster->context = context;
    cluster->role = role;
    cluster->sync = sync;
    cluster->local = local;
    return cluster;
}

void ctl_cluster_free(struct ctl_cluster *cluster)
{
    mem_free(cluster);
}

ProtobufCService *ctl_cluster_service(struct ctl_cluster *cluster)
{
    return &cluster->service.base;
}
