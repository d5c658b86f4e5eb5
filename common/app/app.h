#pragma once

#include <stdbool.h>

#include "common/base/err.h"
#include "common/base/log.h"

struct event_base;

/*
 * One skeleton for the three daemons: command line, /etc/trellis/<daemon>.conf, log, privileges,
 * pid file, event loop, signals, readiness (sd_notify and the log line "ready"), clean stop.
 *
 *   dnsd -c FILE [-f]      run (always in the foreground; -f is accepted)
 *   dnsd -c FILE -t        check the file and leave
 *   dnsd -V                version
 *
 * The file has lines `name = value` and `#` comments. Unknown names and bad values are errors with
 * file and line. Every name has a default.
 */
struct app_paths {
    char state_dir[256];   // /var/lib/trellis/<daemon>: what must survive
    char run_dir[200];     // /run/trellis: sockets (short, because of sun_path)
    char spool_dir[256];   // /var/lib/trellis/spool: files on their way between daemons
};

// A daemon's own file settings beside the common ones (state_dir, run_dir, spool_dir, user,
// log_file, log_level, pid_file).
enum app_option_kind { APP_OPTION_STR, APP_OPTION_U32, APP_OPTION_BOOL };
struct app_option {
    const char *name;
    enum app_option_kind kind;
    void *target;          // char[size], uint32_t, bool
    size_t size;           // of a char[]
    const char *help;
};

struct app {
    const char *name;             // "dnsd"
    struct app_paths paths;
    struct event_base *base;      // the main thread's loop
    void *self;                   // the daemon's own root struct
};

struct app_spec {
    const char *name;
    const struct app_option *options;
    size_t option_count;
    // Called once, with loop, log and folders in place, before privileges are dropped when
    // `needs_root_start` (to bind low ports), else after. A failure ends the process with its text.
    enum err (*start)(struct app *app, struct errmsg *e);
    void (*reload)(struct app *app);   // SIGHUP: reopen and re-read; may be NULL
    void (*stop)(struct app *app);     // after the loop ended; frees everything
    bool needs_root_start;
};

// Runs the daemon; returns the exit code for main.
int app_main(const struct app_spec *spec, int argc, char **argv);

// Ready to serve: tells the service manager and writes the log line. Main thread, once.
void app_ready(struct app *app);
// Ends the loop from inside it; app_main then returns `code`.
void app_quit(struct app *app, int code);

extern const char *const app_version;    // "0.1.0"
