#pragma once

#include <jansson.h>

#include "clusterd/node/context.h"
#include "clusterd/peer/sign.h"

/*
 * Requests of other nodes: webd receives them by HTTPS and hands them over (clusterd.Peer.Receive).
 * An operation is a row, added at start by the part that serves it. Loop's thread.
 */
struct peer_incoming {
    const struct node *node; // who asks, as the signature proved; NULL for unsigned operations
    uint64_t epoch;          // of its config
    const json_t *body;
    const char *remote_address;
    const char *user; // join: whom webd has authenticated; "" = nobody
};
struct peer_operation {
    const char *name;
    bool is_signed; // else the operation checks who asks by itself
    // Answers at once: `*reply` is a new JSON object, or a failure with its text.
    enum err (*serve)(void *ctx, const struct peer_incoming *in, json_t **reply, struct errmsg *e);
    void *ctx;
};

struct peer_server;
struct peer_server *peer_server_new(struct context *context);
void peer_server_free(struct peer_server *server);
void peer_server_add(struct peer_server *server, const struct peer_operation *operation);

struct peer_request {
    const char *path; // "/cluster/v1/pull"
    const struct http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    const char *remote_address;
    const char *user;
};
// Serves one request; returns the HTTP status, and the answer's JSON (new reference).
unsigned peer_server_receive(struct peer_server *server, const struct peer_request *request,
                             json_t **answer);

// Checks the signature of a forwarded API call. `*result` is valid until the next commit.
NODISCARD enum err peer_server_verify(struct peer_server *server, const char *method,
                                      const char *target, const struct http_header *headers,
                                      size_t header_count, const uint8_t body_sha256[SHA256_SIZE],
                                      struct sign_result *result, struct errmsg *e);
