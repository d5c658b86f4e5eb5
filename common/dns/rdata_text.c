/*
 * Presentation form of RDATA: the words of the text, the table of kinds, whole records. The kinds'
 * own functions: see rdata_text.h. Stateless; any thread.
 */
#include "common/dns/rdata_text.h"

#include <string.h>

struct text_kind {
    rdata_from_fn from;
    rdata_to_fn to;
};

static const struct text_kind kinds[RR_FIELD_KIND_COUNT] = {
    [RR_U8] = {rdata_from_u8,          rdata_to_number     },
    [RR_U16] = {rdata_from_u16,         rdata_to_number     },
    [RR_U32] = {rdata_from_u32,         rdata_to_number     },
    [RR_TTL] = {rdata_from_ttl,         rdata_to_number     },
    [RR_TIME] = {rdata_from_time,        rdata_to_time       },
    [RR_TYPE] = {rdata_from_type,        rdata_to_type       },
    [RR_NAME] = {rdata_from_name,        rdata_to_name       },
    [RR_NAME_COMPRESS] = {rdata_from_name,        rdata_to_name       },
    [RR_IPV4] = {rdata_from_ipv4,        rdata_to_ipv4       },
    [RR_IPV6] = {rdata_from_ipv6,        rdata_to_ipv6       },
    [RR_STRING] = {rdata_from_string,      rdata_to_string     },
    [RR_STRINGS] = {rdata_from_strings,     rdata_to_strings    },
    [RR_TAG] = {rdata_from_string,      rdata_to_tag        },
    [RR_TEXT_REST] = {rdata_from_text_rest,   rdata_to_text_rest  },
    [RR_HEX_REST] = {rdata_from_hex_rest,    rdata_to_hex        },
    [RR_BASE64_REST] = {rdata_from_base64_rest, rdata_to_base64     },
    [RR_HEX_LEN8] = {rdata_from_hex_len8,    rdata_to_hex_len8   },
    [RR_BASE32_LEN8] = {rdata_from_base32_len8, rdata_to_base32_len8},
    [RR_TYPE_BITMAP] = {rdata_from_bitmap,      rdata_to_bitmap     },
    [RR_SVC_PARAMS] = {rdata_from_svc,         rdata_to_svc        },
    [RR_APL] = {rdata_from_apl,         rdata_to_apl        },
    [RR_LOC] = {rdata_from_loc,         rdata_to_loc        },
    [RR_EUI48] = {rdata_from_eui48,       rdata_to_eui        },
    [RR_EUI64] = {rdata_from_eui64,       rdata_to_eui        },
    [RR_NID] = {rdata_from_nid,         rdata_to_nid        },
    [RR_GATEWAY] = {rdata_from_gateway,     rdata_to_gateway    },
};

// ---- words
// ---------------------------------------------------------------------------------------

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// From behind an opening quote to its closing one; NULL = there is none.
static const char *closing_quote(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '"') {
            return p;
        }
        if (*p == '\\' && p + 1 < end) {
            p++;
        }
    }
    return NULL;
}

static enum err open_quote(struct rdata_scan *s)
{
    return err_set(s->e, ERR_INVALID, "a quote is not closed");
}

enum err rdata_token_next(struct rdata_scan *s, struct rdata_token *t)
{
    const char *p = s->at;
    while (p < s->end && is_blank(*p)) {
        p++;
    }
    if (p == s->end) {
        s->at = p;
        return ERR_NOT_FOUND;
    }
    if (*p == '"') {
        const char *close = closing_quote(p + 1, s->end);
        if (close == NULL) {
            return open_quote(s);
        }
        *t = (struct rdata_token){.text = p + 1, .len = (size_t)(close - p - 1), .is_quoted = true};
        s->at = close + 1;
        return ERR_OK;
    }
    const char *start = p;
    for (; p < s->end && !is_blank(*p); p++) {
        if (*p == '\\' && p + 1 < s->end) {
            p++;
        } else if (*p == '"') { // key="a value": the quoted part may hold blanks
            p = closing_quote(p + 1, s->end);
            if (p == NULL) {
                return open_quote(s);
            }
        }
    }
    *t = (struct rdata_token){.text = start, .len = (size_t)(p - start), .is_quoted = false};
    s->at = p;
    return ERR_OK;
}

enum err rdata_token_need(struct rdata_scan *s, struct rdata_token *t)
{
    enum err err = rdata_token_next(s, t);
    if (err == ERR_NOT_FOUND) {
        return err_set(s->e, ERR_INVALID, "is missing");
    }
    return err;
}

enum err rdata_token_bad(struct rdata_scan *s, const struct rdata_token *t, const char *reason)
{
    int shown = t->len > 64 ? 64 : (int)t->len;
    return err_set(s->e, ERR_INVALID, "'%.*s%s' %s", shown, t->text, t->len > 64 ? "..." : "",
                   reason);
}

enum err rdata_token_bytes(struct rdata_scan *s, const struct rdata_token *t, uint8_t *dst,
                           size_t size, size_t *len)
{
    const char *p = t->text;
    const char *end = p + t->len;
    size_t used = 0;

    while (p < end) {
        unsigned c = (uint8_t)*p++;
        if (c == '\\') {
            if (p == end) {
                return rdata_token_bad(s, t, "ends with a backslash");
            }
            c = (uint8_t)*p++;
            uint64_t value = 0;
            if (c - '0' < 10) {
                if (end - p < 2 || !rdata_number(p - 1, 3, 255, &value)) {
                    return rdata_token_bad(s, t, "has a bad escape (\\DDD, at most \\255)");
                }
                c = (unsigned)value;
                p += 2;
            }
        }
        if (used == size) {
            return rdata_token_bad(s, t, "is too long");
        }
        dst[used++] = (uint8_t)c;
    }
    *len = used;
    return ERR_OK;
}

// ---- whole RDATA
// ---------------------------------------------------------------------------------

static const struct rr_type *layout_of(uint16_t type)
{
    const struct rr_type *row = rr_type_find(type);
    return row != NULL && row->fields[0].kind != RR_END ? row : NULL;
}

// RFC 3597 section 5, behind the "\#": the length, then as many bytes in hex.
static enum err from_generic(struct rdata_scan *s, uint16_t type)
{
    struct rdata_token t;
    uint64_t length = 0;
    enum err err = rdata_token_next(s, &t);
    if (err != ERR_OK || !rdata_number(t.text, t.len, RDATA_MAX, &length)) {
        return err_set(s->e, ERR_INVALID, "a length from 0 to 65535 must follow \\#");
    }
    if (length != 0) {
        err = rdata_from_hex_rest(s, NULL);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (s->out.bad) {
        return ERR_OK; // told by the caller
    }
    if (cursor_offset(&s->out) != length) {
        return err_set(s->e, ERR_INVALID, "\\# announces %u bytes, but there are %zu",
                       (unsigned)length, cursor_offset(&s->out));
    }
    return rdata_check(type, s->out.start, length, s->e);
}

static enum err from_fields(struct rdata_scan *s, const struct rr_type *row)
{
    for (unsigned i = 0; i < RR_FIELDS_MAX && row->fields[i].kind != RR_END; i++) {
        const struct rr_field *field = &row->fields[i];
        size_t at = cursor_offset(&s->out);
        enum err err = kinds[field->kind].from(s, field);
        if (err == ERR_OK && !s->out.bad &&
            rdata_field_len(field->kind, s->out.start, at, cursor_offset(&s->out)) == RDATA_BAD) {
            err = err_set(s->e, ERR_INVALID, "is malformed");
        }
        if (err != ERR_OK) {
            return field->json != NULL
                       ? err_prefix(s->e, err, "%s: %s", row->mnemonic, field->json)
                       : err_prefix(s->e, err, "%s: field %u", row->mnemonic, i + 1);
        }
    }
    return ERR_OK;
}

static bool is_generic(const struct rdata_scan *s)
{
    return s->end - s->at >= 2 && s->at[0] == '\\' && s->at[1] == '#' &&
           (s->end - s->at == 2 || is_blank(s->at[2]));
}

enum err rdata_from_text(uint16_t type, const char *text, size_t len, const struct name *origin,
                         uint8_t *out, size_t out_size, size_t *out_len, struct errmsg *e)
{
    struct rdata_scan s = {.at = text,
                           .end = text + len,
                           .origin = origin,
                           .out = cursor_over(out, out_size < RDATA_MAX ? out_size : RDATA_MAX),
                           .e = e};
    const struct rr_type *row = layout_of(type);
    enum err err;

    while (s.at < s.end && is_blank(*s.at)) {
        s.at++;
    }
    if (is_generic(&s)) {
        s.at += 2;
        err = from_generic(&s, type);
    } else if (row != NULL) {
        err = from_fields(&s, row);
    } else {
        char mnemonic[16];
        rr_type_to_text(type, mnemonic);
        err = err_set(e, ERR_INVALID, "%s data must be written as \\# LENGTH HEX", mnemonic);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (s.out.bad) {
        return err_set(e, ERR_TOO_LARGE, "the record data is too large");
    }
    struct rdata_token extra;
    err = rdata_token_next(&s, &extra);
    if (err != ERR_NOT_FOUND) {
        return err == ERR_OK ? rdata_token_bad(&s, &extra, "is one field too many") : err;
    }
    *out_len = cursor_offset(&s.out);
    return ERR_OK;
}

bool rdata_field_to_text(enum rr_field_kind kind, const uint8_t *rdata, size_t at, size_t field_len,
                         struct str *out)
{
    size_t start = out->len;
    if (kinds[kind].to == NULL || !kinds[kind].to(rdata + at, field_len, out)) {
        if (out->text != NULL) {
            out->len = start;
            out->text[start] = '\0';
        }
        return false;
    }
    return true;
}

static bool to_fields(const struct rr_type *row, const uint8_t *rdata, size_t len, struct str *out)
{
    size_t at = 0;
    for (unsigned i = 0; i < RR_FIELDS_MAX && row->fields[i].kind != RR_END; i++) {
        enum rr_field_kind kind = row->fields[i].kind;
        size_t used = rdata_field_len(kind, rdata, at, len);
        if (used == RDATA_BAD) {
            return false;
        }
        size_t before = out->len;
        if (i > 0) {
            str_add_char(out, ' ');
        }
        size_t field_start = out->len;
        if (!rdata_field_to_text(kind, rdata, at, used, out)) {
            return false;
        }
        if (out->len == field_start && before != out->len) { // an empty list has no text
            out->len = before;
            out->text[before] = '\0';
        }
        at += used;
    }
    return at == len;
}

void rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, struct str *out)
{
    const struct rr_type *row = layout_of(type);
    size_t start = out->len;
    if (row != NULL && to_fields(row, rdata, len, out)) {
        return;
    }
    if (out->text != NULL) {
        out->len = start;
        out->text[start] = '\0';
    }
    str_printf(out, "\\# %zu", len);
    if (len != 0) {
        str_add_char(out, ' ');
        (void)rdata_to_hex(rdata, len, out);
    }
}
