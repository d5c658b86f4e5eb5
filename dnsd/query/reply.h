#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dns/wire.h"
#include "dnsd/zone/zone.h"

/*
 * A reply under construction: sections are filled in order, names are compressed against those that
 * stand in it already (RFC 1035 section 4.1.4), an RRset goes in whole or not at all. Lives on the
 * stack of one query; nothing here allocates.
 */
enum reply_section { REPLY_ANSWER, REPLY_AUTHORITY, REPLY_ADDITIONAL, REPLY_SECTION_COUNT };

// Where names stand in the message: hash of the folded name, and its offset.
#define REPLY_NAMES_MAX 96
struct reply_name {
    uint32_t hash;
    uint16_t offset;
};

struct reply {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;               // room for the OPT is kept behind it
    uint16_t flags;             // of the header, without RCODE
    uint16_t rcode;             // with the extended part
    uint16_t counts[REPLY_SECTION_COUNT];
    bool has_question;
    bool has_edns;
    bool dnssec_ok;
    uint16_t udp_size;          // that our OPT offers
    int ede;                    // RFC 8914 INFO-CODE, -1 = none
    const char *ede_text;       // NULL = none
    unsigned names_count;
    struct reply_name names[REPLY_NAMES_MAX];
};

#define REPLY_EDE_TEXT_MAX 64
enum { EDE_NOT_READY = 14, EDE_BLOCKED = 15, EDE_PROHIBITED = 18, EDE_NOT_AUTHORITATIVE = 20 };

// Starts a reply to `query`: ID, opcode, RD and CD from it, the question copied as it came.
// `parsed` NULL = a reply of a header only. `udp_size` as in struct answer_context.
void reply_begin(struct reply *reply, const uint8_t *query, size_t query_size,
                 const struct dns_query *parsed, uint16_t udp_size, uint8_t *out, size_t out_size);
// Writes header and OPT; the size of the message.
size_t reply_finish(struct reply *reply);

// Puts one RRset with owner `name_lower`; false = it did not fit, and nothing was put.
bool reply_rrset(struct reply *reply, enum reply_section section, const uint8_t *name_lower,
                 const struct zone_rrset *rrset, uint32_t ttl);
// One record of ours (not from a zone).
bool reply_record(struct reply *reply, enum reply_section section, const uint8_t *name_lower,
                  uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *rdata,
                  uint16_t rdata_len);
// What must be in the reply did not fit: TC, and nothing more is put.
void reply_truncate(struct reply *reply);
static inline bool reply_is_truncated(const struct reply *reply)
{
    return (reply->flags & DNS_TC) != 0;
}
