#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/dns/rrtype.h"
#include "dnsd/conf/reader.h"
#include "dnsd/xfr/ask.h"
#include "dnsd/xfr/fetch.h"
#include "dnsd/xfr/internal.h"
#include "dnsd/xfr/policy.h"
#include "dnsd/xfr/timing.h"

/*
 * Keeps secondary zones current (RFC 1035 section 4.3.5, RFC 1996). A refresh tries the primaries
 * in turn: SOA by UDP, else by TCP; when it is newer, AXFR. After a NOTIFY that told a newer
 * serial, and for a zone that holds nothing, AXFR at once. A limited number runs at the same time;
 * the rest waits, urgent ones in front.
 */

#define SOA_TIMEOUT_MS 1500u
#define SOA_TRIES      2u
#define BYTES_MAX      ((uint64_t)8 << 30)

struct refresh {
    struct xfr *x;
    struct xfr_zone *z; // NULL = gone while the store works
    union address *primaries;
    size_t count;
    size_t at;
    bool has_key;
    struct tsig_key key;
    union address source4;
    union address source6;
    bool is_forced;
    bool is_urgent;
    bool goes_straight; // no SOA query
    bool has_held;
    uint32_t held;
    struct ask *ask;
    struct fetch *fetch;
    struct message_soa soa;
    uint64_t records;
    uint64_t started_ms;
    struct errmsg last; // why the last primary failed
};

// A primary that fails is left alone for a while by the timers of its zones.
struct primary {
    struct primary *next;
    union address address;
    unsigned failures;
    uint64_t until_ms;
};

static void pump(struct xfr *x);
static void try_next(struct refresh *r);

// ---- primaries ---------------------------------------------------------------------------------

static struct primary *find_primary(struct xfr *x, const union address *address)
{
    struct primary *p = x->primaries;
    while (p != NULL && !address_equal(&p->address, address)) {
        p = p->next;
    }
    return p;
}

static void primary_failed(struct xfr *x, const union address *address)
{
    struct primary *p = find_primary(x, address);
    if (p == NULL) {
        p = mem_zalloc(sizeof *p);
        p->address = *address;
        p->next = x->primaries;
        x->primaries = p;
    }
    p->failures++;
    p->until_ms = clock_mono_ms() + timing_backoff_ms(p->failures);
}

// Entries exist only while their primary fails.
static void primary_answered(struct xfr *x, const union address *address)
{
    struct primary **at = &x->primaries;
    while (*at != NULL) {
        struct primary *p = *at;
        if (address_equal(&p->address, address)) {
            *at = p->next;
            mem_free(p);
            return;
        }
        at = &p->next;
    }
}

static bool is_left_alone(struct xfr *x, const union address *address)
{
    const struct primary *p = find_primary(x, address);
    return p != NULL && clock_mono_ms() < p->until_ms;
}

void refresh_close(struct xfr *x)
{
    while (x->primaries != NULL) {
        primary_answered(x, &x->primaries->address);
    }
}

// ---- timers and queue --------------------------------------------------------------------------

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct xfr_zone *z = ctx;
    refresh_request(z->x, z, REFRESH_TIMER);
}

void refresh_schedule(struct xfr *x, struct xfr_zone *z, uint64_t delay_ms)
{
    if (z->timer == NULL) {
        z->timer = event_new(x->base, -1, 0, on_timer, z);
    }
    uint64_t ms = timing_jitter_ms(delay_ms, rand_u64());
    struct timeval delay = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    event_add(z->timer, &delay);
}

void refresh_request(struct xfr *x, struct xfr_zone *z, enum refresh_how how)
{
    if (!policy_is_secondary(z->type)) {
        return;
    }
    z->wants_forced = z->wants_forced || how == REFRESH_FORCED;
    if (z->refresh != NULL) {
        z->wants_again = z->wants_again || how != REFRESH_TIMER;
        return;
    }
    if (z->is_queued && how != REFRESH_TIMER) {
        list_remove(&z->in_queue);
        z->is_queued = false;
    }
    if (!z->is_queued) {
        z->is_queued = true;
        z->wants_again = how != REFRESH_TIMER;
        // Before the first for urgent ones, behind the last for others.
        list_add_last(how != REFRESH_TIMER ? x->queue.next : &x->queue, &z->in_queue);
    }
    pump(x);
}

void refresh_notified(struct xfr *x, struct xfr_zone *z, bool has_serial, uint32_t serial)
{
    if (has_serial && z->has_serial && !serial_newer(serial, z->serial)) {
        return;
    }
    if (has_serial && (!z->knows_newer || serial_newer(serial, z->newer))) {
        z->knows_newer = true;
        z->newer = serial;
    }
    refresh_request(x, z, REFRESH_URGENT);
}

static void free_refresh(struct refresh *r)
{
    ask_cancel(r->ask);
    fetch_cancel(r->fetch);
    mem_wipe(&r->key, sizeof r->key);
    mem_free(r->primaries);
    r->x->refreshing--;
    if (r->z != NULL) {
        r->z->refresh = NULL;
    }
    mem_free(r);
}

void refresh_drop(struct xfr *x, struct xfr_zone *z)
{
    (void)x;
    if (z->timer != NULL) {
        event_free(z->timer);
        z->timer = NULL;
    }
    list_remove(&z->in_queue);
    struct refresh *r = z->refresh;
    if (r == NULL) {
        return;
    }
    z->refresh = NULL;
    r->z = NULL;
    // Without ask and fetch the store has it, and gives it back.
    if (r->ask != NULL || r->fetch != NULL) {
        free_refresh(r);
    }
}

// ---- results -----------------------------------------------------------------------------------

// What was asked for meanwhile is looked at again; a serial that has come in already is not.
static void go_on(struct xfr *x, struct xfr_zone *z, uint32_t serial, bool has_serial)
{
    if (z->knows_newer && has_serial && !serial_newer(z->newer, serial)) {
        z->knows_newer = false;
        z->wants_again = z->wants_forced;
    }
    bool again = z->wants_again;
    z->wants_again = false;
    if (again) {
        refresh_request(x, z, z->wants_forced ? REFRESH_FORCED : REFRESH_URGENT);
    }
    pump(x);
}

static uint32_t min_setting(struct xfr *x, bool retry)
{
    reader_enter();
    const struct snapshot *s = snapshot_get(x->shared);
    uint32_t value = retry ? s->min_retry_s : s->min_refresh_s;
    reader_leave();
    return value;
}

static void finish_current(struct refresh *r)
{
    struct xfr *x = r->x;
    struct xfr_zone *z = r->z;
    uint64_t now = clock_unix_s();
    uint32_t serial = r->soa.serial;
    z->failures = 0;
    z->state.last_refresh = now;
    z->state.expiry = now + r->soa.expire;
    z->state.sync_failed = false;
    z->state.sync_error[0] = '\0';
    xfr_save_state(x, z);
    refresh_schedule(x, z, timing_refresh_ms(r->soa.refresh, min_setting(x, false)));
    free_refresh(r);
    go_on(x, z, serial, true);
}

static void finish_failed(struct refresh *r)
{
    struct xfr *x = r->x;
    struct xfr_zone *z = r->z;
    struct zone_soa soa = {0};
    z->failures++;
    stats_add(&x->stats, STATS_TRANSFERS_FAILED, 1);
    // The first failure is a change of state; the ones after it are the same trouble.
    if (!z->state.sync_failed ||
        strncmp(z->state.sync_error, r->last.text, sizeof z->state.sync_error - 1) != 0) {
        log_warn("zone is not refreshed", F_NAME(z->text), F_ERR(&r->last));
        z->state.sync_failed = true;
        snprintf(z->state.sync_error, sizeof z->state.sync_error, "%.*s",
                 (int)sizeof z->state.sync_error - 1, r->last.text);
        xfr_save_state(x, z);
    }
    reader_enter();
    const struct zone *zone = zone_table_find(zone_table_get(x->shared->store), z->apex.wire);
    const struct zone_version *version = zone != NULL ? zone_current(zone) : NULL;
    if (version != NULL) {
        zone_version_soa(version, &soa);
    }
    reader_leave();
    uint64_t delay = timing_retry_ms(version != NULL, soa.retry, min_setting(x, true), z->failures);
    z->knows_newer = false;
    refresh_schedule(x, z, delay);
    free_refresh(r);
    go_on(x, z, 0, false);
}

static void on_replaced(void *ctx, const struct zone_result *result)
{
    struct refresh *r = ctx;
    if (r->z == NULL) { // the zone went meanwhile
        struct xfr *x = r->x;
        free_refresh(r);
        pump(x);
        return;
    }
    if (result->err != ERR_OK) {
        r->last = result->message;
        finish_failed(r);
        return;
    }
    char from[ADDRESS_TEXT_SIZE];
    address_text(&r->primaries[r->at], from);
    stats_add(&r->x->stats, STATS_TRANSFERS_IN, 1);
    log_info("zone transferred from its primary", F_NAME(r->z->text), F_STR("primary", from),
             F_U64("serial", r->soa.serial), F_U64("records", r->records),
             F_U64("milliseconds", clock_mono_ms() - r->started_ms));
    r->z->state.last_modified = clock_unix_s();
    finish_current(r);
}

// ---- one primary -------------------------------------------------------------------------------

static const struct tsig_key *key_of(const struct refresh *r)
{
    return r->has_key ? &r->key : NULL;
}

static const union address *source_of(const struct refresh *r)
{
    return r->primaries[r->at].sa.sa_family == AF_INET6 ? &r->source6 : &r->source4;
}

static void next_primary(struct refresh *r, const struct errmsg *e)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(&r->primaries[r->at], text);
    r->last = *e;
    (void)err_prefix(&r->last, e->code, "%s", text);
    primary_failed(r->x, &r->primaries[r->at]);
    r->at++;
    try_next(r);
}

static void on_fetched(void *ctx, const struct fetch_result *result)
{
    struct refresh *r = ctx;
    r->fetch = NULL;
    if (result->status == FETCH_FAILED) {
        next_primary(r, &result->error);
        return;
    }
    primary_answered(r->x, &r->primaries[r->at]);
    if (result->ignored != 0) {
        log_warn("primary sent records that are not in the zone: ignored", F_NAME(r->z->text),
                 F_U64("records", result->ignored));
    }
    r->soa = result->soa;
    r->records = result->records;
    if (result->status == FETCH_LOADED) {
        if (!r->has_held || r->is_forced || serial_newer(r->soa.serial, r->held)) {
            zone_submit_replace(r->x->submitter, r->z->text, result->load, on_replaced, r);
            return;
        }
        zone_load_free(result->load);
    }
    finish_current(r);
}

static void start_fetch(struct refresh *r, bool check_first)
{
    struct fetch_options options = {.base = r->x->base,
                                    .to = &r->primaries[r->at],
                                    .source = source_of(r),
                                    .name = &r->z->apex,
                                    .key = key_of(r),
                                    .check_first = check_first,
                                    .has_held = r->has_held && !r->is_forced,
                                    .held = r->held,
                                    .bytes_max = BYTES_MAX};
    struct errmsg e;
    if (fetch_start(&options, on_fetched, r, &r->fetch, &e) != ERR_OK) {
        next_primary(r, &e);
    }
}

static void on_asked(void *ctx, const struct ask_answer *answer, struct errmsg *e)
{
    struct refresh *r = ctx;
    struct errmsg reason;
    r->ask = NULL;
    if (answer == NULL || (answer->header.flags & DNS_TC) != 0) {
        (void)e;
        start_fetch(r, true); // UDP may be filtered: the same by TCP
    } else if (message_read_soa(answer->message, answer->size, &answer->header,
                                answer->answers_offset, &r->z->apex, &r->soa, &reason) != ERR_OK) {
        next_primary(r, &reason);
    } else if (r->has_held && !serial_newer(r->soa.serial, r->held)) {
        primary_answered(r->x, &r->primaries[r->at]);
        finish_current(r);
    } else {
        start_fetch(r, false);
    }
}

static void start_ask(struct refresh *r)
{
    struct ask_options options = {.base = r->x->base,
                                  .to = &r->primaries[r->at],
                                  .source = source_of(r),
                                  .opcode = OPCODE_QUERY,
                                  .name = &r->z->apex,
                                  .type = TYPE_SOA,
                                  .key = key_of(r),
                                  .timeout_ms = SOA_TIMEOUT_MS,
                                  .tries = SOA_TRIES};
    struct errmsg e;
    stats_add(&r->x->stats, STATS_SOA_CHECKS, 1);
    if (ask_start(&options, on_asked, r, &r->ask, &e) != ERR_OK) {
        next_primary(r, &e);
    }
}

static void try_next(struct refresh *r)
{
    while (r->at < r->count && !r->is_urgent && is_left_alone(r->x, &r->primaries[r->at])) {
        char text[ADDRESS_TEXT_SIZE];
        address_text(&r->primaries[r->at], text);
        err_set(&r->last, ERR_UNAVAILABLE, "%s: it failed a moment ago", text);
        r->at++;
    }
    if (r->at == r->count) {
        finish_failed(r);
    } else if (r->goes_straight || !r->has_held || r->is_forced) {
        start_fetch(r, false);
    } else {
        start_ask(r);
    }
}

// ---- starting ----------------------------------------------------------------------------------

// Takes primaries, key and held serial from the config and the zone. Read side.
static enum err prepare(struct refresh *r, const struct zone *zone)
{
    const struct snapshot *snapshot = snapshot_get(r->x->shared);
    const struct zone_options *options =
        policy_primaries(zone_table_get(r->x->shared->store), zone);
    r->source4 = snapshot->source4;
    r->source6 = snapshot->source6;
    r->primaries = mem_calloc(options->primaries.count + 1, sizeof *r->primaries);
    for (size_t i = 0; i < options->primaries.count; i++) {
        if (address_parse(options->primaries.items[i], DNS_PORT, &r->primaries[r->count],
                          &r->last) == ERR_OK) {
            r->count++;
        }
    }
    if (options->primary_tsig_key != NULL) {
        const struct tsig_key *key = snapshot_tsig_find_text(snapshot, options->primary_tsig_key);
        if (key == NULL) {
            return err_set(&r->last, ERR_NOT_FOUND, "no TSIG key named %s",
                           options->primary_tsig_key);
        }
        r->key = *key;
        r->has_key = true;
    }
    const struct zone_version *version = zone_current(zone);
    r->has_held = version != NULL;
    r->held = version != NULL ? zone_version_serial(version) : 0;
    if (r->count == 0 && r->last.text[0] == '\0') {
        return err_set(&r->last, ERR_INVALID, "the zone names no primary name server");
    }
    return ERR_OK;
}

static void start(struct xfr *x, struct xfr_zone *z)
{
    struct refresh *r = mem_zalloc(sizeof *r);
    r->x = x;
    r->z = z;
    r->is_urgent = z->wants_again;
    r->is_forced = z->wants_forced;
    r->goes_straight = z->knows_newer;
    r->started_ms = clock_mono_ms();
    z->wants_again = false;
    z->wants_forced = false;
    z->refresh = r;
    x->refreshing++;
    reader_enter();
    const struct zone *zone = zone_table_find(zone_table_get(x->shared->store), z->apex.wire);
    bool is_idle = zone == NULL || zone_options(zone)->disabled;
    enum err err = is_idle ? ERR_OK : prepare(r, zone);
    reader_leave();
    if (is_idle) {
        free_refresh(r); // gone in a moment, or nobody wants it until it is enabled
    } else if (err != ERR_OK) {
        finish_failed(r);
    } else {
        try_next(r);
    }
}

// Not again from inside: a refresh that fails at once comes back here.
static void pump(struct xfr *x)
{
    if (x->is_pumping) {
        return;
    }
    x->is_pumping = true;
    while (x->refreshing < x->transfers_max && !list_is_empty(&x->queue)) {
        struct xfr_zone *z = list_entry(x->queue.next, struct xfr_zone, in_queue);
        list_remove(&z->in_queue);
        z->is_queued = false;
        start(x, z);
    }
    x->is_pumping = false;
}
