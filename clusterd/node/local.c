#include "clusterd/node/local.h"

#include "common/base/mem.h"
#include "common/conf/setting.h"
#include "proto/dnsd.pb-c.h"
#include "proto/webd.pb-c.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_S      5
#define WAITERS_MAX 8

struct local {
    struct context *context;
    struct local_status status;
    struct local_status next; // being put together
    unsigned open;            // answers not there yet
    bool again;               // asked for while a look was under way
    struct event *timer;
    struct {
        local_fn fn;
        void *ctx;
    } waiters[WAITERS_MAX];
    size_t waiter_count;
    local_looked_fn looked;
    void *looked_ctx;
};

static void look(struct local *local);

static void tell_waiters(struct local *local)
{
    size_t count = local->waiter_count;
    local->waiter_count = 0;
    for (size_t i = 0; i < count; i++) {
        local->waiters[i].fn(local->waiters[i].ctx);
    }
}

static void finish_one(struct local *local)
{
    local->open--;
    if (local->open > 0) {
        return;
    }
    if (local->again) {
        look(local);
        return;
    }
    bool changed = memcmp(&local->status, &local->next, sizeof local->status) != 0;
    local->status = local->next;
    if (local->looked != NULL) {
        local->looked(local->looked_ctx, changed);
    }
    tell_waiters(local);
}

static void on_web(const Webd__WebStatusReply *reply, void *ctx)
{
    struct local *local = ctx;
    struct local_status *next = &local->next;
    if (reply->error == NULL) {
        next->web_is_up = true;
        next->web_revision = reply->config_revision;
        next->https_port = (uint16_t)reply->https_port;
        next->tls_is_on = reply->tls_enabled && reply->spki_sha256.len == SHA256_SIZE;
        if (next->tls_is_on) {
            memcpy(next->spki, reply->spki_sha256.data, SHA256_SIZE);
        }
    }
    finish_one(local);
}

static void on_cluster_zone(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct local *local = ctx;
    uint32_t code = reply->error == NULL ? ERR_OK : reply->error->code;
    local->next.dns_is_up = code != ERR_UNAVAILABLE && code != ERR_TIMEOUT;
    if (code == ERR_OK && reply->zone != NULL) {
        local->next.has_cluster_zone = true;
        local->next.cluster_zone_serial = reply->zone->serial;
    }
    finish_one(local);
}

static void on_catalog(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct local *local = ctx;
    if (reply->error == NULL && reply->zone != NULL) {
        local->next.has_catalog = true;
        local->next.catalog_serial = reply->zone->serial;
    }
    finish_one(local);
}

static void ask_zone(struct local *local, char *name, Dnsd__ZoneOptionsReply_Closure closure)
{
    Dnsd__ZoneRequest request;
    dnsd__zone_request__init(&request);
    request.zone = name;
    dnsd__zones__get_options(rpc_client_service(local->context->dnsd, &dnsd__zones__descriptor),
                             &request, closure, local);
}

static void look(struct local *local)
{
    struct context *context = local->context;
    local->again = false;
    memset(&local->next, 0, sizeof local->next);
    local->open = context->table.in_cluster ? 3 : 1;
    Trellis__Empty empty;
    trellis__empty__init(&empty);
    webd__web__status(rpc_client_service(context->webd, &webd__web__descriptor), &empty, on_web,
                      local);
    if (context->table.in_cluster) {
        ask_zone(local, context->table.domain, on_cluster_zone);
        ask_zone(local, context->table.catalog, on_catalog);
    }
}

void local_look(struct local *local, local_fn fn, void *ctx)
{
    if (fn != NULL && local->waiter_count < WAITERS_MAX) {
        local->waiters[local->waiter_count].fn = fn;
        local->waiters[local->waiter_count].ctx = ctx;
        local->waiter_count++;
    }
    if (local->open > 0) {
        local->again = true;
    } else {
        look(local);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct local *local = ctx;
    if (local->open == 0) {
        look(local);
    }
}

struct local *local_new(struct context *context)
{
    struct local *local = mem_zalloc(sizeof *local);
    local->context = context;
    local->timer = event_new(context->base, -1, EV_PERSIST, on_timer, local);
    struct timeval interval = {.tv_sec = LOOK_S};
    event_add(local->timer, &interval);
    look(local);
    return local;
}

void local_free(struct local *local)
{
    if (local != NULL) {
        event_free(local->timer);
        mem_free(local);
    }
}

const struct local_status *local_get(const struct local *local)
{
    return &local->status;
}

void local_on_look(struct local *local, local_looked_fn fn, void *ctx)
{
    local->looked = fn;
    local->looked_ctx = ctx;
}

// ---- addresses ---------------------------------------------------------------------------------

// Calls `fn` for each address; stops when it returns true, and returns that.
static bool each_address(bool (*fn)(void *ctx, int family, const void *bytes), void *ctx)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        return false;
    }
    bool stopped = false;
    for (struct ifaddrs *i = list; i != NULL && !stopped; i = i->ifa_next) {
        if (i->ifa_addr == NULL) {
            continue;
        }
        if (i->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;
            memcpy(&in, i->ifa_addr, sizeof in);
            stopped = fn(ctx, AF_INET, &in.sin_addr);
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 in6;
            memcpy(&in6, i->ifa_addr, sizeof in6);
            stopped = fn(ctx, AF_INET6, &in6.sin6_addr);
        }
    }
    freeifaddrs(list);
    return stopped;
}

struct listing {
    local_address_fn fn;
    void *ctx;
};

static bool list_address(void *ctx, int family, const void *bytes)
{
    const struct listing *listing = ctx;
    const uint8_t *b = bytes;
    char text[INET6_ADDRSTRLEN];
    bool hidden = family == AF_INET ? b[0] == 127 || (b[0] == 169 && b[1] == 254)
                                    : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)bytes) ||
                                          IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)bytes);
    if (!hidden && inet_ntop(family, bytes, text, sizeof text) != NULL) {
        listing->fn(listing->ctx, text);
    }
    return false;
}

void local_addresses(local_address_fn fn, void *ctx)
{
    struct listing listing = {.fn = fn, .ctx = ctx};
    each_address(list_address, &listing);
}

struct wanted {
    int family;
    uint8_t bytes[16];
};

static bool is_wanted(void *ctx, int family, const void *bytes)
{
    const struct wanted *wanted = ctx;
    return family == wanted->family &&
           memcmp(bytes, wanted->bytes, family == AF_INET ? 4 : 16) == 0;
}

bool local_has_address(const char *address)
{
    struct wanted wanted = {.family = AF_INET};
    if (inet_pton(AF_INET, address, wanted.bytes) == 1) {
        // All of 127.0.0.0/8 is this host, whatever the interfaces list.
        return wanted.bytes[0] == 127 || each_address(is_wanted, &wanted);
    }
    wanted.family = AF_INET6;
    return inet_pton(AF_INET6, address, wanted.bytes) == 1 && each_address(is_wanted, &wanted);
}

uint16_t local_dns_port(struct store *store)
{
    struct str text;
    str_init(&text);
    json_t *list = store_get(store, "settings/dnsServerLocalEndPoints", &text)
                       ? json_loads(text.text, 0, NULL)
                       : setting_default_json(setting_find("dnsServerLocalEndPoints"));
    const char *first = json_string_value(json_array_get(list, 0));
    const char *colon = first == NULL ? NULL : strrchr(first, ':');
    uint32_t port = 53;
    if (colon != NULL && str_to_u32(colon + 1, UINT16_MAX, &port) != ERR_OK) {
        port = 53;
    }
    json_decref(list);
    str_fini(&text);
    return (uint16_t)port;
}
