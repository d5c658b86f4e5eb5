// The SOA record of a zone: serials, new ones, what an apex must have. Any thread.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/cursor.h"
#include "common/base/mem.h"
#include "common/dns/rrtype.h"
#include "dnsd/zone/job.h"

// What a new zone's SOA says, in seconds, as the API's server does.
enum { SOA_REFRESH = 900, SOA_RETRY = 300, SOA_EXPIRE = 604800, SOA_MINIMUM = 900 };

static size_t serial_offset(const struct zone_record *soa)
{
    size_t names = name_len(soa->rdata);
    return names + name_len(soa->rdata + names);
}

uint32_t soa_serial(const struct zone_record *soa)
{
    size_t at = serial_offset(soa);
    struct cursor c = cursor_over_const(soa->rdata + at, soa->rdata_len - at);
    return cursor_u32(&c);
}

bool soa_is_newer(uint32_t serial, uint32_t than)
{
    return serial != than && serial - than < 0x80000000u;
}

uint32_t soa_next_serial(uint32_t serial, bool date_scheme, uint64_t now_s)
{
    uint32_t next = serial + 1 == 0 ? 1 : serial + 1;
    if (date_scheme) {
        time_t now = (time_t)now_s;
        struct tm day;
        gmtime_r(&now, &day);
        uint32_t today = (uint32_t)((day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 +
                                    day.tm_mday) * 100;
        if (soa_is_newer(today, serial)) {
            next = today;
        }
    }
    return next;
}

void soa_set_serial(struct zone_record *soa, struct arena *arena, uint32_t serial)
{
    uint8_t *rdata = arena_dup(arena, soa->rdata, soa->rdata_len);
    size_t at = serial_offset(soa);
    struct cursor c = cursor_over(rdata + at, soa->rdata_len - at);
    cursor_put_u32(&c, serial);
    soa->rdata = rdata;
}

// "host.admin@example.com" or a name to the mailbox's name (RFC 1035 section 8).
static enum err mailbox(const char *text, struct name *out, struct errmsg *e)
{
    const char *at = strchr(text, '@');
    if (at == NULL) {
        return name_from_text(text, out, e);
    }
    size_t local = (size_t)(at - text);
    struct name domain;
    enum err err = name_from_text(at + 1, &domain, e);
    if (err != ERR_OK) {
        return err;
    }
    uint8_t prefix[64];
    if (local == 0 || local > 63) {
        return err_set(e, ERR_INVALID, "%s is not a mail address", text);
    }
    prefix[0] = (uint8_t)local;
    memcpy(prefix + 1, text, local);
    if (!name_join(prefix, local + 1, domain.wire, out)) {
        return err_set(e, ERR_INVALID, "the mail address %s is too long", text);
    }
    return ERR_OK;
}

enum err soa_make(struct arena *arena, const struct name *apex, const char *server_name,
                  const char *responsible, uint32_t serial, struct zone_record *out,
                  struct errmsg *e)
{
    struct name primary;
    struct name box;
    enum err err = name_from_text(server_name == NULL ? "." : server_name, &primary, e);
    if (err != ERR_OK) {
        return err_prefix(e, err, "server name");
    }
    if (responsible != NULL && responsible[0] != 0) {
        err = mailbox(responsible, &box, e);
        if (err != ERR_OK) {
            return err_prefix(e, err, "responsible person");
        }
    } else if (!name_join((const uint8_t *)"\011hostadmin", 10, apex->wire, &box)) {
        box = primary;
    }
    size_t len = (size_t)primary.len + box.len + 20;
    uint8_t *rdata = arena_alloc(arena, len);
    struct cursor c = cursor_over(rdata, len);
    cursor_put(&c, primary.wire, primary.len);
    cursor_put(&c, box.wire, box.len);
    cursor_put_u32(&c, serial);
    cursor_put_u32(&c, SOA_REFRESH);
    cursor_put_u32(&c, SOA_RETRY);
    cursor_put_u32(&c, SOA_EXPIRE);
    cursor_put_u32(&c, SOA_MINIMUM);
    *out = (struct zone_record){.type = TYPE_SOA, .rdata = rdata, .rdata_len = (uint16_t)len};
    return ERR_OK;
}

enum err soa_check_apex(const struct owner *apex, struct errmsg *e)
{
    char name[NAME_MAX_TEXT];
    if (owner_find_type(apex, TYPE_SOA) == NULL) {
        name_to_text(apex->name, name);
        return err_set(e, ERR_INVALID, "the zone %s must keep its SOA record", name);
    }
    if (owner_find_type(apex, TYPE_NS) == NULL) {
        name_to_text(apex->name, name);
        return err_set(e, ERR_INVALID, "the zone %s must keep an NS record at its apex", name);
    }
    return ERR_OK;
}

bool zone_type_is_edited(enum zone_type type)
{
    switch (type) {
    case ZONE_PRIMARY:
    case ZONE_FORWARDER:
    case ZONE_CATALOG:
        return true;
    case ZONE_SECONDARY:
    case ZONE_STUB:
    case ZONE_SECONDARY_FORWARDER:
    case ZONE_SECONDARY_CATALOG:
    case ZONE_TYPE_COUNT:
        return false;
    }
    return false;
}
