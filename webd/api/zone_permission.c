// Permissions of single zones: config objects zonePermissions/<zone>.

#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "proto/common.pb-c.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/route.h"
#include "webd/api/view.h"
#include "webd/api/zone_view.h"

// What is stored, with the groups that always have all rights.
static json_t *zone_permissions(struct api_call *call, const char *zone)
{
    char path[CONF_PATH_MAX];
    const char *text = NULL;
    if (conf_path_make("zonePermissions", zone, path, sizeof path) == ERR_OK) {
        text = conf_map_get(api_map(call->api), path);
    }
    json_t *stored = text == NULL ? NULL : json_loads(text, 0, NULL);
    if (!json_is_object(stored)) {
        json_decref(stored);
        stored = json_pack("{s:{},s:{}}", "users", "groups");
    }
    json_t *groups = json_object_get(stored, "groups");
    json_object_set_new(groups, GROUP_ADMINISTRATORS, json_string("VMD"));
    json_object_set_new(groups, GROUP_DNS, json_string("VMD"));
    return stored;
}

static json_t *view_zone_permissions(struct api_call *call, const char *zone)
{
    json_t *stored = zone_permissions(call, zone);
    json_t *o = json_object();
    json_object_set_new(o, "section", json_string(section_names[SECTION_ZONES]));
    json_object_set_new(o, "subItem", json_text(zone));
    view_permissions(o, stored);
    json_decref(stored);
    return o;
}

static void answer(struct api_call *call)
{
    bool include = false;
    if (!call_bool(call, "includeUsersAndGroups", &include)) {
        return;
    }
    json_t *o = view_zone_permissions(call, call->state);
    if (include) {
        json_object_set_new(o, "users", view_names(call, "users"));
        json_object_set_new(o, "groups", view_names(call, "groups"));
    }
    call_ok(call, o);
}

static void store(struct api_call *call)
{
    const char *zone = call->state;
    json_t *stored = zone_permissions(call, zone);
    json_t *wanted = permission_rows_take(call, stored);
    json_decref(stored);
    if (wanted == NULL) {
        return;
    }
    json_t *groups = json_object_get(wanted, "groups");
    json_object_set_new(groups, GROUP_ADMINISTRATORS, json_string("VMD"));
    json_object_set_new(groups, GROUP_DNS, json_string("VMD"));
    struct commit *commit = commit_new(call, "change the permissions of zone %s", zone);
    commit_guard(commit);
    commit_set_object(commit, "zonePermissions", zone, wanted);
    json_decref(wanted);
    commit_send(commit, answer);
}

// The zone must be there.
static void on_options(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (!zone_check(call, reply->error, call->state)) {
        return;
    }
    if (strcmp(call->route->path, "zones/permissions/set") == 0) {
        store(call);
    } else {
        answer(call);
    }
}

static void start(struct api_call *call, unsigned right)
{
    const char *zone = NULL;
    if (!zone_need(call, right, &zone)) {
        return;
    }
    Dnsd__ZoneRequest request;
    dnsd__zone_request__init(&request);
    request.zone = proto_text(zone);
    call->state = request.zone;
    dnsd__zones__get_options(zone_service(call), &request, on_options, call);
}

void zone_permissions_get(struct api_call *call)
{
    start(call, PERMISSION_VIEW);
}

void zone_permissions_set(struct api_call *call)
{
    start(call, PERMISSION_DELETE);
}
