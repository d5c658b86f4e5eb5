#include "dnsd/block/block.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/dns/name.h"

/*
 * One array of 64-bit slots, open addressing with linear probing:
 *
 *   slot = upper 62 bits of name_hash | SLOT_BLOCKED | SLOT_ALLOWED      0 = empty
 *
 * The hash is the entry: it is keyed anew in each process, so that nobody can aim at a collision,
 * and by chance a name of 2^62/1,000,000 is taken for one of a million entries. A slot's home comes
 * from the hash's upper half, so entries can move without the names. At most LOAD_NUM/LOAD_DEN of
 * the slots are taken: 10 bytes a name in a finished set.
 *
 * A set is never changed after block_builder_finish; a builder belongs to one thread.
 */
#define SLOT_BLOCKED UINT64_C(1)
#define SLOT_ALLOWED UINT64_C(2)
#define SLOT_FLAGS (SLOT_BLOCKED | SLOT_ALLOWED)

enum { SLOTS_MIN = 16, LOAD_NUM = 4, LOAD_DEN = 5 };

struct table {
    uint64_t *slots;
    size_t size;
    size_t used;
    size_t blocked;
    size_t allowed;
};

struct block_builder {
    struct table table;
};

struct block_set {
    struct table table;
    struct block_policy policy;    // addresses are owned
};

// The hash without flags; never the mark of an empty slot.
static uint64_t slot_hash(uint64_t hash)
{
    hash &= ~SLOT_FLAGS;
    return hash != 0 ? hash : ~SLOT_FLAGS;
}

static size_t slot_home(uint64_t slot, size_t size)
{
    return (size_t)(((slot >> 32) * (uint64_t)size) >> 32);
}

static size_t slot_next(size_t at, size_t size)
{
    return at + 1 == size ? 0 : at + 1;
}

// The slot that holds `hash`, or the empty one where it would go.
static size_t table_find(const struct table *table, uint64_t hash)
{
    size_t at = slot_home(hash, table->size);
    while (table->slots[at] != 0 && (table->slots[at] & ~SLOT_FLAGS) != hash) {
        at = slot_next(at, table->size);
    }
    return at;
}

static enum err table_alloc(struct table *table, size_t size)
{
    uint64_t *slots = mem_try_alloc(size * sizeof *slots);
    if (slots == NULL) {
        return ERR_NO_MEMORY;
    }
    memset(slots, 0, size * sizeof *slots);
    table->slots = slots;
    table->size = size;
    return ERR_OK;
}

static enum err table_resize(struct table *table, size_t size)
{
    struct table grown = *table;
    enum err err = table_alloc(&grown, size);
    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i] != 0) {
            grown.slots[table_find(&grown, table->slots[i] & ~SLOT_FLAGS)] = table->slots[i];
        }
    }
    mem_free(table->slots);
    *table = grown;
    return ERR_OK;
}

static void count_flags(struct table *table, uint64_t flags, int step)
{
    table->blocked += (flags & SLOT_BLOCKED) != 0 ? (size_t)step : 0;
    table->allowed += (flags & SLOT_ALLOWED) != 0 ? (size_t)step : 0;
}

// Empties a slot and moves up those behind it that would not be found any more.
static void table_empty(struct table *table, size_t hole)
{
    size_t at = hole;
    for (;;) {
        at = slot_next(at, table->size);
        if (table->slots[at] == 0) {
            break;
        }
        size_t home = slot_home(table->slots[at], table->size);
        bool stays = hole <= at ? hole < home && home <= at : hole < home || home <= at;
        if (!stays) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = 0;
    table->used--;
}

// ---- building ----------------------------------------------------------------------------------

struct block_builder *block_builder_new(void)
{
    return mem_zalloc(sizeof(struct block_builder));
}

struct block_builder *block_builder_from(const struct block_set *set)
{
    struct block_builder *b = block_builder_new();
    b->table = set->table;
    b->table.slots = NULL;
    if (set->table.size != 0) {
        b->table.slots = mem_dup(set->table.slots, set->table.size * sizeof *set->table.slots);
    }
    return b;
}

enum err block_builder_add(struct block_builder *b, const uint8_t *name_lower, bool allowed)
{
    struct table *table = &b->table;
    if ((table->used + 1) * LOAD_DEN > table->size * LOAD_NUM) {
        size_t size = table->size < SLOTS_MIN ? SLOTS_MIN : table->size * 2;
        enum err err = table_resize(table, size);
        if (err != ERR_OK) {
            return err;
        }
    }
    uint64_t hash = slot_hash(name_hash(name_lower));
    uint64_t flag = allowed ? SLOT_ALLOWED : SLOT_BLOCKED;
    uint64_t *slot = &table->slots[table_find(table, hash)];
    if (*slot == 0) {
        *slot = hash;
        table->used++;
    }
    count_flags(table, flag & ~*slot, 1);
    *slot |= flag;
    return ERR_OK;
}

void block_builder_remove(struct block_builder *b, const uint8_t *name_lower, bool allowed)
{
    struct table *table = &b->table;
    if (table->size == 0) {
        return;
    }
    uint64_t flag = allowed ? SLOT_ALLOWED : SLOT_BLOCKED;
    size_t at = table_find(table, slot_hash(name_hash(name_lower)));
    uint64_t *slot = &table->slots[at];
    if ((*slot & flag) == 0) {
        return;
    }
    count_flags(table, flag, -1);
    *slot &= ~flag;
    if ((*slot & SLOT_FLAGS) == 0) {
        table_empty(table, at);
    }
}

struct block_set *block_builder_finish(struct block_builder *b, const struct block_policy *policy)
{
    struct block_set *set = mem_zalloc(sizeof *set);
    // Back to the size that the names need; when there is no memory for the smaller copy, the
    // larger one serves as well.
    size_t fit = b->table.used * LOAD_DEN / LOAD_NUM + SLOTS_MIN;
    if (fit + fit / 4 < b->table.size && table_resize(&b->table, fit) != ERR_OK) {
        fit = b->table.size;
    }
    set->table = b->table;
    set->policy = *policy;
    set->policy.custom4 = policy->custom4_count == 0
                               ? NULL
                               : mem_dup(policy->custom4, policy->custom4_count * 4);
    set->policy.custom6 = policy->custom6_count == 0
                               ? NULL
                               : mem_dup(policy->custom6, policy->custom6_count * 16);
    mem_free(b);
    return set;
}

void block_builder_free(struct block_builder *b)
{
    if (b != NULL) {
        mem_free(b->table.slots);
        mem_free(b);
    }
}

// Owned memory behind a pointer to const.
static void free_addresses(const void *addresses)
{
    union {
        const void *c;
        void *m;
    } u = {.c = addresses};
    mem_free(u.m);
}

void block_set_free(struct block_set *set)
{
    if (set != NULL) {
        free_addresses(set->policy.custom4);
        free_addresses(set->policy.custom6);
        mem_free(set->table.slots);
        mem_free(set);
    }
}

// ---- asking ------------------------------------------------------------------------------------

const struct block_policy *block_set_policy(const struct block_set *set)
{
    return &set->policy;
}

size_t block_set_blocked(const struct block_set *set)
{
    return set->table.blocked;
}

size_t block_set_allowed(const struct block_set *set)
{
    return set->table.allowed;
}

size_t block_set_bytes(const struct block_set *set)
{
    return sizeof *set + set->table.size * sizeof *set->table.slots +
           set->policy.custom4_count * 4 + set->policy.custom6_count * 16;
}

bool block_set_match(const struct block_set *set, const uint8_t *name_lower, const uint8_t *offsets,
                     unsigned label_count, const uint64_t *hashes, unsigned *matched)
{
    (void)name_lower;    // the hash is the entry
    (void)offsets;
    if (set->table.used == 0) {
        return false;
    }
    for (unsigned i = 0; i <= label_count; i++) {
        uint64_t slot = set->table.slots[table_find(&set->table, slot_hash(hashes[i]))];
        if (slot != 0) {
            *matched = i;
            return (slot & SLOT_ALLOWED) == 0;
        }
    }
    return false;
}
