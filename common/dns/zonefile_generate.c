/*
 * The text side of $GENERATE, BIND's directive: ranges and the places of the counter. Stateless;
 * any thread.
 */
#include "common/dns/zonefile_generate.h"

#include <stdio.h>
#include <string.h>

static bool read_u31(const char **at, const char *end, uint32_t *out)
{
    uint64_t value = 0;
    const char *start = *at;
    const char *p = start;
    for (; p < end && p - start < 11 && (unsigned)(*p - '0') < 10; p++) {
        value = value * 10 + (unsigned)(*p - '0');
    }
    *at = p;
    *out = (uint32_t)value;
    return p > start && value <= INT32_MAX;
}

bool generate_range(const char *text, size_t len, uint32_t *start, uint32_t *stop, uint32_t *step)
{
    const char *p = text;
    const char *end = p + len;
    *step = 1;
    if (!read_u31(&p, end, start) || p == end || *p++ != '-' || !read_u31(&p, end, stop)) {
        return false;
    }
    if (p < end && (*p++ != '/' || !read_u31(&p, end, step))) {
        return false;
    }
    return p == end && *step != 0 && *stop >= *start;
}

static bool line_add(struct generate_line *line, const char *text, size_t len)
{
    if (len > sizeof line->text - line->len) {
        line->is_full = true;
        return false;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
    return true;
}

// Nibbles from the lowest on, joined by dots, `width` characters with the dots (BIND's n and N).
static bool line_add_nibbles(struct generate_line *line, uint32_t value, unsigned width, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
        if (!line_add(line, &digits[value & 15], 1)) {
            return false;
        }
        value >>= 4;
        width = width > 0 ? width - 1 : 0;
        if (width > 0 || value != 0) {
            if (!line_add(line, ".", 1)) {
                return false;
            }
            width = width > 0 ? width - 1 : 0;
        }
    } while (value != 0 || width > 0);
    return true;
}

// ${OFFSET[,WIDTH[,BASE]]}, `*at` behind the brace.
static bool line_add_modified(struct generate_line *line, const char **at, const char *end,
                              uint32_t value)
{
    const char *p = *at;
    bool is_negative = p < end && *p == '-';
    uint32_t offset = 0;
    uint32_t width = 0;
    char base = 'd';
    p += is_negative;
    if (!read_u31(&p, end, &offset)) {
        return false;
    }
    if (p < end && *p == ',') {
        p++;
        if (!read_u31(&p, end, &width) || width > 255) {
            return false;
        }
        if (p + 1 < end && *p == ',') {
            base = p[1];
            p += 2;
        }
    }
    int64_t moved = (int64_t)value + (is_negative ? -(int64_t)offset : (int64_t)offset);
    if (p == end || *p != '}' || moved < 0 || moved > UINT32_MAX ||
        strchr("doxXnN", base) == NULL) {
        return false;
    }
    *at = p + 1;
    char text[300];
    int len;
    uint32_t number = (uint32_t)moved;
    switch (base) {
    case 'o':
        len = snprintf(text, sizeof text, "%0*o", (int)width, number);
        break;
    case 'x':
        len = snprintf(text, sizeof text, "%0*x", (int)width, number);
        break;
    case 'X':
        len = snprintf(text, sizeof text, "%0*X", (int)width, number);
        break;
    case 'n':
    case 'N':
        return line_add_nibbles(line, number, width, base == 'N');
    default:
        len = snprintf(text, sizeof text, "%0*u", (int)width, number);
        break;
    }
    return len > 0 && line_add(line, text, (size_t)len);
}

enum err generate_expand(struct generate_line *line, const char *p, const char *end, uint32_t value,
                         struct errmsg *e)
{
    bool fits = true;
    while (p < end && fits) {
        char c = *p++;
        if (c == '\\' && p < end) {
            fits = *p == '$' ? line_add(line, "\\$", 2) : line_add(line, p - 1, 2);
            p++;
        } else if (c != '$') {
            fits = line_add(line, &c, 1);
        } else if (p < end && *p == '$') {
            fits = line_add(line, "\\$", 2);
            p++;
        } else if (p < end && *p == '{') {
            p++;
            fits = line_add_modified(line, &p, end, value);
            if (!fits && !line->is_full) {
                return err_set(e, ERR_INVALID, "$GENERATE: a ${OFFSET,WIDTH,BASE} is malformed");
            }
        } else {
            char digits[12];
            int len = snprintf(digits, sizeof digits, "%u", value);
            fits = line_add(line, digits, (size_t)len);
        }
    }
    return fits ? ERR_OK
                : err_set(e, ERR_TOO_LARGE, "$GENERATE makes a line longer than %d bytes",
                          GENERATE_LINE);
}
