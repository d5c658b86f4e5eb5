#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "common/base/err.h"
#include "common/dns/name.h"
#include "common/dns/rrtype.h"

// Message header (RFC 1035 section 4.1.1), EDNS (RFC 6891), sections.

#define DNS_HEADER_SIZE   12
#define DNS_UDP_PLAIN_MAX 512
#define DNS_MESSAGE_MAX   65535

enum {
    DNS_QR = 0x8000,
    DNS_AA = 0x0400,
    DNS_TC = 0x0200,
    DNS_RD = 0x0100,
    DNS_RA = 0x0080,
    DNS_AD = 0x0020,
    DNS_CD = 0x0010,
    DNS_OPCODE_MASK = 0x7800,
    DNS_OPCODE_SHIFT = 11
};
enum dns_opcode {
    OPCODE_QUERY = 0,
    OPCODE_IQUERY = 1,
    OPCODE_STATUS = 2,
    OPCODE_NOTIFY = 4,
    OPCODE_UPDATE = 5
};
enum dns_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_YXDOMAIN = 6,
    RCODE_YXRRSET = 7,
    RCODE_NXRRSET = 8,
    RCODE_NOTAUTH = 9,
    RCODE_NOTZONE = 10,
    RCODE_BADVERS = 16,
    RCODE_BADSIG = 16,
    RCODE_BADKEY = 17,
    RCODE_BADTIME = 18,
    RCODE_BADTRUNC = 22,
    RCODE_BADCOOKIE = 23,
};
enum { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };

struct dns_header {
    uint16_t id;
    uint16_t flags;
    uint16_t qdcount, ancount, nscount, arcount;
};
void dns_header_read(struct cursor *c, struct dns_header *h);
void dns_header_write(struct cursor *c, const struct dns_header *h);

// A record as it stands in a message; pointers into it. `rdata_offset` is from the message's start.
struct dns_rr {
    struct name name;
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    uint16_t rdlength;
    size_t rdata_offset;
};
// Reads the record at `*offset`, moves behind it. ERR_INVALID.
NODISCARD enum err dns_rr_read(const uint8_t *message, size_t size, size_t *offset,
                               struct dns_rr *out);

// EDNS of a query.
struct dns_edns {
    bool present;
    uint8_t version;
    uint8_t extended_rcode;
    bool dnssec_ok;
    uint16_t udp_size;
    size_t options_offset; // in the message
    uint16_t options_len;
};

// A message taken apart as far as a server needs it (one question).
struct dns_query {
    struct dns_header header;
    struct name qname; // case as received
    uint16_t qtype;
    uint16_t qclass;
    size_t question_end; // offset behind the question
    struct dns_edns edns;
    size_t tsig_offset; // of the TSIG RR, the last one; 0 = none
};
/*
 * Checks and reads a whole query: header, exactly one question (RFC 9619), the counts that its
 * opcode allows, and the additional section's OPT and TSIG. Allocates nothing. Returns -1 = too
 * short or a response: drop; else the RCODE to answer with:
 *
 *   RCODE_NOERROR  all of `out` is filled
 *   RCODE_BADVERS  the same, but the EDNS version is not 0 (RFC 6891 section 6.1.3)
 *   RCODE_FORMERR  `out->header` is filled; the question too when `question_end` > DNS_HEADER_SIZE
 *   RCODE_NOTIMP   not QUERY, NOTIFY or UPDATE: only `out->header` is filled
 *
 * `edns.present` with FORMERR says that an OPT was read before the fault.
 */
int dns_query_read(const uint8_t *message, size_t size, struct dns_query *out);

// Finds the TSIG RR of any message: 0 = none. ERR_INVALID when the message is malformed or the TSIG
// is not its last record.
NODISCARD enum err dns_tsig_find(const uint8_t *message, size_t size, size_t *tsig_offset);
