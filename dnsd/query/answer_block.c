#include <string.h>

#include "common/base/cursor.h"
#include "dnsd/block/block.h"
#include "dnsd/query/internal.h"

/*
 * Answers for blocked names: by the policy's kind NXDOMAIN, 0.0.0.0 and ::, or the operator's own
 * addresses; other types get NODATA. TXT gets the reason where reports are on. Each has Extended DNS
 * Error 15 (RFC 8914) when the client speaks EDNS.
 */

static const uint8_t any_address[16];

static void put_all(struct reply *reply, const struct lookup *lookup, uint16_t type, uint32_t ttl,
                    const uint8_t *addresses, size_t count, uint16_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (!reply_record(reply, REPLY_ANSWER, lookup->name.wire, type, CLASS_IN, ttl,
                          addresses + i * size, size)) {
            reply_truncate(reply);
            return;
        }
    }
}

static void put_addresses(struct reply *reply, const struct lookup *lookup,
                          const struct block_policy *policy)
{
    bool is_custom = policy->answer == BLOCK_CUSTOM;
    if (lookup->type == TYPE_A) {
        put_all(reply, lookup, TYPE_A, policy->ttl,
                is_custom ? (const uint8_t *)policy->custom4 : any_address,
                is_custom ? policy->custom4_count : 1, 4);
    } else if (lookup->type == TYPE_AAAA) {
        put_all(reply, lookup, TYPE_AAAA, policy->ttl,
                is_custom ? (const uint8_t *)policy->custom6 : any_address,
                is_custom ? policy->custom6_count : 1, 16);
    }
}

static void put_report(struct reply *reply, const struct lookup *lookup, const uint8_t *entry,
                       uint32_t ttl)
{
    static const char reason[] = "source=blocked; domain=";
    char domain[NAME_MAX_TEXT];
    uint8_t rdata[256];
    name_to_text(entry, domain);
    size_t head = sizeof reason - 1;
    size_t tail = strnlen(domain, sizeof rdata - 1 - head);
    rdata[0] = (uint8_t)(head + tail);
    memcpy(rdata + 1, reason, head);
    memcpy(rdata + 1 + head, domain, tail);
    if (!reply_record(reply, REPLY_ANSWER, lookup->name.wire, TYPE_TXT, CLASS_IN, ttl, rdata,
                      (uint16_t)(1 + head + tail))) {
        reply_truncate(reply);
    }
}

// A negative answer needs a SOA so that it is kept for the policy's TTL (RFC 2308 section 5). Its
// owner is the entry that blocks.
static void put_soa(struct reply *reply, const uint8_t *entry, uint32_t ttl)
{
    static const uint8_t localhost[] = "\011localhost";
    static const uint8_t nobody[] = "\006nobody\007invalid";
    uint8_t rdata[sizeof localhost + sizeof nobody + 20];
    struct cursor c = cursor_over(rdata, sizeof rdata);
    cursor_put(&c, localhost, sizeof localhost);
    cursor_put(&c, nobody, sizeof nobody);
    const uint32_t numbers[5] = {1, 3600, 600, 86400, ttl};
    for (size_t i = 0; i < 5; i++) {
        cursor_put_u32(&c, numbers[i]);
    }
    (void)reply_record(reply, REPLY_AUTHORITY, entry, TYPE_SOA, CLASS_IN, ttl, rdata, sizeof rdata);
}

bool block_answer(struct reply *reply, const struct answer_context *context,
                  const struct lookup *lookup)
{
    unsigned matched;
    if (context->blocks == NULL || !block_set_policy(context->blocks)->enabled ||
        !block_set_match(context->blocks, lookup->name.wire, lookup->offsets, lookup->labels,
                         lookup->hashes, &matched)) {
        return false;
    }
    const struct block_policy *policy = block_set_policy(context->blocks);
    const uint8_t *entry = lookup->name.wire + lookup->offsets[matched];
    reply->ede = EDE_BLOCKED;
    if (lookup->type == TYPE_TXT && policy->txt_report) {
        put_report(reply, lookup, entry, policy->ttl);
        return true;
    }
    if (policy->answer == BLOCK_NXDOMAIN) {
        reply->rcode = RCODE_NXDOMAIN;
    } else {
        put_addresses(reply, lookup, policy);
    }
    if (reply->counts[REPLY_ANSWER] == 0 && !reply_is_truncated(reply)) {
        put_soa(reply, entry, policy->ttl);
    }
    return true;
}
