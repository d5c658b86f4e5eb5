#include "dnsd/xfr/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "common/dns/wire.h"

// Records written by pack are read back by the message reader: names and RDATA are the same.

static struct name name_of(const char *text)
{
    struct name name;
    assert_int_equal(name_from_text(text, &name, NULL), ERR_OK);
    return name;
}

static size_t rdata_of(uint16_t type, const char *text, uint8_t *out, size_t size)
{
    size_t len;
    assert_int_equal(rdata_from_text(type, text, strlen(text), NULL, out, size, &len, NULL),
                     ERR_OK);
    return len;
}

static const struct {
    const char *owner;
    uint16_t type;
    const char *rdata;
} rows[] = {
    {"example.test",         TYPE_SOA,   "ns1.example.test. host.example.test. 1 2 3 4 5"},
    {"example.test",         TYPE_NS,    "ns1.example.test."                             },
    {"example.test",         TYPE_NS,    "ns2.elsewhere.test."                           },
    {"example.test",         TYPE_MX,    "10 mail.example.test."                         },
    {"example.test",         TYPE_TXT,   "\"some text\""                                 },
    {"a.example.test",       TYPE_CNAME, "b.a.example.test."                             },
    {"b.a.example.test",     TYPE_A,     "192.0.2.1"                                     },
    {"b.a.example.test",     TYPE_SRV,   "1 2 3 b.a.example.test."                       },
    {"_x._tcp.example.test", TYPE_PTR,   "."                                             },
};

static void test_what_is_written_is_read_back(void **state)
{
    static uint8_t message[4096];
    static struct pack pack;
    uint8_t rdata[512];
    (void)state;
    pack_begin(&pack, message, DNS_HEADER_SIZE, sizeof message);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct name owner = name_of(rows[i].owner);
        size_t len = rdata_of(rows[i].type, rows[i].rdata, rdata, sizeof rdata);
        assert_true(pack_record(&pack, owner.wire, rows[i].type, 300, rdata, len));
    }
    size_t offset = DNS_HEADER_SIZE;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct name owner = name_of(rows[i].owner);
        uint8_t back[512];
        size_t back_len;
        struct dns_rr rr;
        size_t len = rdata_of(rows[i].type, rows[i].rdata, rdata, sizeof rdata);
        assert_int_equal(dns_rr_read(message, pack.at, &offset, &rr), ERR_OK);
        assert_true(name_equal(rr.name.wire, owner.wire));
        assert_int_equal(rr.type, rows[i].type);
        assert_int_equal(rr.ttl, 300);
        assert_int_equal(rdata_read(message, pack.at, rr.rdata_offset, rr.rdlength, rr.type, back,
                                    sizeof back, &back_len, NULL),
                         ERR_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, rdata, len);
    }
    assert_int_equal(offset, pack.at);
}

static void test_owners_are_compressed(void **state)
{
    static uint8_t message[65535];
    static struct pack pack;
    (void)state;
    pack_begin(&pack, message, DNS_HEADER_SIZE, sizeof message);
    for (unsigned i = 0; i < 1000; i++) {
        char text[64];
        snprintf(text, sizeof text, "host%04u.a-rather-long-zone-name.example.test", i);
        struct name owner = name_of(text);
        assert_true(pack_record(&pack, owner.wire, TYPE_A, 60, (const uint8_t *)"\1\2\3\4", 4));
    }
    // Label, pointer, fixed part, address; the first one in full.
    assert_true(pack.at < DNS_HEADER_SIZE + 1000 * (9 + 2 + 10 + 4) + 64);
}

static void test_a_record_without_room_leaves_nothing(void **state)
{
    static uint8_t message[80];
    static struct pack pack;
    struct name owner = name_of("www.example.test");
    (void)state;
    pack_begin(&pack, message, DNS_HEADER_SIZE, sizeof message);
    assert_true(pack_record(&pack, owner.wire, TYPE_A, 60, (const uint8_t *)"\1\2\3\4", 4));
    size_t at = pack.at;
    uint8_t big[64] = {63};
    assert_false(pack_record(&pack, owner.wire, TYPE_TXT, 60, big, sizeof big));
    assert_int_equal(pack.at, at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_owners_are_compressed),
        cmocka_unit_test(test_a_record_without_room_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
