#include "dnsd/xfr/out.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"
#include "dnsd/xfr/pack.h"

// One outgoing transfer: SOA, everything else in canonical order, SOA (RFC 5936 section 2.2). Runs
// in the worker that has the connection; owns the pinned version and a copy of the key.

// A message is sent when it is this full: pointers reach 16 KiB, more would only cost latency.
#define MESSAGE_TARGET 32768u

enum stage { STAGE_RECORDS, STAGE_LAST_SOA, STAGE_DONE, STAGE_FAILED };

struct xfr_out {
    struct zone_store *store;
    const struct zone_version *version;
    struct zone_iter iter;
    bool iter_open;
    struct zone_record pending; // taken from the iterator, not yet written
    bool has_pending;
    bool with_private;
    bool first_message;
    enum stage stage;
    struct name apex;
    char zone[NAME_MAX_TEXT];
    uint16_t id;
    uint16_t flags; // RD of the query
    struct name qname;
    uint16_t qtype;
    uint8_t *soa; // RDATA, for the end
    uint16_t soa_len;
    uint32_t soa_ttl;
    uint64_t records;
    struct tsig_key key;
    struct tsig_state tsig;
    struct pack pack;
};

struct xfr_out *xfr_out_open(struct zone_store *store, struct zone *zone,
                             const struct dns_query *query, const struct tsig_state *tsig,
                             bool with_private)
{
    const struct zone_version *version = zone_pin(zone);
    if (version == NULL) {
        return NULL;
    }
    struct xfr_out *out = mem_zalloc(sizeof *out);
    out->store = store;
    out->version = version;
    out->with_private = with_private;
    out->first_message = true;
    out->apex = *zone_apex(zone);
    if (!str_copy(out->zone, sizeof out->zone, zone_text(zone))) {
        out->zone[0] = '\0';
    }
    out->id = query->header.id;
    out->flags = (uint16_t)(DNS_QR | DNS_AA | (query->header.flags & DNS_RD));
    out->qname = query->qname;
    out->qtype = query->qtype;
    if (tsig != NULL && tsig->key != NULL) {
        out->key = *tsig->key;
        out->tsig = *tsig;
        out->tsig.key = &out->key;
    }
    zone_iter_init(&out->iter, store, zone, version, NULL, false);
    out->iter_open = true;
    return out;
}

void xfr_out_close(struct xfr_out *out)
{
    if (out == NULL) {
        return;
    }
    if (out->iter_open) {
        zone_iter_fini(&out->iter);
    }
    zone_unpin(out->version);
    mem_free(out->soa);
    mem_wipe(&out->key, sizeof out->key);
    mem_free(out);
}

static bool is_sent(const struct xfr_out *out, const struct zone_record *record)
{
    if (out->with_private) {
        return true;
    }
    const struct rr_type *row = rr_type_find(record->type);
    return row == NULL || (row->flags & RR_PRIVATE) == 0;
}

// Gets the next record to send into `pending`; false = no more.
static bool fetch(struct xfr_out *out)
{
    while (!out->has_pending) {
        if (!zone_iter_next(&out->iter, &out->pending)) {
            return false;
        }
        out->has_pending = is_sent(out, &out->pending);
    }
    return true;
}

// The first record is the SOA; kept, because the transfer ends with it again.
static bool keep_soa(struct xfr_out *out)
{
    if (out->pending.type != TYPE_SOA) {
        return false;
    }
    out->soa = mem_dup(out->pending.rdata, out->pending.rdata_len);
    out->soa_len = out->pending.rdata_len;
    out->soa_ttl = out->pending.ttl;
    return true;
}

static void fill(struct xfr_out *out, uint16_t *count)
{
    struct pack *pack = &out->pack;
    while (out->stage == STAGE_RECORDS && pack->at < MESSAGE_TARGET) {
        if (!fetch(out)) {
            out->stage = out->soa == NULL ? STAGE_FAILED : STAGE_LAST_SOA;
            break;
        }
        const struct zone_record *r = &out->pending;
        if (out->soa == NULL && !keep_soa(out)) {
            out->stage = STAGE_FAILED;
            return;
        }
        if (!pack_record(pack, r->name, r->type, r->ttl, r->rdata, r->rdata_len)) {
            if (*count == 0) {
                out->stage = STAGE_FAILED; // does not fit a message of its own
            }
            return;
        }
        out->has_pending = false;
        out->records++;
        (*count)++;
    }
    if (out->stage == STAGE_LAST_SOA &&
        pack_record(pack, out->apex.wire, TYPE_SOA, out->soa_ttl, out->soa, out->soa_len)) {
        (*count)++;
        out->stage = STAGE_DONE;
    }
}

static bool write_question(struct xfr_out *out)
{
    struct pack *pack = &out->pack;
    if (!pack_name(pack, out->qname.wire) || pack->room - pack->at < 4) {
        return false;
    }
    uint8_t rest[4] = {(uint8_t)(out->qtype >> 8), (uint8_t)out->qtype, 0, CLASS_IN};
    memcpy(pack->message + pack->at, rest, sizeof rest);
    pack->at += sizeof rest;
    return true;
}

size_t xfr_out_next(struct xfr_out *out, uint8_t *message, size_t room)
{
    if (out->stage == STAGE_DONE || out->stage == STAGE_FAILED) {
        return 0;
    }
    struct dns_header header = {.id = out->id, .flags = out->flags};
    pack_begin(&out->pack, message, DNS_HEADER_SIZE, room - tsig_sign_size(&out->tsig));
    if (out->first_message) {
        header.qdcount = 1;
        if (!write_question(out)) {
            out->stage = STAGE_FAILED;
            return 0;
        }
    }
    fill(out, &header.ancount);
    if (out->stage == STAGE_FAILED) {
        return 0;
    }
    struct cursor c = cursor_over(message, DNS_HEADER_SIZE);
    dns_header_write(&c, &header);
    size_t size = out->pack.at;
    if (tsig_sign(message, &size, room, clock_unix_s(), &out->tsig) != ERR_OK) {
        out->stage = STAGE_FAILED;
        return 0;
    }
    out->first_message = false;
    return size;
}

bool xfr_out_failed(const struct xfr_out *out)
{
    return out->stage == STAGE_FAILED;
}

const char *xfr_out_zone(const struct xfr_out *out)
{
    return out->zone;
}

uint32_t xfr_out_serial(const struct xfr_out *out)
{
    return zone_version_serial(out->version);
}

uint64_t xfr_out_records(const struct xfr_out *out)
{
    return out->records;
}
