#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

/*
 * The named parameters of one request. Names are case-insensitive; a value in the query wins over
 * one in the form; repeated names of one source join with a comma. Texts live in the request's
 * arena. Loop's thread.
 */
enum web_param_source { WEB_PARAM_QUERY, WEB_PARAM_FORM, WEB_PARAM_SOURCE_COUNT };

struct web_param {
    enum web_param_source source;
    char *name;
    char *value;
};

#define WEB_PARAM_MAX   1024                       // parameters of a request
#define WEB_PARAM_BYTES ((size_t)32 * 1024 * 1024) // names and values together

struct web_params {
    struct arena *arena;
    struct web_param *items; // as they came; grown on the heap
    size_t count;
    size_t capacity;
    size_t bytes;
};

void web_params_init(struct web_params *params, struct arena *arena);
void web_params_fini(struct web_params *params);

// Adds one parameter; a repeated name joins the first. ERR_TOO_LARGE, or ERR_INVALID for a zero
// byte or text that is not UTF-8.
NODISCARD enum err web_params_add(struct web_params *params, enum web_param_source source,
                                  const char *name, size_t name_len, const char *value,
                                  size_t value_len, struct errmsg *e);

// Reads application/x-www-form-urlencoded text: `+` is a blank, a malformed escape stands for
// itself (as browsers do). Errors as web_params_add.
NODISCARD enum err web_params_parse(struct web_params *params, enum web_param_source source,
                                    const char *text, size_t len, struct errmsg *e);

// The value, NULL = the parameter is not there. Empty values are returned as "".
const char *web_params_get(const struct web_params *params, const char *name);

// Writes `text` percent-encoded, unreserved characters (RFC 3986 section 2.3) as they are.
void web_urlencode(struct str *out, const char *text);

// Well-formed UTF-8 (RFC 3629)?
bool web_is_utf8(const char *text, size_t len);
