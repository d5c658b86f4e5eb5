#include "common/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/str.h"

/*
 * A line is put together on the stack and written at once, so that lines of several threads do not
 * mix. The file is replaced by dup2 on the same descriptor: writers never see a closed one.
 */
enum { LINE_MAX_BYTES = 2048 };

static char daemon_name[16] = "trellis";
static _Atomic int log_fd = STDERR_FILENO;
static _Atomic enum log_level threshold = LOG_INFO;

static const char *const level_names[LOG_LEVEL_COUNT] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

enum err log_open(const char *daemon, const char *path, enum log_level level, struct errmsg *e)
{
    int fd = STDERR_FILENO;
    if (path != NULL) {
        int opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (opened < 0) {
            return err_set(e, err_from_errno(errno), "cannot open log file %s: %s", path,
                           strerrordesc_np(errno));
        }
        int old = atomic_load(&log_fd);
        fd = opened;
        if (old != STDERR_FILENO) {
            dup3(opened, old, O_CLOEXEC);
            close(opened);
            fd = old;
        }
    }
    if (!str_copy(daemon_name, sizeof daemon_name, daemon)) {
        memcpy(daemon_name, daemon, sizeof daemon_name - 1);
    }
    atomic_store(&log_fd, fd);
    log_set_level(level);
    return ERR_OK;
}

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, level);
}

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void put(struct line *line, const char *text, size_t len)
{
    size_t room = sizeof line->text - 1 - line->len;   // one byte is kept for the line feed
    if (len > room) {
        len = room;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool is_plain(const char *s)
{
    for (const char *c = s; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '\\' || *c == 0x7f) {
            return false;
        }
    }
    return *s != '\0';
}

// Values with blanks are quoted; control characters never reach the file as they are.
static void put_value(struct line *line, const char *value)
{
    if (is_plain(value)) {
        put_text(line, value);
        return;
    }
    put(line, "\"", 1);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            put(line, "\\", 1);
            put(line, c, 1);
        } else if ((unsigned char)*c < ' ' || *c == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\x%02x", (unsigned)(unsigned char)*c);
            put_text(line, escape);
        } else {
            put(line, c, 1);
        }
    }
    put(line, "\"", 1);
}

static void put_address(struct line *line, const struct sockaddr *addr)
{
    char text[INET6_ADDRSTRLEN + 8] = "unknown";
    char host[INET6_ADDRSTRLEN];
    if (addr != NULL && addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        snprintf(text, sizeof text, "%s#%u", host, (unsigned)ntohs(in.sin_port));
    } else if (addr != NULL && addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
        snprintf(text, sizeof text, "%s#%u", host, (unsigned)ntohs(in6.sin6_port));
    }
    put_text(line, text);
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[24];
    put(line, " ", 1);
    put_text(line, field->key);
    put(line, "=", 1);
    switch (field->kind) {
    case LOG_FIELD_STR:
        put_value(line, field->value.str != NULL ? field->value.str : "");
        break;
    case LOG_FIELD_U64:
        snprintf(number, sizeof number, "%llu", (unsigned long long)field->value.u64);
        put_text(line, number);
        break;
    case LOG_FIELD_I64:
        snprintf(number, sizeof number, "%lld", (long long)field->value.i64);
        put_text(line, number);
        break;
    case LOG_FIELD_ADDR:
        put_address(line, field->value.addr);
        break;
    case LOG_FIELD_ERRNO: {
        const char *text = strerrordesc_np((int)field->value.i64);
        put_value(line, text != NULL ? text : "unknown error");
        break;
    }
    }
}

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t field_count)
{
    if (level > atomic_load_explicit(&threshold, memory_order_relaxed)) {
        return;
    }
    int errno_kept = errno;
    struct line line;
    line.len = 0;
    char when[CLOCK_TEXT_SIZE];
    clock_text(clock_unix_ms(), when, sizeof when);
    put_text(&line, when);
    put(&line, " ", 1);
    put_text(&line, level_names[level]);
    put(&line, " ", 1);
    put_text(&line, daemon_name);
    put(&line, " ", 1);
    put_text(&line, message);
    for (size_t i = 0; i < field_count; i++) {
        put_field(&line, &fields[i]);
    }
    line.text[line.len++] = '\n';
    ssize_t n = write(atomic_load_explicit(&log_fd, memory_order_relaxed), line.text, line.len);
    (void)n;   // a full disk loses the line; there is nowhere to tell
    errno = errno_kept;
}

bool log_limit_pass(struct log_limit *limit, unsigned interval_s, uint64_t *held)
{
    uint64_t now = clock_mono_ms();
    uint64_t next = atomic_load_explicit(&limit->next_ms, memory_order_relaxed);
    // Relaxed: the counters order nothing else; a lost race only holds back one more line.
    if (now < next ||
        !atomic_compare_exchange_strong_explicit(&limit->next_ms, &next,
                                                 now + (uint64_t)interval_s * 1000,
                                                 memory_order_relaxed, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&limit->held, 1, memory_order_relaxed);
        return false;
    }
    *held = atomic_exchange_explicit(&limit->held, 0, memory_order_relaxed);
    return true;
}
