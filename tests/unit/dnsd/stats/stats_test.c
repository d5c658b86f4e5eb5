#include "dnsd/stats/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_every_counter_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATS_COUNT; i++) {
        assert_non_null(stats_names[i]);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(stats_names[i], stats_names[k]);
        }
    }
}

static void test_blocks_are_summed(void **state)
{
    static struct stats a;
    static struct stats b;
    uint64_t sums[STATS_COUNT] = {0};
    (void)state;
    for (unsigned rcode = 0; rcode < 16; rcode++) {
        stats_add_rcode(&a, rcode);
    }
    stats_add(&a, STATS_UDP_QUERIES, 3);
    stats_add(&b, STATS_UDP_QUERIES, 4);
    stats_sum(&a, sums);
    stats_sum(&b, sums);
    assert_int_equal(sums[STATS_UDP_QUERIES], 7);
    assert_int_equal(sums[STATS_NXDOMAIN], 1);
    assert_int_equal(sums[STATS_NOTAUTH], 1);
    assert_int_equal(sums[STATS_OTHER_RCODE], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_counter_has_a_name_of_its_own),
        cmocka_unit_test(test_blocks_are_summed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
