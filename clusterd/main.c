/*
 * clusterd: the configuration store of this node and all traffic to other nodes.
 *
 * One thread, one loop. Order of start: store, identity, services. Nothing here waits for another
 * daemon.
 */
#include "clusterd/ctl/config.h"
#include "clusterd/node/self.h"
#include "common/app/app.h"
#include "common/base/mem.h"

#include <stdio.h>

struct clusterd {
    struct store *store;
    struct node_self self;
    struct consumer_table consumers;
    struct ctl_config *ctl_config;
    struct rpc_server *server;
};

static const char *node_name(void *ctx)
{
    const struct clusterd *daemon = ctx;
    return daemon->self.name;
}

static void on_commit(void *ctx, const struct store_result *result)
{
    struct clusterd *daemon = ctx;
    node_self_refresh(daemon->store, &daemon->self);
    rpc_server_hint(daemon->server, "config", result->revision);
}

static enum err start(struct app *app, struct errmsg *e)
{
    struct clusterd *daemon = mem_zalloc(sizeof *daemon);
    app->self = daemon;
    char path[sizeof app->paths.state_dir + 16];
    snprintf(path, sizeof path, "%s/config.db", app->paths.state_dir);
    enum err err = store_open(path, &daemon->store, e);
    if (err == ERR_OK) {
        err = node_self_load(daemon->store, &daemon->self, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    daemon->ctl_config =
        ctl_config_new(app->base, daemon->store, &daemon->consumers, node_name, daemon);
    ProtobufCService *services[] = {ctl_config_service(daemon->ctl_config)};
    err = rpc_server_open(app->base, app->paths.run_dir, RPC_CLUSTERD, services,
                          sizeof services / sizeof services[0], &daemon->server, e);
    if (err != ERR_OK) {
        return err;
    }
    store_on_commit(daemon->store, on_commit, daemon);
    app_ready(app);
    return ERR_OK;
}

static void stop(struct app *app)
{
    struct clusterd *daemon = app->self;
    if (daemon == NULL) {
        return;
    }
    if (daemon->server != NULL) {
        rpc_server_close(daemon->server);
    }
    ctl_config_free(daemon->ctl_config);
    store_close(daemon->store);
    mem_free(daemon);
}

int main(int argc, char **argv)
{
    static const struct app_spec spec = {.name = "clusterd", .start = start, .stop = stop};
    return app_main(&spec, argc, argv);
}
