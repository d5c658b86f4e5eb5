/*
 * DNS messages as a server reads them. On the packet path: nothing is allocated, every byte is
 * looked at once. Stateless; any thread.
 */
#include "common/dns/wire.h"

#include <string.h>

#define RR_FIXED       10 // type, class, TTL, RDLENGTH
#define QUESTION_FIXED 4
#define LABEL_MAX      63

void dns_header_read(struct cursor *c, struct dns_header *h)
{
    h->id = cursor_u16(c);
    h->flags = cursor_u16(c);
    h->qdcount = cursor_u16(c);
    h->ancount = cursor_u16(c);
    h->nscount = cursor_u16(c);
    h->arcount = cursor_u16(c);
}

void dns_header_write(struct cursor *c, const struct dns_header *h)
{
    cursor_put_u16(c, h->id);
    cursor_put_u16(c, h->flags);
    cursor_put_u16(c, h->qdcount);
    cursor_put_u16(c, h->ancount);
    cursor_put_u16(c, h->nscount);
    cursor_put_u16(c, h->arcount);
}

// The fixed part of a record at `*offset`; moves it behind the RDATA.
static bool read_fixed(const uint8_t *message, size_t size, size_t *offset, struct dns_rr *out)
{
    struct cursor c = cursor_over_const(message + *offset, size - *offset);
    out->type = cursor_u16(&c);
    out->class = cursor_u16(&c);
    out->ttl = cursor_u32(&c);
    out->rdlength = cursor_u16(&c);
    out->rdata_offset = *offset + RR_FIXED;
    if (cursor_take(&c, out->rdlength) == NULL) {
        return false;
    }
    *offset = out->rdata_offset + out->rdlength;
    return true;
}

enum err dns_rr_read(const uint8_t *message, size_t size, size_t *offset, struct dns_rr *out)
{
    size_t at = *offset;
    struct dns_rr rr;
    if (at > size || name_read(message, size, &at, &rr.name) != ERR_OK ||
        !read_fixed(message, size, &at, &rr)) {
        return ERR_INVALID;
    }
    memcpy(out->name.wire, rr.name.wire, rr.name.len);
    out->name.len = rr.name.len;
    out->type = rr.type;
    out->class = rr.class;
    out->ttl = rr.ttl;
    out->rdlength = rr.rdlength;
    out->rdata_offset = rr.rdata_offset;
    *offset = at;
    return ERR_OK;
}

// Moves behind an owner name without following its pointer.
static bool skip_name(const uint8_t *message, size_t size, size_t *offset)
{
    size_t at = *offset;
    while (at < size) {
        uint8_t c = message[at];
        if (c == 0) {
            *offset = at + 1;
            return true;
        }
        if (c > LABEL_MAX) {
            size_t target = at + 1 < size ? (size_t)(c & 0x3F) << 8 | message[at + 1] : at;
            *offset = at + 2;
            return c >= 0xC0 && target < at && target >= DNS_HEADER_SIZE;
        }
        at += c + 1u;
        if (at - *offset >= NAME_MAX_WIRE) {
            return false;
        }
    }
    return false;
}

// Options are {code, length, bytes} up to the end (RFC 6891 section 6.1.2).
static bool options_fit(const uint8_t *options, size_t len)
{
    while (len > 0) {
        if (len < 4) {
            return false;
        }
        size_t option = 4 + ((size_t)options[2] << 8 | options[3]);
        if (option > len) {
            return false;
        }
        options += option;
        len -= option;
    }
    return true;
}

// RFC 6891 section 6.1.1: at most one OPT, its owner is the root.
static bool read_opt(const uint8_t *message, const struct dns_rr *rr, bool owner_is_root,
                     struct dns_edns *edns)
{
    if (edns->present || !owner_is_root || !options_fit(message + rr->rdata_offset, rr->rdlength)) {
        return false;
    }
    edns->present = true;
    edns->udp_size = rr->class;
    edns->extended_rcode = (uint8_t)(rr->ttl >> 24);
    edns->version = (uint8_t)(rr->ttl >> 16);
    edns->dnssec_ok = (rr->ttl & 0x8000) != 0;
    edns->options_offset = rr->rdata_offset;
    edns->options_len = rr->rdlength;
    return true;
}

static bool skip_records(const uint8_t *message, size_t size, size_t *offset, unsigned count)
{
    struct dns_rr rr;
    for (; count > 0; count--) {
        if (!skip_name(message, size, offset) || !read_fixed(message, size, offset, &rr)) {
            return false;
        }
    }
    return true;
}

static bool read_additional(const uint8_t *message, size_t size, size_t *offset,
                            struct dns_query *out)
{
    struct dns_rr rr;
    for (unsigned left = out->header.arcount; left > 0; left--) {
        size_t start = *offset;
        if (!skip_name(message, size, offset) || !read_fixed(message, size, offset, &rr)) {
            return false;
        }
        if (rr.type == TYPE_OPT && !read_opt(message, &rr, message[start] == 0, &out->edns)) {
            return false;
        }
        if (rr.type == TYPE_TSIG) {
            // RFC 8945 section 5.1: the last record, and so the only one.
            if (left != 1) {
                return false;
            }
            out->tsig_offset = start;
        }
    }
    return true;
}

// The question's name cannot be compressed: nothing stands before it.
static bool read_question(const uint8_t *message, size_t size, struct dns_query *out)
{
    size_t len = name_check(message + DNS_HEADER_SIZE, size - DNS_HEADER_SIZE);
    size_t end = DNS_HEADER_SIZE + len + QUESTION_FIXED;
    if (len == 0 || end > size) {
        return false;
    }
    out->qname.len = (uint8_t)len;
    memcpy(out->qname.wire, message + DNS_HEADER_SIZE, len);
    out->qtype = (uint16_t)(message[end - 4] << 8 | message[end - 3]);
    out->qclass = (uint16_t)(message[end - 2] << 8 | message[end - 1]);
    out->question_end = end;
    return true;
}

// A plain query carries no records but in the additional section; IXFR its SOA (RFC 1995 section
// 3).
static bool counts_make_sense(const struct dns_query *query, unsigned opcode)
{
    if (opcode != OPCODE_QUERY) {
        return true;
    }
    return query->header.ancount == 0 &&
           query->header.nscount <= (query->qtype == TYPE_IXFR ? 1 : 0);
}

int dns_query_read(const uint8_t *message, size_t size, struct dns_query *out)
{
    if (size < DNS_HEADER_SIZE || (message[2] & 0x80) != 0) {
        return -1;
    }
    struct cursor c = cursor_over_const(message, DNS_HEADER_SIZE);
    dns_header_read(&c, &out->header);
    out->qname.len = 1;
    out->qname.wire[0] = 0;
    out->qtype = 0;
    out->qclass = 0;
    out->question_end = DNS_HEADER_SIZE;
    out->edns = (struct dns_edns){.present = false};
    out->tsig_offset = 0;

    unsigned opcode = (unsigned)(out->header.flags & DNS_OPCODE_MASK) >> DNS_OPCODE_SHIFT;
    if (opcode != OPCODE_QUERY && opcode != OPCODE_NOTIFY && opcode != OPCODE_UPDATE) {
        return RCODE_NOTIMP;
    }
    if (out->header.qdcount != 1 || !read_question(message, size, out) ||
        !counts_make_sense(out, opcode)) {
        return RCODE_FORMERR;
    }
    size_t at = out->question_end;
    unsigned skipped = (unsigned)out->header.ancount + out->header.nscount;
    if (!skip_records(message, size, &at, skipped) || !read_additional(message, size, &at, out) ||
        at != size) {
        return RCODE_FORMERR;
    }
    return out->edns.present && out->edns.version != 0 ? RCODE_BADVERS : RCODE_NOERROR;
}

enum err dns_tsig_find(const uint8_t *message, size_t size, size_t *tsig_offset)
{
    if (size < DNS_HEADER_SIZE) {
        return ERR_INVALID;
    }
    struct dns_query q = {.tsig_offset = 0};
    struct cursor c = cursor_over_const(message, DNS_HEADER_SIZE);
    dns_header_read(&c, &q.header);
    size_t at = DNS_HEADER_SIZE;
    for (unsigned left = q.header.qdcount; left > 0; left--) {
        if (!skip_name(message, size, &at) || size - at < QUESTION_FIXED) {
            return ERR_INVALID;
        }
        at += QUESTION_FIXED;
    }
    unsigned skipped = (unsigned)q.header.ancount + q.header.nscount;
    if (!skip_records(message, size, &at, skipped) || !read_additional(message, size, &at, &q)) {
        return ERR_INVALID;
    }
    *tsig_offset = q.tsig_offset;
    return ERR_OK;
}
