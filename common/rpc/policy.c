#include "common/rpc/rpc.h"

#include <string.h>

// The methods and the parties. Constant; any thread.

enum {
    DNSD = 1u << RPC_DNSD,
    CLUSTERD = 1u << RPC_CLUSTERD,
    WEBD = 1u << RPC_WEBD,
    CTL = 1u << RPC_CTL,
};

#define ROW(n, c, d, r) {.name = (n), .callers = (c), .deadline_ms = (d), .retry = (r)},
const struct rpc_method_policy rpc_policy[] = {
#include "common/rpc/policy.def"
};
#undef ROW
const size_t rpc_policy_count = sizeof rpc_policy / sizeof rpc_policy[0];

const struct rpc_method_policy *rpc_policy_find(const char *full_name)
{
    for (size_t i = 0; i < rpc_policy_count; i++) {
        if (strcmp(rpc_policy[i].name, full_name) == 0) {
            return &rpc_policy[i];
        }
    }
    return NULL;
}

const char *rpc_party_name(enum rpc_party party)
{
    static const char *const names[RPC_PARTY_COUNT] = {
        [RPC_DNSD] = "dnsd", [RPC_CLUSTERD] = "clusterd", [RPC_WEBD] = "webd", [RPC_CTL] = "ctl"};
    return names[party];
}
