/*
 * The store's file: opening, checking, statements, reading.
 *
 * Invariant: outside a transaction `state` is what the tables say. Every write goes through
 * commit.c (objects) or store_note_set (notes). Thread: clusterd's loop.
 */
#include "clusterd/store/store.h"

#include "clusterd/store/internal.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA_VERSION 1

static const char SCHEMA[] =
    "CREATE TABLE object(path TEXT PRIMARY KEY, scope INTEGER NOT NULL, value TEXT NOT NULL,"
    " revision INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE change(revision INTEGER NOT NULL, path TEXT NOT NULL, scope INTEGER NOT NULL,"
    " before TEXT, after TEXT, PRIMARY KEY(revision, path)) WITHOUT ROWID;"
    "CREATE INDEX change_path ON change(path, revision);"
    "CREATE TABLE commit_(revision INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, time_ms INTEGER NOT NULL, actor TEXT NOT NULL, node TEXT NOT NULL,"
    " summary TEXT NOT NULL, changes INTEGER NOT NULL, digest BLOB);"
    "CREATE INDEX commit_version ON commit_(epoch, seq);"
    "CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one = 1), store_id BLOB NOT NULL,"
    " revision INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " version_time_ms INTEGER NOT NULL, floor INTEGER NOT NULL, commits INTEGER NOT NULL,"
    " digest BLOB NOT NULL);"
    "CREATE TABLE section(name TEXT PRIMARY KEY, digest BLOB NOT NULL, count INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE note(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE stage(path TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

static const char *const STATEMENTS[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_OBJECT_GET] = "SELECT value, revision, scope FROM object WHERE path = ?",
    [STMT_OBJECT_PUT] = "INSERT OR REPLACE INTO object(path, scope, value, revision)"
                        " VALUES(?, ?, ?, ?)",
    [STMT_OBJECT_DELETE] = "DELETE FROM object WHERE path = ?",
    [STMT_CHANGE_ADD] = "INSERT INTO change(revision, path, scope, before, after)"
                        " VALUES(?, ?, ?, ?, ?)",
    [STMT_CHANGE_LAST] = "SELECT max(revision) FROM change WHERE path = ?",
    [STMT_COMMIT_ADD] = "INSERT INTO commit_(revision, epoch, seq, time_ms, actor, node, summary,"
                        " changes, digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                        " (SELECT count(*) FROM change WHERE revision = ?1), ?8)",
    [STMT_HEAD_SAVE] =
        "INSERT OR REPLACE INTO head(one, store_id, revision, epoch, seq,"
        " version_time_ms, floor, commits, digest) VALUES(1, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STMT_SECTION_SAVE] = "INSERT OR REPLACE INTO section(name, digest, count) VALUES(?, ?, ?)",
    [STMT_NOTE_GET] = "SELECT value FROM note WHERE key = ?",
    [STMT_NOTE_SET] = "INSERT OR REPLACE INTO note(key, value) VALUES(?, ?)",
    [STMT_NOTE_DELETE] = "DELETE FROM note WHERE key = ?",
    [STMT_STAGE_PUT] = "INSERT OR REPLACE INTO stage(path, value) VALUES(?, ?)",
    [STMT_STAGE_DELETE] = "DELETE FROM stage WHERE path = ?",
};

int store_version_compare(struct store_version a, struct store_version b)
{
    if (a.epoch != b.epoch) {
        return a.epoch < b.epoch ? -1 : 1;
    }
    if (a.seq != b.seq) {
        return a.seq < b.seq ? -1 : 1;
    }
    return 0;
}

// ---- small things for SQLite -------------------------------------------------------------------

enum err store_sql_error(struct store *store, struct errmsg *e, const char *what)
{
    int code = sqlite3_extended_errcode(store->db);
    enum err err = ERR_IO;
    switch (code & 0xff) {
    case SQLITE_FULL:
        err = ERR_NO_SPACE;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        err = ERR_CORRUPT;
        break;
    case SQLITE_NOMEM:
        err = ERR_NO_MEMORY;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        err = ERR_BUSY;
        break;
    case SQLITE_IOERR: {
        int number = sqlite3_system_errno(store->db);
        err = number == ENOSPC || number == EDQUOT ? ERR_NO_SPACE : ERR_IO;
        break;
    }
    default:
        break;
    }
    if (err == ERR_NO_SPACE) {
        return err_set(e, err,
                       "%s: no space left for the configuration store %s; nothing was changed",
                       what, store->path);
    }
    return err_set(e, err, "%s: configuration store %s: %s", what, store->path,
                   sqlite3_errmsg(store->db));
}

enum err store_prepare(struct store *store, const char *sql, sqlite3_stmt **out, struct errmsg *e)
{
    if (sqlite3_prepare_v2(store->db, sql, -1, out, NULL) != SQLITE_OK) {
        return store_sql_error(store, e, "prepare");
    }
    return ERR_OK;
}

enum err store_run(struct store *store, enum store_stmt which, struct errmsg *e)
{
    sqlite3_stmt *stmt = store->stmt[which];
    int result = sqlite3_step(stmt);
    enum err err = ERR_OK;
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        err = store_sql_error(store, e, "write");
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return err;
}

void store_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text == NULL) {
        sqlite3_bind_null(stmt, at);
    } else {
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
    }
}

const char *store_column(sqlite3_stmt *stmt, int at)
{
    const void *text = sqlite3_column_text(stmt, at);
    return text;
}

// ---- opening -----------------------------------------------------------------------------------

// The file is made by us so that its mode, which SQLite gives to its side files too, is 0600.
static enum err make_file(const char *path, struct errmsg *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set(e, err_from_errno(errno), "configuration store %s: %s", path,
                       strerror(errno));
    }
    close(fd);
    return ERR_OK;
}

static enum err corrupt(struct store *store, struct errmsg *e, const char *reason)
{
    return err_set(e, ERR_CORRUPT,
                   "configuration store %s is damaged (%s): stop clusterd and put back a backup of "
                   "this file (with its -wal file), or move it away: the node then starts with an "
                   "empty config, and a secondary can join its cluster again",
                   store->path, reason);
}

static enum err run_sql(struct store *store, const char *sql, struct errmsg *e)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        enum err err = store_sql_error(store, e, "open");
        return err == ERR_CORRUPT ? corrupt(store, e, sqlite3_errmsg(store->db)) : err;
    }
    return ERR_OK;
}

static enum err query_number(struct store *store, const char *sql, int64_t *out, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(store, sql, &stmt, e);
    if (err == ERR_OK) {
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            *out = sqlite3_column_int64(stmt, 0);
        } else {
            err = store_sql_error(store, e, "open");
        }
    }
    sqlite3_finalize(stmt);
    return err == ERR_CORRUPT ? corrupt(store, e, sqlite3_errmsg(store->db)) : err;
}

static enum err check_integrity(struct store *store, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(store, "PRAGMA quick_check(1)", &stmt, e);
    if (err == ERR_CORRUPT) {
        return corrupt(store, e, sqlite3_errmsg(store->db));
    }
    if (err != ERR_OK) {
        return err;
    }
    int result = sqlite3_step(stmt);
    const char *text = result == SQLITE_ROW ? store_column(stmt, 0) : sqlite3_errmsg(store->db);
    if (text == NULL || strcmp(text, "ok") != 0) {
        err = corrupt(store, e, text == NULL ? "no answer" : text);
    }
    sqlite3_finalize(stmt);
    return err;
}

static enum err create_tables(struct store *store, struct errmsg *e)
{
    enum err err = run_sql(store, "BEGIN IMMEDIATE", e);
    if (err == ERR_OK) {
        err = run_sql(store, SCHEMA, e);
    }
    if (err == ERR_OK) {
        sqlite3_stmt *stmt = NULL;
        err = store_prepare(store, STATEMENTS[STMT_HEAD_SAVE], &stmt, e);
        if (err == ERR_OK) {
            uint8_t id[STORE_ID_SIZE];
            rand_bytes(id, sizeof id);
            sqlite3_bind_blob(stmt, 1, id, sizeof id, SQLITE_TRANSIENT);
            for (int i = 2; i <= 7; i++) {
                sqlite3_bind_int64(stmt, i, 0);
            }
            sqlite3_bind_zeroblob(stmt, 8, SHA256_SIZE);
            if (sqlite3_step(stmt) != SQLITE_DONE) {
                err = store_sql_error(store, e, "open");
            }
        }
        sqlite3_finalize(stmt);
    }
    if (err == ERR_OK) {
        err = run_sql(store, "PRAGMA user_version = 1; COMMIT", e);
    }
    return err;
}

static enum err load_head(struct store *store, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(store,
                                 "SELECT store_id, revision, epoch, seq, version_time_ms, floor,"
                                 " commits, digest FROM head",
                                 &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    if (sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_bytes(stmt, 0) != STORE_ID_SIZE ||
        sqlite3_column_bytes(stmt, 7) != SHA256_SIZE) {
        sqlite3_finalize(stmt);
        return corrupt(store, e, "the head row is missing");
    }
    struct store_state *s = &store->state;
    memcpy(store->id, sqlite3_column_blob(stmt, 0), STORE_ID_SIZE);
    s->revision = (uint64_t)sqlite3_column_int64(stmt, 1);
    s->version.epoch = (uint64_t)sqlite3_column_int64(stmt, 2);
    s->version.seq = (uint64_t)sqlite3_column_int64(stmt, 3);
    s->version_time_ms = (uint64_t)sqlite3_column_int64(stmt, 4);
    s->floor = (uint64_t)sqlite3_column_int64(stmt, 5);
    s->commits = (uint64_t)sqlite3_column_int64(stmt, 6);
    s->total = (struct hash_set_digest){0};
    hash_set_add(&s->total, sqlite3_column_blob(stmt, 7)); // 0 + the saved sum
    sqlite3_finalize(stmt);
    return store_sections_load(store, e);
}

static enum err open_database(struct store *store, struct errmsg *e)
{
    if (sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        return err_set(e, ERR_IO, "configuration store %s: %s", store->path,
                       store->db == NULL ? "out of memory" : sqlite3_errmsg(store->db));
    }
    sqlite3_busy_timeout(store->db, 5000);
    enum err err = run_sql(store,
                           "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                           "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;"
                           "PRAGMA trusted_schema = OFF",
                           e);
    int64_t schema = 0;
    int64_t tables = 0;
    if (err == ERR_OK) {
        err = check_integrity(store, e);
    }
    if (err == ERR_OK) {
        err = query_number(store, "PRAGMA user_version", &schema, e);
    }
    if (err == ERR_OK) {
        err = query_number(store, "SELECT count(*) FROM sqlite_master", &tables, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (tables == 0) {
        err = create_tables(store, e);
    } else if (schema != SCHEMA_VERSION) {
        err = err_set(e, ERR_UNSUPPORTED,
                      "configuration store %s has format %lld, this clusterd reads format %d: "
                      "install the release that wrote it",
                      store->path, (long long)schema, SCHEMA_VERSION);
    }
    for (size_t i = 0; i < STMT_COUNT && err == ERR_OK; i++) {
        if (sqlite3_prepare_v3(store->db, STATEMENTS[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->stmt[i], NULL) != SQLITE_OK) {
            err = corrupt(store, e, sqlite3_errmsg(store->db));
        }
    }
    if (err == ERR_OK) {
        err = load_head(store, e);
    }
    return err == ERR_OK ? store_sections_verify(store, e) : err;
}

enum err store_open(const char *path, struct store **out, struct errmsg *e)
{
    struct store *store = mem_zalloc(sizeof *store);
    enum err err = ERR_OK;
    if (!str_copy(store->path, sizeof store->path, path)) {
        err = err_set(e, ERR_INVALID, "configuration store %s: the path is too long", path);
    }
    if (err == ERR_OK) {
        err = make_file(path, e);
    }
    if (err == ERR_OK) {
        err = open_database(store, e);
    }
    if (err != ERR_OK) {
        store_close(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->in_transaction) {
        store_tx_rollback(store);
    }
    for (size_t i = 0; i < STMT_COUNT; i++) {
        sqlite3_finalize(store->stmt[i]);
    }
    sqlite3_close(store->db);
    mem_free(store);
}

// ---- reading -----------------------------------------------------------------------------------

const uint8_t *store_id(const struct store *store)
{
    return store->id;
}

uint64_t store_revision(const struct store *store)
{
    return store->state.revision;
}

struct store_version store_version(const struct store *store)
{
    return store->state.version;
}

uint64_t store_version_time_ms(const struct store *store)
{
    return store->state.version_time_ms;
}

bool store_get(struct store *store, const char *path, struct str *value)
{
    sqlite3_stmt *stmt = store->stmt[STMT_OBJECT_GET];
    store_bind_text(stmt, 1, path);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
        str_clear(value);
        str_add(value, store_column(stmt, 0));
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return found;
}

enum err store_each(struct store *store, const char *prefix, const char *after, store_object_fn fn,
                    void *ctx, struct errmsg *e)
{
    // 0xff is in no path, so prefix 0xff is above everything that starts with the prefix.
    sqlite3_stmt *stmt = NULL;
    enum err err = store_prepare(store,
                                 "SELECT path, value, scope, revision FROM object"
                                 " WHERE path >= ?1 AND path < ?2 AND path > ?3 ORDER BY path",
                                 &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    struct str end;
    str_init(&end);
    str_add(&end, prefix);
    str_add_char(&end, (char)0xff);
    store_bind_text(stmt, 1, prefix);
    store_bind_text(stmt, 2, end.text);
    store_bind_text(stmt, 3, after == NULL ? "" : after);
    int result = SQLITE_ROW;
    bool more = true;
    while (more) {
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW) {
            break;
        }
        struct store_object object = {
            .path = store_column(stmt, 0),
            .value = store_column(stmt, 1),
            .scope = (enum store_scope)sqlite3_column_int(stmt, 2),
            .revision = (uint64_t)sqlite3_column_int64(stmt, 3),
        };
        more = fn(ctx, &object);
    }
    if (more && result != SQLITE_DONE) {
        err = store_sql_error(store, e, "read");
    }
    sqlite3_finalize(stmt);
    str_fini(&end);
    return err;
}

// ---- notes -------------------------------------------------------------------------------------

enum err store_note_set(struct store *store, const char *key, const char *value, struct errmsg *e)
{
    enum store_stmt which = value == NULL ? STMT_NOTE_DELETE : STMT_NOTE_SET;
    store_bind_text(store->stmt[which], 1, key);
    if (value != NULL) {
        store_bind_text(store->stmt[which], 2, value);
    }
    return store_run(store, which, e);
}

bool store_note_get(struct store *store, const char *key, struct str *value)
{
    sqlite3_stmt *stmt = store->stmt[STMT_NOTE_GET];
    store_bind_text(stmt, 1, key);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
        str_clear(value);
        str_add(value, store_column(stmt, 0));
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return found;
}
