#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/zone/zone.h"

/*
 * Writes records into one DNS message with name compression (RFC 1035 section 4.1.4). Names that
 * were written stand in a small table by their hash; a full table only compresses less.
 */
#define PACK_NAMES 1024u // a power of two

struct pack_name {
    uint64_t hash;
    uint16_t offset;
    uint16_t generation; // of the message; older entries are empty
};
struct pack {
    uint8_t *message;
    size_t at; // bytes written
    size_t room;
    uint16_t generation;
    uint16_t last_owner_offset;
    uint8_t last_owner[NAME_MAX_WIRE];
    struct pack_name names[PACK_NAMES];
};

// Starts a message that has `at` bytes already (header).
void pack_begin(struct pack *pack, uint8_t *message, size_t at, size_t room);
// A folded or unfolded name; false = no room, nothing was written.
bool pack_name(struct pack *pack, const uint8_t *name);
// A whole record of class IN; false = no room, nothing was written.
bool pack_record(struct pack *pack, const uint8_t *owner, uint16_t type, uint32_t ttl,
                 const uint8_t *rdata, size_t rdata_len);
