#include "dnsd/conf/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"

// Addresses with ports, text and binary. No state; any thread.

// Splits "host:port" in place; a bare IPv6 address has more than one colon and no port.
static enum err split_port(char *text, char **host, uint16_t *port)
{
    char *port_text = NULL;
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return ERR_INVALID;
        }
        port_text = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
        *host = text + 1;
    } else {
        char *colon = strchr(text, ':');
        if (colon != NULL && strchr(colon + 1, ':') == NULL) {
            *colon = '\0';
            port_text = colon + 1;
        }
        *host = text;
    }
    if (port_text == NULL) {
        return ERR_OK;
    }
    uint32_t value;
    if (str_to_u32(port_text, 65535, &value) != ERR_OK) {
        return ERR_INVALID;
    }
    *port = (uint16_t)value;
    return ERR_OK;
}

enum err address_parse(const char *text, uint16_t port, union address *out, struct errmsg *e)
{
    char copy[ADDRESS_TEXT_SIZE];
    char *host;
    union address address;
    memset(&address, 0, sizeof address);
    if (!str_copy(copy, sizeof copy, text) || split_port(copy, &host, &port) != ERR_OK) {
        return err_set(e, ERR_INVALID, "\"%.80s\" is not an IP address with an optional port",
                       text);
    }
    if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, host, &address.in6.sin6_addr) == 1) {
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons(port);
    } else {
        return err_set(e, ERR_INVALID, "\"%.80s\" is not an IP address with an optional port",
                       text);
    }
    *out = address;
    return ERR_OK;
}

void address_text(const union address *address, char *dst)
{
    char host[INET6_ADDRSTRLEN];
    if (address->sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof host);
        snprintf(dst, ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(address->in6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof host);
        snprintf(dst, ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(address->in.sin_port));
    }
}

socklen_t address_len(const union address *address)
{
    return address->sa.sa_family == AF_INET6 ? sizeof address->in6 : sizeof address->in;
}

uint16_t address_port(const union address *address)
{
    return ntohs(address->sa.sa_family == AF_INET6 ? address->in6.sin6_port : address->in.sin_port);
}

bool address_equal(const union address *a, const union address *b)
{
    if (a->sa.sa_family != b->sa.sa_family || address_port(a) != address_port(b)) {
        return false;
    }
    if (a->sa.sa_family == AF_INET6) {
        return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
    }
    return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

bool address_is_wildcard(const union address *address)
{
    if (address->sa.sa_family == AF_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
    }
    return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

void address_from_bytes(const uint8_t *bytes, size_t len, uint16_t port, union address *out)
{
    memset(out, 0, sizeof *out);
    if (len == 16) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(port);
        memcpy(&out->in6.sin6_addr, bytes, 16);
    } else {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(port);
        memcpy(&out->in.sin_addr, bytes, 4);
    }
}
