/*
 * The plain kinds of RDATA fields, from wire form to text. Stateless; any thread.
 */
#include "common/dns/rdata_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool rdata_to_number(const uint8_t *p, size_t len, struct str *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | p[i];
    }
    char digits[10];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    str_add_bytes(out, at, (size_t)(digits + sizeof digits - at));
    return true;
}

bool rdata_to_time(const uint8_t *p, size_t len, struct str *out)
{
    (void)len;
    time_t seconds =
        (time_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
    struct tm tm;
    char text[32];
    if (gmtime_r(&seconds, &tm) == NULL || strftime(text, sizeof text, "%Y%m%d%H%M%S", &tm) == 0) {
        return false;
    }
    str_add(out, text);
    return true;
}

bool rdata_to_type(const uint8_t *p, size_t len, struct str *out)
{
    (void)len;
    char text[16];
    rr_type_to_text((uint16_t)(p[0] << 8 | p[1]), text);
    str_add(out, text);
    return true;
}

bool rdata_to_name(const uint8_t *p, size_t len, struct str *out)
{
    (void)len;
    char text[NAME_MAX_TEXT];
    name_to_text_dot(p, text);
    str_add(out, text);
    return true;
}

static bool add_address(int family, const uint8_t *p, struct str *out)
{
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(family, p, text, sizeof text) == NULL) {
        return false;
    }
    str_add(out, text);
    return true;
}

bool rdata_to_ipv4(const uint8_t *p, size_t len, struct str *out)
{
    (void)len;
    return add_address(AF_INET, p, out);
}

bool rdata_to_ipv6(const uint8_t *p, size_t len, struct str *out)
{
    (void)len;
    return add_address(AF_INET6, p, out);
}

// ---- strings
// -------------------------------------------------------------------------------------

void rdata_add_quoted(const uint8_t *p, size_t len, struct str *out)
{
    str_add_char(out, '"');
    size_t start = 0; // of the plain run not yet written
    for (size_t i = 0; i < len; i++) {
        uint8_t c = p[i];
        if (c >= ' ' && c < 0x7F && c != '"' && c != '\\') {
            continue;
        }
        str_add_bytes(out, p + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\') {
            str_add_char(out, '\\');
            str_add_char(out, (char)c);
        } else {
            char escape[4] = {'\\', (char)('0' + c / 100), (char)('0' + c / 10 % 10),
                              (char)('0' + c % 10)};
            str_add_bytes(out, escape, sizeof escape);
        }
    }
    str_add_bytes(out, p + start, len - start);
    str_add_char(out, '"');
}

bool rdata_to_string(const uint8_t *p, size_t len, struct str *out)
{
    rdata_add_quoted(p + 1, len - 1, out);
    return true;
}

bool rdata_to_strings(const uint8_t *p, size_t len, struct str *out)
{
    for (size_t at = 0; at < len; at += p[at] + 1u) {
        if (at > 0) {
            str_add_char(out, ' ');
        }
        rdata_add_quoted(p + at + 1, p[at], out);
    }
    return true;
}

bool rdata_to_tag(const uint8_t *p, size_t len, struct str *out)
{
    str_add_bytes(out, p + 1, len - 1);
    return true;
}

bool rdata_to_text_rest(const uint8_t *p, size_t len, struct str *out)
{
    rdata_add_quoted(p, len, out);
    return true;
}

// ---- hex, base32, base64
// -------------------------------------------------------------------------

static const char hex_digits[] = "0123456789ABCDEF";

bool rdata_to_hex(const uint8_t *p, size_t len, struct str *out)
{
    char text[128];
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        text[used++] = hex_digits[p[i] >> 4];
        text[used++] = hex_digits[p[i] & 15];
        if (used == sizeof text) {
            str_add_bytes(out, text, used);
            used = 0;
        }
    }
    str_add_bytes(out, text, used);
    return len != 0; // nothing has no digits
}

bool rdata_to_hex_len8(const uint8_t *p, size_t len, struct str *out)
{
    if (len == 1) {
        str_add_char(out, '-');
        return true;
    }
    return rdata_to_hex(p + 1, len - 1, out);
}

bool rdata_to_base32_len8(const uint8_t *p, size_t len, struct str *out)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    unsigned bits = 0;
    unsigned count = 0;
    for (size_t i = 1; i < len; i++) {
        bits = (bits << 8 | p[i]) & 0xFFFF;
        count += 8;
        while (count >= 5) {
            count -= 5;
            str_add_char(out, digits[bits >> count & 31]);
        }
    }
    if (count > 0) {
        str_add_char(out, digits[bits << (5 - count) & 31]);
    }
    return true;
}

bool rdata_to_base64(const uint8_t *p, size_t len, struct str *out)
{
    char text[4 * 48 / 3 + 1];
    for (size_t at = 0; at < len; at += 48) {
        str_base64(text, p + at, len - at < 48 ? len - at : 48);
        str_add(out, text);
    }
    return len != 0;
}

// ---- groups of hex
// -------------------------------------------------------------------------------

bool rdata_to_eui(const uint8_t *p, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i++) {
        str_printf(out, "%s%02x", i > 0 ? "-" : "", p[i]);
    }
    return true;
}

bool rdata_to_nid(const uint8_t *p, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i += 2) {
        str_printf(out, "%s%02x%02x", i > 0 ? ":" : "", p[i], p[i + 1]);
    }
    return true;
}
