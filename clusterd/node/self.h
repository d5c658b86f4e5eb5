#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "clusterd/store/store.h"

/*
 * Who this node is: the object node/identity {id, name, role, epoch}, made at the first start, and
 * the DNS Server Domain Name of its settings. Loop's thread.
 */
#define NODE_NAME_MAX 256

enum node_role { NODE_STANDALONE, NODE_PRIMARY, NODE_SECONDARY, NODE_ROLE_COUNT };
const char *node_role_name(enum node_role role); // "Standalone", "Primary", "Secondary"

struct node_self {
    uint32_t id;              // random, 1 … 2^31-1
    char name[NODE_NAME_MAX]; // DNS Server Domain Name, lower case, no last dot
    enum node_role role;
    uint64_t epoch; // highest cluster epoch this node has been part of
};

// Reads the identity; makes it at the first start. ERR_CORRUPT: the object is not understood.
NODISCARD enum err node_self_load(struct store *store, struct node_self *self, struct errmsg *e);
// Only reads; called again after each commit. Keeps what it had where nothing is stored.
void node_self_refresh(struct store *store, struct node_self *self);
// The object's JSON (mem_free), to be part of a commit.
char *node_self_json(uint32_t id, const char *name, enum node_role role, uint64_t epoch);
