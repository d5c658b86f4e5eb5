#pragma once

#include "common/base/err.h"
#include "common/rpc/rpc.h"
#include "proto/clusterd.pb-c.h"

struct event_base;

// Parts of commits that are larger than one message: collected until the last one comes, dropped
// after 60 s without a new one. Loop's thread.
struct stage;
struct stage *stage_new(struct event_base *base);
void stage_free(struct stage *stage);

// Copies the changes of one part. ERR_TOO_LARGE, ERR_BUSY (too many commits in parts at once).
NODISCARD enum err stage_add(struct stage *stage, enum rpc_party party,
                             const Clusterd__CommitRequest *part, struct errmsg *e);
struct stage_parts {
    Clusterd__Change *const *changes;
    size_t count;
};
// All changes collected under a number; valid until it is dropped or added to.
void stage_get(const struct stage *stage, enum rpc_party party, uint64_t number,
               struct stage_parts *parts);
void stage_drop(struct stage *stage, enum rpc_party party, uint64_t number);
