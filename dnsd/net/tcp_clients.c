#include "dnsd/net/tcp_clients.h"

#include <string.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "dnsd/zone/acl.h"

// Entries exist only while their client has a connection, so the table is bounded by those.

static void client_key(const union address *peer, uint8_t key[16])
{
    memset(key, 0, 16);
    if (acl_address_bytes(&peer->sa, key) && peer->sa.sa_family == AF_INET6 &&
        !IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr)) {
        memset(key + 8, 0, 8);
    }
}

static struct tcp_client **bucket_of(struct tcp_clients *clients, const uint8_t key[16])
{
    return &clients->buckets[hash_bytes(key, 16) % TCP_CLIENT_BUCKETS];
}

struct tcp_client *tcp_clients_get(struct tcp_clients *clients, const union address *peer)
{
    uint8_t key[16];
    client_key(peer, key);
    struct tcp_client **bucket = bucket_of(clients, key);
    for (struct tcp_client *c = *bucket; c != NULL; c = c->next) {
        if (memcmp(c->key, key, sizeof key) == 0) {
            c->count++;
            return c;
        }
    }
    struct tcp_client *client = mem_zalloc(sizeof *client);
    memcpy(client->key, key, sizeof key);
    client->count = 1;
    list_init(&client->connections);
    client->next = *bucket;
    *bucket = client;
    return client;
}

void tcp_clients_put(struct tcp_clients *clients, struct tcp_client *client)
{
    if (--client->count != 0) {
        return;
    }
    struct tcp_client **at = bucket_of(clients, client->key);
    while (*at != client) {
        at = &(*at)->next;
    }
    *at = client->next;
    mem_free(client);
}
