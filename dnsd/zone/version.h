#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/zone/index.h"
#include "dnsd/zone/node.h"
#include "dnsd/zone/tree.h"
#include "dnsd/zone/zone.h"

// How the zone denies that something exists (it was signed offline), from its apex.
enum zone_denial { DENIAL_NONE, DENIAL_NSEC, DENIAL_NSEC3 };

/*
 * The contents of one serial: immutable once published. Neighbouring versions share the nodes and
 * pages that did not change.
 */
struct zone_version {
    struct zone_index index;          // every name, empty non-terminals included
    struct zone_tree tree;            // the same in canonical order
    const struct zone_node *apex;
    uint16_t apex_labels;
    enum zone_denial denial;
    struct zone_tree nsec3;           // owners of NSEC3 records
    struct zone_soa soa;
    uint64_t records;
    struct zone *zone;
    uint32_t content;                 // under which number the store keeps it
    bool is_whole;                    // made anew: shares nothing with the version before it

    // For giving memory back: pins by any thread, the rest by the writer thread only (reclaim.c).
    _Atomic uint32_t pins;
    bool unreachable;                 // replaced, and no reader can find it any more
    struct zone_version *newer;       // the one that replaced it
    struct zone_garbage garbage;      // what older versions have and this one does not
};

// ---- looking up (packet path) ------------------------------------------------------------------

// The node of exactly this name, NULL = none. `hash` is name_hash of it.
static inline const struct zone_node *version_find(const struct zone_version *version,
                                                   const uint8_t *name_lower, uint64_t hash)
{
    return index_find(&version->index, name_lower, hash);
}

// The closest encloser (RFC 4592 section 3.3.1) of a name below the apex that is not there itself;
// `*label` gets the index of the label where it begins. offsets, label_count, hashes: of the name.
const struct zone_node *version_encloser(const struct zone_version *version,
                                         const uint8_t *name_lower, const uint8_t *offsets,
                                         unsigned label_count, const uint64_t *hashes,
                                         unsigned *label);

// The node of the topmost delegation or DNAME at or above `node` (of which the flags say that there
// is one), seen from the apex.
const struct zone_node *version_topmost_cut(const struct zone_version *version,
                                            const struct zone_node *node);

// The last node before the name in canonical order, or at it, that has an RRset of `type`; NULL = none.
const struct zone_node *version_before(const struct zone_tree *tree, const uint8_t *name_lower,
                                       uint16_t type);

// ---- making: from sorted contents --------------------------------------------------------------

struct version_builder;
struct version_builder *version_builder_new(struct zone *zone, const struct name *apex,
                                            uint32_t content);
// Names at or below the apex, in canonical order, the apex first, RRsets packed (node.h). Empty
// non-terminals come by themselves. ERR_CORRUPT when the order is not kept.
NODISCARD enum err version_builder_add(struct version_builder *builder, const uint8_t *name_lower,
                                       const uint8_t *rrsets, size_t rrsets_size);
// Ends the builder. NULL when there was no SOA at the apex.
struct zone_version *version_builder_finish(struct version_builder *builder, uint64_t stamp);
void version_builder_free(struct version_builder *builder);

// ---- making: from another version --------------------------------------------------------------

// A run of changes to `base`, which stays as it is. What the new version no longer needs of it is
// noted in the new version's garbage.
struct version_edit {
    struct zone_version *version;
    struct tree_change tree;
    struct index_change index;
};
void version_edit_begin(struct version_edit *edit, const struct zone_version *base, uint64_t stamp);
// Gives the name these RRsets; none (size 0) = the name goes.
void version_edit_set(struct version_edit *edit, const uint8_t *name_lower, const uint8_t *rrsets,
                      size_t rrsets_size);
struct zone_version *version_edit_finish(struct version_edit *edit);

// Frees a version and all that it holds, also what it shares with others.
void version_free_all(struct zone_version *version);
// Frees the oldest version of a zone, of which nobody knows any more: what the next one does not
// share. Returns the next one, NULL = there was none and all is freed.
struct zone_version *version_free_oldest(struct zone_version *version);
// Memory of nodes, pages and directory.
size_t version_bytes(const struct zone_version *version);
