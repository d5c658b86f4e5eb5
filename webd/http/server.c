// Listening sockets and the libmicrohttpd daemons on them, run in the libevent loop.
//
// A socket belongs to its listener; the daemon gets a duplicate. To change the certificate a second
// daemon is started on the same socket, and the first is quiesced: it accepts no more and is
// stopped when its last connection is gone (or after DRAIN_S). Loop's thread.

#include "webd/http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "webd/http/exchange.h"

#define CONNECTIONS_MAX         512 // of one listener
#define CONNECTIONS_PER_ADDRESS 128
#define IDLE_S                  60
#define HEAD_BYTES_MAX          ((size_t)32 * 1024) // request line and headers
#define DRAIN_S                 30
#define RETRY_S                 5
#define BACKLOG                 128

struct runner {
    struct exchange_origin origin; // first: libmicrohttpd's callbacks get it
    struct MHD_Daemon *daemon;
    struct event *readable;
    struct event *timer;
    uint64_t drain_until_ms; // 0 = serving
    struct runner *next;     // among the draining ones
    struct web_server *server;
};

struct listener {
    struct sockaddr_storage address;
    bool is_tls;
    int fd; // -1 = could not be bound
    struct runner *runner;
    uint8_t certificate[SHA256_SIZE];
    char problem[160];
    bool is_unsupported; // the host has no IPv6: not tried again
};

struct web_server {
    struct event_base *base;
    char spool_dir[256];
    struct exchange_shared shared;
    struct listener items[WEB_LISTEN_MAX];
    size_t count;
    // what is wanted
    struct web_listen wanted[WEB_LISTEN_MAX];
    size_t wanted_count;
    char *certificate_pem;
    char *key_pem;
    struct runner *draining;
    struct event *retry;
};

void web_address_text(const struct sockaddr_storage *address, char dst[WEB_ADDRESS_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
        snprintf(dst, WEB_ADDRESS_TEXT, "[%s]:%u", ip, ntohs(in6->sin6_port));
        return;
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
    snprintf(dst, WEB_ADDRESS_TEXT, "%s:%u", ip, ntohs(in->sin_port));
}

static bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    char text_a[WEB_ADDRESS_TEXT];
    char text_b[WEB_ADDRESS_TEXT];
    web_address_text(a, text_a);
    web_address_text(b, text_b);
    return strcmp(text_a, text_b) == 0;
}

static in_port_t port_of(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                    : ((const struct sockaddr_in *)a)->sin_port;
}

// ---- running a daemon --------------------------------------------------------------------------

static void runner_free(struct runner *runner)
{
    event_free(runner->readable);
    event_free(runner->timer);
    MHD_stop_daemon(runner->daemon);
    mem_free(runner);
}

static void runner_turn(struct runner *runner)
{
    MHD_run(runner->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool has_wait = MHD_get_timeout(runner->daemon, &wait_ms) == MHD_YES;
    if (runner->drain_until_ms != 0 && (!has_wait || wait_ms > 200)) {
        has_wait = true;
        wait_ms = 200;
    }
    if (!has_wait) {
        event_del(runner->timer);
        return;
    }
    struct timeval after = {.tv_sec = (time_t)(wait_ms / 1000),
                            .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
    event_add(runner->timer, &after);
}

static bool runner_is_drained(const struct runner *runner)
{
    const union MHD_DaemonInfo *now =
        MHD_get_daemon_info(runner->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    bool is_idle = now != NULL && now->num_connections == 0;
    return is_idle || (clock_mono_ms() > runner->drain_until_ms && runner->origin.open.count == 0);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct runner *runner = arg;
    (void)fd;
    (void)what;
    runner_turn(runner);
    if (runner->drain_until_ms == 0 || !runner_is_drained(runner)) {
        return;
    }
    for (struct runner **at = &runner->server->draining; *at != NULL; at = &(*at)->next) {
        if (*at == runner) {
            *at = runner->next;
            runner_free(runner);
            return;
        }
    }
}

static void wake(struct exchange_origin *origin)
{
    struct runner *runner = (struct runner *)origin;
    static const struct timeval now = {0, 0};
    event_add(runner->timer, &now);
}

static void log_http(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void log_http(void *cls, const char *format, va_list args)
{
    (void)cls;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = 0;
    log_debug("http library", F_STR("text", text));
}

static struct MHD_Daemon *daemon_start(struct web_server *server, struct runner *runner, int fd,
                                       bool is_tls)
{
    // clang-format off
    struct MHD_OptionItem tls[] = {
        {.option = MHD_OPTION_HTTPS_MEM_CERT, .ptr_value = server->certificate_pem},
        {.option = MHD_OPTION_HTTPS_MEM_KEY, .ptr_value = server->key_pem},
        {.option = MHD_OPTION_HTTPS_PRIORITIES,
         .ptr_value = (char[]){"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"}},
        {.option = MHD_OPTION_END},
    };
    struct MHD_OptionItem none[] = {{.option = MHD_OPTION_END}};
    // clang-format on
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (is_tls ? (unsigned)MHD_USE_TLS : 0u);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_access, runner, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, exchange_uri, runner,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, runner, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_BYTES_MAX, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_ARRAY, is_tls ? tls : none, MHD_OPTION_END);
}

static struct runner *runner_start(struct web_server *server, int fd, bool is_tls)
{
    int lent = dup(fd);
    if (lent < 0) {
        return NULL;
    }
    struct runner *runner = mem_zalloc(sizeof *runner);
    runner->server = server;
    runner->origin =
        (struct exchange_origin){.shared = &server->shared, .is_tls = is_tls, .wake = wake};
    runner->daemon = daemon_start(server, runner, lent, is_tls);
    if (runner->daemon == NULL) {
        close(lent);
        mem_free(runner);
        return NULL;
    }
    const union MHD_DaemonInfo *epoll =
        MHD_get_daemon_info(runner->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    runner->readable =
        event_new(server->base, epoll->epoll_fd, EV_READ | EV_PERSIST, on_turn, runner);
    runner->timer = event_new(server->base, -1, 0, on_turn, runner);
    event_add(runner->readable, NULL);
    wake(&runner->origin);
    return runner;
}

// Accepts no more; ends by itself when the last connection is gone.
static void runner_drain(struct runner *runner)
{
    int lent = MHD_quiesce_daemon(runner->daemon);
    if (lent >= 0) {
        close(lent);
    }
    runner->drain_until_ms = clock_mono_ms() + DRAIN_S * 1000;
    runner->next = runner->server->draining;
    runner->server->draining = runner;
    wake(&runner->origin);
}

// ---- sockets -----------------------------------------------------------------------------------

// A bound, listening socket, or -1 with errno.
static int open_socket(const struct sockaddr_storage *address)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1;
    socklen_t len =
        address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    bool is_ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (address->ss_family == AF_INET6) {
        is_ok = is_ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
    }
    is_ok =
        is_ok && bind(fd, (const struct sockaddr *)address, len) == 0 && listen(fd, BACKLOG) == 0;
    if (!is_ok) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static void listener_close(struct listener *l)
{
    if (l->runner != NULL) {
        runner_drain(l->runner);
        l->runner = NULL;
    }
    if (l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
}

static void certificate_id(const struct web_server *server, uint8_t out[SHA256_SIZE])
{
    const char *pem = server->certificate_pem == NULL ? "" : server->certificate_pem;
    hash_sha256(pem, strlen(pem), out);
}

// Binds and starts; on failure `problem` says why.
static bool listener_open(struct web_server *server, struct listener *l)
{
    char text[WEB_ADDRESS_TEXT];
    web_address_text(&l->address, text);
    l->fd = open_socket(&l->address);
    if (l->fd < 0) {
        bool is_said = l->problem[0] != 0;
        l->is_unsupported = errno == EAFNOSUPPORT;
        snprintf(l->problem, sizeof l->problem, "%s", strerror(errno));
        if (!is_said) {
            log_warn("cannot listen", F_STR("address", text), F_STR("error", l->problem));
        }
        return false;
    }
    l->runner = runner_start(server, l->fd, l->is_tls);
    if (l->runner == NULL) {
        close(l->fd);
        l->fd = -1;
        snprintf(l->problem, sizeof l->problem, "%s",
                 l->is_tls ? "the certificate or its key cannot be used" : "out of resources");
        log_warn("cannot listen", F_STR("address", text), F_STR("error", l->problem));
        return false;
    }
    l->problem[0] = 0;
    certificate_id(server, l->certificate);
    log_info("listening", F_STR("protocol", l->is_tls ? "https" : "http"), F_STR("address", text));
    return true;
}

// Puts a new certificate on a socket that stays.
static void listener_renew(struct web_server *server, struct listener *l)
{
    uint8_t id[SHA256_SIZE];
    certificate_id(server, id);
    if (!l->is_tls || l->runner == NULL || memcmp(id, l->certificate, sizeof id) == 0) {
        return;
    }
    struct runner *fresh = runner_start(server, l->fd, true);
    if (fresh == NULL) {
        log_error("the new certificate cannot be used, the old one stays",
                  F_STR("protocol", "https"));
        return;
    }
    runner_drain(l->runner);
    l->runner = fresh;
    memcpy(l->certificate, id, sizeof id);
    log_info("certificate changed", F_STR("protocol", "https"));
}

// ---- what is wanted ----------------------------------------------------------------------------

static bool is_wanted(const struct web_server *server, const struct listener *l)
{
    for (size_t i = 0; i < server->wanted_count; i++) {
        if (server->wanted[i].is_tls == l->is_tls &&
            address_equal(&server->wanted[i].address, &l->address)) {
            return true;
        }
    }
    return false;
}

static struct listener *listener_of(struct web_server *server, const struct web_listen *want)
{
    for (size_t i = 0; i < server->count; i++) {
        struct listener *l = &server->items[i];
        if (l->is_tls == want->is_tls && address_equal(&l->address, &want->address)) {
            return l;
        }
    }
    if (server->count == WEB_LISTEN_MAX) {
        return NULL;
    }
    struct listener *l = &server->items[server->count++];
    *l = (struct listener){.address = want->address, .is_tls = want->is_tls, .fd = -1};
    return l;
}

// A socket in the way (same port, no longer wanted) is closed first, and opened again when that did
// not help.
static bool open_over_unwanted(struct web_server *server, struct listener *l)
{
    bool closed[WEB_LISTEN_MAX] = {false};
    bool is_any = false;
    for (size_t i = 0; i < server->count; i++) {
        struct listener *old = &server->items[i];
        if (old->fd >= 0 && port_of(&old->address) == port_of(&l->address) &&
            !is_wanted(server, old)) {
            listener_close(old);
            closed[i] = true;
            is_any = true;
        }
    }
    if (is_any && listener_open(server, l)) {
        return true;
    }
    for (size_t i = 0; i < server->count; i++) {
        if (closed[i]) {
            listener_open(server, &server->items[i]);
        }
    }
    return false;
}

static void drop_unwanted(struct web_server *server, bool is_complete)
{
    size_t kept = 0;
    for (size_t i = 0; i < server->count; i++) {
        struct listener *l = &server->items[i];
        if (!is_wanted(server, l) && (is_complete || l->fd < 0)) {
            listener_close(l);
            continue;
        }
        if (kept != i) {
            server->items[kept] = *l;
        }
        kept++;
    }
    server->count = kept;
}

// One attempt to bring what listens in line with what is wanted.
static void reconcile(struct web_server *server)
{
    bool is_complete = true;
    for (size_t i = 0; i < server->wanted_count; i++) {
        struct listener *l = listener_of(server, &server->wanted[i]);
        if (l == NULL) {
            continue;
        }
        if (l->fd >= 0) {
            listener_renew(server, l);
        } else if (!listener_open(server, l) && !open_over_unwanted(server, l)) {
            is_complete = is_complete && l->is_unsupported;
        }
    }
    drop_unwanted(server, is_complete);
    if (!is_complete) {
        static const struct timeval after = {RETRY_S, 0};
        event_add(server->retry, &after);
    } else {
        event_del(server->retry);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    reconcile(arg);
}

// ---- public ------------------------------------------------------------------------------------

enum err web_server_open(struct event_base *base, const char *spool_dir,
                         const struct web_handlers *handlers, struct web_server **out,
                         struct errmsg *e)
{
    struct web_server *server = mem_zalloc(sizeof *server);
    if (!str_copy(server->spool_dir, sizeof server->spool_dir, spool_dir)) {
        mem_free(server);
        return err_set(e, ERR_INVALID, "the spool folder's path is too long");
    }
    server->base = base;
    server->shared =
        (struct exchange_shared){.handlers = *handlers, .spool_dir = server->spool_dir};
    server->retry = event_new(base, -1, 0, on_retry, server);
    *out = server;
    return ERR_OK;
}

static void runner_end(struct runner *runner)
{
    exchange_abandon_all(&runner->origin);
    MHD_run(runner->daemon);
    runner_free(runner);
}

void web_server_close(struct web_server *server)
{
    if (server == NULL) {
        return;
    }
    server->shared.is_closing = true;
    for (size_t i = 0; i < server->count; i++) {
        listener_close(&server->items[i]);
    }
    while (server->draining != NULL) {
        struct runner *runner = server->draining;
        server->draining = runner->next;
        runner_end(runner);
    }
    event_free(server->retry);
    mem_free(server->certificate_pem);
    if (server->key_pem != NULL) {
        mem_wipe(server->key_pem, strlen(server->key_pem));
    }
    mem_free(server->key_pem);
    mem_free(server);
}

void web_server_configure(struct web_server *server, const struct web_listen_set *set)
{
    assert(set->count <= WEB_LISTEN_MAX);
    memcpy(server->wanted, set->items, set->count * sizeof *set->items);
    server->wanted_count = set->count;
    if (server->key_pem != NULL) {
        mem_wipe(server->key_pem, strlen(server->key_pem));
    }
    mem_free(server->certificate_pem);
    mem_free(server->key_pem);
    server->certificate_pem =
        set->certificate_pem == NULL ? NULL : mem_strdup(set->certificate_pem);
    server->key_pem = set->key_pem == NULL ? NULL : mem_strdup(set->key_pem);
    for (size_t i = 0; i < server->count; i++) {
        server->items[i].problem[0] = 0;
    }
    reconcile(server);
}

void web_server_each(const struct web_server *server, web_listening_fn fn, void *ctx)
{
    for (size_t i = 0; i < server->count; i++) {
        const struct listener *l = &server->items[i];
        char address[WEB_ADDRESS_TEXT];
        char text[WEB_ADDRESS_TEXT + 16];
        web_address_text(&l->address, address);
        snprintf(text, sizeof text, "%s %s", l->is_tls ? "https" : "http", address);
        fn(ctx, text, l->fd >= 0 ? NULL : l->problem);
    }
}

bool web_server_has(const struct web_server *server, bool is_tls)
{
    for (size_t i = 0; i < server->count; i++) {
        if (server->items[i].is_tls == is_tls && server->items[i].fd >= 0) {
            return true;
        }
    }
    return false;
}

bool web_server_is_complete(const struct web_server *server)
{
    return server->wanted_count > 0 && !event_pending(server->retry, EV_TIMEOUT, NULL);
}
