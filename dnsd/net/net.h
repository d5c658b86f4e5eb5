#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/str.h"
#include "dnsd/conf/snapshot.h"
#include "dnsd/stats/stats.h"

struct event_base;
struct inbox;

/*
 * The workers and the addresses they serve. Control thread only. Each address has, by UDP and by
 * TCP, one socket a worker; an address that cannot be bound is logged, listed, and tried again
 * every 5 s, while the others serve.
 */
struct net;
struct net_options {
    unsigned workers;         // 0 = one a core
    uint32_t tcp_connections; // in all
    uint32_t tcp_per_client;
    int notify_fd; // see worker_options
};

NODISCARD enum err net_open(struct event_base *base, const struct shared *shared,
                            const struct net_options *options, struct net **out, struct errmsg *e);
void net_close(struct net *net); // stops the workers

// Listens as the snapshot says: opens what is new, closes what is gone, leaves the rest alone.
void net_apply(struct net *net, const struct snapshot *snapshot);

size_t net_workers(const struct net *net);
struct inbox *net_inbox(struct net *net, size_t worker);
// Adds the counters of all workers to `sums`.
void net_stats(const struct net *net, uint64_t sums[STATS_COUNT]);

// "udp 127.0.0.1:53" for each socket group that serves; with the reason for each that does not.
typedef void (*net_listen_fn)(void *ctx, const char *text);
void net_each_listening(const struct net *net, net_listen_fn fn, void *ctx);
void net_each_failing(const struct net *net, net_listen_fn fn, void *ctx);
