// Changes of the config: packs them into one or several messages, waits until they show here.

#include "webd/api/commit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/conf/kind.h"
#include "proto/clusterd.pb-c.h"
#include "webd/api/forward.h"

#define WAIT_MS 2000

struct commit {
    struct api_call *call;
    commit_fn done;
    char *summary;
    Clusterd__Change *changes;
    size_t count;
    size_t capacity;
    size_t sent;
    uint64_t base_revision;
    uint64_t stage; // 0 = one message
    bool is_bad;    // a path could not be made
};

struct commit *commit_new(struct api_call *call, const char *format, ...)
{
    struct commit *commit = mem_zalloc(sizeof *commit);
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = strlen(text);
    while (len > 0 && !web_is_utf8(text, len)) { // cut inside a character
        text[--len] = 0;
    }
    commit->call = call;
    commit->summary = mem_strdup(text);
    return commit;
}

static void commit_free(struct commit *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        mem_free(commit->changes[i].path);
        if (!commit->changes[i].delete_) {
            mem_free(commit->changes[i].value);
        }
    }
    mem_free(commit->changes);
    mem_free(commit->summary);
    mem_free(commit);
}

static Clusterd__Change *add(struct commit *commit, const char *path)
{
    mem_grow(&commit->changes, &commit->capacity, commit->count + 1, sizeof *commit->changes);
    Clusterd__Change *change = &commit->changes[commit->count++];
    clusterd__change__init(change);
    change->path = mem_strdup(path);
    return change;
}

void commit_set_text(struct commit *commit, const char *path, const char *json)
{
    add(commit, path)->value = mem_strdup(json);
}

void commit_set(struct commit *commit, const char *path, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    add(commit, path)->value = mem_strdup(text == NULL ? "null" : text);
    free(text);
}

void commit_delete(struct commit *commit, const char *path)
{
    add(commit, path)->delete_ = true;
}

void commit_set_object(struct commit *commit, const char *kind, const char *key,
                       const json_t *value)
{
    char path[CONF_PATH_MAX];
    if (conf_path_make(kind, key, path, sizeof path) != ERR_OK) {
        commit->is_bad = true;
        return;
    }
    commit_set(commit, path, value);
}

void commit_delete_object(struct commit *commit, const char *kind, const char *key)
{
    char path[CONF_PATH_MAX];
    if (conf_path_make(kind, key, path, sizeof path) != ERR_OK) {
        commit->is_bad = true;
        return;
    }
    commit_delete(commit, path);
}

void commit_must_be_new(struct commit *commit)
{
    if (commit->count > 0) {
        commit->changes[commit->count - 1].must_not_exist = true;
    }
}

void commit_guard(struct commit *commit)
{
    commit->base_revision = conf_watch_revision(commit->call->api->watch);
}

void commit_drop(struct commit *commit)
{
    commit_free(commit);
}

static void send_next(struct commit *commit);

static void on_applied(void *ctx, enum err result)
{
    struct commit *commit = ctx;
    struct api_call *call = commit->call;
    commit_fn done = commit->done;
    (void)result; // not applied in time: it is stored all the same
    commit_free(commit);
    done(call);
}

static void on_commit(const Clusterd__CommitReply *reply, void *ctx)
{
    struct commit *commit = ctx;
    struct api_call *call = commit->call;
    struct errmsg e = {0};
    enum err err = rpc_error_get(reply->error, &e);
    if (err == ERR_OK && commit->sent < commit->count) {
        send_next(commit);
        return;
    }
    if (err == ERR_OK) {
        if (reply->version != NULL && reply->changed) {
            call->version_epoch = reply->version->epoch;
            call->version_seq = reply->version->seq;
        }
        conf_watch_poke(call->api->watch);
        conf_watch_wait(call->api->watch, reply->revision, WAIT_MS, on_applied, commit);
        return;
    }
    commit_free(commit);
    if (err == ERR_NOT_PRIMARY && !call->is_forwarded && call->api->self.role == API_SECONDARY) {
        forward_call(call, "");
        return;
    }
    if (err == ERR_CONFLICT) {
        call_fail(call, err, "The configuration was changed by somebody else meanwhile: %s",
                  e.text);
        return;
    }
    call_check(call, reply->error, "clusterd");
}

// As many changes as fit one message.
static void send_next(struct commit *commit)
{
    size_t from = commit->sent;
    size_t bytes = 0;
    Clusterd__Change **parts = mem_calloc(commit->count - from + 1, sizeof *parts);
    while (commit->sent < commit->count) {
        Clusterd__Change *change = &commit->changes[commit->sent];
        size_t size = strlen(change->path) + strlen(change->value) + 32;
        if (bytes > 0 && bytes + size > RPC_PAGE_BYTES) {
            break;
        }
        bytes += size;
        parts[commit->sent++ - from] = change;
    }
    Clusterd__CommitRequest request;
    clusterd__commit_request__init(&request);
    request.changes = parts;
    request.n_changes = commit->sent - from;
    request.base_revision = commit->base_revision;
    request.actor = proto_text(call_actor(commit->call));
    request.summary = commit->summary;
    request.more = commit->sent < commit->count;
    if (request.more && commit->stage == 0) {
        commit->stage = rand_u64() | 1;
    }
    request.stage = commit->stage;
    clusterd__config__commit(
        rpc_client_service(commit->call->api->clusterd, &clusterd__config__descriptor), &request,
        on_commit, commit);
    mem_free(parts);
}

void commit_send(struct commit *commit, commit_fn done)
{
    struct api_call *call = commit->call;
    commit->done = done;
    if (commit->is_bad) {
        commit_free(commit);
        call_fail(call, ERR_INVALID, "A name is too long.");
        return;
    }
    if (commit->count == 0) {
        commit_free(commit);
        done(call);
        return;
    }
    send_next(commit);
}

void commit_ok(struct api_call *call)
{
    call_ok(call, NULL);
}
