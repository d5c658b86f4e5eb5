// A version made by random edits must be the one that is built from the same contents at once:
// names, empty non-terminals, and what each node knows of cuts above and wildcards below it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "dnsd/zone/version.h"

enum { NAMES = 340, ROUNDS = 120, NONE = 0, ADDRESS, CUT, ALIAS, KINDS };

struct owner_row {
    struct name name;
    int kind;
};
static struct owner_row rows[NAMES];    // in canonical order, the apex first
static struct name apex;

static int compare_rows(const void *a, const void *b)
{
    return name_compare(((const struct owner_row *)a)->name.wire,
                        ((const struct owner_row *)b)->name.wire);
}

// All names of up to four labels out of a, b, c and "*" below the apex.
static int make_rows(void **state)
{
    static const char *const labels[] = {"a", "b", "c", "*"};
    (void)state;
    assert_int_equal(name_from_text("test", &apex, NULL), ERR_OK);
    rows[0].name = apex;
    unsigned count = 1;
    for (unsigned depth = 1; depth <= 4; depth++) {
        for (unsigned i = 0; i < 1u << (2 * depth) && count < NAMES; i++) {
            char text[64] = "";
            for (unsigned d = 0; d < depth; d++) {
                strncat(text, labels[i >> (2 * d) & 3], 2);
                strncat(text, ".", 2);
            }
            strncat(text, "test", 5);
            assert_int_equal(name_from_text(text, &rows[count++].name, NULL), ERR_OK);
        }
    }
    qsort(rows, count, sizeof rows[0], compare_rows);
    return count == NAMES ? 0 : 1;
}

// Packed RRsets (node.h) of a kind of owner; their size.
static size_t pack(const struct owner_row *row, bool is_apex, uint8_t out[128])
{
    static const uint16_t types[KINDS] = {0, TYPE_A, TYPE_NS, TYPE_DNAME};
    static const uint8_t soa[22] = {0};
    size_t size = 0;
    const struct {
        uint16_t type;
        const uint8_t *rdata;
        uint16_t len;
    } sets[] = {
        {types[row->kind], row->kind == ADDRESS ? (const uint8_t *)"\1\2\3\4" : (const uint8_t *)"",
         row->kind == ADDRESS ? 4 : 1},
        {TYPE_SOA, soa, sizeof soa},
    };
    for (unsigned i = 0; i < 2; i++) {
        if (i == 0 ? row->kind == NONE : !is_apex) {
            continue;
        }
        uint16_t count = 1;
        uint32_t ttl = 60;
        uint32_t inner = 2u + sets[i].len;
        memcpy(out + size, &sets[i].type, 2);
        memcpy(out + size + 2, &count, 2);
        memcpy(out + size + 4, &ttl, 4);
        memcpy(out + size + 8, &inner, 4);
        out[size + 12] = 0;
        out[size + 13] = (uint8_t)sets[i].len;
        memcpy(out + size + 14, sets[i].rdata, sets[i].len);
        size += 14u + sets[i].len;
    }
    return size;
}

static struct zone_version *build(uint64_t stamp)
{
    uint8_t bytes[128];
    struct version_builder *builder = version_builder_new(NULL, &apex, 1);
    for (unsigned i = 0; i < NAMES; i++) {
        if (i == 0 || rows[i].kind != NONE) {
            assert_int_equal(version_builder_add(builder, rows[i].name.wire, bytes,
                                                 pack(&rows[i], i == 0, bytes)), ERR_OK);
        }
    }
    struct zone_version *version = version_builder_finish(builder, stamp);
    assert_non_null(version);
    return version;
}

static void expect_same(const struct zone_version *a, const struct zone_version *b)
{
    struct tree_cursor a_cursor;
    struct tree_cursor b_cursor;
    const struct zone_node *left = tree_first(&a->tree, &a_cursor);
    const struct zone_node *right = tree_first(&b->tree, &b_cursor);
    while (left != NULL && right != NULL) {
        char text[NAME_MAX_TEXT];
        name_to_text(zone_node_name(left), text);
        if (!name_equal_lower(zone_node_name(left), zone_node_name(right)) ||
            left->flags != right->flags) {
            print_error("%s: %x and %x\n", text, left->flags, right->flags);
        }
        assert_true(name_equal_lower(zone_node_name(left), zone_node_name(right)));
        assert_int_equal(left->flags, right->flags);
        assert_int_equal(left->rrsets_size, right->rrsets_size);
        assert_ptr_equal(version_find(a, zone_node_name(left), name_hash(zone_node_name(left))),
                         left);
        left = tree_next(&a_cursor);
        right = tree_next(&b_cursor);
    }
    assert_null(left);
    assert_null(right);
    assert_int_equal(a->index.count, b->index.count);
    assert_int_equal(a->records, b->records);
}

static void test_edits(void **state)
{
    (void)state;
    uint32_t seed = 5;
    uint64_t stamp = 1;
    uint8_t bytes[128];
    struct zone_version *version = build(stamp++);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct version_edit edit;
        version_edit_begin(&edit, version, stamp++);
        for (unsigned i = 0; i < 12; i++) {
            seed = seed * 1664525u + 1013904223u;
            unsigned at = 1 + (seed >> 8) % (NAMES - 1);
            seed = seed * 1664525u + 1013904223u;
            unsigned choice = (seed >> 8) % 16;
            rows[at].kind = choice < 7 ? NONE : choice < 13 ? ADDRESS : choice < 15 ? CUT : ALIAS;
            version_edit_set(&edit, rows[at].name.wire, bytes, pack(&rows[at], false, bytes));
        }
        struct zone_version *next = version_edit_finish(&edit);
        version->newer = next;
        version_free_oldest(version);
        version = next;
        struct zone_version *whole = build(stamp++);
        expect_same(version, whole);
        version_free_all(whole);
    }
    version_free_all(version);
}

// Against the plain definition: the longest name above that exists.
static void test_encloser(void **state)
{
    (void)state;
    for (unsigned i = 1; i < NAMES; i++) {
        rows[i].kind = i % 7 == 0 ? ADDRESS : NONE;
    }
    struct zone_version *version = build(1);
    for (unsigned i = 1; i < NAMES; i++) {
        struct name name;
        uint8_t offsets[NAME_MAX_LABELS + 1];
        uint64_t hashes[NAME_MAX_LABELS + 1];
        assert_true(name_join((const uint8_t *)"\1x\1y\1z", 6, rows[i].name.wire, &name));
        unsigned labels = name_label_offsets(name.wire, offsets) - 1;
        name_hashes(name.wire, offsets, labels, hashes);
        unsigned label;
        const struct zone_node *found =
            version_encloser(version, name.wire, offsets, labels, hashes, &label);
        unsigned expected = 1;
        while (version_find(version, name.wire + offsets[expected], hashes[expected]) == NULL) {
            expected++;
        }
        assert_int_equal(label, expected);
        assert_true(name_equal_lower(zone_node_name(found), name.wire + offsets[expected]));
    }
    version_free_all(version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_encloser),
    };
    return cmocka_run_group_tests(tests, make_rows, NULL);
}
