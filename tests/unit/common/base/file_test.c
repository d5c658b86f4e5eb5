#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"

static char folder[64];
static struct errmsg e;

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trellis-file-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static void remove_below(const char *path)
{
    DIR *dir = opendir(path);
    if (dir != NULL) {
        for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
            char name[512];
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
                snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
                remove_below(name);
            }
        }
        closedir(dir);
    }
    remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    remove_below(folder);
    return 0;
}

static unsigned files_in(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

static void written_whole_and_read_whole(void **state)
{
    (void)state;
    const char *path = in_folder("a");
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(file_write_atomic(path, "first", 5, 0600, &e), ERR_OK);
    assert_int_equal(file_write_atomic(path, "sec\0nd", 6, 0640, &e), ERR_OK);
    assert_int_equal(file_read(path, 6, &bytes, &len, &e), ERR_OK);
    assert_int_equal(len, 6);
    assert_memory_equal(bytes, "sec\0nd", 7); // with a NUL behind it
    mem_free(bytes);
    assert_int_equal(files_in(folder), 1); // nothing temporary stays
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640 & ~022);
}

static void failures_say_what(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(file_read(in_folder("none"), 9, &bytes, &len, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.text, "/none: No such file"));
    assert_int_equal(file_read(folder, 9, &bytes, &len, &e), ERR_INVALID);
    assert_int_equal(file_write_atomic(in_folder("a"), "0123456789", 10, 0600, &e), ERR_OK);
    assert_int_equal(file_read(in_folder("a"), 9, &bytes, &len, &e), ERR_TOO_LARGE);
    mem_try_fail_at(1);
    assert_int_equal(file_read(in_folder("a"), 10, &bytes, &len, &e), ERR_NO_MEMORY);
    assert_null(bytes);
    assert_int_equal(file_write_atomic(in_folder("no/such/a"), "x", 1, 0600, &e), ERR_NOT_FOUND);
    // The place is taken by a folder: the old is untouched, nothing temporary stays.
    assert_int_equal(file_make_folder(in_folder("b/c/d"), 0700, &e), ERR_OK);
    assert_int_equal(file_make_folder(in_folder("b/c/d"), 0700, &e), ERR_OK);
    assert_true(file_write_atomic(in_folder("b"), "x", 1, 0600, &e) != ERR_OK);
    assert_int_equal(files_in(folder), 2);
    assert_int_equal(file_make_folder(in_folder("a/b"), 0700, &e), ERR_EXISTS);
    assert_int_equal(file_make_folder(in_folder("a"), 0700, &e), ERR_EXISTS);
    assert_int_equal(file_make_folder("", 0700, &e), ERR_INVALID);
}

// A limit of two bytes a file stands for a full disk: the write fails after a part of it.
static void a_failing_write_leaves_the_old(void **state)
{
    (void)state;
    const char *path = in_folder("a");
    assert_int_equal(file_write_atomic(path, "old", 3, 0600, &e), ERR_OK);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 2, .rlim_max = before.rlim_max};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err err = file_write_atomic(path, "new", 3, 0600, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, ERR_TOO_LARGE);
    assert_int_equal(files_in(folder), 1);
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(file_read(path, 3, &bytes, &len, &e), ERR_OK);
    assert_string_equal((char *)bytes, "old");
    mem_free(bytes);
}

static void spool_names_are_plain(void **state)
{
    (void)state;
    char name[40];
    char other[40];
    char path[256];
    int fd = -1;
    assert_int_equal(file_spool_create(folder, name, sizeof name, &fd, &e), ERR_OK);
    close(fd);
    assert_int_equal(file_spool_create(folder, other, sizeof other, &fd, &e), ERR_OK);
    close(fd);
    assert_string_not_equal(name, other);
    assert_int_equal(file_spool_path(folder, name, path, sizeof path, &e), ERR_OK);
    assert_int_equal(access(path, W_OK), 0);
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "/etc/passwd", "../x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(file_spool_path(folder, bad[i], path, sizeof path, &e), ERR_INVALID);
    }
    assert_int_equal(file_spool_path(folder, "a", path, 10, &e), ERR_INVALID);
}

// The line that was written last, without its time.
static char *last_line(const char *path, uint8_t **bytes)
{
    size_t len = 0;
    assert_int_equal(file_read(path, 100000, bytes, &len, &e), ERR_OK);
    char *text = (char *)*bytes;
    assert_true(len > 25 && text[len - 1] == '\n');
    text[len - 1] = '\0';
    char *before = strrchr(text, '\n');
    return (before == NULL ? text : before + 1) + strlen("2026-11-23T08:42:01.123Z ");
}

static void log_lines(void **state)
{
    (void)state;
    const char *path = in_folder("log");
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(853)};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr), 1);
    const struct log_field fields[] = {
        F_NAME("example.com"),
        F_ADDR((const struct sockaddr *)&in),
        F_ADDR((const struct sockaddr *)&in6),
        F_STR("q", "two words \"and\" \n\\"),
        F_STR("none", NULL),
        F_U64("n", UINT64_MAX),
        F_I64("i", INT64_MIN),
        F_ERRNO(2),
    };
    static const char *const expected[] = {
        "warn test done zone=example.com",
        "warn test done peer=192.0.2.1#53",
        "warn test done peer=2001:db8::1#853",
        "warn test done q=\"two words \\\"and\\\" \\x0a\\\\\"",
        "warn test done none=\"\"",
        "warn test done n=18446744073709551615",
        "warn test done i=-9223372036854775808",
        "warn test done error=\"No such file or directory\"",
    };
    assert_int_equal(log_open("test", path, LOG_INFO, &e), ERR_OK);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint8_t *bytes = NULL;
        log_write(LOG_WARN, "done", &fields[i], 1);
        assert_string_equal(last_line(path, &bytes), expected[i]);
        mem_free(bytes);
    }
    uint8_t *bytes = NULL;
    log_debug("not written", F_U64("n", 1));
    assert_string_equal(last_line(path, &bytes), expected[7]);
    mem_free(bytes);
    // Rotated: the name is somebody else's now, a second open makes a new file.
    assert_int_equal(rename(path, in_folder("log.1")), 0);
    assert_int_equal(log_open("test", path, LOG_DEBUG, &e), ERR_OK);
    log_debug("here", F_U64("n", 1));
    assert_string_equal(last_line(path, &bytes), "debug test here n=1");
    mem_free(bytes);
    char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    log_info("long", F_STR("v", longer));
    char *line = last_line(path, &bytes);
    assert_in_range(strlen(line), 1900, 2100);
    mem_free(bytes);
    assert_int_equal(log_open("test", in_folder("no/such"), LOG_INFO, &e), ERR_NOT_FOUND);
    assert_int_equal(log_open("test", NULL, LOG_INFO, &e), ERR_OK);
}

static void floods_are_limited(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    uint64_t held = 99;
    assert_true(log_limit_pass(&limit, 60, &held));
    assert_int_equal(held, 0);
    for (int i = 0; i < 5; i++) {
        assert_false(log_limit_pass(&limit, 60, &held));
    }
    limit.next_ms = 0; // a minute later
    assert_true(log_limit_pass(&limit, 60, &held));
    assert_int_equal(held, 5);
}

int main(void)
{
    umask(022);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_whole_and_read_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_say_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_write_leaves_the_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spool_names_are_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_lines, set_up, tear_down),
        cmocka_unit_test(floods_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
