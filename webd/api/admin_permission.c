// Administration of the permissions of sections; zone permissions share the reading of tables.

#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/view.h"

#define ROW_CELLS 4 // name, view, modify, delete

static json_t *stored_permissions(struct api_call *call, enum section section)
{
    char path[CONF_PATH_MAX];
    const char *text = NULL;
    if (conf_path_make("permissions", section_names[section], path, sizeof path) == ERR_OK) {
        text = conf_map_get(api_map(call->api), path);
    }
    json_t *stored = text == NULL ? NULL : json_loads(text, 0, NULL);
    return json_is_object(stored) ? stored : permission_initial(section);
}

static json_t *view_section(struct api_call *call, enum section section)
{
    json_t *stored = stored_permissions(call, section);
    json_t *o = json_object();
    json_object_set_new(o, "section", json_string(section_names[section]));
    view_permissions(o, stored);
    json_decref(stored);
    return o;
}

void admin_permissions_list(struct api_call *call)
{
    json_t *rows = json_array();
    for (int i = 0; i < SECTION_COUNT; i++) {
        json_array_append_new(rows, view_section(call, (enum section)i));
    }
    call_ok(call, json_pack("{s:o}", "permissions", rows));
}

static bool need_section(struct api_call *call, enum section *section)
{
    const char *given = NULL;
    if (!call_need(call, "section", NULL, &given)) {
        return false;
    }
    if (!section_find(given, section)) {
        call_fail(call, ERR_INVALID, "Parameter 'section' has an unknown value: %s", given);
        return false;
    }
    return true;
}

void admin_permissions_get(struct api_call *call)
{
    enum section section;
    bool include = false;
    if (!need_section(call, &section) || !call_bool(call, "includeUsersAndGroups", &include)) {
        return;
    }
    json_t *o = view_section(call, section);
    if (include) {
        json_object_set_new(o, "users", view_names(call, "users"));
        json_object_set_new(o, "groups", view_names(call, "groups"));
    }
    call_ok(call, o);
}

// One table "name|view|modify|delete|name2|…" into {name: "VMD"}; names that are not there are
// passed over. NULL = answered with an error.
static json_t *take_table(struct api_call *call, const char *parameter, const char *kind)
{
    json_t *rows = json_object();
    const char *value = call_param(call, parameter);
    char *at =
        arena_strdup(call->arena, value[0] == 0 || str_equal_nocase(value, "false") ? "" : value);
    while (at[0] != 0) {
        char *cells[ROW_CELLS];
        bool flags[ROW_CELLS] = {false};
        bool is_right = true;
        for (int i = 0; i < ROW_CELLS; i++) {
            char *bar = strchr(at, '|');
            is_right = is_right && (bar != NULL || i == ROW_CELLS - 1);
            cells[i] = at;
            at = bar == NULL ? at + strlen(at) : bar + 1;
            if (bar != NULL) {
                *bar = 0;
            }
            is_right = is_right && (i == 0 || value_bool(cells[i], &flags[i]) == ERR_OK);
        }
        if (!is_right) {
            json_decref(rows);
            call_fail(call, ERR_INVALID, "Parameter '%s' must be rows of name|view|modify|delete.",
                      parameter);
            return NULL;
        }
        char path[CONF_PATH_MAX];
        char text[4];
        permission_to_text((flags[1] ? (unsigned)PERMISSION_VIEW : 0u) |
                               (flags[2] ? (unsigned)PERMISSION_MODIFY : 0u) |
                               (flags[3] ? (unsigned)PERMISSION_DELETE : 0u),
                           text);
        if (conf_path_make(kind, cells[0], path, sizeof path) == ERR_OK &&
            conf_map_get(api_map(call->api), path) != NULL && text[0] != 0) {
            json_object_set_new(rows, cells[0], json_string(text));
        }
    }
    return rows;
}

json_t *permission_rows_take(struct api_call *call, const json_t *stored)
{
    static const char *const parameters[] = {"userPermissions", "groupPermissions"};
    static const char *const members[] = {"users", "groups"};
    json_t *out = json_deep_copy(stored);
    for (int i = 0; i < 2; i++) {
        if (call_param(call, parameters[i]) == NULL) {
            continue;
        }
        json_t *rows = take_table(call, parameters[i], members[i]);
        if (rows == NULL) {
            json_decref(out);
            return NULL;
        }
        json_object_set_new(out, members[i], rows);
    }
    return out;
}

static void answer_section(struct api_call *call)
{
    enum section section;
    if (need_section(call, &section)) {
        call_ok(call, view_section(call, section));
    }
}

void admin_permissions_set(struct api_call *call)
{
    static const char *const built_in[] = {GROUP_ADMINISTRATORS, GROUP_DNS, GROUP_DHCP};
    enum section section;
    if (!need_section(call, &section)) {
        return;
    }
    json_t *stored = stored_permissions(call, section);
    json_t *wanted = permission_rows_take(call, stored);
    json_decref(stored);
    if (wanted == NULL) {
        return;
    }
    json_t *groups = json_object_get(wanted, "groups");
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        unsigned kept = permission_kept(section, built_in[i]);
        if (kept != 0) {
            char text[4];
            permission_to_text(kept, text);
            json_object_set_new(groups, built_in[i], json_string(text));
        }
    }
    struct commit *commit =
        commit_new(call, "change the permissions of %s", section_names[section]);
    commit_guard(commit);
    commit_set_object(commit, "permissions", section_names[section], wanted);
    json_decref(wanted);
    commit_send(commit, answer_section);
}
