#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/zone/item.h"

/*
 * Persistent ordered tree (B+-tree, copy on write) of items in canonical order of their names
 * (RFC 4034 section 6.1). A tree is one pointer; a change copies the pages on its way, so that older
 * trees stay as they were. Pages hold for each item the first 8 bytes of its order-preserving key
 * behind the apex, so that a search seldom looks at an item.
 *
 * Made and changed by one thread at a time; read by any within the life of its pages.
 */
struct tree_page;
struct zone_tree {
    struct tree_page *root;    // NULL = empty
    unsigned apex_labels;      // labels that all names share
};

// A run of changes: pages made in it (same `stamp`) are changed in place, older ones are copied and
// go to `garbage`. `stamp` is never used again for another run.
struct tree_change {
    uint64_t stamp;
    struct zone_garbage *garbage;
};

// `items` in canonical order, distinct. Pages are filled to the last entry.
struct zone_tree tree_build(unsigned apex_labels, const void *const *items, size_t count,
                            uint64_t stamp);
// Frees the pages, not the items.
void tree_free(struct zone_tree *tree);

size_t tree_count(const struct zone_tree *tree);
const void *tree_find(const struct zone_tree *tree, const uint8_t *name_lower);
// By rank in order; index below tree_count.
const void *tree_at(const struct zone_tree *tree, size_t index);
// How many items are before `name_lower`.
size_t tree_rank(const struct zone_tree *tree, const uint8_t *name_lower);

// Puts `item` in, in place of one with the same name; the old one is returned, NULL = none.
const void *tree_put(struct zone_tree *tree, const struct tree_change *change, const void *item);
// Takes the item of this name out and returns it, NULL = was not there.
const void *tree_remove(struct zone_tree *tree, const struct tree_change *change,
                        const uint8_t *name_lower);

// A place in a tree.
#define TREE_DEPTH_MAX 12
struct tree_cursor {
    const struct tree_page *page[TREE_DEPTH_MAX];
    uint8_t at[TREE_DEPTH_MAX];
    uint8_t depth;             // pages in use; 0 = no place
};
// The first item not before `name_lower`; NULL = none.
const void *tree_seek(const struct zone_tree *tree, const uint8_t *name_lower,
                      struct tree_cursor *cursor);
// The last item before `name_lower`; NULL = none.
const void *tree_seek_before(const struct zone_tree *tree, const uint8_t *name_lower,
                             struct tree_cursor *cursor);
const void *tree_first(const struct zone_tree *tree, struct tree_cursor *cursor);
const void *tree_last(const struct zone_tree *tree, struct tree_cursor *cursor);
// The neighbour of the place the cursor is at; NULL = none, and the cursor is then spent.
const void *tree_next(struct tree_cursor *cursor);
const void *tree_previous(struct tree_cursor *cursor);

// The first 8 bytes of a name's key behind `apex_labels` labels from the right, as a big-endian number.
uint64_t tree_prefix(const uint8_t *name_lower, unsigned apex_labels);
// Memory of the pages.
size_t tree_bytes(const struct zone_tree *tree);
