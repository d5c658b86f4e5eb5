#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dns/name.h"

#define NSEC3_HASH_SIZE 20

// What a zone's NSEC3PARAM says (RFC 5155 section 4.2).
struct nsec3_params {
    uint16_t iterations;
    uint8_t salt_len;
    const uint8_t *salt;
};
// From RDATA. false: another algorithm than SHA-1, or more iterations than NSEC3_ITERATIONS_MAX.
#define NSEC3_ITERATIONS_MAX 500
bool nsec3_params_read(const uint8_t *rdata, size_t len, struct nsec3_params *out);

// The owner of the NSEC3 that matches `name_lower`: base32hex label (lower case) in front of `apex`.
// Any thread; false when the name would be too long or the library fails.
bool nsec3_owner(const struct nsec3_params *params, const uint8_t *name_lower, const uint8_t *apex,
                 struct name *owner);
