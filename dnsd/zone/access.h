#pragma once

#include <stdbool.h>

#include "dnsd/zone/acl.h"
#include "dnsd/zone/zone.h"

enum access_kind { ACCESS_QUERY, ACCESS_TRANSFER, ACCESS_UPDATE, ACCESS_KIND_COUNT };
// Does the zone's rule let `client` in: by its networks, and by the addresses of the zone's own NS
// names as far as our zones have them? TSIG keys are the caller's part. Within the RCU read side;
// any thread; allocates nothing.
bool access_allowed(const struct zone_table *table, const struct zone *zone, enum access_kind kind,
                    const struct sockaddr *client);
