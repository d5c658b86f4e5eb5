/*
 * Join: this node becomes a secondary of a cluster. Whatever fails, both sides are put back.
 * Secrets stay in memory; a join that clusterd's end interrupts is undone at the next start.
 * Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_WAIT_MS 30000u
#define ZONE_LOOK_MS 50u

static struct peer_address primary_address(const struct join_state *join)
{
    return (struct peer_address){.url = join->url,
                                 .address = join->address,
                                 .pin = join->has_pin ? &join->pin : NULL,
                                 .ignore_certificate = join->ignore_certificate};
}

// ---- asking the primary ------------------------------------------------------------------------

static enum err take_primary(struct role *role, const json_t *reply, struct errmsg *e)
{
    struct node *primary = &role->join.primary;
    json_int_t id = json_integer_value(json_object_get(reply, "primaryId"));
    const char *ticket = json_string_value(json_object_get(reply, "ticket"));
    const char *domain = json_string_value(json_object_get(reply, "domain"));
    const char *catalog = json_string_value(json_object_get(reply, "catalog"));
    if (ticket == NULL || domain == NULL || catalog == NULL || id < 1 || id > INT32_MAX ||
        !str_copy(role->join.ticket, sizeof role->join.ticket, ticket)) {
        return err_set(e, ERR_CORRUPT, "the primary's answer is not complete");
    }
    char *text = json_dumps(json_object_get(reply, "primary"), JSON_COMPACT | JSON_ENCODE_ANY);
    *primary = (struct node){.id = (uint32_t)id};
    enum err err = node_parse(text == NULL ? "" : text, primary, e);
    free(text);
    if (err != ERR_OK) {
        return err_prefix(e, err, "the primary's answer");
    }
    char name[NODE_NAME_MAX];
    err = own_name(role, domain, name, sizeof name, e);
    if (err != ERR_OK) {
        return err;
    }
    op_set(role, "domain", json_string(domain));
    op_set(role, "catalog", json_string(catalog));
    op_set(role, "name", json_string(name));
    op_set(role, "primaryId", json_integer(id));
    op_set(role, "primary", json_deep_copy(json_object_get(reply, "primary")));
    return ERR_OK;
}

static void on_checked(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    struct role *role = ctx;
    struct errmsg mine = *e;
    if (role->stopping) {
        return;
    }
    if (result == ERR_UNAVAILABLE) {
        result =
            err_set(&mine, result, "the primary %s does not answer: %s", role->join.url, e->text);
    } else if (result == ERR_OK) {
        result = take_primary(role, reply, &mine);
    }
    op_next(role, result, &mine);
}

static void ask_primary(struct role *role)
{
    struct join_state *join = &role->join;
    char host[NODE_NAME_MAX];
    const char *present = role->context->self.name;
    snprintf(host, sizeof host, "%.*s", (int)strcspn(present, "."), present);
    json_t *body = json_pack("{s:s, s:i, s:I, s:s}", "phase", "check", "protocol", JOIN_PROTOCOL,
                             "id", (json_int_t)role->context->self.id, "host", host);
    if (join->token[0] != '\0') {
        json_object_set_new(body, "token", json_string(join->token));
    } else {
        json_object_set_new(body, "user", json_string(join->user));
        json_object_set_new(body, "password", json_string(join->password));
        if (join->totp[0] != '\0') {
            json_object_set_new(body, "totp", json_string(join->totp));
        }
    }
    struct peer_address to = primary_address(join);
    peer_call_address(role->client, &to, "join", body, PEER_TIMEOUT_MS, on_checked, role);
}

// ---- this node's zones -------------------------------------------------------------------------

static void refuse_zone(struct role *role, const char *zone)
{
    struct errmsg e = {0};
    op_next(role,
            err_set(&e, ERR_EXISTS, "zone %s exists on this node already; delete it first", zone),
            &e);
}

static void on_catalog(struct role *role, const Dnsd__ZoneInfo *zone)
{
    if (zone != NULL) {
        refuse_zone(role, zone->name);
    } else {
        op_done(role);
    }
}

static void on_cluster_zone(struct role *role, const Dnsd__ZoneInfo *zone)
{
    if (zone != NULL) {
        refuse_zone(role, zone->name);
    } else {
        dns_look(role, op_text(role, "catalog"), on_catalog);
    }
}

static void check_zones(struct role *role)
{
    dns_look(role, op_text(role, "domain"), on_cluster_zone);
}

// ---- registering -------------------------------------------------------------------------------

static void on_registered(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)reply;
    op_next(ctx, result, e);
}

static void register_here(struct role *role)
{
    struct node node;
    own_node(role, &node);
    char *text = node_json(&node);
    json_t *body = json_pack("{s:s, s:I, s:s, s:o}", "phase", "register", "id", (json_int_t)node.id,
                             "token", role->join.ticket, "node", json_loads(text, 0, NULL));
    mem_free(text);
    // From here on the connection is bound to the key that the primary has named.
    const struct node *primary = &role->join.primary;
    struct peer_address to = primary_address(&role->join);
    to.pin = &primary->pins[0];
    peer_call_address(role->client, &to, "join", body, PEER_TIMEOUT_MS, on_registered, role);
}

// The primary forgets us, if it can be reached; if not, its operator sees a node that never comes.
static void on_unregistered(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)reply;
    struct role *role = ctx;
    if (result != ERR_OK && result != ERR_DENIED && !role->stopping) {
        log_warn("the primary could not be told that this node does not join after all", F_ERR(e));
    }
    op_done(role);
}

static void unregister(struct role *role)
{
    struct node primary = {
        .id = (uint32_t)json_integer_value(json_object_get(role->op.args, "primaryId"))};
    char *text =
        json_dumps(json_object_get(role->op.args, "primary"), JSON_COMPACT | JSON_ENCODE_ANY);
    struct errmsg e = {0};
    enum err err = node_parse(text == NULL ? "" : text, &primary, &e);
    free(text);
    if (err != ERR_OK) {
        op_done(role);
        return;
    }
    json_t *body = json_pack("{s:s}", "actor", op_text(role, "actor"));
    peer_call(role->client, &primary, "leave", body, PEER_TIMEOUT_MS, on_unregistered, role);
}

// ---- taking the config -------------------------------------------------------------------------

static void on_taken(void *ctx, enum err result, const struct errmsg *e)
{
    op_next(ctx, result, e);
}

static void take_config(struct role *role)
{
    const struct context *context = role->context;
    mem_free(role->join.identity);
    role->join.identity =
        node_self_json(context->self.id, op_text(role, "name"), NODE_SECONDARY, 0);
    role->join.extra =
        (struct store_change){.path = NODE_IDENTITY_PATH, .value = role->join.identity};
    sync_take_over(role->sync, &role->join.primary, &role->join.extra, 1, on_taken, role);
}

// ---- zones of the cluster ----------------------------------------------------------------------

// Where the catalog comes from: the addresses of the primary as the cluster knows it.
static void create_catalog(struct role *role)
{
    const struct node *primary = node_table_primary(&role->context->table);
    struct errmsg e = {0};
    if (primary == NULL) {
        op_next(role, err_set(&e, ERR_CORRUPT, "the config received names no primary"), &e);
        return;
    }
    char texts[NODE_ADDRESSES_MAX][NODE_ADDRESS_TEXT + 8];
    char *items[NODE_ADDRESSES_MAX];
    for (size_t i = 0; i < primary->address_count; i++) {
        bool is_ipv6 = strchr(primary->addresses[i], ':') != NULL;
        snprintf(texts[i], sizeof texts[i], is_ipv6 ? "[%s]:%u" : "%s:%u", primary->addresses[i],
                 primary->dns_port);
        items[i] = texts[i];
    }
    Dnsd__StringList primaries;
    dnsd__string_list__init(&primaries);
    primaries.items = items;
    primaries.n_items = primary->address_count;
    char *catalog = mem_strdup(op_text(role, "catalog"));
    Dnsd__ZoneOptions options;
    dnsd__zone_options__init(&options);
    options.primaries = &primaries;
    options.primary_tsig_key = catalog; // the key has the catalog's name
    Dnsd__ZoneCreateRequest request;
    dnsd__zone_create_request__init(&request);
    request.zone = catalog;
    request.type = DNSD__ZONE_TYPE__ZONE_SECONDARY_CATALOG;
    request.options = &options;
    dns_create(role, &request);
    mem_free(catalog);
}

static void list_members(struct role *role)
{
    dns_list_members(role, op_text(role, "catalog"));
}

static void delete_catalog(struct role *role)
{
    dns_delete(role, op_text(role, "catalog"));
}

static void look_for_zone(struct role *role);

static void on_zone(struct role *role, const Dnsd__ZoneInfo *zone)
{
    struct errmsg e = {0};
    if (zone != NULL && zone->expiry != 0) {
        op_done(role);
    } else if (clock_mono_ms() > role->op.deadline_ms) {
        const char *why = zone == NULL ? "the catalog zone has not come" : zone->sync_error;
        op_next(role,
                err_set(&e, ERR_TIMEOUT,
                        "the cluster zone %s does not come from the primary (%s); "
                        "does the DNS port of %s answer this node?",
                        op_text(role, "domain"), why, role->join.primary.name),
                &e);
    } else {
        op_wait(role, ZONE_LOOK_MS, look_for_zone);
    }
}

static void look_for_zone(struct role *role)
{
    dns_look(role, op_text(role, "domain"), on_zone);
}

static void wait_for_zone(struct role *role)
{
    role->op.deadline_ms = clock_mono_ms() + ZONE_WAIT_MS;
    look_for_zone(role);
}

static void nothing(struct role *role)
{
    op_done(role);
}

// Undone from the last to the first: the members are listed, the catalog is deleted, which sets
// them free, and then they are. Each undoing stands at a step before the one that may have done it,
// so that it also comes when a crash leaves unknown how far that step went.
static const struct op_step STEPS[] = {
    {"asking the primary",                       ask_primary,       NULL              },
    {"checking the zones of this node",          check_zones,       NULL              },
    {"turning on HTTPS and taking the new name", own_turn_on_https, own_undo_commits  },
    {"waiting for HTTPS",                        own_wait_https,    NULL              },
    {"registering with the primary",             register_here,     unregister        },
    {"receiving the config",                     take_config,       dns_delete_members},
    {"waiting for dnsd",                         own_wait_dnsd,     delete_catalog    },
    {"creating the catalog zone",                create_catalog,    list_members      },
    {"waiting for the cluster zone",             wait_for_zone,     NULL              },
    {"finishing",                                nothing,           NULL              },
};
const struct op_kind op_join = {
    .name = "join cluster",
    .words = "joining the cluster",
    .recovery = OP_UNDO,
    .steps = STEPS,
    .count = sizeof STEPS / sizeof STEPS[0],
};

// ---- start -------------------------------------------------------------------------------------

static enum err take_request(struct join_state *join, const struct role_join *request,
                             struct errmsg *e)
{
    mem_wipe(join, sizeof *join);
    if (request->token[0] != '\0') {
        return token_parse(request->token, join, e);
    }
    if (!str_starts(request->url, "https://")) {
        return err_set(e, ERR_INVALID, "the primary's URL begins with https://");
    }
    join->ignore_certificate = request->ignore_certificate;
    if (!str_copy(join->url, sizeof join->url, request->url) ||
        !str_copy(join->address, sizeof join->address, request->primary_address) ||
        !str_copy(join->user, sizeof join->user, request->user) ||
        !str_copy(join->password, sizeof join->password, request->password) ||
        !str_copy(join->totp, sizeof join->totp, request->totp)) {
        return err_set(e, ERR_INVALID, "URL, address, user name or password are too long");
    }
    if (join->user[0] == '\0' || join->password[0] == '\0') {
        return err_set(e, ERR_INVALID,
                       "user name and password of an administrator of the primary, "
                       "or a join token, are needed");
    }
    return ERR_OK;
}

static void on_finished(void *ctx, enum err result, const struct errmsg *e)
{
    (void)result; // the task has it
    (void)e;
    struct role *role = ctx;
    mem_free(role->join.identity);
    mem_wipe(&role->join, sizeof role->join);
}

enum err role_join(struct role *role, const struct role_join *request, uint64_t *id,
                   struct errmsg *e)
{
    if (role->context->self.role != NODE_STANDALONE || role->context->table.in_cluster) {
        return err_set(e, ERR_BAD_STATE,
                       "this node is in the cluster %s already; it must leave "
                       "that first",
                       role->context->table.domain);
    }
    if (role->op.kind != NULL) {
        return err_set(e, ERR_BUSY, "another operation is under way: %s", role->context->operation);
    }
    enum err err = own_check_addresses(request->addresses, request->address_count,
                                       request->allow_foreign_addresses, e);
    if (err == ERR_OK) {
        err = take_request(&role->join, request, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    json_t *args = json_pack("{s:s, s:o}", "actor", request->actor, "addresses",
                             own_addresses_json(request->addresses, request->address_count));
    err = op_start(role, &op_join, args, on_finished, role, e);
    if (err == ERR_OK) {
        *id = role->task_id;
    }
    return err;
}

enum err role_task(const struct role *role, uint64_t id, struct role_task *task)
{
    if (id == 0 || id != role->task_id) {
        return ERR_NOT_FOUND;
    }
    *task = role->task;
    return ERR_OK;
}
