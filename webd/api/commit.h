#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "webd/api/call.h"

/*
 * A change of the config by an API call. It is answered only when it is stored and this node's webd
 * has applied it, so that a read after a write is right. What fails answers the call.
 */
struct commit;
// `format` is the summary in the history.
struct commit *commit_new(struct api_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void commit_set(struct commit *commit, const char *path, const json_t *value); // borrows
void commit_set_text(struct commit *commit, const char *path, const char *json);
void commit_delete(struct commit *commit, const char *path);
// Kind and key in place of a path. A key that makes no path (too long) fails in commit_send.
void commit_set_object(struct commit *commit, const char *kind, const char *key,
                       const json_t *value);
void commit_delete_object(struct commit *commit, const char *kind, const char *key);
// The last added object must not be there yet.
void commit_must_be_new(struct commit *commit);
// Refuse when an object has changed since this webd's state: for read-modify-write.
void commit_guard(struct commit *commit);
void commit_drop(struct commit *commit); // instead of sending it

// Sends it and frees it. `done` runs when it shows here; it must answer the call.
typedef void (*commit_fn)(struct api_call *call);
void commit_send(struct commit *commit, commit_fn done);
// call_ok with nothing to say, for `done`.
void commit_ok(struct api_call *call);
