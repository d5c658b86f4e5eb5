#include <string.h>

#include "common/base/clock.h"
#include "common/dns/rrtype.h"
#include "dnsd/ctl/internal.h"
#include "dnsd/xfr/policy.h"

// What all handlers say about a zone. Read side.

static const struct {
    Dnsd__ZoneType wire;
    const char *name;
} type_rows[ZONE_TYPE_COUNT] = {
    [ZONE_PRIMARY] = {DNSD__ZONE_TYPE__ZONE_PRIMARY,             "Primary"           },
    [ZONE_SECONDARY] = {DNSD__ZONE_TYPE__ZONE_SECONDARY,           "Secondary"         },
    [ZONE_STUB] = {DNSD__ZONE_TYPE__ZONE_STUB,                "Stub"              },
    [ZONE_FORWARDER] = {DNSD__ZONE_TYPE__ZONE_FORWARDER,           "Forwarder"         },
    [ZONE_SECONDARY_FORWARDER] = {DNSD__ZONE_TYPE__ZONE_SECONDARY_FORWARDER, "SecondaryForwarder"},
    [ZONE_CATALOG] = {DNSD__ZONE_TYPE__ZONE_CATALOG,             "Catalog"           },
    [ZONE_SECONDARY_CATALOG] = {DNSD__ZONE_TYPE__ZONE_SECONDARY_CATALOG,   "SecondaryCatalog"  },
};

bool ctl_zone_type(Dnsd__ZoneType in, enum zone_type *out)
{
    for (unsigned i = ZONE_PRIMARY; i < ZONE_TYPE_COUNT; i++) {
        if (type_rows[i].wire == in) {
            *out = (enum zone_type)i;
            return true;
        }
    }
    return false;
}

const char *ctl_zone_type_name(enum zone_type type)
{
    return type_rows[type].name;
}

enum err ctl_zone_name(const char *text, struct ctl_zone_name *out, struct errmsg *e)
{
    // The root is "." and, in older clients, "".
    enum err err = name_from_text(text[0] == '\0' ? "." : text, &out->wire, e);
    if (err != ERR_OK) {
        return err_prefix(e, err, "zone name \"%.200s\"", text);
    }
    name_fold(out->wire.wire);
    name_to_text(out->wire.wire, out->text);
    return ERR_OK;
}

enum err ctl_zone_find(const struct ctl *ctl, const char *text, struct zone **out, struct errmsg *e)
{
    struct ctl_zone_name name;
    enum err err = ctl_zone_name(text, &name, e);
    if (err != ERR_OK) {
        return err;
    }
    struct zone *zone = zone_table_find(zone_table_get(ctl->shared->store), name.wire.wire);
    if (zone == NULL) {
        return err_set(e, ERR_NOT_FOUND, "No such zone was found: %s", name.text);
    }
    *out = zone;
    return ERR_OK;
}

static Dnsd__DnssecStatus dnssec_status(const struct zone *zone, const struct zone_version *version)
{
    struct zone_rrset rrset;
    const uint8_t *apex = zone_apex(zone)->wire;
    if (version == NULL || !zone_version_rrset(version, apex, TYPE_DNSKEY, &rrset)) {
        return DNSD__DNSSEC_STATUS__UNSIGNED;
    }
    return zone_version_rrset(version, apex, TYPE_NSEC3PARAM, &rrset)
               ? DNSD__DNSSEC_STATUS__SIGNED_NSEC3
               : DNSD__DNSSEC_STATUS__SIGNED_NSEC;
}

static void split_list(const char *list, struct arena *arena, size_t *count, char ***items)
{
    char *copy = arena_strdup(arena, list);
    *items = arena_alloc(arena, (strlen(list) + 1) * sizeof **items);
    *count = 0;
    while (copy != NULL && copy[0] != '\0') {
        (*items)[(*count)++] = strsep(&copy, ",");
    }
}

void ctl_zone_info(const struct zone *zone, struct arena *arena, Dnsd__ZoneInfo *out)
{
    const struct zone_options *options = zone_options(zone);
    const struct zone_version *version = zone_current(zone);
    struct zone_state state;
    zone_state_get(zone, &state);
    dnsd__zone_info__init(out);
    out->name = arena_strdup(arena, zone_text(zone));
    out->type = type_rows[zone_type(zone)].wire;
    out->disabled = options->disabled;
    out->last_modified = state.last_modified;
    out->last_refresh = state.last_refresh;
    out->catalog = arena_strdup(arena, options->catalog != NULL ? options->catalog : "");
    out->secondary_catalog_member = options->from_catalog;
    out->dnssec = dnssec_status(zone, version);
    out->sync_failed = state.sync_failed;
    out->sync_error = arena_strdup(arena, state.sync_error);
    out->notify_failed = state.notify_failed;
    split_list(state.notify_failed_for, arena, &out->n_notify_failed_for, &out->notify_failed_for);
    if (policy_is_secondary(zone_type(zone))) {
        out->expiry = state.expiry;
        out->is_expired = version == NULL || state.expiry <= clock_unix_s();
    }
    if (version != NULL) {
        out->serial = zone_version_serial(version);
        out->record_count = zone_version_records(version);
    }
}

Dnsd__ZoneInfo *ctl_zone_info_of(const struct ctl *ctl, const char *text, struct arena *arena)
{
    struct zone *zone;
    if (ctl_zone_find(ctl, text, &zone, NULL) != ERR_OK) {
        return NULL;
    }
    Dnsd__ZoneInfo *info = arena_alloc(arena, sizeof *info);
    ctl_zone_info(zone, arena, info);
    return info;
}
