#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"

// Files written whole and read whole; the spool. No state; any thread.

enum { SPOOL_RANDOM = 16 };   // bytes of randomness in a spool name

static enum err fail(struct errmsg *e, const char *what, const char *path)
{
    int number = errno;
    return err_set(e, err_from_errno(number), "cannot %s %s: %s", what, path,
                   strerrordesc_np(number));
}

static enum err write_all(int fd, const void *bytes, size_t len, const char *path, struct errmsg *e)
{
    const uint8_t *at = bytes;
    while (len != 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail(e, "write", path);
        }
        at += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

// The folder of `path` into `folder` ("." when it has none).
static enum err folder_of(const char *path, char *folder, size_t size, struct errmsg *e)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= size) {
        return err_set(e, ERR_INVALID, "path too long: %.100s…", path);
    }
    memcpy(folder, len == 0 ? "." : path, len == 0 ? 1 : len);
    folder[len == 0 ? 1 : len] = '\0';
    return ERR_OK;
}

enum err file_sync_folder(const char *path, struct errmsg *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail(e, "open folder", path);
    }
    enum err err = fsync(fd) == 0 ? ERR_OK : fail(e, "sync folder", path);
    close(fd);
    return err;
}

enum err file_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode,
                           struct errmsg *e)
{
    char folder[PATH_MAX];
    enum err err = folder_of(path, folder, sizeof folder, e);
    if (err != ERR_OK) {
        return err;
    }
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.%08x.tmp", path, (unsigned)rand_u64());
    if (n < 0 || (size_t)n >= sizeof temporary) {
        return err_set(e, ERR_INVALID, "path too long: %.100s…", path);
    }
    bool made = false;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        err = fail(e, "create", temporary);
        goto out;
    }
    made = true;
    err = write_all(fd, bytes, len, temporary, e);
    if (err != ERR_OK) {
        goto out;
    }
    if (fsync(fd) != 0) {
        err = fail(e, "sync", temporary);
        goto out;
    }
    if (rename(temporary, path) != 0) {
        err = fail(e, "replace", path);
        goto out;
    }
    made = false;
    err = file_sync_folder(folder, e);
out:
    if (fd >= 0) {
        close(fd);
    }
    if (made) {
        unlink(temporary);
    }
    return err;
}

enum err file_read(const char *path, size_t max, uint8_t **out, size_t *out_len, struct errmsg *e)
{
    enum err err = ERR_OK;
    uint8_t *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(e, "open", path);
    }
    struct stat st;
    if (fstat(fd, &st) != 0) {
        err = fail(e, "read", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err = err_set(e, ERR_INVALID, "%s is not a file", path);
        goto out;
    }
    if ((uint64_t)st.st_size > max) {
        err = err_set(e, ERR_TOO_LARGE, "%s has %lld bytes, %zu are allowed", path,
                      (long long)st.st_size, max);
        goto out;
    }
    size_t size = (size_t)st.st_size;
    bytes = mem_try_alloc(size + 1);
    if (bytes == NULL) {
        err = err_set(e, ERR_NO_MEMORY, "no memory for the %zu bytes of %s", size, path);
        goto out;
    }
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            err = fail(e, "read", path);
            goto out;
        }
        if (n == 0) {
            break;   // became shorter meanwhile
        }
        len += (size_t)n;
    }
    bytes[len] = 0;
    *out = bytes;
    *out_len = len;
    bytes = NULL;
out:
    mem_free(bytes);
    close(fd);
    return err;
}

// Makes one folder; fine when it is there.
static enum err make_one(const char *path, mode_t mode, struct errmsg *e)
{
    if (mkdir(path, mode) == 0) {
        return ERR_OK;
    }
    int number = errno;
    struct stat st;
    if (stat(path, &st) == 0) {
        return S_ISDIR(st.st_mode) ? ERR_OK
                                   : err_set(e, ERR_EXISTS, "%s is not a folder", path);
    }
    errno = number;
    return fail(e, "make folder", path);
}

enum err file_make_folder(const char *path, mode_t mode, struct errmsg *e)
{
    char part[PATH_MAX];
    if (!str_copy(part, sizeof part, path) || part[0] == '\0') {
        return err_set(e, ERR_INVALID, "not a folder name: \"%.100s\"", path);
    }
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        enum err err = make_one(part, mode, e);
        if (err != ERR_OK) {
            return err;
        }
        *slash = '/';
    }
    return make_one(part, mode, e);
}

enum err file_spool_create(const char *folder, char *name, size_t name_size, int *fd,
                           struct errmsg *e)
{
    uint8_t random[SPOOL_RANDOM];
    char hex[2 * SPOOL_RANDOM + 1];
    rand_bytes(random, sizeof random);
    str_hex(hex, random, sizeof random);
    char path[PATH_MAX];
    enum err err = file_spool_path(folder, hex, path, sizeof path, e);
    if (err != ERR_OK) {
        return err;
    }
    if (name_size < sizeof hex) {
        return err_set(e, ERR_INVALID, "no room for a spool name");
    }
    // Readable by the group: the file is for another daemon.
    int made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (made < 0) {
        return fail(e, "create", path);
    }
    memcpy(name, hex, sizeof hex);
    *fd = made;
    return ERR_OK;
}

enum err file_spool_path(const char *folder, const char *name, char *path, size_t size,
                         struct errmsg *e)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX || name[0] == '.' || strchr(name, '/') != NULL) {
        return err_set(e, ERR_INVALID, "not a spool file name: \"%.60s\"", name);
    }
    char joined[PATH_MAX];
    int n = snprintf(joined, sizeof joined, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof joined || !str_copy(path, size, joined)) {
        return err_set(e, ERR_INVALID, "spool path too long");
    }
    return ERR_OK;
}
