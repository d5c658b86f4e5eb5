// Answers from a hand-written zone: question in, the reply's sections as text out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "dnsd/query/answer.h"
#include "tests/unit/dnsd/zone/fixture.h"

static const char plain_zone[] =
    "$ORIGIN z.test.\n$TTL 60\n"
    "@ SOA ns hm 1 2 3 4 30\n@ NS ns\nns A 192.0.2.1\n"
    "a A 192.0.2.10\na A 192.0.2.11\na TXT \"t\"\n"
    "x.ent A 192.0.2.12\n"
    "alias CNAME a\nloop1 CNAME loop2\nloop2 CNAME loop1\ngone CNAME none.z.test.\nout CNAME w.other.test.\n"
    "to-sub CNAME www.sub\n"
    "*.wild A 192.0.2.20\nreal.wild TXT \"r\"\n*.walias CNAME a\nsub.deep.wild TXT \"s\"\n"
    "sub NS ns.sub\nsub NS ns.sib\nns.sub A 192.0.2.30\nsib NS ns.sib\nns.sib AAAA 2001:db8::1\n"
    "sub DS 1 8 2 00000000000000000000000000000000000000000000000000000000000000AA\n"
    "dn DNAME a.target.z.test.\nw.a.target A 192.0.2.40\nhidden.dn A 192.0.2.41\n";

static const char signed_zone[] =
    "$ORIGIN s.test.\n$TTL 60\n"
    "@ SOA ns hm 1 2 3 4 30\n@ NS ns.z.test.\n"
    "@ RRSIG SOA 8 2 60 20400101000000 20200101000000 1 s.test. AAAA\n@ NSEC b.s.test. NS SOA NSEC\n"
    "b A 192.0.2.1\nb NSEC d.s.test. A NSEC\n"
    "d NS ns.z.test.\nd NSEC *.w.s.test. NS NSEC\n"
    "*.w A 192.0.2.2\n*.w NSEC s.test. A NSEC\n";

// `says`: "rcode flags | answer | authority | additional", records joined by "; ".
static const struct row {
    const char *name;
    const char *type;
    bool dnssec;
    const char *says;
} rows[] = {
    {"a.z.test", "A", false,
     "0 AA | a.z.test 60 A 192.0.2.10; a.z.test 60 A 192.0.2.11 |  | "},
    {"A.Z.test", "TXT", false, "0 AA | A.Z.test 60 TXT \"t\" |  | "},
    {"a.z.test", "MX", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"ent.z.test", "A", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"none.z.test", "A", false, "3 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"y.x.ent.z.test", "A", false, "3 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"alias.z.test", "TXT", false,
     "0 AA | alias.z.test 60 CNAME a.z.test.; a.z.test 60 TXT \"t\" |  | "},
    {"alias.z.test", "CNAME", false, "0 AA | alias.z.test 60 CNAME a.z.test. |  | "},
    {"loop1.z.test", "A", false,
     "0 AA | loop1.z.test 60 CNAME loop2.z.test.; loop2.z.test 60 CNAME loop1.z.test. |  | "},
    {"gone.z.test", "A", false,
     "3 AA | gone.z.test 60 CNAME none.z.test. | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"out.z.test", "A", false, "0 AA | out.z.test 60 CNAME w.other.test. |  | "},
    {"q.wild.z.test", "A", false, "0 AA | q.wild.z.test 60 A 192.0.2.20 |  | "},
    {"p.q.wild.z.test", "A", false, "0 AA | p.q.wild.z.test 60 A 192.0.2.20 |  | "},
    {"q.wild.z.test", "TXT", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    // RFC 4592: an existing name, or an empty non-terminal, keeps the wildcard away.
    {"real.wild.z.test", "A", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"q.real.wild.z.test", "A", false, "3 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"deep.wild.z.test", "A", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"q.deep.wild.z.test", "A", false, "3 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"q.walias.z.test", "TXT", false,
     "0 AA | q.walias.z.test 60 CNAME a.z.test.; a.z.test 60 TXT \"t\" |  | "},
    {"www.sub.z.test", "A", false,
     "0 |  | sub.z.test 60 NS ns.sib.z.test.; sub.z.test 60 NS ns.sub.z.test. | "
     "ns.sub.z.test 60 A 192.0.2.30; ns.sib.z.test 60 AAAA 2001:db8::1"},
    {"ns.sub.z.test", "A", false,
     "0 |  | sub.z.test 60 NS ns.sib.z.test.; sub.z.test 60 NS ns.sub.z.test. | "
     "ns.sub.z.test 60 A 192.0.2.30; ns.sib.z.test 60 AAAA 2001:db8::1"},
    {"sub.z.test", "DS", false,
     "0 AA | sub.z.test 60 DS 1 8 2 "
     "00000000000000000000000000000000000000000000000000000000000000AA |  | "},
    {"sib.z.test", "DS", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"w.dn.z.test", "A", false,
     "0 AA | dn.z.test 60 DNAME a.target.z.test.; w.dn.z.test 60 CNAME w.a.target.z.test.; "
     "w.a.target.z.test 60 A 192.0.2.40 |  | "},
    {"w.dn.z.test", "CNAME", false,
     "0 AA | dn.z.test 60 DNAME a.target.z.test.; w.dn.z.test 60 CNAME w.a.target.z.test. |  | "},
    {"alias.z.test", "NSEC", false,
     "0 AA | alias.z.test 60 CNAME a.z.test. | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"dn.z.test", "DNAME", false, "0 AA | dn.z.test 60 DNAME a.target.z.test. |  | "},
    {"hidden.dn.z.test", "A", false,
     "3 AA | dn.z.test 60 DNAME a.target.z.test.; hidden.dn.z.test 60 CNAME "
     "hidden.a.target.z.test. | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"www.org", "A", false, "5 |  |  | "},
    {"z.test", "TYPE999", false, "0 AA |  | z.test 30 SOA ns.z.test. hm.z.test. 1 2 3 4 30 | "},
    {"b.s.test", "TXT", true,
     "0 AA |  | s.test 30 SOA ns.s.test. hm.s.test. 1 2 3 4 30; +SOA; b.s.test 60 NSEC d.s.test. A NSEC | "},
    {"c.s.test", "A", true,
     "3 AA |  | s.test 30 SOA ns.s.test. hm.s.test. 1 2 3 4 30; +SOA; b.s.test 60 NSEC d.s.test. A NSEC; "
     "s.test 60 NSEC b.s.test. NS SOA NSEC | "},
    {"w.s.test", "A", true,
     "0 AA |  | s.test 30 SOA ns.s.test. hm.s.test. 1 2 3 4 30; +SOA; "
     "d.s.test 60 NSEC *.w.s.test. NS NSEC | "},
    {"q.w.s.test", "A", true,
     "0 AA | q.w.s.test 60 A 192.0.2.2 | *.w.s.test 60 NSEC s.test. A NSEC | "},
    {"c.s.test", "A", false, "3 AA |  | s.test 30 SOA ns.s.test. hm.s.test. 1 2 3 4 30 | "},
};

static size_t make_query(uint8_t out[512], const char *name, const char *type, bool dnssec)
{
    struct name wire;
    uint16_t number;
    assert_int_equal(name_from_text(name, &wire, NULL), ERR_OK);
    assert_int_equal(rr_type_from_text(type, &number), ERR_OK);
    struct cursor c = cursor_over(out, 512);
    struct dns_header header = {.id = 77, .flags = DNS_RD, .qdcount = 1, .arcount = dnssec ? 1 : 0};
    dns_header_write(&c, &header);
    cursor_put(&c, wire.wire, wire.len);
    cursor_put_u16(&c, number);
    cursor_put_u16(&c, CLASS_IN);
    if (dnssec) {
        static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0};
        cursor_put(&c, opt, sizeof opt);
    }
    return cursor_offset(&c);
}

static void add_section(struct str *out, const uint8_t *reply, size_t size, size_t *offset,
                        unsigned count)
{
    bool first = true;
    str_add(out, " | ");
    for (unsigned i = 0; i < count; i++) {
        struct dns_rr rr;
        char name[NAME_MAX_TEXT];
        char type[16];
        uint8_t rdata[2048];
        size_t len;
        assert_int_equal(dns_rr_read(reply, size, offset, &rr), ERR_OK);
        if (rr.type == TYPE_OPT) {
            continue;
        }
        assert_int_equal(rdata_read(reply, size, rr.rdata_offset, rr.rdlength, rr.type, rdata,
                                    sizeof rdata, &len, NULL), ERR_OK);
        name_to_text(rr.name.wire, name);
        if (rr.type == TYPE_RRSIG) {    // shown by what it covers
            rr_type_to_text((uint16_t)(rdata[0] << 8 | rdata[1]), type);
            str_printf(out, "; +%s", type);
            continue;
        }
        rr_type_to_text(rr.type, type);
        str_printf(out, "%s%s %u %s ", first ? "" : "; ", name, rr.ttl, type);
        rdata_to_text(rr.type, rdata, len, out);
        first = false;
    }
}

static char *reply_text(const uint8_t *reply, size_t size)
{
    struct str out;
    struct dns_header header;
    struct cursor c = cursor_over_const(reply, size);
    str_init(&out);
    dns_header_read(&c, &header);
    size_t offset = DNS_HEADER_SIZE;
    struct name question;
    assert_int_equal(name_read(reply, size, &offset, &question), ERR_OK);
    offset += 4;
    str_printf(&out, "%u%s%s", header.flags & 15u, (header.flags & DNS_AA) != 0 ? " AA" : "",
               (header.flags & DNS_TC) != 0 ? " TC" : "");
    add_section(&out, reply, size, &offset, header.ancount);
    add_section(&out, reply, size, &offset, header.nscount);
    add_section(&out, reply, size, &offset, header.arcount);
    assert_int_equal(offset, size);
    return str_take(&out);
}

static struct fixture f;

static size_t ask(const char *name, const char *type, bool dnssec, uint8_t *out, size_t room)
{
    uint8_t query[512];
    struct dns_query parsed;
    size_t size = make_query(query, name, type, dnssec);
    assert_int_equal(dns_query_read(query, size, &parsed), RCODE_NOERROR);
    struct answer_context context = {.zones = zone_table_get(f.store), .udp_size_max = 1232,
                                     .server_name = "ns1.example", .version = "Trellis",
                                     .now_s = 1};
    struct answer_note note;
    return answer_query(&context, query, size, &parsed, out, room, &note);
}

static void test_rows(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t reply[4096];
        size_t size = ask(rows[i].name, rows[i].type, rows[i].dnssec, reply, sizeof reply);
        char *text = reply_text(reply, size);
        if (strcmp(text, rows[i].says) != 0) {
            print_error("%s %s\n  is   %s\n  not  %s\n", rows[i].name, rows[i].type, text,
                        rows[i].says);
            wrong++;
        }
        mem_free(text);
    }
    assert_int_equal(wrong, 0);
}

// Whatever the room, the reply is well-formed, within it, and says TC when records are missing.
static void test_little_room(void **state)
{
    (void)state;
    static const char *const names[] = {"a.z.test", "www.sub.z.test", "w.dn.z.test", "none.z.test",
                                        "c.s.test", "alias.z.test"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        uint8_t whole[4096];
        size_t full = ask(names[n], "A", true, whole, sizeof whole);
        for (size_t room = 60; room <= full; room++) {
            uint8_t *reply = mem_alloc(room);    // of just this size, for the sanitizer
            size_t size = ask(names[n], "A", true, reply, room);
            assert_true(size <= room && size >= DNS_HEADER_SIZE);
            char *text = reply_text(reply, size);
            assert_true(size == full || strstr(text, " TC") != NULL ||
                        strcmp(names[n], "www.sub.z.test") == 0);
            mem_free(text);
            mem_free(reply);
        }
    }
}

static void test_access(void **state)
{
    (void)state;
    struct zone_options *options = zone_options_new(ZONE_PRIMARY);
    uint8_t reply[512];
    options->disabled = true;
    zone_submit_options(f.submitter, "z.test", options, fixture_done, &f);
    assert_int_equal(fixture_wait(&f), ERR_OK);
    ask("a.z.test", "A", false, reply, sizeof reply);
    assert_int_equal(reply[3] & 15, RCODE_REFUSED);
    options->disabled = false;
    zone_submit_options(f.submitter, "z.test", options, fixture_done, &f);
    assert_int_equal(fixture_wait(&f), ERR_OK);
    ask("a.z.test", "A", false, reply, sizeof reply);
    assert_int_equal(reply[3] & 15, RCODE_NOERROR);
    zone_options_free(options);

    // A secondary that was never loaded, then one that has expired.
    assert_int_equal(fixture_create(&f, "sec.test", ZONE_SECONDARY, NULL), ERR_OK);
    ask("sec.test", "A", false, reply, sizeof reply);
    assert_int_equal(reply[3] & 15, RCODE_SERVFAIL);
}

static int setup(void **state)
{
    (void)state;
    fixture_open(&f);
    return fixture_create(&f, "z.test", ZONE_PRIMARY, plain_zone) != ERR_OK ||
           fixture_create(&f, "s.test", ZONE_PRIMARY, signed_zone) != ERR_OK;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_little_room),
        cmocka_unit_test(test_access),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
