#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/rpc/rpc.h"

/*
 * The kinds of objects in clusterd's store, one row each (common/conf/README.md). An object has a
 * path "kind/key" and a JSON value. The table says where it holds, who may read it, what in it is
 * secret, and what a right value is. Any thread.
 */
#define CONF_PATH_MAX  1200 // bytes with NUL: a domain name in presentation form, escaped
#define CONF_VALUE_MAX ((size_t)128 * 1024)

enum conf_scope { CONF_CLUSTER, CONF_NODE };

enum conf_member_type { CONF_STRING, CONF_INTEGER, CONF_BOOL, CONF_ARRAY, CONF_OBJECT };
enum conf_member_flag { CONF_REQUIRED = 1 << 0, CONF_SECRET = 1 << 1 };

// A member of a kind's JSON objects. Members without a row are kept: a peer may be a release ahead.
struct conf_member {
    const char *name;
    enum conf_member_type type;
    unsigned flags;
};

struct conf_kind {
    const char *name;    // the path's first part
    const char *section; // of the per-section digests: "settings", "access", …
    enum conf_scope scope;
    bool scope_by_setting; // the row of the setting decides in place of `scope`
    bool is_secret;        // the whole value
    uint32_t readers;      // bits 1u << enum rpc_party; clusterd itself always
    const struct conf_member *members;
    size_t member_count;
    // Checks the key (decoded) and what the members' rows cannot say; NULL = nothing more.
    enum err (*check)(const char *key, const char *json, struct errmsg *e);
};
extern const struct conf_kind conf_kind_table[];
extern const size_t conf_kind_count;

// The row of a path or of a kind's name; NULL = unknown.
const struct conf_kind *conf_kind_find(const char *path);

// "kind/key" with `/` and `%` of the key escaped. ERR_TOO_LARGE, ERR_INVALID (empty key).
NODISCARD enum err conf_path_make(const char *kind, const char *key, char *path, size_t size);
// The key of a path, unescaped. ERR_INVALID: no key or a bad escape.
NODISCARD enum err conf_path_key(const char *path, char *key, size_t size);
// "overrides/<node id>/<setting>".
NODISCARD enum err conf_path_override(uint32_t node_id, const char *setting, char *path,
                                      size_t size);

// Where the object holds. ERR_INVALID: unknown kind or setting.
NODISCARD enum err conf_path_scope(const char *path, enum conf_scope *scope, struct errmsg *e);
bool conf_path_readable(const char *path, enum rpc_party party);

// Is `json` a right value for `path`? Called by clusterd on each commit. ERR_INVALID with the
// reason, ERR_TOO_LARGE.
NODISCARD enum err conf_kind_check(const char *path, const char *json, struct errmsg *e);

// The value with secrets replaced by the mask, for history, diffs and the command line (mem_free).
// Text that is no JSON becomes the mask.
char *conf_kind_mask(const char *path, const char *json);
