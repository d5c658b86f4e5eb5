// Calls about whole zones: list, create, delete, enable, import, export.

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "proto/common.pb-c.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/idn.h"
#include "webd/api/net.h"
#include "webd/api/view.h"
#include "webd/api/zone_view.h"

// ---- list --------------------------------------------------------------------------------------

// All zones that the caller may see, gathered page by page.
struct zone_listing {
    struct api_call *call;
    json_t *zones;
    Dnsd__ZoneType only; // 0 = all
    unsigned right;      // zone-level
    void (*done)(struct zone_listing *listing);
};

static void listing_free(void *state)
{
    struct zone_listing *listing = state;
    json_decref(listing->zones);
}

static void ask_list(struct zone_listing *listing, const char *cursor);

static void on_list(const Dnsd__ZoneListReply *reply, void *ctx)
{
    struct zone_listing *listing = ctx;
    struct api_call *call = listing->call;
    if (!call_check(call, reply->error, "dnsd")) {
        return;
    }
    for (size_t i = 0; i < reply->n_zones; i++) {
        const Dnsd__ZoneInfo *zone = reply->zones[i];
        bool is_wanted = listing->only == 0 || (zone->type == listing->only && !zone->disabled);
        if (is_wanted && call_has_zone(call, zone->name, listing->right)) {
            json_array_append_new(listing->zones, zone_view(zone));
        }
    }
    if (reply->next_cursor[0] != 0) {
        ask_list(listing, reply->next_cursor);
        return;
    }
    listing->done(listing);
}

static void ask_list(struct zone_listing *listing, const char *cursor)
{
    Dnsd__ZoneListRequest request;
    dnsd__zone_list_request__init(&request);
    request.cursor = proto_text(cursor);
    if (listing->only != 0) {
        request.types = &listing->only;
        request.n_types = 1;
    }
    dnsd__zones__list(zone_service(listing->call), &request, on_list, listing);
}

static void start_list(struct api_call *call, Dnsd__ZoneType only, unsigned right,
                       void (*done)(struct zone_listing *listing))
{
    struct zone_listing *listing = arena_alloc(call->arena, sizeof *listing);
    *listing = (struct zone_listing){
        .call = call, .zones = json_array(), .only = only, .right = right, .done = done};
    call->state = listing;
    call->release = listing_free;
    ask_list(listing, "");
}

static void answer_list(struct zone_listing *listing)
{
    struct api_call *call = listing->call;
    size_t total = json_array_size(listing->zones);
    uint32_t page = 0;
    uint32_t size = 10;
    json_t *o = json_object();
    if (!call_u32(call, "pageNumber", 0, INT32_MAX, &page) ||
        !call_u32(call, "zonesPerPage", 1, INT32_MAX, &size)) {
        json_decref(o);
        return;
    }
    if (call_text(call, "pageNumber") == NULL) {
        json_object_set(o, "zones", listing->zones);
        call_ok(call, o);
        return;
    }
    uint32_t pages = (uint32_t)((total + size - 1) / size);
    page = page > pages ? pages : page;
    page = page == 0 ? 1 : page;
    json_t *zones = json_array();
    for (size_t i = (size_t)(page - 1) * size; i < total && i < (size_t)page * size; i++) {
        json_array_append(zones, json_array_get(listing->zones, i));
    }
    json_object_set_new(o, "pageNumber", json_integer(page));
    json_object_set_new(o, "totalPages", json_integer(pages));
    json_object_set_new(o, "totalZones", json_integer((json_int_t)total));
    json_object_set_new(o, "zones", zones);
    call_ok(call, o);
}

void zone_list(struct api_call *call)
{
    start_list(call, 0, PERMISSION_VIEW, answer_list);
}

static void answer_catalogs(struct zone_listing *listing)
{
    json_t *names = json_array();
    for (size_t i = 0; i < json_array_size(listing->zones); i++) {
        json_array_append(names, json_object_get(json_array_get(listing->zones, i), "name"));
    }
    call_ok(listing->call, json_pack("{s:o}", "catalogZoneNames", names));
}

void zone_catalogs(struct api_call *call)
{
    start_list(call, DNSD__ZONE_TYPE__ZONE_CATALOG, PERMISSION_MODIFY, answer_catalogs);
}

// ---- one zone ----------------------------------------------------------------------------------

static void on_zone(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (zone_check(call, reply->error, call->state)) {
        call_ok(call, NULL);
    }
}

static void on_reply(const Trellis__Reply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (zone_check(call, reply->error, call->state)) {
        call_ok(call, NULL);
    }
}

// Keeps the zone's name for the messages; it is in the arena.
static void keep_name(struct api_call *call, const char *zone)
{
    call->state = proto_text(zone);
}

static bool is_cluster_zone(struct api_call *call, const char *zone)
{
    const char *domain = call->api->cluster_domain;
    if (domain[0] == 0) {
        return false;
    }
    const char *catalog = arena_printf(call->arena, "cluster-catalog.%s", domain);
    if (!str_equal_nocase(zone, domain) && !str_equal_nocase(zone, catalog)) {
        return false;
    }
    call_fail(call, ERR_BAD_STATE,
              "The zone belongs to the Cluster and cannot be deleted or disabled: %s", zone);
    return true;
}

static void set_enabled(struct api_call *call, bool is_enabled)
{
    const char *zone = NULL;
    if (!zone_need(call, PERMISSION_MODIFY, &zone) ||
        (!is_enabled && is_cluster_zone(call, zone))) {
        return;
    }
    Dnsd__ZoneEnableRequest request;
    dnsd__zone_enable_request__init(&request);
    request.zone = proto_text(zone);
    request.enabled = is_enabled;
    keep_name(call, zone);
    dnsd__zones__enable(zone_service(call), &request, on_zone, call);
}

void zone_enable(struct api_call *call)
{
    set_enabled(call, true);
}

void zone_disable(struct api_call *call)
{
    set_enabled(call, false);
}

static bool request_zone(struct api_call *call, unsigned right, Dnsd__ZoneRequest *request)
{
    const char *zone = NULL;
    if (!zone_need(call, right, &zone)) {
        return false;
    }
    dnsd__zone_request__init(request);
    request->zone = proto_text(zone);
    request->actor = proto_text(call_actor(call));
    keep_name(call, zone);
    return true;
}

// The zone's own permissions go with it.
static void on_deleted(const Trellis__Reply *reply, void *ctx)
{
    struct api_call *call = ctx;
    const char *zone = call->state;
    char path[CONF_PATH_MAX];
    if (!zone_check(call, reply->error, zone)) {
        return;
    }
    bool has_rights = conf_path_make("zonePermissions", zone, path, sizeof path) == ERR_OK &&
                      conf_map_get(api_map(call->api), path) != NULL;
    if (!has_rights || call->api->self.role == API_SECONDARY) {
        call_ok(call, NULL);
        return;
    }
    struct commit *commit = commit_new(call, "delete the permissions of zone %s", zone);
    commit_delete(commit, path);
    commit_send(commit, commit_ok);
}

void zone_delete(struct api_call *call)
{
    Dnsd__ZoneRequest request;
    if (request_zone(call, PERMISSION_DELETE, &request) && !is_cluster_zone(call, request.zone)) {
        dnsd__zones__delete(zone_service(call), &request, on_deleted, call);
    }
}

void zone_resync(struct api_call *call)
{
    Dnsd__ZoneRequest request;
    if (request_zone(call, PERMISSION_MODIFY, &request)) {
        dnsd__zones__resync(zone_service(call), &request, on_reply, call);
    }
}

// ---- zone files --------------------------------------------------------------------------------

// The zone file of the request as a spool file, when there is one: an uploaded part, a body that is
// no form (also how another node passes an upload on), or the form field `records`. False =
// answered.
static bool take_file(struct api_call *call, bool is_required)
{
    struct web_request *r = call->request;
    const char *records = call_text(call, "records");
    bool is_form = strcmp(r->media_type, "application/x-www-form-urlencoded") == 0;
    const void *bytes = records;
    size_t len = records == NULL ? 0 : strlen(records);
    if (records == NULL && !is_form && r->body_len > 0) {
        bytes = r->body;
        len = r->body_len;
    }
    if (r->upload[0] != 0 || (bytes == NULL && !is_required)) {
        return true;
    }
    if (bytes == NULL) {
        call_fail(call, ERR_INVALID,
                  "The zone file is missing: send it as a file, as text/plain, or as 'records'.");
        return false;
    }
    char path[512];
    int fd = -1;
    struct errmsg e = {0};
    enum err err = file_spool_create(call->api->spool_dir, r->upload, sizeof r->upload, &fd, &e);
    if (err == ERR_OK) {
        close(fd);
        err = file_spool_path(call->api->spool_dir, r->upload, path, sizeof path, &e);
    }
    if (err == ERR_OK) {
        err = file_write_atomic(path, bytes, len, 0660, &e);
    }
    if (err != ERR_OK) {
        call_fail_error(call, &e);
    }
    return err == ERR_OK;
}

// ---- create ------------------------------------------------------------------------------------

static void answer_created(struct api_call *call)
{
    const char *zone = call->state;
    call_ok(call, json_pack("{s:s}", "domain", zone));
}

// The creator gets all rights; administrators have them anyway.
static void grant_creator(struct api_call *call)
{
    const char *zone = call->state;
    bool has_all = call->is_administrator || call->api->self.role == API_SECONDARY ||
                   call_has_zone(call, zone, PERMISSION_ALL);
    if (has_all) {
        answer_created(call);
        return;
    }
    json_t *o = json_pack("{s:{s:s},s:{}}", "users", call->account.name, "VMD", "groups");
    struct commit *commit = commit_new(call, "grant zone %s to its creator", zone);
    commit_set_object(commit, "zonePermissions", zone, o);
    json_decref(o);
    commit_send(commit, answer_created);
}

static void on_created(const Dnsd__ZoneReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    struct errmsg e = {0};
    if (rpc_error_get(reply->error, &e) == ERR_EXISTS) {
        call_fail(call, ERR_EXISTS, "Zone already exists: %s", (const char *)call->state);
        return;
    }
    if (call_check(call, reply->error, "dnsd")) {
        grant_creator(call);
    }
}

static bool need_new_name(struct api_call *call, char name[NAME_MAX_TEXT])
{
    const char *given = NULL;
    char reverse[NAME_MAX_TEXT];
    struct errmsg e = {0};
    if (!call_need(call, "zone", "domain", &given)) {
        return false;
    }
    const char *text = net_reverse_name(given, reverse, sizeof reverse) ? reverse : given;
    enum err err = idn_to_ascii(text, name, NAME_MAX_TEXT, &e);
    if (err == ERR_OK && (strncmp(name, "*.", 2) == 0 || strcmp(name, "*") == 0)) {
        err = err_set(&e, ERR_INVALID, "A zone name cannot be a wildcard: %s", name);
    }
    if (err != ERR_OK) {
        call_fail_error(call, &e);
    }
    return err == ERR_OK;
}

static char *word_of(struct api_call *call, const char *name, const char *const *words,
                     size_t count, const char *initial)
{
    const char *value = call_text(call, name);
    if (value == NULL) {
        return arena_strdup(call->arena, initial);
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal_nocase(words[i], value)) {
            return arena_strdup(call->arena, words[i]);
        }
    }
    call_fail(call, ERR_INVALID, "Parameter '%s' has an unknown value: %s", name, value);
    return NULL;
}

static bool create_options(struct api_call *call, Dnsd__ZoneType type, Dnsd__ZoneOptions *options,
                           Dnsd__StringList *primaries)
{
    static const char *const protocols[] = {"Tcp", "Tls", "Quic"};
    bool is_secondary = type == DNSD__ZONE_TYPE__ZONE_SECONDARY ||
                        type == DNSD__ZONE_TYPE__ZONE_SECONDARY_FORWARDER ||
                        type == DNSD__ZONE_TYPE__ZONE_SECONDARY_CATALOG;
    bool is_given = false;
    const char *catalog = call_text(call, "catalog");
    if (catalog != NULL && type != DNSD__ZONE_TYPE__ZONE_CATALOG &&
        type != DNSD__ZONE_TYPE__ZONE_SECONDARY_CATALOG) {
        options->catalog = zone_name_text(call, catalog);
        if (!call_may_zone(call, options->catalog, PERMISSION_MODIFY)) {
            return false;
        }
    }
    if (is_secondary || type == DNSD__ZONE_TYPE__ZONE_STUB) {
        call_list(call, "primaryNameServerAddresses", &primaries->items, &primaries->n_items,
                  &is_given);
        options->primaries = primaries;
    }
    if (!is_secondary) {
        return true;
    }
    options->transfer_protocol = word_of(call, "zoneTransferProtocol", protocols, 3, "Tcp");
    const char *key = call_text(call, "tsigKeyName");
    options->primary_tsig_key = zone_name_text(call, key == NULL ? "" : key);
    bool validate = false;
    if (options->transfer_protocol == NULL || !call_bool(call, "validateZone", &validate)) {
        return false;
    }
    options->has_validate_zone = true;
    options->validate_zone = validate;
    return true;
}

void zone_create(struct api_call *call)
{
    char name[NAME_MAX_TEXT];
    Dnsd__ZoneCreateRequest request;
    dnsd__zone_create_request__init(&request);
    Dnsd__ZoneOptions options;
    dnsd__zone_options__init(&options);
    Dnsd__StringList primaries;
    dnsd__string_list__init(&primaries);
    const char *type = call_text(call, "type");
    request.type = DNSD__ZONE_TYPE__ZONE_PRIMARY;
    if (!need_new_name(call, name)) {
        return;
    }
    if (type != NULL && !zone_type_find(type, &request.type)) {
        call_fail(call, ERR_INVALID, "Parameter 'type' has an unknown value: %s", type);
        return;
    }
    bool date_scheme = call->api->settings->use_soa_serial_date_scheme;
    if (!create_options(call, request.type, &options, &primaries) ||
        !call_bool(call, "useSoaSerialDateScheme", &date_scheme) || !take_file(call, false)) {
        return;
    }
    request.zone = arena_strdup(call->arena, name);
    request.options = &options;
    if (request.type == DNSD__ZONE_TYPE__ZONE_PRIMARY) {
        request.has_soa_date_scheme = true;
        request.soa_date_scheme = date_scheme;
    }
    request.import_file = call->request->upload;
    call->state = request.zone;
    dnsd__zones__create(zone_service(call), &request, on_created, call);
}

// ---- import and export -------------------------------------------------------------------------

void zone_import(struct api_call *call)
{
    const char *zone = NULL;
    bool overwrite = true;
    bool overwrite_zone = false;
    bool overwrite_serial = false;
    if (!zone_need(call, PERMISSION_MODIFY, &zone) || !call_bool(call, "overwrite", &overwrite) ||
        !call_bool(call, "overwriteZone", &overwrite_zone) ||
        !call_bool(call, "overwriteSoaSerial", &overwrite_serial) || !take_file(call, true)) {
        return;
    }
    Dnsd__ZoneImportRequest request;
    dnsd__zone_import_request__init(&request);
    request.zone = proto_text(zone);
    request.file = call->request->upload;
    request.overwrite = overwrite;
    request.overwrite_zone = overwrite_zone;
    request.overwrite_serial = overwrite_serial;
    keep_name(call, zone);
    dnsd__zones__import(zone_service(call), &request, on_zone, call);
}

static void on_exported(const Dnsd__ZoneExportReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    const char *zone = call->state;
    if (!zone_check(call, reply->error, zone)) {
        return;
    }
    const char *name = strcmp(zone, ".") == 0 ? "root" : zone;
    struct str safe;
    str_init(&safe);
    for (; *name != 0; name++) {
        str_add_char(&safe,
                     isalnum((unsigned char)*name) || strchr("-_.", *name) != NULL ? *name : '_');
    }
    str_add(&safe, ".zone");
    char *file = arena_strdup(call->arena, safe.text);
    str_fini(&safe);
    call_file_spool(call, "text/plain; charset=utf-8", file, reply->file);
}

void zone_export(struct api_call *call)
{
    const char *zone = NULL;
    if (!zone_need(call, PERMISSION_VIEW, &zone)) {
        return;
    }
    Dnsd__ZoneExportRequest request;
    dnsd__zone_export_request__init(&request);
    request.zone = proto_text(zone);
    keep_name(call, zone);
    dnsd__zones__export(zone_service(call), &request, on_exported, call);
}
