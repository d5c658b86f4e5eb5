/*
 * Heartbeats, and what a node tells about itself. Thread: clusterd's loop.
 */
#include "clusterd/sync/internal.h"

#include "common/app/app.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"

#include <event2/event.h>
#include <string.h>

#define HEARTBEAT_TIMEOUT_MS 5000u

// An answer may come when its node has left the list: it is looked up again.
struct asked {
    struct sync *sync;
    uint32_t id;
};

json_t *sync_state(const struct sync *sync)
{
    const struct context *context = sync->context;
    const struct local_status *local = local_get(sync->local);
    const struct consumer *dnsd = &context->consumers.row[RPC_DNSD];
    const struct consumer *webd = &context->consumers.row[RPC_WEBD];
    uint8_t digest[SHA256_SIZE];
    char refused[256];
    store_digest(context->store, digest);
    consumer_refusal(&context->consumers, refused, sizeof refused);
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:s, s:s}", "id",
        (json_int_t)context->self.id, "version", sync_version_json(store_version(context->store)),
        "digest", sync_digest_json(digest), "appliedDnsd", sync_version_json(dnsd->version),
        "appliedWebd", sync_version_json(webd->version), "product", app_version, "upSinceMs",
        (json_int_t)context->started_ms, "configSyncedMs", (json_int_t)sync->pull.synced_ms,
        "catalogSerial", (json_int_t)local->catalog_serial, "clusterZoneSerial",
        (json_int_t)local->cluster_zone_serial, "refused", refused, "role",
        node_role_name(context->self.role));
}

static uint64_t number_member(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value < 0 ? 0 : (uint64_t)value;
}

static void text_member(const json_t *object, const char *name, char *dst, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!str_copy(dst, size, text == NULL ? "" : text)) {
        dst[0] = '\0';
    }
}

void sync_take_state(struct sync_entry *entry, const json_t *state)
{
    struct sync_node *node = &entry->node;
    node->version = sync_version_from(json_object_get(state, "version"));
    node->applied_dnsd = sync_version_from(json_object_get(state, "appliedDnsd"));
    node->applied_webd = sync_version_from(json_object_get(state, "appliedWebd"));
    node->has_digest = sync_digest_from(json_object_get(state, "digest"), node->digest);
    node->up_since_ms = number_member(state, "upSinceMs");
    node->config_synced_ms = number_member(state, "configSyncedMs");
    node->catalog_serial = (uint32_t)number_member(state, "catalogSerial");
    node->cluster_zone_serial = (uint32_t)number_member(state, "clusterZoneSerial");
    text_member(state, "refused", node->refused, sizeof node->refused);
    text_member(state, "product", node->product_version, sizeof node->product_version);
}

void sync_reached(struct sync_entry *entry)
{
    struct sync_node *node = &entry->node;
    node->last_seen_ms = clock_unix_ms();
    node->last_error[0] = '\0';
    if (node->state != SYNC_CONNECTED) {
        node->state = SYNC_CONNECTED;
        const struct node *row = node_table_find(&entry->sync->context->table, node->id);
        log_info("node connected", F_STR("node", row == NULL ? "?" : row->name));
    }
}

void sync_missed(struct sync_entry *entry, const struct errmsg *e)
{
    struct sync_node *node = &entry->node;
    if (!str_copy(node->last_error, sizeof node->last_error, e->text)) {
        memcpy(node->last_error, e->text, sizeof node->last_error - 1);
        node->last_error[sizeof node->last_error - 1] = '\0';
    }
    if (node->state != SYNC_UNREACHABLE) {
        node->state = SYNC_UNREACHABLE;
        const struct node *row = node_table_find(&entry->sync->context->table, node->id);
        log_warn("node unreachable", F_STR("node", row == NULL ? "?" : row->name), F_ERR(e));
    }
}

// A secondary that hears from its primary of something that it does not have pulls it.
static void compare_with_primary(struct sync_entry *entry)
{
    struct sync *sync = entry->sync;
    const struct node *row = node_table_find(&sync->context->table, entry->node.id);
    if (sync->context->self.role != NODE_SECONDARY || row == NULL || !row->is_primary) {
        return;
    }
    int order = store_version_compare(entry->node.version, store_version(sync->context->store));
    uint8_t digest[SHA256_SIZE];
    store_digest(sync->context->store, digest);
    bool differs = order == 0 && entry->node.has_digest &&
                   memcmp(digest, entry->node.digest, SHA256_SIZE) != 0;
    if (differs) {
        log_warn("config has drifted from the primary's, pulling it anew",
                 F_STR("primary", row->name));
    }
    if (order > 0 || differs) {
        sync_pull_now(sync, differs);
    }
}

static void compare_with_secondary(struct sync_entry *entry)
{
    struct sync *sync = entry->sync;
    if (sync->context->self.role == NODE_PRIMARY &&
        store_version_compare(entry->node.version, store_version(sync->context->store)) < 0) {
        sync_notify_entry(entry);
    }
}

static void on_answer(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    struct asked asked = *(struct asked *)ctx;
    mem_free(ctx);
    struct sync_entry *entry = sync_find(asked.sync, asked.id);
    if (entry == NULL) {
        return;
    }
    const struct cluster_options *options = &asked.sync->context->table.options;
    entry->asking = false;
    if (result != ERR_OK) {
        sync_missed(entry, e);
        sync_arm(entry->heartbeat, sync_jitter(options->heartbeat_retry_s));
        return;
    }
    sync_take_state(entry, reply);
    sync_reached(entry);
    sync_arm(entry->heartbeat, sync_jitter(options->heartbeat_refresh_s));
    compare_with_primary(entry);
    compare_with_secondary(entry);
}

static void ask(struct sync_entry *entry)
{
    struct sync *sync = entry->sync;
    const struct node *row = node_table_find(&sync->context->table, entry->node.id);
    if (row == NULL || entry->asking) {
        return;
    }
    struct asked *asked = mem_alloc(sizeof *asked);
    *asked = (struct asked){.sync = sync, .id = entry->node.id};
    entry->asking = true;
    peer_call(sync->client, row, "heartbeat", sync_state(sync), HEARTBEAT_TIMEOUT_MS, on_answer,
              asked);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    ask(ctx);
}

void sync_heartbeat_start(struct sync_entry *entry)
{
    entry->heartbeat = event_new(entry->sync->context->base, -1, 0, on_timer, entry);
    sync_arm(entry->heartbeat, 20 + rand_below(100));
}

// ---- answering ---------------------------------------------------------------------------------

// A state that came unasked. A node that was thought unreachable is asked back at once.
static void take_unasked(struct sync *sync, const struct peer_incoming *in)
{
    struct sync_entry *entry = sync_find(sync, in->node->id);
    if (entry == NULL) {
        return;
    }
    sync_take_state(entry, in->body);
    entry->node.last_seen_ms = clock_unix_ms();
    if (entry->node.state != SYNC_CONNECTED && !entry->asking) {
        sync_arm(entry->heartbeat, 0);
    }
}

static enum err serve_heartbeat(void *ctx, const struct peer_incoming *in, json_t **reply,
                                struct errmsg *e)
{
    (void)e;
    take_unasked(ctx, in);
    *reply = sync_state(ctx);
    return ERR_OK;
}

static enum err serve_report(void *ctx, const struct peer_incoming *in, json_t **reply,
                             struct errmsg *e)
{
    (void)e;
    struct sync *sync = ctx;
    take_unasked(sync, in);
    struct sync_entry *entry = sync_find(sync, in->node->id);
    if (entry != NULL) {
        compare_with_secondary(entry);
    }
    *reply = json_object();
    return ERR_OK;
}

static enum err serve_notify(void *ctx, const struct peer_incoming *in, json_t **reply,
                             struct errmsg *e)
{
    struct sync *sync = ctx;
    struct store_version held = store_version(sync->context->store);
    if (sync->context->self.role != NODE_SECONDARY || !in->node->is_primary) {
        return err_set(e, ERR_BAD_STATE, "%s is not a secondary of this node",
                       sync->context->self.name);
    }
    if (in->epoch < held.epoch) {
        return err_set(e, ERR_BAD_STATE,
                       "the epoch of this primary has passed: this node has heard of a newer one");
    }
    struct store_version version = sync_version_from(json_object_get(in->body, "version"));
    sync_pull_pins(sync, json_object_get(in->body, "pins"));
    if (store_version_compare(version, held) > 0) {
        sync_pull_now(sync, false);
    }
    *reply = json_object();
    return ERR_OK;
}

void sync_add_operations(struct sync *sync, struct peer_server *server)
{
    const struct peer_operation operations[] = {
        {.name = "heartbeat", .is_signed = true, .serve = serve_heartbeat, .ctx = sync},
        {.name = "report",    .is_signed = true, .serve = serve_report,    .ctx = sync},
        {.name = "notify",    .is_signed = true, .serve = serve_notify,    .ctx = sync},
        {.name = "pull",      .is_signed = true, .serve = sync_serve_pull, .ctx = sync},
    };
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        peer_server_add(server, &operations[i]);
    }
}
