#include "common/app/options.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"

enum { FILE_MAX = 64 * 1024 };

static const struct app_option *find(const struct app_option *options, size_t count,
                                     const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static enum err parse_bool(const char *value, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_equal_nocase(value, words[i].word)) {
            *out = words[i].value;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

static enum err set(const struct app_option *option, const char *value, struct errmsg *e)
{
    switch (option->kind) {
    case APP_OPTION_STR:
        if (strlen(value) >= option->size) {
            return err_set(e, ERR_INVALID, "%s may have at most %zu characters", option->name,
                           option->size - 1);
        }
        return str_copy(option->target, option->size, value) ? ERR_OK : ERR_INVALID;
    case APP_OPTION_U32:
        if (str_to_u32(value, UINT32_MAX, option->target) != ERR_OK) {
            return err_set(e, ERR_INVALID, "%s must be a number, not \"%.60s\"", option->name,
                           value);
        }
        return ERR_OK;
    case APP_OPTION_BOOL:
        if (parse_bool(value, option->target) != ERR_OK) {
            return err_set(e, ERR_INVALID, "%s must be yes or no, not \"%.60s\"", option->name,
                           value);
        }
        return ERR_OK;
    }
    return err_set(e, ERR_INTERNAL, "option %s has no kind", option->name);
}

enum err options_set(const struct app_option *options, size_t count, const char *name,
                     const char *value, struct errmsg *e)
{
    const struct app_option *option = find(options, count, name);
    if (option == NULL) {
        return err_set(e, ERR_NOT_FOUND, "unknown name \"%.60s\"", name);
    }
    return set(option, value, e);
}

// One line; `seen` holds the line each option was set in, 0 = not yet.
static enum err parse_line(const struct app_option *options, size_t count, char *line,
                           unsigned number, unsigned *seen, struct errmsg *e)
{
    line = str_trim(line);
    if (*line == '\0' || *line == '#') {
        return ERR_OK;
    }
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        return err_set(e, ERR_INVALID, "expected \"name = value\", not \"%.60s\"", line);
    }
    *equals = '\0';
    const char *name = str_trim(line);
    const struct app_option *option = find(options, count, name);
    if (option == NULL) {
        return err_set(e, ERR_INVALID, "unknown name \"%.60s\"", name);
    }
    unsigned *first = &seen[option - options];
    if (*first != 0) {
        return err_set(e, ERR_INVALID, "%s is given twice, first in line %u", name, *first);
    }
    *first = number;
    return set(option, str_trim(equals + 1), e);
}

enum err options_load(const struct app_option *options, size_t count, const char *path,
                      struct errmsg *e)
{
    uint8_t *bytes = NULL;
    size_t len;
    enum err err = file_read(path, FILE_MAX, &bytes, &len, e);
    if (err != ERR_OK) {
        return err;
    }
    unsigned *seen = mem_calloc(count, sizeof *seen);
    if (memchr(bytes, '\0', len) != NULL) {
        err = err_set(e, ERR_INVALID, "%s: not a text file", path);
        goto out;
    }
    char *line = (char *)bytes;
    for (unsigned number = 1; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        err = parse_line(options, count, line, number, seen, e);
        if (err != ERR_OK) {
            err_prefix(e, err, "%s:%u", path, number);
            goto out;
        }
        line = end == NULL ? NULL : end + 1;
    }
out:
    mem_free(seen);
    mem_free(bytes);
    return err;
}
