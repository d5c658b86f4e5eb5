#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/xfr/message.h"
#include "dnsd/zone/zone.h"

/*
 * The messages of an incoming AXFR become a zone's contents (RFC 5936 section 2.2): a SOA first,
 * records, the SOA again. Only takes messages apart; transport and signatures are fetch.c's.
 */
struct xfr_in;
struct xfr_in *xfr_in_new(const struct name *apex);
void xfr_in_free(struct xfr_in *in);

enum xfr_in_status { XFR_IN_MORE, XFR_IN_DONE, XFR_IN_FAILED };
// One message whose header is read; answers begin at `offset`. FAILED: `e` says why.
enum xfr_in_status xfr_in_message(struct xfr_in *in, const uint8_t *message, size_t size,
                                  const struct dns_header *header, size_t offset, struct errmsg *e);
// The SOA that the transfer began with; NULL before the first record.
const struct message_soa *xfr_in_soa(const struct xfr_in *in);
uint64_t xfr_in_records(const struct xfr_in *in);
uint64_t xfr_in_ignored(const struct xfr_in *in); // records that are not in the zone
// After DONE: the contents, owned by the caller.
struct zone_load *xfr_in_take(struct xfr_in *in);
