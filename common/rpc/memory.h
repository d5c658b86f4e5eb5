#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/rpc/rpc.h"
#include "common/rpc/sock.h"

struct server_method;

/*
 * What a server knows of its clients and their calls, so that a request that arrives twice does not
 * run twice. All in the server's loop.
 *
 *   memory ──▶ client (one run of an rpc_client) ──▶ call, running
 *                                                └─▶ call, done: the packed reply of an RPC_ONCE
 *
 * A client says with each request which of its calls are finished for good (`done`), so only the
 * replies of its open calls are kept. Bounds: clients, calls of a client, bytes in all. What had to
 * be forgotten raises the client's `floor`: a call at or below it that is not found may have run.
 */
enum {
    MEMORY_CLIENTS_MAX = 256,
    MEMORY_CALLS_MAX = 4 * RPC_WINDOW,   // of one client, running and kept
};
#define MEMORY_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct memory_call {
    TAILQ_ENTRY(memory_call) of_client;
    TAILQ_ENTRY(memory_call) by_age;   // kept replies only, oldest first
    struct memory *memory;             // NULL: the server was closed meanwhile
    struct memory_client *client;
    enum rpc_party party;
    struct rpc_route route;            // the way back; that of the newest copy of the request
    const struct server_method *method;
    uint64_t id;
    ProtobufCMessage *request;         // while it runs
    uint8_t *reply;                    // packed frame, once it is done
    size_t reply_len;
};
TAILQ_HEAD(memory_calls, memory_call);

struct memory_client {
    TAILQ_ENTRY(memory_client) link;
    uint64_t incarnation;
    enum rpc_party party;
    uint64_t floor;
    unsigned call_count;
    struct memory_calls calls;
};
TAILQ_HEAD(memory_clients, memory_client);

struct memory {
    struct memory_clients clients;   // last heard of first
    struct memory_calls kept;
    unsigned client_count;
    size_t kept_bytes;
    void *owner;                     // the server
};

void memory_init(struct memory *m, void *owner);
// Drops all; running calls stay alive for their handlers, with `memory` NULL.
void memory_fini(struct memory *m);

// The client's record, made if need be with `floor`; a full memory drops the one not heard of for
// longest that has nothing running. NULL = all are busy.
struct memory_client *memory_client(struct memory *m, enum rpc_party party, uint64_t incarnation,
                                    uint64_t floor);

// Forgets the kept replies of calls below `done`.
void memory_client_done(struct memory *m, struct memory_client *client, uint64_t done);

struct memory_call *memory_find(const struct memory_client *client, uint64_t id);

// A new running call; NULL = the client has too many.
struct memory_call *memory_add(struct memory *m, struct memory_client *client, uint64_t id);

// Ends a running call and keeps its reply.
void memory_keep(struct memory *m, struct memory_call *call, const uint8_t *reply, size_t len);
// Ends a call, running or kept, and forgets it.
void memory_drop(struct memory *m, struct memory_call *call);
