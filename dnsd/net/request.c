#include "dnsd/net/request.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/dns/rrtype.h"
#include "common/dns/tsig.h"
#include "dnsd/xfr/inbox.h"
#include "dnsd/xfr/out.h"
#include "dnsd/xfr/pack.h"
#include "dnsd/xfr/policy.h"

// The way of a request: plain queries go straight to answer_query; all else (signed, NOTIFY,
// transfers, faults) takes the longer road below. Runs in workers.

// Another opcode, a signature, IXFR or AXFR. One test for the packet path.
static inline bool is_plain(const struct request *request)
{
    const struct dns_query *q = request->parsed;
    return request->rcode == RCODE_NOERROR && (q->header.flags & DNS_OPCODE_MASK) == 0 &&
           q->tsig_offset == 0 && q->qtype != TYPE_AXFR && q->qtype != TYPE_IXFR;
}

void responder_begin(struct responder *responder, bool is_tcp)
{
    const struct shared *shared = responder->shared;
    responder->snapshot = snapshot_get(shared);
    responder->blocks = rcu_dereference(shared->blocks);
    responder->answer = (struct answer_context){
        .zones = zone_table_get(shared->store),
        .blocks = responder->blocks,
        .udp_size_max = responder->snapshot->udp_size_max,
        .is_tcp = is_tcp,
        .server_name = responder->snapshot->server_name,
        .version = "Trellis",
        .now_s = clock_unix_s(),
    };
}

// How much the client takes by this transport (RFC 6891 section 6.2.3).
static inline size_t reply_room(const struct responder *responder, const struct request *request,
                                size_t out_size)
{
    if (responder->answer.is_tcp) {
        return out_size;
    }
    const struct dns_edns *edns = &request->parsed->edns;
    size_t room = DNS_UDP_PLAIN_MAX;
    if (edns->present && edns->udp_size > room) {
        room = edns->udp_size < responder->snapshot->udp_size_max
                   ? edns->udp_size
                   : responder->snapshot->udp_size_max;
    }
    return room < out_size ? room : out_size;
}

static inline void count_reply(struct responder *responder, const uint8_t *out, size_t size)
{
    struct stats *stats = responder->stats;
    if (size == 0) {
        stats_add(stats, STATS_DROPPED, 1);
        return;
    }
    stats_add(stats, STATS_RESPONSES, 1);
    stats_add_rcode(stats, out[3] & 15u);
    if ((out[2] & (DNS_TC >> 8)) != 0) {
        stats_add(stats, STATS_TRUNCATED, 1);
    }
}

// ---- the longer road ---------------------------------------------------------------------------

// A request on the longer road, with what is found out about it.
struct slow {
    struct responder *responder;
    const struct request *request;
    const struct dns_query *parsed;
    struct tsig_state tsig; // key NULL = unsigned
    uint8_t *out;
    size_t room;
    struct xfr_out **transfer;
};

static size_t reply_error(const struct slow *s, uint16_t rcode)
{
    return answer_error(&s->responder->answer, s->request->message, s->request->size, s->parsed,
                        rcode, s->out, s->room);
}

// The closest zone must be exactly the name asked for; NULL = we do not have it.
static struct zone *find_zone(const struct slow *s, struct name *lower)
{
    *lower = s->parsed->qname;
    name_fold(lower->wire);
    return zone_table_find(s->responder->answer.zones, lower->wire);
}

// The serial of a SOA whose RDATA begins at `offset` of the message.
static bool soa_serial(const uint8_t *message, size_t size, const struct dns_rr *rr,
                       uint32_t *serial)
{
    uint8_t rdata[2 * NAME_MAX_WIRE + 20];
    size_t len;
    if (rr->type != TYPE_SOA || rdata_read(message, size, rr->rdata_offset, rr->rdlength, TYPE_SOA,
                                           rdata, sizeof rdata, &len, NULL) != ERR_OK) {
        return false;
    }
    struct cursor c = cursor_over(rdata + len - 20, 20);
    *serial = cursor_u32(&c);
    return true;
}

// The first record behind the question, if it is a SOA: of NOTIFY in the answer section, of IXFR in
// the authority section.
static bool first_soa_serial(const struct slow *s, uint32_t *serial)
{
    struct dns_rr rr;
    size_t offset = s->parsed->question_end;
    const struct dns_header *h = &s->parsed->header;
    if (h->ancount + h->nscount == 0 ||
        dns_rr_read(s->request->message, s->request->size, &offset, &rr) != ERR_OK) {
        return false;
    }
    return soa_serial(s->request->message, s->request->size, &rr, serial);
}

// Floods are limited by zone, so that one zone's trouble does not hide another's.
enum { LOG_LIMITS = 64 };

static struct log_limit *limit_of(struct log_limit limits[LOG_LIMITS], const struct name *zone)
{
    struct name folded = *zone;
    name_fold(folded.wire);
    return &limits[name_hash(folded.wire) % LOG_LIMITS];
}

static void log_notify_refused(const struct slow *s, const struct name *zone, const char *reason)
{
    static struct log_limit limits[LOG_LIMITS];
    uint64_t held;
    if (log_limit_pass(limit_of(limits, zone), 10, &held)) {
        char text[NAME_MAX_TEXT];
        name_to_text(zone->wire, text);
        log_warn("NOTIFY refused", F_NAME(text), F_ADDR(s->request->client),
                 F_STR("reason", reason), F_U64("repeated", held));
    }
}

// RFC 1996 section 3: the reply says only that it was heard.
static size_t reply_notify(const struct slow *s)
{
    struct responder *responder = s->responder;
    stats_add(responder->stats, STATS_NOTIFY_RECEIVED, 1);
    struct inbox_notify notify = {0};
    struct zone *zone = find_zone(s, &notify.zone);
    if (s->parsed->qtype != TYPE_SOA || s->parsed->qclass != CLASS_IN) {
        return reply_error(s, RCODE_FORMERR);
    }
    if (zone == NULL || !policy_is_secondary(zone_type(zone))) {
        stats_add(responder->stats, STATS_NOTIFY_REFUSED, 1);
        log_notify_refused(s, &notify.zone, "no secondary zone of this name");
        return reply_error(s, RCODE_NOTAUTH);
    }
    if (!policy_notify_allowed(responder->snapshot, responder->answer.zones, zone,
                               s->request->client, s->tsig.key)) {
        stats_add(responder->stats, STATS_NOTIFY_REFUSED, 1);
        log_notify_refused(s, &notify.zone, "not from a primary");
        return reply_error(s, RCODE_REFUSED);
    }
    notify.has_serial = first_soa_serial(s, &notify.serial);
    memcpy(&notify.from, s->request->client,
           s->request->client->sa_family == AF_INET6 ? sizeof notify.from.in6
                                                     : sizeof notify.from.in);
    if (!inbox_put(responder->inbox, &notify)) {
        stats_add(responder->stats, STATS_NOTIFY_DROPPED, 1);
        return 0; // the primary sends it again
    }
    size_t size = reply_error(s, RCODE_NOERROR);
    if (size != 0) {
        s->out[2] |= DNS_AA >> 8;
    }
    return size;
}

// Behind question and OPT nothing stands in a reply of answer_error; the OPT is moved behind the
// SOA.
#define OPT_MAX 64u

// The zone's SOA alone: for IXFR over UDP, and for a client that is current (RFC 1995 section 4).
static size_t reply_soa(const struct slow *s, const struct zone *zone)
{
    const struct zone_version *version = zone_current(zone);
    size_t question_end = s->parsed->question_end;
    size_t size = reply_error(s, RCODE_NOERROR);
    struct zone_rrset rrset;
    size_t offset = 0;
    uint16_t rdata_len;
    uint8_t opt[OPT_MAX];
    size_t opt_len = size - question_end;
    if (size < question_end || opt_len > sizeof opt || version == NULL ||
        !zone_version_rrset(version, zone_apex(zone)->wire, TYPE_SOA, &rrset)) {
        return reply_error(s, RCODE_SERVFAIL);
    }
    memcpy(opt, s->out + question_end, opt_len);
    const uint8_t *rdata = zone_rrset_next(&rrset, &offset, &rdata_len);
    struct pack pack = {.generation = 0};
    pack_begin(&pack, s->out, question_end, s->room - opt_len);
    if (rdata == NULL ||
        !pack_record(&pack, zone_apex(zone)->wire, TYPE_SOA, rrset.ttl, rdata, rdata_len)) {
        return reply_error(s, RCODE_SERVFAIL);
    }
    memcpy(s->out + pack.at, opt, opt_len);
    s->out[2] |= DNS_AA >> 8;
    s->out[7] = 1; // ANCOUNT
    return pack.at + opt_len;
}

static void log_transfer_refused(const struct slow *s, const struct name *zone, const char *reason)
{
    static struct log_limit limits[LOG_LIMITS];
    uint64_t held;
    stats_add(s->responder->stats, STATS_TRANSFERS_REFUSED, 1);
    if (log_limit_pass(limit_of(limits, zone), 1, &held)) {
        char text[NAME_MAX_TEXT];
        char key[NAME_MAX_TEXT] = "";
        name_to_text(zone->wire, text);
        if (s->tsig.key != NULL) {
            name_to_text(s->tsig.key->name.wire, key);
        }
        log_warn("zone transfer refused", F_NAME(text), F_ADDR(s->request->client),
                 F_STR("reason", reason), F_STR("key", key), F_U64("repeated", held));
    }
}

static size_t reply_transfer(const struct slow *s)
{
    struct responder *responder = s->responder;
    struct name apex;
    struct zone *zone = find_zone(s, &apex);
    bool is_tcp = responder->answer.is_tcp;
    if (s->parsed->qtype == TYPE_AXFR && !is_tcp) {
        return reply_error(s, RCODE_FORMERR); // RFC 5936 section 4.2
    }
    if (zone == NULL || s->parsed->qclass != CLASS_IN) {
        log_transfer_refused(s, &apex, "no such zone");
        return reply_error(s, RCODE_NOTAUTH); // RFC 5936 section 2.2.1
    }
    if (!policy_transfer_allowed(responder->snapshot, responder->answer.zones, zone,
                                 s->request->client, s->tsig.key)) {
        log_transfer_refused(s, &apex, "not allowed by the zone's transfer rule");
        return reply_error(s, RCODE_REFUSED);
    }
    if (!zone_serves(zone, responder->answer.now_s)) {
        return reply_error(s, RCODE_SERVFAIL);
    }
    uint32_t serial;
    if (s->parsed->qtype == TYPE_IXFR) {
        if (!first_soa_serial(s, &serial)) {
            return reply_error(s, RCODE_FORMERR);
        }
        uint32_t current = zone_version_serial(zone_current(zone));
        if (!is_tcp || (int32_t)(serial - current) >= 0) {
            return reply_soa(s, zone);
        }
    }
    bool to_cluster =
        s->tsig.key != NULL && s->tsig.key == snapshot_cluster_key(responder->snapshot);
    *s->transfer = xfr_out_open(responder->shared->store, zone, s->parsed, &s->tsig, to_cluster);
    if (*s->transfer == NULL) {
        return reply_error(s, RCODE_SERVFAIL);
    }
    stats_add(responder->stats, STATS_TRANSFERS_OUT, 1);
    return 0;
}

static size_t reply_verified(const struct slow *s)
{
    switch ((s->parsed->header.flags & DNS_OPCODE_MASK) >> DNS_OPCODE_SHIFT) {
    case OPCODE_QUERY:
        if (s->parsed->qtype == TYPE_AXFR || s->parsed->qtype == TYPE_IXFR) {
            return reply_transfer(s);
        }
        return answer_query(&s->responder->answer, s->request->message, s->request->size, s->parsed,
                            s->out, s->room, NULL);
    case OPCODE_NOTIFY:
        return reply_notify(s);
    default:
        return reply_error(s, RCODE_NOTIMP);
    }
}

static void log_tsig_failed(const struct slow *s)
{
    static struct log_limit limits[LOG_LIMITS];
    uint64_t held;
    stats_add(s->responder->stats, STATS_TSIG_FAILED, 1);
    if (log_limit_pass(limit_of(limits, &s->parsed->qname), 1, &held)) {
        char text[NAME_MAX_TEXT];
        name_to_text(s->parsed->qname.wire, text);
        const char *reason = s->tsig.error == RCODE_BADKEY ? "BADKEY: no such key here"
                             : s->tsig.error == RCODE_BADTIME
                                 ? "BADTIME: the clocks differ too much"
                                 : "BADSIG: the secrets differ";
        log_warn("signed request refused", F_NAME(text), F_ADDR(s->request->client),
                 F_STR("reason", reason), F_U64("repeated", held));
    }
}

// Signs what stands in `out`. A reply that leaves no room for its signature is truncated, and the
// client comes by TCP (RFC 8945 section 5.3).
static size_t sign_reply(struct slow *s, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint64_t now = clock_unix_s();
    enum err err = tsig_sign(s->out, &size, s->room, now, &s->tsig);
    if (err != ERR_OK) {
        size = reply_error(s, RCODE_NOERROR);
        s->out[2] |= DNS_TC >> 8;
        err = tsig_sign(s->out, &size, s->room, now, &s->tsig);
    }
    return err == ERR_OK ? size : 0;
}

static size_t reply_signed(struct slow *s)
{
    union {
        const struct snapshot *c;
        void *m;
    } keys = {.c = s->responder->snapshot};
    enum err err =
        tsig_verify_request(s->request->message, s->request->size, s->parsed->tsig_offset,
                            snapshot_tsig_find, keys.m, clock_unix_s(), &s->tsig);
    if (err == ERR_INVALID) {
        return reply_error(s, RCODE_FORMERR);
    }
    if (err != ERR_OK) {
        log_tsig_failed(s);
        return sign_reply(s, reply_error(s, RCODE_NOTAUTH));
    }
    size_t size = reply_verified(s);
    return *s->transfer != NULL ? 0 : sign_reply(s, size);
}

static size_t reply_slow(struct responder *responder, const struct request *request, uint8_t *out,
                         size_t room, struct xfr_out **transfer)
{
    struct slow s = {.responder = responder,
                     .request = request,
                     .parsed = request->parsed,
                     .out = out,
                     .room = room,
                     .transfer = transfer};
    if (request->rcode < 0) {
        return 0;
    }
    if (request->rcode == RCODE_NOTIMP ||
        (request->rcode == RCODE_FORMERR && s.parsed->question_end <= DNS_HEADER_SIZE)) {
        s.parsed = NULL;
        return reply_error(&s, (uint16_t)request->rcode);
    }
    if (request->rcode != RCODE_NOERROR) {
        return reply_error(&s, (uint16_t)request->rcode);
    }
    return s.parsed->tsig_offset != 0 ? reply_signed(&s) : reply_verified(&s);
}

// ------------------------------------------------------------------------------------------------

size_t responder_reply(struct responder *responder, const struct request *request, uint8_t *out,
                       size_t out_size, struct xfr_out **transfer)
{
    *transfer = NULL;
    const struct acl *bypass = &responder->snapshot->block_bypass;
    bool is_bypassed = bypass->count != 0 && acl_allows(bypass, request->client);
    responder->answer.blocks = is_bypassed ? NULL : responder->blocks;
    responder->answer.client = request->client;
    size_t size;
    if (__builtin_expect(is_plain(request), 1)) {
        struct answer_note note;
        size = answer_query(&responder->answer, request->message, request->size, request->parsed,
                            out, reply_room(responder, request, out_size), &note);
        if (note.source == ANSWER_BLOCKED) {
            stats_add(responder->stats, STATS_BLOCKED, 1);
        }
    } else {
        size_t room = request->rcode == RCODE_NOERROR ? reply_room(responder, request, out_size)
                                                      : DNS_UDP_PLAIN_MAX;
        size = reply_slow(responder, request, out, room, transfer);
        if (*transfer != NULL) {
            return 0;
        }
    }
    count_reply(responder, out, size);
    return size;
}
