#pragma once

#include "proto/clusterd.pb-c.h"
#include "webd/api/call.h"

// JSON that several calls share. All return new references.

#define SESSION_COOKIE "trellis_session"

// The members of a user that lists show; with `details` also sessions and groups.
json_t *view_user(struct api_call *call, const struct account *account, bool details);
// One entry of a session list.
json_t *view_session(const struct api_call *call, const struct session *s);
// Sessions of a user (NULL = all), API tokens included, the last used first.
json_t *view_sessions(struct api_call *call, const char *user);
// {"userPermissions":[...],"groupPermissions":[...]} added to `object` from a permissions object.
void view_permissions(json_t *object, const json_t *permissions);
// canView, canModify, canDelete of the caller for each section.
json_t *view_rights(const struct api_call *call);
// Names of all users, or groups without Everyone, as an array.
json_t *view_names(const struct api_call *call, const char *kind);

// Asks clusterd for the state of the cluster; `fn` gets NULL when clusterd is away or there is no
// cluster. Called once, never from inside.
typedef void (*view_cluster_fn)(struct api_call *call, const Clusterd__StateReply *state);
void view_cluster(struct api_call *call, view_cluster_fn fn);
// Adds clusterInitialized, and clusterDomain and clusterNodes in a cluster; NULL = clusterd is
// away, then as the config has it.
void view_add_cluster(struct api_call *call, json_t *object, const Clusterd__StateReply *state);
// The API's array of nodes.
json_t *view_nodes(const Clusterd__StateReply *state);
// A name, and its Unicode form as <member>Idn when that differs.
void view_name(json_t *object, const char *member, const char *name);
