/*
 * The store: commits, conflicts, history, undoing, following, replicas, and what kill -9 leaves.
 */
#include "clusterd/store/store.h"

#include "clusterd/store/internal.h"
#include "clusterd/store/replica.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    char path[96];
    struct store *store;
};

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/store-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/config.db", f->folder);
    struct errmsg e = {0};
    assert_int_equal(store_open(f->path, &f->store, &e), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    static const char *const names[] = {"config.db", "config.db-wal", "config.db-shm",
                                        "other.db",  "other.db-wal",  "other.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    rmdir(f->folder);
    mem_free(f);
    return 0;
}

static enum err put_base(struct store *store, const char *path, const char *value, uint64_t base,
                         struct store_result *result, struct errmsg *e)
{
    struct store_change change = {.path = path, .value = value};
    struct store_request request = {.changes = &change,
                                    .count = 1,
                                    .base_revision = base,
                                    .actor = "admin",
                                    .node = "ns1",
                                    .summary = "test"};
    return store_commit(store, &request, result, e);
}

static struct store_result put(struct store *store, const char *path, const char *value)
{
    struct errmsg e = {0};
    struct store_result result = {0};
    if (put_base(store, path, value, 0, &result, &e) != ERR_OK) {
        fail_msg("%s: %s", path, e.text);
    }
    return result;
}

static const char *get(struct store *store, const char *path)
{
    static struct str value;
    return store_get(store, path, &value) ? value.text : NULL;
}

// ---- commits -----------------------------------------------------------------------------------

static void test_values_are_normalised_and_checked(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        const char *value;
        enum err err;
        const char *stored;
    } rows[] = {
        {"blocked/ads.example", "{}",                                         ERR_OK,      "{}"      },
        {"groups/Staff",        "{ \"description\" : \"x\", \"a\": [1, 2] }", ERR_OK,
         "{\"a\":[1,2],\"description\":\"x\"}"                                                       },
        {"settings/recursion",  "\"Deny\"",                                   ERR_OK,      "\"Deny\""},
        {"settings/recursion",  "\"Perhaps\"",                                ERR_INVALID, "\"Deny\""},
        {"settings/nothing",    "1",                                          ERR_INVALID, NULL      },
        {"nowhere/x",           "{}",                                         ERR_INVALID, NULL      },
        {"blocked",             "{}",                                         ERR_INVALID, NULL      },
        {"blocked/ADS.example", "{}",                                         ERR_INVALID, NULL      },
        {"groups/bad",          "{\"description\":",                          ERR_INVALID, NULL      },
        {"groups/twice",        "{\"a\":1,\"a\":2}",                          ERR_INVALID, NULL      },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct errmsg e = {0};
        struct store_result result = {0};
        enum err err = put_base(f->store, rows[i].path, rows[i].value, 0, &result, &e);
        assert_int_equal(err, rows[i].err);
        assert_true(err == ERR_OK || e.text[0] != '\0');
        const char *stored = get(f->store, rows[i].path);
        if (rows[i].stored == NULL) {
            assert_null(stored);
        } else {
            assert_string_equal(stored, rows[i].stored);
        }
    }
}

static void test_versions_grow_by_scope(void **state)
{
    struct fixture *f = *state;
    struct store_result first = put(f->store, "blocked/a.example", "{}");
    assert_true(first.changed);
    assert_int_equal(first.revision, 1);
    assert_int_equal(first.version.seq, 1);
    struct store_result node = put(f->store, "settings/webServiceHttpPort", "8080");
    assert_int_equal(node.revision, 2);
    assert_int_equal(node.version.seq, 1);
    struct store_result same = put(f->store, "blocked/a.example", "{ }");
    assert_false(same.changed);
    assert_int_equal(same.revision, 2);
    struct store_result gone = put(f->store, "blocked/b.example", NULL);
    assert_false(gone.changed);
    assert_int_equal(store_version_at(f->store, 1).seq, 1);
}

static void test_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    put(f->store, "blocked/there.example", "{}");
    uint8_t before[SHA256_SIZE];
    uint8_t after[SHA256_SIZE];
    store_digest(f->store, before);
    static const struct {
        struct store_change second;
        enum err err;
    } rows[] = {
        {{.path = "nowhere/x", .value = "{}"},                                     ERR_INVALID  },
        {{.path = "blocked/missing.example", .must_exist = true},                  ERR_NOT_FOUND},
        {{.path = "blocked/there.example", .value = "{}", .must_not_exist = true}, ERR_EXISTS   },
        {{.path = "blocked/new.example", .value = NULL},                           ERR_INVALID  },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_change changes[] = {
            {.path = "blocked/new.example", .value = "{}"},
            rows[i].second
        };
        struct store_request request = {.changes = changes, .count = 2};
        struct store_result result;
        struct errmsg e = {0};
        assert_int_equal(store_commit(f->store, &request, &result, &e), rows[i].err);
        assert_null(get(f->store, "blocked/new.example"));
        assert_int_equal(store_revision(f->store), 1);
        store_digest(f->store, after);
        assert_memory_equal(before, after, SHA256_SIZE);
    }
}

static void test_conflicts(void **state)
{
    struct fixture *f = *state;
    uint64_t base = put(f->store, "groups/a", "{\"description\":\"1\"}").revision;
    put(f->store, "groups/b", "{}");
    struct store_result result;
    struct errmsg e = {0};
    // Another object moved: no conflict.
    assert_int_equal(put_base(f->store, "groups/a", "{\"description\":\"2\"}", base, &result, &e),
                     ERR_OK);
    assert_int_equal(put_base(f->store, "groups/a", "{\"description\":\"3\"}", base, &result, &e),
                     ERR_CONFLICT);
    assert_string_equal(get(f->store, "groups/a"), "{\"description\":\"2\"}");
    // Removed since.
    uint64_t seen = store_revision(f->store);
    put(f->store, "groups/b", NULL);
    assert_int_equal(put_base(f->store, "groups/b", "{}", seen, &result, &e), ERR_CONFLICT);
    assert_null(get(f->store, "groups/b"));
}

static void test_secondary_refuses_cluster_scope(void **state)
{
    struct fixture *f = *state;
    struct store_result result;
    struct errmsg e = {0};
    store_lock_cluster(f->store, "ns1.example");
    assert_int_equal(put_base(f->store, "blocked/a.example", "{}", 0, &result, &e),
                     ERR_NOT_PRIMARY);
    assert_non_null(strstr(e.text, "ns1.example"));
    put(f->store, "settings/webServiceHttpPort", "8080");
    store_lock_cluster(f->store, NULL);
    put(f->store, "blocked/a.example", "{}");
}

static void test_digest_is_of_the_content(void **state)
{
    struct fixture *f = *state;
    uint8_t empty[SHA256_SIZE];
    uint8_t digest[SHA256_SIZE];
    uint8_t again[SHA256_SIZE];
    store_digest(f->store, empty);
    put(f->store, "blocked/a.example", "{}");
    put(f->store, "groups/g", "{\"description\":\"1\"}");
    store_digest(f->store, digest);
    assert_memory_not_equal(empty, digest, SHA256_SIZE);
    put(f->store, "settings/webServiceHttpPort", "8080"); // node scope is not in it
    store_digest(f->store, again);
    assert_memory_equal(digest, again, SHA256_SIZE);
    put(f->store, "groups/g", "{\"description\":\"2\"}");
    store_digest(f->store, again);
    assert_memory_not_equal(digest, again, SHA256_SIZE);
    put(f->store, "groups/g", "{\"description\":\"1\"}");
    store_digest(f->store, again);
    assert_memory_equal(digest, again, SHA256_SIZE);
    // And it is what a new process finds.
    struct errmsg e = {0};
    store_close(f->store);
    assert_int_equal(store_open(f->path, &f->store, &e), ERR_OK);
    store_digest(f->store, again);
    assert_memory_equal(digest, again, SHA256_SIZE);
    put(f->store, "groups/g", NULL);
    put(f->store, "blocked/a.example", NULL);
    store_digest(f->store, again);
    assert_memory_equal(empty, again, SHA256_SIZE);
}

// ---- history -----------------------------------------------------------------------------------

struct history_count {
    unsigned rows;
    uint64_t newest;
};

static bool count_history(void *ctx, const struct store_commit_row *row)
{
    struct history_count *count = ctx;
    count->newest = count->rows == 0 ? row->revision : count->newest;
    count->rows++;
    return true;
}

static bool collect_diff(void *ctx, const struct store_diff_row *row)
{
    str_printf(ctx, "%s:%s>%s;", row->path, row->before == NULL ? "" : row->before,
               row->after == NULL ? "" : row->after);
    return true;
}

static void test_history_and_diff(void **state)
{
    struct fixture *f = *state;
    put(f->store, "groups/a", "{}");
    put(f->store, "groups/b", "{}");
    put(f->store, "groups/a", "{\"x\":1}");
    put(f->store, "groups/c", "{}");
    put(f->store, "groups/c", NULL);
    struct errmsg e = {0};
    struct history_count count = {0};
    assert_int_equal(store_history(f->store, 0, NULL, count_history, &count, &e), ERR_OK);
    assert_int_equal(count.rows, 5);
    assert_int_equal(count.newest, 5);
    count = (struct history_count){0};
    assert_int_equal(store_history(f->store, 3, "groups/a", count_history, &count, &e), ERR_OK);
    assert_int_equal(count.rows, 1);
    static const struct {
        uint64_t from;
        uint64_t to;
        const char *text;
    } rows[] = {
        {0, 0, "groups/a:>{\"x\":1};groups/b:>{};"  },
        {1, 3, "groups/a:{}>{\"x\":1};groups/b:>{};"},
        {3, 1, "groups/a:{\"x\":1}>{};groups/b:{}>;"},
        {3, 5, ""                                   },
        {4, 5, "groups/c:{}>;"                      },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str text;
        str_init(&text);
        str_add(&text, "");
        assert_int_equal(
            store_diff(f->store, rows[i].from, rows[i].to, NULL, collect_diff, &text, &e), ERR_OK);
        assert_string_equal(text.text, rows[i].text);
        str_fini(&text);
    }
    assert_int_equal(store_diff(f->store, 9, 0, NULL, collect_diff, NULL, &e), ERR_NOT_FOUND);
}

static void test_revert(void **state)
{
    struct fixture *f = *state;
    put(f->store, "groups/a", "{\"x\":1}");
    put(f->store, "groups/a", "{\"x\":2}");
    put(f->store, "groups/b", "{}");
    put(f->store, "groups/a", "{\"x\":3}");
    struct store_result result;
    struct errmsg e = {0};
    assert_int_equal(store_revert(f->store, 2, false, "admin", "ns1", &result, &e), ERR_CONFLICT);
    assert_int_equal(store_revert(f->store, 3, false, "admin", "ns1", &result, &e), ERR_OK);
    assert_null(get(f->store, "groups/b"));
    assert_int_equal(result.revision, 5);
    assert_int_equal(store_revert(f->store, 1, true, "admin", "ns1", &result, &e), ERR_OK);
    assert_string_equal(get(f->store, "groups/a"), "{\"x\":1}");
    assert_int_equal(store_revert(f->store, 99, false, "admin", "ns1", &result, &e), ERR_NOT_FOUND);
    // The node table is the business of operations.
    put(f->store, "node/identity", "{\"id\":1}");
    assert_int_equal(store_revert(f->store, result.revision + 1, false, "a", "n", &result, &e),
                     ERR_BAD_STATE);
    assert_int_equal(store_revert(f->store, 0, true, "admin", "ns1", &result, &e), ERR_OK);
    assert_null(get(f->store, "groups/a"));
    assert_string_equal(get(f->store, "node/identity"), "{\"id\":1}");
}

static void test_history_is_trimmed(void **state)
{
    struct fixture *f = *state;
    // 10,000 durable commits would take seconds; what is on disk is not the question here.
    sqlite3_exec(f->store->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    char value[64];
    for (unsigned i = 0; i < STORE_HISTORY_COMMITS + 200; i++) {
        snprintf(value, sizeof value, "{\"x\":%u}", i);
        put(f->store, "groups/a", value);
    }
    struct errmsg e = {0};
    struct history_count count = {0};
    assert_int_equal(store_history(f->store, 0, NULL, count_history, &count, &e), ERR_OK);
    assert_in_range(count.rows, STORE_HISTORY_COMMITS, STORE_HISTORY_COMMITS + 64);
    assert_int_equal(store_diff(f->store, 1, 0, NULL, collect_diff, NULL, &e), ERR_NOT_FOUND);
}

// ---- following ---------------------------------------------------------------------------------

// A follower that keeps what it is given, and takes pages of at most `page` objects.
struct follower {
    struct store *store;
    uint64_t revision;
    uint8_t id[STORE_ID_SIZE];
    size_t id_len;
    size_t page;
    size_t given;
    char *paths[256];
    char *values[256];
    size_t count;
    size_t objects; // given in all
    bool snapshot;
};

static void follower_set(struct follower *w, const char *path, const char *value)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->paths[i], path) == 0) {
            mem_free(w->values[i]);
            w->values[i] = value == NULL ? NULL : mem_strdup(value);
            return;
        }
    }
    w->paths[w->count] = mem_strdup(path);
    w->values[w->count++] = value == NULL ? NULL : mem_strdup(value);
}

static void follower_clear(struct follower *w)
{
    for (size_t i = 0; i < w->count; i++) {
        mem_free(w->paths[i]);
        mem_free(w->values[i]);
    }
    w->count = 0;
}

static bool follower_take(void *ctx, const struct store_object *object)
{
    struct follower *w = ctx;
    if (w->given == w->page) {
        return false;
    }
    w->given++;
    w->objects++;
    follower_set(w, object->path, object->value);
    return true;
}

// One row of pages; `between` is done once, after the first page.
static void follow(struct follower *w, void (*between)(struct store *store))
{
    struct store_pull_result result = {0};
    struct errmsg e = {0};
    char cursor[sizeof result.next_cursor] = "";
    bool first = true;
    do {
        struct store_pull pull = {.id = w->id,
                                  .id_len = w->id_len,
                                  .revision = w->revision,
                                  .cursor = cursor,
                                  .sink = follower_take,
                                  .ctx = w};
        w->given = 0;
        if (first) {
            // Whether everything held is replaced shows on the first page already.
            struct store_pull peek = pull;
            size_t page = w->page;
            w->page = 0;
            assert_int_equal(store_pull(w->store, &peek, &result, &e), ERR_OK);
            w->page = page;
            w->snapshot = result.snapshot;
            if (w->snapshot) {
                follower_clear(w);
            }
        }
        assert_int_equal(store_pull(w->store, &pull, &result, &e), ERR_OK);
        assert_int_equal(result.snapshot, w->snapshot);
        memcpy(cursor, result.next_cursor, sizeof cursor);
        if (first && between != NULL) {
            between(w->store);
        }
        first = false;
    } while (cursor[0] != '\0');
    w->revision = result.revision;
    memcpy(w->id, store_id(w->store), STORE_ID_SIZE);
    w->id_len = STORE_ID_SIZE;
}

static bool expect_object(void *ctx, const struct store_object *object)
{
    struct follower *w = ctx;
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->paths[i], object->path) == 0) {
            assert_non_null(w->values[i]);
            assert_string_equal(w->values[i], object->value);
            mem_free(w->values[i]);
            w->values[i] = mem_strdup(object->value);
            return true;
        }
    }
    fail_msg("%s is missing", object->path);
    return false;
}

static void expect_same(struct follower *w)
{
    struct errmsg e = {0};
    size_t held = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct str value;
        str_init(&value);
        bool there = store_get(w->store, w->paths[i], &value);
        assert_int_equal(there, w->values[i] != NULL);
        held += there;
        str_fini(&value);
    }
    (void)held;
    assert_int_equal(store_each(w->store, "", NULL, expect_object, w, &e), ERR_OK);
    assert_int_equal(w->revision, store_revision(w->store));
}

static void disturb(struct store *store)
{
    put(store, "groups/g000", NULL);
    put(store, "groups/g019", "{\"late\":1}");
    put(store, "groups/zz", "{}");
}

static void test_followers_reach_the_state(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 20; i++) {
        char path[32];
        snprintf(path, sizeof path, "groups/g%03u", i);
        put(f->store, path, "{}");
    }
    static const size_t pages[] = {1, 3, 7, 1000};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct follower w = {.store = f->store, .page = pages[i]};
        follow(&w, disturb);
        assert_true(w.snapshot);
        follow(&w, NULL);
        assert_false(w.snapshot);
        expect_same(&w);
        size_t before = w.objects;
        put(f->store, "groups/one", "{\"n\":1}");
        put(f->store, "groups/one", "{\"n\":2}");
        follow(&w, NULL);
        assert_int_equal(w.objects, before + 1); // each path once, at its last value
        expect_same(&w);
        put(f->store, "groups/g001", "{\"n\":1}");
        put(f->store, "groups/g002", "{\"n\":1}");
        put(f->store, "groups/g003", NULL);
        follow(&w, disturb);
        follow(&w, NULL);
        assert_false(w.snapshot);
        expect_same(&w);
        put(f->store, "groups/g000", "{}");
        put(f->store, "groups/g003", "{}");
        put(f->store, "groups/zz", NULL);
        w.id[0] ^= 1; // a store put back from a backup is another line of history
        follow(&w, NULL);
        assert_true(w.snapshot);
        expect_same(&w);
        follower_clear(&w);
    }
    static const char *const bad[] = {"x", "s", "s1", "d12x:", "s99999999999999999999999:a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct errmsg e = {0};
        struct store_pull pull = {.cursor = bad[i], .sink = follower_take};
        struct store_pull_result result;
        assert_int_equal(store_pull(f->store, &pull, &result, &e), ERR_INVALID);
    }
}

// ---- replicas ----------------------------------------------------------------------------------

struct replay {
    struct store *to;
    struct store_commit_row commit;
    uint8_t digest[SHA256_SIZE];
    bool open;
    struct errmsg e;
    enum err err;
};

static void close_commit(struct replay *r)
{
    if (r->open && r->err == ERR_OK) {
        r->commit.digest = r->digest;
        r->err = replica_commit(r->to, &r->commit, &r->e);
    }
    r->open = false;
}

static bool replay_row(void *ctx, const struct replica_row *row)
{
    struct replay *r = ctx;
    if (row->path == NULL) {
        close_commit(r);
        r->commit = row->commit;
        r->commit.actor = "someone";
        r->commit.node = "ns1";
        r->commit.summary = "replayed";
        memcpy(r->digest, row->commit.digest, SHA256_SIZE);
        r->open = true;
    } else if (r->err == ERR_OK) {
        r->err = replica_change(r->to, row->path, row->value, &r->e);
    }
    return r->err == ERR_OK;
}

static enum err replay(struct store *from, struct store *to, struct errmsg *e)
{
    struct replay r = {.to = to};
    assert_int_equal(replica_begin(to, e), ERR_OK);
    assert_int_equal(replica_each(from, store_version(to), NULL, replay_row, &r, e), ERR_OK);
    close_commit(&r);
    if (r.err != ERR_OK) {
        replica_abort(to);
        *e = r.e;
        return r.err;
    }
    return replica_finish(to, e);
}

static bool stage_object(void *ctx, const struct store_object *object)
{
    struct replica_object item = {.path = object->path, .value = object->value};
    struct errmsg e = {0};
    if (object->scope == STORE_CLUSTER) {
        assert_int_equal(replica_stage_add(ctx, &item, 1, &e), ERR_OK);
    }
    return true;
}

static void expect_equal_config(struct store *a, struct store *b)
{
    uint8_t x[SHA256_SIZE];
    uint8_t y[SHA256_SIZE];
    store_digest(a, x);
    store_digest(b, y);
    assert_memory_equal(x, y, SHA256_SIZE);
    assert_int_equal(store_version_compare(store_version(a), store_version(b)), 0);
}

static void test_replica(void **state)
{
    struct fixture *f = *state;
    struct store *from = f->store;
    struct store *to = NULL;
    struct errmsg e = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/other.db", f->folder);
    assert_int_equal(store_open(path, &to, &e), ERR_OK);
    put(from, "groups/a", "{}");
    put(from, "settings/webServiceHttpPort", "8080");
    put(from, "groups/b", "{}");
    put(to, "groups/own", "{}");
    put(to, "settings/webServiceHttpPort", "8081");
    uint8_t digest[SHA256_SIZE];
    store_digest(to, digest);
    assert_false(replica_can_follow(from, store_version(to), digest));
    // A snapshot takes the place of the cluster scope, and of nothing else.
    assert_int_equal(replica_stage_begin(to, &e), ERR_OK);
    assert_int_equal(store_each(from, "", NULL, stage_object, to, &e), ERR_OK);
    store_digest(from, digest);
    struct store_commit_row commit = {.version = store_version(from), .time_ms = 1, .actor = "x"};
    uint8_t wrong[SHA256_SIZE] = {1};
    struct store_change extra = {.path = "node/identity", .value = "{\"id\":7}"};
    assert_int_equal(replica_stage_swap(to, &commit, wrong, &extra, 1, &e), ERR_CORRUPT);
    assert_non_null(get(to, "groups/own"));
    assert_null(get(to, "node/identity"));
    assert_int_equal(replica_stage_swap(to, &commit, digest, &extra, 1, &e), ERR_OK);
    assert_null(get(to, "groups/own"));
    assert_non_null(get(to, "node/identity"));
    assert_string_equal(get(to, "settings/webServiceHttpPort"), "8081");
    expect_equal_config(from, to);
    // From there on by commits.
    put(from, "groups/a", NULL);
    put(from, "groups/c", "{\"x\":\"y\"}");
    store_digest(to, digest);
    assert_true(replica_can_follow(from, store_version(to), digest));
    assert_int_equal(replay(from, to, &e), ERR_OK);
    expect_equal_config(from, to);
    assert_null(get(to, "groups/a"));
    // A replica that was changed by itself is found out, and nothing is applied.
    put(to, "groups/drift", "{}");
    struct store_version held = store_version(to);
    put(from, "groups/d", "{}");
    put(from, "groups/e", "{}");
    assert_int_equal(replay(from, to, &e), ERR_CORRUPT);
    assert_null(get(to, "groups/e"));
    assert_int_equal(store_version_compare(held, store_version(to)), 0);
    store_digest(to, digest);
    assert_false(replica_can_follow(from, held, digest));
    store_close(to);
}

// ---- files -------------------------------------------------------------------------------------

static void test_damage_is_named(void **state)
{
    struct fixture *f = *state;
    put(f->store, "groups/a", "{}");
    store_close(f->store);
    f->store = NULL;
    FILE *file = fopen(f->path, "r+");
    assert_non_null(file);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    fwrite(junk, 1, sizeof junk, file);
    fclose(file);
    struct errmsg e = {0};
    assert_int_equal(store_open(f->path, &f->store, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.text, f->path));
    assert_non_null(strstr(e.text, "backup"));
}

// The child commits and says so after each; it is killed at a random moment.
static void commit_forever(const char *path, int fd)
{
    struct store *store = NULL;
    struct errmsg e = {0};
    if (store_open(path, &store, &e) != ERR_OK) {
        _exit(2);
    }
    for (uint64_t n = store_revision(store) + 1;; n++) {
        char value[64];
        char other[64];
        snprintf(value, sizeof value, "{\"n\":%llu}", (unsigned long long)n);
        snprintf(other, sizeof other, "groups/n%llu", (unsigned long long)(n % 50));
        struct store_change changes[] = {
            {.path = "groups/counter", .value = value},
            {.path = other,            .value = value}
        };
        struct store_request request = {.changes = changes, .count = 2, .actor = "child"};
        struct store_result result;
        if (store_commit(store, &request, &result, &e) != ERR_OK || result.revision != n ||
            write(fd, &n, sizeof n) != sizeof n) {
            _exit(3);
        }
    }
}

static void test_kill_loses_nothing(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    f->store = NULL;
    uint64_t acknowledged = 0;
    for (unsigned round = 0; round < 12; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            commit_forever(f->path, fds[1]);
        }
        close(fds[1]);
        uint64_t n = 0;
        unsigned seen = 0;
        unsigned stop = 1 + round * 7;
        while (read(fds[0], &n, sizeof n) == sizeof n) {
            acknowledged = n;
            if (++seen == stop) {
                kill(pid, SIGKILL);
            }
        }
        close(fds[0]);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct errmsg e = {0};
        assert_int_equal(store_open(f->path, &f->store, &e), ERR_OK);
        uint64_t revision = store_revision(f->store);
        assert_true(revision >= acknowledged);
        char value[64];
        snprintf(value, sizeof value, "{\"n\":%llu}", (unsigned long long)revision);
        assert_string_equal(get(f->store, "groups/counter"), value);
        char other[64];
        snprintf(other, sizeof other, "groups/n%llu", (unsigned long long)(revision % 50));
        assert_string_equal(get(f->store, other), value);
        store_close(f->store);
        f->store = NULL;
    }
}

static void test_disk_full_changes_nothing(void **state)
{
    struct fixture *f = *state;
    put(f->store, "groups/a", "{}");
    uint64_t revision = store_revision(f->store);
    struct store *store = f->store;
    struct errmsg e = {0};
    // The file may grow by nothing: what a full disk says to SQLite.
    sqlite3_exec(store->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL);
    char *value = mem_alloc(100100);
    memset(value, 'x', 100000);
    memcpy(value, "{\"description\":\"", 16);
    memcpy(value + 99990, "\"}", 3);
    struct store_result result;
    assert_int_equal(put_base(store, "groups/big", value, 0, &result, &e), ERR_NO_SPACE);
    assert_non_null(strstr(e.text, "no space"));
    mem_free(value);
    assert_int_equal(store_revision(store), revision);
    assert_null(get(store, "groups/big"));
    // With room again it goes on.
    sqlite3_exec(store->db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL);
    put(store, "groups/b", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_are_normalised_and_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions_grow_by_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_or_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_conflicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secondary_refuses_cluster_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digest_is_of_the_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_history_and_diff, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_revert, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_history_is_trimmed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_followers_reach_the_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replica, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kill_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_full_changes_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
