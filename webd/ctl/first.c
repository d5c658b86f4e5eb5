// The first start: what must be in the config before anybody can log in.

#include "webd/ctl/first.h"

#include <event2/event.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "proto/clusterd.pb-c.h"
#include "webd/auth/account.h"

#define RETRY_S           2
#define OBJECTS_MAX       24
#define PASSWORD_FILE_MAX 4096

struct first {
    struct api *api;
    struct event *retry;
    bool is_busy;
    bool is_settled;
};

struct first *first_new(struct api *api)
{
    struct first *first = mem_zalloc(sizeof *first);
    first->api = api;
    return first;
}

void first_free(struct first *first)
{
    if (first->retry != NULL) {
        event_free(first->retry);
    }
    mem_free(first);
}

// ---- committing --------------------------------------------------------------------------------

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    first_look(ctx);
}

static void retry_later(struct first *first)
{
    static const struct timeval after = {RETRY_S, 0};
    if (first->retry == NULL) {
        first->retry = event_new(first->api->base, -1, 0, on_retry, first);
    }
    event_add(first->retry, &after);
}

static void on_commit(const Clusterd__CommitReply *reply, void *ctx)
{
    struct first *first = ctx;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    first->is_busy = false;
    if (err != ERR_OK && err != ERR_EXISTS) {
        log_warn("first users not stored, trying again", F_ERR(&e));
        retry_later(first);
    }
    conf_watch_poke(first->api->watch);
}

struct batch {
    Clusterd__Change changes[OBJECTS_MAX];
    Clusterd__Change *list[OBJECTS_MAX];
    size_t count;
};

// Takes the reference of `value`.
static void add(struct batch *batch, const char *kind, const char *key, json_t *value,
                bool must_be_new)
{
    char path[CONF_PATH_MAX];
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (text == NULL || batch->count == OBJECTS_MAX ||
        conf_path_make(kind, key, path, sizeof path) != ERR_OK) {
        mem_free(text);
        return;
    }
    Clusterd__Change *change = &batch->changes[batch->count];
    clusterd__change__init(change);
    change->path = mem_strdup(path);
    change->value = text;
    change->must_not_exist = must_be_new;
    batch->list[batch->count++] = change;
}

static void commit(struct first *first, struct batch *batch, const char *summary)
{
    Clusterd__CommitRequest request;
    clusterd__commit_request__init(&request);
    char *text = mem_strdup(summary);
    request.changes = batch->list;
    request.n_changes = batch->count;
    request.actor = (char[]){"webd"};
    request.summary = text;
    first->is_busy = true;
    clusterd__config__commit(
        rpc_client_service(first->api->clusterd, &clusterd__config__descriptor), &request,
        on_commit, first);
    mem_free(text);
    for (size_t i = 0; i < batch->count; i++) {
        mem_free(batch->changes[i].path);
        mem_free(batch->changes[i].value);
    }
}

// ---- what is made ------------------------------------------------------------------------------

static const struct {
    const char *name;
    const char *description;
} groups[] = {
    {GROUP_ADMINISTRATORS, "Super administrators"       },
    {GROUP_DNS,            "DNS service administrators" },
    {GROUP_DHCP,           "DHCP service administrators"},
    {GROUP_EVERYONE,       "All users"                  },
};

static json_t *new_admin(void)
{
    return json_pack("{s:s,s:b,s:i,s:[s]}", "displayName", "Administrator", "disabled", 0,
                     "sessionTimeoutSeconds", (int)ACCOUNT_TIMEOUT_DEFAULT, "groups",
                     GROUP_ADMINISTRATORS);
}

static void make_built_in(struct first *first)
{
    struct batch batch = {.count = 0};
    struct account admin;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        add(&batch, "groups", groups[i].name,
            json_pack("{s:s}", "description", groups[i].description), true);
    }
    for (int i = 0; i < SECTION_COUNT; i++) {
        add(&batch, "permissions", section_names[i], permission_initial((enum section)i), false);
    }
    if (account_load(api_map(first->api), "admin", &admin)) {
        account_fini(&admin);
    } else {
        add(&batch, "users", "admin", new_admin(), true);
    }
    commit(first, &batch, "built-in groups, permissions and the user admin");
}

// ---- the administrator's password --------------------------------------------------------------

static void on_hashed(void *ctx, const char *encoded)
{
    struct first *first = ctx;
    struct batch batch = {.count = 0};
    struct account admin;
    first->is_busy = false;
    if (encoded == NULL || account_has_administrator(api_map(first->api))) {
        return;
    }
    if (!account_load(api_map(first->api), "admin", &admin)) {
        admin.object = new_admin();
    }
    account_set_member(&admin, GROUP_ADMINISTRATORS, true);
    json_object_set_new(admin.object, "disabled", json_false());
    json_object_set_new(admin.object, "passwordHash", json_string(encoded));
    add(&batch, "users", "admin", admin.object, false);
    commit(first, &batch, "the password of admin from admin_password_file");
}

// Hashes the file's first line; false = there is no usable file.
static bool take_password_file(struct first *first)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct errmsg e = {0};
    const char *path = first->api->admin_password_file;
    if (path[0] == 0) {
        return false;
    }
    if (file_read(path, PASSWORD_FILE_MAX, &bytes, &len, &e) != ERR_OK) {
        log_warn("the administrator's password file cannot be read", F_STR("file", path),
                 F_ERR(&e));
        return false;
    }
    char *password = (char *)bytes;
    password[strcspn(password, "\r\n")] = 0;
    bool is_fine = password[0] != 0 && strlen(password) <= PASSWORD_MAX &&
                   password_hash(first->api->passwords, password, on_hashed, first) == ERR_OK;
    if (!is_fine) {
        log_warn("the administrator's password file is empty or its first line too long",
                 F_STR("file", path));
    }
    mem_wipe(bytes, len);
    mem_free(bytes);
    first->is_busy = is_fine;
    return is_fine;
}

void first_look(struct first *first)
{
    struct api *api = first->api;
    struct errmsg e = {0};
    if (first->is_busy || api->watch == NULL || !conf_watch_has_state(api->watch)) {
        return;
    }
    bool has_groups = conf_map_count_prefix(api_map(api), "groups/") > 0;
    if (!has_groups) {
        if (api->self.role != API_SECONDARY) {
            make_built_in(first);
        }
        return;
    }
    bool has_administrator = account_has_administrator(api_map(api));
    bool can_set = !has_administrator && api->self.role != API_SECONDARY;
    if (can_set && take_password_file(first)) {
        return;
    }
    first->is_settled = true;
    if (setup_require(api->setup, can_set, &e) != ERR_OK) {
        log_error("the set-up token cannot be written", F_STR("file", setup_path(api->setup)),
                  F_ERR(&e));
        retry_later(first);
    }
}

bool first_is_settled(const struct first *first)
{
    return first->is_settled;
}
