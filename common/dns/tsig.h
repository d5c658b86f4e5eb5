#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/dns/name.h"

// Transaction signatures (RFC 8945) with OpenSSL's HMAC.

#define TSIG_MAC_MAX    64
#define TSIG_SECRET_MAX 512

struct tsig_key {
    struct name name;      // folded
    struct name algorithm; // "hmac-sha256." in wire form
    uint8_t secret[TSIG_SECRET_MAX];
    size_t secret_len;
};
// Algorithm words as in the API: "hmac-md5.sig-alg.reg.int" or "hmac-md5", "hmac-sha1",
// "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha256-128", "hmac-sha384-192",
// "hmac-sha512-256". ERR_INVALID for another word, a bad name, and a secret that is empty, too long
// or not base64.
NODISCARD enum err tsig_key_init(struct tsig_key *key, const char *name, const char *algorithm,
                                 const char *secret_base64, struct errmsg *e);

// What links the messages of one exchange: the request's MAC, then each message's MAC. Zeroed at
// the start; a client sets `key`, a server lets tsig_verify_request fill it. One exchange, one
// thread.
struct tsig_state {
    const struct tsig_key *key; // NULL = exchange without TSIG
    struct name key_name;       // as in the request, for errors about unknown keys
    struct name algorithm;
    uint8_t mac[TSIG_MAC_MAX];
    size_t mac_len;
    uint64_t time_signed;
    uint16_t error;          // RCODE_BADSIG, BADKEY, BADTIME, BADTRUNC to be answered
    bool is_response;        // from now on the MAC before is part of the digest
    bool is_stream;          // second and later messages of a stream: timers only (5.3.1)
    unsigned unsigned_count; // messages of a stream since the last signed one
    void *pending;           // their digest so far
};
// Frees what is kept for the unsigned messages of a stream, and zeroes the state. Only a client
// that called tsig_verify_reply needs it.
void tsig_state_fini(struct tsig_state *state);

// Verifies the TSIG RR at `tsig_offset` of a request (dns_query.tsig_offset). `find` gives the key
// by folded name, NULL = unknown. ERR_OK, or ERR_DENIED with state->error set (BADKEY, BADSIG,
// BADTIME, BADTRUNC: answer NOTAUTH and sign the answer with this state); ERR_INVALID = FORMERR.
// RFC 8945 5.2.
typedef const struct tsig_key *(*tsig_find_fn)(void *ctx, const uint8_t *name_lower);
NODISCARD enum err tsig_verify_request(const uint8_t *message, size_t size, size_t tsig_offset,
                                       tsig_find_fn find, void *ctx, uint64_t now_s,
                                       struct tsig_state *state);
// Appends a TSIG RR to `message` (size, room) and counts it in ARCOUNT. For the request of a
// client, the reply of a server, and every message of a stream; the state then is ready for the
// next one. After a BADKEY or BADSIG the RR carries the error and no MAC (RFC 8945 5.3.2). Does
// nothing in an exchange without TSIG. ERR_TOO_LARGE when it does not fit, ERR_UNSUPPORTED when
// OpenSSL lacks the hash.
NODISCARD enum err tsig_sign(uint8_t *message, size_t *size, size_t room, uint64_t now_s,
                             struct tsig_state *state);
// Bytes that tsig_sign will add: to be kept free by who fills the message; 0 = nothing.
size_t tsig_sign_size(const struct tsig_state *state);
// A client's check of an answer, and of each message of a stream; the TSIG RR is cut off. Messages
// of a stream may come unsigned, but not the first and at most 99 in a row (5.3.1);
// `unsigned_count` must be 0 after the last one, else it proves nothing. ERR_DENIED with the
// reason, ERR_INVALID = malformed.
NODISCARD enum err tsig_verify_reply(uint8_t *message, size_t *size, uint64_t now_s,
                                     struct tsig_state *state, struct errmsg *e);
