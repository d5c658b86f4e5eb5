#include "dnsd/net/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dnsd/net/tcp_clients.h"

static void test_idle_time_shrinks_under_pressure(void **state)
{
    static const struct {
        size_t open;
        uint32_t timeout_ms;
    } rows[] = {
        {0,   10000},
        {49,  10000},
        {50,  5000 },
        {74,  5000 },
        {75,  2500 },
        {89,  2500 },
        {90,  625  },
        {101, 625  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(tcp_idle_timeout(10000, rows[i].open, 100), rows[i].timeout_ms);
    }
    assert_int_equal(tcp_idle_timeout(1000, 99, 100), 500); // never less
}

static void test_clients_are_addresses_or_prefixes(void **state)
{
    static struct tcp_clients clients;
    static const char *const same[] = {"2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"};
    struct tcp_client *first = NULL;
    union address peer;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(address_parse(same[i], 1000, &peer, NULL), ERR_OK);
        struct tcp_client *client = tcp_clients_get(&clients, &peer);
        first = first != NULL ? first : client;
        assert_ptr_equal(client, first);
        assert_int_equal(client->count, i + 1);
    }
    assert_int_equal(address_parse("2001:db8:0:1::1", 1000, &peer, NULL), ERR_OK);
    struct tcp_client *other = tcp_clients_get(&clients, &peer);
    assert_ptr_not_equal(other, first);
    assert_int_equal(address_parse("192.0.2.1", 1, &peer, NULL), ERR_OK);
    struct tcp_client *v4 = tcp_clients_get(&clients, &peer);
    assert_int_equal(address_parse("192.0.2.2", 1, &peer, NULL), ERR_OK);
    struct tcp_client *neighbour = tcp_clients_get(&clients, &peer);
    assert_ptr_not_equal(v4, neighbour);
    tcp_clients_put(&clients, first);
    tcp_clients_put(&clients, first);
    tcp_clients_put(&clients, first);
    tcp_clients_put(&clients, other);
    tcp_clients_put(&clients, v4);
    tcp_clients_put(&clients, neighbour);
    for (size_t i = 0; i < TCP_CLIENT_BUCKETS; i++) {
        assert_null(clients.buckets[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_time_shrinks_under_pressure),
        cmocka_unit_test(test_clients_are_addresses_or_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
