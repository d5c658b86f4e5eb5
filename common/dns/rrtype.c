/*
 * The table of RR types: one row a type, in the order of their numbers. Immutable; the two indexes
 * over it are built before main starts. Any thread.
 */
#include "common/dns/rrtype.h"

#include <stdio.h>
#include <string.h>

#define F(kind_, json_)                                                                            \
    {                                                                                              \
        .kind = RR_##kind_, .json = (json_)                                                        \
    }
#define W(kind_, json_, words_)                                                                    \
    {                                                                                              \
        .kind = RR_##kind_, .json = (json_), .words = (words_),                                    \
        .word_count = sizeof(words_) / sizeof(words_)[0]                                           \
    }
#define ROW(number_, mnemonic_, flags_, ...)                                                       \
    {                                                                                              \
        .number = (number_), .mnemonic = (mnemonic_), .flags = (flags_), .fields = { __VA_ARGS__ } \
    }
// Types without a layout: any bytes, RFC 3597 form.
#define OPAQUE                                                                                     \
    {                                                                                              \
        .kind = RR_END                                                                             \
    }

// RFC 4034 appendix A.1 and the registry that follows it.
static const struct rr_word algorithm_words[] = {
    {"DELETE",             0  },
    {"RSAMD5",             1  },
    {"DH",                 2  },
    {"DSA",                3  },
    {"RSASHA1",            5  },
    {"DSA-NSEC3-SHA1",     6  },
    {"NSEC3DSA",           6  },
    {"RSASHA1-NSEC3-SHA1", 7  },
    {"NSEC3RSASHA1",       7  },
    {"RSASHA256",          8  },
    {"RSASHA512",          10 },
    {"ECC-GOST",           12 },
    {"ECCGOST",            12 },
    {"ECDSAP256SHA256",    13 },
    {"ECDSA256",           13 },
    {"ECDSAP384SHA384",    14 },
    {"ECDSA384",           14 },
    {"ED25519",            15 },
    {"ED448",              16 },
    {"INDIRECT",           252},
    {"PRIVATEDNS",         253},
    {"PRIVATEOID",         254},
};

// RFC 4398 section 2.1.
static const struct rr_word certificate_words[] = {
    {"PKIX",    1  },
    {"SPKI",    2  },
    {"PGP",     3  },
    {"IPKIX",   4  },
    {"ISPKI",   5  },
    {"IPGP",    6  },
    {"ACPKIX",  7  },
    {"IACPKIX", 8  },
    {"URI",     253},
    {"OID",     254},
};

#define DELEGATION_FIELDS                                                                          \
    F(U16, "keyTag"), W(U8, "algorithm", algorithm_words), F(U8, "digestType"),                    \
        F(HEX_REST, "digest")
#define KEY_FIELDS                                                                                 \
    F(U16, "flags"), F(U8, "protocol"), W(U8, "algorithm", algorithm_words),                       \
        F(BASE64_REST, "publicKey")
#define TLSA_FIELDS                                                                                \
    F(U8, "certificateUsage"), F(U8, "selector"), F(U8, "matchingType"),                           \
        F(HEX_REST, "certificateAssociationData")
#define SERVICE_FIELDS F(U16, "svcPriority"), F(NAME, "svcTargetName"), F(SVC_PARAMS, "svcParams")

const struct rr_type rr_types[] = {
    ROW(TYPE_A, "A", 0, F(IPV4, "ipAddress")),
    ROW(TYPE_NS, "NS", RR_CANON_FOLD, F(NAME_COMPRESS, "nameServer")),
    ROW(3, "MD", RR_CANON_FOLD, F(NAME_COMPRESS, NULL)),
    ROW(4, "MF", RR_CANON_FOLD, F(NAME_COMPRESS, NULL)),
    ROW(TYPE_CNAME, "CNAME", RR_CANON_FOLD | RR_SINGLE | RR_ALONE, F(NAME_COMPRESS, "cname")),
    ROW(TYPE_SOA, "SOA", RR_CANON_FOLD | RR_SINGLE, F(NAME_COMPRESS, "primaryNameServer"),
        F(NAME_COMPRESS, "responsiblePerson"), F(U32, "serial"), F(TTL, "refresh"), F(TTL, "retry"),
        F(TTL, "expire"), F(TTL, "minimum")),
    ROW(7, "MB", RR_CANON_FOLD, F(NAME_COMPRESS, NULL)),
    ROW(8, "MG", RR_CANON_FOLD, F(NAME_COMPRESS, NULL)),
    ROW(9, "MR", RR_CANON_FOLD, F(NAME_COMPRESS, NULL)),
    ROW(TYPE_NULL, "NULL", 0, OPAQUE),
    ROW(11, "WKS", 0, OPAQUE),
    ROW(TYPE_PTR, "PTR", RR_CANON_FOLD, F(NAME_COMPRESS, "ptrName")),
    ROW(TYPE_HINFO, "HINFO", 0, F(STRING, NULL), F(STRING, NULL)),
    ROW(14, "MINFO", RR_CANON_FOLD, F(NAME_COMPRESS, NULL), F(NAME_COMPRESS, NULL)),
    ROW(TYPE_MX, "MX", RR_CANON_FOLD, F(U16, "preference"), F(NAME_COMPRESS, "exchange")),
    ROW(TYPE_TXT, "TXT", 0, F(STRINGS, "characterStrings")),
    ROW(TYPE_RP, "RP", RR_CANON_FOLD, F(NAME, "mailbox"), F(NAME, "txtDomain")),
    ROW(TYPE_AFSDB, "AFSDB", RR_CANON_FOLD, F(U16, NULL), F(NAME, NULL)),
    ROW(19, "X25", 0, F(STRING, NULL)),
    ROW(20, "ISDN", 0, F(STRINGS, NULL)),
    ROW(21, "RT", RR_CANON_FOLD, F(U16, NULL), F(NAME, NULL)),
    ROW(TYPE_KEY, "KEY", 0, F(U16, NULL), F(U8, NULL), W(U8, NULL, algorithm_words),
        F(BASE64_REST, NULL)),
    ROW(26, "PX", RR_CANON_FOLD, F(U16, NULL), F(NAME, NULL), F(NAME, NULL)),
    ROW(27, "GPOS", 0, F(STRING, NULL), F(STRING, NULL), F(STRING, NULL)),
    ROW(TYPE_AAAA, "AAAA", 0, F(IPV6, "ipAddress")),
    ROW(TYPE_LOC, "LOC", 0, F(LOC, NULL)),
    ROW(TYPE_SRV, "SRV", RR_CANON_FOLD, F(U16, "priority"), F(U16, "weight"), F(U16, "port"),
        F(NAME, "target")),
    ROW(TYPE_NAPTR, "NAPTR", RR_CANON_FOLD, F(U16, "order"), F(U16, "preference"),
        F(STRING, "flags"), F(STRING, "services"), F(STRING, "regexp"), F(NAME, "replacement")),
    ROW(TYPE_KX, "KX", RR_CANON_FOLD, F(U16, NULL), F(NAME, NULL)),
    ROW(TYPE_CERT, "CERT", 0, W(U16, NULL, certificate_words), F(U16, NULL),
        W(U8, NULL, algorithm_words), F(BASE64_REST, NULL)),
    ROW(TYPE_DNAME, "DNAME", RR_CANON_FOLD | RR_SINGLE, F(NAME, "dname")),
    ROW(TYPE_OPT, "OPT", RR_META, OPAQUE),
    ROW(TYPE_APL, "APL", 0, F(APL, "addressPrefixes")),
    ROW(TYPE_DS, "DS", 0, DELEGATION_FIELDS),
    ROW(TYPE_SSHFP, "SSHFP", 0, F(U8, "algorithm"), F(U8, "fingerprintType"),
        F(HEX_REST, "fingerprint")),
    ROW(TYPE_IPSECKEY, "IPSECKEY", 0, F(U8, NULL), F(U8, NULL), F(U8, NULL), F(GATEWAY, NULL),
        F(BASE64_REST, NULL)),
    ROW(TYPE_RRSIG, "RRSIG", RR_DNSSEC | RR_CANON_FOLD, F(TYPE, "typeCovered"),
        W(U8, "algorithm", algorithm_words), F(U8, "labels"), F(TTL, "originalTtl"),
        F(TIME, "signatureExpiration"), F(TIME, "signatureInception"), F(U16, "keyTag"),
        F(NAME, "signersName"), F(BASE64_REST, "signature")),
    ROW(TYPE_NSEC, "NSEC", RR_DNSSEC | RR_SINGLE, F(NAME, "nextDomainName"),
        F(TYPE_BITMAP, "types")),
    ROW(TYPE_DNSKEY, "DNSKEY", RR_DNSSEC, KEY_FIELDS),
    ROW(TYPE_DHCID, "DHCID", 0, F(BASE64_REST, NULL)),
    ROW(TYPE_NSEC3, "NSEC3", RR_DNSSEC | RR_SINGLE, F(U8, "hashAlgorithm"), F(U8, "flags"),
        F(U16, "iterations"), F(HEX_LEN8, "salt"), F(BASE32_LEN8, "nextHashedOwnerName"),
        F(TYPE_BITMAP, "types")),
    ROW(TYPE_NSEC3PARAM, "NSEC3PARAM", RR_DNSSEC, F(U8, "hashAlgorithm"), F(U8, "flags"),
        F(U16, "iterations"), F(HEX_LEN8, "salt")),
    ROW(TYPE_TLSA, "TLSA", 0, TLSA_FIELDS),
    ROW(TYPE_SMIMEA, "SMIMEA", 0, TLSA_FIELDS),
    ROW(58, "TALINK", 0, F(NAME, NULL), F(NAME, NULL)),
    ROW(TYPE_CDS, "CDS", 0, DELEGATION_FIELDS),
    ROW(TYPE_CDNSKEY, "CDNSKEY", 0, KEY_FIELDS),
    ROW(TYPE_OPENPGPKEY, "OPENPGPKEY", 0, F(BASE64_REST, NULL)),
    ROW(TYPE_CSYNC, "CSYNC", 0, F(U32, NULL), F(U16, NULL), F(TYPE_BITMAP, NULL)),
    ROW(TYPE_ZONEMD, "ZONEMD", 0, F(U32, "serial"), F(U8, "scheme"), F(U8, "hashAlgorithm"),
        F(HEX_REST, "digest")),
    ROW(TYPE_SVCB, "SVCB", 0, SERVICE_FIELDS),
    ROW(TYPE_HTTPS, "HTTPS", 0, SERVICE_FIELDS),
    ROW(TYPE_SPF, "SPF", 0, F(STRINGS, NULL)),
    ROW(TYPE_NID, "NID", 0, F(U16, NULL), F(NID, NULL)),
    ROW(TYPE_L32, "L32", 0, F(U16, NULL), F(IPV4, NULL)),
    ROW(TYPE_L64, "L64", 0, F(U16, NULL), F(NID, NULL)),
    ROW(TYPE_LP, "LP", 0, F(U16, NULL), F(NAME, NULL)),
    ROW(TYPE_EUI48, "EUI48", 0, F(EUI48, NULL)),
    ROW(TYPE_EUI64, "EUI64", 0, F(EUI64, NULL)),
    ROW(TYPE_TKEY, "TKEY", RR_META, OPAQUE),
    ROW(TYPE_TSIG, "TSIG", RR_META, OPAQUE),
    ROW(TYPE_IXFR, "IXFR", RR_META, OPAQUE),
    ROW(TYPE_AXFR, "AXFR", RR_META, OPAQUE),
    ROW(TYPE_MAILB, "MAILB", RR_META, OPAQUE),
    ROW(TYPE_MAILA, "MAILA", RR_META, OPAQUE),
    ROW(TYPE_ANY, "ANY", RR_META, OPAQUE),
    ROW(TYPE_URI, "URI", 0, F(U16, "priority"), F(U16, "weight"), F(TEXT_REST, "uri")),
    ROW(TYPE_CAA, "CAA", 0, F(U8, "flags"), F(TAG, "tag"), F(TEXT_REST, "value")),
    ROW(258, "AVC", 0, F(STRINGS, NULL)),
    ROW(261, "RESINFO", 0, F(STRINGS, NULL)),
    ROW(262, "WALLET", 0, F(STRINGS, NULL)),
    ROW(32768, "TA", 0, F(U16, NULL), W(U8, NULL, algorithm_words), F(U8, NULL), F(HEX_REST, NULL)),
    ROW(32769, "DLV", 0, F(U16, NULL), W(U8, NULL, algorithm_words), F(U8, NULL),
        F(HEX_REST, NULL)),
    ROW(TYPE_ANAME, "ANAME", RR_PRIVATE, F(NAME, "aname")),
    ROW(TYPE_FWD, "FWD", RR_PRIVATE, F(U8, "protocol"), F(STRING, "forwarder"), F(U8, "priority"),
        F(U8, "dnssecValidation"), F(U8, "proxyType"), F(STRING, "proxyAddress"),
        F(U16, "proxyPort"), F(STRING, "proxyUsername"), F(STRING, "proxyPassword")),
    ROW(TYPE_APP, "APP", RR_PRIVATE, F(STRING, "appName"), F(STRING, "classPath"),
        F(TEXT_REST, "data")),
};
const size_t rr_type_count = sizeof rr_types / sizeof rr_types[0];

// ---- indexes
// -------------------------------------------------------------------------------------

#define LOW_COUNT      264 // types below it are found by number directly
#define MNEMONIC_MAX   15
#define MNEMONIC_SLOTS 256 // open addressing, under half full

// Row number + 1; 0 = none.
static uint8_t low_rows[LOW_COUNT];
static uint8_t mnemonic_rows[MNEMONIC_SLOTS];
_Static_assert(sizeof rr_types / sizeof rr_types[0] < MNEMONIC_SLOTS / 2,
               "mnemonic index is too full");

static inline char upper(char c)
{
    return (unsigned)(c - 'a') < 26 ? (char)(c - 0x20) : c;
}

static unsigned mnemonic_slot(const char *text, size_t len)
{
    unsigned hash = 0;
    for (size_t i = 0; i < len; i++) {
        hash = hash * 31 + (uint8_t)upper(text[i]);
    }
    return (hash ^ hash >> 8) % MNEMONIC_SLOTS;
}

static bool mnemonic_equal(const char *mnemonic, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (mnemonic[i] == '\0' || mnemonic[i] != upper(text[i])) {
            return false;
        }
    }
    return mnemonic[len] == '\0';
}

__attribute__((constructor)) static void build_indexes(void)
{
    for (size_t i = 0; i < rr_type_count; i++) {
        const struct rr_type *row = &rr_types[i];
        if (row->number < LOW_COUNT) {
            low_rows[row->number] = (uint8_t)(i + 1);
        }
        unsigned slot = mnemonic_slot(row->mnemonic, strlen(row->mnemonic));
        while (mnemonic_rows[slot] != 0) {
            slot = (slot + 1) % MNEMONIC_SLOTS;
        }
        mnemonic_rows[slot] = (uint8_t)(i + 1);
    }
}

const struct rr_type *rr_type_find(uint16_t number)
{
    if (number < LOW_COUNT) {
        return low_rows[number] != 0 ? &rr_types[low_rows[number] - 1] : NULL;
    }
    for (size_t i = rr_type_count; i-- > 0 && rr_types[i].number >= LOW_COUNT;) {
        if (rr_types[i].number == number) {
            return &rr_types[i];
        }
    }
    return NULL;
}

// ---- mnemonics
// -----------------------------------------------------------------------------------

// Digits only, 0..65535, no leading zero but "0" itself.
static bool read_number(const char *text, size_t len, uint16_t *number)
{
    uint32_t value = 0;
    if (len == 0 || len > 5 || (len > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned)(text[i] - '0') > 9) {
            return false;
        }
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *number = (uint16_t)value;
    return value <= UINT16_MAX;
}

enum err rr_type_from_bytes(const char *text, size_t len, uint16_t *number)
{
    if (len == 0 || len > MNEMONIC_MAX) {
        return ERR_INVALID;
    }
    unsigned slot = mnemonic_slot(text, len);
    for (; mnemonic_rows[slot] != 0; slot = (slot + 1) % MNEMONIC_SLOTS) {
        const struct rr_type *row = &rr_types[mnemonic_rows[slot] - 1];
        if (mnemonic_equal(row->mnemonic, text, len)) {
            *number = row->number;
            return ERR_OK;
        }
    }
    uint16_t value = 0;
    if (len > 4 && mnemonic_equal("TYPE", text, 4) && read_number(text + 4, len - 4, &value)) {
        *number = value;
        return ERR_OK;
    }
    return ERR_INVALID;
}

enum err rr_type_from_text(const char *text, uint16_t *number)
{
    size_t len = strlen(text);
    uint16_t value = 0;
    if (read_number(text, len, &value)) {
        *number = value;
        return ERR_OK;
    }
    return rr_type_from_bytes(text, len, number);
}

void rr_type_to_text(uint16_t number, char dst[16])
{
    const struct rr_type *row = rr_type_find(number);
    if (row != NULL) {
        snprintf(dst, 16, "%s", row->mnemonic);
    } else {
        snprintf(dst, 16, "TYPE%u", number);
    }
}
