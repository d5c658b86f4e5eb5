#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "dnsd/conf/snapshot.h"
#include "dnsd/stats/stats.h"

struct inbox;

/*
 * The maintenance thread: keeps secondary zones current (SOA timers, NOTIFY in, transfers in),
 * tells others of new versions (NOTIFY out), and keeps catalog zones and their members in step (RFC
 * 9432). Its own event loop; other threads reach it by the functions below, which do not wait.
 */
struct xfr;
struct xfr_options {
    struct shared *shared;
    unsigned transfers; // at the same time, inwards
};

// Prepares everything and hears of zone changes from now on; the thread starts with xfr_start.
NODISCARD enum err xfr_open(const struct xfr_options *options, struct xfr **out, struct errmsg *e);
// The eventfd that wakes it for NOTIFY, for the workers.
int xfr_notify_fd(const struct xfr *xfr);
// Starts the thread with the inboxes of the workers (which must live until xfr_stop).
NODISCARD enum err xfr_start(struct xfr *xfr, struct inbox *const *inboxes, size_t count,
                             struct errmsg *e);
// There is a config: secondaries are refreshed and catalogs reconciled. The config may be published
// anew at any time after.
void xfr_config_changed(struct xfr *xfr);
// Gets the zone anew whatever its serial (API: resync).
void xfr_resync(struct xfr *xfr, const char *zone);
void xfr_stop(struct xfr *xfr); // ends the thread, breaks off transfers; then the workers may go
void xfr_close(struct xfr *xfr);
const struct stats *xfr_stats(const struct xfr *xfr);
