// Allowed and blocked names: config objects allowed/<name>, blocked/<name>. The lists show them as
// a tree of labels.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/idn.h"
#include "webd/api/net.h"
#include "webd/api/view.h"

#define IMPORT_MAX 1000000 // names of one import

struct name_list {
    const char *kind;      // of the config objects
    const char *title;     // of the exported file
    const char *parameter; // of the import
};
static const struct name_list allowed = {"allowed", "AllowedZones.txt", "allowedZones"};
static const struct name_list blocked = {"blocked", "BlockedZones.txt", "blockedZones"};

// A name as it is stored; an address becomes its reverse name.
static enum err list_name(const char *text, char name[NAME_MAX_TEXT], struct errmsg *e)
{
    char reverse[NAME_MAX_TEXT];
    const char *given = net_reverse_name(text, reverse, sizeof reverse) ? reverse : text;
    enum err err = idn_to_ascii(given, name, NAME_MAX_TEXT, e);
    if (err == ERR_OK && strcmp(name, ".") == 0) {
        err = err_set(e, ERR_INVALID, "Invalid domain name: the root cannot be listed.");
    }
    return err;
}

static bool need_name(struct api_call *call, char name[NAME_MAX_TEXT])
{
    const char *text = NULL;
    struct errmsg e = {0};
    if (!call_need(call, "domain", NULL, &text)) {
        return false;
    }
    if (list_name(text, name, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return false;
    }
    return true;
}

// ---- changes -----------------------------------------------------------------------------------

static void add(struct api_call *call, const struct name_list *list)
{
    char name[NAME_MAX_TEXT];
    if (!need_name(call, name)) {
        return;
    }
    struct commit *commit = commit_new(call, "%s: add %s", list->kind, name);
    json_t *empty = json_object();
    commit_set_object(commit, list->kind, name, empty);
    json_decref(empty);
    commit_send(commit, commit_ok);
}

static void remove_name(struct api_call *call, const struct name_list *list)
{
    char name[NAME_MAX_TEXT];
    char path[CONF_PATH_MAX];
    if (!need_name(call, name)) {
        return;
    }
    bool is_there = conf_path_make(list->kind, name, path, sizeof path) == ERR_OK &&
                    conf_map_get(api_map(call->api), path) != NULL;
    struct commit *commit = commit_new(call, "%s: delete %s", list->kind, name);
    if (is_there) {
        commit_delete(commit, path);
    }
    commit_send(commit, commit_ok);
}

static bool add_delete(void *ctx, const char *path, const char *json)
{
    (void)json;
    commit_delete(ctx, path);
    return true;
}

static void flush(struct api_call *call, const struct name_list *list)
{
    char prefix[16];
    snprintf(prefix, sizeof prefix, "%s/", list->kind);
    struct commit *commit = commit_new(call, "%s: delete all", list->kind);
    conf_map_each(api_map(call->api), prefix, add_delete, commit);
    commit_send(commit, commit_ok);
}

static void import(struct api_call *call, const struct name_list *list)
{
    char **items;
    size_t count;
    bool is_given;
    call_list(call, list->parameter, &items, &count, &is_given);
    if (!is_given) {
        call_fail(call, ERR_INVALID, "Parameter '%s' missing.", list->parameter);
        return;
    }
    if (count > IMPORT_MAX) {
        call_fail(call, ERR_TOO_LARGE, "At most %d names can be imported at once.", IMPORT_MAX);
        return;
    }
    struct commit *commit = commit_new(call, "%s: import %zu names", list->kind, count);
    for (size_t i = 0; i < count; i++) {
        char name[NAME_MAX_TEXT];
        char path[CONF_PATH_MAX];
        struct errmsg e = {0};
        if (list_name(items[i], name, &e) != ERR_OK) {
            commit_drop(commit);
            call_fail(call, e.code, "Entry %zu: %s", i + 1, e.text);
            return;
        }
        if (conf_path_make(list->kind, name, path, sizeof path) == ERR_OK &&
            conf_map_get(api_map(call->api), path) == NULL) {
            commit_set_text(commit, path, "{}");
        }
    }
    commit_send(commit, commit_ok);
}

// ---- lists -------------------------------------------------------------------------------------

static bool add_line(void *ctx, const char *path, const char *json)
{
    char name[CONF_PATH_MAX];
    (void)json;
    if (conf_path_key(path, name, sizeof name) == ERR_OK) {
        str_add(ctx, name);
        str_add_char(ctx, '\n');
    }
    return true;
}

static void export(struct api_call *call, const struct name_list *list)
{
    char prefix[16];
    struct str text;
    snprintf(prefix, sizeof prefix, "%s/", list->kind);
    str_init(&text);
    conf_map_each(api_map(call->api), prefix, add_line, &text);
    call_file_text(call, "text/plain; charset=utf-8", list->title, &text);
    str_fini(&text);
}

// What lies below a name: the next labels, and whether the name itself is listed.
struct children {
    const char *parent; // "" = the root
    size_t parent_len;
    json_t *set; // child name -> null; an object, so that each comes once
    bool is_listed;
};

// The text of a name without its first label; NULL = it has none. Escaped dots do not part labels.
static const char *next_label(const char *name)
{
    for (; *name != 0; name++) {
        if (*name == '\\' && name[1] != 0) {
            name++;
        } else if (*name == '.') {
            return name + 1;
        }
    }
    return NULL;
}

static bool add_child(void *ctx, const char *path, const char *json)
{
    struct children *c = ctx;
    char key[CONF_PATH_MAX];
    (void)json;
    if (conf_path_key(path, key, sizeof key) != ERR_OK) {
        return true;
    }
    if (strcmp(key, c->parent) == 0) {
        c->is_listed = true;
        return true;
    }
    const char *child = key;
    for (const char *rest = next_label(child); rest != NULL; rest = next_label(child)) {
        if (strcmp(rest, c->parent) == 0) {
            break;
        }
        child = rest;
    }
    const char *rest = next_label(child);
    if ((rest == NULL && c->parent_len == 0) || (rest != NULL && strcmp(rest, c->parent) == 0)) {
        json_object_set_new(c->set, child, json_null());
    }
    return true;
}

static void look(struct api_call *call, const struct name_list *list, const char *name,
                 struct children *out)
{
    char prefix[16];
    snprintf(prefix, sizeof prefix, "%s/", list->kind);
    json_decref(out->set);
    *out = (struct children){.parent = name, .parent_len = strlen(name), .set = json_object()};
    conf_map_each(api_map(call->api), prefix, add_child, out);
}

// Skips labels that hold nothing but one child (down), or goes up until something is there.
static const char *walk(struct api_call *call, const struct name_list *list, const char *name,
                        bool is_up, struct children *c)
{
    look(call, list, name, c);
    if (is_up) {
        while (name[0] != 0 && !c->is_listed && json_object_size(c->set) < 2) {
            const char *rest = next_label(name);
            name = rest == NULL ? "" : rest;
            look(call, list, name, c);
        }
        return name;
    }
    while (!c->is_listed && json_object_size(c->set) == 1) {
        name = arena_strdup(call->arena, json_object_iter_key(json_object_iter(c->set)));
        look(call, list, name, c);
    }
    return name;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *sorted_names(json_t *set)
{
    size_t count = 0;
    const char **names = mem_calloc(json_object_size(set) + 1, sizeof *names);
    for (void *at = json_object_iter(set); at != NULL; at = json_object_iter_next(set, at)) {
        names[count++] = json_object_iter_key(at);
    }
    qsort(names, count, sizeof *names, by_text);
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(out, json_string(names[i]));
    }
    mem_free(names);
    return out;
}

// The records that the API shows for a listed name: those of the zone that stands for it.
static json_t *listed_records(const struct api_call *call, const char *name)
{
    json_t *records = json_array();
    json_t *record = json_object();
    view_name(record, "name", name);
    json_object_set_new(record, "type", json_string("SOA"));
    json_object_set_new(record, "ttl", json_integer(call->api->settings->blocking_answer_ttl));
    char ttl[32];
    value_ttl_text(call->api->settings->blocking_answer_ttl, ttl);
    json_object_set_new(record, "ttlString", json_string(ttl));
    json_object_set_new(record, "disabled", json_false());
    json_t *data = json_object();
    json_object_set_new(data, "primaryNameServer",
                        json_text(call->api->settings->dns_server_domain));
    json_object_set_new(data, "responsiblePerson",
                        json_text(arena_printf(call->arena, "hostadmin@%s",
                                               call->api->settings->dns_server_domain)));
    json_object_set_new(record, "rData", data);
    json_object_set_new(record, "dnssecStatus", json_string("Unknown"));
    json_array_append_new(records, record);
    return records;
}

static void show(struct api_call *call, const struct name_list *list)
{
    char name[NAME_MAX_TEXT] = "";
    struct errmsg e = {0};
    struct children c = {.set = NULL};
    const char *given = call_text(call, "domain");
    const char *direction = call_text(call, "direction");
    bool is_up = direction != NULL && str_equal_nocase(direction, "up");
    if (direction != NULL && !is_up && !str_equal_nocase(direction, "down")) {
        call_fail(call, ERR_INVALID, "Parameter 'direction' must be up or down.");
        return;
    }
    if (given != NULL && strcmp(given, ".") != 0 && list_name(given, name, &e) != ERR_OK) {
        call_fail_error(call, &e);
        return;
    }
    const char *at = walk(call, list, name, is_up, &c);
    json_t *zones = sorted_names(c.set);
    json_t *o = json_object();
    view_name(o, "domain", at);
    json_object_set_new(o, "zones", zones);
    json_object_set_new(o, "records", c.is_listed ? listed_records(call, at) : json_array());
    json_decref(c.set);
    call_ok(call, o);
}

void allowed_list(struct api_call *call)
{
    show(call, &allowed);
}

void allowed_add(struct api_call *call)
{
    add(call, &allowed);
}

void allowed_delete(struct api_call *call)
{
    remove_name(call, &allowed);
}

void allowed_flush(struct api_call *call)
{
    flush(call, &allowed);
}

void allowed_import(struct api_call *call)
{
    import(call, &allowed);
}

void allowed_export(struct api_call *call)
{
    export(call, &allowed);
}

void blocked_list(struct api_call *call)
{
    show(call, &blocked);
}

void blocked_add(struct api_call *call)
{
    add(call, &blocked);
}

void blocked_delete(struct api_call *call)
{
    remove_name(call, &blocked);
}

void blocked_flush(struct api_call *call)
{
    flush(call, &blocked);
}

void blocked_import(struct api_call *call)
{
    import(call, &blocked);
}

void blocked_export(struct api_call *call)
{
    export(call, &blocked);
}
