#pragma once

#include <stddef.h>

#include "common/base/err.h"

// Allocation that aborts the process when memory is out; the result is never NULL. Sizes that come
// from outside are limited before they get here. Freed by mem_free. Any thread.
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
void *mem_dup(const void *p, size_t size) __attribute__((returns_nonnull));
// `alignment`: a power of two. For lines of the CPU's cache and pages.
void *mem_aligned(size_t alignment, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((returns_nonnull));
void mem_free(void *p);
// Gives freed memory back to the system, after work that took much; takes milliseconds.
void mem_trim(void);

// May fail: NULL when there is no memory. For large or outside-given sizes.
void *mem_try_alloc(size_t size);
void *mem_try_realloc(void *p, size_t size);

// Test hook: the n-th mem_try_* call from now fails (1 = next); 0 = none.
void mem_try_fail_at(unsigned n);

// Grows `*items` (array of `size`-byte items, `*capacity` allocated) to hold `need` items.
void mem_grow(void *items, size_t *capacity, size_t need, size_t size);

// Overwrites secrets so that the compiler keeps it.
void mem_wipe(void *p, size_t size);
