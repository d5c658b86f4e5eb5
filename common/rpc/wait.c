#include <event2/event.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/client.h"
#include "common/rpc/message.h"
#include "common/rpc/rpc.h"

// Waiting for one call by running the client's loop. For programs that have nothing else to do.

struct waiting {
    bool is_done;
    enum err err;
    struct errmsg *e;
    ProtobufCMessage *reply;
};

// The reply belongs to the client, so a copy is kept.
static void on_reply(const ProtobufCMessage *reply, void *ctx)
{
    struct waiting *waiting = ctx;
    waiting->is_done = true;
    waiting->err = message_error_get(reply, waiting->e);
    if (waiting->err != ERR_OK) {
        return;
    }
    size_t len = protobuf_c_message_get_packed_size(reply);
    uint8_t *bytes = mem_alloc(len);
    protobuf_c_message_pack(reply, bytes);
    waiting->reply = protobuf_c_message_unpack(reply->descriptor, NULL, len, bytes);
    mem_free(bytes);
    if (waiting->reply == NULL) {
        waiting->err = err_set(waiting->e, ERR_NO_MEMORY, "no memory for a reply");
    }
}

enum err rpc_call_wait(struct rpc_client *client, const ProtobufCServiceDescriptor *descriptor,
                       const char *method, const ProtobufCMessage *request,
                       ProtobufCMessage **reply, struct errmsg *e)
{
    const ProtobufCMethodDescriptor *found =
        protobuf_c_service_descriptor_get_method_by_name(descriptor, method);
    if (found == NULL || request->descriptor != found->input) {
        return err_set(e, ERR_UNSUPPORTED, "%s has no method %s with such a request",
                       descriptor->name, method);
    }
    ProtobufCService *service = rpc_client_service(client, descriptor);
    struct waiting waiting = {.e = e};
    service->invoke(service, (unsigned)(found - descriptor->methods), request, on_reply, &waiting);
    while (!waiting.is_done) {
        // The call has a deadline, so this ends.
        if (event_base_loop(rpc_client_base(client), EVLOOP_ONCE) < 0) {
            return err_set(e, ERR_INTERNAL, "the event loop failed");
        }
    }
    if (waiting.err == ERR_OK) {
        *reply = waiting.reply;
    }
    return waiting.err;
}
