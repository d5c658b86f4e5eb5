#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/rpc/rpc.h"

/*
 * The four nanomsg sockets in use, none of which ever blocks. Nothing else includes nanomsg.
 * One thread at a time; nanomsg's own thread does the system calls.
 *
 * What was learnt about version 1.1.5: a raw REP socket drops a reply in silence when its peer is
 * gone or has no room, so senders keep what matters and send again; a raw REQ socket says EAGAIN
 * instead. The eventfds are levels: readable while there is something to receive (to send). When a
 * connection breaks with bytes in the library's read buffer, these stay there and spoil the next
 * connections of the same endpoint, 8 bytes each time: rpc_sock_renew.
 */
enum rpc_sock_kind { RPC_SOCK_REQ, RPC_SOCK_REP, RPC_SOCK_PUB, RPC_SOCK_SUB };

enum { RPC_PATH_MAX = 108 };   // sun_path

struct rpc_sock {
    int number;      // nanomsg's, not a descriptor; -1 = closed
    int receive_fd;  // to watch only; -1 for PUB
    int send_fd;     // to watch only; -1 for SUB
    char path[RPC_PATH_MAX];      // where it connects to
    int endpoint;                 // of that; -1 = none
    uint64_t connects_before;     // rpc_sock_connects when the endpoint was made
};
#define RPC_SOCK_CLOSED ((struct rpc_sock){.number = -1, .endpoint = -1})

// The SP header of a message: at a server the way back, at a client the request id.
struct rpc_route {
    uint8_t bytes[48];
    size_t len;
};

NODISCARD enum err rpc_sock_open(enum rpc_sock_kind kind, struct rpc_sock *out, struct errmsg *e);
void rpc_sock_close(struct rpc_sock *sock);

// Listens on the file `path`; the group of its folder may connect.
NODISCARD enum err rpc_sock_bind(struct rpc_sock *sock, const char *path, struct errmsg *e);
// Connects, now or when somebody listens there, again and again.
NODISCARD enum err rpc_sock_connect(struct rpc_sock *sock, const char *path, struct errmsg *e);
NODISCARD enum err rpc_sock_subscribe(struct rpc_sock *sock, const void *prefix, size_t len,
                                      struct errmsg *e);

// false = no room or nobody there: keep it. A REP socket says true and may still drop it.
bool rpc_sock_send(struct rpc_sock *sock, const struct rpc_route *route, const void *bytes,
                   size_t len);
// The next message, false = none now; `route` may be NULL. Freed by rpc_sock_free.
bool rpc_sock_receive(struct rpc_sock *sock, struct rpc_route *route, void **message, size_t *len);
void rpc_sock_free(void *message);

// After a lost connection: connects by a new endpoint. Nothing while there is a connection, or when
// there has been none yet.
void rpc_sock_renew(struct rpc_sock *sock);

// For those that connect: connections made since it was opened, and whether there is one now.
uint64_t rpc_sock_connects(const struct rpc_sock *sock);
bool rpc_sock_is_connected(const struct rpc_sock *sock);

// <run_dir>/<server>/<caller>/<file>; ERR_INVALID when it is too long for a socket's name.
NODISCARD enum err rpc_sock_path(const char *run_dir, enum rpc_party server, enum rpc_party caller,
                                 const char *file, char path[RPC_PATH_MAX], struct errmsg *e);
