#pragma once

#include "common/base/arena.h"
#include "common/dns/name.h"
#include "common/rpc/rpc.h"
#include "dnsd/ctl/ctl.h"
#include "dnsd/zone/zone.h"
#include "proto/dnsd.pb-c.h"

// What the handler files of this folder share. Control thread; handlers read zones in RCU sections.

struct blocks;
struct conf_watch;
struct xfr;

// The services; `ctl` is found behind them.
struct ctl_zones_service {
    Dnsd__Zones_Service service;
    struct ctl *ctl;
};
struct ctl_server_service {
    Dnsd__Server_Service service;
    struct ctl *ctl;
};

struct ctl {
    struct app *app;
    struct shared *shared;
    struct net *net;
    struct xfr *xfr;
    struct blocks *blocks;
    struct zone_submitter *submitter;
    struct rpc_server *server;
    struct rpc_client *clusterd;
    struct conf_watch *watch;
    bool has_config;
    void (*on_first_config)(void *ctx);
    void *first_config_ctx;
    uint64_t started_ms; // Unix time
    struct ctl_zones_service zones_service;
    struct ctl_server_service server_service;
    int hint_fd; // eventfd: a zone changed
    struct event *hint_event;
    _Atomic uint64_t zone_changes; // number of the last hint
};

void ctl_zones_service_init(struct ctl_zones_service *s, struct ctl *ctl);
void ctl_server_service_init(struct ctl_server_service *s, struct ctl *ctl);
static inline struct ctl *ctl_of(Dnsd__Zones_Service *service)
{
    return ((struct ctl_zones_service *)(void *)service)->ctl;
}

// A zone name as a caller writes it: folded, both forms. ERR_INVALID.
struct ctl_zone_name {
    struct name wire;
    char text[NAME_MAX_TEXT];
};
NODISCARD enum err ctl_zone_name(const char *text, struct ctl_zone_name *out, struct errmsg *e);

// The zone of this name. ERR_NOT_FOUND with the API's words. Read side.
NODISCARD enum err ctl_zone_find(const struct ctl *ctl, const char *text, struct zone **out,
                                 struct errmsg *e);
// All that a list shows of a zone; what it points to lives as long as the arena and the read side.
void ctl_zone_info(const struct zone *zone, struct arena *arena, Dnsd__ZoneInfo *out);
// Fills in the zone's info, if it is there; NULL when not.
Dnsd__ZoneInfo *ctl_zone_info_of(const struct ctl *ctl, const char *text, struct arena *arena);

// The numbers are the same on both sides (tested); false = none of them.
bool ctl_zone_type(Dnsd__ZoneType in, enum zone_type *out);
const char *ctl_zone_type_name(enum zone_type type);

// dnsd/ctl/options.c: the fields present in `in` into `options` (of a zone of this type). Fields
// that the type does not have are passed over. ERR_INVALID, ERR_NOT_FOUND (catalog, TSIG key),
// ERR_UNSUPPORTED. Read side.
NODISCARD enum err ctl_options_apply(const struct ctl *ctl, const char *zone, enum zone_type type,
                                     const Dnsd__ZoneOptions *in, struct zone_options *options,
                                     struct errmsg *e);
// All fields of the zone's type.
void ctl_options_show(const struct zone *zone, struct arena *arena, Dnsd__ZoneOptions *out);

// dnsd/ctl/records.c
void ctl_get_records(Dnsd__Zones_Service *service, const Dnsd__RecordsRequest *input,
                     Dnsd__RecordsReply_Closure closure, void *closure_data);
void ctl_edit(Dnsd__Zones_Service *service, const Dnsd__EditRequest *input,
              Dnsd__EditReply_Closure closure, void *closure_data);

// dnsd/ctl/files.c
void ctl_import(Dnsd__Zones_Service *service, const Dnsd__ZoneImportRequest *input,
                Dnsd__ZoneReply_Closure closure, void *closure_data);
void ctl_export(Dnsd__Zones_Service *service, const Dnsd__ZoneExportRequest *input,
                Dnsd__ZoneExportReply_Closure closure, void *closure_data);
// A zone file from the spool (mem_free).
NODISCARD enum err ctl_read_spool(const struct ctl *ctl, const char *name, uint8_t **out,
                                  size_t *len, struct errmsg *e);

// A change on its way: the answer of several methods is the zone as it stands afterwards.
struct ctl_pending {
    struct ctl *ctl;
    Dnsd__ZoneReply_Closure closure;
    void *closure_data;
    char zone[NAME_MAX_TEXT];
};
struct ctl_pending *ctl_pending_new(struct ctl *ctl, const char *zone,
                                    Dnsd__ZoneReply_Closure closure, void *closure_data);
void ctl_pending_done(void *ctx, const struct zone_result *result); // zone_done_fn; frees it
void ctl_reply_zone_error(Dnsd__ZoneReply_Closure closure, void *closure_data, struct errmsg *e);
