#include "webd/auth/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct conf_map *map;

static int setup(void **state)
{
    static const char *const objects[][2] = {
        {"users/admin",
         "{\"displayName\":\"A\",\"passwordHash\":\"$x\",\"groups\":[\"Administrators\"]}"        },
        {"users/dns",         "{\"groups\":[\"DNS Administrators\"],\"sessionTimeoutSeconds\":60}"},
        {"users/eve",         "{\"groups\":[]}"                                                   },
        {"users/off",
         "{\"passwordHash\":\"$x\",\"disabled\":true,\"groups\":[\"Administrators\"]}"            },
        {"permissions/Zones", "{\"users\":{\"eve\":\"M\"},\"groups\":{\"DNS "
         "Administrators\":\"VMD\",\"Everyone\":\"V\"}}"                                                                     },
        {"zonePermissions/a.test",                   "{\"users\":{\"eve\":\"VM\"},\"groups\":{}}"},
        {"zonePermissions/b.test",                   "{\"users\":{},\"groups\":{\"Everyone\":\"V\"}}"                                                                     },
    };
    (void)state;
    map = conf_map_new();
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        conf_map_set(map, objects[i][0], objects[i][1]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    conf_map_free(map);
    return 0;
}

static void rights(void **state)
{
    static const struct {
        const char *user;
        enum section section;
        unsigned flags;
    } rows[] = {
        {"admin", SECTION_ZONES,          PERMISSION_ALL                     },
        {"admin", SECTION_LOGS,           PERMISSION_ALL                     },
        {"dns",   SECTION_ZONES,          PERMISSION_ALL                     },
        {"dns",   SECTION_ADMINISTRATION, 0                                  },
        {"eve",   SECTION_ZONES,          PERMISSION_VIEW | PERMISSION_MODIFY},
        {"eve",   SECTION_SETTINGS,       0                                  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct account account;
        assert_true(account_load(map, rows[i].user, &account));
        assert_int_equal(permission_of(map, &account, rows[i].section), rows[i].flags);
        account_fini(&account);
    }
}

static void zone_rights(void **state)
{
    static const struct {
        const char *user;
        const char *zone;
        unsigned flags;
    } rows[] = {
        {"admin", "a.test",    PERMISSION_ALL                     },
        {"dns",   "none.test", PERMISSION_ALL                     },
        {"eve",   "a.test",    PERMISSION_VIEW | PERMISSION_MODIFY},
        {"eve",   "b.test",    PERMISSION_VIEW                    },
        {"eve",   "none.test", 0                                  },
        {"eve",   ".",         0                                  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct account account;
        assert_true(account_load(map, rows[i].user, &account));
        assert_int_equal(permission_of_zone(map, &account, rows[i].zone), rows[i].flags);
        account_fini(&account);
    }
}

static void loading(void **state)
{
    struct account account;
    (void)state;
    assert_false(account_load(map, "nobody", &account));
    assert_false(account_load(map, "", &account));
    assert_true(account_load(map, "dns", &account));
    assert_string_equal(account.display, "dns");
    assert_int_equal(account.session_timeout_s, 60);
    assert_true(account_is_member(&account, "dns administrators"));
    assert_true(account_is_member(&account, "Everyone"));
    assert_false(account_is_member(&account, "Administrators"));
    account_fini(&account);
}

static void administrator(void **state)
{
    (void)state;
    assert_true(account_has_administrator(map));
    conf_map_remove(map, "users/admin"); // a disabled one does not count
    assert_false(account_has_administrator(map));
    conf_map_set(map, "users/admin",
                 "{\"groups\":[\"Administrators\"]}"); // nor one without a password
    assert_false(account_has_administrator(map));
}

static void names(void **state)
{
    char out[ACCOUNT_NAME_MAX];
    (void)state;
    assert_true(account_name_normalize("Bob@Example.com", out));
    assert_string_equal(out, "bob@example.com");
    assert_false(account_name_normalize("", out));
    assert_false(account_name_normalize("a b", out));
    assert_false(account_name_normalize("a/b", out));
    assert_false(account_name_normalize("m\xc3\xbc", out));
}

static void sections(void **state)
{
    (void)state;
    for (int i = 0; i < SECTION_COUNT; i++) {
        enum section found;
        assert_true(section_find(section_names[i], &found));
        assert_int_equal(found, i);
        json_t *initial = permission_initial((enum section)i);
        json_t *groups = json_object_get(initial, "groups");
        assert_string_equal(json_string_value(json_object_get(groups, GROUP_ADMINISTRATORS)),
                            "VMD");
        bool has_everyone = json_object_get(groups, GROUP_EVERYONE) != NULL;
        assert_int_equal(has_everyone, i != SECTION_SETTINGS && i != SECTION_ADMINISTRATION);
        json_decref(initial);
    }
    enum section none;
    assert_false(section_find("Nothing", &none));
    for (unsigned flags = 0; flags <= PERMISSION_ALL; flags++) {
        char text[4];
        permission_to_text(flags, text);
        assert_int_equal(permission_from_text(text), flags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rights, setup, teardown),
        cmocka_unit_test_setup_teardown(zone_rights, setup, teardown),
        cmocka_unit_test_setup_teardown(loading, setup, teardown),
        cmocka_unit_test_setup_teardown(administrator, setup, teardown),
        cmocka_unit_test(names),
        cmocka_unit_test(sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
