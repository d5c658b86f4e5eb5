#include "common/base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The only place that calls the C allocator. Any thread.

// Countdown of the test hook; 0 = off.
static _Atomic unsigned fail_at;

static _Noreturn void die(size_t size)
{
    // No log: it could want memory.
    fprintf(stderr, "out of memory (%zu bytes asked for)\n", size);
    abort();
}

static bool must_fail(void)
{
    if (__builtin_expect(atomic_load_explicit(&fail_at, memory_order_relaxed) == 0, 1)) {
        return false;
    }
    return atomic_fetch_sub_explicit(&fail_at, 1, memory_order_relaxed) == 1;
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size == 0 ? 1 : size);
    if (p == NULL) {
        die(size);
    }
    return p;
}

void *mem_zalloc(size_t size)
{
    return mem_calloc(1, size);
}

void *mem_calloc(size_t count, size_t size)
{
    void *p = count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
    if (p == NULL) {
        die(size);
    }
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *grown = realloc(p, size == 0 ? 1 : size);
    if (grown == NULL) {
        die(size);
    }
    return grown;
}

void *mem_dup(const void *p, size_t size)
{
    void *copy = mem_alloc(size);
    if (size != 0) {
        memcpy(copy, p, size);
    }
    return copy;
}

void *mem_aligned(size_t alignment, size_t size)
{
    void *p = NULL;
    if (posix_memalign(&p, alignment, size == 0 ? 1 : size) != 0) {
        die(size);
    }
    return p;
}

char *mem_strdup(const char *s)
{
    return mem_dup(s, strlen(s) + 1);
}

void mem_free(void *p)
{
    free(p);
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void *mem_try_alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size == 0 ? 1 : size);
}

void *mem_try_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : realloc(p, size == 0 ? 1 : size);
}

void mem_try_fail_at(unsigned n)
{
    atomic_store_explicit(&fail_at, n, memory_order_relaxed);
}

void mem_grow(void *items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) {
        return;
    }
    size_t wanted = *capacity == 0 ? 8 : *capacity + *capacity / 2;
    if (wanted < need) {
        wanted = need;
    }
    if (wanted > SIZE_MAX / size) {
        die(SIZE_MAX);
    }
    // `items` points to a pointer of the caller's type, which C lets us touch only as bytes.
    void *p;
    memcpy(&p, items, sizeof p);
    p = mem_realloc(p, wanted * size);
    memcpy(items, &p, sizeof p);
    *capacity = wanted;
}

void mem_wipe(void *p, size_t size)
{
    if (size != 0) {
        explicit_bzero(p, size);
    }
}
