#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"

/*
 * Presentation form, shared by the files rdata_*.c only. Each kind of field has a row {from, to} in
 * rdata_text.c; the functions stand in
 *
 *   rdata_parse.c    from text, the plain kinds
 *   rdata_print.c    to text, the plain kinds
 *   rdata_special.c  both ways: type bitmaps, address prefixes, locations, gateways
 *   rdata_svc.c      both ways: service parameters
 */
struct rdata_scan {
    const char *at;
    const char *end;
    const struct name *origin; // NULL = root
    struct cursor out;         // `bad` = no room
    struct errmsg *e;
};

// A word of the text as it stands there: escapes untouched; `text` is without the quotes when the
// whole word is quoted.
struct rdata_token {
    const char *text;
    size_t len;
    bool is_quoted;
};

// The next word. ERR_NOT_FOUND = none left (no text set), ERR_INVALID = a quote is never closed.
NODISCARD enum err rdata_token_next(struct rdata_scan *s, struct rdata_token *t);
// The same; none left is an error too.
NODISCARD enum err rdata_token_need(struct rdata_scan *s, struct rdata_token *t);
// "'word' REASON", the word cut to a length fit for messages.
enum err rdata_token_bad(struct rdata_scan *s, const struct rdata_token *t, const char *reason);
// Undoes the escapes of a word; at most `size` bytes.
NODISCARD enum err rdata_token_bytes(struct rdata_scan *s, const struct rdata_token *t,
                                     uint8_t *dst, size_t size, size_t *len);
// Digits only, at most `max`.
NODISCARD bool rdata_number(const char *text, size_t len, uint64_t max, uint64_t *out);
NODISCARD bool rdata_ipv4(const char *text, size_t len, uint8_t out[4]);
NODISCARD bool rdata_ipv6(const char *text, size_t len, uint8_t out[16]);
// Base64 in pieces (RFC 4648 section 4): appended to the scan's output.
struct rdata_base64 {
    uint32_t bits;
    unsigned count; // characters in `bits`
    unsigned padding;
    size_t written;
};
NODISCARD bool rdata_base64_add(struct rdata_base64 *b, struct cursor *out, const char *text,
                                size_t len);
NODISCARD bool rdata_base64_end(struct rdata_base64 *b, struct cursor *out);

// Reads one field (or what is left) and writes its wire form.
typedef enum err (*rdata_from_fn)(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_u8(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_u16(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_u32(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_ttl(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_time(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_type(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_name(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_ipv4(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_ipv6(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_string(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_strings(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_text_rest(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_hex_rest(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_base64_rest(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_hex_len8(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_base32_len8(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_eui48(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_eui64(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_nid(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_bitmap(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_apl(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_loc(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_gateway(struct rdata_scan *s, const struct rr_field *field);
enum err rdata_from_svc(struct rdata_scan *s, const struct rr_field *field);

// Writes one field's text; false = it has none that would give back the same bytes.
typedef bool (*rdata_to_fn)(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_number(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_time(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_type(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_name(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_ipv4(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_ipv6(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_string(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_strings(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_tag(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_text_rest(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_hex(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_base64(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_hex_len8(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_base32_len8(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_eui(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_nid(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_bitmap(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_apl(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_loc(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_gateway(const uint8_t *p, size_t len, struct str *out);
bool rdata_to_svc(const uint8_t *p, size_t len, struct str *out);
// Bytes between quotes, escaped.
void rdata_add_quoted(const uint8_t *p, size_t len, struct str *out);
