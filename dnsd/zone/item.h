#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/mem.h"

/*
 * What tree.h and index.h keep: objects (nodes of a zone, zones of the table) whose folded owner
 * name begins ITEM_NAME bytes into them, aligned to 16 and below 2^48.
 */
#define ITEM_NAME 8

static inline const uint8_t *item_name(const void *item)
{
    return (const uint8_t *)item + ITEM_NAME;
}

// Memory that a change has put out of use and that readers of older versions may still look at.
struct zone_garbage {
    void **items;
    size_t count;
    size_t capacity;
};

static inline void zone_garbage_add(struct zone_garbage *garbage, void *item)
{
    mem_grow(&garbage->items, &garbage->capacity, garbage->count + 1, sizeof *garbage->items);
    garbage->items[garbage->count++] = item;
}

static inline void zone_garbage_free(struct zone_garbage *garbage)
{
    for (size_t i = 0; i < garbage->count; i++) {
        mem_free(garbage->items[i]);
    }
    mem_free(garbage->items);
    *garbage = (struct zone_garbage){0};
}
