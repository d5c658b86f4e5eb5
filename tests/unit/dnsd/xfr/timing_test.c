#include "dnsd/xfr/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_refresh_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(timing_refresh_ms(3600, 300), 3600000);
    assert_int_equal(timing_refresh_ms(10, 300), 300000);
    assert_int_equal(timing_refresh_ms(UINT32_MAX, 300), 86400000);
    assert_int_equal(timing_refresh_ms(0, 0), 1000);
}

static void test_retry_doubles_without_a_soa(void **state)
{
    static const uint64_t expected[] = {1000, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    (void)state;
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(timing_retry_ms(false, 7200, 300, i), expected[i]);
        assert_int_equal(timing_backoff_ms(i), expected[i]);
    }
    assert_int_equal(timing_retry_ms(false, 0, 0, 4000000000u), 60000);
    assert_int_equal(timing_retry_ms(true, 900, 300, 9), 900000);
    assert_int_equal(timing_retry_ms(true, 60, 300, 9), 300000);
}

static void test_jitter_takes_at_most_a_tenth(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 100000; random += 7) {
        uint64_t ms = timing_jitter_ms(10000, random);
        assert_in_range(ms, 9000, 10000);
    }
    assert_int_equal(timing_jitter_ms(0, 12345), 0);
    assert_int_equal(timing_jitter_ms(9, 12345), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refresh_is_bounded),
        cmocka_unit_test(test_retry_doubles_without_a_soa),
        cmocka_unit_test(test_jitter_takes_at_most_a_tenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
