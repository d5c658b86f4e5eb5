#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/dns/name.h"
#include "webd/api/call.h"

/*
 * The PTR record that goes with an address record: set when the caller asks for it, dropped when
 * the address goes. First reverse_prepare finds (or makes) the reverse zone, so that an address
 * record is not added when its PTR cannot be; after the edit reverse_apply changes the PTR.
 */
struct reverse_plan {
    enum { REVERSE_NONE, REVERSE_SET, REVERSE_DROP } what;
    bool may_create_zone;
    char address[64];
    char owner[NAME_MAX_TEXT]; // in the reverse tree
    struct name target;
    uint32_t ttl;
    char zone[NAME_MAX_TEXT]; // that holds it; "" = not known, or none
};

// `address` is the RDATA of A or AAAA, `target` the owner's name in wire form.
void reverse_plan_set(struct reverse_plan *plan, const uint8_t *address, size_t len,
                      const uint8_t *target, uint32_t ttl, bool may_create_zone);
void reverse_plan_drop(struct reverse_plan *plan, const uint8_t *address, size_t len,
                       const uint8_t *target);

// Both call `next`, or answer the call with an error.
typedef void (*reverse_fn)(void *ctx);
void reverse_prepare(struct api_call *call, struct reverse_plan *plan, reverse_fn next, void *ctx);
// A PTR that is not there to be dropped is no error.
void reverse_apply(struct api_call *call, struct reverse_plan *plan, reverse_fn next, void *ctx);
