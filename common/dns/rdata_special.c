/*
 * RDATA fields with a form of their own, both ways: type bitmaps, address prefixes, locations,
 * gateways. Stateless; any thread.
 */
#include "common/dns/rdata_text.h"

#include <arpa/inet.h>
#include <string.h>

// ---- type bitmaps (RFC 4034 section 4.1.2)
// -------------------------------------------------------

enum err rdata_from_bitmap(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    uint8_t bits[256][32];
    uint8_t lengths[256] = {0}; // 0 = the window's bits are not set up
    struct rdata_token t;
    enum err err;

    while ((err = rdata_token_next(s, &t)) == ERR_OK) {
        uint16_t type = 0;
        if (rr_type_from_bytes(t.text, t.len, &type) != ERR_OK) {
            return rdata_token_bad(s, &t, "is not a record type");
        }
        unsigned window = type >> 8;
        unsigned byte = type >> 3 & 31;
        if (lengths[window] == 0) {
            memset(bits[window], 0, sizeof bits[window]);
        }
        if (lengths[window] <= byte) {
            lengths[window] = (uint8_t)(byte + 1);
        }
        bits[window][byte] |= (uint8_t)(0x80 >> (type & 7));
    }
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    for (unsigned window = 0; window < 256; window++) {
        if (lengths[window] != 0) {
            cursor_put_u8(&s->out, (uint8_t)window);
            cursor_put_u8(&s->out, lengths[window]);
            cursor_put(&s->out, bits[window], lengths[window]);
        }
    }
    return ERR_OK;
}

bool rdata_to_bitmap(const uint8_t *p, size_t len, struct str *out)
{
    const char *separator = "";
    for (size_t at = 0; at < len; at += 2u + p[at + 1]) {
        unsigned bytes = p[at + 1];
        if (p[at + 1 + bytes] == 0) {
            return false; // a zero byte at the end has no text
        }
        for (unsigned bit = 0; bit < bytes * 8; bit++) {
            if ((p[at + 2 + bit / 8] & 0x80 >> bit % 8) != 0) {
                char text[16];
                rr_type_to_text((uint16_t)((unsigned)p[at] << 8 | bit), text);
                str_add(out, separator);
                str_add(out, text);
                separator = " ";
            }
        }
    }
    return true;
}

// ---- address prefixes (RFC 3123)
// -----------------------------------------------------------------

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, APL_NEGATION = 0x80 };

// [!]family:address/prefix
static bool put_prefix(struct cursor *out, const char *text, size_t len)
{
    bool negated = len > 0 && text[0] == '!';
    text += negated;
    len -= negated;
    const char *slash = len > 2 ? memchr(text, '/', len) : NULL;
    if (slash == NULL || text[1] != ':' || (text[0] != '1' && text[0] != '2')) {
        return false;
    }
    bool is_ipv4 = text[0] == '1';
    size_t address_len = (size_t)(slash - text) - 2;
    uint8_t address[16];
    uint64_t prefix = 0;
    if (!(is_ipv4 ? rdata_ipv4(text + 2, address_len, address)
                  : rdata_ipv6(text + 2, address_len, address)) ||
        !rdata_number(slash + 1, len - (size_t)(slash + 1 - text), is_ipv4 ? 32 : 128, &prefix)) {
        return false;
    }
    size_t bytes = is_ipv4 ? 4 : 16;
    while (bytes > 0 && address[bytes - 1] == 0) {
        bytes--;
    }
    cursor_put_u16(out, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6);
    cursor_put_u8(out, (uint8_t)prefix);
    cursor_put_u8(out, (uint8_t)(bytes | (negated ? APL_NEGATION : 0)));
    cursor_put(out, address, bytes);
    return true;
}

enum err rdata_from_apl(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    enum err err;
    while ((err = rdata_token_next(s, &t)) == ERR_OK) {
        if (!put_prefix(&s->out, t.text, t.len)) {
            return rdata_token_bad(s, &t, "is not [!]1:IPV4/PREFIX or [!]2:IPV6/PREFIX");
        }
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

bool rdata_to_apl(const uint8_t *p, size_t len, struct str *out)
{
    for (size_t at = 0; at < len;) {
        unsigned family = (unsigned)p[at] << 8 | p[at + 1];
        size_t bytes = p[at + 3] & 0x7F;
        uint8_t address[16] = {0};
        char text[INET6_ADDRSTRLEN];
        if ((family != FAMILY_IPV4 && family != FAMILY_IPV6) ||
            (bytes > 0 && p[at + 3 + bytes] == 0)) {
            return false;
        }
        memcpy(address, p + at + 4, bytes);
        if (inet_ntop(family == FAMILY_IPV4 ? AF_INET : AF_INET6, address, text, sizeof text) ==
            NULL) {
            return false;
        }
        str_printf(out, "%s%s%u:%s/%u", at > 0 ? " " : "",
                   (p[at + 3] & APL_NEGATION) != 0 ? "!" : "", family, text, p[at + 2]);
        at += 4 + bytes;
    }
    return true;
}

// ---- locations (RFC 1876)
// ------------------------------------------------------------------------

/*
 *   +-------+------+-----------+----------+----------+-----------+----------+
 *   |version| size | horiz pre | vert pre | latitude | longitude | altitude |
 *   +-------+------+-----------+----------+----------+-----------+----------+
 *      1       1         1          1          4          4           4
 *
 * Angles: thousandths of a second of arc around 2^31. Altitude: centimetres above -100,000 m. The
 * three precisions: 4 bits of mantissa and 4 of a power of ten, in centimetres.
 */
#define LOC_EQUATOR   2147483648u
#define LOC_SEA_LEVEL 10000000
#define LOC_SIZE_MAX  9000000000u

// A decimal with up to `places` places, as a whole number of its last place.
static bool read_decimal(const char *text, size_t len, unsigned places, uint64_t *out)
{
    const char *dot = memchr(text, '.', len);
    size_t whole_len = dot != NULL ? (size_t)(dot - text) : len;
    size_t rest_len = dot != NULL ? len - whole_len - 1 : 0;
    uint64_t whole = 0;
    uint64_t rest = 0;
    if (rest_len > places || !rdata_number(text, whole_len, 1000000000, &whole) ||
        (rest_len > 0 && !rdata_number(dot + 1, rest_len, 999, &rest))) {
        return false;
    }
    for (unsigned i = 0; i < places; i++) {
        whole *= 10;
        rest *= i >= rest_len ? 10 : 1;
    }
    *out = whole + rest;
    return true;
}

// Degrees, minutes and seconds, the latter two optional, then one of the two letters.
static enum err put_angle(struct rdata_scan *s, unsigned degrees_max, const char letters[2])
{
    static const unsigned places[3] = {0, 0, 3};
    uint64_t parts[3] = {0};
    uint64_t limits[3] = {degrees_max, 59, 59999};
    struct rdata_token t;
    for (unsigned i = 0; i < 4; i++) {
        enum err err = rdata_token_need(s, &t);
        if (err != ERR_OK) {
            return err;
        }
        char letter = t.len == 1 ? (char)(t.text[0] & ~0x20) : '\0';
        if (i > 0 && (letter == letters[0] || letter == letters[1])) {
            uint64_t angle = (parts[0] * 3600 + parts[1] * 60) * 1000 + parts[2];
            if (angle > degrees_max * 3600000ull) {
                return err_set(s->e, ERR_INVALID, "an angle is larger than %u degrees",
                               degrees_max);
            }
            cursor_put_u32(&s->out, letter == letters[0] ? (uint32_t)(LOC_EQUATOR + angle)
                                                         : (uint32_t)(LOC_EQUATOR - angle));
            return ERR_OK;
        }
        if (i == 3 || !read_decimal(t.text, t.len, places[i], &parts[i]) || parts[i] > limits[i]) {
            break;
        }
    }
    return rdata_token_bad(s, &t, "is no part of an angle (degrees minutes seconds N, S, E or W)");
}

// Metres with an optional "m".
static bool read_metres(const struct rdata_token *t, uint64_t *centimetres)
{
    size_t len = t->len;
    if (len > 0 && (t->text[len - 1] | 0x20) == 'm') {
        len--;
    }
    return read_decimal(t->text, len, 2, centimetres);
}

static uint8_t pack_precision(uint64_t centimetres)
{
    unsigned exponent = 0;
    for (; centimetres >= 10; centimetres /= 10) {
        exponent++;
    }
    return (uint8_t)(centimetres << 4 | exponent);
}

static bool unpack_precision(uint8_t packed, uint64_t *centimetres)
{
    uint64_t value = packed >> 4;
    for (unsigned i = packed & 15; i > 0; i--) {
        value *= 10;
    }
    *centimetres = value;
    return packed >> 4 <= 9 && (packed & 15) <= 9 && pack_precision(value) == packed;
}

enum err rdata_from_loc(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    uint8_t *head = cursor_take(&s->out, 4);
    uint8_t precisions[4] = {0, 0x12, 0x16, 0x13}; // 1 m, 10,000 m, 10 m
    struct rdata_token t;
    enum err err = put_angle(s, 90, "NS");
    if (err == ERR_OK) {
        err = put_angle(s, 180, "EW");
    }
    if (err == ERR_OK) {
        err = rdata_token_need(s, &t);
    }
    if (err != ERR_OK) {
        return err;
    }
    bool is_below = t.len > 0 && t.text[0] == '-';
    struct rdata_token height = {.text = t.text + is_below, .len = t.len - is_below};
    uint64_t value = 0;
    if (!read_metres(&height, &value) ||
        value > (is_below ? LOC_SEA_LEVEL : UINT32_MAX - LOC_SEA_LEVEL)) {
        return rdata_token_bad(s, &t, "is not an altitude in metres");
    }
    cursor_put_u32(&s->out, (uint32_t)(is_below ? LOC_SEA_LEVEL - value : LOC_SEA_LEVEL + value));
    for (unsigned i = 1; i < 4; i++) {
        err = rdata_token_next(s, &t);
        if (err == ERR_NOT_FOUND) {
            break;
        }
        if (err != ERR_OK) {
            return err;
        }
        if (!read_metres(&t, &value) || value > LOC_SIZE_MAX) {
            return rdata_token_bad(s, &t, "is not a size in metres");
        }
        precisions[i] = pack_precision(value);
    }
    if (head != NULL) {
        memcpy(head, precisions, sizeof precisions);
    }
    return ERR_OK;
}

static bool add_angle(const uint8_t *p, unsigned degrees_max, const char letters[2],
                      struct str *out)
{
    uint32_t packed = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    uint32_t angle = packed >= LOC_EQUATOR ? packed - LOC_EQUATOR : LOC_EQUATOR - packed;
    if (angle > degrees_max * 3600000u) {
        return false;
    }
    str_printf(out, "%u %u %u.%03u %c ", angle / 3600000, angle / 60000 % 60, angle / 1000 % 60,
               angle % 1000, packed >= LOC_EQUATOR ? letters[0] : letters[1]);
    return true;
}

bool rdata_to_loc(const uint8_t *p, size_t len, struct str *out)
{
    (void)len;
    if (p[0] != 0 || !add_angle(p + 4, 90, "NS", out) || !add_angle(p + 8, 180, "EW", out)) {
        return false;
    }
    int64_t altitude =
        (int64_t)((uint32_t)p[12] << 24 | (uint32_t)p[13] << 16 | (uint32_t)p[14] << 8 | p[15]) -
        LOC_SEA_LEVEL;
    uint64_t height = (uint64_t)(altitude < 0 ? -altitude : altitude);
    str_printf(out, "%s%u.%02um", altitude < 0 ? "-" : "", (unsigned)(height / 100),
               (unsigned)(height % 100));
    for (unsigned i = 1; i < 4; i++) {
        uint64_t value = 0;
        if (!unpack_precision(p[i], &value)) {
            return false;
        }
        str_printf(out, " %u.%02um", (unsigned)(value / 100), (unsigned)(value % 100));
    }
    return true;
}

// ---- gateways (RFC 4025 section 2.5)
// -------------------------------------------------------------

// The RDATA's second byte, already written, says which form: none, IPv4, IPv6, name.
enum err rdata_from_gateway(struct rdata_scan *s, const struct rr_field *field)
{
    struct rdata_token t;
    if (s->out.bad) {
        return ERR_OK; // told by the caller
    }
    switch (s->out.start[1]) {
    case 0: {
        enum err err = rdata_token_need(s, &t);
        if (err == ERR_OK && (t.len != 1 || t.text[0] != '.')) {
            err = rdata_token_bad(s, &t, "is not \".\", as gateway type 0 asks for");
        }
        return err;
    }
    case 1:
        return rdata_from_ipv4(s, field);
    case 2:
        return rdata_from_ipv6(s, field);
    case 3:
        return rdata_from_name(s, field);
    default:
        return err_set(s->e, ERR_INVALID, "gateway type %u is not 0 to 3", s->out.start[1]);
    }
}

// Told apart by the byte two before it: precedence, gateway type, algorithm, gateway.
bool rdata_to_gateway(const uint8_t *p, size_t len, struct str *out)
{
    switch (p[-2]) {
    case 0:
        str_add_char(out, '.');
        return true;
    case 1:
        return rdata_to_ipv4(p, len, out);
    case 2:
        return rdata_to_ipv6(p, len, out);
    default:
        return rdata_to_name(p, len, out);
    }
}
