/*
 * Requests to other nodes. Thread: clusterd's loop.
 */
#include "clusterd/peer/client.h"

#include "clusterd/peer/sign.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_TIMEOUT_MS  28000u // below the deadline of Peer.Forward
#define API_REPLY_MAX   ((size_t)1024 * 1024 * 1024)
#define BODY_FILE_MAX   ((size_t)1024 * 1024 * 1024)
#define REPLY_MAX       ((size_t)1024 * 1024)
#define API_HEADERS_MAX 32

// Which of its addresses a node answered at last.
struct choice {
    uint32_t node;
    size_t address;
};
struct peer_client {
    struct context *context;
    struct http_client *http;
    struct choice choices[NODE_COUNT_MAX + 1];
    size_t choice_count;
};

struct call {
    struct peer_client *client;
    uint32_t node; // 0 = not in the table
    peer_fn fn;
    void *ctx;
};

enum err peer_client_open(struct context *context, struct peer_client **out, struct errmsg *e)
{
    struct peer_client *client = mem_zalloc(sizeof *client);
    client->context = context;
    enum err err = http_client_open(context->base, &client->http, e);
    if (err != ERR_OK) {
        mem_free(client);
        return err;
    }
    *out = client;
    return ERR_OK;
}

void peer_client_close(struct peer_client *client)
{
    if (client != NULL) {
        http_client_close(client->http);
        mem_free(client);
    }
}

void peer_url(const char *base, const char *path, char *out, size_t size)
{
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    snprintf(out, size, "%.*s%s", (int)len, base, path);
}

// ---- addresses ---------------------------------------------------------------------------------

static struct choice *choice_of(struct peer_client *client, uint32_t node)
{
    for (size_t i = 0; i < client->choice_count; i++) {
        if (client->choices[i].node == node) {
            return &client->choices[i];
        }
    }
    // More nodes than a cluster has come and go in years; then the oldest makes room.
    size_t at = client->choice_count;
    if (at == NODE_COUNT_MAX + 1) {
        at = 0;
    } else {
        client->choice_count++;
    }
    client->choices[at] = (struct choice){.node = node};
    return &client->choices[at];
}

static const char *address_of(struct peer_client *client, const struct node *node)
{
    if (node->address_count == 0) {
        return NULL;
    }
    return node->addresses[choice_of(client, node->id)->address % node->address_count];
}

// ---- calls -------------------------------------------------------------------------------------

static enum err answer_error(const struct http_reply *reply, const json_t *json, struct errmsg *e)
{
    const char *text = json_string_value(json_object_get(json, "error"));
    json_int_t code = json_integer_value(json_object_get(json, "code"));
    if (text == NULL) {
        return err_set(e, ERR_CORRUPT, "the answer (HTTP status %u) is not one of a node",
                       reply->status);
    }
    enum err err = code > 0 && code < ERR_COUNT ? (enum err)code : ERR_DENIED;
    return err_set(e, err, "%s", text);
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct call *call = ctx;
    struct errmsg e = {0};
    json_t *json = NULL;
    enum err err = reply->result;
    if (err != ERR_OK) {
        err = err_set(&e, ERR_UNAVAILABLE, "%s", reply->error);
        if (call->node != 0) {
            choice_of(call->client, call->node)->address++;
        }
    } else {
        json = json_loadb(reply->body, reply->body_len, JSON_REJECT_DUPLICATES, NULL);
        if (reply->status != 200 || !json_is_object(json)) {
            err = answer_error(reply, json, &e);
        }
    }
    call->fn(call->ctx, err, err == ERR_OK ? json : NULL, &e);
    json_decref(json);
    mem_free(call);
}

static void send_json(struct peer_client *client, struct http_request *request, const char *base,
                      const char *operation, char *body, struct call *call)
{
    char path[64];
    char url[NODE_URL_MAX + 80];
    snprintf(path, sizeof path, PEER_PATH "%s", operation);
    peer_url(base, path, url, sizeof url);
    request->method = "POST";
    request->url = url;
    request->body = body;
    request->body_len = strlen(body);
    request->reply_max = REPLY_MAX;
    http_send(client->http, request, on_reply, call);
}

static char *take_body(json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    char *copy = mem_strdup(text == NULL ? "{}" : text);
    free(text);
    return copy;
}

void peer_call(struct peer_client *client, const struct node *node, const char *operation,
               json_t *body, uint32_t timeout_ms, peer_fn fn, void *ctx)
{
    struct context *context = client->context;
    struct call *call = mem_alloc(sizeof *call);
    *call = (struct call){.client = client, .node = node->id, .fn = fn, .ctx = ctx};
    char *text = take_body(body);
    char target[64];
    snprintf(target, sizeof target, PEER_PATH "%s", operation);
    struct sign_request sign = {.method = "POST",
                                .target = target,
                                .node = context->self.id,
                                .target_node = node->id,
                                .epoch = store_version(context->store).epoch};
    hash_sha256(text, strlen(text), sign.body_sha256);
    struct sign_headers *signature = mem_alloc(sizeof *signature);
    struct errmsg e = {0};
    if (sign_make(context->key, &sign, signature, &e) != ERR_OK) {
        // Sent without: the other side refuses, and the caller hears of it like of any refusal.
        log_error("request not signed", F_STR("node", node->name), F_ERR(&e));
        signature->count = 0;
    }
    struct http_header headers[SIGN_HEADERS + 1];
    memcpy(headers, signature->header, signature->count * sizeof headers[0]);
    headers[signature->count] =
        (struct http_header){.name = "Content-Type", .value = "application/json"};
    struct http_request request = {.headers = headers,
                                   .header_count = signature->count + 1,
                                   .connect_address = address_of(client, node),
                                   .pins = node->pins,
                                   .pin_count = node->pin_count,
                                   .timeout_ms = timeout_ms};
    send_json(client, &request, node->url, operation, text, call);
    mem_free(signature);
    mem_free(text);
}

void peer_call_address(struct peer_client *client, const struct peer_address *to,
                       const char *operation, json_t *body, uint32_t timeout_ms, peer_fn fn,
                       void *ctx)
{
    struct call *call = mem_alloc(sizeof *call);
    *call = (struct call){.client = client, .fn = fn, .ctx = ctx};
    char *text = take_body(body);
    struct http_header header = {.name = "Content-Type", .value = "application/json"};
    struct http_request request = {
        .headers = &header,
        .header_count = 1,
        .connect_address = to->address != NULL && to->address[0] != '\0' ? to->address : NULL,
        .pins = to->pin,
        .pin_count = to->pin == NULL ? 0 : 1,
        .ignore_certificate = to->ignore_certificate,
        .timeout_ms = timeout_ms,
    };
    send_json(client, &request, to->url, operation, text, call);
    mem_wipe(text, strlen(text));
    mem_free(text);
}

// ---- forwarded API calls -----------------------------------------------------------------------

static enum err body_digest(const struct peer_api_call *call, uint8_t out[SHA256_SIZE],
                            struct errmsg *e)
{
    if (call->body_path == NULL) {
        hash_sha256(call->body, call->body_len, out);
        return ERR_OK;
    }
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(call->body_path, BODY_FILE_MAX, &bytes, &len, e);
    if (err == ERR_OK) {
        hash_sha256(bytes, len, out);
    }
    mem_free(bytes);
    return err;
}

enum err peer_api(struct peer_client *client, const struct peer_api_call *call, http_fn fn,
                  void *ctx, struct errmsg *e)
{
    struct context *context = client->context;
    struct sign_request sign = {.method = call->method,
                                .target = call->target,
                                .node = context->self.id,
                                .target_node = call->node->id,
                                .epoch = store_version(context->store).epoch,
                                .acting_user = call->acting_user};
    enum err err = body_digest(call, sign.body_sha256, e);
    struct sign_headers *signature = mem_alloc(sizeof *signature);
    if (err == ERR_OK) {
        err = sign_make(context->key, &sign, signature, e);
    }
    if (err == ERR_OK && call->header_count + SIGN_HEADERS > API_HEADERS_MAX) {
        err = err_set(e, ERR_TOO_LARGE, "too many headers");
    }
    if (err == ERR_OK) {
        struct http_header headers[API_HEADERS_MAX];
        memcpy(headers, signature->header, signature->count * sizeof headers[0]);
        memcpy(headers + signature->count, call->headers, call->header_count * sizeof headers[0]);
        size_t url_size = strlen(call->node->url) + strlen(call->target) + 2;
        char *url = mem_alloc(url_size);
        peer_url(call->node->url, call->target, url, url_size);
        struct http_request request = {.method = call->method,
                                       .url = url,
                                       .headers = headers,
                                       .header_count = signature->count + call->header_count,
                                       .body = call->body,
                                       .body_len = call->body_len,
                                       .body_path = call->body_path,
                                       .connect_address = address_of(client, call->node),
                                       .pins = call->node->pins,
                                       .pin_count = call->node->pin_count,
                                       .timeout_ms = API_TIMEOUT_MS,
                                       .reply_max = API_REPLY_MAX,
                                       .reply_path = call->reply_path};
        http_send(client->http, &request, fn, ctx);
        mem_free(url);
    }
    mem_free(signature);
    return err;
}
