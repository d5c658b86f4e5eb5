/*
 * webd: HTTP and HTTPS, sessions, the API, the panel's files. No truth of its own: zones are
 * dnsd's, config is clusterd's; both may be away, and then calls say so.
 *
 * One thread, one loop, beside the pool that hashes passwords. Order of start: sessions, clients of
 * the other daemons, server, config (its snapshot opens the listeners at once), service.
 */
#include <stdio.h>
#include <string.h>

#include "common/app/app.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "webd/api/api.h"
#include "webd/auth/account.h"
#include "webd/ctl/follow.h"
#include "webd/ctl/service.h"

struct webd {
    struct api api;
    struct follow *follow;
    struct web_service *service;
    struct rpc_server *rpc;
};

static char panel_dir[512] = "/usr/share/trellis/panel";
static char admin_password_file[256];

static uint64_t session_timeout(void *ctx, const char *user)
{
    struct api *api = ctx;
    struct account account;
    if (api->watch == NULL || !account_load(api_map(api), user, &account)) {
        return ACCOUNT_TIMEOUT_DEFAULT;
    }
    uint64_t timeout_s = account.session_timeout_s;
    account_fini(&account);
    return timeout_s;
}

static const struct conf_map *map_of(void *ctx)
{
    return api_map(ctx);
}

// What needs nobody else.
static enum err open_own(struct app *app, struct webd *webd, struct errmsg *e)
{
    struct api *api = &webd->api;
    const struct web_handlers handlers = {
        .handle = api_handle, .body_max = api_body_max, .ctx = api};
    api->base = app->base;
    api->up_since_ms = clock_unix_ms();
    snprintf(api->spool_dir, sizeof api->spool_dir, "%s", app->paths.spool_dir);
    snprintf(api->admin_password_file, sizeof api->admin_password_file, "%s", admin_password_file);
    api->panel = panel_open(panel_dir);
    api->setup = setup_new(app->paths.state_dir);
    enum err err = session_store_open(app->base, app->paths.state_dir, session_timeout, api,
                                      &api->sessions, e);
    if (err == ERR_OK) {
        err = password_pool_open(app->base, &api->passwords, e);
    }
    if (err == ERR_OK) {
        api->login = login_new(app->base, api->passwords, map_of, api);
        err = web_server_open(app->base, api->spool_dir, &handlers, &api->server, e);
    }
    return err;
}

static enum err start(struct app *app, struct errmsg *e)
{
    struct webd *webd = mem_zalloc(sizeof *webd);
    struct api *api = &webd->api;
    app->self = webd;
    json_set_alloc_funcs(mem_alloc, mem_free);
    enum err err = open_own(app, webd, e);
    if (err == ERR_OK) {
        err = rpc_client_open(app->base, app->paths.run_dir, RPC_CLUSTERD, RPC_WEBD, &api->clusterd,
                              e);
    }
    if (err == ERR_OK) {
        err = rpc_client_open(app->base, app->paths.run_dir, RPC_DNSD, RPC_WEBD, &api->dnsd, e);
    }
    if (err == ERR_OK) {
        err = follow_open(app, api, &webd->follow, e);
    }
    if (err == ERR_OK) {
        webd->service = web_service_new(api);
        ProtobufCService *services[] = {web_service_base(webd->service)};
        err = rpc_server_open(app->base, app->paths.run_dir, RPC_WEBD, services, 1, &webd->rpc, e);
    }
    if (err == ERR_OK) {
        app_ready(app);
    }
    return err;
}

static void reload(struct app *app)
{
    struct webd *webd = app->self;
    follow_reload(webd->follow);
}

// Clients first, so that what waits for them is answered; the server goes when nobody can answer
// any more.
static void stop(struct app *app)
{
    struct webd *webd = app->self;
    if (webd == NULL) {
        return;
    }
    struct api *api = &webd->api;
    if (webd->rpc != NULL) {
        rpc_server_close(webd->rpc);
    }
    if (api->dnsd != NULL) {
        rpc_client_close(api->dnsd);
    }
    if (api->clusterd != NULL) {
        rpc_client_close(api->clusterd);
    }
    follow_close(webd->follow);
    password_pool_close(api->passwords);
    login_free(api->login);
    web_server_close(api->server);
    session_store_close(api->sessions);
    web_service_free(webd->service);
    setup_free(api->setup);
    panel_close(api->panel);
    mem_free(webd);
}

int main(int argc, char **argv)
{
    // clang-format off
    static const struct app_option options[] = {
        {"panel_dir", APP_OPTION_STR, panel_dir, sizeof panel_dir, "folder of the panel's files"},
        {"admin_password_file", APP_OPTION_STR, admin_password_file, sizeof admin_password_file,
         "file with the administrator's password, read while none is set"},
    };
    // clang-format on
    static const struct app_spec spec = {.name = "webd",
                                         .options = options,
                                         .option_count = sizeof options / sizeof options[0],
                                         .start = start,
                                         .reload = reload,
                                         .stop = stop};
    return app_main(&spec, argc, argv);
}
