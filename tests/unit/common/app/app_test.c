#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/app/app.h"
#include "common/app/options.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"

/*
 * The option files row by row, and whole daemons in child processes: each gets a folder and a
 * NOTIFY_SOCKET of its own, on which the parent waits for READY=1.
 */
static char folder[64];
static struct errmsg e;

static struct {
    char text[8];
    uint32_t number;
    bool flag;
} values;

static const struct app_option options[] = {
    {"text",   APP_OPTION_STR,  values.text,    sizeof values.text, "a text"  },
    {"number", APP_OPTION_U32,  &values.number, 0,                  "a number"},
    {"flag",   APP_OPTION_BOOL, &values.flag,   0,                  "a flag"  },
};

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trellis-app-XXXXXX");
    assert_non_null(mkdtemp(folder));
    memset(&values, 0, sizeof values);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"conf",  "state/lock", "state", "run/testd", "run",
                                        "spool", "log",        "pid",   "notify",    ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        remove(in_folder(names[i]));
    }
    return 0;
}

static enum err load(const char *text)
{
    assert_int_equal(file_write_atomic(in_folder("conf"), text, strlen(text), 0600, &e), ERR_OK);
    return options_load(options, 3, in_folder("conf"), &e);
}

static void files_are_read(void **state)
{
    (void)state;
    assert_int_equal(load("# comment\n\n  text = a b # c \n\tnumber=42\nflag = Yes"), ERR_OK);
    assert_string_equal(values.text, "a b # c");
    assert_int_equal(values.number, 42);
    assert_true(values.flag);
    assert_int_equal(load(""), ERR_OK);
    assert_int_equal(load("text =\r\nflag=no\r\n"), ERR_OK);
    assert_string_equal(values.text, "");
    assert_false(values.flag);
}

static void faults_have_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"number = 1\nnonsense = 2\n", ":2: unknown name \"nonsense\""                    },
        {"\n\nnumber = x",             ":3: number must be a number, not \"x\""           },
        {"number = 4294967296",        ":1: number must be a number, not \"4294967296\""  },
        {"flag = perhaps",             ":1: flag must be yes or no, not \"perhaps\""      },
        {"text = 12345678",            ":1: text may have at most 7 characters"           },
        {"just words",                 ":1: expected \"name = value\", not \"just words\""},
        {"number = 1\nnumber = 2",     ":2: number is given twice, first in line 1"       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(load(rows[i].text), ERR_INVALID);
        size_t len = strlen(in_folder("conf"));
        assert_memory_equal(e.text, in_folder("conf"), len);
        assert_string_equal(e.text + len, rows[i].message);
    }
    assert_int_equal(options_load(options, 3, in_folder("none"), &e), ERR_NOT_FOUND);
    assert_int_equal(file_write_atomic(in_folder("conf"), "text\0=", 6, 0600, &e), ERR_OK);
    assert_int_equal(options_load(options, 3, in_folder("conf"), &e), ERR_INVALID);
}

// ---- whole daemons -----------------------------------------------------------------------------

static bool must_fail;
static bool must_hang;

static void hang(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    app_ready(ctx);
    while (must_hang) {
        pause();
    }
}

static enum err start(struct app *app, struct errmsg *error)
{
    if (must_fail) {
        return err_set(error, ERR_EXISTS, "port 53 is in use");
    }
    if (!must_hang) {
        app_ready(app);
        return ERR_OK;
    }
    const struct timeval now = {0};
    event_base_once(app->base, -1, EV_TIMEOUT, hang, app, &now);
    return ERR_OK;
}

static void reload(struct app *app)
{
    app_quit(app, 7); // so that the parent sees it
}

static const struct app_spec spec = {
    .name = "testd", .options = options, .option_count = 3, .start = start, .reload = reload};

static int notify_fd = -1;

static void listen_for_ready(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("notify"));
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(notify_fd >= 0);
    assert_int_equal(bind(notify_fd, (const struct sockaddr *)&address, sizeof address), 0);
    const struct timeval limit = {.tv_sec = 10};
    assert_int_equal(setsockopt(notify_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void wait_for(const char *state)
{
    char got[32] = "";
    assert_true(recv(notify_fd, got, sizeof got - 1, 0) > 0);
    assert_string_equal(got, state);
}

static pid_t spawn(const char *extra)
{
    char conf[512];
    int len = snprintf(conf, sizeof conf,
                       "state_dir = %s/state\nrun_dir = %s/run\nspool_dir = %s/spool\n"
                       "log_file = %s/log\npid_file = %s/pid\n%s\n",
                       folder, folder, folder, folder, folder, extra);
    assert_int_equal(file_write_atomic(in_folder("conf"), conf, (size_t)len, 0600, &e), ERR_OK);
    pid_t child = fork();
    if (child == 0) {
        char name[] = "testd";
        char c[] = "-c";
        char o[] = "-o";
        char override[] = "number=5";
        char file[128];
        snprintf(file, sizeof file, "%s", in_folder("conf"));
        char *argv[] = {name, c, file, o, override, NULL};
        int code = app_main(&spec, 5, argv);
        _exit(code == 0 && values.number != 5 ? 99 : code);
    }
    assert_true(child > 0);
    return child;
}

static int code_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_daemon_starts_and_stops(void **state)
{
    (void)state;
    listen_for_ready();
    pid_t child = spawn("");
    wait_for("READY=1");
    // Written after start(): wait for the stop to be sure that it was there.
    struct stat st;
    assert_int_equal(stat(in_folder("state"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    assert_int_equal(stat(in_folder("spool"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    // A second one on the same state must not come up.
    pid_t second = spawn("");
    assert_int_equal(code_of(second), 1);
    assert_int_equal(kill(child, SIGTERM), 0);
    wait_for("STOPPING=1");
    assert_int_equal(code_of(child), 0);
    assert_int_equal(access(in_folder("pid"), F_OK), -1);
    // And the folder is free again.
    child = spawn("");
    wait_for("READY=1");
    assert_int_equal(kill(child, SIGHUP), 0);
    wait_for("STOPPING=1");
    assert_int_equal(code_of(child), 7);
    close(notify_fd);
}

static void bad_starts_say_why(void **state)
{
    (void)state;
    must_fail = true;
    assert_int_equal(code_of(spawn("")), 1);
    must_fail = false;
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(file_read(in_folder("log"), 10000, &bytes, &len, &e), ERR_OK);
    assert_non_null(
        strstr((const char *)bytes, "error testd not started error=\"port 53 is in use\""));
    mem_free(bytes);
    assert_int_equal(code_of(spawn("nonsense = 1")), 2);
    assert_int_equal(code_of(spawn("log_level = loud")), 2);
    assert_int_equal(code_of(spawn("user = no-such-user-here")), 1);
    assert_int_equal(code_of(spawn("group = root")), 1);
}

static void a_stuck_loop_ends_in_time(void **state)
{
    (void)state;
    listen_for_ready();
    must_hang = true;
    pid_t child = spawn("");
    must_hang = false;
    wait_for("READY=1");
    uint64_t start_ms = clock_mono_ms();
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(code_of(child), 1);
    assert_in_range(clock_mono_ms() - start_ms, 3000, 4990);
    remove(in_folder("pid"));
    close(notify_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_have_file_and_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_daemon_starts_and_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_starts_say_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stuck_loop_ends_in_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
