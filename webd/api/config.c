// History, diff and revert of the config: ours.

#include "webd/api/commit.h"
#include "webd/api/handlers.h"
#include "webd/api/view.h"

#define HISTORY_MAX 500

static ProtobufCService *config_service(struct api_call *call)
{
    return rpc_client_service(call->api->clusterd, &clusterd__config__descriptor);
}

static void on_history(const Clusterd__HistoryReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (!call_check(call, reply->error, "clusterd")) {
        return;
    }
    json_t *commits = json_array();
    for (size_t i = 0; i < reply->n_commits; i++) {
        const Clusterd__CommitInfo *c = reply->commits[i];
        json_t *o = json_object();
        json_object_set_new(o, "revision", json_integer((json_int_t)c->revision));
        json_object_set_new(o, "epoch",
                            json_integer(c->version == NULL ? 0 : (json_int_t)c->version->epoch));
        json_object_set_new(o, "seq",
                            json_integer(c->version == NULL ? 0 : (json_int_t)c->version->seq));
        json_object_set_new(o, "time", json_time_ms(c->time_ms));
        json_object_set_new(o, "actor", json_text(c->actor));
        json_object_set_new(o, "node", json_text(c->node));
        json_object_set_new(o, "summary", json_text(c->summary));
        json_object_set_new(o, "changes", json_integer(c->changes));
        json_array_append_new(commits, o);
    }
    call_ok(call, json_pack("{s:o}", "commits", commits));
}

void config_history(struct api_call *call)
{
    uint32_t before = 0;
    uint32_t limit = 50;
    if (!call_u32(call, "before", 0, UINT32_MAX, &before) ||
        !call_u32(call, "limit", 1, HISTORY_MAX, &limit)) {
        return;
    }
    const char *prefix = call_text(call, "path");
    Clusterd__HistoryRequest request;
    clusterd__history_request__init(&request);
    request.before_revision = before;
    request.limit = limit;
    request.path_prefix = arena_strdup(call->arena, prefix == NULL ? "" : prefix);
    clusterd__config__history(config_service(call), &request, on_history, call);
}

// A diff is paged; its pages are gathered in call->state.
struct diff {
    struct api_call *call;
    uint64_t from;
    uint64_t to;
    json_t *rows;
};

static void ask_diff(struct diff *diff, const char *cursor);

static void diff_free(void *state)
{
    struct diff *diff = state;
    json_decref(diff->rows);
}

static void on_diff(const Clusterd__DiffReply *reply, void *ctx)
{
    struct diff *diff = ctx;
    struct api_call *call = diff->call;
    if (!call_check(call, reply->error, "clusterd")) {
        return;
    }
    for (size_t i = 0; i < reply->n_rows; i++) {
        const Clusterd__DiffRow *row = reply->rows[i];
        json_t *o = json_object();
        json_object_set_new(o, "path", json_text(row->path));
        json_object_set_new(o, "before", json_text(row->before));
        json_object_set_new(o, "after", json_text(row->after));
        json_array_append_new(diff->rows, o);
    }
    if (reply->next_cursor[0] != 0) {
        ask_diff(diff, arena_strdup(call->arena, reply->next_cursor));
        return;
    }
    json_t *o = json_object();
    json_object_set(o, "rows", diff->rows);
    call_ok(call, o);
}

static void ask_diff(struct diff *diff, const char *cursor)
{
    Clusterd__DiffRequest request;
    clusterd__diff_request__init(&request);
    request.from_revision = diff->from;
    request.to_revision = diff->to;
    request.cursor = arena_strdup(diff->call->arena, cursor);
    clusterd__config__diff(config_service(diff->call), &request, on_diff, diff);
}

void config_diff(struct api_call *call)
{
    uint32_t from = 0;
    uint32_t to = 0;
    const char *text = NULL;
    if (!call_need(call, "from", NULL, &text) || !call_u32(call, "from", 0, UINT32_MAX, &from) ||
        !call_u32(call, "to", 0, UINT32_MAX, &to)) {
        return;
    }
    struct diff *diff = arena_alloc(call->arena, sizeof *diff);
    *diff = (struct diff){.call = call, .from = from, .to = to, .rows = json_array()};
    call->state = diff;
    call->release = diff_free;
    ask_diff(diff, "");
}

static void on_applied(void *ctx, enum err result)
{
    (void)result;
    call_ok(ctx, NULL);
}

static void on_revert(const Clusterd__CommitReply *reply, void *ctx)
{
    struct api_call *call = ctx;
    if (!call_check(call, reply->error, "clusterd")) {
        return;
    }
    if (reply->version != NULL && reply->changed) {
        call->version_epoch = reply->version->epoch;
        call->version_seq = reply->version->seq;
    }
    conf_watch_poke(call->api->watch);
    conf_watch_wait(call->api->watch, reply->revision, 2000, on_applied, call);
}

void config_revert(struct api_call *call)
{
    uint32_t revision = 0;
    bool everything_after = false;
    const char *text = NULL;
    if (!call_need(call, "revision", NULL, &text) ||
        !call_u32(call, "revision", 1, UINT32_MAX, &revision) ||
        !call_bool(call, "everythingAfter", &everything_after)) {
        return;
    }
    Clusterd__RevertRequest request;
    clusterd__revert_request__init(&request);
    request.revision = revision;
    request.everything_after = everything_after;
    request.actor = arena_strdup(call->arena, call_actor(call));
    clusterd__config__revert(config_service(call), &request, on_revert, call);
}
