#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/dns/name.h"

struct event_base;

/*
 * The zones of this server: durable in LMDB, readable without locks in memory.
 *
 *   zone_store ── RCU pointer ──▶ zone_table (name → zone, closest enclosing zone)
 *   zone       ── RCU pointer ──▶ zone_version (immutable contents of one serial)
 *   zone       ── RCU pointer ──▶ zone_options (immutable)
 *
 * Readers are threads registered with liburcu (QSBR). All changes go through one writer thread: it
 * takes the waiting jobs together, makes them durable in one LMDB transaction, publishes the new
 * versions, then completes the jobs in the loops that asked. A job is all or nothing.
 */
struct zone_store;
struct zone_table;
struct zone;
struct zone_version;

enum zone_type {
    ZONE_PRIMARY = 1, ZONE_SECONDARY, ZONE_STUB, ZONE_FORWARDER, ZONE_SECONDARY_FORWARDER,
    ZONE_CATALOG, ZONE_SECONDARY_CATALOG, ZONE_TYPE_COUNT
};
enum zone_access { ZONE_DENY, ZONE_ALLOW, ZONE_PRIVATE, ZONE_NAME_SERVERS, ZONE_ACL,
                   ZONE_NAME_SERVERS_AND_ACL };
enum zone_notify { ZONE_NOTIFY_NONE, ZONE_NOTIFY_NAME_SERVERS, ZONE_NOTIFY_SPECIFIED,
                   ZONE_NOTIFY_BOTH, ZONE_NOTIFY_SEPARATE };

struct zone_strings {
    char **items;
    size_t count;
};
// Immutable once published. Text values as in the API.
struct zone_options {
    bool disabled;
    bool soa_date_scheme;
    bool override_query_access, override_transfer, override_notify, override_primaries;
    bool validate_zone;
    char *catalog;                  // folded text, NULL = none
    char *member_id;                // label below zones.<catalog>, set for catalog members
    bool from_catalog;              // made by a secondary catalog
    struct zone_strings primaries;  // "192.0.2.1", "192.0.2.1:5300", "[2001:db8::1]:53"
    char *transfer_protocol;        // "Tcp"
    char *primary_tsig_key;         // NULL = none
    enum zone_access query_access;
    struct zone_strings query_acl;
    enum zone_access transfer;
    struct zone_strings transfer_acl;
    struct zone_strings transfer_tsig_keys;
    enum zone_notify notify;
    struct zone_strings notify_servers;
    struct zone_strings notify_catalogs;
    enum zone_access update;
    struct zone_strings update_acl;
    struct zone_strings update_policies;   // "key|domain|types"
};
void zone_options_free(struct zone_options *options);
struct zone_options *zone_options_copy(const struct zone_options *options);
// A new zone's options: transfers to the zone's name servers, NOTIFY to them, queries allowed,
// no updates; the secondary and catalog kinds deny transfers and NOTIFY as the API's defaults do.
struct zone_options *zone_options_new(enum zone_type type);

// Timer state of the secondary kinds and results of NOTIFY; durable, changed by zone_set_state.
struct zone_state {
    uint64_t last_modified;     // Unix seconds
    uint64_t last_refresh;      // last successful SOA check or transfer
    uint64_t expiry;            // when it expires; 0 = never loaded or not a secondary
    bool sync_failed;
    char sync_error[160];
    bool notify_failed;
    char notify_failed_for[160];   // comma list
};

// ---- open, close -------------------------------------------------------------------------------

// Opens (or makes) the LMDB environment in `folder` and loads every zone. ERR_CORRUPT names the file
// and says how to restore it.
NODISCARD enum err zone_store_open(const char *folder, struct zone_store **out, struct errmsg *e);
// Ends the writer thread after the jobs it holds; all readers must be gone.
void zone_store_close(struct zone_store *store);

// ---- reading (RCU read side) -------------------------------------------------------------------

const struct zone_table *zone_table_get(const struct zone_store *store);
size_t zone_table_count(const struct zone_table *table);
struct zone *zone_table_at(const struct zone_table *table, size_t index);  // canonical order of names
// Index of the first zone whose apex is not before `name_lower` in canonical order (for paging).
size_t zone_table_seek(const struct zone_table *table, const uint8_t *name_lower);
struct zone *zone_table_find(const struct zone_table *table, const uint8_t *apex_lower);
// The zone with the longest apex that is `name` or above it; NULL = none. `hashes` and `offsets` as
// made by name_hashes.
struct zone *zone_table_closest(const struct zone_table *table, const uint8_t *name_lower,
                                const uint8_t *offsets, unsigned label_count,
                                const uint64_t *hashes);

const struct name *zone_apex(const struct zone *zone);
const char *zone_text(const struct zone *zone);        // presentation form without the last dot
enum zone_type zone_type(const struct zone *zone);
uint32_t zone_id(const struct zone *zone);             // never reused
const struct zone_options *zone_options(const struct zone *zone);
void zone_state_get(const struct zone *zone, struct zone_state *out);
// NULL = never loaded (a secondary before its first transfer).
const struct zone_version *zone_current(const struct zone *zone);
// May it answer at `now_s` (Unix seconds)? Not disabled, loaded, not expired.
bool zone_serves(const struct zone *zone, uint64_t now_s);

uint32_t zone_version_serial(const struct zone_version *version);
uint64_t zone_version_records(const struct zone_version *version);   // enabled records
struct zone_soa {
    uint32_t ttl, serial, refresh, retry, expire, minimum;
};
void zone_version_soa(const struct zone_version *version, struct zone_soa *out);

// Calls `fn` for each enabled record of exactly this name and type in the zone that holds the name
// (also below its delegations: glue). For NOTIFY targets and "zone name servers" rules. Read side.
typedef void (*zone_rdata_fn)(void *ctx, const uint8_t *rdata, uint16_t rdata_len);
void zone_table_rdata(const struct zone_table *table, const uint8_t *name_lower, uint16_t type,
                      zone_rdata_fn fn, void *ctx);

// One RRset of a version, uncompressed wire. `rdatas` holds `count` times: length (u16, network
// order), RDATA. RRSIGs are kept by covered type: type TYPE_RRSIG with `covered` set.
struct zone_rrset {
    uint16_t type;
    uint16_t covered;
    uint16_t count;
    uint32_t ttl;
    const uint8_t *rdatas;
    size_t rdatas_size;
};
// The RRset of exactly this name and type (no wildcards, delegations ignored); false = not there.
bool zone_version_rrset(const struct zone_version *version, const uint8_t *name_lower, uint16_t type,
                        struct zone_rrset *out);
// Walks the RDATAs: start with *offset = 0; NULL = no more.
const uint8_t *zone_rrset_next(const struct zone_rrset *rrset, size_t *offset, uint16_t *rdata_len);

// ---- versions that outlive the read side (transfers, exports) ----------------------------------

// Keeps the present version alive across quiescent states; NULL = nothing loaded.
const struct zone_version *zone_pin(struct zone *zone);
void zone_unpin(const struct zone_version *version);

// Walks a pinned version in canonical order of names. Records as in the zone, folded owner.
struct zone_record {
    const uint8_t *name;        // wire
    uint16_t type;
    uint32_t ttl;
    const uint8_t *rdata;       // uncompressed wire
    uint16_t rdata_len;
    bool disabled;
    const char *comments;       // NULL = none
    uint32_t expiry_ttl;
    uint64_t last_modified;
    uint64_t last_used;
};
struct zone_iter {
    const struct zone_version *version;
    uint64_t private_state[48];
};
// From `start` (folded wire; NULL = apex) on. Enabled records only and from memory, unless
// `with_disabled`: then from the store as it stands now, with disabled records, comments and times.
// The apex' SOA comes first, then its NS. Empty non-terminals give nothing. What `out` points to
// is good until the next call. One thread at a time; end with zone_iter_fini.
void zone_iter_init(struct zone_iter *iter, struct zone_store *store, struct zone *zone,
                    const struct zone_version *version, const uint8_t *start, bool with_disabled);
bool zone_iter_next(struct zone_iter *iter, struct zone_record *out);
void zone_iter_fini(struct zone_iter *iter);

// ---- changing: jobs ----------------------------------------------------------------------------

// Called in the loop of `base` that the job was submitted with (via an eventfd), exactly once.
// `serial` is the zone's after it; `failed_edit` the index of the edit that was refused.
struct zone_result {
    enum err err;
    struct errmsg message;
    uint32_t serial;
    size_t failed_edit;
    bool changed;
};
typedef void (*zone_done_fn)(void *ctx, const struct zone_result *result);

// One for each loop that submits jobs.
struct zone_submitter;
NODISCARD enum err zone_submitter_open(struct zone_store *store, struct event_base *base,
                                       struct zone_submitter **out, struct errmsg *e);
// Waits for the jobs under way and completes them, so that what their contexts own is freed.
void zone_submitter_close(struct zone_submitter *submitter);

enum zone_edit_op { ZONE_EDIT_ADD = 1, ZONE_EDIT_REPLACE_RRSET, ZONE_EDIT_UPDATE, ZONE_EDIT_DELETE,
                    ZONE_EDIT_DELETE_RRSET };
struct zone_edit {
    enum zone_edit_op op;
    struct zone_record old;
    struct zone_record record;
};

// Creates a zone. Primary and Catalog kinds get a SOA and NS for `server_name`; secondary kinds
// start empty. ERR_EXISTS. With `text` (a zone file) its records become the contents.
struct zone_create {
    const char *zone;                 // presentation form
    enum zone_type type;
    const struct zone_options *options;   // NULL = defaults of the type
    const char *server_name;          // DNS Server Domain Name
    const char *responsible;          // mail address or name; NULL = hostadmin@<zone>
    uint32_t soa_ttl, ns_ttl, record_ttl;
    const char *text;                 // NULL = none
    size_t text_len;
    const char *text_name;            // file name for messages
};
void zone_submit_create(struct zone_submitter *s, const struct zone_create *create, zone_done_fn fn, void *ctx);
void zone_submit_delete(struct zone_submitter *s, const char *zone, zone_done_fn fn, void *ctx);
void zone_submit_options(struct zone_submitter *s, const char *zone, const struct zone_options *options,
                         zone_done_fn fn, void *ctx);
void zone_submit_state(struct zone_submitter *s, const char *zone, const struct zone_state *state,
                       zone_done_fn fn, void *ctx);
// Record changes of a primary kind: all or none, checked against each other and the zone (CNAME
// beside other data, single types, SOA and last apex NS cannot go, names inside the zone, RDATA by
// layout). The SOA serial is raised once (plain: +1; date scheme: YYYYMMDDnn, RFC 1912 2.2).
void zone_submit_edits(struct zone_submitter *s, const char *zone, const struct zone_edit *edits,
                       size_t count, const uint32_t *base_serial, zone_done_fn fn, void *ctx);
// Zone file into a primary. Every fault has file, line and reason, and imports nothing.
struct zone_import {
    const char *text;
    size_t text_len;
    const char *text_name;
    uint32_t record_ttl;
    bool overwrite, overwrite_zone, overwrite_serial;
};
void zone_submit_import(struct zone_submitter *s, const char *zone, const struct zone_import *import,
                        zone_done_fn fn, void *ctx);
// Whole new contents for a secondary kind (after AXFR): records collected by zone_load_*; the zone
// must not be changed by others meanwhile.
struct zone_load;
struct zone_load *zone_load_new(const struct name *apex);
NODISCARD enum err zone_load_add(struct zone_load *load, const uint8_t *name, uint16_t type, uint32_t ttl,
                                 const uint8_t *rdata, size_t rdata_len, struct errmsg *e);
void zone_load_free(struct zone_load *load);
void zone_submit_replace(struct zone_submitter *s, const char *zone, struct zone_load *load /* taken */,
                         zone_done_fn fn, void *ctx);

// Changes the kind of a zone and keeps its records: a secondary kind becomes a primary one (its SOA
// serial is raised, state and expiry are cleared), `options` becomes its options in the same
// transaction. ERR_BAD_STATE when the kinds do not fit or the zone was never loaded.
void zone_submit_convert(struct zone_submitter *s, const char *zone, enum zone_type type,
                         const struct zone_options *options, zone_done_fn fn, void *ctx);

// Zone file text of the zone as it stands (disabled records as comments): a file in `spool`.
NODISCARD enum err zone_export(struct zone_store *store, struct zone *zone, const char *path,
                               struct errmsg *e);

// Told of each new table, version, or options of a zone (made, changed, deleted), from the writer
// thread, after publication: `zone` is the text name, `serial` 0 when it is gone or empty. For NOTIFY, catalogs, hints. At most 4 listeners, added before the first job.
typedef void (*zone_listen_fn)(void *ctx, const char *zone, uint32_t serial);
void zone_listen(struct zone_store *store, zone_listen_fn fn, void *ctx);
