#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dns/name.h"
#include "dnsd/zone/item.h"

/*
 * Persistent hash from folded name to item (extendible hashing, copy on write): a directory of
 * pages chosen by the top bits of the name's hash; a page is up to 64 lines of 64 bytes; a line
 * holds eight words. A search reads one directory word, one line, one item.
 *
 *   word:      hash bits 0..15 | pointer bits 4..47 | hash bits 16..19          0 = free
 *   directory: count of items (10 bits) | lines - 1 (6) | pointer bits 6..47 | depth of the page (6)
 *
 * The line where a search begins follows from hash bits 0..5, so a page can grow or be repaired
 * after a removal without looking at its items. Words fill lines without gaps: a free word ends a search.
 *
 * Made and changed by one thread at a time; read by any within the life of its pages.
 */
struct zone_index {
    uint64_t *directory;    // 1 << depth words; NULL = empty
    unsigned depth;
    size_t count;
};

#define INDEX_LINE_WORDS 8
#define INDEX_TAG_MASK 0xffff00000000000full
#define INDEX_POINTER_MASK 0x0000fffffffffff0ull

static inline uint64_t index_tag(uint64_t hash)
{
    return hash << 48 | ((hash >> 16) & 0xf);
}

static inline uint64_t index_directory_word(const struct zone_index *index, uint64_t hash)
{
    return index->directory[index->depth == 0 ? 0 : hash >> (64 - index->depth)];
}

static inline uint64_t *index_page(uint64_t directory_word)
{
    return (uint64_t *)(uintptr_t)(directory_word & 0x0000ffffffffffc0ull);
}

static inline unsigned index_lines(uint64_t directory_word)
{
    return (unsigned)(directory_word >> 48 & 63) + 1;
}

// Where the search for `hash` begins: the line to prefetch for it.
static inline const uint64_t *index_line(const struct zone_index *index, uint64_t hash)
{
    uint64_t word = index_directory_word(index, hash);
    return index_page(word) + ((hash & 63) * index_lines(word) >> 6) * INDEX_LINE_WORDS;
}

// The item of this name, NULL = none. `hash` is name_hash of it.
static inline const void *index_find(const struct zone_index *index, const uint8_t *name_lower,
                                     uint64_t hash)
{
    if (index->directory == NULL) {
        return NULL;
    }
    uint64_t word = index_directory_word(index, hash);
    const uint64_t *page = index_page(word);
    unsigned lines = index_lines(word);
    unsigned line = (unsigned)((hash & 63) * lines >> 6);
    uint64_t tag = index_tag(hash);
    for (unsigned n = 0; n < lines; n++) {
        const uint64_t *words = page + (size_t)line * INDEX_LINE_WORDS;
        for (unsigned i = 0; i < INDEX_LINE_WORDS; i++) {
            if (words[i] == 0) {
                return NULL;
            }
            if (((words[i] ^ tag) & INDEX_TAG_MASK) == 0) {
                const void *item = (const void *)(uintptr_t)(words[i] & INDEX_POINTER_MASK);
                if (name_equal_lower(item_name(item), name_lower)) {
                    return item;
                }
            }
        }
        line = line + 1 == lines ? 0 : line + 1;
    }
    return NULL;
}

// `hashes[i]` is the hash of items[i]'s name; names distinct.
struct zone_index index_build(const void *const *items, const uint64_t *hashes, size_t count);
// Frees directory and pages, not the items.
void index_free(struct zone_index *index);
// Memory of directory and pages.
size_t index_bytes(const struct zone_index *index);

// A run of changes to a copy of an index. Begin, put and remove, end; old pages go to `garbage`,
// the old index stays as it was.
struct index_change {
    struct zone_index index;    // the new one
    uint8_t *owned;             // a byte a directory word: page made in this run
    struct zone_garbage *garbage;
};
void index_change_begin(struct index_change *change, const struct zone_index *from,
                        struct zone_garbage *garbage);
// Puts `item` in, in place of the one with its name.
void index_put(struct index_change *change, const void *item, uint64_t hash);
void index_remove(struct index_change *change, const uint8_t *name_lower, uint64_t hash);
struct zone_index index_change_end(struct index_change *change);
