#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/rpc/frame.h"
#include "common/rpc/message.h"
#include "common/rpc/rpc.h"
#include "proto/clusterd.pb-c.h"
#include "proto/common.pb-c.h"
#include "proto/dnsd.pb-c.h"
#include "proto/webd.pb-c.h"

/*
 * What arrives at a socket: the frame, then the message of whatever type its method number picks.
 * What was read is written again and must come out the same.
 */
static const ProtobufCServiceDescriptor *const services[] = {
    &clusterd__config__descriptor, &clusterd__cluster__descriptor, &clusterd__peer__descriptor,
    &dnsd__zones__descriptor,      &dnsd__server__descriptor,      &webd__web__descriptor,
};

static const ProtobufCMessageDescriptor *pick(uint64_t number, bool is_reply)
{
    const ProtobufCServiceDescriptor *service =
        services[number % (sizeof services / sizeof services[0])];
    const ProtobufCMethodDescriptor *method = &service->methods[(number >> 8) % service->n_methods];
    return is_reply ? method->output : method->input;
}

static void read_message(const struct frame *frame)
{
    bool is_reply = frame->kind == FRAME_REPLY;
    const ProtobufCMessageDescriptor *type = pick(frame->method, is_reply);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, NULL, frame->payload_len, frame->payload);
    if (message == NULL) {
        return;
    }
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = mem_alloc(len);
    if (protobuf_c_message_pack(message, packed) != len) {
        abort();
    }
    mem_free(packed);
    struct errmsg e;
    if (is_reply && message_error_get(message, &e) != ERR_OK && e.code == ERR_OK) {
        abort();
    }
    protobuf_c_message_free_unpacked(message, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct frame frame;
    if (frame_read(bytes, len, &frame) != ERR_OK) {
        return 0;
    }
    if (frame.payload + frame.payload_len != bytes + len) {
        abort();
    }
    uint8_t head[FRAME_HEAD];
    struct frame again;
    frame_write_head(head, &frame);
    if (frame_read(head, sizeof head, &again) != ERR_OK || again.call != frame.call ||
        again.method != frame.method || again.done != frame.done ||
        again.client != frame.client || again.server != frame.server ||
        again.flags != frame.flags || again.kind != frame.kind) {
        abort();
    }
    read_message(&frame);
    return 0;
}
