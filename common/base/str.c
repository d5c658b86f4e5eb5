#include "common/base/str.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

// Texts: growing ones, bounded copies, numbers, hex and base64. No state; any thread.

void str_init(struct str *s)
{
    *s = (struct str){0};
}

void str_fini(struct str *s)
{
    mem_free(s->text);
    str_init(s);
}

void str_clear(struct str *s)
{
    s->len = 0;
    if (s->text != NULL) {
        s->text[0] = '\0';
    }
}

void str_add_bytes(struct str *s, const void *bytes, size_t len)
{
    mem_grow(&s->text, &s->capacity, s->len + len + 1, 1);
    if (len != 0) {
        memcpy(s->text + s->len, bytes, len);
    }
    s->len += len;
    s->text[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_add_bytes(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
    str_add_bytes(s, &c, 1);
}

void str_printf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0) {
        mem_grow(&s->text, &s->capacity, s->len + (size_t)len + 1, 1);
        vsnprintf(s->text + s->len, (size_t)len + 1, format, again);
        s->len += (size_t)len;
    }
    va_end(again);
}

char *str_take(struct str *s)
{
    char *text = s->text != NULL ? s->text : mem_strdup("");
    str_init(s);
    return text;
}

bool str_copy(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);
    if (len >= size) {
        if (size != 0) {
            dst[0] = '\0';
        }
        return false;
    }
    memcpy(dst, src, len + 1);
    return true;
}

enum err str_to_u64(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (*s == '\0') {
        return ERR_INVALID;
    }
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9') {
            return ERR_INVALID;
        }
        uint64_t digit = (uint64_t)(*s - '0');
        if (value > (max - digit) / 10 || digit > max) {
            return ERR_INVALID;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return ERR_OK;
}

enum err str_to_u32(const char *s, uint32_t max, uint32_t *out)
{
    uint64_t value;
    enum err err = str_to_u64(s, max, &value);
    if (err == ERR_OK) {
        *out = (uint32_t)value;
    }
    return err;
}

enum err str_to_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
    bool is_negative = *s == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t magnitude;
    if (str_to_u64(s + (is_negative ? 1 : 0), limit, &magnitude) != ERR_OK) {
        return ERR_INVALID;
    }
    int64_t value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < min || value > max) {
        return ERR_INVALID;
    }
    *out = value;
    return ERR_OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

void str_lower(char *s)
{
    for (; *s != '\0'; s++) {
        *s = lower(*s);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *str_trim(char *s)
{
    while (is_blank(*s)) {
        s++;
    }
    size_t len = strlen(s);
    while (len != 0 && is_blank(s[len - 1])) {
        len--;
    }
    s[len] = '\0';
    return s;
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

void str_hex(char *dst, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = bytes;
    for (size_t i = 0; i < len; i++) {
        *dst++ = digits[b[i] >> 4];
        *dst++ = digits[b[i] & 15];
    }
    *dst = '\0';
}

// -1 = not a digit.
static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err str_from_hex(const char *s, size_t len, uint8_t *dst, size_t dst_size, size_t *out_len)
{
    if (len % 2 != 0) {
        return ERR_INVALID;
    }
    if (len / 2 > dst_size) {
        return ERR_TOO_LARGE;
    }
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(s[i]);
        int low = hex_value(s[i + 1]);
        if (high < 0 || low < 0) {
            return ERR_INVALID;
        }
        dst[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out_len = len / 2;
    return ERR_OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void str_base64(char *dst, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)b[i] << 16;
        group |= left > 1 ? (uint32_t)b[i + 1] << 8 : 0;
        group |= left > 2 ? b[i + 2] : 0;
        *dst++ = base64_digits[group >> 18];
        *dst++ = base64_digits[group >> 12 & 63];
        *dst++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *dst++ = left > 2 ? base64_digits[group & 63] : '=';
    }
    *dst = '\0';
}

// -1 = not a digit.
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err str_from_base64(const char *s, size_t len, uint8_t *dst, size_t dst_size, size_t *out_len)
{
    if (len % 4 != 0) {
        return ERR_INVALID;
    }
    size_t padding = 0;
    while (padding < 2 && padding < len && s[len - 1 - padding] == '=') {
        padding++;
    }
    size_t size = len / 4 * 3 - padding;
    if (size > dst_size) {
        return ERR_TOO_LARGE;
    }
    uint32_t group = 0;
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        int value = i < len - padding ? base64_value(s[i]) : 0;
        if (value < 0) {
            return ERR_INVALID;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4 != 3) {
            continue;
        }
        for (unsigned k = 0; k < 3; k++) {
            uint8_t byte = (uint8_t)(group >> (16 - 8 * k));
            if (written < size) {
                dst[written++] = byte;
            } else if (byte != 0) {
                return ERR_INVALID;   // bits behind the end: not the canonical text
            }
        }
        group = 0;
    }
    *out_len = size;
    return ERR_OK;
}

bool str_equal_secret(const void *a, size_t a_len, const void *b, size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < a_len; i++) {
        difference = (uint8_t)(difference | (x[i] ^ y[i]));
    }
    return difference == 0;
}
