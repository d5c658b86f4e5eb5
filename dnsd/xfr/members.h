#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dnsd/zone/zone.h"

/*
 * What a catalog zone says (RFC 9432 section 4): its members, each with a label of its own. Pure
 * data; no threads, no clocks.
 */
struct member {
    char *id;         // label below zones.<catalog>, lower case
    struct name zone; // folded
    char *moves_to;   // `coo` (section 4.4.1): folded text of the catalog it goes to; NULL = none
};
struct members {
    struct member *items;
    size_t count;
    size_t capacity;
    bool has_version; // "2" (section 4.2.1)
};

void members_fini(struct members *members);
void members_add(struct members *members, const char *id, const struct name *zone);
// One record of a catalog zone; records that mean nothing to us are passed over (section 4.4).
void members_take(struct members *members, const struct name *catalog,
                  const struct zone_record *record);
// Sorts by id; of two with the same id or the same zone the catalog is broken (section 5.1): false.
bool members_sort(struct members *members);

// The names in a catalog: <id>.zones.<catalog>, version.<catalog>; false = too long.
NODISCARD bool members_owner(const struct name *catalog, const char *id, struct name *out);
NODISCARD bool members_version_owner(const struct name *catalog, struct name *out);

// Walks both sorted lists: `gone` is called for what only `have` has, `come` for what only `want`
// has; a changed zone under the same id is both, `gone` first. Either may be NULL.
typedef void (*member_fn)(void *ctx, const struct member *member);
void members_diff(const struct members *have, const struct members *want, member_fn gone,
                  member_fn come, void *ctx);
