#include "dnsd/ctl/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/conf/snapshot.h"
#include "dnsd/ctl/blocks.h"
#include "dnsd/ctl/internal.h"

struct object {
    const char *path;
    const char *json;
};

static struct conf_map *map_of(const struct object *objects, size_t count)
{
    struct conf_map *map = conf_map_new();
    for (size_t i = 0; i < count; i++) {
        conf_map_set(map, objects[i].path, objects[i].json);
    }
    return map;
}

static void test_a_whole_state_becomes_a_snapshot(void **state)
{
    static const struct object objects[] = {
        {"settings/dnsServerDomain",         "\"ns1.cluster.test\""                                                        },
        {"settings/dnsServerLocalEndPoints", "[\"127.0.0.1:5300\",\"[::1]:5300\"]"                                         },
        {"settings/notifyAllowedNetworks",   "[\"10.0.0.0/8\"]"                                                            },
        {"settings/udpPayloadSize",          "4096"                                                                        },
        {"tsig/cat.cluster.test",
         "{\"algorithm\":\"hmac-sha256\",\"secret\":\"c2l4dGVlbiBieXRlcyBvciBtb3Jl\"}"                                     },
        {"cluster/config",                   "{\"domain\":\"Cluster.test\",\"catalog\":\"cat.cluster.test\"}"              },
        {"node/identity",
         "{\"id\":7,\"name\":\"ns1.cluster.test\",\"role\":\"Primary\",\"epoch\":1}"                                       },
        {"nodes/7",                          "{\"name\":\"ns1.cluster.test\",\"addresses\":[\"192.0.2.1\"],\"dnsPort\":53}"},
        {"nodes/8",                          "{\"name\":\"ns2.cluster.test\",\"addresses\":[\"192.0.2.2\",\"2001:db8::2\"],"
                    "\"dnsPort\":5353}"                                                                 },
        {"blocked/ads.test",                 "{}"                                                                          },
    };
    struct conf_map *map = map_of(objects, sizeof objects / sizeof objects[0]);
    struct conf_apply change = {.map = map, .all = true, .revision = 1};
    struct config_plan plan = {0};
    struct errmsg e = {.text = ""};
    (void)state;
    assert_int_equal(config_plan_make(&change, &plan, &e), ERR_OK);
    const struct snapshot *s = plan.snapshot;
    assert_non_null(s);
    assert_non_null(plan.blocks);
    assert_string_equal(s->server_name, "ns1.cluster.test");
    assert_int_equal(s->udp_size_max, 4096);
    assert_int_equal(s->endpoint_count, 2);
    assert_int_equal(address_port(&s->endpoints[1]), 5300);
    assert_int_equal(s->notify_networks.count, 1);
    // Other nodes only, at their own DNS port.
    assert_int_equal(s->node_count, 1);
    assert_int_equal(s->nodes[0].id, 8);
    assert_int_equal(s->nodes[0].address_count, 2);
    assert_int_equal(address_port(&s->nodes[0].addresses[1]), 5353);
    assert_ptr_equal(snapshot_cluster_key(s), &s->tsig_keys[0]);
    assert_true(snapshot_is_cluster_zone(s, "cluster.test", NULL));
    assert_true(snapshot_is_cluster_zone(s, "any.test", "cat.cluster.test"));
    assert_false(snapshot_is_cluster_zone(s, "any.test", NULL));
    snapshot_free(plan.snapshot);
    blocks_change_free(plan.blocks);
    conf_map_free(map);
}

static void test_what_does_not_fit_is_refused_whole(void **state)
{
    static const struct {
        struct object object;
        const char *named; // in the reason
    } rows[] = {
        {{"settings/udpPayloadSize", "\"many\""},                            "udpPayloadSize"},
        {{"nodes/9", "{\"name\":\"x\",\"addresses\":[\"not an address\"]}"}, "nodes/9"       },
        {{"nodes/9", "{\"addresses\":[]}"},                                  "nodes/9"       },
        {{"cluster/config", "{\"domain\":\"a..b\",\"catalog\":\"c\"}"},      "cluster/config"},
        {{"blocked/a..b", "{}"},                                             "blocked/a..b"  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conf_map *map = map_of(&rows[i].object, 1);
        struct conf_apply change = {.map = map, .all = true, .revision = 1};
        struct config_plan plan = {0};
        struct errmsg e = {.text = ""};
        assert_int_not_equal(config_plan_make(&change, &plan, &e), ERR_OK);
        assert_non_null(strstr(e.text, rows[i].named));
        assert_null(plan.snapshot);
        assert_null(plan.blocks);
        conf_map_free(map);
    }
}

static void test_one_blocked_name_changes_no_more_than_that(void **state)
{
    static const struct object objects[] = {
        {"blocked/ads.test", "{}"}
    };
    static const char *const changed[] = {"blocked/ads.test", "blocked/gone.test"};
    struct conf_map *map = map_of(objects, 1);
    struct conf_apply change = {.map = map, .changed = changed, .changed_count = 2, .revision = 2};
    struct config_plan plan = {0};
    (void)state;
    assert_int_equal(config_plan_make(&change, &plan, NULL), ERR_OK);
    assert_null(plan.snapshot);
    assert_non_null(plan.blocks);
    blocks_change_free(plan.blocks);
    conf_map_free(map);
}

static void test_zone_types_are_the_same_on_both_sides(void **state)
{
    (void)state;
    for (int i = ZONE_PRIMARY; i < ZONE_TYPE_COUNT; i++) {
        enum zone_type type;
        assert_true(ctl_zone_type((Dnsd__ZoneType)i, &type));
        assert_int_equal(type, i);
        assert_non_null(ctl_zone_type_name(type));
    }
    enum zone_type type;
    assert_false(ctl_zone_type(DNSD__ZONE_TYPE__ZONE_TYPE_UNSPECIFIED, &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_state_becomes_a_snapshot),
        cmocka_unit_test(test_what_does_not_fit_is_refused_whole),
        cmocka_unit_test(test_one_blocked_name_changes_no_more_than_that),
        cmocka_unit_test(test_zone_types_are_the_same_on_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
