/*
 * The cluster zone: what it should contain for the nodes of the cluster, and mending it.
 *
 *   <domain>                    NS     each node's name
 *   <node name>                 A/AAAA each of its addresses
 *   _<port>._tcp.<node name>    TLSA   3 1 1 each of its pins
 *
 * Records made here carry the comment "managed by the cluster"; only those are ever taken out. A
 * record of people with the same data serves as well. On the primary only. Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/dns/name.h"
#include "common/dns/rrtype.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char MARK[] = "managed by the cluster";
static char ACTOR[] = "cluster";
#define TTL           60
#define SOON_MS       20
#define RETRY_S       5
#define EDITS_MAX     500 // in one call
#define CONFLICTS_MAX 5

struct record {
    struct name name;
    uint16_t type;
    uint32_t ttl;
    uint8_t rdata[NAME_MAX_WIRE + 3];
    size_t rdata_len;
    bool is_managed; // of those found
    bool is_matched;
};
struct record_list {
    struct record *items;
    size_t count;
    size_t capacity;
};

// A run that an operation asked for while another was under way; operations are one at a time.
struct zone_order {
    char domain[NODE_NAME_MAX];
    bool empty;
    zone_keeper_fn fn;               // NULL = none
    void *ctx;
};

struct zone_keeper {
    struct role *role;
    struct event *timer;
    bool busy;
    bool again;
    char domain[NODE_NAME_MAX];
    bool empty;        // take everything managed out
    zone_keeper_fn fn; // of the run under way
    void *ctx;
    struct zone_order order;
    struct record_list found;
    uint32_t serial;
    unsigned conflicts;
};

static void fetch(struct zone_keeper *keeper, const ProtobufCBinaryData *cursor);
static void take_order(struct zone_keeper *keeper);

// ---- what should be there ----------------------------------------------------------------------

static struct record *add_record(struct record_list *list, const char *owner, uint16_t type)
{
    struct name name;
    struct errmsg e = {0};
    if (name_from_text(owner, &name, &e) != ERR_OK) {
        log_warn("name not put into the cluster zone", F_STR("name", owner), F_ERR(&e));
        return NULL;
    }
    name_fold(name.wire);
    mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    struct record *record = &list->items[list->count++];
    *record = (struct record){.name = name, .type = type, .ttl = TTL};
    return record;
}

static void add_name_server(struct record_list *list, const char *domain, const struct node *node)
{
    struct name target;
    struct errmsg ignored;
    struct record *record = add_record(list, domain, TYPE_NS);
    if (record != NULL && name_from_text(node->name, &target, &ignored) == ERR_OK) {
        name_fold(target.wire);
        memcpy(record->rdata, target.wire, target.len);
        record->rdata_len = target.len;
    }
}

static void add_addresses(struct record_list *list, const struct node *node)
{
    for (size_t i = 0; i < node->address_count; i++) {
        bool is_ipv6 = strchr(node->addresses[i], ':') != NULL;
        struct record *record = add_record(list, node->name, is_ipv6 ? TYPE_AAAA : TYPE_A);
        if (record != NULL &&
            inet_pton(is_ipv6 ? AF_INET6 : AF_INET, node->addresses[i], record->rdata) == 1) {
            record->rdata_len = is_ipv6 ? 16 : 4;
        }
    }
}

static unsigned url_port(const char *url)
{
    const char *colon = strrchr(url, ':');
    unsigned port = colon == NULL ? 0 : (unsigned)strtoul(colon + 1, NULL, 10);
    return port == 0 || port > UINT16_MAX ? 443 : port;
}

static void add_tlsa(struct record_list *list, const struct node *node)
{
    char owner[NODE_NAME_MAX + 24];
    snprintf(owner, sizeof owner, "_%u._tcp.%s", url_port(node->url), node->name);
    for (size_t i = 0; i < node->pin_count; i++) {
        struct record *record = add_record(list, owner, TYPE_TLSA);
        if (record != NULL) {
            static const uint8_t dane_ee_spki_sha256[] = {3, 1, 1}; // RFC 6698 section 2.1
            memcpy(record->rdata, dane_ee_spki_sha256, 3);
            memcpy(record->rdata + 3, node->pins[i], SHA256_SIZE);
            record->rdata_len = 3 + SHA256_SIZE;
        }
    }
}

static void wanted_records(const struct zone_keeper *keeper, struct record_list *list)
{
    const struct node_table *table = &keeper->role->context->table;
    for (size_t i = 0; i < table->count && !keeper->empty; i++) {
        add_name_server(list, keeper->domain, &table->nodes[i]);
        add_addresses(list, &table->nodes[i]);
        add_tlsa(list, &table->nodes[i]);
    }
}

static bool same_record(const struct record *a, const struct record *b)
{
    return a->type == b->type && a->name.len == b->name.len &&
           memcmp(a->name.wire, b->name.wire, a->name.len) == 0 && a->rdata_len == b->rdata_len &&
           memcmp(a->rdata, b->rdata, a->rdata_len) == 0;
}

// ---- ends of a run -----------------------------------------------------------------------------

static void finish(struct zone_keeper *keeper, enum err err, const struct errmsg *e)
{
    zone_keeper_fn fn = keeper->fn;
    void *ctx = keeper->ctx;
    mem_free(keeper->found.items);
    keeper->found = (struct record_list){0};
    keeper->busy = false;
    keeper->fn = NULL;
    if (fn != NULL) {
        fn(ctx, err, e);
    } else if (err != ERR_OK) {
        static struct log_limit limit;
        uint64_t held = 0;
        if (log_limit_pass(&limit, 60, &held)) {
            log_warn("cluster zone not brought up to date yet", F_NAME(keeper->domain), F_ERR(e));
        }
        struct timeval later = {.tv_sec = RETRY_S};
        event_add(keeper->timer, &later);
    }
    if (keeper->order.fn != NULL && !keeper->busy) {
        take_order(keeper);
    } else if (keeper->again && !keeper->busy) {
        keeper->again = false;
        zone_keeper_poke(keeper);
    }
}

// ---- edits -------------------------------------------------------------------------------------

static void on_edited(const Dnsd__EditReply *reply, void *ctx)
{
    struct zone_keeper *keeper = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (keeper->role->stopping) {
        return;
    }
    // Someone edited the zone meanwhile, or there is more than fits one call: look again.
    if (err == ERR_OK || (err == ERR_CONFLICT && keeper->conflicts++ < CONFLICTS_MAX)) {
        keeper->found.count = 0;
        fetch(keeper, NULL);
    } else {
        finish(keeper, err, &e);
    }
}

struct edit_parts {
    Dnsd__Edit edit[EDITS_MAX];
    Dnsd__Edit *list[EDITS_MAX];
    Dnsd__Record record[EDITS_MAX];
    size_t count;
};

static void add_edit(struct edit_parts *parts, struct record *record, bool is_new)
{
    if (parts->count == EDITS_MAX) {
        return; // the next round takes the rest
    }
    Dnsd__Record *message = &parts->record[parts->count];
    Dnsd__Edit *edit = &parts->edit[parts->count];
    dnsd__record__init(message);
    dnsd__edit__init(edit);
    message->name = (ProtobufCBinaryData){.len = record->name.len, .data = record->name.wire};
    message->type = record->type;
    message->ttl = record->ttl;
    message->rdata = (ProtobufCBinaryData){.len = record->rdata_len, .data = record->rdata};
    edit->op = is_new ? DNSD__EDIT__OP__ADD : DNSD__EDIT__OP__DELETE;
    if (is_new) {
        message->comments = MARK;
        edit->record = message;
    } else {
        edit->old = message;
    }
    parts->list[parts->count++] = edit;
}

static void compare(struct zone_keeper *keeper, struct record_list *wanted,
                    struct edit_parts *parts)
{
    struct record_list *found = &keeper->found;
    for (size_t w = 0; w < wanted->count; w++) {
        bool is_there = false;
        for (size_t f = 0; f < found->count; f++) {
            if (same_record(&wanted->items[w], &found->items[f])) {
                found->items[f].is_matched = true;
                is_there = true;
            }
        }
        if (!is_there) {
            add_edit(parts, &wanted->items[w], true);
        }
    }
    // Additions come first: the last NS record of a zone cannot go before another one is there.
    for (size_t f = 0; f < found->count; f++) {
        if (found->items[f].is_managed && !found->items[f].is_matched) {
            add_edit(parts, &found->items[f], false);
        }
    }
}

static void mend(struct zone_keeper *keeper)
{
    struct record_list wanted = {0};
    struct edit_parts *parts = mem_zalloc(sizeof *parts);
    wanted_records(keeper, &wanted);
    compare(keeper, &wanted, parts);
    if (parts->count == 0) {
        finish(keeper, ERR_OK, NULL);
    } else {
        Dnsd__EditRequest request;
        dnsd__edit_request__init(&request);
        request.zone = keeper->domain;
        request.edits = parts->list;
        request.n_edits = parts->count;
        request.has_base_serial = true;
        request.base_serial = keeper->serial;
        request.actor = ACTOR;
        dnsd__zones__edit(rpc_client_service(keeper->role->context->dnsd, &dnsd__zones__descriptor),
                          &request, on_edited, keeper);
    }
    mem_free(wanted.items);
    mem_free(parts);
}

// ---- what is there -----------------------------------------------------------------------------

static void take_record(struct zone_keeper *keeper, const Dnsd__Record *message)
{
    bool of_interest = message->type == TYPE_NS || message->type == TYPE_A ||
                       message->type == TYPE_AAAA || message->type == TYPE_TLSA;
    struct record_list *list = &keeper->found;
    if (!of_interest || message->name.len > NAME_MAX_WIRE || message->name.len == 0 ||
        message->rdata.len > sizeof list->items[0].rdata) {
        return;
    }
    mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    struct record *record = &list->items[list->count++];
    *record = (struct record){.type = (uint16_t)message->type, .ttl = message->ttl};
    record->name.len = (uint8_t)message->name.len;
    memcpy(record->name.wire, message->name.data, message->name.len);
    name_fold(record->name.wire);
    memcpy(record->rdata, message->rdata.data, message->rdata.len);
    record->rdata_len = message->rdata.len;
    if (record->type == TYPE_NS) {
        name_fold(record->rdata);
    }
    record->is_managed = strcmp(message->comments, MARK) == 0;
}

static void on_records(const Dnsd__RecordsReply *reply, void *ctx)
{
    struct zone_keeper *keeper = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (keeper->role->stopping) {
        return;
    }
    if (err != ERR_OK) {
        bool is_gone = err == ERR_NOT_FOUND && keeper->empty;
        finish(keeper, is_gone ? ERR_OK : err, &e);
        return;
    }
    for (size_t i = 0; i < reply->n_records; i++) {
        take_record(keeper, reply->records[i]);
    }
    keeper->serial = reply->zone == NULL ? 0 : reply->zone->serial;
    if (reply->next_cursor.len > 0) {
        fetch(keeper, &reply->next_cursor);
    } else {
        mend(keeper);
    }
}

static void fetch(struct zone_keeper *keeper, const ProtobufCBinaryData *cursor)
{
    Dnsd__RecordsRequest request;
    dnsd__records_request__init(&request);
    request.zone = keeper->domain;
    request.subtree = true;
    if (cursor != NULL) {
        request.cursor = *cursor;
    }
    dnsd__zones__get_records(
        rpc_client_service(keeper->role->context->dnsd, &dnsd__zones__descriptor), &request,
        on_records, keeper);
}

// ---- runs --------------------------------------------------------------------------------------

static void begin(struct zone_keeper *keeper, const char *domain, bool empty)
{
    bool fits = str_copy(keeper->domain, sizeof keeper->domain, domain);
    (void)fits; // from the table, which has the same size
    keeper->busy = true;
    keeper->empty = empty;
    keeper->conflicts = 0;
    fetch(keeper, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct zone_keeper *keeper = ctx;
    const struct context *context = keeper->role->context;
    if (context->self.role != NODE_PRIMARY || !context->table.in_cluster) {
        return;
    }
    if (keeper->busy) {
        keeper->again = true;
    } else if (keeper->role->op.kind != &op_init && keeper->role->op.kind != &op_delete) {
        begin(keeper, context->table.domain, false);
    }
}

void zone_keeper_poke(struct zone_keeper *keeper)
{
    struct timeval soon = {.tv_usec = SOON_MS * 1000};
    event_add(keeper->timer, &soon);
}

static void take_order(struct zone_keeper *keeper)
{
    struct zone_order order = keeper->order;
    keeper->order.fn = NULL;
    keeper->fn = order.fn;
    keeper->ctx = order.ctx;
    begin(keeper, order.domain, order.empty);
}

void zone_keeper_run(struct zone_keeper *keeper, const char *domain, bool empty, zone_keeper_fn fn,
                     void *ctx)
{
    keeper->order = (struct zone_order){.empty = empty, .fn = fn, .ctx = ctx};
    bool fits = str_copy(keeper->order.domain, sizeof keeper->order.domain, domain);
    (void)fits;   // a domain name, which has the same size
    if (!keeper->busy) {
        take_order(keeper);
    }
}

struct zone_keeper *zone_keeper_new(struct role *role)
{
    struct zone_keeper *keeper = mem_zalloc(sizeof *keeper);
    keeper->role = role;
    keeper->timer = event_new(role->context->base, -1, 0, on_timer, keeper);
    return keeper;
}

void zone_keeper_free(struct zone_keeper *keeper)
{
    if (keeper != NULL) {
        event_free(keeper->timer);
        mem_free(keeper->found.items);
        mem_free(keeper);
    }
}
