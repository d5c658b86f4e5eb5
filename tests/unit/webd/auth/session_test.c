#include "webd/auth/session.h"

#include <event2/event.h>
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

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"

struct fixture {
    struct event_base *base;
    char folder[64];
    uint64_t timeout_s;
};

static uint64_t timeout_of(void *ctx, const char *user)
{
    (void)user;
    return ((struct fixture *)ctx)->timeout_s;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/session-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->base = event_base_new();
    f->timeout_s = 1800;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"sessions.db", "sessions.db-wal", "sessions.db-shm",
                                        "sessions.db.bad"};
    struct fixture *f = *state;
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    rmdir(f->folder);
    event_base_free(f->base);
    mem_free(f);
    return 0;
}

static struct session_store *open_store(struct fixture *f)
{
    struct session_store *store = NULL;
    struct errmsg e = {0};
    if (session_store_open(f->base, f->folder, timeout_of, f, &store, &e) != ERR_OK) {
        fail_msg("%s", e.text);
    }
    return store;
}

static struct session *find(struct session_store *store, const char *token)
{
    uint8_t hash[SHA256_SIZE];
    session_token_hash(token, hash);
    return session_find(store, hash);
}

static void create(struct session_store *store, const char *user, enum session_type type,
                   char token[TOKEN_TEXT_SIZE])
{
    struct session_new fresh = {
        .type = type, .user = user, .remote = "192.0.2.1", .user_agent = "test"};
    assert_int_equal(session_create(store, &fresh, token, NULL), ERR_OK);
    assert_int_equal(strlen(token), 64);
}

static void survives(void **state)
{
    struct fixture *f = *state;
    struct session_store *store = open_store(f);
    char kept[TOKEN_TEXT_SIZE];
    char gone[TOKEN_TEXT_SIZE];
    create(store, "admin", SESSION_STANDARD, kept);
    create(store, "admin", SESSION_STANDARD, gone);
    session_remove(store, find(store, gone));
    session_logged_in(store, "admin", "192.0.2.1");
    session_logged_in(store, "admin", "192.0.2.2");
    session_store_close(store);
    store = open_store(f);
    struct session *s = find(store, kept);
    assert_non_null(s);
    assert_string_equal(s->user, "admin");
    assert_string_equal(s->remote, "192.0.2.1");
    assert_int_equal(strncmp(s->partial, kept, TOKEN_PARTIAL), 0);
    assert_null(find(store, gone));
    struct session_logins logins;
    session_logins(store, "admin", &logins);
    assert_string_equal(logins.recent_remote, "192.0.2.2");
    assert_string_equal(logins.previous_remote, "192.0.2.1");
    session_logins(store, "nobody", &logins);
    assert_int_equal(logins.recent_ms, 0);
    session_store_close(store);
}

static void expires(void **state)
{
    struct fixture *f = *state;
    struct session_store *store = open_store(f);
    char token[TOKEN_TEXT_SIZE];
    char forever[TOKEN_TEXT_SIZE];
    create(store, "admin", SESSION_STANDARD, token);
    create(store, "admin", SESSION_CLUSTER_TOKEN, forever);
    f->timeout_s = 60;
    find(store, token)->last_seen_ms = clock_unix_ms() - 59000;
    assert_non_null(find(store, token));
    find(store, forever)->last_seen_ms = 1;
    assert_non_null(find(store, forever));
    find(store, token)->last_seen_ms = clock_unix_ms() - 61000;
    f->timeout_s = 0; // never
    assert_non_null(find(store, token));
    f->timeout_s = 60;
    assert_null(find(store, token));
    session_store_close(store);
}

static void by_user(void **state)
{
    struct fixture *f = *state;
    struct session_store *store = open_store(f);
    char a[TOKEN_TEXT_SIZE];
    char b[TOKEN_TEXT_SIZE];
    char other[TOKEN_TEXT_SIZE];
    create(store, "ann", SESSION_STANDARD, a);
    create(store, "ann", SESSION_STANDARD, b);
    create(store, "bob", SESSION_STANDARD, other);
    session_remove_user(store, "ann", 1u << SESSION_STANDARD, find(store, a));
    assert_non_null(find(store, a));
    assert_null(find(store, b));
    assert_non_null(find(store, other));
    session_rename_user(store, "ann", "anna");
    assert_string_equal(find(store, a)->user, "anna");
    session_store_close(store);
}

// A damaged file costs the sessions, not the start.
static void corrupt_file(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/sessions.db", f->folder);
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    assert_int_equal(file_write_atomic(path, junk, sizeof junk, 0600, NULL), ERR_OK);
    struct session_store *store = open_store(f);
    char token[TOKEN_TEXT_SIZE];
    create(store, "admin", SESSION_STANDARD, token);
    assert_non_null(find(store, token));
    session_store_close(store);
    snprintf(path, sizeof path, "%s/sessions.db.bad", f->folder);
    assert_int_equal(stat(path, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(survives, setup, teardown),
        cmocka_unit_test_setup_teardown(expires, setup, teardown),
        cmocka_unit_test_setup_teardown(by_user, setup, teardown),
        cmocka_unit_test_setup_teardown(corrupt_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
