#include "common/rpc/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/rpc.h"
#include "proto/common.pb-c.h"

// No state; any thread.

enum { ERROR_FIELD = 1 };

// Where the error's pointer stands in messages of this type; NULL = nowhere.
static const ProtobufCFieldDescriptor *error_field(const ProtobufCMessageDescriptor *type)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, ERROR_FIELD);
    return field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
                   field->label != PROTOBUF_C_LABEL_REPEATED &&
                   field->descriptor == &trellis__error__descriptor
               ? field
               : NULL;
}

ProtobufCMessage *message_error_new(const ProtobufCMessageDescriptor *type, const struct errmsg *e)
{
    const ProtobufCFieldDescriptor *field = error_field(type);
    if (field == NULL) {
        return NULL;
    }
    // protobuf_c_message_free_unpacked frees each part by itself.
    Trellis__Error *error = mem_alloc(sizeof *error);
    trellis__error__init(error);
    error->code = (uint32_t)e->code;
    error->message = mem_strdup(e->text);
    ProtobufCMessage *message = mem_alloc(type->sizeof_message);
    protobuf_c_message_init(type, message);
    memcpy((uint8_t *)message + field->offset, &error, sizeof error);
    return message;
}

enum err message_error_get(const ProtobufCMessage *reply, struct errmsg *e)
{
    const ProtobufCFieldDescriptor *field = error_field(reply->descriptor);
    const Trellis__Error *error = NULL;
    if (field != NULL) {
        memcpy(&error, (const uint8_t *)reply + field->offset, sizeof error);
    }
    return rpc_error_get(error, e);
}

struct Trellis__Error *rpc_error(struct Trellis__Error *storage, struct errmsg *e)
{
    if (e->code == ERR_OK) {
        return NULL;
    }
    trellis__error__init(storage);
    storage->code = (uint32_t)e->code;
    storage->message = e->text;
    return storage;
}

enum err rpc_error_get(const struct Trellis__Error *error, struct errmsg *e)
{
    if (error == NULL) {
        return ERR_OK;
    }
    // A newer peer may know more codes; an error without one is still an error.
    bool is_known = error->code > ERR_OK && error->code < ERR_COUNT;
    enum err code = is_known ? (enum err)error->code : ERR_INTERNAL;
    const char *text = error->message != NULL && error->message[0] != '\0' ? error->message
                                                                           : err_text(code);
    return err_set(e, code, "%s", text);
}

bool message_method_name(const ProtobufCServiceDescriptor *service, unsigned index, char *name,
                         size_t size)
{
    int len = snprintf(name, size, "%s.%s", service->name, service->methods[index].name);
    return len >= 0 && (size_t)len < size;
}
