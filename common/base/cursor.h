#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bounds-checked reading and writing of byte buffers in network order. The first access out of
 * bounds sets `bad`; everything after it does nothing and reads zeros, so a caller tests once at
 * the end. Inline because it is on the packet path.
 */
struct cursor {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

static inline struct cursor cursor_over(void *bytes, size_t len)
{
    return (struct cursor){.start = bytes, .at = bytes, .end = (uint8_t *)bytes + len, .bad = false};
}

// For reading only; nothing is ever written through it.
static inline struct cursor cursor_over_const(const void *bytes, size_t len)
{
    union {
        const void *c;
        uint8_t *m;
    } u = {.c = bytes};
    return (struct cursor){.start = u.m, .at = u.m, .end = u.m + len, .bad = false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

static inline size_t cursor_offset(const struct cursor *c)
{
    return (size_t)(c->at - c->start);
}

// True and advanced-ready when `n` more bytes are there.
static inline bool cursor_has(struct cursor *c, size_t n)
{
    if (__builtin_expect(c->bad || (size_t)(c->end - c->at) < n, 0)) {
        c->bad = true;
        return false;
    }
    return true;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    if (!cursor_has(c, 1)) {
        return 0;
    }
    return *c->at++;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    if (!cursor_has(c, 2)) {
        return 0;
    }
    uint16_t v = (uint16_t)((uint16_t)(c->at[0] << 8) | c->at[1]);
    c->at += 2;
    return v;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    if (!cursor_has(c, 4)) {
        return 0;
    }
    uint32_t v = (uint32_t)c->at[0] << 24 | (uint32_t)c->at[1] << 16 | (uint32_t)c->at[2] << 8 | c->at[3];
    c->at += 4;
    return v;
}

static inline uint64_t cursor_u48(struct cursor *c)
{
    uint64_t high = cursor_u16(c);
    return high << 32 | cursor_u32(c);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    uint64_t high = cursor_u32(c);
    return high << 32 | cursor_u32(c);
}

// Pointer to the next `n` bytes and past them; NULL when they are not there.
static inline uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (!cursor_has(c, n)) {
        return NULL;
    }
    uint8_t *p = c->at;
    c->at += n;
    return p;
}

static inline void cursor_put_u8(struct cursor *c, uint8_t v)
{
    if (cursor_has(c, 1)) {
        *c->at++ = v;
    }
}

static inline void cursor_put_u16(struct cursor *c, uint16_t v)
{
    if (cursor_has(c, 2)) {
        c->at[0] = (uint8_t)(v >> 8);
        c->at[1] = (uint8_t)v;
        c->at += 2;
    }
}

static inline void cursor_put_u32(struct cursor *c, uint32_t v)
{
    if (cursor_has(c, 4)) {
        c->at[0] = (uint8_t)(v >> 24);
        c->at[1] = (uint8_t)(v >> 16);
        c->at[2] = (uint8_t)(v >> 8);
        c->at[3] = (uint8_t)v;
        c->at += 4;
    }
}

static inline void cursor_put_u48(struct cursor *c, uint64_t v)
{
    cursor_put_u16(c, (uint16_t)(v >> 32));
    cursor_put_u32(c, (uint32_t)v);
}

static inline void cursor_put_u64(struct cursor *c, uint64_t v)
{
    cursor_put_u32(c, (uint32_t)(v >> 32));
    cursor_put_u32(c, (uint32_t)v);
}

static inline void cursor_put(struct cursor *c, const void *bytes, size_t n)
{
    if (n != 0 && cursor_has(c, n)) {
        memcpy(c->at, bytes, n);
        c->at += n;
    }
}
