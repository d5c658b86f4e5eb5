/*
 * trellisctl config: settings and other objects of the store, its history.
 */
#include "clusterd/cli/cli.h"

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/conf/map.h"
#include "common/conf/setting.h"
#include "common/conf/setting_edit.h"
#include "proto/clusterd.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG (&clusterd__config__descriptor)

// ---- reading -----------------------------------------------------------------------------------

typedef void (*object_fn)(void *ctx, const Clusterd__Object *object);

// All objects below `prefix`; `*revision` (may be NULL) gets that of the first page.
static enum err each_object(struct cli *cli, const char *prefix, object_fn fn, void *ctx,
                            uint64_t *revision)
{
    char *start = mem_strdup(prefix);
    char *cursor = mem_strdup("");
    enum err err = ERR_OK;
    bool more = true;
    for (bool first = true; more && err == ERR_OK; first = false) {
        Clusterd__GetRequest request;
        clusterd__get_request__init(&request);
        request.prefix = start;
        request.cursor = cursor;
        Clusterd__GetReply *reply = NULL;
        err = cli_call(cli, RPC_CLUSTERD, CONFIG, "Get", &request, &reply);
        if (err != ERR_OK) {
            break;
        }
        if (first && revision != NULL) {
            *revision = reply->revision;
        }
        for (size_t i = 0; i < reply->n_objects; i++) {
            fn(ctx, reply->objects[i]);
        }
        mem_free(cursor);
        cursor = mem_strdup(reply->next_cursor);
        more = cursor[0] != '\0';
        cli_free(reply);
    }
    mem_free(cursor);
    mem_free(start);
    return err;
}

static void add_to_map(void *ctx, const Clusterd__Object *object)
{
    conf_map_set(ctx, object->path, object->value);
}

// The settings in force on this node. Secrets are masked by clusterd.
static enum err load_settings(struct cli *cli, struct settings **out, uint64_t *revision)
{
    static const char *const prefixes[] = {"settings/", "overrides/", "node/"};
    struct conf_map *map = conf_map_new();
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && err == ERR_OK; i++) {
        err = each_object(cli, prefixes[i], add_to_map, map, i == 0 ? revision : NULL);
    }
    if (err == ERR_OK) {
        err = settings_load(map, settings_node_id(map), out, &cli->e);
    }
    conf_map_free(map);
    return err;
}

static void print_value(const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    printf("%s = %s\n", name, text == NULL ? "null" : text);
    free(text);
}

static enum err get_settings(struct cli *cli, int argc, char **argv)
{
    struct settings *settings = NULL;
    enum err err = load_settings(cli, &settings, NULL);
    if (err != ERR_OK) {
        return err;
    }
    json_t *all = json_object();
    if (argc == 0) {
        json_decref(all);
        all = settings_get_json(settings);
    }
    for (int i = 0; i < argc && err == ERR_OK; i++) {
        const struct setting *row = setting_find(argv[i]);
        json_t *value = row == NULL ? NULL : setting_value_json(row, settings, false);
        if (value == NULL) {
            err = err_set(&cli->e, ERR_NOT_FOUND, "there is no setting \"%s\"", argv[i]);
        } else {
            json_object_set_new(all, row->name, value);
        }
    }
    settings_free(settings);
    if (err != ERR_OK || cli->json) {
        if (err == ERR_OK) {
            cli_print_json(all);
        } else {
            json_decref(all);
        }
        return err;
    }
    const char *name;
    json_t *value;
    json_object_foreach(all, name, value)
    {
        print_value(name, value);
    }
    json_decref(all);
    return ERR_OK;
}

static void add_object_json(void *ctx, const Clusterd__Object *object)
{
    json_t *value = json_loads(object->value, JSON_DECODE_ANY, NULL);
    json_object_set_new(ctx, object->path, value == NULL ? json_string(object->value) : value);
}

static void print_object(void *ctx, const Clusterd__Object *object)
{
    (void)ctx;
    printf("%s = %s\n", object->path, object->value);
}

// With a `/` in it the argument is the beginning of object paths: "users/", "nodes/12".
static enum err get_objects(struct cli *cli, const char *prefix)
{
    if (!cli->json) {
        return each_object(cli, prefix, print_object, NULL, NULL);
    }
    json_t *all = json_object();
    enum err err = each_object(cli, prefix, add_object_json, all, NULL);
    if (err == ERR_OK) {
        cli_print_json(all);
    } else {
        json_decref(all);
    }
    return err;
}

static enum err config_get(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, argc);
    if (err != ERR_OK) {
        return err;
    }
    if (argc == 1 && strchr(argv[0], '/') != NULL) {
        return get_objects(cli, argv[0]);
    }
    return get_settings(cli, argc, argv);
}

// ---- setting -----------------------------------------------------------------------------------

struct words {
    int count;
    char **word; // "name=value"
};

static const char *param_of(void *ctx, const char *name)
{
    const struct words *words = ctx;
    size_t len = strlen(name);
    for (int i = 0; i < words->count; i++) {
        if (strncmp(words->word[i], name, len) == 0 && words->word[i][len] == '=') {
            return words->word[i] + len + 1;
        }
    }
    return NULL;
}

struct change_list {
    Clusterd__Change *items;
    size_t count;
    size_t capacity;
};

static void add_change(void *ctx, const char *path, const char *json)
{
    struct change_list *list = ctx;
    mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    Clusterd__Change *change = &list->items[list->count++];
    clusterd__change__init(change);
    change->path = mem_strdup(path);
    change->value = mem_strdup(json == NULL ? "" : json);
    change->delete_ = json == NULL;
}

static void change_list_fini(struct change_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i].path);
        mem_free(list->items[i].value);
    }
    mem_free(list->items);
}

static void print_commit(struct cli *cli, const Clusterd__CommitReply *reply)
{
    uint64_t epoch = reply->version == NULL ? 0 : reply->version->epoch;
    uint64_t seq = reply->version == NULL ? 0 : reply->version->seq;
    if (cli->json) {
        cli_print_json(json_pack("{s:b, s:I, s:{s:I, s:I}}", "changed", (int)reply->changed,
                                 "revision", (json_int_t)reply->revision, "version", "epoch",
                                 (json_int_t)epoch, "seq", (json_int_t)seq));
    } else if (reply->changed) {
        printf("revision %llu, cluster version %llu.%llu\n", (unsigned long long)reply->revision,
               (unsigned long long)epoch, (unsigned long long)seq);
    } else {
        printf("nothing to change\n");
    }
}

static enum err send_changes(struct cli *cli, struct change_list *list, uint64_t base_revision,
                             const char *summary)
{
    Clusterd__CommitRequest request;
    clusterd__commit_request__init(&request);
    Clusterd__Change **changes = mem_calloc(list->count + 1, sizeof(Clusterd__Change *));
    for (size_t i = 0; i < list->count; i++) {
        changes[i] = &list->items[i];
    }
    char *text = mem_strdup(summary);
    char actor[] = "local";
    request.changes = changes;
    request.n_changes = list->count;
    request.base_revision = base_revision;
    request.actor = actor;
    request.summary = text;
    Clusterd__CommitReply *reply = NULL;
    enum err err = cli_call(cli, RPC_CLUSTERD, CONFIG, "Commit", &request, &reply);
    if (err == ERR_OK) {
        print_commit(cli, reply);
    }
    cli_free(reply);
    mem_free(changes);
    mem_free(text);
    return err;
}

static enum err check_words(struct cli *cli, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        if (argv[i][len] == '\0') {
            return cli_misuse(cli, "\"%s\": write name=value", argv[i]);
        }
        argv[i][len] = '\0';
        bool known = setting_find(argv[i]) != NULL;
        if (!known) {
            return err_set(&cli->e, ERR_INVALID, "there is no setting \"%s\"", argv[i]);
        }
        argv[i][len] = '=';
    }
    return ERR_OK;
}

static enum err config_set(struct cli *cli, int argc, char **argv)
{
    enum err err = check_words(cli, argc, argv);
    struct settings *now = NULL;
    uint64_t revision = 0;
    if (err == ERR_OK) {
        err = load_settings(cli, &now, &revision);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct words words = {.count = argc, .word = argv};
    struct change_list list = {0};
    err = settings_edit_form(now, param_of, &words, add_change, &list, &cli->e);
    if (err == ERR_OK) {
        err = send_changes(cli, &list, revision, "settings changed by trellisctl");
    }
    change_list_fini(&list);
    settings_free(now);
    return err;
}

// ---- history -----------------------------------------------------------------------------------

static json_t *commit_json(const Clusterd__CommitInfo *commit)
{
    char time[32];
    snprintf(time, sizeof time, "%s", cli_time(commit->time_ms));
    return json_pack("{s:I, s:{s:I, s:I}, s:I, s:s, s:s, s:s, s:i}", "revision",
                     (json_int_t)commit->revision, "version", "epoch",
                     (json_int_t)commit->version->epoch, "seq", (json_int_t)commit->version->seq,
                     "timeMs", (json_int_t)commit->time_ms, "actor", commit->actor, "node",
                     commit->node, "summary", commit->summary, "changes", (int)commit->changes);
}

static void print_history(const Clusterd__HistoryReply *reply)
{
    static const char *const headings[] = {"REVISION", "VERSION", "TIME", "WHO",
                                           "WHERE",    "CHANGES", "WHAT"};
    struct cli_table *table = cli_table_new(headings, 7);
    for (size_t i = 0; i < reply->n_commits; i++) {
        const Clusterd__CommitInfo *commit = reply->commits[i];
        char revision[24];
        char version[48] = "node only";
        char changes[16];
        snprintf(revision, sizeof revision, "%llu", (unsigned long long)commit->revision);
        snprintf(changes, sizeof changes, "%u", commit->changes);
        if (commit->version->seq > 0) {
            snprintf(version, sizeof version, "%llu.%llu",
                     (unsigned long long)commit->version->epoch,
                     (unsigned long long)commit->version->seq);
        }
        const char *const cells[] = {revision,       version,      cli_time(commit->time_ms),
                                     commit->actor,  commit->node, changes,
                                     commit->summary};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

static enum err parse_number(struct cli *cli, const char *text, const char *what, uint64_t max,
                             uint64_t *out)
{
    if (str_to_u64(text, max, out) != ERR_OK) {
        return cli_misuse(cli, "%s: \"%s\" is not a number up to %llu", what, text,
                          (unsigned long long)max);
    }
    return ERR_OK;
}

static enum err config_history(struct cli *cli, int argc, char **argv)
{
    const char *limit_text = cli_option(&argc, argv, "--limit");
    const char *before_text = cli_option(&argc, argv, "--before");
    uint64_t limit = 0;
    uint64_t before = 0;
    enum err err = cli_no_more(cli, argc, argv, 1);
    if (err == ERR_OK && limit_text != NULL) {
        err = parse_number(cli, limit_text, "--limit", 500, &limit);
    }
    if (err == ERR_OK && before_text != NULL) {
        err = parse_number(cli, before_text, "--before", INT64_MAX, &before);
    }
    if (err != ERR_OK) {
        return err;
    }
    Clusterd__HistoryRequest request;
    clusterd__history_request__init(&request);
    request.limit = (uint32_t)limit;
    request.before_revision = before;
    if (argc == 1) {
        request.path_prefix = argv[0];
    }
    Clusterd__HistoryReply *reply = NULL;
    err = cli_call(cli, RPC_CLUSTERD, CONFIG, "History", &request, &reply);
    if (err == ERR_OK && cli->json) {
        json_t *all = json_array();
        for (size_t i = 0; i < reply->n_commits; i++) {
            json_array_append_new(all, commit_json(reply->commits[i]));
        }
        cli_print_json(all);
    } else if (err == ERR_OK) {
        print_history(reply);
    }
    cli_free(reply);
    return err;
}

static void print_diff_row(const Clusterd__DiffRow *row)
{
    if (row->before[0] != '\0') {
        printf("- %s = %s\n", row->path, row->before);
    }
    if (row->after[0] != '\0') {
        printf("+ %s = %s\n", row->path, row->after);
    }
}

static void append_diff_row(json_t *all, const Clusterd__DiffRow *row)
{
    json_t *before = json_loads(row->before, JSON_DECODE_ANY, NULL);
    json_t *after = json_loads(row->after, JSON_DECODE_ANY, NULL);
    json_array_append_new(all, json_pack("{s:s, s:o, s:o}", "path", row->path, "before",
                                         before == NULL ? json_null() : before, "after",
                                         after == NULL ? json_null() : after));
}

static enum err config_diff(struct cli *cli, int argc, char **argv)
{
    uint64_t from = 0;
    uint64_t to = 0;
    enum err err = cli_no_more(cli, argc, argv, 2);
    if (err == ERR_OK) {
        err = parse_number(cli, argv[0], "revision", INT64_MAX, &from);
    }
    if (err == ERR_OK && argc > 1) {
        err = parse_number(cli, argv[1], "revision", INT64_MAX, &to);
    }
    json_t *all = json_array();
    char *cursor = mem_strdup("");
    bool more = true;
    while (more && err == ERR_OK) {
        Clusterd__DiffRequest request;
        clusterd__diff_request__init(&request);
        request.from_revision = from;
        request.to_revision = to;
        request.cursor = cursor;
        Clusterd__DiffReply *reply = NULL;
        err = cli_call(cli, RPC_CLUSTERD, CONFIG, "Diff", &request, &reply);
        if (err != ERR_OK) {
            break;
        }
        for (size_t i = 0; i < reply->n_rows; i++) {
            if (cli->json) {
                append_diff_row(all, reply->rows[i]);
            } else {
                print_diff_row(reply->rows[i]);
            }
        }
        mem_free(cursor);
        cursor = mem_strdup(reply->next_cursor);
        more = cursor[0] != '\0';
        cli_free(reply);
    }
    if (err == ERR_OK && cli->json) {
        cli_print_json(json_incref(all));
    }
    json_decref(all);
    mem_free(cursor);
    return err;
}

static enum err config_revert(struct cli *cli, int argc, char **argv)
{
    bool everything = cli_flag(&argc, argv, "--everything-after");
    uint64_t revision = 0;
    enum err err = cli_no_more(cli, argc, argv, 1);
    if (err == ERR_OK && argc < 1) {
        err = cli_misuse(cli, "which revision?");
    }
    if (err == ERR_OK) {
        err = parse_number(cli, argv[0], "revision", INT64_MAX, &revision);
    }
    if (err != ERR_OK) {
        return err;
    }
    char actor[] = "local";
    Clusterd__RevertRequest request;
    clusterd__revert_request__init(&request);
    request.revision = revision;
    request.everything_after = everything;
    request.actor = actor;
    Clusterd__CommitReply *reply = NULL;
    err = cli_call(cli, RPC_CLUSTERD, CONFIG, "Revert", &request, &reply);
    if (err == ERR_OK) {
        print_commit(cli, reply);
    }
    cli_free(reply);
    return err;
}

const struct cli_command cli_config_commands[] = {
    {"config", "get",     "[NAME… | PATH/]",                 "settings, or objects below a path",     0, -1, config_get    },
    {"config", "set",     "NAME=VALUE…",                     "change settings, all or none",          1, -1, config_set    },
    {"config", "history", "[PATH] [--limit N] [--before REV]", "who changed what, newest first",        0,
     -1,                                                                                                       config_history},
    {"config", "diff",    "REVISION [REVISION]",               "what changed after one, up to another", 1, -1,
     config_diff                                                                                                             },
    {"config", "revert",  "REVISION [--everything-after]",     "undo one change, or all after it",      1, -1,
     config_revert                                                                                                           },
};
const size_t cli_config_command_count = sizeof cli_config_commands / sizeof cli_config_commands[0];
