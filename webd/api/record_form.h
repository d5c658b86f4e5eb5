#pragma once

#include "common/base/cursor.h"
#include "webd/api/record_type.h"

// One field of RDATA as text and as JSON; between record_data.c and record_form.c.

// Writes the field; ERR_INVALID with the reason (the caller adds the parameter's name).
NODISCARD enum err record_form_write(const struct record_field *field, const char *text,
                                     bool split_text, struct cursor *out, struct errmsg *e);
// Reads the field into `object` under its member, with the members that go along.
void record_form_show(const struct record_field *field, struct cursor *in, json_t *object);

// Service parameters (RFC 9460): "key|value|key|value", "false" for none.
NODISCARD enum err svc_params_write(const char *text, struct cursor *out, struct errmsg *e);
json_t *svc_params_show(struct cursor *in);
