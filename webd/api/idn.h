#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/dns/name.h"

// Domain names as people write them (RFC 5890, UTS 46).

// Outer blanks and dots trimmed, Unicode to punycode, ASCII folded to lower case; "" and "." become
// ".". The result is a valid name in presentation form without the last dot. ERR_INVALID.
NODISCARD enum err idn_to_ascii(const char *text, char *dst, size_t size, struct errmsg *e);
// The Unicode form; false when it is the same.
bool idn_to_unicode(const char *name, char *dst, size_t size);
