#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/str.h"

/*
 * The configuration store: the one truth about the config of this node. One SQLite file, one
 * writer. An object is a path with a JSON value. Every change is part of a commit, and every commit
 * stays in the history with before and after.
 *
 * `revision` counts the commits of this store, cluster and node scope together; local consumers
 * follow it. (epoch, seq) is the version of the cluster's config, the same on every node that holds
 * it; only commits that touch cluster scope raise it.
 *
 * All functions belong to the thread of clusterd's loop. What a function acknowledged is on disk.
 */
struct store;

enum store_scope { STORE_CLUSTER = 1, STORE_NODE = 2 }; // numbers as clusterd.Scope

struct store_version {
    uint64_t epoch;
    uint64_t seq;
};
int store_version_compare(struct store_version a, struct store_version b); // <0, 0, >0

#define STORE_ID_SIZE         16
#define STORE_HISTORY_COMMITS 10000                // kept at least, if not too old
#define STORE_HISTORY_SECONDS (400ull * 24 * 3600) // older ones go, whatever their number
#define STORE_PATH_MAX        1200                 // bytes of a path

// Opens, or makes, the store file `path` (mode 0600). ERR_CORRUPT: the text names the file and how
// to restore; nothing was changed.
NODISCARD enum err store_open(const char *path, struct store **out, struct errmsg *e);
void store_close(struct store *store);

// ---- what it holds -----------------------------------------------------------------------------

const uint8_t *store_id(const struct store *store); // STORE_ID_SIZE random bytes of this file
uint64_t store_revision(const struct store *store);
struct store_version store_version(const struct store *store);
uint64_t store_version_time_ms(const struct store *store); // when that version was made

// Over all cluster-scope objects; equal digests mean equal config.
void store_digest(const struct store *store, uint8_t out[SHA256_SIZE]);
// The same, one section (of the table of kinds) at a time, ascending by name.
typedef void (*store_section_fn)(void *ctx, const char *name, const uint8_t digest[SHA256_SIZE],
                                 uint64_t count);
void store_sections(const struct store *store, store_section_fn fn, void *ctx);

struct store_object {
    const char *path;
    const char *value; // compact JSON with sorted keys; NULL = deleted
    enum store_scope scope;
    uint64_t revision; // when it last changed here
};

// The value of one object into `value`; false = not there.
bool store_get(struct store *store, const char *path, struct str *value);
// Calls `fn` for each object whose path starts with `prefix` and comes after `after` (NULL = all),
// ascending by path, until it returns false. `fn` may not change the store.
typedef bool (*store_object_fn)(void *ctx, const struct store_object *object);
NODISCARD enum err store_each(struct store *store, const char *prefix, const char *after,
                              store_object_fn fn, void *ctx, struct errmsg *e);

// ---- changing it -------------------------------------------------------------------------------

struct store_change {
    const char *path;
    const char *value; // JSON; NULL = delete
    bool must_exist;
    bool must_not_exist;
};
struct store_request {
    const struct store_change *changes;
    size_t count;
    uint64_t base_revision; // 0 = unconditional; an object changed after it makes ERR_CONFLICT
    uint64_t epoch;         // new epoch of the config, 0 = as it is
    const char *actor;
    const char *node; // where it is made
    const char *summary;
};
struct store_result {
    uint64_t revision;
    struct store_version version;
    bool changed; // false: everything had that value already, nothing was committed
};

// Applies all changes or none. Each value is checked and normalised by the row of its kind.
// ERR_INVALID, ERR_NOT_FOUND (must_exist), ERR_EXISTS (must_not_exist), ERR_CONFLICT,
// ERR_NOT_PRIMARY (cluster scope on a secondary), ERR_NO_SPACE, ERR_IO.
NODISCARD enum err store_commit(struct store *store, const struct store_request *request,
                                struct store_result *result, struct errmsg *e);

// From now on commits of cluster scope are refused, with a text that names the primary
// (NULL = allowed again).
void store_lock_cluster(struct store *store, const char *primary);

// Called after each commit, from inside it; may read the store but not change it.
typedef void (*store_commit_fn)(void *ctx, const struct store_result *result);
void store_on_commit(struct store *store, store_commit_fn fn, void *ctx);

// ---- history -----------------------------------------------------------------------------------

struct store_commit_row {
    uint64_t revision;
    struct store_version version; // 0.0 for node scope only
    uint64_t time_ms;
    const char *actor;
    const char *node;
    const char *summary;
    uint64_t changes;
    const uint8_t *digest; // after it, SHA256_SIZE bytes; NULL for node scope only
};
// Commits before revision `before` (0 = from the newest on), newest first, until `fn` returns
// false; with a `path_prefix` only those that touched such a path.
typedef bool (*store_history_fn)(void *ctx, const struct store_commit_row *row);
NODISCARD enum err store_history(struct store *store, uint64_t before, const char *path_prefix,
                                 store_history_fn fn, void *ctx, struct errmsg *e);

// What differs between the states after the revisions `from` and `to` (0 = now), ascending by path
// from behind `after`. ERR_NOT_FOUND when the history does not reach back that far.
struct store_diff_row {
    const char *path;
    const char *before; // NULL = was not there
    const char *after;
};
typedef bool (*store_diff_fn)(void *ctx, const struct store_diff_row *row);
NODISCARD enum err store_diff(struct store *store, uint64_t from, uint64_t to, const char *after,
                              store_diff_fn fn, void *ctx, struct errmsg *e);

// Undoes commit `revision`, or with `everything_after` returns to the state that it left; itself a
// commit. ERR_CONFLICT when something that the one commit touched has changed since. Objects that
// belong to cluster operations (the node table, the roles) are left alone; a commit of them only
// cannot be undone (ERR_BAD_STATE).
NODISCARD enum err store_revert(struct store *store, uint64_t revision, bool everything_after,
                                const char *actor, const char *node, struct store_result *result,
                                struct errmsg *e);
// The same for one commit, as an operation of the cluster does it: objects of operations too, and
// what has changed since is left as it is.
NODISCARD enum err store_undo(struct store *store, uint64_t revision, const char *actor,
                              const char *node, struct store_result *result, struct errmsg *e);
// Written by cluster operations only (node table, roles)? Path of an object.
bool store_is_operational(const char *path);
// The cluster version contained in the state after a local revision; 0.0 = not known any more.
struct store_version store_version_at(struct store *store, uint64_t revision);
// The local revision that holds the cluster version; ERR_NOT_FOUND.
NODISCARD enum err store_find_version(struct store *store, struct store_version version,
                                      uint64_t *revision, struct errmsg *e);

// ---- following it ------------------------------------------------------------------------------

/*
 * What a follower that holds `revision` of the store `id` needs: the objects changed since, or all
 * of them when the history does not reach back. One call gives one page; `sink` returns false when
 * the page is full (that object comes again on the next page). With the last page the follower
 * holds exactly the state of `result.revision`: what changes while it reads follows in the same
 * row of pages, so an object may come twice and deletions may follow in a snapshot.
 */
struct store_pull {
    const uint8_t *id; // of the state held; NULL or another store's = none
    size_t id_len;
    uint64_t revision;
    const char *cursor; // "" = first page
    bool cluster_only;  // leave out node scope
    store_object_fn sink;
    void *ctx;
};
struct store_pull_result {
    uint64_t revision;
    bool snapshot;
    char next_cursor[STORE_PATH_MAX + 64]; // "" = last page
};
NODISCARD enum err store_pull(struct store *store, const struct store_pull *pull,
                              struct store_pull_result *result, struct errmsg *e);

// ---- notes that are no config ------------------------------------------------------------------

// Small values of clusterd's own (the journal of an operation under way). NULL deletes.
NODISCARD enum err store_note_set(struct store *store, const char *key, const char *value,
                                  struct errmsg *e);
bool store_note_get(struct store *store, const char *key, struct str *value);
