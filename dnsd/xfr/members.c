#include "dnsd/xfr/members.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"

static const uint8_t zones_label[] = {5, 'z', 'o', 'n', 'e', 's'};
static const uint8_t version_label[] = {7, 'v', 'e', 'r', 's', 'i', 'o', 'n'};
static const uint8_t coo_label[] = {3, 'c', 'o', 'o'};
static const uint8_t version_text[] = {1, '2'};

void members_fini(struct members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        mem_free(members->items[i].id);
        mem_free(members->items[i].moves_to);
    }
    mem_free(members->items);
    *members = (struct members){0};
}

void members_add(struct members *members, const char *id, const struct name *zone)
{
    mem_grow(&members->items, &members->capacity, members->count + 1, sizeof *members->items);
    members->items[members->count++] = (struct member){.id = mem_strdup(id), .zone = *zone};
}

static bool starts_with(const uint8_t *name, const uint8_t *label, size_t size)
{
    return name[0] == label[0] && memcmp(name, label, size) == 0;
}

// The label of a name as text; empty when it holds bytes that a member's label cannot have here.
static void label_text(const uint8_t *name, char out[64])
{
    memcpy(out, name + 1, name[0]);
    out[name[0]] = '\0';
    if (strlen(out) != name[0]) {
        out[0] = '\0';
    }
}

static bool read_target(const struct zone_record *r, struct name *out)
{
    size_t len = name_check(r->rdata, r->rdata_len);
    if (len == 0) {
        return false;
    }
    memcpy(out->wire, r->rdata, len);
    out->len = (uint8_t)len;
    name_fold(out->wire);
    return true;
}

// Records come in canonical order: a member's own properties right behind its PTR.
static void take_coo(struct members *members, const uint8_t *owner, const struct zone_record *r)
{
    char id[64];
    struct name target;
    char text[NAME_MAX_TEXT];
    label_text(owner + sizeof coo_label, id);
    if (members->count == 0 || r->type != TYPE_PTR || !read_target(r, &target)) {
        return;
    }
    struct member *last = &members->items[members->count - 1];
    if (strcmp(last->id, id) == 0) {
        name_to_text(target.wire, text);
        mem_free(last->moves_to);
        last->moves_to = mem_strdup(text);
    }
}

void members_take(struct members *members, const struct name *catalog, const struct zone_record *r)
{
    struct name zones;
    struct name target;
    char id[64];
    size_t len = name_len(r->name);
    const uint8_t *owner = r->name;
    if (!name_join(zones_label, sizeof zones_label, catalog->wire, &zones)) {
        return;
    }
    if (len == catalog->len + sizeof version_label &&
        starts_with(owner, version_label, sizeof version_label)) {
        members->has_version =
            members->has_version || (r->type == TYPE_TXT && r->rdata_len == sizeof version_text &&
                                     memcmp(r->rdata, version_text, sizeof version_text) == 0);
        return;
    }
    if (!name_is_below_or_equal(owner, zones.wire) || len == zones.len) {
        return;
    }
    if (len == zones.len + 1u + owner[0]) {
        label_text(owner, id);
        if (r->type == TYPE_PTR && id[0] != '\0' && read_target(r, &target)) {
            members_add(members, id, &target);
        }
    } else if (starts_with(owner, coo_label, sizeof coo_label)) {
        take_coo(members, owner, r);
    }
}

static int by_id(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    return strcmp(x->id, y->id);
}

static int by_zone(const void *a, const void *b)
{
    const struct member *const *x = a;
    const struct member *const *y = b;
    return name_compare((*x)->zone.wire, (*y)->zone.wire);
}

bool members_sort(struct members *members)
{
    if (members->count < 2) {
        return true;
    }
    qsort(members->items, members->count, sizeof *members->items, by_id);
    const struct member **zones = mem_calloc(members->count, sizeof(const struct member *));
    for (size_t i = 0; i < members->count; i++) {
        zones[i] = &members->items[i];
    }
    qsort(zones, members->count, sizeof(const struct member *), by_zone);
    bool ok = true;
    for (size_t i = 1; i < members->count && ok; i++) {
        ok = strcmp(members->items[i - 1].id, members->items[i].id) != 0 &&
             !name_equal_lower(zones[i - 1]->zone.wire, zones[i]->zone.wire);
    }
    mem_free(zones);
    return ok;
}

bool members_owner(const struct name *catalog, const char *id, struct name *out)
{
    struct name zones;
    uint8_t label[64];
    size_t len = strlen(id);
    if (len == 0 || len > 63 ||
        !name_join(zones_label, sizeof zones_label, catalog->wire, &zones)) {
        return false;
    }
    label[0] = (uint8_t)len;
    memcpy(label + 1, id, len);
    return name_join(label, len + 1, zones.wire, out);
}

bool members_version_owner(const struct name *catalog, struct name *out)
{
    return name_join(version_label, sizeof version_label, catalog->wire, out);
}

void members_diff(const struct members *have, const struct members *want, member_fn gone,
                  member_fn come, void *ctx)
{
    size_t h = 0;
    size_t w = 0;
    while (h < have->count || w < want->count) {
        int order = h == have->count   ? 1
                    : w == want->count ? -1
                                       : strcmp(have->items[h].id, want->items[w].id);
        bool is_same =
            order == 0 && name_equal_lower(have->items[h].zone.wire, want->items[w].zone.wire);
        if (order <= 0) {
            if (!is_same && gone != NULL) {
                gone(ctx, &have->items[h]);
            }
            h++;
        }
        if (order >= 0) {
            if (!is_same && come != NULL) {
                come(ctx, &want->items[w]);
            }
            w++;
        }
    }
}
