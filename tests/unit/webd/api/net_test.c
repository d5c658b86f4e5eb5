#include "webd/api/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webd/api/idn.h"

static void acl(void **state)
{
    static const char *const items[] = {"!10.1.0.0/16", "10.0.0.0/8", "192.0.2.7", "2001:db8::/33"};
    static const struct setting_list list = {.items = items, .count = 4};
    static const struct {
        const char *address;
        bool is_in;
    } rows[] = {
        {"10.2.0.1",         true },
        {"10.1.0.1",         false},
        {"11.0.0.1",         false},
        {"192.0.2.7",        true },
        {"192.0.2.8",        false},
        {"2001:db8:7fff::1", true },
        {"2001:db8:8000::",  false},
        {"::ffff:10.2.0.1",  true }
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_storage address;
        assert_true(net_parse(rows[i].address, 0, &address));
        assert_int_equal(net_in_acl(&list, &address), rows[i].is_in);
    }
}

static void reverse(void **state)
{
    static const struct {
        const char *text;
        const char *name; // NULL = no address
    } rows[] = {
        {"192.0.2.1",      "1.2.0.192.in-addr.arpa"    },
        {"192.168.0.0/24", "0.168.192.in-addr.arpa"    },
        {"10.0.0.0/9",     "10.in-addr.arpa"           },
        {"2001:db8::/32",  "8.b.d.0.1.0.0.2.ip6.arpa"  },
        {"2001:db8::/36",  "0.8.b.d.0.1.0.0.2.ip6.arpa"},
        {"example.com",    NULL                        },
        {"192.0.2.1/33",   NULL                        },
        {"192.0.2",        NULL                        }
    };
    char name[256];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(net_reverse_name(rows[i].text, name, sizeof name), rows[i].name != NULL);
        if (rows[i].name != NULL) {
            assert_string_equal(name, rows[i].name);
        }
    }
    assert_true(net_reverse_zone("192.0.2.1", name, sizeof name));
    assert_string_equal(name, "2.0.192.in-addr.arpa");
    assert_true(net_reverse_zone("2001:db8::1", name, sizeof name));
    assert_string_equal(name, "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static void idn(void **state)
{
    static const struct {
        const char *text;
        const char *name; // NULL = refused
    } rows[] = {
        {"Example.COM.",      "example.com"      },
        {"..a.b",             "a.b"              },
        {"",                  "."                },
        {".",                 "."                },
        {" a ",               "a"                },
        {"m\xc3\xbcnchen.de", "xn--mnchen-3ya.de"},
        {"_dmarc.a",          "_dmarc.a"         },
        {"a..b",              NULL               },
        {"*.a",               "*.a"              },
        {"a\\.b.c",           "a\\.b.c"          }
    };
    char name[NAME_MAX_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err err = idn_to_ascii(rows[i].text, name, sizeof name, NULL);
        assert_int_equal(err, rows[i].name == NULL ? ERR_INVALID : ERR_OK);
        if (rows[i].name != NULL) {
            assert_string_equal(name, rows[i].name);
        }
    }
    assert_true(idn_to_unicode("xn--mnchen-3ya.de", name, sizeof name));
    assert_string_equal(name, "m\xc3\xbcnchen.de");
    assert_false(idn_to_unicode("example.com", name, sizeof name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(acl), cmocka_unit_test(reverse),
                                       cmocka_unit_test(idn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
