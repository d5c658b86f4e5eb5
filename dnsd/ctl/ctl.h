#pragma once

#include <stdint.h>

#include "common/app/app.h"
#include "common/base/err.h"
#include "dnsd/conf/snapshot.h"

struct blocks;
struct net;
struct xfr;

/*
 * dnsd's face to the other daemons: the services of proto/dnsd.proto, the hints on topic "zones",
 * and the config that clusterd holds. Control thread (the main loop). Nothing else in dnsd knows
 * it.
 */
struct ctl;
struct ctl_options {
    struct app *app;
    struct shared *shared;
    struct blocks *blocks;
    struct net *net;
    struct xfr *xfr;
};

// Applies the config snapshot of the last run, if there is one, before it returns: the block set is
// compiled, the addresses are bound. `on_first_config` is called in the loop or during the call
// when there is a config for the first time. `*out` is set on failure too: for ctl_stop and
// ctl_free.
NODISCARD enum err ctl_open(const struct ctl_options *options, void (*on_first_config)(void *ctx),
                            void *ctx, struct ctl **out, struct errmsg *e);
// First step of a stop: no more calls and no more config; what runs goes on.
void ctl_stop(struct ctl *ctl);
// After the zone store is closed, whose writer tells `ctl` of changes.
void ctl_free(struct ctl *ctl);
