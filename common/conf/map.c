#include "common/conf/map.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"

/*
 * A B+ tree whose nodes and entries are counted, so that maps can share them: a node with more than
 * one holder is copied before it is changed. Between two neighbours of one parent there are always
 * more entries than fit one node, which bounds the height; nodes filled in order stay full.
 *
 *   inner  lows[1..n-1]: no path below children[i] is smaller than lows[i]; lows[0] is not used.
 *          A low needs not be in the map any more.
 *   leaf   entries ascending by path.
 *
 * One thread for a map and all its clones.
 */
#define NODE_MAX 64

struct entry {
    uint32_t refs;
    uint32_t json_at; // offset in text
    char text[];      // path, NUL, JSON, NUL
};

struct node {
    uint32_t refs;
    uint16_t count;
    bool is_leaf;
};

struct leaf {
    struct node head;
    struct entry *entries[NODE_MAX];
};

struct inner {
    struct node head;
    struct entry *lows[NODE_MAX];
    struct node *children[NODE_MAX];
};

struct conf_map {
    struct node *root;
    size_t count;
};

static struct leaf *as_leaf(struct node *node)
{
    assert(node->is_leaf);
    return (struct leaf *)node;
}

static struct inner *as_inner(struct node *node)
{
    assert(!node->is_leaf);
    return (struct inner *)node;
}

// ---- entries -----------------------------------------------------------------------------------

static struct entry *entry_new(const char *path, const char *json)
{
    size_t path_size = strlen(path) + 1;
    size_t json_size = strlen(json) + 1;
    assert(path_size + json_size < UINT32_MAX);
    struct entry *entry = mem_alloc(sizeof *entry + path_size + json_size);
    entry->refs = 1;
    entry->json_at = (uint32_t)path_size;
    memcpy(entry->text, path, path_size);
    memcpy(entry->text + path_size, json, json_size);
    return entry;
}

static struct entry *entry_ref(struct entry *entry)
{
    if (entry != NULL) {
        entry->refs++;
    }
    return entry;
}

static void entry_unref(struct entry *entry)
{
    if (entry != NULL && --entry->refs == 0) {
        mem_free(entry);
    }
}

static const char *entry_json(const struct entry *entry)
{
    return entry->text + entry->json_at;
}

// ---- nodes -------------------------------------------------------------------------------------

static struct leaf *leaf_new(void)
{
    struct leaf *leaf = mem_zalloc(sizeof *leaf);
    leaf->head.refs = 1;
    leaf->head.is_leaf = true;
    return leaf;
}

static struct inner *inner_new(void)
{
    struct inner *inner = mem_zalloc(sizeof *inner);
    inner->head.refs = 1;
    return inner;
}

static void node_unref(struct node *node)
{
    if (--node->refs > 0) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->is_leaf) {
            entry_unref(as_leaf(node)->entries[i]);
        } else {
            entry_unref(as_inner(node)->lows[i]);
            node_unref(as_inner(node)->children[i]);
        }
    }
    mem_free(node);
}

// Makes `*slot` a node that nobody else holds.
static struct node *node_own(struct node **slot)
{
    struct node *old = *slot;
    if (old->refs == 1) {
        return old;
    }
    struct node *copy = NULL;
    if (old->is_leaf) {
        copy = mem_dup(old, sizeof(struct leaf));
        for (size_t i = 0; i < copy->count; i++) {
            entry_ref(as_leaf(copy)->entries[i]);
        }
    } else {
        copy = mem_dup(old, sizeof(struct inner));
        for (size_t i = 0; i < copy->count; i++) {
            entry_ref(as_inner(copy)->lows[i]);
            as_inner(copy)->children[i]->refs++;
        }
    }
    copy->refs = 1;
    old->refs--;
    *slot = copy;
    return copy;
}

// Index of the first entry not below `path`.
static size_t leaf_find(const struct leaf *leaf, const char *path)
{
    size_t low = 0;
    size_t high = leaf->head.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(leaf->entries[middle]->text, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Index of the child that holds `path`, if any does.
static size_t inner_find(const struct inner *inner, const char *path)
{
    size_t low = 1;
    size_t high = inner->head.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(inner->lows[middle]->text, path) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - 1;
}

static struct entry *find(struct node *node, const char *path)
{
    while (!node->is_leaf) {
        struct inner *inner = as_inner(node);
        node = inner->children[inner_find(inner, path)];
    }
    struct leaf *leaf = as_leaf(node);
    size_t at = leaf_find(leaf, path);
    if (at == leaf->head.count || strcmp(leaf->entries[at]->text, path) != 0) {
        return NULL;
    }
    return leaf->entries[at];
}

// ---- putting -----------------------------------------------------------------------------------

// What a node that was full gave to a new neighbour on its right.
struct split {
    struct node *right; // NULL = no split
    struct entry *low;  // held
};

static void leaf_insert(struct leaf *leaf, size_t at, struct entry *entry)
{
    size_t tail = leaf->head.count - at;
    memmove(&leaf->entries[at + 1], &leaf->entries[at], tail * sizeof leaf->entries[0]);
    leaf->entries[at] = entry;
    leaf->head.count++;
}

static void inner_insert(struct inner *inner, size_t at, struct split add)
{
    size_t tail = inner->head.count - at;
    memmove(&inner->lows[at + 1], &inner->lows[at], tail * sizeof inner->lows[0]);
    memmove(&inner->children[at + 1], &inner->children[at], tail * sizeof inner->children[0]);
    inner->lows[at] = add.low;
    inner->children[at] = add.right;
    inner->head.count++;
}

// Where a full node is cut for an insert at `at`: in the middle, but behind everything when it
// grows at its end, so that loading in order leaves full nodes.
static size_t split_point(size_t at)
{
    return at == NODE_MAX ? NODE_MAX : NODE_MAX / 2;
}

static void leaf_put(struct leaf *leaf, size_t at, struct entry *entry, struct split *split)
{
    if (leaf->head.count < NODE_MAX) {
        leaf_insert(leaf, at, entry);
        return;
    }
    size_t cut = split_point(at);
    struct leaf *right = leaf_new();
    right->head.count = (uint16_t)(NODE_MAX - cut);
    memcpy(right->entries, &leaf->entries[cut], right->head.count * sizeof right->entries[0]);
    leaf->head.count = (uint16_t)cut;
    if (at < cut || (at == cut && cut < NODE_MAX)) {
        leaf_insert(leaf, at, entry);
    } else {
        leaf_insert(right, at - cut, entry);
    }
    *split = (struct split){.right = &right->head, .low = entry_ref(right->entries[0])};
}

static void inner_put(struct inner *inner, size_t at, struct split add, struct split *split)
{
    if (inner->head.count < NODE_MAX) {
        inner_insert(inner, at, add);
        return;
    }
    size_t cut = split_point(at);
    struct inner *right = inner_new();
    right->head.count = (uint16_t)(NODE_MAX - cut);
    memcpy(right->lows, &inner->lows[cut], right->head.count * sizeof right->lows[0]);
    memcpy(right->children, &inner->children[cut], right->head.count * sizeof right->children[0]);
    inner->head.count = (uint16_t)cut;
    if (at < cut || (at == cut && cut < NODE_MAX)) {
        inner_insert(inner, at, add);
    } else {
        inner_insert(right, at - cut, add);
    }
    // The first low of the new node is the parent's to hold.
    *split = (struct split){.right = &right->head, .low = right->lows[0]};
    right->lows[0] = NULL;
}

// Puts `entry` below `*slot`, in place of the one with its path; true = there was none.
static bool put(struct node **slot, struct entry *entry, struct split *split)
{
    struct node *node = node_own(slot);
    if (!node->is_leaf) {
        struct inner *inner = as_inner(node);
        size_t at = inner_find(inner, entry->text);
        struct split below = {0};
        bool is_new = put(&inner->children[at], entry, &below);
        if (below.right != NULL) {
            inner_put(inner, at + 1, below, split);
        }
        return is_new;
    }
    struct leaf *leaf = as_leaf(node);
    size_t at = leaf_find(leaf, entry->text);
    if (at < leaf->head.count && strcmp(leaf->entries[at]->text, entry->text) == 0) {
        entry_unref(leaf->entries[at]);
        leaf->entries[at] = entry;
        return false;
    }
    leaf_put(leaf, at, entry, split);
    return true;
}

// ---- removing ----------------------------------------------------------------------------------

static void inner_drop(struct inner *inner, size_t at)
{
    size_t tail = inner->head.count - at - 1;
    entry_unref(inner->lows[at]);
    memmove(&inner->lows[at], &inner->lows[at + 1], tail * sizeof inner->lows[0]);
    memmove(&inner->children[at], &inner->children[at + 1], tail * sizeof inner->children[0]);
    inner->head.count--;
}

// Moves everything of children[at + 1] behind children[at] when it fits.
static bool merge_right(struct inner *inner, size_t at)
{
    size_t sum = (size_t)inner->children[at]->count + inner->children[at + 1]->count;
    if (sum > NODE_MAX) {
        return false;
    }
    struct node *left = node_own(&inner->children[at]);
    struct node *right = node_own(&inner->children[at + 1]);
    if (left->is_leaf) {
        memcpy(&as_leaf(left)->entries[left->count], as_leaf(right)->entries,
               right->count * sizeof as_leaf(right)->entries[0]);
    } else {
        struct inner *from = as_inner(right);
        struct inner *to = as_inner(left);
        entry_unref(from->lows[0]);
        from->lows[0] = entry_ref(inner->lows[at + 1]);
        memcpy(&to->lows[left->count], from->lows, right->count * sizeof from->lows[0]);
        memcpy(&to->children[left->count], from->children, right->count * sizeof from->children[0]);
    }
    left->count = (uint16_t)sum;
    right->count = 0;
    node_unref(right);
    inner_drop(inner, at + 1);
    return true;
}

// Removes the entry of `path`, which is there.
static void drop(struct node **slot, const char *path)
{
    struct node *node = node_own(slot);
    if (node->is_leaf) {
        struct leaf *leaf = as_leaf(node);
        size_t at = leaf_find(leaf, path);
        size_t tail = leaf->head.count - at - 1;
        entry_unref(leaf->entries[at]);
        memmove(&leaf->entries[at], &leaf->entries[at + 1], tail * sizeof leaf->entries[0]);
        leaf->head.count--;
        return;
    }
    struct inner *inner = as_inner(node);
    size_t at = inner_find(inner, path);
    drop(&inner->children[at], path);
    if (at + 1 < inner->head.count && merge_right(inner, at)) {
        return;
    }
    if (at > 0 && merge_right(inner, at - 1)) {
        return;
    }
    if (inner->children[at]->count == 0) {
        node_unref(inner->children[at]);
        inner_drop(inner, at);
    }
}

// Takes away levels that no longer branch.
static void lower_root(struct conf_map *map)
{
    while (!map->root->is_leaf && map->root->count <= 1) {
        struct node *root = map->root;
        if (root->count == 0) {
            map->root = &leaf_new()->head;
        } else {
            map->root = as_inner(root)->children[0];
            map->root->refs++;
        }
        node_unref(root);
    }
}

// ---- public ------------------------------------------------------------------------------------

struct conf_map *conf_map_new(void)
{
    struct conf_map *map = mem_zalloc(sizeof *map);
    map->root = &leaf_new()->head;
    return map;
}

void conf_map_free(struct conf_map *map)
{
    if (map != NULL) {
        node_unref(map->root);
        mem_free(map);
    }
}

struct conf_map *conf_map_clone(const struct conf_map *map)
{
    struct conf_map *clone = mem_dup(map, sizeof *map);
    clone->root->refs++;
    return clone;
}

size_t conf_map_count(const struct conf_map *map)
{
    return map->count;
}

const char *conf_map_get(const struct conf_map *map, const char *path)
{
    const struct entry *entry = find(map->root, path);
    return entry == NULL ? NULL : entry_json(entry);
}

void conf_map_set(struct conf_map *map, const char *path, const char *json)
{
    struct split split = {0};
    if (put(&map->root, entry_new(path, json), &split)) {
        map->count++;
    }
    if (split.right != NULL) {
        struct inner *root = inner_new();
        root->children[0] = map->root;
        root->head.count = 1;
        inner_insert(root, 1, split);
        map->root = &root->head;
    }
}

bool conf_map_remove(struct conf_map *map, const char *path)
{
    if (find(map->root, path) == NULL) {
        return false;
    }
    drop(&map->root, path);
    lower_root(map);
    map->count--;
    return true;
}

void conf_map_clear(struct conf_map *map)
{
    node_unref(map->root);
    map->root = &leaf_new()->head;
    map->count = 0;
}

struct walk {
    const char *prefix;
    size_t prefix_len;
    conf_map_fn fn;
    void *ctx;
};

// False = the walk is over.
static bool walk_node(struct node *node, const struct walk *walk)
{
    if (!node->is_leaf) {
        struct inner *inner = as_inner(node);
        for (size_t i = inner_find(inner, walk->prefix); i < inner->head.count; i++) {
            if (!walk_node(inner->children[i], walk)) {
                return false;
            }
        }
        return true;
    }
    struct leaf *leaf = as_leaf(node);
    for (size_t i = leaf_find(leaf, walk->prefix); i < leaf->head.count; i++) {
        const struct entry *entry = leaf->entries[i];
        if (strncmp(entry->text, walk->prefix, walk->prefix_len) != 0 ||
            !walk->fn(walk->ctx, entry->text, entry_json(entry))) {
            return false;
        }
    }
    return true;
}

void conf_map_each(const struct conf_map *map, const char *prefix, conf_map_fn fn, void *ctx)
{
    struct walk walk = {.prefix = prefix, .prefix_len = strlen(prefix), .fn = fn, .ctx = ctx};
    (void)walk_node(map->root, &walk);
}

static bool count_one(void *ctx, const char *path, const char *json)
{
    (void)path;
    (void)json;
    ++*(size_t *)ctx;
    return true;
}

size_t conf_map_count_prefix(const struct conf_map *map, const char *prefix)
{
    size_t count = 0;
    conf_map_each(map, prefix, count_one, &count);
    return count;
}
