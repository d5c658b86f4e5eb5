#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "dnsd/zone/zone.h"

// Records on their way to become a zone's contents: collected in any order, sorted once.
struct load_record {
    uint64_t prefix;            // tree_prefix of the name
    const uint8_t *name;        // folded
    const uint8_t *rdata;
    const char *comments;       // NULL = none
    uint32_t ttl;
    uint32_t order;             // as they came
    uint32_t line;              // 0 = not from a file
    uint16_t type;
    uint16_t rdata_len;
    bool disabled;
};

struct zone_load {
    struct name apex;
    unsigned apex_labels;
    struct arena arena;
    struct load_record **records;
    size_t count;
    size_t capacity;
    bool is_unsorted;
    size_t outside;             // records left out because their names are not in the zone
};

// `record` is copied, but for what belongs to the arena already (name when it is the last one's).
void load_push(struct zone_load *load, const struct load_record *record);
// Canonical order of names, then as they came.
void load_sort(struct zone_load *load);
// The end of the run of records with the name of record `begin`.
size_t load_group_end(const struct zone_load *load, size_t begin);
// Reads a zone file into `load`; disabled records are read from the export's marked comments.
NODISCARD enum err load_text(struct zone_load *load, const char *text, size_t len,
                             const char *file_name, uint32_t default_ttl, struct errmsg *e);

// In front of a disabled record in an exported zone file.
#define LOAD_DISABLED_MARK ";disabled: "
