#include <event2/event.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/rpc/rpc.h"
#include "common/rpc/sock.h"

/*
 * The listening side of hints. A hint is its topic, a zero byte and a number (8 bytes); it may be
 * lost, so the listener is also told to look by itself every few seconds. All in the loop of `base`.
 */
enum { LOOK_EVERY_S = 5, TOPIC_MAX = 64 };

struct rpc_hint {
    struct rpc_sock sock;
    struct event *readable;
    struct event *timer;
    char topic[TOPIC_MAX];
    rpc_hint_fn fn;
    void *ctx;
};

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct rpc_hint *hint = ctx;
    size_t topic_size = strlen(hint->topic) + 1;
    uint64_t newest = 0;
    void *message;
    size_t len;
    // Only the highest number says something: the others are in it.
    while (rpc_sock_receive(&hint->sock, NULL, &message, &len)) {
        struct cursor c = cursor_over_const(message, len);
        const uint8_t *topic = cursor_take(&c, topic_size);
        uint64_t number = cursor_u64(&c);
        if (!c.bad && memcmp(topic, hint->topic, topic_size) == 0 && number > newest) {
            newest = number;
        }
        rpc_sock_free(message);
    }
    if (newest != 0) {
        hint->fn(hint->ctx, newest);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct rpc_hint *hint = ctx;
    rpc_sock_renew(&hint->sock);
    hint->fn(hint->ctx, 0);
}

static enum err make_events(struct rpc_hint *hint, struct event_base *base, struct errmsg *e)
{
    const struct timeval every = {.tv_sec = LOOK_EVERY_S};
    hint->readable =
        event_new(base, hint->sock.receive_fd, EV_READ | EV_PERSIST, on_readable, hint);
    hint->timer = event_new(base, -1, EV_PERSIST, on_timer, hint);
    if (hint->readable == NULL || hint->timer == NULL || event_add(hint->readable, NULL) != 0 ||
        event_add(hint->timer, &every) != 0) {
        return err_set(e, ERR_NO_MEMORY, "cannot wait for hints");
    }
    return ERR_OK;
}

enum err rpc_hint_open(struct event_base *base, const char *run_dir, enum rpc_party server,
                       enum rpc_party self, const char *topic, rpc_hint_fn fn, void *ctx,
                       struct rpc_hint **out, struct errmsg *e)
{
    struct rpc_hint *hint = mem_zalloc(sizeof *hint);
    hint->sock = RPC_SOCK_CLOSED;
    hint->fn = fn;
    hint->ctx = ctx;
    char path[RPC_PATH_MAX];
    enum err err = rpc_sock_path(run_dir, server, self, "hints.sock", path, e);
    if (err == ERR_OK && !str_copy(hint->topic, sizeof hint->topic, topic)) {
        err = err_set(e, ERR_INVALID, "hint topic too long");
    }
    if (err == ERR_OK) {
        err = rpc_sock_open(RPC_SOCK_SUB, &hint->sock, e);
    }
    if (err == ERR_OK) {
        err = rpc_sock_subscribe(&hint->sock, hint->topic, strlen(hint->topic) + 1, e);
    }
    if (err == ERR_OK) {
        err = make_events(hint, base, e);
    }
    if (err == ERR_OK) {
        err = rpc_sock_connect(&hint->sock, path, e);
    }
    if (err != ERR_OK) {
        rpc_hint_close(hint);
        return err;
    }
    *out = hint;
    return ERR_OK;
}

void rpc_hint_close(struct rpc_hint *hint)
{
    if (hint == NULL) {
        return;
    }
    if (hint->readable != NULL) {
        event_free(hint->readable);
    }
    if (hint->timer != NULL) {
        event_free(hint->timer);
    }
    rpc_sock_close(&hint->sock);
    mem_free(hint);
}
