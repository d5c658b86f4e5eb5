#include "common/http/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/tls/tls.h"

/*
 * One request: its options for libcurl, and the callbacks by which its reply comes. Loop's thread.
 *
 * With pins the certificate's names, issuers and expiry are not looked at; the pin is checked by
 * libcurl in the handshake, before anything is sent, and once more here when the answer comes.
 */
#define HEADERS_MAX 200

// ---- reading the body to send ------------------------------------------------------------------

static size_t on_read(char *dst, size_t size, size_t count, void *ctx)
{
    const struct http_call *call = ctx;
    ssize_t n = read(call->body_fd, dst, size * count);
    return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

// A kept connection that turned out dead: the body is sent again on a new one.
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    const struct http_call *call = ctx;
    return lseek(call->body_fd, offset, origin) < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

// ---- taking the reply --------------------------------------------------------------------------

static bool is_pinned(const struct http_call *call)
{
    for (size_t i = 0; i < call->pin_count; i++) {
        if (memcmp(call->pins[i], call->spki, SHA256_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

// Takes the key of the server from the connection in use; false = it is not a pinned one.
static bool take_spki(struct http_call *call)
{
    struct curl_tlssessioninfo *session = NULL;
    if (curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
        session != NULL && session->backend == CURLSSLBACKEND_OPENSSL &&
        session->internals != NULL) {
        call->has_spki = tls_spki_digest_ssl(session->internals, call->spki) == ERR_OK;
    }
    if (call->pin_count > 0 && call->has_spki && !is_pinned(call)) {
        (void)err_set(&call->failure, ERR_DENIED, "the server's key is not the pinned one");
        return false;
    }
    return true;
}

static void add_header(struct http_call *call, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL || colon == line || call->reply_header_count >= HEADERS_MAX) {
        return;
    }
    mem_grow(&call->reply_headers, &call->reply_header_capacity, call->reply_header_count + 1,
             sizeof *call->reply_headers);
    char *name = arena_printf(&call->arena, "%.*s", (int)(colon - line), line);
    char *value = arena_printf(&call->arena, "%.*s", (int)(line + len - colon - 1), colon + 1);
    str_lower(name);
    call->reply_headers[call->reply_header_count++] =
        (struct http_header){.name = str_trim(name), .value = str_trim(value)};
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    size_t len = size * count;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        // A new answer; one before it was provisional (1xx).
        call->reply_header_count = 0;
        return take_spki(call) ? len : 0;
    }
    add_header(call, line, len);
    return len;
}

static bool write_file(struct http_call *call, const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(call->reply_fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            (void)err_set(&call->failure, err_from_errno(errno), "%s: %s", call->reply_path,
                          strerror(errno));
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    size_t len = size * count;
    if (len > call->reply_max - call->body_size) {
        (void)err_set(&call->failure, ERR_TOO_LARGE, "the answer is larger than %zu bytes",
                      call->reply_max);
        return 0;
    }
    call->body_size += len;
    if (call->reply_fd >= 0) {
        return write_file(call, bytes, len) ? len : 0;
    }
    str_add_bytes(&call->body, bytes, len);
    return len;
}

// ---- making a request --------------------------------------------------------------------------

static bool has_line_end(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

static enum err set_headers(struct http_call *call, const struct http_request *request)
{
    // No waiting for "100 Continue" before a body.
    call->headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (has_line_end(header->name) || has_line_end(header->value)) {
            return err_set(&call->failure, ERR_INVALID, "a header holds a line end");
        }
        struct str line;
        str_init(&line);
        // libcurl's way to send a header without a value is a semicolon.
        str_printf(&line, header->value[0] == '\0' ? "%s;" : "%s: %s", header->name, header->value);
        call->headers = curl_slist_append(call->headers, line.text);
        str_fini(&line);
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return ERR_OK;
}

static enum err open_body(struct http_call *call, const char *path, curl_off_t *size)
{
    struct stat st;
    call->body_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (call->body_fd < 0 || fstat(call->body_fd, &st) != 0) {
        return err_set(&call->failure, err_from_errno(errno), "%s: %s", path, strerror(errno));
    }
    *size = st.st_size;
    (void)curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
    (void)curl_easy_setopt(call->easy, CURLOPT_SEEKFUNCTION, on_seek);
    (void)curl_easy_setopt(call->easy, CURLOPT_SEEKDATA, call);
    return ERR_OK;
}

static enum err set_body(struct http_call *call, const struct http_request *request)
{
    curl_off_t size = (curl_off_t)request->body_len;
    bool is_post = strcmp(request->method, "POST") == 0;
    if (strcmp(request->method, "HEAD") == 0) {
        (void)curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
        return ERR_OK;
    }
    if (!is_post) {
        (void)curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    if (!is_post && request->body_len == 0 && request->body_path == NULL) {
        return ERR_OK;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    if (request->body_path != NULL) {
        enum err err = open_body(call, request->body_path, &size);
        (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
        return err;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    (void)curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS,
                           request->body_len == 0 ? "" : (const char *)request->body);
    return ERR_OK;
}

static enum err set_trust(struct http_call *call, const struct http_request *request)
{
    if (request->pin_count == 0 && !request->ignore_certificate) {
        return ERR_OK;
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    // The system's issuers need not be read for each connection.
    (void)curl_easy_setopt(call->easy, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_CAPATH, NULL);
    if (request->pin_count == 0) {
        return ERR_OK;
    }
    if (!str_starts(request->url, "https://")) {
        return err_set(&call->failure, ERR_INVALID, "a key can be asked for by https only");
    }
    struct str pins;
    str_init(&pins);
    for (size_t i = 0; i < request->pin_count; i++) {
        char text[4 * ((SHA256_SIZE + 2) / 3) + 1];
        str_base64(text, request->pins[i], SHA256_SIZE);
        str_printf(&pins, "%ssha256//%s", i == 0 ? "" : ";", text);
    }
    CURLcode code = curl_easy_setopt(call->easy, CURLOPT_PINNEDPUBLICKEY, pins.text);
    str_fini(&pins);
    call->pins = mem_dup(request->pins, request->pin_count * sizeof *request->pins);
    call->pin_count = request->pin_count;
    return code == CURLE_OK ? ERR_OK
                            : err_set(&call->failure, ERR_UNSUPPORTED,
                                      "this libcurl cannot check the server's key");
}

static void set_route(struct http_call *call, const struct http_request *request)
{
    if (request->connect_address != NULL) {
        bool is_v6 = strchr(request->connect_address, ':') != NULL;
        char text[96];
        (void)snprintf(text, sizeof text, is_v6 ? "::[%s]:" : "::%s:", request->connect_address);
        call->connect_to = curl_slist_append(NULL, text);
        (void)curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "*");
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static enum err set_reply(struct http_call *call, const struct http_request *request)
{
    call->reply_max = request->reply_max;
    (void)curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_write);
    (void)curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    if (request->reply_path == NULL) {
        return ERR_OK;
    }
    call->reply_fd = open(request->reply_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (call->reply_fd < 0) {
        return err_set(&call->failure, err_from_errno(errno), "%s: %s", request->reply_path,
                       strerror(errno));
    }
    call->reply_path = mem_strdup(request->reply_path);
    return ERR_OK;
}

static enum err set_all(struct http_call *call, const struct http_request *request)
{
    (void)curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->curl_text);
    (void)curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    (void)curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "Trellis");
    if (curl_easy_setopt(call->easy, CURLOPT_URL, request->url) != CURLE_OK) {
        return err_set(&call->failure, ERR_INVALID, "the URL cannot be used");
    }
    set_route(call, request);
    enum err err = set_headers(call, request);
    if (err == ERR_OK) {
        err = set_trust(call, request);
    }
    if (err == ERR_OK) {
        err = set_body(call, request);
    }
    return err == ERR_OK ? set_reply(call, request) : err;
}

// ---- public ------------------------------------------------------------------------------------

struct http_call *call_new(const struct http_request *request)
{
    struct http_call *call = mem_zalloc(sizeof *call);
    call->body_fd = -1;
    call->reply_fd = -1;
    arena_init(&call->arena);
    str_init(&call->body);
    call->easy = curl_easy_init();
    enum err err = call->easy == NULL ? err_set(&call->failure, ERR_NO_MEMORY, "no memory")
                                      : set_all(call, request);
    (void)err; // it is in `failure`
    return call;
}

// Closes the reply's file; a half one is removed.
static void close_reply(struct http_call *call, bool keep)
{
    if (call->reply_fd >= 0) {
        (void)close(call->reply_fd);
        call->reply_fd = -1;
        if (!keep) {
            (void)unlink(call->reply_path);
        }
    }
}

void call_free(struct http_call *call)
{
    close_reply(call, false);
    if (call->body_fd >= 0) {
        (void)close(call->body_fd);
    }
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->connect_to);
    mem_free(call->pins);
    mem_free(call->reply_headers);
    mem_free(call->reply_path);
    str_fini(&call->body);
    arena_fini(&call->arena);
    mem_free(call);
}

static enum err err_from_curl(CURLcode code)
{
    static const struct {
        CURLcode code;
        enum err err;
    } rows[] = {
        {CURLE_OPERATION_TIMEDOUT,       ERR_TIMEOUT  },
        {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_DENIED   },
        {CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED   },
        {CURLE_URL_MALFORMAT,            ERR_INVALID  },
        {CURLE_UNSUPPORTED_PROTOCOL,     ERR_INVALID  },
        {CURLE_FILESIZE_EXCEEDED,        ERR_TOO_LARGE},
        {CURLE_OUT_OF_MEMORY,            ERR_NO_MEMORY},
        {CURLE_ABORTED_BY_CALLBACK,      ERR_IO       },
        {CURLE_READ_ERROR,               ERR_IO       },
        {CURLE_WRITE_ERROR,              ERR_IO       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code) {
            return rows[i].err;
        }
    }
    // Names that do not resolve, refused, reset and cut connections, failed handshakes.
    return ERR_UNAVAILABLE;
}

enum err call_result(struct http_call *call, CURLcode code)
{
    if (call->failure.code != ERR_OK) {
        return call->failure.code;
    }
    if (code != CURLE_OK) {
        const char *text = call->curl_text[0] != '\0' ? call->curl_text : curl_easy_strerror(code);
        return err_set(&call->failure, err_from_curl(code), "%s", text);
    }
    if (call->reply_fd >= 0 && fsync(call->reply_fd) != 0) {
        return err_set(&call->failure, err_from_errno(errno), "%s: %s", call->reply_path,
                       strerror(errno));
    }
    close_reply(call, true);
    return ERR_OK;
}

void call_reply(struct http_call *call, enum err result, struct http_reply *reply)
{
    long status = 0;
    // The caller must not find the file of a call that failed.
    close_reply(call, false);
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    *reply = (struct http_reply){.result = result,
                                 .status = (unsigned)status,
                                 .body = call->body.text == NULL ? "" : call->body.text,
                                 .body_len = call->body.len,
                                 .headers = call->reply_headers,
                                 .header_count = call->reply_header_count,
                                 .has_spki = call->has_spki};
    memcpy(reply->spki, call->spki, sizeof reply->spki);
    (void)snprintf(reply->error, sizeof reply->error, "%.255s", call->failure.text);
}
