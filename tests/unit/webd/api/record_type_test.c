#include "webd/api/record_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "webd/api/call.h"
#include "webd/http/param.h"

static const char *param_of(void *ctx, const char *name)
{
    return web_params_get(ctx, name);
}

static enum err build(uint16_t type, enum record_which which, const char *query, uint8_t *out,
                      size_t *len, struct errmsg *e)
{
    struct arena arena;
    struct web_params params;
    arena_init(&arena);
    web_params_init(&params, &arena);
    assert_int_equal(web_params_parse(&params, WEB_PARAM_QUERY, query, strlen(query), NULL),
                     ERR_OK);
    enum err err =
        record_build(record_row_find(type), type, which, param_of, &params, out, RDATA_MAX, len, e);
    web_params_fini(&params);
    arena_fini(&arena);
    return err;
}

static char *view(uint16_t type, const uint8_t *rdata, size_t len)
{
    struct str text;
    str_init(&text);
    json_t *o = record_view(type, rdata, len);
    json_append(&text, o);
    json_decref(o);
    return str_take(&text);
}

// clang-format off
// Parameters, and what records/get then shows.
static const struct {
    uint16_t type;
    const char *query;
    const char *json;
} samples[] = {
    {TYPE_A, "ipAddress=192.0.2.1", "{\"ipAddress\":\"192.0.2.1\"}"},
    {TYPE_A, "value=192.0.2.1", "{\"ipAddress\":\"192.0.2.1\"}"},
    {TYPE_AAAA, "ipAddress=2001:DB8::1", "{\"ipAddress\":\"2001:db8::1\"}"},
    {TYPE_NS, "nameServer=ns1.example.", "{\"nameServer\":\"ns1.example\"}"},
    {TYPE_CNAME, "cname=m%C3%BCnchen.de",
     "{\"cname\":\"xn--mnchen-3ya.de\",\"cnameIdn\":\"m\\u00FCnchen.de\"}"},
    {TYPE_SOA,
     "primaryNameServer=ns1.example&responsiblePerson=host.master@example&serial=7&refresh=15m&retry=300"
     "&expire=1w&minimum=900",
     "{\"primaryNameServer\":\"ns1.example\",\"responsiblePerson\":\"host.master@example\",\"serial\":7,"
     "\"refresh\":900,\"refreshString\":\"15m\",\"retry\":300,\"retryString\":\"5m\",\"expire\":604800,"
     "\"expireString\":\"1w\",\"minimum\":900,\"minimumString\":\"15m\"}"},
    {TYPE_PTR, "ptrName=host.example", "{\"ptrName\":\"host.example\"}"},
    {TYPE_MX, "preference=10&exchange=mail.example", "{\"preference\":10,\"exchange\":\"mail.example\"}"},
    {TYPE_TXT, "text=v%3Dspf1 -all",
     "{\"text\":\"v=spf1 -all\",\"splitText\":false,\"characterStrings\":[\"v=spf1 -all\"]}"},
    {TYPE_TXT, "text=one%0Atwo\\tx&splitText=true",
     "{\"text\":\"onetwo\\tx\",\"splitText\":true,\"characterStrings\":[\"one\",\"two\\tx\"]}"},
    {TYPE_TXT, "text=", "{\"text\":\"\",\"splitText\":false,\"characterStrings\":[\"\"]}"},
    {TYPE_RP, "mailbox=a.b@example&txtDomain=t.example",
     "{\"mailbox\":\"a.b@example\",\"txtDomain\":\"t.example\"}"},
    {TYPE_SRV, "priority=1&weight=2&port=5060&target=sip.example",
     "{\"priority\":1,\"weight\":2,\"port\":5060,\"target\":\"sip.example\"}"},
    {TYPE_NAPTR,
     "naptrOrder=10&naptrPreference=20&naptrFlags=u&naptrServices=E2U%2Bsip&naptrRegexp=!^.*$!sip:x!"
     "&naptrReplacement=",
     "{\"order\":10,\"preference\":20,\"flags\":\"u\",\"services\":\"E2U\\u002Bsip\",\"regexp\":\"!^.*$!sip:x!\","
     "\"replacement\":\".\"}"},
    {TYPE_DNAME, "dname=other.example", "{\"dname\":\"other.example\"}"},
    {TYPE_DS, "keyTag=12345&algorithm=ecdsap256sha256&digestType=2&digest="
     "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
     "{\"keyTag\":12345,\"algorithm\":\"ECDSAP256SHA256\",\"algorithmNumber\":13,\"digestType\":\"SHA256\","
     "\"digestTypeNumber\":2,\"digest\":\"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\"}"},
    {TYPE_DS, "keyTag=1&algorithm=rsasha1-nsec3-sha1&digestType=SHA1&digest="
     "00:11:22:33:44:55:66:77:88:99:00:11:22:33:44:55:66:77:88:99",
     "{\"keyTag\":1,\"algorithm\":\"RSASHA1_NSEC3_SHA1\",\"algorithmNumber\":7,\"digestType\":\"SHA1\","
     "\"digestTypeNumber\":1,\"digest\":\"0011223344556677889900112233445566778899\"}"},
    {TYPE_SSHFP, "sshfpAlgorithm=Ed25519&sshfpFingerprintType=SHA256&sshfpFingerprint="
     "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
     "{\"algorithm\":\"Ed25519\",\"fingerprintType\":\"SHA256\",\"fingerprint\":"
     "\"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\"}"},
    {TYPE_TLSA, "tlsaCertificateUsage=3&tlsaSelector=spki&tlsaMatchingType=SHA2_256"
     "&tlsaCertificateAssociationData=00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
     "{\"certificateUsage\":\"DANE-EE\",\"selector\":\"SPKI\",\"matchingType\":\"SHA2-256\","
     "\"certificateAssociationData\":\"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\"}"},
    {TYPE_SVCB, "svcPriority=1&svcTargetName=.&svcParams=port|8443|alpn|h2,h3|ipv4hint|192.0.2.1,192.0.2.2|65000|0aff",
     "{\"svcPriority\":1,\"svcTargetName\":\".\",\"svcParams\":{\"alpn\":\"h2,h3\",\"port\":\"8443\","
     "\"ipv4hint\":\"192.0.2.1,192.0.2.2\",\"65000\":\"0aff\"},\"autoIpv4Hint\":false,\"autoIpv6Hint\":false}"},
    {TYPE_HTTPS, "svcPriority=0&svcTargetName=pool.example&svcParams=false",
     "{\"svcPriority\":0,\"svcTargetName\":\"pool.example\",\"svcParams\":{},\"autoIpv4Hint\":false,"
     "\"autoIpv6Hint\":false}"},
    {TYPE_HTTPS, "svcPriority=1&svcTargetName=x.example&svcParams=mandatory|alpn|alpn|h2|no-default-alpn||"
     "ech|AEX+|ipv6hint|2001:db8::1|dohpath|/dns-query{?dns}",
     "{\"svcPriority\":1,\"svcTargetName\":\"x.example\",\"svcParams\":{\"mandatory\":\"alpn\",\"alpn\":\"h2\","
     "\"no-default-alpn\":\"\",\"ech\":\"AEX\\u002B\",\"ipv6hint\":\"2001:db8::1\","
     "\"dohpath\":\"/dns-query{?dns}\"},\"autoIpv4Hint\":false,\"autoIpv6Hint\":false}"},
    {TYPE_URI, "uriPriority=10&uriWeight=1&uri=https://example.com/",
     "{\"priority\":10,\"weight\":1,\"uri\":\"https://example.com/\"}"},
    {TYPE_CAA, "flags=0&tag=issue&value=ca.example", "{\"flags\":0,\"tag\":\"issue\",\"value\":\"ca.example\"}"},
    {TYPE_CAA, "flags=128&tag=issue&value=", "{\"flags\":128,\"tag\":\"issue\",\"value\":\"\"}"},
    {TYPE_ANAME, "aname=lb.example", "{\"aname\":\"lb.example\"}"},
    {TYPE_APL, "rdata=00010803C00002",
     "{\"addressPrefixes\":[{\"addressFamily\":\"IPv4\",\"prefix\":8,\"negation\":false,"
     "\"afdPart\":\"192.0.2.0\"}]}"},
    {65280 + 100, "rdata=0a:FF", "{\"value\":\"0A:FF\"}"},
};
// clang-format on

static void every_type(void **state)
{
    uint8_t *rdata = mem_alloc(RDATA_MAX);
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct errmsg e = {0};
        size_t len = 0;
        char query[1024];
        size_t used = 0;
        for (const char *p = samples[i].query; *p != 0; p++) { // "+" stands for itself here
            used +=
                (size_t)snprintf(query + used, sizeof query - used, *p == '+' ? "%%2B" : "%c", *p);
        }
        if (build(samples[i].type, RECORD_OF_ADD, query, rdata, &len, &e) != ERR_OK) {
            fail_msg("type %u: %s", samples[i].type, e.text);
        }
        char *json = view(samples[i].type, rdata, len);
        assert_string_equal(json, samples[i].json);
        mem_free(json);
    }
    mem_free(rdata);
}

// Each row that can be set has a sample above.
static void every_row_is_tried(void **state)
{
    (void)state;
    for (size_t r = 0; r < record_row_count; r++) {
        bool is_tried =
            (record_rows[r].flags & RECORD_MANAGED) != 0 || record_rows[r].type == TYPE_ZONEMD;
        for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
            is_tried = is_tried || samples[i].type == record_rows[r].type;
        }
        if (!is_tried) {
            fail_msg("type %u has no sample", record_rows[r].type);
        }
        assert_int_equal(record_row_find(record_rows[r].type)->type, record_rows[r].type);
    }
}

// In update, the new value falls back to the current one field by field.
static void update_defaults(void **state)
{
    static const struct {
        uint16_t type;
        const char *query;
        const char *json;
    } rows[] = {
        {TYPE_MX,    "preference=10&exchange=a.example&newPreference=20",
         "{\"preference\":20,\"exchange\":\"a.example\"}"                                                                                         },
        {TYPE_MX,    "preference=10&exchange=a.example&newExchange=b.example",
         "{\"preference\":10,\"exchange\":\"b.example\"}"                                                                                         },
        {TYPE_A,     "value=192.0.2.1&newValue=192.0.2.2",                                        "{\"ipAddress\":\"192.0.2.2\"}"                 },
        {TYPE_CNAME, "cname=new.example",                                                         "{\"cname\":\"new.example\"}"                   },
        {TYPE_CAA,
         "flags=0&tag=issue&value=a&newValue=",                                                   "{\"flags\":0,\"tag\":\"issue\",\"value\":\"\"}"},
        {TYPE_NAPTR, "naptrOrder=1&naptrPreference=2&naptrReplacement=x.example&naptrNewOrder=5",
         "{\"order\":5,\"preference\":2,\"flags\":\"\",\"services\":\"\",\"regexp\":\"\","
         "\"replacement\":\"x.example\"}"                                                                                                         },
    };
    uint8_t *rdata = mem_alloc(RDATA_MAX);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = 0;
        assert_int_equal(build(rows[i].type, RECORD_NEW, rows[i].query, rdata, &len, NULL), ERR_OK);
        char *json = view(rows[i].type, rdata, len);
        assert_string_equal(json, rows[i].json);
        mem_free(json);
    }
    mem_free(rdata);
}

// clang-format off
// What is refused names the parameter.
static void bad_input(void **state)
{
    static const struct {
        uint16_t type;
        const char *query;
        const char *says;
    } rows[] = {
        {TYPE_A, "", "'ipAddress' missing"},
        {TYPE_A, "ipAddress=", "'ipAddress' missing"},
        {TYPE_A, "ipAddress=192.0.2.300", "'ipAddress'"},
        {TYPE_A, "ipAddress=2001:db8::1", "'ipAddress'"},
        {TYPE_MX, "exchange=a.example", "'preference' missing"},
        {TYPE_MX, "preference=65536&exchange=a.example", "'preference'"},
        {TYPE_MX, "preference=-1&exchange=a.example", "'preference'"},
        {TYPE_CNAME, "cname=a..b", "'cname'"},
        {TYPE_DS, "keyTag=1&algorithm=nonsense&digestType=2&digest=00", "'algorithm'"},
        {TYPE_DS, "keyTag=1&algorithm=8&digestType=2&digest=xyz", "'digest'"},
        {TYPE_CAA, "flags=0&tag=is%20sue&value=a", "'tag'"},
        {TYPE_CAA, "flags=256&tag=issue&value=a", "'flags'"},
        {TYPE_SVCB, "svcPriority=1&svcTargetName=.", "'svcParams' missing"},
        {TYPE_SVCB, "svcPriority=1&svcTargetName=.&svcParams=alpn", "'svcParams'"},
        {TYPE_SVCB, "svcPriority=1&svcTargetName=.&svcParams=port|1|port|2", "'svcParams'"},
        {TYPE_SVCB, "svcPriority=1&svcTargetName=.&svcParams=nokey|x", "'svcParams'"},
        {TYPE_TLSA, "tlsaCertificateUsage=3&tlsaSelector=1&tlsaMatchingType=1"
                    "&tlsaCertificateAssociationData=-----BEGIN CERTIFICATE-----", "PEM"},
        {TYPE_APL, "", "'rdata' missing"},
    };
    uint8_t *rdata = mem_alloc(RDATA_MAX);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct errmsg e = {0};
        size_t len = 0;
        assert_int_equal(build(rows[i].type, RECORD_OF_ADD, rows[i].query, rdata, &len, &e), ERR_INVALID);
        if (strstr(e.text, rows[i].says) == NULL) {
            fail_msg("\"%s\" does not say %s", e.text, rows[i].says);
        }
    }
    mem_free(rdata);
}

// clang-format on

// Text that fills the RDATA and more.
static void too_long(void **state)
{
    uint8_t *rdata = mem_alloc(RDATA_MAX);
    struct str query;
    size_t len = 0;
    (void)state;
    str_init(&query);
    str_add(&query, "text=");
    for (int i = 0; i < 70000; i++) {
        str_add_char(&query, 'x');
    }
    assert_int_equal(build(TYPE_TXT, RECORD_OF_ADD, query.text, rdata, &len, NULL), ERR_TOO_LARGE);
    str_fini(&query);
    mem_free(rdata);
}

// RDATA that is not whole is shown as bytes, never read beyond.
static void broken_rdata(void **state)
{
    static const uint8_t bytes[] = {0, 10, 4, 'm', 'a', 'i'};
    (void)state;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t r = 0; r < record_row_count; r++) {
            json_t *o = record_view(record_rows[r].type, bytes, len);
            assert_non_null(o);
            json_decref(o);
        }
    }
    char *json = view(TYPE_MX, bytes, sizeof bytes);
    assert_string_equal(json, "{\"value\":\"00:0A:04:6D:61:69\"}");
    mem_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),      cmocka_unit_test(every_row_is_tried),
        cmocka_unit_test(update_defaults), cmocka_unit_test(bad_input),
        cmocka_unit_test(too_long),        cmocka_unit_test(broken_rdata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
