#include "common/conf/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// After its own needs.
#include <cmocka.h>

#include "common/base/clock.h"

static void path_of(unsigned i, char *path, size_t size)
{
    (void)snprintf(path, size, "blocked/name-%07u.example", i);
}

struct order {
    char last[64];
    size_t count;
    size_t stop_after;
};

static bool check_order(void *ctx, const char *path, const char *json)
{
    struct order *order = ctx;
    assert_true(strcmp(order->last, path) < 0);
    assert_non_null(json);
    (void)snprintf(order->last, sizeof order->last, "%s", path);
    order->count++;
    return order->count != order->stop_after;
}

static size_t count_ordered(const struct conf_map *map, const char *prefix, size_t stop_after)
{
    struct order order = {.stop_after = stop_after};
    conf_map_each(map, prefix, check_order, &order);
    return order.count;
}

static void holds_what_was_set(void **state)
{
    (void)state;
    struct conf_map *map = conf_map_new();
    assert_null(conf_map_get(map, "a/b"));
    conf_map_set(map, "a/b", "1");
    conf_map_set(map, "a/c", "2");
    conf_map_set(map, "a/b", "3");
    assert_int_equal(conf_map_count(map), 2);
    assert_string_equal(conf_map_get(map, "a/b"), "3");
    assert_true(conf_map_remove(map, "a/b"));
    assert_false(conf_map_remove(map, "a/b"));
    assert_null(conf_map_get(map, "a/b"));
    conf_map_clear(map);
    assert_int_equal(conf_map_count(map), 0);
    conf_map_free(map);
}

static void walks_a_prefix_in_order(void **state)
{
    (void)state;
    struct conf_map *map = conf_map_new();
    char path[64];
    for (unsigned i = 0; i < 5000; i++) {
        path_of(i * 7919 % 5000, path, sizeof path);
        conf_map_set(map, path, "{}");
    }
    conf_map_set(map, "allowed/x", "{}");
    conf_map_set(map, "settings/a", "1");
    conf_map_set(map, "settings/b", "2");
    assert_int_equal(count_ordered(map, "", 0), 5003);
    assert_int_equal(count_ordered(map, "blocked/", 0), 5000);
    assert_int_equal(count_ordered(map, "blocked/name-0001", 0), 1000);
    assert_int_equal(count_ordered(map, "settings/", 0), 2);
    assert_int_equal(count_ordered(map, "settings/a", 0), 1);
    assert_int_equal(count_ordered(map, "zzz", 0), 0);
    assert_int_equal(count_ordered(map, "blocked/", 10), 10);
    assert_int_equal(conf_map_count_prefix(map, "blocked/"), 5000);
    conf_map_free(map);
}

// A clone keeps its state whatever happens to the original, and the other way round.
static void clones_are_apart(void **state)
{
    (void)state;
    struct conf_map *map = conf_map_new();
    char path[64];
    for (unsigned i = 0; i < 3000; i++) {
        path_of(i, path, sizeof path);
        conf_map_set(map, path, "{}");
    }
    struct conf_map *clone = conf_map_clone(map);
    for (unsigned i = 0; i < 3000; i += 3) {
        path_of(i, path, sizeof path);
        assert_true(conf_map_remove(map, path));
        path_of(i + 1, path, sizeof path);
        conf_map_set(map, path, "changed");
        path_of(i + 2, path, sizeof path);
        conf_map_set(clone, path, "cloned");
    }
    assert_int_equal(conf_map_count(map), 2000);
    assert_int_equal(conf_map_count(clone), 3000);
    assert_int_equal(count_ordered(map, "", 0), 2000);
    assert_int_equal(count_ordered(clone, "", 0), 3000);
    for (unsigned i = 0; i < 3000; i++) {
        path_of(i, path, sizeof path);
        const char *here = conf_map_get(map, path);
        const char *there = conf_map_get(clone, path);
        if (i % 3 == 0) {
            assert_null(here);
        } else {
            assert_string_equal(here, i % 3 == 1 ? "changed" : "{}");
        }
        assert_string_equal(there, i % 3 == 2 ? "cloned" : "{}");
    }
    conf_map_free(map);
    assert_int_equal(count_ordered(clone, "", 0), 3000);
    conf_map_free(clone);
}

// Random changes beside a plain array, with clones taken and dropped on the way.
static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    // Enough for three levels, so that inner nodes split and merge too.
    enum { KEYS = 20000, STEPS = 300000 };
    static unsigned value[KEYS];
    memset(value, 0, sizeof value);
    struct conf_map *map = conf_map_new();
    struct conf_map *clone = NULL;
    unsigned seed = 7;
    size_t count = 0;
    char path[64];
    char json[16];
    for (unsigned step = 1; step <= STEPS; step++) {
        unsigned key = (unsigned)rand_r(&seed) % KEYS;
        // Phases of growing and of shrinking, so that nodes split and merge.
        bool add = (unsigned)rand_r(&seed) % 10 < (step / 60000 % 2 == 0 ? 8U : 2U);
        path_of(key, path, sizeof path);
        if (add) {
            (void)snprintf(json, sizeof json, "%u", step);
            conf_map_set(map, path, json);
            count += value[key] == 0;
            value[key] = step;
        } else {
            assert_int_equal(conf_map_remove(map, path), value[key] != 0);
            count -= value[key] != 0;
            value[key] = 0;
        }
        if (step % 5000 == 0) {
            conf_map_free(clone);
            clone = conf_map_clone(map);
            assert_int_equal(count_ordered(map, "", 0), count);
        }
        assert_int_equal(conf_map_count(map), count);
    }
    for (unsigned key = 0; key < KEYS; key++) {
        path_of(key, path, sizeof path);
        const char *found = conf_map_get(map, path);
        assert_int_equal(found == NULL ? 0 : (unsigned)strtoul(found, NULL, 10), value[key]);
    }
    for (unsigned key = 0; key < KEYS; key++) {
        path_of(key, path, sizeof path);
        (void)conf_map_remove(map, path);
    }
    assert_int_equal(conf_map_count(map), 0);
    assert_int_equal(count_ordered(map, "", 0), 0);
    conf_map_free(clone);
    conf_map_free(map);
}

static void takes_a_million(void **state)
{
    (void)state;
    enum { MILLION = 1000000 };
    struct conf_map *map = conf_map_new();
    char path[64];
    uint64_t start = clock_mono_ms();
    for (unsigned i = 0; i < MILLION; i++) {
        path_of(i, path, sizeof path);
        conf_map_set(map, path, "{}");
    }
    uint64_t loaded = clock_mono_ms();
    assert_int_equal(count_ordered(map, "blocked/", 0), MILLION);
    print_message("1,000,000 entries: set in %u ms, walked in %u ms\n", (unsigned)(loaded - start),
                  (unsigned)(clock_mono_ms() - loaded));
    conf_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_set), cmocka_unit_test(walks_a_prefix_in_order),
        cmocka_unit_test(clones_are_apart),   cmocka_unit_test(agrees_with_a_plain_array),
        cmocka_unit_test(takes_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
