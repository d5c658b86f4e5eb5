#pragma once

#include <jansson.h>

#include "clusterd/role/role.h"
#include "proto/dnsd.pb-c.h"

// Shared by the files of this folder only.

struct event;

struct op_step {
    const char *name;                // shown to people
    void (*run)(struct role *role);  // ends in op_next, now or later
    void (*undo)(struct role *role); // the same; NULL = nothing to undo. May find nothing done
};
enum op_recovery { OP_UNDO, OP_FINISH };
struct op_kind {
    const char *name;          // in the journal and before the summaries of its commits
    const char *words;         // "joining the cluster"
    enum op_recovery recovery; // what a start does with one that was interrupted
    size_t no_return;          // OP_FINISH: from this step on failures are tried again
    const struct op_step *steps;
    size_t count;
};
extern const struct op_kind op_init;
extern const struct op_kind op_join;
extern const struct op_kind op_leave;
extern const struct op_kind op_remove;
extern const struct op_kind op_delete;

// The operation under way.
struct op {
    const struct op_kind *kind; // NULL = none
    size_t at;                  // step
    bool undoing;
    bool recovering;       // begun before this clusterd started
    struct errmsg failure; // why it is being undone
    json_t *args;          // journaled: what the steps need after a restart
    role_fn fn;
    void *ctx;
    uint64_t step_started_ms; // monotonic
    uint64_t deadline_ms;     // of a step that waits
    unsigned undo_tries;
};

#define JOIN_PROTOCOL 1 // what the two requests of a join look like

// What a join knows beside its arguments: secrets, which are never journaled, and its parts.
struct join_state {
    struct node primary;
    char url[NODE_URL_MAX];
    char address[NODE_ADDRESS_TEXT];
    char user[256];
    char password[512];
    char totp[32];
    char token[128]; // join token's secret, in place of the three
    bool has_pin;
    uint8_t pin[SHA256_SIZE];
    bool ignore_certificate;
    char ticket[80]; // given by the primary after the check, for registering
    char *identity;  // the object that makes this node a secondary
    struct store_change extra;
};

typedef void (*dns_info_fn)(struct role *role, const Dnsd__ZoneInfo *zone);
struct admission; // admit.c

struct role {
    struct context *context;
    struct peer_client *client;
    struct sync *sync;
    struct local *local;
    struct op op;
    struct join_state join;
    uint64_t task_id;
    struct role_task task;
    struct event *timer; // of a step that waits, or of an undo tried again
    void (*timer_fn)(struct role *role);
    dns_info_fn look_fn; // of the dns_look under way, one at a time
    struct admission *admission;
    struct zone_keeper *keeper; // zone.c
    bool updating;              // update.c: a change of our row is on its way
    bool stopping;
};

// ---- op.c --------------------------------------------------------------------------------------

// Begins; `args` is taken over. ERR_BUSY when another one is under way.
NODISCARD enum err op_start(struct role *role, const struct op_kind *kind, json_t *args, role_fn fn,
                            void *ctx, struct errmsg *e);
// The present step, or its undoing, has ended.
void op_next(struct role *role, enum err err, const struct errmsg *e);
void op_done(struct role *role); // op_next with ERR_OK
// Commits on behalf of the operation. `path`/`value` pairs.
NODISCARD enum err op_commit(struct role *role, const struct store_change *changes, size_t count,
                             uint64_t epoch, struct store_result *result, struct errmsg *e);
// Undoes all commits of the operation made after revision "base" of its arguments.
NODISCARD enum err op_undo_commits(struct role *role, struct errmsg *e);
// Calls `fn` after `ms`; from there op_wait_again, op_next or another call.
void op_wait(struct role *role, uint64_t ms, void (*fn)(struct role *role));
const char *op_text(const struct role *role,
                    const char *name); // member of the arguments, "" = none
bool op_flag(const struct role *role, const char *name);
void op_set(struct role *role, const char *name, json_t *value); // takes the value over

// ---- dns.c: calls to dnsd that end in op_next --------------------------------------------------

// Existence and type of a zone; `fn` gets NULL when there is none.
void dns_look(struct role *role, const char *zone, dns_info_fn fn);
void dns_create(struct role *role, const Dnsd__ZoneCreateRequest *request);
void dns_delete(struct role *role, const char *zone); // one that is not there is fine
void dns_set_catalog(struct role *role, const char *zone, const char *catalog);
// Deletes (or converts to Primary) the zones that a secondary catalog made here, one by one; each
// is first named in the argument "members".
void dns_list_members(struct role *role, const char *catalog);
void dns_delete_members(struct role *role);
void dns_convert_members(struct role *role);

// ---- own.c: this node's side of becoming a member ----------------------------------------------

// Fills `node` with what this node says about itself: the name it will have, URL, key, pin.
void own_node(const struct role *role, struct node *node);
// "<first label of the present name>.<domain>"; ERR_INVALID.
NODISCARD enum err own_name(const struct role *role, const char *domain, char *name, size_t size,
                            struct errmsg *e);
NODISCARD enum err own_check_addresses(char *const *addresses, size_t count, bool allow_foreign,
                                       struct errmsg *e);
json_t *own_addresses_json(char *const *addresses, size_t count);
void own_turn_on_https(struct role *role); // step: settings for HTTPS and the name
void own_wait_https(struct role *role);    // step: until webd has it
void own_undo_commits(struct role *role);  // undo of any step that commits
// Waits until dnsd has applied what is committed now.
void own_wait_dnsd(struct role *role);
// All changes that take the cluster out of this node's config; freed by own_changes_fini.
struct own_changes {
    struct store_change *items;
    size_t count;
    size_t capacity;
};
void own_changes_add(struct own_changes *changes, const char *path, const char *value);
void own_changes_fini(struct own_changes *changes);
NODISCARD enum err own_leave_changes(const struct role *role, struct own_changes *changes,
                                     struct errmsg *e);
// The TSIG key of the cluster's catalog, new each time; JSON by mem_free.
void own_tsig_path(const char *catalog, char *path, size_t size);
char *own_tsig_json(void);
#define CATALOG_PREFIX "cluster-catalog."

// ---- admit.c: the primary's side of join and leave, join tokens --------------------------------

struct admission *admission_new(struct role *role, struct peer_server *server);
void admission_free(struct admission *admission);
// Removes a node from the config; also a new TSIG secret.
NODISCARD enum err admission_remove(struct role *role, uint32_t node, const char *actor,
                                    const char *summary, struct errmsg *e);
// "<base64url of JSON>" into its parts. ERR_INVALID.
NODISCARD enum err token_parse(const char *token, struct join_state *join, struct errmsg *e);

// ---- leave.c -----------------------------------------------------------------------------------

void leave_add_operations(struct role *role, struct peer_server *server);

// ---- update.c ----------------------------------------------------------------------------------

// What this node says about itself (name, HTTPS port, pin, DNS port) against its row: tells if not.
void update_follow(struct role *role);

// ---- zone.c: what the cluster zone should contain ----------------------------------------------

struct zone_keeper *zone_keeper_new(struct role *role);
void zone_keeper_free(struct zone_keeper *keeper);
// Compares soon and mends; called as often as one likes.
void zone_keeper_poke(struct zone_keeper *keeper);
// Compares now, or when the run under way has ended, then `fn`.
typedef void (*zone_keeper_fn)(void *ctx, enum err result, const struct errmsg *e);
void zone_keeper_run(struct zone_keeper *keeper, const char *domain, bool empty, zone_keeper_fn fn,
                     void *ctx);
