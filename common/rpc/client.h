#pragma once

#include "common/rpc/rpc.h"

// For wait.c.
struct event_base *rpc_client_base(const struct rpc_client *client);
