// Nodes: see node.h for the layout. Made by the writer thread, read by all.
#include "dnsd/zone/node.h"

#include "common/base/mem.h"

unsigned zone_node_flags(const uint8_t *rrsets, size_t rrsets_size, bool is_apex)
{
    if (rrsets_size == 0) {
        return NODE_ENT;
    }
    unsigned flags = 0;
    const uint8_t *end = rrsets + rrsets_size;
    while (rrsets < end) {
        struct zone_rrset set;
        rrsets = zone_rrset_unpack(rrsets, &set);
        if (set.type == TYPE_NS && !is_apex) {
            flags |= NODE_CUT;
        } else if (set.type == TYPE_CNAME) {
            flags |= NODE_CNAME;
        } else if (set.type == TYPE_DNAME) {
            flags |= NODE_DNAME;
        } else if (set.type == TYPE_NSEC3) {
            flags |= NODE_NSEC3;
        }
    }
    return flags;
}

struct zone_node *zone_node_new(const uint8_t *name, unsigned flags, const uint8_t *rrsets,
                                size_t rrsets_size)
{
    size_t name_size = name_len(name);
    struct zone_node *node = mem_alloc(sizeof *node + name_size + rrsets_size);
    flags &= NODE_APEX | NODE_WILDCARD_CHILD | NODE_BELOW;
    flags |= zone_node_flags(rrsets, rrsets_size, (flags & NODE_APEX) != 0);
    node->flags = (uint16_t)flags;
    node->name_len = (uint8_t)name_size;
    node->labels = (uint8_t)name_labels(name);
    node->rrsets_size = (uint32_t)rrsets_size;
    memcpy(node->bytes, name, name_size);
    if (rrsets_size != 0) {
        memcpy(node->bytes + name_size, rrsets, rrsets_size);
    }
    return node;
}

uint64_t zone_rrsets_records(const uint8_t *rrsets, size_t rrsets_size)
{
    uint64_t records = 0;
    const uint8_t *end = rrsets + rrsets_size;
    while (rrsets < end) {
        struct zone_rrset set;
        rrsets = zone_rrset_unpack(rrsets, &set);
        records += set.count;
    }
    return records;
}

const uint8_t *zone_rrset_next(const struct zone_rrset *rrset, size_t *offset, uint16_t *rdata_len)
{
    if (*offset >= rrset->rdatas_size) {
        return NULL;
    }
    const uint8_t *at = rrset->rdatas + *offset;
    *rdata_len = (uint16_t)((uint16_t)(at[0] << 8) | at[1]);
    *offset += 2u + *rdata_len;
    return at + 2;
}
