#pragma once

#include "common/base/err.h"
#include "common/conf/watch.h"

struct blocks_change;
struct snapshot;

/*
 * From config objects to what dnsd's threads use. Nothing is applied here: everything is checked
 * and built first, so that a state that does not fit is refused whole.
 */
struct config_plan {
    struct snapshot *snapshot;    // NULL = nothing of it changed
    struct blocks_change *blocks; // NULL = nothing of it changed
};

// ERR_INVALID with the object's path and the reason. The plan's parts belong to the caller.
NODISCARD enum err config_plan_make(const struct conf_apply *change, struct config_plan *plan,
                                    struct errmsg *e);
