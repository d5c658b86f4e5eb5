#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/err.h"
#include "webd/http/request.h"

struct event_base;

/*
 * The HTTP server: libmicrohttpd daemons, one a listening socket, run in the libevent loop. Sockets
 * are bound here and only lent to libmicrohttpd, so that a new certificate takes over a socket
 * without closing it, and an old listener ends its requests while the new one already serves.
 * Loop's thread.
 */
struct web_server;

struct web_handlers {
    // A whole request is there; answer it with web_answer, now or later.
    void (*handle)(void *ctx, struct web_request *request);
    // How many bytes of body this request may send, judged from its headers alone.
    uint64_t (*body_max)(void *ctx, const struct web_request *request);
    void *ctx;
};

// What shall listen. Texts are copied.
struct web_listen {
    struct sockaddr_storage address;
    bool is_tls;
};
struct web_listen_set {
    const struct web_listen *items;
    size_t count;
    const char *certificate_pem; // for the TLS ones
    const char *key_pem;
};

#define WEB_LISTEN_MAX 64

NODISCARD enum err web_server_open(struct event_base *base, const char *spool_dir,
                                   const struct web_handlers *handlers, struct web_server **out,
                                   struct errmsg *e);
void web_server_close(struct web_server *server);

// Changes what listens. Sockets that stay are not touched; what cannot be bound is logged and tried
// again every 5 s, and until then the listeners it was to replace stay.
void web_server_configure(struct web_server *server, const struct web_listen_set *set);

// "http 127.0.0.1:5380", "https [::1]:53443" for each socket that listens, and the wanted ones that
// cannot, with the reason in `problem` (else NULL).
typedef void (*web_listening_fn)(void *ctx, const char *text, const char *problem);
void web_server_each(const struct web_server *server, web_listening_fn fn, void *ctx);
bool web_server_has(const struct web_server *server, bool is_tls);
// Are all wanted sockets bound?
bool web_server_is_complete(const struct web_server *server);

// "192.0.2.1:53", "[2001:db8::1]:53"; `dst` at least WEB_ADDRESS_TEXT.
#define WEB_ADDRESS_TEXT 64
void web_address_text(const struct sockaddr_storage *address, char dst[WEB_ADDRESS_TEXT]);
