// Walks over a zone's records, from memory or from the store. Any thread, one at a time for each walk.
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "dnsd/zone/owner.h"
#include "dnsd/zone/store.h"

// Which RRsets of the name the walk is at: at the apex SOA and NS come first.
enum phase { PHASE_SOA, PHASE_NS, PHASE_REST, PHASE_ALL };

struct walk {
    // From memory.
    struct tree_cursor cursor;
    const struct zone_node *node;
    const uint8_t *at;
    struct zone_rrset set;
    size_t offset;
    enum phase phase;
    // From the store.
    struct stored *stored;
};
_Static_assert(sizeof(struct walk) <= sizeof((struct zone_iter *)NULL)->private_state,
               "zone.h has room for it");

struct stored {
    MDB_txn *txn;
    struct store_scan scan;
    struct arena arena;
    struct owner owner;
    size_t at;
    const struct zone *zone;
    int code;
};

static struct walk *walk_of(struct zone_iter *iter)
{
    return (struct walk *)(void *)iter->private_state;
}

// ---- from memory -------------------------------------------------------------------------------

static void enter_node(struct walk *walk, const struct zone_node *node)
{
    walk->node = node;
    walk->set.rdatas_size = 0;
    walk->offset = 0;
    if (node != NULL) {
        walk->at = zone_node_rrsets(node);
        walk->phase = (node->flags & NODE_APEX) != 0 ? PHASE_SOA : PHASE_ALL;
    }
}

static bool phase_wants(enum phase phase, uint16_t type)
{
    switch (phase) {
    case PHASE_SOA:
        return type == TYPE_SOA;
    case PHASE_NS:
        return type == TYPE_NS;
    case PHASE_REST:
        return type != TYPE_SOA && type != TYPE_NS;
    case PHASE_ALL:
        return true;
    }
    return false;
}

// The next RRset of the walk; false at the end.
static bool next_rrset(struct walk *walk)
{
    while (walk->node != NULL) {
        const uint8_t *end = zone_node_rrsets(walk->node) + walk->node->rrsets_size;
        while (walk->at < end) {
            walk->at = zone_rrset_unpack(walk->at, &walk->set);
            walk->offset = 0;
            if (phase_wants(walk->phase, walk->set.type)) {
                return true;
            }
        }
        if (walk->phase == PHASE_SOA || walk->phase == PHASE_NS) {
            walk->phase++;
            walk->at = zone_node_rrsets(walk->node);
        } else {
            enter_node(walk, tree_next(&walk->cursor));
        }
    }
    return false;
}

static bool memory_next(struct walk *walk, struct zone_record *out)
{
    if (walk->node == NULL) {
        return false;
    }
    uint16_t len;
    const uint8_t *rdata = zone_rrset_next(&walk->set, &walk->offset, &len);
    if (rdata == NULL) {
        if (!next_rrset(walk)) {
            return false;
        }
        rdata = zone_rrset_next(&walk->set, &walk->offset, &len);
    }
    *out = (struct zone_record){.name = zone_node_name(walk->node), .type = walk->set.type,
                                .ttl = walk->set.ttl, .rdata = rdata, .rdata_len = len};
    return true;
}

// ---- from the store ----------------------------------------------------------------------------

static unsigned rank(const struct zone_record *record)
{
    return record->type == TYPE_SOA ? 0 : record->type == TYPE_NS ? 1 : 2;
}

// SOA, NS, then the others as they were.
static void sort_apex(struct owner *owner)
{
    for (size_t i = 1; i < owner->count; i++) {
        struct zone_record record = owner->records[i];
        size_t at = i;
        while (at > 0 && rank(&owner->records[at - 1]) > rank(&record)) {
            owner->records[at] = owner->records[at - 1];
            at--;
        }
        owner->records[at] = record;
    }
}

static bool stored_take(struct stored *stored)
{
    arena_reset(&stored->arena);
    stored->owner.count = 0;
    stored->owner.name = stored->scan.name.wire;
    stored->at = 0;
    if (owner_decode(&stored->owner, &stored->arena, stored->scan.value.mv_data,
                     stored->scan.value.mv_size) != ERR_OK) {
        stored->code = MDB_CORRUPTED;
        return false;
    }
    if (name_equal_lower(stored->owner.name, stored->zone->apex.wire)) {
        sort_apex(&stored->owner);
    }
    return true;
}

static void stored_open(struct walk *walk, struct zone_store *store, struct zone *zone,
                        uint32_t content, const uint8_t *start)
{
    struct stored *stored = mem_zalloc(sizeof *stored);
    walk->stored = stored;
    stored->zone = zone;
    arena_init(&stored->arena);
    stored->code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &stored->txn);
    if (stored->code == 0) {
        stored->code = store_scan_first(&stored->scan, store, stored->txn, content, &zone->apex,
                                        start);
    } else {
        stored->txn = NULL;
    }
    if (stored->code == 0) {
        stored_take(stored);
    }
}

static bool stored_next(struct stored *stored, struct zone_record *out)
{
    while (stored->code == 0 && stored->at >= stored->owner.count) {
        stored->code = store_scan_next(&stored->scan);
        if (stored->code == 0) {
            stored_take(stored);
        }
    }
    if (stored->code != 0) {
        if (stored->code != MDB_NOTFOUND) {
            log_error("records of a zone could not be read", F_NAME(stored->zone->text),
                      F_STR("error", mdb_strerror(stored->code)));
            stored->code = MDB_NOTFOUND;
        }
        return false;
    }
    *out = stored->owner.records[stored->at++];
    out->name = stored->owner.name;
    return true;
}

// ---- both --------------------------------------------------------------------------------------

void zone_iter_init(struct zone_iter *iter, struct zone_store *store, struct zone *zone,
                    const struct zone_version *version, const uint8_t *start, bool with_disabled)
{
    *iter = (struct zone_iter){.version = version};
    struct walk *walk = walk_of(iter);
    if (version == NULL) {
        return;
    }
    if (with_disabled) {
        stored_open(walk, store, zone, version->content, start);
    } else {
        enter_node(walk, tree_seek(&version->tree, start == NULL ? zone_node_name(version->apex)
                                                                 : start, &walk->cursor));
    }
}

bool zone_iter_next(struct zone_iter *iter, struct zone_record *out)
{
    struct walk *walk = walk_of(iter);
    return walk->stored != NULL ? stored_next(walk->stored, out) : memory_next(walk, out);
}

void zone_iter_fini(struct zone_iter *iter)
{
    struct stored *stored = walk_of(iter)->stored;
    if (stored != NULL) {
        store_scan_end(&stored->scan);
        if (stored->txn != NULL) {
            mdb_txn_abort(stored->txn);
        }
        owner_fini(&stored->owner);
        arena_fini(&stored->arena);
        mem_free(stored);
    }
    walk_of(iter)->stored = NULL;
    walk_of(iter)->node = NULL;
}
