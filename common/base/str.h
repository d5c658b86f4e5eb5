#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

// A growing text; always NUL-terminated once something was added. Owned by its holder.
struct str {
    char *text;
    size_t len;
    size_t capacity;
};

void str_init(struct str *s);
void str_fini(struct str *s);
void str_clear(struct str *s);
void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t len);
void str_add_char(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *str_take(struct str *s);   // gives the text to the caller (mem_free) and empties `s`

// Bounded copy with NUL; false when it did not fit (dst then holds "").
NODISCARD bool str_copy(char *dst, size_t size, const char *src);

// Whole-string numbers: no sign, no blanks, no trailing text; ERR_INVALID otherwise or above max.
NODISCARD enum err str_to_u64(const char *s, uint64_t max, uint64_t *out);
NODISCARD enum err str_to_u32(const char *s, uint32_t max, uint32_t *out);
NODISCARD enum err str_to_i64(const char *s, int64_t min, int64_t max, int64_t *out);

bool str_equal_nocase(const char *a, const char *b);   // ASCII
void str_lower(char *s);                               // ASCII, in place
char *str_trim(char *s);                               // in place, returns the first non-blank
bool str_starts(const char *s, const char *prefix);

// Lower-case hex; dst holds 2*len+1 bytes. Parsing takes either case, ERR_INVALID on odd or bad text.
void str_hex(char *dst, const void *bytes, size_t len);
NODISCARD enum err str_from_hex(const char *s, size_t len, uint8_t *dst, size_t dst_size, size_t *out_len);
// RFC 4648 base64 with padding; dst holds 4*((len+2)/3)+1 bytes. Parsing skips no blanks.
void str_base64(char *dst, const void *bytes, size_t len);
NODISCARD enum err str_from_base64(const char *s, size_t len, uint8_t *dst, size_t dst_size, size_t *out_len);

// Constant time in the lengths given; false when they differ.
bool str_equal_secret(const void *a, size_t a_len, const void *b, size_t b_len);
