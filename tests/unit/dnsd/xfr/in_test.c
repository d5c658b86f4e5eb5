#include "dnsd/xfr/in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/dns/rrtype.h"
#include "dnsd/xfr/pack.h"

// An incoming transfer as rows: records, and what must come of them.

struct record {
    const char *owner;
    uint16_t type;
    const char *rdata;
};
#define SOA1 "ns.example.test. h.example.test. 7 2 3 4 5"
#define SOA2 "ns.example.test. h.example.test. 8 2 3 4 5"

struct row {
    struct record records[5];
    enum xfr_in_status status;
    const char *reason;
};
static const struct row rows[] = {
    {{{"example.test", TYPE_SOA, SOA1},
      {"example.test", TYPE_NS, "ns.example.test."},
      {"example.test", TYPE_SOA, SOA1}},
     XFR_IN_DONE,                                                                                  NULL                         },
    {{{"example.test", TYPE_SOA, SOA1}, {"www.example.test", TYPE_A, "192.0.2.1"}},
     XFR_IN_MORE,                                                                                  NULL                         },
    {{{"www.example.test", TYPE_A, "192.0.2.1"}},                                   XFR_IN_FAILED, "does not begin with the SOA"},
    {{{"example.test", TYPE_SOA, SOA1},
      {"example.test", TYPE_NS, "ns.example.test."},
      {"example.test", TYPE_SOA, SOA2}},
     XFR_IN_FAILED,                                                                                "another serial"             },
    {{{"example.test", TYPE_SOA, SOA1},
      {"example.test", TYPE_SOA, SOA1},
      {"www.example.test", TYPE_A, "192.0.2.1"}},
     XFR_IN_FAILED,                                                                                "behind the end"             },
    {{{NULL, 0, NULL}},                                                             XFR_IN_FAILED, "holds no records"           },
    {{{"example.test", TYPE_SOA, SOA1}, {"www.other.test", TYPE_A, "192.0.2.1"}},
     XFR_IN_MORE,                                                                                NULL                           },
};

static size_t build(const struct row *row, uint8_t *message, size_t size, uint16_t *count)
{
    static struct pack pack;
    pack_begin(&pack, message, DNS_HEADER_SIZE, size);
    for (*count = 0; *count < 5 && row->records[*count].owner != NULL; (*count)++) {
        const struct record *r = &row->records[*count];
        struct name owner;
        uint8_t rdata[256];
        size_t len;
        assert_int_equal(name_from_text(r->owner, &owner, NULL), ERR_OK);
        assert_int_equal(rdata_from_text(r->type, r->rdata, strlen(r->rdata), NULL, rdata,
                                         sizeof rdata, &len, NULL),
                         ERR_OK);
        assert_true(pack_record(&pack, owner.wire, r->type, 60, rdata, len));
    }
    return pack.at;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t message[1024] = {0};
        struct dns_header header = {.flags = DNS_QR};
        struct errmsg e = {.text = ""};
        struct name apex;
        assert_int_equal(name_from_text("example.test", &apex, NULL), ERR_OK);
        size_t size = build(&rows[i], message, sizeof message, &header.ancount);
        struct xfr_in *in = xfr_in_new(&apex);
        assert_int_equal(xfr_in_message(in, message, size, &header, DNS_HEADER_SIZE, &e),
                         rows[i].status);
        if (rows[i].reason != NULL) {
            assert_non_null(strstr(e.text, rows[i].reason));
            assert_true(e.text[0] != '\0');
        }
        if (rows[i].status == XFR_IN_DONE) {
            assert_int_equal(xfr_in_soa(in)->serial, 7);
            zone_load_free(xfr_in_take(in));
        }
        xfr_in_free(in);
    }
}

static void test_refusal_names_the_rcode(void **state)
{
    struct dns_header header = {.flags = DNS_QR | RCODE_REFUSED};
    struct errmsg e;
    struct name apex;
    uint8_t message[DNS_HEADER_SIZE] = {0};
    (void)state;
    assert_int_equal(name_from_text("example.test", &apex, NULL), ERR_OK);
    struct xfr_in *in = xfr_in_new(&apex);
    assert_int_equal(xfr_in_message(in, message, sizeof message, &header, DNS_HEADER_SIZE, &e),
                     XFR_IN_FAILED);
    assert_non_null(strstr(e.text, "REFUSED"));
    xfr_in_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refusal_names_the_rcode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
