#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/dns/name.h"

// Transaction signatures (RFC 8945) with OpenSSL's HMAC.

#define TSIG_MAC_MAX 64
#define TSIG_SECRET_MAX 512

struct tsig_key {
    struct name name;          // folded
    struct name algorithm;     // "hmac-sha256." in wire form
    uint8_t secret[TSIG_SECRET_MAX];
    size_t secret_len;
};
// Algorithm words as in the API: "hmac-md5.sig-alg.reg.int" or "hmac-md5", "hmac-sha1",
// "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha256-128" …
NODISCARD enum err tsig_key_init(struct tsig_key *key, const char *name, const char *algorithm,
                                 const char *secret_base64, struct errmsg *e);

// What links the messages of one exchange: the request's MAC, then each message's MAC.
struct tsig_state {
    const struct tsig_key *key;    // NULL = exchange without TSIG
    uint8_t mac[TSIG_MAC_MAX];
    size_t mac_len;
    uint64_t time_signed;
    uint16_t error;                // RCODE_BADSIG, BADKEY, BADTIME to be answered
    bool is_response;              // from now on the MAC before is part of the digest
    bool is_stream;                // second and later messages of a stream: timers only (5.3.1)
};

// Verifies the TSIG RR at `tsig_offset` of a request. `find` gives the key by folded name, NULL =
// unknown. ERR_OK, or ERR_DENIED with state->error set (BADKEY, BADSIG, BADTIME); ERR_INVALID = FORMERR.
typedef const struct tsig_key *(*tsig_find_fn)(void *ctx, const uint8_t *name_lower);
NODISCARD enum err tsig_verify_request(const uint8_t *message, size_t size, size_t tsig_offset,
                                       tsig_find_fn find, void *ctx, uint64_t now_s,
                                       struct tsig_state *state);
// Appends a TSIG RR to `message` (size, room) and counts it in ARCOUNT. For the request of a client,
// the reply of a server, and every message of a stream.
NODISCARD enum err tsig_sign(uint8_t *message, size_t *size, size_t room, uint64_t now_s,
                             struct tsig_state *state);
// A client's check of an answer, and of each message of a stream; unsigned messages in between
// (RFC 8945 5.3.1, at most 99) are added to the digest by tsig_verify_more.
NODISCARD enum err tsig_verify_reply(uint8_t *message, size_t *size, uint64_t now_s,
                                     struct tsig_state *state, struct errmsg *e);
