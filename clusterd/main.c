/*
 * clusterd: the configuration store of this node and all traffic to other nodes.
 *
 * One thread, one loop. Order of start: store, identity, connections, services; an operation that a
 * crash interrupted is taken up last. Nothing here waits for another daemon.
 */
#include "clusterd/ctl/cluster.h"
#include "clusterd/ctl/config.h"
#include "clusterd/ctl/peer.h"
#include "clusterd/role/role.h"
#include "common/app/app.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

struct clusterd {
    struct context context;
    struct peer_client *client;
    struct peer_server *peer_server;
    struct local *local;
    struct sync *sync;
    struct role *role;
    struct ctl_config *ctl_config;
    struct ctl_cluster *ctl_cluster;
    struct ctl_peer *ctl_peer;
    struct rpc_server *server;
    struct store_version version; // last one told to the others
};

static const char *node_name(void *ctx)
{
    const struct clusterd *daemon = ctx;
    return daemon->context.self.name;
}

// A secondary's config is its primary's: nobody changes it here.
static void lock_store(const struct context *context)
{
    const struct node *primary = node_table_primary(&context->table);
    bool is_secondary = context->self.role == NODE_SECONDARY;
    store_lock_cluster(context->store, !is_secondary     ? NULL
                                       : primary != NULL ? primary->name
                                                         : "the primary");
}

static void read_cluster(struct clusterd *daemon)
{
    struct context *context = &daemon->context;
    enum node_role before = context->self.role;
    node_self_refresh(context->store, &context->self);
    bool changed = node_table_load(context->store, &context->table);
    lock_store(context);
    if (changed || before != context->self.role) {
        sync_refresh(daemon->sync);
        role_refresh(daemon->role);
    }
}

static void on_commit(void *ctx, const struct store_result *result)
{
    struct clusterd *daemon = ctx;
    rpc_server_hint(daemon->server, "config", result->revision);
    read_cluster(daemon);
    if (store_version_compare(result->version, daemon->version) != 0) {
        daemon->version = result->version;
        sync_notify(daemon->sync);
    }
}

static void on_applied(void *ctx)
{
    const struct clusterd *daemon = ctx;
    sync_applied(daemon->sync);
}

static enum err open_store(struct app *app, struct context *context, struct errmsg *e)
{
    char path[sizeof app->paths.state_dir + 16];
    snprintf(path, sizeof path, "%s/config.db", app->paths.state_dir);
    enum err err = store_open(path, &context->store, e);
    if (err == ERR_OK) {
        err = node_self_load(context->store, &context->self, e);
    }
    if (err == ERR_OK) {
        snprintf(path, sizeof path, "%s/node.key", app->paths.state_dir);
        err = tls_node_key_open(path, &context->key, e);
    }
    if (err == ERR_OK) {
        tls_node_key_public(context->key, context->public_key);
        (void)node_table_load(context->store, &context->table);
        lock_store(context);
    }
    return err;
}

static enum err open_connections(struct app *app, struct clusterd *daemon, struct errmsg *e)
{
    struct context *context = &daemon->context;
    const char *run_dir = app->paths.run_dir;
    enum err err = rpc_client_open(app->base, run_dir, RPC_DNSD, RPC_CLUSTERD, &context->dnsd, e);
    if (err == ERR_OK) {
        err = rpc_client_open(app->base, run_dir, RPC_WEBD, RPC_CLUSTERD, &context->webd, e);
    }
    if (err == ERR_OK) {
        err = peer_client_open(context, &daemon->client, e);
    }
    return err;
}

static enum err open_services(struct app *app, struct clusterd *daemon, struct errmsg *e)
{
    struct context *context = &daemon->context;
    daemon->peer_server = peer_server_new(context);
    daemon->local = local_new(context);
    daemon->sync = sync_new(context, daemon->client, daemon->peer_server, daemon->local);
    daemon->role =
        role_new(context, daemon->client, daemon->peer_server, daemon->sync, daemon->local);
    daemon->ctl_config =
        ctl_config_new(app->base, context->store, &context->consumers, node_name, daemon);
    ctl_config_on_applied(daemon->ctl_config, on_applied, daemon);
    daemon->ctl_cluster = ctl_cluster_new(context, daemon->role, daemon->sync, daemon->local);
    daemon->ctl_peer = ctl_peer_new(context, daemon->client, daemon->peer_server);
    ProtobufCService *services[] = {ctl_config_service(daemon->ctl_config),
                                    ctl_cluster_service(daemon->ctl_cluster),
                                    ctl_peer_service(daemon->ctl_peer)};
    return rpc_server_open(app->base, app->paths.run_dir, RPC_CLUSTERD, services,
                           sizeof services / sizeof services[0], &daemon->server, e);
}

static void close_connections(struct clusterd *daemon)
{
    if (daemon->client != NULL) {
        peer_client_close(daemon->client);
    }
    if (daemon->context.webd != NULL) {
        rpc_client_close(daemon->context.webd);
    }
    if (daemon->context.dnsd != NULL) {
        rpc_client_close(daemon->context.dnsd);
    }
}

// Also after a start that failed halfway.
static void stop(struct app *app)
{
    struct clusterd *daemon = app->self;
    if (daemon == NULL) {
        return;
    }
    role_stop(daemon->role);
    close_connections(daemon);
    if (daemon->server != NULL) {
        rpc_server_close(daemon->server);
    }
    ctl_peer_free(daemon->ctl_peer);
    ctl_cluster_free(daemon->ctl_cluster);
    ctl_config_free(daemon->ctl_config);
    role_free(daemon->role);
    sync_free(daemon->sync);
    local_free(daemon->local);
    peer_server_free(daemon->peer_server);
    node_table_fini(&daemon->context.table);
    tls_node_key_close(daemon->context.key);
    if (daemon->context.store != NULL) {
        store_close(daemon->context.store);
    }
    mem_free(daemon);
    app->self = NULL;
}

static enum err start(struct app *app, struct errmsg *e)
{
    struct clusterd *daemon = mem_zalloc(sizeof *daemon);
    app->self = daemon;
    daemon->context.base = app->base;
    daemon->context.spool_dir = app->paths.spool_dir;
    daemon->context.started_ms = clock_unix_ms();
    enum err err = open_store(app, &daemon->context, e);
    if (err == ERR_OK) {
        err = open_connections(app, daemon, e);
    }
    if (err == ERR_OK) {
        err = open_services(app, daemon, e);
    }
    if (err != ERR_OK) {
        stop(app);
        return err;
    }
    daemon->version = store_version(daemon->context.store);
    store_on_commit(daemon->context.store, on_commit, daemon);
    role_recover(daemon->role);
    app_ready(app);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    static const struct app_spec spec = {.name = "clusterd", .start = start, .stop = stop};
    return app_main(&spec, argc, argv);
}
