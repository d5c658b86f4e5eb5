#include <string.h>

#include "dnsd/query/internal.h"
#include "dnsd/query/nsec3.h"

/*
 * Signatures and proofs of non-existence, taken from the zone as it was signed. "Covering" is the
 * record whose owner stands before a name that is not there, "matching" the one at the name.
 */

static bool put_signed(struct reply *reply, const struct zone_node *node, uint16_t type);

// Nodes that stand in the reply as proofs already; one may serve twice.
#define PROOFS_MAX 4
struct proofs {
    struct reply *reply;
    const struct lookup *lookup;
    const struct zone_node *put[PROOFS_MAX];
    unsigned count;
    bool fits;
};

static bool wants_proof(const struct reply *reply, const struct lookup *lookup)
{
    return reply->dnssec_ok && lookup->version->denial != DENIAL_NONE;
}

static struct proofs proofs_of(struct reply *reply, const struct lookup *lookup)
{
    return (struct proofs){.reply = reply, .lookup = lookup, .fits = true};
}

static void put_proof(struct proofs *proofs, const struct zone_node *node, uint16_t type)
{
    if (node == NULL || !proofs->fits) {
        return;
    }
    for (unsigned i = 0; i < proofs->count; i++) {
        if (proofs->put[i] == node) {
            return;
        }
    }
    if (proofs->count < PROOFS_MAX) {
        proofs->put[proofs->count++] = node;
    }
    proofs->fits = put_signed(proofs->reply, node, type);
}

bool dnssec_sigs(struct reply *reply, enum reply_section section, const struct zone_node *node,
                 const uint8_t *name_lower, uint16_t type, uint32_t ttl)
{
    struct zone_rrset sigs;
    if (!reply->dnssec_ok || !zone_node_rrset(node, type, true, &sigs)) {
        return true;
    }
    return reply_rrset(reply, section, name_lower, &sigs, ttl);
}

static bool put_signed(struct reply *reply, const struct zone_node *node, uint16_t type)
{
    struct zone_rrset rrset;
    if (!zone_node_rrset(node, type, false, &rrset)) {
        return true;
    }
    return reply_rrset(reply, REPLY_AUTHORITY, zone_node_name(node), &rrset, rrset.ttl) &&
           dnssec_sigs(reply, REPLY_AUTHORITY, node, zone_node_name(node), type, rrset.ttl);
}

// "*." in front of the name that begins at `label`.
static bool wildcard_name(const struct lookup *lookup, unsigned label, struct name *out)
{
    static const uint8_t star[2] = {1, '*'};
    return name_join(star, sizeof star, lookup->name.wire + lookup->offsets[label], out);
}

// ---- NSEC --------------------------------------------------------------------------------------

static void put_nsec(struct proofs *proofs, const uint8_t *name_lower)
{
    put_proof(proofs, version_before(&proofs->lookup->version->tree, name_lower, TYPE_NSEC),
              TYPE_NSEC);
}

// ---- NSEC3 -------------------------------------------------------------------------------------

static bool zone_params(const struct lookup *lookup, struct nsec3_params *params)
{
    struct zone_rrset rrset;
    if (!zone_node_rrset(lookup->version->apex, TYPE_NSEC3PARAM, false, &rrset)) {
        return false;
    }
    size_t offset = 0;
    uint16_t len;
    const uint8_t *rdata = zone_rrset_next(&rrset, &offset, &len);
    return rdata != NULL && nsec3_params_read(rdata, len, params);
}

// The NSEC3 at or before the hash of a name; `*is_match` when it is the name's own. The last one of
// the chain covers what stands before the first.
static const struct zone_node *find_nsec3(const struct lookup *lookup, const uint8_t *name_lower,
                                          bool *is_match)
{
    struct nsec3_params params;
    struct name owner;
    *is_match = false;
    if (!zone_params(lookup, &params) ||
        !nsec3_owner(&params, name_lower, zone_node_name(lookup->version->apex), &owner)) {
        return NULL;
    }
    const struct zone_tree *chain = &lookup->version->nsec3;
    const struct zone_node *node = version_before(chain, owner.wire, TYPE_NSEC3);
    if (node != NULL) {
        *is_match = name_equal_lower(zone_node_name(node), owner.wire);
        return node;
    }
    struct tree_cursor cursor;
    return tree_last(chain, &cursor);
}

static bool put_nsec3(struct proofs *proofs, const uint8_t *name_lower)
{
    bool is_match;
    const struct zone_node *node = find_nsec3(proofs->lookup, name_lower, &is_match);
    put_proof(proofs, node, TYPE_NSEC3);
    return is_match;
}

// The name at `label` is an ancestor that has an NSEC3, and the one below it on the way to the name
// has none: both facts together (RFC 5155 section 7.2.1). Goes up from `label` to the first ancestor
// with an NSEC3, because opt-out leaves names without one.
static void put_closest_encloser(struct proofs *proofs, unsigned label)
{
    const struct lookup *lookup = proofs->lookup;
    for (unsigned i = label; i <= lookup->labels; i++) {
        bool is_match;
        const struct zone_node *node =
            find_nsec3(lookup, lookup->name.wire + lookup->offsets[i], &is_match);
        if (is_match) {
            put_proof(proofs, node, TYPE_NSEC3);
            if (i > 0) {
                put_nsec3(proofs, lookup->name.wire + lookup->offsets[i - 1]);
            }
            return;
        }
    }
}

// ---- the five cases ----------------------------------------------------------------------------

bool dnssec_no_data(struct reply *reply, const struct lookup *lookup, const struct zone_node *node)
{
    if (!wants_proof(reply, lookup)) {
        return true;
    }
    struct proofs proofs = proofs_of(reply, lookup);
    if (lookup->version->denial == DENIAL_NSEC) {
        put_nsec(&proofs, zone_node_name(node));
        return proofs.fits;
    }
    bool is_match;
    const struct zone_node *match = find_nsec3(lookup, zone_node_name(node), &is_match);
    if (is_match) {
        put_proof(&proofs, match, TYPE_NSEC3);
    } else {
        put_closest_encloser(&proofs, 1);    // DS of an opted-out delegation
    }
    return proofs.fits;
}

bool dnssec_no_name(struct reply *reply, const struct lookup *lookup, unsigned encloser_label)
{
    if (!wants_proof(reply, lookup)) {
        return true;
    }
    struct proofs proofs = proofs_of(reply, lookup);
    struct name wildcard;
    bool has_wildcard = wildcard_name(lookup, encloser_label, &wildcard);
    if (lookup->version->denial == DENIAL_NSEC) {
        put_nsec(&proofs, lookup->name.wire);
        if (has_wildcard) {
            put_nsec(&proofs, wildcard.wire);
        }
        return proofs.fits;
    }
    put_closest_encloser(&proofs, encloser_label);
    if (has_wildcard) {
        put_nsec3(&proofs, wildcard.wire);
    }
    return proofs.fits;
}

// The record that says that the name, or the one between it and the closest encloser, is not there.
static const struct zone_node *wildcard_proof(const struct lookup *lookup, unsigned encloser_label)
{
    if (lookup->version->denial == DENIAL_NSEC) {
        return version_before(&lookup->version->tree, lookup->name.wire, TYPE_NSEC);
    }
    if (encloser_label == 0) {
        return NULL;
    }
    bool is_match;
    return find_nsec3(lookup, lookup->name.wire + lookup->offsets[encloser_label - 1], &is_match);
}

// Its node has one of the two types.
static uint16_t denial_type(const struct zone_node *node)
{
    return (node->flags & NODE_NSEC3) != 0 ? TYPE_NSEC3 : TYPE_NSEC;
}

bool dnssec_wildcard(struct reply *reply, const struct lookup *lookup, unsigned encloser_label)
{
    if (!wants_proof(reply, lookup)) {
        return true;
    }
    const struct zone_node *node = wildcard_proof(lookup, encloser_label);
    return node == NULL || put_signed(reply, node, denial_type(node));
}

void dnssec_wildcard_alias(const struct reply *reply, struct lookup *lookup, unsigned encloser_label)
{
    if (!wants_proof(reply, lookup) || lookup->waiting_count == CHAIN_MAX) {
        return;
    }
    const struct zone_node *node = wildcard_proof(lookup, encloser_label);
    for (unsigned i = 0; i < lookup->waiting_count; i++) {
        if (lookup->waiting[i] == node) {
            return;
        }
    }
    if (node != NULL) {
        lookup->waiting[lookup->waiting_count++] = node;
    }
}

bool dnssec_put_waiting(struct reply *reply, struct lookup *lookup)
{
    bool fits = true;
    for (unsigned i = 0; i < lookup->waiting_count && fits; i++) {
        fits = put_signed(reply, lookup->waiting[i], denial_type(lookup->waiting[i]));
    }
    lookup->waiting_count = 0;
    return fits;
}

bool dnssec_wildcard_no_data(struct reply *reply, const struct lookup *lookup,
                             unsigned encloser_label, const struct zone_node *wildcard)
{
    if (!wants_proof(reply, lookup)) {
        return true;
    }
    struct proofs proofs = proofs_of(reply, lookup);
    if (lookup->version->denial == DENIAL_NSEC) {
        put_nsec(&proofs, zone_node_name(wildcard));
        put_nsec(&proofs, lookup->name.wire);
    } else {
        put_closest_encloser(&proofs, encloser_label);
        put_nsec3(&proofs, zone_node_name(wildcard));
    }
    return proofs.fits;
}

bool dnssec_no_ds(struct reply *reply, const struct lookup *lookup, const struct zone_node *cut)
{
    if (!wants_proof(reply, lookup)) {
        return true;
    }
    struct proofs proofs = proofs_of(reply, lookup);
    if (lookup->version->denial == DENIAL_NSEC) {
        put_nsec(&proofs, zone_node_name(cut));
        return proofs.fits;
    }
    bool is_match;
    const struct zone_node *match = find_nsec3(lookup, zone_node_name(cut), &is_match);
    if (is_match) {
        put_proof(&proofs, match, TYPE_NSEC3);
    } else {
        put_closest_encloser(&proofs, lookup->labels - cut->labels + 1);
    }
    return proofs.fits;
}
