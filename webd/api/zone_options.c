// zones/options/get and set. One row an option: its parameter, its field in dnsd's message, its
// words.

#include <stddef.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/common.pb-c.h"
#include "webd/api/handlers.h"
#include "webd/api/idn.h"
#include "webd/api/view.h"
#include "webd/api/zone_view.h"

enum option_kind { OPTION_BOOL, OPTION_TEXT, OPTION_WORD, OPTION_LIST };

struct zone_option {
    const char *name; // in the API
    enum option_kind kind;
    size_t offset;     // of the value in Dnsd__ZoneOptions
    size_t has_offset; // of its presence flag, bools only
    const char *const *words;
    size_t word_count;
    bool is_null_when_empty;
};

static const char *const protocols[] = {"Tcp", "Tls", "Quic"};
static const char *const query_words[] = {"Deny",
                                          "Allow",
                                          "AllowOnlyPrivateNetworks",
                                          "AllowOnlyZoneNameServers",
                                          "UseSpecifiedNetworkACL",
                                          "AllowZoneNameServersAndUseSpecifiedNetworkACL"};
static const char *const access_words[] = {"Deny", "Allow", "AllowOnlyZoneNameServers",
                                           "UseSpecifiedNetworkACL",
                                           "AllowZoneNameServersAndUseSpecifiedNetworkACL"};
static const char *const notify_words[] = {"None", "ZoneNameServers", "SpecifiedNameServers",
                                           "BothZoneAndSpecifiedNameServers",
                                           "SeparateNameServersForCatalogAndMemberZones"};

#define AT(field) offsetof(Dnsd__ZoneOptions, field)
#define BOOL(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .kind = OPTION_BOOL, .offset = AT(field_), .has_offset = AT(has_##field_) \
    }
#define TEXT(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .kind = OPTION_TEXT, .offset = AT(field_), .is_null_when_empty = true     \
    }
#define WORD(name_, field_, words_)                                                                \
    {                                                                                              \
        .name = (name_), .kind = OPTION_WORD, .offset = AT(field_), .words = (words_),             \
        .word_count = sizeof(words_) / sizeof(words_)[0]                                           \
    }
#define LIST(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .kind = OPTION_LIST, .offset = AT(field_)                                 \
    }

static const struct zone_option options[] = {
    TEXT("catalog", catalog),
    BOOL("overrideCatalogQueryAccess", override_catalog_query_access),
    BOOL("overrideCatalogZoneTransfer", override_catalog_zone_transfer),
    BOOL("overrideCatalogNotify", override_catalog_notify),
    BOOL("overrideCatalogPrimaryNameServers", override_catalog_primaries),
    LIST("primaryNameServerAddresses", primaries),
    WORD("primaryZoneTransferProtocol", transfer_protocol, protocols),
    TEXT("primaryZoneTransferTsigKeyName", primary_tsig_key),
    BOOL("validateZone", validate_zone),
    WORD("queryAccess", query_access, query_words),
    LIST("queryAccessNetworkACL", query_access_acl),
    WORD("zoneTransfer", zone_transfer, access_words),
    LIST("zoneTransferNetworkACL", zone_transfer_acl),
    LIST("zoneTransferTsigKeyNames", zone_transfer_tsig_keys),
    WORD("notify", notify, notify_words),
    LIST("notifyNameServers", notify_servers),
    LIST("notifySecondaryCatalogsNameServers", notify_secondary_catalogs),
    WORD("update", update, access_words),
    LIST("updateNetworkACL", update_acl),
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

static void *field(Dnsd__ZoneOptions *o, size_t offset)
{
    return (char *)o + offset;
}

// ---- get ---------------------------------------------------------------------------------------

static json_t *view_list(const Dnsd__StringList *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->n_items; i++) {
        json_array_append_new(out, json_text(list->items[i]));
    }
    return out;
}

static void view_option(const struct zone_option *row, Dnsd__ZoneOptions *o, json_t *out)
{
    if (row->kind == OPTION_BOOL) {
        if (*(protobuf_c_boolean *)field(o, row->has_offset)) {
            json_object_set_new(out, row->name,
                                json_boolean(*(protobuf_c_boolean *)field(o, row->offset)));
        }
        return;
    }
    void *value = *(void **)field(o, row->offset);
    if (value == NULL) {
        return;
    }
    const char *text = row->kind == OPTION_LIST ? NULL : value;
    bool is_null = text != NULL && text[0] == 0 && row->is_null_when_empty;
    json_object_set_new(out, row->name,
                        is_null        ? json_null()
                        : text != NULL ? json_text(text)
                                       : view_list(value));
}

static json_t *view_policies(const Dnsd__UpdatePolicyList *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->n_items; i++) {
        const Dnsd__UpdatePolicy *p = list->items[i];
        json_t *types = json_array();
        for (size_t t = 0; t < p->n_types; t++) {
            json_array_append_new(types, json_text(p->types[t]));
        }
        json_array_append_new(out,
                              json_pack("{s:o,s:o,s:o}", "tsigKeyName", json_text(p->tsig_key),
                                        "domain", json_text(p->domain), "allowedTypes", types));
    }
    return out;
}

// What zones/options/get asks for, one after the other.
struct options_get {
    struct api_call *call;
    json_t *answer;
    json_t *catalogs;
    bool wants_catalogs;
    bool wants_keys;
};

static void get_free(void *state)
{
    struct options_get *get = state;
    json_decref(get->answer);
    json_decref(get->catalogs);
}

static void finish_get(struct options_get *get)
{
    struct api_call *call = get->call;
    if (get->wants_catalogs) {
        json_object_set(get->answer, "availableCatalogZoneNames", get->catalogs);
    }
    if (get->wants_keys) {
        json_object_set_new(get->answer, "availableTsigKeyNames", view_names(call, "tsig"));
    }
    call_ok(call, json_incref(get->answer));
}

static void ask_catalogs(struct options_get *get, char *cursor);

static void on_catalogs(const Dnsd__ZoneListReply *reply, void *ctx)
{
    struct options_get *get = ctx;
    if (!call_check(get->call, reply->error, "dnsd")) {
        return;
    }
    for (size_t i = 0; i < reply->n_zones; i++) {
        if (!reply->zones[i]->disabled &&
            call_has_zone(get->call, reply->zones[i]->name, PERMISSION_MODIFY)) {
            json_array_append_new(get->catalogs, json_text(reply->zones[i]->name));
        }
    }
    if (reply->next_cursor[0] != 0) {
        ask_catalogs(get, reply->next_cursor);
    } else {
        finish_get(get);
    }
}

static void ask_catalogs(struct options_get *get, char *cursor)
{
    Dnsd__ZoneListRequest request;
    dnsd__zone_list_request__init(&request);
    Dnsd__ZoneType type = DNSD__ZONE_TYPE__ZONE_CATALOG;
    request.cursor = cursor;
    request.types = &type;
    request.n_types = 1;
    dnsd__zones__list(zone_service(get->call), &request, on_catalogs, get);
}

static void on_options(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct options_get *get = ctx;
    struct api_call *call = get->call;
    if (!zone_check(call, reply->error,
                    call_text(call, "zone") != NULL ? call_text(call, "zone")
                                                    : call_text(call, "domain"))) {
        return;
    }
    if (reply->zone->internal) {
        call_fail(call, ERR_BAD_STATE, "An internal zone has no options: %s", reply->zone->name);
        return;
    }
    static const char *const shared[] = {
        "name",         "nameIdn",         "type",    "internal", "dnssecStatus",
        "notifyFailed", "notifyFailedFor", "disabled"};
    json_t *zone = zone_view(reply->zone);
    get->answer = json_object();
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        json_t *value = json_object_get(zone, shared[i]);
        if (value != NULL) {
            json_object_set(get->answer, shared[i], value);
        }
    }
    json_decref(zone);
    for (size_t i = 0; reply->options != NULL && i < OPTION_COUNT; i++) {
        view_option(&options[i], reply->options, get->answer);
    }
    bool is_member =
        reply->zone->catalog[0] != 0 && (reply->zone->type == DNSD__ZONE_TYPE__ZONE_SECONDARY ||
                                         reply->zone->type == DNSD__ZONE_TYPE__ZONE_STUB);
    if (is_member) {
        json_object_set_new(get->answer, "isSecondaryCatalogMember",
                            json_boolean(reply->zone->secondary_catalog_member));
    }
    if (reply->options != NULL && reply->options->update_policies != NULL) {
        json_object_set_new(get->answer, "updateSecurityPolicies",
                            view_policies(reply->options->update_policies));
    }
    if (get->wants_catalogs) {
        ask_catalogs(get, (char[]){""});
    } else {
        finish_get(get);
    }
}

void zone_options_get(struct api_call *call)
{
    const char *zone = NULL;
    struct options_get *get = arena_alloc(call->arena, sizeof *get);
    *get = (struct options_get){.call = call};
    if (!zone_need(call, PERMISSION_VIEW, &zone) ||
        !call_bool(call, "includeAvailableCatalogZoneNames", &get->wants_catalogs) ||
        !call_bool(call, "includeAvailableTsigKeyNames", &get->wants_keys)) {
        return;
    }
    get->catalogs = json_array();
    call->state = get;
    call->release = get_free;
    Dnsd__ZoneRequest request;
    dnsd__zone_request__init(&request);
    request.zone = proto_text(zone);
    dnsd__zones__get_options(zone_service(call), &request, on_options, get);
}

// ---- set ---------------------------------------------------------------------------------------

static bool take_option(struct api_call *call, const struct zone_option *row, Dnsd__ZoneOptions *o)
{
    const char *value = call_param(call, row->name);
    bool flag = false;
    bool is_given;
    Dnsd__StringList *list;
    if (value == NULL) {
        return true;
    }
    switch (row->kind) {
    case OPTION_BOOL:
        if (!call_bool(call, row->name, &flag)) {
            return false;
        }
        if (value[0] != 0) {
            *(protobuf_c_boolean *)field(o, row->has_offset) = true;
            *(protobuf_c_boolean *)field(o, row->offset) = flag;
        }
        return true;
    case OPTION_TEXT:
        *(char **)field(o, row->offset) = zone_name_text(call, value);
        return true;
    case OPTION_WORD:
        for (size_t i = 0; i < row->word_count; i++) { // unknown words are passed over in silence
            if (str_equal_nocase(row->words[i], value)) {
                *(char **)field(o, row->offset) = proto_text(row->words[i]);
            }
        }
        return true;
    case OPTION_LIST:
        list = arena_alloc(call->arena, sizeof *list);
        dnsd__string_list__init(list);
        call_list(call, row->name, &list->items, &list->n_items, &is_given);
        *(Dnsd__StringList **)field(o, row->offset) = list;
        return true;
    }
    return true;
}

#define POLICY_MAX 256

// updateSecurityPolicies: "key|domain|type,type|key2|…".
static bool take_policies(struct api_call *call, Dnsd__ZoneOptions *o)
{
    const char *value = call_param(call, "updateSecurityPolicies");
    if (value == NULL) {
        return true;
    }
    Dnsd__UpdatePolicyList *list = arena_alloc(call->arena, sizeof *list);
    dnsd__update_policy_list__init(list);
    list->items = arena_alloc(call->arena, POLICY_MAX * sizeof *list->items);
    o->update_policies = list;
    char *at = arena_strdup(call->arena, str_equal_nocase(value, "false") ? "" : value);
    while (at[0] != 0) {
        char *cells[3];
        for (int i = 0; i < 3; i++) {
            char *bar = strchr(at, '|');
            if (list->n_items == POLICY_MAX || (bar == NULL && i < 2)) {
                call_fail(call, ERR_INVALID,
                          "Parameter 'updateSecurityPolicies' must be rows of key|domain|types.");
                return false;
            }
            cells[i] = at;
            at = bar == NULL ? at + strlen(at) : bar + 1;
            if (bar != NULL) {
                *bar = 0;
            }
        }
        Dnsd__UpdatePolicy *policy = arena_alloc(call->arena, sizeof *policy);
        dnsd__update_policy__init(policy);
        policy->tsig_key = str_trim(cells[0]);
        policy->domain = str_trim(cells[1]);
        policy->types = arena_alloc(call->arena, (strlen(cells[2]) + 1) * sizeof *policy->types);
        for (char *type = cells[2]; type != NULL;) {
            char *comma = strchr(type, ',');
            if (comma != NULL) {
                *comma++ = 0;
            }
            policy->types[policy->n_types++] = str_trim(type);
            type = comma;
        }
        list->items[list->n_items++] = policy;
    }
    return true;
}

static void on_set(const Dnsd__ZoneOptionsReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (zone_check(call, reply->error, call->state)) {
        call_ok(call, NULL);
    }
}

void zone_options_set(struct api_call *call)
{
    const char *zone = NULL;
    bool disabled = false;
    Dnsd__ZoneOptions set;
    dnsd__zone_options__init(&set);
    if (!zone_need(call, PERMISSION_DELETE, &zone) || !call_bool(call, "disabled", &disabled)) {
        return;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!take_option(call, &options[i], &set)) {
            return;
        }
    }
    if (!take_policies(call, &set)) {
        return;
    }
    if (set.catalog != NULL && set.catalog[0] != 0 &&
        !call_may_zone(call, set.catalog, PERMISSION_MODIFY)) {
        return;
    }
    if (call_text(call, "disabled") != NULL) {
        set.has_disabled = true;
        set.disabled = disabled;
    }
    Dnsd__ZoneOptionsRequest request;
    dnsd__zone_options_request__init(&request);
    request.zone = proto_text(zone);
    request.options = &set;
    request.actor = proto_text(call_actor(call));
    call->state = request.zone;
    dnsd__zones__set_options(zone_service(call), &request, on_set, call);
}
