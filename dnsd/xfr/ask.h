#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dnsd/conf/address.h"
#include "dnsd/xfr/message.h"

struct event_base;

/*
 * One question by UDP, asked again with growing pauses until an answer comes: SOA checks and
 * NOTIFY. Each has a connected socket of its own, so the kernel keeps strangers' packets away.
 * Maintenance thread.
 */
struct ask_options {
    struct event_base *base;
    const union address *to;
    const union address *source; // family 0 = the system's choice
    enum dns_opcode opcode;
    const struct name *name;
    uint16_t type;
    const struct message_soa *soa; // NOTIFY; NULL = none
    const struct tsig_key *key;    // copied; NULL = unsigned
    uint32_t timeout_ms;           // of the first try; doubles
    unsigned tries;
};
struct ask_answer {
    const uint8_t *message;
    size_t size;
    struct dns_header header;
    size_t answers_offset;
};
// `answer` NULL: none came (`e` says why). The ask is freed after the call.
typedef void (*ask_fn)(void *ctx, const struct ask_answer *answer, struct errmsg *e);

struct ask;
// Never calls `fn` from inside. ERR_… when the socket or message cannot be made.
NODISCARD enum err ask_start(const struct ask_options *options, ask_fn fn, void *ctx,
                             struct ask **out, struct errmsg *e);
void ask_cancel(struct ask *ask); // `fn` is not called any more; NULL is fine
