#include "dnsd/ctl/blocks.h"

#include <pthread.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/dns/name.h"
#include "dnsd/conf/snapshot.h"

// The control thread submits, the housekeeping thread compiles and publishes. It is no RCU reader.

// One name in a change: flags, then the folded wire name.
enum { ENTRY_ALLOWED = 1, ENTRY_REMOVED = 2 };

struct blocks_change {
    struct blocks_change *next;
    bool is_whole;
    struct block_policy policy;
    uint8_t (*custom4)[4];
    uint8_t (*custom6)[16];
    uint8_t *entries;
    size_t len;
    size_t capacity;
};

struct blocks {
    struct shared *shared;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;      // something was submitted, done, or is to stop
    struct blocks_change *first; // waiting
    struct blocks_change **last;
    bool is_busy;
    bool is_stopping;
};

// ---- changes -----------------------------------------------------------------------------------

struct blocks_change *blocks_change_new(bool is_whole, const struct block_policy *policy)
{
    struct blocks_change *change = mem_zalloc(sizeof *change);
    change->is_whole = is_whole;
    change->policy = *policy;
    if (policy->custom4_count != 0) {
        change->custom4 = mem_dup(policy->custom4, policy->custom4_count * 4);
        change->policy.custom4 = (const uint8_t(*)[4])change->custom4;
    }
    if (policy->custom6_count != 0) {
        change->custom6 = mem_dup(policy->custom6, policy->custom6_count * 16);
        change->policy.custom6 = (const uint8_t(*)[16])change->custom6;
    }
    return change;
}

void blocks_change_free(struct blocks_change *change)
{
    if (change == NULL) {
        return;
    }
    mem_free(change->custom4);
    mem_free(change->custom6);
    mem_free(change->entries);
    mem_free(change);
}

enum err blocks_change_name(struct blocks_change *change, const char *text, bool allowed,
                            bool is_removed, struct errmsg *e)
{
    struct name name;
    enum err err = name_from_text(text, &name, e);
    if (err != ERR_OK) {
        return err;
    }
    name_fold(name.wire);
    mem_grow(&change->entries, &change->capacity, change->len + 1 + name.len, 1);
    change->entries[change->len] =
        (uint8_t)((allowed ? ENTRY_ALLOWED : 0) | (is_removed ? ENTRY_REMOVED : 0));
    memcpy(change->entries + change->len + 1, name.wire, name.len);
    change->len += 1u + name.len;
    return ERR_OK;
}

// ---- compiling ---------------------------------------------------------------------------------

static enum err apply_entries(struct block_builder *builder, const struct blocks_change *change)
{
    size_t at = 0;
    while (at < change->len) {
        uint8_t flags = change->entries[at];
        const uint8_t *name = change->entries + at + 1;
        bool allowed = (flags & ENTRY_ALLOWED) != 0;
        if ((flags & ENTRY_REMOVED) != 0) {
            block_builder_remove(builder, name, allowed);
        } else {
            enum err err = block_builder_add(builder, name, allowed);
            if (err != ERR_OK) {
                return err;
            }
        }
        at += 1 + name_len(name);
    }
    return ERR_OK;
}

static void publish(struct shared *shared, struct block_set *set)
{
    struct block_set *before = rcu_xchg_pointer(&shared->blocks, set);
    if (before != NULL) {
        synchronize_rcu();
        block_set_free(before);
    }
}

// Works off a list of changes and swaps the set once. When memory runs out the running set stays.
static void compile(struct blocks *blocks, const struct blocks_change *list)
{
    uint64_t start = clock_mono_us();
    struct block_set *running = blocks->shared->blocks; // written by this thread only
    struct block_builder *builder = NULL;
    const struct block_policy *policy = &list->policy;
    enum err err = ERR_OK;
    for (const struct blocks_change *c = list; c != NULL && err == ERR_OK; c = c->next) {
        if (c->is_whole) {
            block_builder_free(builder);
            builder = block_builder_new();
        } else if (builder == NULL) {
            builder = running != NULL ? block_builder_from(running) : block_builder_new();
        }
        policy = &c->policy;
        err = apply_entries(builder, c);
    }
    if (err != ERR_OK) {
        block_builder_free(builder);
        log_error("blocked names stay as they were", F_STR("error", err_text(err)));
        return;
    }
    struct block_set *set = block_builder_finish(builder, policy);
    log_debug("blocked names compiled", F_U64("blocked", block_set_blocked(set)),
              F_U64("allowed", block_set_allowed(set)),
              F_U64("microseconds", clock_mono_us() - start));
    publish(blocks->shared, set);
}

static void free_list(struct blocks_change *list)
{
    while (list != NULL) {
        struct blocks_change *next = list->next;
        blocks_change_free(list);
        list = next;
    }
}

static struct blocks_change *take_all(struct blocks *blocks)
{
    struct blocks_change *list = blocks->first;
    blocks->first = NULL;
    blocks->last = &blocks->first;
    return list;
}

static void *run(void *ctx)
{
    struct blocks *blocks = ctx;
    pthread_setname_np(pthread_self(), "blocks");
    pthread_mutex_lock(&blocks->lock);
    while (!blocks->is_stopping) {
        struct blocks_change *list = take_all(blocks);
        if (list == NULL) {
            pthread_cond_wait(&blocks->changed, &blocks->lock);
            continue;
        }
        blocks->is_busy = true;
        pthread_mutex_unlock(&blocks->lock);
        compile(blocks, list);
        free_list(list);
        pthread_mutex_lock(&blocks->lock);
        blocks->is_busy = false;
        pthread_cond_broadcast(&blocks->changed);
    }
    pthread_mutex_unlock(&blocks->lock);
    return NULL;
}

// ------------------------------------------------------------------------------------------------

enum err blocks_open(struct shared *shared, struct blocks **out, struct errmsg *e)
{
    struct blocks *blocks = mem_zalloc(sizeof *blocks);
    blocks->shared = shared;
    blocks->last = &blocks->first;
    pthread_mutex_init(&blocks->lock, NULL);
    pthread_cond_init(&blocks->changed, NULL);
    if (pthread_create(&blocks->thread, NULL, run, blocks) != 0) {
        pthread_cond_destroy(&blocks->changed);
        pthread_mutex_destroy(&blocks->lock);
        mem_free(blocks);
        return err_set(e, ERR_INTERNAL, "cannot start the thread that compiles blocked names");
    }
    *out = blocks;
    return ERR_OK;
}

void blocks_close(struct blocks *blocks)
{
    if (blocks == NULL) {
        return;
    }
    pthread_mutex_lock(&blocks->lock);
    blocks->is_stopping = true;
    pthread_cond_broadcast(&blocks->changed);
    pthread_mutex_unlock(&blocks->lock);
    pthread_join(blocks->thread, NULL);
    free_list(blocks->first);
    if (blocks->shared->blocks != NULL) {
        block_set_free(blocks->shared->blocks);
        blocks->shared->blocks = NULL;
    }
    pthread_cond_destroy(&blocks->changed);
    pthread_mutex_destroy(&blocks->lock);
    mem_free(blocks);
}

void blocks_submit(struct blocks *blocks, struct blocks_change *change)
{
    pthread_mutex_lock(&blocks->lock);
    change->next = NULL;
    *blocks->last = change;
    blocks->last = &change->next;
    pthread_cond_broadcast(&blocks->changed);
    pthread_mutex_unlock(&blocks->lock);
}

void blocks_wait(struct blocks *blocks)
{
    pthread_mutex_lock(&blocks->lock);
    while (blocks->first != NULL || blocks->is_busy) {
        pthread_cond_wait(&blocks->changed, &blocks->lock);
    }
    pthread_mutex_unlock(&blocks->lock);
}
