#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/str.h"
#include "webd/api/api.h"
#include "webd/auth/account.h"
#include "webd/http/request.h"

/*
 * One call of the API: who acts, with which parameters, and the ways to answer. A handler answers
 * exactly once, at once or from a callback, by one of call_ok*, call_file and call_fail*;
 * afterwards the call is gone. Functions that return bool answer the call themselves before they
 * return false.
 */
struct route;
struct Trellis__Error;

struct api_call {
    struct api *api;
    struct web_request *request;
    const struct route *route;
    struct arena *arena;            // of the request
    struct sockaddr_storage client; // the real source, proxies looked through
    char client_text[64];           // its address without the port
    struct account account;         // who acts; empty for the local administrator
    bool is_authenticated;
    bool is_administrator; // trellisctl: all rights
    bool has_session;      // of this node; below says which
    uint8_t session_hash[SHA256_SIZE];
    enum session_type session_type;
    char token[TOKEN_TEXT_SIZE]; // as given; "" = none
    bool is_forwarded;           // another node passed it on
    char from_node[256];
    char cookie[192];       // Set-Cookie of the answer; "" = none
    uint64_t version_epoch; // of the commit that this call made; 0.0 = none
    uint64_t version_seq;
    // Answers in place of the other node's answer when a forwarded call went well; NULL = pass it
    // on.
    void (*after_forward)(struct api_call *call);
    void *state;                  // the handler's own
    void (*release)(void *state); // frees it; may be NULL
};

// The texts of protobuf-c's messages are not const, but packing a message writes to none of them.
static inline char *proto_text(const char *text)
{
    union {
        const char *c;
        char *m;
    } same = {.c = text};
    return same.m;
}

// Who acts, for commits and logs.
const char *call_actor(const struct api_call *call);

// ---- parameters --------------------------------------------------------------------------------

// As given; NULL = absent. `call_text` takes empty for absent too.
const char *call_param(const struct api_call *call, const char *name);
const char *call_text(const struct api_call *call, const char *name);
// Must be there and not empty; `alt` is a second accepted name or NULL.
bool call_need(struct api_call *call, const char *name, const char *alt, const char **out);
// Absent or empty leaves `*out`.
bool call_bool(struct api_call *call, const char *name, bool *out);
bool call_u32(struct api_call *call, const char *name, uint32_t min, uint32_t max, uint32_t *out);
bool call_ttl(struct api_call *call, const char *name, uint32_t *out);
// A comma list into trimmed items of the arena; empty or "false" is no item. `*is_given` says
// whether the parameter was there (empty counts).
void call_list(struct api_call *call, const char *name, char ***items, size_t *count,
               bool *is_given);

// Text to number: "true"/"false" in any case; seconds or 1w2d3h4m5s.
NODISCARD enum err value_bool(const char *text, bool *out);
NODISCARD enum err value_ttl(const char *text, uint32_t *out);
// Seconds to compact unit text ("1h", "0s"); `dst` at least 32 bytes.
void value_ttl_text(uint32_t seconds, char dst[32]);

// ---- rights ------------------------------------------------------------------------------------

bool call_may(const struct api_call *call, enum section section, unsigned flags);
// Zone-level right; false = refused and answered.
bool call_may_zone(struct api_call *call, const char *zone, unsigned flags);
bool call_has_zone(const struct api_call *call, const char *zone, unsigned flags);

// ---- answers -----------------------------------------------------------------------------------

// Takes the reference; NULL = an empty object.
void call_ok(struct api_call *call, json_t *response);
// The response as JSON text already; empties `text`.
void call_ok_text(struct api_call *call, struct str *text);
// A file from memory, as an attachment; empties `text`.
void call_file_text(struct api_call *call, const char *media_type, const char *name,
                    struct str *text);
// A spool file, removed when it is sent.
void call_file_spool(struct api_call *call, const char *media_type, const char *name,
                     const char *spool_name);
void call_fail(struct api_call *call, enum err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void call_fail_error(struct api_call *call, const struct errmsg *e);
// Status "invalid-token" or "2fa-required" in place of "error".
void call_fail_status(struct api_call *call, const char *status, const char *text);
// HTTP 404, empty.
void call_not_found(struct api_call *call);
// Ends with an answer made elsewhere (forwarding); takes answer->body and fd.
void call_answer(struct api_call *call, struct web_answer *answer);
// Frees the call when its request goes without an answer of ours (at the end of the process).
void call_drop(void *call);
// True when `error` is absent; else answers with it. `who` is the daemon that was asked.
bool call_check(struct api_call *call, const struct Trellis__Error *error, const char *who);

// JSON text with everything escaped as the API does; appends. Takes no reference.
void json_append(struct str *out, const json_t *value);
// "2026-11-23T08:42:01.12Z", trailing zeros cut; 0 = unset. New reference.
json_t *json_time_ms(uint64_t unix_ms);
// A string reference also for bytes that are not UTF-8 (they become U+FFFD).
json_t *json_text(const char *text);
