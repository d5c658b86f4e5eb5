#include "common/http/http.h"

#include <event2/event.h>
#include <pthread.h>

#include "common/base/mem.h"
#include "common/http/call.h"

/*
 * The multi interface on libevent: libcurl says which sockets and which time to watch, the loop
 * tells it what happened. Everything runs in the loop's thread. A call's function is only called
 * from finish_done and on_failed, never from inside a callback of libcurl, so it may send and
 * cancel.
 */
#define CONNECTIONS_KEPT 300L // one for each node of the largest cluster, and some

struct http_client {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct http_call *calls;
};

// ---- the list of calls -------------------------------------------------------------------------

static void link_call(struct http_client *client, struct http_call *call)
{
    call->next = client->calls;
    call->link = &client->calls;
    if (call->next != NULL) {
        call->next->link = &call->next;
    }
    client->calls = call;
}

static void unlink_call(struct http_call *call)
{
    *call->link = call->next;
    if (call->next != NULL) {
        call->next->link = call->link;
    }
}

// Takes the call out of everything; it is the caller's alone then.
static void detach(struct http_call *call)
{
    unlink_call(call);
    if (call->in_multi) {
        (void)curl_multi_remove_handle(call->client->multi, call->easy);
        call->in_multi = false;
    }
    if (call->failed != NULL) {
        event_free(call->failed);
        call->failed = NULL;
    }
}

static void finish(struct http_call *call, enum err result)
{
    struct http_reply reply;
    detach(call);
    call_reply(call, result, &reply);
    call->fn(call->ctx, &reply);
    call_free(call);
}

// Ends the calls that libcurl is done with.
static void finish_done(struct http_client *client)
{
    int left = 0;
    CURLMsg *message = curl_multi_info_read(client->multi, &left);
    while (message != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct http_call *call = NULL;
            CURLcode code = message->data.result;
            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
            finish(call, call_result(call, code));
        }
        message = curl_multi_info_read(client->multi, &left);
    }
}

// ---- events ------------------------------------------------------------------------------------

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct http_client *client = ctx;
    int flags = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running = 0;
    (void)curl_multi_socket_action(client->multi, fd, flags, &running);
    finish_done(client);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct http_client *client = ctx;
    int running = 0;
    (void)fd;
    (void)what;
    (void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_done(client);
}

static void on_failed(evutil_socket_t fd, short what, void *ctx)
{
    struct http_call *call = ctx;
    (void)fd;
    (void)what;
    finish(call, call->failure.code);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_client *client = ctx;
    struct event *event = socket_ctx;
    (void)easy;
    if (event != NULL) {
        event_free(event);
        (void)curl_multi_assign(client->multi, fd, NULL);
    }
    if (what == CURL_POLL_REMOVE) {
        return 0;
    }
    short flags = (short)(EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                          ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    event = event_new(client->base, fd, flags, on_socket, client);
    if (event == NULL || event_add(event, NULL) != 0) {
        return -1;
    }
    (void)curl_multi_assign(client->multi, fd, event);
    return 0;
}

static int watch_time(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_client *client = ctx;
    (void)multi;
    if (timeout_ms < 0) {
        return event_del(client->timer);
    }
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                                    .tv_usec = timeout_ms % 1000 * 1000};
    return event_add(client->timer, &timeout);
}

// ---- public ------------------------------------------------------------------------------------

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_started;

static void start_curl(void)
{
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err http_client_open(struct event_base *base, struct http_client **out, struct errmsg *e)
{
    if (pthread_once(&curl_once, start_curl) != 0 || curl_started != CURLE_OK) {
        return err_set(e, ERR_INTERNAL, "libcurl cannot be started");
    }
    struct http_client *client = mem_zalloc(sizeof *client);
    client->base = base;
    client->multi = curl_multi_init();
    client->timer = evtimer_new(base, on_timer, client);
    if (client->multi == NULL || client->timer == NULL) {
        http_client_close(client);
        return err_set(e, ERR_NO_MEMORY, "the HTTP client cannot be made");
    }
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, watch_time);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    *out = client;
    return ERR_OK;
}

void http_client_close(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->calls != NULL) {
        (void)err_set(&client->calls->failure, ERR_UNAVAILABLE, "the client was closed");
        finish(client->calls, ERR_UNAVAILABLE);
    }
    if (client->multi != NULL) {
        (void)curl_multi_cleanup(client->multi); // closes kept connections by watch_socket
    }
    if (client->timer != NULL) {
        event_free(client->timer);
    }
    mem_free(client);
}

struct http_call *http_send(struct http_client *client, const struct http_request *request,
                            http_fn fn, void *ctx)
{
    struct http_call *call = call_new(request);
    call->client = client;
    call->fn = fn;
    call->ctx = ctx;
    link_call(client, call);
    if (call->failure.code == ERR_OK) {
        CURLMcode code = curl_multi_add_handle(client->multi, call->easy);
        call->in_multi = code == CURLM_OK;
        if (!call->in_multi) {
            (void)err_set(&call->failure, ERR_INTERNAL, "%s", curl_multi_strerror(code));
        }
    }
    if (!call->in_multi) {
        call->failed = evtimer_new(client->base, on_failed, call);
        event_active(call->failed, EV_TIMEOUT, 0);
    }
    return call;
}

void http_cancel(struct http_call *call)
{
    detach(call);
    call_free(call);
}
