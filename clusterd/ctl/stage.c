/*
 * Commits in parts. A slot holds one commit under way; all its memory is one arena.
 * Thread: clusterd's loop.
 */
#include "clusterd/ctl/stage.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#include <event2/event.h>
#include <string.h>

#define SLOT_COUNT     8
#define SLOT_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define SLOT_AGE_MS    60000

struct slot {
    uint64_t number; // 0 = free
    enum rpc_party party;
    uint64_t touched_ms;
    struct arena arena;
    Clusterd__Change **changes;
    size_t count;
    size_t capacity;
};

struct stage {
    struct slot slot[SLOT_COUNT];
    struct event *sweep;
};

static void clear_slot(struct slot *slot)
{
    if (slot->number == 0) {
        return;
    }
    arena_fini(&slot->arena);
    mem_free(slot->changes);
    *slot = (struct slot){0};
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct stage *stage = ctx;
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (stage->slot[i].number != 0 && now - stage->slot[i].touched_ms >= SLOT_AGE_MS) {
            clear_slot(&stage->slot[i]);
        }
    }
}

struct stage *stage_new(struct event_base *base)
{
    struct stage *stage = mem_zalloc(sizeof *stage);
    stage->sweep = event_new(base, -1, EV_PERSIST, on_sweep, stage);
    struct timeval interval = {.tv_sec = 10};
    event_add(stage->sweep, &interval);
    return stage;
}

void stage_free(struct stage *stage)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        clear_slot(&stage->slot[i]);
    }
    event_free(stage->sweep);
    mem_free(stage);
}

static struct slot *find_slot(struct stage *stage, enum rpc_party party, uint64_t number)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (stage->slot[i].number == number && (number == 0 || stage->slot[i].party == party)) {
            return &stage->slot[i];
        }
    }
    return NULL;
}

static Clusterd__Change *copy_change(struct arena *arena, const Clusterd__Change *from)
{
    Clusterd__Change *change = arena_alloc(arena, sizeof *change);
    *change = *from;
    change->path = arena_strdup(arena, from->path);
    change->value = arena_strdup(arena, from->value);
    return change;
}

enum err stage_add(struct stage *stage, enum rpc_party party, const Clusterd__CommitRequest *part,
                   struct errmsg *e)
{
    struct slot *slot = find_slot(stage, party, part->stage);
    if (slot == NULL) {
        slot = find_slot(stage, party, 0);
        if (slot == NULL) {
            return err_set(e, ERR_BUSY, "too many large commits at once; try again in a minute");
        }
        slot->number = part->stage;
        slot->party = party;
        arena_init(&slot->arena);
    }
    slot->touched_ms = clock_mono_ms();
    if (slot->arena.total > SLOT_BYTES_MAX) {
        clear_slot(slot);
        return err_set(e, ERR_TOO_LARGE, "a commit holds at most %zu MiB",
                       SLOT_BYTES_MAX / 1024 / 1024);
    }
    mem_grow(&slot->changes, &slot->capacity, slot->count + part->n_changes,
             sizeof(Clusterd__Change *));
    for (size_t i = 0; i < part->n_changes; i++) {
        slot->changes[slot->count++] = copy_change(&slot->arena, part->changes[i]);
    }
    return ERR_OK;
}

void stage_get(const struct stage *stage, enum rpc_party party, uint64_t number,
               struct stage_parts *parts)
{
    *parts = (struct stage_parts){0};
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        const struct slot *slot = &stage->slot[i];
        if (slot->number == number && slot->party == party) {
            parts->changes = slot->changes;
            parts->count = slot->count;
        }
    }
}

void stage_drop(struct stage *stage, enum rpc_party party, uint64_t number)
{
    struct slot *slot = find_slot(stage, party, number);
    if (slot != NULL) {
        clear_slot(slot);
    }
}
