// Handlers of webd.Web.

#include "webd/ctl/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/app/app.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "proto/webd.pb-c.h"
#include "webd/auth/account.h"

#define BODY_MEMORY   ((size_t)64 * 1024) // larger answers travel as files
#define LISTENING_MAX (WEB_LISTEN_MAX * 2)

struct web_service {
    Webd__Web_Service base; // first: the handlers get it
    struct api *api;
};

// ---- Status ------------------------------------------------------------------------------------

struct listening {
    char *items[LISTENING_MAX];
    size_t count;
};

static void add_listening(void *ctx, const char *text, const char *problem)
{
    struct listening *list = ctx;
    if (problem == NULL && list->count < LISTENING_MAX) {
        list->items[list->count++] = mem_strdup(text);
    }
}

static void on_status(Webd__Web_Service *base, const Trellis__Empty *request,
                      Webd__WebStatusReply_Closure closure, void *closure_data)
{
    struct api *api = ((struct web_service *)base)->api;
    Webd__WebStatusReply reply;
    webd__web_status_reply__init(&reply);
    struct listening list = {.count = 0};
    char *version = mem_strdup(app_version);
    (void)request;
    web_server_each(api->server, add_listening, &list);
    reply.product_version = version;
    reply.up_since_ms = api->up_since_ms;
    reply.listening = list.items;
    reply.n_listening = list.count;
    reply.tls_enabled = web_server_has(api->server, true);
    if (api->watch != NULL && conf_watch_has_state(api->watch)) {
        reply.config_revision = conf_watch_revision(api->watch);
        reply.admin_password_set = account_has_administrator(api_map(api));
    }
    if (api->settings != NULL) {
        reply.http_port = (uint32_t)api->settings->web_service_http_port;
        reply.https_port = (uint32_t)api->settings->web_service_tls_port;
    }
    if (api->has_spki) {
        reply.spki_sha256.data = api->spki;
        reply.spki_sha256.len = sizeof api->spki;
    }
    closure(&reply, closure_data);
    mem_free(version);
    for (size_t i = 0; i < list.count; i++) {
        mem_free(list.items[i]);
    }
}

static void on_setup_token(Webd__Web_Service *base, const Trellis__Empty *request,
                           Webd__SetupTokenReply_Closure closure, void *closure_data)
{
    struct api *api = ((struct web_service *)base)->api;
    Webd__SetupTokenReply reply;
    webd__setup_token_reply__init(&reply);
    char *token = mem_strdup(setup_token(api->setup));
    (void)request;
    reply.token = token;
    closure(&reply, closure_data);
    mem_wipe(token, strlen(token));
    mem_free(token);
}

// ---- ApiCall -----------------------------------------------------------------------------------

// A request that came by RPC.
struct local_call {
    struct web_request request; // first: the API holds this
    struct api *api;
    Webd__ApiReply_Closure closure;
    void *closure_data;
};

static void local_free(struct local_call *local)
{
    web_params_fini(&local->request.params);
    arena_fini(&local->request.arena);
    mem_free(local);
}

// Puts the answer's bytes into a spool file.
static enum err spool_answer(struct api *api, struct web_answer *answer, char *name, size_t size,
                             struct errmsg *e)
{
    int fd = -1;
    enum err err = file_spool_create(api->spool_dir, name, size, &fd, e);
    if (err != ERR_OK) {
        return err;
    }
    char buffer[64 * 1024];
    size_t sent = 0;
    ssize_t n = 0;
    do {
        const char *from = buffer;
        if (answer->fd >= 0) {
            n = read(answer->fd, buffer, sizeof buffer);
        } else {
            n = (ssize_t)(answer->body_len - sent > sizeof buffer ? sizeof buffer
                                                                  : answer->body_len - sent);
            from = answer->body + sent;
        }
        if (n > 0 && write(fd, from, (size_t)n) != n) {
            err = err_set(e, ERR_NO_SPACE, "the answer cannot be stored: %s", strerror(errno));
        }
        sent += n > 0 ? (size_t)n : 0;
    } while (n > 0 && err == ERR_OK);
    if (fchmod(fd, 0660) != 0 && err == ERR_OK) {
        err = err_set(e, ERR_IO, "the answer cannot be shared: %s", strerror(errno));
    }
    close(fd);
    return err;
}

static void answer_local(struct web_request *request, struct web_answer *answer)
{
    struct local_call *local = (struct local_call *)request;
    Webd__ApiReply reply;
    webd__api_reply__init(&reply);
    Trellis__Error error;
    struct errmsg e = {0};
    char name[64] = "";
    char *type = mem_strdup(answer->content_type == NULL ? "" : answer->content_type);
    reply.http_status = answer->status;
    reply.content_type = type;
    if (answer->fd >= 0 || answer->body_len > BODY_MEMORY) {
        if (spool_answer(local->api, answer, name, sizeof name, &e) != ERR_OK) {
            reply.error = rpc_error(&error, &e);
        }
        reply.body_file = name;
    } else {
        reply.body.data = (uint8_t *)answer->body;
        reply.body.len = answer->body_len;
    }
    local->closure(&reply, local->closure_data);
    mem_free(type);
    mem_free(answer->body);
    if (answer->fd >= 0) {
        close(answer->fd);
    }
    local_free(local);
}

// The body's file as a spool file: taken as it is when it lies there, else copied.
static enum err take_body_file(struct local_call *local, const char *path, struct errmsg *e)
{
    struct web_request *r = &local->request;
    const char *slash = strrchr(path, '/');
    char spooled[600];
    struct stat given;
    struct stat there;
    if (slash == NULL || stat(path, &given) != 0 || !S_ISREG(given.st_mode)) {
        return err_set(e, ERR_NOT_FOUND, "%s: not a file that webd can read", path);
    }
    bool is_spooled = strlen(slash + 1) < sizeof r->upload &&
                      file_spool_path(local->api->spool_dir, slash + 1, spooled, sizeof spooled,
                                      NULL) == ERR_OK &&
                      stat(spooled, &there) == 0 && there.st_ino == given.st_ino &&
                      there.st_dev == given.st_dev;
    if (!is_spooled) {
        return err_set(e, ERR_INVALID, "%s: not in the spool folder", path);
    }
    snprintf(r->upload, sizeof r->upload, "%s", slash + 1);
    r->upload_size = (uint64_t)given.st_size;
    return ERR_OK;
}

static enum err take_form(struct web_request *r, const char *path, struct errmsg *e)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (r->upload[0] == 0) {
        return web_params_parse(&r->params, WEB_PARAM_FORM, (const char *)r->body, r->body_len, e);
    }
    enum err err = file_read(path, WEB_PARAM_BYTES, &bytes, &len, e);
    if (err == ERR_OK) {
        err = web_params_parse(&r->params, WEB_PARAM_FORM, (const char *)bytes, len, e);
    }
    mem_free(bytes);
    r->upload[0] = 0;
    return err;
}

static struct local_call *local_new(struct api *api, const Webd__ApiRequest *request)
{
    struct local_call *local = mem_zalloc(sizeof *local);
    struct web_request *r = &local->request;
    local->api = api;
    arena_init(&r->arena);
    web_params_init(&r->params, &r->arena);
    r->method = "POST";
    r->path = arena_printf(&r->arena, "/api/%s", request->path);
    r->target = arena_printf(&r->arena, "/api/%s%s%s", request->path,
                             request->query[0] == 0 ? "" : "?", request->query);
    char *type = arena_strdup(&r->arena, request->content_type);
    type[strcspn(type, ";")] = 0;
    type = str_trim(type);
    str_lower(type);
    r->media_type = type;
    r->body = arena_dup(&r->arena, request->body.len == 0 ? (const void *)"" : request->body.data,
                        request->body.len == 0 ? 1 : request->body.len);
    r->body_len = request->body.len;
    r->peer.ss_family = AF_INET;
    r->is_local = true;
    r->answer = answer_local;
    return local;
}

static void on_api_call(Webd__Web_Service *base, const Webd__ApiRequest *request,
                        Webd__ApiReply_Closure closure, void *closure_data)
{
    struct api *api = ((struct web_service *)base)->api;
    struct local_call *local = local_new(api, request);
    struct web_request *r = &local->request;
    local->closure = closure;
    local->closure_data = closure_data;
    r->bad = web_params_parse(&r->params, WEB_PARAM_QUERY, request->query, strlen(request->query),
                              &r->bad_text);
    if (r->bad == ERR_OK && request->body_file[0] != 0) {
        r->bad = take_body_file(local, request->body_file, &r->bad_text);
    }
    if (r->bad == ERR_OK && strcmp(r->media_type, "application/x-www-form-urlencoded") == 0) {
        r->bad = take_form(r, request->body_file, &r->bad_text);
    }
    api_handle(api, r);
}

struct web_service *web_service_new(struct api *api)
{
    struct web_service *service = mem_zalloc(sizeof *service);
    static const Webd__Web_Service handlers = WEBD__WEB__INIT(on_);
    service->base = handlers;
    service->api = api;
    return service;
}

void web_service_free(struct web_service *service)
{
    mem_free(service);
}

ProtobufCService *web_service_base(struct web_service *service)
{
    return &service->base.base;
}
