#include "common/conf/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// After its own needs.
#include <cmocka.h>

#include "common/base/mem.h"

static void every_row_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < conf_kind_count; i++) {
        const struct conf_kind *kind = &conf_kind_table[i];
        char path[CONF_PATH_MAX];
        assert_int_equal(conf_path_make(kind->name, "x", path, sizeof path), ERR_OK);
        assert_ptr_equal(conf_kind_find(path), kind);
        assert_non_null(kind->section);
        assert_true(conf_path_readable(path, RPC_CLUSTERD));
        assert_false(conf_path_readable(path, RPC_CTL));
        // Nothing secret goes where it is not needed.
        if (kind->is_secret) {
            assert_int_equal(kind->readers, 0);
        }
    }
    assert_false(conf_path_readable("users/admin", RPC_DNSD));
    assert_true(conf_path_readable("users/admin", RPC_WEBD));
    assert_null(conf_kind_find("nothing/x"));
    assert_null(conf_kind_find("setting/x"));
}

static void paths_go_both_ways(void **state)
{
    (void)state;
    static const char *const keys[] = {"example.com", "a/b", "100%", "%2F", "/", "with space"};
    char path[CONF_PATH_MAX];
    char key[CONF_PATH_MAX];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_int_equal(conf_path_make("users", keys[i], path, sizeof path), ERR_OK);
        assert_ptr_equal(strchr(path, '/'), strrchr(path, '/'));
        assert_int_equal(conf_path_key(path, key, sizeof key), ERR_OK);
        assert_string_equal(key, keys[i]);
    }
    assert_int_equal(conf_path_make("users", "", path, sizeof path), ERR_INVALID);
    assert_int_equal(conf_path_make("users", "abc", path, 9), ERR_TOO_LARGE);
    assert_int_equal(conf_path_make("users", "abc", path, 10), ERR_OK);
    assert_int_equal(conf_path_key("users", key, sizeof key), ERR_INVALID);
    assert_int_equal(conf_path_key("users/", key, sizeof key), ERR_INVALID);
    assert_int_equal(conf_path_key("users/%2", key, sizeof key), ERR_INVALID);
    assert_int_equal(conf_path_key("users/%41", key, sizeof key), ERR_INVALID);
    assert_int_equal(conf_path_override(7, "recursion", path, sizeof path), ERR_OK);
    assert_string_equal(path, "overrides/7/recursion");
}

static void scope_follows_the_tables(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum err err;
        enum conf_scope scope;
    } rows[] = {
        {"settings/recursion", ERR_OK,      CONF_CLUSTER},
        {"settings/logFolder", ERR_OK,      CONF_NODE   },
        {"settings/nothing",   ERR_INVALID, CONF_NODE   },
        {"blocked/a.example",  ERR_OK,      CONF_CLUSTER},
        {"node/identity",      ERR_OK,      CONF_NODE   },
        {"nothing/x",          ERR_INVALID, CONF_NODE   },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum conf_scope scope = CONF_NODE;
        assert_int_equal(conf_path_scope(rows[i].path, &scope, NULL), rows[i].err);
        assert_int_equal(scope, rows[i].scope);
    }
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const struct {
    const char *path;
    const char *json;
    const char *error; // NULL = right
} values[] = {
    {"blocked/ads.example",       "{}",                                                                      NULL                           },
    {"blocked/Ads.example",       "{}",                                                                      "must be written ads.example"  },
    {"blocked/ads.example.",      "{}",                                                                      "must be written ads.example"  },
    {"blocked/a..b",              "{}",                                                                      "a..b"                         },
    {"blocked/ads.example",       "[]",                                                                      "no JSON object"               },
    {"blocked/ads.example",       "{\"from\":\"a list\"}",                                                   NULL                           },
    {"blocked/",                  "{}",                                                                      "not a path"                   },
    {"settings/clientTimeout",    "2000",                                                                    NULL                           },
    {"settings/clientTimeout",    "20",                                                                      "1000 to 10000"                },
    {"settings/clientTimeout",    "",                                                                        "no JSON"                      },
    {"settings/nothing",          "1",                                                                       "no setting"                   },
    {"settings/preferIPv6",       "true",                                                                    "no setting"                   },
    {"settings/tsigKeys",         "[]",                                                                      "no setting"                   },
    {"overrides/5/clientTimeout", "2000",                                                                    NULL                           },
    {"overrides/5/clientTimeout", "20",                                                                      "1000 to 10000"                },
    {"overrides/5/logFolder",     "\"x\"",                                                                   "belongs to each node"         },
    {"overrides/x/clientTimeout", "2000",                                                                    "<node id>"                    },
    {"tsig/key",                  "{\"algorithm\":\"hmac-sha256\",\"secret\":\"c2Vj\"}",                     NULL                           },
    {"tsig/key",                  "{\"algorithm\":\"hmac-sha256\",\"secret\":\"\"}",                         "no secret"                    },
    {"tsig/key",                  "{\"algorithm\":\"hmac-sha256\",\"secret\":\"************\"}",             "no secret"                    },
    {"tsig/key",                  "{\"algorithm\":\"rot13\",\"secret\":\"c2Vj\"}",                           "not an algorithm"             },
    {"tsig/key",                  "{\"algorithm\":\"hmac-sha256\"}",                                         "secret is missing"            },
    {"users/admin",               "{\"displayName\":\"A\",\"disabled\":false,\"groups\":[\"x\"],\"new\":1}",
     NULL                                                                                                                                   },
    {"users/admin",               "{\"disabled\":\"no\"}",                                                   "disabled is not true or false"},
    {"users/a|b",                 "{}",                                                                      "character"                    },
    {"tokens/" DIGEST,            "{\"user\":\"admin\",\"name\":\"t\"}",                                     NULL                           },
    {"tokens/" DIGEST,            "{\"user\":\"admin\"}",                                                    "name is missing"              },
    {"tokens/abc",                "{\"user\":\"admin\",\"name\":\"t\"}",                                     "SHA-256"                      },
    {"nodes/7",
     "{\"name\":\"a\",\"url\":\"https://a/"
     "\",\"addresses\":[],\"type\":\"Primary\",\"publicKey\":\"x\",\"pins\":[]}",                            NULL                           },
    {"nodes/07",
     "{\"name\":\"a\",\"url\":\"https://a/"
     "\",\"addresses\":[],\"type\":\"Primary\",\"publicKey\":\"x\",\"pins\":[]}",                            "node id"                      },
    {"nodes/7",                   "{\"name\":\"a\",\"name\":\"b\"}",                                         "no JSON object"               },
    {"what/ever",                 "{}",                                                                      "no kind"                      },
};

static void values_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct errmsg e = {0};
        enum err err = conf_kind_check(values[i].path, values[i].json, &e);
        if (values[i].error == NULL && err != ERR_OK) {
            fail_msg("%s: %s", values[i].path, e.text);
        }
        if (values[i].error != NULL) {
            assert_int_not_equal(err, ERR_OK);
            if (strstr(e.text, values[i].error) == NULL) {
                fail_msg("%s: \"%s\" lacks \"%s\"", values[i].path, e.text, values[i].error);
            }
        }
    }
    char *large = mem_alloc(CONF_VALUE_MAX + 2);
    memset(large, ' ', CONF_VALUE_MAX + 1);
    large[CONF_VALUE_MAX + 1] = '\0';
    assert_int_equal(conf_kind_check("blocked/a", large, NULL), ERR_TOO_LARGE);
    mem_free(large);
}

static void secrets_are_masked(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"tsig/key",                                  "{\"algorithm\":\"hmac-sha256\",\"secret\":\"c2Vj\"}",
         "{\"algorithm\":\"hmac-sha256\",\"secret\":\"************\"}"                                                                     },
        {"users/admin",                               "{\"passwordHash\":\"h\",\"totpSecret\":null,\"disabled\":false}",
         "{\"passwordHash\":\"************\",\"totpSecret\":null,\"disabled\":false}"                                                      },
        {"joinTokens/" DIGEST,                        "{\"expires\":1}",                                                 "\"************\""},
        {"settings/webServiceTlsCertificatePassword", "\"pw\"",                                                          "\"************\""},
        {"settings/webServiceTlsCertificatePassword", "null",                                                            "null"            },
        {"overrides/3/dnsTlsCertificatePassword",     "\"pw\"",                                                          "\"************\""},
        {"settings/proxy",                            "{\"type\":\"Http\",\"password\":\"pw\"}",
         "{\"type\":\"Http\",\"password\":\"************\"}"                                                                               },
        {"settings/recursion",                        "\"Deny\"",                                                        "\"Deny\""        },
        {"settings/fromALaterRelease",                "\"x\"",                                                           "\"************\""},
        {"later/kind",                                "{\"secret\":1}",                                                  "\"************\""},
        {"blocked/a",                                 "not JSON",                                                        "\"************\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *masked = conf_kind_mask(rows[i][0], rows[i][1]);
        assert_string_equal(masked, rows[i][2]);
        mem_free(masked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),       cmocka_unit_test(paths_go_both_ways),
        cmocka_unit_test(scope_follows_the_tables), cmocka_unit_test(values_are_checked),
        cmocka_unit_test(secrets_are_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
