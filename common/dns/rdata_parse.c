/*
 * The plain kinds of RDATA fields, from text to wire form. Stateless; any thread.
 */
#include "common/dns/rdata_text.h"

#include <string.h>
#include <strings.h>
#include <arpa/inet.h>
#include <time.h>

// ---- numbers
// -------------------------------------------------------------------------------------

bool rdata_number(const char *text, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (len == 0 || len > 15) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (value > max) {
        return false;
    }
    *out = value;
    return true;
}

static bool word_value(const struct rr_field *field, const struct rdata_token *t, uint64_t *out)
{
    for (size_t i = 0; i < field->word_count; i++) {
        const struct rr_word *word = &field->words[i];
        if (strlen(word->text) == t->len && strncasecmp(word->text, t->text, t->len) == 0) {
            *out = word->value;
            return true;
        }
    }
    return false;
}

static enum err need_number(struct rdata_scan *s, const struct rr_field *field, uint64_t max,
                            const char *reason, uint64_t *out)
{
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    if (err != ERR_OK) {
        return err;
    }
    if (!rdata_number(t.text, t.len, max, out) && !word_value(field, &t, out)) {
        return rdata_token_bad(s, &t, reason);
    }
    return ERR_OK;
}

enum err rdata_from_u8(struct rdata_scan *s, const struct rr_field *field)
{
    uint64_t value = 0;
    enum err err = need_number(s, field, UINT8_MAX, "is not a number from 0 to 255", &value);
    cursor_put_u8(&s->out, (uint8_t)value);
    return err;
}

enum err rdata_from_u16(struct rdata_scan *s, const struct rr_field *field)
{
    uint64_t value = 0;
    enum err err = need_number(s, field, UINT16_MAX, "is not a number from 0 to 65535", &value);
    cursor_put_u16(&s->out, (uint16_t)value);
    return err;
}

enum err rdata_from_u32(struct rdata_scan *s, const struct rr_field *field)
{
    uint64_t value = 0;
    enum err err =
        need_number(s, field, UINT32_MAX, "is not a number from 0 to 4294967295", &value);
    cursor_put_u32(&s->out, (uint32_t)value);
    return err;
}

static uint32_t unit_seconds(char c)
{
    switch (c | 0x20) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 604800;
    default:
        return 0;
    }
}

bool rr_ttl_from_text(const char *text, size_t len, uint32_t *out)
{
    uint64_t total = 0;
    size_t at = 0;
    do {
        size_t start = at;
        uint64_t value = 0;
        while (at < len && (unsigned)(text[at] - '0') < 10) {
            at++;
        }
        if (!rdata_number(text + start, at - start, UINT32_MAX, &value)) {
            return false;
        }
        if (at < len) {
            uint32_t seconds = unit_seconds(text[at++]);
            if (seconds == 0) {
                return false;
            }
            value *= seconds;
        } else if (start != 0) {
            return false; // "1h30": thirty what?
        }
        total += value;
    } while (at < len && total <= UINT32_MAX);
    if (total > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)total;
    return true;
}

enum err rdata_from_ttl(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    uint32_t value = 0;
    enum err err = rdata_token_need(s, &t);
    if (err == ERR_OK && !rr_ttl_from_text(t.text, t.len, &value)) {
        err = rdata_token_bad(s, &t, "is not a time in seconds (3600, 1h30m)");
    }
    cursor_put_u32(&s->out, value);
    return err;
}

// YYYYMMDDHHmmSS, checked by turning it back (RFC 4034 section 3.2).
static bool read_time(const char *text, uint32_t *out)
{
    static const struct {
        uint8_t at, len;
        uint16_t low, high;
    } parts[] = {
        {0,  4, 1970, 2106},
        {4,  2, 1,    12  },
        {6,  2, 1,    31  },
        {8,  2, 0,    23  },
        {10, 2, 0,    59  },
        {12, 2, 0,    59  }
    };
    int value[6];
    for (size_t i = 0; i < 6; i++) {
        uint64_t number = 0;
        if (!rdata_number(text + parts[i].at, parts[i].len, parts[i].high, &number) ||
            number < parts[i].low) {
            return false;
        }
        value[i] = (int)number;
    }
    struct tm tm = {.tm_year = value[0] - 1900,
                    .tm_mon = value[1] - 1,
                    .tm_mday = value[2],
                    .tm_hour = value[3],
                    .tm_min = value[4],
                    .tm_sec = value[5]};
    time_t seconds = timegm(&tm);
    if (tm.tm_mday != value[2] || seconds < 0 || seconds > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)seconds;
    return true;
}

enum err rdata_from_time(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    uint32_t value = 0;
    uint64_t number = 0;
    enum err err = rdata_token_need(s, &t);
    if (err != ERR_OK) {
        return err;
    }
    if (t.len < 14 && rdata_number(t.text, t.len, UINT32_MAX, &number)) {
        value = (uint32_t)number;
    } else if (t.len != 14 || !read_time(t.text, &value)) {
        return rdata_token_bad(s, &t, "is not a time (YYYYMMDDHHmmSS)");
    }
    cursor_put_u32(&s->out, value);
    return ERR_OK;
}

enum err rdata_from_type(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    uint16_t type = 0;
    enum err err = rdata_token_need(s, &t);
    if (err == ERR_OK && rr_type_from_bytes(t.text, t.len, &type) != ERR_OK) {
        err = rdata_token_bad(s, &t, "is not a record type");
    }
    cursor_put_u16(&s->out, type);
    return err;
}

// ---- names, addresses, strings
// -------------------------------------------------------------------

enum err rdata_from_name(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    struct name name;
    enum err err = rdata_token_need(s, &t);
    if (err == ERR_OK) {
        err = name_from_text_origin(t.text, t.len, s->origin, &name, s->e);
    }
    if (err == ERR_OK) {
        cursor_put(&s->out, name.wire, name.len);
    }
    return err;
}

bool rdata_ipv4(const char *text, size_t len, uint8_t out[4])
{
    uint8_t bytes[4];
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0;
        size_t start = at;
        for (; at < len && at - start < 3 && (unsigned)(text[at] - '0') < 10; at++) {
            value = value * 10 + (unsigned)(text[at] - '0');
        }
        bool leading_zero = at - start > 1 && text[start] == '0';
        if (at == start || value > 255 || leading_zero ||
            (i < 3 && (at == len || text[at++] != '.'))) {
            return false;
        }
        bytes[i] = (uint8_t)value;
    }
    if (at != len) {
        return false;
    }
    memcpy(out, bytes, 4);
    return true;
}

bool rdata_ipv6(const char *text, size_t len, uint8_t out[16])
{
    char copy[INET6_ADDRSTRLEN];
    if (len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return inet_pton(AF_INET6, copy, out) == 1;
}

enum err rdata_from_ipv4(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    uint8_t address[4] = {0};
    enum err err = rdata_token_need(s, &t);
    if (err == ERR_OK && !rdata_ipv4(t.text, t.len, address)) {
        err = rdata_token_bad(s, &t, "is not an IPv4 address");
    }
    cursor_put(&s->out, address, sizeof address);
    return err;
}

enum err rdata_from_ipv6(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    uint8_t address[16] = {0};
    enum err err = rdata_token_need(s, &t);
    if (err == ERR_OK && !rdata_ipv6(t.text, t.len, address)) {
        err = rdata_token_bad(s, &t, "is not an IPv6 address");
    }
    cursor_put(&s->out, address, sizeof address);
    return err;
}

static enum err put_string(struct rdata_scan *s, const struct rdata_token *t)
{
    uint8_t bytes[255];
    size_t len = 0;
    enum err err = rdata_token_bytes(s, t, bytes, sizeof bytes, &len);
    cursor_put_u8(&s->out, (uint8_t)len);
    cursor_put(&s->out, bytes, len);
    return err;
}

enum err rdata_from_string(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    return err == ERR_OK ? put_string(s, &t) : err;
}

enum err rdata_from_strings(struct rdata_scan *s, const struct rr_field *field)
{
    enum err err = rdata_from_string(s, field);
    while (err == ERR_OK) {
        struct rdata_token t;
        err = rdata_token_next(s, &t);
        if (err == ERR_NOT_FOUND) {
            return ERR_OK;
        }
        if (err == ERR_OK) {
            err = put_string(s, &t);
        }
    }
    return err;
}

enum err rdata_from_text_rest(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    size_t len = 0;
    enum err err = rdata_token_need(s, &t);
    if (err == ERR_OK) {
        err = rdata_token_bytes(s, &t, s->out.at, cursor_left(&s->out), &len);
    }
    if (err == ERR_OK) {
        (void)cursor_take(&s->out, len);
    }
    return err;
}

// ---- hex, base32, base64
// -------------------------------------------------------------------------

static int hex_digit(char c)
{
    if ((unsigned)(c - '0') < 10) {
        return c - '0';
    }
    unsigned letter = (unsigned)((c | 0x20) - 'a');
    return letter < 6 ? (int)letter + 10 : -1;
}

// The digits of one byte may not be torn apart by a blank.
static bool put_hex(struct cursor *out, const char *text, size_t len)
{
    if (len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        cursor_put_u8(out, (uint8_t)(high << 4 | low));
    }
    return true;
}

enum err rdata_from_hex_rest(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    while (err == ERR_OK) {
        if (!put_hex(&s->out, t.text, t.len)) {
            return rdata_token_bad(s, &t, "is not hexadecimal, two digits a byte");
        }
        err = rdata_token_next(s, &t);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err rdata_from_hex_len8(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    if (err != ERR_OK) {
        return err;
    }
    if (t.len == 1 && t.text[0] == '-') {
        cursor_put_u8(&s->out, 0);
        return ERR_OK;
    }
    cursor_put_u8(&s->out, (uint8_t)(t.len / 2));
    if (t.len > 510 || !put_hex(&s->out, t.text, t.len)) {
        return rdata_token_bad(s, &t, "is not \"-\" or at most 255 bytes in hexadecimal");
    }
    return ERR_OK;
}

static int base32_digit(char c)
{
    if ((unsigned)(c - '0') < 10) {
        return c - '0';
    }
    unsigned letter = (unsigned)((c | 0x20) - 'a');
    return letter < 22 ? (int)letter + 10 : -1;
}

// base32hex without padding (RFC 5155 section 3.3).
enum err rdata_from_base32_len8(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    if (err != ERR_OK) {
        return err;
    }
    size_t len = t.len * 5 / 8;
    unsigned tail = t.len % 8; // 1, 3 and 6 characters make no whole number of bytes
    uint64_t bits = 0;
    unsigned count = 0;
    if (len == 0 || len > 255 || tail == 1 || tail == 3 || tail == 6) {
        return rdata_token_bad(s, &t, "is not base32hex");
    }
    cursor_put_u8(&s->out, (uint8_t)len);
    for (size_t i = 0; i < t.len; i++) {
        int digit = base32_digit(t.text[i]);
        if (digit < 0) {
            return rdata_token_bad(s, &t, "is not base32hex");
        }
        bits = bits << 5 | (unsigned)digit;
        count += 5;
        if (count >= 8) {
            count -= 8;
            cursor_put_u8(&s->out, (uint8_t)(bits >> count));
        }
    }
    return ERR_OK;
}

// 0..63; 64 and above = not one.
static unsigned base64_digit(char c)
{
    if ((unsigned)(c - 'A') < 26) {
        return (unsigned)(c - 'A');
    }
    if ((unsigned)(c - 'a') < 26) {
        return (unsigned)(c - 'a') + 26;
    }
    if ((unsigned)(c - '0') < 10) {
        return (unsigned)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool rdata_base64_add(struct rdata_base64 *b, struct cursor *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned digit = base64_digit(text[i]);
        if (text[i] == '=') {
            b->padding++;
            continue;
        }
        if (digit > 63 || b->padding != 0) {
            return false;
        }
        b->bits = b->bits << 6 | digit;
        if (++b->count == 4) {
            uint8_t three[3] = {(uint8_t)(b->bits >> 16), (uint8_t)(b->bits >> 8),
                                (uint8_t)b->bits};
            cursor_put(out, three, 3);
            b->written += 3;
            b->bits = 0;
            b->count = 0;
        }
    }
    return true;
}

bool rdata_base64_end(struct rdata_base64 *b, struct cursor *out)
{
    if (b->count == 1 || (b->count + b->padding) % 4 != 0 || b->padding > 2) {
        return false;
    }
    if (b->count >= 2) {
        uint32_t bits = b->bits << (b->count == 2 ? 12 : 6);
        uint8_t two[2] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8)};
        cursor_put(out, two, b->count - 1);
        b->written += b->count - 1;
    }
    return b->written != 0;
}

enum err rdata_from_base64_rest(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_base64 b = {0};
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    while (err == ERR_OK) {
        if (!rdata_base64_add(&b, &s->out, t.text, t.len)) {
            return rdata_token_bad(s, &t, "is not base64");
        }
        err = rdata_token_next(s, &t);
    }
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    if (!rdata_base64_end(&b, &s->out)) {
        return err_set(s->e, ERR_INVALID, "the base64 text is cut short or empty");
    }
    return ERR_OK;
}

// ---- groups of hex
// -------------------------------------------------------------------------------

// "xx-xx-…": `count` bytes.
static enum err from_eui(struct rdata_scan *s, unsigned count)
{
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    if (err != ERR_OK) {
        return err;
    }
    bool is_good = t.len == count * 3u - 1;
    for (unsigned i = 0; is_good && i < count; i++) {
        is_good =
            put_hex(&s->out, t.text + i * 3u, 2) && (i + 1 == count || t.text[i * 3u + 2] == '-');
    }
    return is_good ? ERR_OK : rdata_token_bad(s, &t, "is not bytes in hexadecimal, joined by '-'");
}

enum err rdata_from_eui48(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    return from_eui(s, 6);
}

enum err rdata_from_eui64(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    return from_eui(s, 8);
}

// RFC 6742 section 2.1.2: four groups of one to four digits.
enum err rdata_from_nid(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct rdata_token t;
    enum err err = rdata_token_need(s, &t);
    if (err != ERR_OK) {
        return err;
    }
    size_t at = 0;
    for (unsigned group = 0; group < 4; group++) {
        unsigned value = 0;
        size_t start = at;
        for (; at < t.len && at - start < 4 && hex_digit(t.text[at]) >= 0; at++) {
            value = value << 4 | (unsigned)hex_digit(t.text[at]);
        }
        if (at == start || (group < 3 && (at == t.len || t.text[at++] != ':'))) {
            return rdata_token_bad(s, &t, "is not four groups of hexadecimal, joined by ':'");
        }
        cursor_put_u16(&s->out, (uint16_t)value);
    }
    return at == t.len ? ERR_OK
                       : rdata_token_bad(s, &t, "is not four groups of hexadecimal, joined by ':'");
}
