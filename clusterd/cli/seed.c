/*
 * trellisctl seed: what a node is to hold from its first day on, from one JSON file. Everything
 * goes through the HTTP API, so the same checks hold as for people. Steps are rows; a key of the
 * file without a row is an error before anything is changed.
 */
#include "clusterd/cli/cli.h"

#include "common/base/file.h"
#include "common/base/mem.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX       ((size_t)256 * 1024 * 1024)
#define NAMES_PER_CALL 2000

struct seed {
    struct cli *cli;
    char folder[PATH_MAX]; // of the seed file; relative file names start here
};

static enum err plain_call(struct seed *seed, const char *path, const char *query)
{
    json_t *payload = NULL;
    struct cli_api_call call = {.path = path, .query = query};
    enum err err = cli_api(seed->cli, &call, &payload);
    if (err == ERR_OK) {
        json_decref(payload);
    }
    return err;
}

static enum err body_call(struct seed *seed, const char *path, const char *query, const char *body,
                          size_t len, const char *type)
{
    json_t *payload = NULL;
    struct cli_api_call call = {
        .path = path, .query = query, .body = body, .body_len = len, .content_type = type};
    enum err err = cli_api(seed->cli, &call, &payload);
    if (err == ERR_OK) {
        json_decref(payload);
    }
    return err;
}

static enum err seed_settings(struct seed *seed, const json_t *value)
{
    if (!json_is_object(value)) {
        return err_set(&seed->cli->e, ERR_INVALID, "settings: an object is expected");
    }
    char *text = json_dumps(value, JSON_COMPACT);
    enum err err = body_call(seed, "settings/set", NULL, text, strlen(text), "application/json");
    free(text);
    return err;
}

// ---- zones -------------------------------------------------------------------------------------

static enum err import_file(struct seed *seed, const char *query, const char *file)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s%s%s", file[0] == '/' ? "" : seed->folder,
             file[0] == '/' ? "" : "/", file);
    json_t *payload = NULL;
    struct cli_api_call call = {
        .path = "zones/import", .query = query, .body_path = path, .content_type = "text/plain"};
    enum err err = cli_api(seed->cli, &call, &payload);
    if (err == ERR_OK) {
        json_decref(payload);
    }
    return err;
}

// A record as an object has the fields of zones/records/add.
static enum err add_record(struct seed *seed, const char *zone, json_t *record)
{
    struct str query;
    const char *name;
    json_t *value;
    str_init(&query);
    cli_query_add(&query, "zone", zone);
    json_object_foreach(record, name, value)
    {
        if (json_is_string(value)) {
            cli_query_add(&query, name, json_string_value(value));
        } else {
            char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
            cli_query_add(&query, name, text);
            free(text);
        }
    }
    enum err err = plain_call(seed, "zones/records/add", query.text);
    str_fini(&query);
    return err;
}

// Records are lines of a zone file (imported together) or objects (added one by one).
static enum err import_records(struct seed *seed, const char *zone, const char *query,
                               const json_t *records)
{
    struct str text;
    str_init(&text);
    enum err err = ERR_OK;
    size_t i;
    json_t *record;
    json_array_foreach(records, i, record)
    {
        if (json_is_string(record)) {
            str_printf(&text, "%s\n", json_string_value(record));
        } else if (!json_is_object(record)) {
            err = err_set(&seed->cli->e, ERR_INVALID,
                          "record %zu: a zone file line or an object is expected", i + 1);
        }
    }
    if (err == ERR_OK && text.len != 0) {
        err = body_call(seed, "zones/import", query, text.text, text.len, "text/plain");
    }
    json_array_foreach(records, i, record)
    {
        if (err == ERR_OK && json_is_object(record)) {
            err = add_record(seed, zone, record);
        }
    }
    str_fini(&text);
    return err;
}

static enum err seed_zone(struct seed *seed, const json_t *zone)
{
    const char *name = json_string_value(json_object_get(zone, "name"));
    const char *type = json_string_value(json_object_get(zone, "type"));
    const char *catalog = json_string_value(json_object_get(zone, "catalog"));
    const char *file = json_string_value(json_object_get(zone, "file"));
    const json_t *records = json_object_get(zone, "records");
    if (name == NULL) {
        return err_set(&seed->cli->e, ERR_INVALID, "a zone has no name");
    }
    struct str create;
    struct str import;
    str_init(&create);
    str_init(&import);
    cli_query_add(&create, "zone", name);
    cli_query_add(&create, "type", type == NULL ? "Primary" : type);
    if (catalog != NULL) {
        cli_query_add(&create, "catalog", catalog);
    }
    cli_query_add(&import, "zone", name);
    cli_query_add(&import, "overwrite", "true");
    enum err err = plain_call(seed, "zones/create", create.text);
    if (err == ERR_OK && file != NULL) {
        cli_query_add(&import, "overwriteZone", "true");
        err = import_file(seed, import.text, file);
    } else if (err == ERR_OK && records != NULL) {
        err = import_records(seed, name, import.text, records);
    }
    str_fini(&create);
    str_fini(&import);
    return err == ERR_OK ? ERR_OK : err_prefix(&seed->cli->e, err, "zone %s", name);
}

static enum err seed_zones(struct seed *seed, const json_t *value)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(value) && err == ERR_OK; i++) {
        err = seed_zone(seed, json_array_get(value, i));
    }
    return err;
}

// ---- users, names ------------------------------------------------------------------------------

static void add_member(struct str *query, const json_t *object, const char *member,
                       const char *parameter)
{
    const char *text = json_string_value(json_object_get(object, member));
    if (text != NULL) {
        cli_query_add(query, parameter, text);
    }
}

static enum err seed_user(struct seed *seed, const json_t *user)
{
    const char *name = json_string_value(json_object_get(user, "username"));
    const json_t *groups = json_object_get(user, "groups");
    if (name == NULL) {
        return err_set(&seed->cli->e, ERR_INVALID, "a user has no username");
    }
    struct str query;
    str_init(&query);
    cli_query_add(&query, "user", name);
    add_member(&query, user, "password", "pass");
    add_member(&query, user, "displayName", "displayName");
    enum err err = body_call(seed, "admin/users/create", NULL, query.text, query.len,
                             "application/x-www-form-urlencoded");
    if (err == ERR_OK && json_array_size(groups) > 0) {
        struct str names;
        str_init(&names);
        for (size_t i = 0; i < json_array_size(groups); i++) {
            str_printf(&names, "%s%s", i == 0 ? "" : ",",
                       json_string_value(json_array_get(groups, i)));
        }
        mem_wipe(query.text, query.len);
        str_clear(&query);
        cli_query_add(&query, "user", name);
        cli_query_add(&query, "memberOfGroups", names.text);
        err = plain_call(seed, "admin/users/set", query.text);
        str_fini(&names);
    }
    mem_wipe(query.text, query.len);
    str_fini(&query);
    return err == ERR_OK ? ERR_OK : err_prefix(&seed->cli->e, err, "user %s", name);
}

static enum err seed_users(struct seed *seed, const json_t *value)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(value) && err == ERR_OK; i++) {
        err = seed_user(seed, json_array_get(value, i));
    }
    return err;
}

static enum err seed_names(struct seed *seed, const json_t *value, const char *path,
                           const char *parameter)
{
    enum err err = ERR_OK;
    size_t count = json_array_size(value);
    for (size_t from = 0; from < count && err == ERR_OK; from += NAMES_PER_CALL) {
        struct str names;
        struct str form;
        str_init(&names);
        str_init(&form);
        for (size_t i = from; i < count && i < from + NAMES_PER_CALL; i++) {
            const char *name = json_string_value(json_array_get(value, i));
            str_printf(&names, "%s%s", i == from ? "" : ",", name == NULL ? "" : name);
        }
        cli_query_add(&form, parameter, names.text);
        err = body_call(seed, path, NULL, form.text, form.len, "application/x-www-form-urlencoded");
        str_fini(&names);
        str_fini(&form);
    }
    return err;
}

static enum err seed_allowed(struct seed *seed, const json_t *value)
{
    return seed_names(seed, value, "allowed/import", "allowedZones");
}

static enum err seed_blocked(struct seed *seed, const json_t *value)
{
    return seed_names(seed, value, "blocked/import", "blockedZones");
}

// In the order in which they are applied.
static const struct {
    const char *key;
    enum err (*apply)(struct seed *seed, const json_t *value);
} STEPS[] = {
    {"settings", seed_settings},
    {"zones",    seed_zones   },
    {"users",    seed_users   },
    {"allowed",  seed_allowed },
    {"blocked",  seed_blocked },
};
#define STEP_COUNT (sizeof STEPS / sizeof STEPS[0])

static enum err check_keys(struct cli *cli, json_t *root)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < STEP_COUNT; i++) {
            known = known || strcmp(key, STEPS[i].key) == 0;
        }
        if (!known) {
            return err_set(&cli->e, ERR_INVALID, "there is nothing to be done with \"%s\"", key);
        }
        if (strcmp(key, "settings") != 0 && !json_is_array(value)) {
            return err_set(&cli->e, ERR_INVALID, "%s: a list is expected", key);
        }
    }
    return ERR_OK;
}

enum err cli_seed(struct cli *cli, const char *path)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(path, SEED_MAX, &bytes, &len, &cli->e);
    if (err != ERR_OK) {
        return err;
    }
    json_error_t where;
    json_t *root = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &where);
    mem_free(bytes);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(&cli->e, ERR_INVALID, "%s:%d: %s", path, root == NULL ? where.line : 1,
                       root == NULL ? where.text : "an object is expected");
    }
    struct seed seed = {.cli = cli};
    char *copy = mem_strdup(path);
    bool fits = str_copy(seed.folder, sizeof seed.folder, dirname(copy));
    mem_free(copy);
    err = fits ? check_keys(cli, root) : err_set(&cli->e, ERR_INVALID, "%s: too long", path);
    for (size_t i = 0; i < STEP_COUNT && err == ERR_OK; i++) {
        const json_t *value = json_object_get(root, STEPS[i].key);
        if (value != NULL) {
            err = STEPS[i].apply(&seed, value);
        }
    }
    json_decref(root);
    if (err == ERR_OK && cli->json) {
        cli_print_json(json_pack("{s:s}", "seeded", path));
        return ERR_OK;
    }
    return err == ERR_OK ? ERR_OK : err_prefix(&cli->e, err, "%s", path);
}
