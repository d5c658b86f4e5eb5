#include "common/conf/snapshot.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
// After its own needs.
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/snapshot-test.XXXXXX");
    return mkdtemp(dir) == NULL;
}

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"config.snapshot", "config.snapshot.log",
                                        "config.snapshot.corrupt"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_of(names[i]));
    }
    return rmdir(dir);
}

static size_t size_of(const char *name)
{
    struct stat st;
    return stat(path_of(name), &st) == 0 ? (size_t)st.st_size : 0;
}

static struct conf_snapshot *open_snapshot(void)
{
    struct conf_snapshot *snapshot = NULL;
    assert_int_equal(conf_snapshot_open(dir, &snapshot, NULL), ERR_OK);
    return snapshot;
}

static struct conf_held held_at(uint64_t revision)
{
    return (struct conf_held){.store_id = "store", .store_id_len = 5, .revision = revision};
}

// A saved state of `base` names, then one append each for `changes` of them.
static void make_files(size_t base, size_t changes)
{
    struct conf_snapshot *snapshot = open_snapshot();
    struct conf_map *map = conf_map_new();
    char path[64];
    for (size_t i = 0; i < base; i++) {
        (void)snprintf(path, sizeof path, "blocked/%zu", i);
        conf_map_set(map, path, "{}");
    }
    struct conf_held held = held_at(1);
    assert_int_equal(conf_snapshot_save(snapshot, map, &held, NULL), ERR_OK);
    for (size_t i = 0; i < changes; i++) {
        const char *paths[] = {path};
        (void)snprintf(path, sizeof path, "blocked/%zu", i);
        if (i % 2 == 0) {
            (void)conf_map_remove(map, path);
        } else {
            conf_map_set(map, path, "{\"changed\":1}");
        }
        held.revision++;
        assert_int_equal(conf_snapshot_append(snapshot, map, &held, paths, 1, NULL), ERR_OK);
    }
    conf_map_free(map);
    conf_snapshot_close(snapshot);
}

// Loads into `*map`; returns what load said.
static enum err load(struct conf_map **map, struct conf_held *held)
{
    struct conf_snapshot *snapshot = open_snapshot();
    *map = conf_map_new();
    enum err err = conf_snapshot_load(snapshot, *map, held, NULL);
    conf_snapshot_close(snapshot);
    return err;
}

static void nothing_saved(void **state)
{
    (void)state;
    struct conf_map *map = NULL;
    struct conf_held held = {0};
    assert_int_equal(load(&map, &held), ERR_NOT_FOUND);
    conf_map_free(map);
}

static void comes_back_with_its_changes(void **state)
{
    (void)state;
    make_files(100, 10);
    assert_true(size_of("config.snapshot.log") > 0);
    struct stat st;
    assert_int_equal(stat(path_of("config.snapshot"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of("config.snapshot.log"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct conf_map *map = NULL;
    struct conf_held held = {0};
    assert_int_equal(load(&map, &held), ERR_OK);
    assert_int_equal(held.revision, 11);
    assert_int_equal(held.store_id_len, 5);
    assert_memory_equal(held.store_id, "store", 5);
    assert_int_equal(conf_map_count(map), 95);
    assert_null(conf_map_get(map, "blocked/0"));
    assert_string_equal(conf_map_get(map, "blocked/1"), "{\"changed\":1}");
    assert_string_equal(conf_map_get(map, "blocked/99"), "{}");
    conf_map_free(map);
}

// Cut anywhere, the log gives the state of the last record that is whole, and goes on from there.
static void torn_log_is_cut(void **state)
{
    (void)state;
    make_files(10, 4);
    uint8_t *bytes = NULL;
    size_t full = 0;
    assert_int_equal(file_read(path_of("config.snapshot.log"), 1 << 20, &bytes, &full, NULL),
                     ERR_OK);
    for (size_t cut = full - 1; cut > 0; cut -= cut > 20 ? 7 : 1) {
        assert_int_equal(file_write_atomic(path_of("config.snapshot.log"), bytes, cut, 0600, NULL),
                         ERR_OK);
        struct conf_map *map = conf_map_new();
        struct conf_held held = {0};
        struct conf_snapshot *snapshot = open_snapshot();
        assert_int_equal(conf_snapshot_load(snapshot, map, &held, NULL), ERR_OK);
        assert_true(held.revision >= 1 && held.revision < 5);
        assert_int_equal(conf_map_count(map), 10 - held.revision / 2);
        // A record after the cut is read back.
        const char *paths[] = {"settings/x"};
        conf_map_set(map, "settings/x", "7");
        held.revision = 100;
        assert_int_equal(conf_snapshot_append(snapshot, map, &held, paths, 1, NULL), ERR_OK);
        conf_snapshot_close(snapshot);
        struct conf_map *again = NULL;
        assert_int_equal(load(&again, &held), ERR_OK);
        assert_int_equal(held.revision, 100);
        assert_string_equal(conf_map_get(again, "settings/x"), "7");
        assert_int_equal(conf_map_count(again), conf_map_count(map));
        conf_map_free(again);
        conf_map_free(map);
    }
    mem_free(bytes);
}

static void flip(const char *name, off_t at)
{
    int fd = open(path_of(name), O_RDWR);
    uint8_t byte = 0;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static void flipped_bit_in_the_log_ends_it(void **state)
{
    (void)state;
    make_files(10, 4);
    size_t full = size_of("config.snapshot.log");
    for (size_t at = 0; at < full; at += 3) {
        struct conf_map *map = NULL;
        struct conf_held held = {0};
        uint8_t *bytes = NULL;
        size_t len = 0;
        assert_int_equal(file_read(path_of("config.snapshot.log"), 1 << 20, &bytes, &len, NULL),
                         ERR_OK);
        flip("config.snapshot.log", (off_t)at);
        assert_int_equal(load(&map, &held), ERR_OK);
        assert_true(held.revision < 5);
        assert_int_equal(conf_map_count(map), 10 - held.revision / 2);
        conf_map_free(map);
        assert_int_equal(file_write_atomic(path_of("config.snapshot.log"), bytes, len, 0600, NULL),
                         ERR_OK);
        mem_free(bytes);
    }
}

static void corrupt_snapshot_is_set_aside(void **state)
{
    (void)state;
    make_files(10, 2);
    size_t full = size_of("config.snapshot");
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(file_read(path_of("config.snapshot"), 1 << 20, &bytes, &len, NULL), ERR_OK);
    for (size_t at = 0; at < full; at += 5) {
        struct conf_map *map = NULL;
        struct conf_held held = {0};
        assert_int_equal(file_write_atomic(path_of("config.snapshot"), bytes, len, 0600, NULL),
                         ERR_OK);
        if (at % 2 == 0) {
            flip("config.snapshot", (off_t)at);
        } else {
            assert_int_equal(truncate(path_of("config.snapshot"), (off_t)at), 0);
        }
        assert_int_equal(load(&map, &held), ERR_CORRUPT);
        assert_int_equal(conf_map_count(map), 0);
        assert_int_equal(held.revision, 0);
        conf_map_free(map);
        assert_int_equal(size_of("config.snapshot"), 0);
        assert_true(size_of("config.snapshot.corrupt") > 0 || at < 6);
        assert_int_equal(load(&map, &held), ERR_NOT_FOUND);
        conf_map_free(map);
    }
    mem_free(bytes);
}

// A crash between the new snapshot and its log: the old log says nothing about the new snapshot.
static void old_log_is_not_followed(void **state)
{
    (void)state;
    make_files(10, 3);
    struct conf_snapshot *snapshot = open_snapshot();
    struct conf_map *map = conf_map_new();
    struct conf_held held = held_at(50);
    conf_map_set(map, "settings/x", "1");
    assert_int_equal(conf_snapshot_save(snapshot, map, &held, NULL), ERR_OK);
    conf_map_free(map);
    conf_snapshot_close(snapshot);
    assert_true(size_of("config.snapshot.log") > 0);
    assert_int_equal(load(&map, &held), ERR_OK);
    assert_int_equal(held.revision, 50);
    assert_int_equal(conf_map_count(map), 1);
    conf_map_free(map);
}

static void long_log_is_folded(void **state)
{
    (void)state;
    struct conf_snapshot *snapshot = open_snapshot();
    struct conf_map *map = conf_map_new();
    struct conf_held held = held_at(1);
    char value[2002];
    size_t most = 0;
    assert_int_equal(conf_snapshot_save(snapshot, map, &held, NULL), ERR_OK);
    for (unsigned i = 0; i < 600; i++) {
        const char *paths[] = {"settings/x"};
        memset(value, 'a' + (int)(i % 26), sizeof value - 1);
        value[0] = value[sizeof value - 2] = '"';
        value[sizeof value - 1] = '\0';
        conf_map_set(map, "settings/x", value);
        held.revision++;
        assert_int_equal(conf_snapshot_append(snapshot, map, &held, paths, 1, NULL), ERR_OK);
        size_t size = size_of("config.snapshot.log");
        most = size > most ? size : most;
    }
    assert_true(most < 300000);
    conf_map_free(map);
    conf_snapshot_close(snapshot);
    assert_int_equal(load(&map, &held), ERR_OK);
    assert_int_equal(held.revision, 601);
    assert_string_equal(conf_map_get(map, "settings/x"), value);
    conf_map_free(map);
}

// A full disk: the state saved before stays, and saving works again when there is room.
static void full_disk_keeps_the_old_state(void **state)
{
    (void)state;
    make_files(10, 2);
    struct conf_snapshot *snapshot = open_snapshot();
    struct conf_map *map = conf_map_new();
    struct conf_map *again = NULL;
    struct conf_held held = {0};
    const char *paths[] = {"settings/x"};
    struct errmsg e = {0};
    assert_int_equal(conf_snapshot_load(snapshot, map, &held, NULL), ERR_OK);
    conf_map_set(map, "settings/x", "7");
    held.revision = 9;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {.rlim_cur = size_of("config.snapshot.log") + 20,
                           .rlim_max = before.rlim_max};
    sigset_t xfsz;
    sigemptyset(&xfsz);
    sigaddset(&xfsz, SIGXFSZ);
    sigprocmask(SIG_BLOCK, &xfsz, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_not_equal(conf_snapshot_append(snapshot, map, &held, paths, 1, &e), ERR_OK);
    assert_true(strlen(e.text) > 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    struct conf_held old = {0};
    assert_int_equal(load(&again, &old), ERR_OK);
    assert_int_equal(old.revision, 3);
    assert_null(conf_map_get(again, "settings/x"));
    conf_map_free(again);
    assert_int_equal(conf_snapshot_append(snapshot, map, &held, paths, 1, NULL), ERR_OK);
    conf_snapshot_close(snapshot);
    assert_int_equal(load(&again, &old), ERR_OK);
    assert_int_equal(old.revision, 9);
    assert_string_equal(conf_map_get(again, "settings/x"), "7");
    conf_map_free(again);
    conf_map_free(map);
}

static void a_million_and_one_change(void **state)
{
    (void)state;
    uint64_t t0 = clock_mono_ms();
    make_files(1000000, 100);
    uint64_t t1 = clock_mono_ms();
    struct conf_map *map = NULL;
    struct conf_held held = {0};
    assert_int_equal(load(&map, &held), ERR_OK);
    uint64_t t2 = clock_mono_ms();
    assert_int_equal(conf_map_count(map), 999950);
    print_message("1,000,000 entries, %zu KiB: filled, saved and 100 changes appended in %u ms, "
                  "loaded in %u ms\n",
                  size_of("config.snapshot") / 1024, (unsigned)(t1 - t0), (unsigned)(t2 - t1));
    conf_map_free(map);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(nothing_saved),
        IN_DIR(comes_back_with_its_changes),
        IN_DIR(torn_log_is_cut),
        IN_DIR(flipped_bit_in_the_log_ends_it),
        IN_DIR(corrupt_snapshot_is_set_aside),
        IN_DIR(old_log_is_not_followed),
        IN_DIR(long_log_is_folded),
        IN_DIR(full_disk_keeps_the_old_state),
        IN_DIR(a_million_and_one_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
