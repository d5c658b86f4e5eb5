#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dnsd/conf/address.h"
#include "dnsd/xfr/message.h"
#include "dnsd/zone/zone.h"

struct event_base;

/*
 * A zone from one primary by TCP: the SOA first where asked for, then AXFR on the same connection.
 * Bounded in time and bytes. Maintenance thread.
 */
struct fetch_options {
    struct event_base *base;
    const union address *to;
    const union address *source; // family 0 = the system's choice
    const struct name *name;     // apex, folded
    const struct tsig_key *key;  // copied; NULL = unsigned
    bool check_first;            // ask the SOA; end as CURRENT when it is not newer than held
    bool has_held;               // `held` is the serial of what we have
    uint32_t held;
    uint64_t bytes_max;
};
enum fetch_status { FETCH_CURRENT, FETCH_LOADED, FETCH_FAILED };
struct fetch_result {
    enum fetch_status status;
    struct message_soa soa; // CURRENT, LOADED
    struct zone_load *load; // LOADED; the receiver's
    uint64_t records;
    uint64_t ignored; // records that are not in the zone
    uint64_t bytes;
    struct errmsg error; // FAILED
};
typedef void (*fetch_fn)(void *ctx, const struct fetch_result *result);

struct fetch;
// Never calls `fn` from inside; the fetch is freed after the call.
NODISCARD enum err fetch_start(const struct fetch_options *options, fetch_fn fn, void *ctx,
                               struct fetch **out, struct errmsg *e);
void fetch_cancel(struct fetch *fetch); // NULL is fine
