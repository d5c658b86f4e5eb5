#include "dnsd/conf/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_forms(void **state)
{
    static const struct {
        const char *text;
        const char *full; // NULL = refused
    } rows[] = {
        {"192.0.2.1",          "192.0.2.1:53"      },
        {"192.0.2.1:5300",     "192.0.2.1:5300"    },
        {"2001:db8::1",        "[2001:db8::1]:53"  },
        {"[2001:db8::1]",      "[2001:db8::1]:53"  },
        {"[2001:db8::1]:5300", "[2001:db8::1]:5300"},
        {"::",                 "[::]:53"           },
        {"192.0.2.1:",         NULL                },
        {"192.0.2.1:65536",    NULL                },
        {"192.0.2.1:x",        NULL                },
        {"[2001:db8::1",       NULL                },
        {"[2001:db8::1]53",    NULL                },
        {"ns1.example.com",    NULL                },
        {"",                   NULL                },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        union address address;
        char text[ADDRESS_TEXT_SIZE];
        enum err err = address_parse(rows[i].text, 53, &address, NULL);
        assert_int_equal(err, rows[i].full == NULL ? ERR_INVALID : ERR_OK);
        if (rows[i].full != NULL) {
            address_text(&address, text);
            assert_string_equal(text, rows[i].full);
        }
    }
}

static void test_equal_compares_port_and_family(void **state)
{
    union address a;
    union address b;
    (void)state;
    assert_int_equal(address_parse("192.0.2.1:53", 53, &a, NULL), ERR_OK);
    assert_int_equal(address_parse("192.0.2.1", 53, &b, NULL), ERR_OK);
    assert_true(address_equal(&a, &b));
    assert_int_equal(address_parse("192.0.2.1:54", 53, &b, NULL), ERR_OK);
    assert_false(address_equal(&a, &b));
    assert_int_equal(address_parse("::", 53, &b, NULL), ERR_OK);
    assert_false(address_equal(&a, &b));
    assert_true(address_is_wildcard(&b));
    assert_false(address_is_wildcard(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_equal_compares_port_and_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
