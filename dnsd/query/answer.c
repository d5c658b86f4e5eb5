#include "dnsd/query/answer.h"

#include <string.h>

#include "dnsd/query/internal.h"
#include "dnsd/zone/access.h"

/*
 * The way of a query, from its name to a finished reply. Worker threads, within the RCU read side;
 * allocates nothing, takes no lock.
 *
 *   answer_query ─▶ CHAOS
 *                ─▶ follow ─▶ blocked? ─▶ closest zone ─▶ zone_step: delegation, DNAME, exact name,
 *                     ▲                                    wildcard, NODATA, NXDOMAIN
 *                     └─────────── CNAME or DNAME: with the target as the name ┘
 */
enum step {
    STEP_DONE,     // the reply is as it should be
    STEP_CHAIN,    // lookup->name is the target of an alias: go on with it
};

void lookup_prepare(struct lookup *lookup)
{
    lookup->labels = name_label_offsets(lookup->name.wire, lookup->offsets) - 1;
    name_hashes(lookup->name.wire, lookup->offsets, lookup->labels, lookup->hashes);
}

// ---- sections ----------------------------------------------------------------------------------

// An RRset of a node with its signatures, when they are asked for. What does not fit truncates.
static void put_rrset(struct reply *reply, enum reply_section section, const struct zone_node *node,
                      const uint8_t *owner, const struct zone_rrset *rrset, uint32_t ttl)
{
    if (!reply_rrset(reply, section, owner, rrset, ttl) ||
        !dnssec_sigs(reply, section, node, owner, rrset->type, ttl)) {
        reply_truncate(reply);
    }
}

static void require(struct reply *reply, bool fits)
{
    if (!fits) {
        reply_truncate(reply);
    }
}

// The SOA of a negative answer, with the negative TTL (RFC 2308 section 3).
static void put_negative_soa(struct reply *reply, const struct lookup *lookup)
{
    const struct zone_node *apex = lookup->version->apex;
    struct zone_rrset soa;
    if (!zone_node_rrset(apex, TYPE_SOA, false, &soa)) {
        return;
    }
    uint32_t minimum = lookup->version->soa.minimum;
    uint32_t ttl = soa.ttl < minimum ? soa.ttl : minimum;
    put_rrset(reply, REPLY_AUTHORITY, apex, zone_node_name(apex), &soa, ttl);
}

static const struct zone_node *find_target(const struct lookup *lookup, const uint8_t *target,
                                           size_t len, struct name *name)
{
    name->len = (uint8_t)len;
    memcpy(name->wire, target, len);
    name_fold(name->wire);
    if (!name_is_below_or_equal(name->wire, zone_node_name(lookup->version->apex))) {
        return NULL;
    }
    return version_find(lookup->version, name->wire, name_hash(name->wire));
}

// A and AAAA of a node into the additional section; false = not all of it fitted.
static bool put_addresses(struct reply *reply, const struct zone_node *node)
{
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA};
    bool fits = true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct zone_rrset rrset;
        const uint8_t *name = zone_node_name(node);
        if (zone_node_rrset(node, types[i], false, &rrset)) {
            fits = reply_rrset(reply, REPLY_ADDITIONAL, name, &rrset, rrset.ttl) &&
                   dnssec_sigs(reply, REPLY_ADDITIONAL, node, name, types[i], rrset.ttl) && fits;
        }
    }
    return fits;
}

// Addresses of the cut's name servers. Those below the cut must be there (RFC 9471), the others
// are put when there is room.
static void put_glue(struct reply *reply, const struct lookup *lookup, const struct zone_node *cut,
                     const struct zone_rrset *ns, bool is_required)
{
    size_t offset = 0;
    uint16_t len;
    const uint8_t *target;
    while ((target = zone_rrset_next(ns, &offset, &len)) != NULL && !reply_is_truncated(reply)) {
        struct name name;
        const struct zone_node *node = find_target(lookup, target, len, &name);
        if (node != NULL &&
            name_is_below_or_equal(name.wire, zone_node_name(cut)) == is_required &&
            !put_addresses(reply, node) && is_required) {
            reply_truncate(reply);
        }
    }
}

// Who asks for the name servers of a zone wants their addresses next (priming: RFC 8109).
static void put_server_addresses(struct reply *reply, const struct lookup *lookup,
                                 const struct zone_rrset *ns)
{
    size_t offset = 0;
    uint16_t len;
    const uint8_t *target;
    while ((target = zone_rrset_next(ns, &offset, &len)) != NULL && !reply_is_truncated(reply)) {
        struct name name;
        const struct zone_node *node = find_target(lookup, target, len, &name);
        if (node != NULL) {
            (void)put_addresses(reply, node);
        }
    }
}

static void put_referral(struct reply *reply, struct lookup *lookup,
                         const struct zone_node *cut)
{
    struct zone_rrset ns;
    struct zone_rrset ds;
    if (!zone_node_rrset(cut, TYPE_NS, false, &ns)) {
        return;
    }
    if (reply->counts[REPLY_ANSWER] == 0) {
        reply->flags &= (uint16_t)~DNS_AA;
    }
    require(reply, dnssec_put_waiting(reply, lookup));
    require(reply, reply_rrset(reply, REPLY_AUTHORITY, zone_node_name(cut), &ns, ns.ttl));
    bool is_signed = lookup->version->denial != DENIAL_NONE;
    if (reply->dnssec_ok && is_signed && zone_node_rrset(cut, TYPE_DS, false, &ds)) {
        put_rrset(reply, REPLY_AUTHORITY, cut, zone_node_name(cut), &ds, ds.ttl);
    } else {
        require(reply, dnssec_no_ds(reply, lookup, cut));
    }
    put_glue(reply, lookup, cut, &ns, true);
    put_glue(reply, lookup, cut, &ns, false);
}

// ---- one name in one zone ----------------------------------------------------------------------

static const uint8_t *first_rdata(const struct zone_rrset *rrset, uint16_t *len)
{
    size_t offset = 0;
    return zone_rrset_next(rrset, &offset, len);
}

static void set_target(struct lookup *lookup, const uint8_t *target, size_t len)
{
    memcpy(lookup->name.wire, target, len);
    lookup->name.len = (uint8_t)len;
    name_fold(lookup->name.wire);
    lookup_prepare(lookup);
}

// RFC 6672: the DNAME, a CNAME made from it, and the target as the next name.
static enum step dname_step(struct reply *reply, struct lookup *lookup, const struct zone_node *node)
{
    struct zone_rrset dname;
    uint16_t len;
    if (!zone_node_rrset(node, TYPE_DNAME, false, &dname)) {
        return STEP_DONE;
    }
    const uint8_t *to = first_rdata(&dname, &len);
    put_rrset(reply, REPLY_ANSWER, node, zone_node_name(node), &dname, dname.ttl);
    struct name target;
    size_t prefix = lookup->name.len - (size_t)node->name_len;
    if (!name_join(lookup->name.wire, prefix, to, &target)) {
        reply->rcode = RCODE_YXDOMAIN;
        return STEP_DONE;
    }
    require(reply, reply_record(reply, REPLY_ANSWER, lookup->name.wire, TYPE_CNAME, CLASS_IN,
                                dname.ttl, target.wire, target.len));
    if (lookup->type == TYPE_CNAME || lookup->type == TYPE_ANY) {
        return STEP_DONE;    // that CNAME is what was asked for
    }
    set_target(lookup, target.wire, target.len);
    return STEP_CHAIN;
}

// RFC 8482 section 4.1: one RRset stands for all.
static bool put_any(struct reply *reply, const struct lookup *lookup, const struct zone_node *node)
{
    const uint8_t *at = zone_node_rrsets(node);
    const uint8_t *end = at + node->rrsets_size;
    while (at < end) {
        struct zone_rrset rrset;
        at = zone_rrset_unpack(at, &rrset);
        const struct rr_type *row = rr_type_find(rrset.type);
        if (rrset.covered == 0 && (row == NULL || (row->flags & RR_DNSSEC) == 0)) {
            put_rrset(reply, REPLY_ANSWER, node, lookup->name.wire, &rrset, rrset.ttl);
            return true;
        }
    }
    return false;
}

// RRSIG asked for by name: all signatures of the node.
static bool put_all_sigs(struct reply *reply, const struct lookup *lookup,
                         const struct zone_node *node)
{
    const uint8_t *at = zone_node_rrsets(node);
    const uint8_t *end = at + node->rrsets_size;
    bool found = false;
    while (at < end) {
        struct zone_rrset rrset;
        at = zone_rrset_unpack(at, &rrset);
        if (rrset.covered != 0) {
            require(reply, reply_rrset(reply, REPLY_ANSWER, lookup->name.wire, &rrset, rrset.ttl));
            found = true;
        }
    }
    return found;
}

// Data of `node` as the answer for the name (the node's own, or a wildcard's). false = NODATA.
static bool put_data(struct reply *reply, const struct lookup *lookup, const struct zone_node *node)
{
    struct zone_rrset rrset;
    if (lookup->type == TYPE_ANY) {
        return put_any(reply, lookup, node);
    }
    if (lookup->type == TYPE_RRSIG) {
        return put_all_sigs(reply, lookup, node);
    }
    if (!zone_node_rrset(node, lookup->type, false, &rrset)) {
        return false;
    }
    put_rrset(reply, REPLY_ANSWER, node, lookup->name.wire, &rrset, rrset.ttl);
    return true;
}

// What belongs behind an answer's proofs: the addresses of the name servers that were asked for.
static void put_additional(struct reply *reply, struct lookup *lookup, const struct zone_node *node)
{
    struct zone_rrset ns;
    if (lookup->type == TYPE_NS && zone_node_rrset(node, TYPE_NS, false, &ns)) {
        require(reply, dnssec_put_waiting(reply, lookup));
        put_server_addresses(reply, lookup, &ns);
    }
}

// Is the CNAME to be followed: the type is none that the name has itself (NSEC may stand beside it)?
static bool is_alias(const struct lookup *lookup, const struct zone_node *node)
{
    struct zone_rrset own;
    return (node->flags & NODE_CNAME) != 0 && lookup->type != TYPE_ANY &&
           lookup->type != TYPE_RRSIG && !zone_node_rrset(node, lookup->type, false, &own);
}

// The CNAME goes into the answer; the caller goes on with its target.
static bool put_alias(struct reply *reply, const struct lookup *lookup, const struct zone_node *node,
                      struct name *target)
{
    struct zone_rrset cname;
    uint16_t len;
    if (!zone_node_rrset(node, TYPE_CNAME, false, &cname)) {
        return false;
    }
    put_rrset(reply, REPLY_ANSWER, node, lookup->name.wire, &cname, cname.ttl);
    const uint8_t *to = first_rdata(&cname, &len);
    memcpy(target->wire, to, len);
    target->len = (uint8_t)len;
    return true;
}

static enum step name_step(struct reply *reply, struct lookup *lookup, const struct zone_node *node)
{
    struct name target;
    if (is_alias(lookup, node) && put_alias(reply, lookup, node, &target)) {
        set_target(lookup, target.wire, target.len);
        return STEP_CHAIN;
    }
    if (put_data(reply, lookup, node)) {
        put_additional(reply, lookup, node);
    } else {
        put_negative_soa(reply, lookup);
        require(reply, dnssec_no_data(reply, lookup, node));
    }
    return STEP_DONE;
}

// RFC 4592: "*.<closest encloser>" answers for the name.
static enum step wildcard_step(struct reply *reply, struct lookup *lookup,
                               const struct zone_node *wildcard, unsigned encloser_label)
{
    struct name target;
    if (is_alias(lookup, wildcard) && put_alias(reply, lookup, wildcard, &target)) {
        dnssec_wildcard_alias(reply, lookup, encloser_label);
        set_target(lookup, target.wire, target.len);
        return STEP_CHAIN;
    }
    if (put_data(reply, lookup, wildcard)) {
        require(reply, dnssec_wildcard(reply, lookup, encloser_label));
        put_additional(reply, lookup, wildcard);
    } else {
        put_negative_soa(reply, lookup);
        require(reply, dnssec_wildcard_no_data(reply, lookup, encloser_label, wildcard));
    }
    return STEP_DONE;
}

static const struct zone_node *find_wildcard(const struct zone_version *version,
                                             const struct zone_node *encloser)
{
    static const uint8_t star[2] = {1, '*'};
    struct name name;
    if ((encloser->flags & NODE_WILDCARD_CHILD) == 0 ||
        !name_join(star, sizeof star, zone_node_name(encloser), &name)) {
        return NULL;
    }
    return version_find(version, name.wire, name_hash(name.wire));
}

// A delegation or DNAME above the name, seen from `node`, which is at or above the name.
static enum step cut_step(struct reply *reply, struct lookup *lookup, const struct zone_node *node)
{
    const struct zone_node *cut = version_topmost_cut(lookup->version, node);
    if ((cut->flags & NODE_CUT) != 0) {
        put_referral(reply, lookup, cut);
        return STEP_DONE;
    }
    return dname_step(reply, lookup, cut);
}

static enum step zone_step(struct reply *reply, struct lookup *lookup)
{
    const struct zone_version *version = lookup->version;
    const struct zone_node *node = version_find(version, lookup->name.wire, lookup->hashes[0]);
    if (node != NULL) {
        bool is_ds_at_cut = (node->flags & NODE_CUT) != 0 && lookup->type == TYPE_DS;
        if ((node->flags & NODE_BELOW) != 0 || ((node->flags & NODE_CUT) != 0 && !is_ds_at_cut)) {
            return cut_step(reply, lookup, node);
        }
        return name_step(reply, lookup, node);
    }
    unsigned label = 0;
    const struct zone_node *encloser = version_encloser(
        version, lookup->name.wire, lookup->offsets, lookup->labels, lookup->hashes, &label);
    if ((encloser->flags & (NODE_BELOW | NODE_CUT | NODE_DNAME)) != 0) {
        return cut_step(reply, lookup, encloser);
    }
    const struct zone_node *wildcard = find_wildcard(version, encloser);
    if (wildcard != NULL) {
        return wildcard_step(reply, lookup, wildcard, label);
    }
    reply->rcode = RCODE_NXDOMAIN;
    put_negative_soa(reply, lookup);
    require(reply, dnssec_no_name(reply, lookup, label));
    return STEP_DONE;
}

// ---- from name to zone -------------------------------------------------------------------------

// DS belongs to the parent side of a cut (RFC 4035 section 3.1.4.1): at the apex of one of our zones
// the zone above answers, if it is ours too.
static struct zone *closest_zone(const struct answer_context *context, const struct lookup *lookup)
{
    struct zone *zone = zone_table_closest(context->zones, lookup->name.wire, lookup->offsets,
                                           lookup->labels, lookup->hashes);
    if (zone == NULL || lookup->type != TYPE_DS || lookup->labels == 0 ||
        zone_apex(zone)->len != lookup->name.len) {
        return zone;
    }
    const uint8_t *above = lookup->name.wire + lookup->offsets[1];
    uint8_t offsets[NAME_MAX_LABELS + 1];
    for (unsigned i = 0; i < lookup->labels; i++) {
        offsets[i] = (uint8_t)(lookup->offsets[i + 1] - lookup->offsets[1]);
    }
    struct zone *parent = zone_table_closest(context->zones, above, offsets, lookup->labels - 1,
                                             lookup->hashes + 1);
    return parent != NULL ? parent : zone;
}

static void refuse(struct reply *reply, struct answer_note *note, uint16_t rcode, int ede)
{
    reply->rcode = rcode;
    reply->ede = ede;
    note->source = ANSWER_REFUSED;
}

// Finds the zone of the first name and checks that it may answer.
static bool enter_zone(struct reply *reply, const struct answer_context *context,
                       struct lookup *lookup, struct answer_note *note)
{
    struct zone *zone = closest_zone(context, lookup);
    if (zone == NULL || zone_options(zone)->disabled) {
        refuse(reply, note, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
        return false;
    }
    note->zone = zone;
    if (context->client != NULL &&
        !access_allowed(context->zones, zone, ACCESS_QUERY, context->client)) {
        refuse(reply, note, RCODE_REFUSED, EDE_PROHIBITED);
        return false;
    }
    if (!zone_serves(zone, context->now_s)) {
        refuse(reply, note, RCODE_SERVFAIL, EDE_NOT_READY);
        note->source = ANSWER_ERROR;
        return false;
    }
    lookup->zone = zone;
    lookup->version = zone_current(zone);
    return true;
}

// The zone of an alias' target; without one of ours the chain ends there, which is no fault.
static bool enter_target(const struct answer_context *context, struct lookup *lookup)
{
    struct zone *zone = closest_zone(context, lookup);
    if (zone == NULL || !zone_serves(zone, context->now_s) ||
        (context->client != NULL &&
         !access_allowed(context->zones, zone, ACCESS_QUERY, context->client))) {
        return false;
    }
    lookup->zone = zone;
    lookup->version = zone_current(zone);
    return true;
}

// Has the chain been at this name? Then all of its loop is in the answer.
static bool was_seen(const struct lookup *lookup, const uint64_t *seen, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (seen[i] == lookup->hashes[0]) {
            return true;
        }
    }
    return false;
}

static void follow(struct reply *reply, const struct answer_context *context,
                   const struct dns_query *parsed, struct answer_note *note)
{
    struct lookup lookup;
    lookup.name.len = parsed->qname.len;
    memcpy(lookup.name.wire, parsed->qname.wire, parsed->qname.len);
    name_fold(lookup.name.wire);
    lookup.type = parsed->qtype;
    lookup.waiting_count = 0;
    lookup_prepare(&lookup);
    if (block_answer(reply, context, &lookup)) {
        note->source = ANSWER_BLOCKED;
        return;
    }
    if (!enter_zone(reply, context, &lookup, note)) {
        return;
    }
    note->source = ANSWER_ZONE;
    reply->flags |= DNS_AA;
    uint64_t seen[CHAIN_MAX];
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        seen[i] = lookup.hashes[0];
        if (zone_step(reply, &lookup) == STEP_DONE || reply_is_truncated(reply) ||
            was_seen(&lookup, seen, i + 1) || !enter_target(context, &lookup)) {
            break;
        }
    }
    require(reply, dnssec_put_waiting(reply, &lookup));
}

// ---- CHAOS -------------------------------------------------------------------------------------

static const struct {
    const char *name;
    size_t context_offset;    // of the text in struct answer_context
} chaos_rows[] = {
    {"version.bind", offsetof(struct answer_context, version)},
    {"version.server", offsetof(struct answer_context, version)},
    {"id.server", offsetof(struct answer_context, server_name)},
    {"hostname.bind", offsetof(struct answer_context, server_name)},
};

static const char *chaos_text(const struct answer_context *context, const uint8_t *name)
{
    char text[NAME_MAX_TEXT];
    name_to_text(name, text);
    for (size_t i = 0; i < sizeof chaos_rows / sizeof chaos_rows[0]; i++) {
        if (strcmp(text, chaos_rows[i].name) == 0) {
            const char *value;
            memcpy(&value, (const char *)context + chaos_rows[i].context_offset, sizeof value);
            return value;
        }
    }
    return NULL;
}

static void answer_chaos(struct reply *reply, const struct answer_context *context,
                         const struct dns_query *parsed, struct answer_note *note)
{
    struct name name = parsed->qname;
    name_fold(name.wire);
    const char *text = context->hide_identity ? NULL : chaos_text(context, name.wire);
    if (text == NULL || (parsed->qtype != TYPE_TXT && parsed->qtype != TYPE_ANY)) {
        refuse(reply, note, RCODE_REFUSED, EDE_PROHIBITED);
        return;
    }
    uint8_t rdata[256];
    size_t len = strnlen(text, sizeof rdata - 1);
    rdata[0] = (uint8_t)len;
    memcpy(rdata + 1, text, len);
    note->source = ANSWER_CHAOS;
    reply->flags |= DNS_AA;
    require(reply, reply_record(reply, REPLY_ANSWER, name.wire, TYPE_TXT, CLASS_CH, 0, rdata,
                                (uint16_t)(len + 1)));
}

// ------------------------------------------------------------------------------------------------

size_t answer_query(const struct answer_context *context, const uint8_t *query, size_t query_size,
                    const struct dns_query *parsed, uint8_t *out, size_t out_size,
                    struct answer_note *note)
{
    struct reply reply;
    struct answer_note unused;
    note = note != NULL ? note : &unused;
    *note = (struct answer_note){.source = ANSWER_ERROR};
    reply_begin(&reply, query, query_size, parsed, context->udp_size_max, out, out_size);
    if (parsed->edns.present && parsed->edns.version != 0) {
        reply.rcode = RCODE_BADVERS;
    } else if (parsed->qclass == CLASS_CH) {
        answer_chaos(&reply, context, parsed, note);
    } else if (parsed->qclass != CLASS_IN && parsed->qclass != CLASS_ANY) {
        refuse(&reply, note, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
    } else {
        follow(&reply, context, parsed, note);
    }
    note->rcode = reply.rcode;
    return reply_finish(&reply);
}

size_t answer_error(const struct answer_context *context, const uint8_t *query, size_t query_size,
                    const struct dns_query *parsed, uint16_t rcode, uint8_t *out, size_t out_size)
{
    struct reply reply;
    reply_begin(&reply, query, query_size, parsed, context->udp_size_max, out, out_size);
    reply.rcode = rcode;
    return reply_finish(&reply);
}
