#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/dns/name.h"
#include "dnsd/conf/address.h"

// A NOTIFY (RFC 1996) that a worker has answered and the maintenance thread acts on.
struct inbox_notify {
    struct name zone; // folded
    union address from;
    bool has_serial; // a SOA came along in the answer section
    uint32_t serial;
};

/*
 * Bounded ring from one worker to the maintenance thread: neither side waits, allocates or locks.
 * A full ring refuses; the primary sends its NOTIFY again, and the SOA timers are there.
 */
struct inbox;
struct inbox *inbox_new(int wake_fd); // an eventfd, written after each put; not owned
void inbox_free(struct inbox *inbox);
bool inbox_put(struct inbox *inbox, const struct inbox_notify *notify); // false = full
bool inbox_take(struct inbox *inbox, struct inbox_notify *notify);      // false = empty
