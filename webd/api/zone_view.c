// What the calls about zones share.

#include "webd/api/zone_view.h"

#include <string.h>

#include "proto/common.pb-c.h"
#include "webd/api/idn.h"
#include "webd/api/view.h"

const char *const zone_type_names[8] = {
    "",        "Primary",          "Secondary", "Stub", "Forwarder", "SecondaryForwarder",
    "Catalog", "SecondaryCatalog",
};

static const char *const dnssec_names[] = {"Unsigned", "SignedWithNSEC", "SignedWithNSEC3"};

bool zone_type_find(const char *name, Dnsd__ZoneType *out)
{
    uint32_t number = 0;
    if (str_to_u32(name, 6, &number) == ERR_OK) {
        *out = (Dnsd__ZoneType)(number + 1); // the API counts zone types from 0
        return true;
    }
    for (unsigned i = 1; i < 8; i++) {
        if (str_equal_nocase(zone_type_names[i], name)) {
            *out = (Dnsd__ZoneType)i;
            return true;
        }
    }
    return false;
}

// Which members a type of zone has in lists.
enum {
    HAS_INTERNAL = 1,
    HAS_CATALOG = 2,
    HAS_DNSSEC = 4,
    HAS_VALIDATION = 8,
    HAS_EXPIRY = 16,
    HAS_NOTIFY = 32
};
static const unsigned members_of[8] = {
    [DNSD__ZONE_TYPE__ZONE_PRIMARY] = HAS_INTERNAL | HAS_CATALOG | HAS_DNSSEC | HAS_NOTIFY,
    [DNSD__ZONE_TYPE__ZONE_SECONDARY] =
        HAS_CATALOG | HAS_DNSSEC | HAS_VALIDATION | HAS_EXPIRY | HAS_NOTIFY,
    [DNSD__ZONE_TYPE__ZONE_STUB] = HAS_CATALOG | HAS_EXPIRY,
    [DNSD__ZONE_TYPE__ZONE_FORWARDER] = HAS_CATALOG | HAS_NOTIFY,
    [DNSD__ZONE_TYPE__ZONE_SECONDARY_FORWARDER] = HAS_CATALOG | HAS_EXPIRY,
    [DNSD__ZONE_TYPE__ZONE_CATALOG] = HAS_NOTIFY,
    [DNSD__ZONE_TYPE__ZONE_SECONDARY_CATALOG] = HAS_EXPIRY,
};

json_t *zone_view(const Dnsd__ZoneInfo *zone)
{
    unsigned type = (unsigned)zone->type < 8 ? (unsigned)zone->type : 0;
    unsigned has = members_of[type];
    json_t *o = json_object();
    view_name(o, "name", strcmp(zone->name, ".") == 0 ? "" : zone->name);
    json_object_set_new(o, "type", json_string(zone_type_names[type]));
    json_object_set_new(o, "lastModified", json_time_ms(zone->last_modified * 1000));
    json_object_set_new(o, "disabled", json_boolean(zone->disabled));
    json_object_set_new(o, "soaSerial", json_integer(zone->serial));
    if ((has & HAS_INTERNAL) != 0) {
        json_object_set_new(o, "internal", json_boolean(zone->internal));
    }
    if ((has & HAS_CATALOG) != 0) {
        json_object_set_new(o, "catalog",
                            zone->catalog[0] == 0 ? json_null() : json_text(zone->catalog));
    }
    if ((has & HAS_DNSSEC) != 0) {
        unsigned dnssec = (unsigned)zone->dnssec < 3 ? (unsigned)zone->dnssec : 0;
        json_object_set_new(o, "dnssecStatus", json_string(dnssec_names[dnssec]));
        json_object_set_new(o, "hasDnssecPrivateKeys", json_boolean(zone->has_private_keys));
    }
    if ((has & HAS_VALIDATION) != 0) {
        json_object_set_new(o, "validationFailed", json_boolean(zone->validation_failed));
    }
    if ((has & HAS_EXPIRY) != 0) {
        json_object_set_new(o, "expiry", json_time_ms(zone->expiry * 1000));
        json_object_set_new(o, "isExpired", json_boolean(zone->is_expired));
        json_object_set_new(o, "syncFailed", json_boolean(zone->sync_failed));
    }
    if ((has & HAS_EXPIRY) != 0 && zone->sync_error[0] != 0) {
        json_object_set_new(o, "syncError", json_text(zone->sync_error)); // ours
    }
    if ((has & HAS_NOTIFY) != 0 && !zone->internal) {
        json_t *failed = json_array();
        for (size_t i = 0; i < zone->n_notify_failed_for; i++) {
            json_array_append_new(failed, json_text(zone->notify_failed_for[i]));
        }
        json_object_set_new(o, "notifyFailed", json_boolean(zone->notify_failed));
        json_object_set_new(o, "notifyFailedFor", failed);
    }
    return o;
}

bool zone_need(struct api_call *call, unsigned right, const char **zone)
{
    const char *given = NULL;
    char name[NAME_MAX_TEXT];
    struct errmsg e = {0};
    if (!call_need(call, "zone", "domain", &given)) {
        return false;
    }
    if (idn_to_ascii(given, name, sizeof name, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return false;
    }
    *zone = arena_strdup(call->arena, name);
    return right == 0 || call_may_zone(call, *zone, right);
}

bool zone_check(struct api_call *call, const struct Trellis__Error *error, const char *zone)
{
    struct errmsg e = {0};
    if (rpc_error_get(error, &e) == ERR_NOT_FOUND && strstr(e.text, "record") == NULL) {
        call_fail(call, ERR_NOT_FOUND, "No such zone was found: %s", zone);
        return false;
    }
    return call_check(call, error, "dnsd");
}

ProtobufCService *zone_service(struct api_call *call)
{
    return rpc_client_service(call->api->dnsd, &dnsd__zones__descriptor);
}

char *zone_name_text(struct api_call *call, const char *text)
{
    char *name = str_trim(arena_strdup(call->arena, text));
    size_t len = strlen(name);
    if (len > 1 && name[len - 1] == '.') {
        name[len - 1] = 0;
    }
    str_lower(name);
    return name;
}
