// Any bytes as a DNS message: read as a query, record by record, and each record's data through
// text and back to the same bytes.
#include <stdint.h>
#include <string.h>

#include "common/dns/rrtype.h"
#include "common/dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint8_t rdata[RDATA_MAX];
static uint8_t again[RDATA_MAX];

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void round_trip(uint16_t type, size_t len)
{
    struct str text;
    struct errmsg e;
    size_t again_len = 0;
    str_init(&text);
    must(rdata_check(type, rdata, len, &e) == ERR_OK);
    rdata_to_text(type, rdata, len, &text);
    must(rdata_from_text(type, text.text != NULL ? text.text : "", text.len, NULL, again,
                         sizeof again, &again_len, &e) == ERR_OK);
    must(again_len == len && memcmp(again, rdata, len) == 0);
    rdata_canonical(type, again, again_len);
    must(rdata_check(type, again, again_len, &e) == ERR_OK);
    const uint8_t *name = rdata_name(type, rdata, len);
    must(name == NULL || name_check(name, (size_t)(rdata + len - name)) != 0);
    str_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct dns_query query;
    struct errmsg e;
    size_t tsig = 0;
    if (size > DNS_MESSAGE_MAX) {
        return 0;
    }
    int rcode = dns_query_read(bytes, size, &query);
    if (rcode == RCODE_NOERROR) {
        must(query.question_end <= size &&
             name_check(query.qname.wire, query.qname.len) == query.qname.len);
        must(query.edns.options_offset + query.edns.options_len <= size);
        must(dns_tsig_find(bytes, size, &tsig) == ERR_OK && tsig == query.tsig_offset);
    }
    (void)!dns_tsig_find(bytes, size, &tsig);

    size_t at = DNS_HEADER_SIZE;
    struct name qname;
    if (size > at && name_read(bytes, size, &at, &qname) == ERR_OK) {
        at += 4;
    }
    struct dns_rr rr;
    while (at < size && dns_rr_read(bytes, size, &at, &rr) == ERR_OK) {
        size_t len = 0;
        must(rr.rdata_offset + rr.rdlength <= size);
        if (rdata_read(bytes, size, rr.rdata_offset, rr.rdlength, rr.type, rdata, sizeof rdata,
                       &len, &e) == ERR_OK) {
            round_trip(rr.type, len);
        }
    }
    return 0;
}
