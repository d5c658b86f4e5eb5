/*
 * What this node does to itself when it becomes a member of a cluster, or leaves it. Thread: loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/dns/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTPS_WAIT_MS    20000u
#define DNSD_WAIT_MS     10000u
#define LOOK_MS          25u
#define TSIG_SECRET_SIZE 32

enum err own_name(const struct role *role, const char *domain, char *name, size_t size,
                  struct errmsg *e)
{
    const char *present = role->context->self.name;
    size_t label = strcspn(present, ".");
    char text[2 * NODE_NAME_MAX];
    snprintf(text, sizeof text, "%.*s.%s", (int)label, present, domain);
    struct name wire;
    struct errmsg why = {0};
    if (name_from_text(text, &wire, &why) != ERR_OK || !str_copy(name, size, text)) {
        return err_set(e, ERR_INVALID, "\"%.200s\" is no name for this node: %.200s", text,
                       why.text);
    }
    str_lower(name);
    return ERR_OK;
}

enum err own_check_addresses(char *const *addresses, size_t count, bool allow_foreign,
                             struct errmsg *e)
{
    struct node node = {0};
    enum err err = node_set_addresses(&node, addresses, count, e);
    for (size_t i = 0; i < node.address_count && err == ERR_OK && !allow_foreign; i++) {
        if (!local_has_address(node.addresses[i])) {
            err = err_set(e, ERR_INVALID,
                          "%s is no address of this host; confirm it if the other nodes reach this "
                          "one by it (NAT, containers)",
                          node.addresses[i]);
        }
    }
    return err;
}

json_t *own_addresses_json(char *const *addresses, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(addresses[i]));
    }
    return list;
}

void own_node(const struct role *role, struct node *node)
{
    const struct context *context = role->context;
    const struct local_status *local = local_get(role->local);
    const json_t *list = json_object_get(role->op.args, "addresses");
    char *texts[NODE_ADDRESSES_MAX];
    char copies[NODE_ADDRESSES_MAX][NODE_ADDRESS_TEXT];
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < NODE_ADDRESSES_MAX; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text != NULL && str_copy(copies[count], NODE_ADDRESS_TEXT, text)) {
            texts[count] = copies[count];
            count++;
        }
    }
    *node = (struct node){.id = context->self.id, .dns_port = local_dns_port(context->store)};
    struct errmsg ignored;
    enum err err = node_set_addresses(node, texts, count, &ignored); // checked before the start
    bool fits = str_copy(node->name, sizeof node->name, op_text(role, "name"));
    (void)err;
    (void)fits; // as long as a DNS name at most
    snprintf(node->url, sizeof node->url, "https://%s:%u/", node->name, local->https_port);
    memcpy(node->public_key, context->public_key, sizeof node->public_key);
    memcpy(node->pins[0], local->spki, SHA256_SIZE);
    node->pin_count = local->tls_is_on ? 1 : 0;
}

// ---- HTTPS and the name ------------------------------------------------------------------------

static bool has_certificate_path(struct store *store)
{
    struct str text;
    str_init(&text);
    bool has = store_get(store, "settings/webServiceTlsCertificatePath", &text) &&
               strcmp(text.text, "null") != 0 && strcmp(text.text, "\"\"") != 0;
    str_fini(&text);
    return has;
}

void own_turn_on_https(struct role *role)
{
    struct store *store = role->context->store;
    struct str name;
    str_init(&name);
    str_printf(&name, "\"%s\"", op_text(role, "name"));
    struct store_change changes[3] = {
        {.path = "settings/dnsServerDomain",                       .value = name.text},
        {.path = "settings/webServiceEnableTls",                   .value = "true"   },
        {.path = "settings/webServiceUseSelfSignedTlsCertificate", .value = "true"   },
    };
    size_t count = has_certificate_path(store) ? 2 : 3;
    struct store_result result;
    struct errmsg e = {0};
    enum err err = op_commit(role, changes, count, 0, &result, &e);
    str_fini(&name);
    op_next(role, err, &e);
}

static void look_for_https(struct role *role);

static void on_https_looked(void *ctx)
{
    struct role *role = ctx;
    const struct local_status *local = local_get(role->local);
    if (role->stopping || role->op.kind == NULL) {
        return;
    }
    uint64_t wanted = (uint64_t)json_integer_value(json_object_get(role->op.args, "revision"));
    if (local->web_is_up && local->tls_is_on && local->web_revision >= wanted) {
        op_done(role);
        return;
    }
    const struct consumer *webd = &role->context->consumers.row[RPC_WEBD];
    struct errmsg e = {0};
    if (webd->refused >= wanted && webd->refused != 0) {
        op_next(role, err_set(&e, ERR_BAD_STATE, "webd cannot serve HTTPS: %s", webd->reason), &e);
    } else if (clock_mono_ms() > role->op.deadline_ms) {
        op_next(role,
                err_set(&e, ERR_TIMEOUT,
                        local->web_is_up ? "webd does not serve HTTPS; is its port free?"
                                         : "webd does not answer"),
                &e);
    } else {
        op_wait(role, LOOK_MS, look_for_https);
    }
}

static void look_for_https(struct role *role)
{
    local_look(role->local, on_https_looked, role);
}

void own_wait_https(struct role *role)
{
    op_set(role, "revision", json_integer((json_int_t)store_revision(role->context->store)));
    role->op.deadline_ms = clock_mono_ms() + HTTPS_WAIT_MS;
    look_for_https(role);
}

void own_undo_commits(struct role *role)
{
    struct errmsg e = {0};
    enum err err = op_undo_commits(role, &e);
    op_next(role, err, &e);
}

static void look_for_dnsd(struct role *role)
{
    const struct consumer *dnsd = &role->context->consumers.row[RPC_DNSD];
    uint64_t wanted = (uint64_t)json_integer_value(json_object_get(role->op.args, "revision"));
    struct errmsg e = {0};
    if (dnsd->heard && dnsd->revision >= wanted) {
        op_done(role);
    } else if (dnsd->refused >= wanted && dnsd->refused != 0) {
        op_next(role, err_set(&e, ERR_BAD_STATE, "dnsd refuses the config: %s", dnsd->reason), &e);
    } else if (clock_mono_ms() > role->op.deadline_ms) {
        op_next(role, err_set(&e, ERR_TIMEOUT, "dnsd has not taken over the config in time"), &e);
    } else {
        op_wait(role, LOOK_MS, look_for_dnsd);
    }
}

void own_wait_dnsd(struct role *role)
{
    op_set(role, "revision", json_integer((json_int_t)store_revision(role->context->store)));
    role->op.deadline_ms = clock_mono_ms() + DNSD_WAIT_MS;
    look_for_dnsd(role);
}

// ---- out of the cluster ------------------------------------------------------------------------

void own_changes_add(struct own_changes *changes, const char *path, const char *value)
{
    mem_grow(&changes->items, &changes->capacity, changes->count + 1, sizeof *changes->items);
    changes->items[changes->count++] = (struct store_change){
        .path = mem_strdup(path), .value = value == NULL ? NULL : mem_strdup(value)};
}

static void free_const(const char *text)
{
    union {
        const char *c;
        char *m;
    } u = {.c = text};
    mem_free(u.m);
}

void own_changes_fini(struct own_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free_const(changes->items[i].path);
        free_const(changes->items[i].value);
    }
    mem_free(changes->items);
}

static bool add_deletion(void *ctx, const struct store_object *object)
{
    own_changes_add(ctx, object->path, NULL);
    return true;
}

void own_tsig_path(const char *catalog, char *path, size_t size)
{
    snprintf(path, size, "tsig/%s", catalog);
}

enum err own_leave_changes(const struct role *role, struct own_changes *changes, struct errmsg *e)
{
    static const char *const prefixes[] = {"nodes/", "cluster/", "joinTokens/"};
    const struct context *context = role->context;
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && err == ERR_OK; i++) {
        err = store_each(context->store, prefixes[i], NULL, add_deletion, changes, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    char path[NODE_NAME_MAX + 16];
    own_tsig_path(op_text(role, "catalog"), path, sizeof path);
    own_changes_add(changes, path, NULL);
    char *identity = node_self_json(context->self.id, context->self.name, NODE_STANDALONE,
                                    store_version(context->store).epoch);
    own_changes_add(changes, NODE_IDENTITY_PATH, identity);
    mem_free(identity);
    return ERR_OK;
}

char *own_tsig_json(void)
{
    uint8_t secret[TSIG_SECRET_SIZE];
    char text[64];
    rand_bytes(secret, sizeof secret);
    str_base64(text, secret, sizeof secret);
    struct str json;
    str_init(&json);
    str_printf(&json, "{\"algorithm\":\"hmac-sha256\",\"secret\":\"%s\"}", text);
    mem_wipe(secret, sizeof secret);
    return str_take(&json);
}
