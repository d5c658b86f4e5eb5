#include "dnsd/block/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/dns/name.h"

static const struct block_policy policy = {.enabled = true, .ttl = 30};

static void name_of(const char *text, struct name *name)
{
    assert_int_equal(name_from_text(text, name, NULL), ERR_OK);
    name_fold(name->wire);
}

static void add(struct block_builder *b, const char *text, bool allowed)
{
    struct name name;
    name_of(text, &name);
    assert_int_equal(block_builder_add(b, name.wire, allowed), ERR_OK);
}

static void drop(struct block_builder *b, const char *text, bool allowed)
{
    struct name name;
    name_of(text, &name);
    block_builder_remove(b, name.wire, allowed);
}

static bool is_blocked(const struct block_set *set, const char *text, unsigned *matched)
{
    struct name name;
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    name_of(text, &name);
    unsigned labels = name_label_offsets(name.wire, offsets) - 1;
    name_hashes(name.wire, offsets, labels, hashes);
    return block_set_match(set, name.wire, offsets, labels, hashes, matched);
}

static const struct {
    const char *name;
    bool blocked;
    unsigned matched;
} rows[] = {
    {"ads.example", true, 0},
    {"ADS.Example", true, 0},
    {"x.y.ads.example", true, 2},
    {"example", false, 0},
    {"bads.example", false, 0},
    {"good.ads.example", false, 0},       // allowed
    {"below.good.ads.example", false, 0}, // allowed by what stands nearer
    {"evil.good.ads.example", true, 0},   // blocked again below it
    {"both.example", false, 0},           // allowed beats blocked
    {".", false, 0},
};

static void test_nearest_entry_decides(void **state)
{
    (void)state;
    struct block_builder *b = block_builder_new();
    add(b, "ads.example", false);
    add(b, "good.ads.example", true);
    add(b, "evil.good.ads.example", false);
    add(b, "both.example", false);
    add(b, "both.example", true);
    add(b, "both.example", true);
    struct block_set *set = block_builder_finish(b, &policy);
    assert_int_equal(block_set_blocked(set), 3);
    assert_int_equal(block_set_allowed(set), 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned matched = 99;
        if (is_blocked(set, rows[i].name, &matched) != rows[i].blocked) {
            fail_msg("%s", rows[i].name);
        }
        if (rows[i].blocked) {
            assert_int_equal(matched, rows[i].matched);
        }
    }
    block_set_free(set);
}

static void test_empty_and_root(void **state)
{
    (void)state;
    unsigned matched = 0;
    struct block_set *empty = block_builder_finish(block_builder_new(), &policy);
    assert_false(is_blocked(empty, "a.example", &matched));
    block_set_free(empty);
    struct block_builder *b = block_builder_new();
    add(b, ".", false);
    struct block_set *all = block_builder_finish(b, &policy);
    assert_true(is_blocked(all, "a.example", &matched));
    assert_int_equal(matched, 2);
    block_set_free(all);
}

static void test_policy_is_copied(void **state)
{
    (void)state;
    uint8_t four[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
    uint8_t six[1][16] = {{0x20, 0x01}};
    struct block_policy custom = {.enabled = true, .answer = BLOCK_CUSTOM, .custom4_count = 2,
                                  .custom6_count = 1};
    custom.custom4 = (const uint8_t(*)[4])four;
    custom.custom6 = (const uint8_t(*)[16])six;
    struct block_set *set = block_builder_finish(block_builder_new(), &custom);
    memset(four, 0, sizeof four);
    memset(six, 0, sizeof six);
    assert_int_equal(block_set_policy(set)->custom4[1][3], 2);
    assert_int_equal(block_set_policy(set)->custom6[0][0], 0x20);
    block_set_free(set);
}

// Random names come and go; each set must say what a plain array says, and old sets stay as they were.
static void test_changes_beside_a_plain_array(void **state)
{
    (void)state;
    enum { NAMES = 600, ROUNDS = 60 };
    static bool there[NAMES];
    struct block_set *set = block_builder_finish(block_builder_new(), &policy);
    for (int round = 0; round < ROUNDS; round++) {
        struct block_builder *b = block_builder_from(set);
        block_set_free(set);
        for (int i = 0; i < 40; i++) {
            unsigned n = rand_below(NAMES);
            char text[32];
            snprintf(text, sizeof text, "n%u.example", n);
            there[n] = rand_below(3) != 0;
            if (there[n]) {
                add(b, text, false);
            } else {
                drop(b, text, false);
            }
        }
        set = block_builder_finish(b, &policy);
        size_t count = 0;
        for (unsigned n = 0; n < NAMES; n++) {
            char text[32];
            unsigned matched;
            snprintf(text, sizeof text, "n%u.example", n);
            assert_int_equal(is_blocked(set, text, &matched), there[n]);
            count += there[n];
        }
        assert_int_equal(block_set_blocked(set), count);
    }
    block_set_free(set);
}

static void test_ten_bytes_a_name(void **state)
{
    (void)state;
    enum { NAMES = 200000 };
    struct block_builder *b = block_builder_new();
    for (unsigned n = 0; n < NAMES; n++) {
        char text[32];
        snprintf(text, sizeof text, "n%u.ads.example", n);
        add(b, text, false);
    }
    struct block_set *set = block_builder_finish(b, &policy);
    assert_true(block_set_bytes(set) < (size_t)NAMES * 13);
    unsigned matched;
    for (unsigned n = 0; n < NAMES; n++) {
        char text[32];
        snprintf(text, sizeof text, "m%u.ads.example", n);
        assert_false(is_blocked(set, text, &matched));
    }
    block_set_free(set);
}

static void test_no_memory_leaves_the_builder_whole(void **state)
{
    (void)state;
    struct block_builder *b = block_builder_new();
    add(b, "first.example", false);
    enum err err = ERR_OK;
    mem_try_fail_at(1);
    for (unsigned n = 0; n < 100 && err == ERR_OK; n++) {
        struct name name;
        char text[32];
        snprintf(text, sizeof text, "n%u.example", n);
        name_of(text, &name);
        err = block_builder_add(b, name.wire, false);
    }
    mem_try_fail_at(0);
    assert_int_equal(err, ERR_NO_MEMORY);
    struct block_set *set = block_builder_finish(b, &policy);
    unsigned matched;
    assert_true(is_blocked(set, "first.example", &matched));
    block_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_entry_decides),
        cmocka_unit_test(test_empty_and_root),
        cmocka_unit_test(test_policy_is_copied),
        cmocka_unit_test(test_changes_beside_a_plain_array),
        cmocka_unit_test(test_ten_bytes_a_name),
        cmocka_unit_test(test_no_memory_leaves_the_builder_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
