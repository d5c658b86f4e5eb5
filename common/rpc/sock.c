#include "common/rpc/sock.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/str.h"
#include "common/rpc/frame.h"

enum {
    // The kernel's share of what may be on its way in one direction; it gives what it allows.
    BUFFER_BYTES = 1024 * 1024,
    RECONNECT_MS = 20,
    RECONNECT_MS_MAX = 250,
};

static const struct {
    int domain;
    int protocol;
    bool sends;
    bool receives;
} kinds[] = {
    [RPC_SOCK_REQ] = {AF_SP_RAW, NN_REQ, true, true},
    [RPC_SOCK_REP] = {AF_SP_RAW, NN_REP, true, true},
    [RPC_SOCK_PUB] = {AF_SP, NN_PUB, true, false},
    [RPC_SOCK_SUB] = {AF_SP, NN_SUB, false, true},
};

static enum err fail(struct errmsg *e, const char *what, const char *path)
{
    int number = nn_errno();
    return err_set(e, err_from_errno(number), "cannot %s %s: %s", what, path, nn_strerror(number));
}

static bool set_int(int number, int option, int value)
{
    return nn_setsockopt(number, NN_SOL_SOCKET, option, &value, sizeof value) == 0;
}

static bool get_fd(int number, int option, int *fd)
{
    size_t size = sizeof *fd;
    return nn_getsockopt(number, NN_SOL_SOCKET, option, fd, &size) == 0;
}

enum err rpc_sock_open(enum rpc_sock_kind kind, struct rpc_sock *out, struct errmsg *e)
{
    struct rpc_sock sock = {.receive_fd = -1, .send_fd = -1, .endpoint = -1};
    sock.number = nn_socket(kinds[kind].domain, kinds[kind].protocol);
    if (sock.number < 0) {
        return fail(e, "make", "a socket");
    }
    // A message with its SP header; what is larger breaks the connection that it came by.
    int size_max = (int)(RPC_MESSAGE_MAX + FRAME_HEAD + sizeof(struct rpc_route));
    bool ok = set_int(sock.number, NN_RECONNECT_IVL, RECONNECT_MS) &&
              set_int(sock.number, NN_RECONNECT_IVL_MAX, RECONNECT_MS_MAX) &&
              set_int(sock.number, NN_RCVMAXSIZE, size_max);
    if (kinds[kind].sends) {
        ok = ok && set_int(sock.number, NN_SNDBUF, BUFFER_BYTES);
        ok = ok && get_fd(sock.number, NN_SNDFD, &sock.send_fd);
    }
    if (kinds[kind].receives) {
        ok = ok && get_fd(sock.number, NN_RCVFD, &sock.receive_fd);
    }
    if (!ok) {
        enum err err = fail(e, "set up", "a socket");
        nn_close(sock.number);
        return err;
    }
    *out = sock;
    return ERR_OK;
}

void rpc_sock_close(struct rpc_sock *sock)
{
    if (sock->number < 0) {
        return;
    }
    // EINTR leaves the socket open.
    while (nn_close(sock->number) != 0 && nn_errno() == EINTR) {
    }
    sock->number = -1;
}

static void url_of(const char *path, char *url, size_t size)
{
    snprintf(url, size, "ipc://%s", path);
}

enum err rpc_sock_bind(struct rpc_sock *sock, const char *path, struct errmsg *e)
{
    char url[RPC_PATH_MAX + 8];
    url_of(path, url, sizeof url);
    if (nn_bind(sock->number, url) < 0) {
        return nn_errno() == EADDRINUSE
                   ? err_set(e, ERR_EXISTS, "another process serves %s", path)
                   : fail(e, "listen on", path);
    }
    // Connecting needs the right to write to the file; the folder keeps others away.
    if (chmod(path, 0660) != 0) {
        return err_set(e, err_from_errno(errno), "cannot open %s to its group: %s", path,
                       strerrordesc_np(errno));
    }
    return ERR_OK;
}

static int connect_endpoint(struct rpc_sock *sock)
{
    char url[RPC_PATH_MAX + 8];
    url_of(sock->path, url, sizeof url);
    sock->connects_before = rpc_sock_connects(sock);
    sock->endpoint = nn_connect(sock->number, url);
    return sock->endpoint;
}

enum err rpc_sock_connect(struct rpc_sock *sock, const char *path, struct errmsg *e)
{
    if (!str_copy(sock->path, sizeof sock->path, path)) {
        return err_set(e, ERR_INVALID, "socket path too long: %s", path);
    }
    return connect_endpoint(sock) < 0 ? fail(e, "connect to", path) : ERR_OK;
}

void rpc_sock_renew(struct rpc_sock *sock)
{
    if (rpc_sock_is_connected(sock) || rpc_sock_connects(sock) == sock->connects_before) {
        return;
    }
    if (sock->endpoint >= 0 && nn_shutdown(sock->number, sock->endpoint) != 0) {
        return;
    }
    (void)connect_endpoint(sock);
}

enum err rpc_sock_subscribe(struct rpc_sock *sock, const void *prefix, size_t len, struct errmsg *e)
{
    return nn_setsockopt(sock->number, NN_SUB, NN_SUB_SUBSCRIBE, prefix, len) != 0
               ? fail(e, "subscribe to", "hints")
               : ERR_OK;
}

// ---- messages ----------------------------------------------------------------------------------

/*
 * The SP header travels as ancillary data, with a length of its own in front:
 *
 *   struct nn_cmsghdr | size_t length | bytes, padded to a size_t
 */
struct control {
    struct nn_cmsghdr head;
    size_t len;
    uint8_t bytes[sizeof((struct rpc_route *)0)->bytes];
};

bool rpc_sock_send(struct rpc_sock *sock, const struct rpc_route *route, const void *bytes,
                   size_t len)
{
    union {
        const void *in;
        void *out;
    } unconst = {.in = bytes};   // nanomsg only reads from it
    struct nn_iovec piece = {.iov_base = unconst.out, .iov_len = len};
    struct nn_msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    struct control control = {.head = {.cmsg_level = PROTO_SP, .cmsg_type = SP_HDR}};
    if (route != NULL) {
        control.head.cmsg_len = NN_CMSG_SPACE(sizeof control.len + route->len);
        control.len = route->len;
        memcpy(control.bytes, route->bytes, route->len);
        message.msg_control = &control;
        message.msg_controllen = control.head.cmsg_len;
    }
    return nn_sendmsg(sock->number, &message, NN_DONTWAIT) >= 0;
}

bool rpc_sock_receive(struct rpc_sock *sock, struct rpc_route *route, void **message, size_t *len)
{
    void *bytes = NULL;
    struct control control;
    memset(&control, 0, sizeof control);
    struct nn_iovec piece = {.iov_base = &bytes, .iov_len = NN_MSG};
    struct nn_msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    if (route != NULL) {
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
    }
    int got = nn_recvmsg(sock->number, &header, NN_DONTWAIT);
    if (got < 0) {
        return false;
    }
    if (route != NULL) {
        // Left empty when the header did not fit: a reply to it goes nowhere.
        bool is_header = control.head.cmsg_level == PROTO_SP && control.head.cmsg_type == SP_HDR;
        route->len = is_header && control.len <= sizeof route->bytes ? control.len : 0;
        memcpy(route->bytes, control.bytes, route->len);
    }
    *message = bytes;
    *len = (size_t)got;
    return true;
}

void rpc_sock_free(void *message)
{
    nn_freemsg(message);
}

uint64_t rpc_sock_connects(const struct rpc_sock *sock)
{
    return nn_get_statistic(sock->number, NN_STAT_ESTABLISHED_CONNECTIONS);
}

bool rpc_sock_is_connected(const struct rpc_sock *sock)
{
    return nn_get_statistic(sock->number, NN_STAT_CURRENT_CONNECTIONS) > 0;
}

enum err rpc_sock_path(const char *run_dir, enum rpc_party server, enum rpc_party caller,
                       const char *file, char path[RPC_PATH_MAX], struct errmsg *e)
{
    int len = snprintf(path, RPC_PATH_MAX, "%s/%s/%s/%s", run_dir, rpc_party_name(server),
                       rpc_party_name(caller), file);
    if (len < 0 || len >= RPC_PATH_MAX) {
        return err_set(e, ERR_INVALID,
                       "run_dir %s is too long: socket names have at most %d characters", run_dir,
                       RPC_PATH_MAX - 1);
    }
    return ERR_OK;
}
