#pragma once

#include "clusterd/node/consumer.h"
#include "clusterd/node/self.h"
#include "clusterd/node/table.h"
#include "clusterd/store/store.h"
#include "common/rpc/rpc.h"
#include "common/tls/tls.h"

struct event_base;

// What the parts of clusterd share. Made by main, read by all; only the part named changes a field.
// Loop's thread.
struct context {
    struct event_base *base;
    struct store *store;
    struct node_self self;           // main, after each commit
    struct node_table table;         // main, after each commit
    struct consumer_table consumers; // ctl
    struct tls_node_key *key;
    uint8_t public_key[32];
    struct rpc_client *dnsd;
    struct rpc_client *webd;
    const char *spool_dir;
    uint64_t started_ms; // Unix time
    char operation[160]; // role: under way, in words; "" = none
};
