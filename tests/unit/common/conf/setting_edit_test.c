#include "common/conf/setting_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// After its own needs.
#include <cmocka.h>

#include "common/conf/map.h"

// A set of parameters as one JSON object of texts; changes are collected as one object.
static const char *param(void *ctx, const char *name)
{
    return json_string_value(json_object_get(ctx, name));
}

static void collect(void *ctx, const char *path, const char *json)
{
    (void)json_object_set_new(ctx, path, json == NULL ? json_null() : json_string(json));
}

// What is stored before each row.
static const char *const stored[][2] = {
    {"settings/recursion", "\"Deny\""},
    {"settings/ipv6Mode", "\"Enabled\""},
    {"settings/proxy", "{\"type\":\"Http\",\"address\":\"192.0.2.9\",\"port\":8080,"
                       "\"username\":\"u\",\"password\":\"p\",\"bypass\":[\"::1\"]}"},
    {"settings/webServiceTlsCertificatePassword", "\"old\""},
    {"tsig/one.example", "{\"algorithm\":\"hmac-sha256\",\"secret\":\"b25l\"}"},
    {"tsig/two.example", "{\"algorithm\":\"hmac-sha256\",\"secret\":\"dHdv\"}"},
};

// `changes` NULL = an error that holds `error`.
static const struct {
    const char *what;
    bool is_body;
    const char *sent;
    const char *changes;
    const char *error;
} edits[] = {
    {"nothing sent", false, "{}", "{}", NULL},
    {"what is the same does not come", false,
     "{\"recursion\":\"deny\",\"clientTimeout\":\"2000\",\"dnsServerLocalEndPoints\":\"\"}", "{}",
     NULL},
    {"a new value", false, "{\"recursion\":\"allow\"}",
     "{\"settings/recursion\":\"\\\"Allow\\\"\"}", NULL},
    {"one wrong value, nothing comes", false, "{\"recursion\":\"allow\",\"clientTimeout\":\"1\"}",
     NULL, "clientTimeout"},
    {"an unknown word is passed over", false, "{\"recursion\":\"never\"}", "{}", NULL},
    {"older name", false, "{\"preferIPv6\":\"true\"}",
     "{\"settings/ipv6Mode\":\"\\\"Preferred\\\"\"}", NULL},
    {"older name loses", false, "{\"preferIPv6\":\"true\",\"ipv6Mode\":\"disabled\"}",
     "{\"settings/ipv6Mode\":\"\\\"Disabled\\\"\"}", NULL},
    {"older name keeps what it cannot say", false,
     "{\"preferIPv6\":\"false\",\"enableLogging\":\"true\"}", "{}", NULL},
    {"logging off", false, "{\"enableLogging\":\"false\"}",
     "{\"settings/loggingType\":\"\\\"None\\\"\"}", NULL},
    {"alias", false, "{\"reverseProxyNetworkACL\":\"10.0.0.0/8\"}",
     "{\"settings/dnsReverseProxyNetworkACL\":\"[\\\"10.0.0.0/8\\\"]\"}", NULL},
    {"proxy off", false, "{\"proxyType\":\"None\"}", "{\"settings/proxy\":\"null\"}", NULL},
    {"proxy parts alone are not read", false, "{\"proxyPort\":\"1\"}", "{}", NULL},
    {"the mask keeps the proxy's password", false,
     "{\"proxyType\":\"http\",\"proxyPort\":\"8081\",\"proxyPassword\":\"************\"}",
     "{\"settings/"
     "proxy\":\"{\\\"type\\\":\\\"Http\\\",\\\"address\\\":\\\"192.0.2.9\\\",\\\"port\\\":8081,"
     "\\\"username\\\":\\\"u\\\",\\\"password\\\":\\\"p\\\",\\\"bypass\\\":[\\\"::1\\\"]}\"}",
     NULL},
    {"bad proxy port", false, "{\"proxyType\":\"http\",\"proxyPort\":\"0\"}", NULL, "proxyPort"},
    {"protocol without forwarders is not read", false, "{\"forwarderProtocol\":\"tls\"}", "{}",
     NULL},
    {"protocol with forwarders", false,
     "{\"forwarderProtocol\":\"tls\",\"forwarders\":\"9.9.9.9\"}",
     "{\"settings/forwarders\":\"[\\\"9.9.9.9\\\"]\",\"settings/"
     "forwarderProtocol\":\"\\\"Tls\\\"\"}",
     NULL},
    {"mask keeps a password", false, "{\"webServiceTlsCertificatePassword\":\"************\"}",
     "{}", NULL},
    {"empty clears a password", false, "{\"webServiceTlsCertificatePassword\":\"\"}",
     "{\"settings/webServiceTlsCertificatePassword\":\"null\"}", NULL},
    {"hidden ones are not set", false, "{\"configHistoryMaxDays\":\"1\"}", "{}", NULL},
    {"keys: one kept, one gone, one new", false,
     "{\"tsigKeys\":\"ONE.example|************|hmac-sha256|new|bmV3|hmac-sha1\"}",
     "{\"tsig/new\":\"{\\\"algorithm\\\":\\\"hmac-sha1\\\",\\\"secret\\\":\\\"bmV3\\\"}\","
     "\"tsig/two.example\":null}",
     NULL},
    {"no keys", false, "{\"tsigKeys\":\"false\"}",
     "{\"tsig/one.example\":null,\"tsig/two.example\":null}", NULL},
    {"key twice", false, "{\"tsigKeys\":\"a|bmV3|hmac-sha1|A|bmV3|hmac-sha1\"}", NULL, "twice"},
    {"mask of an unknown key", false, "{\"tsigKeys\":\"a|************|hmac-sha1\"}", NULL,
     "no stored secret"},
    {"body: JSON values", true,
     "{\"clientTimeout\":3000,\"enableBlocking\":false,\"zoneTransferAllowedNetworks\":[\"10.0.0.0/"
     "8\"],"
     "\"forwarders\":null,\"version\":\"1\",\"unknown\":1,\"proxy\":{\"type\":\"nonsense\"}}",
     "{\"settings/zoneTransferAllowedNetworks\":\"[\\\"10.0.0.0/8\\\"]\",\"settings/"
     "clientTimeout\":\"3000\","
     "\"settings/enableBlocking\":\"false\"}",
     NULL},
    {"body: texts", true, "{\"defaultRecordTtl\":\"1h30m\",\"recursion\":\"Allow\"}",
     "{\"settings/defaultRecordTtl\":\"5400\",\"settings/recursion\":\"\\\"Allow\\\"\"}", NULL},
    {"body: wrong type", true, "{\"enableBlocking\":1}", NULL,
     "enableBlocking: 1 is not true or false"},
    {"body: no object", true, "[]", NULL, "not a JSON object"},
};

static struct settings *load_stored(void)
{
    struct conf_map *map = conf_map_new();
    struct settings *settings = NULL;
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
        conf_map_set(map, stored[i][0], stored[i][1]);
    }
    assert_int_equal(settings_load(map, 0, &settings, NULL), ERR_OK);
    conf_map_free(map);
    return settings;
}

static void edits_give_changes(void **state)
{
    (void)state;
    struct settings *now = load_stored();
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct errmsg e = {0};
        json_t *sent = json_loads(edits[i].sent, 0, NULL);
        json_t *changes = json_object();
        assert_non_null(sent);
        enum err err = edits[i].is_body
                           ? settings_edit_json(now, sent, collect, changes, &e)
                           : settings_edit_form(now, param, sent, collect, changes, &e);
        if (edits[i].changes == NULL) {
            assert_int_equal(err, ERR_INVALID);
            assert_int_equal(json_object_size(changes), 0);
            if (strstr(e.text, edits[i].error) == NULL) {
                fail_msg("%s: \"%s\" lacks \"%s\"", edits[i].what, e.text, edits[i].error);
            }
        } else {
            json_t *expected = json_loads(edits[i].changes, 0, NULL);
            assert_non_null(expected);
            if (err != ERR_OK || !json_equal(changes, expected)) {
                char *text = json_dumps(changes, 0);
                fail_msg("%s: %s %s", edits[i].what, e.text, text);
            }
            json_decref(expected);
        }
        json_decref(changes);
        json_decref(sent);
    }
    settings_free(now);
}

// The answer of settings/get sent back as a JSON body changes nothing.
static void get_sent_back_changes_nothing(void **state)
{
    (void)state;
    struct settings *now = load_stored();
    json_t *all = settings_get_json(now);
    json_t *changes = json_object();
    struct errmsg e = {0};
    assert_int_equal(settings_edit_json(now, all, collect, changes, &e), ERR_OK);
    assert_int_equal(json_object_size(changes), 0);
    json_decref(changes);
    json_decref(all);
    settings_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_give_changes),
        cmocka_unit_test(get_sent_back_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
