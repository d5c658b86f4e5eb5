/*
 * The ways out: a secondary leaves, the primary removes one, the primary ends the cluster. These
 * are finished, not undone, when clusterd's end interrupts them. Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

#define LEAVE_WAIT_MS 15000u // for a node that was told to
#define LOOK_MS       20u

// ---- leave (secondary) -------------------------------------------------------------------------

static void list_members(struct role *role)
{
    dns_list_members(role, op_text(role, "catalog"));
}

static void on_told_primary(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)reply;
    struct role *role = ctx;
    struct errmsg mine = *e;
    // A primary that does not know us any more has heard it before.
    if (result == ERR_DENIED && role->op.recovering) {
        result = ERR_OK;
    } else if (result != ERR_OK) {
        result = err_set(&mine, result == ERR_TIMEOUT ? ERR_UNAVAILABLE : result,
                         "the primary did not let this node go: %s; if it is gone for good, force "
                         "it",
                         e->text);
    }
    op_next(role, result, &mine);
}

static void tell_primary(struct role *role)
{
    const struct node *primary = node_table_primary(&role->context->table);
    if (op_flag(role, "force") || primary == NULL) {
        op_done(role);
        return;
    }
    json_t *body = json_pack("{s:s}", "actor", op_text(role, "actor"));
    peer_call(role->client, primary, "leave", body, PEER_TIMEOUT_MS, on_told_primary, role);
}

static void drop_cluster(struct role *role)
{
    struct own_changes changes = {0};
    struct store_result result;
    struct errmsg e = {0};
    enum err err = own_leave_changes(role, &changes, &e);
    if (err == ERR_OK) {
        err = op_commit(role, changes.items, changes.count, 0, &result, &e);
    }
    own_changes_fini(&changes);
    op_next(role, err, &e);
}

static void delete_catalog(struct role *role)
{
    dns_delete(role, op_text(role, "catalog"));
}

static void convert_zones(struct role *role)
{
    if (op_flag(role, "zonesAsPrimary")) {
        dns_convert_members(role);
    } else {
        op_done(role);
    }
}

static const struct op_step LEAVE_STEPS[] = {
    {"listing the zones of the cluster",     list_members,   NULL},
    {"telling the primary",                  tell_primary,   NULL},
    {"taking the cluster out of the config", drop_cluster,   NULL},
    {"deleting the catalog zone",            delete_catalog, NULL},
    {"converting zones",                     convert_zones,  NULL},
};
const struct op_kind op_leave = {
    .name = "leave cluster",
    .words = "leaving the cluster",
    .recovery = OP_FINISH,
    .no_return = 2,
    .steps = LEAVE_STEPS,
    .count = sizeof LEAVE_STEPS / sizeof LEAVE_STEPS[0],
};

static enum err start_leave(struct role *role, bool force, bool zones_as_primary, const char *actor,
                            role_fn fn, void *ctx, struct errmsg *e)
{
    json_t *args =
        json_pack("{s:b, s:b, s:s, s:s}", "force", (int)force, "zonesAsPrimary",
                  (int)zones_as_primary, "actor", actor, "catalog", role->context->table.catalog);
    return op_start(role, &op_leave, args, fn, ctx, e);
}

void role_leave(struct role *role, bool force, bool zones_as_primary, const char *actor, role_fn fn,
                void *ctx)
{
    struct errmsg e = {0};
    enum err err = ERR_OK;
    if (role->context->self.role == NODE_PRIMARY) {
        err = err_set(&e, ERR_BAD_STATE,
                      "the primary cannot leave; promote a secondary, or delete "
                      "the cluster");
    } else if (role->context->self.role != NODE_SECONDARY) {
        err = err_set(&e, ERR_BAD_STATE, "this node is in no cluster");
    } else {
        err = start_leave(role, force, zones_as_primary, actor, fn, ctx, &e);
    }
    if (err != ERR_OK) {
        fn(ctx, err, &e);
    }
}

// The primary wants this node to leave. It leaves as if asked here, which ends in its telling the
// primary: so whichever answer is lost, or comes late, both sides end alike. With "final" the
// cluster is at its end and there will be nobody to tell.
static enum err serve_removed(void *ctx, const struct peer_incoming *in, json_t **reply,
                              struct errmsg *e)
{
    struct role *role = ctx;
    if (role->context->self.role != NODE_SECONDARY || !in->node->is_primary) {
        return err_set(e, ERR_BAD_STATE, "%s is not a secondary of this node",
                       role->context->self.name);
    }
    if (in->epoch < store_version(role->context->store).epoch) {
        return err_set(e, ERR_BAD_STATE, "the epoch of this primary has passed");
    }
    const char *actor = json_string_value(json_object_get(in->body, "actor"));
    bool is_final = json_is_true(json_object_get(in->body, "final"));
    enum err err =
        start_leave(role, is_final, false, actor == NULL ? "cluster" : actor, NULL, NULL, e);
    if (err == ERR_OK) {
        log_warn("the primary takes this node out of the cluster",
                 F_STR("primary", in->node->name));
        *reply = json_object();
    }
    return err;
}

void leave_add_operations(struct role *role, struct peer_server *server)
{
    struct peer_operation operation = {
        .name = "removed", .is_signed = true, .serve = serve_removed, .ctx = role};
    peer_server_add(server, &operation);
}

// ---- remove (primary) --------------------------------------------------------------------------

static uint32_t node_arg(const struct role *role)
{
    return (uint32_t)json_integer_value(json_object_get(role->op.args, "node"));
}

static void on_told_node(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)reply;
    struct role *role = ctx;
    struct errmsg mine = *e;
    if (result == ERR_DENIED && role->op.recovering) {
        result = ERR_OK; // it has left before the interruption
    } else if (result != ERR_OK) {
        result = err_set(&mine, result,
                         "%s could not be told: %s; if it is gone for good, delete "
                         "it in place of removing it",
                         op_text(role, "name"), e->text);
    }
    op_next(role, result, &mine);
}

static void tell_node(struct role *role)
{
    const struct node *node = node_table_find(&role->context->table, node_arg(role));
    if (op_flag(role, "force") || node == NULL) {
        op_done(role);
        return;
    }
    json_t *body = json_pack("{s:s}", "actor", op_text(role, "actor"));
    peer_call(role->client, node, "removed", body, PEER_TIMEOUT_MS, on_told_node, role);
}

static void look_for_node(struct role *role)
{
    struct errmsg e = {0};
    if (node_table_find(&role->context->table, node_arg(role)) == NULL) {
        op_done(role);
    } else if (clock_mono_ms() > role->op.deadline_ms) {
        op_next(role,
                err_set(&e, ERR_BAD_STATE, "%s was told to leave but has not done so in time",
                        op_text(role, "name")),
                &e);
    } else {
        op_wait(role, LOOK_MS, look_for_node);
    }
}

static void drop_node(struct role *role)
{
    struct errmsg e = {0};
    char summary[NODE_NAME_MAX + 32];
    if (!op_flag(role, "force")) {
        role->op.deadline_ms = clock_mono_ms() + LEAVE_WAIT_MS;
        look_for_node(role);
        return;
    }
    enum err err = ERR_OK;
    if (node_table_find(&role->context->table, node_arg(role)) != NULL) {
        snprintf(summary, sizeof summary, "node %s removed", op_text(role, "name"));
        err = admission_remove(role, node_arg(role), op_text(role, "actor"), summary, &e);
    }
    op_next(role, err, &e);
}

static const struct op_step REMOVE_STEPS[] = {
    {"telling the node",            tell_node, NULL},
    {"taking it out of the config", drop_node, NULL},
};
const struct op_kind op_remove = {
    .name = "remove node",
    .words = "removing a node",
    .recovery = OP_FINISH,
    .no_return = 1,
    .steps = REMOVE_STEPS,
    .count = sizeof REMOVE_STEPS / sizeof REMOVE_STEPS[0],
};

void role_remove(struct role *role, uint32_t id, bool force, const char *actor, role_fn fn,
                 void *ctx)
{
    struct errmsg e = {0};
    enum err err = ERR_OK;
    const struct node *node = node_table_find(&role->context->table, id);
    if (role->context->self.role != NODE_PRIMARY) {
        err = err_set(&e, ERR_NOT_PRIMARY, "nodes are removed on the primary");
    } else if (node == NULL) {
        err = err_set(&e, ERR_NOT_FOUND, "there is no node %u in the cluster", id);
    } else if (id == role->context->self.id) {
        err = err_set(&e, ERR_BAD_STATE, "the primary cannot remove itself; delete the cluster");
    } else {
        json_t *args = json_pack("{s:b, s:I, s:s, s:s}", "force", (int)force, "node",
                                 (json_int_t)id, "name", node->name, "actor", actor);
        err = op_start(role, &op_remove, args, fn, ctx, &e);
    }
    if (err != ERR_OK) {
        fn(ctx, err, &e);
    }
}

// ---- delete (primary) --------------------------------------------------------------------------

// With force: those that can be reached learn of it; nobody waits for the others.
static void on_told_one(void *ctx, enum err result, const json_t *reply, const struct errmsg *e)
{
    (void)ctx;
    (void)reply;
    if (result != ERR_OK) {
        log_warn("a secondary was not told that the cluster is deleted", F_ERR(e));
    }
}

static void tell_all(struct role *role)
{
    const struct node_table *table = &role->context->table;
    for (size_t i = 0; i < table->count; i++) {
        if (table->nodes[i].id != role->context->self.id) {
            json_t *body = json_pack("{s:s, s:b}", "actor", op_text(role, "actor"), "final", 1);
            peer_call(role->client, &table->nodes[i], "removed", body, PEER_TIMEOUT_MS, on_told_one,
                      role);
        }
    }
    op_done(role);
}

static void on_records(void *ctx, enum err result, const struct errmsg *e)
{
    op_next(ctx, result, e);
}

static void clear_records(struct role *role)
{
    zone_keeper_run(role->keeper, op_text(role, "domain"), true, on_records, role);
}

static const struct op_step DELETE_STEPS[] = {
    {"telling the secondaries",                           tell_all,       NULL},
    {"taking the nodes' records out of the cluster zone", clear_records,  NULL},
    {"taking the cluster out of the config",              drop_cluster,   NULL},
    {"deleting the catalog zone",                         delete_catalog, NULL},
};
const struct op_kind op_delete = {
    .name = "delete cluster",
    .words = "deleting the cluster",
    .recovery = OP_FINISH,
    .no_return = 2,
    .steps = DELETE_STEPS,
    .count = sizeof DELETE_STEPS / sizeof DELETE_STEPS[0],
};

void role_delete(struct role *role, bool force, const char *actor, role_fn fn, void *ctx)
{
    struct errmsg e = {0};
    enum err err = ERR_OK;
    const struct node_table *table = &role->context->table;
    if (role->context->self.role != NODE_PRIMARY) {
        err = err_set(
            &e, role->context->self.role == NODE_SECONDARY ? ERR_NOT_PRIMARY : ERR_BAD_STATE,
            role->context->self.role == NODE_SECONDARY ? "the cluster is deleted on its primary"
                                                       : "this node is in no cluster");
    } else if (table->count > 1 && !force) {
        err =
            err_set(&e, ERR_BAD_STATE, "there are secondaries yet; remove them first, or force it");
    } else {
        json_t *args = json_pack("{s:s, s:s, s:s}", "domain", table->domain, "catalog",
                                 table->catalog, "actor", actor);
        err = op_start(role, &op_delete, args, fn, ctx, &e);
    }
    if (err != ERR_OK) {
        fn(ctx, err, &e);
    }
}
