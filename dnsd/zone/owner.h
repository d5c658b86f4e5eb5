#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "dnsd/zone/zone.h"

/*
 * All records of one owner name, disabled ones too, as they are edited. Memory of the records is
 * the arena's that was given with them.
 */
struct owner {
    const uint8_t *name;            // folded
    struct zone_record *records;    // name = the owner's
    size_t count;
    size_t capacity;
};
void owner_init(struct owner *owner, const uint8_t *name);
void owner_fini(struct owner *owner);

/*
 * Stored form, the machine's byte order as LMDB's own:
 *   format u8 | - u8 | metas u16 | modified u32 | rrsets_size u32 | packed RRsets (node.h) | metas
 *   meta: type u16 | rdata_len u16 | ttl u32 | expiry_ttl u32 | modified u32 | used u32 |
 *         comments_len u16 | flags u8 | - u8 | RDATA | comments
 * A record has a meta when it is disabled or has more to it than the name's common modified time.
 */
// Reads the stored form; checks every length. ERR_CORRUPT.
NODISCARD enum err owner_decode(struct owner *owner, struct arena *arena, const void *value,
                                size_t len);
// The packed RRsets in a stored form, checked as a whole, without decoding. ERR_CORRUPT.
NODISCARD enum err owner_rrsets(const void *value, size_t len, const uint8_t **rrsets,
                                size_t *rrsets_size);
// Sorts the records and appends their stored form. ERR_TOO_LARGE when there are too many in an RRset.
NODISCARD enum err owner_encode(struct owner *owner, struct str *out, struct errmsg *e);

// The record of this type and RDATA (names in it compared without case); NULL = none.
struct zone_record *owner_find(const struct owner *owner, uint16_t type, const uint8_t *rdata,
                               size_t rdata_len);
// Any enabled record of the type; NULL = none.
struct zone_record *owner_find_type(const struct owner *owner, uint16_t type);
// A copy of `record` behind the others.
struct zone_record *owner_add(struct owner *owner, struct arena *arena,
                              const struct zone_record *record);
void owner_remove(struct owner *owner, struct zone_record *record);
void owner_remove_type(struct owner *owner, uint16_t type);
// One TTL for the whole RRset (RFC 2181 section 5.2).
void owner_set_ttl(struct owner *owner, uint16_t type, uint32_t ttl);

// Do the records go together: CNAME alone, one of its kind where the type says so, SOA at the
// apex only (RFC 1034 3.6.2, 2181 10.1, 6672 2.4)? ERR_INVALID with the reason.
NODISCARD enum err owner_check(const struct owner *owner, bool is_apex, struct errmsg *e);
// The RRset that a record belongs to: its type, of RRSIGs the covered one with RRSET_SIGS' bit.
uint32_t owner_group(uint16_t type, const uint8_t *rdata, size_t rdata_len);
