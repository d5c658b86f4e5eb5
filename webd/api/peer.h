#pragma once

#include "webd/api/call.h"

// Requests of other nodes: POST /cluster/v1/<operation>, handed to clusterd as they are. A join
// with user name and password is checked here first, with everything that a login costs.
#define PEER_PREFIX "/cluster/v1/"

void peer_serve(struct api_call *call);
