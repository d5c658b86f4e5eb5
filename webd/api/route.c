// The table of routes. Rights and classes as in the API's catalogue; rows of our own are marked.

#include "webd/api/route.h"

#include "webd/api/handlers.h"

#define V PERMISSION_VIEW
#define M PERMISSION_MODIFY
#define D PERMISSION_DELETE

// path, section, right, session, cluster, role, envelope, flags, handler
#define ROW(path_, section_, right_, session_, cluster_, role_, envelope_, flags_, handler_)       \
    {                                                                                              \
        .path = (path_), .section = SECTION_##section_, .permission = (right_),                    \
        .session = SESSION_##session_, .cluster = CLUSTER_##cluster_, .role = ROLE_##role_,        \
        .envelope = ENVELOPE_##envelope_, .flags = (flags_), .handler = (handler_)                 \
    }

const struct route route_table[] = {
    ROW("user/login", NONE, 0, NONE, LOCAL, ANY, FLAT, 0, user_login),
    ROW("user/logout", NONE, 0, NONE, LOCAL, ANY, FLAT, 0, user_logout),
    ROW("user/setup", NONE, 0, NONE, LOCAL, ANY, FLAT, ROUTE_OURS | ROUTE_POST_ONLY, user_setup),
    ROW("user/setupStatus", NONE, 0, NONE, LOCAL, ANY, WRAPPED, ROUTE_OURS, user_setup_status),
    ROW("user/createToken", NONE, 0, NONE, PRIMARY, ANY, FLAT, 0, user_create_token),
    ROW("user/createSingleUseToken", NONE, 0, STANDARD_ONLY, ANY_NODE, ANY, WRAPPED, 0,
        user_create_single_use_token),
    ROW("user/session/get", NONE, 0, ANY, LOCAL, ANY, FLAT, 0, user_session_get),
    ROW("user/session/delete", NONE, 0, ANY, LOCAL, ANY, WRAPPED, 0, user_session_delete),
    ROW("user/changePassword", NONE, 0, STANDARD_ONLY, PRIMARY, ANY, WRAPPED, 0,
        user_change_password),
    ROW("user/profile/get", NONE, 0, ANY, ANY_NODE, ANY, WRAPPED, 0, user_profile_get),
    ROW("user/profile/set", NONE, 0, STANDARD_ONLY, PRIMARY, ANY, WRAPPED, 0, user_profile_set),

    ROW("zones/list", ZONES, V, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_list),
    ROW("zones/catalogs/list", ZONES, V, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_catalogs),
    ROW("zones/create", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, ROUTE_UPLOAD, zone_create),
    ROW("zones/import", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, ROUTE_UPLOAD, zone_import),
    ROW("zones/export", ZONES, V, ANY, ANY_NODE, ANY, BINARY, 0, zone_export),
    ROW("zones/enable", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_enable),
    ROW("zones/disable", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_disable),
    ROW("zones/delete", ZONES, D, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_delete),
    ROW("zones/resync", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_resync),
    ROW("zones/options/get", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_options_get),
    ROW("zones/options/set", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_options_set),
    ROW("zones/permissions/get", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_permissions_get),
    ROW("zones/permissions/set", ZONES, M, ANY, ANY_NODE, ANY, WRAPPED, 0, zone_permissions_set),
    ROW("zones/records/add", NONE, 0, ANY, ANY_NODE, ANY, WRAPPED, 0, record_add),
    ROW("zones/records/get", NONE, 0, ANY, ANY_NODE, ANY, WRAPPED, 0, record_get),
    ROW("zones/records/update", NONE, 0, ANY, ANY_NODE, ANY, WRAPPED, 0, record_update),
    ROW("zones/records/delete", NONE, 0, ANY, ANY_NODE, ANY, WRAPPED, 0, record_delete),

    ROW("allowed/list", ALLOWED, V, ANY, ANY_NODE, ANY, WRAPPED, 0, allowed_list),
    ROW("allowed/add", ALLOWED, M, ANY, PRIMARY, ANY, WRAPPED, 0, allowed_add),
    ROW("allowed/delete", ALLOWED, D, ANY, PRIMARY, ANY, WRAPPED, 0, allowed_delete),
    ROW("allowed/flush", ALLOWED, D, ANY, PRIMARY, ANY, WRAPPED, 0, allowed_flush),
    ROW("allowed/import", ALLOWED, M, ANY, PRIMARY, ANY, WRAPPED, 0, allowed_import),
    ROW("allowed/export", ALLOWED, V, ANY, ANY_NODE, ANY, BINARY, 0, allowed_export),
    ROW("blocked/list", BLOCKED, V, ANY, ANY_NODE, ANY, WRAPPED, 0, blocked_list),
    ROW("blocked/add", BLOCKED, M, ANY, PRIMARY, ANY, WRAPPED, 0, blocked_add),
    ROW("blocked/delete", BLOCKED, D, ANY, PRIMARY, ANY, WRAPPED, 0, blocked_delete),
    ROW("blocked/flush", BLOCKED, D, ANY, PRIMARY, ANY, WRAPPED, 0, blocked_flush),
    ROW("blocked/import", BLOCKED, M, ANY, PRIMARY, ANY, WRAPPED, 0, blocked_import),
    ROW("blocked/export", BLOCKED, V, ANY, ANY_NODE, ANY, BINARY, 0, blocked_export),

    ROW("settings/get", SETTINGS, V, ANY, ANY_NODE, ANY, WRAPPED, 0, setting_get_all),
    ROW("settings/set", SETTINGS, M, ANY, ANY_NODE, ANY, WRAPPED, 0, setting_set_all),
    ROW("settings/getTsigKeyNames", NONE, 0, ANY, ANY_NODE, ANY, WRAPPED, ROUTE_SECTION_ANY_OF,
        setting_tsig_names),

    ROW("admin/sessions/list", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0,
        admin_sessions_list),
    ROW("admin/sessions/createToken", ADMINISTRATION, M, ANY, PRIMARY, ANY, WRAPPED, 0,
        admin_sessions_create_token),
    ROW("admin/sessions/delete", ADMINISTRATION, D, ANY, ANY_NODE, ANY, WRAPPED, 0,
        admin_sessions_delete),
    ROW("admin/users/list", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0, admin_users_list),
    ROW("admin/users/create", ADMINISTRATION, M, ANY, PRIMARY, ANY, WRAPPED, 0, admin_users_create),
    ROW("admin/users/get", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0, admin_users_get),
    ROW("admin/users/set", ADMINISTRATION, M, ANY, PRIMARY, ANY, WRAPPED, 0, admin_users_set),
    ROW("admin/users/delete", ADMINISTRATION, D, ANY, PRIMARY, ANY, WRAPPED, 0, admin_users_delete),
    ROW("admin/groups/list", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0, admin_groups_list),
    ROW("admin/groups/create", ADMINISTRATION, M, ANY, PRIMARY, ANY, WRAPPED, 0,
        admin_groups_create),
    ROW("admin/groups/get", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0, admin_groups_get),
    ROW("admin/groups/set", ADMINISTRATION, M, ANY, PRIMARY, ANY, WRAPPED, 0, admin_groups_set),
    ROW("admin/groups/delete", ADMINISTRATION, D, ANY, PRIMARY, ANY, WRAPPED, 0,
        admin_groups_delete),
    ROW("admin/permissions/list", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0,
        admin_permissions_list),
    ROW("admin/permissions/get", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0,
        admin_permissions_get),
    ROW("admin/permissions/set", ADMINISTRATION, D, ANY, ANY_NODE, PRIMARY, WRAPPED, 0,
        admin_permissions_set),

    ROW("admin/cluster/state", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, 0, cluster_state),
    ROW("admin/cluster/init", ADMINISTRATION, D, ANY, ANY_NODE, ANY, WRAPPED, 0, cluster_init),
    ROW("admin/cluster/initJoin", ADMINISTRATION, D, ANY, ANY_NODE, ANY, WRAPPED, 0,
        cluster_init_join),
    ROW("admin/cluster/task", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, ROUTE_OURS,
        cluster_task),
    ROW("admin/cluster/createJoinToken", ADMINISTRATION, D, ANY, ANY_NODE, PRIMARY, WRAPPED,
        ROUTE_OURS, cluster_create_join_token),
    ROW("admin/cluster/primary/setOptions", ADMINISTRATION, M, ANY, ANY_NODE, PRIMARY, WRAPPED, 0,
        cluster_set_options),
    ROW("admin/cluster/primary/removeSecondary", ADMINISTRATION, D, ANY, ANY_NODE, PRIMARY, WRAPPED,
        0, cluster_remove_secondary),
    ROW("admin/cluster/primary/deleteSecondary", ADMINISTRATION, D, ANY, ANY_NODE, PRIMARY, WRAPPED,
        0, cluster_delete_secondary),
    ROW("admin/cluster/primary/delete", ADMINISTRATION, D, ANY, ANY_NODE, PRIMARY, WRAPPED, 0,
        cluster_delete),
    ROW("admin/cluster/secondary/leave", ADMINISTRATION, D, ANY, ANY_NODE, SECONDARY, WRAPPED, 0,
        cluster_leave),
    ROW("admin/cluster/secondary/resync", ADMINISTRATION, M, ANY, ANY_NODE, SECONDARY, WRAPPED, 0,
        cluster_resync),
    ROW("admin/cluster/secondary/updatePrimary", ADMINISTRATION, M, ANY, ANY_NODE, SECONDARY,
        WRAPPED, 0, cluster_update_primary),
    ROW("admin/cluster/updateIpAddress", ADMINISTRATION, M, ANY, ANY_NODE, ANY, WRAPPED, 0,
        cluster_update_addresses),

    ROW("admin/config/history", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, ROUTE_OURS,
        config_history),
    ROW("admin/config/diff", ADMINISTRATION, V, ANY, ANY_NODE, ANY, WRAPPED, ROUTE_OURS,
        config_diff),
    ROW("admin/config/revert", ADMINISTRATION, D, ANY, PRIMARY, ANY, WRAPPED, ROUTE_OURS,
        config_revert),
};
const size_t route_count = sizeof route_table / sizeof route_table[0];

const struct route *route_find(const char *path)
{
    for (size_t i = 0; i < route_count; i++) {
        if (str_equal_nocase(route_table[i].path, path)) {
            return &route_table[i];
        }
    }
    return NULL;
}
