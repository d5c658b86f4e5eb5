// Addresses and networks: access lists, the reverse tree.

#include "webd/api/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"

struct net {
    int family;
    uint8_t bytes[16];
    unsigned bits;
};

static unsigned size_of(int family)
{
    return family == AF_INET6 ? 16 : 4;
}

// "a.b.c.d", "a.b.c.d/n", the same in IPv6, with or without brackets.
static bool parse(const char *text, struct net *out)
{
    char copy[64];
    if (!str_copy(copy, sizeof copy, text)) {
        return false;
    }
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash++ = 0;
    }
    char *address = copy;
    size_t len = strlen(address);
    if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
        address[len - 1] = 0;
        address++;
    }
    memset(out, 0, sizeof *out);
    out->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    if (inet_pton(out->family, address, out->bytes) != 1) {
        return false;
    }
    uint32_t bits = size_of(out->family) * 8;
    if (slash != NULL && str_to_u32(slash, bits, &bits) != ERR_OK) {
        return false;
    }
    out->bits = bits;
    return true;
}

static void from_sockaddr(const struct sockaddr_storage *address, struct net *out)
{
    memset(out, 0, sizeof *out);
    if (address->ss_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(in6);
        out->family = is_mapped ? AF_INET : AF_INET6;
        memcpy(out->bytes, in6->s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
    } else {
        out->family = AF_INET;
        memcpy(out->bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
    }
    out->bits = size_of(out->family) * 8;
}

static bool contains(const struct net *net, const struct net *address)
{
    unsigned whole = net->bits / 8;
    unsigned rest = net->bits % 8;
    if (net->family != address->family || memcmp(net->bytes, address->bytes, whole) != 0) {
        return false;
    }
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return rest == 0 || (net->bytes[whole] & mask) == (address->bytes[whole] & mask);
}

bool net_in_acl(const struct setting_list *acl, const struct sockaddr_storage *address)
{
    struct net target;
    from_sockaddr(address, &target);
    for (size_t i = 0; i < acl->count; i++) {
        const char *item = acl->items[i];
        bool is_deny = item[0] == '!';
        struct net net;
        if (parse(item + (is_deny ? 1 : 0), &net) && contains(&net, &target)) {
            return !is_deny;
        }
    }
    return false;
}

bool net_parse(const char *text, unsigned port, struct sockaddr_storage *out)
{
    struct net net;
    if (strchr(text, '/') != NULL || !parse(text, &net)) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->ss_family = (sa_family_t)net.family;
    if (net.family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_port = htons((uint16_t)port);
        memcpy(&in6->sin6_addr, net.bytes, 16);
        return true;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    in->sin_port = htons((uint16_t)port);
    memcpy(&in->sin_addr, net.bytes, 4);
    return true;
}

void net_text(const struct sockaddr_storage *address, char *dst, size_t size)
{
    struct net net;
    from_sockaddr(address, &net);
    if (inet_ntop(net.family, net.bytes, dst, (socklen_t)size) == NULL) {
        dst[0] = 0;
    }
}

static bool reverse_name(const struct net *net, char *dst, size_t size)
{
    struct str name;
    str_init(&name);
    if (net->family == AF_INET6) {
        for (unsigned nibble = net->bits / 4; nibble > 0; nibble--) {
            unsigned byte = net->bytes[(nibble - 1) / 2];
            str_printf(&name, "%x.", nibble % 2 == 1 ? byte >> 4 : byte & 0x0f);
        }
        str_add(&name, "ip6.arpa");
    } else {
        for (unsigned byte = net->bits / 8; byte > 0; byte--) {
            str_printf(&name, "%u.", net->bytes[byte - 1]);
        }
        str_add(&name, "in-addr.arpa");
    }
    bool is_ok = str_copy(dst, size, name.text);
    str_fini(&name);
    return is_ok;
}

bool net_reverse_name(const char *text, char *dst, size_t size)
{
    struct net net;
    return parse(text, &net) && reverse_name(&net, dst, size);
}

bool net_reverse_zone(const char *address, char *dst, size_t size)
{
    struct net net;
    if (!parse(address, &net)) {
        return false;
    }
    net.bits = net.family == AF_INET6 ? 64 : 24;
    return reverse_name(&net, dst, size);
}
