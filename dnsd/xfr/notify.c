#include <event2/event.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"
#include "dnsd/conf/reader.h"
#include "dnsd/xfr/ask.h"
#include "dnsd/xfr/internal.h"
#include "dnsd/xfr/policy.h"

/*
 * NOTIFY to the secondaries of a zone (RFC 1996): at once, with the new SOA as a hint, again with
 * growing pauses until it is answered. A newer version takes the place of what is still on its way
 * to the same target. The nodes of the cluster hear of its zones signed with the catalog's key.
 * Others hear it signed with the first of the zone's transfer keys, which many ask for; and without
 * a signature when they do not take that.
 */

#define NOTIFY_MAX          256u // on their way at the same time
#define NOTIFY_TIMEOUT_MS   500u // then 1, 2, 4, 8 s
#define NOTIFY_TRIES        5u
#define NOTIFY_TRIES_SIGNED 2u // before the same is sent unsigned
// A zone that a catalog has just brought may not be there yet: after 1, 2 and 4 s once more.
#define NOT_THERE_MS    1000u
#define NOT_THERE_TRIES 3u
#define TARGETS_MAX     256u

struct notify {
    struct list by_zone;
    struct list in_queue;
    struct xfr *x;
    struct xfr_zone *z;
    union address to;
    bool is_signed;      // with the cluster's key
    bool is_plain;       // the zone's key was not taken: unsigned now
    bool was_signed;     // with the zone's key, the try under way
    unsigned not_there;  // answers that the zone is not there
    struct event *again; // after such an answer
    struct ask *ask;     // NULL = waits
};

struct target {
    union address to;
    bool is_signed;
};
struct targets {
    struct target items[TARGETS_MAX];
    size_t count;
    uint16_t port; // while NS addresses are added
};

// ---- who is told -------------------------------------------------------------------------------

static void add_target(struct targets *t, const union address *to, bool is_signed)
{
    for (size_t i = 0; i < t->count; i++) {
        if (address_equal(&t->items[i].to, to)) {
            t->items[i].is_signed = t->items[i].is_signed || is_signed;
            return;
        }
    }
    if (t->count < TARGETS_MAX) {
        t->items[t->count++] = (struct target){.to = *to, .is_signed = is_signed};
    }
}

static void add_texts(struct targets *t, const struct zone_strings *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        union address address;
        if (address_parse(addresses->items[i], DNS_PORT, &address, NULL) == ERR_OK) {
            add_target(t, &address, false);
        }
    }
}

static void on_ns_address(void *ctx, const uint8_t *rdata, uint16_t rdata_len)
{
    struct targets *t = ctx;
    union address address;
    address_from_bytes(rdata, rdata_len, t->port, &address);
    add_target(t, &address, false);
}

// The addresses, in our zones, of the zone's NS names, but for this server itself.
static void add_name_servers(struct targets *t, const struct snapshot *snapshot,
                             const struct zone_table *table, const struct zone *zone)
{
    struct zone_rrset ns;
    struct name self;
    size_t offset = 0;
    uint16_t len;
    bool has_self = name_from_text(snapshot->server_name, &self, NULL) == ERR_OK;
    if (!zone_version_rrset(zone_current(zone), zone_apex(zone)->wire, TYPE_NS, &ns)) {
        return;
    }
    t->port = DNS_PORT;
    const uint8_t *rdata = zone_rrset_next(&ns, &offset, &len);
    while (rdata != NULL) {
        uint8_t lower[NAME_MAX_WIRE];
        memcpy(lower, rdata, len);
        name_fold(lower);
        if (!has_self || !name_equal(lower, self.wire)) {
            zone_table_rdata(table, lower, TYPE_A, on_ns_address, t);
            zone_table_rdata(table, lower, TYPE_AAAA, on_ns_address, t);
        }
        rdata = zone_rrset_next(&ns, &offset, &len);
    }
}

static const struct snapshot_node *node_at(const struct snapshot *snapshot,
                                           const union address *address)
{
    for (size_t i = 0; i < snapshot->node_count; i++) {
        for (size_t k = 0; k < snapshot->nodes[i].address_count; k++) {
            if (acl_same_address(&snapshot->nodes[i].addresses[k].sa, &address->sa)) {
                return &snapshot->nodes[i];
            }
        }
    }
    return NULL;
}

// Nodes are told at all their addresses, with their own port, and signed; an NS address of a node
// says no more than that.
static void add_nodes(struct targets *t, const struct snapshot *snapshot)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (node_at(snapshot, &t->items[i].to) == NULL) {
            t->items[kept++] = t->items[i];
        }
    }
    t->count = kept;
    for (size_t i = 0; i < snapshot->node_count; i++) {
        const struct snapshot_node *node = &snapshot->nodes[i];
        for (size_t k = 0; k < node->address_count; k++) {
            add_target(t, &node->addresses[k], true);
        }
    }
}

static void find_targets(struct targets *t, const struct snapshot *snapshot,
                         const struct zone_table *table, const struct zone *zone)
{
    const struct zone *rules = policy_rules(table, zone, false);
    const struct zone_options *o = zone_options(rules);
    if (o->notify == ZONE_NOTIFY_NAME_SERVERS || o->notify == ZONE_NOTIFY_BOTH) {
        add_name_servers(t, snapshot, table, zone);
    }
    if (o->notify == ZONE_NOTIFY_SPECIFIED || o->notify == ZONE_NOTIFY_BOTH) {
        add_texts(t, &o->notify_servers);
    }
    if (o->notify == ZONE_NOTIFY_SEPARATE) {
        add_texts(t, rules == zone ? &o->notify_catalogs : &o->notify_servers);
    }
    bool is_led_here = zone_type(zone) == ZONE_PRIMARY || zone_type(zone) == ZONE_CATALOG;
    if (is_led_here &&
        snapshot_is_cluster_zone(snapshot, zone_text(zone), zone_options(zone)->catalog)) {
        add_nodes(t, snapshot);
    }
}

// ---- results -----------------------------------------------------------------------------------

// Writes the comma list without `text`, then with it when `failed`.
static void note_result(struct xfr_zone *z, const char *text, bool failed)
{
    struct zone_state before = z->state;
    char *list = before.notify_failed_for;
    struct str out;
    str_init(&out);
    while (list != NULL && list[0] != '\0') {
        const char *item = strsep(&list, ",");
        if (strcmp(item, text) != 0) {
            str_printf(&out, "%s%s", out.len == 0 ? "" : ",", item);
        }
    }
    if (failed) {
        str_printf(&out, "%s%s", out.len == 0 ? "" : ",", text);
    }
    // Too many to be named: the list stays as it is.
    if (str_copy(before.notify_failed_for, sizeof before.notify_failed_for,
                 out.len != 0 ? out.text : "")) {
        before.notify_failed = out.len != 0;
        if (strcmp(before.notify_failed_for, z->state.notify_failed_for) != 0) {
            z->state = before;
            xfr_save_state(z->x, z);
        }
    }
    str_fini(&out);
}

static void pump(struct xfr *x);

static void free_notify(struct notify *n)
{
    list_remove(&n->by_zone);
    list_remove(&n->in_queue);
    if (n->again != NULL) {
        event_free(n->again);
    }
    if (n->ask != NULL) {
        ask_cancel(n->ask);
        n->x->notifying--;
    }
    mem_free(n);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
    struct notify *n = ctx;
    (void)fd;
    (void)what;
    list_add_last(&n->x->notify_queue, &n->in_queue);
    pump(n->x);
}

static void wait_for_zone(struct notify *n)
{
    uint32_t ms = NOT_THERE_MS << n->not_there++;
    struct timeval delay = {.tv_sec = ms / 1000};
    if (n->again == NULL) {
        n->again = event_new(n->x->base, -1, 0, on_again, n);
    }
    event_add(n->again, &delay);
}

static void on_answer(void *ctx, const struct ask_answer *answer, struct errmsg *e)
{
    struct notify *n = ctx;
    struct xfr *x = n->x;
    char to[ADDRESS_TEXT_SIZE];
    struct errmsg refused;
    address_text(&n->to, to);
    n->ask = NULL;
    x->notifying--;
    unsigned rcode = answer != NULL ? answer->header.flags & 15u : 0;
    if (rcode != RCODE_NOERROR) {
        err_set(&refused, ERR_DENIED, "answered %s", message_rcode_text(rcode));
        e = &refused;
    }
    bool failed = answer == NULL || rcode != RCODE_NOERROR;
    if (rcode == RCODE_NOTAUTH && n->not_there < NOT_THERE_TRIES) {
        wait_for_zone(n);
        pump(x);
        return;
    }
    if (failed && n->was_signed) {
        n->is_plain = true;
        list_add_last(&x->notify_queue, &n->in_queue);
        pump(x);
        return;
    }
    if (failed) {
        stats_add(&x->stats, STATS_NOTIFY_FAILED, 1);
        // The first failure is news; the ones after it are the same trouble.
        bool is_known = strstr(n->z->state.notify_failed_for, to) != NULL;
        LOG_AT(is_known ? LOG_DEBUG : LOG_WARN, "NOTIFY failed", F_NAME(n->z->text),
               F_STR("server", to), F_ERR(e));
    }
    note_result(n->z, to, failed);
    free_notify(n);
    pump(x);
}

// ---- sending -----------------------------------------------------------------------------------

// The SOA of the present version. Read side.
static bool present_soa(const struct zone *zone, struct message_soa *soa)
{
    const struct zone_version *version = zone != NULL ? zone_current(zone) : NULL;
    struct zone_rrset rrset;
    size_t offset = 0;
    uint16_t len;
    if (version == NULL || !zone_version_rrset(version, zone_apex(zone)->wire, TYPE_SOA, &rrset)) {
        return false;
    }
    const uint8_t *rdata = zone_rrset_next(&rrset, &offset, &len);
    return rdata != NULL && message_soa_set(soa, rdata, len, rrset.ttl);
}

// The key that a target hears this zone with; NULL = none. Read side.
static const struct tsig_key *choose_key(struct notify *n, const struct snapshot *snapshot,
                                         const struct zone *zone)
{
    const struct zone_strings *keys = &zone_options(zone)->transfer_tsig_keys;
    n->was_signed = false;
    if (n->is_signed) {
        return snapshot_cluster_key(snapshot);
    }
    if (n->is_plain || keys->count == 0) {
        return NULL;
    }
    const struct tsig_key *key = snapshot_tsig_find_text(snapshot, keys->items[0]);
    n->was_signed = key != NULL;
    return key;
}

// False = not sent.
static bool start(struct notify *n)
{
    struct xfr *x = n->x;
    struct message_soa soa;
    struct errmsg e;
    bool ok = false;
    reader_enter();
    const struct snapshot *snapshot = snapshot_get(x->shared);
    const struct zone *zone = zone_table_find(zone_table_get(x->shared->store), n->z->apex.wire);
    if (present_soa(zone, &soa)) {
        bool is6 = n->to.sa.sa_family == AF_INET6;
        struct ask_options options = {.base = x->base,
                                      .to = &n->to,
                                      .source = is6 ? &snapshot->source6 : &snapshot->source4,
                                      .opcode = OPCODE_NOTIFY,
                                      .name = &n->z->apex,
                                      .type = TYPE_SOA,
                                      .soa = &soa,
                                      .key = choose_key(n, snapshot, zone),
                                      .timeout_ms = NOTIFY_TIMEOUT_MS};
        options.tries = n->was_signed ? NOTIFY_TRIES_SIGNED : NOTIFY_TRIES;
        ok = ask_start(&options, on_answer, n, &n->ask, &e) == ERR_OK;
    }
    reader_leave();
    if (ok) {
        x->notifying++;
        stats_add(&x->stats, STATS_NOTIFY_SENT, 1);
    }
    return ok;
}

static void pump(struct xfr *x)
{
    while (x->notifying < NOTIFY_MAX && !list_is_empty(&x->notify_queue)) {
        struct notify *n = list_entry(x->notify_queue.next, struct notify, in_queue);
        list_remove(&n->in_queue);
        if (!start(n)) {
            free_notify(n);
        }
    }
}

static void cancel_same(struct xfr_zone *z, const union address *to)
{
    struct list *at = z->notifies.next;
    while (at != &z->notifies) {
        struct notify *n = list_entry(at, struct notify, by_zone);
        at = at->next;
        if (address_equal(&n->to, to)) {
            free_notify(n);
        }
    }
}

void notify_zone(struct xfr *x, struct xfr_zone *z)
{
    struct targets targets = {.count = 0};
    reader_enter();
    const struct zone_table *table = zone_table_get(x->shared->store);
    const struct zone *zone = zone_table_find(table, z->apex.wire);
    if (zone != NULL && zone_current(zone) != NULL && !zone_options(zone)->disabled) {
        find_targets(&targets, snapshot_get(x->shared), table, zone);
    }
    reader_leave();
    for (size_t i = 0; i < targets.count; i++) {
        cancel_same(z, &targets.items[i].to);
        struct notify *n = mem_zalloc(sizeof *n);
        n->x = x;
        n->z = z;
        n->to = targets.items[i].to;
        n->is_signed = targets.items[i].is_signed;
        list_init(&n->in_queue);
        list_add_last(&z->notifies, &n->by_zone);
        list_add_last(&x->notify_queue, &n->in_queue);
    }
    pump(x);
}

void notify_drop(struct xfr *x, struct xfr_zone *z)
{
    (void)x;
    while (!list_is_empty(&z->notifies)) {
        free_notify(list_entry(z->notifies.next, struct notify, by_zone));
    }
}
