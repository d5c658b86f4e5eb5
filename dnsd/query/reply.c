#include "dnsd/query/reply.h"

#include <string.h>

#include "common/base/cursor.h"

// The packet path's writer; any worker thread.

enum { OPT_SIZE = 11, OPTION_HEADER = 4, EDE_HEADER = 2, POINTER = 0xc000, OFFSET_MAX = 0x3fff };
enum { OPTION_EDE = 15 };

static uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_u32(uint8_t *p, uint32_t v)
{
    put_u16(p, (uint16_t)(v >> 16));
    put_u16(p + 2, (uint16_t)v);
}

static size_t room(const struct reply *reply)
{
    return (size_t)(reply->end - reply->at);
}

static bool put_bytes(struct reply *reply, const uint8_t *bytes, size_t len)
{
    if (room(reply) < len) {
        return false;
    }
    if (len != 0) {
        memcpy(reply->at, bytes, len);
        reply->at += len;
    }
    return true;
}

// ---- names -------------------------------------------------------------------------------------

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

// Does the name at `offset` of the message equal `name_lower`? Our own pointers lead only backwards.
static bool stands_at(const struct reply *reply, uint16_t offset, const uint8_t *name_lower)
{
    const uint8_t *there = reply->start + offset;
    for (;;) {
        while ((*there & 0xc0) == 0xc0) {
            there = reply->start + (get_u16(there) & OFFSET_MAX);
        }
        if (*there != *name_lower) {
            return false;
        }
        if (*there == 0) {
            return true;
        }
        for (unsigned i = 1; i <= *name_lower; i++) {
            if (lower(there[i]) != name_lower[i]) {
                return false;
            }
        }
        there += *there + 1;
        name_lower += *name_lower + 1;
    }
}

static bool find_name(const struct reply *reply, uint32_t hash, const uint8_t *name_lower,
                      uint16_t *offset)
{
    for (unsigned i = 0; i < reply->names_count; i++) {
        const struct reply_name *n = &reply->names[i];
        if (n->hash == hash && stands_at(reply, n->offset, name_lower)) {
            *offset = n->offset;
            return true;
        }
    }
    return false;
}

static void note_name(struct reply *reply, uint32_t hash, size_t offset)
{
    if (reply->names_count < REPLY_NAMES_MAX && offset <= OFFSET_MAX) {
        reply->names[reply->names_count++] =
            (struct reply_name){.hash = hash, .offset = (uint16_t)offset};
    }
}

// Writes `name` (in the case it has; `name_lower` is the same folded) as labels up to the longest
// suffix that stands in the message already, then a pointer to that.
static bool put_name(struct reply *reply, const uint8_t *name, const uint8_t *name_lower)
{
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    unsigned labels = name_label_offsets(name_lower, offsets) - 1;
    name_hashes(name_lower, offsets, labels, hashes);
    for (unsigned i = 0; i < labels; i++) {
        uint16_t offset;
        if (find_name(reply, (uint32_t)hashes[i], name_lower + offsets[i], &offset)) {
            uint8_t pointer[2];
            put_u16(pointer, (uint16_t)(POINTER | offset));
            return put_bytes(reply, pointer, sizeof pointer);
        }
        const uint8_t *label = name + offsets[i];
        size_t at = (size_t)(reply->at - reply->start);
        if (!put_bytes(reply, label, label[0] + 1u)) {
            return false;
        }
        note_name(reply, (uint32_t)hashes[i], at);
    }
    static const uint8_t root[1] = {0};
    return put_bytes(reply, root, 1);
}

// A name from RDATA keeps its case.
static bool put_rdata_name(struct reply *reply, const uint8_t *name, size_t len)
{
    struct name folded;
    memcpy(folded.wire, name, len);
    folded.len = (uint8_t)len;
    name_fold(folded.wire);
    return put_name(reply, name, folded.wire);
}

// ---- records -----------------------------------------------------------------------------------

static size_t fixed_size(enum rr_field_kind kind)
{
    return kind == RR_U16 ? 2 : 0;
}

// RDATA with its length; only the types of RFC 1035 have names that may be compressed (RFC 3597
// section 4), and in all of those nothing but a u16 stands before a name.
static bool put_rdata(struct reply *reply, uint16_t type, const uint8_t *rdata, uint16_t len)
{
    if (room(reply) < 2) {
        return false;
    }
    uint8_t *length = reply->at;
    reply->at += 2;
    const struct rr_type *row = rr_type_find(type);
    size_t at = 0;
    for (unsigned i = 0; row != NULL && i < RR_FIELDS_MAX; i++) {
        size_t size = fixed_size(row->fields[i].kind);
        bool is_name = row->fields[i].kind == RR_NAME_COMPRESS;
        if (is_name) {
            size = name_len(rdata + at);
        }
        if (size == 0) {
            break;
        }
        if (!(is_name ? put_rdata_name(reply, rdata + at, size) : put_bytes(reply, rdata + at, size))) {
            return false;
        }
        at += size;
    }
    if (!put_bytes(reply, rdata + at, len - at)) {
        return false;
    }
    put_u16(length, (uint16_t)(reply->at - length - 2));
    return true;
}

static bool put_record(struct reply *reply, const uint8_t *name_lower, uint16_t type, uint16_t class,
                       uint32_t ttl, const uint8_t *rdata, uint16_t rdata_len)
{
    if (!put_name(reply, name_lower, name_lower) || room(reply) < 8) {
        return false;
    }
    put_u16(reply->at, type);
    put_u16(reply->at + 2, class);
    put_u32(reply->at + 4, ttl);
    reply->at += 8;
    return put_rdata(reply, type, rdata, rdata_len);
}

bool reply_record(struct reply *reply, enum reply_section section, const uint8_t *name_lower,
                  uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *rdata,
                  uint16_t rdata_len)
{
    uint8_t *at = reply->at;
    unsigned names = reply->names_count;
    if (!put_record(reply, name_lower, type, class, ttl, rdata, rdata_len)) {
        reply->at = at;
        reply->names_count = names;
        return false;
    }
    reply->counts[section]++;
    return true;
}

bool reply_rrset(struct reply *reply, enum reply_section section, const uint8_t *name_lower,
                 const struct zone_rrset *rrset, uint32_t ttl)
{
    uint8_t *at = reply->at;
    unsigned names = reply->names_count;
    uint16_t count = reply->counts[section];
    size_t offset = 0;
    uint16_t len;
    for (;;) {
        const uint8_t *rdata = zone_rrset_next(rrset, &offset, &len);
        if (rdata == NULL) {
            return true;
        }
        if (!reply_record(reply, section, name_lower, rrset->type, CLASS_IN, ttl, rdata, len)) {
            break;
        }
    }
    reply->at = at;
    reply->names_count = names;
    reply->counts[section] = count;
    return false;
}

void reply_truncate(struct reply *reply)
{
    reply->flags |= DNS_TC;
    reply->end = reply->at;
}

// ---- begin and end -----------------------------------------------------------------------------

// Where the question's name and its parents stand, so that answers can point there.
static void note_question(struct reply *reply, const struct dns_query *parsed)
{
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    struct name folded = parsed->qname;
    name_fold(folded.wire);
    unsigned labels = name_label_offsets(folded.wire, offsets) - 1;
    name_hashes(folded.wire, offsets, labels, hashes);
    for (unsigned i = 0; i < labels; i++) {
        note_name(reply, (uint32_t)hashes[i], (size_t)DNS_HEADER_SIZE + offsets[i]);
    }
}

void reply_begin(struct reply *reply, const uint8_t *query, size_t query_size,
                 const struct dns_query *parsed, uint16_t udp_size, uint8_t *out, size_t out_size)
{
    reply->start = out;
    reply->at = out + DNS_HEADER_SIZE;
    reply->end = out + out_size;
    reply->rcode = RCODE_NOERROR;
    memset(reply->counts, 0, sizeof reply->counts);
    reply->has_question = false;
    reply->has_edns = parsed != NULL && parsed->edns.present;
    reply->dnssec_ok = reply->has_edns && parsed->edns.dnssec_ok;
    reply->udp_size = udp_size;
    reply->ede = -1;
    reply->ede_text = NULL;
    reply->names_count = 0;
    uint16_t asked = query_size >= 4 ? get_u16(query + 2) : 0;
    reply->flags = (uint16_t)(DNS_QR | (asked & (DNS_OPCODE_MASK | DNS_RD | DNS_CD)));
    memcpy(out, query, 2);
    if (reply->has_edns) {
        reply->end -= OPT_SIZE + OPTION_HEADER + EDE_HEADER;
    }
    if (parsed != NULL && parsed->question_end > DNS_HEADER_SIZE && parsed->question_end <= query_size &&
        put_bytes(reply, query + DNS_HEADER_SIZE, parsed->question_end - DNS_HEADER_SIZE)) {
        reply->has_question = true;
        note_question(reply, parsed);
    }
}

// OPT with an Extended DNS Error where one was set; its text only when there is room.
static void put_opt(struct reply *reply, const uint8_t *limit)
{
    uint8_t *p = reply->at;
    size_t text = reply->ede_text != NULL ? strnlen(reply->ede_text, REPLY_EDE_TEXT_MAX) : 0;
    if ((size_t)(limit - p) < OPT_SIZE + OPTION_HEADER + EDE_HEADER + text) {
        text = 0;
    }
    p[0] = 0;
    put_u16(p + 1, TYPE_OPT);
    put_u16(p + 3, reply->udp_size);
    p[5] = (uint8_t)(reply->rcode >> 4);
    p[6] = 0;
    put_u16(p + 7, reply->dnssec_ok ? 0x8000 : 0);
    uint16_t options = 0;
    if (reply->ede >= 0) {
        options = (uint16_t)(OPTION_HEADER + EDE_HEADER + text);
        put_u16(p + OPT_SIZE, OPTION_EDE);
        put_u16(p + OPT_SIZE + 2, (uint16_t)(EDE_HEADER + text));
        put_u16(p + OPT_SIZE + 4, (uint16_t)reply->ede);
        if (text != 0) {
            memcpy(p + OPT_SIZE + OPTION_HEADER + EDE_HEADER, reply->ede_text, text);
        }
    }
    put_u16(p + 9, options);
    reply->at += OPT_SIZE + options;
    reply->counts[REPLY_ADDITIONAL]++;
}

size_t reply_finish(struct reply *reply)
{
    if (reply->has_edns) {
        const uint8_t *limit = reply->end + OPT_SIZE + OPTION_HEADER + EDE_HEADER;
        put_opt(reply, limit);
    }
    uint8_t *h = reply->start;
    put_u16(h + 2, (uint16_t)(reply->flags | (reply->rcode & 15)));
    put_u16(h + 4, reply->has_question ? 1 : 0);
    put_u16(h + 6, reply->counts[REPLY_ANSWER]);
    put_u16(h + 8, reply->counts[REPLY_AUTHORITY]);
    put_u16(h + 10, reply->counts[REPLY_ADDITIONAL]);
    return (size_t)(reply->at - reply->start);
}
