// The table of RR types as the API names their fields.

#include "webd/api/record_type.h"

// clang-format off
// RFC 8624 and the registry behind it; "-" and "_" are the same on input.
static const struct record_word algorithms[] = {
    {"RSAMD5", 1},           {"DSA", 3},
    {"RSASHA1", 5},          {"DSA_NSEC3_SHA1", 6},
    {"RSASHA1_NSEC3_SHA1", 7}, {"RSASHA256", 8},
    {"RSASHA512", 10},       {"ECC_GOST", 12},
    {"ECDSAP256SHA256", 13}, {"ECDSAP384SHA384", 14},
    {"ED25519", 15},         {"ED448", 16},
    {"PRIVATEDNS", 253},     {"PRIVATEOID", 254},
};
static const struct record_word digest_types[] = {
    {"SHA1", 1}, {"SHA256", 2}, {"GOST_R_34_11_94", 3}, {"SHA384", 4}};
static const struct record_word sshfp_algorithms[] = {
    {"RSA", 1}, {"DSA", 2}, {"ECDSA", 3}, {"Ed25519", 4}, {"Ed448", 6}};
static const struct record_word sshfp_types[] = {{"SHA1", 1}, {"SHA256", 2}};
static const struct record_word tlsa_usages[] = {
    {"PKIX-TA", 0}, {"PKIX-EE", 1}, {"DANE-TA", 2}, {"DANE-EE", 3}, {"PrivCert", 255}};
static const struct record_word tlsa_selectors[] = {{"Cert", 0}, {"SPKI", 1}, {"PrivSel", 255}};
static const struct record_word tlsa_matchings[] = {
    {"Full", 0}, {"SHA2-256", 1}, {"SHA2-512", 2}, {"PrivMatch", 255}};
static const struct record_word nsec3_hashes[] = {{"SHA1", 1}};
static const struct record_word nsec3_flags[] = {{"None", 0}, {"OptOut", 1}};
static const struct record_word zonemd_schemes[] = {{"Simple", 1}};
static const struct record_word zonemd_hashes[] = {{"SHA384", 1}, {"SHA512", 2}};
static const struct record_word dnskey_flags[] = {
    {"None", 0}, {"ZoneKey", 256}, {"ZoneKey, SecureEntryPoint", 257}, {"ZoneKey, Revoke", 384},
    {"ZoneKey, SecureEntryPoint, Revoke", 385}};

#define COUNT(a) ((uint8_t)(sizeof(a) / sizeof((a)[0])))
// A field: form, member of rData, parameter, parameter of the new value.
#define F(form_, json_, param_, new_)                                                              \
    {.form = RECORD_##form_, .json = (json_), .param = (param_), .new_param = (new_)}
// The main field, also taken as `value` and `newValue`.
#define MAIN(form_, json_, param_, new_)                                                           \
    {.form = RECORD_##form_, .json = (json_), .param = (param_), .new_param = (new_),              \
     .alt = "value", .new_alt = "newValue"}
#define OPTIONAL(form_, json_, param_, new_)                                                       \
    {.form = RECORD_##form_, .json = (json_), .param = (param_), .new_param = (new_), .is_optional = true}
#define WORD(form_, json_, param_, new_, words_)                                                   \
    {.form = RECORD_##form_, .json = (json_), .param = (param_), .new_param = (new_),              \
     .words = (words_), .word_count = COUNT(words_)}
#define SHOW(form_, json_) {.form = RECORD_##form_, .json = (json_)}
#define SHOW_WORD(form_, json_, words_)                                                            \
    {.form = RECORD_##form_, .json = (json_), .words = (words_), .word_count = COUNT(words_)}

#define SERVICE_ROW(type_)                                                                         \
    {.type = (type_),                                                                              \
     .field_count = 3,                                                                             \
     .fields = {F(U16, "svcPriority", "svcPriority", "newSvcPriority"),                            \
                F(NAME, "svcTargetName", "svcTargetName", "newSvcTargetName"),                     \
                F(SVC, "svcParams", "svcParams", "newSvcParams")}}

const struct record_row record_rows[] = {
    {.type = TYPE_A, .field_count = 1, .fields = {MAIN(IPV4, "ipAddress", "ipAddress", "newIpAddress")}},
    {.type = TYPE_NS, .field_count = 1, .fields = {MAIN(NAME, "nameServer", "nameServer", "newNameServer")}},
    {.type = TYPE_CNAME, .flags = RECORD_ONLY_ONE, .field_count = 1,
     .fields = {MAIN(NAME, "cname", "cname", NULL)}},
    {.type = TYPE_SOA, .flags = RECORD_ONLY_ONE, .field_count = 7,
     .fields = {F(NAME, "primaryNameServer", "primaryNameServer", NULL),
                F(MAILBOX, "responsiblePerson", "responsiblePerson", NULL), F(U32, "serial", "serial", NULL),
                F(TTL, "refresh", "refresh", NULL), F(TTL, "retry", "retry", NULL),
                F(TTL, "expire", "expire", NULL), F(TTL, "minimum", "minimum", NULL)}},
    {.type = TYPE_PTR, .field_count = 1, .fields = {MAIN(NAME, "ptrName", "ptrName", "newPtrName")}},
    {.type = TYPE_MX, .field_count = 2,
     .fields = {F(U16, "preference", "preference", "newPreference"),
                MAIN(NAME, "exchange", "exchange", "newExchange")}},
    {.type = TYPE_TXT, .field_count = 1, .fields = {MAIN(TEXT, "text", "text", "newText")}},
    {.type = TYPE_RP, .field_count = 2,
     .fields = {OPTIONAL(MAILBOX, "mailbox", "mailbox", "newMailbox"),
                OPTIONAL(NAME, "txtDomain", "txtDomain", "newTxtDomain")}},
    {.type = TYPE_AAAA, .field_count = 1, .fields = {MAIN(IPV6, "ipAddress", "ipAddress", "newIpAddress")}},
    {.type = TYPE_SRV, .field_count = 4,
     .fields = {F(U16, "priority", "priority", "newPriority"), F(U16, "weight", "weight", "newWeight"),
                F(U16, "port", "port", "newPort"), MAIN(NAME, "target", "target", "newTarget")}},
    {.type = TYPE_NAPTR, .field_count = 6,
     .fields = {F(U16, "order", "naptrOrder", "naptrNewOrder"),
                F(U16, "preference", "naptrPreference", "naptrNewPreference"),
                OPTIONAL(STRING, "flags", "naptrFlags", "naptrNewFlags"),
                OPTIONAL(STRING, "services", "naptrServices", "naptrNewServices"),
                OPTIONAL(STRING, "regexp", "naptrRegexp", "naptrNewRegexp"),
                OPTIONAL(NAME, "replacement", "naptrReplacement", "naptrNewReplacement")}},
    {.type = TYPE_DNAME, .flags = RECORD_ONLY_ONE, .field_count = 1,
     .fields = {MAIN(NAME, "dname", "dname", NULL)}},
    {.type = TYPE_APL, .flags = RECORD_GENERIC, .field_count = 1, .fields = {SHOW(APL, "addressPrefixes")}},
    {.type = TYPE_DS, .field_count = 4,
     .fields = {F(U16, "keyTag", "keyTag", "newKeyTag"),
                WORD(WORD8, "algorithm", "algorithm", "newAlgorithm", algorithms),
                WORD(WORD8, "digestType", "digestType", "newDigestType", digest_types),
                MAIN(HEX, "digest", "digest", "newDigest")}},
    {.type = TYPE_SSHFP, .field_count = 3,
     .fields = {WORD(WORD8, "algorithm", "sshfpAlgorithm", "newSshfpAlgorithm", sshfp_algorithms),
                WORD(WORD8, "fingerprintType", "sshfpFingerprintType", "newSshfpFingerprintType", sshfp_types),
                F(HEX, "fingerprint", "sshfpFingerprint", "newSshfpFingerprint")}},
    {.type = TYPE_RRSIG, .flags = RECORD_MANAGED, .field_count = 9,
     .fields = {SHOW(TYPE, "typeCovered"), SHOW_WORD(WORD8, "algorithm", algorithms), SHOW(U8, "labels"),
                SHOW(U32, "originalTtl"), SHOW(TIME, "signatureExpiration"), SHOW(TIME, "signatureInception"),
                SHOW(U16, "keyTag"), SHOW(NAME, "signersName"), SHOW(BASE64, "signature")}},
    {.type = TYPE_NSEC, .flags = RECORD_MANAGED, .field_count = 2,
     .fields = {SHOW(NAME, "nextDomainName"), SHOW(TYPES, "types")}},
    {.type = TYPE_DNSKEY, .flags = RECORD_MANAGED, .field_count = 4,
     .fields = {SHOW_WORD(WORD16, "flags", dnskey_flags), SHOW(U8, "protocol"),
                SHOW_WORD(WORD8, "algorithm", algorithms), SHOW(BASE64, "publicKey")}},
    {.type = TYPE_NSEC3, .flags = RECORD_MANAGED, .field_count = 6,
     .fields = {SHOW_WORD(WORD8, "hashAlgorithm", nsec3_hashes), SHOW_WORD(WORD8, "flags", nsec3_flags),
                SHOW(U16, "iterations"), SHOW(HEX8, "salt"), SHOW(BASE32_8, "nextHashedOwnerName"),
                SHOW(TYPES, "types")}},
    {.type = TYPE_NSEC3PARAM, .flags = RECORD_MANAGED, .field_count = 4,
     .fields = {SHOW_WORD(WORD8, "hashAlgorithm", nsec3_hashes), SHOW_WORD(WORD8, "flags", nsec3_flags),
                SHOW(U16, "iterations"), SHOW(HEX8, "salt")}},
    {.type = TYPE_TLSA, .field_count = 4,
     .fields = {WORD(WORD8, "certificateUsage", "tlsaCertificateUsage", "newTlsaCertificateUsage", tlsa_usages),
                WORD(WORD8, "selector", "tlsaSelector", "newTlsaSelector", tlsa_selectors),
                WORD(WORD8, "matchingType", "tlsaMatchingType", "newTlsaMatchingType", tlsa_matchings),
                F(CERTIFICATE, "certificateAssociationData", "tlsaCertificateAssociationData",
                  "newTlsaCertificateAssociationData")}},
    {.type = TYPE_ZONEMD, .flags = RECORD_GENERIC, .field_count = 4,
     .fields = {SHOW(U32, "serial"), SHOW_WORD(WORD8, "scheme", zonemd_schemes),
                SHOW_WORD(WORD8, "hashAlgorithm", zonemd_hashes), SHOW(HEX, "digest")}},
    SERVICE_ROW(TYPE_SVCB),
    SERVICE_ROW(TYPE_HTTPS),
    {.type = TYPE_URI, .field_count = 3,
     .fields = {F(U16, "priority", "uriPriority", "newUriPriority"),
                F(U16, "weight", "uriWeight", "newUriWeight"), F(REST, "uri", "uri", "newUri")}},
    {.type = TYPE_CAA, .field_count = 3,
     .fields = {F(U8, "flags", "flags", "newFlags"), F(TAG, "tag", "tag", "newTag"),
                F(REST, "value", "value", "newValue")}},
    {.type = TYPE_ANAME, .field_count = 1, .fields = {MAIN(NAME, "aname", "aname", "newAName")}},
};
const size_t record_row_count = COUNT(record_rows);
// clang-format on

static const struct record_row unknown_row = {.type = 0, .flags = RECORD_GENERIC};

const struct record_row *record_row_find(uint16_t type)
{
    for (size_t i = 0; i < record_row_count; i++) {
        if (record_rows[i].type == type) {
            return &record_rows[i];
        }
    }
    return &unknown_row;
}
