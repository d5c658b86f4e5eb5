#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

/*
 * A list of blocks, newest first; pieces are cut from the newest. A piece above a quarter block gets
 * a block of its own *behind* the newest, so that the rest of the newest is not wasted.
 */
enum { BLOCK_SIZE = 16 * 1024, ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(ALIGN) uint8_t bytes[];
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *b = mem_alloc(sizeof *b + size);
    b->next = NULL;
    b->size = size;
    return b;
}

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

static void free_chain(struct arena_block *b)
{
    while (b != NULL) {
        struct arena_block *next = b->next;
        mem_free(b);
        b = next;
    }
}

void arena_fini(struct arena *a)
{
    free_chain(a->head);
    arena_init(a);
}

void arena_reset(struct arena *a)
{
    if (a->head == NULL) {
        return;
    }
    free_chain(a->head->next);
    a->head->next = NULL;
    a->used = 0;
    a->total = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
    if (rounded < size) {
        rounded = SIZE_MAX / 2;   // cannot be had: mem_alloc ends the process
    }
    a->total += rounded;
    if (a->head != NULL && a->head->size - a->used >= rounded) {
        void *p = a->head->bytes + a->used;
        a->used += rounded;
        return p;
    }
    if (a->head != NULL && rounded > BLOCK_SIZE / 4) {
        struct arena_block *own = block_new(rounded);
        own->next = a->head->next;
        a->head->next = own;
        return own->bytes;
    }
    struct arena_block *b = block_new(rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
    b->next = a->head;
    a->head = b;
    a->used = rounded;
    return b->bytes;
}

void *arena_dup(struct arena *a, const void *p, size_t size)
{
    void *copy = arena_alloc(a, size);
    if (size != 0) {
        memcpy(copy, p, size);
    }
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_dup(a, s, strlen(s) + 1);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = len < 0 ? 1 : (size_t)len + 1;
    char *text = arena_alloc(a, size);
    text[0] = '\0';
    vsnprintf(text, size, format, again);
    va_end(again);
    return text;
}
