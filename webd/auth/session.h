#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"

struct event_base;

/*
 * The sessions of this node, in memory and in <state_dir>/sessions.db: they survive a restart of
 * webd. A session is known by the SHA-256 of its token; the token itself is kept nowhere. A
 * creation or removal is on disk before it returns; the time of last use is written every 30 s. API
 * tokens are config objects (tokens/...); what is here beside them is when they were last used.
 * Loop's thread.
 */
enum session_type {
    SESSION_STANDARD,
    SESSION_API_TOKEN,
    SESSION_CLUSTER_TOKEN,
    SESSION_SINGLE_USE,
    SESSION_TYPE_COUNT
};
extern const char *const session_type_names[SESSION_TYPE_COUNT];

#define TOKEN_TEXT_SIZE 65 // 64 lower-case hex characters and NUL
#define TOKEN_PARTIAL   16 // characters of it that lists show

struct session {
    uint8_t hash[SHA256_SIZE];
    enum session_type type;
    char *user;
    char *token_name; // NULL = none
    char partial[TOKEN_PARTIAL + 1];
    uint64_t created_ms; // Unix time, as all here
    uint64_t last_seen_ms;
    char remote[64];  // address of last use
    char *user_agent; // NULL = none
    bool is_dirty;    // last use is not on disk yet
    struct session *next;
};

// Login times of a user on this node; 0 = never.
struct session_logins {
    uint64_t recent_ms;
    char recent_remote[64];
    uint64_t previous_ms;
    char previous_remote[64];
};

struct session_store;
// Idle seconds after which a user's sessions end; 0 = never.
typedef uint64_t (*session_timeout_fn)(void *ctx, const char *user);
// A damaged file is put aside (sessions.db.bad) and everybody logs in again.
NODISCARD enum err session_store_open(struct event_base *base, const char *state_dir,
                                      session_timeout_fn timeout, void *ctx,
                                      struct session_store **out, struct errmsg *e);
void session_store_close(struct session_store *store);

void session_token_new(char token[TOKEN_TEXT_SIZE]);
void session_token_hash(const char *token, uint8_t hash[SHA256_SIZE]);

struct session_new {
    enum session_type type;
    const char *user;
    const char *token_name; // NULL
    const char *remote;
    const char *user_agent; // NULL
};
// A new session; its token is written to `token`. ERR_NO_SPACE, ERR_IO.
NODISCARD enum err session_create(struct session_store *store, const struct session_new *fresh,
                                  char token[TOKEN_TEXT_SIZE], struct errmsg *e);
// The note of an API token's use, made on its first one here.
struct session *session_adopt(struct session_store *store, const uint8_t hash[SHA256_SIZE],
                              const struct session_new *fresh, const char *partial);

// The living session of a hash; NULL = none. Expired ones are removed.
struct session *session_find(struct session_store *store, const uint8_t hash[SHA256_SIZE]);
void session_touch(struct session_store *store, struct session *s, const char *remote,
                   const char *user_agent);
void session_remove(struct session_store *store, struct session *s);
// Removes a user's sessions of the types in `types` (bits 1u << type), but `except` (may be NULL).
void session_remove_user(struct session_store *store, const char *user, unsigned types,
                         const struct session *except);
// A user was renamed.
void session_rename_user(struct session_store *store, const char *from, const char *to);
typedef void (*session_fn)(void *ctx, struct session *s);
void session_each(struct session_store *store, session_fn fn, void *ctx);

void session_logged_in(struct session_store *store, const char *user, const char *remote);
void session_logins(struct session_store *store, const char *user, struct session_logins *out);
