// Zone files: records as told to the caller, every fault with file, line and reason, and the root
// zone where ../shared/data has it.
#include "common/dns/zonefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static struct name name_of(const char *text)
{
    struct name name;
    assert_int_equal(name_from_text(text, &name, NULL), ERR_OK);
    return name;
}

// One line a record: "line name ttl class type rdata [; comment]".
static enum err collect(void *ctx, const struct zonefile_record *record, struct errmsg *e)
{
    (void)e;
    struct str *out = ctx;
    char name[NAME_MAX_TEXT];
    char type[16];
    name_to_text_dot(record->name->wire, name);
    rr_type_to_text(record->type, type);
    str_printf(out, "%u %s %u %u %s ", record->line, name, record->ttl, record->class, type);
    rdata_to_text(record->type, record->rdata, record->rdata_len, out);
    if (record->comment != NULL) {
        str_printf(out, " ;%.*s", (int)record->comment_len, record->comment);
    }
    str_add_char(out, '\n');
    return ERR_OK;
}

// clang-format off: version 14 dies of rows with cells of several strings
static const struct {
    const char *what;
    const char *text;
    const char *records;
} rows[] = {
    {"nothing",                    "",                                                      ""                                 },
    {"blank lines and comments",   "\n  \n; a\n \t; b\n;",                                  ""                                 },
    {"plain",                      "a A 1.2.3.4\n",                                         "1 a.example.com. 77 1 A 1.2.3.4\n"},
    {"no line end",                "a A 1.2.3.4",                                           "1 a.example.com. 77 1 A 1.2.3.4\n"},
    {"CRLF",                       "a A 1.2.3.4\r\n\r\nb A 1.2.3.4 ; c \r\n",
     "1 a.example.com. 77 1 A 1.2.3.4\n3 b.example.com. 77 1 A 1.2.3.4 ;c\n"                                                   },
    {"byte order mark",
     "\xEF\xBB\xBF"
     "a A 1.2.3.4",                                                                         "1 a.example.com. 77 1 A 1.2.3.4\n"},
    {"blank owner",                "a A 1.2.3.4\n  A 1.2.3.5\n\tMX 1 @",
     "1 a.example.com. 77 1 A 1.2.3.4\n2 a.example.com. 77 1 A 1.2.3.5\n3 a.example.com. 77 1 MX 1 "
     "example.com.\n"                                                                                                          },
    {"TTL and class in any order",
     "a 5 IN A 1.2.3.4\na IN 6 A 1.2.3.4\na 1h30m in a 1.2.3.4\na CH TXT x\na A 1.2.3.4\n", "1 a.example.com. 5 1 A 1.2.3.4\n2 a.example.com. 6 1 A 1.2.3.4\n3 a.example.com. 5400 1 A "
     "1.2.3.4\n"
     "4 a.example.com. 5400 3 TXT \"x\"\n5 a.example.com. 5400 3 A 1.2.3.4\n"                                    },
    {"$TTL ends carrying on",                            "$TTL 1d\na 5 A 1.2.3.4\na A 1.2.3.4\n",
     "2 a.example.com. 5 1 A 1.2.3.4\n3 a.example.com. 86400 1 A 1.2.3.4\n"},
    {"$ORIGIN",                            "$ORIGIN sub\na NS b\n$ORIGIN other.\n@ NS .\n",
     "2 a.sub.example.com. 77 1 NS b.sub.example.com.\n4 other. 77 1 NS .\n"                                          },
    {"parentheses",                            "@ SOA ns hm ( 1 ; serial\n 2\n\t3 ; retry\n 4 5 ) ; end\na A 1.2.3.4",
     "1 example.com. 77 1 SOA ns.example.com. hm.example.com. 1 2 3 4 5 ;end\n5 a.example.com. 77 "
     "1 A 1.2.3.4\n"},
    {"parentheses anywhere",                            "a ( 5\n IN\n) TXT ( \"( ;\"\n  b)\n",
     "1 a.example.com. 5 1 TXT \"( ;\" \"b\"\n"                                                                  },
    {"nested parentheses",                            "a TXT ((a) (b\n))\n",                                                                "1 a.example.com. 77 1 TXT \"a\" \"b\"\n"},
    {"quotes and escapes",                            "a\\;\\.b TXT \"a;b\" c\\;d \\\"e ; f\n",
     "1 a\\;\\.b.example.com. 77 1 TXT \"a;b\" \"c;d\" \"\\\"e\" ;f\n"                                               },
    {"case stays",                            "WWW.Example.COM. NS NS1\n",                                                                          "1 WWW.Example.COM. 77 1 NS NS1.example.com.\n"     },
    {"RFC 3597",                            "a CLASS1 TYPE731 \\# 3 abcdef\na TYPE1 \\# 4 01020304\n",
     "1 a.example.com. 77 1 TYPE731 \\# 3 ABCDEF\n2 a.example.com. 77 1 A 1.2.3.4\n"                   },
    {"owner like a type",                            "A A 1.2.3.4\nNS 5 NS A\n",
     "1 A.example.com. 77 1 A 1.2.3.4\n2 NS.example.com. 5 1 NS A.example.com.\n"                           },
    {"$GENERATE",                            "x A 9.9.9.9\n$GENERATE 1-3 h$ 5 A 10.0.0.$\n A 9.9.9.8\n",
     "1 x.example.com. 77 1 A 9.9.9.9\n2 h1.example.com. 5 1 A 10.0.0.1\n2 h2.example.com. 5 1 A "
     "10.0.0.2\n"
     "2 h3.example.com. 5 1 A 10.0.0.3\n3 x.example.com. 5 1 A 9.9.9.8\n"},
    {"$GENERATE with steps and forms",
     "$GENERATE 8-18/10 a${2,4,x}$$ TXT ${-8} ${0,3} ${0,3,o} ${0,0,X} \\$ \"${0}\"",                                                              "1 a000a\\$.example.com. 77 1 TXT \"0\" \"008\" \"010\" \"8\" \"$\" \"8\"\n"
     "1 a0014\\$.example.com. 77 1 TXT \"10\" \"018\" \"022\" \"12\" \"$\" \"18\"\n"                                           },
    {"$GENERATE by nibbles",                            "$GENERATE 26-26 ${0,7,n} PTR h${0,0,N}.",
     "1 a.1.0.0.example.com. 77 1 PTR hA.1.\n"},
};

// clang-format on

static void test_rows(void **state)
{
    (void)state;
    struct name origin = name_of("example.com");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct errmsg e = {.text = ""};
        struct str out;
        str_init(&out);
        size_t len = strlen(rows[i].text);
        char *text = test_malloc(len + 1); // for the sanitizer: nothing behind
        memcpy(text, rows[i].text, len);
        enum err err = zonefile_scan(text, len, "f", &origin, 77, collect, &out, &e);
        if (err != ERR_OK || strcmp(out.text != NULL ? out.text : "", rows[i].records) != 0) {
            fail_msg("%s: code %d %s\n%s", rows[i].what, err, e.text, out.text);
        }
        test_free(text);
        str_fini(&out);
    }
}

static const struct {
    const char *text;
    const char *message;
} bad_rows[] = {
    {"a A 1.2.3\n",                         "f.zone:1: A: ipAddress: '1.2.3' is not an IPv4 address"           },
    {"a A 1.2.3.4\n\nb A\n",                "f.zone:3: A: ipAddress: is missing"                               },
    {" A 1.2.3.4\n",                        "f.zone:1: the first record has no owner name"                     },
    {"a\n",                                 "f.zone:1: the record has no type"                                 },
    {"a IN 5\n",                            "f.zone:1: the record has no type"                                 },
    {"a 5 6 A 1.2.3.4\n",                   "f.zone:1: '6' is not a record type, class or TTL"                 },
    {"a IN CH A 1.2.3.4\n",                 "f.zone:1: 'CH' is not a record type, class or TTL"                },
    {"a NOSUCH x\n",                        "f.zone:1: 'NOSUCH' is not a record type, class or TTL"            },
    {"a ANY x\n",                           "f.zone:1: 'ANY' is a query type and cannot stand in a zone"       },
    {"a 1h30 A 1.2.3.4\n",                  "f.zone:1: '1h30' is not a TTL (3600, 1h30m)"                      },
    {"a 2147483648 A 1.2.3.4\n",
     "f.zone:1: '2147483648' is larger than the largest TTL, 2147483647 (RFC 2181)"                            },
    {"a..b A 1.2.3.4\n",                    "f.zone:1: the name has an empty label"                            },
    {"\na TXT \"open\n\"\n",                "f.zone:2: a quote is not closed"                                  },
    {"a TXT ( a\nb\n",                      "f.zone:1: a '(' is not closed"                                    },
    {"a TXT a )\n",                         "f.zone:1: a ')' has no '('"                                       },
    {"$INCLUDE other\n",
     "f.zone:1: $INCLUDE is refused: put the included file's records into this file"                           },
    {"$NOSUCH\n",                           "f.zone:1: '$NOSUCH' is not a directive ($ORIGIN, $TTL, $GENERATE)"},
    {"$TTL\n",                              "f.zone:1: $TTL needs a time"                                      },
    {"$TTL x\n",                            "f.zone:1: 'x' is not a TTL (3600, 1h30m)"                         },
    {"$TTL 1 2\n",                          "f.zone:1: '2' is one word too many"                               },
    {"$ORIGIN\n",                           "f.zone:1: $ORIGIN needs a name"                                   },
    {"$GENERATE 1-2\n",                     "f.zone:1: $GENERATE needs START-STOP, an owner, a type and data"  },
    {"$GENERATE 2-1 a A 1.2.3.4\n",         "f.zone:1: '2-1' is not a range START-STOP or START-STOP/STEP"     },
    {"$GENERATE 1-2/0 a A 1.2.3.4\n",
     "f.zone:1: '1-2/0' is not a range START-STOP or START-STOP/STEP"                                          },
    {"$GENERATE 1-65537 a A 1.2.3.4\n",     "f.zone:1: $GENERATE makes more than 65536 records"                },
    {"$GENERATE 1-2 a${0,0,q} A 1.2.3.4\n",
     "f.zone:1: $GENERATE: a ${OFFSET,WIDTH,BASE} is malformed"                                                },
    {"$GENERATE 1-2 a${-2} A 1.2.3.4\n",
     "f.zone:1: $GENERATE: a ${OFFSET,WIDTH,BASE} is malformed"                                                },
    {"$GENERATE 1-2 a TXT "
     "${0,255}${0,255}${0,255}${0,255}${0,255}${0,255}${0,255}${0,255}${0,255}\n",                                      "f.zone:1: $GENERATE makes a line longer than 2048 bytes"                              },
    {"$GENERATE 254-256 a A 1.2.3.$\n",
     "f.zone:1: A: ipAddress: '1.2.3.256' is not an IPv4 address"                                         },
};

static void test_bad_rows(void **state)
{
    (void)state;
    struct name origin = name_of("example.com");
    for (size_t i = 0; i < COUNT(bad_rows); i++) {
        struct errmsg e = {.text = ""};
        struct str out;
        str_init(&out);
        enum err err = zonefile_scan(bad_rows[i].text, strlen(bad_rows[i].text), "f.zone", &origin,
                                     77, collect, &out, &e);
        assert_int_not_equal(err, ERR_OK);
        assert_string_equal(e.text, bad_rows[i].message);
        str_fini(&out);
    }
}

static enum err stop_at_b(void *ctx, const struct zonefile_record *record, struct errmsg *e)
{
    unsigned *count = ctx;
    ++*count;
    return record->name->wire[1] == 'b' ? err_set(e, ERR_CONFLICT, "no b here") : ERR_OK;
}

static void test_callback_stops(void **state)
{
    (void)state;
    struct name origin = name_of(".");
    struct errmsg e;
    unsigned count = 0;
    const char *text = "a A 1.1.1.1\nb A 1.1.1.1\nc A 1.1.1.1\n";
    assert_int_equal(zonefile_scan(text, strlen(text), "f", &origin, 1, stop_at_b, &count, &e),
                     ERR_CONFLICT);
    assert_string_equal(e.text, "f:2: no b here");
    assert_int_equal(count, 2);
}

static enum err count_only(void *ctx, const struct zonefile_record *record, struct errmsg *e)
{
    (void)record;
    (void)e;
    ++*(unsigned *)ctx;
    return ERR_OK;
}

// An entry larger than any record can be is refused before it is copied whole.
static void test_huge_entries(void **state)
{
    (void)state;
    struct name origin = name_of(".");
    size_t len = 3u << 20;
    char *text = mem_alloc(len);
    unsigned count = 0;
    struct errmsg e;
    memset(text, 'a', len);
    memcpy(text, "a TXT ", 6);
    assert_int_equal(zonefile_scan(text, len, "f", &origin, 1, count_only, &count, &e),
                     ERR_TOO_LARGE);
    memset(text, '(', len);
    assert_int_equal(zonefile_scan(text, len, "f", &origin, 1, count_only, &count, &e),
                     ERR_TOO_LARGE);
    memcpy(text, "a TXT (", 7);
    memset(text + 7, '\n', len - 7);
    assert_int_not_equal(zonefile_scan(text, len, "f", &origin, 1, count_only, &count, &e), ERR_OK);
    mem_free(text);
    assert_int_equal(count, 0);
}

// The largest data there is: 65,535 bytes in each form.
static void test_largest_record(void **state)
{
    (void)state;
    struct name origin = name_of(".");
    struct str text;
    unsigned count = 0;
    struct errmsg e = {.text = ""};
    str_init(&text);
    str_add(&text, "a TYPE731 \\# 65535 (");
    for (unsigned i = 0; i < 65535; i++) {
        str_add(&text, i % 32 == 0 ? "\n00" : "00");
    }
    str_add(&text, ")\na OPENPGPKEY ");
    for (unsigned i = 0; i < 65535 / 3; i++) {
        str_add(&text, "AAAA");
    }
    assert_int_equal(zonefile_scan(text.text, text.len, "f", &origin, 1, count_only, &count, &e),
                     ERR_OK);
    assert_int_equal(count, 2);
    str_add(&text, "AAAA");
    assert_int_equal(zonefile_scan(text.text, text.len, "f", &origin, 1, count_only, &count, &e),
                     ERR_TOO_LARGE);
    str_fini(&text);
}

struct root_count {
    unsigned records;
    unsigned by_type[260];
};

static enum err count_root(void *ctx, const struct zonefile_record *record, struct errmsg *e)
{
    struct root_count *count = ctx;
    if (record->type >= COUNT(count->by_type)) {
        return err_set(e, ERR_INVALID, "type %u", record->type);
    }
    count->records++;
    count->by_type[record->type]++;
    return ERR_OK;
}

// The real root zone: the numbers are those of ldns-read-zone and dnspython for the same file, but
// for the SOA, which the file has twice, as a transfer does, and they drop.
static void test_root_zone(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        unsigned count;
    } counts[] = {
        {TYPE_A,      4227},
        {TYPE_AAAA,   3696},
        {TYPE_DNSKEY, 3   },
        {TYPE_DS,     2775},
        {TYPE_NS,     7350},
        {TYPE_NSEC,   1545},
        {TYPE_SOA,    2   }
    };
    FILE *in = popen("gzip -dc ../shared/data/root.zone.gz 2>/dev/null", "r");
    assert_non_null(in);
    size_t room = 16u << 20;
    char *text = mem_alloc(room);
    size_t len = fread(text, 1, room, in);
    if (pclose(in) != 0 || len == 0) {
        mem_free(text);
        skip();
    }
    struct root_count count = {0};
    struct errmsg e = {.text = ""};
    struct name origin = name_of(".");
    struct timespec start;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    enum err err = zonefile_scan(text, len, "root.zone", &origin, 1, count_root, &count, &e);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (err != ERR_OK) {
        fail_msg("%s", e.text);
    }
    double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
    printf("root zone: %u records, %.3f us each\n", count.records, ns / 1000 / count.records);
    for (size_t i = 0; i < COUNT(counts); i++) {
        assert_int_equal(count.by_type[counts[i].type], counts[i].count);
    }
    assert_int_equal(count.records, 19598);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_callback_stops), cmocka_unit_test(test_huge_entries),
        cmocka_unit_test(test_largest_record), cmocka_unit_test(test_root_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
