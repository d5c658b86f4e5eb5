#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/dns/name.h"

/*
 * Scanner for zone files (RFC 1035 section 5, RFC 2308 $TTL, BIND's $GENERATE, RFC 3597 types).
 * $INCLUDE is refused. One pass over memory, about a microsecond a record for the usual types.
 * Records come in file order; owner and RDATA names are folded never: case as in the file.
 */
struct zonefile_record {
    const struct name *name;
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    const uint8_t *rdata;
    size_t rdata_len;
    const char *comment; // text of a comment at the line's end, NULL = none; not NUL-terminated
    size_t comment_len;
    unsigned line;
};
// A record was read; anything but ERR_OK (with text in `e`) stops the scan.
typedef enum err (*zonefile_fn)(void *ctx, const struct zonefile_record *record, struct errmsg *e);

// Text of every failure: "FILE:LINE: reason". `file_name` is for messages only. `default_ttl`
// serves until a $TTL or an explicit TTL (RFC 2308 section 4).
NODISCARD enum err zonefile_scan(const char *text, size_t len, const char *file_name,
                                 const struct name *origin, uint32_t default_ttl, zonefile_fn fn,
                                 void *ctx, struct errmsg *e);
