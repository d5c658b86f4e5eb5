// The ordered tree and the hash index against a plain sorted array, by random changes; older ones
// must stay as they were.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/dns/name.h"
#include "dnsd/zone/index.h"
#include "dnsd/zone/node.h"
#include "dnsd/zone/tree.h"

#define NAMES 3000u
#define ROUNDS 200u
#define CHANGES 25u

static const char apex[] = "\004test";
static struct zone_node *nodes[NAMES];    // in canonical order

static int compare_nodes(const void *a, const void *b)
{
    const struct zone_node *const *left = a;
    const struct zone_node *const *right = b;
    return name_compare(zone_node_name(*left), zone_node_name(*right));
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

// Names that share long prefixes, hold bytes that keys escape, and are above one another.
static int make_nodes(void **state)
{
    static const char *const forms[] = {"%u", "host%05u", "a.b%u", "common-prefix-%u",
                                        "x.host%05u", "\\000\\001%u", "\\001.%u", "*.w%u"};
    (void)state;
    for (unsigned i = 0; i < NAMES; i++) {
        char format[64];
        char text[128];
        struct name name;
        snprintf(format, sizeof format, "%s.test", forms[i % 8]);
        // The format is one of the literals above.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, format, i / 8);
#pragma GCC diagnostic pop
        assert_int_equal(name_from_text(text, &name, NULL), ERR_OK);
        nodes[i] = zone_node_new(name.wire, 0, NULL, 0);
    }
    qsort(nodes, NAMES, sizeof nodes[0], compare_nodes);
    return 0;
}

static int free_nodes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NAMES; i++) {
        mem_free(nodes[i]);
    }
    return 0;
}

static void check_tree(const struct zone_tree *tree, const bool *there)
{
    struct tree_cursor cursor;
    const void *item = tree_first(tree, &cursor);
    size_t rank = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        assert_int_equal(tree_rank(tree, zone_node_name(nodes[i])), rank);
        assert_ptr_equal(tree_find(tree, zone_node_name(nodes[i])), there[i] ? nodes[i] : NULL);
        if (there[i]) {
            assert_ptr_equal(item, nodes[i]);
            assert_ptr_equal(tree_at(tree, rank), nodes[i]);
            item = tree_next(&cursor);
            rank++;
        }
    }
    assert_null(item);
    assert_int_equal(tree_count(tree), rank);
    item = tree_last(tree, &cursor);
    for (unsigned i = NAMES; i-- > 0;) {
        if (there[i]) {
            assert_ptr_equal(item, nodes[i]);
            item = tree_previous(&cursor);
        }
    }
    assert_null(item);
}

static void check_index(const struct zone_index *index, const bool *there)
{
    size_t count = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        const uint8_t *name = zone_node_name(nodes[i]);
        assert_ptr_equal(index_find(index, name, name_hash(name)), there[i] ? nodes[i] : NULL);
        count += there[i];
    }
    assert_int_equal(index->count, count);
}

static void test_random_changes(void **state)
{
    (void)state;
    static bool there[NAMES];
    static bool before[NAMES];
    struct zone_tree tree = {.apex_labels = name_labels((const uint8_t *)apex)};
    struct zone_index index = {0};
    uint32_t seed = 7;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct zone_garbage garbage = {0};
        struct zone_tree old_tree = tree;
        struct zone_index old_index = index;
        struct tree_change change = {.stamp = round + 1, .garbage = &garbage};
        struct index_change index_change;
        memcpy(before, there, sizeof there);
        index_change_begin(&index_change, &index, &garbage);
        unsigned changes = round % 10 == 0 ? 20 * CHANGES : CHANGES;
        for (unsigned i = 0; i < changes; i++) {
            unsigned at = next_random(&seed) % NAMES;
            const uint8_t *name = zone_node_name(nodes[at]);
            // First it grows, then it shrinks to nothing.
            if (next_random(&seed) % ROUNDS >= round) {
                assert_ptr_equal(tree_put(&tree, &change, nodes[at]), there[at] ? nodes[at] : NULL);
                index_put(&index_change, nodes[at], name_hash(name));
                there[at] = true;
            } else {
                assert_ptr_equal(tree_remove(&tree, &change, name), there[at] ? nodes[at] : NULL);
                index_remove(&index_change, name, name_hash(name));
                there[at] = false;
            }
        }
        index = index_change_end(&index_change);
        if (round % 8 == 0) {
            check_tree(&tree, there);
            check_index(&index, there);
            check_tree(&old_tree, before);
            check_index(&old_index, before);
        }
        zone_garbage_free(&garbage);
    }
    check_tree(&tree, there);
    check_index(&index, there);
    tree_free(&tree);
    index_free(&index);
}

static void test_built_at_once(void **state)
{
    (void)state;
    static bool there[NAMES];
    static const unsigned counts[] = {0, 1, 7, 8, 254, 255, 600, NAMES};
    uint64_t *hashes = mem_calloc(NAMES, sizeof *hashes);
    for (unsigned i = 0; i < NAMES; i++) {
        hashes[i] = name_hash(zone_node_name(nodes[i]));
    }
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        const void *items[NAMES];
        for (unsigned i = 0; i < NAMES; i++) {
            items[i] = nodes[i];
            there[i] = i < counts[c];
        }
        struct zone_tree tree = tree_build(1, items, counts[c], 1);
        struct zone_index index = index_build(items, hashes, counts[c]);
        check_tree(&tree, there);
        check_index(&index, there);
        tree_free(&tree);
        index_free(&index);
    }
    mem_free(hashes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_built_at_once),
    };
    return cmocka_run_group_tests(tests, make_nodes, free_nodes);
}
