/*
 * The node table: rows to JSON and back, what is refused, order, and the note about the primary.
 */
#include "clusterd/node/table.h"

#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char GOOD[] =
    "{\"name\":\"NS1.example\",\"url\":\"https://ns1.example:53443/\",\"addresses\":[\"192.0.2.1\","
    "\"2001:DB8::0:1\",\"192.0.2.1\"],\"dnsPort\":5300,\"type\":\"Primary\",\"publicKey\":\"" KEY
    "\",\"pins\":[\"" PIN "\"],\"newer\":true}";

static void test_rows_go_there_and_back(void **state)
{
    (void)state;
    struct node node = {.id = 5};
    struct node again = {.id = 5};
    struct errmsg e = {0};
    assert_int_equal(node_parse(GOOD, &node, &e), ERR_OK);
    assert_string_equal(node.name, "ns1.example");
    assert_int_equal(node.address_count, 2);
    assert_string_equal(node.addresses[1], "2001:db8::1");
    assert_int_equal(node.dns_port, 5300);
    assert_true(node.is_primary);
    assert_int_equal(node.pin_count, 1);
    char *text = node_json(&node);
    assert_int_equal(node_parse(text, &again, &e), ERR_OK);
    assert_memory_equal(&node, &again, sizeof node);
    mem_free(text);
}

static void test_bad_rows_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        const char *said;
    } rows[] = {
        {"NS1.example",                                   "",            "name"     },
        {"https://",                                      "http://",     "url"      },
        {KEY,                                             "AAAA",        "publicKey"},
        {KEY,                                             "not base64",  "publicKey"},
        {"5300",                                          "70000",       "dnsPort"  },
        {"5300",                                          "-1",          "dnsPort"  },
        {"192.0.2.1",                                     "ns1.example", "address"  },
        {"\"" PIN "\"",                                   "",            "pins"     },
        {PIN,                                             "0011",        "pins"     },
        {"\"192.0.2.1\",\"2001:DB8::0:1\",\"192.0.2.1\"", "",            "address"  },
        {"{",                                             "[",           "object"   },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        const char *at = strstr(GOOD, rows[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - GOOD), GOOD, rows[i].to,
                 at + strlen(rows[i].from));
        struct node node = {0};
        struct errmsg e = {0};
        assert_int_equal(node_parse(text, &node, &e), ERR_INVALID);
        if (strstr(e.text, rows[i].said) == NULL) {
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, e.text, rows[i].said);
        }
    }
}

static void test_options_have_bounds(void **state)
{
    (void)state;
    static const struct {
        struct cluster_options options;
        enum err err;
    } rows[] = {
        {{30, 10, 900, 60},      ERR_OK     },
        {{10, 10, 30, 30},       ERR_OK     },
        {{300, 300, 3600, 3600}, ERR_OK     },
        {{9, 10, 900, 60},       ERR_INVALID},
        {{301, 10, 900, 60},     ERR_INVALID},
        {{30, 9, 900, 60},       ERR_INVALID},
        {{30, 10, 29, 60},       ERR_INVALID},
        {{30, 10, 900, 3601},    ERR_INVALID},
        {{60, 10, 60, 60},       ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct errmsg e = {0};
        assert_int_equal(cluster_options_check(&rows[i].options, &e), rows[i].err);
    }
}

static void commit(struct store *store, const char *path, const char *value)
{
    struct store_change change = {.path = path, .value = value};
    struct store_request request = {.changes = &change, .count = 1};
    struct store_result result;
    struct errmsg e = {0};
    if (store_commit(store, &request, &result, &e) != ERR_OK) {
        fail_msg("%s: %s", path, e.text);
    }
}

static void add_node(struct store *store, uint32_t id, const char *name, bool is_primary)
{
    struct node node = {0};
    struct errmsg e = {0};
    char path[32];
    assert_int_equal(node_parse(GOOD, &node, &e), ERR_OK);
    snprintf(node.name, sizeof node.name, "%s", name);
    node.is_primary = is_primary;
    node_path(id, path, sizeof path);
    char *text = node_json(&node);
    commit(store, path, text);
    mem_free(text);
}

static void test_the_table_follows_the_store(void **state)
{
    (void)state;
    char folder[] = "/tmp/table-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof path, "%s/config.db", folder);
    struct store *store = NULL;
    struct errmsg e = {0};
    assert_int_equal(store_open(path, &store, &e), ERR_OK);
    struct node_table table = {0};
    assert_true(node_table_load(store, &table));
    assert_false(table.in_cluster);
    assert_null(node_table_primary(&table));
    add_node(store, 3, "zz.example", true);
    add_node(store, 1, "ns2.example", false);
    add_node(store, 2, "ns1.example", false);
    char *config =
        cluster_config_json("example", "cluster-catalog.example", &cluster_options_default);
    commit(store, CLUSTER_CONFIG_PATH, config);
    mem_free(config);
    assert_true(node_table_load(store, &table));
    assert_true(table.in_cluster);
    assert_string_equal(table.catalog, "cluster-catalog.example");
    assert_int_equal(table.options.config_refresh_s, 900);
    assert_int_equal(table.count, 3);
    assert_int_equal(table.nodes[0].id, 3); // the primary, then by name
    assert_int_equal(table.nodes[1].id, 2);
    assert_int_equal(node_table_find_name(&table, "NS2.example")->id, 1);
    assert_false(node_table_load(store, &table));
    commit(store, "groups/x", "{}");
    assert_false(node_table_load(store, &table));

    // Told that the primary is elsewhere: until its row says something new.
    struct node place = {.url = "https://elsewhere:1/"};
    char *note = node_place_json(&table.nodes[0], &place);
    assert_int_equal(store_note_set(store, NODE_PRIMARY_NOTE, note, &e), ERR_OK);
    mem_free(note);
    add_node(store, 4, "ns4.example", false);
    assert_true(node_table_load(store, &table));
    assert_string_equal(table.nodes[0].url, "https://elsewhere:1/");
    assert_int_equal(table.nodes[0].address_count, 0);
    add_node(store, 3, "yy.example", true);
    assert_true(node_table_load(store, &table));
    assert_string_equal(table.nodes[0].url, "https://ns1.example:53443/");
    node_table_fini(&table);
    store_close(store);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char file[80];
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_go_there_and_back),
        cmocka_unit_test(test_bad_rows_are_refused),
        cmocka_unit_test(test_options_have_bounds),
        cmocka_unit_test(test_the_table_follows_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
