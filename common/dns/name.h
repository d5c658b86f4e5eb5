#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "common/base/err.h"

/*
 * Domain names in uncompressed wire form (RFC 1035 section 3.1): length-prefixed labels, ended by
 * the root label. Functions named *_lower work on names already folded to lower case; in zones,
 * tables and config names are always folded, the case of a query is kept only in its packet.
 */
#define NAME_MAX_WIRE   255
#define NAME_MAX_LABELS 127
#define NAME_MAX_TEXT   1024 // presentation form with \DDD escapes, dots and NUL

struct name {
    uint8_t len; // wire length with the root label, 1..255
    uint8_t wire[NAME_MAX_WIRE];
};

// Presentation form (RFC 1035 section 5.1, \X and \DDD escapes) to wire; a missing last dot is
// meant to be there. ERR_INVALID with the reason: empty label, label > 63, name > 255, bad escape.
// Keeps case.
NODISCARD enum err name_from_text(const char *text, struct name *out, struct errmsg *e);
// The same relative to `origin` when the text has no last dot (NULL = root). "@" is the origin.
NODISCARD enum err name_from_text_origin(const char *text, size_t len, const struct name *origin,
                                         struct name *out, struct errmsg *e);
// To presentation form without the last dot ("." for the root); `dst` at least NAME_MAX_TEXT.
void name_to_text(const uint8_t *wire, char *dst);
// With the last dot, for zone files.
void name_to_text_dot(const uint8_t *wire, char *dst);

// Wire length of a valid uncompressed name.
size_t name_len(const uint8_t *wire);
// Checks an uncompressed name within `max` bytes; 0 = not valid, else its length.
size_t name_check(const uint8_t *wire, size_t max);
// Labels without the root ("example.com" = 2).
unsigned name_labels(const uint8_t *wire);
void name_fold(uint8_t *wire);                       // to lower case in place
bool name_equal(const uint8_t *a, const uint8_t *b); // RFC 4343, any case
bool name_equal_lower(const uint8_t *a, const uint8_t *b);
// True when `name` is `parent` or below it; both folded.
bool name_is_below_or_equal(const uint8_t *name, const uint8_t *parent);
// Canonical order (RFC 4034 section 6.1): <0, 0, >0; both folded.
int name_compare(const uint8_t *a, const uint8_t *b);
// Offsets of the labels from the left, root last; returns their number (labels + 1).
unsigned name_label_offsets(const uint8_t *wire, uint8_t offsets[NAME_MAX_LABELS + 1]);
// `name` with `labels` labels cut off on the left: a pointer into it.
const uint8_t *name_skip(const uint8_t *wire, unsigned labels);
// prefix (without its root) + suffix; false when longer than 255.
NODISCARD bool name_join(const uint8_t *prefix, size_t prefix_len_without_root,
                         const uint8_t *suffix, struct name *out);

/*
 * Order-preserving key: memcmp order of keys = canonical order of names. Labels from the right,
 * each byte folded, 0x00 and 0x01 escaped, 0x00 between labels. At most NAME_MAX_KEY bytes.
 */
#define NAME_MAX_KEY 512
size_t name_to_key(const uint8_t *wire, uint8_t key[NAME_MAX_KEY]);
// The folded name of a key; ERR_CORRUPT when no name has this key.
NODISCARD enum err name_from_key(const uint8_t *key, size_t len, struct name *out);

// Reads a possibly compressed name at `*offset` of a message, bounded in jumps (only backwards);
// moves `*offset` behind it. Keeps case. ERR_INVALID.
NODISCARD enum err name_read(const uint8_t *message, size_t size, size_t *offset, struct name *out);

/*
 * 64-bit hash of a folded name, built from the right label by label, so that the hashes of all its
 * suffixes fall out of one pass: hashes[i] belongs to the suffix that starts at label i
 * (offsets[i]); hashes[labels] is the root's. Seeded once per process.
 */
uint64_t name_hash(const uint8_t *wire);
void name_hashes(const uint8_t *wire, const uint8_t *offsets, unsigned label_count,
                 uint64_t *hashes);
