#pragma once

#include <stdbool.h>

#include "dnsd/net/request.h"

/*
 * UDP in batches: receive up to UDP_BATCH datagrams, take all apart, answer all, send. The buffers
 * of one worker; they serve all of its sockets in turn.
 */
#define UDP_BATCH       64u
#define UDP_MESSAGE_MAX 4096u // requests and replies; larger ones are for TCP

struct udp_batch;
struct udp_batch *udp_batch_new(struct responder *responder);
void udp_batch_free(struct udp_batch *batch);

// One batch of the socket `fd`, in an RCU read section. `is_wildcard`: the socket is bound to a
// wildcard address, and replies must leave from the address that was asked. Returns how many
// datagrams came: less than UDP_BATCH = the socket is drained.
unsigned udp_batch_run(struct udp_batch *batch, int fd, bool is_wildcard);
