/*
 * What may go into the store: the table of kinds asked, values brought into their one form.
 */
#include "clusterd/store/internal.h"

#include "common/base/mem.h"
#include "common/conf/kind.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// Written by cluster operations only, each step of which knows what else must follow.
static const char *const OPERATIONAL[] = {"nodes/", "cluster/", "node/", "joinTokens/"};

bool store_is_operational(const char *path)
{
    for (size_t i = 0; i < sizeof OPERATIONAL / sizeof OPERATIONAL[0]; i++) {
        if (str_starts(path, OPERATIONAL[i])) {
            return true;
        }
    }
    return false;
}

// Compact with sorted keys: equal values have equal texts, and so equal digests on all nodes.
static enum err normalize(const char *path, const char *value, char **normal, struct errmsg *e)
{
    size_t len = strlen(value);
    if (len > CONF_VALUE_MAX) {
        return err_set(e, ERR_TOO_LARGE, "%s: the value has %zu bytes, at most %zu are kept", path,
                       len, CONF_VALUE_MAX);
    }
    json_error_t where;
    json_t *json = json_loadb(value, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (json == NULL) {
        return err_set(e, ERR_INVALID, "%s: not valid JSON: %s", path, where.text);
    }
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_decref(json);
    if (text == NULL) {
        return err_set(e, ERR_NO_MEMORY, "%s: no memory", path);
    }
    *normal = mem_strdup(text);
    free(text);
    return ERR_OK;
}

enum err store_check(const char *path, const char *value, enum store_scope *scope, char **normal,
                     struct errmsg *e)
{
    if (strlen(path) >= STORE_PATH_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a path has at most %d bytes", STORE_PATH_MAX - 1);
    }
    enum conf_scope where;
    enum err err = conf_path_scope(path, &where, e);
    if (err != ERR_OK) {
        return err;
    }
    *scope = where == CONF_CLUSTER ? STORE_CLUSTER : STORE_NODE;
    *normal = NULL;
    if (value == NULL) {
        return ERR_OK;
    }
    char *text = NULL;
    err = normalize(path, value, &text, e);
    if (err == ERR_OK) {
        err = conf_kind_check(path, text, e);
    }
    if (err != ERR_OK) {
        mem_free(text);
        return err;
    }
    *normal = text;
    return ERR_OK;
}
