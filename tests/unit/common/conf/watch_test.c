#include "common/conf/watch.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// After its own needs.
#include <cmocka.h>
#include <event2/event.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/clusterd.pb-c.h"

/*
 * A watch of webd against a clusterd of this file, both in one loop over real sockets. The fake
 * store keeps objects with the revision of their last change and gives pages of `page_size`.
 */
enum { LOOP_LIMIT_MS = 10000, OBJECTS_MAX = 64 };

struct object {
    char path[64];
    char value[64];
    uint64_t revision;
    bool deleted;
};

static struct fixture {
    char dir[64];
    char run_dir[80];
    char state_dir[80];
    struct event_base *base;
    struct rpc_server *server;
    struct rpc_client *client;
    struct conf_watch *watch;
    // the store
    char store_id[8];
    uint64_t revision;
    struct object objects[OBJECTS_MAX];
    size_t object_count;
    uint64_t kept_from; // deltas from an older revision are snapshots
    size_t page_size;
    unsigned pulls;
    void (*between_pages)(void);
    uint64_t acked;
    uint64_t refused;
    char reason[128];
    // the consumer
    unsigned applied;
    uint64_t applied_revision;
    bool applied_all;
    size_t applied_count;
    char applied_paths[512];
    const char *refuse; // reason
    // waits
    unsigned waits_ended;
    enum err wait_result;
} f;

// nanomsg 1.1.5 keeps a block of each socket that it could not connect.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:nn_bipc_create\n";
}

// ---- the fake store ----------------------------------------------------------------------------

static void store_set(const char *path, const char *value)
{
    struct object *object = NULL;
    for (size_t i = 0; i < f.object_count && object == NULL; i++) {
        object = strcmp(f.objects[i].path, path) == 0 ? &f.objects[i] : NULL;
    }
    if (object == NULL) {
        assert_true(f.object_count < OBJECTS_MAX);
        object = &f.objects[f.object_count++];
    }
    *object = (struct object){.revision = ++f.revision, .deleted = value == NULL};
    (void)snprintf(object->path, sizeof object->path, "%s", path);
    (void)snprintf(object->value, sizeof object->value, "%s", value == NULL ? "" : value);
}

static void commit(const char *path, const char *value)
{
    store_set(path, value);
    if (f.server != NULL) {
        rpc_server_hint(f.server, "config", f.revision);
    }
}

static void on_pull(Clusterd__Config_Service *service, const Clusterd__PullRequest *request,
                    Clusterd__PullReply_Closure closure, void *data)
{
    static char cursor[24];
    Clusterd__Object rows[OBJECTS_MAX];
    Clusterd__Object *pointers[OBJECTS_MAX];
    Clusterd__PullReply reply;
    clusterd__pull_reply__init(&reply);
    (void)service;
    f.pulls++;
    bool same_store = request->store_id.len == strlen(f.store_id) &&
                      memcmp(request->store_id.data, f.store_id, request->store_id.len) == 0;
    reply.store_id.data = (uint8_t *)f.store_id;
    reply.store_id.len = strlen(f.store_id);
    reply.snapshot = !same_store || request->revision < f.kept_from;
    reply.revision = f.revision;
    reply.objects = pointers;
    size_t at = strtoul(request->cursor, NULL, 10);
    for (; at < f.object_count && reply.n_objects < f.page_size; at++) {
        struct object *object = &f.objects[at];
        bool wanted = reply.snapshot ? !object->deleted : object->revision > request->revision;
        if (wanted) {
            Clusterd__Object *row = &rows[reply.n_objects];
            clusterd__object__init(row);
            row->path = object->path;
            row->value = object->value;
            row->deleted = object->deleted;
            pointers[reply.n_objects++] = row;
        }
    }
    if (at < f.object_count) {
        (void)snprintf(cursor, sizeof cursor, "%zu", at);
        reply.next_cursor = cursor;
    }
    closure(&reply, data);
    if (f.between_pages != NULL) {
        f.between_pages();
    }
}

static void on_ack(Clusterd__Config_Service *service, const Clusterd__AckRequest *request,
                   Trellis__Reply_Closure closure, void *data)
{
    Trellis__Reply reply;
    trellis__reply__init(&reply);
    (void)service;
    if (request->refused) {
        f.refused = request->revision;
        (void)snprintf(f.reason, sizeof f.reason, "%s", request->reason);
    } else {
        f.acked = request->revision;
    }
    closure(&reply, data);
}

static Clusterd__Config_Service service = {.pull = on_pull, .ack = on_ack};

static void start_clusterd(void)
{
    struct errmsg e = {0};
    service.base.descriptor = &clusterd__config__descriptor;
    service.base.invoke = protobuf_c_service_invoke_internal;
    ProtobufCService *const services[] = {&service.base};
    if (rpc_server_open(f.base, f.run_dir, RPC_CLUSTERD, services, 1, &f.server, &e) != ERR_OK) {
        fail_msg("%s", e.text);
    }
}

static void stop_clusterd(void)
{
    rpc_server_close(f.server);
    f.server = NULL;
}

// ---- the consumer ------------------------------------------------------------------------------

static enum err apply(void *ctx, const struct conf_apply *change, struct errmsg *e)
{
    (void)ctx;
    if (f.refuse != NULL) {
        return err_set(e, ERR_INVALID, "%s", f.refuse);
    }
    f.applied++;
    f.applied_revision = change->revision;
    f.applied_all = change->all;
    f.applied_count = conf_map_count(change->map);
    f.applied_paths[0] = '\0';
    for (size_t i = 0; i < change->changed_count; i++) {
        size_t len = strlen(f.applied_paths);
        (void)snprintf(f.applied_paths + len, sizeof f.applied_paths - len, "%s ",
                       change->changed[i]);
    }
    assert_int_equal(conf_changed(change, "nothing/"), change->all);
    return ERR_OK;
}

static void open_watch(void)
{
    struct errmsg e = {0};
    assert_int_equal(rpc_client_open(f.base, f.run_dir, RPC_CLUSTERD, RPC_WEBD, &f.client, &e),
                     ERR_OK);
    if (conf_watch_open(f.base, f.state_dir, f.run_dir, f.client, RPC_WEBD, apply, NULL, &f.watch,
                        &e) != ERR_OK) {
        fail_msg("%s", e.text);
    }
}

static void close_watch(void)
{
    conf_watch_close(f.watch);
    rpc_client_close(f.client);
    f.watch = NULL;
    f.client = NULL;
}

static void on_wait(void *ctx, enum err result)
{
    (void)ctx;
    f.waits_ended++;
    f.wait_result = result;
}

// Runs the loop until the number is there.
static void loop_until(const uint64_t *number, uint64_t wanted)
{
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (*number != wanted) {
        if (clock_mono_ms() > end) {
            fail_msg("%llu did not become %llu", (unsigned long long)*number,
                     (unsigned long long)wanted);
        }
        const struct timeval tick = {.tv_usec = 50000};
        (void)event_base_loopexit(f.base, &tick);
        (void)event_base_loop(f.base, EVLOOP_ONCE);
    }
}

static int setup(void **state)
{
    (void)state;
    f = (struct fixture){.store_id = "S1", .page_size = OBJECTS_MAX};
    (void)snprintf(f.dir, sizeof f.dir, "/tmp/watch-test.XXXXXX");
    if (mkdtemp(f.dir) == NULL) {
        return -1;
    }
    (void)snprintf(f.run_dir, sizeof f.run_dir, "%s/run", f.dir);
    (void)snprintf(f.state_dir, sizeof f.state_dir, "%s", f.dir);
    f.base = event_base_new();
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    close_watch();
    stop_clusterd();
    event_base_free(f.base);
    return nftw(f.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// ---- tests -------------------------------------------------------------------------------------

static void follows_commits(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    store_set("settings/b", "2");
    start_clusterd();
    open_watch();
    assert_false(conf_watch_has_state(f.watch));
    loop_until(&f.acked, 2);
    assert_int_equal(f.applied, 1);
    assert_true(f.applied_all);
    assert_int_equal(f.applied_count, 2);
    commit("settings/b", "3");
    loop_until(&f.acked, 3);
    assert_false(f.applied_all);
    assert_string_equal(f.applied_paths, "settings/b ");
    assert_string_equal(conf_map_get(conf_watch_map(f.watch), "settings/b"), "3");
    commit("settings/a", NULL);
    loop_until(&f.acked, 4);
    assert_string_equal(f.applied_paths, "settings/a ");
    assert_int_equal(f.applied_count, 1);
    assert_int_equal(conf_watch_revision(f.watch), 4);
}

// A revision that changes nothing for this consumer is held and acked, not applied.
static void unchanged_state_is_not_applied(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    f.revision = 9;
    rpc_server_hint(f.server, "config", 9);
    loop_until(&f.acked, 9);
    assert_int_equal(f.applied, 1);
}

static void change_while_paging(void)
{
    static unsigned times;
    if (f.pulls == 1) {
        times = 0;
    }
    if (++times <= 3) {
        store_set("settings/00", times == 1 ? "\"one\"" : times == 2 ? "\"two\"" : "\"three\"");
    }
}

// Pages of different moments: applied only when the state is whole, with the last values.
static void pages_come_to_rest_first(void **state)
{
    (void)state;
    char path[64];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof path, "settings/%02u", i);
        store_set(path, "0");
    }
    f.page_size = 3;
    f.between_pages = change_while_paging;
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 23);
    assert_int_equal(f.applied, 1);
    assert_int_equal(f.applied_count, 20);
    assert_string_equal(conf_map_get(conf_watch_map(f.watch), "settings/00"), "\"three\"");
}

static void refused_state_keeps_the_last_good_one(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    f.refuse = "settings/a: 2 is too much";
    commit("settings/a", "2");
    loop_until(&f.refused, 2);
    assert_string_equal(f.reason, "settings/a: 2 is too much");
    assert_int_equal(conf_watch_revision(f.watch), 1);
    assert_string_equal(conf_map_get(conf_watch_map(f.watch), "settings/a"), "1");
    conf_watch_wait(f.watch, 2, 5000, on_wait, NULL);
    assert_int_equal(f.waits_ended, 0);
    // The next commit is tried, with everything since the last good state.
    f.refuse = NULL;
    commit("settings/b", "3");
    loop_until(&f.acked, 3);
    assert_int_equal(f.waits_ended, 1);
    assert_int_equal(f.wait_result, ERR_INVALID);
    assert_string_equal(f.applied_paths, "settings/a settings/b ");
    assert_string_equal(conf_map_get(conf_watch_map(f.watch), "settings/a"), "2");
}

// Without clusterd: the saved state is applied inside open; later only the difference comes.
static void starts_alone_from_its_files(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    commit("settings/b", "2");
    loop_until(&f.acked, 2);
    close_watch();
    stop_clusterd();
    f.applied = 0;
    open_watch();
    assert_int_equal(f.applied, 1);
    assert_true(f.applied_all);
    assert_true(conf_watch_has_state(f.watch));
    assert_int_equal(conf_watch_revision(f.watch), 2);
    assert_string_equal(conf_map_get(conf_watch_map(f.watch), "settings/b"), "2");
    store_set("settings/c", "3");
    start_clusterd();
    loop_until(&f.acked, 3);
    assert_string_equal(f.applied_paths, "settings/c ");
}

static void refused_file_gives_way_to_a_full_pull(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    close_watch();
    f.acked = 0;
    f.refuse = "not any more";
    open_watch();
    assert_false(conf_watch_has_state(f.watch));
    assert_int_equal(conf_watch_revision(f.watch), 0);
    f.refuse = NULL;
    loop_until(&f.acked, 1);
    assert_true(f.applied_all);
}

static void corrupt_file_gives_way_to_a_full_pull(void **state)
{
    (void)state;
    char path[128];
    char corrupt[160];
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    close_watch();
    f.acked = 0;
    (void)snprintf(path, sizeof path, "%s/config.snapshot", f.state_dir);
    assert_int_equal(truncate(path, 30), 0);
    open_watch();
    assert_false(conf_watch_has_state(f.watch));
    (void)snprintf(corrupt, sizeof corrupt, "%s.corrupt", path);
    assert_int_equal(access(corrupt, R_OK), 0);
    loop_until(&f.acked, 1);
}

// Another store (restored, or a node that joined): a snapshot replaces all, also at a lower number.
static void new_store_replaces_all(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    store_set("settings/b", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 2);
    (void)snprintf(f.store_id, sizeof f.store_id, "S2");
    f.object_count = 0;
    f.revision = 0;
    store_set("settings/c", "1");
    conf_watch_poke(f.watch);
    loop_until(&f.acked, 1);
    assert_true(f.applied_all);
    assert_int_equal(f.applied_count, 1);
    assert_int_equal(conf_watch_revision(f.watch), 1);
}

static void old_revision_gets_a_snapshot(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    f.kept_from = 5;
    store_set("settings/a", NULL);
    f.revision = 6;
    commit("settings/b", "7");
    loop_until(&f.acked, 7);
    assert_true(f.applied_all);
    assert_int_equal(f.applied_count, 1);
}

static void waits_end_once(void **state)
{
    (void)state;
    store_set("settings/a", "1");
    start_clusterd();
    open_watch();
    loop_until(&f.acked, 1);
    conf_watch_wait(f.watch, 1, 5000, on_wait, NULL);
    assert_int_equal(f.waits_ended, 0); // never from inside
    conf_watch_wait(f.watch, 2, 5000, on_wait, NULL);
    commit("settings/a", "2");
    loop_until(&f.acked, 2);
    assert_int_equal(f.waits_ended, 2);
    assert_int_equal(f.wait_result, ERR_OK);
    conf_watch_wait(f.watch, 99, 1, on_wait, NULL);
    uint64_t end = clock_mono_ms() + LOOP_LIMIT_MS;
    while (f.waits_ended < 3 && clock_mono_ms() < end) {
        (void)event_base_loop(f.base, EVLOOP_ONCE);
    }
    assert_int_equal(f.wait_result, ERR_TIMEOUT);
    conf_watch_wait(f.watch, 99, 60000, on_wait, NULL);
    close_watch();
    assert_int_equal(f.waits_ended, 4);
    assert_int_equal(f.wait_result, ERR_UNAVAILABLE);
}

static void clusterd_comes_later(void **state)
{
    (void)state;
    open_watch();
    const struct timeval tick = {.tv_usec = 20000};
    (void)event_base_loopexit(f.base, &tick);
    (void)event_base_dispatch(f.base);
    assert_int_equal(f.applied, 0);
    store_set("settings/a", "1");
    start_clusterd();
    loop_until(&f.acked, 1);
    stop_clusterd();
    store_set("settings/a", "2");
    start_clusterd();
    loop_until(&f.acked, 2);
    assert_int_equal(f.applied, 2);
}

#define WATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH(follows_commits),
        WATCH(unchanged_state_is_not_applied),
        WATCH(pages_come_to_rest_first),
        WATCH(refused_state_keeps_the_last_good_one),
        WATCH(starts_alone_from_its_files),
        WATCH(refused_file_gives_way_to_a_full_pull),
        WATCH(corrupt_file_gives_way_to_a_full_pull),
        WATCH(new_store_replaces_all),
        WATCH(old_revision_gets_a_snapshot),
        WATCH(waits_end_once),
        WATCH(clusterd_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
