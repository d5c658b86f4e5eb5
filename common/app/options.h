#pragma once

#include <stddef.h>

#include "common/app/app.h"
#include "common/base/err.h"

// The daemons' own files: `name = value` lines into option rows. Start-up only, one thread.

// Sets one option from text. ERR_NOT_FOUND: no such name; ERR_INVALID: a value of another kind or
// too long. `e` says which.
NODISCARD enum err options_set(const struct app_option *options, size_t count, const char *name,
                               const char *value, struct errmsg *e);

// Reads a whole file; the message starts with "FILE:LINE: ". ERR_NOT_FOUND: no such file.
NODISCARD enum err options_load(const struct app_option *options, size_t count, const char *path,
                                struct errmsg *e);
