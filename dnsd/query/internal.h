#pragma once

#include "common/dns/name.h"
#include "dnsd/query/answer.h"
#include "dnsd/query/reply.h"
#include "dnsd/zone/version.h"

// Between the files of this folder.

// Aliases that are followed for one query.
#define CHAIN_MAX 16

// The name that is being looked up; it changes along a CNAME or DNAME chain.
struct lookup {
    struct name name;                             // folded
    unsigned labels;
    uint8_t offsets[NAME_MAX_LABELS + 1];
    uint64_t hashes[NAME_MAX_LABELS + 1];
    uint16_t type;
    const struct zone *zone;
    const struct zone_version *version;
    // Proofs of the wildcards that the chain went through; they wait for the end of the answer section.
    const struct zone_node *waiting[CHAIN_MAX];
    unsigned waiting_count;
};
// Fills offsets and hashes from the name.
void lookup_prepare(struct lookup *lookup);

// ---- answer_dnssec.c: what proves an answer (RFC 4035 section 3.1.3, RFC 5155 section 7.2) --------
// All do nothing unless the query has DO and the zone is signed; false = it did not fit.

// The signatures over `type` at `node`, for owner `name_lower` (a wildcard's answer has another).
bool dnssec_sigs(struct reply *reply, enum reply_section section, const struct zone_node *node,
                 const uint8_t *name_lower, uint16_t type, uint32_t ttl);
// The name is there, the type is not.
bool dnssec_no_data(struct reply *reply, const struct lookup *lookup, const struct zone_node *node);
// The name is not there. `encloser_label`: where the closest encloser begins in the name.
bool dnssec_no_name(struct reply *reply, const struct lookup *lookup, unsigned encloser_label);
// The answer came from a wildcard: the name itself is not there.
bool dnssec_wildcard(struct reply *reply, const struct lookup *lookup, unsigned encloser_label);
// The same for an alias: the proof waits until dnssec_put_waiting, because answers may still follow.
void dnssec_wildcard_alias(const struct reply *reply, struct lookup *lookup, unsigned encloser_label);
// Puts what waits, once; before anything goes into the additional section.
bool dnssec_put_waiting(struct reply *reply, struct lookup *lookup);
// The wildcard is there, the type is not.
bool dnssec_wildcard_no_data(struct reply *reply, const struct lookup *lookup,
                             unsigned encloser_label, const struct zone_node *wildcard);
// A delegation without DS.
bool dnssec_no_ds(struct reply *reply, const struct lookup *lookup, const struct zone_node *cut);

// ---- answer_block.c ------------------------------------------------------------------------------

// Answers when the name is blocked; false = it is not.
bool block_answer(struct reply *reply, const struct answer_context *context,
                  const struct lookup *lookup);
