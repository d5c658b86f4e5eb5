#include "webd/auth/attempt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webd/api/net.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage out;
    assert_true(net_parse(text, 0, &out));
    return out;
}

static void miss(struct attempt_table *t, const char *text, uint64_t now, bool blocks)
{
    struct sockaddr_storage a = address(text);
    assert_int_equal(ATTEMPT_GO, attempt_begin(t, &a, now));
    assert_int_equal(attempt_end(t, &a, true, false, now), blocks);
}

static bool may(struct attempt_table *t, const char *text, uint64_t now)
{
    struct sockaddr_storage a = address(text);
    bool begun = attempt_begin(t, &a, now) == ATTEMPT_GO;
    if (begun) {
        attempt_end(t, &a, false, false, now);
    }
    return begun;
}

static void five_failures_block(void **state)
{
    struct attempt_table *t = attempt_table_new();
    (void)state;
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        miss(t, "192.0.2.1", 1000, i == ATTEMPT_MAX - 1);
    }
    assert_false(may(t, "192.0.2.1", 1001));
    assert_true(may(t, "192.0.2.2", 1001));
    assert_false(may(t, "192.0.2.1", 1000 + ATTEMPT_BLOCK_MS - 1));
    assert_true(may(t, "192.0.2.1", 1000 + ATTEMPT_BLOCK_MS));
    attempt_table_free(t);
}

static void success_forgets(void **state)
{
    struct attempt_table *t = attempt_table_new();
    struct sockaddr_storage a = address("192.0.2.1");
    (void)state;
    for (int i = 0; i < ATTEMPT_MAX - 1; i++) {
        miss(t, "192.0.2.1", 1000, false);
    }
    assert_int_equal(ATTEMPT_GO, attempt_begin(t, &a, 1000));
    attempt_end(t, &a, false, true, 1000);
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        miss(t, "192.0.2.1", 1000, i == ATTEMPT_MAX - 1);
    }
    attempt_table_free(t);
}

static void v6_by_64(void **state)
{
    struct attempt_table *t = attempt_table_new();
    (void)state;
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        miss(t, "2001:db8:0:1::1", 1000, i == ATTEMPT_MAX - 1);
    }
    assert_false(may(t, "2001:db8:0:1:ffff::2", 1000));
    assert_true(may(t, "2001:db8:0:2::1", 1000));
    attempt_table_free(t);
}

// Guesses at the same time count before they ended.
static void parallel(void **state)
{
    struct attempt_table *t = attempt_table_new();
    struct sockaddr_storage a = address("192.0.2.1");
    (void)state;
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        assert_int_equal(ATTEMPT_GO, attempt_begin(t, &a, 1000));
    }
    assert_int_equal(attempt_begin(t, &a, 1000), ATTEMPT_WAIT);
    attempt_end(t, &a, true, false, 1000);
    assert_int_equal(attempt_begin(t, &a, 1000), ATTEMPT_WAIT);
    attempt_table_free(t);
}

// More sources than places: new ones are still watched.
static void many_sources(void **state)
{
    struct attempt_table *t = attempt_table_new();
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + i)};
        struct sockaddr_storage a = {0};
        memcpy(&a, &in, sizeof in);
        assert_int_equal(ATTEMPT_GO, attempt_begin(t, &a, 1000 + i));
        attempt_end(t, &a, true, false, 1000 + i);
    }
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        miss(t, "192.0.2.1", 20000, i == ATTEMPT_MAX - 1);
    }
    assert_false(may(t, "192.0.2.1", 20001));
    attempt_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_block), cmocka_unit_test(success_forgets),
        cmocka_unit_test(v6_by_64), cmocka_unit_test(parallel), cmocka_unit_test(many_sources)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
