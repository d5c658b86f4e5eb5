// JSON that several calls share.

#include "webd/api/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "webd/api/idn.h"

// ---- sessions ----------------------------------------------------------------------------------

json_t *view_session(const struct api_call *call, const struct session *s)
{
    bool is_current = call->has_session && memcmp(call->session_hash, s->hash, SHA256_SIZE) == 0;
    json_t *o = json_object();
    json_object_set_new(o, "username", json_text(s->user));
    json_object_set_new(o, "isCurrentSession", json_boolean(is_current));
    json_object_set_new(o, "partialToken", json_string(s->partial));
    json_object_set_new(o, "type", json_string(session_type_names[s->type]));
    json_object_set_new(o, "tokenName",
                        s->token_name == NULL ? json_null() : json_text(s->token_name));
    json_object_set_new(o, "lastSeen", json_time_ms(s->last_seen_ms));
    json_object_set_new(o, "lastSeenRemoteAddress", json_string(s->remote));
    json_object_set_new(o, "lastSeenUserAgent",
                        s->user_agent == NULL ? json_null() : json_text(s->user_agent));
    return o;
}

struct session_pick {
    const struct session **items;
    size_t count;
    size_t capacity;
    const char *user;
};

static void pick(void *ctx, struct session *s)
{
    struct session_pick *p = ctx;
    if (p->user == NULL || strcmp(p->user, s->user) == 0) {
        mem_grow(&p->items, &p->capacity, p->count + 1, sizeof *p->items);
        p->items[p->count++] = s;
    }
}

static int newer_first(const void *a, const void *b)
{
    uint64_t seen_a = (*(const struct session *const *)a)->last_seen_ms;
    uint64_t seen_b = (*(const struct session *const *)b)->last_seen_ms;
    return seen_a < seen_b ? 1 : seen_a > seen_b ? -1 : 0;
}

struct token_list {
    struct api_call *call;
    const struct session_pick *used;
    const char *user;
    json_t *out;
};

// API tokens that were never used here have no session yet.
static bool add_unused_token(void *ctx, const char *path, const char *json)
{
    struct token_list *list = ctx;
    char key[CONF_PATH_MAX];
    uint8_t hash[SHA256_SIZE];
    size_t len = 0;
    if (conf_path_key(path, key, sizeof key) != ERR_OK ||
        str_from_hex(key, strlen(key), hash, sizeof hash, &len) != ERR_OK || len != sizeof hash) {
        return true;
    }
    for (size_t i = 0; i < list->used->count; i++) {
        if (memcmp(list->used->items[i]->hash, hash, sizeof hash) == 0) {
            return true;
        }
    }
    json_t *token = json_loads(json, 0, NULL);
    const char *user = json_string_value(json_object_get(token, "user"));
    const char *name = json_string_value(json_object_get(token, "name"));
    const char *partial = json_string_value(json_object_get(token, "partial"));
    if (user != NULL && (list->user == NULL || strcmp(list->user, user) == 0)) {
        struct session s = {
            .type = SESSION_API_TOKEN, .user = proto_text(user), .token_name = proto_text(name)};
        snprintf(s.partial, sizeof s.partial, "%.*s", TOKEN_PARTIAL,
                 partial == NULL ? key : partial);
        json_array_append_new(list->out, view_session(list->call, &s));
    }
    json_decref(token);
    return true;
}

json_t *view_sessions(struct api_call *call, const char *user)
{
    struct session_pick all = {.user = user};
    session_each(call->api->sessions, pick, &all);
    if (all.count > 1) {
        qsort(all.items, all.count, sizeof *all.items, newer_first);
    }
    json_t *out = json_array();
    for (size_t i = 0; i < all.count; i++) {
        json_array_append_new(out, view_session(call, all.items[i]));
    }
    struct token_list list = {.call = call, .used = &all, .user = user, .out = out};
    conf_map_each(api_map(call->api), "tokens/", add_unused_token, &list);
    mem_free(all.items);
    return out;
}

// ---- users and rights --------------------------------------------------------------------------

json_t *view_user(struct api_call *call, const struct account *account, bool details)
{
    struct session_logins logins;
    session_logins(call->api->sessions, account->name, &logins);
    json_t *o = json_object();
    json_object_set_new(o, "displayName", json_text(account->display));
    json_object_set_new(o, "username", json_text(account->name));
    json_object_set_new(o, "isSsoUser", json_false());
    json_object_set_new(o, "totpEnabled", json_boolean(account->totp[0] != 0));
    json_object_set_new(o, "disabled", json_boolean(account->is_disabled));
    json_object_set_new(o, "previousSessionLoggedOn", json_time_ms(logins.previous_ms));
    json_object_set_new(o, "previousSessionRemoteAddress", json_string(logins.previous_remote));
    json_object_set_new(o, "recentSessionLoggedOn", json_time_ms(logins.recent_ms));
    json_object_set_new(o, "recentSessionRemoteAddress", json_string(logins.recent_remote));
    if (!details) {
        return o;
    }
    json_t *groups = json_array();
    const json_t *stored = json_object_get(account->object, "groups");
    for (size_t i = 0; i < json_array_size(stored); i++) {
        const char *name = json_string_value(json_array_get(stored, i));
        if (name != NULL && !str_equal_nocase(name, GROUP_EVERYONE)) {
            json_array_append_new(groups, json_string(name));
        }
    }
    json_object_set_new(o, "sessionTimeoutSeconds", json_integer(account->session_timeout_s));
    json_object_set_new(o, "ssoManagedGroups", json_false());
    json_object_set_new(o, "memberOfGroups", groups);
    json_object_set_new(o, "sessions", view_sessions(call, account->name));
    return o;
}

static void set_flags(json_t *object, unsigned flags)
{
    json_object_set_new(object, "canView", json_boolean(flags & PERMISSION_VIEW));
    json_object_set_new(object, "canModify", json_boolean(flags & PERMISSION_MODIFY));
    json_object_set_new(object, "canDelete", json_boolean(flags & PERMISSION_DELETE));
}

json_t *view_rights(const struct api_call *call)
{
    json_t *o = json_object();
    for (int i = 0; i < SECTION_COUNT; i++) {
        unsigned flags = call->is_administrator
                             ? PERMISSION_ALL
                             : permission_of(api_map(call->api), &call->account, (enum section)i);
        json_t *row = json_object();
        set_flags(row, flags);
        json_object_set_new(o, section_names[i], row);
    }
    return o;
}

static json_t *permission_rows(json_t *members, const char *label)
{
    json_t *rows = json_array();
    for (void *at = json_object_iter(members); at != NULL;
         at = json_object_iter_next(members, at)) {
        json_t *row = json_object();
        json_object_set_new(row, label, json_string(json_object_iter_key(at)));
        set_flags(row, permission_from_text(json_string_value(json_object_iter_value(at))));
        json_array_append_new(rows, row);
    }
    return rows;
}

void view_permissions(json_t *object, const json_t *permissions)
{
    json_object_set_new(object, "userPermissions",
                        permission_rows(json_object_get(permissions, "users"), "username"));
    json_object_set_new(object, "groupPermissions",
                        permission_rows(json_object_get(permissions, "groups"), "name"));
}

static bool add_name(void *ctx, const char *path, const char *json)
{
    char key[CONF_PATH_MAX];
    (void)json;
    if (conf_path_key(path, key, sizeof key) == ERR_OK && !str_equal_nocase(key, GROUP_EVERYONE)) {
        json_array_append_new(ctx, json_string(key));
    }
    return true;
}

json_t *view_names(const struct api_call *call, const char *kind)
{
    char prefix[32];
    json_t *out = json_array();
    snprintf(prefix, sizeof prefix, "%s/", kind);
    conf_map_each(api_map(call->api), prefix, add_name, out);
    return out;
}

// ---- the cluster -------------------------------------------------------------------------------

struct cluster_question {
    struct api_call *call;
    view_cluster_fn fn;
};

static void on_state(const Clusterd__StateReply *reply, void *ctx)
{
    struct cluster_question question = *(struct cluster_question *)ctx;
    struct errmsg e;
    mem_free(ctx);
    bool is_there = rpc_error_get(reply->error, &e) == ERR_OK;
    question.fn(question.call, is_there ? reply : NULL);
}

void view_cluster(struct api_call *call, view_cluster_fn fn)
{
    struct cluster_question *question = mem_alloc(sizeof *question);
    *question = (struct cluster_question){.call = call, .fn = fn};
    Clusterd__StateRequest request;
    clusterd__state_request__init(&request);
    clusterd__cluster__state(
        rpc_client_service(call->api->clusterd, &clusterd__cluster__descriptor), &request, on_state,
        question);
}

// What the node has of the config; ours.
static json_t *node_config(const Clusterd__Node *node, const Trellis__Version *newest)
{
    json_t *o = json_object();
    char digest[65] = "";
    if (node->version != NULL) {
        json_object_set_new(o, "epoch", json_integer((json_int_t)node->version->epoch));
        json_object_set_new(o, "seq", json_integer((json_int_t)node->version->seq));
    }
    if (node->version != NULL && newest != NULL && node->version->epoch == newest->epoch &&
        node->version->seq <= newest->seq) {
        json_object_set_new(o, "lag", json_integer((json_int_t)(newest->seq - node->version->seq)));
    }
    if (node->applied_dnsd != NULL) {
        json_object_set_new(o, "dnsdSeq", json_integer((json_int_t)node->applied_dnsd->seq));
    }
    if (node->applied_webd != NULL) {
        json_object_set_new(o, "webdSeq", json_integer((json_int_t)node->applied_webd->seq));
    }
    if (node->digest.len > 0 && node->digest.len <= 32) {
        str_hex(digest, node->digest.data, node->digest.len);
        json_object_set_new(o, "digest", json_string(digest));
    }
    if (node->refused[0] != 0) {
        json_object_set_new(o, "refused", json_text(node->refused));
    }
    return o;
}

static const char *node_state_name(Clusterd__NodeState state)
{
    static const char *const names[] = {"Unknown", "Self", "Connected", "Unreachable"};
    return (unsigned)state < 4 ? names[state] : names[0];
}

static json_t *view_node(const Clusterd__Node *node, const Trellis__Version *newest)
{
    json_t *o = json_object();
    json_t *addresses = json_array();
    for (size_t i = 0; i < node->n_addresses; i++) {
        json_array_append_new(addresses, json_text(node->addresses[i]));
    }
    json_object_set_new(o, "id", json_integer(node->id));
    json_object_set_new(o, "name", json_text(node->name));
    json_object_set_new(o, "url", json_text(node->url));
    json_object_set_new(o, "ipAddresses", addresses);
    json_object_set_new(
        o, "type",
        json_string(node->type == CLUSTERD__NODE_TYPE__PRIMARY ? "Primary" : "Secondary"));
    json_object_set_new(o, "state", json_string(node_state_name(node->state)));
    if (node->up_since_ms != 0) {
        json_object_set_new(o, "upSince", json_time_ms(node->up_since_ms));
    }
    if (node->last_seen_ms != 0 && node->state != CLUSTERD__NODE_STATE__SELF) {
        json_object_set_new(o, "lastSeen", json_time_ms(node->last_seen_ms));
    }
    if (node->config_synced_ms != 0) {
        json_object_set_new(o, "configLastSynced", json_time_ms(node->config_synced_ms));
    }
    json_object_set_new(o, "config", node_config(node, newest));
    if (node->product_version[0] != 0) {
        json_object_set_new(o, "productVersion", json_text(node->product_version));
    }
    if (node->last_error[0] != 0) {
        json_object_set_new(o, "lastError", json_text(node->last_error));
    }
    json_object_set_new(o, "catalogSerial", json_integer(node->catalog_serial));
    json_object_set_new(o, "clusterZoneSerial", json_integer(node->cluster_zone_serial));
    return o;
}

json_t *view_nodes(const Clusterd__StateReply *state)
{
    json_t *out = json_array();
    for (size_t i = 0; i < state->n_nodes; i++) {
        json_array_append_new(out, view_node(state->nodes[i], state->version));
    }
    return out;
}

// A node as the config has it, for when clusterd is away.
static bool add_stored_node(void *ctx, const char *path, const char *json)
{
    char key[CONF_PATH_MAX];
    uint32_t id = 0;
    json_t *node = json_loads(json, 0, NULL);
    if (node != NULL && conf_path_key(path, key, sizeof key) == ERR_OK &&
        str_to_u32(key, UINT32_MAX, &id) == ERR_OK) {
        json_t *addresses = json_object_get(node, "addresses");
        json_t *o = json_object();
        json_object_set_new(o, "id", json_integer(id));
        json_object_set(o, "name", json_object_get(node, "name"));
        json_object_set(o, "url", json_object_get(node, "url"));
        json_object_set_new(o, "ipAddresses",
                            addresses == NULL ? json_array() : json_incref(addresses));
        json_object_set(o, "type", json_object_get(node, "type"));
        json_object_set_new(o, "state", json_string("Unknown"));
        json_array_append_new(ctx, o);
    }
    json_decref(node);
    return true;
}

void view_add_cluster(struct api_call *call, json_t *object, const Clusterd__StateReply *state)
{
    const struct api *api = call->api;
    bool is_cluster = state == NULL ? api->cluster_domain[0] != 0 : state->initialized;
    json_object_set_new(object, "clusterInitialized", json_boolean(is_cluster));
    if (!is_cluster) {
        return;
    }
    json_object_set_new(object, "clusterDomain",
                        json_text(state == NULL ? api->cluster_domain : state->domain));
    if (state != NULL) {
        json_object_set_new(object, "clusterNodes", view_nodes(state));
        return;
    }
    json_t *nodes = json_array();
    conf_map_each(api_map(api), "nodes/", add_stored_node, nodes);
    json_object_set_new(object, "clusterNodes", nodes);
}

void view_name(json_t *object, const char *member, const char *name)
{
    char unicode[NAME_MAX_TEXT];
    char label[64];
    json_object_set_new(object, member, json_text(name));
    if (idn_to_unicode(name, unicode, sizeof unicode)) {
        snprintf(label, sizeof label, "%sIdn", member);
        json_object_set_new(object, label, json_text(unicode));
    }
}
