/*
 * The primary's side of joining and leaving, and join tokens.
 *
 * A join is two requests. "check" proves who asks (a user whom webd has authenticated, or a join
 * token) and gets a ticket; "register" brings the ticket and the node's own data, and adds it to
 * the node table. A ticket is good for two minutes and one node; it may be used again by that node,
 * when an answer was lost. A join token ends with the first registration. Thread: clusterd's loop.
 */
#include "clusterd/role/internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKETS_MAX           32
#define TICKET_MS             120000u
#define SECRET_SIZE           32
#define SECRET_TEXT           (2 * SECRET_SIZE + 1)
#define TOKEN_VALID_DEFAULT_S 3600u

struct ticket {
    char secret[SECRET_TEXT]; // "" = free
    uint32_t node;
    uint64_t until_ms;   // monotonic
    char token_path[96]; // join token used, "" = none
    char actor[256];
};
struct admission {
    struct role *role;
    struct ticket tickets[TICKETS_MAX];
    size_t next; // to be overwritten
};

static const char *text_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static void make_secret(char text[SECRET_TEXT])
{
    uint8_t bytes[SECRET_SIZE];
    rand_bytes(bytes, sizeof bytes);
    str_hex(text, bytes, sizeof bytes);
    mem_wipe(bytes, sizeof bytes);
}

// ---- join tokens -------------------------------------------------------------------------------

// The store keeps only the digest of the secret.
static void token_path(const char *secret, char *path, size_t size)
{
    uint8_t digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    hash_sha256(secret, strlen(secret), digest);
    str_hex(hex, digest, sizeof digest);
    snprintf(path, size, "joinTokens/%s", hex);
}

static uint64_t token_expires(const char *value)
{
    json_t *json = json_loads(value, 0, NULL);
    json_int_t expires = json_integer_value(json_object_get(json, "expires"));
    json_decref(json);
    return expires < 0 ? 0 : (uint64_t)expires;
}

static bool add_expired(void *ctx, const struct store_object *object)
{
    if (token_expires(object->value) < clock_unix_ms()) {
        own_changes_add(ctx, object->path, NULL);
    }
    return true;
}

// base64url without padding of {"url","address","spki","secret"}
static char *token_text(const struct node *self, const char *secret)
{
    char spki[2 * SHA256_SIZE + 1];
    str_hex(spki, self->pins[0], SHA256_SIZE);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "url", self->url, "address",
                             self->addresses[0], "spki", spki, "secret", secret);
    char *plain = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    size_t len = strlen(plain);
    char *token = mem_alloc(4 * ((len + 2) / 3) + 1);
    str_base64(token, plain, len);
    free(plain);
    for (char *p = token; *p != '\0'; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
        if (*p == '=') {
            *p = '\0';
            break;
        }
    }
    return token;
}

enum err token_parse(const char *token, struct join_state *join, struct errmsg *e)
{
    struct str padded;
    str_init(&padded);
    str_add(&padded, token);
    for (char *p = padded.text; *p != '\0'; p++) {
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    }
    while (padded.len % 4 != 0) {
        str_add_char(&padded, '=');
    }
    uint8_t plain[1024];
    size_t len = 0;
    json_t *json = NULL;
    if (str_from_base64(padded.text, padded.len, plain, sizeof plain, &len) == ERR_OK) {
        json = json_loadb((const char *)plain, len, 0, NULL);
    }
    str_fini(&padded);
    const char *spki = text_member(json, "spki");
    size_t pin_len = 0;
    bool good = str_copy(join->url, sizeof join->url, text_member(json, "url")) &&
                str_copy(join->address, sizeof join->address, text_member(json, "address")) &&
                str_copy(join->token, sizeof join->token, text_member(json, "secret")) &&
                str_from_hex(spki, strlen(spki), join->pin, SHA256_SIZE, &pin_len) == ERR_OK &&
                pin_len == SHA256_SIZE && join->url[0] != '\0' && join->token[0] != '\0';
    join->has_pin = good;
    json_decref(json);
    return good ? ERR_OK
                : err_set(e, ERR_INVALID, "this is no join token; make one on the primary");
}

static enum err need_primary(const struct role *role, struct errmsg *e)
{
    const struct context *context = role->context;
    if (context->self.role == NODE_PRIMARY) {
        return ERR_OK;
    }
    const struct node *primary = node_table_primary(&context->table);
    if (context->self.role == NODE_SECONDARY && primary != NULL) {
        return err_set(e, ERR_NOT_PRIMARY, "%s is a secondary; the primary is %s (%s)",
                       context->self.name, primary->name, primary->url);
    }
    return err_set(e, ERR_BAD_STATE, "%s is in no cluster", context->self.name);
}

enum err role_token(struct role *role, uint32_t valid_s, const char *actor, char **token,
                    uint64_t *expires_ms, struct errmsg *e)
{
    struct context *context = role->context;
    enum err err = need_primary(role, e);
    const struct node *self = node_table_find(&context->table, context->self.id);
    if (err == ERR_OK && (self == NULL || self->address_count == 0)) {
        err = err_set(e, ERR_BAD_STATE, "this node is not in its own node table");
    }
    if (err != ERR_OK || self == NULL) {
        return err;
    }
    char secret[SECRET_TEXT];
    char path[96];
    char value[96];
    make_secret(secret);
    token_path(secret, path, sizeof path);
    uint64_t expires = clock_unix_ms() + (valid_s == 0 ? TOKEN_VALID_DEFAULT_S : valid_s) * 1000ull;
    snprintf(value, sizeof value, "{\"expires\":%llu}", (unsigned long long)expires);
    struct own_changes changes = {0};
    own_changes_add(&changes, path, value);
    err = store_each(context->store, "joinTokens/", NULL, add_expired, &changes, e);
    if (err == ERR_OK) {
        struct store_request request = {.changes = changes.items,
                                        .count = changes.count,
                                        .actor = actor,
                                        .node = context->self.name,
                                        .summary = "join token made"};
        struct store_result result;
        err = store_commit(context->store, &request, &result, e);
    }
    own_changes_fini(&changes);
    if (err == ERR_OK) {
        *token = token_text(self, secret);
        *expires_ms = expires;
    }
    mem_wipe(secret, sizeof secret);
    return err;
}

// ---- tickets -----------------------------------------------------------------------------------

static struct ticket *find_ticket(struct admission *admission, const char *secret, uint32_t node)
{
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < TICKETS_MAX; i++) {
        struct ticket *ticket = &admission->tickets[i];
        if (ticket->secret[0] != '\0' && now < ticket->until_ms && ticket->node == node &&
            str_equal_secret(ticket->secret, strlen(ticket->secret), secret, strlen(secret))) {
            return ticket;
        }
    }
    return NULL;
}

static struct ticket *new_ticket(struct admission *admission, uint32_t node)
{
    struct ticket *ticket = &admission->tickets[admission->next];
    admission->next = (admission->next + 1) % TICKETS_MAX;
    *ticket = (struct ticket){.node = node, .until_ms = clock_mono_ms() + TICKET_MS};
    make_secret(ticket->secret);
    return ticket;
}

// ---- join: check -------------------------------------------------------------------------------

static enum err check_token(struct admission *admission, const char *secret, char *path,
                            size_t size, struct errmsg *e)
{
    struct str value;
    str_init(&value);
    token_path(secret, path, size);
    bool good = store_get(admission->role->context->store, path, &value) &&
                token_expires(value.text) >= clock_unix_ms();
    str_fini(&value);
    return good ? ERR_OK
                : err_set(e, ERR_DENIED,
                          "the join token is unknown, used or expired; make a new "
                          "one on the primary");
}

static enum err check_newcomer(const struct role *role, uint32_t id, const char *name,
                               struct errmsg *e)
{
    const struct node_table *table = &role->context->table;
    const struct node *same_name = node_table_find_name(table, name);
    if (same_name != NULL && same_name->id != id) {
        return err_set(e, ERR_EXISTS,
                       "a node named %s is in the cluster already; give this one "
                       "another host name",
                       name);
    }
    size_t domain = strlen(table->domain);
    size_t len = strlen(name);
    if (len <= domain + 1 || strcmp(name + len - domain, table->domain) != 0 ||
        name[len - domain - 1] != '.') {
        return err_set(e, ERR_INVALID, "%s is not below the cluster domain %s", name,
                       table->domain);
    }
    if (table->count >= NODE_COUNT_MAX && node_table_find(table, id) == NULL) {
        return err_set(e, ERR_BAD_STATE, "a cluster has at most %d nodes", NODE_COUNT_MAX);
    }
    return ERR_OK;
}

static uint32_t node_id_of(const json_t *body)
{
    json_int_t id = json_integer_value(json_object_get(body, "id"));
    return id >= 1 && id <= INT32_MAX ? (uint32_t)id : 0;
}

static json_t *check_answer(const struct role *role, const struct ticket *ticket)
{
    const struct context *context = role->context;
    const struct node *primary = node_table_primary(&context->table);
    char *text = node_json(primary);
    json_t *node = json_loads(text, 0, NULL);
    mem_free(text);
    return json_pack("{s:i, s:s, s:s, s:s, s:I, s:o}", "protocol", JOIN_PROTOCOL, "ticket",
                     ticket->secret, "domain", context->table.domain, "catalog",
                     context->table.catalog, "primaryId", (json_int_t)primary->id, "primary", node);
}

static enum err serve_check(struct admission *admission, const struct peer_incoming *in,
                            json_t **reply, struct errmsg *e)
{
    const struct role *role = admission->role;
    uint32_t id = node_id_of(in->body);
    char path[96] = "";
    char name[2 * NODE_NAME_MAX];
    enum err err = ERR_OK;
    if (in->user[0] == '\0') {
        err = check_token(admission, text_member(in->body, "token"), path, sizeof path, e);
    }
    if (err == ERR_OK) {
        err = need_primary(role, e);
    }
    if (err == ERR_OK &&
        json_integer_value(json_object_get(in->body, "protocol")) != JOIN_PROTOCOL) {
        err = err_set(e, ERR_UNSUPPORTED,
                      "the two nodes speak different versions of the cluster protocol; install "
                      "the same release on both");
    }
    if (err == ERR_OK && (id == 0 || node_table_primary(&role->context->table) == NULL ||
                          id == role->context->self.id)) {
        err = err_set(e, ERR_INVALID, "a node cannot join itself");
    }
    if (err == ERR_OK) {
        snprintf(name, sizeof name, "%.200s.%s", text_member(in->body, "host"),
                 role->context->table.domain);
        err = check_newcomer(role, id, name, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct ticket *ticket = new_ticket(admission, id);
    bool fits = str_copy(ticket->token_path, sizeof ticket->token_path, path) &&
                str_copy(ticket->actor, sizeof ticket->actor,
                         in->user[0] == '\0' ? "join token" : in->user);
    (void)fits; // both come from tables with shorter names
    *reply = check_answer(role, ticket);
    return ERR_OK;
}

// ---- join: register ----------------------------------------------------------------------------

static enum err take_node(const json_t *body, struct node *node, struct errmsg *e)
{
    char *text = json_dumps(json_object_get(body, "node"), JSON_COMPACT | JSON_ENCODE_ANY);
    enum err err = node_parse(text == NULL ? "" : text, node, e);
    free(text);
    node->is_primary = false;
    return err;
}

static enum err serve_register(struct admission *admission, const struct peer_incoming *in,
                               json_t **reply, struct errmsg *e)
{
    struct role *role = admission->role;
    struct node node = {.id = node_id_of(in->body)};
    struct ticket *ticket = find_ticket(admission, text_member(in->body, "token"), node.id);
    if (ticket == NULL) {
        return err_set(e, ERR_DENIED, "the permission to join has expired; try again");
    }
    enum err err = need_primary(role, e);
    if (err == ERR_OK) {
        err = take_node(in->body, &node, e);
    }
    if (err == ERR_OK) {
        err = check_newcomer(role, node.id, node.name, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    char path[32];
    char summary[NODE_NAME_MAX + 32];
    node_path(node.id, path, sizeof path);
    snprintf(summary, sizeof summary, "node %s joined", node.name);
    char *text = node_json(&node);
    struct store_change changes[] = {
        {.path = path, .value = text},
        {.path = ticket->token_path           }
    };
    struct store_request request = {.changes = changes,
                                    .count = ticket->token_path[0] == '\0' ? 1 : 2,
                                    .actor = ticket->actor,
                                    .node = role->context->self.name,
                                    .summary = summary};
    struct store_result result;
    err = store_commit(role->context->store, &request, &result, e);
    mem_free(text);
    if (err == ERR_OK) {
        log_info("node joined", F_STR("node", node.name), F_STR("from", in->remote_address));
        *reply = json_object();
    }
    return err;
}

static enum err serve_join(void *ctx, const struct peer_incoming *in, json_t **reply,
                           struct errmsg *e)
{
    const char *phase = text_member(in->body, "phase");
    if (strcmp(phase, "check") == 0) {
        return serve_check(ctx, in, reply, e);
    }
    if (strcmp(phase, "register") == 0) {
        return serve_register(ctx, in, reply, e);
    }
    return err_set(e, ERR_INVALID, "phase: check or register is expected");
}

// ---- leaving -----------------------------------------------------------------------------------

enum err admission_remove(struct role *role, uint32_t id, const char *actor, const char *summary,
                          struct errmsg *e)
{
    struct context *context = role->context;
    char path[32];
    char tsig_path[NODE_NAME_MAX + 16];
    node_path(id, path, sizeof path);
    own_tsig_path(context->table.catalog, tsig_path, sizeof tsig_path);
    char *tsig = own_tsig_json();
    struct store_change changes[] = {
        {.path = path  },
        { .path = tsig_path, .value = tsig}
    };
    struct store_request request = {.changes = changes,
                                    .count = 2,
                                    .actor = actor,
                                    .node = context->self.name,
                                    .summary = summary};
    struct store_result result;
    enum err err = store_commit(context->store, &request, &result, e);
    mem_free(tsig);
    return err;
}

static enum err serve_leave(void *ctx, const struct peer_incoming *in, json_t **reply,
                            struct errmsg *e)
{
    struct admission *admission = ctx;
    enum err err = need_primary(admission->role, e);
    if (err != ERR_OK) {
        return err;
    }
    char name[NODE_NAME_MAX];
    char summary[NODE_NAME_MAX + 32];
    memcpy(name, in->node->name, sizeof name); // the commit reads the table anew
    snprintf(summary, sizeof summary, "node %s left", name);
    err =
        admission_remove(admission->role, in->node->id, text_member(in->body, "actor"), summary, e);
    if (err == ERR_OK) {
        log_info("node left", F_STR("node", name));
        *reply = json_object();
    }
    return err;
}

// A node tells what has changed about itself: addresses, name, URL, pins.
static enum err serve_update(void *ctx, const struct peer_incoming *in, json_t **reply,
                             struct errmsg *e)
{
    struct admission *admission = ctx;
    struct role *role = admission->role;
    struct node node = {.id = in->node->id};
    enum err err = need_primary(role, e);
    if (err == ERR_OK) {
        err = take_node(in->body, &node, e);
    }
    if (err == ERR_OK) {
        err = check_newcomer(role, node.id, node.name, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    char path[32];
    char summary[NODE_NAME_MAX + 32];
    node_path(node.id, path, sizeof path);
    snprintf(summary, sizeof summary, "node %s changed", node.name);
    char *text = node_json(&node);
    struct store_change change = {.path = path, .value = text, .must_exist = true};
    struct store_request request = {.changes = &change,
                                    .count = 1,
                                    .actor = text_member(in->body, "actor"),
                                    .node = in->node->name,
                                    .summary = summary};
    struct store_result result;
    err = store_commit(role->context->store, &request, &result, e);
    mem_free(text);
    if (err == ERR_OK) {
        *reply = json_object();
    }
    return err;
}

struct admission *admission_new(struct role *role, struct peer_server *server)
{
    struct admission *admission = mem_zalloc(sizeof *admission);
    admission->role = role;
    const struct peer_operation operations[] = {
        {.name = "join",   .is_signed = false, .serve = serve_join,   .ctx = admission},
        {.name = "leave",  .is_signed = true,  .serve = serve_leave,  .ctx = admission},
        {.name = "update", .is_signed = true,  .serve = serve_update, .ctx = admission},
    };
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        peer_server_add(server, &operations[i]);
    }
    return admission;
}

void admission_free(struct admission *admission)
{
    if (admission != NULL) {
        mem_wipe(admission->tickets, sizeof admission->tickets);
        mem_free(admission);
    }
}
