#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/dns/tsig.h"
#include "common/dns/wire.h"

// Messages that the maintenance thread sends and what it reads from answers. No state.

// A SOA as it stands in a zone: its RDATA and the numbers in it (RFC 1035 section 3.3.13).
#define SOA_RDATA_MAX (2u * NAME_MAX_WIRE + 20u)
struct message_soa {
    uint8_t rdata[SOA_RDATA_MAX];
    size_t len;
    uint32_t ttl;
    uint32_t serial;
    uint32_t refresh;
    uint32_t retry;
    uint32_t expire;
    uint32_t minimum;
};
// Takes the numbers from RDATA in uncompressed wire form; false = too short.
bool message_soa_set(struct message_soa *soa, const uint8_t *rdata, size_t len, uint32_t ttl);

#define MESSAGE_QUERY_MAX 1536u

// A query of one question, or a NOTIFY (with the SOA as a hint, RFC 1996 section 3.7; NULL = none);
// signed when the state has a key. `id` is drawn. Returns the size.
NODISCARD enum err message_write_query(uint8_t out[MESSAGE_QUERY_MAX], size_t *size,
                                       enum dns_opcode opcode, const struct name *name,
                                       uint16_t type, const struct message_soa *soa,
                                       struct tsig_state *tsig, uint16_t *id);

// Checks that `message` answers the query: id, QR, opcode, the question when there is one, TSIG.
// `*size` shrinks by the TSIG. ERR_NOT_FOUND = not the answer to our query (ignore it); ERR_DENIED
// = signature; ERR_INVALID = malformed. The RCODE is the caller's to look at.
NODISCARD enum err message_check_answer(uint8_t *message, size_t *size, uint16_t id,
                                        enum dns_opcode opcode, const struct name *name,
                                        uint16_t type, struct tsig_state *tsig,
                                        struct dns_header *header, size_t *answers_offset,
                                        struct errmsg *e);

// The first SOA of `name` in the answer section. ERR_NOT_FOUND with what came instead.
NODISCARD enum err message_read_soa(const uint8_t *message, size_t size,
                                    const struct dns_header *header, size_t offset,
                                    const struct name *name, struct message_soa *out,
                                    struct errmsg *e);

// "NXDOMAIN", "REFUSED", … for logs and errors.
const char *message_rcode_text(unsigned rcode);

// RFC 1982: is `a` newer than `b`?
static inline bool serial_newer(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}
