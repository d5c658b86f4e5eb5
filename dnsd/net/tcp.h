#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dnsd/net/request.h"

struct event_base;

/*
 * DNS over TCP (RFC 7766) of one worker: pipelined queries, answers in order of arrival, transfers
 * streamed as the client takes them. A connection without work owns no buffer. Bounded: connections
 * in all and per client (the one longest idle goes), bytes held, time without a whole message.
 */
struct tcp_limits {
    size_t connections;  // of this worker
    size_t per_client;   // of one client at this worker
    size_t buffer_bytes; // held for all connections of this worker
};

struct tcp_server;
struct tcp_server *tcp_server_new(struct event_base *base, struct responder *responder,
                                  const struct tcp_limits *limits);
void tcp_server_free(struct tcp_server *server); // closes all connections

// Accepts what waits on the listening socket, a bounded number of connections at once.
void tcp_server_accept(struct tcp_server *server, int listen_fd);
size_t tcp_server_connections(const struct tcp_server *server);

// How long a connection may wait for its next message: `timeout_ms` while there is room, less when
// many are open (RFC 7766 section 6.2.3).
uint32_t tcp_idle_timeout(uint32_t timeout_ms, size_t open, size_t max);
