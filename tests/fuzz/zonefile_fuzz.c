// Any text as a zone file: every record told is well-formed, every fault has its place and reason.
#include <stdint.h>
#include <string.h>

#include "common/dns/rrtype.h"
#include "common/dns/zonefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

// $GENERATE makes many records of little text: enough have been seen after some.
static enum err take(void *ctx, const struct zonefile_record *record, struct errmsg *e)
{
    unsigned *count = ctx;
    struct errmsg reason;
    must(name_check(record->name->wire, record->name->len) == record->name->len);
    must(rdata_check(record->type, record->rdata, record->rdata_len, &reason) == ERR_OK);
    must(record->ttl <= INT32_MAX && record->line > 0);
    return ++*count == 2000 ? err_set(e, ERR_TOO_LARGE, "enough") : ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct name origin = {.len = 9, .wire = "\7example"};
    struct errmsg e = {.text = ""};
    unsigned count = 0;
    if (zonefile_scan((const char *)bytes, size, "f", &origin, 60, take, &count, &e) != ERR_OK) {
        must(memcmp(e.text, "f:", 2) == 0 && strlen(e.text) > 5);
    }
    return 0;
}
