/*
 * clusterd.Config: what other processes of this node may ask of the store.
 *
 * Every handler answers at once, in the loop's thread; the store is never waited for longer than
 * one transaction. Who may call what is the policy table's; who may read which object is the table
 * of kinds'. trellisctl reads everything, with secrets masked.
 */
#include "clusterd/ctl/config.h"

#include "clusterd/ctl/stage.h"
#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/conf/kind.h"

#include <string.h>

#define OBJECT_OVERHEAD 64 // bytes of a packed object beside its texts
#define PAGE_OBJECTS    8192
#define HISTORY_DEFAULT 50
#define HISTORY_MAX     500

struct ctl_config {
    Clusterd__Config_Service service; // first: handlers get a pointer to it
    struct store *store;
    struct consumer_table *consumers;
    struct stage *stage;
    ctl_node_name_fn node_name;
    void *node_name_ctx;
    ctl_applied_fn on_applied;
    void *on_applied_ctx;
};

static struct ctl_config *self_of(Clusterd__Config_Service *service)
{
    return (struct ctl_config *)(void *)service;
}

static const char *actor_of(const char *given)
{
    return given[0] == '\0' ? "local" : given;
}

static void set_version(Trellis__Version *storage, struct store_version version)
{
    trellis__version__init(storage);
    storage->epoch = version.epoch;
    storage->seq = version.seq;
}

// ---- pages of objects --------------------------------------------------------------------------

struct object_page {
    struct arena arena;
    enum rpc_party party;
    size_t bytes;
    size_t limit;
    Clusterd__Object **items;
    size_t count;
    size_t capacity;
    const char *last_path;
    bool full;
};

static void object_page_init(struct object_page *page, enum rpc_party party, size_t limit)
{
    *page = (struct object_page){
        .party = party, .limit = limit == 0 || limit > PAGE_OBJECTS ? PAGE_OBJECTS : limit};
    arena_init(&page->arena);
}

static void object_page_fini(struct object_page *page)
{
    arena_fini(&page->arena);
    mem_free(page->items);
}

static char *visible_value(struct object_page *page, const struct store_object *object)
{
    if (object->value == NULL) {
        return arena_strdup(&page->arena, "");
    }
    if (page->party != RPC_CTL) {
        return arena_strdup(&page->arena, object->value);
    }
    char *masked = conf_kind_mask(object->path, object->value);
    char *copy = arena_strdup(&page->arena, masked);
    mem_free(masked);
    return copy;
}

static bool add_object(void *ctx, const struct store_object *object)
{
    struct object_page *page = ctx;
    if (page->party != RPC_CTL && !conf_path_readable(object->path, page->party)) {
        return true;
    }
    size_t bytes = strlen(object->path) + OBJECT_OVERHEAD +
                   (object->value == NULL ? 0 : strlen(object->value));
    if (page->count == page->limit || (page->count > 0 && page->bytes + bytes > RPC_PAGE_BYTES)) {
        page->full = true;
        return false;
    }
    mem_grow(&page->items, &page->capacity, page->count + 1, sizeof *page->items);
    Clusterd__Object *item = arena_alloc(&page->arena, sizeof *item);
    clusterd__object__init(item);
    item->path = arena_strdup(&page->arena, object->path);
    item->value = visible_value(page, object);
    item->scope = (Clusterd__Scope)object->scope;
    item->revision = object->revision;
    item->deleted = object->value == NULL;
    page->items[page->count++] = item;
    page->bytes += bytes;
    page->last_path = item->path;
    return true;
}

static void handle_get(Clusterd__Config_Service *service, const Clusterd__GetRequest *request,
                       Clusterd__GetReply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    struct object_page page;
    object_page_init(&page, rpc_call_party(closure_data), request->limit);
    struct errmsg e = {0};
    Clusterd__GetReply reply;
    clusterd__get_reply__init(&reply);
    Trellis__Error error;
    Trellis__Version version;
    enum err err =
        store_each(config->store, request->prefix,
                   request->cursor[0] == '\0' ? NULL : request->cursor, add_object, &page, &e);
    if (err != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        reply.objects = page.items;
        reply.n_objects = page.count;
        if (page.full) {
            reply.next_cursor = arena_strdup(&page.arena, page.last_path);
        }
        reply.revision = store_revision(config->store);
        set_version(&version, store_version(config->store));
        reply.version = &version;
    }
    closure(&reply, closure_data);
    object_page_fini(&page);
}

static void handle_pull(Clusterd__Config_Service *service, const Clusterd__PullRequest *request,
                        Clusterd__PullReply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    struct object_page page;
    object_page_init(&page, rpc_call_party(closure_data), 0);
    struct errmsg e = {0};
    Clusterd__PullReply reply;
    clusterd__pull_reply__init(&reply);
    Trellis__Error error;
    Trellis__Version version;
    struct store_pull pull = {.id = request->store_id.data,
                              .id_len = request->store_id.len,
                              .revision = request->revision,
                              .cursor = request->cursor,
                              .sink = add_object,
                              .ctx = &page};
    struct store_pull_result result;
    uint8_t id[STORE_ID_SIZE];
    enum err err = store_pull(config->store, &pull, &result, &e);
    if (err != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        memcpy(id, store_id(config->store), sizeof id);
        reply.store_id = (ProtobufCBinaryData){.len = sizeof id, .data = id};
        reply.revision = result.revision;
        reply.snapshot = result.snapshot;
        reply.objects = page.items;
        reply.n_objects = page.count;
        reply.next_cursor = result.next_cursor;
        set_version(&version, store_version(config->store));
        reply.version = &version;
    }
    closure(&reply, closure_data);
    object_page_fini(&page);
}

static void handle_ack(Clusterd__Config_Service *service, const Clusterd__AckRequest *request,
                       Trellis__Reply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    enum rpc_party party = rpc_call_party(closure_data);
    if (request->refused) {
        consumer_nack(config->consumers, party, request->revision, request->reason);
    } else {
        consumer_ack(config->consumers, config->store, party, request->revision);
    }
    if (config->on_applied != NULL) {
        config->on_applied(config->on_applied_ctx);
    }
    Trellis__Reply reply;
    trellis__reply__init(&reply);
    closure(&reply, closure_data);
}

// ---- changing ----------------------------------------------------------------------------------

static void answer_commit(enum err err, struct errmsg *e, const struct store_result *result,
                          Clusterd__CommitReply_Closure closure, void *closure_data)
{
    Clusterd__CommitReply reply;
    clusterd__commit_reply__init(&reply);
    Trellis__Error error;
    Trellis__Version version;
    if (err != ERR_OK) {
        reply.error = rpc_error(&error, e);
    } else {
        set_version(&version, result->version);
        reply.version = &version;
        reply.revision = result->revision;
        reply.changed = result->changed;
    }
    closure(&reply, closure_data);
}

static enum err commit_parts(struct ctl_config *config, const struct stage_parts *parts,
                             const Clusterd__CommitRequest *request, struct store_result *result,
                             struct errmsg *e)
{
    struct store_change *changes = mem_calloc(parts->count + 1, sizeof *changes);
    enum err err = ERR_OK;
    for (size_t i = 0; i < parts->count && err == ERR_OK; i++) {
        const Clusterd__Change *change = parts->changes[i];
        if (store_is_operational(change->path)) {
            err = err_set(e, ERR_DENIED, "%s is changed by operations of the cluster only",
                          change->path);
        }
        changes[i] = (struct store_change){.path = change->path,
                                           .value = change->delete_ ? NULL : change->value,
                                           .must_exist = change->must_exist,
                                           .must_not_exist = change->must_not_exist};
    }
    if (err == ERR_OK) {
        struct store_request commit = {.changes = changes,
                                       .count = parts->count,
                                       .base_revision = request->base_revision,
                                       .actor = actor_of(request->actor),
                                       .node = config->node_name(config->node_name_ctx),
                                       .summary = request->summary};
        err = store_commit(config->store, &commit, result, e);
    }
    mem_free(changes);
    return err;
}

static void handle_commit(Clusterd__Config_Service *service, const Clusterd__CommitRequest *request,
                          Clusterd__CommitReply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    struct errmsg e = {0};
    struct store_result result = {0};
    enum rpc_party party = rpc_call_party(closure_data);
    enum err err = ERR_OK;
    if (request->stage == 0) {
        struct stage_parts parts = {.changes = request->changes, .count = request->n_changes};
        err = commit_parts(config, &parts, request, &result, &e);
    } else if (request->more) {
        err = stage_add(config->stage, party, request, &e);
    } else {
        struct stage_parts parts = {0};
        err = stage_add(config->stage, party, request, &e);
        if (err == ERR_OK) {
            stage_get(config->stage, party, request->stage, &parts);
            err = commit_parts(config, &parts, request, &result, &e);
            stage_drop(config->stage, party, request->stage);
        }
    }
    answer_commit(err, &e, &result, closure, closure_data);
}

static void handle_revert(Clusterd__Config_Service *service, const Clusterd__RevertRequest *request,
                          Clusterd__CommitReply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    struct errmsg e = {0};
    struct store_result result = {0};
    uint64_t revision = request->revision;
    enum err err = ERR_OK;
    if (request->version != NULL) {
        struct store_version version = {request->version->epoch, request->version->seq};
        err = store_find_version(config->store, version, &revision, &e);
    }
    if (err == ERR_OK) {
        err = store_revert(config->store, revision, request->everything_after,
                           actor_of(request->actor), config->node_name(config->node_name_ctx),
                           &result, &e);
    }
    answer_commit(err, &e, &result, closure, closure_data);
}

// ---- history -----------------------------------------------------------------------------------

struct history_page {
    struct arena arena;
    Clusterd__CommitInfo **items;
    size_t count;
    size_t capacity;
    size_t limit;
    size_t bytes;
};

static bool add_commit(void *ctx, const struct store_commit_row *row)
{
    struct history_page *page = ctx;
    size_t bytes = OBJECT_OVERHEAD + strlen(row->actor) + strlen(row->node) + strlen(row->summary);
    if (page->count == page->limit || (page->count > 0 && page->bytes + bytes > RPC_PAGE_BYTES)) {
        return false;
    }
    mem_grow(&page->items, &page->capacity, page->count + 1, sizeof *page->items);
    Clusterd__CommitInfo *item = arena_alloc(&page->arena, sizeof *item);
    clusterd__commit_info__init(item);
    item->revision = row->revision;
    item->version = arena_alloc(&page->arena, sizeof *item->version);
    set_version(item->version, row->version);
    item->time_ms = row->time_ms;
    item->actor = arena_strdup(&page->arena, row->actor);
    item->node = arena_strdup(&page->arena, row->node);
    item->summary = arena_strdup(&page->arena, row->summary);
    item->changes = (uint32_t)row->changes;
    page->items[page->count++] = item;
    page->bytes += bytes;
    return true;
}

static void handle_history(Clusterd__Config_Service *service,
                           const Clusterd__HistoryRequest *request,
                           Clusterd__HistoryReply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    struct history_page page = {.limit = request->limit == 0            ? HISTORY_DEFAULT
                                         : request->limit > HISTORY_MAX ? HISTORY_MAX
                                                                        : request->limit};
    arena_init(&page.arena);
    struct errmsg e = {0};
    Clusterd__HistoryReply reply;
    clusterd__history_reply__init(&reply);
    Trellis__Error error;
    if (store_history(config->store, request->before_revision, request->path_prefix, add_commit,
                      &page, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        reply.commits = page.items;
        reply.n_commits = page.count;
    }
    closure(&reply, closure_data);
    mem_free(page.items);
    arena_fini(&page.arena);
}

struct diff_page {
    struct arena arena;
    Clusterd__DiffRow **items;
    size_t count;
    size_t capacity;
    size_t bytes;
    bool full;
};

static char *masked_text(struct arena *arena, const char *path, const char *value)
{
    if (value == NULL) {
        return arena_strdup(arena, "");
    }
    char *masked = conf_kind_mask(path, value);
    char *copy = arena_strdup(arena, masked);
    mem_free(masked);
    return copy;
}

static bool add_diff(void *ctx, const struct store_diff_row *row)
{
    struct diff_page *page = ctx;
    size_t bytes = OBJECT_OVERHEAD + strlen(row->path) +
                   (row->before == NULL ? 0 : strlen(row->before)) +
                   (row->after == NULL ? 0 : strlen(row->after));
    if (page->count > 0 && page->bytes + bytes > RPC_PAGE_BYTES) {
        page->full = true;
        return false;
    }
    mem_grow(&page->items, &page->capacity, page->count + 1, sizeof *page->items);
    Clusterd__DiffRow *item = arena_alloc(&page->arena, sizeof *item);
    clusterd__diff_row__init(item);
    item->path = arena_strdup(&page->arena, row->path);
    item->before = masked_text(&page->arena, row->path, row->before);
    item->after = masked_text(&page->arena, row->path, row->after);
    page->items[page->count++] = item;
    page->bytes += bytes;
    return true;
}

static void handle_diff(Clusterd__Config_Service *service, const Clusterd__DiffRequest *request,
                        Clusterd__DiffReply_Closure closure, void *closure_data)
{
    struct ctl_config *config = self_of(service);
    struct diff_page page = {0};
    arena_init(&page.arena);
    struct errmsg e = {0};
    Clusterd__DiffReply reply;
    clusterd__diff_reply__init(&reply);
    Trellis__Error error;
    if (store_diff(config->store, request->from_revision, request->to_revision, request->cursor,
                   add_diff, &page, &e) != ERR_OK) {
        reply.error = rpc_error(&error, &e);
    } else {
        reply.rows = page.items;
        reply.n_rows = page.count;
        if (page.full) {
            reply.next_cursor = page.items[page.count - 1]->path;
        }
    }
    closure(&reply, closure_data);
    mem_free(page.items);
    arena_fini(&page.arena);
}

// ------------------------------------------------------------------------------------------------

struct ctl_config *ctl_config_new(struct event_base *base, struct store *store,
                                  struct consumer_table *consumers, ctl_node_name_fn node_name,
                                  void *ctx)
{
    static const Clusterd__Config_Service service = CLUSTERD__CONFIG__INIT(handle_);
    struct ctl_config *config = mem_zalloc(sizeof *config);
    config->service = service;
    config->store = store;
    config->consumers = consumers;
    config->stage = stage_new(base);
    config->node_name = node_name;
    config->node_name_ctx = ctx;
    return config;
}

void ctl_config_on_applied(struct ctl_config *config, ctl_applied_fn fn, void *ctx)
{
    config->on_applied = fn;
    config->on_applied_ctx = ctx;
}

void ctl_config_free(struct ctl_config *config)
{
    if (config != NULL) {
        stage_free(config->stage);
        mem_free(config);
    }
}

ProtobufCService *ctl_config_service(struct ctl_config *config)
{
    return &config->service.base;
}
