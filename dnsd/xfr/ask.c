#include "dnsd/xfr/ask.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"

#define ANSWER_MAX 4096u

struct ask {
    ask_fn fn;
    void *ctx;
    struct event *event;
    int fd;
    enum dns_opcode opcode;
    struct name name;
    uint16_t type;
    uint16_t id;
    uint32_t timeout_ms;
    unsigned tries_left;
    size_t size;
    uint8_t message[MESSAGE_QUERY_MAX];
    struct tsig_key key;
    struct tsig_state tsig;
    struct errmsg last; // of an answer that did not count
};

static void free_ask(struct ask *ask)
{
    if (ask->event != NULL) {
        event_free(ask->event);
    }
    if (ask->fd >= 0) {
        close(ask->fd);
    }
    tsig_state_fini(&ask->tsig);
    mem_wipe(&ask->key, sizeof ask->key);
    mem_free(ask);
}

void ask_cancel(struct ask *ask)
{
    if (ask != NULL) {
        free_ask(ask);
    }
}

static void complete(struct ask *ask, const struct ask_answer *answer, struct errmsg *e)
{
    ask->fn(ask->ctx, answer, e);
    free_ask(ask);
}

static void arm(struct ask *ask)
{
    struct timeval timeout = {.tv_sec = ask->timeout_ms / 1000,
                              .tv_usec = (suseconds_t)(ask->timeout_ms % 1000) * 1000};
    event_add(ask->event, &timeout);
}

// What send refuses (no route, refused port) counts as a try without an answer.
static void send_once(struct ask *ask)
{
    ask->tries_left--;
    if (send(ask->fd, ask->message, ask->size, MSG_NOSIGNAL) < 0) {
        err_set(&ask->last, err_from_errno(errno), "%s", strerror(errno));
    }
    arm(ask);
}

static void on_timeout(struct ask *ask)
{
    if (ask->tries_left > 0) {
        ask->timeout_ms *= 2;
        send_once(ask);
        return;
    }
    struct errmsg e = ask->last;
    if (e.text[0] == '\0') {
        err_set(&e, ERR_TIMEOUT, "no answer by UDP");
    }
    complete(ask, NULL, &e);
}

// True = the exchange is over.
static bool take_answer(struct ask *ask)
{
    uint8_t bytes[ANSWER_MAX];
    ssize_t n = recv(ask->fd, bytes, sizeof bytes, 0);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            err_set(&ask->last, err_from_errno(errno), "%s", strerror(errno));
        }
        return false;
    }
    struct ask_answer answer = {.message = bytes, .size = (size_t)n};
    // A copy, because a forged answer must not change what the true one is checked with.
    struct tsig_state tsig = ask->tsig;
    enum err err =
        message_check_answer(bytes, &answer.size, ask->id, ask->opcode, &ask->name, ask->type,
                             &tsig, &answer.header, &answer.answers_offset, &ask->last);
    tsig_state_fini(&tsig);
    if (err != ERR_OK) {
        return false;
    }
    complete(ask, &answer, NULL);
    return true;
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
    struct ask *ask = ctx;
    (void)fd;
    if ((what & EV_TIMEOUT) != 0) {
        on_timeout(ask);
    } else if (!take_answer(ask)) {
        arm(ask);
    }
}

static enum err open_socket(struct ask *ask, const struct ask_options *options, struct errmsg *e)
{
    ask->fd = socket(options->to->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = ask->fd >= 0;
    if (ok && options->source->sa.sa_family == options->to->sa.sa_family) {
        ok = bind(ask->fd, &options->source->sa, address_len(options->source)) == 0;
    }
    ok = ok && connect(ask->fd, &options->to->sa, address_len(options->to)) == 0;
    return ok ? ERR_OK : err_set(e, err_from_errno(errno), "%s", strerror(errno));
}

enum err ask_start(const struct ask_options *options, ask_fn fn, void *ctx, struct ask **out,
                   struct errmsg *e)
{
    struct ask *ask = mem_zalloc(sizeof *ask);
    ask->fn = fn;
    ask->ctx = ctx;
    ask->fd = -1;
    ask->opcode = options->opcode;
    ask->name = *options->name;
    ask->type = options->type;
    ask->timeout_ms = options->timeout_ms;
    ask->tries_left = options->tries;
    if (options->key != NULL) {
        ask->key = *options->key;
        ask->tsig.key = &ask->key;
    }
    enum err err = message_write_query(ask->message, &ask->size, ask->opcode, &ask->name, ask->type,
                                       options->soa, &ask->tsig, &ask->id);
    if (err != ERR_OK) {
        err_set(e, err, "cannot write the query: %s", err_text(err));
    } else {
        err = open_socket(ask, options, e);
    }
    if (err != ERR_OK) {
        free_ask(ask);
        return err;
    }
    ask->event = event_new(options->base, ask->fd, EV_READ, on_event, ask);
    send_once(ask);
    *out = ask;
    return ERR_OK;
}
