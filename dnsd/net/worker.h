#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "dnsd/conf/snapshot.h"
#include "dnsd/net/socket.h"
#include "dnsd/net/tcp.h"
#include "dnsd/stats/stats.h"

struct inbox;

/*
 * A thread that answers: its own sockets, its own event loop, its own buffers and counters. It
 * shares with others only what RCU protects.
 */
struct worker;
struct worker_options {
    unsigned index;
    const struct shared *shared;
    int notify_fd; // eventfd of the maintenance thread, written for each NOTIFY
    struct tcp_limits tcp;
};

// Starts the thread. Failures are those of the system.
NODISCARD enum err worker_start(const struct worker_options *options, struct worker **out,
                                struct errmsg *e);
// Ends the thread, closes its sockets and connections, frees it. Any other thread.
void worker_stop(struct worker *worker);

// Gives a bound socket to the worker, which owns it then. Control thread; does not wait.
void worker_listen(struct worker *worker, enum socket_kind kind, const union address *address,
                   int fd);
// Closes the socket of this kind and address. Does not wait.
void worker_unlisten(struct worker *worker, enum socket_kind kind, const union address *address);

struct inbox *worker_inbox(struct worker *worker);
const struct stats *worker_stats(const struct worker *worker);
