#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/mem.h"

static void try_fails_when_told(void **state)
{
    (void)state;
    mem_try_fail_at(2);
    void *first = mem_try_alloc(10);
    assert_non_null(first);
    assert_null(mem_try_alloc(10));
    void *grown = mem_try_realloc(first, 100);
    assert_non_null(grown);
    mem_try_fail_at(1);
    assert_null(mem_try_realloc(grown, 1000));
    mem_free(grown); // still there after the failure
    mem_free(NULL);
}

static void nothing_is_something(void **state)
{
    (void)state;
    void *pieces[] = {mem_alloc(0),     mem_zalloc(0),        mem_calloc(0, 8), mem_calloc(8, 0),
                      mem_dup(NULL, 0), mem_realloc(NULL, 0), mem_try_alloc(0)};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        assert_non_null(pieces[i]);
        mem_free(pieces[i]);
    }
}

static void grow_keeps_items(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        mem_grow(&items, &capacity, i + 1, sizeof *items);
        assert_true(capacity > i);
        items[i] = i * 3;
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(items[i], i * 3);
    }
    size_t before = capacity;
    mem_grow(&items, &capacity, 10, sizeof *items);
    assert_int_equal(capacity, before);
    mem_free(items);
}

static void wipe_wipes(void **state)
{
    (void)state;
    char secret[] = "secret";
    mem_wipe(secret, sizeof secret);
    static const char zeros[sizeof secret];
    assert_memory_equal(secret, zeros, sizeof secret);
}

static void arena_pieces_are_apart_and_aligned(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16, 17, 100, 4000, 5000, 20000, 100000, 3, 0, 12000, 12000};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    struct arena a;
    arena_init(&a);
    for (int round = 0; round < 3; round++) {
        uint8_t *pieces[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            pieces[i] = arena_alloc(&a, sizes[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)i, sizes[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], i);
            }
        }
        assert_true(a.total >= 153137);
        arena_reset(&a);
        assert_int_equal(a.total, 0);
    }
    assert_string_equal(arena_printf(&a, "%s-%d", "zone", 5), "zone-5");
    assert_string_equal(arena_strdup(&a, "copy"), "copy");
    assert_memory_equal(arena_dup(&a, "\1\2\3", 3), "\1\2\3", 3);
    arena_fini(&a);
    assert_non_null(arena_alloc(&a, 1)); // may be used again
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(try_fails_when_told),
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(grow_keeps_items),
        cmocka_unit_test(wipe_wipes),
        cmocka_unit_test(arena_pieces_are_apart_and_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
