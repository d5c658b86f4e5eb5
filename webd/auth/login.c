// The check of a login, step by step: source, password (in the pool), code, the second that a
// failure costs.

#include "webd/auth/login.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "webd/auth/account.h"
#include "webd/auth/attempt.h"
#include "webd/auth/totp.h"

#define FAILURE_DELAY_MS 1000
#define CHECKS_MAX       256 // under way and waiting
#define CODE_STEPS_MAX   256 // accounts whose last code is remembered

struct code_step {
    char user[ACCOUNT_NAME_MAX];
    uint64_t last_step;
};

struct login {
    struct event_base *base;
    struct password_pool *pool;
    login_map_fn map;
    void *map_ctx;
    struct attempt_table *attempts;
    struct code_step steps[CODE_STEPS_MAX];
    size_t step_next;
    struct check *open;
    size_t open_count;
};

struct check {
    struct login *login;
    struct check *next;
    struct check **link;
    char user[ACCOUNT_NAME_MAX];
    char code[16];
    char *password;
    bool has_code;
    bool has_source;  // may be blocked
    bool has_attempt; // to be ended
    bool is_waiting;  // for other attempts of its source to end
    struct sockaddr_storage source;
    enum login_result result;
    struct event *timer;
    login_fn fn;
    void *ctx;
};

const char *login_text(enum login_result result)
{
    switch (result) {
    case LOGIN_OK:
        return NULL;
    case LOGIN_REFUSED:
        return "Invalid username or password.";
    case LOGIN_NEEDS_CODE:
        return "A time-based one-time password (TOTP) is required.";
    case LOGIN_BLOCKED:
        return "Max limit of 5 attempts exceeded. Access is blocked for 300 seconds.";
    case LOGIN_DISABLED:
        return "User account is disabled. Please contact your administrator.";
    case LOGIN_BUSY:
        return "Too many logins are being checked. Please try again.";
    }
    return NULL;
}

struct login *login_new(struct event_base *base, struct password_pool *pool, login_map_fn map,
                        void *map_ctx)
{
    struct login *login = mem_zalloc(sizeof *login);
    login->base = base;
    login->pool = pool;
    login->map = map;
    login->map_ctx = map_ctx;
    login->attempts = attempt_table_new();
    return login;
}

static void check_free(struct check *check)
{
    *check->link = check->next;
    if (check->next != NULL) {
        check->next->link = check->link;
    }
    if (check->timer != NULL) {
        event_free(check->timer);
    }
    check->login->open_count--;
    mem_wipe(check->code, sizeof check->code);
    mem_wipe(check->password, strlen(check->password));
    mem_free(check->password);
    mem_free(check);
}

void login_free(struct login *login)
{
    if (login == NULL) {
        return;
    }
    while (login->open != NULL) {
        check_free(login->open);
    }
    attempt_table_free(login->attempts);
    mem_free(login);
}

static void begin(struct check *check);

// Those that waited for an attempt of their source to end.
static void wake_waiting(struct login *login)
{
    struct check *next = NULL;
    for (struct check *check = login->open; check != NULL; check = next) {
        next = check->next;
        if (check->is_waiting) {
            check->is_waiting = false;
            begin(check);
        }
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct check *check = arg;
    struct login *login = check->login;
    bool had_attempt = check->has_attempt;
    (void)fd;
    (void)what;
    if (had_attempt && attempt_end(login->attempts, &check->source, check->result == LOGIN_REFUSED,
                                   check->result == LOGIN_OK, clock_mono_ms())) {
        log_warn("logins blocked after repeated failures",
                 F_ADDR((const struct sockaddr *)&check->source),
                 F_U64("seconds", ATTEMPT_BLOCK_MS / 1000));
    }
    check->fn(check->ctx, check->result, check->user);
    check_free(check);
    if (had_attempt) {
        wake_waiting(login);
    }
}

static void finish(struct check *check, enum login_result result)
{
    check->result = result;
    if (result == LOGIN_REFUSED && check->has_source) {
        log_warn("login refused", F_STR("user", check->user),
                 F_ADDR((const struct sockaddr *)&check->source));
    }
    struct timeval after = {.tv_usec = 0};
    if (result == LOGIN_REFUSED) {
        after.tv_sec = FAILURE_DELAY_MS / 1000;
    }
    check->timer = event_new(check->login->base, -1, 0, on_timer, check);
    event_add(check->timer, &after);
}

// Where the last code of a user is remembered; the oldest place is reused.
static uint64_t *step_of(struct login *login, const char *user)
{
    for (size_t i = 0; i < CODE_STEPS_MAX; i++) {
        if (strcmp(login->steps[i].user, user) == 0) {
            return &login->steps[i].last_step;
        }
    }
    struct code_step *s = &login->steps[login->step_next++ % CODE_STEPS_MAX];
    *s = (struct code_step){0};
    memcpy(s->user, user, strlen(user) + 1);
    return &s->last_step;
}

static void on_verified(void *ctx, bool is_right)
{
    struct check *check = ctx;
    struct login *login = check->login;
    struct account account;
    if (!is_right || !account_load(login->map(login->map_ctx), check->user, &account)) {
        finish(check, LOGIN_REFUSED);
        return;
    }
    enum login_result result = LOGIN_OK;
    if (account.totp[0] != 0 && !check->has_code) {
        result = LOGIN_NEEDS_CODE;
    } else if (account.totp[0] != 0 && !totp_check(account.totp, check->code, clock_unix_s(),
                                                   step_of(login, check->user))) {
        result = LOGIN_REFUSED;
    } else if (account.is_disabled) {
        result = LOGIN_DISABLED;
    }
    account_fini(&account);
    finish(check, result);
}

static struct check *check_new(struct login *login, const struct login_request *request,
                               login_fn fn, void *ctx)
{
    struct check *check = mem_zalloc(sizeof *check);
    check->login = login;
    check->fn = fn;
    check->ctx = ctx;
    check->next = login->open;
    check->link = &login->open;
    if (check->next != NULL) {
        check->next->link = &check->next;
    }
    login->open = check;
    login->open_count++;
    check->password = mem_strdup(request->password);
    if (!account_name_normalize(request->user, check->user)) {
        check->user[0] = 0;
    }
    check->has_code = request->code != NULL && request->code[0] != 0;
    if (check->has_code && !str_copy(check->code, sizeof check->code, request->code)) {
        check->code[0] = 0;
    }
    check->has_source = request->source != NULL;
    if (check->has_source) {
        check->source = *request->source;
    }
    return check;
}

static void verify(struct check *check)
{
    struct login *login = check->login;
    struct account account;
    bool is_known = account_load(login->map(login->map_ctx), check->user, &account);
    const char *encoded = is_known && account.password[0] != 0 ? account.password : NULL;
    bool is_too_long = strlen(check->password) > PASSWORD_MAX;
    enum err err = password_verify(login->pool, is_too_long ? NULL : encoded,
                                   is_too_long ? "" : check->password, on_verified, check);
    if (is_known) {
        account_fini(&account);
    }
    if (err != ERR_OK) {
        finish(check, LOGIN_BUSY);
    }
}

static void begin(struct check *check)
{
    enum attempt_answer answer = ATTEMPT_GO;
    if (check->has_source) {
        answer = attempt_begin(check->login->attempts, &check->source, clock_mono_ms());
        check->has_attempt = answer == ATTEMPT_GO;
    }
    if (answer == ATTEMPT_BLOCKED) {
        finish(check, LOGIN_BLOCKED);
    } else if (answer == ATTEMPT_WAIT) {
        check->is_waiting = true;
    } else {
        verify(check);
    }
}

void login_check(struct login *login, const struct login_request *request, login_fn fn, void *ctx)
{
    struct check *check = check_new(login, request, fn, ctx);
    if (login->open_count > CHECKS_MAX) {
        finish(check, LOGIN_BUSY);
    } else {
        begin(check);
    }
}
