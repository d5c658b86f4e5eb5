#include "dnsd/xfr/xfr.h"

#include <event2/event.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "dnsd/conf/reader.h"
#include "dnsd/xfr/inbox.h"
#include "dnsd/xfr/internal.h"
#include "dnsd/xfr/policy.h"

/*
 * The maintenance thread: its loop, the orders of other threads, and the table of zones. The writer
 * of the zone store tells of each changed zone; from comparing it with what was seen before follows
 * what is to be done (refresh.c, notify.c, catalog.c).
 */

#define START_SPREAD_MS 10000u // first checks of all secondaries after the start

enum order_kind { ORDER_ZONE, ORDER_RESYNC, ORDER_CONFIG, ORDER_STOP };
struct order {
    struct order *next;
    enum order_kind kind;
    char *zone;
};

// ---- table -------------------------------------------------------------------------------------

static struct xfr_zone **bucket_of(const struct xfr *x, const uint8_t *apex)
{
    return &x->buckets[hash_bytes(apex, name_len(apex)) % XFR_BUCKETS];
}

struct xfr_zone *xfr_find(const struct xfr *x, const uint8_t *apex_lower)
{
    struct xfr_zone *z = *bucket_of(x, apex_lower);
    while (z != NULL && !name_equal_lower(z->apex.wire, apex_lower)) {
        z = z->next;
    }
    return z;
}

struct xfr_zone *xfr_find_text(const struct xfr *x, const char *text)
{
    struct name name;
    if (name_from_text(text, &name, NULL) != ERR_OK) {
        return NULL;
    }
    name_fold(name.wire);
    return xfr_find(x, name.wire);
}

static struct xfr_zone *add_zone(struct xfr *x, const struct zone *zone)
{
    struct xfr_zone *z = mem_zalloc(sizeof *z);
    z->x = x;
    z->apex = *zone_apex(zone);
    z->text = mem_strdup(zone_text(zone));
    z->id = zone_id(zone);
    z->type = zone_type(zone);
    zone_state_get(zone, &z->state);
    list_init(&z->in_queue);
    list_init(&z->notifies);
    list_init(&z->in_catalogs);
    struct xfr_zone **bucket = bucket_of(x, z->apex.wire);
    z->next = *bucket;
    *bucket = z;
    x->zone_count++;
    if (z->type == ZONE_CATALOG || z->type == ZONE_SECONDARY_CATALOG) {
        list_add_last(&x->catalogs, &z->in_catalogs);
        z->is_dirty = true;
    }
    return z;
}

static void drop_zone(struct xfr *x, struct xfr_zone *z)
{
    refresh_drop(x, z);
    notify_drop(x, z);
    catalog_follow(x, z, NULL);
    list_remove(&z->in_catalogs);
    struct xfr_zone **at = bucket_of(x, z->apex.wire);
    while (*at != z) {
        at = &(*at)->next;
    }
    *at = z->next;
    x->zone_count--;
    mem_free(z->text);
    mem_free(z);
}

// ---- state -------------------------------------------------------------------------------------

static void on_state_saved(void *ctx, const struct zone_result *result)
{
    char *zone = ctx;
    // A zone that was deleted meanwhile has no state any more.
    if (result->err != ERR_OK && result->err != ERR_NOT_FOUND) {
        log_warn("state of a zone is not saved", F_NAME(zone), F_ERR(&result->message));
    }
    mem_free(zone);
}

void xfr_save_state(struct xfr *x, struct xfr_zone *z)
{
    zone_submit_state(x->submitter, z->text, &z->state, on_state_saved, mem_strdup(z->text));
}

// ---- following the zone store ------------------------------------------------------------------

// A zone of which nothing was known. `is_start`: one of many, at the start.
static void begin_zone(struct xfr *x, struct xfr_zone *z, bool is_start)
{
    if (!policy_is_secondary(z->type)) {
        return;
    }
    if (is_start && z->has_serial) {
        refresh_schedule(x, z, rand_below(START_SPREAD_MS));
    } else {
        refresh_request(x, z, REFRESH_URGENT);
    }
}

static uint64_t mix_text(uint64_t sum, const char *text)
{
    return sum * 31 + (text != NULL ? hash_bytes(text, strlen(text)) : 1);
}

// Changes when the zone's primaries or their key do, and when it is disabled or enabled. Read side.
static uint64_t source_of(const struct xfr *x, const struct zone *zone)
{
    const struct zone_options *o = policy_primaries(zone_table_get(x->shared->store), zone);
    uint64_t sum = mix_text(zone_options(zone)->disabled, o->primary_tsig_key);
    for (size_t i = 0; i < o->primaries.count; i++) {
        sum = mix_text(sum, o->primaries.items[i]);
    }
    return sum;
}

// Compares the zone with what was seen before. Read side.
static void follow_zone(struct xfr *x, struct zone *zone, bool is_start)
{
    struct xfr_zone *z = xfr_find(x, zone_apex(zone)->wire);
    if (z != NULL && (z->id != zone_id(zone) || z->type != zone_type(zone))) {
        drop_zone(x, z);
        z = NULL;
    }
    bool is_new = z == NULL;
    if (is_new) {
        z = add_zone(x, zone);
    }
    const struct zone_version *version = zone_current(zone);
    uint32_t serial = version != NULL ? zone_version_serial(version) : 0;
    bool is_changed = version != NULL && (!z->has_serial || z->serial != serial);
    z->has_serial = version != NULL;
    z->serial = serial;
    uint64_t source = source_of(x, zone);
    bool is_moved = z->source != source;
    z->source = source;
    catalog_follow(x, z, zone);
    if (is_new) {
        begin_zone(x, z, is_start);
    } else if (is_moved) {
        refresh_request(x, z, REFRESH_URGENT);
    }
    if (is_changed) {
        z->is_dirty = z->is_dirty || !list_is_empty(&z->in_catalogs);
        notify_zone(x, z);
    }
}

static void follow_name(struct xfr *x, const char *text)
{
    struct name name;
    if (!x->is_configured || name_from_text(text, &name, NULL) != ERR_OK) {
        return;
    }
    name_fold(name.wire);
    reader_enter();
    struct zone *zone = zone_table_find(zone_table_get(x->shared->store), name.wire);
    if (zone != NULL) {
        follow_zone(x, zone, false);
    } else {
        struct xfr_zone *z = xfr_find(x, name.wire);
        if (z != NULL) {
            drop_zone(x, z);
        }
    }
    reader_leave();
}

static void retry_failed(struct xfr *x)
{
    for (size_t i = 0; i < XFR_BUCKETS; i++) {
        for (struct xfr_zone *z = x->buckets[i]; z != NULL; z = z->next) {
            if (z->state.sync_failed) {
                refresh_request(x, z, REFRESH_URGENT);
            }
        }
    }
}

// The first config: from now on zones are kept current. A later one may bring the key or the node
// that something failed for.
static void follow_config(struct xfr *x)
{
    if (x->is_configured) {
        retry_failed(x);
        return;
    }
    x->is_configured = true;
    reader_enter();
    const struct zone_table *table = zone_table_get(x->shared->store);
    for (size_t i = 0; i < zone_table_count(table); i++) {
        follow_zone(x, zone_table_at(table, i), true);
    }
    reader_leave();
}

// ---- orders ------------------------------------------------------------------------------------

static void give_order(struct xfr *x, enum order_kind kind, const char *zone)
{
    struct order *order = mem_zalloc(sizeof *order);
    order->kind = kind;
    order->zone = zone != NULL ? mem_strdup(zone) : NULL;
    pthread_mutex_lock(&x->lock);
    *x->last = order;
    x->last = &order->next;
    pthread_mutex_unlock(&x->lock);
    uint64_t one = 1;
    ssize_t n = write(x->wake_fd, &one, sizeof one);
    (void)n; // a full counter means "look" already
}

static struct order *take_orders(struct xfr *x)
{
    pthread_mutex_lock(&x->lock);
    struct order *orders = x->first;
    x->first = NULL;
    x->last = &x->first;
    pthread_mutex_unlock(&x->lock);
    return orders;
}

static void carry_out(struct xfr *x, const struct order *order)
{
    struct xfr_zone *z;
    switch (order->kind) {
    case ORDER_ZONE:
        follow_name(x, order->zone);
        break;
    case ORDER_RESYNC:
        z = xfr_find_text(x, order->zone);
        if (z != NULL) {
            refresh_request(x, z, REFRESH_FORCED);
        }
        break;
    case ORDER_CONFIG:
        follow_config(x);
        break;
    case ORDER_STOP:
        event_base_loopbreak(x->base);
        break;
    }
}

static void drain(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct xfr *x = ctx;
    (void)what;
    drain(fd);
    struct order *order = take_orders(x);
    while (order != NULL) {
        struct order *next = order->next;
        carry_out(x, order);
        mem_free(order->zone);
        mem_free(order);
        order = next;
    }
    catalog_run(x);
}

static void on_notify(evutil_socket_t fd, short what, void *ctx)
{
    struct xfr *x = ctx;
    (void)what;
    drain(fd);
    for (size_t i = 0; i < x->inbox_count; i++) {
        struct inbox_notify notify;
        while (inbox_take(x->inboxes[i], &notify)) {
            struct xfr_zone *z = xfr_find(x, notify.zone.wire);
            if (z != NULL) {
                refresh_notified(x, z, notify.has_serial, notify.serial);
            }
        }
    }
}

// Writer thread of the zone store.
static void on_zone_changed(void *ctx, const char *zone, uint32_t serial)
{
    (void)serial;
    give_order(ctx, ORDER_ZONE, zone);
}

static void *run(void *ctx)
{
    struct xfr *x = ctx;
    pthread_setname_np(pthread_self(), "maintenance");
    reader_register();
    event_base_loop(x->base, EVLOOP_NO_EXIT_ON_EMPTY);
    for (size_t i = 0; i < XFR_BUCKETS; i++) {
        while (x->buckets[i] != NULL) {
            drop_zone(x, x->buckets[i]);
        }
    }
    refresh_close(x);
    zone_submitter_close(x->submitter);
    reader_unregister();
    return NULL;
}

// ------------------------------------------------------------------------------------------------

enum err xfr_open(const struct xfr_options *options, struct xfr **out, struct errmsg *e)
{
    struct xfr *x = mem_zalloc(sizeof *x);
    x->shared = options->shared;
    x->transfers_max = options->transfers > 0 ? options->transfers : 1;
    x->last = &x->first;
    pthread_mutex_init(&x->lock, NULL);
    list_init(&x->catalogs);
    list_init(&x->queue);
    list_init(&x->notify_queue);
    x->buckets = mem_calloc(XFR_BUCKETS, sizeof(struct xfr_zone *));
    x->notify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    x->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    x->base = event_base_new();
    *out = x;
    if (x->notify_fd < 0 || x->wake_fd < 0 || x->base == NULL) {
        return err_set(e, ERR_INTERNAL, "cannot make the event loop of the maintenance thread");
    }
    x->notify_event = event_new(x->base, x->notify_fd, EV_READ | EV_PERSIST, on_notify, x);
    x->wake_event = event_new(x->base, x->wake_fd, EV_READ | EV_PERSIST, on_wake, x);
    event_add(x->notify_event, NULL);
    event_add(x->wake_event, NULL);
    zone_listen(x->shared->store, on_zone_changed, x);
    return ERR_OK;
}

int xfr_notify_fd(const struct xfr *xfr)
{
    return xfr->notify_fd;
}

enum err xfr_start(struct xfr *x, struct inbox *const *inboxes, size_t count, struct errmsg *e)
{
    x->inboxes = mem_dup(inboxes, count * sizeof(struct inbox *));
    x->inbox_count = count;
    enum err err = zone_submitter_open(x->shared->store, x->base, &x->submitter, e);
    if (err != ERR_OK) {
        return err;
    }
    if (pthread_create(&x->thread, NULL, run, x) != 0) {
        zone_submitter_close(x->submitter);
        return err_set(e, ERR_INTERNAL, "cannot start the maintenance thread");
    }
    x->is_started = true;
    return ERR_OK;
}

void xfr_config_changed(struct xfr *xfr)
{
    give_order(xfr, ORDER_CONFIG, NULL);
}

void xfr_resync(struct xfr *xfr, const char *zone)
{
    give_order(xfr, ORDER_RESYNC, zone);
}

void xfr_stop(struct xfr *x)
{
    if (x->is_started) {
        give_order(x, ORDER_STOP, NULL);
        pthread_join(x->thread, NULL);
        x->is_started = false;
    }
}

void xfr_close(struct xfr *x)
{
    struct order *order = take_orders(x);
    while (order != NULL) {
        struct order *next = order->next;
        mem_free(order->zone);
        mem_free(order);
        order = next;
    }
    if (x->notify_event != NULL) {
        event_free(x->notify_event);
        event_free(x->wake_event);
    }
    if (x->base != NULL) {
        event_base_free(x->base);
    }
    if (x->notify_fd >= 0) {
        close(x->notify_fd);
    }
    if (x->wake_fd >= 0) {
        close(x->wake_fd);
    }
    pthread_mutex_destroy(&x->lock);
    mem_free(x->inboxes);
    mem_free(x->buckets);
    mem_free(x);
}

const struct stats *xfr_stats(const struct xfr *xfr)
{
    return &xfr->stats;
}
