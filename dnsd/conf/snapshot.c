#include "dnsd/conf/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

// The published config. Written by the control thread only; read by all under RCU.

const struct snapshot *snapshot_get(const struct shared *shared)
{
    return rcu_dereference(shared->snapshot);
}

struct snapshot *snapshot_new(void)
{
    return mem_zalloc(sizeof(struct snapshot));
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    acl_fini(&snapshot->transfer_networks);
    acl_fini(&snapshot->notify_networks);
    acl_fini(&snapshot->block_bypass);
    mem_free(snapshot->endpoints);
    if (snapshot->tsig_keys != NULL) {
        mem_wipe(snapshot->tsig_keys, snapshot->tsig_key_count * sizeof *snapshot->tsig_keys);
        mem_free(snapshot->tsig_keys);
    }
    for (size_t i = 0; i < snapshot->node_count; i++) {
        mem_free(snapshot->nodes[i].addresses);
    }
    mem_free(snapshot->nodes);
    mem_free(snapshot);
}

static void free_later(struct rcu_head *head)
{
    snapshot_free((struct snapshot *)(void *)head);
}

void snapshot_publish(struct shared *shared, struct snapshot *snapshot)
{
    struct snapshot *before = rcu_xchg_pointer(&shared->snapshot, snapshot);
    if (before != NULL) {
        call_rcu(&before->rcu, free_later);
    }
}

const struct tsig_key *snapshot_tsig_find(void *ctx, const uint8_t *name_lower)
{
    const struct snapshot *snapshot = ctx;
    for (size_t i = 0; i < snapshot->tsig_key_count; i++) {
        if (name_equal_lower(snapshot->tsig_keys[i].name.wire, name_lower)) {
            return &snapshot->tsig_keys[i];
        }
    }
    return NULL;
}

const struct tsig_key *snapshot_tsig_find_text(const struct snapshot *snapshot, const char *name)
{
    if (name == NULL || name[0] == '\0') {
        return NULL;
    }
    for (size_t i = 0; i < snapshot->tsig_key_count; i++) {
        char text[NAME_MAX_TEXT];
        name_to_text(snapshot->tsig_keys[i].name.wire, text);
        if (str_equal_nocase(text, name)) {
            return &snapshot->tsig_keys[i];
        }
    }
    return NULL;
}

bool snapshot_is_cluster_zone(const struct snapshot *snapshot, const char *zone_text,
                              const char *catalog_option)
{
    if (!snapshot->has_cluster) {
        return false;
    }
    return str_equal_nocase(zone_text, snapshot->cluster_domain_text) ||
           str_equal_nocase(zone_text, snapshot->cluster_catalog_text) ||
           (catalog_option != NULL &&
            str_equal_nocase(catalog_option, snapshot->cluster_catalog_text));
}

const struct tsig_key *snapshot_cluster_key(const struct snapshot *snapshot)
{
    if (!snapshot->has_cluster) {
        return NULL;
    }
    union {
        const struct snapshot *c;
        void *m;
    } u = {.c = snapshot};
    return snapshot_tsig_find(u.m, snapshot->cluster_catalog.wire);
}
