#pragma once

#include <stdbool.h>

#include "common/base/err.h"

/*
 * The one-time token of the first start: whoever can read <state_dir>/setup-token (mode 0600) may
 * choose the administrator's password. It is made when no administrator has a password, survives
 * restarts, and goes as soon as one has. Loop's thread.
 */
struct setup;
struct setup *setup_new(const char *state_dir);
void setup_free(struct setup *setup);

// Makes or removes the token as asked. ERR_IO, ERR_NO_SPACE: it could not be written.
NODISCARD enum err setup_require(struct setup *setup, bool is_required, struct errmsg *e);
bool setup_is_required(const struct setup *setup);
// In groups of eight hex digits; "" = none.
const char *setup_token(const struct setup *setup);
const char *setup_path(const struct setup *setup);
// Compares in constant time; dashes, blanks and case do not matter.
bool setup_check(const struct setup *setup, const char *token);
