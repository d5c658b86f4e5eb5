/*
 * Versions of a zone's contents. Invariants: for each node but the apex the node of the name above
 * it is there too (as empty non-terminal if need be); NODE_WILDCARD_CHILD is set where "*.<name>" is
 * there; NODE_BELOW is set below each delegation and DNAME. Made by the writer thread.
 */
#include "dnsd/zone/version.h"

#include <assert.h>

#include "common/base/mem.h"
#include "common/dns/name.h"

static_assert(offsetof(struct zone_node, bytes) == ITEM_NAME, "index.h and tree.h find names there");

#define HIDES (NODE_CUT | NODE_DNAME | NODE_BELOW)

static bool is_wildcard(const uint8_t *name)
{
    return name[0] == 1 && name[1] == '*';
}

// For a name that is there by the invariants above.
static const struct zone_node *present(const struct zone_node *node)
{
    assert(node != NULL);
    return node;
}

// ---- looking up --------------------------------------------------------------------------------

/*
 * All names above an existing name exist, so the boundary between existing and missing suffixes can
 * be found by halving: at most seven probes for any name.
 */
const struct zone_node *version_encloser(const struct zone_version *version,
                                         const uint8_t *name_lower, const uint8_t *offsets,
                                         unsigned label_count, const uint64_t *hashes,
                                         unsigned *label)
{
    unsigned missing = 0;                                  // this suffix is known to be missing
    unsigned there = label_count - version->apex_labels;   // and this one to be there
    const struct zone_node *found = version->apex;
    while (there - missing > 1) {
        // Near the missing end first: names mostly end one label too deep.
        unsigned probe = there - missing > 4 ? (missing + there) / 2 : missing + 1;
        const struct zone_node *node =
            version_find(version, name_lower + offsets[probe], hashes[probe]);
        if (node != NULL) {
            there = probe;
            found = node;
        } else {
            missing = probe;
        }
    }
    *label = there;
    return found;
}

const struct zone_node *version_topmost_cut(const struct zone_version *version,
                                            const struct zone_node *node)
{
    const struct zone_node *cut = node;
    const uint8_t *name = zone_node_name(node);
    while ((node->flags & NODE_BELOW) != 0) {
        name = name_skip(name, 1);
        node = present(version_find(version, name, name_hash(name)));
        if ((node->flags & (NODE_CUT | NODE_DNAME)) != 0) {
            cut = node;
        }
    }
    return cut;
}

const struct zone_node *version_before(const struct zone_tree *tree, const uint8_t *name_lower,
                                       uint16_t type)
{
    struct tree_cursor cursor;
    struct zone_rrset rrset;
    const struct zone_node *node = tree_seek(tree, name_lower, &cursor);
    if (node == NULL) {
        node = tree_last(tree, &cursor);
    } else if (!name_equal_lower(zone_node_name(node), name_lower)) {
        node = tree_previous(&cursor);
    }
    while (node != NULL && !zone_node_rrset(node, type, false, &rrset)) {
        node = tree_previous(&cursor);
    }
    return node;
}

bool zone_version_rrset(const struct zone_version *version, const uint8_t *name_lower, uint16_t type,
                        struct zone_rrset *out)
{
    const struct zone_node *node = version_find(version, name_lower, name_hash(name_lower));
    return node != NULL && zone_node_rrset(node, type, false, out);
}

uint32_t zone_version_serial(const struct zone_version *version)
{
    return version->soa.serial;
}

uint64_t zone_version_records(const struct zone_version *version)
{
    return version->records;
}

void zone_version_soa(const struct zone_version *version, struct zone_soa *out)
{
    *out = version->soa;
}

// ---- what follows from the apex ----------------------------------------------------------------

static bool version_read_apex(struct zone_version *version)
{
    struct zone_rrset set;
    if (version->apex == NULL || !zone_node_rrset(version->apex, TYPE_SOA, false, &set)) {
        return false;
    }
    size_t offset = 0;
    uint16_t len;
    const uint8_t *rdata = zone_rrset_next(&set, &offset, &len);
    size_t names = name_len(rdata);
    names += name_len(rdata + names);
    struct cursor c = cursor_over_const(rdata + names, len - names);
    version->soa.ttl = set.ttl;
    version->soa.serial = cursor_u32(&c);
    version->soa.refresh = cursor_u32(&c);
    version->soa.retry = cursor_u32(&c);
    version->soa.expire = cursor_u32(&c);
    version->soa.minimum = cursor_u32(&c);
    version->denial = DENIAL_NONE;
    // Without signatures NSEC records are data like any other and prove nothing.
    bool is_signed = zone_node_rrset(version->apex, TYPE_SOA, true, &set);
    if (is_signed && zone_node_rrset(version->apex, TYPE_NSEC, false, &set)) {
        version->denial = DENIAL_NSEC;
    } else if (is_signed && zone_node_rrset(version->apex, TYPE_NSEC3PARAM, false, &set)) {
        version->denial = DENIAL_NSEC3;
    }
    return !c.bad;
}

// ---- from sorted contents ----------------------------------------------------------------------

struct version_builder {
    struct zone *zone;
    uint32_t content;
    struct name apex;
    unsigned apex_labels;
    const void **nodes;
    uint64_t *hashes;
    size_t count;
    size_t node_capacity;
    size_t hash_capacity;
    uint64_t records;
    struct zone_node *above[NAME_MAX_LABELS + 1];   // the last name and those above it, apex first
    unsigned depth;
};

struct version_builder *version_builder_new(struct zone *zone, const struct name *apex,
                                            uint32_t content)
{
    struct version_builder *builder = mem_zalloc(sizeof *builder);
    builder->zone = zone;
    builder->content = content;
    builder->apex = *apex;
    builder->apex_labels = name_labels(apex->wire);
    return builder;
}

static void builder_push(struct version_builder *builder, const uint8_t *name,
                         const uint8_t *rrsets, size_t rrsets_size)
{
    unsigned flags = NODE_APEX;
    if (builder->depth > 0) {
        struct zone_node *parent = builder->above[builder->depth - 1];
        flags = (parent->flags & HIDES) != 0 ? NODE_BELOW : 0;
        if (is_wildcard(name)) {
            parent->flags |= NODE_WILDCARD_CHILD;
        }
    }
    struct zone_node *node = zone_node_new(name, flags, rrsets, rrsets_size);
    mem_grow(&builder->nodes, &builder->node_capacity, builder->count + 1, sizeof *builder->nodes);
    mem_grow(&builder->hashes, &builder->hash_capacity, builder->count + 1,
             sizeof *builder->hashes);
    builder->nodes[builder->count] = node;
    builder->hashes[builder->count] = name_hash(name);
    builder->count++;
    builder->above[builder->depth++] = node;
}

enum err version_builder_add(struct version_builder *builder, const uint8_t *name_lower,
                             const uint8_t *rrsets, size_t rrsets_size)
{
    unsigned labels = name_labels(name_lower);
    if (builder->count == 0) {
        if (!name_equal_lower(name_lower, builder->apex.wire)) {
            return ERR_CORRUPT;
        }
    } else {
        const struct zone_node *last = builder->nodes[builder->count - 1];
        if (name_compare(zone_node_name(last), name_lower) >= 0) {
            return ERR_CORRUPT;
        }
        while (builder->depth > 0 &&
               !name_is_below_or_equal(name_lower,
                                       zone_node_name(builder->above[builder->depth - 1]))) {
            builder->depth--;
        }
        if (builder->depth == 0) {
            return ERR_CORRUPT;    // not below the apex
        }
        while (builder->above[builder->depth - 1]->labels + 1u < labels) {
            unsigned next = builder->above[builder->depth - 1]->labels + 1u;
            builder_push(builder, name_skip(name_lower, labels - next), NULL, 0);
        }
    }
    builder_push(builder, name_lower, rrsets, rrsets_size);
    builder->records += zone_rrsets_records(rrsets, rrsets_size);
    return ERR_OK;
}

struct zone_version *version_builder_finish(struct version_builder *builder, uint64_t stamp)
{
    struct zone_version *version = mem_zalloc(sizeof *version);
    version->zone = builder->zone;
    version->content = builder->content;
    version->is_whole = true;
    version->apex_labels = (uint16_t)builder->apex_labels;
    version->records = builder->records;
    version->apex = builder->count == 0 ? NULL : builder->nodes[0];
    version->tree = tree_build(builder->apex_labels, builder->nodes, builder->count, stamp);
    version->index = index_build(builder->nodes, builder->hashes, builder->count);
    size_t nsec3 = 0;
    for (size_t i = 0; i < builder->count; i++) {
        const struct zone_node *node = builder->nodes[i];
        if ((node->flags & NODE_NSEC3) != 0) {
            builder->nodes[nsec3++] = node;
        }
    }
    version->nsec3 = tree_build(builder->apex_labels, builder->nodes, nsec3, stamp);
    builder->count = 0;
    version_builder_free(builder);
    if (!version_read_apex(version)) {
        version_free_all(version);
        return NULL;
    }
    return version;
}

static void node_free(const void *node)
{
    union {
        const void *in;
        void *out;
    } cast = {.in = node};
    mem_free(cast.out);
}

void version_builder_free(struct version_builder *builder)
{
    for (size_t i = 0; i < builder->count; i++) {
        node_free(builder->nodes[i]);
    }
    mem_free(builder->nodes);
    mem_free(builder->hashes);
    mem_free(builder);
}

// ---- from another version ----------------------------------------------------------------------

void version_edit_begin(struct version_edit *edit, const struct zone_version *base, uint64_t stamp)
{
    struct zone_version *version = mem_zalloc(sizeof *version);
    version->zone = base->zone;
    version->content = base->content;
    version->apex_labels = base->apex_labels;
    version->tree = base->tree;
    version->nsec3 = base->nsec3;
    version->apex = base->apex;
    version->records = base->records;
    edit->version = version;
    edit->tree = (struct tree_change){.stamp = stamp, .garbage = &version->garbage};
    index_change_begin(&edit->index, &base->index, &version->garbage);
}

static const struct zone_node *edit_find(const struct version_edit *edit, const uint8_t *name)
{
    return index_find(&edit->index.index, name, name_hash(name));
}

static void edit_discard(struct version_edit *edit, const void *node)
{
    union {
        const void *in;
        void *out;
    } cast = {.in = node};
    zone_garbage_add(&edit->version->garbage, cast.out);
}

static void edit_put(struct version_edit *edit, const struct zone_node *node)
{
    struct zone_version *version = edit->version;
    const struct zone_node *old = tree_put(&version->tree, &edit->tree, node);
    index_put(&edit->index, node, name_hash(zone_node_name(node)));
    if ((node->flags & NODE_NSEC3) != 0) {
        tree_put(&version->nsec3, &edit->tree, node);
    } else if (old != NULL && (old->flags & NODE_NSEC3) != 0) {
        tree_remove(&version->nsec3, &edit->tree, zone_node_name(node));
    }
    if ((node->flags & NODE_APEX) != 0) {
        version->apex = node;
    }
    if (old != NULL) {
        edit_discard(edit, old);
    }
}

static void edit_drop(struct version_edit *edit, const struct zone_node *node)
{
    const uint8_t *name = zone_node_name(node);
    if ((node->flags & NODE_NSEC3) != 0) {
        tree_remove(&edit->version->nsec3, &edit->tree, name);
    }
    index_remove(&edit->index, name, name_hash(name));
    tree_remove(&edit->version->tree, &edit->tree, name);
    edit_discard(edit, node);
}

// The same node with other flags.
static void edit_reflag(struct version_edit *edit, const struct zone_node *node, unsigned flags)
{
    edit_put(edit, zone_node_new(zone_node_name(node), flags, zone_node_rrsets(node),
                                 node->rrsets_size));
}

// The node of the name above, made as empty non-terminal where it is missing, all the way up.
static const struct zone_node *edit_parent(struct version_edit *edit, const uint8_t *name)
{
    const uint8_t *above = name_skip(name, 1);
    const struct zone_node *node = edit_find(edit, above);
    if (node == NULL) {
        const struct zone_node *parent = edit_parent(edit, above);
        unsigned flags = (parent->flags & HIDES) != 0 ? NODE_BELOW : 0;
        edit_put(edit, zone_node_new(above, flags, NULL, 0));
        node = present(edit_find(edit, above));
    }
    if (is_wildcard(name) && (node->flags & NODE_WILDCARD_CHILD) == 0) {
        edit_reflag(edit, node, node->flags | NODE_WILDCARD_CHILD);
        node = present(edit_find(edit, above));
    }
    return node;
}

static bool edit_has_below(const struct version_edit *edit, const uint8_t *name)
{
    struct tree_cursor cursor;
    const struct zone_node *next = tree_seek(&edit->version->tree, name, &cursor);
    if (next != NULL && name_equal_lower(zone_node_name(next), name)) {
        next = tree_next(&cursor);
    }
    return next != NULL && name_is_below_or_equal(zone_node_name(next), name);
}

// Takes a name without records out, and the empty non-terminals above that it leaves without use.
static void edit_clear(struct version_edit *edit, const struct zone_node *node)
{
    struct name name;
    name.len = node->name_len;
    memcpy(name.wire, zone_node_name(node), node->name_len);
    if (edit_has_below(edit, name.wire)) {
        edit_put(edit, zone_node_new(name.wire, node->flags, NULL, 0));
        return;
    }
    edit_drop(edit, node);
    const struct zone_node *parent = present(edit_find(edit, name_skip(name.wire, 1)));
    if (is_wildcard(name.wire)) {
        const uint8_t *above = name_skip(name.wire, 1);
        edit_reflag(edit, parent, parent->flags & ~(unsigned)NODE_WILDCARD_CHILD);
        parent = present(edit_find(edit, above));
    }
    if ((parent->flags & NODE_ENT) != 0 && (parent->flags & NODE_APEX) == 0 &&
        !edit_has_below(edit, zone_node_name(parent))) {
        edit_clear(edit, parent);
    }
}

// Sets NODE_BELOW afresh for everything below a name that became, or ceased to be, a cut.
static void edit_rehide(struct version_edit *edit, const uint8_t *name)
{
    struct name top;
    top.len = (uint8_t)name_len(name);
    memcpy(top.wire, name, top.len);
    struct name at = top;
    for (;;) {
        struct tree_cursor cursor;
        const struct zone_node *node = tree_seek(&edit->version->tree, at.wire, &cursor);
        if (node != NULL && name_equal_lower(zone_node_name(node), at.wire)) {
            node = tree_next(&cursor);
        }
        if (node == NULL || !name_is_below_or_equal(zone_node_name(node), top.wire)) {
            return;
        }
        at.len = node->name_len;
        memcpy(at.wire, zone_node_name(node), node->name_len);
        const struct zone_node *parent = present(edit_find(edit, name_skip(at.wire, 1)));
        unsigned below = (parent->flags & HIDES) != 0 ? NODE_BELOW : 0;
        if ((node->flags & NODE_BELOW) != below) {
            edit_reflag(edit, node, (node->flags & ~(unsigned)NODE_BELOW) | below);
        }
    }
}

void version_edit_set(struct version_edit *edit, const uint8_t *name_lower, const uint8_t *rrsets,
                      size_t rrsets_size)
{
    const struct zone_node *old = edit_find(edit, name_lower);
    struct zone_version *version = edit->version;
    unsigned hid = 0;
    if (old != NULL) {
        hid = old->flags & (NODE_CUT | NODE_DNAME);
        version->records -= zone_rrsets_records(zone_node_rrsets(old), old->rrsets_size);
    }
    version->records += zone_rrsets_records(rrsets, rrsets_size);
    unsigned hides = 0;
    if (rrsets_size == 0) {
        if (old == NULL || (old->flags & (NODE_ENT | NODE_APEX)) != 0) {
            return;
        }
        edit_clear(edit, old);
    } else {
        unsigned flags = NODE_APEX;
        if (name_labels(name_lower) > version->apex_labels) {
            const struct zone_node *parent = edit_parent(edit, name_lower);
            flags = (parent->flags & HIDES) != 0 ? NODE_BELOW : 0;
        }
        if (old != NULL) {
            flags |= old->flags & NODE_WILDCARD_CHILD;
        }
        const struct zone_node *node = zone_node_new(name_lower, flags, rrsets, rrsets_size);
        hides = node->flags & (NODE_CUT | NODE_DNAME);
        edit_put(edit, node);
    }
    if ((hid != 0) != (hides != 0)) {
        edit_rehide(edit, name_lower);
    }
}

struct zone_version *version_edit_finish(struct version_edit *edit)
{
    struct zone_version *version = edit->version;
    version->index = index_change_end(&edit->index);
    bool has_soa = version_read_apex(version);
    assert(has_soa);    // edits cannot take it away
    (void)has_soa;
    return version;
}

// ---- giving back -------------------------------------------------------------------------------

void version_free_all(struct zone_version *version)
{
    struct tree_cursor cursor;
    for (const void *node = tree_first(&version->tree, &cursor); node != NULL;) {
        const void *next = tree_next(&cursor);
        node_free(node);
        node = next;
    }
    tree_free(&version->tree);
    tree_free(&version->nsec3);
    index_free(&version->index);
    zone_garbage_free(&version->garbage);
    mem_free(version);
}

struct zone_version *version_free_oldest(struct zone_version *version)
{
    struct zone_version *newer = version->newer;
    if (newer == NULL || newer->is_whole) {
        version_free_all(version);
        return newer;
    }
    zone_garbage_free(&newer->garbage);
    mem_free(version);
    return newer;
}

size_t version_bytes(const struct zone_version *version)
{
    size_t bytes = tree_bytes(&version->tree) + tree_bytes(&version->nsec3) +
                   index_bytes(&version->index) + sizeof *version;
    struct tree_cursor cursor;
    for (const struct zone_node *node = tree_first(&version->tree, &cursor); node != NULL;
         node = tree_next(&cursor)) {
        bytes += sizeof *node + node->name_len + node->rrsets_size;
    }
    return bytes;
}
