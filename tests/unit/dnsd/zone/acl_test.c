#include "dnsd/zone/acl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/conf/address.h"

static union address at(const char *text)
{
    union address address;
    assert_int_equal(address_parse(text, 53, &address, NULL), ERR_OK);
    return address;
}

struct row {
    const char *items[4];
    const char *client;
    bool allowed;
};

static const struct row rows[] = {
    {{NULL},                         "192.0.2.1",        false},
    {{"192.0.2.0/24"},               "192.0.2.255",      true },
    {{"192.0.2.0/24"},               "192.0.3.0",        false},
    {{"192.0.2.77/24"},              "192.0.2.1",        true },
    {{"192.0.2.1"},                  "192.0.2.1",        true },
    {{"192.0.2.1"},                  "192.0.2.2",        false},
    {{"192.0.2.128/25"},             "192.0.2.127",      false},
    {{"!192.0.2.1", "192.0.2.0/24"}, "192.0.2.1",        false},
    {{"!192.0.2.1", "192.0.2.0/24"}, "192.0.2.2",        true },
    {{"192.0.2.0/24", "!192.0.2.1"}, "192.0.2.1",        true },
    {{"0.0.0.0/0"},                  "203.0.113.9",      true },
    {{"0.0.0.0/0"},                  "2001:db8::1",      false},
    {{"::/0"},                       "2001:db8::1",      true },
    {{"2001:db8::/33"},              "2001:db8:7fff::1", true },
    {{"2001:db8::/33"},              "2001:db8:8000::1", false},
    {{"10.0.0.0/8"},                 "::ffff:10.1.2.3",  true },
    {{"!::/0", "2001:db8::/32"},     "2001:db8::1",      false},
};

static void test_first_network_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *items[4];
        size_t count = 0;
        while (count < 4 && rows[i].items[count] != NULL) {
            union {
                const char *c;
                char *m;
            } u = {.c = rows[i].items[count]};
            items[count++] = u.m;
        }
        union address client = at(rows[i].client);
        struct acl acl;
        assert_int_equal(acl_init(&acl, items, count, NULL), ERR_OK);
        assert_int_equal(acl_allows(&acl, &client.sa), rows[i].allowed);
        assert_int_equal(acl_text_allows(items, count, &client.sa), rows[i].allowed);
        acl_fini(&acl);
    }
}

static void test_what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "!",
                                      "192.0.2",
                                      "192.0.2.0/33",
                                      "192.0.2.0/",
                                      "2001:db8::/129",
                                      "example.com",
                                      "192.0.2.0/-1",
                                      "!!192.0.2.1",
                                      "192.0.2.1 "};
    struct acl_entry entry;
    struct errmsg e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(acl_entry_parse(bad[i], &entry, &e), ERR_INVALID);
        assert_non_null(strstr(e.text, "is not a network"));
    }
}

static void test_private_networks(void **state)
{
    static const struct {
        const char *client;
        bool is_private;
    } cases[] = {
        {"127.0.0.1",       true },
        {"10.255.0.1",      true },
        {"172.15.255.255",  false},
        {"172.16.0.1",      true },
        {"172.31.255.255",  true },
        {"172.32.0.0",      false},
        {"192.168.9.9",     true },
        {"100.64.0.1",      true },
        {"100.128.0.1",     false},
        {"8.8.8.8",         false},
        {"::1",             true },
        {"fe80::1",         true },
        {"fd12::1",         true },
        {"2001:db8::1",     false},
        {"::ffff:10.0.0.1", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        union address client = at(cases[i].client);
        assert_int_equal(acl_is_private(&client.sa), cases[i].is_private);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_network_decides),
        cmocka_unit_test(test_what_is_no_network_is_refused),
        cmocka_unit_test(test_private_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
