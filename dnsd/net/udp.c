#include "dnsd/net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/mem.h"
#include "dnsd/conf/address.h"

/*
 * The way of a UDP query. Runs in a worker, in an RCU read section. Three stages over the whole
 * batch, so that the memory of later queries can be on its way while earlier ones are answered:
 *
 *   receive ── parse all ── answer all ── send
 *
 * What costs most is the kernel's send path: one iovec, no control data (but on wildcard sockets),
 * the address no longer than it came.
 */

#define CONTROL_SIZE 64u // one in_pktinfo or in6_pktinfo with its header

struct datagram {
    union address peer;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
    struct dns_query parsed;
    int rcode;
};

struct udp_batch {
    struct responder *responder;
    struct mmsghdr received[UDP_BATCH];
    struct mmsghdr replies[UDP_BATCH];
    struct iovec in_vec[UDP_BATCH];
    struct iovec out_vec[UDP_BATCH];
    struct datagram datagrams[UDP_BATCH];
    uint8_t in[UDP_BATCH][UDP_MESSAGE_MAX];
    uint8_t out[UDP_BATCH][UDP_MESSAGE_MAX];
};

struct udp_batch *udp_batch_new(struct responder *responder)
{
    struct udp_batch *batch = mem_zalloc(sizeof *batch);
    batch->responder = responder;
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        batch->in_vec[i] = (struct iovec){.iov_base = batch->in[i], .iov_len = UDP_MESSAGE_MAX};
        batch->out_vec[i].iov_base = batch->out[i];
        batch->received[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->datagrams[i].peer, .msg_iov = &batch->in_vec[i], .msg_iovlen = 1};
    }
    return batch;
}

void udp_batch_free(struct udp_batch *batch)
{
    mem_free(batch);
}

static unsigned receive(struct udp_batch *batch, int fd, bool is_wildcard)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        struct msghdr *m = &batch->received[i].msg_hdr;
        m->msg_namelen = sizeof batch->datagrams[i].peer;
        m->msg_control = is_wildcard ? batch->datagrams[i].control : NULL;
        m->msg_controllen = is_wildcard ? CONTROL_SIZE : 0;
    }
    int n = recvmmsg(fd, batch->received, UDP_BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

static void parse_all(struct udp_batch *batch, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct datagram *d = &batch->datagrams[i];
        const struct mmsghdr *m = &batch->received[i];
        bool is_whole = (m->msg_hdr.msg_flags & MSG_TRUNC) == 0;
        d->rcode = is_whole ? dns_query_read(batch->in[i], m->msg_len, &d->parsed) : -1;
    }
}

// The reply leaves from the address that was asked. The interface is left to the routing table, but
// for link-local addresses, which mean nothing without it.
static void keep_source(struct msghdr *reply, const struct msghdr *request)
{
    reply->msg_control = NULL;
    reply->msg_controllen = 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(request);
    if (c == NULL) {
        return;
    }
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        info.ipi_ifindex = 0;
        memcpy(CMSG_DATA(c), &info, sizeof info);
        reply->msg_controllen = CMSG_SPACE(sizeof info);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
            info.ipi6_ifindex = 0;
        }
        memcpy(CMSG_DATA(c), &info, sizeof info);
        reply->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        return;
    }
    reply->msg_control = request->msg_control;
}

static unsigned answer_all(struct udp_batch *batch, unsigned n, bool is_wildcard)
{
    unsigned replies = 0;
    for (unsigned i = 0; i < n; i++) {
        struct datagram *d = &batch->datagrams[i];
        const struct msghdr *received = &batch->received[i].msg_hdr;
        struct request request = {.message = batch->in[i],
                                  .size = batch->received[i].msg_len,
                                  .client = &d->peer.sa,
                                  .parsed = &d->parsed,
                                  .rcode = d->rcode};
        struct xfr_out *never; // transfers are refused over UDP
        size_t size =
            responder_reply(batch->responder, &request, batch->out[i], UDP_MESSAGE_MAX, &never);
        if (size == 0) {
            continue;
        }
        batch->out_vec[i].iov_len = size;
        struct msghdr *reply = &batch->replies[replies].msg_hdr;
        *reply = (struct msghdr){.msg_name = &d->peer,
                                 .msg_namelen = received->msg_namelen,
                                 .msg_iov = &batch->out_vec[i],
                                 .msg_iovlen = 1};
        if (is_wildcard) {
            keep_source(reply, received);
        }
        replies++;
    }
    return replies;
}

// A reply that the kernel does not take (no route, full buffer) is lost, as on the way: the client
// asks again. The ones after it are sent.
static void send_all(struct udp_batch *batch, int fd, unsigned n)
{
    unsigned sent = 0;
    while (sent < n) {
        int k = sendmmsg(fd, batch->replies + sent, n - sent, MSG_DONTWAIT);
        if (k > 0) {
            sent += (unsigned)k;
        } else if (errno != EINTR) {
            stats_add(batch->responder->stats, STATS_SEND_FAILED, 1);
            sent++;
        }
    }
}

unsigned udp_batch_run(struct udp_batch *batch, int fd, bool is_wildcard)
{
    unsigned n = receive(batch, fd, is_wildcard);
    if (n == 0) {
        return 0;
    }
    stats_add(batch->responder->stats, STATS_UDP_QUERIES, n);
    parse_all(batch, n);
    responder_begin(batch->responder, false);
    unsigned replies = answer_all(batch, n, is_wildcard);
    send_all(batch, fd, replies);
    return n;
}
