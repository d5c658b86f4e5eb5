#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clusterd/node/table.h"
#include "common/http/http.h"
#include "common/tls/tls.h"

/*
 * Signed requests between nodes. The headers
 *
 *   Trellis-Node         id of the node that asks
 *   Trellis-Target       id of the node that is asked
 *   Trellis-Time         Unix time in ms
 *   Trellis-Nonce        16 random bytes in hex
 *   Trellis-Epoch        epoch of the sender's config
 *   Trellis-Acting-User  the user for whom it asks; only with forwarded API calls
 *   Trellis-Signature    Ed25519 over all of it, base64
 *
 * The signed text is the line "trellis-request-v1" and then method, target (path and query),
 * SHA-256 of the body in hex, and the values above in that order, each closed by a line feed.
 * Loop's thread.
 */
#define SIGN_HEADERS  7
#define SIGN_CLOCK_MS (5u * 60 * 1000) // how far two clocks may be apart

struct sign_request {
    const char *method;
    const char *target;
    uint8_t body_sha256[SHA256_SIZE];
    uint32_t node;
    uint32_t target_node;
    uint64_t epoch;
    const char *acting_user; // NULL or "" = none
};

struct sign_headers {
    struct http_header header[SIGN_HEADERS];
    size_t count;
    char value[SIGN_HEADERS][320];
};
// Fills in time and nonce, signs. ERR_INVALID: the acting user's name does not fit a header.
NODISCARD enum err sign_make(const struct tls_node_key *key, const struct sign_request *request,
                             struct sign_headers *out, struct errmsg *e);

// ---- checking ----------------------------------------------------------------------------------

// Remembers the nonces of what was accepted for as long as they could be accepted again.
struct sign_memory;
struct sign_memory *sign_memory_new(void);
void sign_memory_free(struct sign_memory *memory);

struct sign_check {
    const char *method;
    const char *target;
    uint8_t body_sha256[SHA256_SIZE];
    const struct http_header *headers;
    size_t header_count;
    const struct node_table *table;
    uint32_t self;   // our id
    uint64_t now_ms; // Unix time
};
struct sign_result {
    const struct node *node; // who asks
    uint64_t epoch;
    char acting_user[300];
};
// ERR_DENIED with the reason: a header is missing or malformed, unknown or removed node, another
// target, clocks too far apart, bad signature, seen before.
NODISCARD enum err sign_verify(struct sign_memory *memory, const struct sign_check *check,
                               struct sign_result *result, struct errmsg *e);
