// Persistent hash of names: see index.h for the layout. Changed by the writer thread only.
#include "dnsd/zone/index.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"

#define LINE_BYTES 64u
#define PAGE_LINES_MAX 64u
#define DEPTH_MAX 40u

static unsigned word_count(uint64_t word)
{
    return (unsigned)(word >> 54);
}

static unsigned word_depth(uint64_t word)
{
    return (unsigned)(word & 63);
}

static uint64_t word_make(uint64_t *page, unsigned lines, unsigned count, unsigned depth)
{
    uint64_t address = (uint64_t)(uintptr_t)page;
    assert((address & 63) == 0 && address >> 48 == 0);
    return address | (uint64_t)(lines - 1) << 48 | (uint64_t)count << 54 | depth;
}

// A page is filled to 7/8.
static unsigned lines_for(unsigned count)
{
    unsigned lines = (count + 6) / 7;
    return lines < 1 ? 1 : lines > PAGE_LINES_MAX ? PAGE_LINES_MAX : lines;
}

static uint64_t *page_new(unsigned lines)
{
    uint64_t *page = mem_aligned(LINE_BYTES, (size_t)lines * LINE_BYTES);
    memset(page, 0, (size_t)lines * LINE_BYTES);
    return page;
}

// Puts a word (tag and pointer) where a search will find it.
static void page_add(uint64_t *page, unsigned lines, uint64_t entry)
{
    unsigned slots = lines * INDEX_LINE_WORDS;
    unsigned at = (unsigned)((entry >> 48 & 63) * lines >> 6) * INDEX_LINE_WORDS;
    while (page[at] != 0) {
        at = at + 1 == slots ? 0 : at + 1;
    }
    page[at] = entry;
}

static uint64_t entry_make(const void *item, uint64_t hash)
{
    uint64_t address = (uint64_t)(uintptr_t)item;
    assert((address & ~INDEX_POINTER_MASK) == 0);
    return address | index_tag(hash);
}

static const void *entry_item(uint64_t entry)
{
    return (const void *)(uintptr_t)(entry & INDEX_POINTER_MASK);
}

// ---- whole ones --------------------------------------------------------------------------------

struct zone_index index_build(const void *const *items, const uint64_t *hashes, size_t count)
{
    struct zone_index index = {.count = count};
    if (count == 0) {
        return index;
    }
    while (count >> index.depth > 320) {
        index.depth++;
    }
    size_t pages = (size_t)1 << index.depth;
    unsigned shift = 64 - index.depth;
    // Counting sort by page, so that each page is filled while it is in the CPU's cache.
    size_t *begin = mem_calloc(pages + 1, sizeof *begin);
    for (size_t i = 0; i < count; i++) {
        begin[(index.depth == 0 ? 0 : hashes[i] >> shift) + 1]++;
    }
    for (size_t p = 0; p < pages; p++) {
        begin[p + 1] += begin[p];
    }
    uint64_t *entries = mem_calloc(count, sizeof *entries);
    size_t *next = mem_dup(begin, pages * sizeof *next);
    for (size_t i = 0; i < count; i++) {
        entries[next[index.depth == 0 ? 0 : hashes[i] >> shift]++] = entry_make(items[i], hashes[i]);
    }
    index.directory = mem_calloc(pages, sizeof *index.directory);
    for (size_t p = 0; p < pages; p++) {
        unsigned n = (unsigned)(begin[p + 1] - begin[p]);
        assert(n < PAGE_LINES_MAX * INDEX_LINE_WORDS);
        unsigned lines = lines_for(n);
        uint64_t *page = page_new(lines);
        for (size_t i = begin[p]; i < begin[p + 1]; i++) {
            page_add(page, lines, entries[i]);
        }
        index.directory[p] = word_make(page, lines, n, index.depth);
    }
    mem_free(next);
    mem_free(entries);
    mem_free(begin);
    return index;
}

void index_free(struct zone_index *index)
{
    size_t words = index->directory == NULL ? 0 : (size_t)1 << index->depth;
    for (size_t i = 0; i < words;) {
        uint64_t word = index->directory[i];
        mem_free(index_page(word));
        i += (size_t)1 << (index->depth - word_depth(word));
    }
    mem_free(index->directory);
    *index = (struct zone_index){0};
}

size_t index_bytes(const struct zone_index *index)
{
    size_t words = index->directory == NULL ? 0 : (size_t)1 << index->depth;
    size_t bytes = words * sizeof index->directory[0];
    for (size_t i = 0; i < words;) {
        uint64_t word = index->directory[i];
        bytes += (size_t)index_lines(word) * LINE_BYTES;
        i += (size_t)1 << (index->depth - word_depth(word));
    }
    return bytes;
}

// ---- changes -----------------------------------------------------------------------------------

void index_change_begin(struct index_change *change, const struct zone_index *from,
                        struct zone_garbage *garbage)
{
    change->index = *from;
    change->garbage = garbage;
    size_t words = (size_t)1 << from->depth;
    change->owned = mem_zalloc(words);
    if (from->directory == NULL) {
        change->index.directory = mem_alloc(sizeof *change->index.directory);
        change->index.directory[0] = word_make(page_new(1), 1, 0, 0);
        change->owned[0] = 1;
        return;
    }
    change->index.directory = mem_dup(from->directory, words * sizeof *from->directory);
    zone_garbage_add(garbage, from->directory);
}

struct zone_index index_change_end(struct index_change *change)
{
    mem_free(change->owned);
    change->owned = NULL;
    return change->index;
}

static size_t directory_at(const struct index_change *change, uint64_t hash)
{
    return change->index.depth == 0 ? 0 : hash >> (64 - change->index.depth);
}

// Enters a page made in this run into all directory words that stand for it.
static void directory_set(struct index_change *change, size_t at, uint64_t word)
{
    size_t span = (size_t)1 << (change->index.depth - word_depth(word));
    size_t begin = at & ~(span - 1);
    for (size_t i = begin; i < begin + span; i++) {
        change->index.directory[i] = word;
        change->owned[i] = 1;
    }
}

static void page_retire(struct index_change *change, size_t at, uint64_t *page)
{
    if (change->owned[at]) {
        mem_free(page);
    } else {
        zone_garbage_add(change->garbage, page);
    }
}

// Gives the page at `at` as one that this run may change, with `lines` lines, without the word
// `without` (0 = none).
static uint64_t *page_remake(struct index_change *change, size_t at, unsigned lines,
                             uint64_t without)
{
    uint64_t word = change->index.directory[at];
    uint64_t *old = index_page(word);
    unsigned old_lines = index_lines(word);
    uint64_t *page = page_new(lines);
    if (lines == old_lines && without == 0) {
        memcpy(page, old, (size_t)lines * LINE_BYTES);
    } else {
        for (unsigned i = 0; i < old_lines * INDEX_LINE_WORDS; i++) {
            if (old[i] != 0 && old[i] != without) {
                page_add(page, lines, old[i]);
            }
        }
    }
    page_retire(change, at, old);
    unsigned count = word_count(word) - (without != 0 ? 1 : 0);
    directory_set(change, at, word_make(page, lines, count, word_depth(word)));
    return page;
}

static void directory_double(struct index_change *change)
{
    size_t words = (size_t)1 << change->index.depth;
    uint64_t *directory = mem_calloc(words * 2, sizeof *directory);
    uint8_t *owned = mem_alloc(words * 2);
    for (size_t i = 0; i < words; i++) {
        directory[2 * i] = directory[2 * i + 1] = change->index.directory[i];
        owned[2 * i] = owned[2 * i + 1] = change->owned[i];
    }
    mem_free(change->index.directory);    // a copy of this run
    mem_free(change->owned);
    change->index.directory = directory;
    change->owned = owned;
    change->index.depth++;
}

// Parts a full page by the next bit of its items' hashes.
static void page_split(struct index_change *change, uint64_t hash)
{
    uint64_t word = index_directory_word(&change->index, hash);
    unsigned depth = word_depth(word);
    assert(depth < DEPTH_MAX);
    if (depth == change->index.depth) {
        directory_double(change);
    }
    uint64_t *old = index_page(word);
    unsigned slots = index_lines(word) * INDEX_LINE_WORDS;
    uint8_t high[PAGE_LINES_MAX * INDEX_LINE_WORDS];
    unsigned counts[2] = {0, 0};
    for (unsigned i = 0; i < slots; i++) {
        if (old[i] != 0) {
            uint64_t item_hash = name_hash(item_name(entry_item(old[i])));
            high[i] = item_hash >> (63 - depth) & 1;
            counts[high[i]]++;
        }
    }
    uint64_t *half[2];
    unsigned lines[2];
    for (unsigned h = 0; h < 2; h++) {
        lines[h] = lines_for(counts[h] + 1);
        half[h] = page_new(lines[h]);
    }
    for (unsigned i = 0; i < slots; i++) {
        if (old[i] != 0) {
            page_add(half[high[i]], lines[high[i]], old[i]);
        }
    }
    size_t at = directory_at(change, hash);
    page_retire(change, at, old);
    size_t span = (size_t)1 << (change->index.depth - depth);
    size_t begin = at & ~(span - 1);
    directory_set(change, begin, word_make(half[0], lines[0], counts[0], depth + 1));
    directory_set(change, begin + span / 2, word_make(half[1], lines[1], counts[1], depth + 1));
}

// The word of this name in a page; NULL = not there.
static uint64_t *page_search(uint64_t *page, unsigned lines, const uint8_t *name, uint64_t hash)
{
    unsigned slots = lines * INDEX_LINE_WORDS;
    unsigned at = (unsigned)((hash & 63) * lines >> 6) * INDEX_LINE_WORDS;
    uint64_t tag = index_tag(hash);
    for (unsigned n = 0; n < slots && page[at] != 0; n++) {
        if (((page[at] ^ tag) & INDEX_TAG_MASK) == 0 &&
            name_equal_lower(item_name(entry_item(page[at])), name)) {
            return &page[at];
        }
        at = at + 1 == slots ? 0 : at + 1;
    }
    return NULL;
}

void index_put(struct index_change *change, const void *item, uint64_t hash)
{
    size_t at = directory_at(change, hash);
    uint64_t word = change->index.directory[at];
    uint64_t *found = page_search(index_page(word), index_lines(word), item_name(item), hash);
    if (found != NULL) {
        size_t offset = (size_t)(found - index_page(word));
        uint64_t *page = change->owned[at] ? index_page(word)
                                           : page_remake(change, at, index_lines(word), 0);
        page[offset] = entry_make(item, hash);
        return;
    }
    while (word_count(word) >= PAGE_LINES_MAX * 7) {
        page_split(change, hash);
        at = directory_at(change, hash);
        word = change->index.directory[at];
    }
    uint64_t *page = index_page(word);
    unsigned lines = index_lines(word);
    if (word_count(word) + 1 > lines * 7) {
        unsigned more = lines + 1 + lines / 4;
        lines = more > PAGE_LINES_MAX ? PAGE_LINES_MAX : more;
        page = page_remake(change, at, lines, 0);
    } else if (!change->owned[at]) {
        page = page_remake(change, at, lines, 0);
    }
    page_add(page, lines, entry_make(item, hash));
    directory_set(change, at, word_make(page, lines, word_count(word) + 1, word_depth(word)));
    change->index.count++;
}

void index_remove(struct index_change *change, const uint8_t *name_lower, uint64_t hash)
{
    size_t at = directory_at(change, hash);
    uint64_t word = change->index.directory[at];
    uint64_t *found = page_search(index_page(word), index_lines(word), name_lower, hash);
    if (found == NULL) {
        return;
    }
    unsigned lines = index_lines(word);
    unsigned fit = lines_for(word_count(word) - 1);
    page_remake(change, at, fit < lines / 2 ? fit : lines, *found);
    change->index.count--;
}
