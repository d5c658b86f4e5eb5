// Who a zone lets in. Packet path for the queries of zones with rules; transfers and updates.
#include "dnsd/zone/access.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/dns/rrtype.h"
#include "dnsd/zone/table.h"

struct search {
    const struct zone_table *table;
    uint8_t address[16];
    bool found;
};

static void match_a(void *ctx, const uint8_t *rdata, uint16_t rdata_len)
{
    struct search *search = ctx;
    search->found |= rdata_len == 4 && memcmp(search->address + 12, rdata, 4) == 0;
}

static void match_aaaa(void *ctx, const uint8_t *rdata, uint16_t rdata_len)
{
    struct search *search = ctx;
    search->found |= rdata_len == 16 && memcmp(search->address, rdata, 16) == 0;
}

static bool is_ipv4(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0;
}

// Does one of the zone's NS names have this address in our zones?
static bool is_name_server(const struct zone_table *table, const struct zone *zone,
                           const struct sockaddr *client)
{
    struct search search = {.table = table};
    const struct zone_version *version = zone_current(zone);
    struct zone_rrset ns;
    if (version == NULL || !acl_address_bytes(client, search.address) ||
        !zone_node_rrset(version->apex, TYPE_NS, false, &ns)) {
        return false;
    }
    size_t offset = 0;
    uint16_t len;
    for (const uint8_t *rdata = zone_rrset_next(&ns, &offset, &len);
         rdata != NULL && !search.found; rdata = zone_rrset_next(&ns, &offset, &len)) {
        struct name name;
        name.len = (uint8_t)len;
        memcpy(name.wire, rdata, len);
        name_fold(name.wire);
        if (is_ipv4(search.address)) {
            zone_table_rdata(table, name.wire, TYPE_A, match_a, &search);
        } else {
            zone_table_rdata(table, name.wire, TYPE_AAAA, match_aaaa, &search);
        }
    }
    return search.found;
}

bool access_allowed(const struct zone_table *table, const struct zone *zone, enum access_kind kind,
                    const struct sockaddr *client)
{
    const struct zone_box *box = rcu_dereference(zone->box);
    const struct {
        enum zone_access access;
        const struct acl *acl;
    } rules[ACCESS_KIND_COUNT] = {
        [ACCESS_QUERY] = {box->options->query_access, &box->query},
        [ACCESS_TRANSFER] = {box->options->transfer, &box->transfer},
        [ACCESS_UPDATE] = {box->options->update, &box->update},
    };
    switch (rules[kind].access) {
    case ZONE_DENY:
        return false;
    case ZONE_ALLOW:
        return true;
    case ZONE_PRIVATE:
        return acl_is_private(client);
    case ZONE_NAME_SERVERS:
        return is_name_server(table, zone, client);
    case ZONE_ACL:
        return acl_allows(rules[kind].acl, client);
    case ZONE_NAME_SERVERS_AND_ACL:
        return acl_allows(rules[kind].acl, client) || is_name_server(table, zone, client);
    }
    return false;
}
