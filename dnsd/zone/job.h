#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "dnsd/zone/owner.h"
#include "dnsd/zone/store.h"
#include "dnsd/zone/zone.h"

/*
 * A job's way: made in the loop that asks (submit.c), queued; applied by the writer thread to a
 * transaction and to `struct pending` of its zone (edit.c, import.c, admin.c); after the commit the
 * pendings are published (writer.c) and the job goes back to its loop.
 */
enum job_kind { JOB_CREATE, JOB_DELETE, JOB_OPTIONS, JOB_STATE, JOB_EDITS, JOB_IMPORT, JOB_REPLACE,
                JOB_CONVERT, JOB_KIND_COUNT };

struct job {
    struct job *next;
    enum job_kind kind;
    struct zone_submitter *submitter;
    zone_done_fn fn;
    void *ctx;
    struct zone_result result;       // set by the writer
    struct arena arena;              // of everything below
    const char *zone;                // as asked
    struct name apex;                // folded; len 0 = `zone` is no name

    enum zone_type type;             // create, convert
    struct zone_options *options;    // create, options, convert; taken by the zone
    struct zone_state state;
    const struct zone_edit *edits;
    size_t edit_count;
    bool has_base_serial;
    uint32_t base_serial;
    struct zone_create create;       // its texts in the arena
    struct zone_import import;
    struct zone_load *load;
};
void job_free(struct job *job);

// A name's new RRsets, to be put into a version after the commit.
struct change {
    struct change *next;
    const uint8_t *name;
    const uint8_t *rrsets;
    size_t rrsets_size;
};

// What the jobs of one batch have made of one zone so far.
struct pending {
    struct pending *next;
    struct zone *zone;
    bool is_new;
    bool is_deleted;
    bool is_changed;                 // anything to publish
    bool has_new_state;
    struct zone_box *box;            // NULL = as it was
    struct zone_state state;
    uint32_t content;                // 0 = none
    uint32_t serial;
    struct zone_version *whole;      // made anew in this batch
    struct change *changes;          // after `whole`, or the present version
    struct change **changes_last;
};

struct batch {
    struct zone_store *store;
    MDB_txn *txn;
    struct arena arena;              // lives until publication
    struct pending *pendings;
    uint64_t now_s;
    uint32_t next_id;
    bool is_changed;
    bool is_broken;                  // the transaction cannot go on
};

// ---- for the appliers (batch.c) ----------------------------------------------------------------

// The zone as it will be; NULL = there is none.
struct pending *batch_find(struct batch *batch, const struct name *apex);
// The same; ERR_NOT_FOUND with the API's words.
NODISCARD enum err batch_get(struct batch *batch, const struct job *job, struct pending **out,
                             struct errmsg *e);
struct pending *batch_add(struct batch *batch, struct zone *zone);
enum zone_type pending_type(const struct pending *pending);
const struct zone_options *pending_options(const struct pending *pending);
// An LMDB code that must not be: breaks the batch.
enum err batch_fail(struct batch *batch, int code, struct errmsg *e);
// The names' records as they are in the transaction; an owner without records when there are none.
// Memory is the arena's.
NODISCARD enum err batch_read(struct batch *batch, const struct pending *pending, struct arena *arena,
                              const uint8_t *name, struct owner *owner, struct errmsg *e);
// Encodes, stores, and notes the change for publication.
NODISCARD enum err batch_write(struct batch *batch, struct pending *pending, struct owner *owner,
                               struct errmsg *e);
// Stores the zone's row as pending says.
NODISCARD enum err batch_write_row(struct batch *batch, struct pending *pending, struct errmsg *e);
// A new content number in place of the present one, which is cleared away after the commit.
void pending_set_whole(struct pending *pending, struct zone_version *whole, uint32_t content);
void batch_free_pendings(struct batch *batch);

// ---- the appliers: ERR_OK or nothing changed ---------------------------------------------------

typedef enum err (*job_apply_fn)(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_create(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_delete(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_options(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_state(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_edits(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_import(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_replace(struct batch *batch, struct job *job, struct errmsg *e);
enum err job_convert(struct batch *batch, struct job *job, struct errmsg *e);

// ---- shared by edits and imports (soa.c) -------------------------------------------------------

uint32_t soa_serial(const struct zone_record *soa);
// The serial that follows (RFC 1982; 0 is skipped), by the date scheme when wanted (RFC 1912 2.2).
uint32_t soa_next_serial(uint32_t serial, bool date_scheme, uint64_t now_s);
bool soa_is_newer(uint32_t serial, uint32_t than);   // RFC 1982
// Puts a serial into a SOA record: a copy of its RDATA in the arena.
void soa_set_serial(struct zone_record *soa, struct arena *arena, uint32_t serial);
// RDATA of a new zone's SOA. `responsible` may be a mail address; NULL = hostadmin.<zone>.
NODISCARD enum err soa_make(struct arena *arena, const struct name *apex, const char *server_name,
                            const char *responsible, uint32_t serial, struct zone_record *out,
                            struct errmsg *e);
// Does an apex have what it must: one enabled SOA, an enabled NS? ERR_INVALID.
NODISCARD enum err soa_check_apex(const struct owner *apex, struct errmsg *e);
// May records of this kind be edited here?
bool zone_type_is_edited(enum zone_type type);
