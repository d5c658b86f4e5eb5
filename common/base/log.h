#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/err.h"

/*
 * log_warn("zone transfer refused", F_NAME(zone), F_ADDR(peer), F_ERR(e)): a constant message, facts
 * as fields, no trailing dot. One line per event:
 *
 *   2026-11-23T08:42:01.123Z warn dnsd zone transfer refused zone=example.com peer=192.0.2.1#53
 *
 * Any thread. Writes with one write(2); a full disk loses the line, never blocks the caller for long.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };

enum log_field_kind { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64, LOG_FIELD_ADDR, LOG_FIELD_ERRNO };

struct log_field {
    const char *key;
    enum log_field_kind kind;
    union {
        const char *str;
        uint64_t u64;
        int64_t i64;
        const struct sockaddr *addr;
    } value;
};

#define F_STR(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .value.str = (v)})
#define F_U64(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_U64, .value.u64 = (v)})
#define F_I64(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_I64, .value.i64 = (v)})
#define F_NAME(v) F_STR("zone", (v))
#define F_ADDR(v) ((struct log_field){.key = "peer", .kind = LOG_FIELD_ADDR, .value.addr = (v)})
#define F_ERR(e) F_STR("error", (e)->text)
#define F_ERRNO(n) ((struct log_field){.key = "error", .kind = LOG_FIELD_ERRNO, .value.i64 = (n)})

// Where and from which level on. `path` NULL = stderr. Reopens on a second call (log rotation).
NODISCARD enum err log_open(const char *daemon, const char *path, enum log_level level,
                            struct errmsg *e);
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t field_count);

// At most one line per `interval_s` for one `key` (a call site's static variable); the next line
// that passes carries repeated=N for those held back.
struct log_limit {
    _Atomic uint64_t next_ms;
    _Atomic uint64_t held;
};
bool log_limit_pass(struct log_limit *limit, unsigned interval_s, uint64_t *held);

#define LOG_FIELDS(...) (const struct log_field[]){__VA_ARGS__}
#define LOG_AT(level, message, ...)                                                                \
    log_write((level), (message), LOG_FIELDS(__VA_ARGS__),                                         \
              sizeof(LOG_FIELDS(__VA_ARGS__)) / sizeof(struct log_field))
// At least one field is asked for: a line without a fact helps nobody.
#define log_error(message, ...) LOG_AT(LOG_ERROR, message, __VA_ARGS__)
#define log_warn(message, ...) LOG_AT(LOG_WARN, message, __VA_ARGS__)
#define log_info(message, ...) LOG_AT(LOG_INFO, message, __VA_ARGS__)
#define log_debug(message, ...) LOG_AT(LOG_DEBUG, message, __VA_ARGS__)
