#pragma once

#include <jansson.h>

#include "common/base/err.h"
#include "common/conf/setting.h"

/*
 * settings/set as a whole: from what a caller sent to the objects to be changed. Knows the older
 * names, the proxy's parts, the keys that are objects of their own, and what is read together.
 * Nothing is emitted unless all values are right.
 */

// The value of a parameter; NULL = not sent.
typedef const char *(*settings_param_fn)(void *ctx, const char *name);
// One object to change: `json` compact text, NULL = delete. Only what differs from `now` comes.
typedef void (*settings_change_fn)(void *ctx, const char *path, const char *json);

// From form or query parameters.
NODISCARD enum err settings_edit_form(const struct settings *now, settings_param_fn param,
                                      void *param_ctx, settings_change_fn change, void *change_ctx,
                                      struct errmsg *e);
// From a JSON body. Values may be JSON or the text that a form would hold; unknown names and the
// read-only ones of settings/get are passed over, so that its answer can be sent back.
NODISCARD enum err settings_edit_json(const struct settings *now, const json_t *body,
                                      settings_change_fn change, void *change_ctx,
                                      struct errmsg *e);
