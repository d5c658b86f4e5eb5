// Administration of groups. Members are kept with the users.

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/route.h"
#include "webd/api/view.h"

#define TEXT_MAX 255

// The stored object of a group (new reference, `name` as stored); NULL = there is none.
struct group_search {
    const char *given;
    char *name;
    size_t size;
    json_t *found;
};

static bool match_group(void *ctx, const char *path, const char *json)
{
    struct group_search *search = ctx;
    char key[CONF_PATH_MAX];
    if (conf_path_key(path, key, sizeof key) == ERR_OK && str_equal_nocase(key, search->given)) {
        search->found = json_loads(json, 0, NULL);
        snprintf(search->name, search->size, "%s", key);
        return false;
    }
    return true;
}

static json_t *find_group(struct api_call *call, const char *given, char *name, size_t size)
{
    struct group_search search = {.given = given, .name = name, .size = size};
    conf_map_each(api_map(call->api), "groups/", match_group, &search);
    return search.found;
}

static json_t *need_group(struct api_call *call, char *name, size_t size)
{
    const char *given = NULL;
    if (!call_need(call, "group", NULL, &given)) {
        return NULL;
    }
    json_t *group = find_group(call, given, name, size);
    if (group == NULL) {
        call_fail(call, ERR_NOT_FOUND, "No such group exists: %s", given);
    }
    return group;
}

static json_t *view_group(const char *name, const json_t *stored)
{
    const char *description = json_string_value(json_object_get(stored, "description"));
    return json_pack("{s:s,s:o}", "name", name, "description",
                     json_text(description == NULL ? "" : description));
}

// ---- list and get ------------------------------------------------------------------------------

static bool add_group(void *ctx, const char *path, const char *json)
{
    char key[CONF_PATH_MAX];
    if (conf_path_key(path, key, sizeof key) == ERR_OK && !str_equal_nocase(key, GROUP_EVERYONE)) {
        json_t *stored = json_loads(json, 0, NULL);
        json_array_append_new(ctx, view_group(key, stored));
        json_decref(stored);
    }
    return true;
}

void admin_groups_list(struct api_call *call)
{
    json_t *groups = json_array();
    conf_map_each(api_map(call->api), "groups/", add_group, groups);
    call_ok(call, json_pack("{s:o}", "groups", groups));
}

struct member_walk {
    struct api_call *call;
    const char *group;
    json_t *members;       // get
    struct commit *commit; // set: what changes
    const char *new_name;  // NULL = the group goes
    char **wanted;         // set: members; NULL = as they are
    size_t wanted_count;
};

static bool add_member(void *ctx, const char *path, const char *json)
{
    struct member_walk *walk = ctx;
    char key[CONF_PATH_MAX];
    struct account account;
    (void)json;
    if (conf_path_key(path, key, sizeof key) == ERR_OK &&
        account_load(api_map(walk->call->api), key, &account)) {
        if (account_is_member(&account, walk->group)) {
            json_array_append_new(walk->members, json_text(account.name));
        }
        account_fini(&account);
    }
    return true;
}

static json_t *view_details(struct api_call *call, const char *name, const json_t *stored)
{
    struct member_walk walk = {.call = call, .group = name, .members = json_array()};
    conf_map_each(api_map(call->api), "users/", add_member, &walk);
    json_t *o = view_group(name, stored);
    json_object_set_new(o, "members", walk.members);
    return o;
}

void admin_groups_get(struct api_call *call)
{
    char name[CONF_PATH_MAX];
    bool include_users = false;
    if (!call_bool(call, "includeUsers", &include_users)) {
        return;
    }
    json_t *stored = need_group(call, name, sizeof name);
    if (stored == NULL) {
        return;
    }
    json_t *o = view_details(call, name, stored);
    if (include_users) {
        json_object_set_new(o, "users", view_names(call, "users"));
    }
    json_decref(stored);
    call_ok(call, o);
}

// ---- changes -----------------------------------------------------------------------------------

static bool is_text(struct api_call *call, const char *name, const char *text)
{
    bool is_fine = strlen(text) <= TEXT_MAX && strpbrk(text, "|,/\n\r") == NULL;
    if (!is_fine) {
        call_fail(call, ERR_INVALID,
                  "Parameter '%s' is too long or has a character that cannot be used.", name);
    }
    return is_fine;
}

static void answer_group(struct api_call *call)
{
    char name[CONF_PATH_MAX];
    json_t *stored = find_group(call, call->state, name, sizeof name);
    if (stored == NULL) {
        call_fail(call, ERR_NOT_FOUND, "No such group exists: %s", (const char *)call->state);
        return;
    }
    bool is_new = strcmp(call->route->path, "admin/groups/create") == 0;
    json_t *o = is_new ? view_group(name, stored) : view_details(call, name, stored);
    json_decref(stored);
    call_ok(call, o);
}

void admin_groups_create(struct api_call *call)
{
    const char *name = NULL;
    char same[CONF_PATH_MAX];
    const char *description = call_text(call, "description");
    if (!call_need(call, "group", NULL, &name) || !is_text(call, "group", name)) {
        return;
    }
    json_t *stored = find_group(call, name, same, sizeof same);
    if (stored != NULL) {
        json_decref(stored);
        call_fail(call, ERR_EXISTS, "Group already exists: %s", name);
        return;
    }
    if (conf_map_count_prefix(api_map(call->api), "groups/") >= ACCOUNT_COUNT_MAX) {
        call_fail(call, ERR_BAD_STATE, "There cannot be more than %d groups.", ACCOUNT_COUNT_MAX);
        return;
    }
    json_t *o =
        json_pack("{s:o}", "description", json_text(description == NULL ? "" : description));
    struct commit *commit = commit_new(call, "create group %s", name);
    commit_set_object(commit, "groups", name, o);
    commit_must_be_new(commit);
    json_decref(o);
    call->state = arena_strdup(call->arena, name);
    commit_send(commit, answer_group);
}

static bool is_wanted(const struct member_walk *walk, const struct account *account)
{
    bool is_self =
        !walk->call->is_administrator && strcmp(account->name, walk->call->account.name) == 0;
    bool is_kept = is_self && str_equal_nocase(walk->group, GROUP_ADMINISTRATORS);
    if (walk->wanted == NULL || is_kept) {
        return account_is_member(account, walk->group);
    }
    for (size_t i = 0; i < walk->wanted_count; i++) {
        if (str_equal_nocase(walk->wanted[i], account->name)) {
            return true;
        }
    }
    return false;
}

static bool change_member(void *ctx, const char *path, const char *json)
{
    struct member_walk *walk = ctx;
    char key[CONF_PATH_MAX];
    struct account account;
    (void)json;
    if (conf_path_key(path, key, sizeof key) != ERR_OK ||
        !account_load(api_map(walk->call->api), key, &account)) {
        return true;
    }
    bool was_member = account_is_member(&account, walk->group);
    bool shall_be = walk->new_name != NULL && is_wanted(walk, &account);
    bool is_renamed = walk->new_name != NULL && strcmp(walk->new_name, walk->group) != 0;
    if (was_member != shall_be || (was_member && is_renamed)) {
        account_set_member(&account, walk->group, false);
        if (shall_be) {
            account_set_member(&account, walk->new_name, true);
        }
        commit_set(walk->commit, path, account.object);
    }
    account_fini(&account);
    return true;
}

void admin_groups_set(struct api_call *call)
{
    char name[CONF_PATH_MAX];
    char same[CONF_PATH_MAX];
    const char *new_name = call_text(call, "newGroup");
    const char *description = call_param(call, "description");
    struct member_walk walk = {.call = call, .group = name};
    bool is_given;
    json_t *stored = need_group(call, name, sizeof name);
    if (stored == NULL) {
        return;
    }
    bool is_renamed = new_name != NULL && strcmp(new_name, name) != 0;
    json_t *other = is_renamed ? find_group(call, new_name, same, sizeof same) : NULL;
    bool is_taken = other != NULL && strcmp(same, name) != 0;
    json_decref(other);
    if (is_renamed && (group_is_built_in(name) || is_taken)) {
        json_decref(stored);
        call_fail(call, is_taken ? ERR_EXISTS : ERR_BAD_STATE,
                  is_taken ? "Group already exists: %s" : "A built-in group cannot be renamed: %s",
                  is_taken ? new_name : name);
        return;
    }
    if (is_renamed && !is_text(call, "newGroup", new_name)) {
        json_decref(stored);
        return;
    }
    if (description != NULL) {
        json_object_set_new(stored, "description", json_text(description));
    }
    call_list(call, "members", &walk.wanted, &walk.wanted_count, &is_given);
    if (is_given && walk.wanted == NULL) {
        walk.wanted = arena_alloc(call->arena, sizeof *walk.wanted);
    }
    walk.new_name = is_renamed ? new_name : name;
    walk.commit = commit_new(call, "change group %s", name);
    commit_guard(walk.commit);
    commit_set_object(walk.commit, "groups", walk.new_name, stored);
    json_decref(stored);
    if (is_renamed) {
        commit_delete_object(walk.commit, "groups", name);
        permission_rename_in(call, walk.commit, "groups", name, new_name);
    }
    conf_map_each(api_map(call->api), "users/", change_member, &walk);
    call->state = arena_strdup(call->arena, walk.new_name);
    commit_send(walk.commit, answer_group);
}

void admin_groups_delete(struct api_call *call)
{
    char name[CONF_PATH_MAX];
    json_t *stored = need_group(call, name, sizeof name);
    if (stored == NULL) {
        return;
    }
    json_decref(stored);
    if (group_is_built_in(name)) {
        call_fail(call, ERR_BAD_STATE, "A built-in group cannot be deleted: %s", name);
        return;
    }
    struct member_walk walk = {.call = call, .group = name};
    walk.commit = commit_new(call, "delete group %s", name);
    commit_guard(walk.commit);
    commit_delete_object(walk.commit, "groups", name);
    permission_rename_in(call, walk.commit, "groups", name, NULL);
    conf_map_each(api_map(call->api), "users/", change_member, &walk);
    commit_send(walk.commit, commit_ok);
}
