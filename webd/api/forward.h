#pragma once

#include "webd/api/call.h"

// Passes a call on to another node of the cluster (`node` = name, "" = the primary) through
// clusterd, and its answer back. A write is answered when this node has applied it too.
void forward_call(struct api_call *call, const char *node);

// Where does node= point? Answers the call and returns false for an unknown name.
enum forward_target { FORWARD_HERE, FORWARD_NODE, FORWARD_REFUSED };
enum forward_target forward_target(struct api_call *call, const char **node);
