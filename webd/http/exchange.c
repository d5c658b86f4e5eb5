// One HTTP request: its body on the way in, its answer on the way out.
//
// libmicrohttpd calls exchange_access several times: once with the headers, once for each piece of
// the body, once at the end. Then the handler runs; unless it answers at once, the connection is
// suspended until web_answer resumes it and libmicrohttpd asks again. A suspended connection is
// never closed by libmicrohttpd, so a request lives until it was answered. Loop's thread.

#include "webd/http/exchange.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define SPOOL_BYTES_MAX ((uint64_t)1024 * 1024 * 1024) // of all uploads under way
#define POST_BUFFER     4096

struct exchange {
    struct web_request request; // first: the handlers hold this
    struct exchange_origin *origin;
    struct MHD_Connection *connection;
    struct exchange *next;
    struct exchange **link; // what points to us
    bool has_begun;
    bool has_started; // the handler was called
    bool is_suspended;
    bool is_answered;
    struct MHD_Response *response;
    unsigned status;
    // the body on its way in
    uint64_t body_max;
    uint64_t body_seen;
    struct str memory;
    struct hash_sha256 *digest; // signed requests only
    int spool_fd;
    struct MHD_PostProcessor *form; // multipart only
    struct str field_name;
    struct str field_value;
    bool has_field;
    bool is_file_closed; // the first file part has ended
};

static void answer_http(struct web_request *request, struct web_answer *answer);

void *exchange_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct exchange_origin *origin = cls;
    struct exchange *x = mem_zalloc(sizeof *x);
    x->origin = origin;
    x->connection = connection;
    x->spool_fd = -1;
    x->request.is_tls = origin->is_tls;
    x->request.answer = answer_http;
    arena_init(&x->request.arena);
    web_params_init(&x->request.params, &x->request.arena);
    x->request.target = arena_strdup(&x->request.arena, uri);
    x->request.path = "";
    x->request.media_type = "";
    str_init(&x->memory);
    str_init(&x->field_name);
    str_init(&x->field_value);
    x->next = origin->open.head;
    x->link = &origin->open.head;
    if (x->next != NULL) {
        x->next->link = &x->next;
    }
    origin->open.head = x;
    origin->open.count++;
    return x;
}

static void close_spool(struct exchange *x)
{
    if (x->spool_fd >= 0) {
        close(x->spool_fd);
        x->spool_fd = -1;
    }
}

static void exchange_free(struct exchange *x)
{
    *x->link = x->next;
    if (x->next != NULL) {
        x->next->link = x->link;
    }
    x->origin->open.count--;
    if (x->form != NULL) {
        MHD_destroy_post_processor(x->form);
    }
    if (x->digest != NULL) {
        hash_sha256_free(x->digest, NULL);
    }
    close_spool(x);
    if (x->request.upload[0] != 0) {
        char path[512];
        if (file_spool_path(x->origin->shared->spool_dir, x->request.upload, path, sizeof path,
                            NULL) == ERR_OK) {
            unlink(path);
        }
    }
    x->origin->shared->spool_bytes -= x->request.upload_size;
    if (x->response != NULL) {
        MHD_destroy_response(x->response);
    }
    str_fini(&x->memory);
    str_fini(&x->field_name);
    str_fini(&x->field_value);
    web_params_fini(&x->request.params);
    arena_fini(&x->request.arena);
    mem_free(x);
}

void exchange_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                        enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    if (*con_cls != NULL) {
        exchange_free(*con_cls);
        *con_cls = NULL;
    }
}

// ---- the head ----------------------------------------------------------------------------------

struct header_copy {
    struct arena *arena;
    struct web_header *items;
    size_t count;
    size_t capacity;
};

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct header_copy *copy = cls;
    (void)kind;
    if (copy->count == copy->capacity) {
        return MHD_NO;
    }
    copy->items[copy->count].name = arena_strdup(copy->arena, key);
    copy->items[copy->count].value = arena_strdup(copy->arena, value == NULL ? "" : value);
    copy->count++;
    return MHD_YES;
}

static void take_headers(struct exchange *x)
{
    int count = MHD_get_connection_values(x->connection, MHD_HEADER_KIND, NULL, NULL);
    struct header_copy copy = {.arena = &x->request.arena,
                               .capacity = count < 0 ? 0 : (size_t)count};
    copy.items = arena_alloc(copy.arena, (copy.capacity + 1) * sizeof *copy.items);
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, copy_header, &copy);
    x->request.headers = copy.items;
    x->request.header_count = copy.count;
}

static void refuse_body(struct exchange *x, enum err code, const char *text)
{
    if (x->request.bad == ERR_OK) {
        x->request.bad = err_set(&x->request.bad_text, code, "%s", text);
    }
}

static void take_query(struct exchange *x)
{
    struct web_request *r = &x->request;
    const char *question = strchr(r->target, '?');
    size_t path_len = question == NULL ? strlen(r->target) : (size_t)(question - r->target);
    char *path = arena_alloc(&r->arena, path_len + 1);
    memcpy(path, r->target, path_len);
    path[path_len] = 0;
    r->path = path;
    if (question != NULL) {
        enum err err = web_params_parse(&r->params, WEB_PARAM_QUERY, question + 1,
                                        strlen(question + 1), &r->bad_text);
        if (err != ERR_OK) {
            r->bad = err;
        }
    }
}

static void take_media_type(struct web_request *r)
{
    const char *text = web_request_header(r, "content-type");
    if (text == NULL) {
        return;
    }
    char *copy = arena_strdup(&r->arena, text);
    copy[strcspn(copy, ";")] = 0;
    copy = str_trim(copy);
    str_lower(copy);
    r->media_type = copy;
}

static enum MHD_Result on_form_data(void *cls, enum MHD_ValueKind kind, const char *key,
                                    const char *filename, const char *content_type,
                                    const char *transfer_encoding, const char *data,
                                    uint64_t offset, size_t size);

static void begin(struct exchange *x, const char *method)
{
    struct web_request *r = &x->request;
    r->method = arena_strdup(&r->arena, method);
    take_headers(x);
    take_query(x);
    take_media_type(r);
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (peer != NULL && peer->client_addr != NULL) {
        size_t len = peer->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                              : sizeof(struct sockaddr_in);
        memcpy(&r->peer, peer->client_addr, len);
    }
    x->body_max = x->origin->shared->handlers.body_max(x->origin->shared->handlers.ctx, r);
    if (web_request_header(r, WEB_SIGNATURE_HEADER) != NULL) {
        x->digest = hash_sha256_new();
    }
    if (strcmp(r->media_type, "multipart/form-data") == 0) {
        x->form = MHD_create_post_processor(x->connection, POST_BUFFER, on_form_data, x);
        if (x->form == NULL) {
            refuse_body(x, ERR_INVALID, "the multipart form cannot be read");
        }
    }
}

// ---- the body ----------------------------------------------------------------------------------

static void spool(struct exchange *x, const void *bytes, size_t len)
{
    struct web_request *r = &x->request;
    if (x->spool_fd < 0) {
        enum err err = file_spool_create(x->origin->shared->spool_dir, r->upload, sizeof r->upload,
                                         &x->spool_fd, &r->bad_text);
        if (err != ERR_OK) {
            r->bad = err;
            return;
        }
    }
    if (x->origin->shared->spool_bytes + len > SPOOL_BYTES_MAX) {
        refuse_body(x, ERR_BUSY, "too many uploads at once");
        return;
    }
    x->origin->shared->spool_bytes += len;
    r->upload_size += len;
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(x->spool_fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            refuse_body(x, err_from_errno(errno), "the upload cannot be stored: disk full");
            return;
        }
        at += n;
        len -= (size_t)n;
    }
}

static void end_field(struct exchange *x)
{
    struct web_request *r = &x->request;
    if (x->has_field && r->bad == ERR_OK) {
        const char *name = x->field_name.len == 0 ? "" : x->field_name.text;
        const char *value = x->field_value.len == 0 ? "" : x->field_value.text;
        enum err err = web_params_add(&r->params, WEB_PARAM_FORM, name, x->field_name.len, value,
                                      x->field_value.len, &r->bad_text);
        if (err != ERR_OK) {
            r->bad = err;
        }
    }
    x->has_field = false;
    str_clear(&x->field_name);
    str_clear(&x->field_value);
}

// A piece of a part: the first file part goes to the spool, other files are left out, fields become
// parameters. Offset 0 starts a part.
static enum MHD_Result on_form_data(void *cls, enum MHD_ValueKind kind, const char *key,
                                    const char *filename, const char *content_type,
                                    const char *transfer_encoding, const char *data,
                                    uint64_t offset, size_t size)
{
    struct exchange *x = cls;
    (void)kind;
    (void)content_type;
    (void)transfer_encoding;
    if (offset == 0) {
        end_field(x);
        if (x->request.upload[0] != 0) {
            x->is_file_closed = true;
        }
    }
    if (x->request.bad != ERR_OK) {
        return MHD_YES;
    }
    if (filename != NULL) {
        if (!x->is_file_closed) {
            spool(x, data, size);
        }
        return MHD_YES;
    }
    if (!x->has_field) {
        x->has_field = true;
        str_add(&x->field_name, key == NULL ? "" : key);
    }
    str_add_bytes(&x->field_value, data, size);
    return MHD_YES;
}

static void take_body(struct exchange *x, const char *data, size_t size)
{
    struct web_request *r = &x->request;
    x->body_seen += size;
    if (x->body_seen > x->body_max) {
        refuse_body(x, ERR_TOO_LARGE, "the request body is too large");
    }
    if (r->bad != ERR_OK) {
        return;
    }
    if (x->digest != NULL) {
        hash_sha256_add(x->digest, data, size);
    }
    if (x->form != NULL) {
        if (MHD_post_process(x->form, data, size) != MHD_YES) {
            refuse_body(x, ERR_INVALID, "the multipart form cannot be read");
        }
        return;
    }
    if (x->spool_fd < 0 && x->memory.len + size <= WEB_BODY_MEMORY) {
        str_add_bytes(&x->memory, data, size);
        return;
    }
    if (x->spool_fd < 0 && x->memory.len > 0) {
        spool(x, x->memory.text, x->memory.len);
        str_clear(&x->memory);
    }
    spool(x, data, size);
}

// An urlencoded form that went to the spool because of its size.
static void parse_large_form(struct exchange *x)
{
    struct web_request *r = &x->request;
    char path[512];
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err =
        file_spool_path(x->origin->shared->spool_dir, r->upload, path, sizeof path, &r->bad_text);
    if (err == ERR_OK) {
        err = file_read(path, WEB_PARAM_BYTES, &bytes, &len, &r->bad_text);
        unlink(path);
        x->origin->shared->spool_bytes -= r->upload_size;
        r->upload_size = 0;
        r->upload[0] = 0;
    }
    if (err == ERR_OK) {
        err = web_params_parse(&r->params, WEB_PARAM_FORM, (const char *)bytes, len, &r->bad_text);
    }
    mem_free(bytes);
    r->bad = err;
}

static void finish_body(struct exchange *x)
{
    struct web_request *r = &x->request;
    if (x->form != NULL) {
        if (MHD_destroy_post_processor(x->form) != MHD_YES) {
            refuse_body(x, ERR_INVALID, "the multipart form is not complete");
        }
        x->form = NULL;
        end_field(x);
    }
    close_spool(x);
    if (x->digest != NULL) {
        hash_sha256_free(x->digest, r->body_digest);
        x->digest = NULL;
        r->has_digest = true;
    }
    if (r->bad != ERR_OK) {
        return;
    }
    r->body = (const uint8_t *)(x->memory.len == 0 ? "" : x->memory.text);
    r->body_len = x->memory.len;
    if (strcmp(r->media_type, "application/x-www-form-urlencoded") != 0) {
        return;
    }
    if (r->upload[0] != 0) {
        parse_large_form(x);
    } else {
        r->bad = web_params_parse(&r->params, WEB_PARAM_FORM, (const char *)r->body, r->body_len,
                                  &r->bad_text);
    }
}

// ---- the answer --------------------------------------------------------------------------------

static struct MHD_Response *make_response(struct web_answer *answer)
{
    struct MHD_Response *response;
    if (answer->fd >= 0) {
        response = MHD_create_response_from_fd64(answer->fd_size, answer->fd);
        if (response == NULL) {
            close(answer->fd);
        }
    } else if (answer->body == NULL) {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else {
        response = MHD_create_response_from_buffer_with_free_callback(answer->body_len,
                                                                      answer->body, mem_free);
        if (response == NULL) {
            mem_free(answer->body);
        }
    }
    if (response == NULL) {
        return NULL;
    }
    if (answer->content_type != NULL) {
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    }
    for (size_t i = 0; i < answer->header_count; i++) {
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    }
    return response;
}

static void answer_http(struct web_request *request, struct web_answer *answer)
{
    struct exchange *x = (struct exchange *)request;
    x->response = make_response(answer);
    x->status = answer->status;
    x->is_answered = true;
    if (x->is_suspended) {
        x->is_suspended = false;
        MHD_resume_connection(x->connection);
        x->origin->wake(x->origin);
    }
}

static enum MHD_Result queue_answer(struct exchange *x)
{
    if (x->response == NULL) {
        return MHD_NO; // out of memory inside libmicrohttpd: it closes the connection
    }
    enum MHD_Result result = MHD_queue_response(x->connection, x->status, x->response);
    MHD_destroy_response(x->response);
    x->response = NULL;
    return result;
}

enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **con_cls)
{
    struct exchange *x = *con_cls;
    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (!x->has_begun) {
        x->has_begun = true;
        begin(x, method);
        return MHD_YES;
    }
    if (*upload_data_size > 0) {
        take_body(x, upload_data, *upload_data_size);
        *upload_data_size = 0;
        return MHD_YES;
    }
    if (!x->has_started && x->origin->shared->is_closing) {
        return MHD_NO;
    }
    if (!x->has_started) {
        x->has_started = true;
        finish_body(x);
        x->origin->shared->handlers.handle(x->origin->shared->handlers.ctx, &x->request);
        if (!x->is_answered) {
            MHD_suspend_connection(connection);
            x->is_suspended = true;
            return MHD_YES;
        }
    }
    return x->is_answered ? queue_answer(x) : MHD_YES;
}

void exchange_abandon_all(struct exchange_origin *origin)
{
    struct exchange *x = origin->open.head;
    while (x != NULL) {
        struct exchange *next = x->next;
        if (x->is_suspended) {
            struct web_answer answer;
            web_answer_init(&answer, MHD_HTTP_SERVICE_UNAVAILABLE);
            web_answer(&x->request, &answer);
        }
        x = next;
    }
}
