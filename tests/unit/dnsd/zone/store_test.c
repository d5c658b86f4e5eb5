// The zone store through its public functions: create, edit, import, export, restart, SIGKILL.
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "tests/unit/dnsd/zone/fixture.h"

extern char **environ;
static const char *program;

static const char file_text[] =
    "$ORIGIN example.com.\n$TTL 600\n"
    "@ SOA ns1 admin 10 900 300 604800 900\n@ NS ns1\nns1 A 192.0.2.1\n"
    "www A 192.0.2.2 ; the site\nwww A 192.0.2.3\na.b.c TXT \"deep\"\nalias CNAME www\n"
    ";disabled: off.example.com. 60 IN A 192.0.2.9 ; for later\n";

static void expect_same_after_restart(struct fixture *f, const char *zone)
{
    char *before = fixture_dump(f, zone, true);
    char *memory = fixture_dump(f, zone, false);
    fixture_stop(f);
    fixture_start(f);
    char *after = fixture_dump(f, zone, true);
    char *memory_after = fixture_dump(f, zone, false);
    assert_string_equal(after, before);
    assert_string_equal(memory_after, memory);
    mem_free(before);
    mem_free(memory);
    mem_free(after);
    mem_free(memory_after);
}

static void test_new_zone(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f);
    assert_int_equal(fixture_create(&f, "example.com", ZONE_PRIMARY, NULL), ERR_OK);
    assert_int_equal(f.result.serial, 1);
    char *dump = fixture_dump(&f, "example.com", false);
    assert_string_equal(dump, "example.com 900 SOA ns1.example. hostadmin.example.com. 1 900 300 "
                              "604800 900\nexample.com 3600 NS ns1.example.\n");
    mem_free(dump);
    assert_int_equal(fixture_create(&f, "Example.COM.", ZONE_PRIMARY, NULL), ERR_EXISTS);
    assert_int_equal(fixture_create(&f, "*.com", ZONE_PRIMARY, NULL), ERR_INVALID);
    zone_submit_delete(f.submitter, "none.test", fixture_done, &f);
    assert_int_equal(fixture_wait(&f), ERR_NOT_FOUND);
    assert_string_equal(f.result.message.text, "No such zone was found: none.test");
    assert_int_equal(fixture_create(&f, "second.test", ZONE_SECONDARY, NULL), ERR_OK);
    assert_null(zone_current(fixture_zone(&f, "second.test")));
    expect_same_after_restart(&f, "example.com");
    assert_int_equal(zone_table_count(zone_table_get(f.store)), 2);
    zone_submit_delete(f.submitter, "example.com", fixture_done, &f);
    assert_int_equal(fixture_wait(&f), ERR_OK);
    assert_null(fixture_zone(&f, "example.com"));
    fixture_close(&f);
}

static const struct {
    enum zone_edit_op op;
    const char *owner;
    const char *type;
    const char *rdata;
    enum err err;
    const char *says;
} edits[] = {
    {ZONE_EDIT_ADD, "new.example.com", "A", "192.0.2.7", ERR_OK, NULL},
    {ZONE_EDIT_ADD, "NEW.example.com", "A", "192.0.2.7", ERR_EXISTS, "record already exists"},
    {ZONE_EDIT_ADD, "new.example.com", "CNAME", "www.example.com.", ERR_INVALID, "CNAME"},
    {ZONE_EDIT_ADD, "alias.example.com", "A", "192.0.2.7", ERR_INVALID, "CNAME"},
    {ZONE_EDIT_ADD, "alias.example.com", "CNAME", "x.example.com.", ERR_INVALID, "one CNAME"},
    {ZONE_EDIT_ADD, "www.example.org", "A", "192.0.2.7", ERR_INVALID, "not in the zone"},
    {ZONE_EDIT_ADD, "example.com", "SOA", "a. b. 1 2 3 4 5", ERR_INVALID, "SOA"},
    {ZONE_EDIT_DELETE_RRSET, "example.com", "SOA", NULL, ERR_INVALID, "SOA"},
    {ZONE_EDIT_DELETE, "example.com", "NS", "ns1.example.com.", ERR_INVALID, "NS"},
    {ZONE_EDIT_DELETE, "www.example.com", "A", "192.0.2.99", ERR_NOT_FOUND, "no such record"},
    {ZONE_EDIT_DELETE, "www.example.com", "A", "192.0.2.2", ERR_OK, NULL},
    {ZONE_EDIT_REPLACE_RRSET, "www.example.com", "A", "192.0.2.50", ERR_OK, NULL},
    {ZONE_EDIT_DELETE_RRSET, "a.b.c.example.com", "TXT", NULL, ERR_OK, NULL},
    {ZONE_EDIT_REPLACE_RRSET, "example.com", "SOA", "ns1.example.com. x.example.com. 500 1 2 3 4",
     ERR_OK, NULL},
};

static void test_edits(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f);
    assert_int_equal(fixture_create(&f, "example.com", ZONE_PRIMARY, file_text), ERR_OK);
    uint32_t serial = f.result.serial;
    assert_int_equal(serial, 10);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char *before = fixture_dump(&f, "example.com", true);
        enum err err = fixture_edit(&f, "example.com", edits[i].op, edits[i].owner, edits[i].type,
                                    edits[i].rdata);
        if (err != edits[i].err) {
            print_error("row %zu: %s\n", i, f.result.message.text);
        }
        assert_int_equal(err, edits[i].err);
        if (err == ERR_OK) {
            serial = i + 1 == sizeof edits / sizeof edits[0] ? 500 : serial + 1;
            assert_int_equal(f.result.serial, serial);
        } else {
            char *after = fixture_dump(&f, "example.com", true);
            assert_non_null(strstr(f.result.message.text, edits[i].says));
            assert_string_equal(after, before);
            mem_free(after);
        }
        mem_free(before);
    }
    char *dump = fixture_dump(&f, "example.com", true);
    assert_string_equal(
        dump, "example.com 300 SOA ns1.example.com. x.example.com. 500 1 2 3 4\n"
              "example.com 600 NS ns1.example.com.\nalias.example.com 600 CNAME www.example.com.\n"
              "new.example.com 300 A 192.0.2.7\nns1.example.com 600 A 192.0.2.1\n"
              "-off.example.com 60 A 192.0.2.9 ; for later\nwww.example.com 300 A 192.0.2.50\n");
    mem_free(dump);
    expect_same_after_restart(&f, "example.com");
    fixture_close(&f);
}

static void test_import_errors(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"@ SOA a b 1 2 3 4 5\n@ NS a\nx A 1.2.3\n", "test.zone:3"},
        {"@ SOA a b 1 2 3 4 5\n@ NS a\nx CNAME y\nx A 192.0.2.1\n", "test.zone:4"},
        {"@ SOA a b 1 2 3 4 5\n@ NS a\nother.org. A 192.0.2.1\n", "test.zone:3"},
        {"@ SOA a b 1 2 3 4 5\nx SOA a b 1 2 3 4 5\n", "test.zone:2"},
        {"$INCLUDE other\n", "test.zone:1"},
    };
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_not_equal(fixture_create(&f, "example.com", ZONE_PRIMARY, rows[i].text), ERR_OK);
        if (strstr(f.result.message.text, rows[i].says) == NULL) {
            print_error("row %zu: %s\n", i, f.result.message.text);
        }
        assert_non_null(strstr(f.result.message.text, rows[i].says));
        assert_null(fixture_zone(&f, "example.com"));
    }
    fixture_close(&f);
}

static enum err import_text(struct fixture *f, const char *text, bool overwrite, bool overwrite_zone)
{
    struct zone_import import = {.text = text, .text_len = strlen(text), .text_name = "more.zone",
                                 .record_ttl = 60, .overwrite = overwrite,
                                 .overwrite_zone = overwrite_zone};
    zone_submit_import(f->submitter, "example.com", &import, fixture_done, f);
    return fixture_wait(f);
}

static void expect_record(struct fixture *f, const char *line, bool is_there)
{
    char *dump = fixture_dump(f, "example.com", true);
    assert_int_equal(strstr(dump, line) != NULL, is_there);
    mem_free(dump);
}

static void test_import_and_export(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f);
    assert_int_equal(fixture_create(&f, "example.com", ZONE_PRIMARY, file_text), ERR_OK);
    assert_int_equal(import_text(&f, "www A 192.0.2.77\n", false, false), ERR_OK);
    assert_int_equal(f.result.serial, 11);
    expect_record(&f, "www.example.com 600 A 192.0.2.77", true);
    expect_record(&f, "www.example.com 600 A 192.0.2.3", true);
    assert_int_equal(import_text(&f, "www A 192.0.2.78\n", true, false), ERR_OK);
    expect_record(&f, "A 192.0.2.77", false);
    assert_int_equal(import_text(&f, "alias A 192.0.2.1\n", false, false), ERR_INVALID);

    // An export, imported as the whole zone, is the same zone.
    char path[128];
    struct errmsg e;
    uint8_t *text;
    size_t len;
    snprintf(path, sizeof path, "%s/export", f.folder);
    assert_int_equal(zone_export(f.store, fixture_zone(&f, "example.com"), path, &e), ERR_OK);
    assert_int_equal(file_read(path, 1 << 20, &text, &len, &e), ERR_OK);
    char *before = fixture_dump(&f, "example.com", true);
    struct zone_import import = {.text = (char *)text, .text_len = len, .text_name = path,
                                 .record_ttl = 60, .overwrite = true, .overwrite_zone = true,
                                 .overwrite_serial = true};
    zone_submit_import(f.submitter, "example.com", &import, fixture_done, &f);
    assert_int_equal(fixture_wait(&f), ERR_OK);
    char *after = fixture_dump(&f, "example.com", true);
    assert_string_equal(after, before);
    expect_same_after_restart(&f, "example.com");
    mem_free(before);
    mem_free(after);
    mem_free(text);
    fixture_close(&f);
}

// A pinned version stays whole while edits go on and after the zone is gone.
static void test_pinned(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f);
    assert_int_equal(fixture_create(&f, "example.com", ZONE_PRIMARY, file_text), ERR_OK);
    struct zone *zone = fixture_zone(&f, "example.com");
    const struct zone_version *version = zone_pin(zone);
    for (unsigned i = 0; i < 100; i++) {
        char owner[64];
        snprintf(owner, sizeof owner, "n%u.example.com", i);
        assert_int_equal(fixture_edit(&f, "example.com", ZONE_EDIT_ADD, owner, "A", "192.0.2.8"),
                         ERR_OK);
    }
    zone_submit_delete(f.submitter, "example.com", fixture_done, &f);
    assert_int_equal(fixture_wait(&f), ERR_OK);
    struct zone_iter iter;
    struct zone_record record;
    unsigned count = 0;
    zone_iter_init(&iter, f.store, zone, version, NULL, false);
    while (zone_iter_next(&iter, &record)) {
        count++;
    }
    zone_iter_fini(&iter);
    assert_int_equal(count, zone_version_records(version));
    zone_unpin(version);
    fixture_close(&f);
}

static void test_replace(void **state)
{
    struct fixture f;
    struct name apex;
    struct errmsg e;
    uint8_t rdata[512];
    (void)state;
    fixture_open(&f);
    assert_int_equal(fixture_create(&f, "example.com", ZONE_SECONDARY, NULL), ERR_OK);
    assert_int_equal(name_from_text("example.com", &apex, NULL), ERR_OK);
    for (unsigned round = 0; round < 3; round++) {
        struct zone_load *load = zone_load_new(&apex);
        char soa[64];
        snprintf(soa, sizeof soa, "a. b. %u 2 3 4 5", 7 + round);
        struct name name;
        struct zone_record record = fixture_record("z.example.com", "A", 60, "192.0.2.1", &name, rdata);
        assert_int_equal(zone_load_add(load, record.name, record.type, 60, record.rdata,
                                       record.rdata_len, &e), ERR_OK);
        record = fixture_record("example.com", "SOA", 60, soa, &name, rdata);
        if (round != 1) {
            assert_int_equal(zone_load_add(load, record.name, record.type, 60, record.rdata,
                                           record.rdata_len, &e), ERR_OK);
        }
        zone_submit_replace(f.submitter, "example.com", load, fixture_done, &f);
        assert_int_equal(fixture_wait(&f), round == 1 ? ERR_INVALID : ERR_OK);
    }
    assert_int_equal(zone_version_serial(zone_current(fixture_zone(&f, "example.com"))), 9);
    assert_int_equal(fixture_edit(&f, "example.com", ZONE_EDIT_ADD, "x.example.com", "A", "192.0.2.1"),
                     ERR_BAD_STATE);
    expect_same_after_restart(&f, "example.com");
    fixture_close(&f);
}

// The child: adds n<i>, and tells each serial that was acknowledged.
static int run_child(const char *folder)
{
    struct fixture f = {0};
    snprintf(f.folder, sizeof f.folder, "%s", folder);
    rcu_register_thread();
    fixture_start(&f);
    for (unsigned i = 0;; i++) {
        char owner[64];
        snprintf(owner, sizeof owner, "n%u.example.com", i);
        if (fixture_edit(&f, "example.com", ZONE_EDIT_ADD, owner, "A", "192.0.2.8") != ERR_OK ||
            write(1, &i, sizeof i) != sizeof i) {
            return 1;
        }
    }
}

static void test_killed(void **state)
{
    struct fixture f;
    int ends[2];
    unsigned last = 0;
    (void)state;
    fixture_open(&f);
    assert_int_equal(fixture_create(&f, "example.com", ZONE_PRIMARY, file_text), ERR_OK);
    fixture_stop(&f);
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    char child[] = "child";
    char *name = mem_strdup(program);
    char *argv[] = {name, child, f.folder, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
    close(ends[1]);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
    }
    kill(pid, SIGKILL);
    while (read(ends[0], &last, sizeof last) == sizeof last) {    // acknowledged before it died
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
    posix_spawn_file_actions_destroy(&actions);
    mem_free(name);
    fixture_start(&f);
    for (unsigned i = 0; i <= last; i++) {
        char line[64];
        snprintf(line, sizeof line, "n%u.example.com 300 A 192.0.2.8\n", i);
        expect_record(&f, line, true);
    }
    fixture_close(&f);
}

static void test_corrupt(void **state)
{
    struct fixture f;
    struct errmsg e;
    struct zone_store *store;
    char path[128];
    (void)state;
    fixture_open(&f);
    fixture_stop(&f);
    snprintf(path, sizeof path, "%s/data.mdb", f.folder);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    for (unsigned i = 0; i < 8192; i++) {
        fputc('x', file);
    }
    fclose(file);
    assert_int_equal(zone_store_open(f.folder, &store, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.text, "mdb_copy"));
    unlink(path);
    fixture_start(&f);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 3) {
        return run_child(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_zone),          cmocka_unit_test(test_edits),
        cmocka_unit_test(test_import_errors),     cmocka_unit_test(test_import_and_export),
        cmocka_unit_test(test_pinned),            cmocka_unit_test(test_replace),
        cmocka_unit_test(test_killed),            cmocka_unit_test(test_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
