#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"

struct event_base;

/*
 * HTTP client: libcurl's multi interface on a libevent loop. Connections are kept and used again.
 * Only http and https, no redirects, no proxy, no cookies, nothing from the environment. Loop's
 * thread.
 */
struct http_client;
NODISCARD enum err http_client_open(struct event_base *base, struct http_client **out,
                                    struct errmsg *e);
// Requests under way end with ERR_UNAVAILABLE. Not from inside an http_fn; NULL is fine.
void http_client_close(struct http_client *client);

struct http_header {
    const char *name;
    const char *value;
};
struct http_request {
    const char *method; // "GET", "POST"
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    const void *body; // copied
    size_t body_len;
    const char *body_path;       // send this file instead; NULL = body
    const char *connect_address; // IP to connect to in place of resolving the host; NULL
    // The server's key must have one of these SPKI digests (DANE-EE 3 1 1); then names, issuers and
    // expiry do not matter. 0 = ordinary PKI check. Refused for http URLs (ERR_INVALID).
    const uint8_t (*pins)[SHA256_SIZE];
    size_t pin_count;
    bool ignore_certificate; // only where an operator said so
    uint32_t timeout_ms;
    size_t reply_max; // bytes; larger = ERR_TOO_LARGE
    // Write the body to this file (mode 0600, fsynced) instead of memory; NULL. Removed on failure.
    const char *reply_path;
};
struct http_reply {
    // ERR_OK = an HTTP answer came, whatever its status. ERR_UNAVAILABLE: not reachable or cut off;
    // ERR_TIMEOUT; ERR_DENIED: its key or certificate is not the right one; ERR_TOO_LARGE;
    // ERR_INVALID: the request; ERR_NO_SPACE, ERR_IO: files. Whether the server has done what was
    // asked is known for ERR_OK, ERR_DENIED (no) and ERR_INVALID (no) only.
    enum err result;
    char error[256];
    unsigned status;
    const char *body; // NUL-terminated, valid in the callback
    size_t body_len;
    const struct http_header *headers; // names lower case
    size_t header_count;
    uint8_t spki[SHA256_SIZE]; // of the server's key, when has_spki
    bool has_spki;
};
typedef void (*http_fn)(void *ctx, const struct http_reply *reply);
// Starts; `fn` is called exactly once, never from inside. Returns a handle for http_cancel.
struct http_call;
struct http_call *http_send(struct http_client *client, const struct http_request *request,
                            http_fn fn, void *ctx);
// `fn` is not called any more; `call` is gone, as it is once `fn` was called.
void http_cancel(struct http_call *call);
