#include "common/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// Error codes and their texts. No state; any thread.

static const char *const texts[ERR_COUNT] = {
    [ERR_OK] = "no error",
    [ERR_INVALID] = "invalid input",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "exists already",
    [ERR_CONFLICT] = "changed meanwhile",
    [ERR_DENIED] = "not allowed",
    [ERR_BAD_STATE] = "not possible in this state",
    [ERR_NOT_PRIMARY] = "only possible on the primary node",
    [ERR_UNAVAILABLE] = "not available",
    [ERR_TIMEOUT] = "no answer in time",
    [ERR_TOO_LARGE] = "too large",
    [ERR_NO_MEMORY] = "out of memory",
    [ERR_NO_SPACE] = "no space left",
    [ERR_IO] = "input or output failed",
    [ERR_CORRUPT] = "corrupt",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_BUSY] = "busy",
    [ERR_INTERNAL] = "internal error",
};

struct errno_row {
    int number;
    enum err code;
};
static const struct errno_row errno_rows[] = {
    {ENOENT,        ERR_NOT_FOUND  },
    {ENOTDIR,       ERR_NOT_FOUND  },
    {EEXIST,        ERR_EXISTS     },
    {EACCES,        ERR_DENIED     },
    {EPERM,         ERR_DENIED     },
    {EROFS,         ERR_DENIED     },
    {ENOSPC,        ERR_NO_SPACE   },
    {EDQUOT,        ERR_NO_SPACE   },
    {ENOMEM,        ERR_NO_MEMORY  },
    {EINVAL,        ERR_INVALID    },
    {ENAMETOOLONG,  ERR_INVALID    },
    {EFBIG,         ERR_TOO_LARGE  },
    {EMSGSIZE,      ERR_TOO_LARGE  },
    {ETIMEDOUT,     ERR_TIMEOUT    },
    {EADDRINUSE,    ERR_EXISTS     },
    {EADDRNOTAVAIL, ERR_UNAVAILABLE},
    {ECONNREFUSED,  ERR_UNAVAILABLE},
    {ECONNRESET,    ERR_UNAVAILABLE},
    {EHOSTUNREACH,  ERR_UNAVAILABLE},
    {ENETUNREACH,   ERR_UNAVAILABLE},
    {EAGAIN,        ERR_BUSY       },
    {EBUSY,         ERR_BUSY       },
    {EMFILE,        ERR_BUSY       },
    {ENFILE,        ERR_BUSY       },
    {ENOSYS,        ERR_UNSUPPORTED},
    {EOPNOTSUPP,    ERR_UNSUPPORTED},
    {EAFNOSUPPORT,  ERR_UNSUPPORTED},
};

enum err err_set(struct errmsg *e, enum err code, const char *format, ...)
{
    if (e != NULL) {
        va_list args;
        va_start(args, format);
        char text[sizeof e->text]; // a message may quote the one that it replaces
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        memcpy(e->text, text, sizeof text);
        e->code = code;
    }
    return code;
}

enum err err_prefix(struct errmsg *e, enum err code, const char *format, ...)
{
    if (e != NULL) {
        char text[2 * sizeof e->text];
        va_list args;
        va_start(args, format);
        int len = vsnprintf(text, sizeof e->text, format, args);
        va_end(args);
        size_t used = len < 0 ? 0 : (size_t)len < sizeof e->text ? (size_t)len : sizeof e->text - 1;
        snprintf(text + used, sizeof text - used, ": %s", e->text);
        memcpy(e->text, text, sizeof e->text);
        e->text[sizeof e->text - 1] = '\0';
        e->code = code;
    }
    return code;
}

const char *err_text(enum err code)
{
    // Codes come in from newer peers too.
    if ((unsigned)code >= ERR_COUNT) {
        return "unknown error";
    }
    return texts[code];
}

enum err err_from_errno(int errno_value)
{
    if (errno_value == 0) {
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof errno_rows / sizeof errno_rows[0]; i++) {
        if (errno_rows[i].number == errno_value) {
            return errno_rows[i].code;
        }
    }
    return ERR_IO;
}
