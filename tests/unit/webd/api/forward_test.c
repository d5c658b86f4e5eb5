#include "webd/api/forward.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// After its own needs.
#include <cmocka.h>
#include <event2/event.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/clusterd.pb-c.h"
#include "webd/api/api.h"
#include "webd/api/call.h"

/*
 * Calls on a secondary, against a clusterd of this file in the same loop: what is passed on, to
 * whom and how, and that a write is answered when it shows here.
 */
enum { LOOP_LIMIT_MS = 10000 };

static struct fixture {
    char dir[64];
    char run_dir[80];
    char state_dir[80];
    struct event_base *base;
    struct rpc_server *server;
    struct api api;
    // what clusterd was asked
    unsigned forwards;
    char node[64];
    char target[256];
    char body[512];
    char type[64];
    char actor[64];
    unsigned looks;
    char committed[512]; // paths
    // what it answers
    const char *reply_version;
    const char *reply_body;
    // the answer to the caller
    bool is_answered;
    unsigned status;
    char *answer;
} f;

// nanomsg 1.1.5 keeps a block of each socket that it could not connect.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:nn_bipc_create\n";
}

// ---- the fake clusterd -------------------------------------------------------------------------

static const char *const objects[][2] = {
    {"cluster/config", "{\"domain\":\"c.test\"}"                                              },
    {"node/identity",  "{\"id\":2,\"name\":\"ns2.c.test\",\"role\":\"Secondary\",\"epoch\":1}"},
    {"nodes/1",        "{\"name\":\"ns1.c.test\",\"type\":\"Primary\"}"                       },
    {"nodes/2",        "{\"name\":\"ns2.c.test\",\"type\":\"Secondary\"}"                     },
};
#define OBJECTS (sizeof objects / sizeof objects[0])

static void on_pull(Clusterd__Config_Service *service, const Clusterd__PullRequest *request,
                    Clusterd__PullReply_Closure closure, void *data)
{
    Clusterd__PullReply reply;
    Clusterd__Object items[OBJECTS];
    Clusterd__Object *list[OBJECTS];
    uint8_t id[] = {1, 2, 3, 4};
    (void)service;
    clusterd__pull_reply__init(&reply);
    reply.store_id = (ProtobufCBinaryData){.len = sizeof id, .data = id};
    reply.revision = 5;
    if (request->revision < 5) {
        for (size_t i = 0; i < OBJECTS; i++) {
            clusterd__object__init(&items[i]);
            items[i].path = proto_text(objects[i][0]);
            items[i].value = proto_text(objects[i][1]);
            items[i].revision = 5;
            list[i] = &items[i];
        }
        reply.snapshot = true;
        reply.objects = list;
        reply.n_objects = OBJECTS;
    }
    closure(&reply, data);
}

static void on_ack(Clusterd__Config_Service *service, const Clusterd__AckRequest *request,
                   Trellis__Reply_Closure closure, void *data)
{
    Trellis__Reply reply;
    (void)service;
    (void)request;
    trellis__reply__init(&reply);
    closure(&reply, data);
}

// The version held here grows by one with each look.
static void on_get(Clusterd__Config_Service *service, const Clusterd__GetRequest *request,
                   Clusterd__GetReply_Closure closure, void *data)
{
    Clusterd__GetReply reply;
    Trellis__Version version;
    (void)service;
    (void)request;
    clusterd__get_reply__init(&reply);
    trellis__version__init(&version);
    version.epoch = 1;
    version.seq = ++f.looks;
    reply.version = &version;
    reply.revision = 5;
    closure(&reply, data);
}

static void on_commit(Clusterd__Config_Service *service, const Clusterd__CommitRequest *request,
                      Clusterd__CommitReply_Closure closure, void *data)
{
    Clusterd__CommitReply reply;
    (void)service;
    clusterd__commit_reply__init(&reply);
    for (size_t i = 0; i < request->n_changes; i++) {
        size_t used = strlen(f.committed);
        snprintf(f.committed + used, sizeof f.committed - used, "%s ", request->changes[i]->path);
    }
    reply.revision = 5;
    reply.changed = true;
    closure(&reply, data);
}

static void on_forward(Clusterd__Peer_Service *service, const Clusterd__ForwardRequest *request,
                       Clusterd__ForwardReply_Closure closure, void *data)
{
    Clusterd__ForwardReply reply;
    Clusterd__HttpHeader headers[2];
    Clusterd__HttpHeader *list[2] = {&headers[0], &headers[1]};
    (void)service;
    f.forwards++;
    snprintf(f.node, sizeof f.node, "%s", request->node);
    snprintf(f.target, sizeof f.target, "%s", request->target);
    snprintf(f.body, sizeof f.body, "%.*s", (int)request->body.len,
             (const char *)request->body.data);
    snprintf(f.actor, sizeof f.actor, "%s", request->acting_user);
    snprintf(f.type, sizeof f.type, "%s", request->headers[0]->value);
    clusterd__forward_reply__init(&reply);
    clusterd__http_header__init(&headers[0]);
    clusterd__http_header__init(&headers[1]);
    headers[0].name = proto_text("content-type");
    headers[0].value = proto_text("application/json; charset=utf-8");
    headers[1].name = proto_text("trellis-version");
    headers[1].value = proto_text(f.reply_version == NULL ? "" : f.reply_version);
    reply.http_status = 200;
    reply.headers = list;
    reply.n_headers = f.reply_version == NULL ? 1 : 2;
    reply.body.data = (uint8_t *)proto_text(f.reply_body);
    reply.body.len = strlen(f.reply_body);
    closure(&reply, data);
}

static void on_state(Clusterd__Cluster_Service *service, const Clusterd__StateRequest *request,
                     Clusterd__StateReply_Closure closure, void *data)
{
    Clusterd__StateReply reply;
    (void)service;
    (void)request;
    clusterd__state_reply__init(&reply);
    reply.initialized = true;
    closure(&reply, data);
}

// ---- webd's side -------------------------------------------------------------------------------

static enum err apply(void *ctx, const struct conf_apply *change, struct errmsg *e)
{
    (void)ctx;
    settings_free(f.api.settings);
    f.api.settings = NULL;
    return settings_load(change->map, 2, &f.api.settings, e);
}

static void take_answer(struct web_request *request, struct web_answer *answer)
{
    f.is_answered = true;
    f.status = answer->status;
    f.answer = mem_alloc(answer->body_len + 1);
    if (answer->body_len > 0) {
        memcpy(f.answer, answer->body, answer->body_len);
    }
    f.answer[answer->body_len] = 0;
    mem_free(answer->body);
    web_params_fini(&request->params);
    arena_fini(&request->arena);
    mem_free(request);
}

static void wait_for(const bool *flag)
{
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (!*flag && clock_mono_ms() < end) {
        struct timeval tick = {0, 20000};
        (void)event_base_loopexit(f.base, &tick);
        (void)event_base_loop(f.base, EVLOOP_ONCE);
    }
    assert_true(*flag);
}

// One call as the local administrator; the answer is in f.answer.
static void call(const char *path, const char *query)
{
    struct web_request *r = mem_zalloc(sizeof *r);
    arena_init(&r->arena);
    web_params_init(&r->params, &r->arena);
    r->method = "POST";
    r->path = arena_printf(&r->arena, "/api/%s", path);
    r->target = r->path;
    r->media_type = "";
    r->body = (const uint8_t *)"";
    r->is_local = true;
    r->answer = take_answer;
    assert_int_equal(web_params_parse(&r->params, WEB_PARAM_QUERY, query, strlen(query), NULL),
                     ERR_OK);
    mem_free(f.answer);
    f.answer = NULL;
    f.is_answered = false;
    api_handle(&f.api, r);
    wait_for(&f.is_answered);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int setup(void **state)
{
    static Clusterd__Config_Service config;
    static Clusterd__Peer_Service peer;
    static Clusterd__Cluster_Service cluster;
    struct errmsg e = {0};
    (void)state;
    memset(&f, 0, sizeof f);
    snprintf(f.dir, sizeof f.dir, "/tmp/forward-test-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.run_dir, sizeof f.run_dir, "%s/run", f.dir);
    snprintf(f.state_dir, sizeof f.state_dir, "%s/state", f.dir);
    assert_int_equal(mkdir(f.run_dir, 0700) | mkdir(f.state_dir, 0700), 0);
    f.base = event_base_new();
    clusterd__config__init(&config, NULL);
    clusterd__peer__init(&peer, NULL);
    clusterd__cluster__init(&cluster, NULL);
    config.pull = on_pull;
    config.ack = on_ack;
    config.get = on_get;
    config.commit = on_commit;
    peer.forward = on_forward;
    cluster.state = on_state;
    ProtobufCService *services[] = {&config.base, &peer.base, &cluster.base};
    if (rpc_server_open(f.base, f.run_dir, RPC_CLUSTERD, services, 3, &f.server, &e) != ERR_OK ||
        rpc_client_open(f.base, f.run_dir, RPC_CLUSTERD, RPC_WEBD, &f.api.clusterd, &e) != ERR_OK ||
        rpc_client_open(f.base, f.run_dir, RPC_DNSD, RPC_WEBD, &f.api.dnsd, &e) != ERR_OK ||
        conf_watch_open(f.base, f.state_dir, f.run_dir, f.api.clusterd, RPC_WEBD, apply, NULL,
                        &f.api.watch, &e) != ERR_OK) {
        fail_msg("%s", e.text);
    }
    f.api.base = f.base;
    f.api.self.id = 2;
    f.api.self.role = API_SECONDARY;
    memcpy(f.api.self.name, "ns2.c.test", sizeof "ns2.c.test");
    memcpy(f.api.cluster_domain, "c.test", sizeof "c.test");
    snprintf(f.api.spool_dir, sizeof f.api.spool_dir, "%s", f.state_dir);
    f.reply_body = "{\"response\":{},\"server\":\"ns1.c.test\",\"status\":\"ok\"}";
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (!conf_watch_has_state(f.api.watch) && clock_mono_ms() < end) {
        struct timeval tick = {0, 20000};
        (void)event_base_loopexit(f.base, &tick);
        (void)event_base_loop(f.base, EVLOOP_ONCE);
    }
    assert_true(conf_watch_has_state(f.api.watch));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rpc_client_close(f.api.dnsd);
    rpc_client_close(f.api.clusterd);
    conf_watch_close(f.api.watch);
    rpc_server_close(f.server);
    settings_free(f.api.settings);
    mem_free(f.answer);
    event_base_free(f.base);
    nftw(f.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

// ---- tests -------------------------------------------------------------------------------------

// A write goes to the primary, and is answered when its version shows here.
static void write_on_a_secondary(void **state)
{
    (void)state;
    f.reply_version = "1.4";
    call("blocked/add", "domain=ads.test&token=secret&node=&x=a%26b");
    assert_int_equal(f.forwards, 1);
    assert_string_equal(f.node, "");
    assert_string_equal(f.target, "/api/blocked/add");
    assert_string_equal(f.body, "domain=ads.test&x=a%26b");
    assert_string_equal(f.type, "application/x-www-form-urlencoded");
    assert_string_equal(f.actor, "local");
    assert_int_equal(f.looks, 4);
    assert_int_equal(f.status, 200);
    assert_string_equal(f.answer, f.reply_body);
}

static void another_node(void **state)
{
    (void)state;
    call("zones/list", "node=NS1.c.test&pageNumber=1");
    assert_int_equal(f.forwards, 1);
    assert_string_equal(f.node, "NS1.c.test");
    assert_string_equal(f.body, "pageNumber=1");
    assert_int_equal(f.looks, 0); // nothing was written
    assert_string_equal(f.answer, f.reply_body);
}

static void unknown_node(void **state)
{
    (void)state;
    call("zones/list", "node=ns9.c.test");
    assert_int_equal(f.forwards, 0);
    assert_non_null(strstr(f.answer, "No such node exists"));
}

// The own name, and "cluster", mean here; dnsd is not there.
static void this_node(void **state)
{
    static const char *const queries[] = {"node=ns2.c.test", "node=cluster", ""};
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        call("zones/list", queries[i]);
        assert_int_equal(f.forwards, 0);
        assert_int_equal(f.status, 503);
        assert_non_null(strstr(f.answer, "dnsd is not running"));
    }
}

// Settings of the node stay here, those of the cluster go to the primary; the answer is ours.
static void settings_of_both_scopes(void **state)
{
    (void)state;
    call("settings/set", "defaultRecordTtl=77&webServiceHttpPort=8080");
    assert_string_equal(f.committed, "settings/webServiceHttpPort ");
    assert_int_equal(f.forwards, 1);
    assert_string_equal(f.body,
                        "defaultRecordTtl=77&webServiceHttpPort=8080&trellisClusterScope=true");
    assert_non_null(strstr(f.answer, "\"webServiceHttpPort\""));
    f.committed[0] = 0;
    call("settings/set", "webServiceHttpPort=8081");
    assert_int_equal(f.forwards, 1);
    assert_string_equal(f.committed, "settings/webServiceHttpPort ");
}

// What the primary refuses is passed on as it is.
static void refused(void **state)
{
    (void)state;
    f.reply_body = "{\"server\":\"ns1.c.test\",\"status\":\"error\",\"errorMessage\":\"no\"}";
    call("settings/set", "defaultRecordTtl=77");
    assert_string_equal(f.answer, f.reply_body);
}

static void roles(void **state)
{
    (void)state;
    call("admin/cluster/primary/setOptions", "heartbeatRefreshIntervalSeconds=20");
    assert_non_null(strstr(f.answer, "primary node"));
    f.api.self.role = API_PRIMARY;
    call("admin/cluster/secondary/resync", "");
    assert_non_null(strstr(f.answer, "secondary node"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_on_a_secondary, setup, teardown),
        cmocka_unit_test_setup_teardown(another_node, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_node, setup, teardown),
        cmocka_unit_test_setup_teardown(this_node, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_of_both_scopes, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(roles, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
