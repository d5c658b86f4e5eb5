/*
 * The primary tells its secondaries that there is something new. To each node at most one notify is
 * under way; commits that come meanwhile go together as the next one. A lost one is sent again
 * soon, then less often; in the end the heartbeat finds what is missing. Thread: clusterd's loop.
 */
#include "clusterd/sync/internal.h"

#include "common/base/mem.h"

#include <event2/event.h>

#define RETRY_FIRST_MS    100u
#define RETRY_DOUBLINGS   6u // then each 6.4 s
#define NOTIFY_TIMEOUT_MS 5000u

struct notified {
    struct sync *sync;
    uint32_t id;
};

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    sync_notify_entry(ctx);
}

static void retry_later(struct sync_entry *entry)
{
    unsigned doublings =
        entry->notify_failures < RETRY_DOUBLINGS ? entry->notify_failures : RETRY_DOUBLINGS;
    entry->notify_failures++;
    if (entry->notify_retry == NULL) {
        entry->notify_retry = event_new(entry->sync->context->base, -1, 0, on_retry, entry);
    }
    sync_arm(entry->notify_retry, (uint64_t)RETRY_FIRST_MS << doublings);
}

static void on_notified(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)reply;
    struct notified notified = *(struct notified *)ctx;
    mem_free(ctx);
    struct sync_entry *entry = sync_find(notified.sync, notified.id);
    if (entry == NULL) {
        return;
    }
    entry->notifying = false;
    if (result == ERR_UNAVAILABLE || result == ERR_TIMEOUT) {
        sync_missed(entry, e);
        retry_later(entry);
        return;
    }
    entry->notify_failures = 0;
    if (result == ERR_OK) {
        sync_reached(entry);
    }
    if (entry->notify_again) {
        sync_notify_entry(entry);
    }
}

// The row's pins, and that of the certificate in use where the row does not have it yet.
static json_t *own_pins(const struct sync *sync)
{
    const struct local_status *local = local_get(sync->local);
    const struct node *row = node_table_find(&sync->context->table, sync->context->self.id);
    json_t *pins = json_array();
    if (local->tls_is_on) {
        json_array_append_new(pins, sync_digest_json(local->spki));
    }
    for (size_t i = 0; row != NULL && i < row->pin_count; i++) {
        json_array_append_new(pins, sync_digest_json(row->pins[i]));
    }
    return pins;
}

void sync_notify_entry(struct sync_entry *entry)
{
    struct sync *sync = entry->sync;
    const struct node *row = node_table_find(&sync->context->table, entry->node.id);
    if (sync->context->self.role != NODE_PRIMARY || row == NULL) {
        return;
    }
    if (entry->notifying) {
        entry->notify_again = true;
        return;
    }
    if (entry->notify_retry != NULL) {
        event_del(entry->notify_retry);
    }
    struct notified *notified = mem_alloc(sizeof *notified);
    *notified = (struct notified){.sync = sync, .id = entry->node.id};
    entry->notifying = true;
    entry->notify_again = false;
    json_t *body =
        json_pack("{s:o, s:o}", "version", sync_version_json(store_version(sync->context->store)),
                  "pins", own_pins(sync));
    peer_call(sync->client, row, "notify", body, NOTIFY_TIMEOUT_MS, on_notified, notified);
}

void sync_notify(struct sync *sync)
{
    for (size_t i = 0; i < sync->count; i++) {
        sync_notify_entry(sync->entries[i]);
    }
}

void sync_notify_cancel(struct sync_entry *entry)
{
    if (entry->notify_retry != NULL) {
        event_free(entry->notify_retry);
        entry->notify_retry = NULL;
    }
}
