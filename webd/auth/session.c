// Sessions: a chained table in memory, mirrored to SQLite (WAL, synchronous=FULL for what must
// last).

#include "webd/auth/session.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"

#define BUCKETS      1024
#define FLUSH_S      30
#define SESSIONS_MAX 100000

const char *const session_type_names[SESSION_TYPE_COUNT] = {
    [SESSION_STANDARD] = "Standard",
    [SESSION_API_TOKEN] = "ApiToken",
    [SESSION_CLUSTER_TOKEN] = "ClusterApiToken",
    [SESSION_SINGLE_USE] = "SingleUse",
};

enum statement { PUT, REMOVE, TOUCH, RENAME, LOGGED_IN, LOGINS, STATEMENT_COUNT };
static const char *const statement_sql[STATEMENT_COUNT] = {
    [PUT] = "INSERT OR REPLACE INTO session VALUES(?,?,?,?,?,?,?,?,?)",
    [REMOVE] = "DELETE FROM session WHERE hash=?",
    [TOUCH] = "UPDATE session SET last_seen=?2, remote=?3, agent=?4 WHERE hash=?1",
    [RENAME] = "UPDATE session SET user=?2 WHERE user=?1",
    [LOGGED_IN] = ("INSERT INTO login VALUES(?1,?2,?3,0,'') ON CONFLICT(user) DO UPDATE SET "
                   "previous=recent, previous_remote=recent_remote, recent=?2, recent_remote=?3"),
    [LOGINS] = "SELECT recent,recent_remote,previous,previous_remote FROM login WHERE user=?",
};
static const char schema_sql[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS session(hash BLOB PRIMARY KEY, type INTEGER NOT NULL,"
    " user TEXT NOT NULL, token_name TEXT, partial TEXT NOT NULL, created INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL, remote TEXT NOT NULL, agent TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS login(user TEXT PRIMARY KEY, recent INTEGER NOT NULL,"
    " recent_remote TEXT NOT NULL, previous INTEGER NOT NULL, previous_remote TEXT NOT NULL)"
    " WITHOUT ROWID;";

struct session_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct session *buckets[BUCKETS];
    size_t count;
    session_timeout_fn timeout;
    void *ctx;
    struct event *flush;
};

// ---- the file ----------------------------------------------------------------------------------

static enum err db_fail(struct session_store *store, struct errmsg *e)
{
    int code = store->db == NULL ? SQLITE_CANTOPEN : sqlite3_errcode(store->db);
    enum err err = code == SQLITE_FULL                               ? ERR_NO_SPACE
                   : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT
                                                                     : ERR_IO;
    return err_set(e, err, "sessions.db: %s",
                   store->db == NULL ? "cannot be opened" : sqlite3_errmsg(store->db));
}

static enum err step(struct session_store *store, enum statement which, struct errmsg *e)
{
    sqlite3_stmt *s = store->statements[which];
    int code = sqlite3_step(s);
    enum err err = code == SQLITE_DONE || code == SQLITE_ROW ? ERR_OK : db_fail(store, e);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return err;
}

static void log_failure(enum err err, const struct errmsg *e)
{
    static struct log_limit limit;
    uint64_t held = 0;
    if (err != ERR_OK && log_limit_pass(&limit, 60, &held)) {
        log_error("sessions cannot be stored", F_ERR(e), F_U64("repeated", held));
    }
}

static enum err put(struct session_store *store, const struct session *s, struct errmsg *e)
{
    sqlite3_stmt *st = store->statements[PUT];
    sqlite3_bind_blob(st, 1, s->hash, SHA256_SIZE, SQLITE_STATIC);
    sqlite3_bind_int(st, 2, (int)s->type);
    sqlite3_bind_text(st, 3, s->user, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 4, s->token_name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 5, s->partial, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 6, (sqlite3_int64)s->created_ms);
    sqlite3_bind_int64(st, 7, (sqlite3_int64)s->last_seen_ms);
    sqlite3_bind_text(st, 8, s->remote, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 9, s->user_agent, -1, SQLITE_STATIC);
    return step(store, PUT, e);
}

// ---- the table ---------------------------------------------------------------------------------

static struct session **bucket_of(struct session_store *store, const uint8_t hash[SHA256_SIZE])
{
    return &store->buckets[(hash[0] | hash[1] << 8) % BUCKETS];
}

static char *dup_or_null(const char *text)
{
    return text == NULL ? NULL : mem_strdup(text);
}

static void session_free(struct session *s)
{
    mem_free(s->user);
    mem_free(s->token_name);
    mem_free(s->user_agent);
    mem_free(s);
}

static void unlink_session(struct session_store *store, struct session *s)
{
    struct session **at = bucket_of(store, s->hash);
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    store->count--;
    session_free(s);
}

static void insert(struct session_store *store, struct session *s)
{
    struct session **head = bucket_of(store, s->hash);
    s->next = *head;
    *head = s;
    store->count++;
}

static bool is_expired(const struct session_store *store, const struct session *s, uint64_t now_ms)
{
    if (s->type == SESSION_API_TOKEN || s->type == SESSION_CLUSTER_TOKEN) {
        return false;
    }
    uint64_t timeout_s = s->type == SESSION_SINGLE_USE ? 60 : store->timeout(store->ctx, s->user);
    return timeout_s != 0 && now_ms > s->last_seen_ms + timeout_s * 1000;
}

// Writes the last uses and drops what has expired, in one transaction.
static void flush(struct session_store *store, bool drops_expired)
{
    uint64_t now_ms = clock_unix_ms();
    struct errmsg e = {0};
    sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct session *s = store->buckets[i], *next = NULL; s != NULL; s = next) {
            next = s->next;
            if (drops_expired && is_expired(store, s, now_ms)) {
                session_remove(store, s);
                continue;
            }
            if (!s->is_dirty) {
                continue;
            }
            sqlite3_stmt *st = store->statements[TOUCH];
            sqlite3_bind_blob(st, 1, s->hash, SHA256_SIZE, SQLITE_STATIC);
            sqlite3_bind_int64(st, 2, (sqlite3_int64)s->last_seen_ms);
            sqlite3_bind_text(st, 3, s->remote, -1, SQLITE_STATIC);
            sqlite3_bind_text(st, 4, s->user_agent, -1, SQLITE_STATIC);
            log_failure(step(store, TOUCH, &e), &e);
            s->is_dirty = false;
        }
    }
    sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    flush(arg, true);
}

static const char *column(sqlite3_stmt *st, int i)
{
    return (const char *)sqlite3_column_text(st, i);
}

static enum err load(struct session_store *store, struct errmsg *e)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(store->db, "SELECT * FROM session", -1, &st, NULL) != SQLITE_OK) {
        return db_fail(store, e);
    }
    int code;
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        int type = sqlite3_column_int(st, 1);
        if (sqlite3_column_bytes(st, 0) != SHA256_SIZE || type < 0 || type >= SESSION_TYPE_COUNT) {
            continue;
        }
        struct session *s = mem_zalloc(sizeof *s);
        memcpy(s->hash, sqlite3_column_blob(st, 0), SHA256_SIZE);
        s->type = (enum session_type)type;
        s->user = mem_strdup(column(st, 2));
        s->token_name = dup_or_null(column(st, 3));
        snprintf(s->partial, sizeof s->partial, "%s", column(st, 4));
        s->created_ms = (uint64_t)sqlite3_column_int64(st, 5);
        s->last_seen_ms = (uint64_t)sqlite3_column_int64(st, 6);
        snprintf(s->remote, sizeof s->remote, "%s", column(st, 7));
        s->user_agent = dup_or_null(column(st, 8));
        insert(store, s);
    }
    sqlite3_finalize(st);
    return code == SQLITE_DONE ? ERR_OK : db_fail(store, e);
}

static void db_close(struct session_store *store)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (store->buckets[i] != NULL) {
            unlink_session(store, store->buckets[i]);
        }
    }
}

static enum err db_open(struct session_store *store, const char *path, struct errmsg *e)
{
    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_exec(store->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK) {
        return db_fail(store, e);
    }
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v2(store->db, statement_sql[i], -1, &store->statements[i], NULL) !=
            SQLITE_OK) {
            return db_fail(store, e);
        }
    }
    return load(store, e);
}

// ---- public ------------------------------------------------------------------------------------

enum err session_store_open(struct event_base *base, const char *state_dir,
                            session_timeout_fn timeout, void *ctx, struct session_store **out,
                            struct errmsg *e)
{
    char path[512];
    char bad[520];
    snprintf(path, sizeof path, "%s/sessions.db", state_dir);
    snprintf(bad, sizeof bad, "%s.bad", path);
    struct session_store *store = mem_zalloc(sizeof *store);
    store->timeout = timeout;
    store->ctx = ctx;
    enum err err = db_open(store, path, e);
    if (err == ERR_CORRUPT) {
        db_close(store);
        log_error("the session file is damaged and put aside, all log in again",
                  F_STR("file", path), F_STR("kept", bad));
        rename(path, bad);
        err = db_open(store, path, e);
    }
    if (err != ERR_OK) {
        db_close(store);
        mem_free(store);
        return err_prefix(e, err, "%s", state_dir);
    }
    store->flush = event_new(base, -1, EV_PERSIST, on_flush, store);
    static const struct timeval each = {FLUSH_S, 0};
    event_add(store->flush, &each);
    *out = store;
    return ERR_OK;
}

void session_store_close(struct session_store *store)
{
    if (store == NULL) {
        return;
    }
    flush(store, false);
    event_free(store->flush);
    db_close(store);
    mem_free(store);
}

void session_token_new(char token[TOKEN_TEXT_SIZE])
{
    uint8_t bytes[32];
    rand_bytes(bytes, sizeof bytes);
    str_hex(token, bytes, sizeof bytes);
}

void session_token_hash(const char *token, uint8_t hash[SHA256_SIZE])
{
    hash_sha256(token, strlen(token), hash);
}

static struct session *session_make(const struct session_new *fresh,
                                    const uint8_t hash[SHA256_SIZE], const char *partial)
{
    struct session *s = mem_zalloc(sizeof *s);
    memcpy(s->hash, hash, SHA256_SIZE);
    s->type = fresh->type;
    s->user = mem_strdup(fresh->user);
    s->token_name = dup_or_null(fresh->token_name);
    snprintf(s->partial, sizeof s->partial, "%.*s", TOKEN_PARTIAL, partial);
    s->created_ms = clock_unix_ms();
    s->last_seen_ms = s->created_ms;
    snprintf(s->remote, sizeof s->remote, "%s", fresh->remote);
    s->user_agent = dup_or_null(fresh->user_agent);
    return s;
}

enum err session_create(struct session_store *store, const struct session_new *fresh,
                        char token[TOKEN_TEXT_SIZE], struct errmsg *e)
{
    if (store->count >= SESSIONS_MAX) {
        return err_set(e, ERR_BUSY, "too many sessions are open");
    }
    char text[TOKEN_TEXT_SIZE];
    uint8_t hash[SHA256_SIZE];
    session_token_new(text);
    session_token_hash(text, hash);
    struct session *s = session_make(fresh, hash, text);
    enum err err = put(store, s, e);
    if (err != ERR_OK) {
        session_free(s);
        return err;
    }
    insert(store, s);
    memcpy(token, text, sizeof text);
    return ERR_OK;
}

struct session *session_adopt(struct session_store *store, const uint8_t hash[SHA256_SIZE],
                              const struct session_new *fresh, const char *partial)
{
    struct errmsg e = {0};
    struct session *s = session_make(fresh, hash, partial);
    log_failure(put(store, s, &e), &e);
    insert(store, s);
    return s;
}

struct session *session_find(struct session_store *store, const uint8_t hash[SHA256_SIZE])
{
    for (struct session *s = *bucket_of(store, hash); s != NULL; s = s->next) {
        if (!str_equal_secret(s->hash, SHA256_SIZE, hash, SHA256_SIZE)) {
            continue;
        }
        if (is_expired(store, s, clock_unix_ms())) {
            session_remove(store, s);
            return NULL;
        }
        return s;
    }
    return NULL;
}

void session_touch(struct session_store *store, struct session *s, const char *remote,
                   const char *user_agent)
{
    (void)store;
    s->last_seen_ms = clock_unix_ms();
    snprintf(s->remote, sizeof s->remote, "%s", remote);
    bool is_same =
        user_agent != NULL && s->user_agent != NULL && strcmp(s->user_agent, user_agent) == 0;
    if (!is_same) {
        mem_free(s->user_agent);
        s->user_agent = dup_or_null(user_agent);
    }
    s->is_dirty = true;
}

void session_remove(struct session_store *store, struct session *s)
{
    struct errmsg e = {0};
    sqlite3_bind_blob(store->statements[REMOVE], 1, s->hash, SHA256_SIZE, SQLITE_STATIC);
    log_failure(step(store, REMOVE, &e), &e);
    unlink_session(store, s);
}

void session_remove_user(struct session_store *store, const char *user, unsigned types,
                         const struct session *except)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct session *s = store->buckets[i], *next = NULL; s != NULL; s = next) {
            next = s->next;
            if (s != except && (types & 1u << s->type) != 0 && strcmp(s->user, user) == 0) {
                session_remove(store, s);
            }
        }
    }
}

void session_rename_user(struct session_store *store, const char *from, const char *to)
{
    struct errmsg e = {0};
    sqlite3_bind_text(store->statements[RENAME], 1, from, -1, SQLITE_STATIC);
    sqlite3_bind_text(store->statements[RENAME], 2, to, -1, SQLITE_STATIC);
    log_failure(step(store, RENAME, &e), &e);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct session *s = store->buckets[i]; s != NULL; s = s->next) {
            if (strcmp(s->user, from) == 0) {
                mem_free(s->user);
                s->user = mem_strdup(to);
            }
        }
    }
}

void session_each(struct session_store *store, session_fn fn, void *ctx)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct session *s = store->buckets[i], *next = NULL; s != NULL; s = next) {
            next = s->next;
            fn(ctx, s);
        }
    }
}

void session_logged_in(struct session_store *store, const char *user, const char *remote)
{
    struct errmsg e = {0};
    sqlite3_stmt *st = store->statements[LOGGED_IN];
    sqlite3_bind_text(st, 1, user, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)clock_unix_ms());
    sqlite3_bind_text(st, 3, remote, -1, SQLITE_STATIC);
    log_failure(step(store, LOGGED_IN, &e), &e);
}

void session_logins(struct session_store *store, const char *user, struct session_logins *out)
{
    *out = (struct session_logins){0};
    sqlite3_stmt *st = store->statements[LOGINS];
    sqlite3_bind_text(st, 1, user, -1, SQLITE_STATIC);
    if (sqlite3_step(st) == SQLITE_ROW) {
        out->recent_ms = (uint64_t)sqlite3_column_int64(st, 0);
        snprintf(out->recent_remote, sizeof out->recent_remote, "%s", column(st, 1));
        out->previous_ms = (uint64_t)sqlite3_column_int64(st, 2);
        snprintf(out->previous_remote, sizeof out->previous_remote, "%s", column(st, 3));
    }
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}
