#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/str.h"
#include "dnsd/zone/zone.h"

// A zone as the store keeps it, beside its records.
struct zone_row {
    struct name apex;
    enum zone_type type;
    uint32_t content;             // under which number its records are kept; 0 = none
    struct zone_options *options;
    struct zone_state state;
};

/*
 * Stored form: items {tag u16, length u32, bytes}, the machine's byte order as LMDB's own. Members
 * with their default are left out; unknown tags are skipped, so that releases can follow each other.
 */
void zone_row_write(const struct zone_row *row, struct str *out);
// `out->options` is the caller's then. ERR_CORRUPT.
NODISCARD enum err zone_row_read(const void *bytes, size_t len, struct zone_row *out);
