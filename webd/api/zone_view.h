#pragma once

#include "proto/dnsd.pb-c.h"
#include "webd/api/call.h"

// What the calls about zones share.

extern const char *const zone_type_names[8]; // by Dnsd__ZoneType
// Any case, or the decimal number; false = no such type.
bool zone_type_find(const char *name, Dnsd__ZoneType *out);

// The zone as lists show it; new reference.
json_t *zone_view(const Dnsd__ZoneInfo *zone);

// The `zone` parameter (or `domain`), normalized, with the caller's zone-level right checked. False
// = answered. The text is in the call's arena.
bool zone_need(struct api_call *call, unsigned right, const char **zone);
// True when `error` is absent; else answers, with "No such zone was found" where dnsd says so.
bool zone_check(struct api_call *call, const struct Trellis__Error *error, const char *zone);

// The name of a zone or key as it is stored: lower case, no last dot; in the call's arena.
char *zone_name_text(struct api_call *call, const char *text);

ProtobufCService *zone_service(struct api_call *call);
