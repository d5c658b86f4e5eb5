/*
 * The other nodes as a list that follows the node table. Thread: clusterd's loop.
 */
#include "clusterd/sync/internal.h"

#include "common/base/mem.h"
#include "common/base/rand.h"

#include <event2/event.h>
#include <string.h>

// ---- small things ------------------------------------------------------------------------------

void sync_arm(struct event *timer, uint64_t ms)
{
    struct timeval time = {.tv_sec = (time_t)(ms / 1000),
                           .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    event_add(timer, &time);
}

uint64_t sync_jitter(uint32_t seconds)
{
    return seconds * 900ull + rand_below(seconds * 200 + 1);
}

json_t *sync_version_json(struct store_version version)
{
    return json_pack("[I, I]", (json_int_t)version.epoch, (json_int_t)version.seq);
}

struct store_version sync_version_from(const json_t *json)
{
    json_int_t epoch = json_integer_value(json_array_get(json, 0));
    json_int_t seq = json_integer_value(json_array_get(json, 1));
    struct store_version version = {0};
    if (epoch >= 0 && seq >= 0) {
        version.epoch = (uint64_t)epoch;
        version.seq = (uint64_t)seq;
    }
    return version;
}

bool sync_digest_from(const json_t *json, uint8_t out[SHA256_SIZE])
{
    const char *text = json_string_value(json);
    size_t len = 0;
    return text != NULL && str_from_hex(text, strlen(text), out, SHA256_SIZE, &len) == ERR_OK &&
           len == SHA256_SIZE;
}

json_t *sync_digest_json(const uint8_t digest[SHA256_SIZE])
{
    char hex[2 * SHA256_SIZE + 1];
    str_hex(hex, digest, SHA256_SIZE);
    return json_string(hex);
}

// ---- the list ----------------------------------------------------------------------------------

struct sync_entry *sync_find(const struct sync *sync, uint32_t id)
{
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->entries[i]->node.id == id) {
            return sync->entries[i];
        }
    }
    return NULL;
}

static void entry_free(struct sync_entry *entry)
{
    event_free(entry->heartbeat);
    sync_notify_cancel(entry);
    mem_free(entry);
}

static void add_entry(struct sync *sync, uint32_t id)
{
    struct sync_entry *entry = mem_zalloc(sizeof *entry);
    entry->node.id = id;
    entry->sync = sync;
    entry->seen = true;
    mem_grow(&sync->entries, &sync->capacity, sync->count + 1, sizeof *sync->entries);
    sync->entries[sync->count++] = entry;
    sync_heartbeat_start(entry);
}

void sync_refresh(struct sync *sync)
{
    const struct node_table *table = &sync->context->table;
    bool member = sync->context->self.role != NODE_STANDALONE;
    for (size_t i = 0; i < sync->count; i++) {
        sync->entries[i]->seen = false;
    }
    for (size_t i = 0; member && i < table->count; i++) {
        uint32_t id = table->nodes[i].id;
        struct sync_entry *entry = sync_find(sync, id);
        if (entry != NULL) {
            entry->seen = true;
        } else if (id != sync->context->self.id) {
            add_entry(sync, id);
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->entries[i]->seen) {
            sync->entries[kept++] = sync->entries[i];
        } else {
            entry_free(sync->entries[i]);
        }
    }
    sync->count = kept;
    sync_pull_refresh(sync);
}

void sync_poke(struct sync *sync)
{
    for (size_t i = 0; i < sync->count; i++) {
        sync_arm(sync->entries[i]->heartbeat, 0);
    }
    sync_pull_now(sync, false);
}

const struct sync_node *sync_node(const struct sync *sync, uint32_t id)
{
    const struct sync_entry *entry = sync_find(sync, id);
    return entry == NULL ? NULL : &entry->node;
}

uint64_t sync_config_synced_ms(const struct sync *sync)
{
    return sync->pull.synced_ms;
}

static void on_report_timer(evutil_socket_t fd, short what, void *ctx);

struct sync *sync_new(struct context *context, struct peer_client *client,
                      struct peer_server *server, struct local *local)
{
    struct sync *sync = mem_zalloc(sizeof *sync);
    sync->context = context;
    sync->client = client;
    sync->local = local;
    sync->report_timer = event_new(context->base, -1, 0, on_report_timer, sync);
    sync_pull_init(sync);
    sync_add_operations(sync, server);
    sync_refresh(sync);
    return sync;
}

void sync_free(struct sync *sync)
{
    if (sync == NULL) {
        return;
    }
    for (size_t i = 0; i < sync->count; i++) {
        entry_free(sync->entries[i]);
    }
    mem_free(sync->entries);
    event_free(sync->report_timer);
    sync_pull_fini(sync);
    mem_free(sync);
}

// ---- report ------------------------------------------------------------------------------------

// Applied config arrives in bursts (store, dnsd, webd): one report for all of them.
#define REPORT_MS 30

static void on_report(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)result; // what is lost comes with the next heartbeat
    (void)reply;
    (void)e;
    struct sync *sync = ctx;
    sync->reporting = false;
    if (sync->report_again) {
        sync_report_soon(sync);
    }
}

static void on_report_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct sync *sync = ctx;
    const struct node *primary = node_table_primary(&sync->context->table);
    if (sync->context->self.role != NODE_SECONDARY || primary == NULL) {
        return;
    }
    sync->reporting = true;
    sync->report_again = false;
    peer_call(sync->client, primary, "report", sync_state(sync), PEER_TIMEOUT_MS, on_report, sync);
}

void sync_report_soon(struct sync *sync)
{
    if (sync->reporting) {
        sync->report_again = true;
    } else if (event_pending(sync->report_timer, EV_TIMEOUT, NULL) == 0) {
        sync_arm(sync->report_timer, REPORT_MS);
    }
}

void sync_applied(struct sync *sync)
{
    if (sync->context->self.role == NODE_SECONDARY) {
        sync_report_soon(sync);
    }
}
