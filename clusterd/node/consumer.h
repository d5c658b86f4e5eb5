#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "clusterd/store/store.h"
#include "common/rpc/rpc.h"

// What the daemons of this node (dnsd, webd) say that they have applied. Loop's thread.
struct consumer {
    bool heard;                   // since clusterd started
    uint64_t revision;            // applied last
    struct store_version version; // cluster version contained in it
    uint64_t acked_ms;            // Unix time
    uint64_t refused;             // revision last refused, 0 = none since the last ack
    char reason[256];             // why
};
struct consumer_table {
    struct consumer row[RPC_PARTY_COUNT];
};

void consumer_ack(struct consumer_table *table, struct store *store, enum rpc_party party,
                  uint64_t revision);
void consumer_nack(struct consumer_table *table, enum rpc_party party, uint64_t revision,
                   const char *reason);
// The first reason of a refusal that stands, with the daemon's name in front; "" = none.
void consumer_refusal(const struct consumer_table *table, char *text, size_t size);
