#include "dnsd/xfr/fetch.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "dnsd/xfr/in.h"

#define CONNECT_MS 5000u
#define IDLE_MS    15000u // without a byte from the primary
#define TOTAL_MS   (2u * 3600u * 1000u)
#define FRAME_MAX  (2u + DNS_MESSAGE_MAX)

enum stage { STAGE_CONNECT, STAGE_SOA, STAGE_TRANSFER };

struct fetch {
    fetch_fn fn;
    void *ctx;
    struct event_base *base;
    struct event *event;
    int fd;
    enum stage stage;
    uint64_t started_ms;
    struct name name;
    bool check_first;
    bool has_held;
    uint32_t held;
    uint64_t bytes_max;
    uint64_t bytes;
    uint16_t id;
    uint16_t type;
    struct tsig_key key;
    bool has_key;
    struct tsig_state tsig;
    struct message_soa soa;
    struct xfr_in *in;
    size_t out_at;
    size_t out_len;
    uint8_t out[2 + MESSAGE_QUERY_MAX];
    size_t len; // in `frame`
    uint8_t frame[FRAME_MAX];
};

static void on_event(evutil_socket_t fd, short what, void *ctx);

static void free_fetch(struct fetch *f)
{
    if (f->event != NULL) {
        event_free(f->event);
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    xfr_in_free(f->in);
    tsig_state_fini(&f->tsig);
    mem_wipe(&f->key, sizeof f->key);
    mem_free(f);
}

void fetch_cancel(struct fetch *fetch)
{
    if (fetch != NULL) {
        free_fetch(fetch);
    }
}

static void wait_for(struct fetch *f, short what, uint32_t timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                              .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    if (f->event != NULL) {
        event_free(f->event);
    }
    f->event = event_new(f->base, f->fd, what, on_event, f);
    event_add(f->event, &timeout);
}

// ---- results -----------------------------------------------------------------------------------

static void complete(struct fetch *f, enum fetch_status status, const struct errmsg *e)
{
    struct fetch_result result = {.status = status, .soa = f->soa, .bytes = f->bytes};
    if (status == FETCH_LOADED) {
        result.records = xfr_in_records(f->in);
        result.ignored = xfr_in_ignored(f->in);
        result.load = xfr_in_take(f->in);
    }
    if (e != NULL) {
        result.error = *e;
    }
    f->fn(f->ctx, &result);
    free_fetch(f);
}

static void fail_errno(struct fetch *f, const char *what, int errno_value)
{
    struct errmsg e;
    err_set(&e, err_from_errno(errno_value), "%s: %s", what, strerror(errno_value));
    complete(f, FETCH_FAILED, &e);
}

static void fail_text(struct fetch *f, enum err err, const char *text)
{
    struct errmsg e;
    err_set(&e, err, "%s", text);
    complete(f, FETCH_FAILED, &e);
}

// ---- asking ------------------------------------------------------------------------------------

// Puts the next question into `out`. Each is an exchange of its own with its own signatures.
static enum err write_question(struct fetch *f, enum stage stage)
{
    size_t size;
    tsig_state_fini(&f->tsig);
    f->tsig.key = f->has_key ? &f->key : NULL;
    f->stage = stage;
    f->type = stage == STAGE_SOA ? TYPE_SOA : TYPE_AXFR;
    enum err err = message_write_query(f->out + 2, &size, OPCODE_QUERY, &f->name, f->type, NULL,
                                       &f->tsig, &f->id);
    if (err == ERR_OK) {
        f->out[0] = (uint8_t)(size >> 8);
        f->out[1] = (uint8_t)size;
        f->out_at = 0;
        f->out_len = size + 2;
    }
    return err;
}

static void send_question(struct fetch *f)
{
    while (f->out_at < f->out_len) {
        ssize_t n = send(f->fd, f->out + f->out_at, f->out_len - f->out_at, MSG_NOSIGNAL);
        if (n >= 0) {
            f->out_at += (size_t)n;
        } else if (errno == EAGAIN) {
            wait_for(f, EV_WRITE, IDLE_MS);
            return;
        } else if (errno != EINTR) {
            fail_errno(f, "sending to the primary", errno);
            return;
        }
    }
    wait_for(f, EV_READ | EV_PERSIST, IDLE_MS);
}

static void begin_transfer(struct fetch *f)
{
    f->in = xfr_in_new(&f->name);
    if (write_question(f, STAGE_TRANSFER) != ERR_OK) {
        fail_text(f, ERR_INTERNAL, "cannot write the query");
        return;
    }
    send_question(f);
}

// ---- answers -----------------------------------------------------------------------------------

// What follows from one message. False = the fetch is over (and freed) or asks anew.
static bool take_soa(struct fetch *f, const uint8_t *message, size_t size,
                     const struct dns_header *header, size_t offset)
{
    struct errmsg e;
    if (message_read_soa(message, size, header, offset, &f->name, &f->soa, &e) != ERR_OK) {
        complete(f, FETCH_FAILED, &e);
    } else if (f->has_held && !serial_newer(f->soa.serial, f->held)) {
        complete(f, FETCH_CURRENT, NULL);
    } else {
        begin_transfer(f);
    }
    return false;
}

static bool take_records(struct fetch *f, const uint8_t *message, size_t size,
                         const struct dns_header *header, size_t offset)
{
    struct errmsg e;
    switch (xfr_in_message(f->in, message, size, header, offset, &e)) {
    case XFR_IN_MORE:
        return true;
    case XFR_IN_DONE:
        if (f->tsig.unsigned_count != 0) {
            fail_text(f, ERR_DENIED, "the last message of the transfer is not signed");
        } else {
            f->soa = *xfr_in_soa(f->in);
            complete(f, FETCH_LOADED, NULL);
        }
        return false;
    case XFR_IN_FAILED:
        complete(f, FETCH_FAILED, &e);
        return false;
    }
    return false;
}

static bool take_message(struct fetch *f, uint8_t *message, size_t size)
{
    struct dns_header header;
    struct errmsg e = {.text = ""};
    size_t offset;
    enum err err = message_check_answer(message, &size, f->id, OPCODE_QUERY, &f->name, f->type,
                                        &f->tsig, &header, &offset, &e);
    if (err == ERR_NOT_FOUND) {
        fail_text(f, ERR_INVALID, "the primary answers another question");
        return false;
    }
    if (err != ERR_OK) {
        unsigned rcode = header.flags & 15u;
        if (rcode != RCODE_NOERROR) {
            err_prefix(&e, err, "the primary answers %s", message_rcode_text(rcode));
        }
        complete(f, FETCH_FAILED, &e);
        return false;
    }
    return f->stage == STAGE_SOA ? take_soa(f, message, size, &header, offset)
                                 : take_records(f, message, size, &header, offset);
}

// Takes the whole messages out of `frame`; false = the fetch is over or has asked anew.
static bool take_frames(struct fetch *f)
{
    size_t at = 0;
    while (f->len - at >= 2) {
        size_t size = (size_t)f->frame[at] << 8 | f->frame[at + 1];
        if (f->len - at - 2 < size) {
            break;
        }
        enum stage stage = f->stage;
        if (stage == STAGE_SOA) {
            f->len = 0; // nothing may follow the answer to one question
        }
        if (!take_message(f, f->frame + at + 2, size)) {
            return false;
        }
        at += 2 + size;
    }
    memmove(f->frame, f->frame + at, f->len - at);
    f->len -= at;
    return true;
}

static void on_readable(struct fetch *f)
{
    ssize_t n = recv(f->fd, f->frame + f->len, sizeof f->frame - f->len, 0);
    if (n == 0) {
        fail_text(f, ERR_UNAVAILABLE, "the primary closed the connection before the end");
    } else if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            fail_errno(f, "reading from the primary", errno);
        }
    } else {
        f->len += (size_t)n;
        f->bytes += (uint64_t)n;
        if (f->bytes > f->bytes_max) {
            fail_text(f, ERR_TOO_LARGE, "the zone is larger than allowed");
        } else if (clock_mono_ms() - f->started_ms > TOTAL_MS) {
            fail_text(f, ERR_TIMEOUT, "the transfer takes too long");
        } else {
            (void)take_frames(f);
        }
    }
}

// ---- connecting --------------------------------------------------------------------------------

static void on_connected(struct fetch *f)
{
    int failed = 0;
    socklen_t len = sizeof failed;
    getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &failed, &len);
    if (failed != 0) {
        fail_errno(f, "connecting to the primary", failed);
        return;
    }
    if (!f->check_first) {
        begin_transfer(f);
    } else if (write_question(f, STAGE_SOA) != ERR_OK) {
        fail_text(f, ERR_INTERNAL, "cannot write the query");
    } else {
        send_question(f);
    }
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
    struct fetch *f = ctx;
    (void)fd;
    if ((what & EV_TIMEOUT) != 0) {
        fail_text(f, ERR_TIMEOUT,
                  f->stage == STAGE_CONNECT ? "no connection to the primary"
                                            : "the primary sends nothing");
    } else if (f->stage == STAGE_CONNECT) {
        on_connected(f);
    } else if ((what & EV_WRITE) != 0) {
        send_question(f);
    } else {
        on_readable(f);
    }
}

static enum err open_socket(struct fetch *f, const struct fetch_options *options, struct errmsg *e)
{
    int one = 1;
    f->fd = socket(options->to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = f->fd >= 0 && setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
    if (ok && options->source->sa.sa_family == options->to->sa.sa_family) {
        ok = bind(f->fd, &options->source->sa, address_len(options->source)) == 0;
    }
    ok = ok &&
         (connect(f->fd, &options->to->sa, address_len(options->to)) == 0 || errno == EINPROGRESS);
    return ok ? ERR_OK
              : err_set(e, err_from_errno(errno), "connecting to the primary: %s", strerror(errno));
}

enum err fetch_start(const struct fetch_options *options, fetch_fn fn, void *ctx,
                     struct fetch **out, struct errmsg *e)
{
    struct fetch *f = mem_zalloc(sizeof *f);
    f->fn = fn;
    f->ctx = ctx;
    f->base = options->base;
    f->name = *options->name;
    f->check_first = options->check_first;
    f->has_held = options->has_held;
    f->held = options->held;
    f->bytes_max = options->bytes_max;
    f->started_ms = clock_mono_ms();
    f->has_key = options->key != NULL;
    if (f->has_key) {
        f->key = *options->key;
    }
    enum err err = open_socket(f, options, e);
    if (err != ERR_OK) {
        free_fetch(f);
        return err;
    }
    wait_for(f, EV_WRITE, CONNECT_MS);
    *out = f;
    return ERR_OK;
}
