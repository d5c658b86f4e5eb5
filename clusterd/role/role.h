#pragma once

#include "clusterd/node/context.h"
#include "clusterd/node/local.h"
#include "clusterd/peer/client.h"
#include "clusterd/peer/server.h"
#include "clusterd/sync/sync.h"

/*
 * The operations that make, change and end a cluster (cluster.md section 3). An operation is a row
 * of steps, each with its undoing; one is under way at a time. Before a step begins the journal in
 * the store says so; after a crash the operation is undone, or finished, from there.
 * Loop's thread.
 */
struct role;
struct role *role_new(struct context *context, struct peer_client *client,
                      struct peer_server *server, struct sync *sync, struct local *local);
// From now on nothing goes on: called before the connections close, whose calls then end.
void role_stop(struct role *role);
void role_free(struct role *role);
// Finishes or undoes what the journal says was under way when clusterd ended. After the start of
// the services.
void role_recover(struct role *role);
// The node table or the role has changed: the cluster zone follows.
void role_refresh(struct role *role);

// Called once, later or from inside, with ERR_OK or the reason.
typedef void (*role_fn)(void *ctx, enum err result, const struct errmsg *e);

struct role_init {
    const char *domain;
    char *const *addresses;
    size_t address_count;
    bool allow_foreign_addresses;
    const char *actor;
};
// ERR_BAD_STATE: in a cluster already. ERR_EXISTS: a zone in the way. ERR_INVALID: name, address.
void role_init(struct role *role, const struct role_init *request, role_fn fn, void *ctx);

struct role_join {
    const char *url;
    const char *primary_address; // "" = resolve
    const char *user;
    const char *password;
    const char *totp;
    const char *token; // "" = user and password
    bool ignore_certificate;
    char *const *addresses;
    size_t address_count;
    bool allow_foreign_addresses;
    const char *actor;
};
// Starts; `*id` is for role_task. What can be refused at once is.
NODISCARD enum err role_join(struct role *role, const struct role_join *request, uint64_t *id,
                             struct errmsg *e);
struct role_task_step {
    const char *name;
    bool done;
    uint32_t ms;
};
#define ROLE_STEPS_MAX 12
struct role_task {
    bool finished;
    enum err result;
    struct errmsg e;
    struct role_task_step steps[ROLE_STEPS_MAX];
    size_t count;
};
// State of a join that was started since clusterd started; ERR_NOT_FOUND.
NODISCARD enum err role_task(const struct role *role, uint64_t id, struct role_task *task);

// A token for one join, good for `valid_s` seconds. `*token` by mem_free.
NODISCARD enum err role_token(struct role *role, uint32_t valid_s, const char *actor, char **token,
                              uint64_t *expires_ms, struct errmsg *e);

void role_leave(struct role *role, bool force, bool zones_as_primary, const char *actor, role_fn fn,
                void *ctx);
void role_remove(struct role *role, uint32_t node, bool force, const char *actor, role_fn fn,
                 void *ctx);
void role_delete(struct role *role, bool force, const char *actor, role_fn fn, void *ctx);

// Primary. 0 in `options` = as it is.
NODISCARD enum err role_set_options(struct role *role, const struct cluster_options *options,
                                    const char *actor, struct errmsg *e);
void role_update_addresses(struct role *role, char *const *addresses, size_t count,
                           bool allow_foreign, const char *actor, role_fn fn, void *ctx);
// Secondary: where its primary is now.
void role_update_primary(struct role *role, const char *url, char *const *addresses, size_t count,
                         const char *actor, role_fn fn, void *ctx);
