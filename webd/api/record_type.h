#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/dns/rrtype.h"

/*
 * RR types as the API names their fields: one row a type, one field a part of its RDATA, in wire
 * order. From a row follow the parameters of records/add, update and delete, and rData of
 * records/get. Types without a row are UNKNOWN: `rdata` in hex. Any thread.
 */
enum record_form {
    RECORD_U8,
    RECORD_U16,
    RECORD_U32,
    RECORD_TTL,
    RECORD_WORD8, // a byte with the API's words; the number is taken too
    RECORD_WORD16,
    RECORD_IPV4,
    RECORD_IPV6,
    RECORD_NAME,
    RECORD_MAILBOX,     // a name shown as a mail address, taken as either
    RECORD_STRING,      // one <character-string>
    RECORD_TEXT,        // TXT: strings, split at new lines on request
    RECORD_TAG,         // CAA: letters and digits
    RECORD_REST,        // the rest, as text
    RECORD_HEX,         // the rest, in hex
    RECORD_HEX8,        // length byte, then hex
    RECORD_CERTIFICATE, // the rest, in hex, or from a PEM certificate
    RECORD_BASE64,      // the rest
    RECORD_BASE32_8,    // length byte, then base32hex
    RECORD_TYPE,        // an RR type
    RECORD_TYPES,       // type bitmap
    RECORD_TIME,        // seconds, shown as a time
    RECORD_SVC,         // service parameters
    RECORD_APL,
    RECORD_FORM_COUNT
};

// The API's words of a number.
struct record_word {
    const char *text;
    uint16_t value;
};

struct record_field {
    enum record_form form;
    const char *json;      // in rData
    const char *param;     // of add and delete, and the current value in update; NULL = not taken
    const char *new_param; // of update; NULL = `param` is the new value
    const char *alt;       // second accepted name of `param`
    const char *new_alt;
    bool is_optional; // absent = empty
    const struct record_word *words;
    uint8_t word_count;
};

enum record_flag {
    RECORD_ONLY_ONE = 1 << 0, // update and delete name no old value: the record set is meant
    RECORD_MANAGED = 1 << 1,  // made by signing: refused
    RECORD_GENERIC = 1 << 2,  // taken as `rdata` in hex only
};

struct record_row {
    uint16_t type;
    unsigned flags;
    uint8_t field_count;
    struct record_field fields[9];
};
extern const struct record_row record_rows[];
extern const size_t record_row_count;
// Never NULL: the row of UNKNOWN for types without one.
const struct record_row *record_row_find(uint16_t type);

// Where parameters come from; NULL = not given.
typedef const char *(*record_param_fn)(void *ctx, const char *name);

enum record_which {
    RECORD_OF_ADD, // `param`, required
    RECORD_OLD,    // the same
    RECORD_NEW,    // `new_param` where given, else `param`
};
// RDATA from parameters, checked against the type. ERR_INVALID names the parameter.
NODISCARD enum err record_build(const struct record_row *row, uint16_t type,
                                enum record_which which, record_param_fn param, void *ctx,
                                uint8_t *out, size_t size, size_t *len, struct errmsg *e);
// rData of records/get; new reference.
json_t *record_view(uint16_t type, const uint8_t *rdata, size_t len);

// "a@b" or "a.b" to a name, and a name to "a@b".
NODISCARD enum err mailbox_from_text(const char *text, struct name *out, struct errmsg *e);
void mailbox_to_text(const uint8_t *wire, char *dst, size_t size);
