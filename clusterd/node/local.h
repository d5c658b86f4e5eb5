#pragma once

#include "clusterd/node/context.h"

// What the other daemons of this node say about themselves, looked at every 5 s and on demand.
// Loop's thread.
struct local_status {
    bool web_is_up;
    bool tls_is_on;
    uint16_t https_port;
    uint64_t web_revision;     // config that webd has applied
    uint8_t spki[SHA256_SIZE]; // of its certificate, when tls_is_on
    bool dns_is_up;
    bool has_catalog; // zones that the cluster lives by
    bool has_cluster_zone;
    uint32_t catalog_serial;
    uint32_t cluster_zone_serial;
};

struct local;
struct local *local_new(struct context *context);
void local_free(struct local *local);
const struct local_status *local_get(const struct local *local);
// Looks now; `fn` (may be NULL) is called when both have answered or failed.
typedef void (*local_fn)(void *ctx);
void local_look(struct local *local, local_fn fn, void *ctx);
// Called after each look; `changed`: something in the status is new.
typedef void (*local_looked_fn)(void *ctx, bool changed);
void local_on_look(struct local *local, local_looked_fn fn, void *ctx);

// This host's addresses (no loopback, no link-local), and whether it has this one. The text form.
typedef void (*local_address_fn)(void *ctx, const char *address);
void local_addresses(local_address_fn fn, void *ctx);
bool local_has_address(const char *address);
// First port of dnsServerLocalEndPoints.
uint16_t local_dns_port(struct store *store);
