#include "dnsd/net/tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <limits.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "dnsd/conf/reader.h"
#include "dnsd/conf/list.h"
#include "dnsd/net/tcp_clients.h"
#include "dnsd/xfr/out.h"

/*
 * Connections of one worker; everything here runs in its thread. A connection is in one of two
 * modes:
 *
 *   waiting   reads; what stays of a message that is not whole yet is kept in `in`
 *   sending   `out` holds what the socket did not take, or a transfer is under way; nothing is
 * read, so a client that does not take its answers stops itself
 *
 * Messages are read into and answered from the server's two scratch buffers.
 */

#define READ_SIZE      16384u
#define FRAME_MAX      (2u + DNS_MESSAGE_MAX)
#define IN_SCRATCH     (FRAME_MAX + READ_SIZE)
#define OUT_SCRATCH    (2u * FRAME_MAX)
#define ACCEPT_BATCH   64u
#define TRANSFER_BATCH 4u // messages of a transfer before others get their turn
#define SWEEP_MS       250u
#define IDLE_MIN_MS    500u

struct tcp_connection {
    struct event event; // read or write, by mode
    struct tcp_server *server;
    struct list by_age;    // in server->waiting or server->sending, oldest first
    struct list by_client; // in client->connections
    struct tcp_client *client;
    uint64_t since_ms; // last whole message, or last progress of sending
    union address peer;
    int fd;
    bool is_sending;
    int unacknowledged; // bytes in the socket at the last look; INT_MAX = not looked
    uint32_t in_len;
    uint32_t out_at;
    uint32_t out_len;
    uint8_t *in;
    uint8_t *out;
    struct xfr_out *transfer;
};

struct tcp_server {
    struct event_base *base;
    struct responder *responder;
    struct tcp_limits limits;
    size_t connections;
    size_t buffer_bytes;
    struct list waiting;
    struct list sending;
    struct event *sweep;
    struct tcp_clients clients;
    uint8_t in[IN_SCRATCH];
    uint8_t out[OUT_SCRATCH];
};

static void on_event(evutil_socket_t fd, short what, void *ctx);

// ---- buffers -----------------------------------------------------------------------------------

static void drop_in(struct tcp_connection *c)
{
    c->server->buffer_bytes -= c->in_len;
    mem_free(c->in);
    c->in = NULL;
    c->in_len = 0;
}

static void drop_out(struct tcp_connection *c)
{
    c->server->buffer_bytes -= c->out_len;
    mem_free(c->out);
    c->out = NULL;
    c->out_at = 0;
    c->out_len = 0;
}

// Keeps a copy of `len` bytes for later; false = this worker holds too much already.
static bool keep(struct tcp_server *server, const uint8_t *bytes, size_t len, uint8_t **dst,
                 uint32_t *dst_len)
{
    if (len == 0) {
        return true;
    }
    if (server->buffer_bytes + len > server->limits.buffer_bytes) {
        return false;
    }
    *dst = mem_dup(bytes, len);
    *dst_len = (uint32_t)len;
    server->buffer_bytes += len;
    return true;
}

// ---- opening, closing, modes -------------------------------------------------------------------

static void close_connection(struct tcp_connection *c)
{
    struct tcp_server *server = c->server;
    event_del(&c->event);
    close(c->fd);
    list_remove(&c->by_age);
    list_remove(&c->by_client);
    tcp_clients_put(&server->clients, c->client);
    drop_in(c);
    drop_out(c);
    xfr_out_close(c->transfer);
    mem_free(c);
    server->connections--;
    if (server->connections == 0) {
        event_del(server->sweep);
    }
}

// Moves to the end of the lists of its mode: it did something.
static void touch(struct tcp_connection *c)
{
    c->since_ms = clock_mono_ms();
    c->unacknowledged = INT_MAX;
    list_remove(&c->by_age);
    list_add_last(c->is_sending ? &c->server->sending : &c->server->waiting, &c->by_age);
    list_remove(&c->by_client);
    list_add_last(&c->client->connections, &c->by_client);
}

static void set_mode(struct tcp_connection *c, bool is_sending)
{
    if (c->is_sending == is_sending) {
        return;
    }
    c->is_sending = is_sending;
    event_del(&c->event);
    event_assign(&c->event, c->server->base, c->fd,
                 (short)((is_sending ? EV_WRITE : EV_READ) | EV_PERSIST), on_event, c);
    event_add(&c->event, NULL);
    touch(c);
}

// ---- sending -----------------------------------------------------------------------------------

// Sends what it can of `bytes`, keeps the rest; false = the connection is broken or over its
// bounds.
static bool send_or_keep(struct tcp_connection *c, const uint8_t *bytes, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(c->fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return keep(c->server, bytes + sent, len - sent, &c->out, &c->out_len);
}

// Goes on with what was kept; false = broken.
static bool send_kept(struct tcp_connection *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
        if (n >= 0) {
            c->out_at += (uint32_t)n;
            touch(c);
        } else if (errno == EAGAIN) {
            return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    drop_out(c);
    return true;
}

static void end_transfer(struct tcp_connection *c)
{
    log_info("zone transferred", F_NAME(xfr_out_zone(c->transfer)), F_ADDR(&c->peer.sa),
             F_U64("serial", xfr_out_serial(c->transfer)),
             F_U64("records", xfr_out_records(c->transfer)));
    xfr_out_close(c->transfer);
    c->transfer = NULL;
}

// The next messages of a transfer, as long as the socket takes them; false = close.
static bool send_transfer(struct tcp_connection *c)
{
    uint8_t *frame = c->server->out;
    for (unsigned i = 0; i < TRANSFER_BATCH && c->out == NULL; i++) {
        size_t size = xfr_out_next(c->transfer, frame + 2, XFR_OUT_ROOM);
        if (size == 0) {
            if (xfr_out_failed(c->transfer)) {
                log_error("zone transfer broke off", F_NAME(xfr_out_zone(c->transfer)),
                          F_ADDR(&c->peer.sa));
                return false;
            }
            end_transfer(c);
            return true;
        }
        frame[0] = (uint8_t)(size >> 8);
        frame[1] = (uint8_t)size;
        if (!send_or_keep(c, frame, size + 2)) {
            return false;
        }
        touch(c);
    }
    return true;
}

// ---- messages ----------------------------------------------------------------------------------

// Replies gathered in the server's scratch buffer, sent together.
struct gathered {
    size_t len;
};

static bool flush(struct tcp_connection *c, struct gathered *g)
{
    bool ok = g->len == 0 || send_or_keep(c, c->server->out, g->len);
    g->len = 0;
    return ok;
}

// Answers one message into the scratch buffer; false = close: such bytes are not DNS.
static bool answer_message(struct tcp_connection *c, const uint8_t *message, size_t size,
                           struct gathered *g)
{
    struct responder *responder = c->server->responder;
    struct dns_query parsed;
    struct request request = {.message = message,
                              .size = size,
                              .client = &c->peer.sa,
                              .parsed = &parsed,
                              .rcode = dns_query_read(message, size, &parsed)};
    if (request.rcode < 0) {
        stats_add(responder->stats, STATS_DROPPED, 1);
        return false;
    }
    stats_add(responder->stats, STATS_TCP_QUERIES, 1);
    uint8_t *frame = c->server->out + g->len;
    size_t reply = responder_reply(responder, &request, frame + 2, DNS_MESSAGE_MAX, &c->transfer);
    if (reply != 0) {
        frame[0] = (uint8_t)(reply >> 8);
        frame[1] = (uint8_t)reply;
        g->len += reply + 2;
    }
    return true;
}

// Answers whole messages of `bytes` until one is not whole, a transfer begins or the client does
// not take its answers; `*used` gets how far it came. False = close.
static bool answer_messages(struct tcp_connection *c, const uint8_t *bytes, size_t len,
                            size_t *used)
{
    struct gathered g = {0};
    size_t at = 0;
    bool ok = true;
    while (ok && c->transfer == NULL && c->out == NULL && len - at >= 2) {
        size_t size = (size_t)bytes[at] << 8 | bytes[at + 1];
        if (len - at - 2 < size) {
            break;
        }
        ok = answer_message(c, bytes + at + 2, size, &g);
        at += 2 + size;
        if (OUT_SCRATCH - g.len < FRAME_MAX) {
            ok = flush(c, &g) && ok;
        }
    }
    ok = flush(c, &g) && ok;
    if (at != 0 && ok) {
        touch(c);
    }
    *used = at;
    return ok;
}

// ---- events ------------------------------------------------------------------------------------

// Works on `len` bytes in the scratch buffer; what cannot be worked on now is kept. False = close.
static bool work(struct tcp_connection *c, size_t len)
{
    struct tcp_server *server = c->server;
    size_t used;
    return answer_messages(c, server->in, len, &used) &&
           keep(server, server->in + used, len - used, &c->in, &c->in_len);
}

// Brings kept input back into the scratch buffer; returns its length.
static size_t take_kept_input(struct tcp_connection *c)
{
    size_t len = c->in_len;
    if (len != 0) {
        memcpy(c->server->in, c->in, len);
        drop_in(c);
    }
    return len;
}

static bool on_readable(struct tcp_connection *c)
{
    // Kept input is less than one frame here: whole ones were answered before reading again.
    size_t len = take_kept_input(c);
    ssize_t n = recv(c->fd, c->server->in + len, READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return keep(c->server, c->server->in, len, &c->in, &c->in_len);
    }
    return n > 0 && work(c, len + (size_t)n);
}

// Sends on; when all is out, answers what was kept meanwhile.
static bool on_writable(struct tcp_connection *c)
{
    if (!send_kept(c)) {
        return false;
    }
    if (c->out == NULL && c->transfer != NULL && !send_transfer(c)) {
        return false;
    }
    if (c->out == NULL && c->transfer == NULL && c->in != NULL) {
        return work(c, take_kept_input(c));
    }
    return true;
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
    struct tcp_connection *c = ctx;
    (void)fd;
    reader_enter();
    responder_begin(c->server->responder, true);
    bool ok = (what & EV_WRITE) != 0 ? on_writable(c) : on_readable(c);
    reader_leave();
    if (!ok) {
        close_connection(c);
        return;
    }
    set_mode(c, c->out != NULL || c->transfer != NULL);
}

// ---- bounds ------------------------------------------------------------------------------------

// Shares of the idle timeout by how full the worker is; the first row that fits counts.
static const struct {
    unsigned full_percent;
    unsigned divisor;
} pressure_rows[] = {
    {.full_percent = 90, .divisor = 16},
    {.full_percent = 75, .divisor = 4 },
    {.full_percent = 50, .divisor = 2 },
    {.full_percent = 0,  .divisor = 1 },
};

uint32_t tcp_idle_timeout(uint32_t timeout_ms, size_t open, size_t max)
{
    size_t i = 0;
    while (open * 100 < max * pressure_rows[i].full_percent) {
        i++;
    }
    uint32_t timeout = timeout_ms / pressure_rows[i].divisor;
    return timeout < IDLE_MIN_MS ? IDLE_MIN_MS : timeout;
}

static struct tcp_connection *oldest(const struct list *list)
{
    return list_is_empty(list) ? NULL : list_entry(list->next, struct tcp_connection, by_age);
}

// A slow client may take seconds to empty the socket's buffer, and meanwhile we can write nothing:
// what it has acknowledged since the last look is progress too.
static bool makes_progress(struct tcp_connection *c)
{
    int left;
    if (!c->is_sending || ioctl(c->fd, SIOCOUTQ, &left) != 0 || left >= c->unacknowledged) {
        return false;
    }
    touch(c);
    c->unacknowledged = left;
    return true;
}

static void close_older(struct tcp_server *server, struct list *list, uint64_t now,
                        uint32_t timeout)
{
    struct tcp_connection *c = oldest(list);
    while (c != NULL && now - c->since_ms >= timeout) {
        if (!makes_progress(c)) {
            stats_add(server->responder->stats, STATS_TCP_TIMED_OUT, 1);
            close_connection(c);
        }
        c = oldest(list);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
    struct tcp_server *server = ctx;
    (void)fd;
    (void)what;
    reader_enter();
    const struct snapshot *snapshot = snapshot_get(server->responder->shared);
    uint32_t receive_ms = snapshot->tcp_receive_timeout_ms;
    uint32_t send_ms = snapshot->tcp_send_timeout_ms;
    reader_leave();
    uint64_t now = clock_mono_ms();
    close_older(server, &server->waiting, now,
                tcp_idle_timeout(receive_ms, server->connections, server->limits.connections));
    close_older(server, &server->sending, now, send_ms);
}

// Makes room when the worker, or this client, is at its limit: the connection longest without work
// goes.
static void evict(struct tcp_server *server, struct tcp_client *client)
{
    struct tcp_connection *c = NULL;
    if (client->count > server->limits.per_client && !list_is_empty(&client->connections)) {
        c = list_entry(client->connections.next, struct tcp_connection, by_client);
    } else if (server->connections > server->limits.connections) {
        c = oldest(&server->waiting);
        c = c != NULL ? c : oldest(&server->sending);
    }
    if (c != NULL) {
        stats_add(server->responder->stats, STATS_TCP_EVICTED, 1);
        close_connection(c);
    }
}

static void open_connection(struct tcp_server *server, int fd, const union address *peer)
{
    struct tcp_client *client = tcp_clients_get(&server->clients, peer);
    server->connections++;
    if (server->connections == 1) {
        struct timeval every = {.tv_usec = SWEEP_MS * 1000};
        event_add(server->sweep, &every);
    }
    evict(server, client);
    struct tcp_connection *c = mem_zalloc(sizeof *c);
    c->server = server;
    c->client = client;
    c->peer = *peer;
    c->fd = fd;
    list_init(&c->by_age);
    list_init(&c->by_client);
    event_assign(&c->event, server->base, fd, EV_READ | EV_PERSIST, on_event, c);
    event_add(&c->event, NULL);
    touch(c);
    stats_add(server->responder->stats, STATS_TCP_ACCEPTED, 1);
}

// Out of descriptors: the longest idle connection gives up its own.
static bool make_descriptor_room(struct tcp_server *server)
{
    static struct log_limit limit;
    uint64_t held;
    if (log_limit_pass(&limit, 10, &held)) {
        log_warn("TCP connections are limited by open files", F_ERRNO(errno),
                 F_U64("connections", server->connections), F_U64("repeated", held));
    }
    struct tcp_connection *c = oldest(&server->waiting);
    if (c == NULL) {
        return false;
    }
    stats_add(server->responder->stats, STATS_TCP_EVICTED, 1);
    close_connection(c);
    return true;
}

void tcp_server_accept(struct tcp_server *server, int listen_fd)
{
    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        union address peer;
        socklen_t len = sizeof peer;
        int fd = accept4(listen_fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            open_connection(server, fd, &peer);
        } else if (errno == EMFILE || errno == ENFILE) {
            if (!make_descriptor_room(server)) {
                return;
            }
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

// ------------------------------------------------------------------------------------------------

struct tcp_server *tcp_server_new(struct event_base *base, struct responder *responder,
                                  const struct tcp_limits *limits)
{
    struct tcp_server *server = mem_zalloc(sizeof *server);
    server->base = base;
    server->responder = responder;
    server->limits = *limits;
    list_init(&server->waiting);
    list_init(&server->sending);
    server->sweep = event_new(base, -1, EV_PERSIST, on_sweep, server);
    return server;
}

void tcp_server_free(struct tcp_server *server)
{
    if (server == NULL) {
        return;
    }
    struct list *lists[2] = {&server->waiting, &server->sending};
    for (size_t i = 0; i < 2; i++) {
        while (!list_is_empty(lists[i])) {
            close_connection(oldest(lists[i]));
        }
    }
    event_free(server->sweep);
    mem_free(server);
}

size_t tcp_server_connections(const struct tcp_server *server)
{
    return server->connections;
}
