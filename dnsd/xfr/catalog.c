#include <stdio.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"
#include "dnsd/conf/reader.h"
#include "dnsd/xfr/internal.h"
#include "dnsd/xfr/members.h"

/*
 * Catalog zones (RFC 9432). A Catalog zone lists the zones whose options name it; a
 * SecondaryCatalog makes and deletes Secondary zones as its primary lists them. Both are brought
 * about by comparing what is with what should be, whenever something about them changed: so nothing
 * is lost by a crash between two steps, and thousands of changes at once are one comparison. While
 * jobs for a catalog are under way it only stays marked.
 */

#define EDITS_MAX 10000u

struct job {
    struct xfr *x;
    struct name catalog;
    char *zone; // for the log
    const char *what;
};

static void mark(struct xfr *x, const char *catalog)
{
    struct xfr_zone *c = catalog != NULL ? xfr_find_text(x, catalog) : NULL;
    if (c != NULL) {
        c->is_dirty = true;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void catalog_follow(struct xfr *x, struct xfr_zone *z, const struct zone *zone)
{
    const struct zone_options *o = zone != NULL ? zone_options(zone) : NULL;
    const char *catalog = o != NULL ? o->catalog : NULL;
    const char *member_id = o != NULL ? o->member_id : NULL;
    if (same_text(catalog, z->catalog) && same_text(member_id, z->member_id)) {
        return;
    }
    mark(x, z->catalog);
    mark(x, catalog);
    mem_free(z->catalog);
    mem_free(z->member_id);
    z->catalog = catalog != NULL ? mem_strdup(catalog) : NULL;
    z->member_id = member_id != NULL ? mem_strdup(member_id) : NULL;
}

// ---- jobs --------------------------------------------------------------------------------------

static void on_job(void *ctx, const struct zone_result *result)
{
    struct job *job = ctx;
    struct xfr *x = job->x;
    struct xfr_zone *c = xfr_find(x, job->catalog.wire);
    if (result->err != ERR_OK) {
        log_warn(job->what, F_NAME(job->zone), F_ERR(&result->message));
    }
    if (c != NULL && c->jobs > 0 && --c->jobs == 0 && c->is_dirty) {
        catalog_run(x);
    }
    mem_free(job->zone);
    mem_free(job);
}

static struct job *job_new(struct xfr *x, struct xfr_zone *c, const char *zone, const char *what)
{
    struct job *job = mem_zalloc(sizeof *job);
    job->x = x;
    job->catalog = c->apex;
    job->zone = mem_strdup(zone);
    job->what = what;
    c->jobs++;
    return job;
}

// ---- what the catalog says, and what our zones say ---------------------------------------------

static void read_catalog(struct xfr *x, struct zone *zone, const struct zone_version *version,
                         struct members *out)
{
    struct zone_iter iter;
    struct zone_record record;
    zone_iter_init(&iter, x->shared->store, zone, version, NULL, false);
    while (zone_iter_next(&iter, &record)) {
        members_take(out, zone_apex(zone), &record);
    }
    zone_iter_fini(&iter);
}

// The zones whose options name the catalog. Read side.
static void read_zones(struct xfr *x, const struct zone *catalog, bool from_catalog,
                       struct members *out)
{
    const struct zone_table *table = zone_table_get(x->shared->store);
    for (size_t i = 0; i < zone_table_count(table); i++) {
        const struct zone *zone = zone_table_at(table, i);
        const struct zone_options *o = zone_options(zone);
        if (o->catalog != NULL && o->member_id != NULL && o->from_catalog == from_catalog &&
            str_equal_nocase(o->catalog, zone_text(catalog))) {
            members_add(out, o->member_id, zone_apex(zone));
        }
    }
}

// ---- producer ----------------------------------------------------------------------------------

struct producing {
    struct arena arena;
    const struct name *catalog;
    struct zone_edit *edits;
    size_t count;
    size_t capacity;
};

static struct zone_record record_of(struct producing *p, const struct name *owner, uint16_t type,
                                    const void *rdata, size_t len)
{
    return (struct zone_record){.name = arena_dup(&p->arena, owner->wire, owner->len),
                                .type = type,
                                .rdata = arena_dup(&p->arena, rdata, len),
                                .rdata_len = (uint16_t)len};
}

static void add_edit(struct producing *p, enum zone_edit_op op, const struct zone_record *record)
{
    mem_grow(&p->edits, &p->capacity, p->count + 1, sizeof *p->edits);
    struct zone_edit edit = {.op = op};
    if (op == ZONE_EDIT_ADD) {
        edit.record = *record;
    } else {
        edit.old = *record;
    }
    p->edits[p->count++] = edit;
}

static void unlist(void *ctx, const struct member *member)
{
    struct producing *p = ctx;
    struct name owner;
    if (members_owner(p->catalog, member->id, &owner)) {
        struct zone_record r = record_of(p, &owner, TYPE_PTR, member->zone.wire, member->zone.len);
        add_edit(p, ZONE_EDIT_DELETE, &r);
    }
}

static void list(void *ctx, const struct member *member)
{
    struct producing *p = ctx;
    struct name owner;
    if (members_owner(p->catalog, member->id, &owner)) {
        struct zone_record r = record_of(p, &owner, TYPE_PTR, member->zone.wire, member->zone.len);
        add_edit(p, ZONE_EDIT_ADD, &r);
    }
}

static void add_version(struct producing *p, const struct members *have)
{
    static const uint8_t two[] = {1, '2'};
    struct name owner;
    if (!have->has_version && members_version_owner(p->catalog, &owner)) {
        struct zone_record r = record_of(p, &owner, TYPE_TXT, two, sizeof two);
        add_edit(p, ZONE_EDIT_ADD, &r);
    }
}

static void produce(struct xfr *x, struct xfr_zone *c, struct zone *zone,
                    const struct zone_version *version)
{
    struct members have = {0};
    struct members want = {0};
    struct producing p = {.catalog = zone_apex(zone)};
    arena_init(&p.arena);
    read_catalog(x, zone, version, &have);
    read_zones(x, zone, false, &want);
    if (!members_sort(&want)) {
        log_error("two zones have the same label in a catalog", F_NAME(c->text));
    }
    (void)members_sort(&have);
    add_version(&p, &have);
    members_diff(&have, &want, unlist, list, &p);
    if (p.count > EDITS_MAX) {
        p.count = EDITS_MAX;
        c->is_dirty = true; // the rest when these are done
    }
    if (p.count != 0) {
        zone_submit_edits(x->submitter, c->text, p.edits, p.count, NULL, on_job,
                          job_new(x, c, c->text, "catalog zone is not brought up to date"));
    }
    mem_free(p.edits);
    arena_fini(&p.arena);
    members_fini(&have);
    members_fini(&want);
}

// ---- consumer ----------------------------------------------------------------------------------

struct consuming {
    struct xfr *x;
    struct xfr_zone *c;
    const struct zone *zone;
    size_t made;
    size_t deleted;
};

static void delete_member(void *ctx, const struct member *member)
{
    struct consuming *u = ctx;
    char text[NAME_MAX_TEXT];
    name_to_text(member->zone.wire, text);
    u->deleted++;
    zone_submit_delete(u->x->submitter, text, on_job,
                       job_new(u->x, u->c, text, "zone of a catalog is not deleted"));
}

static struct zone_options *member_options(const struct consuming *u, const struct member *member)
{
    const struct zone_options *from = zone_options(u->zone);
    struct zone_options *o = zone_options_new(ZONE_SECONDARY);
    struct zone_options *copy = zone_options_copy(from);
    struct zone_strings none = o->primaries;
    o->primaries = copy->primaries;
    copy->primaries = none;
    o->primary_tsig_key =
        from->primary_tsig_key != NULL ? mem_strdup(from->primary_tsig_key) : NULL;
    o->catalog = mem_strdup(zone_text(u->zone));
    o->member_id = mem_strdup(member->id);
    o->from_catalog = true;
    zone_options_free(copy);
    return o;
}

// Does the catalog that made the zone say that it goes over to this one (RFC 9432 section 4.4.1)?
static bool moves_here(const struct consuming *u, const struct zone_options *o)
{
    struct name name;
    struct members old = {0};
    bool moves = false;
    if (!o->from_catalog || o->catalog == NULL ||
        name_from_text(o->catalog, &name, NULL) != ERR_OK) {
        return false;
    }
    name_fold(name.wire);
    struct zone *from = zone_table_find(zone_table_get(u->x->shared->store), name.wire);
    const struct zone_version *version = from != NULL ? zone_pin(from) : NULL;
    if (version == NULL) {
        return false;
    }
    read_catalog(u->x, from, version, &old);
    zone_unpin(version);
    for (size_t i = 0; i < old.count && !moves; i++) {
        moves = same_text(old.items[i].id, o->member_id) && old.items[i].moves_to != NULL &&
                str_equal_nocase(old.items[i].moves_to, zone_text(u->zone));
    }
    members_fini(&old);
    return moves;
}

static void make_member(void *ctx, const struct member *member)
{
    struct consuming *u = ctx;
    char text[NAME_MAX_TEXT];
    name_to_text(member->zone.wire, text);
    const struct zone *present =
        zone_table_find(zone_table_get(u->x->shared->store), member->zone.wire);
    struct zone_options *o = member_options(u, member);
    if (present == NULL || same_text(zone_options(present)->catalog, zone_text(u->zone))) {
        // Under a new label it was deleted a moment ago (section 5.6: its state starts anew).
        struct zone_create create = {.zone = text,
                                     .type = ZONE_SECONDARY,
                                     .options = o,
                                     .server_name = snapshot_get(u->x->shared)->server_name};
        u->made++;
        zone_submit_create(u->x->submitter, &create, on_job,
                           job_new(u->x, u->c, text, "zone of a catalog is not made"));
    } else if (moves_here(u, zone_options(present))) {
        zone_submit_options(u->x->submitter, text, o, on_job,
                            job_new(u->x, u->c, text, "zone does not change its catalog"));
    } else {
        log_warn("a catalog names a zone that is here already: left alone", F_NAME(text),
                 F_STR("catalog", zone_text(u->zone)));
    }
    zone_options_free(o);
}

static void consume(struct xfr *x, struct xfr_zone *c, struct zone *zone,
                    const struct zone_version *version)
{
    struct members have = {0};
    struct members want = {0};
    struct consuming u = {.x = x, .c = c, .zone = zone};
    read_catalog(x, zone, version, &want);
    read_zones(x, zone, true, &have);
    bool is_whole = members_sort(&want);
    if (!is_whole || !want.has_version) {
        log_error("catalog zone is broken: its members stay as they are", F_NAME(c->text),
                  F_STR("reason", is_whole ? "no version 2 record (RFC 9432 section 4.2.1)"
                                           : "a member is listed twice"));
    } else {
        (void)members_sort(&have);
        // All that goes first: what comes under a new label is made after its deletion.
        members_diff(&have, &want, delete_member, NULL, &u);
        members_diff(&have, &want, NULL, make_member, &u);
    }
    if (u.made + u.deleted != 0) {
        log_info("catalog followed", F_NAME(c->text), F_U64("made", u.made),
                 F_U64("deleted", u.deleted));
    }
    members_fini(&have);
    members_fini(&want);
}

// ------------------------------------------------------------------------------------------------

static void run_one(struct xfr *x, struct xfr_zone *c)
{
    c->is_dirty = false;
    reader_enter();
    struct zone *zone = zone_table_find(zone_table_get(x->shared->store), c->apex.wire);
    const struct zone_version *version = zone != NULL ? zone_pin(zone) : NULL;
    if (version != NULL) {
        if (zone_type(zone) == ZONE_CATALOG) {
            produce(x, c, zone, version);
        } else {
            consume(x, c, zone, version);
        }
        zone_unpin(version);
    }
    reader_leave();
}

void catalog_run(struct xfr *x)
{
    for (struct list *at = x->catalogs.next; at != &x->catalogs; at = at->next) {
        struct xfr_zone *c = list_entry(at, struct xfr_zone, in_catalogs);
        if (c->is_dirty && c->jobs == 0) {
            run_one(x, c);
        }
    }
}
