// Collects records from a transfer or a zone file. One thread at a time.
#include "dnsd/zone/load.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "common/dns/wire.h"
#include "common/dns/zonefile.h"
#include "dnsd/zone/tree.h"

struct zone_load *zone_load_new(const struct name *apex)
{
    struct zone_load *load = mem_zalloc(sizeof *load);
    load->apex = *apex;
    name_fold(load->apex.wire);
    load->apex_labels = name_labels(apex->wire);
    arena_init(&load->arena);
    return load;
}

void zone_load_free(struct zone_load *load)
{
    if (load == NULL) {
        return;
    }
    arena_fini(&load->arena);
    mem_free(load->records);
    mem_free(load);
}

void load_push(struct zone_load *load, const struct load_record *record)
{
    struct load_record *copy = arena_dup(&load->arena, record, sizeof *record);
    const struct load_record *last = load->count == 0 ? NULL : load->records[load->count - 1];
    copy->order = (uint32_t)load->count;
    if (last != NULL && name_equal_lower(last->name, record->name)) {
        copy->name = last->name;
        copy->prefix = last->prefix;
    } else {
        copy->name = arena_dup(&load->arena, record->name, name_len(record->name));
        copy->prefix = tree_prefix(copy->name, load->apex_labels);
        if (last != NULL && (copy->prefix < last->prefix ||
                             (copy->prefix == last->prefix &&
                              name_compare(copy->name, last->name) < 0))) {
            load->is_unsorted = true;
        }
    }
    copy->rdata = arena_dup(&load->arena, record->rdata, record->rdata_len);
    mem_grow(&load->records, &load->capacity, load->count + 1, sizeof *load->records);
    load->records[load->count++] = copy;
}

enum err zone_load_add(struct zone_load *load, const uint8_t *name, uint16_t type, uint32_t ttl,
                       const uint8_t *rdata, size_t rdata_len, struct errmsg *e)
{
    struct name folded;
    size_t len = name_check(name, NAME_MAX_WIRE);
    if (len == 0 || rdata_len > RDATA_MAX) {
        return err_set(e, ERR_INVALID, "a record's name or data is malformed");
    }
    folded.len = (uint8_t)len;
    memcpy(folded.wire, name, len);
    name_fold(folded.wire);
    if (!name_is_below_or_equal(folded.wire, load->apex.wire)) {
        load->outside++;
        return ERR_OK;
    }
    struct load_record record = {.name = folded.wire, .rdata = rdata, .ttl = ttl, .type = type,
                                 .rdata_len = (uint16_t)rdata_len};
    load_push(load, &record);
    return ERR_OK;
}

static int compare_records(const void *a, const void *b)
{
    const struct load_record *left = *(const struct load_record *const *)a;
    const struct load_record *right = *(const struct load_record *const *)b;
    if (left->prefix != right->prefix) {
        return left->prefix < right->prefix ? -1 : 1;
    }
    int order = left->name == right->name ? 0 : name_compare(left->name, right->name);
    if (order != 0) {
        return order;
    }
    return left->order < right->order ? -1 : 1;
}

void load_sort(struct zone_load *load)
{
    if (load->is_unsorted) {
        qsort(load->records, load->count, sizeof(struct load_record *), compare_records);
        load->is_unsorted = false;
    }
}

size_t load_group_end(const struct zone_load *load, size_t begin)
{
    const uint8_t *name = load->records[begin]->name;
    size_t end = begin + 1;
    while (end < load->count && (load->records[end]->name == name ||
                                 name_equal_lower(load->records[end]->name, name))) {
        end++;
    }
    return end;
}

// ---- zone files --------------------------------------------------------------------------------

struct reading {
    struct zone_load *load;
    bool disabled;
};

static enum err take_record(void *ctx, const struct zonefile_record *from, struct errmsg *e)
{
    struct reading *reading = ctx;
    struct zone_load *load = reading->load;
    char name_text[NAME_MAX_TEXT];
    if (from->class != CLASS_IN) {
        return err_set(e, ERR_INVALID, "the class must be IN");
    }
    const struct rr_type *row = rr_type_find(from->type);
    if (from->type == 0 || (row != NULL && (row->flags & RR_META) != 0)) {
        return err_set(e, ERR_INVALID, "a record of this type cannot be in a zone");
    }
    struct name folded = *from->name;
    name_fold(folded.wire);
    if (!name_is_below_or_equal(folded.wire, load->apex.wire)) {
        char apex_text[NAME_MAX_TEXT];
        name_to_text_dot(folded.wire, name_text);
        name_to_text_dot(load->apex.wire, apex_text);
        return err_set(e, ERR_INVALID, "%s is not in the zone %s", name_text, apex_text);
    }
    struct load_record record = {.name = folded.wire, .rdata = from->rdata, .ttl = from->ttl,
                                 .type = from->type, .rdata_len = (uint16_t)from->rdata_len,
                                 .line = from->line, .disabled = reading->disabled};
    if (from->comment != NULL && from->comment_len != 0) {
        char *comments = arena_alloc(&load->arena, from->comment_len + 1);
        memcpy(comments, from->comment, from->comment_len);
        comments[from->comment_len] = 0;
        record.comments = comments;
    }
    load_push(load, &record);
    return ERR_OK;
}

// The text with nothing but its disabled records, each on the line where it was; NULL = none.
static char *disabled_text(const char *text, size_t len)
{
    static const char mark[] = LOAD_DISABLED_MARK;
    const size_t mark_len = sizeof mark - 1;
    const char *end = text + len;
    if (memmem(text, len, mark, mark_len) == NULL) {
        return NULL;
    }
    char *out = mem_alloc(len + 1);
    char *to = out;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop == NULL ? end : stop;
        if ((size_t)(stop - line) > mark_len && memcmp(line, mark, mark_len) == 0) {
            memcpy(to, line + mark_len, (size_t)(stop - line) - mark_len);
            to += (size_t)(stop - line) - mark_len;
        }
        *to++ = '\n';
        line = stop + 1;
    }
    *to = 0;
    return out;
}

enum err load_text(struct zone_load *load, const char *text, size_t len, const char *file_name,
                   uint32_t default_ttl, struct errmsg *e)
{
    struct reading reading = {.load = load};
    enum err err = zonefile_scan(text, len, file_name, &load->apex, default_ttl, take_record,
                                 &reading, e);
    char *disabled = err == ERR_OK ? disabled_text(text, len) : NULL;
    if (disabled != NULL) {
        reading.disabled = true;
        err = zonefile_scan(disabled, strlen(disabled), file_name, &load->apex, default_ttl,
                            take_record, &reading, e);
        mem_free(disabled);
    }
    return err;
}
