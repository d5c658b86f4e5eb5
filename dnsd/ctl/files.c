#include <stdio.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/mem.h"
#include "dnsd/conf/reader.h"
#include "dnsd/ctl/internal.h"

// Zone files that travel between daemons by name, in the spool folder. Control thread.

#define ZONE_FILE_MAX ((size_t)1024 * 1024 * 1024)

enum err ctl_read_spool(const struct ctl *ctl, const char *name, uint8_t **out, size_t *len,
                        struct errmsg *e)
{
    char path[512];
    enum err err = file_spool_path(ctl->app->paths.spool_dir, name, path, sizeof path, e);
    return err == ERR_OK ? file_read(path, ZONE_FILE_MAX, out, len, e) : err;
}

void ctl_import(Dnsd__Zones_Service *service, const Dnsd__ZoneImportRequest *input,
                Dnsd__ZoneReply_Closure closure, void *closure_data)
{
    struct ctl *ctl = ctl_of(service);
    struct zone *zone;
    struct errmsg e;
    uint8_t *text = NULL;
    size_t len;
    reader_enter();
    enum err err = ctl_zone_find(ctl, input->zone, &zone, &e);
    if (err == ERR_OK && zone_type(zone) != ZONE_PRIMARY) {
        err = err_set(&e, ERR_BAD_STATE, "%s is a %s zone: only a Primary zone takes a zone file",
                      zone_text(zone), ctl_zone_type_name(zone_type(zone)));
    }
    err = err == ERR_OK ? ctl_read_spool(ctl, input->file, &text, &len, &e) : err;
    if (err != ERR_OK) {
        ctl_reply_zone_error(closure, closure_data, &e);
    } else {
        struct zone_import import = {
            .text = (const char *)text,
            .text_len = len,
            .text_name = "zone file",
            .record_ttl = ctl->has_config ? snapshot_get(ctl->shared)->record_ttl : 3600,
            .overwrite = input->overwrite,
            .overwrite_zone = input->overwrite_zone,
            .overwrite_serial = input->overwrite_serial,
        };
        zone_submit_import(ctl->submitter, zone_text(zone), &import, ctl_pending_done,
                           ctl_pending_new(ctl, zone_text(zone), closure, closure_data));
    }
    reader_leave();
    mem_free(text);
}

// The file is made by us, so that its name is unique, and filled by the zone store.
static enum err export(struct ctl *ctl, const char *zone_name, char *name, size_t name_size,
                       struct errmsg *e) {
    struct zone *zone; char path[512]; int fd = -1;
    enum err err = ctl_zone_find(ctl, zone_name, &zone, e);
    if (err == ERR_OK && zone_current(zone) == NULL){
        err = err_set(e, ERR_BAD_STATE, "%s has no contents yet", zone_text(zone));}
err = err == ERR_OK ? file_spool_create(ctl->app->paths.spool_dir, name, name_size, &fd, e) : err;
if (err != ERR_OK) {
    return err;
}
close(fd);
err = file_spool_path(ctl->app->paths.spool_dir, name, path, sizeof path, e);
err = err == ERR_OK ? zone_export(ctl->shared->store, zone, path, e) : err;
if (err != ERR_OK) {
    unlink(path);
}
return err;
}

void ctl_export(Dnsd__Zones_Service *service, const Dnsd__ZoneExportRequest *input,
                Dnsd__ZoneExportReply_Closure closure, void *closure_data)
{
    Dnsd__ZoneExportReply reply;
    Trellis__Error error;
    struct errmsg e;
    char name[64];
    dnsd__zone_export_reply__init(&reply);
    reader_enter();
    enum err err = export(ctl_of(service), input->zone, name, sizeof name, &e);
    reader_leave();
    if (err == ERR_OK) {
        reply.file = name;
    } else {
        reply.error = rpc_error(&error, &e);
    }
    closure(&reply, closure_data);
}
