/*
 * Domain names in uncompressed wire form. Stateless but for the hash's seed, which is drawn before
 * main starts and never changes; any thread.
 *
 * Two facts carry the fast paths: a length byte (0..63) is never an upper-case letter (65..90), so
 * a name is folded and compared as flat bytes; and the canonical order compares labels from the
 * right.
 */
#include "common/dns/name.h"

#include <string.h>

#include "common/base/rand.h"

#define LABEL_MAX      63
#define POINTER_BITS   0xC0
#define MESSAGE_HEADER 12 // no name starts before it

static inline uint8_t fold(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c;
}

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') < 10;
}

// ---- presentation form
// ---------------------------------------------------------------------------

// Reads the escape behind a backslash at `*at`; -1 = not one.
static int read_escape(const char **at, const char *end)
{
    const char *p = *at;
    if (p == end) {
        return -1;
    }
    if (!is_digit(*p)) {
        *at = p + 1;
        return (uint8_t)*p;
    }
    if (end - p < 3 || !is_digit(p[1]) || !is_digit(p[2])) {
        return -1;
    }
    int value = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
    *at = p + 3;
    return value <= 255 ? value : -1;
}

// Text without its dots' meaning settled: fills `out` up to the last label (no root) and says
// whether a last dot was there.
static enum err labels_from_text(const char *text, const char *end, struct name *out, size_t *len,
                                 bool *is_absolute, struct errmsg *e)
{
    size_t label = 0; // where the length byte of the present label is
    size_t at = 1;
    bool after_dot = false;

    for (const char *p = text; p < end;) {
        int c = (uint8_t)*p++;
        after_dot = c == '.';
        if (after_dot) {
            if (at == label + 1) {
                return err_set(e, ERR_INVALID, "the name has an empty label");
            }
            out->wire[label] = (uint8_t)(at - label - 1);
            label = at++;
            continue;
        }
        if (c == '\\') {
            c = read_escape(&p, end);
            if (c < 0) {
                return err_set(e, ERR_INVALID,
                               "the name has a bad escape (\\DDD, at most \\255, or \\X)");
            }
        }
        if (at - label > LABEL_MAX) {
            return err_set(e, ERR_INVALID, "a label of the name is longer than 63 bytes");
        }
        // Room for this byte and the root label.
        if (at + 1 >= NAME_MAX_WIRE) {
            return err_set(e, ERR_INVALID, "the name is longer than 255 bytes");
        }
        out->wire[at++] = (uint8_t)c;
    }
    if (!after_dot) {
        out->wire[label] = (uint8_t)(at - label - 1);
        label = at;
    }
    *len = label;
    *is_absolute = after_dot;
    return ERR_OK;
}

enum err name_from_text_origin(const char *text, size_t len, const struct name *origin,
                               struct name *out, struct errmsg *e)
{
    if (len == 0) {
        return err_set(e, ERR_INVALID, "the name is empty");
    }
    if (len == 1 && (text[0] == '.' || text[0] == '@')) {
        if (text[0] == '@' && origin != NULL) {
            *out = *origin;
        } else {
            out->len = 1;
            out->wire[0] = 0;
        }
        return ERR_OK;
    }
    struct name name;
    size_t used = 0;
    bool is_absolute = false;
    enum err err = labels_from_text(text, text + len, &name, &used, &is_absolute, e);
    if (err != ERR_OK) {
        return err;
    }
    if (is_absolute || origin == NULL) {
        name.wire[used] = 0;
        name.len = (uint8_t)(used + 1);
    } else {
        if (used + origin->len > NAME_MAX_WIRE) {
            return err_set(e, ERR_INVALID, "the name is longer than 255 bytes with its origin");
        }
        memcpy(name.wire + used, origin->wire, origin->len);
        name.len = (uint8_t)(used + origin->len);
    }
    out->len = name.len;
    memcpy(out->wire, name.wire, name.len);
    return ERR_OK;
}

enum err name_from_text(const char *text, struct name *out, struct errmsg *e)
{
    size_t len = strlen(text);
    if (len == 1 && text[0] == '@') {
        *out = (struct name){
            .len = 3, .wire = {1, '@', 0}
        };
        return ERR_OK;
    }
    return name_from_text_origin(text, len, NULL, out, e);
}

static char *label_to_text(const uint8_t *label, char *dst)
{
    for (unsigned i = 1; i <= label[0]; i++) {
        uint8_t c = label[i];
        if (c <= ' ' || c >= 0x7F) {
            *dst++ = '\\';
            *dst++ = (char)('0' + c / 100);
            *dst++ = (char)('0' + c / 10 % 10);
            *dst++ = (char)('0' + c % 10);
            continue;
        }
        if (memchr(".\\\"();@$", c, 8) != NULL) {
            *dst++ = '\\';
        }
        *dst++ = (char)c;
    }
    *dst++ = '.';
    return dst;
}

void name_to_text_dot(const uint8_t *wire, char *dst)
{
    if (wire[0] == 0) {
        *dst++ = '.';
    }
    for (; wire[0] != 0; wire += wire[0] + 1) {
        dst = label_to_text(wire, dst);
    }
    *dst = '\0';
}

void name_to_text(const uint8_t *wire, char *dst)
{
    name_to_text_dot(wire, dst);
    if (wire[0] != 0) {
        dst[strlen(dst) - 1] = '\0';
    }
}

// ---- shape
// ---------------------------------------------------------------------------------------

size_t name_len(const uint8_t *wire)
{
    size_t len = 0;
    while (wire[len] != 0) {
        len += wire[len] + 1u;
    }
    return len + 1;
}

size_t name_check(const uint8_t *wire, size_t max)
{
    if (max > NAME_MAX_WIRE) {
        max = NAME_MAX_WIRE;
    }
    for (size_t at = 0; at < max; at += wire[at] + 1u) {
        if (wire[at] == 0) {
            return at + 1;
        }
        if (wire[at] > LABEL_MAX) {
            return 0;
        }
    }
    return 0;
}

unsigned name_labels(const uint8_t *wire)
{
    unsigned labels = 0;
    for (; wire[0] != 0; wire += wire[0] + 1) {
        labels++;
    }
    return labels;
}

unsigned name_label_offsets(const uint8_t *wire, uint8_t offsets[NAME_MAX_LABELS + 1])
{
    unsigned count = 0;
    unsigned at = 0;
    for (;;) {
        offsets[count++] = (uint8_t)at;
        if (wire[at] == 0) {
            return count;
        }
        at += wire[at] + 1u;
    }
}

const uint8_t *name_skip(const uint8_t *wire, unsigned labels)
{
    for (; labels > 0 && wire[0] != 0; labels--) {
        wire += wire[0] + 1;
    }
    return wire;
}

bool name_join(const uint8_t *prefix, size_t prefix_len_without_root, const uint8_t *suffix,
               struct name *out)
{
    size_t suffix_len = name_len(suffix);
    if (prefix_len_without_root + suffix_len > NAME_MAX_WIRE) {
        return false;
    }
    struct name joined; // either part may lie in `out`
    memcpy(joined.wire, prefix, prefix_len_without_root);
    memcpy(joined.wire + prefix_len_without_root, suffix, suffix_len);
    out->len = (uint8_t)(prefix_len_without_root + suffix_len);
    memcpy(out->wire, joined.wire, out->len);
    return true;
}

// ---- case and order
// ------------------------------------------------------------------------------

// Eight bytes at once: a byte with the high bit clear and within A..Z gets 0x20.
static inline uint64_t fold8(uint64_t v)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t low = v & (ones * 0x7F);
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t past_z = low + ones * (0x80 - 'Z' - 1);
    uint64_t upper = (from_a & ~past_z & ~v) & (ones * 0x80);
    return v | upper >> 2;
}

void name_fold(uint8_t *wire)
{
    size_t len = name_len(wire);
    size_t at = 0;
    for (; at + 8 <= len; at += 8) {
        uint64_t v;
        memcpy(&v, wire + at, 8);
        v = fold8(v);
        memcpy(wire + at, &v, 8);
    }
    for (; at < len; at++) {
        wire[at] = fold(wire[at]);
    }
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
    size_t len = name_len(a);
    if (len != name_len(b)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (fold(a[i]) != fold(b[i])) {
            return false;
        }
    }
    return true;
}

bool name_equal_lower(const uint8_t *a, const uint8_t *b)
{
    size_t len = name_len(a);
    return len == name_len(b) && memcmp(a, b, len) == 0;
}

bool name_is_below_or_equal(const uint8_t *name, const uint8_t *parent)
{
    size_t len = name_len(name);
    size_t parent_len = name_len(parent);
    if (parent_len > len) {
        return false;
    }
    size_t cut = len - parent_len;
    size_t at = 0;
    while (at < cut) {
        at += name[at] + 1u;
    }
    return at == cut && memcmp(name + cut, parent, parent_len) == 0;
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
    uint8_t a_offsets[NAME_MAX_LABELS + 1];
    uint8_t b_offsets[NAME_MAX_LABELS + 1];
    unsigned a_count = name_label_offsets(a, a_offsets);
    unsigned b_count = name_label_offsets(b, b_offsets);

    for (unsigned i = 2; i <= a_count && i <= b_count; i++) {
        const uint8_t *x = a + a_offsets[a_count - i];
        const uint8_t *y = b + b_offsets[b_count - i];
        int order = memcmp(x + 1, y + 1, x[0] < y[0] ? x[0] : y[0]);
        if (order == 0) {
            order = (int)x[0] - (int)y[0];
        }
        if (order != 0) {
            return order;
        }
    }
    return (int)a_count - (int)b_count;
}

// ---- keys
// ----------------------------------------------------------------------------------------

/*
 * Between labels stands 0x00, which sorts before every byte of a longer label. So that it is alone
 * in doing that, the bytes 0x00 and 0x01 of a label are written as 0x01 0x01 and 0x01 0x02.
 */
#define KEY_SEPARATOR 0x00
#define KEY_ESCAPE    0x01

size_t name_to_key(const uint8_t *wire, uint8_t key[NAME_MAX_KEY])
{
    uint8_t offsets[NAME_MAX_LABELS + 1];
    unsigned count = name_label_offsets(wire, offsets) - 1;
    uint8_t *at = key;

    for (unsigned i = count; i-- > 0;) {
        const uint8_t *label = wire + offsets[i];
        for (unsigned j = 1; j <= label[0]; j++) {
            if (label[j] <= KEY_ESCAPE) {
                *at++ = KEY_ESCAPE;
                *at++ = (uint8_t)(label[j] + 1);
            } else {
                *at++ = fold(label[j]);
            }
        }
        if (i > 0) {
            *at++ = KEY_SEPARATOR;
        }
    }
    return (size_t)(at - key);
}

// Undoes one label's escapes; the length in bytes, 0 = bad.
static size_t label_from_key(const uint8_t *key, size_t len, uint8_t label[LABEL_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = key[i];
        if (c == KEY_ESCAPE) {
            if (++i == len || key[i] < 1 || key[i] > 2) {
                return 0;
            }
            c = (uint8_t)(key[i] - 1);
        }
        if (used == LABEL_MAX) {
            return 0;
        }
        label[used++] = c;
    }
    return used;
}

enum err name_from_key(const uint8_t *key, size_t len, struct name *out)
{
    struct name name;
    size_t at = NAME_MAX_WIRE - 1; // filled from the right, as keys are from the left
    name.wire[at] = 0;

    const uint8_t *end = key + len;
    while (key < end) {
        const uint8_t *stop = memchr(key, KEY_SEPARATOR, (size_t)(end - key));
        size_t piece = (size_t)((stop != NULL ? stop : end) - key);
        uint8_t label[LABEL_MAX];
        size_t used = label_from_key(key, piece, label);
        bool is_open = stop != NULL && stop + 1 == end; // a separator with nothing behind it
        if (used == 0 || used + 1 > at || is_open) {
            return ERR_CORRUPT;
        }
        at -= used;
        memcpy(name.wire + at, label, used);
        name.wire[--at] = (uint8_t)used;
        key += piece + (stop != NULL ? 1 : 0);
    }
    out->len = (uint8_t)(NAME_MAX_WIRE - at);
    memcpy(out->wire, name.wire + at, out->len);
    return ERR_OK;
}

// ---- messages
// ------------------------------------------------------------------------------------

enum err name_read(const uint8_t *message, size_t size, size_t *offset, struct name *out)
{
    size_t at = *offset;
    size_t segment = at; // a pointer must lead to before the bytes it was reached by
    size_t after = 0;    // behind the first pointer; 0 = none met
    size_t len = 0;

    while (at < size) {
        uint8_t c = message[at];
        if (c > LABEL_MAX) {
            if ((c & POINTER_BITS) != POINTER_BITS || at + 1 >= size) {
                return ERR_INVALID;
            }
            size_t target = (size_t)(c & ~POINTER_BITS) << 8 | message[at + 1];
            if (target >= segment || target < MESSAGE_HEADER) {
                return ERR_INVALID;
            }
            after = after != 0 ? after : at + 2;
            at = segment = target;
            continue;
        }
        if (c >= size - at || len + c + 1u > NAME_MAX_WIRE) {
            return ERR_INVALID;
        }
        memcpy(out->wire + len, message + at, c + 1u);
        len += c + 1u;
        at += c + 1u;
        if (c == 0) {
            out->len = (uint8_t)len;
            *offset = after != 0 ? after : at;
            return ERR_OK;
        }
        // Without the root the name cannot be done: it needs one more byte.
        if (len == NAME_MAX_WIRE) {
            return ERR_INVALID;
        }
    }
    return ERR_INVALID;
}

// ---- hashes
// --------------------------------------------------------------------------------------

// Drawn before main and only read afterwards: outsiders choose names, they must not choose
// collisions.
static uint64_t hash_seed[3];

__attribute__((constructor)) static void seed_hash(void)
{
    rand_bytes(hash_seed, sizeof hash_seed);
}

__extension__ typedef unsigned __int128 wide_u128;

// The 128-bit product of the two, folded: each bit of the input reaches each bit of the result.
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    wide_u128 product = (wide_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

// The label with its length byte (2..64 bytes), by overlapping loads so that no byte outside is
// read.
static inline uint64_t hash_label(const uint8_t *label, uint64_t hash)
{
    size_t n = label[0] + 1u;
    uint64_t a;
    uint64_t b;
    if (n >= 8) {
        while (n > 16) {
            hash = mix(load64(label) ^ hash_seed[1], load64(label + 8) ^ hash);
            label += 16;
            n -= 16;
        }
        // What is left overlaps what was taken: the label has at least 8 bytes before its end.
        a = load64(n >= 8 ? label : label + n - 8);
        b = load64(label + n - 8);
    } else if (n >= 4) {
        a = load32(label);
        b = load32(label + n - 4);
    } else {
        a = (uint64_t)label[0] << 8 | label[1];
        b = label[n - 1];
    }
    return mix(a ^ hash_seed[1], b ^ hash_seed[2] ^ hash);
}

void name_hashes(const uint8_t *wire, const uint8_t *offsets, unsigned label_count,
                 uint64_t *hashes)
{
    uint64_t hash = hash_seed[0];
    hashes[label_count] = hash;
    for (unsigned i = label_count; i-- > 0;) {
        hash = hash_label(wire + offsets[i], hash);
        hashes[i] = hash;
    }
}

uint64_t name_hash(const uint8_t *wire)
{
    uint8_t offsets[NAME_MAX_LABELS + 1];
    unsigned labels = name_label_offsets(wire, offsets) - 1;
    uint64_t hash = hash_seed[0];
    for (unsigned i = labels; i-- > 0;) {
        hash = hash_label(wire + offsets[i], hash);
    }
    return hash;
}
