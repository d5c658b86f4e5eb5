#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dns/wire.h"

struct zone;
struct zone_table;
struct block_set;
struct sockaddr;

// Everything that answering a query may look at: immutable snapshots, valid within the RCU read side.
struct answer_context {
    const struct zone_table *zones;
    const struct block_set *blocks;      // NULL = none; dnsd/block/block.h
    uint16_t udp_size_max;               // settings udpPayloadSize: what our OPT offers
    bool is_tcp;
    bool hide_identity;                  // CHAOS version.bind and id.server are refused
    const struct sockaddr *client;       // for query access; NULL = local, always allowed
    const char *server_name;             // id.server
    const char *version;                 // version.bind
    uint64_t now_s;                      // Unix seconds, once a batch will do; expiry of zones
};

// What the answer came from, for counters and logs.
enum answer_source {
    ANSWER_ERROR,      // FORMERR, BADVERS and the like
    ANSWER_REFUSED,    // none of our zones, or not for this client
    ANSWER_ZONE,
    ANSWER_BLOCKED,
    ANSWER_CHAOS,
    ANSWER_SOURCE_COUNT
};
struct answer_note {
    enum answer_source source;
    const struct zone *zone;      // the closest one, of the first name; NULL = none
    uint16_t rcode;               // with the extended part
};

/*
 * Answers one query (dns_query_read done with RCODE_NOERROR, opcode QUERY, not AXFR/IXFR): writes the
 * whole reply into `out` (room `out_size`, which the caller limits to what the client can take: 512,
 * EDNS size, or 65535 by TCP; at least 512) and returns its size; TC is set when it did not fit.
 * 0 = drop. `note` (may be NULL) gets what happened. Allocates nothing, takes no lock, keeps nothing.
 * `out` must not overlap `query`.
 *
 * Blocked names, then the closest zone: delegation, wildcard (RFC 4592), CNAME and DNAME chains
 * within our zones, NODATA and NXDOMAIN with SOA (RFC 2308); no zone: REFUSED.
 */
size_t answer_query(const struct answer_context *context, const uint8_t *query, size_t query_size,
                    const struct dns_query *parsed, uint8_t *out, size_t out_size,
                    struct answer_note *note);

// A reply with nothing but the question (when `parsed` has one), `rcode` and our OPT if the query had
// one: FORMERR, NOTIMP, REFUSED, NOTAUTH, SERVFAIL. `parsed` NULL = header only. Returns its size.
size_t answer_error(const struct answer_context *context, const uint8_t *query, size_t query_size,
                    const struct dns_query *parsed, uint16_t rcode, uint8_t *out, size_t out_size);
