#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/dns/rrtype.h"
#include "dnsd/zone/zone.h"

/*
 * One owner name of a zone and all its enabled RRsets, in one allocation, never changed once a
 * version that holds it is published:
 *
 *   flags u16 | name_len u8 | labels u8 | rrsets_size u32 | name (folded wire) | RRset | RRset …
 *
 *   RRset: type u16 | count u16 | ttl u32 | size u32 | `count` times: length u16 (network order), RDATA
 *
 * The RRset's own numbers are in the machine's order. They are sorted by type. RRSIGs stand right behind the
 * RRset that they cover: type = the covered one, RRSET_SIGS set in count. The RRset bytes are what
 * LMDB holds too, so that a zone is loaded by copying.
 */
enum {
    NODE_APEX = 1u << 0,
    NODE_ENT = 1u << 1,            // empty non-terminal: no RRset of its own
    NODE_CUT = 1u << 2,            // NS, not at the apex
    NODE_CNAME = 1u << 3,
    NODE_DNAME = 1u << 4,
    NODE_WILDCARD_CHILD = 1u << 5, // "*.<name>" is there
    NODE_BELOW = 1u << 6,          // below a cut or a DNAME: glue or hidden
    NODE_NSEC3 = 1u << 7,          // owner of an NSEC3
};
// What follows from the RRsets alone.
#define NODE_OWN_FLAGS (NODE_ENT | NODE_CUT | NODE_CNAME | NODE_DNAME | NODE_NSEC3)

struct zone_node {
    uint16_t flags;
    uint8_t name_len;
    uint8_t labels;
    uint32_t rrsets_size;
    uint8_t bytes[];
};

#define RRSET_HEADER 12
#define RRSET_SIGS 0x8000u
#define RRSET_COUNT_MAX 0x7fffu

// A node of its own; freed by mem_free. `flags`: APEX, WILDCARD_CHILD and BELOW as given, the rest
// from the RRsets.
struct zone_node *zone_node_new(const uint8_t *name, unsigned flags, const uint8_t *rrsets,
                                size_t rrsets_size);
// NODE_OWN_FLAGS that follow from the RRsets; `is_apex` because NS there is no cut.
unsigned zone_node_flags(const uint8_t *rrsets, size_t rrsets_size, bool is_apex);
// Number of records in packed RRsets.
uint64_t zone_rrsets_records(const uint8_t *rrsets, size_t rrsets_size);

static inline const uint8_t *zone_node_name(const struct zone_node *node)
{
    return node->bytes;
}

static inline const uint8_t *zone_node_rrsets(const struct zone_node *node)
{
    return node->bytes + node->name_len;
}

// Reads the packed RRset at `at` (in front of `end`); returns where the next one begins.
static inline const uint8_t *zone_rrset_unpack(const uint8_t *at, struct zone_rrset *out)
{
    uint16_t type;
    uint16_t count;
    uint32_t ttl;
    uint32_t size;
    memcpy(&type, at, 2);
    memcpy(&count, at + 2, 2);
    memcpy(&ttl, at + 4, 4);
    memcpy(&size, at + 8, 4);
    bool sigs = (count & RRSET_SIGS) != 0;
    out->type = sigs ? TYPE_RRSIG : type;
    out->covered = sigs ? type : 0;
    out->count = count & RRSET_COUNT_MAX;
    out->ttl = ttl;
    out->rdatas = at + RRSET_HEADER;
    out->rdatas_size = size;
    return at + RRSET_HEADER + size;
}

// The RRset of `type`, or the signatures over it when `sigs`.
static inline bool zone_node_rrset(const struct zone_node *node, uint16_t type, bool sigs,
                                   struct zone_rrset *out)
{
    const uint8_t *at = zone_node_rrsets(node);
    const uint8_t *end = at + node->rrsets_size;
    while (at < end) {
        uint16_t here;
        uint16_t count;
        uint32_t size;
        memcpy(&here, at, 2);
        memcpy(&count, at + 2, 2);
        if (here > type) {
            return false;
        }
        if (here == type && ((count & RRSET_SIGS) != 0) == sigs) {
            zone_rrset_unpack(at, out);
            return true;
        }
        memcpy(&size, at + 8, 4);
        at += RRSET_HEADER + size;
    }
    return false;
}
