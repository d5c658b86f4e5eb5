#include "common/http/http.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
// After its own needs.
#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/tls/tls.h"

/*
 * The client against two evhttp servers of this file, one plain and one with TLS, all in one loop.
 */
enum { LOOP_LIMIT_MS = 10000, LARGE = 300000 };

static struct fixture {
    char dir[64];
    char certificate[96];
    char key[96];
    char file[96];
    struct event_base *base;
    struct evhttp *plain;
    struct evhttp *secure;
    SSL_CTX *ssl;
    uint16_t plain_port;
    uint16_t secure_port;
    uint8_t pin[SHA256_SIZE];
    struct http_client *client;
    unsigned connections; // accepted with TLS
    unsigned requests;
    struct evhttp_request *held;
    // the last reply
    unsigned replies;
    enum err result;
    char error[256];
    unsigned status;
    char body[LARGE + 1];
    size_t body_len;
    char echo[64]; // of the header x-echo
    uint8_t spki[SHA256_SIZE];
    bool has_spki;
} f;

// ---- the servers -------------------------------------------------------------------------------

static void answer(struct evhttp_request *request, void *ctx)
{
    (void)ctx;
    const char *path = evhttp_request_get_uri(request);
    struct evkeyvalq *in = evhttp_request_get_input_headers(request);
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();
    f.requests++;
    const char *sent = evhttp_find_header(in, "X-Sent");
    if (sent != NULL) {
        (void)evhttp_add_header(out, "X-Echo", sent);
    }
    if (strcmp(path, "/echo") == 0) {
        (void)evbuffer_add_buffer(body, evhttp_request_get_input_buffer(request));
    } else if (strcmp(path, "/large") == 0) {
        for (unsigned i = 0; i < LARGE; i++) {
            (void)evbuffer_add(body, "x", 1);
        }
    } else if (strcmp(path, "/host") == 0) {
        (void)evbuffer_add_printf(body, "%s", evhttp_request_get_host(request));
    } else if (strcmp(path, "/redirect") == 0) {
        (void)evhttp_add_header(out, "Location", "/echo");
    } else if (strcmp(path, "/hold") == 0) {
        f.held = request;
        evbuffer_free(body);
        return;
    }
    int status = strcmp(path, "/missing") == 0 ? 404 : strcmp(path, "/redirect") == 0 ? 302 : 200;
    evhttp_send_reply(request, status, "Word", body);
    evbuffer_free(body);
}

static struct bufferevent *accept_tls(struct event_base *base, void *ctx)
{
    (void)ctx;
    f.connections++;
    return bufferevent_openssl_socket_new(base, -1, SSL_new(f.ssl), BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static uint16_t bind_server(struct evhttp *server)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
    assert_non_null(bound);
    assert_int_equal(
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size), 0);
    // Taken over by the accepted sockets. Without it head and body of an answer wait for each
    // other.
    const int on = 1;
    assert_int_equal(
        setsockopt(evhttp_bound_socket_get_fd(bound), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    evhttp_set_allowed_methods(server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                           EVHTTP_REQ_HEAD | EVHTTP_REQ_DELETE);
    evhttp_set_gencb(server, answer, NULL);
    return ntohs(address.sin_port);
}

static int setup(void **state)
{
    static const char *const names[] = {"some.name.example"};
    (void)state;
    f = (struct fixture){0};
    (void)snprintf(f.dir, sizeof f.dir, "/tmp/http-test.XXXXXX");
    if (mkdtemp(f.dir) == NULL) {
        return -1;
    }
    (void)snprintf(f.certificate, sizeof f.certificate, "%s/cert", f.dir);
    (void)snprintf(f.key, sizeof f.key, "%s/key", f.dir);
    (void)snprintf(f.file, sizeof f.file, "%s/file", f.dir);
    assert_int_equal(tls_self_signed(f.certificate, f.key, names, 1, NULL), ERR_OK);
    assert_int_equal(tls_spki_digest(f.certificate, f.pin, NULL), ERR_OK);
    f.base = event_base_new();
    f.ssl = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(f.ssl, f.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(f.ssl, f.key, SSL_FILETYPE_PEM), 1);
    f.plain = evhttp_new(f.base);
    f.secure = evhttp_new(f.base);
    evhttp_set_bevcb(f.secure, accept_tls, NULL);
    f.plain_port = bind_server(f.plain);
    f.secure_port = bind_server(f.secure);
    assert_int_equal(http_client_open(f.base, &f.client, NULL), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_client_close(f.client);
    evhttp_free(f.plain);
    evhttp_free(f.secure);
    SSL_CTX_free(f.ssl);
    event_base_free(f.base);
    (void)unlink(f.certificate);
    (void)unlink(f.key);
    (void)unlink(f.file);
    return rmdir(f.dir);
}

// ---- the caller --------------------------------------------------------------------------------

static void on_reply(void *ctx, const struct http_reply *reply)
{
    (void)ctx;
    f.replies++;
    f.result = reply->result;
    f.status = reply->status;
    (void)snprintf(f.error, sizeof f.error, "%s", reply->error);
    assert_true(reply->body_len <= LARGE);
    assert_int_equal(reply->body[reply->body_len], '\0');
    memcpy(f.body, reply->body, reply->body_len + 1);
    f.body_len = reply->body_len;
    f.echo[0] = '\0';
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcmp(reply->headers[i].name, "x-echo") == 0) {
            (void)snprintf(f.echo, sizeof f.echo, "%s", reply->headers[i].value);
        }
    }
    memcpy(f.spki, reply->spki, sizeof f.spki);
    f.has_spki = reply->has_spki;
}

static void loop_until_replies(unsigned wanted)
{
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (f.replies < wanted) {
        assert_true(clock_mono_ms() < end);
        (void)event_base_loop(f.base, EVLOOP_ONCE);
    }
}

static const char *url(bool secure, const char *path)
{
    static char text[128];
    (void)snprintf(text, sizeof text, "http%s://127.0.0.1:%u%s", secure ? "s" : "",
                   secure ? f.secure_port : f.plain_port, path);
    return text;
}

static struct http_request request_to(const char *target)
{
    return (struct http_request){
        .method = "GET", .url = target, .timeout_ms = 5000, .reply_max = LARGE};
}

static enum err run(const struct http_request *request)
{
    unsigned before = f.replies;
    assert_non_null(http_send(f.client, request, on_reply, NULL));
    assert_int_equal(f.replies, before); // never from inside
    loop_until_replies(before + 1);
    assert_int_equal(f.replies, before + 1);
    return f.result;
}

// ---- tests -------------------------------------------------------------------------------------

static void sends_and_receives(void **state)
{
    (void)state;
    const struct http_header headers[] = {
        {"X-Sent", "a value"}
    };
    struct http_request request = request_to(url(false, "/echo"));
    request.method = "POST";
    request.headers = headers;
    request.header_count = 1;
    request.body = "two\0parts";
    request.body_len = 9;
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.status, 200);
    assert_int_equal(f.body_len, 9);
    assert_memory_equal(f.body, "two\0parts", 9);
    assert_string_equal(f.echo, "a value");
    assert_false(f.has_spki);
    request.method = "PUT";
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.body_len, 9);
    request.method = "HEAD";
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.body_len, 0);
    request.method = "DELETE";
    request.body_len = 0;
    assert_int_equal(run(&request), ERR_OK);
}

static void any_status_is_an_answer(void **state)
{
    (void)state;
    struct http_request request = request_to(url(false, "/missing"));
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.status, 404);
    request.url = url(false, "/redirect");
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.status, 302);
    assert_int_equal(f.requests, 2);
}

static void bodies_go_through_files(void **state)
{
    (void)state;
    struct http_request request = request_to(url(false, "/echo"));
    struct stat st;
    char *text = mem_alloc(LARGE);
    memset(text, 'f', LARGE);
    assert_int_equal(file_write_atomic(f.file, text, LARGE, 0600, NULL), ERR_OK);
    request.method = "POST";
    request.body_path = f.file;
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.body_len, LARGE);
    assert_memory_equal(f.body, text, LARGE);
    mem_free(text);
    request = request_to(url(false, "/large"));
    request.reply_path = f.file;
    assert_int_equal(unlink(f.file), 0);
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.body_len, 0);
    assert_int_equal(stat(f.file, &st), 0);
    assert_int_equal(st.st_size, LARGE);
    assert_int_equal(st.st_mode & 0777, 0600);
    // Too large: the half file is gone.
    request.reply_max = LARGE - 1;
    assert_int_equal(run(&request), ERR_TOO_LARGE);
    assert_int_equal(access(f.file, F_OK), -1);
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct http_request request = request_to(url(false, "/large"));
    request.reply_max = LARGE - 1;
    assert_int_equal(run(&request), ERR_TOO_LARGE);
    request.reply_max = LARGE;
    assert_int_equal(run(&request), ERR_OK);
    request.url = url(false, "/hold");
    request.timeout_ms = 50;
    assert_int_equal(run(&request), ERR_TIMEOUT);
    evhttp_send_error(f.held, 500, NULL);
}

static void pins_decide(void **state)
{
    (void)state;
    uint8_t pins[2][SHA256_SIZE] = {{1}, {2}};
    struct http_request request = request_to(url(true, "/echo"));
    // Self-signed for another name: refused by PKI.
    assert_int_equal(run(&request), ERR_DENIED);
    request.ignore_certificate = true;
    assert_int_equal(run(&request), ERR_OK);
    assert_true(f.has_spki);
    assert_memory_equal(f.spki, f.pin, sizeof f.pin);
    // A wrong pin is refused, whatever is ignored, and nothing is sent.
    unsigned before = f.requests;
    request.pins = (const uint8_t(*)[SHA256_SIZE])pins;
    request.pin_count = 2;
    assert_int_equal(run(&request), ERR_DENIED);
    request.ignore_certificate = false;
    assert_int_equal(run(&request), ERR_DENIED);
    assert_int_equal(f.requests, before);
    memcpy(pins[1], f.pin, sizeof f.pin);
    assert_int_equal(run(&request), ERR_OK);
    assert_memory_equal(f.spki, f.pin, sizeof f.pin);
    // The connection that the right pin opened is not lent to a wrong one.
    pins[1][0] ^= 1;
    assert_int_equal(run(&request), ERR_DENIED);
    assert_int_equal(f.requests, before + 1);
}

static void connects_where_told(void **state)
{
    (void)state;
    char target[96];
    struct http_request request = request_to(target);
    (void)snprintf(target, sizeof target, "https://some.name.example:%u/host", f.secure_port);
    request.connect_address = "127.0.0.1";
    request.pins = (const uint8_t(*)[SHA256_SIZE]) & f.pin;
    request.pin_count = 1;
    assert_int_equal(run(&request), ERR_OK);
    assert_string_equal(f.body, "some.name.example");
    request.connect_address = "::1";
    assert_int_equal(run(&request), ERR_UNAVAILABLE);
}

static void bad_requests_fail_later(void **state)
{
    (void)state;
    const struct http_header broken[] = {
        {"X-Sent", "a\r\nX-More: b"}
    };
    struct http_request request = request_to("gopher://127.0.0.1/");
    assert_int_equal(run(&request), ERR_INVALID);
    request.url = "http://exa mple/";
    assert_int_equal(run(&request), ERR_INVALID);
    request.url = url(false, "/echo");
    request.pins = (const uint8_t(*)[SHA256_SIZE]) & f.pin;
    request.pin_count = 1;
    assert_int_equal(run(&request), ERR_INVALID);
    request = request_to(url(false, "/echo"));
    request.headers = broken;
    request.header_count = 1;
    assert_int_equal(run(&request), ERR_INVALID);
    request = request_to(url(false, "/echo"));
    request.method = "POST";
    request.body_path = "/nonexistent/file";
    assert_int_equal(run(&request), ERR_NOT_FOUND);
    assert_true(strlen(f.error) > 0);
    request = request_to("http://127.0.0.1:1/");
    assert_int_equal(run(&request), ERR_UNAVAILABLE);
    assert_int_equal(f.requests, 0);
}

static void proxies_of_the_environment_are_not_used(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1/", 1), 0);
    struct http_request request = request_to(url(false, "/echo"));
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

static void cancelled_and_closed(void **state)
{
    (void)state;
    struct http_request request = request_to(url(false, "/echo"));
    struct http_call *call = http_send(f.client, &request, on_reply, NULL);
    http_cancel(call);
    request.url = "gopher://127.0.0.1/";
    call = http_send(f.client, &request, on_reply, NULL);
    http_cancel(call);
    request.url = url(false, "/echo");
    assert_int_equal(run(&request), ERR_OK);
    assert_int_equal(f.replies, 1);
    (void)http_send(f.client, &request, on_reply, NULL);
    http_client_close(f.client);
    f.client = NULL;
    assert_int_equal(f.replies, 2);
    assert_int_equal(f.result, ERR_UNAVAILABLE);
}

static void connections_are_used_again(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct http_request request = request_to(url(true, "/echo"));
    request.method = "POST";
    request.body = "{}";
    request.body_len = 2;
    request.pins = (const uint8_t(*)[SHA256_SIZE]) & f.pin;
    request.pin_count = 1;
    assert_int_equal(run(&request), ERR_OK);
    uint64_t start = clock_mono_us();
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(run(&request), ERR_OK);
        assert_true(f.has_spki); // also where no handshake was made
    }
    assert_int_equal(f.connections, 1);
    print_message("kept connection with TLS: %u us a request, both ends\n",
                  (unsigned)((clock_mono_us() - start) / COUNT));
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(sends_and_receives),
        SERVED(any_status_is_an_answer),
        SERVED(bodies_go_through_files),
        SERVED(limits_are_kept),
        SERVED(pins_decide),
        SERVED(connects_where_told),
        SERVED(bad_requests_fail_later),
        SERVED(proxies_of_the_environment_are_not_used),
        SERVED(cancelled_and_closed),
        SERVED(connections_are_used_again),
    };
    // As in the daemons.
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
