#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/conf/setting.h"
#include "common/conf/watch.h"
#include "common/rpc/rpc.h"
#include "webd/auth/login.h"
#include "webd/auth/session.h"
#include "webd/auth/setup.h"
#include "webd/http/panel.h"
#include "webd/http/server.h"

/*
 * What all API handlers share. Filled by main.c; the settings and `self` follow the config
 * (webd/ctl). Loop's thread, as everything in webd but the password pool.
 */
enum api_role { API_STANDALONE, API_PRIMARY, API_SECONDARY };

struct api {
    struct event_base *base;
    char spool_dir[256];
    struct rpc_client *dnsd;
    struct rpc_client *clusterd;
    struct conf_watch *watch;
    struct settings *settings;
    struct session_store *sessions;
    struct password_pool *passwords;
    struct login *login;
    struct setup *setup;
    struct web_server *server;
    struct panel *panel;
    uint64_t up_since_ms; // Unix time
    struct {
        uint32_t id;
        char name[256]; // in the node table; "" = none
        enum api_role role;
    } self;
    char cluster_domain[256];  // "" = no cluster
    uint8_t spki[SHA256_SIZE]; // of the certificate in use
    bool has_spki;
    char admin_password_file[256];
};

// The handlers of the HTTP server; `ctx` is the struct api.
void api_handle(void *ctx, struct web_request *request);
uint64_t api_body_max(void *ctx, const struct web_request *request);

static inline const struct conf_map *api_map(const struct api *api)
{
    return conf_watch_map(api->watch);
}
