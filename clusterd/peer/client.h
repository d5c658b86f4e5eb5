#pragma once

#include <jansson.h>

#include "clusterd/node/context.h"
#include "common/http/http.h"

/*
 * Requests of this node to others: POST <url>cluster/v1/<operation> with a JSON body, signed, over
 * TLS bound to the pins of the node table. Requests do not wait for each other: a silent node
 * delays nobody. A node with several addresses is tried at the next one after a failure. Loop's
 * thread.
 */
#define PEER_PATH       "/cluster/v1/"
#define PEER_BODY_MAX   ((size_t)200 * 1024)
#define PEER_TIMEOUT_MS 10000u

struct peer_client;
NODISCARD enum err peer_client_open(struct context *context, struct peer_client **out,
                                    struct errmsg *e);
void peer_client_close(struct peer_client *client); // open calls end with ERR_UNAVAILABLE

// `reply` is the answer's JSON object, NULL unless `result` is ERR_OK; both valid in the call only.
// ERR_UNAVAILABLE: no answer; any other code came from the other side.
typedef void (*peer_fn)(void *ctx, enum err result, const json_t *reply, const struct errmsg *e);

// Asks a node. `body` is taken over. `fn` is called once, never from inside.
void peer_call(struct peer_client *client, const struct node *node, const char *operation,
               json_t *body, uint32_t timeout_ms, peer_fn fn, void *ctx);

// Asks a node that is not in the table yet (join): not signed.
struct peer_address {
    const char *url;
    const char *address;               // NULL or "": resolve the URL's host
    const uint8_t (*pin)[SHA256_SIZE]; // NULL = PKI
    bool ignore_certificate;
};
void peer_call_address(struct peer_client *client, const struct peer_address *to,
                       const char *operation, json_t *body, uint32_t timeout_ms, peer_fn fn,
                       void *ctx);

// An API call for another node, signed, on behalf of a user.
struct peer_api_call {
    const struct node *node;
    const char *method;
    const char *target; // path and query
    const struct http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    const char *body_path; // file in place of `body`; NULL
    const char *acting_user;
    const char *reply_path; // file for the answer
};
// ERR_INVALID, ERR_IO (body file): nothing was sent and `fn` is not called.
NODISCARD enum err peer_api(struct peer_client *client, const struct peer_api_call *call,
                            http_fn fn, void *ctx, struct errmsg *e);

// Joins a base URL and a path: "https://ns1:53443/" + "/api/x".
void peer_url(const char *base, const char *path, char *out, size_t size);
