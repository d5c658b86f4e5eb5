#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/dns/name.h"

/*
 * Every RR type is one row: mnemonic, number, RDATA layout. From the row follow the wire check,
 * canonical form, compression rule, presentation form, and the API's JSON field names. A layout is
 * a list of fields in wire order.
 */
enum rr_field_kind {
    RR_END,
    RR_U8,
    RR_U16,
    RR_U32,
    RR_TTL,           // u32, presentation takes unit text
    RR_TIME,          // u32, YYYYMMDDHHmmSS (RRSIG)
    RR_TYPE,          // u16, a type's mnemonic
    RR_NAME,          // uncompressed on output (RFC 3597 section 4)
    RR_NAME_COMPRESS, // one of the types of RFC 1035: may be compressed
    RR_IPV4,
    RR_IPV6,
    RR_STRING,    // <character-string>
    RR_STRINGS,   // one or more up to the end
    RR_TAG,       // <character-string> of letters and digits, never quoted (CAA)
    RR_TEXT_REST, // the rest as one quoted text (URI, CAA value)
    RR_HEX_REST,
    RR_BASE64_REST,
    RR_HEX_LEN8,    // length byte, then hex; "-" when empty (NSEC3 salt)
    RR_BASE32_LEN8, // length byte, then base32hex (NSEC3 next)
    RR_TYPE_BITMAP, // RFC 4034 section 4.1.2
    RR_SVC_PARAMS,  // RFC 9460
    RR_APL,         // RFC 3123
    RR_LOC,         // RFC 1876
    RR_EUI48,
    RR_EUI64,
    RR_NID,     // u64 as four groups of hex (ILNP)
    RR_GATEWAY, // nothing, IPv4, IPv6 or a name, as the RDATA's second byte says (RFC 4025)
    RR_FIELD_KIND_COUNT
};

// A number that zone files may write as a word (DNSSEC algorithms, certificate types).
struct rr_word {
    const char *text;
    uint16_t value;
};

struct rr_field {
    enum rr_field_kind kind;
    const char *json;            // the API's name of it; NULL = not shown alone
    const struct rr_word *words; // NULL = digits only; ends by count
    size_t word_count;
};

#define RR_FIELDS_MAX 10
struct rr_type {
    uint16_t number;
    const char *mnemonic;
    uint32_t flags;
    struct rr_field fields[RR_FIELDS_MAX]; // none = any bytes, written in generic form
};
enum {
    RR_META = 1u << 0, // query-only or transaction types: never in a zone (ANY, AXFR, OPT, TSIG …)
    RR_SINGLE = 1u << 1,     // at most one record in its RRset (SOA, CNAME, DNAME)
    RR_DNSSEC = 1u << 2,     // made by signing: RRSIG, NSEC, NSEC3, NSEC3PARAM, DNSKEY …
    RR_CANON_FOLD = 1u << 3, // names in RDATA folded in canonical form (RFC 4034 section 6.2)
    RR_PRIVATE = 1u << 4,    // Trellis's own: ANAME, FWD, APP; never sent in transfers to others
    RR_ALONE = 1u << 5,      // no other type beside it, but DNSSEC ones (CNAME)
};

extern const struct rr_type rr_types[];
extern const size_t rr_type_count;

// NULL when the type has no row (then RFC 3597 generic form is used everywhere).
const struct rr_type *rr_type_find(uint16_t number);
// Mnemonic, "TYPE65280" or plain decimal, any case. ERR_INVALID.
NODISCARD enum err rr_type_from_text(const char *text, uint16_t *number);
// The same for text without NUL; decimal is not taken, as it is a TTL in a zone file.
NODISCARD enum err rr_type_from_bytes(const char *text, size_t len, uint16_t *number);
// `dst` at least 16 bytes.
void rr_type_to_text(uint16_t number, char dst[16]);

// RDATA from a message (names may be compressed) to uncompressed wire form in `out`.
// Checks the layout; ERR_INVALID with the field, ERR_TOO_LARGE.
NODISCARD enum err rdata_read(const uint8_t *message, size_t size, size_t offset, uint16_t rdlength,
                              uint16_t type, uint8_t *out, size_t out_size, size_t *out_len,
                              struct errmsg *e);
// Checks uncompressed RDATA against its type's layout.
NODISCARD enum err rdata_check(uint16_t type, const uint8_t *rdata, size_t len, struct errmsg *e);
// Wire length of the field of `kind` at `at` of uncompressed RDATA (`len` bytes in all, `at`
// within); RDATA_BAD = it does not fit or breaks its form. For walking a row's fields one by one.
#define RDATA_BAD SIZE_MAX
size_t rdata_field_len(enum rr_field_kind kind, const uint8_t *rdata, size_t at, size_t len);
// Folds names in place where canonical form asks for it.
void rdata_canonical(uint16_t type, uint8_t *rdata, size_t len);
int rdata_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len); // RFC 4034 6.3

// Presentation form, also RFC 3597 "\# len hex" on input for every type, on output for unknown
// ones. `text` is everything after the type, comments and parentheses already gone.
NODISCARD enum err rdata_from_text(uint16_t type, const char *text, size_t len,
                                   const struct name *origin, uint8_t *out, size_t out_size,
                                   size_t *out_len, struct errmsg *e);
// RDATA that breaks its layout or cannot be told exactly in its type's form comes out as "\# len
// hex", so that rdata_from_text always gives back the same bytes. Names end with a dot. Allocates
// in `out`.
void rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, struct str *out);
// One field alone, `field_len` from rdata_field_len; false = it cannot be told (nothing added).
NODISCARD bool rdata_field_to_text(enum rr_field_kind kind, const uint8_t *rdata, size_t at,
                                   size_t field_len, struct str *out);

// Seconds as digits or with units, any case ("3600", "1h30m", "2w"); false = not that or over
// 2^32-1.
NODISCARD bool rr_ttl_from_text(const char *text, size_t len, uint32_t *out);

// The name in the RDATA of NS, MX, SRV, CNAME, DNAME, PTR … (first RR_NAME field); NULL = none.
const uint8_t *rdata_name(uint16_t type, const uint8_t *rdata, size_t len);

#define RDATA_MAX 65535

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_NULL = 10,
    TYPE_PTR = 12,
    TYPE_HINFO = 13,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_RP = 17,
    TYPE_AFSDB = 18,
    TYPE_KEY = 25,
    TYPE_AAAA = 28,
    TYPE_LOC = 29,
    TYPE_SRV = 33,
    TYPE_NAPTR = 35,
    TYPE_KX = 36,
    TYPE_CERT = 37,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_APL = 42,
    TYPE_DS = 43,
    TYPE_SSHFP = 44,
    TYPE_IPSECKEY = 45,
    TYPE_RRSIG = 46,
    TYPE_NSEC = 47,
    TYPE_DNSKEY = 48,
    TYPE_DHCID = 49,
    TYPE_NSEC3 = 50,
    TYPE_NSEC3PARAM = 51,
    TYPE_TLSA = 52,
    TYPE_SMIMEA = 53,
    TYPE_CDS = 59,
    TYPE_CDNSKEY = 60,
    TYPE_OPENPGPKEY = 61,
    TYPE_CSYNC = 62,
    TYPE_ZONEMD = 63,
    TYPE_SVCB = 64,
    TYPE_HTTPS = 65,
    TYPE_SPF = 99,
    TYPE_NID = 104,
    TYPE_L32 = 105,
    TYPE_L64 = 106,
    TYPE_LP = 107,
    TYPE_EUI48 = 108,
    TYPE_EUI64 = 109,
    TYPE_TKEY = 249,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_MAILB = 253,
    TYPE_MAILA = 254,
    TYPE_ANY = 255,
    TYPE_URI = 256,
    TYPE_CAA = 257,
    TYPE_ANAME = 65280,
    TYPE_FWD = 65281,
    TYPE_APP = 65282,
};
