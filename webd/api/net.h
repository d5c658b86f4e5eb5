#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/conf/setting.h"

// Addresses and networks as the settings hold them.

// Is the address in the list? Items in order, the first that matches decides; a leading ! denies.
bool net_in_acl(const struct setting_list *acl, const struct sockaddr_storage *address);
// "192.0.2.1", "[::1]" or "::1", with `port`; false = not an address.
bool net_parse(const char *text, unsigned port, struct sockaddr_storage *out);
// Without the port; IPv4 in IPv6 (::ffff:a.b.c.d) is shown as IPv4.
void net_text(const struct sockaddr_storage *address, char *dst, size_t size);
// The name of an address or network in the reverse tree: "1.2.0.192.in-addr.arpa". A prefix that is
// no whole number of labels is rounded down. False = not an address or network.
bool net_reverse_name(const char *text, char *dst, size_t size);
// The zone that covers an address: its /24 or /64.
bool net_reverse_zone(const char *address, char *dst, size_t size);
