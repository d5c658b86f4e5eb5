#include "common/app/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/str.h"

static enum err fail(struct errmsg *e, const char *what)
{
    int number = errno;
    return err_set(e, err_from_errno(number), "cannot %s: %s", what, strerrordesc_np(number));
}

enum err process_user_find(const char *user, const char *group, struct process_user *out,
                           struct errmsg *e)
{
    struct process_user found = {.is_set = false};
    if (user[0] == '\0') {
        if (group[0] != '\0') {
            return err_set(e, ERR_INVALID, "group is set without user");
        }
        *out = found;
        return ERR_OK;
    }
    // Start-up, one thread: the plain look-ups are safe.
    const struct passwd *pw = getpwnam(user);
    if (pw == NULL || !str_copy(found.name, sizeof found.name, user)) {
        return err_set(e, ERR_NOT_FOUND, "no user \"%s\" on this system", user);
    }
    found.uid = pw->pw_uid;
    found.gid = pw->pw_gid;
    if (group[0] != '\0') {
        const struct group *gr = getgrnam(group);
        if (gr == NULL) {
            return err_set(e, ERR_NOT_FOUND, "no group \"%s\" on this system", group);
        }
        found.gid = gr->gr_gid;
    }
    found.is_set = geteuid() == 0;
    if (!found.is_set && geteuid() != found.uid) {
        return err_set(e, ERR_DENIED, "cannot become user \"%s\": not started as root", user);
    }
    *out = found;
    return ERR_OK;
}

// After setuid with PR_SET_KEEPCAPS the effective set is empty: put the one capability back.
static enum err keep_only_low_ports(struct errmsg *e)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    sets[0].effective = 1u << CAP_NET_BIND_SERVICE;
    sets[0].permitted = sets[0].effective;
    if (syscall(SYS_capset, &header, sets) != 0) {
        return fail(e, "keep the right to bind low ports");
    }
    return ERR_OK;
}

enum err process_user_become(const struct process_user *user, bool keep_low_ports, struct errmsg *e)
{
    if (!user->is_set) {
        return ERR_OK;
    }
    if (keep_low_ports && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return fail(e, "keep capabilities");
    }
    if (initgroups(user->name, user->gid) != 0) {
        return fail(e, "set the groups");
    }
    if (setgid(user->gid) != 0) {
        return fail(e, "set the group");
    }
    if (setuid(user->uid) != 0) {
        return fail(e, "set the user");
    }
    if (user->uid != 0 && setuid(0) == 0) {
        return err_set(e, ERR_INTERNAL, "root could be had back after it was dropped");
    }
    return keep_low_ports && user->uid != 0 ? keep_only_low_ports(e) : ERR_OK;
}

enum err process_make_folder(const char *path, mode_t mode, const struct process_user *user,
                             struct errmsg *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return ERR_OK;
    }
    enum err err = file_make_folder(path, 0755, e);
    if (err != ERR_OK) {
        return err;
    }
    if (user->is_set && chown(path, user->uid, user->gid) != 0) {
        return fail(e, path);
    }
    // After chown, which clears the setgid bit; and free of the umask.
    return chmod(path, mode) == 0 ? ERR_OK : fail(e, path);
}

enum err process_lock_folder(const char *folder, struct errmsg *e)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/lock", folder);
    if (n < 0 || (size_t)n >= sizeof path) {
        return err_set(e, ERR_INVALID, "state_dir is too long");
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        int number = errno;
        return err_set(e, err_from_errno(number), "state folder %s is not writable: %s", folder,
                       strerrordesc_np(number));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int number = errno;
        char holder[24] = "";
        ssize_t got = pread(fd, holder, sizeof holder - 1, 0);
        holder[got > 0 ? got : 0] = '\0';
        close(fd);
        if (number != EWOULDBLOCK) {
            return err_set(e, err_from_errno(number), "cannot lock %s: %s", path,
                           strerrordesc_np(number));
        }
        return err_set(e, ERR_BUSY, "another process (%s) uses the folder %s", str_trim(holder),
                       folder);
    }
    char self[24];
    int len = snprintf(self, sizeof self, "%ld\n", (long)getpid());
    enum err err = ERR_OK;
    if (ftruncate(fd, 0) != 0 || pwrite(fd, self, (size_t)len, 0) != len) {
        err = fail(e, "write the lock file of state_dir");
        close(fd);
    }
    return err;   // the descriptor stays open: the kernel frees the lock when the process ends
}

void process_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        !str_copy(to.sun_path, sizeof to.sun_path, path)) {
        return;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') {
        to.sun_path[0] = '\0';   // the abstract namespace
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    // Best effort: a service manager that is gone is not our trouble.
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, size);
    (void)sent;
    close(fd);
}
