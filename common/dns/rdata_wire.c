/*
 * RDATA in wire form, led by the layouts of the type table. Stateless; any thread. Nothing here
 * allocates: zones, transfers and the packet path use it.
 */
#include "common/dns/rrtype.h"

#include <string.h>

// ---- the length and form of one field
// ------------------------------------------------------------

#define HAS(n) (len - at >= (n))

static inline uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static size_t name_field(const uint8_t *rdata, size_t at, size_t len)
{
    size_t used = name_check(rdata + at, len - at);
    return used != 0 ? used : RDATA_BAD;
}

static size_t string_field(const uint8_t *rdata, size_t at, size_t len)
{
    return HAS(1) && HAS(rdata[at] + 1u) ? rdata[at] + 1u : RDATA_BAD;
}

static size_t strings_field(const uint8_t *rdata, size_t at, size_t len)
{
    size_t start = at;
    do {
        size_t used = string_field(rdata, at, len);
        if (used == RDATA_BAD) {
            return RDATA_BAD;
        }
        at += used;
    } while (at < len);
    return at - start;
}

// RFC 8659 section 4.1: one or more letters and digits.
static size_t tag_field(const uint8_t *rdata, size_t at, size_t len)
{
    size_t used = string_field(rdata, at, len);
    if (used == RDATA_BAD || used == 1) {
        return RDATA_BAD;
    }
    for (size_t i = 1; i < used; i++) {
        uint8_t c = rdata[at + i];
        bool is_letter = (uint8_t)((c | 0x20) - 'a') < 26;
        if (!is_letter && (uint8_t)(c - '0') > 9) {
            return RDATA_BAD;
        }
    }
    return used;
}

static size_t rest_field(const uint8_t *rdata, size_t at, size_t len)
{
    (void)rdata;
    return len - at;
}

static size_t hash_field(const uint8_t *rdata, size_t at, size_t len)
{
    size_t used = string_field(rdata, at, len);
    return used == 1 ? RDATA_BAD : used; // a hash is never empty (RFC 5155 section 3.2)
}

// Windows rise, each with 1 to 32 bytes (RFC 4034 section 4.1.2).
static size_t bitmap_field(const uint8_t *rdata, size_t at, size_t len)
{
    size_t start = at;
    int last_window = -1;
    while (at < len) {
        if (!HAS(2) || rdata[at] <= last_window || rdata[at + 1] - 1u > 31 ||
            !HAS(2u + rdata[at + 1])) {
            return RDATA_BAD;
        }
        last_window = rdata[at];
        at += 2u + rdata[at + 1];
    }
    return at - start;
}

static size_t apl_field(const uint8_t *rdata, size_t at, size_t len)
{
    size_t start = at;
    while (at < len) {
        if (!HAS(4)) {
            return RDATA_BAD;
        }
        uint16_t family = load16(rdata + at);
        size_t address = rdata[at + 3] & 0x7F;
        size_t address_max = family == 1 ? 4 : family == 2 ? 16 : 127;
        if (address > address_max || !HAS(4 + address) ||
            (address_max < 127 && rdata[at + 2] > address_max * 8)) {
            return RDATA_BAD;
        }
        at += 4 + address;
    }
    return at - start;
}

static size_t gateway_field(const uint8_t *rdata, size_t at, size_t len)
{
    switch (rdata[1]) {
    case 0:
        return 0;
    case 1:
        return HAS(4) ? 4 : RDATA_BAD;
    case 2:
        return HAS(16) ? 16 : RDATA_BAD;
    case 3:
        return name_field(rdata, at, len);
    default:
        return RDATA_BAD;
    }
}

// ---- service parameters (RFC 9460 section 2.2)
// ---------------------------------------------------

enum {
    SVC_MANDATORY,
    SVC_ALPN,
    SVC_NO_DEFAULT_ALPN,
    SVC_PORT,
    SVC_IPV4HINT,
    SVC_ECH,
    SVC_IPV6HINT,
    SVC_DOHPATH,
    SVC_OHTTP
};

// A list of keys, rising, never "mandatory" itself.
static bool mandatory_fits(const uint8_t *value, size_t len)
{
    uint16_t last = SVC_MANDATORY;
    for (size_t i = 0; i + 2 <= len; i += 2) {
        if (load16(value + i) <= last) {
            return false;
        }
        last = load16(value + i);
    }
    return len != 0 && len % 2 == 0;
}

static bool alpn_fits(const uint8_t *value, size_t len)
{
    size_t at = 0;
    while (at < len && value[at] != 0) {
        at += value[at] + 1u;
    }
    return len != 0 && at == len;
}

static bool svc_value_fits(uint16_t key, const uint8_t *value, size_t len)
{
    switch (key) {
    case SVC_MANDATORY:
        return mandatory_fits(value, len);
    case SVC_ALPN:
        return alpn_fits(value, len);
    case SVC_NO_DEFAULT_ALPN:
    case SVC_OHTTP:
        return len == 0;
    case SVC_PORT:
        return len == 2;
    case SVC_IPV4HINT:
        return len != 0 && len % 4 == 0;
    case SVC_IPV6HINT:
        return len != 0 && len % 16 == 0;
    case SVC_ECH:
        return len != 0;
    default:
        return true;
    }
}

static bool svc_has_key(const uint8_t *params, size_t len, uint16_t key)
{
    for (size_t at = 0; at < len; at += 4u + load16(params + at + 2)) {
        if (load16(params + at) == key) {
            return true;
        }
    }
    return false;
}

// Keys rise; values have their key's form; what is mandatory is there (section 8). "mandatory" has
// the lowest key, so it can only be the first.
static size_t svc_field(const uint8_t *rdata, size_t at, size_t len)
{
    const uint8_t *params = rdata + at;
    size_t params_len = len - at;
    int last_key = -1;

    for (size_t i = 0; i < params_len;) {
        if (params_len - i < 4) {
            return RDATA_BAD;
        }
        uint16_t key = load16(params + i);
        size_t value_len = load16(params + i + 2);
        if (key <= last_key || params_len - i - 4 < value_len ||
            !svc_value_fits(key, params + i + 4, value_len)) {
            return RDATA_BAD;
        }
        last_key = key;
        i += 4 + value_len;
    }
    if (params_len != 0 && load16(params) == SVC_MANDATORY) {
        size_t value_len = load16(params + 2);
        for (size_t i = 0; i < value_len; i += 2) {
            if (!svc_has_key(params, params_len, load16(params + 4 + i))) {
                return RDATA_BAD;
            }
        }
    }
    return params_len;
}

// ---- the kinds
// -----------------------------------------------------------------------------------

struct kind_row {
    size_t fixed; // 0 = `measure` tells
    size_t (*measure)(const uint8_t *rdata, size_t at, size_t len);
};

static const struct kind_row kinds[RR_FIELD_KIND_COUNT] = {
    [RR_U8] = {.fixed = 1},
    [RR_U16] = {.fixed = 2},
    [RR_U32] = {.fixed = 4},
    [RR_TTL] = {.fixed = 4},
    [RR_TIME] = {.fixed = 4},
    [RR_TYPE] = {.fixed = 2},
    [RR_NAME] = {.measure = name_field},
    [RR_NAME_COMPRESS] = {.measure = name_field},
    [RR_IPV4] = {.fixed = 4},
    [RR_IPV6] = {.fixed = 16},
    [RR_STRING] = {.measure = string_field},
    [RR_STRINGS] = {.measure = strings_field},
    [RR_TAG] = {.measure = tag_field},
    [RR_TEXT_REST] = {.measure = rest_field},
    [RR_HEX_REST] = {.measure = rest_field},
    [RR_BASE64_REST] = {.measure = rest_field},
    [RR_HEX_LEN8] = {.measure = string_field},
    [RR_BASE32_LEN8] = {.measure = hash_field},
    [RR_TYPE_BITMAP] = {.measure = bitmap_field},
    [RR_SVC_PARAMS] = {.measure = svc_field},
    [RR_APL] = {.measure = apl_field},
    [RR_LOC] = {.fixed = 16},
    [RR_EUI48] = {.fixed = 6},
    [RR_EUI64] = {.fixed = 8},
    [RR_NID] = {.fixed = 8},
    [RR_GATEWAY] = {.measure = gateway_field},
};

size_t rdata_field_len(enum rr_field_kind kind, const uint8_t *rdata, size_t at, size_t len)
{
    const struct kind_row *row = &kinds[kind];
    if (row->measure != NULL) {
        return row->measure(rdata, at, len);
    }
    return HAS(row->fixed) ? row->fixed : RDATA_BAD;
}

// ---- whole RDATA
// ---------------------------------------------------------------------------------

static inline bool is_name(enum rr_field_kind kind)
{
    return kind == RR_NAME || kind == RR_NAME_COMPRESS;
}

// A row with at least one field; NULL = any bytes will do.
static const struct rr_type *layout_of(uint16_t type)
{
    const struct rr_type *row = rr_type_find(type);
    return row != NULL && row->fields[0].kind != RR_END ? row : NULL;
}

static enum err bad_field(struct errmsg *e, const struct rr_type *row, unsigned field)
{
    const char *json = row->fields[field].json;
    if (json != NULL) {
        return err_set(e, ERR_INVALID, "%s: %s does not fit or is malformed", row->mnemonic, json);
    }
    return err_set(e, ERR_INVALID, "%s: field %u does not fit or is malformed", row->mnemonic,
                   field + 1);
}

static enum err bad_end(struct errmsg *e, const struct rr_type *row)
{
    return err_set(e, ERR_INVALID, "%s: there are bytes after the last field", row->mnemonic);
}

static enum err too_large(struct errmsg *e)
{
    return err_set(e, ERR_TOO_LARGE, "the record data is too large");
}

enum err rdata_read(const uint8_t *message, size_t size, size_t offset, uint16_t rdlength,
                    uint16_t type, uint8_t *out, size_t out_size, size_t *out_len, struct errmsg *e)
{
    if (offset > size || rdlength > size - offset) {
        return err_set(e, ERR_INVALID, "the record data reaches over the message's end");
    }
    const uint8_t *rdata = message + offset;
    const struct rr_type *row = layout_of(type);
    size_t at = 0;   // in the message's RDATA
    size_t used = 0; // in `out`
    if (row == NULL) {
        if (rdlength > out_size) {
            return too_large(e);
        }
        memcpy(out, rdata, rdlength);
        *out_len = rdlength;
        return ERR_OK;
    }
    for (unsigned i = 0; i < RR_FIELDS_MAX && row->fields[i].kind != RR_END; i++) {
        const uint8_t *from = rdata + at;
        struct name name;
        size_t len;
        if (is_name(row->fields[i].kind)) {
            size_t end = offset + at;
            if (name_read(message, offset + rdlength, &end, &name) != ERR_OK) {
                return bad_field(e, row, i);
            }
            from = name.wire;
            len = name.len;
            at = end - offset;
        } else {
            len = rdata_field_len(row->fields[i].kind, rdata, at, rdlength);
            if (len == RDATA_BAD) {
                return bad_field(e, row, i);
            }
            at += len;
        }
        if (len > out_size - used) {
            return too_large(e);
        }
        memcpy(out + used, from, len);
        used += len;
    }
    if (at != rdlength) {
        return bad_end(e, row);
    }
    if (used > RDATA_MAX) {
        return too_large(e);
    }
    *out_len = used;
    return ERR_OK;
}

enum err rdata_check(uint16_t type, const uint8_t *rdata, size_t len, struct errmsg *e)
{
    if (len > RDATA_MAX) {
        return too_large(e);
    }
    const struct rr_type *row = layout_of(type);
    if (row == NULL) {
        return ERR_OK;
    }
    size_t at = 0;
    for (unsigned i = 0; i < RR_FIELDS_MAX && row->fields[i].kind != RR_END; i++) {
        size_t used = rdata_field_len(row->fields[i].kind, rdata, at, len);
        if (used == RDATA_BAD) {
            return bad_field(e, row, i);
        }
        at += used;
    }
    return at == len ? ERR_OK : bad_end(e, row);
}

void rdata_canonical(uint16_t type, uint8_t *rdata, size_t len)
{
    const struct rr_type *row = layout_of(type);
    if (row == NULL || (row->flags & RR_CANON_FOLD) == 0) {
        return;
    }
    size_t at = 0;
    for (unsigned i = 0; i < RR_FIELDS_MAX && row->fields[i].kind != RR_END; i++) {
        size_t used = rdata_field_len(row->fields[i].kind, rdata, at, len);
        if (used == RDATA_BAD) {
            return;
        }
        if (is_name(row->fields[i].kind)) {
            name_fold(rdata + at);
        }
        at += used;
    }
}

int rdata_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t len = a_len < b_len ? a_len : b_len;
    int order = len != 0 ? memcmp(a, b, len) : 0;
    if (order != 0) {
        return order;
    }
    return a_len < b_len ? -1 : a_len > b_len;
}

const uint8_t *rdata_name(uint16_t type, const uint8_t *rdata, size_t len)
{
    const struct rr_type *row = layout_of(type);
    if (row == NULL) {
        return NULL;
    }
    size_t at = 0;
    for (unsigned i = 0; i < RR_FIELDS_MAX && row->fields[i].kind != RR_END; i++) {
        size_t used = rdata_field_len(row->fields[i].kind, rdata, at, len);
        if (used == RDATA_BAD) {
            return NULL;
        }
        if (is_name(row->fields[i].kind)) {
            return rdata + at;
        }
        at += used;
    }
    return NULL;
}
