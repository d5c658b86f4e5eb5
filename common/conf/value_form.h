#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/conf/setting.h"

// The forms of text that settings ask for. Any thread.
#define VALUE_FORM_MAX 2048 // bytes of a canonical text with NUL

// Checks `text` and writes its canonical form to `dst` (VALUE_FORM_MAX bytes); false = not of
// `form`.
NODISCARD bool value_form_check(enum setting_form form, const char *text, char *dst);
// What the form asks for, in words ("an IP address"); never NULL.
const char *value_form_words(enum setting_form form);

// "3600" or "1w2d3h4m5s" to seconds; units in this order, each at most once. ERR_INVALID.
NODISCARD enum err value_form_ttl(const char *text, int64_t *seconds);
