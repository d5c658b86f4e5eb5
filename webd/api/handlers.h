#pragma once

#include "webd/api/call.h"

// The handlers of the route table, by file, and what they share.

// user.c
void user_login(struct api_call *call);
void user_logout(struct api_call *call);
void user_setup(struct api_call *call);
void user_setup_status(struct api_call *call);
void user_session_get(struct api_call *call);
void user_session_delete(struct api_call *call);
void user_create_token(struct api_call *call);
void user_create_single_use_token(struct api_call *call);
void user_change_password(struct api_call *call);
void user_profile_get(struct api_call *call);
void user_profile_set(struct api_call *call);
void token_create(struct api_call *call, const char *user); // tokenName of the call, for `user`
void session_end(struct api_call *call,
                 const char *user); // partialToken of the call; NULL = anybody's
bool profile_params(struct api_call *call, struct account *account); // false = answered

// zone.c, zone_options.c, zone_permission.c
void zone_list(struct api_call *call);
void zone_catalogs(struct api_call *call);
void zone_create(struct api_call *call);
void zone_enable(struct api_call *call);
void zone_disable(struct api_call *call);
void zone_delete(struct api_call *call);
void zone_resync(struct api_call *call);
void zone_import(struct api_call *call);
void zone_export(struct api_call *call);
void zone_options_get(struct api_call *call);
void zone_options_set(struct api_call *call);
void zone_permissions_get(struct api_call *call);
void zone_permissions_set(struct api_call *call);

// record.c
void record_add(struct api_call *call);
void record_get(struct api_call *call);
void record_update(struct api_call *call);
void record_delete(struct api_call *call);

// name_list.c
void allowed_list(struct api_call *call);
void allowed_add(struct api_call *call);
void allowed_delete(struct api_call *call);
void allowed_flush(struct api_call *call);
void allowed_import(struct api_call *call);
void allowed_export(struct api_call *call);
void blocked_list(struct api_call *call);
void blocked_add(struct api_call *call);
void blocked_delete(struct api_call *call);
void blocked_flush(struct api_call *call);
void blocked_import(struct api_call *call);
void blocked_export(struct api_call *call);

// setting.c
void setting_get_all(struct api_call *call);
void setting_set_all(struct api_call *call);
void setting_tsig_names(struct api_call *call);

// admin.c
void admin_sessions_list(struct api_call *call);
void admin_sessions_create_token(struct api_call *call);
void admin_sessions_delete(struct api_call *call);
void admin_users_list(struct api_call *call);
void admin_users_create(struct api_call *call);
void admin_users_get(struct api_call *call);
void admin_users_set(struct api_call *call);
void admin_users_delete(struct api_call *call);

// admin_group.c
void admin_groups_list(struct api_call *call);
void admin_groups_create(struct api_call *call);
void admin_groups_get(struct api_call *call);
void admin_groups_set(struct api_call *call);
void admin_groups_delete(struct api_call *call);

// admin_permission.c
void admin_permissions_list(struct api_call *call);
void admin_permissions_get(struct api_call *call);
void admin_permissions_set(struct api_call *call);
// Reads userPermissions and groupPermissions into a copy of `stored`; NULL = answered with an
// error.
json_t *permission_rows_take(struct api_call *call, const json_t *stored);

// cluster.c
void cluster_state(struct api_call *call);
void cluster_init(struct api_call *call);
void cluster_init_join(struct api_call *call);
void cluster_task(struct api_call *call);
void cluster_create_join_token(struct api_call *call);
void cluster_set_options(struct api_call *call);
void cluster_remove_secondary(struct api_call *call);
void cluster_delete_secondary(struct api_call *call);
void cluster_delete(struct api_call *call);
void cluster_leave(struct api_call *call);
void cluster_resync(struct api_call *call);
void cluster_update_primary(struct api_call *call);
void cluster_update_addresses(struct api_call *call);

// config.c
void config_history(struct api_call *call);
void config_diff(struct api_call *call);
void config_revert(struct api_call *call);

// Renames (`to` NULL = drops) a member of "users" or "groups" in all permissions; admin.c.
struct commit;
void permission_rename_in(struct api_call *call, struct commit *commit, const char *member,
                          const char *from, const char *to);
