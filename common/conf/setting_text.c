#include "common/conf/setting_value.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/value_form.h"

/*
 * Form text to JSON as it stands, one function a kind; the checks are those of the JSON, in
 * setting_value.c. Pure functions; any thread.
 */

// Splits at `separator` into trimmed items; empty ones are dropped in lists (','), kept in tables
// ('|'). An empty text and "false" give an empty array. New reference.
static json_t *split_text(const char *text, char separator)
{
    json_t *items = json_array();
    if (text[0] == '\0' || str_equal_nocase(text, "false")) {
        return items;
    }
    char *copy = mem_strdup(text);
    char *rest = copy;
    while (rest != NULL) {
        char *item = rest;
        rest = strchr(rest, separator);
        if (rest != NULL) {
            *rest++ = '\0';
        }
        item = str_trim(item);
        if (item[0] != '\0' || separator == '|') {
            // Text that is not UTF-8 becomes null, which no check lets pass.
            json_t *string = json_string(item);
            (void)json_array_append_new(items, string == NULL ? json_null() : string);
        }
    }
    mem_free(copy);
    return items;
}

enum err setting_text_bool(const struct setting *row, const char *text, json_t **out,
                           struct errmsg *e)
{
    bool is_true = str_equal_nocase(text, "true");
    if (!is_true && !str_equal_nocase(text, "false")) {
        return err_set(e, ERR_INVALID, "setting %s: \"%.60s\" is not true or false", row->name,
                       text);
    }
    *out = json_boolean(is_true);
    return ERR_OK;
}

enum err setting_text_number(const struct setting *row, const char *text, json_t **out,
                             struct errmsg *e)
{
    int64_t number = 0;
    bool good = row->form == SETTING_FORM_TTL
                    ? value_form_ttl(text, &number) == ERR_OK
                    : str_to_i64(text, INT64_MIN, INT64_MAX, &number) == ERR_OK;
    if (!good) {
        return err_set(e, ERR_INVALID,
                       "setting %s: \"%.60s\" is not a number from %" PRId64 " to %" PRId64 "%s",
                       row->name, text, row->min, row->max,
                       row->form == SETTING_FORM_TTL ? " or text like 1w2d3h4m5s" : "");
    }
    *out = json_integer(number);
    return ERR_OK;
}

enum err setting_text_string(const struct setting *row, const char *text, json_t **out,
                             struct errmsg *e)
{
    *out = json_string(text);
    if (*out == NULL) {
        return err_set(e, ERR_INVALID, "setting %s: the text is not UTF-8", row->name);
    }
    return ERR_OK;
}

enum err setting_text_list(const struct setting *row, const char *text, json_t **out,
                           struct errmsg *e)
{
    char canonical[VALUE_FORM_MAX];
    (void)e;
    json_t *items = split_text(text, ',');
    for (size_t i = json_array_size(items); (row->flags & SETTING_DROP_BAD) != 0 && i > 0; i--) {
        const char *item = json_string_value(json_array_get(items, i - 1));
        if (item == NULL || !value_form_check(row->form, item, canonical)) {
            (void)json_array_remove(items, i - 1);
        }
    }
    *out = items;
    return ERR_OK;
}

// A cell that holds a number becomes one; any other stays text and fails the check.
static json_t *cell_number(json_t *cell)
{
    int64_t number = 0;
    const char *text = json_string_value(cell);
    bool is_number = text != NULL && str_to_i64(text, 0, INT64_MAX, &number) == ERR_OK;
    return is_number ? json_integer(number) : json_incref(cell);
}

enum err setting_text_ports(const struct setting *row, const char *text, json_t **out,
                            struct errmsg *e)
{
    (void)row;
    (void)e;
    json_t *items = split_text(text, ',');
    json_t *ports = json_array();
    for (size_t i = 0; i < json_array_size(items); i++) {
        (void)json_array_append_new(ports, cell_number(json_array_get(items, i)));
    }
    json_decref(items);
    *out = ports;
    return ERR_OK;
}

// A table of three columns, cells and rows alike separated by '|'.
static enum err text_table(const struct setting *row, const char *text, const char *const names[3],
                           bool numbers, json_t **out, struct errmsg *e)
{
    json_t *cells = split_text(text, '|');
    size_t count = json_array_size(cells);
    if (count % 3 != 0) {
        json_decref(cells);
        return err_set(e, ERR_INVALID, "setting %s: rows are %s|%s|%s, but there are %zu cells",
                       row->name, names[0], names[1], names[2], count);
    }
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i += 3) {
        json_t *object = json_object();
        for (size_t column = 0; column < 3; column++) {
            json_t *cell = json_array_get(cells, i + column);
            (void)json_object_set_new(object, names[column],
                                      numbers ? cell_number(cell) : json_incref(cell));
        }
        (void)json_array_append_new(rows, object);
    }
    json_decref(cells);
    *out = rows;
    return ERR_OK;
}

enum err setting_text_qpm(const struct setting *row, const char *text, json_t **out,
                          struct errmsg *e)
{
    static const char *const names[3] = {"prefix", "udpLimit", "tcpLimit"};
    return text_table(row, text, names, true, out, e);
}

enum err setting_text_tsig(const struct setting *row, const char *text, json_t **out,
                           struct errmsg *e)
{
    static const char *const names[3] = {"keyName", "sharedSecret", "algorithmName"};
    return text_table(row, text, names, false, out, e);
}

// The proxy has no text of its own; settings/set takes its parts.
enum err setting_text_proxy(const struct setting *row, const char *text, json_t **out,
                            struct errmsg *e)
{
    (void)text;
    (void)out;
    return err_set(e, ERR_UNSUPPORTED, "setting %s is set by proxyType and its other parts",
                   row->name);
}
