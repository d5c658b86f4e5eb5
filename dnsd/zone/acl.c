#include "dnsd/zone/acl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/mem.h"
#include "common/base/str.h"

// Network lists. No state; any thread. All addresses are compared as 128 bits, so that a client
// that reaches an IPv6 socket by IPv4 meets the same rule as by an IPv4 socket.

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// A network may be written with up to 45 address characters, "!", "/" and three digits.
#define ACL_TEXT_MAX 64

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(a, b, whole) != 0) {
        return false;
    }
    unsigned rest = bits % 8;
    if (rest == 0) {
        return true;
    }
    uint8_t mask = (uint8_t)(0xff00u >> rest);
    return ((a[whole] ^ b[whole]) & mask) == 0;
}

static void clear_behind(uint8_t address[16], unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned first = i * 8;
        if (first >= bits) {
            address[i] = 0;
        } else if (bits - first < 8) {
            address[i] = (uint8_t)(address[i] & (0xff00u >> (bits - first)));
        }
    }
}

enum err acl_entry_parse(const char *text, struct acl_entry *out, struct errmsg *e)
{
    struct acl_entry entry = {.deny = text[0] == '!'};
    char copy[ACL_TEXT_MAX];
    if (!str_copy(copy, sizeof copy, text + (entry.deny ? 1 : 0))) {
        return err_set(e, ERR_INVALID, "\"%.60s\" is not a network", text);
    }
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    unsigned width;
    if (inet_pton(AF_INET, copy, entry.address + 12) == 1) {
        memcpy(entry.address, mapped_prefix, sizeof mapped_prefix);
        width = 32;
    } else if (inet_pton(AF_INET6, copy, entry.address) == 1) {
        width = 128;
    } else {
        return err_set(e, ERR_INVALID, "\"%s\" is not a network: no such address", text);
    }
    uint32_t bits = width;
    if (slash != NULL && str_to_u32(slash + 1, width, &bits) != ERR_OK) {
        return err_set(e, ERR_INVALID, "\"%s\" is not a network: the prefix length is 0 to %u",
                       text, width);
    }
    entry.bits = (uint8_t)(128 - width + bits);
    clear_behind(entry.address, entry.bits);
    *out = entry;
    return ERR_OK;
}

bool acl_address_bytes(const struct sockaddr *address, uint8_t out[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        memcpy(out, mapped_prefix, sizeof mapped_prefix);
        memcpy(out + 12, &in.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        memcpy(out, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool acl_entry_holds(const struct acl_entry *entry, const struct sockaddr *address)
{
    uint8_t bytes[16];
    return acl_address_bytes(address, bytes) && prefix_equal(entry->address, bytes, entry->bits);
}

enum err acl_init(struct acl *out, char *const *items, size_t count, struct errmsg *e)
{
    struct acl acl = {.entries = count == 0 ? NULL : mem_calloc(count, sizeof *acl.entries)};
    for (size_t i = 0; i < count; i++) {
        enum err err = acl_entry_parse(items[i], &acl.entries[i], e);
        if (err != ERR_OK) {
            mem_free(acl.entries);
            return err;
        }
    }
    acl.count = count;
    *out = acl;
    return ERR_OK;
}

void acl_fini(struct acl *acl)
{
    mem_free(acl->entries);
    *acl = (struct acl){0};
}

bool acl_allows(const struct acl *acl, const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (!acl_address_bytes(address, bytes)) {
        return false;
    }
    for (size_t i = 0; i < acl->count; i++) {
        if (prefix_equal(acl->entries[i].address, bytes, acl->entries[i].bits)) {
            return !acl->entries[i].deny;
        }
    }
    return false;
}

bool acl_text_allows(char *const *items, size_t count, const struct sockaddr *address)
{
    for (size_t i = 0; i < count; i++) {
        struct acl_entry entry;
        if (acl_entry_parse(items[i], &entry, NULL) == ERR_OK && acl_entry_holds(&entry, address)) {
            return !entry.deny;
        }
    }
    return false;
}

static const struct acl_entry private_networks[] = {
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10},       .bits = 104},
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127},      .bits = 104},
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 16},  .bits = 108},
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168}, .bits = 112},
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}, .bits = 112},
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 100, 64},  .bits = 106},
    {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},     .bits = 128},
    {.address = {0xfe, 0x80},                                         .bits = 10 },
    {.address = {0xfc},                                               .bits = 7  },
};

bool acl_is_private(const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (!acl_address_bytes(address, bytes)) {
        return false;
    }
    for (size_t i = 0; i < sizeof private_networks / sizeof private_networks[0]; i++) {
        if (prefix_equal(private_networks[i].address, bytes, private_networks[i].bits)) {
            return true;
        }
    }
    return false;
}

bool acl_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    uint8_t a_bytes[16];
    uint8_t b_bytes[16];
    return acl_address_bytes(a, a_bytes) && acl_address_bytes(b, b_bytes) &&
           memcmp(a_bytes, b_bytes, sizeof a_bytes) == 0;
}
