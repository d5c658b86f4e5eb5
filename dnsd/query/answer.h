#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dns/wire.h"

struct zone;
struct zone_table;
struct block_set;

// Everything that answering a query may look at: immutable snapshots, valid within the RCU read side.
struct answer_context {
    const struct zone_table *zones;
    const struct block_set *blocks;      // NULL = none; dnsd/block/block.h
    uint16_t udp_size_max;               // settings udpPayloadSize
    bool is_tcp;
    const void *client;                  // struct sockaddr of the client, for query access
    const char *server_name;
};

/*
 * Answers one query (dns_query_read done, opcode QUERY, not AXFR/IXFR): writes the whole reply into
 * `out` (room `out_size`, which the caller limits to what the client can take: 512, EDNS size, or
 * 65535 by TCP) and returns its size; TC is set when it did not fit. 0 = drop. Allocates nothing,
 * takes no lock, keeps nothing.
 *
 * Blocked names, then the closest zone: delegation, wildcard (RFC 4592), CNAME and DNAME chains
 * within our zones, NODATA and NXDOMAIN with SOA (RFC 2308); no zone: REFUSED.
 */
size_t answer_query(const struct answer_context *context, const uint8_t *query, size_t query_size,
                    const struct dns_query *parsed, uint8_t *out, size_t out_size);

// Counters of one thread, read by others (relaxed atomics); rows of dnsd/stats.
