/*
 * Service parameters of SVCB and HTTPS (RFC 9460), both ways. Their wire form is checked in
 * rdata_wire.c. Stateless; any thread.
 *
 *   key [ "=" value ] ...      value: plain or quoted, with the escapes of a <character-string>
 *
 * Every key is a row: how its value is read and written. Keys without a row are keyNNNNN with
 * bytes.
 */
#include "common/dns/rdata_text.h"

#include <string.h>
#include <strings.h>

#define PARAMS_MAX 64
#define VALUE_MAX  4096

struct svc_param {
    uint16_t key;
    const struct svc_key *row;
    struct rdata_token whole; // for messages
    struct rdata_token value;
};

struct svc_key {
    const char *name;
    // Value bytes (escapes undone) to wire form; false = malformed.
    bool (*from)(const uint8_t *value, size_t len, struct cursor *out);
    bool (*to)(const uint8_t *wire, size_t len, struct str *out); // with its quotes, if any
};

// ---- lists
// ---------------------------------------------------------------------------------------

// Cuts the next item of a comma list off `*value`, undoing "\," and "\\" (RFC 9460 appendix A.1).
static bool next_item(const uint8_t **value, const uint8_t *end, uint8_t item[255], size_t *len)
{
    const uint8_t *p = *value;
    size_t used = 0;
    for (; p < end && *p != ','; p++) {
        if (*p == '\\' && ++p == end) {
            return false;
        }
        if (used == 255) {
            return false;
        }
        item[used++] = *p;
    }
    *value = p;
    *len = used;
    return used != 0;
}

typedef bool (*item_fn)(const uint8_t *item, size_t len, struct cursor *out);

static bool from_list(const uint8_t *value, size_t len, struct cursor *out, item_fn add)
{
    const uint8_t *end = value + len;
    for (;;) {
        uint8_t item[255];
        size_t item_len = 0;
        if (!next_item(&value, end, item, &item_len) || !add(item, item_len, out)) {
            return false;
        }
        if (value == end) {
            return true;
        }
        value++; // the comma
    }
}

static bool add_alpn(const uint8_t *item, size_t len, struct cursor *out)
{
    cursor_put_u8(out, (uint8_t)len);
    cursor_put(out, item, len);
    return true;
}

static bool alpn_from(const uint8_t *value, size_t len, struct cursor *out)
{
    return from_list(value, len, out, add_alpn);
}

// Items first get the list's escapes, then, as a whole, those of a quoted string.
static bool alpn_to(const uint8_t *wire, size_t len, struct str *out)
{
    struct str list;
    str_init(&list);
    for (size_t at = 0; at < len; at += wire[at] + 1u) {
        if (at > 0) {
            str_add_char(&list, ',');
        }
        for (unsigned i = 1; i <= wire[at]; i++) {
            if (wire[at + i] == ',' || wire[at + i] == '\\') {
                str_add_char(&list, '\\');
            }
            str_add_char(&list, (char)wire[at + i]);
        }
    }
    rdata_add_quoted((const uint8_t *)list.text, list.len, out);
    str_fini(&list);
    return true;
}

// ---- keys in values
// ------------------------------------------------------------------------------

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static bool key_from_text(const char *text, size_t len, uint16_t *key);
static void key_to_text(uint16_t key, struct str *out);

// Gathered as listed; put in order behind (section 8: sorted on the wire, any order in text).
static bool add_key(const uint8_t *item, size_t len, struct cursor *out)
{
    uint16_t key = 0;
    if (!key_from_text((const char *)item, len, &key)) {
        return false;
    }
    cursor_put_u16(out, key);
    return true;
}

static bool mandatory_from(const uint8_t *value, size_t len, struct cursor *out)
{
    size_t start = cursor_offset(out);
    if (!from_list(value, len, out, add_key)) {
        return false;
    }
    if (out->bad) {
        return true;
    }
    uint8_t *keys = out->start + start;
    size_t count = (cursor_offset(out) - start) / 2;
    for (size_t i = 1; i < count; i++) {
        uint8_t moved[2] = {keys[2 * i], keys[2 * i + 1]};
        size_t to = i;
        for (; to > 0 && load16(keys + 2 * to - 2) > load16(moved); to--) {
            memcpy(keys + 2 * to, keys + 2 * to - 2, 2);
        }
        memcpy(keys + 2 * to, moved, 2);
    }
    return true;
}

static bool mandatory_to(const uint8_t *wire, size_t len, struct str *out)
{
    for (size_t at = 0; at < len; at += 2) {
        if (at > 0) {
            str_add_char(out, ',');
        }
        key_to_text(load16(wire + at), out);
    }
    return true;
}

// ---- other values
// --------------------------------------------------------------------------------

static bool port_from(const uint8_t *value, size_t len, struct cursor *out)
{
    uint64_t port = 0;
    if (!rdata_number((const char *)value, len, UINT16_MAX, &port)) {
        return false;
    }
    cursor_put_u16(out, (uint16_t)port);
    return true;
}

static bool port_to(const uint8_t *wire, size_t len, struct str *out)
{
    return rdata_to_number(wire, len, out);
}

static bool add_ipv4(const uint8_t *item, size_t len, struct cursor *out)
{
    uint8_t address[4];
    if (!rdata_ipv4((const char *)item, len, address)) {
        return false;
    }
    cursor_put(out, address, sizeof address);
    return true;
}

static bool ipv4_from(const uint8_t *value, size_t len, struct cursor *out)
{
    return from_list(value, len, out, add_ipv4);
}

static bool add_ipv6(const uint8_t *item, size_t len, struct cursor *out)
{
    uint8_t address[16];
    if (!rdata_ipv6((const char *)item, len, address)) {
        return false;
    }
    cursor_put(out, address, sizeof address);
    return true;
}

static bool ipv6_from(const uint8_t *value, size_t len, struct cursor *out)
{
    return from_list(value, len, out, add_ipv6);
}

static bool addresses_to(const uint8_t *wire, size_t len, struct str *out, size_t each,
                         rdata_to_fn to)
{
    for (size_t at = 0; at < len; at += each) {
        if (at > 0) {
            str_add_char(out, ',');
        }
        if (!to(wire + at, each, out)) {
            return false;
        }
    }
    return true;
}

static bool ipv4_to(const uint8_t *wire, size_t len, struct str *out)
{
    return addresses_to(wire, len, out, 4, rdata_to_ipv4);
}

static bool ipv6_to(const uint8_t *wire, size_t len, struct str *out)
{
    return addresses_to(wire, len, out, 16, rdata_to_ipv6);
}

static bool ech_from(const uint8_t *value, size_t len, struct cursor *out)
{
    struct rdata_base64 b = {0};
    return rdata_base64_add(&b, out, (const char *)value, len) && rdata_base64_end(&b, out);
}

static bool bytes_from(const uint8_t *value, size_t len, struct cursor *out)
{
    cursor_put(out, value, len);
    return true;
}

static bool bytes_to(const uint8_t *wire, size_t len, struct str *out)
{
    rdata_add_quoted(wire, len, out);
    return true;
}

static bool nothing_from(const uint8_t *value, size_t len, struct cursor *out)
{
    (void)value;
    (void)out;
    return len == 0;
}

// The row's number is the key's.
static const struct svc_key svc_keys[] = {
    {"mandatory",       mandatory_from, mandatory_to   },
    {"alpn",            alpn_from,      alpn_to        },
    {"no-default-alpn", nothing_from,   bytes_to       },
    {"port",            port_from,      port_to        },
    {"ipv4hint",        ipv4_from,      ipv4_to        },
    {"ech",             ech_from,       rdata_to_base64},
    {"ipv6hint",        ipv6_from,      ipv6_to        },
    {"dohpath",         bytes_from,     bytes_to       },
    {"ohttp",           nothing_from,   bytes_to       },
};
#define KEY_COUNT (sizeof svc_keys / sizeof svc_keys[0])

static const struct svc_key other_key = {"", bytes_from, bytes_to};

static const struct svc_key *key_row(uint16_t key)
{
    return key < KEY_COUNT ? &svc_keys[key] : &other_key;
}

static bool key_from_text(const char *text, size_t len, uint16_t *key)
{
    for (uint16_t i = 0; i < KEY_COUNT; i++) {
        if (strlen(svc_keys[i].name) == len && strncasecmp(svc_keys[i].name, text, len) == 0) {
            *key = i;
            return true;
        }
    }
    uint64_t number = 0;
    if (len < 4 || strncasecmp(text, "key", 3) != 0 ||
        !rdata_number(text + 3, len - 3, UINT16_MAX - 1, &number) || (len > 4 && text[3] == '0')) {
        return false;
    }
    *key = (uint16_t)number;
    return true;
}

static void key_to_text(uint16_t key, struct str *out)
{
    if (key < KEY_COUNT) {
        str_add(out, svc_keys[key].name);
    } else {
        str_printf(out, "key%u", key);
    }
}

// ---- the field
// -----------------------------------------------------------------------------------

// key, key=value or key="value".
static enum err split_param(struct rdata_scan *s, const struct rdata_token *t,
                            struct svc_param *param)
{
    const char *equals = memchr(t->text, '=', t->len);
    size_t key_len = equals != NULL ? (size_t)(equals - t->text) : t->len;
    if (!key_from_text(t->text, key_len, &param->key)) {
        return rdata_token_bad(s, t, "is not a service parameter (key=value)");
    }
    param->row = key_row(param->key);
    param->whole = *t;
    param->value = (struct rdata_token){.text = t->text + t->len, .len = 0};
    if (equals != NULL) {
        param->value.text = equals + 1;
        param->value.len = t->len - key_len - 1;
        if (param->value.len >= 2 && equals[1] == '"' && t->text[t->len - 1] == '"') {
            param->value.text++;
            param->value.len -= 2;
            param->value.is_quoted = true;
        }
    }
    return ERR_OK;
}

static enum err put_param(struct rdata_scan *s, const struct svc_param *param)
{
    uint8_t value[VALUE_MAX];
    size_t len = 0;
    enum err err = rdata_token_bytes(s, &param->value, value, sizeof value, &len);
    if (err != ERR_OK) {
        return err;
    }
    cursor_put_u16(&s->out, param->key);
    uint8_t *length = cursor_take(&s->out, 2);
    size_t start = cursor_offset(&s->out);
    if (!param->row->from(value, len, &s->out)) {
        return rdata_token_bad(s, &param->whole, "has a malformed value");
    }
    if (length != NULL && !s->out.bad) {
        size_t used = cursor_offset(&s->out) - start;
        length[0] = (uint8_t)(used >> 8);
        length[1] = (uint8_t)used;
    }
    return ERR_OK;
}

// Sorted in as they come: the wire form is in the order of keys.
static enum err gather_params(struct rdata_scan *s, struct svc_param params[PARAMS_MAX],
                              size_t *count)
{
    struct rdata_token t;
    enum err err;
    size_t used = 0;
    while ((err = rdata_token_next(s, &t)) == ERR_OK) {
        struct svc_param param = {0};
        if (used == PARAMS_MAX) {
            return err_set(s->e, ERR_TOO_LARGE, "there are more than %d parameters", PARAMS_MAX);
        }
        err = split_param(s, &t, &param);
        if (err != ERR_OK) {
            return err;
        }
        size_t at = used++;
        for (; at > 0 && params[at - 1].key > param.key; at--) {
            params[at] = params[at - 1];
        }
        params[at] = param;
        if (at > 0 && params[at - 1].key == param.key) {
            return rdata_token_bad(s, &t, "is given twice");
        }
    }
    *count = used;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err rdata_from_svc(struct rdata_scan *s, const struct rr_field *field)
{
    (void)field;
    struct svc_param params[PARAMS_MAX];
    size_t count = 0;
    enum err err = gather_params(s, params, &count);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = put_param(s, &params[i]);
    }
    return err;
}

bool rdata_to_svc(const uint8_t *p, size_t len, struct str *out)
{
    for (size_t at = 0; at < len;) {
        uint16_t key = load16(p + at);
        size_t value_len = load16(p + at + 2);
        if (key == UINT16_MAX || value_len > VALUE_MAX) {
            return false;
        }
        if (at > 0) {
            str_add_char(out, ' ');
        }
        key_to_text(key, out);
        if (value_len != 0) {
            str_add_char(out, '=');
            if (!key_row(key)->to(p + at + 4, value_len, out)) {
                return false;
            }
        }
        at += 4 + value_len;
    }
    return true;
}
