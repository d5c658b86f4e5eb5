#include "common/app/app.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/app/options.h"
#include "common/app/process.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"

/*
 * From main to the loop and back. All in the main thread, but for the signal handler, which may run
 * in any and only touches what is below it: it wakes the loop through an eventfd, and sets the
 * alarm that ends a process whose loop does not come round any more.
 */
enum { STOP_LIMIT_S = 4, EXIT_FAILED = 1, EXIT_USAGE = 2 };

const char *const app_version = "0.1.0";

static volatile sig_atomic_t want_stop;
static volatile sig_atomic_t want_reload;
static int wake_fd = -1;

struct run {
    struct app app; // first: app_* get a pointer to it
    const struct app_spec *spec;
    char user[64];
    char group[64];
    char log_file[256];
    char log_level[8];
    char pid_file[256];
    enum log_level level;
    struct app_option *options; // the common rows, then the daemon's
    size_t option_count;
    struct event *wake_event;
    int exit_code;
    bool check_only;
};

// ---- signals -----------------------------------------------------------------------------------

static void on_signal(int number)
{
    int errno_kept = errno;
    if (number == SIGHUP) {
        want_reload = 1;
    } else if (!want_stop) {
        want_stop = 1;
        alarm(STOP_LIMIT_S);
    }
    uint64_t one = 1;
    ssize_t n = write(wake_fd, &one, sizeof one);
    (void)n; // a full counter wakes the loop as well
    errno = errno_kept;
}

static void on_alarm(int number)
{
    (void)number;
    static const char text[] = "did not stop in time, ending at once\n";
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(EXIT_FAILED);
}

static void catch_signal(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void reopen_log(struct run *run)
{
    struct errmsg e;
    const char *path = run->log_file[0] != '\0' ? run->log_file : NULL;
    if (log_open(run->app.name, path, run->level, &e) != ERR_OK) {
        log_error("log not reopened, the old file stays in use", F_ERR(&e));
    }
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    struct run *run = ctx;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
    if (want_stop) {
        app_quit(&run->app, run->exit_code);
        return;
    }
    if (want_reload) {
        want_reload = 0;
        reopen_log(run);
        log_info("reload asked for", F_STR("by", "SIGHUP"));
        if (run->spec->reload != NULL) {
            run->spec->reload(&run->app);
        }
    }
}

static enum err listen_to_signals(struct run *run, struct errmsg *e)
{
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0) {
        return err_set(e, err_from_errno(errno), "cannot make an eventfd");
    }
    run->wake_event = event_new(run->app.base, wake_fd, EV_READ | EV_PERSIST, on_wake, run);
    if (run->wake_event == NULL || event_add(run->wake_event, NULL) != 0) {
        return err_set(e, ERR_NO_MEMORY, "cannot watch for signals");
    }
    catch_signal(SIGPIPE, SIG_IGN);
    catch_signal(SIGALRM, on_alarm);
    catch_signal(SIGTERM, on_signal);
    catch_signal(SIGINT, on_signal);
    catch_signal(SIGHUP, on_signal);
    return ERR_OK;
}

// ---- options -----------------------------------------------------------------------------------

static void fill_options(struct run *run)
{
    const struct app_spec *spec = run->spec;
    struct app_paths *paths = &run->app.paths;
    snprintf(paths->state_dir, sizeof paths->state_dir, "/var/lib/trellis/%s", spec->name);
    snprintf(paths->run_dir, sizeof paths->run_dir, "/run/trellis");
    snprintf(paths->spool_dir, sizeof paths->spool_dir, "/var/lib/trellis/spool");
    snprintf(run->log_level, sizeof run->log_level, "info");
#define TEXT(n, field, text)                                                                       \
    {                                                                                              \
        .name = (n), .kind = APP_OPTION_STR, .target = (field), .size = sizeof(field),             \
        .help = (text)                                                                             \
    }
    const struct app_option common[] = {
        TEXT("state_dir", paths->state_dir, "what must survive a restart"),
        TEXT("run_dir", paths->run_dir, "sockets of the local daemons"),
        TEXT("spool_dir", paths->spool_dir, "files on their way between daemons"),
        TEXT("user", run->user, "become this user when started as root"),
        TEXT("group", run->group, "and this group; empty = the user's own"),
        TEXT("log_file", run->log_file, "empty = standard error"),
        TEXT("log_level", run->log_level, "error, warn, info or debug"),
        TEXT("pid_file", run->pid_file, "empty = none"),
    };
#undef TEXT
    size_t count = sizeof common / sizeof common[0];
    run->option_count = count + spec->option_count;
    run->options = mem_calloc(run->option_count, sizeof *run->options);
    memcpy(run->options, common, sizeof common);
    if (spec->option_count != 0) {
        memcpy(run->options + count, spec->options, spec->option_count * sizeof *run->options);
    }
}

static void print_help(const struct run *run)
{
    printf(
        "%s [-c FILE] [-o NAME=VALUE]... [-t]\n"
        "  -c FILE        settings needed before the store is there, default /etc/trellis/%s.conf\n"
        "  -o NAME=VALUE  wins over the file\n"
        "  -t             check the file and leave\n"
        "  -V             version\n\nnames in the file:\n",
        run->spec->name, run->spec->name);
    for (size_t i = 0; i < run->option_count; i++) {
        printf("  %-16s %s\n", run->options[i].name, run->options[i].help);
    }
}

static enum err parse_level(struct run *run, struct errmsg *e)
{
    static const char *const words[LOG_LEVEL_COUNT] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    for (enum log_level l = LOG_ERROR; l < LOG_LEVEL_COUNT; l++) {
        if (strcmp(run->log_level, words[l]) == 0) {
            run->level = l;
            return ERR_OK;
        }
    }
    return err_set(e, ERR_INVALID, "log_level must be error, warn, info or debug, not \"%s\"",
                   run->log_level);
}

static enum err load_file(struct run *run, const char *path, struct errmsg *e)
{
    char standard[64];
    snprintf(standard, sizeof standard, "/etc/trellis/%s.conf", run->spec->name);
    bool is_default = path == NULL;
    enum err err = options_load(run->options, run->option_count, is_default ? standard : path, e);
    if (is_default && err == ERR_NOT_FOUND) {
        e->text[0] = '\0';
        return ERR_OK;
    }
    return err;
}

static enum err override(struct run *run, char *assignment, struct errmsg *e)
{
    char *equals = strchr(assignment, '=');
    if (equals == NULL) {
        return err_set(e, ERR_INVALID, "-o wants NAME=VALUE, not \"%s\"", assignment);
    }
    *equals = '\0';
    return options_set(run->options, run->option_count, str_trim(assignment), str_trim(equals + 1),
                       e);
}

// Two passes, because -o wins wherever it stands. `*leave` = all is said, exit 0.
static enum err read_command_line(struct run *run, int argc, char **argv, bool *leave,
                                  struct errmsg *e)
{
    const char *file = NULL;
    int c;
    opterr = 0;
    optind = 1;
    while ((c = getopt(argc, argv, "c:o:ftVh")) != -1) {
        switch (c) {
        case 'c':
            file = optarg;
            break;
        case 't':
            run->check_only = true;
            break;
        case 'o':
        case 'f':
            break;
        case 'V':
            printf("%s %s\n", run->spec->name, app_version);
            *leave = true;
            return ERR_OK;
        case 'h':
            print_help(run);
            *leave = true;
            return ERR_OK;
        default:
            return err_set(e, ERR_INVALID, "option -%c is unknown or lacks its value (-h for help)",
                           optopt);
        }
    }
    if (optind < argc) {
        return err_set(e, ERR_INVALID, "unexpected argument \"%s\" (-h for help)", argv[optind]);
    }
    enum err err = load_file(run, file, e);
    optind = 1;
    while (err == ERR_OK && (c = getopt(argc, argv, "c:o:ftVh")) != -1) {
        if (c == 'o') {
            err = override(run, optarg, e);
        }
    }
    return err == ERR_OK ? parse_level(run, e) : err;
}

// ---- start and stop ----------------------------------------------------------------------------

static enum err prepare(struct run *run, struct errmsg *e)
{
    const struct app_paths *paths = &run->app.paths;
    struct process_user user;
    enum err err = process_user_find(run->user, run->group, &user, e);
    if (err != ERR_OK) {
        return err;
    }
    umask(027);
    process_raise_file_limit();
    char sockets[sizeof paths->run_dir + 16];
    snprintf(sockets, sizeof sockets, "%s/%s", paths->run_dir, run->app.name);
    // run_dir is shared with the other daemons, so it does not become this user's.
    const struct process_user nobody = {.is_set = false};
    const struct {
        const char *path;
        mode_t mode;
        const struct process_user *owner;
    } folders[] = {
        {paths->state_dir, 0750,  &user  },
        {paths->run_dir,   0755,  &nobody},
        {sockets,          0755,  &user  },
        {paths->spool_dir, 02770, &user  }
    };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        err = process_make_folder(folders[i].path, folders[i].mode, folders[i].owner, e);
        if (err != ERR_OK) {
            return err;
        }
    }
    err = process_user_become(&user, run->spec->binds_low_ports, e);
    if (err != ERR_OK) {
        return err;
    }
    err = log_open(run->spec->name, run->log_file[0] != '\0' ? run->log_file : NULL, run->level, e);
    if (err != ERR_OK) {
        return err;
    }
    err = process_lock_folder(paths->state_dir, e);
    if (err != ERR_OK) {
        return err;
    }
    run->app.base = event_base_new();
    if (run->app.base == NULL) {
        return err_set(e, ERR_INTERNAL, "cannot make an event loop");
    }
    return listen_to_signals(run, e);
}

static enum err write_pid_file(const struct run *run, struct errmsg *e)
{
    if (run->pid_file[0] == '\0') {
        return ERR_OK;
    }
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return file_write_atomic(run->pid_file, text, (size_t)len, 0644, e);
}

static enum err serve(struct run *run, struct errmsg *e)
{
    enum err err = prepare(run, e);
    if (err != ERR_OK) {
        return err;
    }
    err = run->spec->start(&run->app, e);
    if (err != ERR_OK) {
        return err;
    }
    err = write_pid_file(run, e);
    if (err == ERR_OK) {
        event_base_dispatch(run->app.base);
        process_notify("STOPPING=1");
        log_info("stopping", F_I64("pid", getpid()));
    }
    if (run->spec->stop != NULL) {
        run->spec->stop(&run->app);
    }
    if (err == ERR_OK && run->pid_file[0] != '\0') {
        unlink(run->pid_file);
    }
    return err;
}

static void clean_up(struct run *run)
{
    if (run->wake_event != NULL) {
        event_free(run->wake_event);
    }
    if (run->app.base != NULL) {
        event_base_free(run->app.base);
    }
    mem_free(run->options);
}

int app_main(const struct app_spec *spec, int argc, char **argv)
{
    struct run run = {.spec = spec, .app.name = spec->name};
    struct errmsg e = {.text = ""};
    bool leave = false;
    int code = EXIT_USAGE;
    fill_options(&run);
    enum err err = read_command_line(&run, argc, argv, &leave, &e);
    if (err == ERR_OK && (leave || run.check_only)) {
        code = 0;
    } else if (err == ERR_OK) {
        err = serve(&run, &e);
        code = err == ERR_OK ? run.exit_code : EXIT_FAILED;
    }
    if (err != ERR_OK) {
        // The log may not be open, or be a file that nobody looks at during start-up.
        fprintf(stderr, "%s: %s\n", spec->name, e.text[0] != '\0' ? e.text : err_text(err));
        if (run.log_file[0] != '\0' && run.app.base != NULL) {
            log_error("not started", F_ERR(&e));
        }
    }
    clean_up(&run);
    return code;
}

void app_ready(struct app *app)
{
    process_notify("READY=1");
    log_info("ready", F_STR("version", app_version), F_I64("pid", getpid()),
             F_STR("state_dir", app->paths.state_dir));
}

void app_quit(struct app *app, int code)
{
    struct run *run = (struct run *)app;
    run->exit_code = code;
    event_base_loopbreak(app->base);
}
