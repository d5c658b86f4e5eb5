// Requests of other nodes, on their way to clusterd.

#include "webd/api/peer.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/clusterd.pb-c.h"
#include "webd/api/route.h"

#define BODY_MAX ((size_t)200 * 1024)

static const struct route peer_route = {
    .path = "", .section = SECTION_NONE, .session = SESSION_NONE, .cluster = CLUSTER_LOCAL};

// JSON with an HTTP status, the form that clusterd's own answers have.
static void refuse(struct api_call *call, unsigned status, enum err code, const char *text)
{
    struct web_answer answer;
    json_t *body = json_pack("{s:s,s:i}", "error", text, "code", (int)code);
    char *json = json_dumps(body, JSON_COMPACT);
    web_answer_init(&answer, status);
    answer.content_type = "application/json; charset=utf-8";
    answer.body = mem_strdup(json);
    answer.body_len = strlen(json);
    mem_free(json);
    json_decref(body);
    call_answer(call, &answer);
}

static void on_receive(const Clusterd__PeerReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    struct errmsg e = {0};
    if (rpc_error_get(reply->error, &e) != ERR_OK) {
        refuse(call, WEB_SERVICE_UNAVAILABLE, e.code, e.text);
        return;
    }
    struct web_answer answer;
    web_answer_init(&answer, reply->http_status == 0 ? WEB_OK : reply->http_status);
    answer.content_type = "application/json; charset=utf-8";
    answer.body_len = reply->body.len;
    answer.body = reply->body.len == 0 ? NULL : mem_dup(reply->body.data, reply->body.len);
    call_answer(call, &answer);
}

static void receive(struct api_call *call, const char *user)
{
    struct web_request *r = call->request;
    Clusterd__PeerRequest request;
    clusterd__peer_request__init(&request);
    Clusterd__HttpHeader **headers = arena_alloc(call->arena, r->header_count * sizeof *headers);
    char spki[SHA256_SIZE * 2 + 1] = "";
    for (size_t i = 0; i < r->header_count; i++) {
        headers[i] = arena_alloc(call->arena, sizeof **headers);
        clusterd__http_header__init(headers[i]);
        headers[i]->name = proto_text(r->headers[i].name);
        headers[i]->value = proto_text(r->headers[i].value);
    }
    if (call->api->has_spki) {
        str_hex(spki, call->api->spki, SHA256_SIZE);
    }
    request.path = proto_text(r->path);
    request.headers = headers;
    request.n_headers = r->header_count;
    request.body.data = (uint8_t *)proto_text((const char *)r->body);
    request.body.len = r->body_len;
    request.remote_address = call->client_text;
    request.authenticated_user = proto_text(user);
    request.tls_server_spki = spki;
    clusterd__peer__receive(rpc_client_service(call->api->clusterd, &clusterd__peer__descriptor),
                            &request, on_receive, call);
}

static void on_login(void *ctx, enum login_result result, const char *user)
{
    struct api_call *call = ctx;
    if (result != LOGIN_OK) {
        refuse(call, result == LOGIN_NEEDS_CODE ? WEB_UNAUTHORIZED : WEB_FORBIDDEN, ERR_DENIED,
               login_text(result));
        return;
    }
    struct account account;
    bool may = account_load(api_map(call->api), user, &account);
    may = may && (permission_of(api_map(call->api), &account, SECTION_ADMINISTRATION) &
                  PERMISSION_DELETE) != 0;
    account_fini(&account);
    if (!may) {
        refuse(call, WEB_FORBIDDEN, ERR_DENIED, "This user may not add nodes to the cluster.");
        return;
    }
    receive(call, user);
}

// {"user", "password", "totp"} are checked here; a join token, and the later steps of a join,
// clusterd checks itself.
static void join(struct api_call *call)
{
    const struct web_request *r = call->request;
    json_t *body = json_loadb((const char *)r->body, r->body_len, 0, NULL);
    const char *token = json_string_value(json_object_get(body, "token"));
    const char *user = json_string_value(json_object_get(body, "user"));
    const char *password = json_string_value(json_object_get(body, "password"));
    bool has_token = token != NULL && token[0] != 0;
    if (!has_token && user != NULL && password != NULL) {
        struct login_request request = {.user = user,
                                        .password = password,
                                        .source = &call->client,
                                        .code = json_string_value(json_object_get(body, "totp"))};
        login_check(call->api->login, &request, on_login, call);
    } else {
        receive(call, "");
    }
    json_decref(body);
}

void peer_serve(struct api_call *call)
{
    const struct web_request *r = call->request;
    call->route = &peer_route;
    if (strcmp(r->method, "POST") != 0) {
        call_not_found(call);
    } else if (r->bad != ERR_OK || r->upload[0] != 0 || r->body_len > BODY_MAX) {
        refuse(call, WEB_CONTENT_TOO_LARGE, ERR_TOO_LARGE, "the request body is too large");
    } else if (!r->is_tls) {
        refuse(call, WEB_FORBIDDEN, ERR_DENIED, "nodes talk to each other by HTTPS only");
    } else if (strcmp(r->path, PEER_PREFIX "join") == 0) {
        join(call);
    } else {
        receive(call, "");
    }
}
