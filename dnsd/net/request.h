#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/dns/wire.h"
#include "dnsd/conf/snapshot.h"
#include "dnsd/query/answer.h"
#include "dnsd/stats/stats.h"

struct inbox;
struct xfr_out;

/*
 * From a message to its reply, for UDP and TCP alike. One responder a worker; it is used inside an
 * RCU read section only, after responder_begin in the same section.
 */
struct responder {
    const struct shared *shared;
    struct stats *stats;
    struct inbox *inbox;             // NOTIFY for the maintenance thread
    const struct snapshot *snapshot; // of this section
    const struct block_set *blocks;  // of this section
    struct answer_context answer;    // of this section
};

// Takes the present zones, block sets and settings for what follows in this read section.
void responder_begin(struct responder *responder, bool is_tcp);

struct request {
    const uint8_t *message;
    size_t size;
    const struct sockaddr *client;
    const struct dns_query *parsed; // by dns_query_read, with its result
    int rcode;
};

/*
 * Writes the reply into `out` and returns its size; 0 = drop. `out_size` is what the buffer holds;
 * what the client takes (512, EDNS) is looked at here. By TCP `*transfer` may get an outgoing zone
 * transfer (owned by the caller then), and the result is 0. A plain query allocates nothing, takes
 * no lock and logs nothing.
 */
size_t responder_reply(struct responder *responder, const struct request *request, uint8_t *out,
                       size_t out_size, struct xfr_out **transfer);
