/*
 * The LMDB environment: opening, keys, rows, records, and loading all zones at start. Writing is the
 * writer thread's; exports and lists read in transactions of their own, on any thread.
 */
#include "dnsd/zone/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "dnsd/zone/owner.h"

#define FORMAT 1u
#define MAP_SIZE (sizeof(size_t) == 8 ? (size_t)64 << 30 : (size_t)1 << 30)
#define READERS_MAX 512u

// ---- errors ------------------------------------------------------------------------------------

static enum err corrupt(const struct zone_store *store, const char *what, struct errmsg *e)
{
    return err_set(e, ERR_CORRUPT,
                   "the zone store %s/data.mdb is corrupt (%s); stop dnsd, move %s away, and put a "
                   "copy made by mdb_copy in its place, or start with an empty folder: secondary "
                   "zones are transferred again, primary zones imported from zone files",
                   store->folder, what, store->folder);
}

enum err store_error(const struct zone_store *store, int code, struct errmsg *e)
{
    switch (code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return err_set(e, ERR_NO_SPACE, "no space left for the zone store in %s; nothing was changed",
                       store->folder);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PANIC:
        return corrupt(store, mdb_strerror(code), e);
    case ENOMEM:
        return err_set(e, ERR_NO_MEMORY, "no memory for the zone store in %s", store->folder);
    default:
        return err_set(e, code == EACCES || code == EROFS ? ERR_DENIED : ERR_IO,
                       "the zone store in %s: %s", store->folder, mdb_strerror(code));
    }
}

// ---- keys --------------------------------------------------------------------------------------

static void put_u32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

size_t store_key(uint32_t content, const struct name *apex, const uint8_t *name_lower,
                 uint8_t key[STORE_KEY_MAX])
{
    uint8_t full[NAME_MAX_KEY];
    uint8_t apex_key[NAME_MAX_KEY];
    size_t full_len = name_to_key(name_lower, full);
    size_t skip = name_to_key(apex->wire, apex_key);
    if (skip != 0 && full_len > skip) {
        skip++;    // the separator behind the apex
    }
    if (4 + full_len - skip > STORE_KEY_MAX) {
        return 0;
    }
    put_u32(key, content);
    memcpy(key + 4, full + skip, full_len - skip);
    return 4 + full_len - skip;
}

static MDB_val value_of(const void *bytes, size_t len)
{
    union {
        const void *in;
        void *out;
    } cast = {.in = bytes};
    return (MDB_val){.mv_size = len, .mv_data = cast.out};
}

// ---- rows and records --------------------------------------------------------------------------

int store_row_put(struct zone_store *store, MDB_txn *txn, uint32_t id, const struct zone_row *row)
{
    uint8_t id_bytes[4];
    put_u32(id_bytes, id);
    struct str bytes;
    str_init(&bytes);
    zone_row_write(row, &bytes);
    MDB_val key = value_of(id_bytes, sizeof id_bytes);
    MDB_val value = value_of(bytes.text, bytes.len);
    int code = mdb_put(txn, store->zones, &key, &value, 0);
    str_fini(&bytes);
    return code;
}

int store_row_delete(struct zone_store *store, MDB_txn *txn, uint32_t id)
{
    uint8_t id_bytes[4];
    put_u32(id_bytes, id);
    MDB_val key = value_of(id_bytes, sizeof id_bytes);
    return mdb_del(txn, store->zones, &key, NULL);
}

static int meta_put(struct zone_store *store, MDB_txn *txn, const char *name, uint32_t number)
{
    MDB_val key = value_of(name, strlen(name));
    MDB_val value = value_of(&number, sizeof number);
    return mdb_put(txn, store->meta, &key, &value, 0);
}

int store_next_put(struct zone_store *store, MDB_txn *txn, uint32_t next)
{
    return meta_put(store, txn, "next", next);
}

static int meta_get(struct zone_store *store, MDB_txn *txn, const char *name, uint32_t *number)
{
    MDB_val key = value_of(name, strlen(name));
    MDB_val value;
    int code = mdb_get(txn, store->meta, &key, &value);
    if (code == 0 && value.mv_size == sizeof *number) {
        memcpy(number, value.mv_data, sizeof *number);
    }
    return code == 0 && value.mv_size != sizeof *number ? MDB_CORRUPTED : code;
}

int store_owner_get(struct zone_store *store, MDB_txn *txn, uint32_t content,
                    const struct name *apex, const uint8_t *name_lower, MDB_val *value)
{
    uint8_t key_bytes[STORE_KEY_MAX];
    MDB_val key = value_of(key_bytes, store_key(content, apex, name_lower, key_bytes));
    return key.mv_size == 0 ? MDB_NOTFOUND : mdb_get(txn, store->records, &key, value);
}

int store_owner_put(struct zone_store *store, MDB_txn *txn, uint32_t content,
                    const struct name *apex, const uint8_t *name_lower, const MDB_val *value)
{
    uint8_t key_bytes[STORE_KEY_MAX];
    MDB_val key = value_of(key_bytes, store_key(content, apex, name_lower, key_bytes));
    if (key.mv_size == 0) {
        return MDB_BAD_VALSIZE;
    }
    if (value->mv_size == 0) {
        int code = mdb_del(txn, store->records, &key, NULL);
        return code == MDB_NOTFOUND ? 0 : code;
    }
    MDB_val copy = *value;
    return mdb_put(txn, store->records, &key, &copy, 0);
}

int store_purge(struct zone_store *store, MDB_txn *txn, uint32_t content, size_t limit, bool *done)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->records, &cursor);
    if (code != 0) {
        return code;
    }
    uint8_t prefix[4];
    put_u32(prefix, content);
    MDB_val key = value_of(prefix, sizeof prefix);
    MDB_val value;
    size_t n = 0;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (code == 0 && n < limit && key.mv_size >= sizeof prefix &&
           memcmp(key.mv_data, prefix, sizeof prefix) == 0) {
        code = mdb_cursor_del(cursor, 0);
        if (code == 0) {
            n++;
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);    // what followed the deleted one
        }
    }
    mdb_cursor_close(cursor);
    *done = n < limit;
    return code == MDB_NOTFOUND ? 0 : code;
}

// ---- scans -------------------------------------------------------------------------------------

static int scan_take(struct store_scan *scan, const MDB_val *key)
{
    const uint8_t *bytes = key->mv_data;
    if (key->mv_size < 4 || get_u32(bytes) != scan->content) {
        return MDB_NOTFOUND;
    }
    size_t rest = key->mv_size - 4;
    size_t at = scan->apex_key_len;
    if (rest != 0 && at != 0) {
        scan->key[at++] = 0;    // the separator that is not stored
    }
    if (at + rest > sizeof scan->key) {
        return MDB_CORRUPTED;
    }
    memcpy(scan->key + at, bytes + 4, rest);
    return name_from_key(scan->key, at + rest, &scan->name) == ERR_OK ? 0 : MDB_CORRUPTED;
}

int store_scan_first(struct store_scan *scan, struct zone_store *store, MDB_txn *txn,
                     uint32_t content, const struct name *apex, const uint8_t *start)
{
    scan->cursor = NULL;
    scan->content = content;
    scan->apex = *apex;
    scan->apex_key_len = name_to_key(apex->wire, scan->key);
    int code = mdb_cursor_open(txn, store->records, &scan->cursor);
    if (code != 0) {
        return code;
    }
    uint8_t key_bytes[STORE_KEY_MAX];
    size_t len = store_key(content, apex, start == NULL ? apex->wire : start, key_bytes);
    MDB_val key = value_of(key_bytes, len);
    code = mdb_cursor_get(scan->cursor, &key, &scan->value, MDB_SET_RANGE);
    return code != 0 ? code : scan_take(scan, &key);
}

int store_scan_next(struct store_scan *scan)
{
    MDB_val key;
    int code = mdb_cursor_get(scan->cursor, &key, &scan->value, MDB_NEXT);
    return code != 0 ? code : scan_take(scan, &key);
}

void store_scan_end(struct store_scan *scan)
{
    if (scan->cursor != NULL) {
        mdb_cursor_close(scan->cursor);
        scan->cursor = NULL;
    }
}

// ---- loading -----------------------------------------------------------------------------------

// The part of the map that was read; given back to the kernel (the page cache keeps it) so that what
// is in the nodes now does not count twice.
struct touched {
    uintptr_t low;
    uintptr_t high;
};

static void touch(struct touched *touched, const MDB_val *value)
{
    uintptr_t at = (uintptr_t)value->mv_data;
    touched->low = touched->low == 0 || at < touched->low ? at : touched->low;
    touched->high = at + value->mv_size > touched->high ? at + value->mv_size : touched->high;
}

static void give_back(const struct touched *touched)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t low = touched->low & ~(page - 1);
    if (touched->high > low) {
        madvise((void *)low, touched->high - low, MADV_DONTNEED);
    }
}

static enum err load_version(struct zone_store *store, MDB_txn *txn, struct zone *zone,
                             uint32_t content, struct errmsg *e)
{
    struct touched touched = {0};
    struct store_scan scan;
    struct version_builder *builder = version_builder_new(zone, &zone->apex, content);
    int code = store_scan_first(&scan, store, txn, content, &zone->apex, NULL);
    enum err err = ERR_OK;
    while (code == 0 && err == ERR_OK) {
        const uint8_t *rrsets;
        size_t size;
        touch(&touched, &scan.value);
        err = owner_rrsets(scan.value.mv_data, scan.value.mv_size, &rrsets, &size);
        if (err == ERR_OK && size != 0) {    // 0: all of its records are disabled
            err = version_builder_add(builder, scan.name.wire, rrsets, size);
        }
        code = err == ERR_OK ? store_scan_next(&scan) : 0;
    }
    store_scan_end(&scan);
    give_back(&touched);
    if (err == ERR_OK && code != MDB_NOTFOUND) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        struct zone_version *version = version_builder_finish(builder, ++store->stamp);
        if (version != NULL) {
            zone->version = version;
            zone->oldest = version;
            return ERR_OK;
        }
    } else {
        version_builder_free(builder);
    }
    char what[NAME_MAX_TEXT + 32];
    snprintf(what, sizeof what, "records of zone %s", zone->text);
    return corrupt(store, what, e);
}

static enum err load_zone(struct zone_store *store, MDB_txn *txn, struct table_edit *edit,
                          uint32_t id, const MDB_val *value, struct errmsg *e)
{
    struct zone_row row;
    if (zone_row_read(value->mv_data, value->mv_size, &row) != ERR_OK) {
        return corrupt(store, "row of a zone", e);
    }
    struct zone_box *box;
    enum err err = zone_box_new(row.type, row.options, &box, e);
    if (err != ERR_OK) {
        zone_options_free(row.options);
        return corrupt(store, "network list of a zone", e);
    }
    struct zone *zone = zone_new(store, id, &row.apex, box);
    table_edit_put(edit, zone);
    zone->last_modified = row.state.last_modified;
    zone->state = mem_dup(&row.state, sizeof row.state);
    zone_reopen(zone);
    return row.content == 0 ? ERR_OK : load_version(store, txn, zone, row.content, e);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

// The contents of all zones, sorted.
static uint32_t *used_contents(const struct zone_store *store, size_t *count)
{
    uint32_t *used = mem_calloc(zone_table_count(store->table), sizeof *used);
    struct tree_cursor at;
    size_t n = 0;
    for (const void *item = tree_first(&store->table->tree, &at); item != NULL;
         item = tree_next(&at)) {
        const struct zone_version *version = zone_from_item(item)->version;
        if (version != NULL) {
            used[n++] = version->content;
        }
    }
    qsort(used, n, sizeof *used, compare_u32);
    *count = n;
    return used;
}

// Contents that no zone names: left over from a stop between a change and its clearing up.
static enum err find_purges(struct zone_store *store, MDB_txn *txn, struct errmsg *e)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->records, &cursor);
    if (code != 0) {
        return store_error(store, code, e);
    }
    size_t used_count;
    uint32_t *used = used_contents(store, &used_count);
    MDB_val key;
    MDB_val value;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0) {
        uint32_t content = key.mv_size < 4 ? 0 : get_u32(key.mv_data);
        if (bsearch(&content, used, used_count, sizeof *used, compare_u32) == NULL) {
            mem_grow(&store->purges, &store->purge_capacity, store->purge_count + 1,
                     sizeof *store->purges);
            store->purges[store->purge_count++] = content;
        }
        uint8_t next[4];
        put_u32(next, content + 1);
        key = value_of(next, sizeof next);
        code = content == UINT32_MAX ? MDB_NOTFOUND
                                     : mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    }
    mem_free(used);
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? ERR_OK : store_error(store, code, e);
}

static enum err load_zones(struct zone_store *store, MDB_txn *txn, struct errmsg *e)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->zones, &cursor);
    if (code != 0) {
        return store_error(store, code, e);
    }
    struct zone_garbage garbage = {0};
    struct table_edit edit;
    table_edit_begin(&edit, store->table, ++store->stamp, &garbage);
    MDB_val key;
    MDB_val value;
    enum err err = ERR_OK;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0 && err == ERR_OK) {
        err = key.mv_size != 4 ? corrupt(store, "key of a zone", e)
                               : load_zone(store, txn, &edit, get_u32(key.mv_data), &value, e);
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (err == ERR_OK && code != MDB_NOTFOUND) {
        err = store_error(store, code, e);
    }
    mem_free(store->table);
    store->table = table_edit_finish(&edit);
    zone_garbage_free(&garbage);
    return err == ERR_OK ? find_purges(store, txn, e) : err;
}

// ---- opening -----------------------------------------------------------------------------------

static enum err open_databases(struct zone_store *store, struct errmsg *e)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != 0) {
        return store_error(store, code, e);
    }
    code = mdb_dbi_open(txn, "meta", MDB_CREATE, &store->meta);
    if (code == 0) {
        code = mdb_dbi_open(txn, "zones", MDB_CREATE, &store->zones);
    }
    if (code == 0) {
        code = mdb_dbi_open(txn, "records", MDB_CREATE, &store->records);
    }
    uint32_t format = FORMAT;
    if (code == 0) {
        code = meta_get(store, txn, "format", &format);
        code = code == MDB_NOTFOUND ? meta_put(store, txn, "format", FORMAT) : code;
    }
    store->next_id = 1;
    if (code == 0) {
        code = meta_get(store, txn, "next", &store->next_id);
        code = code == MDB_NOTFOUND ? 0 : code;
    }
    if (code != 0) {
        mdb_txn_abort(txn);
        return store_error(store, code, e);
    }
    if (format != FORMAT) {
        mdb_txn_abort(txn);
        return err_set(e, ERR_UNSUPPORTED,
                       "the zone store in %s has format %u; this dnsd reads format %u",
                       store->folder, format, FORMAT);
    }
    code = mdb_txn_commit(txn);
    return code == 0 ? ERR_OK : store_error(store, code, e);
}

static enum err open_environment(struct zone_store *store, struct errmsg *e)
{
    int code = mdb_env_create(&store->env);
    if (code != 0) {
        return store_error(store, code, e);
    }
    size_t map = MAP_SIZE;
    char path[sizeof store->folder + 16];
    struct stat st;
    snprintf(path, sizeof path, "%s/data.mdb", store->folder);
    if (stat(path, &st) == 0 && (size_t)st.st_size > map / 2) {
        map = (size_t)st.st_size * 4;
    }
    mdb_env_set_mapsize(store->env, map);
    mdb_env_set_maxdbs(store->env, 8);
    mdb_env_set_maxreaders(store->env, READERS_MAX);
    // Readers' slots belong to transactions, not threads: lists are read from many loops.
    code = mdb_env_open(store->env, store->folder, MDB_NOTLS | MDB_NORDAHEAD, 0640);
    if (code != 0) {
        return store_error(store, code, e);
    }
    int dead;
    mdb_reader_check(store->env, &dead);
    return ERR_OK;
}

enum err store_open(struct zone_store *store, const char *folder, struct errmsg *e)
{
    if (!str_copy(store->folder, sizeof store->folder, folder)) {
        return err_set(e, ERR_INVALID, "the name of the folder %s is too long", folder);
    }
    enum err err = file_make_folder(folder, 0750, e);
    if (err != ERR_OK) {
        return err;
    }
    store->table = table_new();
    err = open_environment(store, e);
    if (err == ERR_OK) {
        err = open_databases(store, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    uint64_t begin = clock_mono_ms();
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return store_error(store, code, e);
    }
    err = load_zones(store, txn, e);
    mdb_txn_abort(txn);
    if (err == ERR_OK) {
        log_info("zones loaded", F_U64("zones", zone_table_count(store->table)),
                 F_U64("ms", clock_mono_ms() - begin));
    }
    return err;
}

void store_close(struct zone_store *store)
{
    if (store->table != NULL) {
        struct tree_cursor cursor;
        for (const void *item = tree_first(&store->table->tree, &cursor); item != NULL;) {
            const void *next = tree_next(&cursor);
            zone_free(zone_from_item(item));
            item = next;
        }
        table_free(store->table);
        store->table = NULL;
    }
    if (store->env != NULL) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
    mem_free(store->purges);
    store->purges = NULL;
}
