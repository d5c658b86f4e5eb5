#include "dnsd/ctl/ctl.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/conf/watch.h"
#include "dnsd/conf/reader.h"
#include "dnsd/ctl/blocks.h"
#include "dnsd/ctl/config.h"
#include "dnsd/ctl/internal.h"
#include "dnsd/net/net.h"
#include "dnsd/xfr/xfr.h"

/*
 * Opens what the control thread has: the RPC server, the config watch, the zone submitter. Config
 * comes from the snapshot file of the last run at once, so dnsd serves with clusterd down; later
 * states come through the watch.
 */

#define HINT_TOPIC "zones"

// ---- config ------------------------------------------------------------------------------------

// Everything is checked and built in the plan; from there on nothing fails.
static enum err on_config(void *ctx, const struct conf_apply *change, struct errmsg *e)
{
    struct ctl *ctl = ctx;
    struct config_plan plan = {0};
    enum err err = config_plan_make(change, &plan, e);
    if (err != ERR_OK) {
        return err;
    }
    if (plan.blocks != NULL) {
        blocks_submit(ctl->blocks, plan.blocks);
    }
    if (plan.snapshot != NULL) {
        snapshot_publish(ctl->shared, plan.snapshot);
    }
    bool is_first = !ctl->has_config;
    if (is_first) {
        blocks_wait(ctl->blocks); // nobody is answered before names are blocked
        ctl->has_config = true;
    }
    if (plan.snapshot != NULL) {
        net_apply(ctl->net, plan.snapshot);
        xfr_config_changed(ctl->xfr);
    }
    if (is_first) {
        ctl->on_first_config(ctl->first_config_ctx);
    }
    return ERR_OK;
}

// ---- hints -------------------------------------------------------------------------------------

// Writer thread of the zone store.
static void on_zone_change(void *ctx, const char *zone, uint32_t serial)
{
    struct ctl *ctl = ctx;
    (void)zone;
    (void)serial;
    uint64_t one = 1;
    ssize_t n = write(ctl->hint_fd, &one, sizeof one);
    (void)n; // a full counter means "look" already
}

static void on_hint(evutil_socket_t fd, short what, void *ctx)
{
    struct ctl *ctl = ctx;
    uint64_t count;
    (void)what;
    if (read(fd, &count, sizeof count) == (ssize_t)sizeof count) {
        ctl->zone_changes += count;
        rpc_server_hint(ctl->server, HINT_TOPIC, ctl->zone_changes);
    }
}

// ------------------------------------------------------------------------------------------------

static enum err open_hints(struct ctl *ctl, struct errmsg *e)
{
    ctl->hint_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (ctl->hint_fd < 0) {
        return err_set(e, ERR_INTERNAL, "cannot make an eventfd");
    }
    ctl->hint_event = event_new(ctl->app->base, ctl->hint_fd, EV_READ | EV_PERSIST, on_hint, ctl);
    event_add(ctl->hint_event, NULL);
    zone_listen(ctl->shared->store, on_zone_change, ctl);
    return ERR_OK;
}

static enum err open_services(struct ctl *ctl, struct errmsg *e)
{
    const char *run_dir = ctl->app->paths.run_dir;
    ctl_zones_service_init(&ctl->zones_service, ctl);
    ctl_server_service_init(&ctl->server_service, ctl);
    ProtobufCService *const services[] = {&ctl->zones_service.service.base,
                                          &ctl->server_service.service.base};
    enum err err = rpc_server_open(ctl->app->base, run_dir, RPC_DNSD, services,
                                   sizeof services / sizeof services[0], &ctl->server, e);
    return err == ERR_OK
               ? rpc_client_open(ctl->app->base, run_dir, RPC_CLUSTERD, RPC_DNSD, &ctl->clusterd, e)
               : err;
}

enum err ctl_open(const struct ctl_options *options, void (*on_first_config)(void *ctx), void *ctx,
                  struct ctl **out, struct errmsg *e)
{
    struct ctl *ctl = mem_zalloc(sizeof *ctl);
    ctl->app = options->app;
    ctl->shared = options->shared;
    ctl->blocks = options->blocks;
    ctl->net = options->net;
    ctl->xfr = options->xfr;
    ctl->on_first_config = on_first_config;
    ctl->first_config_ctx = ctx;
    ctl->started_ms = clock_unix_ms();
    ctl->hint_fd = -1;
    enum err err = zone_submitter_open(ctl->shared->store, ctl->app->base, &ctl->submitter, e);
    err = err == ERR_OK ? open_hints(ctl, e) : err;
    err = err == ERR_OK ? open_services(ctl, e) : err;
    if (err == ERR_OK) {
        err = conf_watch_open(ctl->app->base, ctl->app->paths.state_dir, ctl->app->paths.run_dir,
                              ctl->clusterd, RPC_DNSD, on_config, ctl, &ctl->watch, e);
    }
    *out = ctl;
    return err;
}

void ctl_stop(struct ctl *ctl)
{
    if (ctl == NULL) {
        return;
    }
    if (ctl->watch != NULL) {
        conf_watch_close(ctl->watch);
    }
    if (ctl->clusterd != NULL) {
        rpc_client_close(ctl->clusterd);
    }
    rpc_server_close(ctl->server);
    if (ctl->submitter != NULL) {
        zone_submitter_close(ctl->submitter);
    }
    if (ctl->hint_event != NULL) {
        event_free(ctl->hint_event);
    }
}

void ctl_free(struct ctl *ctl)
{
    if (ctl == NULL) {
        return;
    }
    if (ctl->hint_fd >= 0) {
        close(ctl->hint_fd);
    }
    mem_free(ctl);
}
