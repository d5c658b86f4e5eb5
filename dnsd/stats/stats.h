#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What dnsd counts: one row a counter, one block a thread. A thread adds to its own block only;
 * whoever asks sums all blocks. Relaxed order is enough: a counter says nothing about other memory.
 */
#define STATS_ROWS(ROW)                                                                            \
    ROW(UDP_QUERIES, "udpQueries")                                                                 \
    ROW(TCP_QUERIES, "tcpQueries")                                                                 \
    ROW(RESPONSES, "responses")                                                                    \
    ROW(NOERROR, "noError")                                                                        \
    ROW(FORMERR, "formatError")                                                                    \
    ROW(SERVFAIL, "serverFailure")                                                                 \
    ROW(NXDOMAIN, "nxDomain")                                                                      \
    ROW(NOTIMP, "notImplemented")                                                                  \
    ROW(REFUSED, "refused")                                                                        \
    ROW(NOTAUTH, "notAuthoritative")                                                               \
    ROW(OTHER_RCODE, "otherRcode")                                                                 \
    ROW(BLOCKED, "blocked")                                                                        \
    ROW(TRUNCATED, "truncated")                                                                    \
    ROW(DROPPED, "dropped")                                                                        \
    ROW(SEND_FAILED, "sendFailed")                                                                 \
    ROW(TSIG_FAILED, "tsigFailed")                                                                 \
    ROW(TCP_ACCEPTED, "tcpAccepted")                                                               \
    ROW(TCP_EVICTED, "tcpEvicted")                                                                 \
    ROW(TCP_TIMED_OUT, "tcpTimedOut")                                                              \
    ROW(NOTIFY_RECEIVED, "notifyReceived")                                                         \
    ROW(NOTIFY_REFUSED, "notifyRefused")                                                           \
    ROW(NOTIFY_DROPPED, "notifyDropped")                                                           \
    ROW(NOTIFY_SENT, "notifySent")                                                                 \
    ROW(NOTIFY_FAILED, "notifyFailed")                                                             \
    ROW(TRANSFERS_OUT, "transfersOut")                                                             \
    ROW(TRANSFERS_REFUSED, "transfersRefused")                                                     \
    ROW(TRANSFERS_IN, "transfersIn")                                                               \
    ROW(TRANSFERS_FAILED, "transfersFailed")                                                       \
    ROW(SOA_CHECKS, "soaChecks")

#define STATS_ENUM(id, name) STATS_##id,
enum stats_id { STATS_ROWS(STATS_ENUM) STATS_COUNT };
#undef STATS_ENUM

// Padded so that no other data shares a cache line with a thread's block.
struct stats {
    uint8_t before[64];
    _Atomic uint64_t values[STATS_COUNT];
    uint8_t after[64];
};

// The API's name of a counter.
extern const char *const stats_names[STATS_COUNT];

// Only the owner of the block calls this: load and store, no locked instruction.
static inline void stats_add(struct stats *stats, enum stats_id id, uint64_t n)
{
    uint64_t value = atomic_load_explicit(&stats->values[id], memory_order_relaxed);
    atomic_store_explicit(&stats->values[id], value + n, memory_order_relaxed);
}

// Counts a reply by its RCODE (the four bits of the header).
void stats_add_rcode(struct stats *stats, unsigned rcode);

// Adds the block to `sums`. Any thread.
void stats_sum(const struct stats *stats, uint64_t sums[STATS_COUNT]);
