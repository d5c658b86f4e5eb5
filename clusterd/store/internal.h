#pragma once

#include <sqlite3.h>

#include "clusterd/store/store.h"

// Shared by the files of this folder only.

#define STORE_SECTIONS_MAX 64

struct store_section {
    char name[32];
    struct hash_set_digest digest;
    uint64_t count;
    bool dirty; // differs from its row on disk
};

// What one row of the table `head` and the sections say: kept in memory beside the tables, copied
// at the start of a transaction and taken over when it is on disk.
struct store_state {
    uint64_t revision;
    struct store_version version;
    uint64_t version_time_ms;
    uint64_t floor;   // newest revision that has left the history
    uint64_t commits; // in the history
    struct hash_set_digest total;
    struct store_section sections[STORE_SECTIONS_MAX];
    size_t section_count;
};

enum store_stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_OBJECT_GET,
    STMT_OBJECT_PUT,
    STMT_OBJECT_DELETE,
    STMT_CHANGE_ADD,
    STMT_CHANGE_LAST,
    STMT_COMMIT_ADD,
    STMT_HEAD_SAVE,
    STMT_SECTION_SAVE,
    STMT_NOTE_GET,
    STMT_NOTE_SET,
    STMT_NOTE_DELETE,
    STMT_STAGE_PUT,
    STMT_STAGE_DELETE,
    STMT_COUNT
};

#define STORE_OBSERVERS_MAX 4

struct store {
    sqlite3 *db;
    char path[512];
    sqlite3_stmt *stmt[STMT_COUNT];
    uint8_t id[STORE_ID_SIZE];
    struct store_state state; // on disk
    struct store_state next;  // while a transaction is open
    bool in_transaction;
    bool changed; // by this transaction
    bool changed_cluster;
    bool locked; // cluster scope belongs to `primary`
    char primary[256];
    struct {
        store_commit_fn fn;
        void *ctx;
    } observers[STORE_OBSERVERS_MAX];
    size_t observer_count;
};

// Turns the last SQLite failure into a code and a text ("<what>: <reason>").
enum err store_sql_error(struct store *store, struct errmsg *e, const char *what);
// A statement for iteration, owned by the caller (sqlite3_finalize).
NODISCARD enum err store_prepare(struct store *store, const char *sql, sqlite3_stmt **out,
                                 struct errmsg *e);
// Runs a cached statement that gives no rows, and resets it.
NODISCARD enum err store_run(struct store *store, enum store_stmt which, struct errmsg *e);
void store_bind_text(sqlite3_stmt *stmt, int at, const char *text); // NULL = SQL null; not copied
const char *store_column(sqlite3_stmt *stmt, int at);               // NULL = SQL null

// ---- transactions (commit.c) -------------------------------------------------------------------

NODISCARD enum err store_tx_begin(struct store *store, struct errmsg *e);
// Sets (value) or deletes (NULL) one object as part of the open transaction, under the revision to
// come. The value is normalised already. Nothing happens when it is so already.
NODISCARD enum err store_tx_put(struct store *store, const char *path, enum store_scope scope,
                                const char *value, struct errmsg *e);
// Adds the commit's row and counts the revision. `row`: version, time, actor, node, summary are
// taken, the digest is filled in from the state.
NODISCARD enum err store_tx_seal(struct store *store, const struct store_commit_row *row,
                                 struct errmsg *e);
// Saves the state, trims the history, commits; after a failure nothing is changed.
NODISCARD enum err store_tx_commit(struct store *store, struct errmsg *e);
void store_tx_rollback(struct store *store);
void store_tell(struct store *store, const struct store_result *result);

// Scope of a path by the table of kinds; checks and normalises `value` (NULL = deletion) into
// `*normal` (mem_free; NULL for a deletion).
NODISCARD enum err store_check(const char *path, const char *value, enum store_scope *scope,
                               char **normal, struct errmsg *e);

// SHA-256(path 0x00 value)
void store_member(const char *path, const char *value, uint8_t out[SHA256_SIZE]);
NODISCARD enum err store_history_trim(struct store *store, struct errmsg *e);
NODISCARD enum err store_sections_load(struct store *store, struct errmsg *e);
NODISCARD enum err store_sections_save(struct store *store, struct errmsg *e);
// Computes the digests of the open transaction anew, from the objects themselves.
NODISCARD enum err store_sections_recount(struct store *store, struct errmsg *e);
// At the start: where the objects do not give the digests kept, those of the objects hold, so that
// other nodes see the difference. It is logged.
NODISCARD enum err store_sections_verify(struct store *store, struct errmsg *e);
// Counts one object in or out of the digests of `state`.
NODISCARD enum err store_sections_count(struct store_state *state, const char *path,
                                        const char *value, bool in, struct errmsg *e);
