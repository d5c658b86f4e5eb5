// Zone options and state, as memory and as stored bytes: one table row a member. Any thread.
#include "dnsd/zone/row.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/mem.h"

enum member_kind { MEMBER_BOOL, MEMBER_U32, MEMBER_U64, MEMBER_TEXT, MEMBER_CHARS, MEMBER_STRINGS,
                   MEMBER_NAME };

struct member {
    uint16_t tag;             // never reused
    enum member_kind kind;
    size_t offset;
    size_t size;              // of MEMBER_CHARS
};

#define OPTION(t, k, m) {.tag = (t), .kind = (k), .offset = offsetof(struct zone_options, m)}
static const struct member option_members[] = {
    OPTION(100, MEMBER_BOOL, disabled),
    OPTION(101, MEMBER_BOOL, soa_date_scheme),
    OPTION(102, MEMBER_BOOL, override_query_access),
    OPTION(103, MEMBER_BOOL, override_transfer),
    OPTION(104, MEMBER_BOOL, override_notify),
    OPTION(105, MEMBER_BOOL, override_primaries),
    OPTION(106, MEMBER_BOOL, validate_zone),
    OPTION(107, MEMBER_TEXT, catalog),
    OPTION(108, MEMBER_TEXT, member_id),
    OPTION(109, MEMBER_BOOL, from_catalog),
    OPTION(110, MEMBER_STRINGS, primaries),
    OPTION(111, MEMBER_TEXT, transfer_protocol),
    OPTION(112, MEMBER_TEXT, primary_tsig_key),
    OPTION(113, MEMBER_U32, query_access),
    OPTION(114, MEMBER_STRINGS, query_acl),
    OPTION(115, MEMBER_U32, transfer),
    OPTION(116, MEMBER_STRINGS, transfer_acl),
    OPTION(117, MEMBER_STRINGS, transfer_tsig_keys),
    OPTION(118, MEMBER_U32, notify),
    OPTION(119, MEMBER_STRINGS, notify_servers),
    OPTION(120, MEMBER_STRINGS, notify_catalogs),
    OPTION(121, MEMBER_U32, update),
    OPTION(122, MEMBER_STRINGS, update_acl),
    OPTION(123, MEMBER_STRINGS, update_policies),
};
#define OPTION_COUNT (sizeof option_members / sizeof option_members[0])

#define STATE(t, k, m)                                                                             \
    {.tag = (t), .kind = (k), .offset = offsetof(struct zone_state, m),                            \
     .size = sizeof((struct zone_state *)NULL)->m}
static const struct member state_members[] = {
    STATE(200, MEMBER_U64, last_modified),
    STATE(201, MEMBER_U64, last_refresh),
    STATE(202, MEMBER_U64, expiry),
    STATE(203, MEMBER_BOOL, sync_failed),
    STATE(204, MEMBER_CHARS, sync_error),
    STATE(205, MEMBER_BOOL, notify_failed),
    STATE(206, MEMBER_CHARS, notify_failed_for),
};
#define STATE_COUNT (sizeof state_members / sizeof state_members[0])

static const struct member row_members[] = {
    {.tag = 1, .kind = MEMBER_NAME, .offset = offsetof(struct zone_row, apex)},
    {.tag = 2, .kind = MEMBER_U32, .offset = offsetof(struct zone_row, type)},
    {.tag = 3, .kind = MEMBER_U32, .offset = offsetof(struct zone_row, content)},
};
#define ROW_COUNT (sizeof row_members / sizeof row_members[0])

_Static_assert(sizeof(enum zone_access) == 4 && sizeof(enum zone_notify) == 4 &&
                   sizeof(enum zone_type) == 4,
               "enums are stored as MEMBER_U32");

// ---- options in memory -------------------------------------------------------------------------

static void strings_free(struct zone_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        mem_free(strings->items[i]);
    }
    mem_free(strings->items);
    *strings = (struct zone_strings){0};
}

static void strings_copy(struct zone_strings *to, const struct zone_strings *from)
{
    to->count = from->count;
    to->items = from->count == 0 ? NULL : mem_calloc(from->count, sizeof *to->items);
    for (size_t i = 0; i < from->count; i++) {
        to->items[i] = mem_strdup(from->items[i]);
    }
}

void zone_options_free(struct zone_options *options)
{
    if (options == NULL) {
        return;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        uint8_t *at = (uint8_t *)options + option_members[i].offset;
        if (option_members[i].kind == MEMBER_TEXT) {
            mem_free(*(char **)(void *)at);
        } else if (option_members[i].kind == MEMBER_STRINGS) {
            strings_free((struct zone_strings *)(void *)at);
        }
    }
    mem_free(options);
}

struct zone_options *zone_options_copy(const struct zone_options *options)
{
    struct zone_options *copy = mem_dup(options, sizeof *options);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        uint8_t *to = (uint8_t *)copy + option_members[i].offset;
        const uint8_t *from = (const uint8_t *)options + option_members[i].offset;
        if (option_members[i].kind == MEMBER_TEXT) {
            char *text = *(char *const *)(const void *)from;
            *(char **)(void *)to = text == NULL ? NULL : mem_strdup(text);
        } else if (option_members[i].kind == MEMBER_STRINGS) {
            strings_copy((struct zone_strings *)(void *)to,
                         (const struct zone_strings *)(const void *)from);
        }
    }
    return copy;
}

struct zone_options *zone_options_new(enum zone_type type)
{
    // What the API's server gives a new zone of each kind.
    static const struct {
        enum zone_access query;
        enum zone_access transfer;
        enum zone_notify notify;
    } defaults[ZONE_TYPE_COUNT] = {
        [ZONE_PRIMARY] = {ZONE_ALLOW, ZONE_NAME_SERVERS, ZONE_NOTIFY_NAME_SERVERS},
        [ZONE_SECONDARY] = {ZONE_ALLOW, ZONE_DENY, ZONE_NOTIFY_NONE},
        [ZONE_STUB] = {ZONE_ALLOW, ZONE_DENY, ZONE_NOTIFY_NONE},
        [ZONE_FORWARDER] = {ZONE_ALLOW, ZONE_DENY, ZONE_NOTIFY_NONE},
        [ZONE_SECONDARY_FORWARDER] = {ZONE_ALLOW, ZONE_DENY, ZONE_NOTIFY_NONE},
        [ZONE_CATALOG] = {ZONE_DENY, ZONE_NAME_SERVERS, ZONE_NOTIFY_NAME_SERVERS},
        [ZONE_SECONDARY_CATALOG] = {ZONE_DENY, ZONE_DENY, ZONE_NOTIFY_NONE},
    };
    struct zone_options *options = mem_zalloc(sizeof *options);
    options->query_access = defaults[type].query;
    options->transfer = defaults[type].transfer;
    options->notify = defaults[type].notify;
    options->update = ZONE_DENY;
    options->transfer_protocol = mem_strdup("Tcp");
    return options;
}

// ---- stored form -------------------------------------------------------------------------------

static void item_write(struct str *out, uint16_t tag, const void *bytes, size_t len)
{
    uint32_t size = (uint32_t)len;
    str_add_bytes(out, &tag, sizeof tag);
    str_add_bytes(out, &size, sizeof size);
    str_add_bytes(out, bytes, len);
}

static void member_write(struct str *out, const struct member *member, const void *base)
{
    const uint8_t *at = (const uint8_t *)base + member->offset;
    switch (member->kind) {
    case MEMBER_BOOL:
        if (*at != 0) {
            item_write(out, member->tag, at, 1);
        }
        break;
    case MEMBER_U32:
        item_write(out, member->tag, at, 4);
        break;
    case MEMBER_U64:
        item_write(out, member->tag, at, 8);
        break;
    case MEMBER_TEXT: {
        const char *text = *(char *const *)(const void *)at;
        if (text != NULL) {
            item_write(out, member->tag, text, strlen(text));
        }
        break;
    }
    case MEMBER_CHARS:
        if (at[0] != 0) {
            item_write(out, member->tag, at, strnlen((const char *)at, member->size));
        }
        break;
    case MEMBER_STRINGS: {
        const struct zone_strings *strings = (const struct zone_strings *)(const void *)at;
        for (size_t i = 0; i < strings->count; i++) {    // an item each
            item_write(out, member->tag, strings->items[i], strlen(strings->items[i]));
        }
        break;
    }
    case MEMBER_NAME:
        item_write(out, member->tag, ((const struct name *)(const void *)at)->wire,
                   ((const struct name *)(const void *)at)->len);
        break;
    }
}

void zone_row_write(const struct zone_row *row, struct str *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        member_write(out, &row_members[i], row);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        member_write(out, &option_members[i], row->options);
    }
    for (size_t i = 0; i < STATE_COUNT; i++) {
        member_write(out, &state_members[i], &row->state);
    }
}

static char *text_dup(const uint8_t *bytes, size_t len)
{
    char *text = mem_alloc(len + 1);
    memcpy(text, bytes, len);
    text[len] = 0;
    return text;
}

static bool member_read(const struct member *member, void *base, const uint8_t *bytes, size_t len)
{
    uint8_t *at = (uint8_t *)base + member->offset;
    switch (member->kind) {
    case MEMBER_BOOL:
        *at = 1;
        return len == 1;
    case MEMBER_U32:
        if (len == 4) {
            memcpy(at, bytes, 4);
        }
        return len == 4;
    case MEMBER_U64:
        if (len == 8) {
            memcpy(at, bytes, 8);
        }
        return len == 8;
    case MEMBER_TEXT: {
        char **text = (char **)(void *)at;
        mem_free(*text);
        *text = text_dup(bytes, len);
        return true;
    }
    case MEMBER_CHARS:
        if (len < member->size) {
            memcpy(at, bytes, len);
            at[len] = 0;
        }
        return len < member->size;
    case MEMBER_STRINGS: {
        struct zone_strings *strings = (struct zone_strings *)(void *)at;
        strings->items = mem_realloc(strings->items, (strings->count + 1) * sizeof(char *));
        strings->items[strings->count++] = text_dup(bytes, len);
        return true;
    }
    case MEMBER_NAME: {
        struct name *name = (struct name *)(void *)at;
        if (len > NAME_MAX_WIRE || name_check(bytes, len) != len) {
            return false;
        }
        name->len = (uint8_t)len;
        memcpy(name->wire, bytes, len);
        return true;
    }
    }
    return false;
}

static const struct member *member_find(const struct member *members, size_t count, uint16_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i].tag == tag) {
            return &members[i];
        }
    }
    return NULL;
}

enum err zone_row_read(const void *bytes, size_t len, struct zone_row *out)
{
    struct zone_row row = {.options = mem_zalloc(sizeof *row.options)};
    const struct {
        const struct member *members;
        size_t count;
        void *base;
    } parts[] = {{row_members, ROW_COUNT, &row},
                 {option_members, OPTION_COUNT, row.options},
                 {state_members, STATE_COUNT, &row.state}};
    const uint8_t *at = bytes;
    const uint8_t *end = at + len;
    bool good = true;
    while (good && at < end) {
        uint16_t tag;
        uint32_t size;
        if (end - at < 6) {
            good = false;
            break;
        }
        memcpy(&tag, at, 2);
        memcpy(&size, at + 2, 4);
        at += 6;
        if ((size_t)(end - at) < size) {
            good = false;
            break;
        }
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            const struct member *member = member_find(parts[i].members, parts[i].count, tag);
            good = good && (member == NULL || member_read(member, parts[i].base, at, size));
        }
        at += size;
    }
    if (!good || row.apex.len == 0 || row.type == 0 || row.type >= ZONE_TYPE_COUNT ||
        row.options->query_access > ZONE_NAME_SERVERS_AND_ACL ||
        row.options->transfer > ZONE_NAME_SERVERS_AND_ACL ||
        row.options->update > ZONE_NAME_SERVERS_AND_ACL ||
        row.options->notify > ZONE_NOTIFY_SEPARATE) {
        zone_options_free(row.options);
        return ERR_CORRUPT;
    }
    *out = row;
    return ERR_OK;
}
