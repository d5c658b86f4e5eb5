#include "common/conf/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cursor.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/*
 * Layouts; numbers are big-endian, texts end in NUL and their sizes count it.
 *
 *   snapshot   "TRLSNAP1"  held  u64 count  count x entry  SHA-256 of all before
 *   log        "TRLDELT1"  SHA-256 of the snapshot it belongs to  record...
 *   record     u32 size  payload[size]  SHA-256 of (the checksum before, payload)
 *   payload    held  u32 count  count x (u8 op, entry)
 *   held       u8 size  store id[size]  u64 revision
 *   entry      u32 path size  u32 JSON size  path  JSON
 *
 * op 1 sets, op 0 removes (JSON size 0). The first record's checksum before is the snapshot's. The
 * snapshot is replaced by rename; the log of the old one no longer fits the new one then, so a
 * crash in between loses nothing. The loop's thread of a consumer runs all of this.
 */
#define SNAPSHOT_MAGIC  "TRLSNAP1"
#define LOG_MAGIC       "TRLDELT1"
#define MAGIC_SIZE      8
#define LOG_HEADER_SIZE (MAGIC_SIZE + SHA256_SIZE)
#define FILE_MAX_BYTES  ((size_t)4 << 30)
#define LOG_SLACK       ((size_t)256 * 1024) // a log below this is never folded

struct conf_snapshot {
    char path[512];
    char log_path[520];
    char corrupt_path[520];
    size_t size;                 // of the snapshot; 0 = there is none
    uint8_t digest[SHA256_SIZE]; // of the snapshot
    int log_fd;                  // -1 = no log yet
    size_t log_size;             // good bytes
    uint8_t chain[SHA256_SIZE];  // checksum of the last record
};

static const uint8_t *const no_bytes = (const uint8_t *)"";

// ---- reading -----------------------------------------------------------------------------------

static void get_held(struct cursor *c, struct conf_held *held)
{
    size_t len = cursor_u8(c);
    const uint8_t *id = cursor_take(c, len);
    if (id == NULL || len > sizeof held->store_id) {
        c->bad = true;
        return;
    }
    memcpy(held->store_id, id, len);
    held->store_id_len = len;
    held->revision = cursor_u64(c);
}

// A text of `size` bytes with its NUL, and no other NUL; NULL and a bad cursor otherwise.
static const char *get_text(struct cursor *c, size_t size)
{
    const char *text = (const char *)cursor_take(c, size);
    if (text == NULL || size == 0 || memchr(text, '\0', size) != text + size - 1) {
        c->bad = true;
        return NULL;
    }
    return text;
}

enum err conf_snapshot_parse(const uint8_t *bytes, size_t len, struct conf_map *map,
                             struct conf_held *held, uint8_t digest[SHA256_SIZE])
{
    if (len < MAGIC_SIZE + SHA256_SIZE || memcmp(bytes, SNAPSHOT_MAGIC, MAGIC_SIZE) != 0) {
        return ERR_CORRUPT;
    }
    size_t body = len - SHA256_SIZE;
    uint8_t sum[SHA256_SIZE];
    hash_sha256(bytes, body, sum);
    if (memcmp(sum, bytes + body, SHA256_SIZE) != 0) {
        return ERR_CORRUPT;
    }
    struct cursor c = cursor_over_const(bytes + MAGIC_SIZE, body - MAGIC_SIZE);
    struct conf_held found = {0};
    get_held(&c, &found);
    uint64_t count = cursor_u64(&c);
    for (uint64_t i = 0; i < count && !c.bad; i++) {
        size_t path_size = cursor_u32(&c);
        size_t json_size = cursor_u32(&c);
        const char *path = get_text(&c, path_size);
        const char *json = get_text(&c, json_size);
        if (path != NULL && json != NULL) {
            conf_map_set(map, path, json);
        }
    }
    if (c.bad || cursor_left(&c) != 0) {
        return ERR_CORRUPT;
    }
    *held = found;
    memcpy(digest, sum, SHA256_SIZE);
    return ERR_OK;
}

// Reads a record's payload, and with `map` applies it; false = it makes no sense.
static bool read_payload(const uint8_t *payload, size_t size, struct conf_map *map,
                         struct conf_held *held)
{
    struct cursor c = cursor_over_const(payload, size);
    struct conf_held found = {0};
    get_held(&c, &found);
    uint32_t count = cursor_u32(&c);
    for (uint32_t i = 0; i < count && !c.bad; i++) {
        bool is_set = cursor_u8(&c) == 1;
        size_t path_size = cursor_u32(&c);
        size_t json_size = cursor_u32(&c);
        const char *path = get_text(&c, path_size);
        const char *json = is_set ? get_text(&c, json_size) : NULL;
        if (map == NULL || path == NULL) {
            continue;
        }
        if (json != NULL) {
            conf_map_set(map, path, json);
        } else if (!is_set) {
            (void)conf_map_remove(map, path);
        }
    }
    *held = found;
    return !c.bad && cursor_left(&c) == 0;
}

static void chain_next(const uint8_t before[SHA256_SIZE], const uint8_t *payload, size_t size,
                       uint8_t next[SHA256_SIZE])
{
    struct hash_sha256 *hash = hash_sha256_new();
    hash_sha256_add(hash, before, SHA256_SIZE);
    hash_sha256_add(hash, payload, size);
    hash_sha256_free(hash, next);
}

size_t conf_snapshot_replay(const uint8_t *bytes, size_t len, const uint8_t digest[SHA256_SIZE],
                            struct conf_map *map, struct conf_held *held,
                            uint8_t chain[SHA256_SIZE])
{
    if (len < LOG_HEADER_SIZE || memcmp(bytes, LOG_MAGIC, MAGIC_SIZE) != 0 ||
        memcmp(bytes + MAGIC_SIZE, digest, SHA256_SIZE) != 0) {
        return 0;
    }
    struct cursor c = cursor_over_const(bytes + LOG_HEADER_SIZE, len - LOG_HEADER_SIZE);
    size_t good = LOG_HEADER_SIZE;
    memcpy(chain, digest, SHA256_SIZE);
    for (;;) {
        uint8_t sum[SHA256_SIZE];
        struct conf_held found = {0};
        size_t size = cursor_u32(&c);
        const uint8_t *payload = cursor_take(&c, size);
        const uint8_t *stored = cursor_take(&c, SHA256_SIZE);
        if (payload == NULL || stored == NULL) {
            return good;
        }
        chain_next(chain, payload, size, sum);
        // Looked through before it is applied: a record counts whole or not at all.
        if (memcmp(sum, stored, SHA256_SIZE) != 0 || !read_payload(payload, size, NULL, &found)) {
            return good;
        }
        (void)read_payload(payload, size, map, held);
        memcpy(chain, sum, SHA256_SIZE);
        good = LOG_HEADER_SIZE + cursor_offset(&c);
    }
}

// ---- writing -----------------------------------------------------------------------------------

static size_t held_size(const struct conf_held *held)
{
    return 1 + held->store_id_len + 8;
}

static void put_held(struct cursor *c, const struct conf_held *held)
{
    cursor_put_u8(c, (uint8_t)held->store_id_len);
    cursor_put(c, held->store_id, held->store_id_len);
    cursor_put_u64(c, held->revision);
}

static size_t entry_size(const char *path, const char *json)
{
    return 8 + strlen(path) + 1 + (json == NULL ? 0 : strlen(json) + 1);
}

static void put_entry(struct cursor *c, const char *path, const char *json)
{
    size_t json_size = json == NULL ? 0 : strlen(json) + 1;
    cursor_put_u32(c, (uint32_t)(strlen(path) + 1));
    cursor_put_u32(c, (uint32_t)json_size);
    cursor_put(c, path, strlen(path) + 1);
    cursor_put(c, json, json_size);
}

static bool add_entry_size(void *ctx, const char *path, const char *json)
{
    *(size_t *)ctx += entry_size(path, json);
    return true;
}

static bool put_map_entry(void *ctx, const char *path, const char *json)
{
    put_entry(ctx, path, json);
    return true;
}

static void close_log(struct conf_snapshot *snapshot)
{
    if (snapshot->log_fd >= 0) {
        (void)close(snapshot->log_fd);
        snapshot->log_fd = -1;
    }
}

static enum err open_log(struct conf_snapshot *snapshot, struct errmsg *e)
{
    snapshot->log_fd = open(snapshot->log_path, O_WRONLY | O_CLOEXEC);
    if (snapshot->log_fd < 0) {
        return err_set(e, err_from_errno(errno), "%s: %s", snapshot->log_path, strerror(errno));
    }
    return ERR_OK;
}

// An empty log for the present snapshot.
static enum err start_log(struct conf_snapshot *snapshot, struct errmsg *e)
{
    uint8_t header[LOG_HEADER_SIZE];
    memcpy(header, LOG_MAGIC, MAGIC_SIZE);
    memcpy(header + MAGIC_SIZE, snapshot->digest, SHA256_SIZE);
    close_log(snapshot);
    enum err err = file_write_atomic(snapshot->log_path, header, sizeof header, 0600, e);
    if (err != ERR_OK) {
        return err;
    }
    snapshot->log_size = sizeof header;
    memcpy(snapshot->chain, snapshot->digest, SHA256_SIZE);
    return open_log(snapshot, e);
}

enum err conf_snapshot_save(struct conf_snapshot *snapshot, const struct conf_map *map,
                            const struct conf_held *held, struct errmsg *e)
{
    size_t size = MAGIC_SIZE + held_size(held) + 8 + SHA256_SIZE;
    conf_map_each(map, "", add_entry_size, &size);
    uint8_t *bytes = mem_try_alloc(size);
    if (bytes == NULL) {
        return err_set(e, ERR_NO_MEMORY, "%s: no memory for %zu bytes", snapshot->path, size);
    }
    struct cursor c = cursor_over(bytes, size);
    cursor_put(&c, SNAPSHOT_MAGIC, MAGIC_SIZE);
    put_held(&c, held);
    cursor_put_u64(&c, conf_map_count(map));
    conf_map_each(map, "", put_map_entry, &c);
    uint8_t digest[SHA256_SIZE];
    hash_sha256(bytes, cursor_offset(&c), digest);
    cursor_put(&c, digest, sizeof digest);
    enum err err = c.bad ? err_set(e, ERR_INTERNAL, "%s: size miscounted", snapshot->path)
                         : file_write_atomic(snapshot->path, bytes, size, 0600, e);
    mem_free(bytes);
    if (err != ERR_OK) {
        return err;
    }
    snapshot->size = size;
    memcpy(snapshot->digest, digest, sizeof digest);
    // From here on the old log is void, and nothing may be added to it.
    close_log(snapshot);
    return ERR_OK;
}

static enum err write_all(int fd, const uint8_t *bytes, size_t len, off_t at)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(fd, bytes + done, len - done, at + (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? err_from_errno(errno) : ERR_IO;
        }
        done += (size_t)n;
    }
    return fdatasync(fd) == 0 ? ERR_OK : err_from_errno(errno);
}

// The caller made the record for the chain, or for the snapshot's checksum when there is no log
// yet.
static enum err append_record(struct conf_snapshot *snapshot, const uint8_t *record, size_t size,
                              struct errmsg *e)
{
    if (snapshot->log_fd < 0) {
        enum err started = start_log(snapshot, e);
        if (started != ERR_OK) {
            return started;
        }
    }
    enum err err = write_all(snapshot->log_fd, record, size, (off_t)snapshot->log_size);
    if (err != ERR_OK) {
        // What reached the disk is not known: the rest of the log cannot be trusted to be empty.
        err = err_set(e, err, "%s: %s", snapshot->log_path, err_text(err));
        if (ftruncate(snapshot->log_fd, (off_t)snapshot->log_size) != 0) {
            log_warn("a broken record stays at the end of the log",
                     F_STR("file", snapshot->log_path));
        }
        close_log(snapshot);
        snapshot->size = 0;
        return err;
    }
    memcpy(snapshot->chain, record + size - SHA256_SIZE, SHA256_SIZE);
    snapshot->log_size += size;
    return ERR_OK;
}

enum err conf_snapshot_append(struct conf_snapshot *snapshot, const struct conf_map *map,
                              const struct conf_held *held, const char *const *paths,
                              size_t path_count, struct errmsg *e)
{
    size_t payload_size = held_size(held) + 4;
    for (size_t i = 0; i < path_count; i++) {
        payload_size += 1 + entry_size(paths[i], conf_map_get(map, paths[i]));
    }
    size_t record_size = 4 + payload_size + SHA256_SIZE;
    bool is_long = snapshot->log_fd >= 0 && snapshot->log_size > snapshot->size + LOG_SLACK;
    if (snapshot->size == 0 || is_long || record_size > snapshot->size + LOG_SLACK) {
        return conf_snapshot_save(snapshot, map, held, e);
    }
    uint8_t *record = mem_try_alloc(record_size);
    if (record == NULL) {
        return err_set(e, ERR_NO_MEMORY, "%s: no memory for %zu bytes", snapshot->log_path,
                       record_size);
    }
    struct cursor c = cursor_over(record, record_size);
    cursor_put_u32(&c, (uint32_t)payload_size);
    put_held(&c, held);
    cursor_put_u32(&c, (uint32_t)path_count);
    for (size_t i = 0; i < path_count; i++) {
        const char *json = conf_map_get(map, paths[i]);
        cursor_put_u8(&c, json == NULL ? 0 : 1);
        put_entry(&c, paths[i], json);
    }
    uint8_t sum[SHA256_SIZE];
    chain_next(snapshot->log_fd < 0 ? snapshot->digest : snapshot->chain, record + 4, payload_size,
               sum);
    cursor_put(&c, sum, sizeof sum);
    enum err err = c.bad ? err_set(e, ERR_INTERNAL, "%s: size miscounted", snapshot->log_path)
                         : append_record(snapshot, record, record_size, e);
    mem_free(record);
    return err;
}

// ---- opening and loading -----------------------------------------------------------------------

enum err conf_snapshot_open(const char *state_dir, struct conf_snapshot **out, struct errmsg *e)
{
    struct conf_snapshot *snapshot = mem_zalloc(sizeof *snapshot);
    int len = snprintf(snapshot->path, sizeof snapshot->path, "%s/config.snapshot", state_dir);
    if (len < 0 || (size_t)len >= sizeof snapshot->path) {
        mem_free(snapshot);
        return err_set(e, ERR_TOO_LARGE, "%s: the path is too long", state_dir);
    }
    (void)snprintf(snapshot->log_path, sizeof snapshot->log_path, "%s.log", snapshot->path);
    (void)snprintf(snapshot->corrupt_path, sizeof snapshot->corrupt_path, "%s.corrupt",
                   snapshot->path);
    snapshot->log_fd = -1;
    *out = snapshot;
    return ERR_OK;
}

void conf_snapshot_close(struct conf_snapshot *snapshot)
{
    if (snapshot != NULL) {
        close_log(snapshot);
        mem_free(snapshot);
    }
}

// Follows the log, and cuts what is torn at its end.
static enum err load_log(struct conf_snapshot *snapshot, struct conf_map *map,
                         struct conf_held *held, struct errmsg *e)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(snapshot->log_path, FILE_MAX_BYTES, &bytes, &len, e);
    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    if (err != ERR_OK) {
        return err;
    }
    size_t good = conf_snapshot_replay(bytes == NULL ? no_bytes : bytes, len, snapshot->digest, map,
                                       held, snapshot->chain);
    mem_free(bytes);
    if (good == 0) {
        return ERR_OK; // of an older snapshot: a crash came between the two
    }
    err = open_log(snapshot, e);
    if (err != ERR_OK) {
        return err;
    }
    snapshot->log_size = good;
    if (good < len) {
        log_warn("config log had a torn end, cut", F_STR("file", snapshot->log_path),
                 F_U64("bytes", len - good), F_U64("revision", held->revision));
        if (ftruncate(snapshot->log_fd, (off_t)good) != 0) {
            return err_set(e, err_from_errno(errno), "%s: %s", snapshot->log_path, strerror(errno));
        }
    }
    return ERR_OK;
}

enum err conf_snapshot_load(struct conf_snapshot *snapshot, struct conf_map *map,
                            struct conf_held *held, struct errmsg *e)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(snapshot->path, FILE_MAX_BYTES, &bytes, &len, e);
    if (err != ERR_OK) {
        return err;
    }
    err = conf_snapshot_parse(bytes, len, map, held, snapshot->digest);
    mem_free(bytes);
    if (err != ERR_OK) {
        conf_map_clear(map);
        *held = (struct conf_held){0};
        if (rename(snapshot->path, snapshot->corrupt_path) != 0) {
            return err_set(e, ERR_CORRUPT, "%s is corrupt and cannot be renamed: %s",
                           snapshot->path, strerror(errno));
        }
        return err_set(e, ERR_CORRUPT, "%s is corrupt; kept as %s", snapshot->path,
                       snapshot->corrupt_path);
    }
    snapshot->size = len;
    return load_log(snapshot, map, held, e);
}
