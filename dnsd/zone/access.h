#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "dnsd/zone/zone.h"

struct sockaddr;

/*
 * Who may do what: a compiled list of networks, as in the API's ACL texts ("10.0.0.0/8",
 * "!192.0.2.1", "2001:db8::/32"; the first that matches decides, "!" denies, none = denied).
 */
struct access_list;
// Unreadable entries are ERR_INVALID with the entry named. `out` is freed by access_list_free.
NODISCARD enum err access_list_new(const char *const *items, size_t count, struct access_list **out,
                                   struct errmsg *e);
void access_list_free(struct access_list *list);
// Is it in the list and not denied there? NULL list = no. Any thread, allocates nothing.
bool access_list_allows(const struct access_list *list, const struct sockaddr *client);

// Loopback, RFC 1918, link-local, unique local (RFC 4193), shared (RFC 6598).
bool access_is_private(const struct sockaddr *client);

enum access_kind { ACCESS_QUERY, ACCESS_TRANSFER, ACCESS_UPDATE, ACCESS_KIND_COUNT };
// The zone's rule for `client`: networks, and the addresses of the zone's own NS names as far as
// they are in our zones (SOA MNAME not among them). TSIG keys are the caller's part. Within the RCU
// read side; allocates nothing.
bool access_allowed(const struct zone_table *table, const struct zone *zone, enum access_kind kind,
                    const struct sockaddr *client);
