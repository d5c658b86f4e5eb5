#pragma once

#include "clusterd/role/role.h"
#include "proto/clusterd.pb-c.h"

// The RPC service clusterd.Cluster: what webd and trellisctl ask of the cluster. Loop's thread.
struct ctl_cluster;
struct ctl_cluster *ctl_cluster_new(struct context *context, struct role *role, struct sync *sync,
                                    struct local *local);
void ctl_cluster_free(struct ctl_cluster *cluster);
ProtobufCService *ctl_cluster_service(struct ctl_cluster *cluster);
