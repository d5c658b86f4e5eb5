// Administration of sessions and users.

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/view.h"

// ---- sessions ----------------------------------------------------------------------------------

void admin_sessions_list(struct api_call *call)
{
    call_ok(call, json_pack("{s:o}", "sessions", view_sessions(call, NULL)));
}

// The user of a parameter, loaded; false = answered.
static bool need_user(struct api_call *call, struct account *out)
{
    const char *given = NULL;
    char name[ACCOUNT_NAME_MAX];
    if (!call_need(call, "user", NULL, &given)) {
        return false;
    }
    if (!account_name_normalize(given, name) || !account_load(api_map(call->api), name, out)) {
        call_fail(call, ERR_NOT_FOUND, "No such user exists: %s", given);
        return false;
    }
    return true;
}

void admin_sessions_create_token(struct api_call *call)
{
    struct account account;
    if (need_user(call, &account)) {
        token_create(call, account.name);
        account_fini(&account);
    }
}

void admin_sessions_delete(struct api_call *call)
{
    session_end(call, NULL);
}

// ---- users -------------------------------------------------------------------------------------

struct user_listing {
    struct api_call *call;
    json_t *users;
};

static bool add_user(void *ctx, const char *path, const char *json)
{
    struct user_listing *listing = ctx;
    char name[CONF_PATH_MAX];
    struct account account;
    (void)json;
    if (conf_path_key(path, name, sizeof name) == ERR_OK &&
        account_load(api_map(listing->call->api), name, &account)) {
        json_array_append_new(listing->users, view_user(listing->call, &account, false));
        account_fini(&account);
    }
    return true;
}

void admin_users_list(struct api_call *call)
{
    struct user_listing listing = {.call = call, .users = json_array()};
    conf_map_each(api_map(call->api), "users/", add_user, &listing);
    call_ok(call, json_pack("{s:o}", "users", listing.users));
}

void admin_users_get(struct api_call *call)
{
    struct account account;
    bool include_groups = false;
    if (!call_bool(call, "includeGroups", &include_groups) || !need_user(call, &account)) {
        return;
    }
    json_t *o = view_user(call, &account, true);
    if (include_groups) {
        json_object_set_new(o, "groups", view_names(call, "groups"));
    }
    account_fini(&account);
    call_ok(call, o);
}

// A change of a user under way; call->state.
struct user_change {
    struct api_call *call;
    struct account account;
    char name[ACCOUNT_NAME_MAX]; // after it
    bool is_new;
    bool ends_sessions;
};

static void change_free(void *state)
{
    struct user_change *change = state;
    account_fini(&change->account);
    mem_free(change);
}

static void answer_user(struct api_call *call)
{
    struct user_change *change = call->state;
    struct account account;
    if (strcmp(change->name, change->account.name) != 0) {
        session_rename_user(call->api->sessions, change->account.name, change->name);
    }
    if (change->ends_sessions) {
        session_remove_user(call->api->sessions, change->name,
                            1u << SESSION_STANDARD | 1u << SESSION_SINGLE_USE, NULL);
    }
    if (!account_load(api_map(call->api), change->name, &account)) {
        call_fail(call, ERR_NOT_FOUND, "No such user exists: %s", change->name);
        return;
    }
    json_t *o = view_user(call, &account, !change->is_new);
    account_fini(&account);
    call_ok(call, o);
}

// API tokens name their user.
struct token_rename {
    struct commit *commit;
    const char *from;
    const char *to; // NULL = delete
};

static bool rename_token(void *ctx, const char *path, const char *json)
{
    struct token_rename *rename = ctx;
    json_t *token = json_loads(json, 0, NULL);
    const char *user = json_string_value(json_object_get(token, "user"));
    if (user != NULL && strcmp(user, rename->from) == 0) {
        if (rename->to == NULL) {
            commit_delete(rename->commit, path);
        } else {
            json_object_set_new(token, "user", json_text(rename->to));
            commit_set(rename->commit, path, token);
        }
    }
    json_decref(token);
    return true;
}

// Permissions of sections and zones name users too.
struct permission_rename {
    struct commit *commit;
    const char *member; // "users" or "groups"
    const char *from;
    const char *to; // NULL = delete
};

static bool rename_permission(void *ctx, const char *path, const char *json)
{
    struct permission_rename *rename = ctx;
    json_t *object = json_loads(json, 0, NULL);
    json_t *rows = json_object_get(object, rename->member);
    json_t *flags = json_object_get(rows, rename->from);
    if (flags != NULL) {
        if (rename->to != NULL) {
            json_object_set(rows, rename->to, flags);
        }
        json_object_del(rows, rename->from);
        commit_set(rename->commit, path, object);
    }
    json_decref(object);
    return true;
}

void permission_rename_in(struct api_call *call, struct commit *commit, const char *member,
                          const char *from, const char *to)
{
    struct permission_rename rename = {.commit = commit, .member = member, .from = from, .to = to};
    conf_map_each(api_map(call->api), "permissions/", rename_permission, &rename);
    conf_map_each(api_map(call->api), "zonePermissions/", rename_permission, &rename);
}

static void store_user(struct user_change *change)
{
    struct api_call *call = change->call;
    bool is_renamed = strcmp(change->name, change->account.name) != 0;
    struct commit *commit =
        commit_new(call, "%s user %s", change->is_new ? "create" : "change", change->account.name);
    commit_guard(commit);
    commit_set_object(commit, "users", change->name, change->account.object);
    if (change->is_new || is_renamed) {
        commit_must_be_new(commit);
    }
    if (is_renamed) {
        struct token_rename tokens = {
            .commit = commit, .from = change->account.name, .to = change->name};
        commit_delete_object(commit, "users", change->account.name);
        conf_map_each(api_map(call->api), "tokens/", rename_token, &tokens);
        permission_rename_in(call, commit, "users", change->account.name, change->name);
    }
    commit_send(commit, answer_user);
}

static void on_hashed(void *ctx, const char *encoded)
{
    struct user_change *change = ctx;
    if (encoded == NULL) {
        call_fail(change->call, ERR_NO_MEMORY, "The password cannot be hashed: out of memory.");
        return;
    }
    json_object_set_new(change->account.object, "passwordHash", json_string(encoded));
    store_user(change);
}

static void hash_and_store(struct user_change *change, const char *password)
{
    struct api_call *call = change->call;
    if (strlen(password) > PASSWORD_MAX) {
        call_fail(call, ERR_INVALID, "The password is longer than %d bytes.", PASSWORD_MAX);
    } else if (password_hash(call->api->passwords, password, on_hashed, change) != ERR_OK) {
        call_fail(call, ERR_BUSY, "%s", login_text(LOGIN_BUSY));
    }
}

static struct user_change *change_new(struct api_call *call)
{
    struct user_change *change = mem_zalloc(sizeof *change);
    change->call = call;
    call->state = change;
    call->release = change_free;
    return change;
}

void admin_users_create(struct api_call *call)
{
    const char *given = NULL;
    const char *password = NULL;
    const char *display = call_text(call, "displayName");
    struct account same;
    if (!call_need(call, "user", NULL, &given) || !call_need(call, "pass", NULL, &password)) {
        return;
    }
    struct user_change *change = change_new(call);
    change->is_new = true;
    if (!account_name_normalize(given, change->name) ||
        (display != NULL && strlen(display) >= ACCOUNT_NAME_MAX)) {
        call_fail(call, ERR_INVALID, "Username can contain only letters, digits and @ - _ . : %s",
                  given);
        return;
    }
    if (account_load(api_map(call->api), change->name, &same)) {
        account_fini(&same);
        call_fail(call, ERR_EXISTS, "User already exists: %s", change->name);
        return;
    }
    if (conf_map_count_prefix(api_map(call->api), "users/") >= ACCOUNT_COUNT_MAX) {
        call_fail(call, ERR_BAD_STATE, "There cannot be more than %d users.", ACCOUNT_COUNT_MAX);
        return;
    }
    memcpy(change->account.name, change->name, sizeof change->name);
    change->account.object = json_pack(
        "{s:o,s:b,s:i,s:[]}", "displayName", json_text(display == NULL ? change->name : display),
        "disabled", 0, "sessionTimeoutSeconds", (int)ACCOUNT_TIMEOUT_DEFAULT, "groups");
    hash_and_store(change, password);
}

// memberOfGroups; false = answered.
static bool take_groups(struct user_change *change, bool is_self)
{
    struct api_call *call = change->call;
    char **items;
    size_t count;
    bool is_given;
    call_list(call, "memberOfGroups", &items, &count, &is_given);
    if (!is_given) {
        return true;
    }
    bool was_administrator = account_is_member(&change->account, GROUP_ADMINISTRATORS);
    json_object_set_new(change->account.object, "groups", json_array());
    for (size_t i = 0; i < count; i++) {
        char path[CONF_PATH_MAX];
        bool is_known = conf_path_make("groups", items[i], path, sizeof path) == ERR_OK &&
                        conf_map_get(api_map(call->api), path) != NULL;
        if (!is_known) {
            call_fail(call, ERR_NOT_FOUND, "No such group exists: %s", items[i]);
            return false;
        }
        if (!str_equal_nocase(items[i], GROUP_EVERYONE)) {
            account_set_member(&change->account, items[i], true);
        }
    }
    if (is_self && was_administrator) {
        account_set_member(&change->account, GROUP_ADMINISTRATORS, true);
    }
    return true;
}

static bool take_name(struct user_change *change)
{
    struct api_call *call = change->call;
    const char *given = call_text(call, "newUser");
    struct account same;
    memcpy(change->name, change->account.name, sizeof change->name);
    if (given == NULL) {
        return true;
    }
    if (!account_name_normalize(given, change->name)) {
        call_fail(call, ERR_INVALID, "Username can contain only letters, digits and @ - _ . : %s",
                  given);
        return false;
    }
    if (strcmp(change->name, change->account.name) != 0 &&
        account_load(api_map(call->api), change->name, &same)) {
        account_fini(&same);
        call_fail(call, ERR_EXISTS, "User already exists: %s", change->name);
        return false;
    }
    return true;
}

static bool take_switches(struct user_change *change, bool is_self)
{
    struct api_call *call = change->call;
    bool is_disabled = change->account.is_disabled;
    bool has_code = false;
    if (!call_bool(call, "disabled", &is_disabled) || !call_bool(call, "totpEnabled", &has_code)) {
        return false;
    }
    if (has_code) {
        call_fail(call, ERR_INVALID, "Two-factor authentication can be enabled only by the user.");
        return false;
    }
    if (call_text(call, "totpEnabled") != NULL) {
        json_object_del(change->account.object, "totpSecret");
    }
    if (is_disabled && is_self) {
        call_fail(call, ERR_BAD_STATE, "Users cannot disable themselves.");
        return false;
    }
    change->ends_sessions = is_disabled && !change->account.is_disabled;
    json_object_set_new(change->account.object, "disabled", json_boolean(is_disabled));
    return true;
}

void admin_users_set(struct api_call *call)
{
    struct account account;
    if (!need_user(call, &account)) {
        return;
    }
    struct user_change *change = change_new(call);
    change->account = account;
    bool is_self = !call->is_administrator && strcmp(account.name, call->account.name) == 0;
    if (!take_name(change) || !profile_params(call, &change->account) ||
        !take_groups(change, is_self) || !take_switches(change, is_self)) {
        return;
    }
    const char *password = call_text(call, "newPass");
    if (password != NULL) {
        change->ends_sessions = !is_self;
        hash_and_store(change, password);
        return;
    }
    store_user(change);
}

static void on_user_deleted(struct api_call *call)
{
    const char *user = call->state;
    session_remove_user(call->api->sessions, user, ~0u, NULL);
    call_ok(call, NULL);
}

void admin_users_delete(struct api_call *call)
{
    struct account account;
    if (!need_user(call, &account)) {
        return;
    }
    char *name = arena_strdup(call->arena, account.name);
    account_fini(&account);
    if (!call->is_administrator && strcmp(name, call->account.name) == 0) {
        call_fail(call, ERR_BAD_STATE, "Users cannot delete themselves.");
        return;
    }
    struct commit *commit = commit_new(call, "delete user %s", name);
    struct token_rename tokens = {.commit = commit, .from = name};
    commit_delete_object(commit, "users", name);
    conf_map_each(api_map(call->api), "tokens/", rename_token, &tokens);
    permission_rename_in(call, commit, "users", name, NULL);
    call->state = name;
    commit_send(commit, on_user_deleted);
}
