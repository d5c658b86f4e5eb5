/*
 * Persistent B+-tree. Page: stamp of the run that made it, count, and entries
 * {key prefix, pointer}; in a leaf (level 0) the pointer is an item, above it a page, and the prefix
 * is then that of the first item below that page. On equal prefixes names are compared; for inner
 * entries that is the name of the first item below.
 */
#include "dnsd/zone/tree.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/name.h"

#define PAGE_MAX 254u    // 16 + 254 * 16 = 4080 bytes

struct tree_entry {
    uint64_t prefix;
    void *ptr;
};

struct tree_page {
    uint64_t stamp;
    uint32_t total;      // items below
    uint8_t count;
    uint8_t capacity;
    uint8_t level;
    struct tree_entry entry[];
};

// ---- pages -------------------------------------------------------------------------------------

static struct tree_page *page_new(uint64_t stamp, unsigned level, unsigned capacity)
{
    struct tree_page *page = mem_alloc(sizeof *page + capacity * sizeof page->entry[0]);
    page->stamp = stamp;
    page->total = 0;
    page->count = 0;
    page->capacity = (uint8_t)capacity;
    page->level = (uint8_t)level;
    return page;
}

static void page_retire(const struct tree_change *change, struct tree_page *page)
{
    if (page->stamp == change->stamp) {
        mem_free(page);    // nobody else has seen it
        return;
    }
    zone_garbage_add(change->garbage, page);
}

// The page, or a copy of it, that this run may change and that has room for `need` entries.
static struct tree_page *page_own(const struct tree_change *change, struct tree_page *page,
                                  unsigned need)
{
    if (page->stamp == change->stamp && page->capacity >= need) {
        return page;
    }
    unsigned capacity = need;
    if (need > page->count) {
        capacity += need < 8 ? 2 : need / 8;    // room for what follows
    }
    if (capacity > PAGE_MAX) {
        capacity = PAGE_MAX;
    }
    struct tree_page *own = page_new(change->stamp, page->level, capacity);
    own->total = page->total;
    own->count = page->count;
    memcpy(own->entry, page->entry, page->count * sizeof page->entry[0]);
    page_retire(change, page);
    return own;
}

static const void *page_first_item(const struct tree_page *page)
{
    while (page->level != 0) {
        page = page->entry[0].ptr;
    }
    return page->entry[0].ptr;
}

static const void *entry_item(const struct tree_page *page, unsigned i)
{
    return page->level == 0 ? page->entry[i].ptr : page_first_item(page->entry[i].ptr);
}

static uint32_t entry_total(const struct tree_page *page, unsigned i)
{
    return page->level == 0 ? 1 : ((const struct tree_page *)page->entry[i].ptr)->total;
}

static void page_sum(struct tree_page *page)
{
    page->total = 0;
    for (unsigned i = 0; i < page->count; i++) {
        page->total += entry_total(page, i);
    }
}

// ---- search ------------------------------------------------------------------------------------

uint64_t tree_prefix(const uint8_t *name_lower, unsigned apex_labels)
{
    uint8_t offsets[NAME_MAX_LABELS + 1];
    unsigned labels = name_label_offsets(name_lower, offsets) - 1;
    uint64_t prefix = 0;
    unsigned used = 0;
    for (unsigned i = labels - apex_labels; labels > apex_labels && i-- > 0 && used < 8;) {
        const uint8_t *label = name_lower + offsets[i];
        for (unsigned k = 1; k <= label[0] && used < 8; k++) {
            uint8_t byte = label[k];
            if (byte <= 1) {    // escaped, because 0 ends a label
                prefix = prefix << 8 | 1;
                used++;
                byte++;
                if (used == 8) {
                    break;
                }
            }
            prefix = prefix << 8 | byte;
            used++;
        }
        if (used < 8) {
            prefix <<= 8;
            used++;
        }
    }
    return used == 0 ? 0 : prefix << (8 * (8 - used));
}

static int entry_compare(const struct tree_page *page, unsigned i, uint64_t prefix,
                         const uint8_t *name)
{
    if (page->entry[i].prefix != prefix) {
        return page->entry[i].prefix < prefix ? -1 : 1;
    }
    return name_compare(item_name(entry_item(page, i)), name);
}

// The first entry not before the name; `*equal` when it is the name's own.
static unsigned page_lower(const struct tree_page *page, uint64_t prefix, const uint8_t *name,
                           bool *equal)
{
    unsigned low = 0;
    unsigned high = page->count;
    *equal = false;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = entry_compare(page, middle, prefix, name);
        if (order == 0) {
            *equal = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// The entry of an inner page under which the name belongs.
static unsigned page_child(const struct tree_page *page, uint64_t prefix, const uint8_t *name)
{
    bool equal;
    unsigned i = page_lower(page, prefix, name, &equal);
    return equal || i == 0 ? i : i - 1;
}

size_t tree_count(const struct zone_tree *tree)
{
    return tree->root == NULL ? 0 : tree->root->total;
}

static const void *cursor_item(const struct tree_cursor *cursor)
{
    unsigned leaf = cursor->depth - 1u;
    return cursor->page[leaf]->entry[cursor->at[leaf]].ptr;
}

static void cursor_push(struct tree_cursor *cursor, const struct tree_page *page, unsigned at)
{
    assert(cursor->depth < TREE_DEPTH_MAX);
    cursor->page[cursor->depth] = page;
    cursor->at[cursor->depth] = (uint8_t)at;
    cursor->depth++;
}

// Goes down to the first or last item of the subtree under the cursor's entry.
static const void *cursor_descend(struct tree_cursor *cursor, bool last)
{
    unsigned top = cursor->depth - 1u;
    while (cursor->page[top]->level != 0) {
        const struct tree_page *child = cursor->page[top]->entry[cursor->at[top]].ptr;
        cursor_push(cursor, child, last ? child->count - 1u : 0);
        top++;
    }
    return cursor_item(cursor);
}

const void *tree_next(struct tree_cursor *cursor)
{
    while (cursor->depth > 0) {
        unsigned top = cursor->depth - 1u;
        if (cursor->at[top] + 1u < cursor->page[top]->count) {
            cursor->at[top]++;
            return cursor_descend(cursor, false);
        }
        cursor->depth--;
    }
    return NULL;
}

const void *tree_previous(struct tree_cursor *cursor)
{
    while (cursor->depth > 0) {
        unsigned top = cursor->depth - 1u;
        if (cursor->at[top] > 0) {
            cursor->at[top]--;
            return cursor_descend(cursor, true);
        }
        cursor->depth--;
    }
    return NULL;
}

static const void *tree_end(const struct zone_tree *tree, struct tree_cursor *cursor, bool last)
{
    cursor->depth = 0;
    if (tree->root == NULL) {
        return NULL;
    }
    cursor_push(cursor, tree->root, last ? tree->root->count - 1u : 0);
    return cursor_descend(cursor, last);
}

const void *tree_first(const struct zone_tree *tree, struct tree_cursor *cursor)
{
    return tree_end(tree, cursor, false);
}

const void *tree_last(const struct zone_tree *tree, struct tree_cursor *cursor)
{
    return tree_end(tree, cursor, true);
}

const void *tree_seek(const struct zone_tree *tree, const uint8_t *name_lower,
                      struct tree_cursor *cursor)
{
    cursor->depth = 0;
    if (tree->root == NULL) {
        return NULL;
    }
    uint64_t prefix = tree_prefix(name_lower, tree->apex_labels);
    const struct tree_page *page = tree->root;
    while (page->level != 0) {
        unsigned child = page_child(page, prefix, name_lower);
        cursor_push(cursor, page, child);
        page = page->entry[child].ptr;
    }
    bool equal;
    unsigned i = page_lower(page, prefix, name_lower, &equal);
    if (i < page->count) {
        cursor_push(cursor, page, i);
        return page->entry[i].ptr;
    }
    cursor_push(cursor, page, page->count - 1u);
    return tree_next(cursor);
}

const void *tree_seek_before(const struct zone_tree *tree, const uint8_t *name_lower,
                             struct tree_cursor *cursor)
{
    if (tree_seek(tree, name_lower, cursor) == NULL) {
        return tree_last(tree, cursor);
    }
    return tree_previous(cursor);
}

const void *tree_find(const struct zone_tree *tree, const uint8_t *name_lower)
{
    struct tree_cursor cursor;
    const void *item = tree_seek(tree, name_lower, &cursor);
    return item != NULL && name_equal_lower(item_name(item), name_lower) ? item : NULL;
}

const void *tree_at(const struct zone_tree *tree, size_t index)
{
    assert(index < tree_count(tree));
    const struct tree_page *page = tree->root;
    while (page->level != 0) {
        unsigned i = 0;
        while (index >= entry_total(page, i)) {
            index -= entry_total(page, i);
            i++;
        }
        page = page->entry[i].ptr;
    }
    return page->entry[index].ptr;
}

size_t tree_rank(const struct zone_tree *tree, const uint8_t *name_lower)
{
    if (tree->root == NULL) {
        return 0;
    }
    uint64_t prefix = tree_prefix(name_lower, tree->apex_labels);
    size_t rank = 0;
    const struct tree_page *page = tree->root;
    while (page->level != 0) {
        unsigned child = page_child(page, prefix, name_lower);
        for (unsigned i = 0; i < child; i++) {
            rank += entry_total(page, i);
        }
        page = page->entry[child].ptr;
    }
    bool equal;
    return rank + page_lower(page, prefix, name_lower, &equal);
}

// ---- change ------------------------------------------------------------------------------------

static void page_insert_at(struct tree_page *page, unsigned at, uint64_t prefix, void *ptr)
{
    memmove(&page->entry[at + 1], &page->entry[at], (page->count - at) * sizeof page->entry[0]);
    page->entry[at].prefix = prefix;
    page->entry[at].ptr = ptr;
    page->count++;
}

static void page_remove_at(struct tree_page *page, unsigned at)
{
    page->count--;
    memmove(&page->entry[at], &page->entry[at + 1], (page->count - at) * sizeof page->entry[0]);
}

// Inserts into a page of this run; when it is full, its upper part goes to a new page (returned).
static struct tree_page *page_insert(const struct tree_change *change, struct tree_page **page,
                                     unsigned at, uint64_t prefix, void *ptr)
{
    if ((*page)->count < PAGE_MAX) {
        *page = page_own(change, *page, (*page)->count + 1u);
        page_insert_at(*page, at, prefix, ptr);
        page_sum(*page);
        return NULL;
    }
    struct tree_page *left = page_own(change, *page, PAGE_MAX);
    // Names that come in order leave full pages behind.
    unsigned keep = at == PAGE_MAX ? PAGE_MAX : PAGE_MAX / 2;
    struct tree_page *right = page_new(change->stamp, left->level, PAGE_MAX);
    right->count = (uint8_t)(PAGE_MAX - keep);
    memcpy(right->entry, &left->entry[keep], right->count * sizeof left->entry[0]);
    left->count = (uint8_t)keep;
    if (at <= keep && keep < PAGE_MAX) {
        page_insert_at(left, at, prefix, ptr);
    } else {
        page_insert_at(right, at - keep, prefix, ptr);
    }
    page_sum(left);
    page_sum(right);
    *page = left;
    return right;
}

struct put_state {
    const struct tree_change *change;
    const uint8_t *name;
    uint64_t prefix;
    const void *item;
    const void *old;
};

static void *item_mutable(const void *item)
{
    union {
        const void *in;
        void *out;
    } cast = {.in = item};
    return cast.out;
}

static struct tree_page *put_below(struct put_state *put, struct tree_page **page)
{
    bool equal;
    if ((*page)->level == 0) {
        unsigned at = page_lower(*page, put->prefix, put->name, &equal);
        if (!equal) {
            return page_insert(put->change, page, at, put->prefix, item_mutable(put->item));
        }
        *page = page_own(put->change, *page, (*page)->count);
        put->old = (*page)->entry[at].ptr;
        (*page)->entry[at].ptr = item_mutable(put->item);
        return NULL;
    }
    unsigned at = page_child(*page, put->prefix, put->name);
    *page = page_own(put->change, *page, (*page)->count);
    struct tree_page *child = (*page)->entry[at].ptr;
    struct tree_page *split = put_below(put, &child);
    (*page)->entry[at].ptr = child;
    (*page)->entry[at].prefix = child->entry[0].prefix;
    if (split != NULL) {
        return page_insert(put->change, page, at + 1, split->entry[0].prefix, split);
    }
    (*page)->total += put->old == NULL ? 1 : 0;
    return NULL;
}

const void *tree_put(struct zone_tree *tree, const struct tree_change *change, const void *item)
{
    struct put_state put = {.change = change,
                            .name = item_name(item),
                            .prefix = tree_prefix(item_name(item), tree->apex_labels),
                            .item = item};
    if (tree->root == NULL) {
        tree->root = page_new(change->stamp, 0, 4);
    }
    struct tree_page *split = put_below(&put, &tree->root);
    if (split != NULL) {
        struct tree_page *root = page_new(change->stamp, tree->root->level + 1u, 4);
        page_insert_at(root, 0, tree->root->entry[0].prefix, tree->root);
        page_insert_at(root, 1, split->entry[0].prefix, split);
        page_sum(root);
        assert(root->level < TREE_DEPTH_MAX);
        tree->root = root;
    }
    return put.old;
}

// Joins entry `at` with its right neighbour when both are small.
static void page_merge(const struct tree_change *change, struct tree_page *page, unsigned at)
{
    struct tree_page *left = page->entry[at].ptr;
    struct tree_page *right = page->entry[at + 1].ptr;
    unsigned sum = (unsigned)left->count + right->count;
    if (sum > PAGE_MAX * 3 / 4) {
        return;
    }
    left = page_own(change, left, sum);
    memcpy(&left->entry[left->count], right->entry, right->count * sizeof right->entry[0]);
    left->count = (uint8_t)sum;
    page_sum(left);
    page_retire(change, right);
    page->entry[at].ptr = left;
    page_remove_at(page, at + 1);
}

// Takes the name (known to be there) out; false when the page is empty now.
static bool remove_below(const struct tree_change *change, struct tree_page **page, uint64_t prefix,
                         const uint8_t *name)
{
    struct tree_page *own = page_own(change, *page, (*page)->count);
    *page = own;
    if (own->level == 0) {
        bool equal;
        unsigned at = page_lower(own, prefix, name, &equal);
        assert(equal);
        page_remove_at(own, at);
    } else {
        unsigned at = page_child(own, prefix, name);
        struct tree_page *child = own->entry[at].ptr;
        if (remove_below(change, &child, prefix, name)) {
            own->entry[at].ptr = child;
            own->entry[at].prefix = child->entry[0].prefix;
            if (child->count < PAGE_MAX / 4 && at + 1u < own->count) {
                page_merge(change, own, at);
            } else if (child->count < PAGE_MAX / 4 && at > 0) {
                page_merge(change, own, at - 1);
            }
        } else {
            page_retire(change, child);
            page_remove_at(own, at);
        }
    }
    own->total--;
    return own->count != 0;
}

const void *tree_remove(struct zone_tree *tree, const struct tree_change *change,
                        const uint8_t *name_lower)
{
    const void *item = tree_find(tree, name_lower);
    if (item == NULL) {
        return NULL;
    }
    uint64_t prefix = tree_prefix(name_lower, tree->apex_labels);
    if (!remove_below(change, &tree->root, prefix, name_lower)) {
        page_retire(change, tree->root);
        tree->root = NULL;
        return item;
    }
    while (tree->root->level != 0 && tree->root->count == 1) {
        struct tree_page *old = tree->root;
        tree->root = old->entry[0].ptr;
        page_retire(change, old);
    }
    return item;
}

// ---- whole trees -------------------------------------------------------------------------------

struct zone_tree tree_build(unsigned apex_labels, const void *const *items, size_t count,
                            uint64_t stamp)
{
    struct zone_tree tree = {.root = NULL, .apex_labels = apex_labels};
    if (count == 0) {
        return tree;
    }
    size_t pages = (count + PAGE_MAX - 1) / PAGE_MAX;
    struct tree_page **level = mem_calloc(pages, sizeof(struct tree_page *));
    for (size_t p = 0; p < pages; p++) {
        size_t begin = p * PAGE_MAX;
        unsigned n = (unsigned)(count - begin < PAGE_MAX ? count - begin : PAGE_MAX);
        level[p] = page_new(stamp, 0, n);
        for (unsigned i = 0; i < n; i++) {
            level[p]->entry[i].prefix = tree_prefix(item_name(items[begin + i]), apex_labels);
            level[p]->entry[i].ptr = item_mutable(items[begin + i]);
        }
        level[p]->count = (uint8_t)n;
        level[p]->total = n;
    }
    for (unsigned height = 1; pages > 1; height++) {
        size_t above = (pages + PAGE_MAX - 1) / PAGE_MAX;
        for (size_t p = 0; p < above; p++) {
            size_t begin = p * PAGE_MAX;
            unsigned n = (unsigned)(pages - begin < PAGE_MAX ? pages - begin : PAGE_MAX);
            struct tree_page *page = page_new(stamp, height, n);
            for (unsigned i = 0; i < n; i++) {
                page->entry[i].prefix = level[begin + i]->entry[0].prefix;
                page->entry[i].ptr = level[begin + i];
            }
            page->count = (uint8_t)n;
            page_sum(page);
            level[p] = page;
        }
        pages = above;
    }
    tree.root = level[0];
    mem_free(level);
    return tree;
}

static void page_free(struct tree_page *page)
{
    if (page->level != 0) {
        for (unsigned i = 0; i < page->count; i++) {
            page_free(page->entry[i].ptr);
        }
    }
    mem_free(page);
}

void tree_free(struct zone_tree *tree)
{
    if (tree->root != NULL) {
        page_free(tree->root);
        tree->root = NULL;
    }
}

static size_t page_bytes(const struct tree_page *page)
{
    size_t bytes = sizeof *page + page->capacity * sizeof page->entry[0];
    for (unsigned i = 0; page->level != 0 && i < page->count; i++) {
        bytes += page_bytes(page->entry[i].ptr);
    }
    return bytes;
}

size_t tree_bytes(const struct zone_tree *tree)
{
    return tree->root == NULL ? 0 : page_bytes(tree->root);
}
