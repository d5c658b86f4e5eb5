#include "common/rpc/client.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "common/rpc/frame.h"
#include "common/rpc/message.h"
#include "common/rpc/rpc.h"
#include "common/rpc/sock.h"

/*
 * The calling side. All in the loop of `base`.
 *
 *   stub ─▶ packed ─▶ queue ─▶ window of 64 slots, sent ─▶ reply ─▶ closure
 *
 *   DOWN ──connected──▶ GREETING (HELLO sent) ──WELCOME──▶ UP ──connection lost──▶ DOWN
 *
 * A call's number has its slot in the low bits, and grows. The packed request is kept until the
 * call is complete: it is sent again on a new connection and, with growing pauses, while no reply
 * comes (nanomsg drops replies that find no room). Whether that may run it twice is decided by the
 * server, which knows what it has seen (memory.h). A RPC_ONCE call that went to a run of the server
 * that is gone is not sent again: nobody knows whether it was done.
 *
 * nanomsg's send eventfd is watched edge-triggered: it is signalled at each new connection and
 * whenever there is room again. A lost connection is not signalled: a tick looks for it, fast while
 * calls are open, and at their times.
 */
enum {
    TICK_MS = 20,        // while calls are open
    TICK_IDLE_MS = 1000,
    RESEND_FIRST_MS = 400,
    RESEND_MAX_MS = 8000,
    HELLO_AGAIN_MS = 200,
    DOWN_LIMIT_MS = 3000,     // without a connection for so long: calls fail instead of waiting
    QUEUE_MAX = 8192,
    REPLIES_PER_TURN = 128,   // then the loop's other events get their turn
    NAME_MAX_LEN = 96,
    SLOT_BITS = 6,
};
_Static_assert(1u << SLOT_BITS == RPC_WINDOW, "a call's number holds its slot");

enum client_state { CLIENT_DOWN, CLIENT_GREETING, CLIENT_UP };

struct client_method {
    const ProtobufCMethodDescriptor *descriptor;
    const struct rpc_method_policy *policy;   // NULL = no row: cannot be called
    uint64_t hash;
};

struct client_service {
    ProtobufCService base;   // first: stubs get a pointer to it
    struct rpc_client *client;
    struct client_service *next;
    struct client_method methods[];
};

struct client_call {
    TAILQ_ENTRY(client_call) link;   // in the queue or among the failed
    const struct client_method *method;
    ProtobufCClosure closure;
    void *closure_data;
    uint64_t id;             // 0 = never sent
    uint64_t server;         // the run it was first sent to
    uint64_t connection;     // the connection it was last sent by
    uint64_t deadline_ms;    // clock_mono_ms, as all times here
    uint64_t resend_ms;
    uint32_t resend_pause_ms;
    struct errmsg failure;   // among the failed: why
    size_t len;
    uint8_t frame[];         // room for the head, then the packed request
};
TAILQ_HEAD(client_calls, client_call);

struct rpc_client {
    char path[RPC_PATH_MAX];
    enum rpc_party server;
    struct event_base *base;
    struct rpc_sock sock;
    struct event *readable;
    struct event *sendable;
    struct event *tick;
    bool is_ticking_fast;
    struct event *deferred;   // completes the failed calls, outside of the call itself

    enum client_state state;
    uint64_t incarnation;
    uint64_t server_incarnation;   // 0 = none known yet
    uint64_t connection;           // rpc_sock_connects at the last HELLO
    uint64_t hello_ms;
    uint64_t down_since_ms;        // 0 = not down
    uint64_t last_id;
    uint32_t deadline_limit_ms;    // 0 = as the policy says

    struct client_call *slots[RPC_WINDOW];
    unsigned open_count;
    struct client_calls queue;
    size_t queued;
    struct client_calls failed;
    struct client_service *services;
};

static struct log_limit bad_frame_limit;

// ---- completion --------------------------------------------------------------------------------

static void complete(struct client_call *call, ProtobufCMessage *reply)
{
    call->closure(reply, call->closure_data);
    protobuf_c_message_free_unpacked(reply, NULL);
    mem_free(call);
}

static void complete_with_error(struct client_call *call, const struct errmsg *e)
{
    ProtobufCMessage *reply = message_error_new(call->method->descriptor->output, e);
    if (reply == NULL) {
        log_error("reply type without an error field",
                  F_STR("type", call->method->descriptor->output->name));
        reply = mem_alloc(call->method->descriptor->output->sizeof_message);
        protobuf_c_message_init(call->method->descriptor->output, reply);
    }
    complete(call, reply);
}

static struct client_call *take_slot(struct rpc_client *client, unsigned slot)
{
    struct client_call *call = client->slots[slot];
    client->slots[slot] = NULL;
    client->open_count--;
    return call;
}

static struct client_call *take_queued(struct rpc_client *client)
{
    struct client_call *call = TAILQ_FIRST(&client->queue);
    TAILQ_REMOVE(&client->queue, call, link);
    client->queued--;
    return call;
}

static bool is_once(const struct client_call *call)
{
    return call->method->policy->retry == RPC_ONCE;
}

// Why nobody answers there.
static enum err say_unreachable(const struct rpc_client *client, struct errmsg *e)
{
    const char *name = rpc_party_name(client->server);
    if (access(client->path, W_OK) == 0 || errno == ENOENT) {
        return err_set(e, ERR_UNAVAILABLE, "%s is not running or does not answer", name);
    }
    return err_set(e, ERR_UNAVAILABLE, "%s cannot be reached: %s: %s", name, client->path,
                   strerrordesc_np(errno));
}

// What is said of a call that was sent and will not be answered.
static enum err say_lost(const struct rpc_client *client, const struct client_call *call,
                         struct errmsg *e)
{
    const char *name = call->method->policy->name;
    if (is_once(call)) {
        return err_set(e, ERR_TIMEOUT, "the answer of %s was lost; whether it was done is not known",
                       name);
    }
    if (client->state != CLIENT_UP) {
        return say_unreachable(client, e);
    }
    return err_set(e, ERR_TIMEOUT, "%s did not answer in time", name);
}

static void fail_slot(struct rpc_client *client, unsigned slot)
{
    struct client_call *call = take_slot(client, slot);
    struct errmsg e;
    (void)say_lost(client, call, &e);
    complete_with_error(call, &e);
}

static void fail_queued(struct rpc_client *client)
{
    struct client_call *call = take_queued(client);
    struct errmsg e;
    if (client->state == CLIENT_UP) {
        err_set(&e, ERR_BUSY, "%s was not sent: too many calls are under way",
                call->method->policy->name);
    } else {
        (void)say_unreachable(client, &e);
    }
    complete_with_error(call, &e);
}

// ---- sending -----------------------------------------------------------------------------------

static void set_tick(struct rpc_client *client, uint32_t ms)
{
    const struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    client->is_ticking_fast = ms == TICK_MS;
    event_add(client->tick, &after);
}

static void watch_time(struct rpc_client *client)
{
    if (!client->is_ticking_fast) {
        set_tick(client, TICK_MS);
    }
}

static void go_down(struct rpc_client *client)
{
    client->state = CLIENT_DOWN;
    if (client->down_since_ms == 0) {
        client->down_since_ms = clock_mono_ms();
    }
    rpc_sock_renew(&client->sock);
}

// nanomsg wants a request id with the top bit set; ours is in the frame.
static bool send_bytes(struct rpc_client *client, uint64_t id, const uint8_t *bytes, size_t len)
{
    const uint32_t number = (uint32_t)id | 0x80000000u;
    const struct rpc_route route = {.bytes = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                              (uint8_t)(number >> 8), (uint8_t)number},
                                    .len = 4};
    if (rpc_sock_send(&client->sock, &route, bytes, len)) {
        return true;
    }
    if (!rpc_sock_is_connected(&client->sock)) {
        go_down(client);
    }
    return false;
}

// The lowest number among the open calls; those below it are finished.
static uint64_t lowest_open(const struct rpc_client *client)
{
    uint64_t lowest = UINT64_MAX;
    for (unsigned i = 0; i < RPC_WINDOW; i++) {
        const struct client_call *call = client->slots[i];
        if (call != NULL && call->id < lowest) {
            lowest = call->id;
        }
    }
    return lowest;
}

// Sends the open call of a slot, for the first time or again.
static bool send_call(struct rpc_client *client, struct client_call *call, uint16_t flags)
{
    const struct frame frame = {
        .kind = FRAME_REQUEST,
        .flags = flags,
        .client = client->incarnation,
        .server = call->server,
        .call = call->id,
        .method = call->method->hash,
        .done = lowest_open(client),
    };
    frame_write_head(call->frame, &frame);
    if (!send_bytes(client, call->id, call->frame, call->len)) {
        return false;
    }
    call->connection = client->connection;
    call->resend_pause_ms = flags == 0 ? RESEND_FIRST_MS : call->resend_pause_ms * 2;
    if (call->resend_pause_ms > RESEND_MAX_MS) {
        call->resend_pause_ms = RESEND_MAX_MS;
    }
    call->resend_ms = clock_mono_ms() + call->resend_pause_ms;
    return true;
}

static unsigned free_slot(const struct rpc_client *client)
{
    unsigned slot = 0;
    while (client->slots[slot] != NULL) {
        slot++;
    }
    return slot;
}

// Moves calls from the queue into the window while both allow.
static void send_queued(struct rpc_client *client)
{
    while (client->state == CLIENT_UP && client->open_count < RPC_WINDOW && client->queued != 0) {
        struct client_call *call = TAILQ_FIRST(&client->queue);
        unsigned slot = free_slot(client);
        call->id = ((client->last_id >> SLOT_BITS) + 1) << SLOT_BITS | slot;
        call->server = client->server_incarnation;
        client->slots[slot] = call;
        if (!send_call(client, call, 0)) {
            client->slots[slot] = NULL;
            call->id = 0;
            return;   // the send eventfd or the tick brings us back
        }
        client->last_id = call->id;
        client->open_count++;
        take_queued(client);
    }
}

static void send_hello(struct rpc_client *client)
{
    const struct frame hello = {
        .kind = FRAME_HELLO, .client = client->incarnation, .call = client->last_id};
    uint8_t bytes[FRAME_HEAD];
    frame_write_head(bytes, &hello);
    client->hello_ms = clock_mono_ms();
    (void)send_bytes(client, 0, bytes, sizeof bytes);   // the tick sends it again
}

static void greet(struct rpc_client *client)
{
    client->state = CLIENT_GREETING;
    client->connection = rpc_sock_connects(&client->sock);
    send_hello(client);
    watch_time(client);
}

// A new connection, or room to send again.
static void on_sendable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct rpc_client *client = ctx;
    if (client->state != CLIENT_UP || rpc_sock_connects(&client->sock) != client->connection) {
        greet(client);
        return;
    }
    send_queued(client);
}

// ---- receiving ---------------------------------------------------------------------------------

// The server answered a HELLO: what was sent by older connections is sent again or given up.
static void on_welcome(struct rpc_client *client, uint64_t server)
{
    bool is_restarted = client->server_incarnation != 0 && client->server_incarnation != server;
    client->server_incarnation = server;
    client->state = CLIENT_UP;
    client->down_since_ms = 0;
    for (unsigned slot = 0; slot < RPC_WINDOW; slot++) {
        struct client_call *call = client->slots[slot];
        if (call == NULL || call->connection == client->connection) {
            continue;
        }
        if (is_once(call) && call->server != server) {
            fail_slot(client, slot);
        } else {
            // Without room now, the tick does it.
            (void)send_call(client, call, FRAME_RESEND);
        }
    }
    if (is_restarted) {
        log_info("other side was restarted", F_STR("server", rpc_party_name(client->server)));
    }
    send_queued(client);
}

static void on_reply(struct rpc_client *client, const struct frame *frame)
{
    unsigned slot = frame->call % RPC_WINDOW;
    if (client->slots[slot] == NULL || client->slots[slot]->id != frame->call) {
        return;   // given up or answered already
    }
    struct client_call *call = take_slot(client, slot);
    send_queued(client);   // keeps the other side busy while the closure works
    ProtobufCMessage *reply = protobuf_c_message_unpack(call->method->descriptor->output, NULL,
                                                        frame->payload_len, frame->payload);
    if (reply != NULL) {
        complete(call, reply);
        return;
    }
    struct errmsg e;
    err_set(&e, ERR_CORRUPT, "the answer of %s cannot be read", call->method->policy->name);
    complete_with_error(call, &e);
}

static void on_message(struct rpc_client *client, const void *bytes, size_t len)
{
    struct frame frame;
    enum err err = frame_read(bytes, len, &frame);
    if (err == ERR_OK && frame.client != client->incarnation) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK && frame.kind == FRAME_REPLY) {
        on_reply(client, &frame);
        return;
    }
    if (err == ERR_OK && frame.kind == FRAME_WELCOME) {
        if (client->state == CLIENT_GREETING) {
            on_welcome(client, frame.server);
        }
        return;
    }
    uint64_t held;
    if (log_limit_pass(&bad_frame_limit, 60, &held)) {
        log_warn("bad reply frame ignored", F_STR("from", rpc_party_name(client->server)),
                 F_STR("error", err_text(err)), F_U64("bytes", len), F_U64("repeated", held));
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct rpc_client *client = ctx;
    for (int i = 0; i < REPLIES_PER_TURN; i++) {
        void *message;
        size_t len;
        if (!rpc_sock_receive(&client->sock, NULL, &message, &len)) {
            return;
        }
        on_message(client, message, len);
        rpc_sock_free(message);
    }
}

// ---- time --------------------------------------------------------------------------------------

static void look_at_connection(struct rpc_client *client, uint64_t now)
{
    if (!rpc_sock_is_connected(&client->sock)) {
        go_down(client);
    } else if (client->state != CLIENT_UP && now >= client->hello_ms + HELLO_AGAIN_MS) {
        greet(client);
    }
}

static void look_at_open(struct rpc_client *client, uint64_t now, bool is_given_up)
{
    for (unsigned slot = 0; slot < RPC_WINDOW; slot++) {
        struct client_call *call = client->slots[slot];
        if (call == NULL) {
            continue;
        }
        if (is_given_up || now >= call->deadline_ms) {
            fail_slot(client, slot);
        } else if (client->state == CLIENT_UP && now >= call->resend_ms) {
            (void)send_call(client, call, FRAME_RESEND);
        }
    }
}

static void look_at_queue(struct rpc_client *client, uint64_t now, bool is_given_up)
{
    // Deadlines differ, so the whole queue is looked at; failing calls move to the front.
    struct client_call *call = TAILQ_FIRST(&client->queue);
    struct client_calls late;
    TAILQ_INIT(&late);
    size_t late_count = 0;
    while (call != NULL) {
        struct client_call *next = TAILQ_NEXT(call, link);
        if (is_given_up || now >= call->deadline_ms) {
            TAILQ_REMOVE(&client->queue, call, link);
            TAILQ_INSERT_TAIL(&late, call, link);
            late_count++;
        }
        call = next;
    }
    while (!TAILQ_EMPTY(&late)) {
        struct client_call *last = TAILQ_LAST(&late, client_calls);
        TAILQ_REMOVE(&late, last, link);
        TAILQ_INSERT_HEAD(&client->queue, last, link);
    }
    for (; late_count != 0; late_count--) {
        fail_queued(client);   // closures may add calls behind
    }
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct rpc_client *client = ctx;
    uint64_t now = clock_mono_ms();
    look_at_connection(client, now);
    bool is_given_up = client->down_since_ms != 0 && now >= client->down_since_ms + DOWN_LIMIT_MS;
    look_at_open(client, now, is_given_up);
    look_at_queue(client, now, is_given_up);
    send_queued(client);
    bool is_busy = client->open_count != 0 || client->queued != 0 ||
                   client->state == CLIENT_GREETING;
    set_tick(client, is_busy ? TICK_MS : TICK_IDLE_MS);
}

// ---- calling -----------------------------------------------------------------------------------

static void on_deferred(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct rpc_client *client = ctx;
    struct client_calls now;   // what closures add waits for the next turn
    TAILQ_INIT(&now);
    TAILQ_CONCAT(&now, &client->failed, link);
    while (!TAILQ_EMPTY(&now)) {
        struct client_call *call = TAILQ_FIRST(&now);
        TAILQ_REMOVE(&now, call, link);
        complete_with_error(call, &call->failure);
    }
}

static enum err check_call(const struct rpc_client *client, const struct client_method *method,
                           size_t size, struct errmsg *e)
{
    if (method->policy == NULL) {
        return err_set(e, ERR_UNSUPPORTED, "method %s has no policy", method->descriptor->name);
    }
    if (size > RPC_MESSAGE_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a request to %s has %zu bytes, %zu are allowed",
                       method->policy->name, size, RPC_MESSAGE_MAX);
    }
    if (client->queued >= QUEUE_MAX) {
        return err_set(e, ERR_BUSY, "%s: %d calls are waiting already", method->policy->name,
                       (int)QUEUE_MAX);
    }
    return ERR_OK;
}

static uint64_t deadline_of(const struct rpc_client *client, const struct client_method *method)
{
    uint32_t ms = method->policy->deadline_ms;
    if (client->deadline_limit_ms != 0 && client->deadline_limit_ms < ms) {
        ms = client->deadline_limit_ms;
    }
    return clock_mono_ms() + ms;
}

// What the generated stubs call.
static void invoke(ProtobufCService *base, unsigned index, const ProtobufCMessage *input,
                   ProtobufCClosure closure, void *closure_data)
{
    struct client_service *service = (struct client_service *)base;
    struct rpc_client *client = service->client;
    const struct client_method *method = &service->methods[index];
    size_t size = protobuf_c_message_get_packed_size(input);
    struct errmsg failure;
    bool is_refused = check_call(client, method, size, &failure) != ERR_OK;
    size_t len = is_refused ? 0 : FRAME_HEAD + size;
    struct client_call *call = mem_alloc(sizeof *call + len);
    *call = (struct client_call){
        .method = method, .closure = closure, .closure_data = closure_data, .len = len};
    if (is_refused) {
        call->failure = failure;
        TAILQ_INSERT_TAIL(&client->failed, call, link);
        event_active(client->deferred, EV_TIMEOUT, 0);
        return;
    }
    call->deadline_ms = deadline_of(client, method);
    protobuf_c_message_pack(input, call->frame + FRAME_HEAD);
    TAILQ_INSERT_TAIL(&client->queue, call, link);
    client->queued++;
    watch_time(client);
    send_queued(client);
}

static void destroy_nothing(ProtobufCService *service)
{
    (void)service;   // the client owns it
}

static struct client_service *service_new(struct rpc_client *client,
                                          const ProtobufCServiceDescriptor *descriptor)
{
    struct client_service *service =
        mem_zalloc(sizeof *service + descriptor->n_methods * sizeof service->methods[0]);
    service->base.descriptor = descriptor;
    service->base.invoke = invoke;
    service->base.destroy = destroy_nothing;
    service->client = client;
    for (unsigned i = 0; i < descriptor->n_methods; i++) {
        char name[NAME_MAX_LEN];
        struct client_method *method = &service->methods[i];
        method->descriptor = &descriptor->methods[i];
        if (message_method_name(descriptor, i, name, sizeof name)) {
            method->policy = rpc_policy_find(name);
            method->hash = frame_method_hash(name);
        }
    }
    return service;
}

ProtobufCService *rpc_client_service(struct rpc_client *client,
                                     const ProtobufCServiceDescriptor *descriptor)
{
    struct client_service *service = client->services;
    while (service != NULL && service->base.descriptor != descriptor) {
        service = service->next;
    }
    if (service == NULL) {
        service = service_new(client, descriptor);
        service->next = client->services;
        client->services = service;
    }
    return &service->base;
}

// ---- open and close ----------------------------------------------------------------------------

static enum err make_events(struct rpc_client *client, struct errmsg *e)
{
    client->readable = event_new(client->base, client->sock.receive_fd, EV_READ | EV_PERSIST,
                                 on_readable, client);
    client->sendable = event_new(client->base, client->sock.send_fd,
                                 EV_READ | EV_PERSIST | EV_ET, on_sendable, client);
    client->tick = event_new(client->base, -1, 0, on_tick, client);
    client->deferred = event_new(client->base, -1, 0, on_deferred, client);
    if (client->readable == NULL || client->sendable == NULL || client->tick == NULL ||
        client->deferred == NULL || event_add(client->readable, NULL) != 0 ||
        event_add(client->sendable, NULL) != 0) {
        return err_set(e, ERR_NO_MEMORY, "cannot watch the connection to %s",
                       rpc_party_name(client->server));
    }
    return ERR_OK;
}

enum err rpc_client_open(struct event_base *base, const char *run_dir, enum rpc_party server,
                         enum rpc_party self, struct rpc_client **out, struct errmsg *e)
{
    struct rpc_client *client = mem_zalloc(sizeof *client);
    client->server = server;
    client->base = base;
    client->incarnation = rand_u64();
    client->down_since_ms = clock_mono_ms();
    client->sock = RPC_SOCK_CLOSED;
    TAILQ_INIT(&client->queue);
    TAILQ_INIT(&client->failed);
    enum err err = rpc_sock_path(run_dir, server, self, "rpc.sock", client->path, e);
    if (err == ERR_OK) {
        err = rpc_sock_open(RPC_SOCK_REQ, &client->sock, e);
    }
    if (err == ERR_OK) {
        err = make_events(client, e);
    }
    if (err == ERR_OK) {
        err = rpc_sock_connect(&client->sock, client->path, e);
    }
    if (err != ERR_OK) {
        rpc_client_close(client);
        return err;
    }
    set_tick(client, TICK_IDLE_MS);
    *out = client;
    return ERR_OK;
}

static void complete_all(struct rpc_client *client)
{
    client->state = CLIENT_DOWN;   // closures that call again only fill the queue
    for (unsigned slot = 0; slot < RPC_WINDOW; slot++) {
        if (client->slots[slot] != NULL) {
            fail_slot(client, slot);
        }
    }
    while (client->queued != 0) {
        fail_queued(client);
    }
    on_deferred(-1, 0, client);
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

void rpc_client_close(struct rpc_client *client)
{
    if (client == NULL) {
        return;
    }
    complete_all(client);
    free_event(client->readable);
    free_event(client->sendable);
    free_event(client->tick);
    free_event(client->deferred);
    rpc_sock_close(&client->sock);
    while (client->services != NULL) {
        struct client_service *service = client->services;
        client->services = service->next;
        mem_free(service);
    }
    mem_free(client);
}

bool rpc_client_is_up(const struct rpc_client *client)
{
    return client->state == CLIENT_UP && rpc_sock_is_connected(&client->sock);
}

void rpc_client_limit_deadline(struct rpc_client *client, uint32_t ms)
{
    client->deadline_limit_ms = ms;
}

struct event_base *rpc_client_base(const struct rpc_client *client)
{
    return client->base;
}
