#include "dnsd/xfr/in.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"

// Runs in the maintenance thread. Everything here comes from another server: each record is checked
// by its type's layout before it is kept.

struct xfr_in {
    struct name apex;
    struct zone_load *load;
    struct message_soa soa;
    bool has_soa;
    uint64_t records;
    uint64_t ignored;
    uint8_t rdata[RDATA_MAX];
};

struct xfr_in *xfr_in_new(const struct name *apex)
{
    struct xfr_in *in = mem_zalloc(sizeof *in);
    in->apex = *apex;
    in->load = zone_load_new(apex);
    return in;
}

void xfr_in_free(struct xfr_in *in)
{
    if (in == NULL) {
        return;
    }
    if (in->load != NULL) {
        zone_load_free(in->load);
    }
    mem_free(in);
}

static bool is_apex_soa(const struct xfr_in *in, const struct dns_rr *rr)
{
    return rr->type == TYPE_SOA && name_equal(rr->name.wire, in->apex.wire);
}

static enum xfr_in_status fail(struct errmsg *e, const char *reason)
{
    err_set(e, ERR_INVALID, "%s", reason);
    return XFR_IN_FAILED;
}

// The end of the transfer, or its first record.
static enum xfr_in_status take_soa(struct xfr_in *in, const struct dns_rr *rr, size_t len,
                                   struct errmsg *e)
{
    if (in->has_soa) {
        struct message_soa last;
        if (!message_soa_set(&last, in->rdata, len, rr->ttl) || last.serial != in->soa.serial) {
            return fail(e, "the transfer ends with another serial than it began with");
        }
        return XFR_IN_DONE;
    }
    if (!message_soa_set(&in->soa, in->rdata, len, rr->ttl)) {
        return fail(e, "the SOA record is malformed");
    }
    in->has_soa = true;
    return XFR_IN_MORE;
}

static enum xfr_in_status take_record(struct xfr_in *in, const uint8_t *message, size_t size,
                                      struct dns_rr *rr, struct errmsg *e)
{
    size_t len;
    if (rr->class != CLASS_IN) {
        return fail(e, "a record is not of class IN");
    }
    if (rdata_read(message, size, rr->rdata_offset, rr->rdlength, rr->type, in->rdata,
                   sizeof in->rdata, &len, e) != ERR_OK) {
        return XFR_IN_FAILED;
    }
    if (is_apex_soa(in, rr)) {
        enum xfr_in_status status = take_soa(in, rr, len, e);
        if (status != XFR_IN_MORE) {
            return status;
        }
    } else if (!in->has_soa) {
        return fail(e, "the transfer does not begin with the SOA record");
    }
    name_fold(rr->name.wire);
    if (!name_is_below_or_equal(rr->name.wire, in->apex.wire)) {
        in->ignored++;    // not the primary's to say; some primaries send it all the same
        return XFR_IN_MORE;
    }
    in->records++;
    return zone_load_add(in->load, rr->name.wire, rr->type, rr->ttl, in->rdata, len, e) == ERR_OK
               ? XFR_IN_MORE
               : XFR_IN_FAILED;
}

enum xfr_in_status xfr_in_message(struct xfr_in *in, const uint8_t *message, size_t size,
                                  const struct dns_header *header, size_t offset, struct errmsg *e)
{
    unsigned rcode = header->flags & 15u;
    if (rcode != RCODE_NOERROR) {
        err_set(e, ERR_DENIED, "the primary answers %s", message_rcode_text(rcode));
        return XFR_IN_FAILED;
    }
    if ((header->flags & DNS_TC) != 0) {
        return fail(e, "the transfer is marked as truncated");
    }
    if (header->ancount == 0) {
        return fail(e, "a message of the transfer holds no records");
    }
    for (unsigned i = 0; i < header->ancount; i++) {
        struct dns_rr rr;
        if (dns_rr_read(message, size, &offset, &rr) != ERR_OK) {
            return fail(e, "a message of the transfer is malformed");
        }
        enum xfr_in_status status = take_record(in, message, size, &rr, e);
        if (status == XFR_IN_DONE && i + 1 != header->ancount) {
            return fail(e, "records come behind the end of the transfer");
        }
        if (status != XFR_IN_MORE) {
            return status;
        }
    }
    return XFR_IN_MORE;
}

const struct message_soa *xfr_in_soa(const struct xfr_in *in)
{
    return in->has_soa ? &in->soa : NULL;
}

uint64_t xfr_in_records(const struct xfr_in *in)
{
    return in->records;
}

uint64_t xfr_in_ignored(const struct xfr_in *in)
{
    return in->ignored;
}

struct zone_load *xfr_in_take(struct xfr_in *in)
{
    struct zone_load *load = in->load;
    in->load = NULL;
    return load;
}
