#include "clusterd/peer/server.h"

#include "clusterd/peer/client.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <assert.h>
#include <string.h>

#define OPERATIONS_MAX 16

struct peer_server {
    struct context *context;
    struct sign_memory *memory;
    struct peer_operation operations[OPERATIONS_MAX];
    size_t count;
};

struct peer_server *peer_server_new(struct context *context)
{
    struct peer_server *server = mem_zalloc(sizeof *server);
    server->context = context;
    server->memory = sign_memory_new();
    return server;
}

void peer_server_free(struct peer_server *server)
{
    if (server != NULL) {
        sign_memory_free(server->memory);
        mem_free(server);
    }
}

void peer_server_add(struct peer_server *server, const struct peer_operation *operation)
{
    assert(server->count < OPERATIONS_MAX);
    server->operations[server->count++] = *operation;
}

enum err peer_server_verify(struct peer_server *server, const char *method, const char *target,
                            const struct http_header *headers, size_t header_count,
                            const uint8_t body_sha256[SHA256_SIZE], struct sign_result *result,
                            struct errmsg *e)
{
    struct sign_check check = {.method = method,
                               .target = target,
                               .headers = headers,
                               .header_count = header_count,
                               .table = &server->context->table,
                               .self = server->context->self.id,
                               .now_ms = clock_unix_ms()};
    memcpy(check.body_sha256, body_sha256, SHA256_SIZE);
    return sign_verify(server->memory, &check, result, e);
}

static const struct peer_operation *find_operation(const struct peer_server *server,
                                                   const char *path)
{
    if (!str_starts(path, PEER_PATH)) {
        return NULL;
    }
    for (size_t i = 0; i < server->count; i++) {
        if (strcmp(path + strlen(PEER_PATH), server->operations[i].name) == 0) {
            return &server->operations[i];
        }
    }
    return NULL;
}

static enum err authenticate(struct peer_server *server, const struct peer_request *request,
                             struct peer_incoming *in, struct errmsg *e)
{
    uint8_t digest[SHA256_SIZE];
    hash_sha256(request->body, request->body_len, digest);
    struct sign_result signature = {0};
    enum err err = peer_server_verify(server, "POST", request->path, request->headers,
                                      request->header_count, digest, &signature, e);
    if (err == ERR_OK) {
        in->node = signature.node;
        in->epoch = signature.epoch;
        return ERR_OK;
    }
    static struct log_limit limit;
    uint64_t held = 0;
    if (log_limit_pass(&limit, 10, &held)) {
        log_warn("request of another node refused", F_STR("from", request->remote_address),
                 F_STR("path", request->path), F_ERR(e), F_U64("repeated", held));
    }
    return err;
}

static unsigned status_of(enum err err)
{
    return err == ERR_DENIED ? 403 : err == ERR_NOT_FOUND ? 404 : err == ERR_INVALID ? 400 : 409;
}

unsigned peer_server_receive(struct peer_server *server, const struct peer_request *request,
                             json_t **answer)
{
    struct errmsg e = {0};
    struct peer_incoming in = {.remote_address = request->remote_address, .user = request->user};
    const struct peer_operation *operation = find_operation(server, request->path);
    json_t *body = NULL;
    enum err err = ERR_OK;
    *answer = NULL;
    if (operation == NULL) {
        err = err_set(&e, ERR_NOT_FOUND, "this node knows no %s", request->path);
    }
    if (operation != NULL && operation->is_signed) {
        err = authenticate(server, request, &in, &e);
    }
    if (operation != NULL && err == ERR_OK) {
        body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
        in.body = body;
        err = json_is_object(body)
                  ? operation->serve(operation->ctx, &in, answer, &e)
                  : err_set(&e, ERR_INVALID, "the request's body is no JSON object");
    }
    json_decref(body);
    if (err != ERR_OK) {
        *answer = json_pack("{s:s, s:i}", "error", e.text, "code", (int)err);
        return status_of(err);
    }
    return 200;
}
