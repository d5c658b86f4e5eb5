#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"

// What a daemon does to its own process at the start. Main thread, before other threads exist.

// Whom to become; `is_set` false = stay who we are.
struct process_user {
    bool is_set;
    uid_t uid;
    gid_t gid;
    char name[64];
};

// Looks the names up (empty user = stay; empty group = the user's own). Refused when it would need
// root and this is another user's process.
NODISCARD enum err process_user_find(const char *user, const char *group, struct process_user *out,
                                     struct errmsg *e);

// initgroups, setgid, setuid for good; with `keep_low_ports` CAP_NET_BIND_SERVICE stays.
NODISCARD enum err process_user_become(const struct process_user *user, bool keep_low_ports,
                                       struct errmsg *e);

// Makes a folder where there is none, with exactly this mode, for this user.
NODISCARD enum err process_make_folder(const char *path, mode_t mode,
                                       const struct process_user *user, struct errmsg *e);

// Holds <folder>/lock until the process ends; ERR_BUSY names the process that has it.
NODISCARD enum err process_lock_folder(const char *folder, struct errmsg *e);

// As many open files as the system lets us have.
void process_raise_file_limit(void);

// One datagram to the service manager's NOTIFY_SOCKET (sd_notify(3)); nothing without one.
void process_notify(const char *state);
