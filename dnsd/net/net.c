#include "dnsd/net/net.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "dnsd/net/socket.h"
#include "dnsd/net/worker.h"

// Which addresses are served, and the workers that do it. Control thread.

#define RETRY_S          5
#define WORKERS_MAX      256u
#define TCP_BUFFER_BYTES ((size_t)64 * 1024 * 1024) // of all workers together
#define SPARE_FILES      512u                       // descriptors beside those of TCP connections

struct endpoint {
    union address address;
    bool is_up[SOCKET_KIND_COUNT];
    char reason[SOCKET_KIND_COUNT][160]; // why not, as last logged
};

struct net {
    struct event *retry;
    struct worker **workers;
    size_t worker_count;
    struct endpoint *endpoints;
    size_t endpoint_count;
    struct socket_options socket_options;
    bool is_closing_some; // sockets of ours may be open for a moment longer
};

static void log_state(const struct endpoint *endpoint, enum socket_kind kind, const char *reason)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(&endpoint->address, text);
    if (reason == NULL) {
        log_info("listening", F_STR("transport", socket_kind_names[kind]), F_STR("address", text));
    } else {
        log_error("cannot listen, trying again every 5 s",
                  F_STR("transport", socket_kind_names[kind]), F_STR("address", text),
                  F_STR("error", reason));
    }
}

// Do we serve this port at another address, or did a moment ago? Then a probe would only find
// ourselves.
static bool shares_port(const struct net *net, const struct endpoint *endpoint,
                        enum socket_kind kind)
{
    if (net->is_closing_some) {
        return true;
    }
    for (size_t i = 0; i < net->endpoint_count; i++) {
        const struct endpoint *other = &net->endpoints[i];
        if (other != endpoint && other->is_up[kind] &&
            address_port(&other->address) == address_port(&endpoint->address)) {
            return true;
        }
    }
    return false;
}

// One socket for each worker; all of them or none.
static enum err open_sockets(struct net *net, const struct endpoint *endpoint,
                             enum socket_kind kind, int *fds, struct errmsg *e)
{
    if (!shares_port(net, endpoint, kind)) {
        enum err err = socket_probe(kind, &endpoint->address, e);
        if (err != ERR_OK) {
            return err;
        }
    }
    for (size_t i = 0; i < net->worker_count; i++) {
        enum err err = socket_open(kind, &endpoint->address, &net->socket_options, &fds[i], e);
        if (err != ERR_OK) {
            while (i > 0) {
                close(fds[--i]);
            }
            return err;
        }
    }
    return ERR_OK;
}

// Tries to serve what is not served yet; a reason is logged when it is a new one.
static void bring_up(struct net *net, struct endpoint *endpoint, enum socket_kind kind)
{
    int fds[WORKERS_MAX];
    struct errmsg e;
    if (endpoint->is_up[kind]) {
        return;
    }
    if (open_sockets(net, endpoint, kind, fds, &e) == ERR_OK) {
        for (size_t i = 0; i < net->worker_count; i++) {
            worker_listen(net->workers[i], kind, &endpoint->address, fds[i]);
        }
        endpoint->is_up[kind] = true;
        endpoint->reason[kind][0] = '\0';
        log_state(endpoint, kind, NULL);
        return;
    }
    if (strncmp(endpoint->reason[kind], e.text, sizeof endpoint->reason[kind] - 1) != 0) {
        snprintf(endpoint->reason[kind], sizeof endpoint->reason[kind], "%.150s", e.text);
        log_state(endpoint, kind, endpoint->reason[kind]);
    }
}

static void bring_all_up(struct net *net)
{
    for (size_t i = 0; i < net->endpoint_count; i++) {
        for (unsigned kind = 0; kind < SOCKET_KIND_COUNT; kind++) {
            bring_up(net, &net->endpoints[i], (enum socket_kind)kind);
        }
    }
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    bring_all_up(ctx);
}

static void bring_down(struct net *net, const struct endpoint *endpoint)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(&endpoint->address, text);
    for (unsigned kind = 0; kind < SOCKET_KIND_COUNT; kind++) {
        for (size_t i = 0; endpoint->is_up[kind] && i < net->worker_count; i++) {
            worker_unlisten(net->workers[i], (enum socket_kind)kind, &endpoint->address);
        }
    }
    log_info("no longer listening", F_STR("address", text));
}

static bool is_among(const union address *address, const union address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (address_equal(address, &list[i])) {
            return true;
        }
    }
    return false;
}

static const struct endpoint *find_endpoint(const struct net *net, const union address *address)
{
    for (size_t i = 0; i < net->endpoint_count; i++) {
        if (address_equal(&net->endpoints[i].address, address)) {
            return &net->endpoints[i];
        }
    }
    return NULL;
}

void net_apply(struct net *net, const struct snapshot *snapshot)
{
    net->socket_options = (struct socket_options){.send_buffer = snapshot->udp_send_buffer,
                                                  .receive_buffer = snapshot->udp_receive_buffer,
                                                  .backlog = snapshot->listen_backlog};
    for (size_t i = 0; i < net->endpoint_count; i++) {
        if (!is_among(&net->endpoints[i].address, snapshot->endpoints, snapshot->endpoint_count)) {
            bring_down(net, &net->endpoints[i]);
            net->is_closing_some = true;
        }
    }
    struct endpoint *endpoints = mem_calloc(snapshot->endpoint_count, sizeof *endpoints);
    for (size_t i = 0; i < snapshot->endpoint_count; i++) {
        const struct endpoint *before = find_endpoint(net, &snapshot->endpoints[i]);
        if (before != NULL) {
            endpoints[i] = *before;
        } else {
            endpoints[i].address = snapshot->endpoints[i];
        }
    }
    mem_free(net->endpoints);
    net->endpoints = endpoints;
    net->endpoint_count = snapshot->endpoint_count;
    bring_all_up(net);
    net->is_closing_some = false;
}

// The daemon's skeleton has raised the limit of open files as far as it goes.
static void check_file_limit(uint32_t connections)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)connections + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < want) {
        log_warn("the limit of open files is low: fewer TCP connections than configured",
                 F_U64("limit", limit.rlim_cur), F_U64("wanted", want));
    }
}

static unsigned worker_number(unsigned configured)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = configured != 0 ? configured : cores > 0 ? (unsigned)cores : 1;
    return n < WORKERS_MAX ? n : WORKERS_MAX;
}

enum err net_open(struct event_base *base, const struct shared *shared,
                  const struct net_options *options, struct net **out, struct errmsg *e)
{
    check_file_limit(options->tcp_connections);
    struct net *net = mem_zalloc(sizeof *net);
    unsigned count = worker_number(options->workers);
    net->workers = mem_calloc(count, sizeof(struct worker *));
    for (unsigned i = 0; i < count; i++) {
        struct worker_options w = {.index = i, .shared = shared, .notify_fd = options->notify_fd};
        w.tcp = (struct tcp_limits){.connections = options->tcp_connections / count + 1,
                                    .per_client = options->tcp_per_client / count + 1,
                                    .buffer_bytes = TCP_BUFFER_BYTES / count};
        enum err err = worker_start(&w, &net->workers[i], e);
        if (err != ERR_OK) {
            net_close(net);
            return err;
        }
        net->worker_count++;
    }
    struct timeval every = {.tv_sec = RETRY_S};
    net->retry = event_new(base, -1, EV_PERSIST, on_retry, net);
    event_add(net->retry, &every);
    *out = net;
    return ERR_OK;
}

void net_close(struct net *net)
{
    if (net == NULL) {
        return;
    }
    for (size_t i = 0; i < net->worker_count; i++) {
        worker_stop(net->workers[i]);
    }
    if (net->retry != NULL) {
        event_free(net->retry);
    }
    mem_free(net->workers);
    mem_free(net->endpoints);
    mem_free(net);
}

size_t net_workers(const struct net *net)
{
    return net->worker_count;
}

struct inbox *net_inbox(struct net *net, size_t worker)
{
    return worker_inbox(net->workers[worker]);
}

void net_stats(const struct net *net, uint64_t sums[STATS_COUNT])
{
    for (size_t i = 0; i < net->worker_count; i++) {
        stats_sum(worker_stats(net->workers[i]), sums);
    }
}

static void each(const struct net *net, bool is_up, net_listen_fn fn, void *ctx)
{
    for (size_t i = 0; i < net->endpoint_count; i++) {
        const struct endpoint *endpoint = &net->endpoints[i];
        char address[ADDRESS_TEXT_SIZE];
        address_text(&endpoint->address, address);
        for (unsigned kind = 0; kind < SOCKET_KIND_COUNT; kind++) {
            char text[ADDRESS_TEXT_SIZE + 180];
            if (endpoint->is_up[kind] != is_up) {
                continue;
            }
            snprintf(text, sizeof text, "%s %s%s%s", socket_kind_names[kind], address,
                     is_up ? "" : ": ", is_up ? "" : endpoint->reason[kind]);
            fn(ctx, text);
        }
    }
}

void net_each_listening(const struct net *net, net_listen_fn fn, void *ctx)
{
    each(net, true, fn, ctx);
}

void net_each_failing(const struct net *net, net_listen_fn fn, void *ctx)
{
    each(net, false, fn, ctx);
}
