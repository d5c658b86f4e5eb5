// One API call: parameters, rights, answers.

#include "webd/api/call.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "proto/common.pb-c.h"
#include "webd/api/route.h"

const char *call_actor(const struct api_call *call)
{
    return call->is_administrator ? "local" : call->account.name;
}

// ---- parameters --------------------------------------------------------------------------------

const char *call_param(const struct api_call *call, const char *name)
{
    return web_params_get(&call->request->params, name);
}

const char *call_text(const struct api_call *call, const char *name)
{
    const char *value = call_param(call, name);
    return value == NULL || value[0] == 0 ? NULL : value;
}

bool call_need(struct api_call *call, const char *name, const char *alt, const char **out)
{
    const char *value = call_text(call, name);
    if (value == NULL && alt != NULL) {
        value = call_text(call, alt);
    }
    if (value == NULL) {
        call_fail(call, ERR_INVALID, "Parameter '%s' missing.", name);
        return false;
    }
    *out = value;
    return true;
}

enum err value_bool(const char *text, bool *out)
{
    bool is_true = str_equal_nocase(text, "true");
    if (!is_true && !str_equal_nocase(text, "false")) {
        return ERR_INVALID;
    }
    *out = is_true;
    return ERR_OK;
}

bool call_bool(struct api_call *call, const char *name, bool *out)
{
    const char *value = call_text(call, name);
    if (value != NULL && value_bool(value, out) != ERR_OK) {
        call_fail(call, ERR_INVALID, "Parameter '%s' must be true or false.", name);
        return false;
    }
    return true;
}

bool call_u32(struct api_call *call, const char *name, uint32_t min, uint32_t max, uint32_t *out)
{
    const char *value = call_text(call, name);
    uint32_t number;
    if (value == NULL) {
        return true;
    }
    if (str_to_u32(value, max, &number) != ERR_OK || number < min) {
        call_fail(call, ERR_INVALID, "Parameter '%s' must be a number from %u to %u.", name, min,
                  max);
        return false;
    }
    *out = number;
    return true;
}

static const struct {
    char unit;
    uint32_t seconds;
} ttl_units[] = {
    {'w', 604800},
    {'d', 86400 },
    {'h', 3600  },
    {'m', 60    },
    {'s', 1     }
};

enum err value_ttl(const char *text, uint32_t *out)
{
    if (str_to_u32(text, INT32_MAX, out) == ERR_OK) {
        return ERR_OK;
    }
    uint64_t total = 0;
    while (*text != 0) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 10) {
            return ERR_INVALID;
        }
        uint64_t number = 0;
        for (size_t i = 0; i < digits; i++) {
            number = number * 10 + (uint64_t)(text[i] - '0');
        }
        char unit = (char)(text[digits] | 0x20);
        uint32_t seconds = 0;
        for (size_t i = 0; i < sizeof ttl_units / sizeof ttl_units[0]; i++) {
            seconds = ttl_units[i].unit == unit ? ttl_units[i].seconds : seconds;
        }
        total += number * seconds;
        if (seconds == 0 || total > INT32_MAX) {
            return ERR_INVALID;
        }
        text += digits + 1;
    }
    *out = (uint32_t)total;
    return ERR_OK;
}

void value_ttl_text(uint32_t seconds, char dst[32])
{
    size_t used = 0;
    dst[0] = 0;
    for (size_t i = 0; i < sizeof ttl_units / sizeof ttl_units[0]; i++) {
        uint32_t n = seconds / ttl_units[i].seconds;
        bool is_only = ttl_units[i].unit == 's' && used == 0;
        if (n > 0 || is_only) {
            used += (size_t)snprintf(dst + used, 32 - used, "%u%c", n, ttl_units[i].unit);
        }
        seconds %= ttl_units[i].seconds;
    }
}

bool call_ttl(struct api_call *call, const char *name, uint32_t *out)
{
    const char *value = call_text(call, name);
    if (value != NULL && value_ttl(value, out) != ERR_OK) {
        call_fail(call, ERR_INVALID, "Parameter '%s' must be seconds or a time like 1h30m.", name);
        return false;
    }
    return true;
}

void call_list(struct api_call *call, const char *name, char ***items, size_t *count,
               bool *is_given)
{
    const char *value = call_param(call, name);
    *count = 0;
    *items = NULL;
    *is_given = value != NULL;
    if (value == NULL || value[0] == 0 || str_equal_nocase(value, "false")) {
        return;
    }
    size_t max = 1;
    for (const char *p = value; *p != 0; p++) {
        max += *p == ',' ? 1 : 0;
    }
    *items = arena_alloc(call->arena, max * sizeof **items);
    char *at = arena_strdup(call->arena, value);
    while (at != NULL) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma++ = 0;
        }
        char *item = str_trim(at);
        if (item[0] != 0) {
            (*items)[(*count)++] = item;
        }
        at = comma;
    }
}

// ---- rights ------------------------------------------------------------------------------------

bool call_may(const struct api_call *call, enum section section, unsigned flags)
{
    return call->is_administrator ||
           (permission_of(api_map(call->api), &call->account, section) & flags) == flags;
}

bool call_has_zone(const struct api_call *call, const char *zone, unsigned flags)
{
    return call->is_administrator ||
           (permission_of_zone(api_map(call->api), &call->account, zone) & flags) == flags;
}

bool call_may_zone(struct api_call *call, const char *zone, unsigned flags)
{
    if (call_has_zone(call, zone, flags)) {
        return true;
    }
    call_fail(call, ERR_DENIED, "Access was denied.");
    return false;
}

// ---- JSON --------------------------------------------------------------------------------------

struct escape {
    struct str *out;
};

// What jansson leaves as it is and the API does not.
static int append_escaped(const char *text, size_t len, void *ctx)
{
    struct escape *escape = ctx;
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (strchr("+<>&'`", text[i]) != NULL && text[i] != 0) {
            str_add_bytes(escape->out, text + from, i - from);
            str_printf(escape->out, "\\u%04X", (unsigned char)text[i]);
            from = i + 1;
        }
    }
    str_add_bytes(escape->out, text + from, len - from);
    return 0;
}

void json_append(struct str *out, const json_t *value)
{
    struct escape escape = {.out = out};
    json_dump_callback(value, append_escaped, &escape,
                       JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
}

json_t *json_time_ms(uint64_t unix_ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(unix_ms, text, sizeof text);
    char *dot = strchr(text, '.');
    if (dot != NULL) {
        char *end = text + strlen(text) - 1; // at the Z
        while (end[-1] == '0') {
            end--;
        }
        if (end[-1] == '.') {
            end--;
        }
        memcpy(end, "Z", 2);
    }
    return json_string(text);
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    struct str fixed;
    str_init(&fixed);
    for (; *text != 0; text++) {
        if ((unsigned char)*text < 0x80) {
            str_add_char(&fixed, *text);
        } else {
            str_add(&fixed, "\xef\xbf\xbd");
        }
    }
    value = json_string(fixed.text);
    str_fini(&fixed);
    return value;
}

// ---- answers -----------------------------------------------------------------------------------

void call_drop(void *arg)
{
    struct api_call *call = arg;
    if (call->release != NULL) {
        call->release(call->state);
    }
    account_fini(&call->account);
    mem_wipe(call->token, sizeof call->token);
    mem_free(call);
}

void call_answer(struct api_call *call, struct web_answer *answer)
{
    web_answer(call->request, answer); // releases the call
}

static void no_cache(struct web_answer *answer)
{
    web_answer_header(answer, "Cache-Control", "no-cache, no-store, must-revalidate");
    web_answer_header(answer, "Pragma", "no-cache");
    web_answer_header(answer, "Expires", "0");
    web_answer_header(answer, "X-Content-Type-Options", "nosniff");
}

static void answer_json(struct api_call *call, unsigned status, struct str *body)
{
    struct web_answer answer;
    char version[64];
    web_answer_init(&answer, status);
    answer.content_type = "application/json; charset=utf-8";
    no_cache(&answer);
    if (call->version_seq != 0) {
        snprintf(version, sizeof version, "%llu.%llu", (unsigned long long)call->version_epoch,
                 (unsigned long long)call->version_seq);
        web_answer_header(&answer, "Trellis-Version", version);
    }
    char *cookie = arena_strdup(call->arena, call->cookie);
    if (cookie[0] != 0) {
        web_answer_header(&answer, "Set-Cookie", cookie);
    }
    answer.body_len = body->len;
    answer.body = str_take(body);
    call_answer(call, &answer);
}

static void add_server(const struct api_call *call, struct str *body)
{
    json_t *server =
        json_text(call->api->settings == NULL ? "" : call->api->settings->dns_server_domain);
    str_add(body, "\"server\":");
    json_append(body, server);
    json_decref(server);
}

void call_ok_text(struct api_call *call, struct str *text)
{
    struct str body;
    str_init(&body);
    if (call->route->envelope == ENVELOPE_FLAT) {
        str_add_bytes(&body, text->text, text->len - 1); // without the closing brace
        str_add(&body, text->len > 2 ? "," : "");
    } else {
        str_add(&body, "{\"response\":");
        str_add_bytes(&body, text->text, text->len);
        str_add_char(&body, ',');
    }
    str_fini(text);
    str_init(text);
    add_server(call, &body);
    str_add(&body, ",\"status\":\"ok\"}");
    answer_json(call, WEB_OK, &body);
}

void call_ok(struct api_call *call, json_t *response)
{
    struct str text;
    str_init(&text);
    if (response == NULL) {
        str_add(&text, "{}");
    } else {
        json_append(&text, response);
        json_decref(response);
    }
    call_ok_text(call, &text);
}

static void answer_failure(struct api_call *call, unsigned http, const char *status,
                           const char *text)
{
    struct str body;
    json_t *message = json_text(text);
    str_init(&body);
    str_add_char(&body, '{');
    add_server(call, &body);
    str_printf(&body, ",\"status\":\"%s\",\"errorMessage\":", status);
    json_append(&body, message);
    str_add_char(&body, '}');
    json_decref(message);
    answer_json(call, http, &body);
}

void call_fail_error(struct api_call *call, const struct errmsg *e)
{
    const char *text = e->text[0] == 0 ? err_text(e->code) : e->text;
    answer_failure(call, WEB_OK, "error", text);
}

void call_fail(struct api_call *call, enum err code, const char *format, ...)
{
    struct errmsg e = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(e.text, sizeof e.text, format, args);
    va_end(args);
    call_fail_error(call, &e);
}

void call_fail_status(struct api_call *call, const char *status, const char *text)
{
    answer_failure(call, WEB_OK, status, text);
}

void call_not_found(struct api_call *call)
{
    struct web_answer answer;
    web_answer_init(&answer, WEB_NOT_FOUND);
    call_answer(call, &answer);
}

bool call_check(struct api_call *call, const struct Trellis__Error *error, const char *who)
{
    struct errmsg e = {0};
    enum err code = rpc_error_get(error, &e);
    if (code == ERR_OK) {
        return true;
    }
    const struct rpc_client *client =
        strcmp(who, "dnsd") == 0 ? call->api->dnsd : call->api->clusterd;
    if (code == ERR_UNAVAILABLE && !rpc_client_is_up(client)) {
        char text[128];
        snprintf(text, sizeof text, "%s is not running on this node. Please try again.", who);
        answer_failure(call, WEB_SERVICE_UNAVAILABLE, "error", text);
        return false;
    }
    e.code = code;
    call_fail_error(call, &e);
    return false;
}

static char *disposition(const struct api_call *call, const char *name)
{
    return arena_printf(call->arena, "attachment;filename=%s", name);
}

void call_file_text(struct api_call *call, const char *media_type, const char *name,
                    struct str *text)
{
    struct web_answer answer;
    web_answer_init(&answer, WEB_OK);
    answer.content_type = media_type;
    web_answer_header(&answer, "Content-Disposition", disposition(call, name));
    web_answer_header(&answer, "X-Content-Type-Options", "nosniff");
    answer.body_len = text->len;
    answer.body = text->len == 0 ? NULL : str_take(text);
    call_answer(call, &answer);
}

void call_file_spool(struct api_call *call, const char *media_type, const char *name,
                     const char *spool_name)
{
    char path[512];
    struct stat st;
    struct errmsg e = {0};
    struct web_answer answer;
    web_answer_init(&answer, WEB_OK);
    if (file_spool_path(call->api->spool_dir, spool_name, path, sizeof path, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return;
    }
    answer.fd = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    if (answer.fd < 0 || fstat(answer.fd, &st) != 0) {
        if (answer.fd >= 0) {
            close(answer.fd);
        }
        call_fail(call, ERR_IO, "The exported file cannot be read.");
        return;
    }
    answer.fd_size = (uint64_t)st.st_size;
    answer.content_type = media_type;
    web_answer_header(&answer, "Content-Disposition", disposition(call, name));
    web_answer_header(&answer, "X-Content-Type-Options", "nosniff");
    call_answer(call, &answer);
}
