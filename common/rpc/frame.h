#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/*
 * What stands in front of each packed message; numbers in network order:
 *
 *    0  version (1 byte)   kind (1)   flags (2)   zero (4)
 *    8  client   incarnation of the client: drawn by each rpc_client_open
 *   16  server   incarnation of the server: drawn by each rpc_server_open
 *   24  call     number of the call, growing; in HELLO the highest one given out so far
 *   32  method   hash of the full method name; 0 but in REQUEST
 *   40  done     calls below this number are finished for the client; 0 but in REQUEST
 *   48  the packed message
 *
 * Version and kind stay where they are in all versions to come.
 *
 * A client says HELLO on each new connection and sends nothing else before the answer, so that it
 * knows which run of the server a call went to. In a REQUEST `server` is the run that the call was
 * first sent to; with FRAME_RESEND it may have arrived before.
 */
enum { FRAME_VERSION = 1, FRAME_HEAD = 48 };
enum frame_kind { FRAME_REQUEST = 1, FRAME_REPLY = 2, FRAME_HELLO = 3, FRAME_WELCOME = 4 };
enum { FRAME_RESEND = 1 };   // flags

struct frame {
    enum frame_kind kind;
    uint16_t flags;
    uint64_t client;
    uint64_t server;
    uint64_t call;
    uint64_t method;
    uint64_t done;
    const uint8_t *payload;   // into the bytes that were read
    size_t payload_len;
};

void frame_write_head(uint8_t dst[FRAME_HEAD], const struct frame *frame);

// Takes any bytes. ERR_CORRUPT: too short, too long or of an unknown kind; ERR_UNSUPPORTED: of
// another version.
NODISCARD enum err frame_read(const void *bytes, size_t len, struct frame *out);

// The hash that stands for a full method name ("clusterd.Config.Get"); the same in all releases
// (FNV-1a, 64 bits). Never 0 for the names in use: tests walk them.
uint64_t frame_method_hash(const char *full_name);
