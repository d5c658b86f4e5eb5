#include "common/rpc/frame.h"

#include "common/base/cursor.h"
#include "common/rpc/rpc.h"

// No state; any thread.

void frame_write_head(uint8_t dst[FRAME_HEAD], const struct frame *frame)
{
    struct cursor c = cursor_over(dst, FRAME_HEAD);
    cursor_put_u8(&c, FRAME_VERSION);
    cursor_put_u8(&c, (uint8_t)frame->kind);
    cursor_put_u16(&c, frame->flags);
    cursor_put_u32(&c, 0);
    cursor_put_u64(&c, frame->client);
    cursor_put_u64(&c, frame->server);
    cursor_put_u64(&c, frame->call);
    cursor_put_u64(&c, frame->method);
    cursor_put_u64(&c, frame->done);
}

enum err frame_read(const void *bytes, size_t len, struct frame *out)
{
    struct cursor c = cursor_over_const(bytes, len);
    uint8_t version = cursor_u8(&c);
    uint8_t kind = cursor_u8(&c);
    if (!c.bad && version != FRAME_VERSION) {
        return ERR_UNSUPPORTED;
    }
    if (len < FRAME_HEAD || len > FRAME_HEAD + RPC_MESSAGE_MAX || kind < FRAME_REQUEST ||
        kind > FRAME_WELCOME) {
        return ERR_CORRUPT;
    }
    struct frame frame = {.kind = (enum frame_kind)kind, .flags = cursor_u16(&c)};
    cursor_u32(&c);
    frame.client = cursor_u64(&c);
    frame.server = cursor_u64(&c);
    frame.call = cursor_u64(&c);
    frame.method = cursor_u64(&c);
    frame.done = cursor_u64(&c);
    frame.payload = c.at;
    frame.payload_len = cursor_left(&c);
    *out = frame;
    return ERR_OK;
}

uint64_t frame_method_hash(const char *full_name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = full_name; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
    }
    return hash;
}
