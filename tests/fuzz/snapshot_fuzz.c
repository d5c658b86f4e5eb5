// The files of a consumer's config: any body under a right checksum, and any bytes as they are.
#include <stdint.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/mem.h"
#include "common/conf/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static bool count_one(void *ctx, const char *path, const char *json)
{
    must(strlen(path) + strlen(json) < SIZE_MAX);
    ++*(size_t *)ctx;
    return true;
}

static void look(const struct conf_map *map, const struct conf_held *held)
{
    size_t count = 0;
    conf_map_each(map, "", count_one, &count);
    must(count == conf_map_count(map));
    must(held->store_id_len <= sizeof held->store_id);
}

static void try_snapshot(const uint8_t *bytes, size_t size)
{
    struct conf_map *map = conf_map_new();
    struct conf_held held = {0};
    uint8_t digest[SHA256_SIZE];
    if (conf_snapshot_parse(bytes, size, map, &held, digest) == ERR_OK) {
        look(map, &held);
    }
    conf_map_free(map);
}

static void try_log(const uint8_t *bytes, size_t size, const uint8_t digest[SHA256_SIZE])
{
    struct conf_map *map = conf_map_new();
    struct conf_held held = {0};
    uint8_t chain[SHA256_SIZE];
    must(conf_snapshot_replay(bytes, size, digest, map, &held, chain) <= size);
    look(map, &held);
    conf_map_free(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t digest[SHA256_SIZE] = {0};
    size_t room = size + 8 + 4 + 2 * SHA256_SIZE;
    uint8_t *file = mem_alloc(room);
    uint8_t sum[SHA256_SIZE];
    try_snapshot(bytes, size);
    try_log(bytes, size, digest);

    struct cursor c = cursor_over(file, room);
    cursor_put(&c, "TRLSNAP1", 8);
    cursor_put(&c, bytes, size);
    hash_sha256(file, cursor_offset(&c), sum);
    cursor_put(&c, sum, sizeof sum);
    try_snapshot(file, cursor_offset(&c));

    // One record behind the log's head, under a right checksum.
    struct hash_sha256 *hash = hash_sha256_new();
    hash_sha256_add(hash, digest, sizeof digest);
    hash_sha256_add(hash, bytes, size);
    hash_sha256_free(hash, sum);
    c = cursor_over(file, room);
    cursor_put(&c, "TRLDELT1", 8);
    cursor_put(&c, digest, sizeof digest);
    cursor_put_u32(&c, (uint32_t)size);
    cursor_put(&c, bytes, size);
    cursor_put(&c, sum, sizeof sum);
    must(!c.bad);
    try_log(file, cursor_offset(&c), digest);
    mem_free(file);
    return 0;
}
