#pragma once

#include <stdbool.h>

#include "dnsd/conf/snapshot.h"
#include "dnsd/zone/zone.h"

// Who may take a zone from us, and whose NOTIFY counts. RCU read side; any thread; nothing
// allocated.

// `key` = the key that the request was signed with, NULL = unsigned. Allowed: clients in the
// setting zoneTransferAllowedNetworks; nodes of the cluster for its zones (by the catalog's key);
// clients that the zone's own rule lets in and, when it names TSIG keys, that signed with one of
// them.
bool policy_transfer_allowed(const struct snapshot *snapshot, const struct zone_table *table,
                             const struct zone *zone, const struct sockaddr *client,
                             const struct tsig_key *key);

// The zone whose options say who may transfer (`transfer`), or who is notified: the Catalog zone
// that lists it, unless the zone overrides that; else the zone itself.
const struct zone *policy_rules(const struct zone_table *table, const struct zone *zone,
                                bool transfer);

// Does a NOTIFY for the zone count? From its primaries, by their key, from the networks of the
// setting notifyAllowedNetworks, and from nodes of the cluster.
bool policy_notify_allowed(const struct snapshot *snapshot, const struct zone_table *table,
                           const struct zone *zone, const struct sockaddr *client,
                           const struct tsig_key *key);

// Transfers from a primary? (secondary kinds)
bool policy_is_secondary(enum zone_type type);

// The zone whose options name the primaries: the secondary catalog that made this zone, unless the
// zone overrides it; else the zone itself.
const struct zone_options *policy_primaries(const struct zone_table *table,
                                            const struct zone *zone);
