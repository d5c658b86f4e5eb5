#include "dnsd/query/answer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "dnsd/block/block.h"
#include "tests/unit/dnsd/zone/fixture.h"

// Whole answers as text: RCODE, flags, then answer, authority and additional section.

static const char plain_zone[] =
    "$ORIGIN t.test.\n$TTL 300\n"
    "@ SOA ns host 7 3600 600 86400 60\n"
    "@ NS ns\n"
    "ns A 192.0.2.53\n"
    "a A 192.0.2.1\n"
    "deep.ent TXT \"deep\"\n"
    "*.w A 192.0.2.2\n"
    "there.w TXT \"x\"\n"
    "below.ent2.w TXT \"x\"\n"
    "*.wc CNAME a\n"
    "c1 CNAME c2\n"
    "c2 CNAME a\n"
    "out CNAME www.elsewhere.test.\n"
    "over CNAME b.u.test.\n"
    "loop1 CNAME loop2\n"
    "loop2 CNAME loop1\n"
    "dn DNAME u.test.\n"
    "toolong DNAME "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
    "dddddddddddddddddddddddddddddddddddddddddd.\n"
    "cut NS ns.cut\n"
    "cut NS ns.sib\n"
    "cut DS 1 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    "ns.cut A 192.0.2.60\n"
    "sib NS ns.sib\n"
    "ns.sib A 192.0.2.61\n"
    "big TXT \"0123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "big TXT \"1123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "big TXT \"2123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "big TXT \"3123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "big TXT \"4123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "big TXT \"5123456789012345678901234567890123456789012345678901234567890123456789\"\n";
static const char other_zone[] = "$ORIGIN u.test.\n$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n"
                                 "@ NS ns\nns A 192.0.2.54\nb A 192.0.2.5\n";
static const char closed_zone[] = "@ 300 SOA ns host 1 3600 600 86400 60\n@ 300 NS ns\n";

static struct fixture fixture;
static struct answer_context context = {.udp_size_max = 1232, .server_name = "node1.test",
                                        .version = "1.2"};

static void create(const char *zone, const struct zone_options *options, const char *text)
{
    const struct zone_create job = {.zone = zone, .type = ZONE_PRIMARY, .options = options,
                                    .server_name = "ns.server.test", .soa_ttl = 900,
                                    .ns_ttl = 3600, .record_ttl = 3600, .text = text,
                                    .text_len = strlen(text), .text_name = "zone.txt"};
    zone_submit_create(fixture.submitter, &job, fixture_done, &fixture);
    if (fixture_wait(&fixture) != ERR_OK) {
        fail_msg("%s: %s", zone, fixture.result.message.text);
    }
}

static void create_file(const char *zone, const char *path)
{
    uint8_t *text;
    size_t len;
    assert_int_equal(file_read(path, 65536, &text, &len, NULL), ERR_OK);
    char *ended = mem_alloc(len + 1);
    memcpy(ended, text, len);
    ended[len] = 0;
    create(zone, NULL, ended);
    mem_free(ended);
    mem_free(text);
}

static int set_up(void **state)
{
    (void)state;
    fixture_open(&fixture);
    create("t.test", NULL, plain_zone);
    create("u.test", NULL, other_zone);
    struct zone_options *options = zone_options_new(ZONE_PRIMARY);
    options->disabled = true;
    create("disabled.test", options, closed_zone);
    options->disabled = false;
    options->query_access = ZONE_DENY;
    create("denied.test", options, closed_zone);
    zone_options_free(options);
    create_file("signed.example", "tests/unit/dnsd/query/signed.zone");
    create_file("nsec3.example", "tests/unit/dnsd/query/nsec3.zone");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

// ---- a query as bytes, a reply as text ------------------------------------------------------------

enum { WANT_EDNS = 1, WANT_DO = 2, BAD_VERSION = 4 };

static size_t make_query(const char *qname, uint16_t type, uint16_t class, unsigned want,
                         uint8_t *out)
{
    struct name name;
    assert_int_equal(name_from_text(qname, &name, NULL), ERR_OK);
    struct cursor c = cursor_over(out, 512);
    const struct dns_header header = {.id = 77, .flags = DNS_RD, .qdcount = 1,
                                      .arcount = want != 0};
    dns_header_write(&c, &header);
    cursor_put(&c, name.wire, name.len);
    cursor_put_u16(&c, type);
    cursor_put_u16(&c, class);
    size_t size = DNS_HEADER_SIZE + name.len + 4u;
    if (want != 0) {
        const uint8_t opt[11] = {0, 0, TYPE_OPT, 4, 208, 0, (want & BAD_VERSION) != 0,
                                 (uint8_t)((want & WANT_DO) != 0 ? 0x80 : 0)};
        cursor_put(&c, opt, sizeof opt);
        size += sizeof opt;
    }
    return size;
}

static void add_record(const uint8_t *reply, size_t size, const struct dns_rr *rr, struct str *text)
{
    uint8_t rdata[4096];
    size_t len;
    char owner[NAME_MAX_TEXT];
    char type[16];
    assert_int_equal(rdata_read(reply, size, rr->rdata_offset, rr->rdlength, rr->type, rdata,
                                sizeof rdata, &len, NULL), ERR_OK);
    name_to_text(rr->name.wire, owner);
    rr_type_to_text(rr->type, type);
    str_printf(text, " %s", owner);
    if (rr->type == TYPE_RRSIG) {    // which RRset it covers says enough
        rr_type_to_text((uint16_t)(rdata[0] << 8 | rdata[1]), type);
        str_printf(text, " sig-%s;", type);
        return;
    }
    str_printf(text, " %u %s ", rr->ttl, type);
    rdata_to_text(rr->type, rdata, len, text);
    str_add_char(text, ';');
}

static void reply_text(const uint8_t *reply, size_t size, const char *qname, struct str *text)
{
    static const char *const rcodes[16] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                           "NOTIMP", "REFUSED", "YXDOMAIN"};
    struct cursor c = cursor_over_const(reply, size);
    struct dns_header h;
    struct name name;
    size_t at = DNS_HEADER_SIZE;
    dns_header_read(&c, &h);
    assert_int_equal(h.id, 77);
    assert_int_equal(h.qdcount, 1);
    assert_int_equal(name_read(reply, size, &at, &name), ERR_OK);
    at += 4;
    struct name asked;
    assert_int_equal(name_from_text(qname, &asked, NULL), ERR_OK);
    assert_memory_equal(name.wire, asked.wire, asked.len);    // in the case that it came in
    str_printf(text, "%s%s%s", rcodes[h.flags & 15], (h.flags & DNS_AA) != 0 ? " AA" : "",
               (h.flags & DNS_TC) != 0 ? " TC" : "");
    const uint16_t counts[3] = {h.ancount, h.nscount, h.arcount};
    for (size_t section = 0; section < 3; section++) {
        str_add(text, " |");
        for (uint16_t i = 0; i < counts[section]; i++) {
            struct dns_rr rr;
            assert_int_equal(dns_rr_read(reply, size, &at, &rr), ERR_OK);
            if (rr.type != TYPE_OPT) {
                add_record(reply, size, &rr, text);
                continue;
            }
            str_printf(text, " OPT %u", rr.ttl >> 24);
            if (rr.rdlength >= 6) {
                str_printf(text, " EDE %u", reply[rr.rdata_offset + 5]);
            }
            str_add_char(text, ';');
        }
    }
    assert_int_equal(at, size);
}

static bool check(const char *qname, const char *type_text, uint16_t class, unsigned want,
                  size_t room, const char *expected)
{
    uint8_t query[512];
    uint8_t out[DNS_MESSAGE_MAX];
    uint16_t type;
    struct dns_query parsed;
    struct str text;
    assert_int_equal(rr_type_from_text(type_text, &type), ERR_OK);
    size_t query_size = make_query(qname, type, class, want, query);
    assert_int_equal(dns_query_read(query, query_size, &parsed),
                     (want & BAD_VERSION) != 0 ? RCODE_BADVERS : RCODE_NOERROR);
    context.zones = zone_table_get(fixture.store);
    size_t size = answer_query(&context, query, query_size, &parsed, out, room, NULL);
    str_init(&text);
    reply_text(out, size, qname, &text);
    bool same = strcmp(text.text, expected) == 0;
    if (!same) {
        print_error("%s %s\n  is     %s\n  not    %s\n", qname, type_text, text.text, expected);
    }
    str_fini(&text);
    return same;
}

// ---- rows --------------------------------------------------------------------------------------

static const struct row {
    const char *name;
    const char *type;
    unsigned want;
    const char *expected;
    uint16_t class;    // 0 = IN
} rows[] = {
#include "tests/unit/dnsd/query/whole_answer_rows.h"
};

static void test_rows(void **state)
{
    (void)state;
    size_t wrong = 0;
    struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    context.client = (const struct sockaddr *)&client;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        wrong += !check(row->name, row->type, row->class != 0 ? row->class : CLASS_IN, row->want,
                        4096, row->expected);
    }
    context.client = NULL;
    assert_int_equal(wrong, 0);
}

static void test_truncated(void **state)
{
    (void)state;
    assert_true(check("big.t.test", "TXT", CLASS_IN, 0, 512, "NOERROR AA TC | | |"));
    assert_true(check("big.t.test", "TXT", CLASS_IN, WANT_EDNS, 512, "NOERROR AA TC | | | OPT 0;"));
}

static void test_blocked(void **state)
{
    (void)state;
    static const uint8_t own4[1][4] = {{198, 51, 100, 9}};
    static const struct {
        enum block_answer answer;
        const char *type;
        const char *expected;
    } kinds[] = {
        {BLOCK_NXDOMAIN, "A", "NXDOMAIN | | t.test 30 SOA localhost. nobody.invalid. 1 3600 600 86400 30; | OPT 0 EDE 15;"},
        {BLOCK_ANY_ADDRESS, "A", "NOERROR | x.t.test 30 A 0.0.0.0; | | OPT 0 EDE 15;"},
        {BLOCK_ANY_ADDRESS, "AAAA", "NOERROR | x.t.test 30 AAAA ::; | | OPT 0 EDE 15;"},
        {BLOCK_CUSTOM, "A", "NOERROR | x.t.test 30 A 198.51.100.9; | | OPT 0 EDE 15;"},
        {BLOCK_CUSTOM, "TXT", "NOERROR | x.t.test 30 TXT \"source=blocked; domain=t.test\"; | | OPT 0 EDE 15;"},
    };
    struct name name;
    assert_int_equal(name_from_text("t.test", &name, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct block_policy policy = {.enabled = true, .ttl = 30, .answer = kinds[i].answer,
                                            .custom4 = own4, .custom4_count = 1,
                                            .txt_report = true};
        struct block_builder *b = block_builder_new();
        assert_int_equal(block_builder_add(b, name.wire, false), ERR_OK);
        struct block_set *set = block_builder_finish(b, &policy);
        context.blocks = set;
        bool same = check("x.t.test", kinds[i].type, CLASS_IN, WANT_EDNS, 4096, kinds[i].expected);
        context.blocks = NULL;
        block_set_free(set);
        assert_true(same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_blocked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
