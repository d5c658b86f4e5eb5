#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/conf/list.h"
#include "dnsd/xfr/message.h"
#include "dnsd/xfr/xfr.h"
#include "dnsd/zone/zone.h"

// What the files of the maintenance thread share. All of it is that thread's alone, but the queue
// of orders.

struct event;
struct event_base;
struct refresh;
struct notify;

#define XFR_BUCKETS 65536u // a power of two

// A zone as this thread knows it.
struct xfr_zone {
    struct xfr_zone *next; // in its bucket
    struct xfr *x;
    struct name apex; // folded
    char *text;
    uint32_t id; // of the zone: one made anew under the same name is another
    enum zone_type type;
    bool has_serial; // `serial` is of the version last seen
    uint32_t serial;
    uint64_t source;         // fingerprint of where it comes from; see source_of
    struct zone_state state; // as last submitted

    // refresh.c
    struct event *timer;
    struct list in_queue;
    bool is_queued;
    struct refresh *refresh; // under way
    bool wants_again;        // asked for meanwhile
    bool wants_forced;       // whatever the serial
    bool knows_newer;        // NOTIFY told a newer serial: no SOA query needed
    uint32_t newer;          // that serial
    unsigned failures;       // in a row

    // notify.c
    struct list notifies;

    // catalog.c
    char *catalog; // it is listed there; NULL = none
    char *member_id;
    struct list in_catalogs; // of catalogs: in xfr->catalogs
    bool is_dirty;           // to be reconciled
    size_t jobs;             // under way for it
};

struct order;
struct xfr {
    struct shared *shared;
    unsigned transfers_max;
    pthread_t thread;
    bool is_started;
    struct event_base *base;
    struct zone_submitter *submitter;
    int notify_fd;
    struct event *notify_event;
    int wake_fd;
    struct event *wake_event;
    pthread_mutex_t lock; // of the orders
    struct order *first;
    struct order **last;
    struct inbox **inboxes;
    size_t inbox_count;
    bool is_configured;
    struct xfr_zone **buckets;
    size_t zone_count;
    struct list catalogs;

    struct list queue; // zones that wait for a refresh
    unsigned refreshing;
    bool is_pumping;
    struct primary *primaries; // back-off, by address
    struct list notify_queue;
    unsigned notifying;
    struct stats stats;
};

// ---- xfr.c -------------------------------------------------------------------------------------

struct xfr_zone *xfr_find(const struct xfr *x, const uint8_t *apex_lower);
struct xfr_zone *xfr_find_text(const struct xfr *x, const char *text);
// Writes the zone's state to the store; a failure is logged.
void xfr_save_state(struct xfr *x, struct xfr_zone *z);

// ---- refresh.c ---------------------------------------------------------------------------------

enum refresh_how {
    REFRESH_TIMER,  // its time has come
    REFRESH_URGENT, // NOTIFY, a new zone: before others
    REFRESH_FORCED, // get it whatever the serial
};
void refresh_request(struct xfr *x, struct xfr_zone *z, enum refresh_how how);
// In `delay_ms` or a little less.
void refresh_schedule(struct xfr *x, struct xfr_zone *z, uint64_t delay_ms);
// A NOTIFY came.
void refresh_notified(struct xfr *x, struct xfr_zone *z, bool has_serial, uint32_t serial);
void refresh_drop(struct xfr *x, struct xfr_zone *z); // the zone is gone
void refresh_close(struct xfr *x);

// ---- notify.c ----------------------------------------------------------------------------------

void notify_zone(struct xfr *x, struct xfr_zone *z); // tells all targets of the present version
void notify_drop(struct xfr *x, struct xfr_zone *z);

// ---- catalog.c ---------------------------------------------------------------------------------

// Looks at what the zone's options say about catalogs; NULL = the zone is gone.
void catalog_follow(struct xfr *x, struct xfr_zone *z, const struct zone *zone);
// Brings the catalogs marked dirty in step with their members.
void catalog_run(struct xfr *x);
