#include "clusterd/role/internal.h"

#include "common/base/mem.h"

#include <event2/event.h>

static void on_look(void *ctx, bool changed)
{
    struct role *role = ctx;
    update_follow(role);
    if (changed) {
        zone_keeper_poke(role->keeper); // dnsd may just have come
    }
}

void role_refresh(struct role *role)
{
    update_follow(role);
    zone_keeper_poke(role->keeper);
}

struct role *role_new(struct context *context, struct peer_client *client,
                      struct peer_server *server, struct sync *sync, struct local *local)
{
    struct role *role = mem_zalloc(sizeof *role);
    role->context = context;
    role->client = client;
    role->sync = sync;
    role->local = local;
    role->admission = admission_new(role, server);
    leave_add_operations(role, server);
    role->keeper = zone_keeper_new(role);
    local_on_look(local, on_look, role);
    zone_keeper_poke(role->keeper);
    return role;
}

void role_stop(struct role *role)
{
    if (role != NULL) {
        role->stopping = true;
    }
}

void role_free(struct role *role)
{
    if (role == NULL) {
        return;
    }
    zone_keeper_free(role->keeper);
    admission_free(role->admission);
    if (role->timer != NULL) {
        event_free(role->timer);
    }
    json_decref(role->op.args);
    mem_free(role->join.identity);
    mem_wipe(&role->join, sizeof role->join);
    mem_free(role);
}
