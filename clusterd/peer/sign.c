/*
 * Making and checking the signatures of requests between nodes. Thread: clusterd's loop.
 */
#include "clusterd/peer/sign.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NONCE_SIZE     16
#define SIGNATURE_SIZE 64

enum header {
    HEADER_NODE,
    HEADER_TARGET,
    HEADER_TIME,
    HEADER_NONCE,
    HEADER_EPOCH,
    HEADER_ACTING_USER,
    HEADER_SIGNATURE,
    HEADER_COUNT
};
static const char *const HEADER_NAMES[HEADER_COUNT] = {
    [HEADER_NODE] = "Trellis-Node",           [HEADER_TARGET] = "Trellis-Target",
    [HEADER_TIME] = "Trellis-Time",           [HEADER_NONCE] = "Trellis-Nonce",
    [HEADER_EPOCH] = "Trellis-Epoch",         [HEADER_ACTING_USER] = "Trellis-Acting-User",
    [HEADER_SIGNATURE] = "Trellis-Signature",
};
_Static_assert(HEADER_COUNT == SIGN_HEADERS, "one header each");

// `values` up to HEADER_SIGNATURE, in the order of the enum; NULL counts as empty.
static void signed_text(struct str *text, const char *method, const char *target,
                        const uint8_t body[SHA256_SIZE], const char *const *values)
{
    char hex[2 * SHA256_SIZE + 1];
    str_hex(hex, body, SHA256_SIZE);
    str_printf(text, "trellis-request-v1\n%s\n%s\n%s\n", method, target, hex);
    for (size_t i = 0; i < HEADER_SIGNATURE; i++) {
        str_printf(text, "%s\n", values[i] == NULL ? "" : values[i]);
    }
}

static bool fits_header(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

enum err sign_make(const struct tls_node_key *key, const struct sign_request *request,
                   struct sign_headers *out, struct errmsg *e)
{
    bool has_user = request->acting_user != NULL && request->acting_user[0] != '\0';
    uint8_t nonce[NONCE_SIZE];
    rand_bytes(nonce, sizeof nonce);
    snprintf(out->value[HEADER_NODE], sizeof out->value[0], "%u", request->node);
    snprintf(out->value[HEADER_TARGET], sizeof out->value[0], "%u", request->target_node);
    snprintf(out->value[HEADER_TIME], sizeof out->value[0], "%" PRIu64, clock_unix_ms());
    str_hex(out->value[HEADER_NONCE], nonce, sizeof nonce);
    snprintf(out->value[HEADER_EPOCH], sizeof out->value[0], "%" PRIu64, request->epoch);
    if (!str_copy(out->value[HEADER_ACTING_USER], sizeof out->value[0],
                  has_user ? request->acting_user : "") ||
        !fits_header(out->value[HEADER_ACTING_USER])) {
        return err_set(e, ERR_INVALID, "the user name cannot be sent to another node");
    }
    const char *values[HEADER_COUNT];
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        values[i] = out->value[i];
    }
    struct str text;
    str_init(&text);
    signed_text(&text, request->method, request->target, request->body_sha256, values);
    uint8_t signature[SIGNATURE_SIZE];
    enum err err = tls_sign(key, text.text, text.len, signature);
    str_fini(&text);
    if (err != ERR_OK) {
        return err_set(e, err, "the request to another node cannot be signed");
    }
    str_base64(out->value[HEADER_SIGNATURE], signature, sizeof signature);
    out->count = 0;
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        if (i != HEADER_ACTING_USER || has_user) {
            out->header[out->count++] =
                (struct http_header){.name = HEADER_NAMES[i], .value = out->value[i]};
        }
    }
    return ERR_OK;
}

// ---- the memory --------------------------------------------------------------------------------

/*
 * Two generations of open-addressed sets of nonces. A request is acceptable within SIGN_CLOCK_MS on
 * either side of its time, so for twice that long at most; a generation lasts as long, and a nonce
 * is in one of the two for at least that time.
 */
#define GENERATION_MS (2u * SIGN_CLOCK_MS)
#define NONCES_MAX    1000000u

struct generation {
    uint8_t (*slots)[NONCE_SIZE]; // all zero = free; such a nonce is not accepted
    size_t size;                  // power of two
    size_t count;
};
struct sign_memory {
    struct generation now;
    struct generation before;
    uint64_t since_ms; // monotonic
};

static const uint8_t FREE_SLOT[NONCE_SIZE];

static void generation_init(struct generation *g, size_t size)
{
    *g = (struct generation){.slots = mem_calloc(size, NONCE_SIZE), .size = size};
}

static uint8_t *find_slot(const struct generation *g, const uint8_t nonce[NONCE_SIZE])
{
    size_t at = hash_bytes(nonce, NONCE_SIZE) & (g->size - 1);
    while (memcmp(g->slots[at], FREE_SLOT, NONCE_SIZE) != 0 &&
           memcmp(g->slots[at], nonce, NONCE_SIZE) != 0) {
        at = (at + 1) & (g->size - 1);
    }
    return g->slots[at];
}

static bool generation_has(const struct generation *g, const uint8_t nonce[NONCE_SIZE])
{
    return memcmp(find_slot(g, nonce), nonce, NONCE_SIZE) == 0;
}

static void generation_add(struct generation *g, const uint8_t nonce[NONCE_SIZE])
{
    if (2 * (g->count + 1) > g->size) {
        struct generation larger;
        generation_init(&larger, 2 * g->size);
        for (size_t i = 0; i < g->size; i++) {
            if (memcmp(g->slots[i], FREE_SLOT, NONCE_SIZE) != 0) {
                memcpy(find_slot(&larger, g->slots[i]), g->slots[i], NONCE_SIZE);
            }
        }
        larger.count = g->count;
        mem_free(g->slots);
        *g = larger;
    }
    memcpy(find_slot(g, nonce), nonce, NONCE_SIZE);
    g->count++;
}

#define FIRST_SIZE 1024

struct sign_memory *sign_memory_new(void)
{
    struct sign_memory *memory = mem_zalloc(sizeof *memory);
    generation_init(&memory->now, FIRST_SIZE);
    generation_init(&memory->before, FIRST_SIZE);
    memory->since_ms = clock_mono_ms();
    return memory;
}

void sign_memory_free(struct sign_memory *memory)
{
    if (memory != NULL) {
        mem_free(memory->now.slots);
        mem_free(memory->before.slots);
        mem_free(memory);
    }
}

static enum err remember(struct sign_memory *memory, const uint8_t nonce[NONCE_SIZE],
                         struct errmsg *e)
{
    uint64_t now = clock_mono_ms();
    if (now - memory->since_ms >= GENERATION_MS) {
        mem_free(memory->before.slots);
        memory->before = memory->now;
        generation_init(&memory->now, FIRST_SIZE);
        memory->since_ms = now;
    }
    if (memcmp(nonce, FREE_SLOT, NONCE_SIZE) == 0 || generation_has(&memory->now, nonce) ||
        generation_has(&memory->before, nonce)) {
        return err_set(e, ERR_DENIED, "this request has been received before");
    }
    if (memory->now.count >= NONCES_MAX) {
        return err_set(e, ERR_DENIED, "too many requests from other nodes");
    }
    generation_add(&memory->now, nonce);
    return ERR_OK;
}

// ---- checking ----------------------------------------------------------------------------------

static void take_headers(const struct sign_check *check, const char *values[HEADER_COUNT])
{
    memset(values, 0, HEADER_COUNT * sizeof *values);
    for (size_t i = 0; i < check->header_count; i++) {
        for (size_t h = 0; h < HEADER_COUNT; h++) {
            if (values[h] == NULL && str_equal_nocase(check->headers[i].name, HEADER_NAMES[h])) {
                values[h] = check->headers[i].value;
            }
        }
    }
}

static enum err check_time(const char *text, uint64_t now_ms, struct errmsg *e)
{
    uint64_t time_ms = 0;
    if (str_to_u64(text, INT64_MAX, &time_ms) != ERR_OK) {
        return err_set(e, ERR_DENIED, "the request's time is malformed");
    }
    uint64_t apart = time_ms > now_ms ? time_ms - now_ms : now_ms - time_ms;
    if (apart > SIGN_CLOCK_MS) {
        return err_set(e, ERR_DENIED,
                       "the clocks of the two nodes are %" PRIu64 " s apart, more than %u s: set "
                       "them right (NTP)",
                       apart / 1000, SIGN_CLOCK_MS / 1000);
    }
    return ERR_OK;
}

static enum err check_signature(const struct sign_check *check, const struct node *node,
                                const char *const *values, struct errmsg *e)
{
    uint8_t signature[SIGNATURE_SIZE];
    size_t len = 0;
    const char *given = values[HEADER_SIGNATURE];
    bool good =
        str_from_base64(given, strlen(given), signature, sizeof signature, &len) == ERR_OK &&
        len == sizeof signature;
    if (good) {
        struct str text;
        str_init(&text);
        signed_text(&text, check->method, check->target, check->body_sha256, values);
        good = tls_verify(node->public_key, text.text, text.len, signature);
        str_fini(&text);
    }
    return good ? ERR_OK : err_set(e, ERR_DENIED, "the signature of %s is not right", node->name);
}

enum err sign_verify(struct sign_memory *memory, const struct sign_check *check,
                     struct sign_result *result, struct errmsg *e)
{
    const char *values[HEADER_COUNT];
    take_headers(check, values);
    for (size_t h = 0; h < HEADER_COUNT; h++) {
        if (values[h] == NULL && h != HEADER_ACTING_USER) {
            return err_set(e, ERR_DENIED, "header %s is missing", HEADER_NAMES[h]);
        }
    }
    uint32_t id = 0;
    uint32_t target = 0;
    uint64_t epoch = 0;
    uint8_t nonce[NONCE_SIZE];
    size_t nonce_len = 0;
    if (str_to_u32(values[HEADER_NODE], INT32_MAX, &id) != ERR_OK ||
        str_to_u32(values[HEADER_TARGET], INT32_MAX, &target) != ERR_OK ||
        str_to_u64(values[HEADER_EPOCH], INT64_MAX, &epoch) != ERR_OK ||
        str_from_hex(values[HEADER_NONCE], strlen(values[HEADER_NONCE]), nonce, sizeof nonce,
                     &nonce_len) != ERR_OK ||
        nonce_len != sizeof nonce) {
        return err_set(e, ERR_DENIED, "a header of the request is malformed");
    }
    const struct node *node = node_table_find(check->table, id);
    if (node == NULL || id == check->self) {
        return err_set(e, ERR_DENIED,
                       "node %u is not (or no longer) in the cluster as this node "
                       "knows it",
                       id);
    }
    if (target != check->self) {
        return err_set(e, ERR_DENIED, "the request is for node %u, this is node %u", target,
                       check->self);
    }
    enum err err = check_signature(check, node, values, e);
    if (err == ERR_OK) {
        err = check_time(values[HEADER_TIME], check->now_ms, e);
    }
    if (err == ERR_OK) {
        err = remember(memory, nonce, e);
    }
    if (err != ERR_OK) {
        return err;
    }
    const char *user = values[HEADER_ACTING_USER] == NULL ? "" : values[HEADER_ACTING_USER];
    if (!str_copy(result->acting_user, sizeof result->acting_user, user)) {
        return err_set(e, ERR_DENIED, "the acting user's name is too long");
    }
    result->node = node;
    result->epoch = epoch;
    return ERR_OK;
}
