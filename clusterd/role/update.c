/*
 * Changes of members: the timers, addresses, name, port and certificate of a node, where the
 * primary is. A node's row of the node table is changed by the primary; a secondary asks it to.
 * Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- options -----------------------------------------------------------------------------------

static uint32_t choose(uint32_t wanted, uint32_t present)
{
    return wanted == 0 ? present : wanted;
}

enum err role_set_options(struct role *role, const struct cluster_options *options,
                          const char *actor, struct errmsg *e)
{
    struct context *context = role->context;
    const struct cluster_options *now = &context->table.options;
    if (context->self.role == NODE_SECONDARY) {
        const struct node *primary = node_table_primary(&context->table);
        return err_set(e, ERR_NOT_PRIMARY,
                       "the options of the cluster are changed on its primary %s",
                       primary == NULL ? "" : primary->name);
    }
    if (context->self.role != NODE_PRIMARY) {
        return err_set(e, ERR_BAD_STATE, "this node is in no cluster");
    }
    struct cluster_options next = {
        .heartbeat_refresh_s = choose(options->heartbeat_refresh_s, now->heartbeat_refresh_s),
        .heartbeat_retry_s = choose(options->heartbeat_retry_s, now->heartbeat_retry_s),
        .config_refresh_s = choose(options->config_refresh_s, now->config_refresh_s),
        .config_retry_s = choose(options->config_retry_s, now->config_retry_s),
    };
    enum err err = cluster_options_check(&next, e);
    if (err != ERR_OK) {
        return err;
    }
    char *text = cluster_config_json(context->table.domain, context->table.catalog, &next);
    struct store_change change = {.path = CLUSTER_CONFIG_PATH, .value = text};
    struct store_request request = {.changes = &change,
                                    .count = 1,
                                    .actor = actor,
                                    .node = context->self.name,
                                    .summary = "cluster options changed"};
    struct store_result result;
    err = store_commit(context->store, &request, &result, e);
    mem_free(text);
    return err;
}

// ---- a node's own row --------------------------------------------------------------------------

struct publishing {
    struct role *role;
    role_fn fn; // NULL = nobody waits
    void *ctx;
};

static void published(struct publishing *publishing, enum err result, const struct errmsg *e)
{
    struct publishing done = *publishing;
    mem_free(publishing);
    done.role->updating = false;
    if (done.fn != NULL) {
        done.fn(done.ctx, result, e);
    } else if (result != ERR_OK) {
        static struct log_limit limit;
        uint64_t held = 0;
        if (log_limit_pass(&limit, 60, &held)) {
            log_warn("a change of this node is not known to the cluster yet", F_ERR(e));
        }
    }
}

static void on_primary_told(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)reply;
    struct publishing *publishing = ctx;
    struct errmsg mine = *e;
    if (result == ERR_UNAVAILABLE) {
        result = err_set(&mine, result, "the primary does not answer: %s", e->text);
    }
    published(publishing, result, &mine);
}

static void publish_here(struct role *role, const struct node *node, const char *actor,
                         struct publishing *publishing)
{
    char path[32];
    node_path(node->id, path, sizeof path);
    char *text = node_json(node);
    struct store_change change = {.path = path, .value = text, .must_exist = true};
    struct store_request request = {.changes = &change,
                                    .count = 1,
                                    .actor = actor,
                                    .node = role->context->self.name,
                                    .summary = "this node changed"};
    struct store_result result;
    struct errmsg e = {0};
    enum err err = store_commit(role->context->store, &request, &result, &e);
    mem_free(text);
    published(publishing, err, &e);
}

static void publish(struct role *role, const struct node *node, const char *actor, role_fn fn,
                    void *ctx)
{
    struct publishing *publishing = mem_alloc(sizeof *publishing);
    *publishing = (struct publishing){.role = role, .fn = fn, .ctx = ctx};
    role->updating = true;
    if (role->context->self.role == NODE_PRIMARY) {
        publish_here(role, node, actor, publishing);
        return;
    }
    const struct node *primary = node_table_primary(&role->context->table);
    if (primary == NULL) {
        struct errmsg e = {0};
        published(publishing, err_set(&e, ERR_BAD_STATE, "the cluster has no primary"), &e);
        return;
    }
    char *text = node_json(node);
    json_t *body = json_pack("{s:o, s:s}", "node", json_loads(text, 0, NULL), "actor", actor);
    mem_free(text);
    peer_call(role->client, primary, "update", body, PEER_TIMEOUT_MS, on_primary_told, publishing);
}

// The newest pin first, the one before beside it until the next change.
static bool put_pin(struct node *node, const uint8_t pin[SHA256_SIZE])
{
    if (node->pin_count > 0 && memcmp(node->pins[0], pin, SHA256_SIZE) == 0) {
        return false;
    }
    memcpy(node->pins[1], node->pins[0], SHA256_SIZE);
    memcpy(node->pins[0], pin, SHA256_SIZE);
    node->pin_count = node->pin_count == 0 ? 1 : 2;
    return true;
}

static bool is_below(const char *name, const char *domain)
{
    size_t len = strlen(name);
    size_t domain_len = strlen(domain);
    return len > domain_len + 1 && name[len - domain_len - 1] == '.' &&
           strcmp(name + len - domain_len, domain) == 0;
}

void update_follow(struct role *role)
{
    const struct context *context = role->context;
    const struct local_status *local = local_get(role->local);
    const struct node *row = node_table_find(&context->table, context->self.id);
    if (context->self.role == NODE_STANDALONE || row == NULL || role->updating ||
        role->op.kind != NULL || !local->web_is_up || !local->tls_is_on) {
        return;
    }
    struct node node = *row;
    if (is_below(context->self.name, context->table.domain)) {
        memcpy(node.name, context->self.name, sizeof node.name);
    }
    bool changed = put_pin(&node, local->spki);
    snprintf(node.url, sizeof node.url, "https://%s:%u/", node.name, local->https_port);
    node.dns_port = local_dns_port(context->store);
    changed = changed || strcmp(node.name, row->name) != 0 || strcmp(node.url, row->url) != 0 ||
              node.dns_port != row->dns_port;
    if (changed) {
        publish(role, &node, "system", NULL, NULL);
    }
}

void role_update_addresses(struct role *role, char *const *addresses, size_t count,
                           bool allow_foreign, const char *actor, role_fn fn, void *ctx)
{
    const struct context *context = role->context;
    const struct node *row = node_table_find(&context->table, context->self.id);
    struct errmsg e = {0};
    struct node node = {0};
    enum err err = ERR_OK;
    if (context->self.role == NODE_STANDALONE || row == NULL) {
        err = err_set(&e, ERR_BAD_STATE, "this node is in no cluster");
    }
    if (err == ERR_OK) {
        err = own_check_addresses(addresses, count, allow_foreign, &e);
    }
    if (err == ERR_OK && row != NULL) {
        node = *row;
        err = node_set_addresses(&node, addresses, count, &e);
    }
    if (err == ERR_OK) {
        publish(role, &node, actor, fn, ctx);
    } else {
        fn(ctx, err, &e);
    }
}

// ---- where the primary is ----------------------------------------------------------------------

struct finding {
    struct role *role;
    struct node row;
    struct node primary;
    role_fn fn;
    void *ctx;
};

static void on_found(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    struct finding *finding = ctx;
    struct role *role = finding->role;
    struct errmsg mine = *e;
    const char *said = json_string_value(json_object_get(reply, "role"));
    if (result != ERR_OK) {
        result = err_set(&mine, result, "no answer of the primary at %s: %s", finding->primary.url,
                         e->text);
    } else if (said == NULL || strcmp(said, "Primary") != 0) {
        result = err_set(&mine, ERR_BAD_STATE, "the node at %s is not the primary",
                         finding->primary.url);
    }
    if (result == ERR_OK && !role->stopping) {
        char *text = node_place_json(&finding->row, &finding->primary);
        result = store_note_set(role->context->store, NODE_PRIMARY_NOTE, text, &mine);
        mem_free(text);
    }
    if (result == ERR_OK) {
        node_table_take_note(role->context->store, &role->context->table);
        sync_refresh(role->sync);
        sync_poke(role->sync);
    }
    finding->fn(finding->ctx, result, &mine);
    mem_free(finding);
}

static enum err take_place(struct node *primary, const char *url, char *const *addresses,
                           size_t count, struct errmsg *e)
{
    if (!str_starts(url, "https://") || !str_copy(primary->url, sizeof primary->url, url)) {
        return err_set(e, ERR_INVALID,
                       "the primary's URL begins with https:// and has at most %d "
                       "characters",
                       NODE_URL_MAX - 1);
    }
    if (count == 0) {
        primary->address_count = 0; // the URL's host is resolved
        return ERR_OK;
    }
    return node_set_addresses(primary, addresses, count, e);
}

void role_update_primary(struct role *role, const char *url, char *const *addresses, size_t count,
                         const char *actor, role_fn fn, void *ctx)
{
    (void)actor; // nothing of the config changes here
    const struct context *context = role->context;
    const struct node *row = node_table_primary(&context->table);
    struct errmsg e = {0};
    struct finding *finding = mem_zalloc(sizeof *finding);
    *finding = (struct finding){.role = role, .fn = fn, .ctx = ctx};
    enum err err = ERR_OK;
    if (context->self.role != NODE_SECONDARY || row == NULL) {
        err = err_set(&e, ERR_BAD_STATE, "only a secondary has a primary to find");
    } else {
        finding->row = *row;
        finding->primary = *row;
        err = take_place(&finding->primary, url, addresses, count, &e);
    }
    if (err == ERR_OK) {
        peer_call(role->client, &finding->primary, "heartbeat", sync_state(role->sync),
                  PEER_TIMEOUT_MS, on_found, finding);
    } else {
        mem_free(finding);
        fn(ctx, err, &e);
    }
}
