#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/*
 * A compiled set of blocked and allowed names: immutable, about 10 bytes a name, exact and suffix
 * match by one hash probe a label; of the entries above a name the one nearest to it decides, and
 * allowed beats blocked on the same name. Built beside the running set, swapped by RCU.
 */
struct block_set;
enum block_answer { BLOCK_NXDOMAIN, BLOCK_ANY_ADDRESS, BLOCK_CUSTOM };
// Copied by block_builder_finish.
struct block_policy {
    bool enabled;
    enum block_answer answer;
    uint32_t ttl;                     // seconds
    const uint8_t (*custom4)[4];
    size_t custom4_count;
    const uint8_t (*custom6)[16];
    size_t custom6_count;
    bool txt_report;                  // TXT queries get the reason as text
};

struct block_builder;
struct block_builder *block_builder_new(void);
// `name_lower`: folded wire; it and everything below it. ERR_NO_MEMORY.
NODISCARD enum err block_builder_add(struct block_builder *b, const uint8_t *name_lower, bool allowed);
// Starts with the names of a finished set, which may be in use by readers: a copy of its memory, so
// that one more or less of 100,000 names costs well under 10 ms.
struct block_builder *block_builder_from(const struct block_set *set);
// Takes out what block_builder_add put in; nothing happens when it is not there.
void block_builder_remove(struct block_builder *b, const uint8_t *name_lower, bool allowed);
// Ends the builder (frees it) and gives the set, owned by the caller.
struct block_set *block_builder_finish(struct block_builder *b, const struct block_policy *policy);
// Drops an unfinished builder.
void block_builder_free(struct block_builder *b);
void block_set_free(struct block_set *set);

const struct block_policy *block_set_policy(const struct block_set *set);
size_t block_set_blocked(const struct block_set *set);   // distinct names
size_t block_set_allowed(const struct block_set *set);
size_t block_set_bytes(const struct block_set *set);     // memory it takes

// Is the name (offsets and hashes by name_hashes) or a name above it blocked and not allowed?
// `*matched` gets the label index of the matching suffix. Allocates nothing; any thread.
bool block_set_match(const struct block_set *set, const uint8_t *name_lower, const uint8_t *offsets,
                     unsigned label_count, const uint64_t *hashes, unsigned *matched);
