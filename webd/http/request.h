#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/arena.h"
#include "common/base/hash.h"
#include "webd/http/param.h"

/*
 * One request, whatever brought it (HTTP, or trellisctl through webd/ctl), and its answer. The
 * request lives until web_answer was called; that must happen exactly once, at once or later, in
 * the loop's thread. Texts belong to the request's arena.
 */
struct web_answer;

// A request that another node signed carries this header.
#define WEB_SIGNATURE_HEADER "trellis-signature"

struct web_header {
    const char *name;
    const char *value;
};

#define WEB_BODY_MEMORY ((size_t)256 * 1024) // larger bodies are in a spool file

struct web_request {
    struct arena arena;
    const char *method; // "GET", "HEAD", "POST"
    const char *target; // path and query as received
    const char *path;   // without the query
    struct web_params params;
    const struct web_header *headers;
    size_t header_count;
    const char *media_type; // of the body, lower case without parameters; "" = none
    const uint8_t *body;    // raw body when it is in memory and no multipart form
    size_t body_len;
    char upload[64]; // spool file with the uploaded part or the large body; "" = none
    uint64_t upload_size;
    bool has_digest;                  // made for requests that carry a node's signature
    uint8_t body_digest[SHA256_SIZE]; // SHA-256 of the body as received
    struct sockaddr_storage peer;     // who is connected
    bool is_tls;
    bool is_local; // from trellisctl: acts as the local administrator
    enum err bad;  // the body could not be read: why
    struct errmsg bad_text;
    void *user;                  // the handler's own
    void (*release)(void *user); // called before the request goes; may be NULL
    void (*answer)(struct web_request *request, struct web_answer *answer);
};

// The HTTP statuses in use (RFC 9110 section 15).
enum web_status {
    WEB_OK = 200,
    WEB_TEMPORARY_REDIRECT = 307,
    WEB_BAD_REQUEST = 400,
    WEB_UNAUTHORIZED = 401,
    WEB_FORBIDDEN = 403,
    WEB_NOT_FOUND = 404,
    WEB_CONTENT_TOO_LARGE = 413,
    WEB_SERVICE_UNAVAILABLE = 503,
};

#define WEB_ANSWER_HEADERS 16
struct web_answer {
    unsigned status;
    const char *content_type; // NULL = none
    struct web_header
        headers[WEB_ANSWER_HEADERS]; // texts are copied before the answer call returns
    size_t header_count;
    char *body; // mem_free'd by the transport; NULL = empty
    size_t body_len;
    int fd; // a file to send in place of `body`; closed by the transport; -1 = none
    uint64_t fd_size;
};

// The value of a request header, any case; NULL = not there.
const char *web_request_header(const struct web_request *request, const char *name);
// The value of a cookie, copied to `dst`; false = not there or too long.
bool web_request_cookie(const struct web_request *request, const char *name, char *dst,
                        size_t size);

// Answers; the request must not be touched afterwards.
void web_answer(struct web_request *request, struct web_answer *answer);
void web_answer_init(struct web_answer *answer, unsigned status);
// Adds a header; `value` must live until web_answer returns.
void web_answer_header(struct web_answer *answer, const char *name, const char *value);
