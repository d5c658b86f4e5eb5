#pragma once

#include "clusterd/node/consumer.h"
#include "clusterd/store/store.h"
#include "proto/clusterd.pb-c.h"

struct event_base;

// The RPC service clusterd.Config: requests of dnsd, webd and trellisctl to the store.
// Loop's thread.
struct ctl_config;
// Name of this node, for the history; asked at each commit.
typedef const char *(*ctl_node_name_fn)(void *ctx);

struct ctl_config *ctl_config_new(struct event_base *base, struct store *store,
                                  struct consumer_table *consumers, ctl_node_name_fn node_name,
                                  void *ctx);
// Told after each ack and nack of a consumer.
typedef void (*ctl_applied_fn)(void *ctx);
void ctl_config_on_applied(struct ctl_config *config, ctl_applied_fn fn, void *ctx);
void ctl_config_free(struct ctl_config *config);
ProtobufCService *ctl_config_service(struct ctl_config *config);
