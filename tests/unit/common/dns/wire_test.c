// Messages: queries good and bad, records, where the TSIG is.
#include "common/dns/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define Q           "\3wWw\7example\0\0\1\0\1" // question: 17 bytes
#define OPT         "\0\0\x29\x04\xd0\0\0\x80\0\0\0"
#define OPT_COOKIE                                                                                 \
    "\0\0\x29\x04\xd0\0\0\0\0\0\xc\0\xa\0\x8"                                                      \
    "cookie!!"
#define TSIG          "\1k\0\0\xfa\0\xff\0\0\0\0\0\0" // empty RDATA: tsig.c's matter
#define A_RR          "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
#define LITERAL(text) (text), sizeof(text) - 1

static const struct {
    const char *what;
    const char *message;
    size_t len;
    int rcode;
} rows[] = {
    {"plain",                         LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0" Q),                                RCODE_NOERROR},
    {"EDNS",                          LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q OPT),                            RCODE_NOERROR},
    {"EDNS with an option",           LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q OPT_COOKIE),                     RCODE_NOERROR},
    {"EDNS and TSIG",                 LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\2" Q OPT TSIG),                       RCODE_NOERROR},
    {"TSIG alone",                    LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q TSIG),                           RCODE_NOERROR},
    {"NOTIFY with a SOA-like answer", LITERAL("\x12\x34\x20\0\0\1\0\1\0\0\0\0" Q A_RR),
     RCODE_NOERROR                                                                                                           },
    {"UPDATE with records",           LITERAL("\x12\x34\x28\0\0\1\0\1\0\1\0\0" Q A_RR A_RR),                    RCODE_NOERROR},
    {"IXFR with its SOA",             LITERAL("\x12\x34\0\0\0\1\0\0\0\1\0\0\3wWw\7example\0\0\xfb\0\1" A_RR),
     RCODE_NOERROR                                                                                                           },
    {"root",                          LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"),                        RCODE_NOERROR},
    {"empty",                         LITERAL(""),                                                              -1           },
    {"short header",                  LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0"),                                    -1           },
    {"a response",                    LITERAL("\x12\x34\x81\0\0\1\0\0\0\0\0\0" Q),                              -1           },
    {"STATUS",                        LITERAL("\x12\x34\x10\0\0\1\0\0\0\0\0\0" Q),                              RCODE_NOTIMP },
    {"opcode 15",                     LITERAL("\x12\x34\x78\0\0\1\0\0\0\0\0\0" Q),                              RCODE_NOTIMP },
    {"no question",                   LITERAL("\x12\x34\1\0\0\0\0\0\0\0\0\0"),                                  RCODE_FORMERR},
    {"two questions",                 LITERAL("\x12\x34\1\0\0\2\0\0\0\0\0\0" Q Q),                              RCODE_FORMERR},
    {"question is missing",           LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0"),                                  RCODE_FORMERR},
    {"question is cut",               LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0\3wWw\7example\0\0\1\0"),
     RCODE_FORMERR                                                                                                           },
    {"name is cut",                   LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0\3wWw\7exa"),                        RCODE_FORMERR},
    {"compressed question",           LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"),                  RCODE_FORMERR},
    {"bytes behind",                  LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\0" Q "x"),                            RCODE_FORMERR},
    {"an answer in a query",          LITERAL("\x12\x34\1\0\0\1\0\1\0\0\0\0" Q A_RR),                           RCODE_FORMERR},
    {"authority in a query",          LITERAL("\x12\x34\1\0\0\1\0\0\0\1\0\0" Q A_RR),                           RCODE_FORMERR},
    {"two OPTs",                      LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\2" Q OPT OPT),                        RCODE_FORMERR},
    {"OPT below a name",              LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q "\1a" OPT),                      RCODE_FORMERR},
    {"OPT is cut",                    LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q "\0\0\x29\x04\xd0\0\0\0\0\0\1"),
     RCODE_FORMERR                                                                                                           },
    {"option over the end",
     LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q "\0\0\x29\x04\xd0\0\0\0\0\0\5\0\xa\0\2x"),
     RCODE_FORMERR                                                                                                           },
    {"option without length",
     LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q "\0\0\x29\x04\xd0\0\0\0\0\0\3\0\xa\0"),
     RCODE_FORMERR                                                                                                           },
    {"additional is missing",         LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\2" Q OPT),                            RCODE_FORMERR},
    {"TSIG before the end",           LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\2" Q TSIG OPT),                       RCODE_FORMERR},
    {"two TSIGs",                     LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\2" Q TSIG TSIG),                      RCODE_FORMERR},
    {"EDNS version 1",                LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\1" Q "\0\0\x29\x04\xd0\0\1\0\0\0\0"),
     RCODE_BADVERS                                                                                                           },
};

static void test_queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dns_query query;
        // On the heap, so that the sanitizer sees each byte read too much.
        uint8_t *message = test_malloc(rows[i].len + 1);
        memcpy(message, rows[i].message, rows[i].len);
        int rcode = dns_query_read(message, rows[i].len, &query);
        if (rcode != rows[i].rcode) {
            fail_msg("%s: %d, not %d", rows[i].what, rcode, rows[i].rcode);
        }
        // Every cut of a good message is FORMERR or dropped.
        for (size_t cut = 0; rcode == RCODE_NOERROR && cut < rows[i].len; cut++) {
            assert_int_equal(dns_query_read(message, cut, &query),
                             cut < DNS_HEADER_SIZE ? -1 : RCODE_FORMERR);
        }
        test_free(message);
    }
}

static void test_fields(void **state)
{
    (void)state;
    static const char message[] = "\x12\x34\1\x10\0\1\0\0\0\0\0\2" Q OPT_COOKIE TSIG;
    struct dns_query q;
    assert_int_equal(dns_query_read((const uint8_t *)message, sizeof message - 1, &q),
                     RCODE_NOERROR);
    assert_int_equal(q.header.id, 0x1234);
    assert_int_equal(q.header.flags, DNS_RD | DNS_CD);
    assert_int_equal(q.qname.len, 13);
    assert_memory_equal(q.qname.wire, "\3wWw\7example", 13);
    assert_int_equal(q.qtype, TYPE_A);
    assert_int_equal(q.qclass, CLASS_IN);
    assert_int_equal(q.question_end, 29);
    assert_true(q.edns.present);
    assert_int_equal(q.edns.udp_size, 1232);
    assert_false(q.edns.dnssec_ok);
    assert_int_equal(q.edns.options_offset, 40);
    assert_int_equal(q.edns.options_len, 12);
    assert_int_equal(q.tsig_offset, 52);
    size_t offset = 0;
    assert_int_equal(dns_tsig_find((const uint8_t *)message, sizeof message - 1, &offset), ERR_OK);
    assert_int_equal(offset, 52);
    static const char with_do[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1" Q OPT;
    assert_int_equal(dns_query_read((const uint8_t *)with_do, sizeof with_do - 1, &q),
                     RCODE_NOERROR);
    assert_true(q.edns.dnssec_ok);
    // With a fault behind the question the question is there to be sent back.
    static const char bad[] = "\x12\x34\1\0\0\1\0\0\0\0\0\2" Q OPT OPT;
    assert_int_equal(dns_query_read((const uint8_t *)bad, sizeof bad - 1, &q), RCODE_FORMERR);
    assert_int_equal(q.question_end, 29);
    assert_true(q.edns.present);
    assert_int_equal(dns_query_read((const uint8_t *)bad, 20, &q), RCODE_FORMERR);
    assert_int_equal(q.question_end, DNS_HEADER_SIZE);
}

static void test_records(void **state)
{
    (void)state;
    static const char message[] = "\x12\x34\1\0\0\1\0\1\0\0\0\0" Q A_RR;
    struct dns_rr rr;
    size_t at = 29;
    assert_int_equal(dns_rr_read((const uint8_t *)message, sizeof message - 1, &at, &rr), ERR_OK);
    assert_int_equal(at, sizeof message - 1);
    assert_int_equal(rr.name.len, 13);
    assert_int_equal(rr.type, TYPE_A);
    assert_int_equal(rr.class, CLASS_IN);
    assert_int_equal(rr.ttl, 1);
    assert_int_equal(rr.rdlength, 4);
    assert_int_equal(rr.rdata_offset, 41);
    for (size_t cut = 0; cut < sizeof message - 1; cut++) {
        at = 29;
        assert_int_equal(dns_rr_read((const uint8_t *)message, cut, &at, &rr), ERR_INVALID);
        assert_int_equal(at, 29);
    }
}

static void test_header(void **state)
{
    (void)state;
    uint8_t bytes[DNS_HEADER_SIZE];
    struct dns_header in = {0x1234, DNS_QR | DNS_AA, 1, 2, 3, 4};
    struct dns_header out;
    struct cursor c = cursor_over(bytes, sizeof bytes);
    dns_header_write(&c, &in);
    assert_false(c.bad);
    c = cursor_over(bytes, sizeof bytes);
    dns_header_read(&c, &out);
    assert_memory_equal(&in, &out, sizeof in);
}

// Not a pass or fail: the figure is for the reader.
static void test_time(void **state)
{
    (void)state;
    static const char message[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1" Q OPT_COOKIE;
    struct dns_query q;
    struct timespec start;
    struct timespec end;
    unsigned rounds = 1000000;
    int sum = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (unsigned i = 0; i < rounds; i++) {
        sum += dns_query_read((const uint8_t *)message, sizeof message - 1, &q);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
    printf("a query with EDNS and a cookie read: %.1f ns (%d)\n", ns / rounds, sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_records), cmocka_unit_test(test_header),
        cmocka_unit_test(test_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
