/*
 * Parameters as they come from outside: urlencoded text, then what is made of the values (times,
 * names, addresses, the RDATA of every record type). Input: the type as two bytes, then a query.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/mem.h"
#include "webd/api/call.h"
#include "webd/api/idn.h"
#include "webd/api/net.h"
#include "webd/api/record_type.h"
#include "webd/http/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *param_of(void *ctx, const char *name)
{
    return web_params_get(ctx, name);
}

static void try_record(uint16_t type, struct web_params *params)
{
    static uint8_t rdata[RDATA_MAX];
    for (int which = RECORD_OF_ADD; which <= RECORD_NEW; which++) {
        struct errmsg e;
        size_t len = 0;
        if (record_build(record_row_find(type), type, (enum record_which)which, param_of, params,
                         rdata, sizeof rdata, &len, &e) == ERR_OK) {
            json_decref(record_view(type, rdata, len));
        }
    }
}

static void try_values(const struct web_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        const char *value = params->items[i].value;
        char text[NAME_MAX_TEXT];
        char unicode[NAME_MAX_TEXT];
        uint32_t seconds;
        struct sockaddr_storage address;
        struct str encoded;
        if (value_ttl(value, &seconds) == ERR_OK) {
            value_ttl_text(seconds, text);
        }
        if (idn_to_ascii(value, text, sizeof text, NULL) == ERR_OK) {
            (void)idn_to_unicode(text, unicode, sizeof unicode);
        }
        (void)net_reverse_name(value, text, sizeof text);
        (void)net_parse(value, 0, &address);
        str_init(&encoded);
        web_urlencode(&encoded, value);
        str_fini(&encoded);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena;
    struct web_params params;
    if (size < 2) {
        return 0;
    }
    // Mostly types that have a row.
    size_t at = (size_t)(bytes[0] << 8 | bytes[1]);
    uint16_t type = at < 0x8000 ? record_rows[at % record_row_count].type : (uint16_t)at;
    arena_init(&arena);
    web_params_init(&params, &arena);
    if (web_params_parse(&params, WEB_PARAM_QUERY, (const char *)bytes + 2, size - 2, NULL) ==
        ERR_OK) {
        try_values(&params);
        try_record(type, &params);
    }
    json_decref(record_view(type, bytes + 2, size - 2));
    web_params_fini(&params);
    arena_fini(&arena);
    return 0;
}
