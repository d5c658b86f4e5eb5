#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"

// Writes a file whole: temporary name beside it, fsync, rename, fsync of the folder. After a crash
// the old or the new content is there, never a mixture. `mode` as for open(2).
NODISCARD enum err file_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode,
                                     struct errmsg *e);

// Reads a whole file of at most `max` bytes into `*out` (mem_free; one NUL added behind it).
// ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO, ERR_DENIED.
NODISCARD enum err file_read(const char *path, size_t max, uint8_t **out, size_t *out_len,
                             struct errmsg *e);

// mkdir -p with `mode` for what is made.
NODISCARD enum err file_make_folder(const char *path, mode_t mode, struct errmsg *e);
NODISCARD enum err file_sync_folder(const char *path, struct errmsg *e);

// A new empty file of a unique name in `folder`, open for writing; `name` (at least 40 bytes) gets
// the name without the folder. For the spool: files that travel between daemons by name.
NODISCARD enum err file_spool_create(const char *folder, char *name, size_t name_size, int *fd,
                                     struct errmsg *e);
// Checks that `name` is a plain spool name (no slash, no dots in front) and joins it to `folder`.
NODISCARD enum err file_spool_path(const char *folder, const char *name, char *path, size_t size,
                                   struct errmsg *e);
