// Service parameters of SVCB and HTTPS records (RFC 9460 sections 2.2 and 14.3).

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "webd/api/record_form.h"

enum svc_form {
    SVC_KEYS,
    SVC_ALPN,
    SVC_NOTHING,
    SVC_PORT,
    SVC_IPV4,
    SVC_BASE64,
    SVC_IPV6,
    SVC_TEXT,
    SVC_HEX
};

static const struct {
    const char *name;
    uint16_t number;
    enum svc_form form;
} keys[] = {
    {"mandatory",       0, SVC_KEYS   },
    {"alpn",            1, SVC_ALPN   },
    {"no-default-alpn", 2, SVC_NOTHING},
    {"port",            3, SVC_PORT   },
    {"ipv4hint",        4, SVC_IPV4   },
    {"ech",             5, SVC_BASE64 },
    {"ipv6hint",        6, SVC_IPV6   },
    {"dohpath",         7, SVC_TEXT   },
};
#define KEY_COUNT  (sizeof keys / sizeof keys[0])
#define PARAMS_MAX 64
#define VALUE_MAX  4096

struct param {
    uint16_t key;
    uint8_t *value;
    size_t len;
};

static enum err key_from_text(const char *text, uint16_t *number, enum svc_form *form,
                              struct errmsg *e)
{
    uint32_t value = 0;
    const char *digits = strncasecmp(text, "key", 3) == 0 ? text + 3 : text;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (str_equal_nocase(keys[i].name, text)) {
            *number = keys[i].number;
            *form = keys[i].form;
            return ERR_OK;
        }
    }
    if (str_to_u32(digits, UINT16_MAX - 1, &value) != ERR_OK) {
        return err_set(e, ERR_INVALID, "has an unknown key: %s", text);
    }
    *number = (uint16_t)value;
    *form = value < KEY_COUNT ? keys[value].form : SVC_HEX;
    return ERR_OK;
}

static enum err write_item(enum svc_form form, const char *item, struct cursor *out,
                           struct errmsg *e)
{
    uint8_t bytes[16];
    uint16_t number = 0;
    enum svc_form unused;
    size_t len = strlen(item);
    if (form == SVC_ALPN) {
        if (len == 0 || len > 255) {
            return err_set(e, ERR_INVALID, "has a bad protocol name: %s", item);
        }
        cursor_put_u8(out, (uint8_t)len);
        cursor_put(out, item, len);
        return ERR_OK;
    }
    if (form == SVC_KEYS) {
        enum err err = key_from_text(item, &number, &unused, e);
        cursor_put_u16(out, number);
        return err;
    }
    int family = form == SVC_IPV4 ? AF_INET : AF_INET6;
    if (inet_pton(family, item, bytes) != 1) {
        return err_set(e, ERR_INVALID, "has a bad address: %s", item);
    }
    cursor_put(out, bytes, family == AF_INET ? 4 : 16);
    return ERR_OK;
}

static enum err write_items(enum svc_form form, char *text, struct cursor *out, struct errmsg *e)
{
    enum err err = ERR_OK;
    while (text != NULL && err == ERR_OK) {
        char *comma = strchr(text, ',');
        if (comma != NULL) {
            *comma++ = 0;
        }
        err = write_item(form, str_trim(text), out, e);
        text = comma;
    }
    return err;
}

static enum err write_value(enum svc_form form, char *text, struct cursor *out, struct errmsg *e)
{
    uint8_t bytes[VALUE_MAX];
    size_t len = 0;
    uint32_t port = 0;
    switch (form) {
    case SVC_KEYS:
    case SVC_ALPN:
    case SVC_IPV4:
    case SVC_IPV6:
        return write_items(form, text, out, e);
    case SVC_NOTHING:
        return ERR_OK;
    case SVC_PORT:
        if (str_to_u32(text, UINT16_MAX, &port) != ERR_OK) {
            return err_set(e, ERR_INVALID, "has a bad port: %s", text);
        }
        cursor_put_u16(out, (uint16_t)port);
        return ERR_OK;
    case SVC_BASE64:
        if (str_from_base64(text, strlen(text), bytes, sizeof bytes, &len) != ERR_OK) {
            return err_set(e, ERR_INVALID, "has a value that is not base64");
        }
        break;
    case SVC_HEX:
        if (str_from_hex(text, strlen(text), bytes, sizeof bytes, &len) != ERR_OK) {
            return err_set(e, ERR_INVALID, "has a value that is not hexadecimal");
        }
        break;
    case SVC_TEXT:
        cursor_put(out, text, strlen(text));
        return ERR_OK;
    }
    cursor_put(out, bytes, len);
    return ERR_OK;
}

static int by_key(const void *a, const void *b)
{
    return (int)((const struct param *)a)->key - (int)((const struct param *)b)->key;
}

// Cuts the next cell off; NULL = no more.
static char *next_cell(char **at)
{
    char *cell = *at;
    if (cell != NULL) {
        char *bar = strchr(cell, '|');
        if (bar != NULL) {
            *bar++ = 0;
        }
        *at = bar;
    }
    return cell;
}

static enum err read_params(char *text, struct param params[PARAMS_MAX], size_t *count,
                            struct errmsg *e)
{
    while (text != NULL) {
        char *key = str_trim(next_cell(&text));
        char *value = next_cell(&text);
        enum svc_form form;
        uint8_t bytes[VALUE_MAX];
        struct cursor out = cursor_over(bytes, sizeof bytes);
        struct param *p = &params[*count];
        if (value == NULL) {
            return err_set(e, ERR_INVALID, "must be pairs of key and value");
        }
        if (*count == PARAMS_MAX) {
            return err_set(e, ERR_INVALID, "has more than %d pairs", PARAMS_MAX);
        }
        enum err err = key_from_text(key, &p->key, &form, e);
        if (err == ERR_OK) {
            err = write_value(form, value, &out, e);
        }
        if (err == ERR_OK && out.bad) {
            err = err_set(e, ERR_TOO_LARGE, "has a value that is too long");
        }
        if (err != ERR_OK) {
            return err;
        }
        p->len = cursor_offset(&out);
        p->value = mem_dup(bytes, p->len);
        (*count)++;
    }
    return ERR_OK;
}

enum err svc_params_write(const char *text, struct cursor *out, struct errmsg *e)
{
    if (text[0] == 0 || str_equal_nocase(text, "false")) {
        return ERR_OK;
    }
    struct param params[PARAMS_MAX];
    size_t count = 0;
    char *copy = mem_strdup(text);
    enum err err = read_params(copy, params, &count, e);
    if (count > 1) {
        qsort(params, count, sizeof params[0], by_key);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && params[i].key == params[i - 1].key && err == ERR_OK) {
            err = err_set(e, ERR_INVALID, "has a key twice");
        }
        cursor_put_u16(out, params[i].key);
        cursor_put_u16(out, (uint16_t)params[i].len);
        cursor_put(out, params[i].value, params[i].len);
        mem_free(params[i].value);
    }
    mem_free(copy);
    return err;
}

// ---- showing -----------------------------------------------------------------------------------

static void key_to_text(uint16_t key, char dst[24])
{
    if (key < KEY_COUNT) {
        snprintf(dst, 24, "%s", keys[key].name);
    } else {
        snprintf(dst, 24, "%u", key);
    }
}

static void show_item(enum svc_form form, struct cursor *in, struct str *out)
{
    char text[INET6_ADDRSTRLEN] = "";
    char key[24];
    if (out->len > 0) {
        str_add_char(out, ',');
    }
    if (form == SVC_ALPN) {
        size_t len = cursor_u8(in);
        const uint8_t *bytes = cursor_take(in, len);
        for (size_t i = 0; bytes != NULL && i < len; i++) {
            str_add_char(out, bytes[i] > 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '?');
        }
        return;
    }
    if (form == SVC_KEYS) {
        key_to_text(cursor_u16(in), key);
        str_add(out, key);
        return;
    }
    const uint8_t *bytes = cursor_take(in, form == SVC_IPV4 ? 4 : 16);
    if (bytes != NULL) {
        inet_ntop(form == SVC_IPV4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
    }
    str_add(out, text);
}

static void show_value(enum svc_form form, const uint8_t *bytes, size_t len, struct str *out)
{
    struct cursor in = cursor_over_const(bytes, len);
    char *text;
    switch (form) {
    case SVC_KEYS:
    case SVC_ALPN:
    case SVC_IPV4:
    case SVC_IPV6:
        while (cursor_left(&in) > 0) {
            show_item(form, &in, out);
        }
        return;
    case SVC_NOTHING:
        return;
    case SVC_PORT:
        str_printf(out, "%u", cursor_u16(&in));
        return;
    case SVC_TEXT:
        str_add_bytes(out, bytes, len);
        return;
    case SVC_BASE64:
    case SVC_HEX:
        text = mem_alloc(4 * len + 8);
        if (form == SVC_BASE64) {
            str_base64(text, bytes, len);
        } else {
            str_hex(text, bytes, len);
        }
        str_add(out, text);
        mem_free(text);
        return;
    }
}

json_t *svc_params_show(struct cursor *in)
{
    json_t *o = json_object();
    while (cursor_left(in) > 0) {
        uint16_t key = cursor_u16(in);
        size_t len = cursor_u16(in);
        const uint8_t *bytes = cursor_take(in, len);
        char name[24];
        struct str value;
        if (bytes == NULL) {
            break;
        }
        str_init(&value);
        show_value(key < KEY_COUNT ? keys[key].form : SVC_HEX, bytes, len, &value);
        key_to_text(key, name);
        json_t *text = json_string(value.len == 0 ? "" : value.text);
        json_object_set_new(o, name, text == NULL ? json_string("") : text);
        str_fini(&value);
    }
    return o;
}
