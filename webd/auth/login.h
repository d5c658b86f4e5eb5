#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "common/conf/map.h"
#include "webd/auth/password.h"

struct event_base;

/*
 * The check of user name, password and one-time code, with everything around it: failures block the
 * source and cost a second each, unknown users take as long as known ones. Loop's thread.
 */
enum login_result {
    LOGIN_OK,
    LOGIN_REFUSED,    // wrong user, password or code; which is not told
    LOGIN_NEEDS_CODE, // the password is right, the account has a second factor
    LOGIN_BLOCKED,    // too many failures from this source
    LOGIN_DISABLED,   // right password of a disabled user
    LOGIN_BUSY,       // too many checks wait
};
// What the API says for each; NULL for LOGIN_OK.
const char *login_text(enum login_result result);

struct login;
typedef const struct conf_map *(*login_map_fn)(void *ctx);
struct login *login_new(struct event_base *base, struct password_pool *pool, login_map_fn map,
                        void *map_ctx);
void login_free(struct login *login);

struct login_request {
    const char *user;
    const char *password;
    const char *code;                      // NULL = none given
    const struct sockaddr_storage *source; // NULL = local: never blocked
};
// `user` is the account's name. Called once, never from inside.
typedef void (*login_fn)(void *ctx, enum login_result result, const char *user);
void login_check(struct login *login, const struct login_request *request, login_fn fn, void *ctx);
