#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dnsd/conf/address.h"
#include "dnsd/conf/list.h"

/*
 * How many connections each client has: an IPv4 address, or an IPv6 /64. Its connections are listed
 * with the one longest without work first. One worker.
 */
#define TCP_CLIENT_BUCKETS 4096u // a power of two

struct tcp_client {
    struct tcp_client *next; // in its bucket
    uint8_t key[16];
    size_t count;
    struct list connections;
};
struct tcp_clients {
    struct tcp_client *buckets[TCP_CLIENT_BUCKETS];
};

// The client's entry, made when it is new.
struct tcp_client *tcp_clients_get(struct tcp_clients *clients, const union address *peer);
// One connection less; the entry goes with the last one.
void tcp_clients_put(struct tcp_clients *clients, struct tcp_client *client);
