#include "dnsd/xfr/pack.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/dns/rrtype.h"
#include "common/dns/wire.h"

// Message writer for transfers. A pack belongs to one transfer; no state elsewhere.

#define POINTER_MAX 0x3fffu // what 14 bits can name
#define PACK_PROBES 4u

void pack_begin(struct pack *pack, uint8_t *message, size_t at, size_t room)
{
    pack->message = message;
    pack->at = at;
    pack->room = room;
    pack->last_owner_offset = 0;
    pack->generation++;
    if (pack->generation == 0) {
        memset(pack->names, 0, sizeof pack->names);
        pack->generation = 1;
    }
}

// Does the name at `offset` of the message equal `name` (any case)? Pointers in what we wrote
// always go backwards, so it ends.
static bool written_equals(const struct pack *pack, size_t offset, const uint8_t *name)
{
    const uint8_t *m = pack->message;
    for (;;) {
        while (m[offset] >= 0xc0) {
            offset = (size_t)(m[offset] & 0x3f) << 8 | m[offset + 1];
        }
        uint8_t len = m[offset];
        if (len != name[0]) {
            return false;
        }
        if (len == 0) {
            return true;
        }
        for (unsigned i = 1; i <= len; i++) {
            uint8_t a = m[offset + i];
            uint8_t b = name[i];
            a = a >= 'A' && a <= 'Z' ? (uint8_t)(a + 32) : a;
            b = b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b;
            if (a != b) {
                return false;
            }
        }
        offset += len + 1u;
        name += len + 1u;
    }
}

// Offset of the name in the message, 0 = not written yet.
static uint16_t find_written(const struct pack *pack, uint64_t hash, const uint8_t *name)
{
    for (unsigned i = 0; i < PACK_PROBES; i++) {
        const struct pack_name *slot = &pack->names[(hash + i) % PACK_NAMES];
        if (slot->generation != pack->generation) {
            return 0;
        }
        if (slot->hash == hash && written_equals(pack, slot->offset, name)) {
            return slot->offset;
        }
    }
    return 0;
}

static void remember(struct pack *pack, uint64_t hash, size_t offset)
{
    if (offset > POINTER_MAX) {
        return;
    }
    for (unsigned i = 0; i < PACK_PROBES; i++) {
        struct pack_name *slot = &pack->names[(hash + i) % PACK_NAMES];
        if (slot->generation != pack->generation) {
            *slot = (struct pack_name){
                .hash = hash, .offset = (uint16_t)offset, .generation = pack->generation};
            return;
        }
    }
}

bool pack_name(struct pack *pack, const uint8_t *name)
{
    uint8_t lower[NAME_MAX_WIRE];
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    size_t len = name_len(name);
    memcpy(lower, name, len);
    name_fold(lower);
    unsigned labels = name_label_offsets(lower, offsets) - 1;
    name_hashes(lower, offsets, labels, hashes);

    unsigned known = 0;
    uint16_t pointer = 0;
    while (known < labels) {
        pointer = find_written(pack, hashes[known], lower + offsets[known]);
        if (pointer != 0) {
            break;
        }
        known++;
    }
    size_t literal = offsets[known];
    size_t need = literal + (pointer != 0 ? 2 : 1);
    if (pack->room - pack->at < need) {
        return false;
    }
    uint8_t *dst = pack->message + pack->at;
    memcpy(dst, name, literal);
    if (pointer != 0) {
        dst[literal] = (uint8_t)(0xc0 | pointer >> 8);
        dst[literal + 1] = (uint8_t)pointer;
    } else {
        dst[literal] = 0;
    }
    for (unsigned i = 0; i < known; i++) {
        remember(pack, hashes[i], pack->at + offsets[i]);
    }
    pack->at += need;
    return true;
}

static bool put(struct pack *pack, const void *bytes, size_t len)
{
    if (pack->room - pack->at < len) {
        return false;
    }
    if (len != 0) {
        memcpy(pack->message + pack->at, bytes, len);
    }
    pack->at += len;
    return true;
}

static bool put_owner(struct pack *pack, const uint8_t *owner)
{
    if (pack->last_owner_offset != 0 && name_equal_lower(pack->last_owner, owner)) {
        uint8_t pointer[2] = {(uint8_t)(0xc0 | pack->last_owner_offset >> 8),
                              (uint8_t)pack->last_owner_offset};
        return put(pack, pointer, sizeof pointer);
    }
    size_t offset = pack->at;
    if (!pack_name(pack, owner)) {
        return false;
    }
    pack->last_owner_offset = 0;
    if (offset <= POINTER_MAX) {
        memcpy(pack->last_owner, owner, name_len(owner));
        pack->last_owner_offset = (uint16_t)offset;
    }
    return true;
}

// Only the names of RFC 1035 types may be compressed (RFC 3597 section 4); their layouts have
// nothing but numbers beside names.
static bool put_rdata(struct pack *pack, uint16_t type, const uint8_t *rdata, size_t len)
{
    const struct rr_type *row = rr_type_find(type);
    size_t at = 0;
    for (size_t i = 0; row != NULL && i < RR_FIELDS_MAX && at < len; i++) {
        enum rr_field_kind kind = row->fields[i].kind;
        size_t size;
        if (kind == RR_NAME_COMPRESS) {
            if (!pack_name(pack, rdata + at)) {
                return false;
            }
            at += name_len(rdata + at);
            continue;
        }
        if (kind == RR_U16) {
            size = 2;
        } else if (kind == RR_U32 || kind == RR_TTL) {
            size = 4;
        } else {
            break;
        }
        if (size > len - at || !put(pack, rdata + at, size)) {
            return false;
        }
        at += size;
    }
    return put(pack, rdata + at, len - at);
}

bool pack_record(struct pack *pack, const uint8_t *owner, uint16_t type, uint32_t ttl,
                 const uint8_t *rdata, size_t rdata_len)
{
    size_t start = pack->at;
    uint8_t fixed[10] = {(uint8_t)(type >> 8),
                         (uint8_t)type,
                         0,
                         CLASS_IN,
                         (uint8_t)(ttl >> 24),
                         (uint8_t)(ttl >> 16),
                         (uint8_t)(ttl >> 8),
                         (uint8_t)ttl,
                         0,
                         0};
    if (!put_owner(pack, owner) || !put(pack, fixed, sizeof fixed)) {
        pack->at = start;
        return false;
    }
    size_t rdata_at = pack->at;
    if (!put_rdata(pack, type, rdata, rdata_len)) {
        pack->at = start;
        return false;
    }
    size_t written = pack->at - rdata_at;
    pack->message[rdata_at - 2] = (uint8_t)(written >> 8);
    pack->message[rdata_at - 1] = (uint8_t)written;
    return true;
}
