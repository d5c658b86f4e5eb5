// settings/get, settings/set.

#include <string.h>

#include "common/app/app.h"
#include "common/base/mem.h"
#include "common/conf/setting_edit.h"
#include "webd/api/commit.h"
#include "webd/api/forward.h"
#include "webd/api/handlers.h"
#include "webd/api/view.h"

static void answer_settings(struct api_call *call, const Clusterd__StateReply *state)
{
    json_t *o = json_object();
    json_object_set_new(o, "version", json_string(app_version));
    json_object_set_new(o, "uptimestamp", json_time_ms(call->api->up_since_ms));
    view_add_cluster(call, o, state);
    json_t *values = settings_get_json(call->api->settings);
    json_object_update(o, values);
    json_decref(values);
    call_ok(call, o);
}

void setting_get_all(struct api_call *call)
{
    view_cluster(call, answer_settings);
}

// ---- set ---------------------------------------------------------------------------------------

// Marks what a secondary passes on: the keys of the cluster only.
#define SCOPE_PARAMETER "trellisClusterScope"

enum scope_wanted { WANT_ALL, WANT_NODE, WANT_CLUSTER };

struct changes {
    struct commit *commit;
    enum scope_wanted wanted;
    size_t cluster_count; // left out or not
};

static void add_change(void *ctx, const char *path, const char *json)
{
    struct changes *changes = ctx;
    const char *slash = strchr(path, '/');
    bool is_setting = strncmp(path, "settings/", 9) == 0;
    const struct setting *row = is_setting ? setting_find(slash + 1) : NULL;
    bool is_node = row != NULL && row->scope == SETTING_NODE;
    changes->cluster_count += is_node ? 0 : 1;
    if ((changes->wanted == WANT_NODE && !is_node) ||
        (changes->wanted == WANT_CLUSTER && is_node)) {
        return;
    }
    if (json == NULL) {
        commit_delete(changes->commit, path);
    } else {
        commit_set_text(changes->commit, path, json);
    }
}

static const char *param_of(void *ctx, const char *name)
{
    return call_param(ctx, name);
}

static enum err read_changes(struct api_call *call, struct changes *changes, struct errmsg *e)
{
    const struct web_request *r = call->request;
    const struct settings *now = call->api->settings;
    if (strcmp(r->media_type, "application/json") != 0) {
        return settings_edit_form(now, param_of, call, add_change, changes, e);
    }
    json_error_t where;
    if (r->upload[0] != 0) {
        return err_set(e, ERR_TOO_LARGE, "The JSON body is too large.");
    }
    json_t *body = json_loadb((const char *)r->body, r->body_len, 0, &where);
    if (!json_is_object(body)) {
        json_decref(body);
        return err_set(e, ERR_INVALID, "The JSON body is not an object: %s", where.text);
    }
    enum err err = settings_edit_json(now, body, add_change, changes, e);
    json_decref(body);
    return err;
}

static void answer_set(struct api_call *call)
{
    view_cluster(call, answer_settings);
}

// The cluster's keys, after this node's own.
static void forward_rest(struct api_call *call)
{
    struct errmsg e = {0};
    if (web_params_add(&call->request->params, WEB_PARAM_QUERY, SCOPE_PARAMETER,
                       strlen(SCOPE_PARAMETER), "true", 4, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return;
    }
    call->after_forward = answer_set;
    forward_call(call, "");
}

void setting_set_all(struct api_call *call)
{
    bool is_secondary = call->api->self.role == API_SECONDARY;
    bool is_passed_on = call->is_forwarded && call_param(call, SCOPE_PARAMETER) != NULL;
    struct errmsg e = {0};
    struct changes changes = {.commit = commit_new(call, "change settings"),
                              .wanted = is_passed_on   ? WANT_CLUSTER
                                        : is_secondary ? WANT_NODE
                                                       : WANT_ALL};
    if (read_changes(call, &changes, &e) != ERR_OK) {
        commit_drop(changes.commit);
        call_fail_error(call, &e);
        return;
    }
    bool is_for_primary = is_secondary && changes.cluster_count > 0;
    commit_guard(changes.commit);
    commit_send(changes.commit, is_for_primary ? forward_rest : answer_set);
}

void setting_tsig_names(struct api_call *call)
{
    if (!call_may(call, SECTION_SETTINGS, PERMISSION_VIEW) &&
        !call_may(call, SECTION_ZONES, PERMISSION_MODIFY)) {
        call_fail(call, ERR_DENIED, "Access was denied.");
        return;
    }
    call_ok(call, json_pack("{s:o}", "tsigKeyNames", view_names(call, "tsig")));
}
