#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "dnsd/conf/address.h"

enum socket_kind { SOCKET_UDP, SOCKET_TCP, SOCKET_KIND_COUNT };
extern const char *const socket_kind_names[SOCKET_KIND_COUNT]; // "udp", "tcp"

struct socket_options {
    uint32_t send_buffer; // bytes, UDP
    uint32_t receive_buffer;
    uint32_t backlog; // TCP
};

// Is the address free for a server? Another program's sockets count even where SO_REUSEPORT would
// let us share the port with it. ERR_EXISTS "port in use", ERR_UNAVAILABLE "no such address here",
// ERR_DENIED. Makes and closes a socket.
NODISCARD enum err socket_probe(enum socket_kind kind, const union address *address,
                                struct errmsg *e);

// A non-blocking socket of a group that shares the address (SO_REUSEPORT), bound, and listening
// when TCP. On a wildcard address UDP tells where each datagram was sent to. The caller closes it.
NODISCARD enum err socket_open(enum socket_kind kind, const union address *address,
                               const struct socket_options *options, int *fd, struct errmsg *e);
