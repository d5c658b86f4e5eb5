#include "dnsd/stats/stats.h"

// Counter table. The blocks belong to their threads; this file holds only names and sums.

#define STATS_NAME(id, name) [STATS_##id] = (name),
const char *const stats_names[STATS_COUNT] = {STATS_ROWS(STATS_NAME)};
#undef STATS_NAME

// RCODE to counter (RFC 1035 section 4.1.1, RFC 2136 section 2.2).
static const enum stats_id rcode_counter[16] = {
    [0] = STATS_NOERROR,      [1] = STATS_FORMERR,      [2] = STATS_SERVFAIL,
    [3] = STATS_NXDOMAIN,     [4] = STATS_NOTIMP,       [5] = STATS_REFUSED,
    [6] = STATS_OTHER_RCODE,  [7] = STATS_OTHER_RCODE,  [8] = STATS_OTHER_RCODE,
    [9] = STATS_NOTAUTH,      [10] = STATS_OTHER_RCODE, [11] = STATS_OTHER_RCODE,
    [12] = STATS_OTHER_RCODE, [13] = STATS_OTHER_RCODE, [14] = STATS_OTHER_RCODE,
    [15] = STATS_OTHER_RCODE,
};

void stats_add_rcode(struct stats *stats, unsigned rcode)
{
    stats_add(stats, rcode_counter[rcode & 15], 1);
}

void stats_sum(const struct stats *stats, uint64_t sums[STATS_COUNT])
{
    for (size_t i = 0; i < STATS_COUNT; i++) {
        sums[i] += atomic_load_explicit(&stats->values[i], memory_order_relaxed);
    }
}
