/*
 * Digests of the config: one set digest over all cluster-scope objects, one for each section of the
 * table of kinds, kept by adding and removing members. Thread: clusterd's loop.
 */
#include "clusterd/store/internal.h"

#include "common/base/log.h"
#include "common/conf/kind.h"

#include <string.h>

#define SECTION_NAME_MAX sizeof(((struct store_section *)0)->name)

void store_member(const char *path, const char *value, uint8_t out[SHA256_SIZE])
{
    struct hash_sha256 *h = hash_sha256_new();
    hash_sha256_add(h, path, strlen(path) + 1); // with its NUL: nothing else separates the two
    hash_sha256_add(h, value, strlen(value));
    hash_sha256_free(h, out);
}

// The section of a path: as its kind's row says; objects of a newer release go by their kind.
static bool section_name(const char *path, char name[SECTION_NAME_MAX])
{
    const struct conf_kind *kind = conf_kind_find(path);
    if (kind != NULL) {
        return str_copy(name, SECTION_NAME_MAX, kind->section);
    }
    size_t len = strcspn(path, "/");
    if (len >= SECTION_NAME_MAX) {
        return false;
    }
    memcpy(name, path, len);
    name[len] = '\0';
    return true;
}

static struct store_section *find_section(struct store_state *state, const char *name)
{
    size_t at = 0;
    for (; at < state->section_count; at++) {
        int order = strcmp(name, state->sections[at].name);
        if (order == 0) {
            return &state->sections[at];
        }
        if (order < 0) {
            break;
        }
    }
    if (state->section_count == STORE_SECTIONS_MAX) {
        return NULL;
    }
    memmove(&state->sections[at + 1], &state->sections[at],
            (state->section_count - at) * sizeof state->sections[0]);
    state->section_count++;
    struct store_section *section = &state->sections[at];
    *section = (struct store_section){.dirty = true};
    return str_copy(section->name, sizeof section->name, name) ? section : NULL;
}

enum err store_sections_count(struct store_state *state, const char *path, const char *value,
                              bool in, struct errmsg *e)
{
    char name[SECTION_NAME_MAX];
    struct store_section *section = section_name(path, name) ? find_section(state, name) : NULL;
    if (section == NULL) {
        return err_set(e, ERR_INVALID, "%s: no room for another section of the config", path);
    }
    uint8_t member[SHA256_SIZE];
    store_member(path, value, member);
    if (in) {
        hash_set_add(&state->total, member);
        hash_set_add(&section->digest, member);
        section->count++;
    } else {
        hash_set_remove(&state->total, member);
        hash_set_remove(&section->digest, member);
        section->count--;
    }
    section->dirty = true;
    return ERR_OK;
}

struct recount {
    struct store_state *state;
    enum err err;
    struct errmsg *e;
};

static bool count_object(void *ctx, const struct store_object *object)
{
    struct recount *recount = ctx;
    if (object->scope == STORE_CLUSTER) {
        recount->err =
            store_sections_count(recount->state, object->path, object->value, true, recount->e);
    }
    return recount->err == ERR_OK;
}

enum err store_sections_recount(struct store *store, struct errmsg *e)
{
    struct store_state *state = &store->next;
    state->total = (struct hash_set_digest){0};
    for (size_t i = 0; i < state->section_count; i++) {
        state->sections[i].digest = (struct hash_set_digest){0};
        state->sections[i].count = 0;
        state->sections[i].dirty = true;
    }
    struct recount recount = {.state = state, .e = e};
    enum err err = store_each(store, "", NULL, count_object, &recount, e);
    return err == ERR_OK ? recount.err : err;
}

enum err store_sections_load(struct store *store, struct errmsg *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err err =
        store_prepare(store, "SELECT name, digest, count FROM section ORDER BY name", &stmt, e);
    if (err != ERR_OK) {
        return err;
    }
    struct store_state *state = &store->state;
    int result = SQLITE_DONE;
    while (err == ERR_OK) {
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW) {
            break;
        }
        struct store_section *section = find_section(state, store_column(stmt, 0));
        if (section == NULL || sqlite3_column_bytes(stmt, 1) != SHA256_SIZE) {
            err = err_set(e, ERR_CORRUPT, "configuration store %s: bad row in table section",
                          store->path);
            break;
        }
        hash_set_add(&section->digest, sqlite3_column_blob(stmt, 1));
        section->count = (uint64_t)sqlite3_column_int64(stmt, 2);
        section->dirty = false;
    }
    if (err == ERR_OK && result != SQLITE_DONE) {
        err = store_sql_error(store, e, "open");
    }
    sqlite3_finalize(stmt);
    return err;
}

enum err store_sections_save(struct store *store, struct errmsg *e)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < store->next.section_count && err == ERR_OK; i++) {
        struct store_section *section = &store->next.sections[i];
        if (!section->dirty) {
            continue;
        }
        uint8_t digest[SHA256_SIZE];
        hash_set_bytes(&section->digest, digest);
        sqlite3_stmt *stmt = store->stmt[STMT_SECTION_SAVE];
        store_bind_text(stmt, 1, section->name);
        sqlite3_bind_blob(stmt, 2, digest, sizeof digest, SQLITE_TRANSIENT);
        sqlite3_bind_int64(stmt, 3, (int64_t)section->count);
        err = store_run(store, STMT_SECTION_SAVE, e);
        section->dirty = false;
    }
    return err;
}

enum err store_sections_verify(struct store *store, struct errmsg *e)
{
    store->next = store->state;
    enum err err = store_sections_recount(store, e);
    if (err != ERR_OK) {
        return err;
    }
    uint8_t kept[SHA256_SIZE];
    uint8_t counted[SHA256_SIZE];
    hash_set_bytes(&store->state.total, kept);
    hash_set_bytes(&store->next.total, counted);
    if (memcmp(kept, counted, SHA256_SIZE) != 0) {
        log_warn("configuration store has drifted from its own digest: something else has written it",
                 F_STR("path", store->path));
        store->state = store->next;   // written with the next commit
    }
    return ERR_OK;
}

void store_digest(const struct store *store, uint8_t out[SHA256_SIZE])
{
    hash_set_bytes(&store->state.total, out);
}

void store_sections(const struct store *store, store_section_fn fn, void *ctx)
{
    for (size_t i = 0; i < store->state.section_count; i++) {
        const struct store_section *section = &store->state.sections[i];
        uint8_t digest[SHA256_SIZE];
        hash_set_bytes(&section->digest, digest);
        fn(ctx, section->name, digest, section->count);
    }
}
