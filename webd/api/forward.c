// Calls for other nodes. clusterd carries them; the answer comes back as it is.

#include "webd/api/forward.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "proto/clusterd.pb-c.h"
#include "webd/api/route.h"

#define BODY_MEMORY ((size_t)64 * 1024) // larger ones travel as files
#define SHOW_MS     2000                // how long a write may take to show here
#define LOOK_MS     15

struct forward {
    struct api_call *call;
    char body_file[64]; // spool file that we made; "" = none
    // the answer, kept while this node catches up
    struct web_answer answer;
    uint64_t epoch;
    uint64_t seq;
    uint64_t give_up_ms;
    struct event *timer;
};

static void spool_remove(const struct api *api, const char *name)
{
    char path[512];
    if (name[0] != 0 && file_spool_path(api->spool_dir, name, path, sizeof path, NULL) == ERR_OK) {
        unlink(path);
    }
}

static void forward_free(struct forward *f)
{
    if (f->timer != NULL) {
        event_free(f->timer);
    }
    spool_remove(f->call->api, f->body_file);
    mem_free(f);
}

static bool went_well(const struct web_answer *answer)
{
    static const char ok[] = "\"status\":\"ok\"";
    return answer->status == 200 && answer->body != NULL &&
           memmem(answer->body, answer->body_len, ok, sizeof ok - 1) != NULL;
}

static void finish(struct forward *f)
{
    struct api_call *call = f->call;
    struct web_answer answer = f->answer;
    forward_free(f);
    if (call->after_forward != NULL && went_well(&answer)) {
        mem_free(answer.body);
        call->after_forward(call);
        return;
    }
    call_answer(call, &answer);
}

// ---- waiting until a write shows here ----------------------------------------------------------

static void look(struct forward *f);

static void on_shown(void *ctx, enum err result)
{
    (void)result;
    finish(ctx);
}

static void on_look(const Clusterd__GetReply *reply, void *ctx)
{
    struct forward *f = ctx;
    struct errmsg e;
    bool is_there = rpc_error_get(reply->error, &e) == ERR_OK && reply->version != NULL &&
                    (reply->version->epoch > f->epoch ||
                     (reply->version->epoch == f->epoch && reply->version->seq >= f->seq));
    if (is_there) {
        conf_watch_poke(f->call->api->watch);
        conf_watch_wait(f->call->api->watch, reply->revision, SHOW_MS, on_shown, f);
        return;
    }
    if (clock_mono_ms() >= f->give_up_ms) {
        finish(f);
        return;
    }
    static const struct timeval soon = {0, LOOK_MS * 1000};
    event_add(f->timer, &soon);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    look(ctx);
}

static void look(struct forward *f)
{
    Clusterd__GetRequest request;
    clusterd__get_request__init(&request);
    request.prefix = (char[]){"cluster/config"};
    request.limit = 1;
    clusterd__config__get(rpc_client_service(f->call->api->clusterd, &clusterd__config__descriptor),
                          &request, on_look, f);
}

// ---- the answer --------------------------------------------------------------------------------

static const char *header_of(const Clusterd__ForwardReply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        if (str_equal_nocase(reply->headers[i]->name, name)) {
            return reply->headers[i]->value;
        }
    }
    return NULL;
}

// What of the other node's answer goes on to the caller.
static const char *const passed_headers[] = {
    "Content-Disposition",    "Cache-Control",  "Pragma", "Expires",
    "X-Content-Type-Options", "Trellis-Version"};

static bool take_body(struct forward *f, const Clusterd__ForwardReply *reply)
{
    if (reply->body_file[0] == 0) {
        f->answer.body_len = reply->body.len;
        f->answer.body = reply->body.len == 0 ? NULL : mem_dup(reply->body.data, reply->body.len);
        return true;
    }
    char path[512];
    struct stat st;
    if (file_spool_path(f->call->api->spool_dir, reply->body_file, path, sizeof path, NULL) !=
        ERR_OK) {
        return false;
    }
    f->answer.fd = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    if (f->answer.fd < 0 || fstat(f->answer.fd, &st) != 0) {
        return false;
    }
    f->answer.fd_size = (uint64_t)st.st_size;
    return true;
}

static bool take_version(struct forward *f, const char *text)
{
    char *end = NULL;
    if (text == NULL) {
        return false;
    }
    f->epoch = strtoull(text, &end, 10);
    if (*end != '.') {
        return false;
    }
    f->seq = strtoull(end + 1, &end, 10);
    return *end == 0;
}

static void on_forward(const Clusterd__ForwardReply *reply, void *ctx)
{
    struct forward *f = ctx;
    struct api_call *call = f->call;
    struct errmsg e = {0};
    if (rpc_error_get(reply->error, &e) != ERR_OK) {
        forward_free(f);
        call_check(call, reply->error, "clusterd");
        return;
    }
    web_answer_init(&f->answer, reply->http_status);
    const char *content_type = header_of(reply, "content-type");
    if (content_type != NULL) {
        f->answer.content_type = arena_strdup(call->arena, content_type);
    }
    for (size_t i = 0; i < sizeof passed_headers / sizeof passed_headers[0]; i++) {
        const char *value = header_of(reply, passed_headers[i]);
        if (value != NULL) {
            web_answer_header(&f->answer, passed_headers[i], arena_strdup(call->arena, value));
        }
    }
    if (!take_body(f, reply)) {
        forward_free(f);
        call_fail(call, ERR_IO, "The other node's answer cannot be read.");
        return;
    }
    if (!take_version(f, header_of(reply, "trellis-version"))) {
        finish(f);
        return;
    }
    f->give_up_ms = clock_mono_ms() + SHOW_MS;
    f->timer = event_new(call->api->base, -1, 0, on_timer, f);
    look(f);
}

// ---- the request -------------------------------------------------------------------------------

// All parameters but those that are ours alone, as the query or the form.
static void encode_params(const struct api_call *call, struct str *out)
{
    const struct web_params *params = &call->request->params;
    for (size_t i = 0; i < params->count; i++) {
        const struct web_param *p = &params->items[i];
        bool is_ours = str_equal_nocase(p->name, "token") || str_equal_nocase(p->name, "node");
        bool is_hidden = p->source == WEB_PARAM_FORM && web_params_get(params, p->name) != p->value;
        if (is_ours || is_hidden) {
            continue;
        }
        if (out->len > 0) {
            str_add_char(out, '&');
        }
        web_urlencode(out, p->name);
        str_add_char(out, '=');
        web_urlencode(out, p->value);
    }
}

static enum err spool_body(struct forward *f, const void *bytes, size_t len, struct errmsg *e)
{
    char path[512];
    int fd = -1;
    enum err err =
        file_spool_create(f->call->api->spool_dir, f->body_file, sizeof f->body_file, &fd, e);
    if (err != ERR_OK) {
        return err;
    }
    close(fd);
    err = file_spool_path(f->call->api->spool_dir, f->body_file, path, sizeof path, e);
    return err != ERR_OK ? err : file_write_atomic(path, bytes, len, 0660, e);
}

static void send_request(struct forward *f, const char *node, const char *target,
                         const char *media_type, const void *body, size_t body_len,
                         const char *body_file)
{
    struct api_call *call = f->call;
    Clusterd__ForwardRequest request;
    clusterd__forward_request__init(&request);
    Clusterd__HttpHeader type;
    clusterd__http_header__init(&type);
    Clusterd__HttpHeader language;
    clusterd__http_header__init(&language);
    Clusterd__HttpHeader *headers[] = {&type, &language};
    const char *accept_language = web_request_header(call->request, "accept-language");
    type.name = (char[]){"Content-Type"};
    type.value = proto_text(media_type);
    language.name = (char[]){"Accept-Language"};
    language.value = proto_text(accept_language);
    request.node = proto_text(node);
    request.method = (char[]){"POST"};
    request.target = proto_text(target);
    request.headers = headers;
    request.n_headers = accept_language == NULL ? 1 : 2;
    request.body.data = (uint8_t *)proto_text(body);
    request.body.len = body_len;
    request.body_file = proto_text(body_file);
    request.acting_user = proto_text(call_actor(call));
    clusterd__peer__forward(rpc_client_service(call->api->clusterd, &clusterd__peer__descriptor),
                            &request, on_forward, f);
}

void forward_call(struct api_call *call, const char *node)
{
    struct web_request *request = call->request;
    struct forward *f = mem_zalloc(sizeof *f);
    struct str params;
    struct errmsg e = {0};
    enum err err = ERR_OK;
    f->call = call;
    str_init(&params);
    encode_params(call, &params);
    const char *text = params.len == 0 ? "" : params.text;
    bool is_form = strcmp(request->media_type, "application/x-www-form-urlencoded") == 0;
    bool has_raw_body = !is_form && (request->body_len > 0 || request->upload[0] != 0);
    const char *target =
        arena_printf(call->arena, "/api/%s%s%s", call->route->path,
                     has_raw_body && params.len > 0 ? "?" : "", has_raw_body ? text : "");
    const void *body = has_raw_body ? (const void *)request->body : text;
    size_t body_len = has_raw_body ? request->body_len : params.len;
    const char *media_type = !has_raw_body             ? "application/x-www-form-urlencoded"
                             : request->upload[0] != 0 ? "application/octet-stream"
                                                       : request->media_type;
    const char *file = request->upload;
    if (file[0] == 0 && body_len > BODY_MEMORY) {
        err = spool_body(f, body, body_len, &e);
        file = f->body_file;
    }
    if (err == ERR_OK) {
        send_request(f, node, target, media_type, body, file[0] != 0 ? 0 : body_len, file);
    } else {
        forward_free(f);
        call_fail_error(call, &e);
    }
    str_fini(&params);
}

// ---- which node --------------------------------------------------------------------------------

struct node_search {
    const char *name;
    bool is_found;
};

static bool is_named(void *ctx, const char *path, const char *json)
{
    struct node_search *search = ctx;
    (void)path;
    json_t *node = json_loads(json, 0, NULL);
    const char *name = json_string_value(json_object_get(node, "name"));
    search->is_found = name != NULL && str_equal_nocase(name, search->name);
    json_decref(node);
    return !search->is_found;
}

enum forward_target forward_target(struct api_call *call, const char **node)
{
    const struct api *api = call->api;
    const char *name = call_text(call, "node");
    if (name == NULL || api->self.role == API_STANDALONE || call->is_forwarded ||
        str_equal_nocase(name, "cluster") || str_equal_nocase(name, api->self.name)) {
        return FORWARD_HERE;
    }
    struct node_search search = {.name = name};
    conf_map_each(api_map(api), "nodes/", is_named, &search);
    if (!search.is_found) {
        call_fail(call, ERR_NOT_FOUND, "No such node exists in the Cluster: %s", name);
        return FORWARD_REFUSED;
    }
    *node = name;
    return FORWARD_NODE;
}
