// From a request to a handler: who acts, may they, and on which node.

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "proto/clusterd.pb-c.h"
#include "webd/api/api.h"
#include "webd/api/call.h"
#include "webd/api/forward.h"
#include "webd/api/net.h"
#include "webd/api/peer.h"
#include "webd/api/route.h"
#include "webd/api/view.h"

#define API_PREFIX   "/api/"
#define BODY_UNKNOWN ((uint64_t)1024 * 1024) // before anybody has signed in
#define BODY_UPLOAD  ((uint64_t)512 * 1024 * 1024)

// ---- the source --------------------------------------------------------------------------------

// The client behind a trusted proxy, else who is connected.
static void find_client(const struct api *api, const struct web_request *request,
                        struct sockaddr_storage *client)
{
    *client = request->peer;
    const struct settings *s = api->settings;
    if (s == NULL || s->web_service_real_ip_header == NULL) {
        return;
    }
    const char *value = web_request_header(request, s->web_service_real_ip_header);
    struct sockaddr_storage real;
    if (value != NULL && net_in_acl(&s->web_service_reverse_proxy_addresses, &request->peer) &&
        net_parse(value, 0, &real)) {
        *client = real;
    }
}

// ---- who acts ----------------------------------------------------------------------------------

// The token of a request: bearer, parameter, or the panel's cookie. The cookie counts only for POST
// with the panel's own header, which no other site can make a browser send.
static bool find_token(const struct web_request *request, char token[TOKEN_TEXT_SIZE])
{
    const char *header = web_request_header(request, "authorization");
    if (header != NULL && strncasecmp(header, "bearer ", 7) == 0) {
        return str_copy(token, TOKEN_TEXT_SIZE, header + 7 + strspn(header + 7, " "));
    }
    const char *param = web_params_get(&request->params, "token");
    if (param != NULL && param[0] != 0) {
        return str_copy(token, TOKEN_TEXT_SIZE, param);
    }
    const char *panel = web_request_header(request, "x-trellis");
    if (panel != NULL && strcmp(panel, "1") == 0 && strcmp(request->method, "POST") == 0) {
        return web_request_cookie(request, SESSION_COOKIE, token, TOKEN_TEXT_SIZE);
    }
    return false;
}

// The session of a token, API tokens included; NULL = none.
static struct session *find_session(struct api *api, const char *token, const char *client)
{
    uint8_t hash[SHA256_SIZE];
    char key[SHA256_SIZE * 2 + 1];
    char path[CONF_PATH_MAX];
    session_token_hash(token, hash);
    str_hex(key, hash, sizeof hash);
    struct session *s = session_find(api->sessions, hash);
    if (s != NULL && s->type != SESSION_API_TOKEN) {
        return s;
    }
    const char *text = conf_path_make("tokens", key, path, sizeof path) == ERR_OK
                           ? conf_map_get(api_map(api), path)
                           : NULL;
    json_t *object = text == NULL ? NULL : json_loads(text, 0, NULL);
    const char *user = json_string_value(json_object_get(object, "user"));
    if (user == NULL) {
        if (s != NULL) {
            session_remove(api->sessions, s); // the token was deleted
        }
        json_decref(object);
        return NULL;
    }
    if (s == NULL || strcmp(s->user, user) != 0) {
        if (s != NULL) {
            session_remove(api->sessions, s);
        }
        struct session_new fresh = {.type = SESSION_API_TOKEN,
                                    .user = user,
                                    .remote = client,
                                    .token_name =
                                        json_string_value(json_object_get(object, "name"))};
        s = session_adopt(api->sessions, hash, &fresh, token);
    }
    json_decref(object);
    return s;
}

static void take_session(struct api_call *call, struct session *s)
{
    struct api *api = call->api;
    if (!account_load(api_map(api), s->user, &call->account) || call->account.is_disabled) {
        account_fini(&call->account);
        return;
    }
    call->is_authenticated = true;
    call->has_session = true;
    call->session_type = s->type;
    memcpy(call->session_hash, s->hash, SHA256_SIZE);
    session_touch(api->sessions, s, call->client_text,
                  web_request_header(call->request, "user-agent"));
    if (s->type == SESSION_SINGLE_USE) {
        session_remove(api->sessions, s);
    }
}

static void authenticate(struct api_call *call)
{
    if (call->request->is_local) {
        call->is_administrator = true;
        call->is_authenticated = true;
        return;
    }
    if (!find_token(call->request, call->token)) {
        call->token[0] = 0;
        return;
    }
    struct session *s = find_session(call->api, call->token, call->client_text);
    if (s != NULL) {
        take_session(call, s);
    }
}

// ---- may they ----------------------------------------------------------------------------------

static bool may_enter(struct api_call *call)
{
    const struct route *route = call->route;
    if (route->session == SESSION_NONE) {
        return true;
    }
    if (!call->is_authenticated) {
        call_fail_status(call, "invalid-token", "Invalid token or session expired.");
        return false;
    }
    if (route->session == SESSION_STANDARD_ONLY && call->has_session &&
        call->session_type != SESSION_STANDARD) {
        call_fail(call, ERR_DENIED, "Access was denied: this call takes no API tokens.");
        return false;
    }
    bool may = route->section == SECTION_NONE || call_may(call, route->section, route->permission);
    if (!may) {
        call_fail(call, ERR_DENIED, "Access was denied.");
    }
    return may;
}

static bool has_role(struct api_call *call)
{
    enum api_role role = call->api->self.role;
    if (call->route->role == ROLE_PRIMARY && role == API_SECONDARY) {
        call_fail(call, ERR_NOT_PRIMARY,
                  "This call must be made at the primary node of the Cluster.");
        return false;
    }
    if (call->route->role == ROLE_SECONDARY && role != API_SECONDARY) {
        call_fail(call, ERR_BAD_STATE,
                  "This call can be made only at a secondary node of a Cluster.");
        return false;
    }
    return true;
}

// ---- on which node -----------------------------------------------------------------------------

static void run(struct api_call *call)
{
    const struct route *route = call->route;
    const char *node = NULL;
    if (!may_enter(call)) {
        return;
    }
    if (route->cluster == CLUSTER_ANY_NODE) {
        enum forward_target target = forward_target(call, &node);
        if (target == FORWARD_REFUSED) {
            return;
        }
        if (target == FORWARD_NODE) {
            forward_call(call, node);
            return;
        }
    }
    if (route->cluster == CLUSTER_PRIMARY && call->api->self.role == API_SECONDARY &&
        !call->is_forwarded) {
        if (!call->is_authenticated) {
            call_fail_status(call, "invalid-token", "Invalid token or session expired.");
            return;
        }
        forward_call(call, "");
        return;
    }
    if (has_role(call)) {
        route->handler(call);
    }
}

static void on_verified(const Clusterd__VerifyReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (!call_check(call, reply->error, "clusterd")) {
        return;
    }
    call->is_forwarded = true;
    snprintf(call->from_node, sizeof call->from_node, "%s", reply->node_name);
    if (strcmp(reply->acting_user, "local") == 0) {
        call->is_administrator = true;
        call->is_authenticated = true;
    } else if (account_load(api_map(call->api), reply->acting_user, &call->account)) {
        call->is_authenticated = !call->account.is_disabled;
    }
    run(call);
}

static void verify(struct api_call *call)
{
    struct web_request *r = call->request;
    Clusterd__VerifyRequest request;
    clusterd__verify_request__init(&request);
    Clusterd__HttpHeader **headers = arena_alloc(call->arena, r->header_count * sizeof *headers);
    for (size_t i = 0; i < r->header_count; i++) {
        headers[i] = arena_alloc(call->arena, sizeof **headers);
        clusterd__http_header__init(headers[i]);
        headers[i]->name = proto_text(r->headers[i].name);
        headers[i]->value = proto_text(r->headers[i].value);
    }
    request.method = proto_text(r->method);
    request.target = proto_text(r->target);
    request.headers = headers;
    request.n_headers = r->header_count;
    request.body_sha256.data = r->body_digest;
    request.body_sha256.len = sizeof r->body_digest;
    request.remote_address = call->client_text;
    clusterd__peer__verify(rpc_client_service(call->api->clusterd, &clusterd__peer__descriptor),
                           &request, on_verified, call);
}

// ---- entry -------------------------------------------------------------------------------------

static struct api_call *call_new(struct api *api, struct web_request *request)
{
    struct api_call *call = mem_zalloc(sizeof *call);
    call->api = api;
    call->request = request;
    call->arena = &request->arena;
    request->user = call;
    request->release = call_drop;
    find_client(api, request, &call->client);
    net_text(&call->client, call->client_text, sizeof call->client_text);
    return call;
}

static void serve_api(struct api *api, struct web_request *request)
{
    static const struct route unknown = {.path = "", .section = SECTION_NONE};
    struct api_call *call = call_new(api, request);
    const struct route *route = route_find(request->path + strlen(API_PREFIX));
    bool is_method = strcmp(request->method, "POST") == 0 ||
                     (strcmp(request->method, "GET") == 0 &&
                      (route == NULL || (route->flags & ROUTE_POST_ONLY) == 0));
    call->route = route == NULL || !is_method ? &unknown : route;
    if (api->settings == NULL || api->watch == NULL) {
        call_fail(call, ERR_UNAVAILABLE,
                  "There is no config yet: clusterd is not running on this node.");
        return;
    }
    if (request->bad != ERR_OK) {
        call_fail_error(call, &request->bad_text);
        return;
    }
    if (request->has_digest && call->route != &unknown) {
        verify(call);
        return;
    }
    authenticate(call);
    if (call->route != &unknown) {
        run(call);
    } else if (call->is_authenticated) {
        call_not_found(call);
    } else {
        call_fail_status(call, "invalid-token", "Invalid token or session expired.");
    }
}

static bool is_below(const char *path, const char *prefix)
{
    return strncasecmp(path, prefix, strlen(prefix)) == 0;
}

// To the same place by HTTPS.
static bool redirect(struct api *api, struct web_request *request)
{
    const struct settings *s = api->settings;
    const char *host = web_request_header(request, "host");
    if (s == NULL || !s->web_service_http_to_tls_redirect || request->is_tls || request->is_local ||
        host == NULL || strpbrk(host, "/\\@ ") != NULL || !web_server_has(api->server, true)) {
        return false;
    }
    const char *colon = host[0] == '[' ? strchr(host, ']') : host;
    colon = colon == NULL ? NULL : strchr(colon, ':');
    int len = (int)(colon == NULL ? strlen(host) : (size_t)(colon - host));
    const char *target = request->target[0] == '/' ? request->target : "/";
    struct web_answer answer;
    web_answer_init(&answer, WEB_TEMPORARY_REDIRECT);
    web_answer_header(&answer, "Location",
                      arena_printf(&request->arena, "https://%.*s:%d%s", len, host,
                                   s->web_service_tls_port, target));
    web_answer(request, &answer);
    return true;
}

void api_handle(void *ctx, struct web_request *request)
{
    struct api *api = ctx;
    if (redirect(api, request)) {
        return;
    }
    if (is_below(request->path, API_PREFIX)) {
        serve_api(api, request);
    } else if (is_below(request->path, PEER_PREFIX)) {
        peer_serve(call_new(api, request));
    } else {
        panel_serve(api->panel, request);
    }
}

uint64_t api_body_max(void *ctx, const struct web_request *request)
{
    struct api *api = ctx;
    char token[TOKEN_TEXT_SIZE];
    char path[CONF_PATH_MAX];
    if (!is_below(request->path, API_PREFIX)) {
        return BODY_UNKNOWN;
    }
    // A signature can be checked only with the body; what nobody vouches for is dropped afterwards.
    if (request->is_local ||
        (request->is_tls && web_request_header(request, WEB_SIGNATURE_HEADER) != NULL)) {
        return BODY_UPLOAD;
    }
    if (!find_token(request, token)) {
        return BODY_UNKNOWN;
    }
    uint8_t hash[SHA256_SIZE];
    char key[SHA256_SIZE * 2 + 1];
    session_token_hash(token, hash);
    str_hex(key, hash, sizeof hash);
    bool is_known = session_find(api->sessions, hash) != NULL ||
                    (conf_path_make("tokens", key, path, sizeof path) == ERR_OK &&
                     conf_map_get(api_map(api), path) != NULL);
    return is_known ? BODY_UPLOAD : BODY_UNKNOWN;
}
