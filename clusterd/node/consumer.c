#include "clusterd/node/consumer.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdio.h>

void consumer_ack(struct consumer_table *table, struct store *store, enum rpc_party party,
                  uint64_t revision)
{
    struct consumer *row = &table->row[party];
    if (row->refused != 0) {
        log_info("config applied again", F_STR("daemon", rpc_party_name(party)),
                 F_U64("revision", revision));
    }
    *row = (struct consumer){.heard = true,
                             .revision = revision,
                             .version = store_version_at(store, revision),
                             .acked_ms = clock_unix_ms()};
}

void consumer_nack(struct consumer_table *table, enum rpc_party party, uint64_t revision,
                   const char *reason)
{
    struct consumer *row = &table->row[party];
    if (row->refused != revision) {
        log_error("config refused", F_STR("daemon", rpc_party_name(party)),
                  F_U64("revision", revision), F_STR("error", reason));
    }
    row->heard = true;
    row->refused = revision;
    snprintf(row->reason, sizeof row->reason, "%s", reason);
}

void consumer_refusal(const struct consumer_table *table, char *text, size_t size)
{
    text[0] = '\0';
    for (unsigned i = 0; i < RPC_PARTY_COUNT; i++) {
        if (table->row[i].refused != 0) {
            snprintf(text, size, "%s: %s", rpc_party_name((enum rpc_party)i), table->row[i].reason);
            return;
        }
    }
}
