#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

// A compiled set of blocked and allowed names: immutable, about 10 bytes a name, exact and suffix
// match by one hash probe a label; allowed beats blocked. Built beside the running set, swapped by RCU.
struct block_set;
enum block_answer { BLOCK_NXDOMAIN, BLOCK_ANY_ADDRESS, BLOCK_CUSTOM };
struct block_policy {
    bool enabled;
    enum block_answer answer;
    uint32_t ttl;
    const uint8_t (*custom4)[4];
    size_t custom4_count;
    const uint8_t (*custom6)[16];
    size_t custom6_count;
    bool txt_report;
};
struct block_builder;
struct block_builder *block_builder_new(void);
NODISCARD enum err block_builder_add(struct block_builder *b, const uint8_t *name_lower, bool allowed);
// Starts with the names of a finished set (copied, so that one name costs a memcpy and not a compile);
// the set may be in use by readers.
struct block_builder *block_builder_from(const struct block_set *set);
void block_builder_remove(struct block_builder *b, const uint8_t *name_lower, bool allowed);
void block_builder_free(struct block_builder *b);   // gives up
struct block_set *block_builder_finish(struct block_builder *b, const struct block_policy *policy);
void block_set_free(struct block_set *set);
const struct block_policy *block_set_policy(const struct block_set *set);
size_t block_set_blocked(const struct block_set *set);
size_t block_set_allowed(const struct block_set *set);
// Is the name (offsets and hashes by name_hashes) or a name above it blocked and not allowed?
// `*matched` gets the label index of the matching suffix. Allocates nothing.
bool block_set_match(const struct block_set *set, const uint8_t *name_lower, const uint8_t *offsets,
                     unsigned label_count, const uint64_t *hashes, unsigned *matched);
