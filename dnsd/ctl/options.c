#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "dnsd/ctl/internal.h"
#include "dnsd/zone/acl.h"

/*
 * Zone options: one row an option, with the zone types that have it, where it stands in the
 * protocol message and where in struct zone_options. Both directions follow from the row.
 */

enum option_kind { OPTION_BOOL, OPTION_TEXT, OPTION_CHOICE, OPTION_LIST, OPTION_POLICIES };

enum option_check {
    CHECK_NONE,
    CHECK_CATALOG,
    CHECK_TSIG_KEY,
    CHECK_PROTOCOL,
    CHECK_ADDRESSES,
    CHECK_ACL,
    CHECK_COUNT
};

struct option_row {
    const char *name; // the API's
    enum option_kind kind;
    enum option_check check;
    uint32_t types;  // bits 1 << enum zone_type
    bool by_catalog; // decided by the secondary catalog that made the zone
    size_t has;      // offset of has_…, for OPTION_BOOL
    size_t message;
    size_t option;
    const char *const *words; // of OPTION_CHOICE, in the enum's order
    size_t word_count;
};

static const char *const access_words[] = {
    [ZONE_DENY] = "Deny",
    [ZONE_ALLOW] = "Allow",
    [ZONE_PRIVATE] = "AllowOnlyPrivateNetworks",
    [ZONE_NAME_SERVERS] = "AllowOnlyZoneNameServers",
    [ZONE_ACL] = "UseSpecifiedNetworkACL",
    [ZONE_NAME_SERVERS_AND_ACL] = "AllowZoneNameServersAndUseSpecifiedNetworkACL",
};
static const char *const notify_words[] = {
    [ZONE_NOTIFY_NONE] = "None",
    [ZONE_NOTIFY_NAME_SERVERS] = "ZoneNameServers",
    [ZONE_NOTIFY_SPECIFIED] = "SpecifiedNameServers",
    [ZONE_NOTIFY_BOTH] = "BothZoneAndSpecifiedNameServers",
    [ZONE_NOTIFY_SEPARATE] = "SeparateNameServersForCatalogAndMemberZones",
};

#define BIT(type)             (1u << (type))
#define T_PRIMARY             BIT(ZONE_PRIMARY)
#define T_SECONDARY           BIT(ZONE_SECONDARY)
#define T_STUB                BIT(ZONE_STUB)
#define T_FORWARDER           BIT(ZONE_FORWARDER)
#define T_SECONDARY_FORWARDER BIT(ZONE_SECONDARY_FORWARDER)
#define T_CATALOG             BIT(ZONE_CATALOG)
#define T_SECONDARY_CATALOG   BIT(ZONE_SECONDARY_CATALOG)
#define T_ALL                                                                                      \
    (T_PRIMARY | T_SECONDARY | T_STUB | T_FORWARDER | T_SECONDARY_FORWARDER | T_CATALOG |          \
     T_SECONDARY_CATALOG)
#define T_MEMBERS      (T_PRIMARY | T_SECONDARY | T_STUB | T_FORWARDER)
#define T_TRANSFER_IN  (T_SECONDARY | T_SECONDARY_FORWARDER | T_SECONDARY_CATALOG)
#define T_TRANSFER_OUT (T_PRIMARY | T_SECONDARY | T_FORWARDER | T_CATALOG | T_SECONDARY_CATALOG)
#define T_NOTIFY       (T_PRIMARY | T_SECONDARY | T_FORWARDER | T_CATALOG)
#define T_UPDATE       (T_PRIMARY | T_SECONDARY | T_SECONDARY_FORWARDER | T_FORWARDER)

#define T_QUERIED (T_ALL & ~T_SECONDARY_CATALOG)
#define LED       true
#define FREE      false

#define AT(m, f)                                                                                   \
    .message = offsetof(Dnsd__ZoneOptions, m), .option = offsetof(struct zone_options, f)
#define FLAG(n, t, m, f)                                                                           \
    {.name = (n),                                                                                  \
     .kind = OPTION_BOOL,                                                                          \
     .types = (t),                                                                                 \
     .has = offsetof(Dnsd__ZoneOptions, has_##m),                                                  \
     AT(m, f)},
#define TEXT(n, t, c, l, m, f)                                                                     \
    {.name = (n), .kind = OPTION_TEXT, .types = (t), .check = (c), .by_catalog = (l), AT(m, f)},
#define LIST(n, t, c, l, m, f)                                                                     \
    {.name = (n), .kind = OPTION_LIST, .types = (t), .check = (c), .by_catalog = (l), AT(m, f)},
#define CHOICE(n, t, w, m, f)                                                                      \
    {.name = (n),                                                                                  \
     .kind = OPTION_CHOICE,                                                                        \
     .types = (t),                                                                                 \
     .words = (w),                                                                                 \
     .word_count = sizeof(w) / sizeof(w)[0],                                                       \
     AT(m, f)},
#define POLICIES(n, t, m, f) {.name = (n), .kind = OPTION_POLICIES, .types = (t), AT(m, f)},

static const struct option_row rows[] = {
#include "dnsd/ctl/options.def"
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void *at(void *base, size_t offset)
{
    return (char *)base + offset;
}

static const void *at_const(const void *base, size_t offset)
{
    return (const char *)base + offset;
}

// ---- checks ------------------------------------------------------------------------------------

static enum err check_catalog(const struct ctl *ctl, const char *value, struct errmsg *e)
{
    struct zone *zone;
    enum err err = ctl_zone_find(ctl, value, &zone, e);
    if (err != ERR_OK) {
        return err;
    }
    if (zone_type(zone) != ZONE_CATALOG) {
        return err_set(e, ERR_INVALID, "%s is not a Catalog zone", value);
    }
    return ERR_OK;
}

static enum err check_value(const struct ctl *ctl, const struct option_row *row, const char *value,
                            struct errmsg *e)
{
    union address address;
    struct acl_entry entry;
    switch (row->check) {
    case CHECK_CATALOG:
        return check_catalog(ctl, value, e);
    case CHECK_TSIG_KEY:
        if (snapshot_tsig_find_text(snapshot_get(ctl->shared), value) == NULL) {
            return err_set(e, ERR_NOT_FOUND, "%s: no TSIG key named %s", row->name, value);
        }
        return ERR_OK;
    case CHECK_PROTOCOL:
        if (!str_equal_nocase(value, "Tcp")) {
            return err_set(e, ERR_UNSUPPORTED, "%s: zone transfer over %s is not supported",
                           row->name, value);
        }
        return ERR_OK;
    case CHECK_ADDRESSES:
        if (address_parse(value, DNS_PORT, &address, e) != ERR_OK) {
            return err_prefix(e, ERR_INVALID, "%s", row->name);
        }
        return ERR_OK;
    case CHECK_ACL:
        if (acl_entry_parse(value, &entry, e) != ERR_OK) {
            return err_prefix(e, ERR_INVALID, "%s", row->name);
        }
        return ERR_OK;
    case CHECK_NONE:
    case CHECK_COUNT:
        return ERR_OK;
    }
    return ERR_OK;
}

// ---- message to options ------------------------------------------------------------------------

static void free_strings(struct zone_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        mem_free(strings->items[i]);
    }
    mem_free(strings->items);
    *strings = (struct zone_strings){0};
}

static enum err apply_text(const struct ctl *ctl, const struct option_row *row, const char *value,
                           char **target, struct errmsg *e)
{
    char *text = NULL;
    if (value[0] != '\0') {
        enum err err = check_value(ctl, row, value, e);
        if (err != ERR_OK) {
            return err;
        }
        struct ctl_zone_name name;
        bool is_name = row->check != CHECK_PROTOCOL && ctl_zone_name(value, &name, NULL) == ERR_OK;
        text = mem_strdup(is_name ? name.text : value);
    }
    mem_free(*target);
    *target = text;
    return ERR_OK;
}

static enum err apply_choice(const struct option_row *row, const char *value, void *target,
                             struct errmsg *e)
{
    for (size_t i = 0; i < row->word_count; i++) {
        if (str_equal_nocase(row->words[i], value)) {
            int number = (int)i;
            memcpy(target, &number, sizeof number); // enums of this compiler are ints
            return ERR_OK;
        }
    }
    return err_set(e, ERR_INVALID, "%s: \"%.60s\" is none of its values", row->name, value);
}
_Static_assert(sizeof(enum zone_access) == sizeof(int) && sizeof(enum zone_notify) == sizeof(int),
               "choices are copied as int");

static enum err apply_list(const struct ctl *ctl, const struct option_row *row,
                           const Dnsd__StringList *list, struct zone_strings *target,
                           struct errmsg *e)
{
    for (size_t i = 0; i < list->n_items; i++) {
        enum err err = check_value(ctl, row, list->items[i], e);
        if (err != ERR_OK) {
            return err;
        }
    }
    free_strings(target);
    target->items = mem_calloc(list->n_items, sizeof *target->items);
    target->count = list->n_items;
    for (size_t i = 0; i < list->n_items; i++) {
        target->items[i] = mem_strdup(list->items[i]);
    }
    return ERR_OK;
}

static enum err apply_policies(const struct option_row *row, const Dnsd__UpdatePolicyList *list,
                               struct zone_strings *target, struct errmsg *e)
{
    struct name name;
    for (size_t i = 0; i < list->n_items; i++) {
        const Dnsd__UpdatePolicy *p = list->items[i];
        if (p->tsig_key == NULL || p->domain == NULL || p->n_types == 0 ||
            name_from_text(p->domain, &name, NULL) != ERR_OK) {
            return err_set(e, ERR_INVALID, "%s: row %zu needs a key, a domain and types", row->name,
                           i + 1);
        }
    }
    free_strings(target);
    target->items = mem_calloc(list->n_items, sizeof *target->items);
    target->count = list->n_items;
    for (size_t i = 0; i < list->n_items; i++) {
        const Dnsd__UpdatePolicy *p = list->items[i];
        struct str text;
        str_init(&text);
        str_printf(&text, "%s|%s|", p->tsig_key, p->domain);
        for (size_t k = 0; k < p->n_types; k++) {
            str_printf(&text, "%s%s", k == 0 ? "" : ",", p->types[k]);
        }
        target->items[i] = str_take(&text);
    }
    return ERR_OK;
}

static enum err apply_row(const struct ctl *ctl, const struct option_row *row,
                          const Dnsd__ZoneOptions *in, struct zone_options *options,
                          struct errmsg *e)
{
    const void *message = at_const(in, row->message);
    void *target = at(options, row->option);
    if (row->kind == OPTION_BOOL) {
        if (*(const protobuf_c_boolean *)at_const(in, row->has)) {
            *(bool *)target = *(const protobuf_c_boolean *)message != 0;
        }
        return ERR_OK;
    }
    const void *value = *(const void *const *)message;
    if (value == NULL) {
        return ERR_OK; // not present
    }
    switch (row->kind) {
    case OPTION_TEXT:
        return apply_text(ctl, row, value, target, e);
    case OPTION_CHOICE:
        return apply_choice(row, value, target, e);
    case OPTION_LIST:
        return apply_list(ctl, row, value, target, e);
    case OPTION_POLICIES:
        return apply_policies(row, value, target, e);
    case OPTION_BOOL:
        break;
    }
    return ERR_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

// A new membership gets a new label (RFC 9432 section 4.1: consumers then know it for a new one).
static void follow_catalog(const char *before, struct zone_options *options)
{
    if (same_text(before, options->catalog)) {
        return;
    }
    mem_free(options->member_id);
    options->member_id = NULL;
    if (options->catalog != NULL) {
        uint64_t id = rand_u64();
        char text[17];
        snprintf(text, sizeof text, "%016llx", (unsigned long long)id);
        options->member_id = mem_strdup(text);
    }
}

enum err ctl_options_apply(const struct ctl *ctl, const char *zone, enum zone_type type,
                           const Dnsd__ZoneOptions *in, struct zone_options *options,
                           struct errmsg *e)
{
    char *catalog = options->catalog != NULL ? mem_strdup(options->catalog) : NULL;
    enum err err = ERR_OK;
    for (size_t i = 0; i < ROW_COUNT && err == ERR_OK; i++) {
        if ((rows[i].types & BIT(type)) != 0 && !(rows[i].by_catalog && options->from_catalog)) {
            err = apply_row(ctl, &rows[i], in, options, e);
        }
    }
    if (err == ERR_OK && type != ZONE_CATALOG && options->notify == ZONE_NOTIFY_SEPARATE) {
        err = err_set(e, ERR_INVALID, "%s: notify %s is for Catalog zones", zone,
                      notify_words[ZONE_NOTIFY_SEPARATE]);
    }
    if (err == ERR_OK) {
        follow_catalog(catalog, options);
    }
    mem_free(catalog);
    return err;
}

// ---- options to message ------------------------------------------------------------------------

static Dnsd__StringList *show_list(const struct zone_strings *strings, struct arena *arena)
{
    Dnsd__StringList *list = arena_alloc(arena, sizeof *list);
    dnsd__string_list__init(list);
    list->n_items = strings->count;
    list->items = strings->items; // immutable options: valid on the read side
    return list;
}

static Dnsd__UpdatePolicy *show_policy(const char *text, struct arena *arena)
{
    Dnsd__UpdatePolicy *p = arena_alloc(arena, sizeof *p);
    dnsd__update_policy__init(p);
    char *copy = arena_strdup(arena, text);
    p->tsig_key = strsep(&copy, "|");
    p->domain = copy != NULL ? strsep(&copy, "|") : NULL;
    size_t most = copy != NULL ? strlen(copy) + 1 : 0;
    p->types = arena_alloc(arena, (most + 1) * sizeof *p->types);
    while (copy != NULL) {
        p->types[p->n_types++] = strsep(&copy, ",");
    }
    return p;
}

static Dnsd__UpdatePolicyList *show_policies(const struct zone_strings *strings,
                                             struct arena *arena)
{
    Dnsd__UpdatePolicyList *list = arena_alloc(arena, sizeof *list);
    dnsd__update_policy_list__init(list);
    list->items = arena_alloc(arena, (strings->count + 1) * sizeof *list->items);
    list->n_items = strings->count;
    for (size_t i = 0; i < strings->count; i++) {
        list->items[i] = show_policy(strings->items[i], arena);
    }
    return list;
}

static void show_row(const struct option_row *row, const struct zone_options *options,
                     struct arena *arena, Dnsd__ZoneOptions *out)
{
    const void *source = at_const(options, row->option);
    void *target = at(out, row->message);
    const char *text;
    int number;
    switch (row->kind) {
    case OPTION_BOOL:
        *(protobuf_c_boolean *)at(out, row->has) = 1;
        *(protobuf_c_boolean *)target = *(const bool *)source;
        break;
    case OPTION_TEXT:
        text = *(char *const *)source;
        text = text != NULL ? text : row->check == CHECK_PROTOCOL ? "Tcp" : "";
        *(char **)target = arena_strdup(arena, text);
        break;
    case OPTION_CHOICE:
        memcpy(&number, source, sizeof number);
        *(char **)target = arena_strdup(arena, row->words[number]);
        break;
    case OPTION_LIST:
        *(Dnsd__StringList **)target = show_list(source, arena);
        break;
    case OPTION_POLICIES:
        *(Dnsd__UpdatePolicyList **)target = show_policies(source, arena);
        break;
    }
}

void ctl_options_show(const struct zone *zone, struct arena *arena, Dnsd__ZoneOptions *out)
{
    dnsd__zone_options__init(out);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].types & BIT(zone_type(zone))) != 0) {
            show_row(&rows[i], zone_options(zone), arena, out);
        }
    }
}
