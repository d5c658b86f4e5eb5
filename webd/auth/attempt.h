#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Failed logins by source: five of them block it for 300 s. A source is an IPv4 address or an IPv6
 * /64. Attempts under way count as failed until they ended, so that guessing in parallel gains
 * nothing. The table is bounded; the source that was quiet longest makes room. Loop's thread.
 */
#define ATTEMPT_MAX      5
#define ATTEMPT_BLOCK_MS 300000u

struct attempt_table;
struct attempt_table *attempt_table_new(void);
void attempt_table_free(struct attempt_table *table);

enum attempt_answer {
    ATTEMPT_GO,   // ended by attempt_end
    ATTEMPT_WAIT, // as many are under way as may still fail: ask again when one has ended
    ATTEMPT_BLOCKED,
};
enum attempt_answer attempt_begin(struct attempt_table *table,
                                  const struct sockaddr_storage *source, uint64_t now_ms);
// `is_failure`: it counts. A success forgets the source's failures. Returns true when this failure
// blocked the source.
bool attempt_end(struct attempt_table *table, const struct sockaddr_storage *source,
                 bool is_failure, bool is_success, uint64_t now_ms);
