// The records of one name on their way between editing, store and memory. Any thread.
#include "dnsd/zone/owner.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "dnsd/zone/node.h"

#define FORMAT 1
#define HEAD_SIZE 12
#define META_SIZE 24
#define META_DISABLED 1u
#define COMMENTS_MAX 4096u

void owner_init(struct owner *owner, const uint8_t *name)
{
    *owner = (struct owner){.name = name};
}

void owner_fini(struct owner *owner)
{
    mem_free(owner->records);
    *owner = (struct owner){0};
}

// ---- records -----------------------------------------------------------------------------------

static bool rdata_same(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b,
                       size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    if (memcmp(a, b, a_len) == 0) {
        return true;
    }
    if (rdata_name(type, a, a_len) == NULL) {
        return false;
    }
    uint8_t *folded = mem_alloc(a_len + b_len);
    memcpy(folded, a, a_len);
    memcpy(folded + a_len, b, b_len);
    rdata_canonical(type, folded, a_len);
    rdata_canonical(type, folded + a_len, b_len);
    bool same = memcmp(folded, folded + a_len, a_len) == 0;
    mem_free(folded);
    return same;
}

struct zone_record *owner_find(const struct owner *owner, uint16_t type, const uint8_t *rdata,
                               size_t rdata_len)
{
    for (size_t i = 0; i < owner->count; i++) {
        struct zone_record *record = &owner->records[i];
        if (record->type == type &&
            rdata_same(type, record->rdata, record->rdata_len, rdata, rdata_len)) {
            return record;
        }
    }
    return NULL;
}

struct zone_record *owner_find_type(const struct owner *owner, uint16_t type)
{
    for (size_t i = 0; i < owner->count; i++) {
        if (owner->records[i].type == type && !owner->records[i].disabled) {
            return &owner->records[i];
        }
    }
    return NULL;
}

static struct zone_record *owner_push(struct owner *owner)
{
    mem_grow(&owner->records, &owner->capacity, owner->count + 1, sizeof *owner->records);
    struct zone_record *record = &owner->records[owner->count++];
    *record = (struct zone_record){.name = owner->name};
    return record;
}

struct zone_record *owner_add(struct owner *owner, struct arena *arena,
                              const struct zone_record *record)
{
    struct zone_record *added = owner_push(owner);
    *added = *record;
    added->name = owner->name;
    added->rdata = arena_dup(arena, record->rdata, record->rdata_len);
    bool has_comments = record->comments != NULL && record->comments[0] != 0;
    added->comments = has_comments ? arena_strdup(arena, record->comments) : NULL;
    return added;
}

void owner_remove(struct owner *owner, struct zone_record *record)
{
    size_t at = (size_t)(record - owner->records);
    owner->count--;
    memmove(record, record + 1, (owner->count - at) * sizeof *record);
}

void owner_remove_type(struct owner *owner, uint16_t type)
{
    size_t kept = 0;
    for (size_t i = 0; i < owner->count; i++) {
        if (owner->records[i].type != type) {
            owner->records[kept++] = owner->records[i];
        }
    }
    owner->count = kept;
}

void owner_set_ttl(struct owner *owner, uint16_t type, uint32_t ttl)
{
    for (size_t i = 0; i < owner->count; i++) {
        if (owner->records[i].type == type) {
            owner->records[i].ttl = ttl;
        }
    }
}

// ---- checks ------------------------------------------------------------------------------------

// Types that may stand beside a CNAME (RFC 4034 section 3 and 4, RFC 2181 section 10.1).
static bool goes_with_cname(uint16_t type)
{
    return type == TYPE_CNAME || type == TYPE_RRSIG || type == TYPE_NSEC;
}

enum err owner_check(const struct owner *owner, bool is_apex, struct errmsg *e)
{
    char name[NAME_MAX_TEXT];
    char type[16];
    bool has_cname = owner_find_type(owner, TYPE_CNAME) != NULL;
    for (size_t i = 0; i < owner->count; i++) {
        const struct zone_record *record = &owner->records[i];
        if (record->disabled) {
            continue;
        }
        if (has_cname && !goes_with_cname(record->type)) {
            name_to_text(owner->name, name);
            rr_type_to_text(record->type, type);
            return err_set(e, ERR_INVALID, "%s has a CNAME record and cannot have %s beside it", name,
                           type);
        }
        if (record->type == TYPE_SOA && !is_apex) {
            name_to_text(owner->name, name);
            return err_set(e, ERR_INVALID, "%s is not the zone's apex and cannot have a SOA", name);
        }
        const struct rr_type *row = rr_type_find(record->type);
        if (row == NULL || (row->flags & RR_SINGLE) == 0) {
            continue;
        }
        for (size_t j = 0; j < i; j++) {
            if (owner->records[j].type == record->type && !owner->records[j].disabled) {
                name_to_text(owner->name, name);
                return err_set(e, ERR_INVALID, "%s can have one %s record only", name,
                               row->mnemonic);
            }
        }
    }
    return ERR_OK;
}

uint32_t owner_group(uint16_t type, const uint8_t *rdata, size_t rdata_len)
{
    if (type != TYPE_RRSIG || rdata_len < 2) {
        return (uint32_t)type << 1;
    }
    return (uint32_t)(rdata[0] << 8 | rdata[1]) << 1 | 1;
}

// ---- stored form -------------------------------------------------------------------------------

static void put16(struct str *out, uint16_t v)
{
    str_add_bytes(out, &v, sizeof v);
}

static void put32(struct str *out, uint32_t v)
{
    str_add_bytes(out, &v, sizeof v);
}

static uint32_t group_of(const struct zone_record *record)
{
    return owner_group(record->type, record->rdata, record->rdata_len);
}

static int compare_records(const void *a, const void *b)
{
    const struct zone_record *left = a;
    const struct zone_record *right = b;
    if (left->disabled != right->disabled) {
        return left->disabled ? 1 : -1;
    }
    uint32_t left_group = group_of(left);
    uint32_t right_group = group_of(right);
    if (left_group != right_group) {
        return left_group < right_group ? -1 : 1;
    }
    return rdata_compare(left->rdata, left->rdata_len, right->rdata, right->rdata_len);
}

// The modified time that most likely saves metas: the first enabled record's.
static uint32_t common_modified(const struct owner *owner)
{
    return owner->count == 0 ? 0 : (uint32_t)owner->records[0].last_modified;
}

static bool needs_meta(const struct zone_record *record, uint32_t modified)
{
    return record->disabled || record->comments != NULL || record->expiry_ttl != 0 ||
           record->last_used != 0 || record->last_modified != modified;
}

static void encode_meta(const struct zone_record *record, struct str *out)
{
    size_t comments = record->comments == NULL ? 0 : strnlen(record->comments, COMMENTS_MAX);
    put16(out, record->type);
    put16(out, record->rdata_len);
    put32(out, record->ttl);
    put32(out, record->expiry_ttl);
    put32(out, (uint32_t)record->last_modified);
    put32(out, (uint32_t)record->last_used);
    put16(out, (uint16_t)comments);
    put16(out, record->disabled ? META_DISABLED : 0);
    str_add_bytes(out, record->rdata, record->rdata_len);
    str_add_bytes(out, record->comments, comments);
}

// Appends one packed RRset of records [begin, end).
static void encode_rrset(const struct zone_record *begin, const struct zone_record *end,
                         struct str *out)
{
    uint32_t group = group_of(begin);
    size_t count = (size_t)(end - begin);
    uint32_t size = 0;
    for (const struct zone_record *record = begin; record < end; record++) {
        size += 2u + record->rdata_len;
    }
    put16(out, (uint16_t)(group >> 1));
    put16(out, (uint16_t)(count | ((group & 1) != 0 ? RRSET_SIGS : 0)));
    put32(out, begin->ttl);
    put32(out, size);
    for (const struct zone_record *record = begin; record < end; record++) {
        uint8_t len[2] = {(uint8_t)(record->rdata_len >> 8), (uint8_t)record->rdata_len};
        str_add_bytes(out, len, sizeof len);
        str_add_bytes(out, record->rdata, record->rdata_len);
    }
}

// The same record twice is one (RFC 2181 section 5).
static void remove_twins(struct owner *owner)
{
    size_t kept = 1;
    for (size_t i = 1; i < owner->count; i++) {
        if (compare_records(&owner->records[kept - 1], &owner->records[i]) != 0) {
            owner->records[kept++] = owner->records[i];
        }
    }
    owner->count = kept;
}

enum err owner_encode(struct owner *owner, struct str *out, struct errmsg *e)
{
    if (owner->count > 1) {
        qsort(owner->records, owner->count, sizeof *owner->records, compare_records);
        remove_twins(owner);
    }
    const struct zone_record *records = owner->records;
    uint32_t modified = common_modified(owner);
    size_t metas = 0;
    for (size_t i = 0; i < owner->count; i++) {
        metas += needs_meta(&records[i], modified);
    }
    if (owner->count > RRSET_COUNT_MAX || metas > UINT16_MAX) {
        char name[NAME_MAX_TEXT];
        name_to_text(owner->name, name);
        return err_set(e, ERR_TOO_LARGE, "%s has more than %u records", name, RRSET_COUNT_MAX);
    }
    size_t head = out->len;
    uint8_t format[2] = {FORMAT, 0};
    str_add_bytes(out, format, sizeof format);
    put16(out, (uint16_t)metas);
    put32(out, modified);
    put32(out, 0);
    for (size_t i = 0; i < owner->count && !records[i].disabled;) {
        size_t end = i + 1;
        while (end < owner->count && !records[end].disabled &&
               group_of(&records[end]) == group_of(&records[i])) {
            end++;
        }
        encode_rrset(&records[i], &records[end], out);
        i = end;
    }
    uint32_t rrsets_size = (uint32_t)(out->len - head - HEAD_SIZE);
    memcpy(out->text + head + 8, &rrsets_size, sizeof rrsets_size);
    for (size_t i = 0; i < owner->count; i++) {
        if (needs_meta(&records[i], modified)) {
            encode_meta(&records[i], out);
        }
    }
    return ERR_OK;
}

// Do the packed RRsets fill `size` bytes exactly, and their RDATAs them?
static bool rrsets_valid(const uint8_t *at, size_t size)
{
    const uint8_t *end = at + size;
    while (at < end) {
        struct zone_rrset set;
        uint32_t inner;
        if (end - at < RRSET_HEADER) {
            return false;
        }
        memcpy(&inner, at + 8, sizeof inner);
        if ((size_t)(end - at) - RRSET_HEADER < inner) {
            return false;
        }
        at = zone_rrset_unpack(at, &set);
        size_t offset = 0;
        unsigned count = 0;
        while (offset + 2 <= inner) {
            offset += 2u + (size_t)(set.rdatas[offset] << 8 | set.rdatas[offset + 1]);
            count++;
        }
        if (offset != inner || count != set.count || count == 0) {
            return false;
        }
    }
    return true;
}

enum err owner_rrsets(const void *value, size_t len, const uint8_t **rrsets, size_t *rrsets_size)
{
    const uint8_t *bytes = value;
    uint32_t size;
    if (len < HEAD_SIZE || bytes[0] != FORMAT) {
        return ERR_CORRUPT;
    }
    memcpy(&size, bytes + 8, sizeof size);
    if (size > len - HEAD_SIZE || !rrsets_valid(bytes + HEAD_SIZE, size)) {
        return ERR_CORRUPT;
    }
    *rrsets = bytes + HEAD_SIZE;
    *rrsets_size = size;
    return ERR_OK;
}

static void decode_rrset(struct owner *owner, struct arena *arena, const struct zone_rrset *set,
                         uint32_t modified)
{
    size_t offset = 0;
    uint16_t len;
    for (const uint8_t *rdata = zone_rrset_next(set, &offset, &len); rdata != NULL;
         rdata = zone_rrset_next(set, &offset, &len)) {
        struct zone_record *record = owner_push(owner);
        record->type = set->type;
        record->ttl = set->ttl;
        record->rdata = arena_dup(arena, rdata, len);
        record->rdata_len = len;
        record->last_modified = modified;
    }
}

struct meta {
    uint16_t type;
    uint16_t rdata_len;
    uint32_t ttl;
    uint32_t expiry_ttl;
    uint32_t modified;
    uint32_t used;
    uint16_t comments_len;
    uint16_t flags;
};
_Static_assert(sizeof(struct meta) == META_SIZE, "stored as it lies in memory");

static bool decode_meta(struct owner *owner, struct arena *arena, const uint8_t **at,
                        const uint8_t *end)
{
    struct meta meta;
    if (end - *at < META_SIZE) {
        return false;
    }
    memcpy(&meta, *at, sizeof meta);
    const uint8_t *rdata = *at + META_SIZE;
    if ((size_t)(end - rdata) < (size_t)meta.rdata_len + meta.comments_len) {
        return false;
    }
    *at = rdata + meta.rdata_len + meta.comments_len;
    struct zone_record *record = NULL;
    if ((meta.flags & META_DISABLED) == 0) {
        for (size_t i = 0; i < owner->count && record == NULL; i++) {
            struct zone_record *candidate = &owner->records[i];
            if (candidate->type == meta.type && candidate->rdata_len == meta.rdata_len &&
                !candidate->disabled && memcmp(candidate->rdata, rdata, meta.rdata_len) == 0) {
                record = candidate;
            }
        }
        if (record == NULL) {
            return false;
        }
    } else {
        record = owner_push(owner);
        record->disabled = true;
        record->type = meta.type;
        record->ttl = meta.ttl;
        record->rdata = arena_dup(arena, rdata, meta.rdata_len);
        record->rdata_len = meta.rdata_len;
    }
    record->expiry_ttl = meta.expiry_ttl;
    record->last_modified = meta.modified;
    record->last_used = meta.used;
    if (meta.comments_len != 0) {
        char *comments = arena_alloc(arena, meta.comments_len + 1u);
        memcpy(comments, rdata + meta.rdata_len, meta.comments_len);
        comments[meta.comments_len] = 0;
        record->comments = comments;
    }
    return true;
}

enum err owner_decode(struct owner *owner, struct arena *arena, const void *value, size_t len)
{
    const uint8_t *rrsets;
    size_t rrsets_size;
    if (owner_rrsets(value, len, &rrsets, &rrsets_size) != ERR_OK) {
        return ERR_CORRUPT;
    }
    uint16_t metas;
    uint32_t modified;
    memcpy(&metas, (const uint8_t *)value + 2, sizeof metas);
    memcpy(&modified, (const uint8_t *)value + 4, sizeof modified);
    const uint8_t *at = rrsets;
    while (at < rrsets + rrsets_size) {
        struct zone_rrset set;
        at = zone_rrset_unpack(at, &set);
        decode_rrset(owner, arena, &set, modified);
    }
    const uint8_t *end = (const uint8_t *)value + len;
    for (unsigned i = 0; i < metas; i++) {
        if (!decode_meta(owner, arena, &at, end)) {
            return ERR_CORRUPT;
        }
    }
    return ERR_OK;
}
