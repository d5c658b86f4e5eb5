#pragma once

#include <stdarg.h>
#include <stddef.h>

// Marks functions whose result must be used.
#define NODISCARD __attribute__((warn_unused_result))

// What went wrong, for code. The numbers travel in protobuf replies and are never reused.
enum err {
    ERR_OK = 0,
    ERR_INVALID = 1,      // the caller's input is wrong; the message says where
    ERR_NOT_FOUND = 2,
    ERR_EXISTS = 3,
    ERR_CONFLICT = 4,     // changed since the caller looked
    ERR_DENIED = 5,       // not allowed for this caller
    ERR_BAD_STATE = 6,    // not possible in the present state (ERR_STATE is a type of OpenSSL)
    ERR_NOT_PRIMARY = 7,  // must be asked of the cluster's primary
    ERR_UNAVAILABLE = 8,  // the other side is not there
    ERR_TIMEOUT = 9,      // no answer in time; what happened there is not known
    ERR_TOO_LARGE = 10,
    ERR_NO_MEMORY = 11,
    ERR_NO_SPACE = 12,    // disk full or quota
    ERR_IO = 13,
    ERR_CORRUPT = 14,     // stored or received bytes make no sense
    ERR_UNSUPPORTED = 15,
    ERR_BUSY = 16,
    ERR_INTERNAL = 17,
    ERR_COUNT
};

// Text for people beside the code, owned by the caller.
struct errmsg {
    enum err code;
    char text[512];
};

// Writes code and formatted text to `e` (may be NULL) and returns `code`, so that
// `return err_set(e, ERR_INVALID, "port %u is in use", port);` reads well. Longer text is cut.
enum err err_set(struct errmsg *e, enum err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Puts "prefix: " before the text already in `e`; returns its code. No effect when `e` is NULL.
enum err err_prefix(struct errmsg *e, enum err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Short constant words for a code ("not found"); never NULL.
const char *err_text(enum err code);

// The code for an errno value (ENOSPC, EDQUOT -> ERR_NO_SPACE; EACCES -> ERR_DENIED; ...).
enum err err_from_errno(int errno_value);
