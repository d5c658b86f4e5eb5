#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cursor.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "common/rpc/frame.h"
#include "common/rpc/memory.h"
#include "common/rpc/message.h"
#include "common/rpc/rpc.h"
#include "common/rpc/sock.h"
#include "proto/common.pb-c.h"

/*
 * The serving side: one pair of sockets (calls, hints) for each caller that the policy names, so
 * that the folder a request came by says who asks. All in the loop of `base`.
 *
 *   request ─▶ frame checked ─▶ method, caller ─▶ known call? ─▶ unpacked ─▶ handler
 *                                                  │ running: the reply goes the new way
 *                                                  └ done: the kept reply is sent again
 */
enum {
    REQUESTS_PER_TURN = 128,   // then the loop's other events get their turn
    NAME_MAX_LEN = 96,
    HINT_TOPIC_MAX = 64,
};

struct server_method {
    uint64_t hash;
    ProtobufCService *service;
    unsigned index;
    const ProtobufCMethodDescriptor *descriptor;
    const struct rpc_method_policy *policy;   // NULL = no row: nobody may call it
};

struct server_port {
    struct rpc_server *server;
    enum rpc_party party;
    bool is_open;
    struct rpc_sock calls;
    struct rpc_sock hints;
    struct event *readable;
};

struct rpc_server {
    enum rpc_party self;
    uint64_t incarnation;
    struct server_port ports[RPC_PARTY_COUNT];
    struct server_method *methods;   // sorted by hash
    size_t method_count;
    struct memory memory;
    uint8_t *buffer;                 // one frame with its message
};

static struct log_limit bad_frame_limit;

// ---- replies -----------------------------------------------------------------------------------

static void send_frame(struct rpc_server *server, enum rpc_party party,
                       const struct rpc_route *route, const uint8_t *bytes, size_t len)
{
    // A reply that gets lost here is asked for again by the client.
    if (!rpc_sock_send(&server->ports[party].calls, route, bytes, len)) {
        log_debug("reply not sent", F_STR("to", rpc_party_name(party)));
    }
}

// Packs `reply` behind a head into the server's buffer; returns the whole length.
static size_t pack_reply(struct rpc_server *server, uint64_t client, uint64_t id,
                         const ProtobufCMessage *reply)
{
    struct frame frame = {
        .kind = FRAME_REPLY, .client = client, .server = server->incarnation, .call = id};
    frame_write_head(server->buffer, &frame);
    return FRAME_HEAD + protobuf_c_message_pack(reply, server->buffer + FRAME_HEAD);
}

// An error fits every reply type: it is field 1 of all of them, as in trellis.Reply.
static size_t pack_error(struct rpc_server *server, uint64_t client, uint64_t id,
                         struct errmsg *e)
{
    Trellis__Error error;
    Trellis__Reply reply;
    trellis__reply__init(&reply);
    reply.error = rpc_error(&error, e);
    return pack_reply(server, client, id, &reply.base);
}

// Answers a request that no call was made of.
static void refuse(struct rpc_server *server, enum rpc_party party, const struct rpc_route *route,
                   const struct frame *frame, struct errmsg *e)
{
    size_t len = pack_error(server, frame->client, frame->call, e);
    send_frame(server, party, route, server->buffer, len);
}

static void end_call(struct memory_call *call, size_t len)
{
    struct memory *memory = call->memory;
    struct rpc_server *server = memory->owner;
    send_frame(server, call->party, &call->route, server->buffer, len);
    if (call->method->policy->retry == RPC_ONCE) {
        memory_keep(memory, call, server->buffer, len);
    } else {
        memory_drop(memory, call);
    }
}

// The closure that handlers get.
static void on_reply(const ProtobufCMessage *reply, void *closure_data)
{
    struct memory_call *call = closure_data;
    if (call->memory == NULL) {
        // The server was closed; whoever asked has been told.
        protobuf_c_message_free_unpacked(call->request, NULL);
        mem_free(call);
        return;
    }
    struct rpc_server *server = call->memory->owner;
    struct errmsg e = {.code = ERR_OK};
    const char *name = call->method->policy->name;
    if (reply == NULL || reply->descriptor != call->method->descriptor->output) {
        err_set(&e, ERR_INTERNAL, "%s gave no answer", name);
    } else if (protobuf_c_message_get_packed_size(reply) > RPC_MESSAGE_MAX) {
        err_set(&e, ERR_TOO_LARGE, "the answer of %s is larger than %zu bytes", name,
                RPC_MESSAGE_MAX);
    }
    if (e.code != ERR_OK) {
        log_error("call without a usable answer", F_STR("method", name), F_ERR(&e));
        end_call(call, pack_error(server, call->client->incarnation, call->id, &e));
        return;
    }
    end_call(call, pack_reply(server, call->client->incarnation, call->id, reply));
}

enum rpc_party rpc_call_party(void *closure_data)
{
    const struct memory_call *call = closure_data;
    return call->party;
}

// ---- requests ----------------------------------------------------------------------------------

static int compare_methods(const void *a, const void *b)
{
    const struct server_method *x = a;
    const struct server_method *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static const struct server_method *find_method(const struct rpc_server *server, uint64_t hash)
{
    const struct server_method wanted = {.hash = hash};
    return bsearch(&wanted, server->methods, server->method_count, sizeof wanted, compare_methods);
}

// A handler may be missing where a service is served in part; generated code would call NULL.
static bool has_handler(const struct server_method *method)
{
    typedef void (*handler_fn)(void);
    const ProtobufCService *service = method->service;
    handler_fn handler;
    memcpy(&handler,
           (const uint8_t *)(service + 1) + method->index * sizeof handler, sizeof handler);
    return handler != NULL;
}

static enum err check_method(const struct server_method *method, enum rpc_party party,
                             struct errmsg *e)
{
    if (method == NULL) {
        return err_set(e, ERR_UNSUPPORTED, "unknown method; is this another release?");
    }
    if (method->policy == NULL || !has_handler(method)) {
        return err_set(e, ERR_UNSUPPORTED, "method %s is not served here",
                       method->descriptor->name);
    }
    if ((method->policy->callers & 1u << party) == 0) {
        return err_set(e, ERR_DENIED, "%s may not call %s", rpc_party_name(party),
                       method->policy->name);
    }
    return ERR_OK;
}

// A request that may have been here before. True = it was, or may have been, and is answered.
static bool answer_again(struct rpc_server *server, struct memory_client *client,
                         const struct rpc_route *route, const struct frame *frame,
                         const struct server_method *method)
{
    struct memory_call *call = memory_find(client, frame->call);
    if (call != NULL) {
        call->route = *route;
        if (call->reply != NULL) {
            send_frame(server, call->party, route, call->reply, call->reply_len);
        }
        return true;
    }
    if (method->policy->retry != RPC_ONCE ||
        (frame->server == server->incarnation && frame->call > client->floor)) {
        return false;   // may run twice, or never arrived
    }
    struct errmsg e;
    err_set(&e, ERR_TIMEOUT, "the answer of %s was lost; whether it was done is not known",
            method->policy->name);
    refuse(server, client->party, route, frame, &e);
    return true;
}

static void run_call(struct rpc_server *server, struct memory_client *client,
                     const struct rpc_route *route, const struct frame *frame,
                     const struct server_method *method)
{
    struct errmsg e;
    ProtobufCMessage *request = protobuf_c_message_unpack(
        method->descriptor->input, NULL, frame->payload_len, frame->payload);
    if (request == NULL) {
        err_set(&e, ERR_CORRUPT, "request to %s cannot be read", method->policy->name);
        refuse(server, client->party, route, frame, &e);
        return;
    }
    struct memory_call *call = memory_add(&server->memory, client, frame->call);
    if (call == NULL) {
        protobuf_c_message_free_unpacked(request, NULL);
        err_set(&e, ERR_BUSY, "too many calls of one client are under way");
        refuse(server, client->party, route, frame, &e);
        return;
    }
    call->route = *route;
    call->method = method;
    call->request = request;
    method->service->invoke(method->service, method->index, request, on_reply, call);
}

static void on_request(struct server_port *port, const struct rpc_route *route,
                       const struct frame *frame)
{
    struct rpc_server *server = port->server;
    const struct server_method *method = find_method(server, frame->method);
    struct errmsg e;
    if (check_method(method, port->party, &e) != ERR_OK) {
        refuse(server, port->party, route, frame, &e);
        return;
    }
    // Normally there since HELLO. A client without a record has an unknown past.
    struct memory_client *client =
        memory_client(&server->memory, port->party, frame->client, UINT64_MAX);
    if (client == NULL) {
        err_set(&e, ERR_BUSY, "too many clients");
        refuse(server, port->party, route, frame, &e);
        return;
    }
    if (frame->done != 0) {
        memory_client_done(&server->memory, client, frame->done);
    }
    if ((frame->flags & FRAME_RESEND) != 0 &&
        answer_again(server, client, route, frame, method)) {
        return;
    }
    run_call(server, client, route, frame, method);
}

static void on_hello(struct server_port *port, const struct rpc_route *route,
                     const struct frame *frame)
{
    struct rpc_server *server = port->server;
    // What it called before is forgotten if there is no record: all of it may have run.
    (void)memory_client(&server->memory, port->party, frame->client, frame->call);
    const struct frame welcome = {.kind = FRAME_WELCOME,
                                  .client = frame->client,
                                  .server = server->incarnation,
                                  .call = frame->call};
    uint8_t bytes[FRAME_HEAD];
    frame_write_head(bytes, &welcome);
    send_frame(server, port->party, route, bytes, sizeof bytes);
}

static void on_message(struct server_port *port, const struct rpc_route *route, const void *bytes,
                       size_t len)
{
    struct frame frame;
    enum err err = frame_read(bytes, len, &frame);
    if (err == ERR_OK && frame.kind == FRAME_REQUEST) {
        on_request(port, route, &frame);
        return;
    }
    if (err == ERR_OK && frame.kind == FRAME_HELLO) {
        on_hello(port, route, &frame);
        return;
    }
    uint64_t held;
    if (log_limit_pass(&bad_frame_limit, 60, &held)) {
        log_warn("bad request frame ignored", F_STR("from", rpc_party_name(port->party)),
                 F_STR("error", err_text(err)), F_U64("bytes", len), F_U64("repeated", held));
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct server_port *port = ctx;
    for (int i = 0; i < REQUESTS_PER_TURN; i++) {
        struct rpc_route route;
        void *message;
        size_t len;
        if (!rpc_sock_receive(&port->calls, &route, &message, &len)) {
            return;
        }
        on_message(port, &route, message, len);
        rpc_sock_free(message);
    }
}

// ---- hints -------------------------------------------------------------------------------------

void rpc_server_hint(struct rpc_server *server, const char *topic, uint64_t number)
{
    uint8_t bytes[HINT_TOPIC_MAX + 1 + sizeof number];
    struct cursor c = cursor_over(bytes, sizeof bytes);
    cursor_put(&c, topic, strlen(topic) + 1);
    cursor_put_u64(&c, number);
    if (c.bad) {
        return;   // rpc_hint_open refuses such a topic
    }
    for (size_t i = 0; i < RPC_PARTY_COUNT; i++) {
        // Best effort: whoever misses it looks by itself within seconds.
        if (server->ports[i].is_open &&
            !rpc_sock_send(&server->ports[i].hints, NULL, bytes, cursor_offset(&c))) {
            log_debug("hint not sent", F_STR("topic", topic));
        }
    }
}

// ---- open and close ----------------------------------------------------------------------------

static void add_methods(struct rpc_server *server, ProtobufCService *service)
{
    const ProtobufCServiceDescriptor *descriptor = service->descriptor;
    for (unsigned i = 0; i < descriptor->n_methods; i++) {
        char name[NAME_MAX_LEN];
        if (!message_method_name(descriptor, i, name, sizeof name)) {
            continue;   // has no row either
        }
        server->methods[server->method_count++] = (struct server_method){
            .hash = frame_method_hash(name),
            .service = service,
            .index = i,
            .descriptor = &descriptor->methods[i],
            .policy = rpc_policy_find(name),
        };
    }
}

static uint32_t callers_of(const struct rpc_server *server)
{
    uint32_t callers = 0;
    for (size_t i = 0; i < server->method_count; i++) {
        callers |= server->methods[i].policy != NULL ? server->methods[i].policy->callers : 0;
    }
    return callers;
}

/*
 * The folder that a caller's rights hang on. Packaging makes it; a node run from one user's folder
 * makes it here. With the setgid bit the sockets in it belong to the caller's group.
 */
static enum err make_folder(const char *path, enum rpc_party party, struct errmsg *e)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        return S_ISDIR(st.st_mode) ? ERR_OK : err_set(e, ERR_EXISTS, "%s is not a folder", path);
    }
    enum err err = file_make_folder(path, 0755, e);
    if (err != ERR_OK) {
        return err;
    }
    char group[32];
    snprintf(group, sizeof group, "trellis-%s", rpc_party_name(party));
    const struct group *gr = getgrnam(group);   // start-up: before other threads
    if (gr != NULL && chown(path, (uid_t)-1, gr->gr_gid) != 0) {
        log_warn("socket folder keeps its group", F_STR("folder", path), F_STR("group", group),
                 F_ERRNO(errno));
    }
    if (chmod(path, 02750) != 0) {
        return err_set(e, err_from_errno(errno), "cannot set the mode of %s: %s", path,
                       strerrordesc_np(errno));
    }
    return ERR_OK;
}

static enum err open_port(struct server_port *port, struct event_base *base, const char *run_dir,
                          struct errmsg *e)
{
    char calls[RPC_PATH_MAX];
    char hints[RPC_PATH_MAX];
    char folder[RPC_PATH_MAX];
    enum rpc_party self = port->server->self;
    enum err err = rpc_sock_path(run_dir, self, port->party, "rpc.sock", calls, e);
    if (err != ERR_OK) {
        return err;
    }
    err = rpc_sock_path(run_dir, self, port->party, "hints.sock", hints, e);
    if (err != ERR_OK) {
        return err;
    }
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(calls, '/') - calls), calls);
    err = make_folder(folder, port->party, e);
    if (err != ERR_OK) {
        return err;
    }
    port->is_open = true;
    err = rpc_sock_open(RPC_SOCK_REP, &port->calls, e);
    if (err == ERR_OK) {
        err = rpc_sock_open(RPC_SOCK_PUB, &port->hints, e);
    }
    if (err == ERR_OK) {
        err = rpc_sock_bind(&port->calls, calls, e);
    }
    if (err == ERR_OK) {
        err = rpc_sock_bind(&port->hints, hints, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    port->readable =
        event_new(base, port->calls.receive_fd, EV_READ | EV_PERSIST, on_readable, port);
    if (port->readable == NULL || event_add(port->readable, NULL) != 0) {
        return err_set(e, ERR_NO_MEMORY, "cannot watch %s", calls);
    }
    return ERR_OK;
}

static void close_port(struct server_port *port)
{
    if (!port->is_open) {
        return;
    }
    if (port->readable != NULL) {
        event_free(port->readable);
    }
    rpc_sock_close(&port->calls);
    rpc_sock_close(&port->hints);
    port->is_open = false;
}

enum err rpc_server_open(struct event_base *base, const char *run_dir, enum rpc_party self,
                         ProtobufCService *const *services, size_t service_count,
                         struct rpc_server **out, struct errmsg *e)
{
    struct rpc_server *server = mem_zalloc(sizeof *server);
    server->self = self;
    server->incarnation = rand_u64() | 1;   // never 0
    server->buffer = mem_alloc(FRAME_HEAD + RPC_MESSAGE_MAX);
    memory_init(&server->memory, server);
    size_t count = 0;
    for (size_t i = 0; i < service_count; i++) {
        count += services[i]->descriptor->n_methods;
    }
    server->methods = mem_calloc(count, sizeof *server->methods);
    for (size_t i = 0; i < service_count; i++) {
        add_methods(server, services[i]);
    }
    qsort(server->methods, server->method_count, sizeof *server->methods, compare_methods);

    enum err err = ERR_OK;
    uint32_t callers = callers_of(server);
    for (enum rpc_party party = RPC_DNSD; party < RPC_PARTY_COUNT && err == ERR_OK; party++) {
        struct server_port *port = &server->ports[party];
        *port = (struct server_port){.server = server,
                                     .party = party,
                                     .calls = RPC_SOCK_CLOSED,
                                     .hints = RPC_SOCK_CLOSED};
        if ((callers & 1u << party) != 0) {
            err = open_port(port, base, run_dir, e);
        }
    }
    if (err != ERR_OK) {
        rpc_server_close(server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

static void refuse_running(struct rpc_server *server)
{
    struct errmsg e;
    struct memory_client *client;
    TAILQ_FOREACH(client, &server->memory.clients, link) {
        struct memory_call *call;
        TAILQ_FOREACH(call, &client->calls, of_client) {
            if (call->reply == NULL) {
                bool is_once = call->method->policy->retry == RPC_ONCE;
                err_set(&e, is_once ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s is stopping%s",
                        rpc_party_name(server->self),
                        is_once ? "; whether the call was done is not known" : "");
                size_t len = pack_error(server, client->incarnation, call->id, &e);
                send_frame(server, call->party, &call->route, server->buffer, len);
            }
        }
    }
}

void rpc_server_close(struct rpc_server *server)
{
    if (server == NULL) {
        return;
    }
    refuse_running(server);
    memory_fini(&server->memory);
    for (size_t i = 0; i < RPC_PARTY_COUNT; i++) {
        close_port(&server->ports[i]);
    }
    mem_free(server->methods);
    mem_free(server->buffer);
    mem_free(server);
}
