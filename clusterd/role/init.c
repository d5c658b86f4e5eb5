/*
 * Initialize: this node becomes the primary of a new cluster. Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/mem.h"
#include "common/dns/name.h"

#include <stdio.h>
#include <string.h>

// ---- steps -------------------------------------------------------------------------------------

static bool zone_fits(struct role *role, const Dnsd__ZoneInfo *zone, Dnsd__ZoneType type,
                      const char *what)
{
    if (zone == NULL || zone->type == type) {
        return true;
    }
    struct errmsg e = {0};
    op_next(
        role,
        err_set(&e, ERR_EXISTS, "zone %s exists here with another type than %s", zone->name, what),
        &e);
    return false;
}

static void on_catalog(struct role *role, const Dnsd__ZoneInfo *zone)
{
    if (zone_fits(role, zone, DNSD__ZONE_TYPE__ZONE_CATALOG, "Catalog")) {
        op_set(role, "catalogExisted", json_boolean(zone != NULL));
        op_done(role);
    }
}

static void on_cluster_zone(struct role *role, const Dnsd__ZoneInfo *zone)
{
    if (zone_fits(role, zone, DNSD__ZONE_TYPE__ZONE_PRIMARY, "Primary")) {
        op_set(role, "zoneExisted", json_boolean(zone != NULL));
        dns_look(role, op_text(role, "catalog"), on_catalog);
    }
}

static void check_zones(struct role *role)
{
    dns_look(role, op_text(role, "domain"), on_cluster_zone);
}

static void store_cluster(struct role *role)
{
    const struct context *context = role->context;
    const char *catalog = op_text(role, "catalog");
    struct node node;
    own_node(role, &node);
    node.is_primary = true;
    uint64_t epoch = store_version(context->store).epoch + 1;
    char path[32];
    char tsig_path[NODE_NAME_MAX + 16];
    node_path(node.id, path, sizeof path);
    own_tsig_path(catalog, tsig_path, sizeof tsig_path);
    char *node_text = node_json(&node);
    char *config = cluster_config_json(op_text(role, "domain"), catalog, &cluster_options_default);
    char *tsig = own_tsig_json();
    char *identity = node_self_json(node.id, node.name, NODE_PRIMARY, epoch);
    struct store_change changes[] = {
        {.path = path,            .value = node_text, .must_not_exist = true},
        {.path = CLUSTER_CONFIG_PATH,                       .value = config,               .must_not_exist = true},
        {.path = tsig_path, .value = tsig    },
        {.path = NODE_IDENTITY_PATH,          .value = identity                       },
    };
    struct store_result result;
    struct errmsg e = {0};
    enum err err = op_commit(role, changes, sizeof changes / sizeof changes[0], epoch, &result, &e);
    mem_free(node_text);
    mem_free(config);
    mem_free(tsig);
    mem_free(identity);
    op_next(role, err, &e);
}

static void create_zone(struct role *role, const char *name, Dnsd__ZoneType type)
{
    char *copy = mem_strdup(name);
    Dnsd__ZoneCreateRequest request;
    dnsd__zone_create_request__init(&request);
    request.zone = copy;
    request.type = type;
    dns_create(role, &request);
    mem_free(copy);
}

static void create_cluster_zone(struct role *role)
{
    if (op_flag(role, "zoneExisted")) {
        op_done(role);
    } else {
        create_zone(role, op_text(role, "domain"), DNSD__ZONE_TYPE__ZONE_PRIMARY);
    }
}

static void undo_cluster_zone(struct role *role)
{
    if (op_flag(role, "zoneExisted")) {
        op_done(role);
    } else {
        dns_delete(role, op_text(role, "domain"));
    }
}

static void create_catalog(struct role *role)
{
    if (op_flag(role, "catalogExisted")) {
        op_done(role);
    } else {
        create_zone(role, op_text(role, "catalog"), DNSD__ZONE_TYPE__ZONE_CATALOG);
    }
}

static void undo_catalog(struct role *role)
{
    if (op_flag(role, "catalogExisted")) {
        op_done(role);
    } else {
        dns_delete(role, op_text(role, "catalog"));
    }
}

static void enroll_cluster_zone(struct role *role)
{
    dns_set_catalog(role, op_text(role, "domain"), op_text(role, "catalog"));
}

static void on_records(void *ctx, enum err result, const struct errmsg *e)
{
    op_next(ctx, result, e);
}

static void write_records(struct role *role)
{
    zone_keeper_run(role->keeper, op_text(role, "domain"), false, on_records, role);
}

static void undo_records(struct role *role)
{
    if (op_flag(role, "zoneExisted")) {
        zone_keeper_run(role->keeper, op_text(role, "domain"), true, on_records, role);
    } else {
        op_done(role); // the zone goes as a whole
    }
}

static const struct op_step STEPS[] = {
    {"checking the zones of this node",           check_zones,         NULL             },
    {"turning on HTTPS and taking the new name",  own_turn_on_https,   own_undo_commits },
    {"waiting for HTTPS",                         own_wait_https,      NULL             },
    {"storing the cluster",                       store_cluster,       own_undo_commits },
    {"waiting for dnsd",                          own_wait_dnsd,       NULL             },
    {"creating the cluster zone",                 create_cluster_zone, undo_cluster_zone},
    {"creating the catalog zone",                 create_catalog,      undo_catalog     },
    {"putting the cluster zone into the catalog", enroll_cluster_zone, NULL             },
    {"writing the node's records",                write_records,       undo_records     },
};
const struct op_kind op_init = {
    .name = "initialize cluster",
    .words = "initializing the cluster",
    .recovery = OP_UNDO,
    .steps = STEPS,
    .count = sizeof STEPS / sizeof STEPS[0],
};

// ---- start -------------------------------------------------------------------------------------

static enum err check_domain(const char *domain, char *folded, char *catalog, struct errmsg *e)
{
    struct name name;
    struct errmsg why = {0};
    char text[NAME_MAX_TEXT];
    if (name_from_text(domain, &name, &why) != ERR_OK || name_labels(name.wire) == 0) {
        return err_set(e, ERR_INVALID, "\"%.200s\" is no domain for a cluster%s%.200s", domain,
                       why.text[0] == '\0' ? "" : ": ", why.text);
    }
    name_fold(name.wire);
    name_to_text(name.wire, text);
    int len = snprintf(catalog, NODE_NAME_MAX, CATALOG_PREFIX "%s", text);
    if (len >= NODE_NAME_MAX || !str_copy(folded, NODE_NAME_MAX, text)) {
        return err_set(e, ERR_INVALID, "the cluster domain is too long");
    }
    return ERR_OK;
}

void role_init(struct role *role, const struct role_init *request, role_fn fn, void *ctx)
{
    char domain[NODE_NAME_MAX];
    char catalog[NODE_NAME_MAX];
    char name[NODE_NAME_MAX];
    struct errmsg e = {0};
    enum err err = ERR_OK;
    if (role->context->self.role != NODE_STANDALONE || role->context->table.in_cluster) {
        err = err_set(&e, ERR_BAD_STATE, "this node is in the cluster %s already",
                      role->context->table.domain);
    }
    if (err == ERR_OK) {
        err = check_domain(request->domain, domain, catalog, &e);
    }
    if (err == ERR_OK) {
        err = own_name(role, domain, name, sizeof name, &e);
    }
    if (err == ERR_OK) {
        err = own_check_addresses(request->addresses, request->address_count,
                                  request->allow_foreign_addresses, &e);
    }
    if (err == ERR_OK) {
        json_t *args = json_pack("{s:s, s:s, s:s, s:s, s:o}", "domain", domain, "catalog", catalog,
                                 "name", name, "actor", request->actor, "addresses",
                                 own_addresses_json(request->addresses, request->address_count));
        err = op_start(role, &op_init, args, fn, ctx, &e);
    }
    if (err != ERR_OK) {
        fn(ctx, err, &e);
    }
}
