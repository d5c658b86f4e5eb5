#include "common/conf/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// After its own needs.
#include <cmocka.h>

#include "common/conf/kind.h"
#include "common/conf/map.h"

static char *text_of(json_t *json)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(json);
    return text;
}

// ---- the table ---------------------------------------------------------------------------------

static void every_row_is_sound(void **state)
{
    (void)state;
    struct settings *defaults = settings_new_default();
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        assert_ptr_equal(setting_find(row->name), row);
        assert_true(strlen(row->help) > 10 && row->help[strlen(row->help) - 1] == '.');
        assert_true(row->min <= row->max);
        if ((row->flags & SETTING_READ_ONLY) != 0) {
            assert_false(setting_is_stored(row));
            continue;
        }
        // The default passes its own check and is canonical.
        struct errmsg e = {0};
        json_t *initial = setting_default_json(row);
        json_t *canonical = NULL;
        // What must be given when it is set has no default that could be set.
        if (setting_is_stored(row) || !json_is_null(initial)) {
            assert_int_equal(setting_normalize(row, initial, &canonical, &e), ERR_OK);
            assert_true(json_equal(initial, canonical));
        }
        if (setting_is_stored(row)) {
            json_t *shown = setting_value_json(row, defaults, true);
            assert_true(json_equal(initial, shown));
            json_decref(shown);
        }
        json_decref(canonical);
        json_decref(initial);
    }
    settings_free(defaults);
}

static void defaults_are_typed(void **state)
{
    (void)state;
    struct settings *s = settings_new_default();
    assert_int_equal(s->default_record_ttl, 3600);
    assert_int_equal(s->recursion, SETTING_RECURSION_PRIVATE);
    assert_int_equal(s->blocking_type, SETTING_BLOCKING_NX_DOMAIN);
    assert_int_equal(s->dns_server_local_end_points.count, 2);
    assert_string_equal(s->dns_server_local_end_points.items[1], "[::]:53");
    assert_int_equal(s->socket_pool_excluded_ports.items[0], 53443);
    assert_int_equal(s->qpm_prefix_limits_ipv6.count, 3);
    assert_int_equal(s->qpm_prefix_limits_ipv6.items[2].udp_limit, 6000);
    assert_null(s->default_responsible_person);
    assert_int_equal(s->proxy.type, SETTING_PROXY_NONE);
    assert_true(s->enable_blocking);
    assert_true(strlen(s->dns_server_domain) > 0);
    settings_free(s);
}

static void get_shows_what_the_api_shows(void **state)
{
    (void)state;
    struct settings *s = settings_new_default();
    json_t *all = settings_get_json(s);
    assert_non_null(json_object_get(all, "preferIPv6"));
    assert_non_null(json_object_get(all, "tsigKeys"));
    assert_null(json_object_get(all, "version"));
    assert_null(json_object_get(all, "proxyType"));
    assert_null(json_object_get(all, "configHistoryMaxDays"));
    assert_true(json_is_null(json_object_get(all, "forwarders")));
    assert_true(json_is_true(json_object_get(all, "enableLogging")));
    json_decref(all);
    settings_free(s);
}

static void reference_has_a_line_a_setting(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    conf_settings_write_reference(out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < setting_count; i++) {
        char cell[80];
        (void)snprintf(cell, sizeof cell, "\n| `%s` |", setting_table[i].name);
        bool is_there = strstr(text, cell) != NULL;
        assert_int_equal(is_there, (setting_table[i].flags & SETTING_READ_ONLY) == 0);
    }
    assert_non_null(strstr(text, "1000 to 10000"));
    assert_non_null(strstr(text, "`UseSpecifiedNetworkACL`"));
    free(text);
}

// ---- form text ---------------------------------------------------------------------------------

// `json` NULL = left as it is; "!" in front = an error that holds the rest.
static const struct {
    const char *name;
    const char *text;
    const char *json;
} forms[] = {
    {"enableBlocking", "TRUE", "true"},
    {"enableBlocking", "false", "false"},
    {"enableBlocking", "", NULL},
    {"enableBlocking", "1", "!enableBlocking: \"1\" is not true or false"},
    {"defaultRecordTtl", "1w2d3h4m5s", "788645"},
    {"defaultRecordTtl", "1H", "3600"},
    {"defaultRecordTtl", "60", "60"},
    {"defaultRecordTtl", "1h1h", "!1w2d3h4m5s"},
    {"defaultRecordTtl", "h", "!defaultRecordTtl"},
    {"defaultRecordTtl", "4294967296", "!from 0 to 2147483647"},
    {"clientTimeout", "999", "!setting clientTimeout: 999 is not a number from 1000 to 10000"},
    {"clientTimeout", "1000", "1000"},
    {"clientTimeout", "10000", "10000"},
    {"clientTimeout", "1e3", "!clientTimeout: \"1e3\" is not a number from 1000 to 10000"},
    {"clientTimeout", "-5", "!clientTimeout"},
    {"cacheMaximumEntries", "9223372036854775807", "9223372036854775807"},
    {"cacheMaximumEntries", "9223372036854775808", "!cacheMaximumEntries"},
    {"udpPayloadSize", "4097", "!4096"},
    {"recursion", "allow", "\"Allow\""},
    {"recursion", "3", "\"UseSpecifiedNetworkACL\""},
    {"recursion", "sometimes", NULL},
    {"recursion", "4", NULL},
    {"recursion", "", NULL},
    {"defaultResponsiblePerson", "", "null"},
    {"defaultResponsiblePerson", "host.master@Example.com", "\"host.master@Example.com\""},
    {"defaultResponsiblePerson", "example.com", "!not a mail address"},
    {"dnsServerDomain", "NS1.Example.COM.", "\"ns1.example.com\""},
    {"dnsServerDomain", "", NULL},
    {"dnsServerDomain", "a..b", "!domain name"},
    {"webServiceRealIpHeader", "X Real", "!header name"},
    {"dnsServerLocalEndPoints", "127.0.0.1, [::1]:5353,::1",
     "[\"127.0.0.1:53\",\"[::1]:5353\",\"[::1]:53\"]"},
    {"dnsServerLocalEndPoints", "false", "[\"0.0.0.0:53\",\"[::]:53\"]"},
    {"dnsServerLocalEndPoints", "127.0.0.1:0", "!1 to 65535"},
    {"dnsServerLocalEndPoints", "127.0.0.1:53,127.0.0.1", "[\"127.0.0.1:53\"]"},
    {"webServiceLocalAddresses", "::1,127.0.0.1", "[\"[::1]\",\"127.0.0.1\"]"},
    {"zoneTransferAllowedNetworks", "10.1.2.3/8, 2001:DB8::1/32,,192.0.2.1",
     "[\"10.0.0.0/8\",\"2001:db8::/32\",\"192.0.2.1\"]"},
    {"zoneTransferAllowedNetworks", "", "[]"},
    {"zoneTransferAllowedNetworks", "FALSE", "[]"},
    {"zoneTransferAllowedNetworks", "10.0.0.0/33",
     "!\"10.0.0.0/33\" is not an IP address or network"},
    {"zoneTransferAllowedNetworks", "!10.0.0.0/8", "!not an IP address"},
    {"dnsServerIPv4SourceAddresses", "::1", "!IPv4"},
    {"recursionNetworkACL", "!10.0.0.0/8,10.1.0.0/16", "[\"!10.0.0.0/8\",\"10.1.0.0/16\"]"},
    {"socketPoolExcludedPorts", "53, 443", "[53,443]"},
    {"socketPoolExcludedPorts", "false", "[]"},
    {"socketPoolExcludedPorts", "70000", "!1 to 65535"},
    {"socketPoolExcludedPorts", "x", "!\"x\" is not a port"},
    {"customBlockingAddresses", "192.0.2.1,nonsense,::1", "[\"192.0.2.1\",\"::1\"]"},
    {"qpmPrefixLimitsIPv4", "32|1|2|24|3|0",
     "[{\"prefix\":32,\"udpLimit\":1,\"tcpLimit\":2},{\"prefix\":24,\"udpLimit\":3,\"tcpLimit\":0}"
     "]"},
    {"qpmPrefixLimitsIPv4", "false", "[]"},
    {"qpmPrefixLimitsIPv4", "32|1", "!2 cells"},
    {"qpmPrefixLimitsIPv4", "33|1|1", "!0 to 32"},
    {"qpmPrefixLimitsIPv4", "32|1|-1", "!prefix (0 to 32)"},
    {"qpmPrefixLimitsIPv4", "32|1|1|32|2|2", "!only row of its prefix"},
    {"blockListUrls", "https://lists.example/a.txt,!http://lists.example:8080/b",
     "[\"https://lists.example/a.txt\",\"!http://lists.example:8080/b\"]"},
    {"blockListUrls", "", "null"},
    {"blockListUrls", "ftp://lists.example/a", "!http, https or file URL"},
    {"forwarders",
     "9.9.9.9, dns.example:853,https://dns.example/dns-query (192.0.2.1),[2001:db8::1]:53",
     "[\"9.9.9.9\",\"dns.example:853\",\"https://dns.example/dns-query "
     "(192.0.2.1)\",\"[2001:db8::1]:53\"]"},
    {"forwarders", "tls://dns.example (192.0.2.1:853)", "[\"tls://dns.example (192.0.2.1:853)\"]"},
    {"forwarders", "false", "null"},
    {"forwarders", "ftp://x/", "!name server address"},
    {"forwarders", "dns.example (nowhere)", "!name server address"},
    {"webServiceTlsCertificatePassword", "************", NULL},
    {"webServiceTlsCertificatePassword", "", "null"},
    {"webServiceTlsCertificatePassword", "\x01secret",
     "!webServiceTlsCertificatePassword: ************ is not"},
    {"logFolder", "a\xff", "!not UTF-8"},
    {"tsigKeys", "Key.Example|c2VjcmV0|HMAC-sha256",
     "[{\"keyName\":\"key.example\",\"sharedSecret\":\"c2VjcmV0\",\"algorithmName\":\"hmac-"
     "sha256\"}]"},
    {"tsigKeys", "key|c2Vj!|hmac-sha256", "!base64"},
    {"tsigKeys", "key|c2VjcmV0|hmac-sha3", "!not an algorithm"},
    {"tsigKeys", "false", "[]"},
    {"proxyBypass", "10.0.0.0/8,Localhost.", "[\"10.0.0.0/8\",\"localhost\"]"},
    {"proxyBypass", "10.0.0.0/8.", "!not an IP address, network or domain"},
    {"proxyAddress", "192.0.2.1.", "!not an IP address or domain"},
};

static void form_text_becomes_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct errmsg e = {0};
        json_t *json = NULL;
        enum err err = setting_parse_form(setting_find(forms[i].name), forms[i].text, &json, &e);
        const char *expected = forms[i].json;
        if (expected != NULL && expected[0] == '!') {
            assert_int_equal(err, ERR_INVALID);
            if (strstr(e.text, expected + 1) == NULL) {
                fail_msg("%s=%s: \"%s\" lacks \"%s\"", forms[i].name, forms[i].text, e.text,
                         expected + 1);
            }
            continue;
        }
        if (err != ERR_OK) {
            fail_msg("%s=%s: %s", forms[i].name, forms[i].text, e.text);
        }
        if (expected == NULL) {
            assert_null(json);
            continue;
        }
        char *text = text_of(json);
        assert_string_equal(text, expected);
        free(text);
    }
}

static void empty_secret_is_made(void **state)
{
    (void)state;
    json_t *json = NULL;
    struct errmsg e = {0};
    assert_int_equal(setting_parse_form(setting_find("tsigKeys"), "k||hmac-sha512", &json, &e),
                     ERR_OK);
    const json_t *secret = json_object_get(json_array_get(json, 0), "sharedSecret");
    assert_int_equal(json_string_length(secret), 88);
    json_decref(json);
}

// ---- loading -----------------------------------------------------------------------------------

static void loads_stored_values_and_overrides(void **state)
{
    (void)state;
    struct conf_map *map = conf_map_new();
    struct settings *s = NULL;
    struct errmsg e = {0};
    conf_map_set(map, "settings/recursion", "\"Deny\"");
    conf_map_set(map, "settings/forwarders", "[\"9.9.9.9\"]");
    conf_map_set(map, "settings/proxy",
                 "{\"type\":\"Socks5\",\"address\":\"192.0.2.9\",\"port\":1080,"
                 "\"username\":\"u\",\"password\":\"p\",\"bypass\":[\"::1\"]}");
    conf_map_set(map, "settings/fromALaterRelease", "17");
    conf_map_set(map, "overrides/42/recursion", "\"Allow\"");
    conf_map_set(map, "tsig/key.example",
                 "{\"algorithm\":\"hmac-sha256\",\"secret\":\"c2VjcmV0\"}");
    conf_map_set(map, "node/identity", "{\"id\":42,\"name\":\"ns1\"}");
    assert_int_equal(settings_node_id(map), 42);
    assert_int_equal(settings_load(map, 7, &s, &e), ERR_OK);
    assert_int_equal(s->recursion, SETTING_RECURSION_DENY);
    settings_free(s);
    assert_int_equal(settings_load(map, 42, &s, &e), ERR_OK);
    assert_int_equal(s->recursion, SETTING_RECURSION_ALLOW);
    assert_string_equal(s->forwarders.items[0], "9.9.9.9");
    assert_int_equal(s->proxy.type, SETTING_PROXY_SOCKS5);
    assert_string_equal(s->proxy.password, "p");
    assert_int_equal(s->tsig_keys.count, 1);
    assert_string_equal(s->tsig_keys.items[0].name, "key.example");
    json_t *shown = setting_value_json(setting_find("proxy"), s, false);
    assert_string_equal(json_string_value(json_object_get(shown, "password")), SETTING_MASK);
    json_decref(shown);
    settings_free(s);
    conf_map_set(map, "settings/clientTimeout", "5");
    assert_int_equal(settings_load(map, 0, &s, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "clientTimeout: 5 is not a number from 1000 to 10000"));
    conf_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(defaults_are_typed),
        cmocka_unit_test(get_shows_what_the_api_shows),
        cmocka_unit_test(reference_has_a_line_a_setting),
        cmocka_unit_test(form_text_becomes_json),
        cmocka_unit_test(empty_secret_is_made),
        cmocka_unit_test(loads_stored_values_and_overrides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
