#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <urcu-qsbr.h>

#include "dnsd/zone/acl.h"
#include "dnsd/zone/index.h"
#include "dnsd/zone/tree.h"
#include "dnsd/zone/version.h"
#include "dnsd/zone/zone.h"

// What a zone is at one time, immutable: kind, options, and its network lists ready to be asked.
struct zone_box {
    enum zone_type type;
    struct zone_options *options;
    struct acl query;
    struct acl transfer;
    struct acl update;
};
// Takes `options`. Networks that cannot be read are ERR_INVALID, then the caller keeps `options`.
NODISCARD enum err zone_box_new(enum zone_type type, struct zone_options *options,
                                struct zone_box **out, struct errmsg *e);
void zone_box_free(struct zone_box *box);

/*
 * A zone. `apex` is where tree.h and index.h look for the name of an item, 16 bytes into the struct
 * (zone_item). What queries need stands in front, in one line of the cache.
 */
struct zone {
    struct zone_version *version;    // RCU; NULL = never loaded
    _Atomic bool is_open;            // answers everybody: no look at options or clock needed
    uint32_t id;
    uint8_t item[7];
    struct name apex;                // folded
    struct zone_box *box;            // RCU
    struct zone_state *state;        // RCU; NULL = all zero but last_modified
    _Atomic uint64_t last_modified;
    char *text;
    struct zone_store *store;

    // The writer thread's own.
    struct zone_version *oldest;     // first of the versions not yet freed, up to `version`
    bool is_gone;                    // deleted, and no reader can find it any more
    bool is_waiting;                 // on the store's list of zones with versions to free
    struct zone *waiting_next;
};
static_assert(offsetof(struct zone, item) == 16 &&
              offsetof(struct zone, apex) + offsetof(struct name, wire) == 16 + ITEM_NAME,
              "index.h and tree.h find names there");

static inline void *zone_item(struct zone *zone)
{
    return zone->item;
}

static inline struct zone *zone_from_item(const void *item)
{
    union {
        const void *in;
        uint8_t *out;
    } cast = {.in = item};
    return item == NULL ? NULL : (struct zone *)(void *)(cast.out - offsetof(struct zone, item));
}

// Immutable; neighbouring tables share pages.
struct zone_table {
    struct zone_index index;
    struct zone_tree tree;
    unsigned labels_max;             // of any apex there ever was
};

// A run of changes to a table, as in version.h. What the new table no longer needs goes to `garbage`.
struct table_edit {
    struct zone_table *table;
    struct tree_change tree;
    struct index_change index;
};
void table_edit_begin(struct table_edit *edit, const struct zone_table *base, uint64_t stamp,
                      struct zone_garbage *garbage);
void table_edit_put(struct table_edit *edit, struct zone *zone);
void table_edit_remove(struct table_edit *edit, struct zone *zone);
struct zone_table *table_edit_finish(struct table_edit *edit);
struct zone_table *table_new(void);
// Frees the table and its pages, not the zones.
void table_free(struct zone_table *table);

// A zone without contents. `box` is taken.
struct zone *zone_new(struct zone_store *store, uint32_t id, const struct name *apex,
                      struct zone_box *box);
// Frees the zone with its versions.
void zone_free(struct zone *zone);
// Sets is_open from box and state.
void zone_reopen(struct zone *zone);
