#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/conf/map.h"

/*
 * The table of settings (settings.def) and what follows from it. Three forms of a value:
 *   form text   what an API parameter holds ("1h", "true", "10.0.0.0/8,!10.1.0.0/16", "32|600|600")
 *   JSON        what the store, JSON bodies and settings/get hold; canonical after
 * setting_normalize struct      `struct settings`, what the daemons work with; immutable All
 * functions may be called by any thread.
 */
enum setting_kind {
    SETTING_BOOL,   // bool
    SETTING_I32,    // int32_t
    SETTING_U32,    // uint32_t
    SETTING_I64,    // int64_t
    SETTING_WORD,   // an enum below, one of the row's words
    SETTING_STRING, // const char *; NULL where the row is nullable and nothing is set
    SETTING_LIST,   // struct setting_list
    SETTING_PORTS,  // struct setting_ports
    SETTING_QPM,    // struct setting_qpm_list
    SETTING_PROXY,  // struct setting_proxy
    SETTING_TSIG,   // struct setting_tsig_list; stored as one object tsig/<name> each
    SETTING_KIND_COUNT
};

enum setting_scope { SETTING_CLUSTER, SETTING_NODE };

// What a change asks of a daemon.
enum setting_effect {
    SETTING_LIVE,    // the next use sees it
    SETTING_REBIND,  // listeners are opened anew
    SETTING_REBUILD, // a compiled structure (block set) is built anew
};

enum setting_flag {
    SETTING_SECRET = 1 << 0,        // masked in settings/get, history and logs
    SETTING_NULLABLE = 1 << 1,      // empty is null in JSON
    SETTING_HIDDEN = 1 << 2,        // not in settings/get, not by settings/set
    SETTING_READ_ONLY = 1 << 3,     // in settings/get only, its value comes from elsewhere
    SETTING_SET_ONLY = 1 << 4,      // in settings/set only
    SETTING_LEGACY = 1 << 5,        // older name of another row
    SETTING_EMPTY_DEFAULT = 1 << 6, // an emptied list gets the default back
    SETTING_DROP_BAD = 1 << 7,      // bad items of form text are dropped in silence
    SETTING_HOST_NAME = 1 << 8,     // the default is this host's name
};

// The secret in settings/get; sent back it means "keep what is stored".
#define SETTING_MASK "************"

// What a text must be; the check also gives it its canonical form. Rows of value_form.c.
enum setting_form {
    SETTING_FORM_ANY,
    SETTING_FORM_TTL,    // of numbers: form text may be "1w2d3h4m5s"
    SETTING_FORM_DOMAIN, // domain name, made lower case
    SETTING_FORM_EMAIL,
    SETTING_FORM_HOST,         // address or domain name
    SETTING_FORM_HEADER,       // HTTP header name (RFC 9110 token)
    SETTING_FORM_ADDRESS,      // IP address
    SETTING_FORM_BIND_ADDRESS, // IP address, IPv6 in brackets
    SETTING_FORM_ENDPOINT,     // address:port, port 53 when left out, IPv6 in brackets
    SETTING_FORM_CIDR,         // address or network
    SETTING_FORM_CIDR4,
    SETTING_FORM_CIDR6,
    SETTING_FORM_ACL,         // address or network, a leading ! denies
    SETTING_FORM_LIST_URL,    // http(s) or file URL, leading ! or #
    SETTING_FORM_NAME_SERVER, // as in the API: ip, ip:port, name (ip), https://…
    SETTING_FORM_BYPASS,      // address, network or domain name
    SETTING_FORM_COUNT
};

enum setting_ipv6_mode {
    SETTING_IPV6_DISABLED,
    SETTING_IPV6_ENABLED,
    SETTING_IPV6_PREFERRED,
    SETTING_IPV6_COUNT
};
enum setting_recursion {
    SETTING_RECURSION_DENY,
    SETTING_RECURSION_ALLOW,
    SETTING_RECURSION_PRIVATE,
    SETTING_RECURSION_ACL,
    SETTING_RECURSION_COUNT
};
enum setting_blocking_type {
    SETTING_BLOCKING_ANY_ADDRESS,
    SETTING_BLOCKING_NX_DOMAIN,
    SETTING_BLOCKING_CUSTOM_ADDRESS,
    SETTING_BLOCKING_COUNT
};
enum setting_proxy_type {
    SETTING_PROXY_NONE,
    SETTING_PROXY_HTTP,
    SETTING_PROXY_SOCKS5,
    SETTING_PROXY_COUNT
};
enum setting_forwarder_protocol {
    SETTING_FORWARD_UDP,
    SETTING_FORWARD_TCP,
    SETTING_FORWARD_TLS,
    SETTING_FORWARD_HTTPS,
    SETTING_FORWARD_QUIC,
    SETTING_FORWARD_COUNT
};
enum setting_logging_type {
    SETTING_LOGGING_NONE,
    SETTING_LOGGING_FILE,
    SETTING_LOGGING_CONSOLE,
    SETTING_LOGGING_FILE_AND_CONSOLE,
    SETTING_LOGGING_COUNT
};

struct setting_list {
    const char *const *items;
    size_t count;
};
struct setting_ports {
    const uint16_t *items;
    size_t count;
};
struct setting_qpm {
    uint32_t prefix;    // bits
    uint32_t udp_limit; // queries a minute; 0 = no limit
    uint32_t tcp_limit;
};
struct setting_qpm_list {
    const struct setting_qpm *items;
    size_t count;
};
struct setting_proxy {
    enum setting_proxy_type type; // NONE: the rest is empty
    const char *address;
    int32_t port;
    const char *username; // NULL = no credentials
    const char *password;
    struct setting_list bypass;
};
struct setting_tsig {
    const char *name;      // lower case, no last dot
    const char *algorithm; // "hmac-sha256"
    const char *secret;    // base64
};
struct setting_tsig_list {
    const struct setting_tsig *items;
    size_t count;
};

// Every setting, typed. Immutable; one owner, freed by settings_free.
#define SETTING_TYPE_BOOL   bool
#define SETTING_TYPE_I32    int32_t
#define SETTING_TYPE_U32    uint32_t
#define SETTING_TYPE_I64    int64_t
#define SETTING_TYPE_STRING const char *
#define SETTING_TYPE_LIST   struct setting_list
#define SETTING_TYPE_PORTS  struct setting_ports
#define SETTING_TYPE_QPM    struct setting_qpm_list
#define SETTING_TYPE_PROXY  struct setting_proxy
#define SETTING_TYPE_TSIG   struct setting_tsig_list
struct settings {
#define SETTING(kind, field, ...) SETTING_TYPE_##kind field;
#define CHOICE(words, field, ...) enum setting_##words field;
#define VIRTUAL(...)
#include "common/conf/settings.def"
#undef SETTING
#undef CHOICE
#undef VIRTUAL
};

struct setting {
    const char *name; // as in the API, case-sensitive
    enum setting_kind kind;
    enum setting_scope scope;
    enum setting_effect effect;
    unsigned flags;      // enum setting_flag
    const char *initial; // default of a fresh install, JSON text
    int64_t min;
    int64_t max;
    enum setting_form form;
    const char *const *words; // of SETTING_WORD, in the enum's order
    size_t word_count;
    size_t offset; // in struct settings; SETTING_NO_FIELD for VIRTUAL rows
    const char *help;
};
#define SETTING_NO_FIELD SIZE_MAX
extern const struct setting setting_table[];
extern const size_t setting_count;

// The row of an API name; NULL = no such setting.
const struct setting *setting_find(const char *name);
// Has it a value in struct settings and the store?
static inline bool setting_is_stored(const struct setting *row)
{
    return row->offset != SETTING_NO_FIELD;
}
// The default as JSON; the caller owns the reference.
json_t *setting_default_json(const struct setting *row);

// Form text to canonical JSON. `*out` gets a new reference, or NULL when the text leaves the
// setting as it is (empty scalar, unknown word, the mask of a secret). ERR_INVALID names setting,
// value and bound. An empty text or "false" empties lists and tables.
NODISCARD enum err setting_parse_form(const struct setting *row, const char *text, json_t **out,
                                      struct errmsg *e);
// Checks a JSON value and gives its canonical form (new reference). ERR_INVALID as above.
NODISCARD enum err setting_normalize(const struct setting *row, const json_t *value, json_t **out,
                                     struct errmsg *e);
// Only checks.
NODISCARD enum err setting_check_json(const struct setting *row, const json_t *value,
                                      struct errmsg *e);

// All defaults.
struct settings *settings_new_default(void);
// The settings in force on node `node_id` (0 = no overrides): defaults, then settings/<name>, then
// overrides/<node id>/<name>, and the keys tsig/<name>. ERR_INVALID: a stored value does not fit.
NODISCARD enum err settings_load(const struct conf_map *map, uint32_t node_id,
                                 struct settings **out, struct errmsg *e);
void settings_free(struct settings *settings);
// The id of this node by the object node/identity; 0 = not there.
uint32_t settings_node_id(const struct conf_map *map);

// One value as JSON, as settings/get shows it, secrets masked unless `reveal`. New reference.
// VIRTUAL rows that follow from others (preferIPv6, enableLogging) have one; else NULL.
json_t *setting_value_json(const struct setting *row, const struct settings *settings, bool reveal);
// All values of settings/get in its order, secrets masked; read-only facts are left out, for the
// caller to add. New reference.
json_t *settings_get_json(const struct settings *settings);

// Writes the reference of all settings as a Markdown table.
void conf_settings_write_reference(FILE *out);
