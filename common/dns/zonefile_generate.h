#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

// $GENERATE's text, for zonefile.c only.

// START-STOP or START-STOP/STEP, decimal, at most 2^31-1; false = not that, or STOP below START.
NODISCARD bool generate_range(const char *text, size_t len, uint32_t *start, uint32_t *stop,
                              uint32_t *step);

// A bounded text under construction; starts with `len` 0.
#define GENERATE_LINE 2048
struct generate_line {
    char text[GENERATE_LINE];
    size_t len;
    bool is_full; // something did not fit
};

// Appends the text from `p` to `end` with `value` where a '$' or ${OFFSET,WIDTH,BASE} stands; "\$"
// and "$$" are a plain '$'. ERR_INVALID = a malformed ${...}, ERR_TOO_LARGE = the line is full.
NODISCARD enum err generate_expand(struct generate_line *line, const char *p, const char *end,
                                   uint32_t value, struct errmsg *e);
