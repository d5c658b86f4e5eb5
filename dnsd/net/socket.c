#include "dnsd/net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Server sockets. Control thread.

const char *const socket_kind_names[SOCKET_KIND_COUNT] = {
    [SOCKET_UDP] = "udp",
    [SOCKET_TCP] = "tcp",
};

static int make(enum socket_kind kind, const union address *address)
{
    int type = kind == SOCKET_UDP ? SOCK_DGRAM : SOCK_STREAM;
    return socket(address->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool switch_on(int fd, int level, int option)
{
    int one = 1;
    return setsockopt(fd, level, option, &one, sizeof one) == 0;
}

// What bind refuses, in words for the operator.
static enum err bind_error(struct errmsg *e, int errno_value)
{
    switch (errno_value) {
    case EADDRINUSE:
        return err_set(e, ERR_EXISTS, "the port is in use by another program");
    case EADDRNOTAVAIL:
        return err_set(e, ERR_UNAVAILABLE, "this host has no such address");
    case EACCES:
        return err_set(
            e, ERR_DENIED,
            "not allowed to use this port (start as root, or with CAP_NET_BIND_SERVICE)");
    default:
        return err_set(e, err_from_errno(errno_value), "%s", strerror(errno_value));
    }
}

enum err socket_probe(enum socket_kind kind, const union address *address, struct errmsg *e)
{
    int fd = make(kind, address);
    if (fd < 0) {
        return bind_error(e, errno);
    }
    // TCP: connections of a former run that wait out their time do not count.
    bool ok = (kind != SOCKET_TCP || switch_on(fd, SOL_SOCKET, SO_REUSEADDR)) &&
              (address->sa.sa_family != AF_INET6 || switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
              bind(fd, &address->sa, address_len(address)) == 0;
    enum err err = ok ? ERR_OK : bind_error(e, errno);
    close(fd);
    return err;
}

// Replies are not to be fragmented by what a forged ICMP says about the path, and the source
// address of each datagram's destination is told where it is not fixed.
static bool set_udp(int fd, const union address *address, const struct socket_options *options)
{
    bool is6 = address->sa.sa_family == AF_INET6;
    int discover = is6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT;
    int level = is6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = is6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
    (void)setsockopt(fd, level, option, &discover, sizeof discover);
    int receive = (int)options->receive_buffer;
    int send = (int)options->send_buffer;
    // The FORCE forms go over the system's limit where we may; else the limit stands.
    if (receive > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    }
    if (send > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send, sizeof send) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof send);
    }
    return !address_is_wildcard(address) ||
           switch_on(fd, level, is6 ? IPV6_RECVPKTINFO : IP_PKTINFO);
}

enum err socket_open(enum socket_kind kind, const union address *address,
                     const struct socket_options *options, int *fd, struct errmsg *e)
{
    int made = make(kind, address);
    if (made < 0) {
        return bind_error(e, errno);
    }
    bool ok = switch_on(made, SOL_SOCKET, SO_REUSEPORT) &&
              (address->sa.sa_family != AF_INET6 || switch_on(made, IPPROTO_IPV6, IPV6_V6ONLY));
    if (ok && kind == SOCKET_UDP) {
        ok = set_udp(made, address, options);
    } else if (ok) {
        // Accepted connections inherit it: replies are whole and must not wait for an ACK.
        ok = switch_on(made, SOL_SOCKET, SO_REUSEADDR) && switch_on(made, IPPROTO_TCP, TCP_NODELAY);
    }
    ok = ok && bind(made, &address->sa, address_len(address)) == 0 &&
         (kind != SOCKET_TCP || listen(made, (int)options->backlog) == 0);
    if (!ok) {
        enum err err = bind_error(e, errno);
        close(made);
        return err;
    }
    *fd = made;
    return ERR_OK;
}
