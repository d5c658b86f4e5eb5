#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "dnsd/block/block.h"

struct shared;

/*
 * The compiler of the block set: a housekeeping thread that makes a new set beside the running one
 * and swaps it in. All names at once, or single names on a copy of the running set, so that one
 * more name costs a copy of memory and no compile. Submitted changes are done in order; those that
 * wait together are done together.
 */
struct blocks;
struct blocks_change;

NODISCARD enum err blocks_open(struct shared *shared, struct blocks **out, struct errmsg *e);
void blocks_close(struct blocks *blocks); // frees the running set too: no reader may be left

// `is_whole`: the names that follow replace all. `policy` is copied.
struct blocks_change *blocks_change_new(bool is_whole, const struct block_policy *policy);
void blocks_change_free(struct blocks_change *change); // one that is not submitted
// A name in presentation form that is blocked or allowed from now on, or (`is_removed`) no more.
// ERR_INVALID: not a name.
NODISCARD enum err blocks_change_name(struct blocks_change *change, const char *text, bool allowed,
                                      bool is_removed, struct errmsg *e);
void blocks_submit(struct blocks *blocks, struct blocks_change *change /* taken */);
// Waits until all that was submitted is in force: at start, before the first answer.
void blocks_wait(struct blocks *blocks);
