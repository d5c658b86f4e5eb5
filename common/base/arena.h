#pragma once

#include <stddef.h>

// Memory of one lifetime (a request, a load): allocate piece by piece, free all at once.
// One thread at a time.
struct arena_block;
struct arena {
    struct arena_block *head;
    size_t used;         // in the head block
    size_t total;        // bytes given out
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a);    // frees all; the arena may be used again
void arena_reset(struct arena *a);   // forgets all, keeps one block
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));  // 16-aligned, not zeroed
void *arena_dup(struct arena *a, const void *p, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
