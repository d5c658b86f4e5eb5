#include <event2/event.h>
#include <stdio.h>
#include <urcu-qsbr.h>

#include "common/app/app.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "dnsd/conf/reader.h"
#include "dnsd/conf/snapshot.h"
#include "dnsd/ctl/blocks.h"
#include "dnsd/ctl/ctl.h"
#include "dnsd/net/net.h"
#include "dnsd/xfr/xfr.h"
#include "dnsd/zone/zone.h"

/*
 * dnsd: answers DNS. Threads: the main loop (control), workers, maintenance (transfers, NOTIFY,
 * catalogs), the compiler of blocked names, the writer of the zone store.
 *
 * Start: zones from disk, workers, config of the last run, sockets, "ready". It needs neither
 * clusterd nor webd for that. Only a node that never had a config waits for clusterd.
 */
struct dnsd {
    struct app *app;
    struct shared shared;
    struct blocks *blocks;
    struct net *net;
    struct xfr *xfr;
    struct ctl *ctl;
    bool is_ready;
};

static struct {
    uint32_t workers;
    uint32_t tcp_connections;
    uint32_t tcp_per_client;
    uint32_t transfers;
} options = {.workers = 0, .tcp_connections = 16384, .tcp_per_client = 1024, .transfers = 32};

static const struct app_option option_rows[] = {
    {.name = "workers",
     .kind = APP_OPTION_U32,
     .target = &options.workers,
     .help = "threads that answer queries; 0 = one for each core"               },
    {.name = "tcp_connections",
     .kind = APP_OPTION_U32,
     .target = &options.tcp_connections,
     .help = "TCP connections at the same time; the one longest idle makes room"},
    {.name = "tcp_per_client",
     .kind = APP_OPTION_U32,
     .target = &options.tcp_per_client,
     .help = "TCP connections of one client (IPv6: /64) at the same time"       },
    {.name = "transfers",
     .kind = APP_OPTION_U32,
     .target = &options.transfers,
     .help = "zones that are fetched from their primaries at the same time"     },
};

static void on_first_config(void *ctx)
{
    struct dnsd *dnsd = ctx;
    dnsd->is_ready = true;
    app_ready(dnsd->app);
}

// Gives everything back, in the order in which nobody is left that could use it.
static void stop_all(struct dnsd *dnsd)
{
    ctl_stop(dnsd->ctl);
    if (dnsd->xfr != NULL) {
        xfr_stop(dnsd->xfr);
    }
    net_close(dnsd->net);
    rcu_barrier();
    if (dnsd->shared.store != NULL) {
        zone_store_close(dnsd->shared.store);
    }
    if (dnsd->xfr != NULL) {
        xfr_close(dnsd->xfr);
    }
    ctl_free(dnsd->ctl);
    blocks_close(dnsd->blocks);
    snapshot_free(dnsd->shared.snapshot);
    reader_unregister();
    mem_free(dnsd);
}

static enum err start_workers(struct dnsd *dnsd, struct errmsg *e)
{
    struct net_options net = {.workers = options.workers,
                              .tcp_connections = options.tcp_connections,
                              .tcp_per_client = options.tcp_per_client,
                              .notify_fd = xfr_notify_fd(dnsd->xfr)};
    enum err err = net_open(dnsd->app->base, &dnsd->shared, &net, &dnsd->net, e);
    if (err != ERR_OK) {
        return err;
    }
    size_t count = net_workers(dnsd->net);
    struct inbox **inboxes = mem_calloc(count, sizeof(struct inbox *));
    for (size_t i = 0; i < count; i++) {
        inboxes[i] = net_inbox(dnsd->net, i);
    }
    err = xfr_start(dnsd->xfr, inboxes, count, e);
    mem_free(inboxes);
    return err;
}

static enum err start_all(struct dnsd *dnsd, struct errmsg *e)
{
    char folder[sizeof dnsd->app->paths.state_dir + sizeof "/zones"];
    snprintf(folder, sizeof folder, "%s/zones", dnsd->app->paths.state_dir);
    enum err err = zone_store_open(folder, &dnsd->shared.store, e);
    if (err == ERR_OK) {
        err = blocks_open(&dnsd->shared, &dnsd->blocks, e);
    }
    if (err == ERR_OK) {
        struct xfr_options xfr = {.shared = &dnsd->shared, .transfers = options.transfers};
        err = xfr_open(&xfr, &dnsd->xfr, e);
    }
    if (err == ERR_OK) {
        err = start_workers(dnsd, e);
    }
    if (err == ERR_OK) {
        struct ctl_options ctl = {.app = dnsd->app,
                                  .shared = &dnsd->shared,
                                  .blocks = dnsd->blocks,
                                  .net = dnsd->net,
                                  .xfr = dnsd->xfr};
        err = ctl_open(&ctl, on_first_config, dnsd, &dnsd->ctl, e);
    }
    return err;
}

static enum err start(struct app *app, struct errmsg *e)
{
    struct dnsd *dnsd = mem_zalloc(sizeof *dnsd);
    dnsd->app = app;
    app->self = dnsd;
    reader_register();
    enum err err = start_all(dnsd, e);
    if (err != ERR_OK) {
        stop_all(dnsd);
        return err;
    }
    if (!dnsd->is_ready) {
        log_info("no configuration yet: waiting for clusterd",
                 F_STR("run_dir", app->paths.run_dir));
    }
    return ERR_OK;
}

static void stop(struct app *app)
{
    stop_all(app->self);
}

int main(int argc, char **argv)
{
    const struct app_spec spec = {
        .name = "dnsd",
        .options = option_rows,
        .option_count = sizeof option_rows / sizeof option_rows[0],
        .start = start,
        .stop = stop,
        .binds_low_ports = true,
    };
    return app_main(&spec, argc, argv);
}
