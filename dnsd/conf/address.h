#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/err.h"

// An IPv4 or IPv6 address with a port, as bind and connect take it.
union address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

#define ADDRESS_TEXT_SIZE 64
#define DNS_PORT          53

// Reads "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53"; `port` serves when none is
// given. ERR_INVALID with the text. Any thread, allocates nothing.
NODISCARD enum err address_parse(const char *text, uint16_t port, union address *out,
                                 struct errmsg *e);
// The form with the port: "192.0.2.1:53", "[2001:db8::1]:53". `dst` at least ADDRESS_TEXT_SIZE.
void address_text(const union address *address, char *dst);
socklen_t address_len(const union address *address);
bool address_equal(const union address *a, const union address *b); // with port
bool address_is_wildcard(const union address *address);
uint16_t address_port(const union address *address);

// An address from the RDATA of A (4 bytes) or AAAA (16).
void address_from_bytes(const uint8_t *bytes, size_t len, uint16_t port, union address *out);
