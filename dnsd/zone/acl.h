#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct sockaddr;

/*
 * Lists of networks as people write them: "192.0.2.0/24", "2001:db8::/32", "192.0.2.1"; a leading
 * "!" denies. The order matters: the first network that holds an address decides; an address that
 * none holds is not allowed. IPv4 addresses mapped into IPv6 are treated as IPv4.
 */
struct acl_entry {
    uint8_t address[16]; // IPv4 as ::ffff:a.b.c.d; bits behind the prefix are zero
    uint8_t bits;        // of the 128
    bool deny;
};
struct acl {
    struct acl_entry *entries;
    size_t count;
};

// Reads one network. ERR_INVALID with the text and the reason. Any thread, allocates nothing.
NODISCARD enum err acl_entry_parse(const char *text, struct acl_entry *out, struct errmsg *e);
bool acl_entry_holds(const struct acl_entry *entry, const struct sockaddr *address);

// Reads a whole list into `out` (acl_fini); nothing is owned on failure.
NODISCARD enum err acl_init(struct acl *out, char *const *items, size_t count, struct errmsg *e);
void acl_fini(struct acl *acl);
// Does the list allow the address? Packet path.
bool acl_allows(const struct acl *acl, const struct sockaddr *address);

// The same straight from checked text, for lists that are looked at rarely; a network that cannot
// be read holds nothing. Allocates nothing.
bool acl_text_allows(char *const *items, size_t count, const struct sockaddr *address);

// Loopback, RFC 1918, RFC 6598, link-local and unique local addresses.
bool acl_is_private(const struct sockaddr *address);

// The address as 16 bytes (IPv4 mapped); false for other families.
bool acl_address_bytes(const struct sockaddr *address, uint8_t out[16]);
// Same host? Ports are not compared.
bool acl_same_address(const struct sockaddr *a, const struct sockaddr *b);
