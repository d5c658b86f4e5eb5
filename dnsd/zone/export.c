/*
 * Zone file text of a zone: absolute names, a TTL on each line, comments behind ";", disabled records
 * as comments that an import reads back (load.h). Any thread; not for the packet path.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/dns/rrtype.h"
#include "dnsd/zone/load.h"
#include "dnsd/zone/zone.h"

#define CHUNK 65536u

static void add_comments(struct str *out, const char *comments)
{
    str_add(out, " ; ");
    for (; *comments != 0; comments++) {
        str_add_char(out, *comments == '\n' || *comments == '\r' ? ' ' : *comments);
    }
}

static void add_record(struct str *out, const struct zone_record *record)
{
    char name[NAME_MAX_TEXT];
    char type[16];
    name_to_text_dot(record->name, name);
    rr_type_to_text(record->type, type);
    if (record->disabled) {
        str_add(out, LOAD_DISABLED_MARK);
    }
    str_printf(out, "%s\t%u\tIN\t%s\t", name, record->ttl, type);
    rdata_to_text(record->type, record->rdata, record->rdata_len, out);
    if (record->comments != NULL) {
        add_comments(out, record->comments);
    }
    str_add_char(out, '\n');
}

static bool flush(int fd, struct str *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t n = write(fd, text->text + done, text->len - done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    str_clear(text);
    return true;
}

static bool write_records(int fd, struct zone_iter *iter, struct str *text)
{
    struct zone_record record;
    while (zone_iter_next(iter, &record)) {
        add_record(text, &record);
        if (text->len >= CHUNK && !flush(fd, text)) {
            return false;
        }
    }
    return flush(fd, text);
}

enum err zone_export(struct zone_store *store, struct zone *zone, const char *path,
                     struct errmsg *e)
{
    const struct zone_version *version = zone_pin(zone);
    if (version == NULL) {
        return err_set(e, ERR_BAD_STATE, "the zone %s was never loaded", zone_text(zone));
    }
    struct zone_iter iter;
    struct str text;
    str_init(&text);
    zone_iter_init(&iter, store, zone, version, NULL, true);
    enum err err = ERR_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0 || !write_records(fd, &iter, &text)) {
        err = err_set(e, err_from_errno(errno), "%s: %s", path, strerror(errno));
    }
    if (fd >= 0 && close(fd) != 0 && err == ERR_OK) {
        err = err_set(e, err_from_errno(errno), "%s: %s", path, strerror(errno));
    }
    zone_iter_fini(&iter);
    zone_unpin(version);
    str_fini(&text);
    return err;
}
