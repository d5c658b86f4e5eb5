#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

// Replies that carry only an error, for any reply type: field 1 is the error in all of them.

// An empty message of the type with its error set from `e`; freed as unpacked messages are. NULL
// when the type has no such field (a mistake in proto/, found by policy_test).
ProtobufCMessage *message_error_new(const ProtobufCMessageDescriptor *type, const struct errmsg *e);

// The error of a reply; ERR_OK when it has none.
enum err message_error_get(const ProtobufCMessage *reply, struct errmsg *e);

// "clusterd.Config.Get" into `name`; false when it does not fit.
NODISCARD bool message_method_name(const ProtobufCServiceDescriptor *service, unsigned index,
                                   char *name, size_t size);
