#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The config objects that a consumer holds: path -> JSON text, ordered by path (bytewise).
// One thread. A million entries cost about 100 bytes each.
struct conf_map;

struct conf_map *conf_map_new(void);
void conf_map_free(struct conf_map *map);
// A copy that shares everything unchanged with the original: O(1), and a change of either costs the
// path to it. For building a new state beside the one in use. The same thread as the original.
struct conf_map *conf_map_clone(const struct conf_map *map);
size_t conf_map_count(const struct conf_map *map);

// The JSON text, NULL = not there; valid until the path is changed.
const char *conf_map_get(const struct conf_map *map, const char *path);
void conf_map_set(struct conf_map *map, const char *path, const char *json); // copies both
bool conf_map_remove(struct conf_map *map, const char *path); // false = was not there
void conf_map_clear(struct conf_map *map);

// Calls `fn` for each path that starts with `prefix`, ascending; stops when it returns false. `fn`
// must not change this map (a clone of it may be changed).
typedef bool (*conf_map_fn)(void *ctx, const char *path, const char *json);
void conf_map_each(const struct conf_map *map, const char *prefix, conf_map_fn fn, void *ctx);
size_t conf_map_count_prefix(const struct conf_map *map, const char *prefix);
