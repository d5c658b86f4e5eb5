/*
 * clusterd.Peer. Answers to forwarded calls that are larger than INLINE_MAX travel as files of the
 * spool folder; webd removes them. Thread: clusterd's loop.
 */
#include "clusterd/ctl/peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/file.h"
#include "common/base/mem.h"

#define INLINE_MAX      ((size_t)64 * 1024)
#define SPOOL_NAME_SIZE 64
#define HEADERS_MAX     64

struct ctl_peer {
    Clusterd__Peer_Service service; // first: handlers get a pointer to it
    struct context *context;
    struct peer_client *client;
    struct peer_server *server;
};

static struct ctl_peer *self_of(Clusterd__Peer_Service *service)
{
    return (struct ctl_peer *)(void *)service;
}

static size_t take_headers(Clusterd__HttpHeader *const *from, size_t count,
                           struct http_header to[HEADERS_MAX])
{
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < HEADERS_MAX; i++) {
        to[taken++] = (struct http_header){from[i]->name, from[i]->value};
    }
    return taken;
}

// ---- asked by other nodes ----------------------------------------------------------------------

static void handle_receive(Clusterd__Peer_Service *service, const Clusterd__PeerRequest *request,
                           Clusterd__PeerReply_Closure closure, void *closure_data)
{
    struct http_header headers[HEADERS_MAX];
    struct peer_request received = {
        .path = request->path,
        .headers = headers,
        .header_count = take_headers(request->headers, request->n_headers, headers),
        .body = request->body.data,
        .body_len = request->body.len,
        .remote_address = request->remote_address,
        .user = request->authenticated_user,
    };
    json_t *answer = NULL;
    Clusterd__PeerReply reply;
    clusterd__peer_reply__init(&reply);
    reply.http_status = peer_server_receive(self_of(service)->server, &received, &answer);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (text != NULL) {
        reply.body.data = (uint8_t *)text;
        reply.body.len = strlen(text);
    }
    closure(&reply, closure_data);
    free(text);
    json_decref(answer);
}

static void handle_verify(Clusterd__Peer_Service *service, const Clusterd__VerifyRequest *request,
                          Clusterd__VerifyReply_Closure closure, void *closure_data)
{
    struct http_header headers[HEADERS_MAX];
    size_t count = take_headers(request->headers, request->n_headers, headers);
    struct sign_result *result = mem_zalloc(sizeof *result);
    char *name = NULL;
    struct errmsg e = {0};
    Trellis__Error error;
    Clusterd__VerifyReply reply;
    clusterd__verify_reply__init(&reply);
    enum err err = ERR_INVALID;
    if (request->body_sha256.len != SHA256_SIZE) {
        (void)err_set(&e, ERR_INVALID, "the body's digest is missing");
    } else {
        err = peer_server_verify(self_of(service)->server, request->method, request->target,
                                 headers, count, request->body_sha256.data, result, &e);
    }
    if (err != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        reply.node_id = result->node->id;
        name = mem_strdup(result->node->name);
        reply.node_name = name;
        reply.acting_user = result->acting_user;
    }
    closure(&reply, closure_data);
    mem_free(name);
    mem_free(result);
}

// ---- asking other nodes ------------------------------------------------------------------------

struct forward {
    struct ctl_peer *peer;
    Clusterd__ForwardReply_Closure closure;
    void *closure_data;
    char target[NODE_NAME_MAX + 16];   // in words
    char reply_name[SPOOL_NAME_SIZE];
    char reply_path[512];
};

static void forward_fail(struct forward *forward, struct errmsg *e)
{
    Clusterd__ForwardReply reply;
    clusterd__forward_reply__init(&reply);
    Trellis__Error error;
    reply.error = rpc_error(&error, e);
    forward->closure(&reply, forward->closure_data);
    if (forward->reply_path[0] != '\0') {
        unlink(forward->reply_path);
    }
    mem_free(forward);
}

static Clusterd__HttpHeader **put_headers(struct arena *arena, const struct http_reply *from)
{
    Clusterd__HttpHeader **list = arena_alloc(arena, (from->header_count + 1) * sizeof *list);
    for (size_t i = 0; i < from->header_count; i++) {
        list[i] = arena_alloc(arena, sizeof *list[i]);
        clusterd__http_header__init(list[i]);
        list[i]->name = arena_strdup(arena, from->headers[i].name);
        list[i]->value = arena_strdup(arena, from->headers[i].value);
    }
    return list;
}

// A small answer goes into the message and its file is removed; a large one stays a file.
static void on_answer(void *ctx, const struct http_reply *answer)
{
    struct forward *forward = ctx;
    struct errmsg e = {0};
    if (answer->result != ERR_OK) {
        (void)err_set(&e, answer->result, "%s does not answer: %.300s", forward->target,
                      answer->error);
        forward_fail(forward, &e);
        return;
    }
    struct arena arena;
    arena_init(&arena);
    Clusterd__ForwardReply reply;
    clusterd__forward_reply__init(&reply);
    reply.http_status = answer->status;
    reply.n_headers = answer->header_count;
    reply.headers = put_headers(&arena, answer);
    uint8_t *body = NULL;
    size_t body_len = 0;
    enum err err = file_read(forward->reply_path, INLINE_MAX, &body, &body_len, &e);
    if (err == ERR_OK) {
        reply.body.data = body;
        reply.body.len = body_len;
        unlink(forward->reply_path);
    } else {
        reply.body_file = forward->reply_name;
    }
    forward->closure(&reply, forward->closure_data);
    mem_free(body);
    arena_fini(&arena);
    mem_free(forward);
}

static const struct node *find_target(const struct ctl_peer *peer, const char *name,
                                      struct errmsg *e)
{
    const struct node_table *table = &peer->context->table;
    const struct node *node =
        name[0] == '\0' ? node_table_primary(table) : node_table_find_name(table, name);
    if (node == NULL) {
        (void)err_set(e, ERR_NOT_FOUND, "No such node exists in the cluster: %s",
                      name[0] == '\0' ? "the primary" : name);
    }
    return node;
}

static enum err open_reply_file(struct forward *forward, struct errmsg *e)
{
    const char *spool = forward->peer->context->spool_dir;
    int fd = -1;
    enum err err =
        file_spool_create(spool, forward->reply_name, sizeof forward->reply_name, &fd, e);
    if (err != ERR_OK) {
        return err;
    }
    close(fd);
    return file_spool_path(spool, forward->reply_name, forward->reply_path,
                           sizeof forward->reply_path, e);
}

static enum err forward_send(struct forward *forward, const Clusterd__ForwardRequest *request,
                             struct errmsg *e)
{
    struct ctl_peer *peer = forward->peer;
    struct http_header headers[HEADERS_MAX];
    char body_path[512] = "";
    struct peer_api_call call = {
        .node = find_target(peer, request->node, e),
        .method = request->method,
        .target = request->target,
        .headers = headers,
        .header_count = take_headers(request->headers, request->n_headers, headers),
        .body = request->body.data,
        .body_len = request->body.len,
        .acting_user = request->acting_user,
    };
    if (call.node == NULL) {
        return ERR_NOT_FOUND;
    }
    snprintf(forward->target, sizeof forward->target, "%s %s",
             call.node->is_primary ? "the primary" : "node", call.node->name);
    enum err err = ERR_OK;
    if (request->body_file[0] != '\0') {
        err = file_spool_path(peer->context->spool_dir, request->body_file, body_path,
                              sizeof body_path, e);
        call.body_path = body_path;
    }
    if (err == ERR_OK) {
        err = open_reply_file(forward, e);
    }
    call.reply_path = forward->reply_path;
    return err == ERR_OK ? peer_api(peer->client, &call, on_answer, forward, e) : err;
}

static void handle_forward(Clusterd__Peer_Service *service, const Clusterd__ForwardRequest *request,
                           Clusterd__ForwardReply_Closure closure, void *closure_data)
{
    struct forward *forward = mem_zalloc(sizeof *forward);
    forward->peer = self_of(service);
    forward->closure = closure;
    forward->closure_data = closure_data;
    struct errmsg e = {0};
    if (forward_send(forward, request, &e) != ERR_OK) {
        forward_fail(forward, &e);
    }
}

// ------------------------------------------------------------------------------------------------

struct ctl_peer *ctl_peer_new(struct context *context, struct peer_client *client,
                              struct peer_server *server)
{
    static const Clusterd__Peer_Service service = CLUSTERD__PEER__INIT(handle_);
    struct ctl_peer *peer = mem_zalloc(sizeof *peer);
    peer->service = service;
    peer->context = context;
    peer->client = client;
    peer->server = server;
    return peer;
}

void ctl_peer_free(struct ctl_peer *peer)
{
    mem_free(peer);
}

ProtobufCService *ctl_peer_service(struct ctl_peer *peer)
{
    return &peer->service.base;
}
