/*
 * The zone file scanner. One pass over memory by one thread; nothing is kept between scans.
 *
 * An entry is one line, or several where parentheses join them. One sweep finds its end; an entry
 * without parentheses is then read where it stands, one with them is first copied into `joined`
 * with blanks for line ends, parentheses and comments. From there both go the same way:
 *
 *   owner or blank | TTL and class, in any order | type | RDATA (rdata_from_text)
 */
#include "common/dns/zonefile.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/dns/rrtype.h"
#include "common/dns/wire.h"
#include "common/dns/zonefile_generate.h"

#define ENTRY_MAX      (512u << 10) // bytes of one entry's text; 64 KiB of data need at most half
#define TTL_MAX        2147483647u  // RFC 2181 section 8
#define GENERATE_MAX   65536u       // records of one $GENERATE
#define GENERATE_TOTAL (1u << 20)   // and of all in a file
#define GENERATE_LINE  2048

struct scanner {
    const char *at; // the next entry
    const char *end;
    const char *file_name;
    unsigned line;       // of the next entry
    unsigned entry_line; // of the present one
    struct name origin;
    struct name owner;
    bool has_owner;
    uint32_t ttl;
    bool has_default_ttl; // $TTL was seen: explicit TTLs no longer carry on
    uint16_t class;
    uint32_t generated;
    zonefile_fn fn;
    void *ctx;
    struct errmsg *e;
    char *joined;   // ENTRY_MAX, made when first needed
    uint8_t *rdata; // RDATA_MAX
};

// One entry: its text without comments, line ends and parentheses.
struct entry {
    const char *text;
    const char *end;
    const char *comment; // behind the ';' at its very end
    size_t comment_len;
};

struct word {
    const char *text;
    size_t len;
};

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// ---- from text to entries
// ------------------------------------------------------------------------

enum { PLAIN, LINE_END, COMMENT, QUOTE, OPEN, CLOSE, ESCAPE };

static const uint8_t char_kinds[256] = {
    ['\n'] = LINE_END, [';'] = COMMENT, ['"'] = QUOTE, ['('] = OPEN, [')'] = CLOSE, ['\\'] = ESCAPE,
};

static const char *find_line_end(const char *p, const char *end)
{
    const char *found = memchr(p, '\n', (size_t)(end - p));
    return found != NULL ? found : end;
}

// From behind an opening quote to behind the closing one; NULL = the line ends first.
static const char *skip_quoted(const char *p, const char *end)
{
    for (; p < end && *p != '\n'; p++) {
        if (*p == '"') {
            return p + 1;
        }
        if (*p == '\\' && p + 1 < end && p[1] != '\n') {
            p++;
        }
    }
    return NULL;
}

// Where the present sweep writes its copy; no copy is made before the first parenthesis.
struct joiner {
    size_t len;
    bool active;
    bool full;
};

static void join(struct scanner *s, struct joiner *j, const char *text, size_t len)
{
    if (j->active) {
        if (len > ENTRY_MAX - j->len) {
            j->full = true;
            return;
        }
        memcpy(s->joined + j->len, text, len);
        j->len += len;
    }
}

static enum err too_long(struct scanner *s)
{
    return err_set(s->e, ERR_TOO_LARGE, "the entry is longer than %u bytes", ENTRY_MAX);
}

// Sweeps one entry from s->at; afterwards s->at stands behind its line end.
static enum err next_entry(struct scanner *s, struct entry *out)
{
    const char *start = s->at;
    const char *p = start;
    const char *run = start;     // not yet joined from here
    const char *text_end = NULL; // before the comment or line end
    unsigned depth = 0;
    struct joiner j = {0};

    *out = (struct entry){.text = start};
    for (;;) {
        while (p < s->end && char_kinds[(uint8_t)*p] == PLAIN) {
            p++;
        }
        int kind = p < s->end ? char_kinds[(uint8_t)*p] : LINE_END;
        if (kind == ESCAPE) {
            p += p + 1 < s->end && p[1] != '\n' ? 2 : 1;
        } else if (kind == QUOTE) {
            p = skip_quoted(p + 1, s->end);
            if (p == NULL) {
                return err_set(s->e, ERR_INVALID, "a quote is not closed");
            }
        } else if (kind == OPEN || kind == CLOSE) {
            if (s->joined == NULL) {
                s->joined = mem_alloc(ENTRY_MAX);
            }
            if (kind == CLOSE && depth == 0) {
                return err_set(s->e, ERR_INVALID, "a ')' has no '('");
            }
            depth += kind == OPEN ? 1u : -1u;
            j.active = true;
            join(s, &j, run, (size_t)(p - run));
            join(s, &j, " ", 1);
            run = ++p;
        } else { // a comment, a line's end, or the text's end
            const char *line_end = find_line_end(p, s->end);
            join(s, &j, run, (size_t)(p - run));
            join(s, &j, " ", 1);
            if (depth == 0) {
                text_end = p;
                if (kind == COMMENT) {
                    out->comment = p + 1;
                    out->comment_len = (size_t)(line_end - p - 1);
                }
            }
            s->line += line_end < s->end;
            p = run = line_end < s->end ? line_end + 1 : line_end;
            if (text_end != NULL) {
                break;
            }
            if (p == s->end) {
                return err_set(s->e, ERR_INVALID, "a '(' is not closed");
            }
        }
        if (j.full || (size_t)(p - start) > 4u * ENTRY_MAX) {
            return too_long(s);
        }
    }
    out->end = text_end;
    if (j.active) {
        out->text = s->joined;
        out->end = s->joined + j.len;
    }
    s->at = p;
    return j.full || (size_t)(out->end - out->text) > ENTRY_MAX ? too_long(s) : ERR_OK;
}

// The next word of an entry; false = none left.
static bool next_word(struct entry *entry, struct word *word)
{
    const char *p = entry->text;
    while (p < entry->end && is_blank(*p)) {
        p++;
    }
    word->text = p;
    for (; p < entry->end && !is_blank(*p); p++) {
        if (*p == '\\' && p + 1 < entry->end) {
            p++;
        }
    }
    word->len = (size_t)(p - word->text);
    entry->text = p;
    return word->len != 0;
}

static bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->len && strncasecmp(text, word->text, word->len) == 0;
}

static enum err bad_word(struct scanner *s, const struct word *word, const char *reason)
{
    int shown = word->len > 64 ? 64 : (int)word->len;
    return err_set(s->e, ERR_INVALID, "'%.*s%s' %s", shown, word->text, word->len > 64 ? "..." : "",
                   reason);
}

static void trim_comment(struct entry *entry)
{
    while (entry->comment_len > 0 && is_blank(entry->comment[0])) {
        entry->comment++;
        entry->comment_len--;
    }
    while (entry->comment_len > 0 && is_blank(entry->comment[entry->comment_len - 1])) {
        entry->comment_len--;
    }
    if (entry->comment_len == 0) {
        entry->comment = NULL;
    }
}

// ---- records
// -------------------------------------------------------------------------------------

static bool class_from_word(const struct word *word, uint16_t *class)
{
    static const struct {
        const char *text;
        uint16_t class;
    } rows[] = {
        {"IN", CLASS_IN},
        {"CH", CLASS_CH},
        {"HS", 4       }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (word_is(word, rows[i].text)) {
            *class = rows[i].class;
            return true;
        }
    }
    // CLASS1 (RFC 3597 section 5).
    if (word->len < 6 || word->len > 10 || strncasecmp(word->text, "CLASS", 5) != 0) {
        return false;
    }
    char digits[6] = "";
    memcpy(digits, word->text + 5, word->len - 5);
    uint32_t number = 0;
    if (str_to_u32(digits, UINT16_MAX, &number) != ERR_OK) {
        return false;
    }
    *class = (uint16_t)number;
    return true;
}

static enum err read_ttl(struct scanner *s, const struct word *word, uint32_t *ttl)
{
    if (!rr_ttl_from_text(word->text, word->len, ttl)) {
        return bad_word(s, word, "is not a TTL (3600, 1h30m)");
    }
    if (*ttl > TTL_MAX) {
        return bad_word(s, word, "is larger than the largest TTL, 2147483647 (RFC 2181)");
    }
    return ERR_OK;
}

// [TTL] [class] type, the first two in any order. A word that starts with a digit is a TTL.
static enum err read_type(struct scanner *s, struct entry *entry, uint16_t *type, uint32_t *ttl)
{
    bool has_ttl = false;
    bool has_class = false;
    struct word word;

    *ttl = s->ttl;
    while (next_word(entry, &word)) {
        if (!has_class && class_from_word(&word, &s->class)) {
            has_class = true;
        } else if (!has_ttl && (unsigned)(word.text[0] - '0') < 10) {
            enum err err = read_ttl(s, &word, ttl);
            if (err != ERR_OK) {
                return err;
            }
            has_ttl = true;
            if (!s->has_default_ttl) {
                s->ttl = *ttl; // RFC 1035 section 5.1: the last one stated carries on
            }
        } else if (rr_type_from_bytes(word.text, word.len, type) == ERR_OK) {
            const struct rr_type *row = rr_type_find(*type);
            if (row != NULL && (row->flags & RR_META) != 0) {
                return bad_word(s, &word, "is a query type and cannot stand in a zone");
            }
            return ERR_OK;
        } else {
            return bad_word(s, &word, "is not a record type, class or TTL");
        }
    }
    return err_set(s->e, ERR_INVALID, "the record has no type");
}

// What is left of `entry` behind the owner: one record for the caller.
static enum err read_record(struct scanner *s, struct entry *entry)
{
    struct zonefile_record record = {.name = &s->owner, .line = s->entry_line};
    enum err err = read_type(s, entry, &record.type, &record.ttl);
    if (err == ERR_OK) {
        err = rdata_from_text(record.type, entry->text, (size_t)(entry->end - entry->text),
                              &s->origin, s->rdata, RDATA_MAX, &record.rdata_len, s->e);
    }
    if (err != ERR_OK) {
        return err;
    }
    trim_comment(entry);
    record.class = s->class;
    record.rdata = s->rdata;
    record.comment = entry->comment;
    record.comment_len = entry->comment_len;
    return s->fn(s->ctx, &record, s->e);
}

static enum err read_owner(struct scanner *s, struct entry *entry)
{
    struct word word;
    if (is_blank(entry->text[0])) {
        if (!s->has_owner) {
            return err_set(s->e, ERR_INVALID, "the first record has no owner name");
        }
        return ERR_OK;
    }
    (void)next_word(entry, &word);
    enum err err = name_from_text_origin(word.text, word.len, &s->origin, &s->owner, s->e);
    s->has_owner = s->has_owner || err == ERR_OK;
    return err;
}

// ---- directives
// ----------------------------------------------------------------------------------

static enum err no_more_words(struct scanner *s, struct entry *entry)
{
    struct word word;
    return next_word(entry, &word) ? bad_word(s, &word, "is one word too many") : ERR_OK;
}

static enum err read_origin(struct scanner *s, struct entry *entry)
{
    struct word word;
    if (!next_word(entry, &word)) {
        return err_set(s->e, ERR_INVALID, "$ORIGIN needs a name");
    }
    enum err err = name_from_text_origin(word.text, word.len, &s->origin, &s->origin, s->e);
    return err == ERR_OK ? no_more_words(s, entry) : err;
}

static enum err read_default_ttl(struct scanner *s, struct entry *entry)
{
    struct word word;
    if (!next_word(entry, &word)) {
        return err_set(s->e, ERR_INVALID, "$TTL needs a time");
    }
    uint32_t ttl = 0;
    enum err err = read_ttl(s, &word, &ttl);
    if (err != ERR_OK) {
        return err;
    }
    s->ttl = ttl;
    s->has_default_ttl = true;
    return no_more_words(s, entry);
}

static enum err refuse_include(struct scanner *s, struct entry *entry)
{
    (void)entry;
    return err_set(s->e, ERR_UNSUPPORTED,
                   "$INCLUDE is refused: put the included file's records into this file");
}

static enum err read_generate(struct scanner *s, struct entry *entry);

static const struct directive {
    const char *text;
    enum err (*read)(struct scanner *s, struct entry *entry);
} directives[] = {
    {"$ORIGIN",   read_origin     },
    {"$TTL",      read_default_ttl},
    {"$INCLUDE",  refuse_include  },
    {"$GENERATE", read_generate   },
};

static enum err read_directive(struct scanner *s, struct entry *entry)
{
    struct word word;
    (void)next_word(entry, &word);
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (word_is(&word, directives[i].text)) {
            return directives[i].read(s, entry);
        }
    }
    return bad_word(s, &word, "is not a directive ($ORIGIN, $TTL, $GENERATE)");
}

// ---- $GENERATE
// -----------------------------------------------------------------------------------

// $GENERATE START-STOP[/STEP] OWNER [TTL] [class] type RDATA. As in BIND, it leaves the owner for
// following lines as it was.
static enum err read_generate(struct scanner *s, struct entry *entry)
{
    struct word range;
    struct word owner;
    uint32_t start = 0;
    uint32_t stop = 0;
    uint32_t step = 1;
    if (!next_word(entry, &range) || !next_word(entry, &owner)) {
        return err_set(s->e, ERR_INVALID, "$GENERATE needs START-STOP, an owner, a type and data");
    }
    if (!generate_range(range.text, range.len, &start, &stop, &step)) {
        return bad_word(s, &range, "is not a range START-STOP or START-STOP/STEP");
    }
    uint32_t count = (stop - start) / step + 1;
    if (count > GENERATE_MAX || count > GENERATE_TOTAL - s->generated) {
        return err_set(s->e, ERR_TOO_LARGE, "$GENERATE makes more than %u records",
                       count > GENERATE_MAX ? GENERATE_MAX : GENERATE_TOTAL);
    }
    s->generated += count;

    struct name kept = s->owner;
    bool had_owner = s->has_owner;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        uint32_t value = start + i * step;
        struct generate_line line = {.len = 0};
        err = generate_expand(&line, owner.text, owner.text + owner.len, value, s->e);
        if (err == ERR_OK) {
            err = name_from_text_origin(line.text, line.len, &s->origin, &s->owner, s->e);
        }
        line.len = 0;
        if (err == ERR_OK) {
            err = generate_expand(&line, entry->text, entry->end, value, s->e);
        }
        if (err == ERR_OK) {
            struct entry made = {.text = line.text, .end = line.text + line.len};
            err = read_record(s, &made);
        }
    }
    s->owner = kept;
    s->has_owner = had_owner;
    return err;
}

// ---- the scan
// ------------------------------------------------------------------------------------

static bool is_empty(const struct entry *entry)
{
    for (const char *p = entry->text; p < entry->end; p++) {
        if (!is_blank(*p)) {
            return false;
        }
    }
    return true;
}

static enum err scan_entry(struct scanner *s)
{
    struct entry entry;
    s->entry_line = s->line;
    enum err err = next_entry(s, &entry);
    if (err != ERR_OK || is_empty(&entry)) {
        return err;
    }
    if (entry.text[0] == '$') {
        return read_directive(s, &entry);
    }
    err = read_owner(s, &entry);
    return err == ERR_OK ? read_record(s, &entry) : err;
}

enum err zonefile_scan(const char *text, size_t len, const char *file_name,
                       const struct name *origin, uint32_t default_ttl, zonefile_fn fn, void *ctx,
                       struct errmsg *e)
{
    struct errmsg local;
    struct scanner s = {.at = text,
                        .end = text + len,
                        .file_name = file_name,
                        .line = 1,
                        .origin = *origin,
                        .ttl = default_ttl,
                        .class = CLASS_IN,
                        .fn = fn,
                        .ctx = ctx,
                        .e = e != NULL ? e : &local,
                        .rdata = mem_alloc(RDATA_MAX)};
    // A byte order mark, as some editors leave.
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        s.at += 3;
    }
    enum err err = ERR_OK;
    while (s.at < s.end && err == ERR_OK) {
        err = scan_entry(&s);
    }
    if (err != ERR_OK) {
        err = err_prefix(s.e, err, "%s:%u", file_name, s.entry_line);
    }
    mem_free(s.joined);
    mem_free(s.rdata);
    return err;
}
