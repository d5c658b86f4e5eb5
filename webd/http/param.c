// Parameters of requests: bounded parsing of urlencoded text, lookup by name.

#include "webd/http/param.h"

#include <string.h>

#include "common/base/mem.h"

void web_params_init(struct web_params *params, struct arena *arena)
{
    *params = (struct web_params){.arena = arena};
}

void web_params_fini(struct web_params *params)
{
    mem_free(params->items);
    *params = (struct web_params){0};
}

// Length of the UTF-8 sequence at `p`, 0 = malformed, overlong, surrogate or above U+10FFFF.
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
                  (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return is_bad ? 0 : len;
}

bool web_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t at = 0;
    while (at < len) {
        size_t step = utf8_sequence(p + at, len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

static struct web_param *find(const struct web_params *params, enum web_param_source source,
                              const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (params->items[i].source == source && str_equal_nocase(params->items[i].name, name)) {
            return &params->items[i];
        }
    }
    return NULL;
}

enum err web_params_add(struct web_params *params, enum web_param_source source, const char *name,
                        size_t name_len, const char *value, size_t value_len, struct errmsg *e)
{
    if (params->count >= WEB_PARAM_MAX || name_len + value_len > WEB_PARAM_BYTES - params->bytes) {
        return err_set(e, ERR_TOO_LARGE, "too many or too large parameters");
    }
    if (memchr(name, 0, name_len) != NULL || memchr(value, 0, value_len) != NULL ||
        !web_is_utf8(name, name_len) || !web_is_utf8(value, value_len)) {
        return err_set(e, ERR_INVALID, "a parameter is not valid UTF-8 text");
    }
    char *name_text = arena_alloc(params->arena, name_len + 1);
    memcpy(name_text, name, name_len);
    name_text[name_len] = 0;
    struct web_param *same = find(params, source, name_text);
    size_t before = same == NULL ? 0 : strlen(same->value) + 1;
    if (before > WEB_PARAM_BYTES - params->bytes - name_len - value_len) {
        return err_set(e, ERR_TOO_LARGE, "too many or too large parameters");
    }
    params->bytes += name_len + before + value_len;
    char *text = arena_alloc(params->arena, before + value_len + 1);
    if (same != NULL) {
        memcpy(text, same->value, before - 1);
        text[before - 1] = ',';
    }
    memcpy(text + before, value, value_len);
    text[before + value_len] = 0;
    if (same != NULL) {
        same->value = text;
        return ERR_OK;
    }
    mem_grow(&params->items, &params->capacity, params->count + 1, sizeof *params->items);
    params->items[params->count++] =
        (struct web_param){.source = source, .name = name_text, .value = text};
    return ERR_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Decodes into `dst`, which holds at least `len` bytes; returns the decoded length.
static size_t decode(char *dst, const char *text, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%' && len - i > 2 && hex_value(text[i + 1]) >= 0 &&
            hex_value(text[i + 2]) >= 0) {
            dst[used++] = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            dst[used++] = text[i] == '+' ? ' ' : text[i];
        }
    }
    return used;
}

enum err web_params_parse(struct web_params *params, enum web_param_source source, const char *text,
                          size_t len, struct errmsg *e)
{
    if (len > WEB_PARAM_BYTES) {
        return err_set(e, ERR_TOO_LARGE, "too many or too large parameters");
    }
    char *decoded = mem_alloc(len + 1);
    enum err result = ERR_OK;
    const char *end = text + len;
    while (text < end && result == ERR_OK) {
        const char *stop = memchr(text, '&', (size_t)(end - text));
        if (stop == NULL) {
            stop = end;
        }
        const char *equals = memchr(text, '=', (size_t)(stop - text));
        const char *name_end = equals == NULL ? stop : equals;
        size_t name_len = decode(decoded, text, (size_t)(name_end - text));
        size_t value_len = 0;
        if (equals != NULL) {
            value_len = decode(decoded + name_len, equals + 1, (size_t)(stop - equals - 1));
        }
        if (name_len > 0) {
            result =
                web_params_add(params, source, decoded, name_len, decoded + name_len, value_len, e);
        }
        text = stop + 1;
    }
    mem_free(decoded);
    return result;
}

const char *web_params_get(const struct web_params *params, const char *name)
{
    for (int source = 0; source < WEB_PARAM_SOURCE_COUNT; source++) {
        const struct web_param *p = find(params, (enum web_param_source)source, name);
        if (p != NULL) {
            return p->value;
        }
    }
    return NULL;
}

void web_urlencode(struct str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text != 0; text++) {
        if (strchr(plain, *text) != NULL) {
            str_add_char(out, *text);
        } else {
            str_printf(out, "%%%02X", (unsigned char)*text);
        }
    }
}
