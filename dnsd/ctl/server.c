#include <string.h>

#include "common/app/app.h"
#include "common/conf/watch.h"
#include "dnsd/block/block.h"
#include "dnsd/conf/reader.h"
#include "dnsd/ctl/internal.h"
#include "dnsd/net/net.h"
#include "dnsd/stats/stats.h"
#include "dnsd/xfr/xfr.h"

// Service dnsd.Server. Control thread.

struct texts {
    struct arena *arena;
    char **items;
    size_t count;
    size_t capacity;
};

static void add_text(void *ctx, const char *text)
{
    struct texts *texts = ctx;
    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity == 0 ? 16 : texts->capacity * 2;
        char **grown = arena_alloc(texts->arena, capacity * sizeof(char *));
        if (texts->count != 0) {
            memcpy(grown, texts->items, texts->count * sizeof(char *));
        }
        texts->items = grown;
        texts->capacity = capacity;
    }
    texts->items[texts->count++] = arena_strdup(texts->arena, text);
}

static void fill_counters(const struct ctl *ctl, struct arena *arena, Dnsd__StatusReply *reply)
{
    uint64_t sums[STATS_COUNT] = {0};
    net_stats(ctl->net, sums);
    stats_sum(xfr_stats(ctl->xfr), sums);
    reply->counters = arena_alloc(arena, STATS_COUNT * sizeof(Dnsd__Counter *));
    for (size_t i = 0; i < STATS_COUNT; i++) {
        Dnsd__Counter *counter = arena_alloc(arena, sizeof *counter);
        dnsd__counter__init(counter);
        counter->name = arena_strdup(arena, stats_names[i]);
        counter->value = sums[i];
        reply->counters[i] = counter;
    }
    reply->n_counters = STATS_COUNT;
}

static void fill_sockets(const struct ctl *ctl, struct arena *arena, Dnsd__StatusReply *reply)
{
    struct texts up = {.arena = arena};
    struct texts down = {.arena = arena};
    net_each_listening(ctl->net, add_text, &up);
    net_each_failing(ctl->net, add_text, &down);
    reply->listening = up.items;
    reply->n_listening = up.count;
    reply->not_listening = down.items;
    reply->n_not_listening = down.count;
}

static void on_status(Dnsd__Server_Service *service, const Trellis__Empty *input,
                      Dnsd__StatusReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ((struct ctl_server_service *)(void *)service)->ctl;
    Dnsd__StatusReply reply;
    struct arena arena;
    (void)input;
    arena_init(&arena);
    dnsd__status_reply__init(&reply);
    reply.product_version = arena_strdup(&arena, app_version);
    reply.up_since_ms = ctl->started_ms;
    reply.config_revision = conf_watch_revision(ctl->watch);
    reply.workers = (uint32_t)net_workers(ctl->net);
    fill_sockets(ctl, &arena, &reply);
    fill_counters(ctl, &arena, &reply);
    reader_enter();
    reply.zones = zone_table_count(zone_table_get(ctl->shared->store));
    const struct block_set *blocks = rcu_dereference(ctl->shared->blocks);
    if (blocks != NULL) {
        reply.blocked_names = block_set_blocked(blocks);
        reply.allowed_names = block_set_allowed(blocks);
    }
    reader_leave();
    closure(&reply, closure_data);
    arena_fini(&arena);
}

void ctl_server_service_init(struct ctl_server_service *s, struct ctl *ctl)
{
    const Dnsd__Server_Service service = {
        .base = {.descriptor = &dnsd__server__descriptor,
                 .invoke = protobuf_c_service_invoke_internal},
        .status = on_status,
    };
    s->service = service;
    s->ctl = ctl;
}
