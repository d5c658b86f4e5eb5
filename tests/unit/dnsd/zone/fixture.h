#pragma once

// A zone store in a folder of its own, and its jobs called one at a time. Included once by a test.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"
#include "dnsd/zone/zone.h"

struct fixture {
    char folder[64];
    struct event_base *base;
    struct zone_store *store;
    struct zone_submitter *submitter;
    struct zone_result result;
    bool done;
};

static inline void fixture_done(void *ctx, const struct zone_result *result)
{
    struct fixture *f = ctx;
    f->result = *result;
    f->done = true;
}

static inline enum err fixture_wait(struct fixture *f)
{
    rcu_thread_offline();
    while (!f->done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    rcu_thread_online();
    f->done = false;
    return f->result.err;
}

static inline void fixture_start(struct fixture *f)
{
    struct errmsg e = {0};
    f->base = event_base_new();
    if (zone_store_open(f->folder, &f->store, &e) != ERR_OK ||
        zone_submitter_open(f->store, f->base, &f->submitter, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
}

static inline void fixture_stop(struct fixture *f)
{
    rcu_thread_offline();
    zone_submitter_close(f->submitter);
    zone_store_close(f->store);
    rcu_thread_online();
    event_base_free(f->base);
}

static inline void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.folder = "/tmp/trellis-zone-XXXXXX"};
    if (mkdtemp(f->folder) == NULL) {
        abort();
    }
    rcu_register_thread();
    fixture_start(f);
}

static inline void fixture_remove_file(const struct fixture *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    unlink(path);
}

static inline void fixture_close(struct fixture *f)
{
    fixture_stop(f);
    rcu_unregister_thread();
    fixture_remove_file(f, "data.mdb");
    fixture_remove_file(f, "lock.mdb");
    fixture_remove_file(f, "export");
    rmdir(f->folder);
}

static inline enum err fixture_create(struct fixture *f, const char *zone, enum zone_type type,
                                      const char *text)
{
    struct zone_create create = {.zone = zone, .type = type, .server_name = "ns1.example",
                                 .soa_ttl = 900, .ns_ttl = 3600, .record_ttl = 3600, .text = text,
                                 .text_len = text == NULL ? 0 : strlen(text),
                                 .text_name = "test.zone"};
    zone_submit_create(f->submitter, &create, fixture_done, f);
    return fixture_wait(f);
}

static inline struct zone *fixture_zone(struct fixture *f, const char *zone)
{
    struct name name;
    if (name_from_text(zone, &name, NULL) != ERR_OK) {
        abort();
    }
    return zone_table_find(zone_table_get(f->store), name.wire);
}

// A record from its texts; `name` and `rdata` lend the memory.
static inline struct zone_record fixture_record(const char *owner, const char *type, uint32_t ttl,
                                                const char *text, struct name *name,
                                                uint8_t rdata[512])
{
    struct zone_record record = {.ttl = ttl};
    struct errmsg e;
    size_t len = 0;
    struct name root = {.len = 1};
    if (name_from_text(owner, name, &e) != ERR_OK ||
        rr_type_from_text(type, &record.type) != ERR_OK ||
        (text != NULL && rdata_from_text(record.type, text, strlen(text), &root, rdata, 512, &len,
                                         &e) != ERR_OK)) {
        fprintf(stderr, "%s %s %s\n", owner, type, text);
        abort();
    }
    record.name = name->wire;
    record.rdata = rdata;
    record.rdata_len = (uint16_t)len;
    return record;
}

static inline enum err fixture_edit(struct fixture *f, const char *zone, enum zone_edit_op op,
                                    const char *owner, const char *type, const char *text)
{
    struct name name;
    uint8_t rdata[512];
    struct zone_record record = fixture_record(owner, type, 300, text, &name, rdata);
    struct zone_edit edit = {.op = op, .old = record, .record = record};
    zone_submit_edits(f->submitter, zone, &edit, 1, NULL, fixture_done, f);
    return fixture_wait(f);
}

// All records as "name ttl type rdata\n", disabled ones with a leading "-". Freed by the caller.
static inline char *fixture_dump(struct fixture *f, const char *zone, bool with_disabled)
{
    struct str out;
    struct zone_iter iter;
    struct zone_record record;
    str_init(&out);
    str_add(&out, "");
    struct zone *z = fixture_zone(f, zone);
    const struct zone_version *version = z == NULL ? NULL : zone_pin(z);
    if (version == NULL) {
        return str_take(&out);
    }
    zone_iter_init(&iter, f->store, z, version, NULL, with_disabled);
    while (zone_iter_next(&iter, &record)) {
        char name[NAME_MAX_TEXT];
        char type[16];
        name_to_text(record.name, name);
        rr_type_to_text(record.type, type);
        str_printf(&out, "%s%s %u %s ", record.disabled ? "-" : "", name, record.ttl, type);
        rdata_to_text(record.type, record.rdata, record.rdata_len, &out);
        if (record.comments != NULL) {
            str_printf(&out, " ; %s", record.comments);
        }
        str_add(&out, "\n");
    }
    zone_iter_fini(&iter);
    zone_unpin(version);
    return str_take(&out);
}
