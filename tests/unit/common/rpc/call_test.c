#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/frame.h"
#include "common/rpc/rpc.h"
#include "common/rpc/sock.h"
#include "proto/clusterd.pb-c.h"
#include "proto/common.pb-c.h"
#include "proto/dnsd.pb-c.h"

/*
 * Both sides in one process and one loop: a clusterd whose handlers are below, called by webd, dnsd
 * or ctl through real sockets. Loops end by what they wait for, at the latest after 10 s.
 */
enum { LOOP_LIMIT_MS = 10000, HELD_MAX = 256 };

struct held {
    ProtobufCClosure closure;
    void *data;
};

static struct fixture {
    char run_dir[64];
    struct event_base *base;
    struct rpc_server *server;
    struct rpc_client *client;
    struct errmsg e;
    // what the handlers saw and should do
    unsigned gets;
    unsigned commits;
    enum rpc_party party;
    size_t reply_bytes; // size of Get's answer
    bool hold;          // handlers keep the closure
    struct held held[HELD_MAX];
    unsigned held_count;
    // what the callers got
    unsigned answers;
    unsigned failures;
    struct errmsg last;
    uint64_t last_revision;
    size_t last_objects;
} f;

// nanomsg 1.1.5 loses a block when it cannot listen (folders_are_closed_to_others).
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:nn_bipc_create\n";
}

// ---- the serving side --------------------------------------------------------------------------

static void answer_get(Clusterd__GetReply_Closure closure, void *data)
{
    Clusterd__GetReply reply = CLUSTERD__GET_REPLY__INIT;
    reply.revision = 7;
    char *value = mem_alloc(f.reply_bytes + 1);
    memset(value, 'x', f.reply_bytes);
    value[f.reply_bytes] = '\0';
    Clusterd__Object object = CLUSTERD__OBJECT__INIT;
    object.value = value;
    Clusterd__Object *objects[] = {&object};
    reply.objects = objects;
    reply.n_objects = f.reply_bytes != 0 ? 1 : 0;
    closure(&reply, data);
    mem_free(value);
}

static void fake__get(Clusterd__Config_Service *service, const Clusterd__GetRequest *request,
                      Clusterd__GetReply_Closure closure, void *data)
{
    (void)service;
    f.gets++;
    f.party = rpc_call_party(data);
    if (strcmp(request->prefix, "null") == 0) {
        closure(NULL, data);
        return;
    }
    if (strcmp(request->prefix, "error") == 0) {
        struct errmsg e;
        Trellis__Error error;
        Clusterd__GetReply reply = CLUSTERD__GET_REPLY__INIT;
        err_set(&e, ERR_NOT_FOUND, "no such prefix");
        reply.error = rpc_error(&error, &e);
        closure(&reply, data);
        return;
    }
    if (f.hold) {
        f.held[f.held_count++] = (struct held){(ProtobufCClosure)(void (*)(void))closure, data};
        return;
    }
    answer_get(closure, data);
}

static void answer_commit(Clusterd__CommitReply_Closure closure, void *data)
{
    Clusterd__CommitReply reply = CLUSTERD__COMMIT_REPLY__INIT;
    reply.revision = f.commits;
    closure(&reply, data);
}

static void fake__commit(Clusterd__Config_Service *service, const Clusterd__CommitRequest *request,
                         Clusterd__CommitReply_Closure closure, void *data)
{
    (void)service;
    (void)request;
    f.commits++;
    if (f.hold) {
        f.held[f.held_count++] = (struct held){(ProtobufCClosure)(void (*)(void))closure, data};
        return;
    }
    answer_commit(closure, data);
}

#define fake__pull    NULL
#define fake__ack     NULL
#define fake__history NULL
#define fake__diff    NULL
#define fake__revert  NULL
static Clusterd__Config_Service config = CLUSTERD__CONFIG__INIT(fake__);

static void open_server(void)
{
    ProtobufCService *const services[] = {&config.base};
    assert_int_equal(rpc_server_open(f.base, f.run_dir, RPC_CLUSTERD, services, 1, &f.server, &f.e),
                     ERR_OK);
}

static void open_client(enum rpc_party self)
{
    assert_int_equal(rpc_client_open(f.base, f.run_dir, RPC_CLUSTERD, self, &f.client, &f.e),
                     ERR_OK);
}

// ---- the calling side --------------------------------------------------------------------------

static void count(const Trellis__Error *error)
{
    f.answers++;
    f.last = (struct errmsg){.code = ERR_OK};
    f.failures += rpc_error_get(error, &f.last) != ERR_OK;
}

static void on_get(const Clusterd__GetReply *reply, void *ctx)
{
    (void)ctx;
    count(reply->error);
    f.last_revision = reply->revision;
    f.last_objects = reply->n_objects;
}

static void on_commit(const Clusterd__CommitReply *reply, void *ctx)
{
    (void)ctx;
    count(reply->error);
    f.last_revision = reply->revision;
}

static void call_get(const char *prefix)
{
    Clusterd__GetRequest request = CLUSTERD__GET_REQUEST__INIT;
    char *copy = mem_strdup(prefix);
    request.prefix = copy;
    unsigned before = f.answers;
    clusterd__config__get(rpc_client_service(f.client, &clusterd__config__descriptor), &request,
                          on_get, NULL);
    mem_free(copy);
    assert_int_equal(f.answers, before); // never from inside the call
}

static void call_commit(void)
{
    Clusterd__CommitRequest request = CLUSTERD__COMMIT_REQUEST__INIT;
    clusterd__config__commit(rpc_client_service(f.client, &clusterd__config__descriptor), &request,
                             on_commit, NULL);
}

static void wait_until(const unsigned *counter, unsigned wanted)
{
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (*counter < wanted) {
        assert_true(clock_mono_ms() < end);
        const struct timeval turn = {.tv_usec = 50000};
        event_base_loopexit(f.base, &turn);
        event_base_loop(f.base, EVLOOP_ONCE);
    }
}

static void wait_answers(unsigned wanted)
{
    wait_until(&f.answers, wanted);
    assert_int_equal(f.answers, wanted);
}

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    snprintf(f.run_dir, sizeof f.run_dir, "/tmp/trellis-rpc-XXXXXX");
    assert_non_null(mkdtemp(f.run_dir));
    f.base = event_base_new();
    log_set_level(LOG_ERROR);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rpc_client_close(f.client);
    rpc_server_close(f.server);
    event_base_free(f.base);
    char command[128];
    static const char *const parties[] = {"dnsd", "webd", "ctl", "clusterd"};
    for (size_t i = 0; i < 4; i++) {
        static const char *const files[] = {"/rpc.sock", "/hints.sock", ""};
        for (size_t k = 0; k < 3; k++) {
            snprintf(command, sizeof command, "%s/clusterd/%s%s", f.run_dir, parties[i], files[k]);
            (void)(k < 2 ? unlink(command) : rmdir(command));
        }
    }
    snprintf(command, sizeof command, "%s/clusterd", f.run_dir);
    rmdir(command);
    rmdir(f.run_dir);
    return 0;
}

// ---- tests -------------------------------------------------------------------------------------

static void a_call_is_answered(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_DNSD);
    assert_false(rpc_client_is_up(f.client));
    call_get("settings/");
    wait_answers(1);
    assert_int_equal(f.failures, 0);
    assert_int_equal(f.last_revision, 7);
    assert_int_equal(f.party, RPC_DNSD);
    assert_true(rpc_client_is_up(f.client));
}

static void the_client_may_be_first(void **state)
{
    (void)state;
    open_client(RPC_WEBD);
    call_get("");
    const struct timeval turn = {.tv_usec = 100000};
    event_base_loopexit(f.base, &turn);
    event_base_dispatch(f.base);
    assert_int_equal(f.answers, 0);
    open_server();
    wait_answers(1);
    assert_int_equal(f.failures, 0);
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    open_client(RPC_WEBD);
    call_commit();
    wait_answers(1);
    assert_int_equal(f.last.code, ERR_UNAVAILABLE);
    assert_string_equal(f.last.text, "clusterd is not running or does not answer");
}

static void callers_are_checked(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_DNSD);
    call_commit(); // dnsd may read, not commit
    wait_answers(1);
    assert_int_equal(f.last.code, ERR_DENIED);
    assert_string_equal(f.last.text, "dnsd may not call clusterd.Config.Commit");
    assert_int_equal(f.commits, 0);
}

static void missing_handlers_are_errors(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_WEBD);
    Clusterd__HistoryRequest request = CLUSTERD__HISTORY_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    assert_int_equal(rpc_call_wait(f.client, &clusterd__config__descriptor, "History",
                                   &request.base, &reply, &f.e),
                     ERR_UNSUPPORTED);
    assert_null(reply);
    // A service that the server does not have at all, as with a neighbouring release.
    Clusterd__StateRequest state_request = CLUSTERD__STATE_REQUEST__INIT;
    assert_int_equal(rpc_call_wait(f.client, &clusterd__cluster__descriptor, "State",
                                   &state_request.base, &reply, &f.e),
                     ERR_UNSUPPORTED);
    // A method that no descriptor has.
    assert_int_equal(rpc_call_wait(f.client, &clusterd__config__descriptor, "Nothing",
                                   &request.base, &reply, &f.e),
                     ERR_UNSUPPORTED);
}

static void handlers_may_fail(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_CTL);
    call_get("error");
    wait_answers(1);
    assert_int_equal(f.last.code, ERR_NOT_FOUND);
    assert_string_equal(f.last.text, "no such prefix");
    log_set_level(LOG_ERROR);
    call_get("null");
    wait_answers(2);
    assert_int_equal(f.last.code, ERR_INTERNAL);
}

static void sizes_are_limited(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_CTL);
    f.reply_bytes = RPC_PAGE_BYTES;
    call_get("");
    wait_answers(1);
    assert_int_equal(f.last.code, ERR_OK);
    assert_int_equal(f.last_objects, 1);
    f.reply_bytes = RPC_MESSAGE_MAX - 9; // with the 10 bytes around it, too much
    call_get("");
    wait_answers(2);
    assert_int_equal(f.last.code, ERR_TOO_LARGE);
    char *prefix = mem_alloc(RPC_MESSAGE_MAX + 1);
    memset(prefix, 'p', RPC_MESSAGE_MAX);
    prefix[RPC_MESSAGE_MAX] = '\0';
    call_get(prefix);
    wait_answers(3);
    assert_int_equal(f.last.code, ERR_TOO_LARGE);
    prefix[RPC_MESSAGE_MAX - 100] = '\0';
    f.reply_bytes = 0;
    call_get(prefix);
    wait_answers(4);
    assert_int_equal(f.last.code, ERR_OK);
    mem_free(prefix);
}

// Large answers at once: more than sockets hold, so some get lost on the way and are fetched again.
static void large_answers_all_arrive(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_CTL);
    f.reply_bytes = RPC_PAGE_BYTES;
    for (int i = 0; i < 40; i++) {
        call_get("");
    }
    wait_answers(40);
    assert_int_equal(f.failures, 0);
}

static void deadlines_hold(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_WEBD);
    f.hold = true;
    rpc_client_limit_deadline(f.client, 150);
    uint64_t start = clock_mono_ms();
    call_get("");
    call_commit();
    wait_answers(2);
    uint64_t took = clock_mono_ms() - start;
    assert_in_range(took, 150, 1000);
    assert_int_equal(f.last.code, ERR_TIMEOUT);
    assert_int_equal(f.failures, 2);
    // Late answers harm nobody.
    answer_get((Clusterd__GetReply_Closure)(void (*)(void))f.held[0].closure, f.held[0].data);
    answer_commit((Clusterd__CommitReply_Closure)(void (*)(void))f.held[1].closure, f.held[1].data);
    f.hold = false;
    call_get("");
    wait_answers(3);
    assert_int_equal(f.failures, 2);
}

static void the_window_is_kept(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_WEBD);
    f.hold = true;
    for (int i = 0; i < RPC_WINDOW + 36; i++) {
        call_get("");
    }
    wait_until(&f.held_count, RPC_WINDOW);
    const struct timeval turn = {.tv_usec = 50000};
    event_base_loopexit(f.base, &turn);
    event_base_dispatch(f.base);
    assert_int_equal(f.held_count, RPC_WINDOW);
    f.hold = false;
    for (unsigned i = 0; i < RPC_WINDOW; i++) {
        answer_get((Clusterd__GetReply_Closure)(void (*)(void))f.held[i].closure, f.held[i].data);
    }
    wait_answers(RPC_WINDOW + 36);
    assert_int_equal(f.failures, 0);
    assert_int_equal(f.gets, RPC_WINDOW + 36);
}

// No reply for longer than the client waits before it asks again: still one run.
static void once_runs_once(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_WEBD);
    f.hold = true;
    call_commit();
    wait_until(&f.held_count, 1);
    const struct timeval while_it_resends = {.tv_sec = 1};
    event_base_loopexit(f.base, &while_it_resends);
    event_base_dispatch(f.base);
    assert_int_equal(f.commits, 1);
    answer_commit((Clusterd__CommitReply_Closure)(void (*)(void))f.held[0].closure, f.held[0].data);
    wait_answers(1);
    assert_int_equal(f.failures, 0);
    assert_int_equal(f.last_revision, 1);
}

static void a_restart_is_noticed(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_WEBD);
    f.hold = true;
    call_get("");
    call_commit();
    wait_until(&f.held_count, 2);
    // The old run goes away without a word, as when it is killed.
    struct rpc_server *old = f.server;
    rpc_server_close(old);
    f.hold = false;
    open_server();
    wait_answers(2);
    // Its handlers' late closures do nothing.
    answer_get((Clusterd__GetReply_Closure)(void (*)(void))f.held[0].closure, f.held[0].data);
    answer_commit((Clusterd__CommitReply_Closure)(void (*)(void))f.held[1].closure, f.held[1].data);
    assert_int_equal(f.commits, 1); // not again
    call_commit();
    wait_answers(3);
    assert_int_equal(f.last.code, ERR_OK);
    assert_int_equal(f.commits, 2);
}

static void closing_answers_all(void **state)
{
    (void)state;
    open_server();
    open_client(RPC_WEBD);
    f.hold = true;
    for (int i = 0; i < RPC_WINDOW + 5; i++) {
        call_get("");
    }
    wait_until(&f.held_count, RPC_WINDOW);
    rpc_client_close(f.client);
    f.client = NULL;
    assert_int_equal(f.answers, RPC_WINDOW + 5);
    assert_int_equal(f.failures, RPC_WINDOW + 5);
    assert_int_equal(f.last.code, ERR_UNAVAILABLE);
    rpc_server_close(f.server);
    f.server = NULL;
    for (unsigned i = 0; i < RPC_WINDOW; i++) {
        answer_get((Clusterd__GetReply_Closure)(void (*)(void))f.held[i].closure, f.held[i].data);
    }
}

// ---- what a peer that is not ours may send -----------------------------------------------------

static struct rpc_sock raw_peer(void)
{
    struct rpc_sock peer;
    char path[RPC_PATH_MAX];
    assert_int_equal(rpc_sock_open(RPC_SOCK_REQ, &peer, &f.e), ERR_OK);
    assert_int_equal(rpc_sock_path(f.run_dir, RPC_CLUSTERD, RPC_WEBD, "rpc.sock", path, &f.e),
                     ERR_OK);
    assert_int_equal(rpc_sock_connect(&peer, path, &f.e), ERR_OK);
    return peer;
}

static const struct rpc_route raw_route = {
    .bytes = {0x80, 0, 0, 1},
      .len = 4
};

static void raw_send(struct rpc_sock *peer, const struct frame *frame, const void *payload,
                     size_t len)
{
    uint8_t bytes[512];
    frame_write_head(bytes, frame);
    memcpy(bytes + FRAME_HEAD, payload, len);
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (!rpc_sock_send(peer, &raw_route, bytes, FRAME_HEAD + len)) {
        assert_true(clock_mono_ms() < end);
    }
}

// The next reply to the raw peer while the server's loop runs; the error code in it.
static enum err raw_reply(struct rpc_sock *peer, struct frame *frame, struct errmsg *e)
{
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    void *message;
    size_t len;
    while (!rpc_sock_receive(peer, NULL, &message, &len)) {
        assert_true(clock_mono_ms() < end);
        event_base_loop(f.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(frame_read(message, len, frame), ERR_OK);
    Trellis__Reply *reply = trellis__reply__unpack(NULL, frame->payload_len, frame->payload);
    assert_non_null(reply);
    enum err err = rpc_error_get(reply->error, e);
    trellis__reply__free_unpacked(reply, NULL);
    rpc_sock_free(message);
    return err;
}

static void hostile_requests_are_refused(void **state)
{
    (void)state;
    open_server();
    struct rpc_sock peer = raw_peer();
    struct frame got;
    struct errmsg e;
    struct frame frame = {.kind = FRAME_REQUEST, .client = 5, .call = 1, .method = 12345};
    raw_send(&peer, &frame, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_UNSUPPORTED);
    assert_int_equal(got.call, 1);
    // Not a protobuf message.
    frame.method = frame_method_hash("clusterd.Config.Get");
    frame.call = 2;
    raw_send(&peer, &frame, "\xff\xff\xff\xff\xff", 5);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_CORRUPT);
    assert_int_equal(got.call, 2);
    // Not a frame: ignored, and the next one is served.
    assert_true(rpc_sock_send(&peer, &raw_route, "bad", 3));
    frame.call = 3;
    raw_send(&peer, &frame, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_OK);
    assert_int_equal(got.call, 3);
    rpc_sock_close(&peer);
}

static void resends_are_judged(void **state)
{
    (void)state;
    open_server();
    struct rpc_sock peer = raw_peer();
    struct frame got;
    struct errmsg e;
    struct frame hello = {.kind = FRAME_HELLO, .client = 5, .call = 10};
    raw_send(&peer, &hello, "", 0);
    (void)raw_reply(&peer, &got, &e);
    assert_int_equal(got.kind, FRAME_WELCOME);
    uint64_t server = got.server;

    struct frame commit = {.kind = FRAME_REQUEST,
                           .client = 5,
                           .server = server,
                           .call = 11,
                           .method = frame_method_hash("clusterd.Config.Commit")};
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_OK);
    assert_int_equal(f.commits, 1);
    // The same again: the kept answer.
    commit.flags = FRAME_RESEND;
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_OK);
    assert_int_equal(f.commits, 1);
    // Sent first to this run but never arrived: run now.
    commit.call = 12;
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_OK);
    assert_int_equal(f.commits, 2);
    // Of before this run knew the client; sent first to another run: nobody knows.
    commit.call = 9;
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_TIMEOUT);
    commit.call = 13;
    commit.server = server ^ 2;
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_TIMEOUT);
    assert_int_equal(f.commits, 2);
    // A client that never said hello has an unknown past.
    commit.client = 6;
    commit.server = server;
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_TIMEOUT);
    // Finished calls are forgotten.
    commit.client = 5;
    commit.call = 20;
    commit.done = 12;
    commit.flags = 0;
    raw_send(&peer, &commit, "", 0);
    assert_int_equal(raw_reply(&peer, &got, &e), ERR_OK);
    assert_int_equal(f.commits, 3);
    rpc_sock_close(&peer);
}

// ---- hints -------------------------------------------------------------------------------------

struct heard {
    uint64_t numbers[16];
    unsigned count;
    unsigned looks;
};

static void on_hint(void *ctx, uint64_t number)
{
    struct heard *heard = ctx;
    if (number == 0) {
        heard->looks++;
    } else {
        heard->numbers[heard->count++ % 16] = number;
    }
}

static void hints_arrive(void **state)
{
    (void)state;
    open_server();
    struct heard heard = {.count = 0};
    struct heard other = {.count = 0};
    struct rpc_hint *hint = NULL;
    struct rpc_hint *other_hint = NULL;
    assert_int_equal(rpc_hint_open(f.base, f.run_dir, RPC_CLUSTERD, RPC_DNSD, "config", on_hint,
                                   &heard, &hint, &f.e),
                     ERR_OK);
    assert_int_equal(rpc_hint_open(f.base, f.run_dir, RPC_CLUSTERD, RPC_WEBD, "conf", on_hint,
                                   &other, &other_hint, &f.e),
                     ERR_OK);
    // Subscriptions take a moment to reach the server, and a hint may be lost: send till one comes.
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    for (uint64_t n = 1; heard.count == 0; n++) {
        assert_true(clock_mono_ms() < end);
        rpc_server_hint(f.server, "config", n);
        const struct timeval turn = {.tv_usec = 10000};
        event_base_loopexit(f.base, &turn);
        event_base_dispatch(f.base);
    }
    assert_true(heard.numbers[0] > 0);
    assert_int_equal(other.count, 0);
    wait_until(&heard.looks, 1); // and every 5 s anyway
    rpc_hint_close(hint);
    rpc_hint_close(other_hint);
}

static void folders_are_closed_to_others(void **state)
{
    (void)state;
    open_server();
    static const struct {
        const char *path;
        mode_t mode;
    } rows[] = {
        {"clusterd/webd",            0750},
        {"clusterd/webd/rpc.sock",   0660},
        {"clusterd/ctl",             0750},
        {"clusterd/dnsd/hints.sock", 0660}
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[128];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", f.run_dir, rows[i].path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, rows[i].mode);
    }
    // A second one is told who is in the way.
    ProtobufCService *const services[] = {&config.base};
    struct rpc_server *second = NULL;
    assert_int_equal(rpc_server_open(f.base, f.run_dir, RPC_CLUSTERD, services, 1, &second, &f.e),
                     ERR_EXISTS);
    assert_null(second);
}

static void long_paths_are_refused(void **state)
{
    (void)state;
    char run_dir[200];
    memset(run_dir, 'a', sizeof run_dir - 1);
    run_dir[0] = '/';
    run_dir[sizeof run_dir - 1] = '\0';
    struct rpc_client *client = NULL;
    assert_int_equal(rpc_client_open(f.base, run_dir, RPC_CLUSTERD, RPC_CTL, &client, &f.e),
                     ERR_INVALID);
    assert_null(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered),
        TEST(the_client_may_be_first),
        TEST(nobody_there_is_an_error),
        TEST(callers_are_checked),
        TEST(missing_handlers_are_errors),
        TEST(handlers_may_fail),
        TEST(sizes_are_limited),
        TEST(large_answers_all_arrive),
        TEST(deadlines_hold),
        TEST(the_window_is_kept),
        TEST(once_runs_once),
        TEST(a_restart_is_noticed),
        TEST(closing_answers_all),
        TEST(hostile_requests_are_refused),
        TEST(resends_are_judged),
        TEST(hints_arrive),
        TEST(folders_are_closed_to_others),
        TEST(long_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
