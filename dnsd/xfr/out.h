#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dns/tsig.h"
#include "common/dns/wire.h"
#include "dnsd/zone/zone.h"

/*
 * A zone on its way to a client: AXFR over TCP (RFC 5936), also as the answer to IXFR (RFC 1995
 * section 4 allows the whole zone). It holds one version, so changes meanwhile do not mix in, and
 * gives one message after the other, as the connection takes them. One thread at a time, not
 * necessarily in an RCU section.
 */
struct xfr_out;

// Room that a message needs.
#define XFR_OUT_ROOM DNS_MESSAGE_MAX

// Pins the zone's present version; NULL = nothing loaded. `tsig` (verified request, NULL =
// unsigned) is copied with its key. `with_private` sends ANAME, FWD and APP too: to nodes of the
// cluster. RCU read side.
struct xfr_out *xfr_out_open(struct zone_store *store, struct zone *zone,
                             const struct dns_query *query, const struct tsig_state *tsig,
                             bool with_private);
void xfr_out_close(struct xfr_out *out);

// Writes the next message; 0 = there is none any more. When xfr_out_failed then, the caller closes
// the connection, so that the client sees an incomplete transfer and not a short zone.
size_t xfr_out_next(struct xfr_out *out, uint8_t *message, size_t room);
bool xfr_out_failed(const struct xfr_out *out);
const char *xfr_out_zone(const struct xfr_out *out);
uint32_t xfr_out_serial(const struct xfr_out *out);
uint64_t xfr_out_records(const struct xfr_out *out);
