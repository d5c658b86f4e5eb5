// Calls about the caller: first set-up, login, logout, session, tokens, profile.

#include <stdio.h>
#include <string.h>

#include "common/app/app.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/view.h"

#define TOKEN_NAME_MAX 255

// ---- the session's answer ----------------------------------------------------------------------

static json_t *session_members(const struct api_call *call)
{
    json_t *o = json_object();
    const struct account *account = &call->account;
    if (call->has_session && call->session_type == SESSION_API_TOKEN) {
        struct session *s = session_find(call->api->sessions, call->session_hash);
        json_object_set_new(o, "username", json_text(account->name));
        json_object_set_new(o, "tokenName",
                            s == NULL || s->token_name == NULL ? json_null()
                                                               : json_text(s->token_name));
    } else {
        json_object_set_new(o, "displayName",
                            json_text(call->is_administrator ? "local" : account->display));
        json_object_set_new(o, "username", json_text(call_actor(call)));
        json_object_set_new(o, "isSsoUser", json_false());
        json_object_set_new(o, "totpEnabled", json_boolean(account->totp[0] != 0));
    }
    json_object_set_new(o, "token", json_string(call->token));
    return o;
}

static void answer_with_info(struct api_call *call, const Clusterd__StateReply *state)
{
    const struct settings *s = call->api->settings;
    json_t *info = json_object();
    json_object_set_new(info, "version", json_string(app_version));
    json_object_set_new(info, "uptimestamp", json_time_ms(call->api->up_since_ms));
    json_object_set_new(info, "dnsServerDomain", json_text(s->dns_server_domain));
    json_object_set_new(info, "defaultRecordTtl", json_integer(s->default_record_ttl));
    json_object_set_new(info, "defaultNsRecordTtl", json_integer(s->default_ns_record_ttl));
    json_object_set_new(info, "defaultSoaRecordTtl", json_integer(s->default_soa_record_ttl));
    json_object_set_new(info, "useSoaSerialDateScheme",
                        json_boolean(s->use_soa_serial_date_scheme));
    json_object_set_new(info, "dnssecValidation", json_boolean(s->dnssec_validation));
    view_add_cluster(call, info, state);
    json_object_set_new(info, "permissions", view_rights(call));
    json_t *o = session_members(call);
    json_object_set_new(o, "info", info);
    call_ok(call, o);
}

void user_session_get(struct api_call *call)
{
    view_cluster(call, answer_with_info);
}

// ---- login -------------------------------------------------------------------------------------

static void set_cookie(struct api_call *call, const char *token)
{
    if (web_request_header(call->request, "x-trellis") != NULL) {
        snprintf(call->cookie, sizeof call->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                 SESSION_COOKIE, token, call->request->is_tls ? "; Secure" : "",
                 token[0] == 0 ? "; Max-Age=0" : "");
    }
}

// Makes a session for call->account; false = answered with an error.
static bool open_session(struct api_call *call)
{
    struct session_new fresh = {.type = SESSION_STANDARD,
                                .user = call->account.name,
                                .remote = call->client_text,
                                .user_agent = web_request_header(call->request, "user-agent")};
    struct errmsg e = {0};
    if (session_create(call->api->sessions, &fresh, call->token, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return false;
    }
    session_logged_in(call->api->sessions, call->account.name, call->client_text);
    session_token_hash(call->token, call->session_hash);
    call->has_session = true;
    call->session_type = SESSION_STANDARD;
    call->is_authenticated = true;
    set_cookie(call, call->token);
    log_info("logged in", F_STR("user", call->account.name), F_STR("address", call->client_text));
    return true;
}

static void answer_login(struct api_call *call)
{
    bool include_info = false;
    if (!call_bool(call, "includeInfo", &include_info)) {
        return;
    }
    if (!open_session(call)) {
        return;
    }
    if (include_info) {
        view_cluster(call, answer_with_info);
    } else {
        call_ok(call, session_members(call));
    }
}

// What a refused login answers; true = it was right and call->account is the user.
static bool take_login(struct api_call *call, enum login_result result, const char *user)
{
    if (result == LOGIN_NEEDS_CODE) {
        call_fail_status(call, "2fa-required", login_text(result));
        return false;
    }
    if (result != LOGIN_OK) {
        call_fail(call, ERR_DENIED, "%s", login_text(result));
        return false;
    }
    account_fini(&call->account);
    if (!account_load(api_map(call->api), user, &call->account)) {
        call_fail(call, ERR_DENIED, "%s", login_text(LOGIN_REFUSED));
        return false;
    }
    return true;
}

static void on_login(void *ctx, enum login_result result, const char *user)
{
    struct api_call *call = ctx;
    if (take_login(call, result, user)) {
        answer_login(call);
    }
}

static void check_login(struct api_call *call, login_fn fn)
{
    struct login_request request = {.code = call_text(call, "totp"), .source = &call->client};
    if (call_need(call, "user", NULL, &request.user) &&
        call_need(call, "pass", NULL, &request.password)) {
        login_check(call->api->login, &request, fn, call);
    }
}

void user_login(struct api_call *call)
{
    check_login(call, on_login);
}

void user_logout(struct api_call *call)
{
    if (call->has_session) {
        struct session *s = session_find(call->api->sessions, call->session_hash);
        if (s != NULL && s->type != SESSION_API_TOKEN) {
            session_remove(call->api->sessions, s);
        }
    }
    set_cookie(call, "");
    call_ok(call, NULL);
}

// ---- first set-up ------------------------------------------------------------------------------

void user_setup_status(struct api_call *call)
{
    call_ok(call, json_pack("{s:b}", "setupRequired", setup_is_required(call->api->setup)));
}

static void on_set_up(struct api_call *call)
{
    struct errmsg e = {0};
    if (setup_require(call->api->setup, false, &e) != ERR_OK) {
        log_warn("set-up token not removed", F_ERR(&e));
    }
    log_info("administrator's password set by set-up token", F_STR("address", call->client_text));
    account_fini(&call->account);
    if (!account_load(api_map(call->api), "admin", &call->account)) {
        call_fail(call, ERR_BAD_STATE, "The password is set. Please log in.");
        return;
    }
    answer_login(call);
}

static void on_set_up_hashed(void *ctx, const char *encoded)
{
    struct api_call *call = ctx;
    struct account admin;
    if (encoded == NULL) {
        call_fail(call, ERR_NO_MEMORY, "The password cannot be hashed: out of memory.");
        return;
    }
    if (account_has_administrator(api_map(call->api))) {   // two at the same time
        call_fail(call, ERR_BAD_STATE, "The administrator's password has been chosen already.");
        return;
    }
    if (!account_load(api_map(call->api), "admin", &admin)) {
        admin.object = json_pack("{s:s,s:b,s:[s]}", "displayName", "Administrator", "disabled", 0,
                                 "groups", GROUP_ADMINISTRATORS);
    }
    json_object_set_new(admin.object, "passwordHash", json_string(encoded));
    account_set_member(&admin, GROUP_ADMINISTRATORS, true);
    json_object_set_new(admin.object, "disabled", json_false());
    struct commit *commit = commit_new(call, "set the password of admin by set-up token");
    commit_guard(commit);
    commit_set_object(commit, "users", "admin", admin.object);
    account_fini(&admin);
    memcpy(call->account.name, "admin", sizeof "admin");
    commit_send(commit, on_set_up);
}

static bool is_good_password(struct api_call *call, const char *name, const char *password)
{
    if (strlen(password) > PASSWORD_MAX) {
        call_fail(call, ERR_INVALID, "Parameter '%s' is longer than %d bytes.", name, PASSWORD_MAX);
        return false;
    }
    return true;
}

// The delay and the block of failed logins hold for wrong set-up tokens too.
static void on_setup_refused(void *ctx, enum login_result result, const char *user)
{
    struct api_call *call = ctx;
    (void)user;
    const char *text = result == LOGIN_BLOCKED ? login_text(result) : "Invalid set-up token.";
    call_fail(call, ERR_DENIED, "%s", text);
}

void user_setup(struct api_call *call)
{
    const char *token = NULL;
    const char *password = NULL;
    if (!call_need(call, "token", NULL, &token) || !call_need(call, "pass", NULL, &password) ||
        !is_good_password(call, "pass", password)) {
        return;
    }
    if (!setup_is_required(call->api->setup)) {
        call_fail(call, ERR_BAD_STATE, "The administrator's password has been chosen already.");
        return;
    }
    if (!setup_check(call->api->setup, token)) {
        struct login_request request = {.user = "", .password = "", .source = &call->client};
        login_check(call->api->login, &request, on_setup_refused, call);
        return;
    }
    if (password_hash(call->api->passwords, password, on_set_up_hashed, call) != ERR_OK) {
        call_fail(call, ERR_BUSY, "%s", login_text(LOGIN_BUSY));
    }
}

// ---- tokens ------------------------------------------------------------------------------------

static void on_token_stored(struct api_call *call)
{
    json_t *o = json_object();
    const char *user = call->state;
    json_object_set_new(o, "username", json_text(user));
    json_object_set_new(o, "tokenName", json_text(call_text(call, "tokenName")));
    json_object_set_new(o, "token", json_string(call->token));
    call_ok(call, o);
}

void token_create(struct api_call *call, const char *user)
{
    const char *name = NULL;
    if (!call_need(call, "tokenName", NULL, &name)) {
        return;
    }
    if (strlen(name) > TOKEN_NAME_MAX) {
        call_fail(call, ERR_INVALID, "Parameter 'tokenName' is longer than %d characters.",
                  TOKEN_NAME_MAX);
        return;
    }
    uint8_t hash[SHA256_SIZE];
    char key[SHA256_SIZE * 2 + 1];
    char partial[TOKEN_PARTIAL + 1];
    session_token_new(call->token);
    session_token_hash(call->token, hash);
    str_hex(key, hash, sizeof hash);
    snprintf(partial, sizeof partial, "%.*s", TOKEN_PARTIAL, call->token);
    json_t *o = json_object();
    json_object_set_new(o, "user", json_text(user));
    json_object_set_new(o, "name", json_text(name));
    json_object_set_new(o, "created", json_integer((json_int_t)clock_unix_s()));
    json_object_set_new(o, "partial", json_string(partial));
    call->state = arena_strdup(call->arena, user);
    struct commit *commit = commit_new(call, "create API token %s for %s", name, user);
    commit_set_object(commit, "tokens", key, o);
    json_decref(o);
    commit_send(commit, on_token_stored);
}

static void on_token_login(void *ctx, enum login_result result, const char *user)
{
    struct api_call *call = ctx;
    if (take_login(call, result, user)) {
        token_create(call, call->account.name);
    }
}

void user_create_token(struct api_call *call)
{
    if (!call->is_authenticated) {
        check_login(call, on_token_login);
    } else if (call->is_administrator) {
        call_fail(call, ERR_INVALID,
                  "The local administrator is no user: see admin/sessions/createToken.");
    } else if (call->has_session && call->session_type != SESSION_STANDARD) {
        call_fail(call, ERR_DENIED, "Access was denied: this call takes no API tokens.");
    } else {
        token_create(call, call->account.name);
    }
}

void user_create_single_use_token(struct api_call *call)
{
    struct session_new fresh = {
        .type = SESSION_SINGLE_USE, .user = call->account.name, .remote = call->client_text};
    char token[TOKEN_TEXT_SIZE];
    struct errmsg e = {0};
    if (session_create(call->api->sessions, &fresh, token, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "username", json_text(call->account.name));
    json_object_set_new(o, "token", json_string(token));
    call_ok(call, o);
}

// ---- ending sessions ---------------------------------------------------------------------------

struct partial_search {
    const struct api_call *call;
    const char *partial;
    const char *user; // NULL = anybody's
    struct session *found;
    char token_key[CONF_PATH_MAX]; // of an API token; "" = none
};

static void match_session(void *ctx, struct session *s)
{
    struct partial_search *search = ctx;
    if (strcmp(s->partial, search->partial) == 0 &&
        (search->user == NULL || strcmp(s->user, search->user) == 0)) {
        search->found = s;
    }
}

static bool match_token(void *ctx, const char *path, const char *json)
{
    struct partial_search *search = ctx;
    json_t *token = json_loads(json, 0, NULL);
    const char *partial = json_string_value(json_object_get(token, "partial"));
    const char *user = json_string_value(json_object_get(token, "user"));
    bool is_match = partial != NULL && user != NULL && strcmp(partial, search->partial) == 0 &&
                    (search->user == NULL || strcmp(user, search->user) == 0);
    if (is_match && conf_path_key(path, search->token_key, sizeof search->token_key) != ERR_OK) {
        search->token_key[0] = 0;
    }
    json_decref(token);
    return !is_match;
}

void session_end(struct api_call *call, const char *user)
{
    const char *given = NULL;
    char partial[TOKEN_PARTIAL + 1];
    if (!call_need(call, "partialToken", NULL, &given)) {
        return;
    }
    snprintf(partial, sizeof partial, "%s", given);
    struct partial_search search = {.call = call, .partial = partial, .user = user};
    session_each(call->api->sessions, match_session, &search);
    conf_map_each(api_map(call->api), "tokens/", match_token, &search);
    bool is_own = call->has_session && strncmp(call->token, partial, TOKEN_PARTIAL) == 0;
    if (is_own) {
        call_fail(call, ERR_BAD_STATE, "Invalid operation: cannot delete the session in use.");
    } else if (search.token_key[0] != 0) {
        struct commit *commit = commit_new(call, "delete API token %s", partial);
        commit_delete_object(commit, "tokens", search.token_key);
        commit_send(commit, commit_ok);
    } else if (search.found != NULL) {
        session_remove(call->api->sessions, search.found);
        call_ok(call, NULL);
    } else {
        call_fail(call, ERR_NOT_FOUND, "No such session was found: %s", partial);
    }
}

void user_session_delete(struct api_call *call)
{
    session_end(call, call->account.name);
}

// ---- password and profile ----------------------------------------------------------------------

static void on_password_stored(struct api_call *call)
{
    struct session *own =
        call->has_session ? session_find(call->api->sessions, call->session_hash) : NULL;
    unsigned types = 1u << SESSION_STANDARD | 1u << SESSION_SINGLE_USE;
    session_remove_user(call->api->sessions, call->account.name, types, own);
    call_ok(call, NULL);
}

static void on_password_hashed(void *ctx, const char *encoded)
{
    struct api_call *call = ctx;
    if (encoded == NULL) {
        call_fail(call, ERR_NO_MEMORY, "The password cannot be hashed: out of memory.");
        return;
    }
    json_object_set_new(call->account.object, "passwordHash", json_string(encoded));
    struct commit *commit = commit_new(call, "change the password of %s", call->account.name);
    commit_guard(commit);
    commit_set_object(commit, "users", call->account.name, call->account.object);
    commit_send(commit, on_password_stored);
}

static void on_old_password(void *ctx, enum login_result result, const char *user)
{
    struct api_call *call = ctx;
    if (!take_login(call, result, user)) {
        return;
    }
    if (password_hash(call->api->passwords, call_param(call, "newPass"), on_password_hashed,
                      call) != ERR_OK) {
        call_fail(call, ERR_BUSY, "%s", login_text(LOGIN_BUSY));
    }
}

void user_change_password(struct api_call *call)
{
    const char *fresh = NULL;
    struct login_request request = {.user = call->account.name,
                                    .code = call_text(call, "totp"),
                                    .source = call->is_forwarded ? NULL : &call->client};
    if (call_need(call, "pass", NULL, &request.password) &&
        call_need(call, "newPass", NULL, &fresh) && is_good_password(call, "newPass", fresh)) {
        login_check(call->api->login, &request, on_old_password, call);
    }
}

void user_profile_get(struct api_call *call)
{
    call_ok(call, view_user(call, &call->account, true));
}

static void answer_profile(struct api_call *call)
{
    char name[ACCOUNT_NAME_MAX];
    memcpy(name, call->account.name, sizeof name);
    account_fini(&call->account);
    if (account_load(api_map(call->api), name, &call->account)) {
        call_ok(call, view_user(call, &call->account, true));
    } else {
        call_fail(call, ERR_NOT_FOUND, "No such user exists: %s", name);
    }
}

bool profile_params(struct api_call *call, struct account *account)
{
    const char *display = call_param(call, "displayName");
    uint32_t timeout = account->session_timeout_s;
    if (!call_u32(call, "sessionTimeoutSeconds", 0, ACCOUNT_TIMEOUT_MAX, &timeout)) {
        return false;
    }
    if (display != NULL && strlen(display) >= ACCOUNT_NAME_MAX) {
        call_fail(call, ERR_INVALID, "Parameter 'displayName' is longer than %d bytes.",
                  ACCOUNT_NAME_MAX - 1);
        return false;
    }
    if (display != NULL) {
        json_object_set_new(account->object, "displayName",
                            json_text(display[0] == 0 ? account->name : display));
    }
    timeout = timeout > 0 && timeout < 60 ? 60 : timeout;
    json_object_set_new(account->object, "sessionTimeoutSeconds", json_integer(timeout));
    return true;
}

void user_profile_set(struct api_call *call)
{
    if (!profile_params(call, &call->account)) {
        return;
    }
    struct commit *commit = commit_new(call, "change the profile of %s", call->account.name);
    commit_guard(commit);
    commit_set_object(commit, "users", call->account.name, call->account.object);
    commit_send(commit, answer_profile);
}
