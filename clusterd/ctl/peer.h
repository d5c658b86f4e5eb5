#pragma once

#include "clusterd/node/context.h"
#include "clusterd/peer/client.h"
#include "clusterd/peer/server.h"
#include "proto/clusterd.pb-c.h"

// The RPC service clusterd.Peer: webd hands over what other nodes ask, has signatures checked, and
// sends API calls to other nodes. Loop's thread.
struct ctl_peer;
struct ctl_peer *ctl_peer_new(struct context *context, struct peer_client *client,
                              struct peer_server *server);
void ctl_peer_free(struct ctl_peer *peer);
ProtobufCService *ctl_peer_service(struct ctl_peer *peer);
