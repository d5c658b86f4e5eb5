#pragma once

#include <stdbool.h>

#include "common/base/err.h"
#include "common/base/log.h"

struct event_base;

/*
 * One skeleton for the three daemons: command line, /etc/trellis/<daemon>.conf, log, privileges,
 * pid file, event loop, signals, readiness (sd_notify and the log line "ready"), clean stop.
 *
 *   dnsd [-c FILE] [-o NAME=VALUE]... [-f]   run (always in the foreground; -f is accepted)
 *   dnsd [-c FILE] -t                        check the file and leave
 *   dnsd -V, dnsd -h                         version, help
 *
 * The file has lines `name = value` and `#` comments. Unknown names, names given twice and bad
 * values are errors with file and line. Every name has a default; without -c a missing file is
 * fine. -o wins over the file.
 *
 * SIGTERM and SIGINT end the loop, then `stop` runs; a process that is not gone after 4 s ends
 * itself with an error, so that whoever asked never waits 5 s. SIGHUP reopens the log and calls
 * `reload`. A lock in state_dir keeps a second process of the same kind away.
 */
struct app_paths {
    char state_dir[256];   // /var/lib/trellis/<daemon>: what must survive
    char run_dir[200];     // /run/trellis: sockets (short, because of sun_path)
    char spool_dir[256];   // /var/lib/trellis/spool: files on their way between daemons
};

// A daemon's own file settings beside the common ones (state_dir, run_dir, spool_dir, user,
// group, log_file, log_level, pid_file).
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
    // Called once, with loop, log and folders in place, as the user that the file names. A failure
    // ends the process with its text (exit code 1); it has cleaned up after itself, `stop` is not
    // called.
    enum err (*start)(struct app *app, struct errmsg *e);
    void (*reload)(struct app *app);   // SIGHUP: reopen and re-read; may be NULL
    void (*stop)(struct app *app);     // after the loop ended; frees everything
    bool binds_low_ports;              // keeps CAP_NET_BIND_SERVICE when root is dropped
};

// Runs the daemon; returns the exit code for main.
int app_main(const struct app_spec *spec, int argc, char **argv);

// Ready to serve: tells the service manager and writes the log line. Main thread, once.
void app_ready(struct app *app);
// Ends the loop from inside it; app_main then returns `code`.
void app_quit(struct app *app, int code);

extern const char *const app_version;    // "0.1.0"
