// From config to a running web service. A new state is checked and taken over in `apply`; what
// takes time or calls others (listeners, first users) follows from a timer right after it.

#include "webd/ctl/follow.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/tls/tls.h"
#include "webd/api/net.h"
#include "webd/ctl/first.h"

#define CERTIFICATE_LOOK_S 10
#define NAMES_MAX          64

struct follow {
    struct app *app;
    struct api *api;
    struct event *after; // follow-up of an apply
    struct event *look;  // has the certificate changed?
    struct first *first;
    bool must_listen;
    char certificate_path[1100];
    char key_path[1100];
    struct tls_stamp stamp;
    char *certificate_pem;
    char *key_pem;
};

// ---- this node ---------------------------------------------------------------------------------

static json_t *load(const struct conf_map *map, const char *path)
{
    const char *text = conf_map_get(map, path);
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

static void copy(char *dst, size_t size, const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    snprintf(dst, size, "%s", text == NULL ? "" : text);
}

static void take_identity(struct api *api, const struct conf_map *map)
{
    char role[16];
    json_t *self = load(map, "node/identity");
    json_t *cluster = load(map, "cluster/config");
    copy(role, sizeof role, self, "role");
    copy(api->self.name, sizeof api->self.name, self, "name");
    copy(api->cluster_domain, sizeof api->cluster_domain, cluster, "domain");
    api->self.id = settings_node_id(map);
    api->self.role = strcmp(role, "Primary") == 0     ? API_PRIMARY
                     : strcmp(role, "Secondary") == 0 ? API_SECONDARY
                                                      : API_STANDALONE;
    json_decref(self);
    json_decref(cluster);
}

static enum err apply(void *ctx, const struct conf_apply *change, struct errmsg *e)
{
    struct follow *follow = ctx;
    struct api *api = follow->api;
    struct settings *fresh = NULL;
    enum err err = settings_load(change->map, settings_node_id(change->map), &fresh, e);
    if (err != ERR_OK) {
        return err;
    }
    settings_free(api->settings);
    api->settings = fresh;
    take_identity(api, change->map);
    follow->must_listen = follow->must_listen || change->all ||
                          conf_changed(change, "settings/webService") ||
                          conf_changed(change, "overrides/") || conf_changed(change, "node/") ||
                          conf_changed(change, "settings/dnsServerDomain");
    static const struct timeval now = {0, 0};
    event_add(follow->after, &now);
    return ERR_OK;
}

// ---- the certificate ---------------------------------------------------------------------------

// Names of the self-signed certificate: the server's, its addresses, localhost.
static enum err make_self_signed(struct follow *follow, struct errmsg *e)
{
    const struct settings *s = follow->api->settings;
    const char *names[NAMES_MAX];
    char addresses[NAMES_MAX][64];
    size_t count = 0;
    names[count++] = s->dns_server_domain;
    names[count++] = "localhost";
    for (size_t i = 0; i < s->web_service_local_addresses.count && count < NAMES_MAX; i++) {
        struct sockaddr_storage address;
        if (net_parse(s->web_service_local_addresses.items[i], 0, &address)) {
            net_text(&address, addresses[count], sizeof addresses[count]);
            names[count] = addresses[count];
            bool is_any = strcmp(names[count], "0.0.0.0") == 0 || strcmp(names[count], "::") == 0;
            count += is_any ? 0 : 1;
        }
    }
    return tls_self_signed(follow->certificate_path, follow->key_path, names, count, e);
}

static void find_certificate(struct follow *follow)
{
    const struct settings *s = follow->api->settings;
    const char *path = s->web_service_tls_certificate_path;
    if (path != NULL && path[0] != 0 && !s->web_service_use_self_signed_tls_certificate) {
        snprintf(follow->certificate_path, sizeof follow->certificate_path, "%s", path);
        snprintf(follow->key_path, sizeof follow->key_path, "%s", path);
        return;
    }
    const char *dir = follow->app->paths.state_dir;
    snprintf(follow->certificate_path, sizeof follow->certificate_path, "%s/self-signed.pem", dir);
    snprintf(follow->key_path, sizeof follow->key_path, "%s/self-signed.key", dir);
}

static void drop_certificate(struct follow *follow)
{
    mem_free(follow->certificate_pem);
    if (follow->key_pem != NULL) {
        mem_wipe(follow->key_pem, strlen(follow->key_pem));
    }
    mem_free(follow->key_pem);
    follow->certificate_pem = NULL;
    follow->key_pem = NULL;
    follow->api->has_spki = false;
}

// Reads the certificate, making the self-signed one where it is missing. On failure the one in use
// stays.
static void load_certificate(struct follow *follow)
{
    struct errmsg e = {0};
    char *certificate = NULL;
    char *key = NULL;
    enum err err = ERR_OK;
    find_certificate(follow);
    bool is_own = strcmp(follow->certificate_path, follow->key_path) != 0;
    if (is_own &&
        (access(follow->certificate_path, F_OK) != 0 || access(follow->key_path, F_OK) != 0)) {
        err = make_self_signed(follow, &e);
    }
    (void)tls_changed(follow->certificate_path, follow->key_path, &follow->stamp);
    if (err == ERR_OK) {
        err = tls_load(follow->certificate_path, follow->key_path,
                       is_own ? NULL : follow->api->settings->web_service_tls_certificate_password,
                       &certificate, &key, &e);
    }
    if (err != ERR_OK) {
        log_error("the certificate of the web service cannot be used",
                  F_STR("file", follow->certificate_path), F_ERR(&e));
        return;
    }
    drop_certificate(follow);
    follow->certificate_pem = certificate;
    follow->key_pem = key;
    follow->api->has_spki = tls_spki_digest_pem(certificate, follow->api->spki, NULL) == ERR_OK;
}

// ---- listening ---------------------------------------------------------------------------------

static bool wants_tls(const struct api *api)
{
    return api->settings->web_service_enable_tls || api->self.role != API_STANDALONE;
}

static void add_listen(struct web_listen items[WEB_LISTEN_MAX], size_t *count, const char *address,
                       int32_t port, bool is_tls)
{
    struct web_listen *item = &items[*count];
    if (*count < WEB_LISTEN_MAX && net_parse(address, (unsigned)port, &item->address)) {
        item->is_tls = is_tls;
        (*count)++;
    }
}

static void listen_now(struct follow *follow)
{
    const struct settings *s = follow->api->settings;
    struct web_listen items[WEB_LISTEN_MAX];
    size_t count = 0;
    bool has_tls = wants_tls(follow->api);
    if (has_tls) {
        load_certificate(follow);
        has_tls = follow->certificate_pem != NULL;
    } else {
        drop_certificate(follow);
    }
    for (size_t i = 0; i < s->web_service_local_addresses.count; i++) {
        const char *address = s->web_service_local_addresses.items[i];
        add_listen(items, &count, address, s->web_service_http_port, false);
        if (has_tls) {
            add_listen(items, &count, address, s->web_service_tls_port, true);
        }
    }
    struct web_listen_set set = {.items = items,
                                 .count = count,
                                 .certificate_pem = follow->certificate_pem,
                                 .key_pem = follow->key_pem};
    web_server_configure(follow->api->server, &set);
}

static void on_after(evutil_socket_t fd, short what, void *ctx)
{
    struct follow *follow = ctx;
    (void)fd;
    (void)what;
    first_look(follow->first);
    if (follow->must_listen && first_is_settled(follow->first)) {
        follow->must_listen = false;
        listen_now(follow);
    }
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    struct follow *follow = ctx;
    (void)fd;
    (void)what;
    if (follow->certificate_pem != NULL &&
        tls_changed(follow->certificate_path, follow->key_path, &follow->stamp)) {
        log_info("the certificate file has changed", F_STR("file", follow->certificate_path));
        listen_now(follow);
    }
}

void follow_reload(struct follow *follow)
{
    if (follow->api->settings != NULL) {
        listen_now(follow);
    }
}

enum err follow_open(struct app *app, struct api *api, struct follow **out, struct errmsg *e)
{
    struct follow *follow = mem_zalloc(sizeof *follow);
    follow->app = app;
    follow->api = api;
    follow->after = event_new(app->base, -1, 0, on_after, follow);
    follow->look = event_new(app->base, -1, EV_PERSIST, on_look, follow);
    follow->first = first_new(api);
    static const struct timeval each = {CERTIFICATE_LOOK_S, 0};
    event_add(follow->look, &each);
    *out = follow;
    return conf_watch_open(app->base, app->paths.state_dir, app->paths.run_dir, api->clusterd,
                           RPC_WEBD, apply, follow, &api->watch, e);
}

void follow_close(struct follow *follow)
{
    if (follow == NULL) {
        return;
    }
    if (follow->api->watch != NULL) {
        conf_watch_close(follow->api->watch);
        follow->api->watch = NULL;
    }
    first_free(follow->first);
    event_free(follow->after);
    event_free(follow->look);
    drop_certificate(follow);
    settings_free(follow->api->settings);
    follow->api->settings = NULL;
    mem_free(follow);
}
