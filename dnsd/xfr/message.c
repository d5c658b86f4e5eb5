#include "dnsd/xfr/message.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/dns/rrtype.h"

// Client side of DNS messages for SOA queries, transfers and NOTIFY.

#define SOA_NUMBERS 20u

static const char *const rcode_texts[16] = {
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",  "RCODE11",  "RCODE12", "RCODE13", "RCODE14",  "RCODE15",
};

const char *message_rcode_text(unsigned rcode)
{
    return rcode_texts[rcode & 15];
}

bool message_soa_set(struct message_soa *soa, const uint8_t *rdata, size_t len, uint32_t ttl)
{
    if (len < SOA_NUMBERS + 2 || len > SOA_RDATA_MAX) {
        return false;
    }
    memcpy(soa->rdata, rdata, len);
    soa->len = len;
    soa->ttl = ttl;
    struct cursor c = cursor_over_const(rdata + len - SOA_NUMBERS, SOA_NUMBERS);
    soa->serial = cursor_u32(&c);
    soa->refresh = cursor_u32(&c);
    soa->retry = cursor_u32(&c);
    soa->expire = cursor_u32(&c);
    soa->minimum = cursor_u32(&c);
    return true;
}

enum err message_write_query(uint8_t out[MESSAGE_QUERY_MAX], size_t *size, enum dns_opcode opcode,
                             const struct name *name, uint16_t type, const struct message_soa *soa,
                             struct tsig_state *tsig, uint16_t *id)
{
    struct cursor c = cursor_over(out, MESSAGE_QUERY_MAX);
    struct dns_header header = {.id = (uint16_t)rand_u64(),
                                .flags = (uint16_t)((unsigned)opcode << DNS_OPCODE_SHIFT),
                                .qdcount = 1,
                                .ancount = soa != NULL};
    if (opcode == OPCODE_NOTIFY) {
        header.flags |= DNS_AA;
    }
    dns_header_write(&c, &header);
    cursor_put(&c, name->wire, name->len);
    cursor_put_u16(&c, type);
    cursor_put_u16(&c, CLASS_IN);
    if (soa != NULL) {
        cursor_put_u16(&c, 0xc000 | DNS_HEADER_SIZE); // the question's name
        cursor_put_u16(&c, TYPE_SOA);
        cursor_put_u16(&c, CLASS_IN);
        cursor_put_u32(&c, soa->ttl);
        cursor_put_u16(&c, (uint16_t)soa->len);
        cursor_put(&c, soa->rdata, soa->len);
    }
    if (c.bad) {
        return ERR_TOO_LARGE;
    }
    *size = cursor_offset(&c);
    *id = header.id;
    return tsig_sign(out, size, MESSAGE_QUERY_MAX, clock_unix_s(), tsig);
}

// The question section, which later messages of a transfer may leave out (RFC 5936 section 2.2.1).
static enum err check_question(const uint8_t *message, size_t size, const struct dns_header *header,
                               const struct name *name, uint16_t type, size_t *offset)
{
    struct name asked;
    if (header->qdcount == 0) {
        return ERR_OK;
    }
    if (header->qdcount != 1 || name_read(message, size, offset, &asked) != ERR_OK) {
        return ERR_INVALID;
    }
    struct cursor c = cursor_over_const(message + *offset, size - *offset);
    uint16_t asked_type = cursor_u16(&c);
    uint16_t asked_class = cursor_u16(&c);
    *offset += 4;
    if (c.bad) {
        return ERR_INVALID;
    }
    return name_equal(asked.wire, name->wire) && asked_type == type && asked_class == CLASS_IN
               ? ERR_OK
               : ERR_NOT_FOUND;
}

enum err message_check_answer(uint8_t *message, size_t *size, uint16_t id, enum dns_opcode opcode,
                              const struct name *name, uint16_t type, struct tsig_state *tsig,
                              struct dns_header *header, size_t *answers_offset, struct errmsg *e)
{
    struct cursor c = cursor_over(message, *size);
    dns_header_read(&c, header);
    if (c.bad) {
        return err_set(e, ERR_INVALID, "the answer is too short");
    }
    uint16_t wanted = (uint16_t)((unsigned)opcode << DNS_OPCODE_SHIFT);
    if (header->id != id || (header->flags & DNS_QR) == 0 ||
        (header->flags & DNS_OPCODE_MASK) != wanted) {
        return ERR_NOT_FOUND;
    }
    *answers_offset = DNS_HEADER_SIZE;
    enum err err = check_question(message, *size, header, name, type, answers_offset);
    if (err == ERR_INVALID) {
        return err_set(e, ERR_INVALID, "the answer is malformed");
    }
    return err == ERR_OK ? tsig_verify_reply(message, size, clock_unix_s(), tsig, e) : err;
}

enum err message_read_soa(const uint8_t *message, size_t size, const struct dns_header *header,
                          size_t offset, const struct name *name, struct message_soa *out,
                          struct errmsg *e)
{
    unsigned rcode = header->flags & 15u;
    if (rcode != RCODE_NOERROR) {
        return err_set(e, ERR_NOT_FOUND, "the primary answers %s", message_rcode_text(rcode));
    }
    for (unsigned i = 0; i < header->ancount; i++) {
        struct dns_rr rr;
        uint8_t rdata[SOA_RDATA_MAX];
        size_t len;
        if (dns_rr_read(message, size, &offset, &rr) != ERR_OK) {
            return err_set(e, ERR_INVALID, "the answer is malformed");
        }
        if (rr.type == TYPE_SOA && name_equal(rr.name.wire, name->wire) &&
            rdata_read(message, size, rr.rdata_offset, rr.rdlength, TYPE_SOA, rdata, sizeof rdata,
                       &len, e) == ERR_OK &&
            message_soa_set(out, rdata, len, rr.ttl)) {
            return ERR_OK;
        }
    }
    return err_set(e, ERR_NOT_FOUND, "the primary has no SOA of the zone");
}
