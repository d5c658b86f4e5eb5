#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

struct event_base;

/*
 * Password hashes: Argon2id with its parameters in the encoded string. Hashing takes tens of
 * milliseconds and 19 MiB, so a small pool of threads does it and the loop goes on. Called from,
 * and calling back in, the loop's thread.
 */
struct password_pool;

#define PASSWORD_ENCODED_MAX 128
#define PASSWORD_MAX         1024 // bytes of a password; longer ones are refused by the API
#define PASSWORD_QUEUE_MAX   64   // jobs that may wait

NODISCARD enum err password_pool_open(struct event_base *base, struct password_pool **out,
                                      struct errmsg *e);
void password_pool_close(struct password_pool *pool); // callbacks of what is open are dropped

// `encoded` is NULL when hashing failed.
typedef void (*password_hash_fn)(void *ctx, const char *encoded);
// ERR_BUSY: too many wait; `fn` is not called then.
NODISCARD enum err password_hash(struct password_pool *pool, const char *password,
                                 password_hash_fn fn, void *ctx);

typedef void (*password_verify_fn)(void *ctx, bool is_right);
// `encoded` NULL = no such user or no password: the same work is done and the answer is no, so that
// the time tells nothing. ERR_BUSY as above.
NODISCARD enum err password_verify(struct password_pool *pool, const char *encoded,
                                   const char *password, password_verify_fn fn, void *ctx);
