// The table of RR types and record data: text, wire form, canonical form, messages.
#include "common/dns/rrtype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/dns/rdata_rows.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static uint8_t wire[RDATA_MAX + 1];

static struct name name_of(const char *text)
{
    struct name name;
    assert_int_equal(name_from_text(text, &name, NULL), ERR_OK);
    return name;
}

static uint16_t type_of(const char *text)
{
    uint16_t type = 0;
    assert_int_equal(rr_type_from_text(text, &type), ERR_OK);
    return type;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < rr_type_count; i++) {
        const struct rr_type *row = &rr_types[i];
        char text[16];
        uint16_t number = 0;
        assert_ptr_equal(rr_type_find(row->number), row);
        assert_true(i == 0 || row->number > rr_types[i - 1].number);
        rr_type_to_text(row->number, text);
        assert_string_equal(text, row->mnemonic);
        str_lower(text);
        assert_int_equal(rr_type_from_text(text, &number), ERR_OK);
        assert_int_equal(number, row->number);
        // The kinds that take the rest stand last, and nothing stands behind the end.
        bool ended = false;
        for (unsigned f = 0; f < RR_FIELDS_MAX; f++) {
            assert_true(row->fields[f].kind < RR_FIELD_KIND_COUNT);
            assert_false(ended && row->fields[f].kind != RR_END);
            ended = ended || row->fields[f].kind == RR_END;
        }
        bool is_canon = (row->flags & RR_CANON_FOLD) != 0;
        bool has_name = false;
        for (unsigned f = 0; f < RR_FIELDS_MAX; f++) {
            has_name = has_name || row->fields[f].kind == RR_NAME ||
                       row->fields[f].kind == RR_NAME_COMPRESS;
        }
        assert_true(has_name || !is_canon);
    }
    assert_null(rr_type_find(65279));
    assert_null(rr_type_find(0));
}

static void test_type_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int number; // -1 = ERR_INVALID
    } rows[] = {
        {"a",                        1    },
        {"TYPE1",                    1    },
        {"type65280",                65280},
        {"28",                       28   },
        {"65535",                    65535},
        {"0",                        0    },
        {"65536",                    -1   },
        {"",                         -1   },
        {"TYPE",                     -1   },
        {"TYPE65536",                -1   },
        {"TYPE01",                   -1   },
        {"NOSUCH",                   -1   },
        {"AA",                       -1   },
        {"NSEC3PARA",                -1   },
        {"NSEC3PARAMS",              -1   },
        {"-1",                       -1   },
        {"1a",                       -1   },
        {"ANYTHING-LONGER-THAN-ANY", -1   }
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint16_t number = 4242;
        enum err err = rr_type_from_text(rows[i].text, &number);
        assert_int_equal(err, rows[i].number < 0 ? ERR_INVALID : ERR_OK);
        assert_int_equal(number, rows[i].number < 0 ? 4242 : rows[i].number);
    }
    // NUL bytes are no end of a word.
    uint16_t number = 0;
    assert_int_equal(rr_type_from_bytes("MX\0", 3, &number), ERR_INVALID);
    assert_int_equal(rr_type_from_bytes("MX\0\0\0\0\0\0", 8, &number), ERR_INVALID);
    char text[16];
    rr_type_to_text(731, text);
    assert_string_equal(text, "TYPE731");
}

static void test_rows(void **state)
{
    (void)state;
    struct name origin = name_of("example.com");
    for (size_t i = 0; i < COUNT(rdata_rows); i++) {
        const struct rdata_row *row = &rdata_rows[i];
        uint16_t type = type_of(row->type);
        struct errmsg e = {.text = ""};
        size_t len = 0;
        if (rdata_from_text(type, row->text, strlen(row->text), &origin, wire, sizeof wire, &len,
                            &e) != ERR_OK) {
            fail_msg("%s %s: %s", row->type, row->text, e.text);
        }
        char hex[2048];
        assert_true(len < sizeof hex / 2);
        str_hex(hex, wire, len);
        if (strcmp(hex, row->wire) != 0) {
            fail_msg("%s %s:\n is %s\nnot %s", row->type, row->text, hex, row->wire);
        }
        assert_int_equal(rdata_check(type, wire, len, &e), ERR_OK);

        // Back to text and again to wire: the same, and not in generic form where the type has one.
        struct str text;
        str_init(&text);
        rdata_to_text(type, wire, len, &text);
        uint8_t again[1024];
        size_t again_len = 0;
        assert_int_equal(
            rdata_from_text(type, text.text, text.len, NULL, again, sizeof again, &again_len, &e),
            ERR_OK);
        assert_int_equal(again_len, len);
        assert_memory_equal(again, wire, len);
        bool has_form = rr_type_find(type) != NULL;
        if (has_form == (strncmp(text.text, "\\#", 2) == 0)) {
            fail_msg("%s came out as %s", row->type, text.text);
        }
        str_fini(&text);

        // From a message, and with every shorter length refused or read without harm.
        uint8_t message[12 + 1024];
        memset(message, 0, 12);
        memcpy(message + 12, wire, len);
        assert_int_equal(rdata_read(message, 12 + len, 12, (uint16_t)len, type, again, sizeof again,
                                    &again_len, &e),
                         ERR_OK);
        assert_int_equal(again_len, len);
        assert_memory_equal(again, wire, len);
        for (size_t cut = 0; cut < len; cut++) {
            (void)!rdata_read(message, 12 + cut, 12, (uint16_t)cut, type, again, sizeof again,
                              &again_len, &e);
            assert_int_not_equal(rdata_read(message, 12 + cut, 12, (uint16_t)len, type, again,
                                            sizeof again, &again_len, &e),
                                 ERR_OK);
        }
        if (len > 0) {
            assert_int_equal(rdata_read(message, 12 + len, 12, (uint16_t)len, type, again, len - 1,
                                        &again_len, &e),
                             ERR_TOO_LARGE);
        }
    }
}

static void test_to_text(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *hex;
        const char *text;
    } rows[] = {
        {"A",          "c0000201",                               "192.0.2.1"                              },
        {"A",          "c00002",                                 "\\# 3 C00002"                           },
        {"MX",         "000a046d61696c00",                       "10 mail."                               },
        {"TXT",        "0361226200",                             "\"a\\\"b\" \"\""                        },
        {"TXT",        "",                                       "\\# 0"                                  },
        {"CAA",        "0005697373756561",                       "0 issue \"a\""                          },
        {"CAA",        "00042d73756561",                         "\\# 7 00042D73756561"                   },
        {"DS",         "ec450501",                               "\\# 4 EC450501"                         },
        {"NSEC3PARAM", "0100000a01",                             "\\# 5 0100000A01"                       },
        {"NSEC3PARAM", "0100000a02abcd",                         "1 0 10 ABCD"                            },
        {"NSEC",       "00000140",                               ". A"                                    },
        {"NSEC",       "0000024000",                             "\\# 5 0000024000"                       },
        {"NSEC",       "00",                                     "."                                      },
        {"NSEC",       "00000120",                               ". NS"                                   },
        {"APL",        "",                                       ""                                       },
        {"APL",        "0003000101",                             "\\# 5 0003000101"                       },
        {"LOC",        "00121613800000008000000000989680",
         "0 0 0.000 N 0 0 0.000 E 0.00m 1.00m 10000.00m 10.00m"                                           },
        {"LOC",        "01121613800000008000000000989680",       "\\# 16 01121613800000008000000000989680"},
        {"LOC",        "00051613800000008000000000989680",       "\\# 16 00051613800000008000000000989680"},
        {"SVCB",       "00010000010003036832",                   "\\# 10 00010000010003036832"            },
        {"SVCB",       "0001000001000302683200030002 01bb",      "1 . alpn=\"h2\" port=443"               },
        {"HTTPS",      "000100000100060561 2c625c63",            "1 . alpn=\"a\\\\,b\\\\\\\\c\""          },
        {"SVCB",       "0001000008000100",                       "\\# 8 0001000008000100"                 },
        {"ANAME",      "046e616d6500",                           "name."                                  },
        {"FWD",        "00093139322e302e322e310101000000000000", "0 \"192.0.2.1\" 1 1 0 \"\" 0 \"\" \"\"" },
        {"APP",        "016101622d2d",                           "\"a\" \"b\" \"--\""                     },
        {"NULL",       "00ff",                                   "\\# 2 00FF"                             },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[256];
        size_t len = 0;
        char hex[512];
        size_t digits = 0;
        for (const char *p = rows[i].hex; *p != '\0'; p++) {
            if (*p != ' ') {
                hex[digits++] = *p;
            }
        }
        assert_int_equal(str_from_hex(hex, digits, bytes, sizeof bytes, &len), ERR_OK);
        struct str text;
        str_init(&text);
        rdata_to_text(type_of(rows[i].type), bytes, len, &text);
        assert_string_equal(text.text != NULL ? text.text : "", rows[i].text);
        str_fini(&text);
    }
}

static void test_bad_text(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *text;
        const char *reason;
    } rows[] = {
        {"A",        "",                                  "A: ipAddress: is missing"                               },
        {"A",        "1.2.3",                             "'1.2.3' is not an IPv4 address"                         },
        {"A",        "1.2.3.256",                         "not an IPv4 address"                                    },
        {"A",        "01.2.3.4",                          "not an IPv4 address"                                    },
        {"A",        "1.2.3.4 5",                         "'5' is one field too many"                              },
        {"A",        "\\# 3 0a0000",                      "ipAddress does not fit"                                 },
        {"A",        "\\# 4 0a00",                        "announces 4 bytes, but there are 2"                     },
        {"A",        "\\# x",                             "length"                                                 },
        {"A",        "\\# 70000 00",                      "length"                                                 },
        {"A",        "\\# 1 0",                           "two digits a byte"                                      },
        {"A",        "\\# 1 zz",                          "hexadecimal"                                            },
        {"AAAA",     "1.2.3.4",                           "not an IPv6 address"                                    },
        {"MX",       "70000 a",                           "MX: preference: '70000' is not a number from 0 to 65535"},
        {"MX",       "10",                                "MX: exchange: is missing"                               },
        {"MX",       "10 a..b",                           "empty label"                                            },
        {"TXT",      "\"open",                            "quote is not closed"                                    },
        {"TXT",      "a\\",                               "backslash"                                              },
        {"TXT",      "a\\999",                            "escape"                                                 },
        {"SOA",      "a b 1 2 3 4",                       "SOA: minimum: is missing"                               },
        {"SOA",      "a b 1 2x 3 4 5",                    "not a time in seconds"                                  },
        {"SOA",      "a b 1 5000000000 3 4 5",            "not a time in seconds"                                  },
        {"CAA",      "0 is-sue \"a\"",                    "CAA: tag: is malformed"                                 },
        {"CAA",      "0 \"\" \"a\"",                      "CAA: tag: is malformed"                                 },
        {"DS",       "1 2 3",                             "digest: is missing"                                     },
        {"DS",       "1 NOALG 3 00",                      "'NOALG' is not a number"                                },
        {"DNSKEY",   "256 3 8 A===",                      "base64"                                                 },
        {"DNSKEY",   "256 3 8 AAA",                       "cut short"                                              },
        {"DNSKEY",   "256 3 8 AA=A",                      "base64"                                                 },
        {"RRSIG",    "A 5 3 1 20301322173103 0 1 . AAAA", "not a time (YYYYMMDDHHmmSS)"                            },
        {"RRSIG",    "A 5 3 1 20300230173103 0 1 . AAAA", "not a time (YYYYMMDDHHmmSS)"                            },
        {"NSEC",     "a. A NOSUCH",                       "'NOSUCH' is not a record type"                          },
        {"NSEC3",    "1 0 0 a 00",                        "hexadecimal"                                            },
        {"NSEC3",    "1 0 0 - w",                         "base32hex"                                              },
        {"NSEC3",    "1 0 0 - 0z",                        "base32hex"                                              },
        {"APL",      "3:1.2.3.4/5",                       "IPV4/PREFIX"                                            },
        {"APL",      "1:1.2.3.4/33",                      "IPV4/PREFIX"                                            },
        {"LOC",      "91 N 0 E 0",                        "angle"                                                  },
        {"LOC",      "90 0 0.001 N 0 E 0",                "larger than 90"                                         },
        {"LOC",      "1 60 N 0 E 0",                      "no part of an angle"                                    },
        {"LOC",      "1 N 0 E -100001m",                  "altitude"                                               },
        {"LOC",      "1 N 0 E 1.001m",                    "altitude"                                               },
        {"SVCB",     "1 . alpn=h2 alpn=h3",               "given twice"                                            },
        {"SVCB",     "1 . alpn",                          "malformed value"                                        },
        {"SVCB",     "1 . alpn=h2,,h3",                   "malformed value"                                        },
        {"SVCB",     "1 . port=65536",                    "malformed value"                                        },
        {"SVCB",     "1 . nosuch=1",                      "not a service parameter"                                },
        {"SVCB",     "1 . key65535=1",                    "not a service parameter"                                },
        {"SVCB",     "1 . mandatory=alpn",                "svcParams: is malformed"                                },
        {"SVCB",     "1 . mandatory=mandatory",           "svcParams: is malformed"                                },
        {"SVCB",     "1 . no-default-alpn=x",             "malformed value"                                        },
        {"SVCB",     "1 . ipv4hint=1.2.3",                "malformed value"                                        },
        {"IPSECKEY", "1 4 1 . AAAA",                      "gateway type 4"                                         },
        {"EUI48",    "00-00-5e-00-53",                    "joined by '-'"                                          },
        {"NID",      "10 0014:4fff:ff20",                 "four groups"                                            },
        {"TYPE731",  "abc",                               "\\# LENGTH HEX"                                         },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct errmsg e = {.text = ""};
        size_t len = 4242;
        enum err err = rdata_from_text(type_of(rows[i].type), rows[i].text, strlen(rows[i].text),
                                       NULL, wire, sizeof wire, &len, &e);
        if (err != ERR_INVALID || len != 4242 || strstr(e.text, rows[i].reason) == NULL) {
            fail_msg("%s %s: code %d, '%s'", rows[i].type, rows[i].text, err, e.text);
        }
    }
    struct errmsg e;
    size_t len = 0;
    assert_int_equal(rdata_from_text(TYPE_A, "1.2.3.4", 7, NULL, wire, 3, &len, &e), ERR_TOO_LARGE);
    assert_int_equal(rdata_from_text(TYPE_TXT, "abc def", 7, NULL, wire, 7, &len, &e),
                     ERR_TOO_LARGE);
}

static void test_ttl(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; // -1 = refused
    } rows[] = {
        {"0",          0         },
        {"3600",       3600      },
        {"1h30m",      5400      },
        {"1W2D3H4M5S", 788645    },
        {"4294967295", 4294967295},
        {"4294967296", -1        },
        {"",           -1        },
        {"h",          -1        },
        {"1h30",       -1        },
        {"1x",         -1        },
        {"-1",         -1        },
        {"9999w",      -1        },
        {"1 h",        -1        }
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t seconds = 0;
        bool good = rr_ttl_from_text(rows[i].text, strlen(rows[i].text), &seconds);
        assert_int_equal(good, rows[i].seconds >= 0);
        assert_true(!good || seconds == rows[i].seconds);
    }
}

static void test_read_compressed(void **state)
{
    (void)state;
    // "example.com" at 12, MX data at 25: 10, "mail" + pointer to 12.
    static const uint8_t message[] = "hhhhhhhhhhhh\7example\3com\0\0\x0a\4mail\xc0\x0c";
    uint8_t out[64];
    size_t len = 0;
    assert_int_equal(
        rdata_read(message, sizeof message - 1, 25, 9, TYPE_MX, out, sizeof out, &len, NULL),
        ERR_OK);
    assert_int_equal(len, 20);
    assert_memory_equal(out, "\0\x0a\4mail\7example\3com", 20);
    assert_ptr_equal(rdata_name(TYPE_MX, out, len), out + 2);
    // The pointer's second byte outside of RDLENGTH.
    assert_int_equal(
        rdata_read(message, sizeof message - 1, 25, 8, TYPE_MX, out, sizeof out, &len, NULL),
        ERR_INVALID);
    assert_int_equal(
        rdata_read(message, sizeof message - 1, 25, 10, TYPE_MX, out, sizeof out, &len, NULL),
        ERR_INVALID);
    assert_null(rdata_name(TYPE_A, out, 4));
    assert_null(rdata_name(731, out, 4));
}

static void test_canonical(void **state)
{
    (void)state;
    uint8_t mx[] = "\0\1\4MAIL";
    rdata_canonical(TYPE_MX, mx, 8);
    assert_memory_equal(mx, "\0\1\4mail", 8);
    uint8_t txt[] = "\4MAIL";
    rdata_canonical(TYPE_TXT, txt, 5);
    assert_memory_equal(txt, "\4MAIL", 5);
    uint8_t nsec[] = "\4MAIL\0\0\1\x40"; // RFC 6840 section 5.1
    rdata_canonical(TYPE_NSEC, nsec, 9);
    assert_memory_equal(nsec, "\4MAIL", 5);
    uint8_t soa[] = "\1A\0\1B\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0A";
    rdata_canonical(TYPE_SOA, soa, 26);
    assert_memory_equal(soa, "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0A", 26);
    assert_true(rdata_compare((const uint8_t *)"a", 1, (const uint8_t *)"ab", 2) < 0);
    assert_true(rdata_compare((const uint8_t *)"b", 1, (const uint8_t *)"ab", 2) > 0);
    assert_int_equal(rdata_compare((const uint8_t *)"", 0, (const uint8_t *)"", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_type_text),
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_to_text),
        cmocka_unit_test(test_bad_text),  cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_read_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
