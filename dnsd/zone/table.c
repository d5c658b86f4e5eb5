// Zones and the table of them. Readers on all threads; changed by the writer thread.
#include "dnsd/zone/table.h"

#include "common/base/mem.h"
#include "common/dns/name.h"

// ---- boxes -------------------------------------------------------------------------------------

enum err zone_box_new(enum zone_type type, struct zone_options *options, struct zone_box **out,
                      struct errmsg *e)
{
    struct zone_box *box = mem_zalloc(sizeof *box);
    box->type = type;
    box->options = options;
    enum err err = acl_init(&box->query, options->query_acl.items, options->query_acl.count, e);
    if (err == ERR_OK) {
        err = acl_init(&box->transfer, options->transfer_acl.items, options->transfer_acl.count, e);
    }
    if (err == ERR_OK) {
        err = acl_init(&box->update, options->update_acl.items, options->update_acl.count, e);
    }
    if (err != ERR_OK) {
        box->options = NULL;
        zone_box_free(box);
        return err;
    }
    *out = box;
    return ERR_OK;
}

void zone_box_free(struct zone_box *box)
{
    if (box == NULL) {
        return;
    }
    acl_fini(&box->query);
    acl_fini(&box->transfer);
    acl_fini(&box->update);
    zone_options_free(box->options);
    mem_free(box);
}

// ---- zones -------------------------------------------------------------------------------------

struct zone *zone_new(struct zone_store *store, uint32_t id, const struct name *apex,
                      struct zone_box *box)
{
    char text[NAME_MAX_TEXT];
    struct zone *zone = mem_zalloc(sizeof *zone);
    zone->store = store;
    zone->id = id;
    zone->apex = *apex;
    zone->box = box;
    name_to_text(apex->wire, text);
    zone->text = mem_strdup(text);
    return zone;
}

void zone_free(struct zone *zone)
{
    while (zone->oldest != NULL) {
        zone->oldest = version_free_oldest(zone->oldest);
    }
    zone_box_free(zone->box);
    mem_free(zone->state);
    mem_free(zone->text);
    mem_free(zone);
}

const struct name *zone_apex(const struct zone *zone)
{
    return &zone->apex;
}

const char *zone_text(const struct zone *zone)
{
    return zone->text;
}

enum zone_type zone_type(const struct zone *zone)
{
    return rcu_dereference(zone->box)->type;
}

uint32_t zone_id(const struct zone *zone)
{
    return zone->id;
}

const struct zone_options *zone_options(const struct zone *zone)
{
    return rcu_dereference(zone->box)->options;
}

void zone_state_get(const struct zone *zone, struct zone_state *out)
{
    const struct zone_state *state = rcu_dereference(zone->state);
    if (state != NULL) {
        *out = *state;
    } else {
        *out = (struct zone_state){0};
    }
    // Relaxed: a lone number that goes with nothing else.
    out->last_modified = atomic_load_explicit(&zone->last_modified, memory_order_relaxed);
}

const struct zone_version *zone_current(const struct zone *zone)
{
    return rcu_dereference(zone->version);
}

bool zone_serves(const struct zone *zone, uint64_t now_s)
{
    if (rcu_dereference(zone->version) == NULL || zone_options(zone)->disabled) {
        return false;
    }
    const struct zone_state *state = rcu_dereference(zone->state);
    return state == NULL || state->expiry == 0 || now_s < state->expiry;
}

void zone_reopen(struct zone *zone)
{
    bool is_open = !zone->box->options->disabled && zone->box->options->query_access == ZONE_ALLOW &&
                   (zone->state == NULL || zone->state->expiry == 0);
    // Relaxed: readers may act on the old value until their next look, as with every option.
    atomic_store_explicit(&zone->is_open, is_open, memory_order_relaxed);
}

// ---- versions kept -----------------------------------------------------------------------------

const struct zone_version *zone_pin(struct zone *zone)
{
    struct zone_version *version = rcu_dereference(zone->version);
    if (version != NULL) {
        // The read side keeps it until here, the pin from here on; the writer looks at pins only
        // after a grace period, which orders the two.
        atomic_fetch_add_explicit(&version->pins, 1, memory_order_relaxed);
    }
    return version;
}

// ---- tables ------------------------------------------------------------------------------------

struct zone_table *table_new(void)
{
    return mem_zalloc(sizeof(struct zone_table));
}

void table_free(struct zone_table *table)
{
    tree_free(&table->tree);
    index_free(&table->index);
    mem_free(table);
}

void table_edit_begin(struct table_edit *edit, const struct zone_table *base, uint64_t stamp,
                      struct zone_garbage *garbage)
{
    edit->table = mem_dup(base, sizeof *base);
    edit->tree = (struct tree_change){.stamp = stamp, .garbage = garbage};
    index_change_begin(&edit->index, &base->index, garbage);
}

void table_edit_put(struct table_edit *edit, struct zone *zone)
{
    unsigned labels = name_labels(zone->apex.wire);
    if (labels > edit->table->labels_max) {
        edit->table->labels_max = labels;
    }
    tree_put(&edit->table->tree, &edit->tree, zone_item(zone));
    index_put(&edit->index, zone_item(zone), name_hash(zone->apex.wire));
}

void table_edit_remove(struct table_edit *edit, struct zone *zone)
{
    index_remove(&edit->index, zone->apex.wire, name_hash(zone->apex.wire));
    tree_remove(&edit->table->tree, &edit->tree, zone->apex.wire);
}

struct zone_table *table_edit_finish(struct table_edit *edit)
{
    edit->table->index = index_change_end(&edit->index);
    return edit->table;
}

size_t zone_table_count(const struct zone_table *table)
{
    return tree_count(&table->tree);
}

struct zone *zone_table_at(const struct zone_table *table, size_t index)
{
    return zone_from_item(tree_at(&table->tree, index));
}

size_t zone_table_seek(const struct zone_table *table, const uint8_t *name_lower)
{
    return tree_rank(&table->tree, name_lower);
}

struct zone *zone_table_find(const struct zone_table *table, const uint8_t *apex_lower)
{
    return zone_from_item(index_find(&table->index, apex_lower, name_hash(apex_lower)));
}

struct zone *zone_table_closest(const struct zone_table *table, const uint8_t *name_lower,
                                const uint8_t *offsets, unsigned label_count,
                                const uint64_t *hashes)
{
    unsigned first = label_count > table->labels_max ? label_count - table->labels_max : 0;
    for (unsigned i = first; i <= label_count; i++) {
        const void *item = index_find(&table->index, name_lower + offsets[i], hashes[i]);
        if (item != NULL) {
            return zone_from_item(item);
        }
    }
    return NULL;
}

void zone_table_rdata(const struct zone_table *table, const uint8_t *name_lower, uint16_t type,
                      zone_rdata_fn fn, void *ctx)
{
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    unsigned labels = name_label_offsets(name_lower, offsets) - 1;
    name_hashes(name_lower, offsets, labels, hashes);
    const struct zone *zone = zone_table_closest(table, name_lower, offsets, labels, hashes);
    const struct zone_version *version = zone == NULL ? NULL : zone_current(zone);
    struct zone_rrset set;
    if (version == NULL || !zone_version_rrset(version, name_lower, type, &set)) {
        return;
    }
    size_t offset = 0;
    uint16_t len;
    for (const uint8_t *rdata = zone_rrset_next(&set, &offset, &len); rdata != NULL;
         rdata = zone_rrset_next(&set, &offset, &len)) {
        fn(ctx, rdata, len);
    }
}
