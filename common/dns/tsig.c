/*
 * Transaction signatures (RFC 8945). A state belongs to one exchange and one thread; keys and the
 * table of algorithms are only read. Never on the way of a plain query: HMAC contexts are
 * allocated.
 *
 * What is digested:
 *
 *   [MAC length, MAC of the message before]   when there is one
 *   message without its TSIG RR, its ID as signed
 *   TSIG variables (4.3.3), or the timers alone in a stream's later messages (5.3.1)
 */
#include "common/dns/tsig.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/base/cursor.h"
#include "common/base/str.h"
#include "common/dns/wire.h"

#define FUDGE_S      300
#define UNSIGNED_MAX 99
#define MAC_MIN      10 // section 5.2.2.1
#define RR_FIXED     10
#define RDATA_FIXED  16 // all but algorithm, MAC and other data
#define OTHER_TIME   6

struct algorithm {
    const char *word;   // as in the API
    const char *wire;   // the name; literals carry the root label as their NUL
    const char *digest; // OpenSSL's word
    uint8_t full_len;   // of the HMAC
    uint8_t mac_len;    // of the MAC sent
};

static const struct algorithm algorithms[] = {
    {"hmac-md5.sig-alg.reg.int", "\10hmac-md5\7sig-alg\3reg\3int", "MD5",    16, 16},
    {"hmac-md5",                 "\10hmac-md5\7sig-alg\3reg\3int", "MD5",    16, 16},
    {"hmac-sha1",                "\11hmac-sha1",                   "SHA1",   20, 20},
    {"hmac-sha224",              "\13hmac-sha224",                 "SHA224", 28, 28},
    {"hmac-sha256",              "\13hmac-sha256",                 "SHA256", 32, 32},
    {"hmac-sha256-128",          "\17hmac-sha256-128",             "SHA256", 32, 16},
    {"hmac-sha384",              "\13hmac-sha384",                 "SHA384", 48, 48},
    {"hmac-sha384-192",          "\17hmac-sha384-192",             "SHA384", 48, 24},
    {"hmac-sha512",              "\13hmac-sha512",                 "SHA512", 64, 64},
    {"hmac-sha512-256",          "\17hmac-sha512-256",             "SHA512", 64, 32},
};
#define ALGORITHM_COUNT (sizeof algorithms / sizeof algorithms[0])

static const struct algorithm *algorithm_of(const struct name *wire)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if (name_equal_lower((const uint8_t *)algorithms[i].wire, wire->wire)) {
            return &algorithms[i];
        }
    }
    return NULL;
}

enum err tsig_key_init(struct tsig_key *key, const char *name, const char *algorithm,
                       const char *secret_base64, struct errmsg *e)
{
    struct tsig_key made = {.secret_len = 0};
    enum err err = name_from_text(name, &made.name, e);
    if (err != ERR_OK) {
        return err_prefix(e, err, "TSIG key '%s'", name);
    }
    name_fold(made.name.wire);
    const struct algorithm *row = NULL;
    for (size_t i = 0; i < ALGORITHM_COUNT && row == NULL; i++) {
        if (str_equal_nocase(algorithm, algorithms[i].word)) {
            row = &algorithms[i];
        }
    }
    if (row == NULL) {
        return err_set(e, ERR_INVALID, "TSIG key '%s': '%s' is not a known algorithm", name,
                       algorithm);
    }
    made.algorithm.len = (uint8_t)name_len((const uint8_t *)row->wire);
    memcpy(made.algorithm.wire, row->wire, made.algorithm.len);
    err = str_from_base64(secret_base64, strlen(secret_base64), made.secret, sizeof made.secret,
                          &made.secret_len);
    if (err != ERR_OK || made.secret_len == 0) {
        return err_set(e, ERR_INVALID, "TSIG key '%s': the secret is not base64 of 1 to %d bytes",
                       name, TSIG_SECRET_MAX);
    }
    *key = made;
    return ERR_OK;
}

// ---- HMAC
// ----------------------------------------------------------------------------------------

static EVP_MAC *hmac;
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;

static void fetch_hmac(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

// NULL when OpenSSL lacks the hash (MD5 where only approved ones are allowed).
static EVP_MAC_CTX *hmac_start(const struct tsig_key *key, const struct algorithm *row)
{
    pthread_once(&hmac_once, fetch_hmac);
    char digest[16];
    EVP_MAC_CTX *ctx =
        hmac != NULL && str_copy(digest, sizeof digest, row->digest) ? EVP_MAC_CTX_new(hmac) : NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    if (ctx != NULL && EVP_MAC_init(ctx, key->secret, key->secret_len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static void hmac_u16(EVP_MAC_CTX *ctx, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    EVP_MAC_update(ctx, bytes, sizeof bytes);
}

static void hmac_name(EVP_MAC_CTX *ctx, const struct name *name)
{
    struct name folded = *name;
    name_fold(folded.wire);
    EVP_MAC_update(ctx, folded.wire, folded.len);
}

// ---- the record
// ----------------------------------------------------------------------------------

struct tsig_rr {
    struct name name;
    struct name algorithm;
    uint64_t time_signed;
    uint16_t fudge;
    const uint8_t *mac;
    uint16_t mac_len;
    uint16_t original_id;
    uint16_t error;
    const uint8_t *other;
    uint16_t other_len;
};

// Reads the TSIG RR that ends the message (section 4.2).
static bool read_rr(const uint8_t *message, size_t size, size_t offset, struct tsig_rr *out)
{
    struct dns_rr rr;
    size_t at = offset;
    if (dns_rr_read(message, size, &at, &rr) != ERR_OK || at != size || rr.type != TYPE_TSIG ||
        rr.class != CLASS_ANY || rr.ttl != 0) {
        return false;
    }
    at = rr.rdata_offset;
    if (name_read(message, size, &at, &out->algorithm) != ERR_OK) {
        return false;
    }
    struct cursor c = cursor_over_const(message + at, size - at);
    out->name = rr.name;
    out->time_signed = cursor_u48(&c);
    out->fudge = cursor_u16(&c);
    out->mac_len = cursor_u16(&c);
    out->mac = cursor_take(&c, out->mac_len);
    out->original_id = cursor_u16(&c);
    out->error = cursor_u16(&c);
    out->other_len = cursor_u16(&c);
    out->other = cursor_take(&c, out->other_len);
    name_fold(out->name.wire);
    name_fold(out->algorithm.wire);
    return !c.bad && cursor_left(&c) == 0;
}

// The message before the TSIG RR with the ID and count that it was signed with.
static void hmac_message(EVP_MAC_CTX *ctx, const uint8_t *message, size_t size, uint16_t id,
                         uint16_t arcount)
{
    hmac_u16(ctx, id);
    EVP_MAC_update(ctx, message + 2, DNS_HEADER_SIZE - 4);
    hmac_u16(ctx, arcount);
    EVP_MAC_update(ctx, message + DNS_HEADER_SIZE, size - DNS_HEADER_SIZE);
}

// The variables (section 4.3.3) or, in a stream, the timers alone.
static void hmac_variables(EVP_MAC_CTX *ctx, const struct tsig_rr *rr, bool timers_only)
{
    uint8_t timers[8];
    struct cursor c = cursor_over(timers, sizeof timers);
    cursor_put_u48(&c, rr->time_signed);
    cursor_put_u16(&c, rr->fudge);
    if (timers_only) {
        EVP_MAC_update(ctx, timers, sizeof timers);
        return;
    }
    static const uint8_t class_and_ttl[6] = {0, CLASS_ANY, 0, 0, 0, 0};
    hmac_name(ctx, &rr->name);
    EVP_MAC_update(ctx, class_and_ttl, sizeof class_and_ttl);
    hmac_name(ctx, &rr->algorithm);
    EVP_MAC_update(ctx, timers, sizeof timers);
    hmac_u16(ctx, rr->error);
    hmac_u16(ctx, rr->other_len);
    EVP_MAC_update(ctx, rr->other, rr->other_len);
}

// A context that has digested what comes before the message: the pending one, or a new one with the
// MAC before.
static EVP_MAC_CTX *hmac_resume(struct tsig_state *state, const struct algorithm *row)
{
    EVP_MAC_CTX *ctx = state->pending;
    if (ctx != NULL) {
        state->pending = NULL;
        return ctx;
    }
    ctx = hmac_start(state->key, row);
    if (ctx != NULL && state->is_response) {
        hmac_u16(ctx, (uint16_t)state->mac_len);
        EVP_MAC_update(ctx, state->mac, state->mac_len);
    }
    return ctx;
}

static uint16_t arcount_of(const uint8_t *message)
{
    return (uint16_t)(message[10] << 8 | message[11]);
}

// The full HMAC of message and RR; false when OpenSSL lacks the hash. Takes the pending context.
static bool digest(struct tsig_state *state, const struct algorithm *row, const uint8_t *message,
                   size_t size, uint16_t arcount, const struct tsig_rr *rr,
                   uint8_t mac[TSIG_MAC_MAX])
{
    EVP_MAC_CTX *ctx = hmac_resume(state, row);
    if (ctx == NULL) {
        return false;
    }
    size_t len = 0;
    hmac_message(ctx, message, size, rr->original_id, arcount);
    hmac_variables(ctx, rr, state->is_stream);
    bool done = EVP_MAC_final(ctx, mac, &len, TSIG_MAC_MAX) == 1 && len == row->full_len;
    EVP_MAC_CTX_free(ctx);
    return done;
}

void tsig_state_fini(struct tsig_state *state)
{
    EVP_MAC_CTX_free(state->pending);
    *state = (struct tsig_state){.key = NULL};
}

// ---- checking
// ------------------------------------------------------------------------------------

// Section 5.2.2.1: longer than the hash, or cut to less than half or ten bytes.
static bool mac_len_fits(const struct algorithm *row, size_t len)
{
    size_t half = row->full_len / 2u;
    return len <= row->full_len && len >= (half > MAC_MIN ? half : MAC_MIN);
}

static bool time_fits(const struct tsig_rr *rr, uint64_t now_s)
{
    uint64_t apart = now_s > rr->time_signed ? now_s - rr->time_signed : rr->time_signed - now_s;
    return apart <= rr->fudge;
}

static enum err deny(struct tsig_state *state, uint16_t error)
{
    state->error = error;
    return ERR_DENIED;
}

// What the RR proves: 0 or the TSIG error; -1 = FORMERR. In the order of section 5.2: MAC, time,
// length.
static int check_rr(struct tsig_state *state, const struct algorithm *row, const uint8_t *message,
                    size_t tsig_offset, const struct tsig_rr *rr, uint64_t now_s)
{
    uint8_t mac[TSIG_MAC_MAX];
    if (!mac_len_fits(row, rr->mac_len)) {
        return -1;
    }
    uint16_t arcount = (uint16_t)(arcount_of(message) - 1);
    if (!digest(state, row, message, tsig_offset, arcount, rr, mac) ||
        !str_equal_secret(mac, rr->mac_len, rr->mac, rr->mac_len)) {
        return RCODE_BADSIG;
    }
    state->mac_len = rr->mac_len;
    memcpy(state->mac, rr->mac, rr->mac_len);
    state->time_signed = rr->time_signed;
    if (!time_fits(rr, now_s)) {
        return RCODE_BADTIME;
    }
    return rr->mac_len < row->mac_len ? RCODE_BADTRUNC : 0;
}

enum err tsig_verify_request(const uint8_t *message, size_t size, size_t tsig_offset,
                             tsig_find_fn find, void *ctx, uint64_t now_s, struct tsig_state *state)
{
    struct tsig_rr rr;
    *state = (struct tsig_state){.key = NULL};
    if (tsig_offset < DNS_HEADER_SIZE || tsig_offset > size ||
        !read_rr(message, size, tsig_offset, &rr)) {
        return ERR_INVALID;
    }
    state->key_name = rr.name;
    state->algorithm = rr.algorithm;
    state->time_signed = rr.time_signed;
    const struct tsig_key *key = find(ctx, rr.name.wire);
    const struct algorithm *row = algorithm_of(&rr.algorithm);
    if (key == NULL || row == NULL || !name_equal_lower(key->algorithm.wire, rr.algorithm.wire)) {
        return deny(state, RCODE_BADKEY);
    }
    state->key = key;
    int error = check_rr(state, row, message, tsig_offset, &rr, now_s);
    if (error < 0) {
        state->key = NULL;
        return ERR_INVALID;
    }
    state->is_response = true;
    if (error == RCODE_BADSIG) {
        state->key = NULL; // nothing is signed for one who could not sign
    }
    return error == 0 ? ERR_OK : deny(state, (uint16_t)error);
}

static enum err bad_reply(struct errmsg *e, uint16_t error)
{
    switch (error) {
    case RCODE_BADSIG:
        return err_set(e, ERR_DENIED,
                       "the other server does not accept our TSIG signature (BADSIG): is the "
                       "secret the same?");
    case RCODE_BADKEY:
        return err_set(e, ERR_DENIED,
                       "the other server does not know our TSIG key or algorithm (BADKEY)");
    case RCODE_BADTIME:
        return err_set(e, ERR_DENIED,
                       "the clocks of the two servers differ too much for TSIG (BADTIME)");
    case RCODE_BADTRUNC:
        return err_set(e, ERR_DENIED, "the other server asks for a longer TSIG MAC (BADTRUNC)");
    default:
        return err_set(e, ERR_DENIED, "the other server reports TSIG error %u", error);
    }
}

// A message of a stream without TSIG: digested for the next one that has it.
static enum err keep_unsigned(const uint8_t *message, size_t size, struct tsig_state *state,
                              const struct algorithm *row, struct errmsg *e)
{
    if (!state->is_stream) {
        return err_set(e, ERR_DENIED, "the answer is not signed with TSIG");
    }
    if (++state->unsigned_count > UNSIGNED_MAX) {
        return err_set(e, ERR_DENIED, "more than %d messages came without TSIG", UNSIGNED_MAX);
    }
    EVP_MAC_CTX *ctx = hmac_resume(state, row);
    if (ctx == NULL) {
        return err_set(e, ERR_UNSUPPORTED, "the TSIG algorithm is not available");
    }
    EVP_MAC_update(ctx, message, size);
    state->pending = ctx;
    return ERR_OK;
}

enum err tsig_verify_reply(uint8_t *message, size_t *size, uint64_t now_s, struct tsig_state *state,
                           struct errmsg *e)
{
    size_t offset = 0;
    if (dns_tsig_find(message, *size, &offset) != ERR_OK) {
        return err_set(e, ERR_INVALID, "the answer is malformed");
    }
    if (state->key == NULL) {
        return offset == 0 ? ERR_OK
                           : err_set(e, ERR_DENIED, "the answer has a TSIG that was not asked for");
    }
    const struct algorithm *row = algorithm_of(&state->key->algorithm);
    if (offset == 0) {
        return keep_unsigned(message, *size, state, row, e);
    }
    struct tsig_rr rr;
    if (!read_rr(message, *size, offset, &rr)) {
        return err_set(e, ERR_INVALID, "the answer's TSIG record is malformed");
    }
    bool is_unsigned = rr.mac_len == 0 && (rr.error == RCODE_BADKEY || rr.error == RCODE_BADSIG);
    if (is_unsigned) {
        return bad_reply(e, rr.error);
    }
    if (!name_equal_lower(rr.name.wire, state->key->name.wire) ||
        !name_equal_lower(rr.algorithm.wire, state->key->algorithm.wire)) {
        return err_set(e, ERR_DENIED, "the answer is signed with another TSIG key or algorithm");
    }
    int error = check_rr(state, row, message, offset, &rr, now_s);
    if (error < 0) {
        return err_set(e, ERR_INVALID, "the length of the answer's TSIG MAC is not allowed");
    }
    if (error == RCODE_BADSIG) {
        return err_set(e, ERR_DENIED, "the TSIG signature of the answer is wrong");
    }
    if (rr.error != 0 || error != 0) {
        return bad_reply(e, rr.error != 0 ? rr.error : (uint16_t)error);
    }
    uint16_t arcount = (uint16_t)(arcount_of(message) - 1);
    message[10] = (uint8_t)(arcount >> 8);
    message[11] = (uint8_t)arcount;
    *size = offset;
    state->unsigned_count = 0;
    state->is_stream = true;
    return ERR_OK;
}

// ---- signing
// -------------------------------------------------------------------------------------

static bool is_without_mac(const struct tsig_state *state)
{
    return state->error == RCODE_BADKEY || state->error == RCODE_BADSIG;
}

size_t tsig_sign_size(const struct tsig_state *state)
{
    size_t other = state->error == RCODE_BADTIME ? OTHER_TIME : 0;
    size_t fixed = RR_FIXED + RDATA_FIXED;
    if (is_without_mac(state)) {
        return fixed + state->key_name.len + state->algorithm.len;
    }
    const struct tsig_key *key = state->key;
    const struct algorithm *row = key != NULL ? algorithm_of(&key->algorithm) : NULL;
    return row != NULL ? fixed + key->name.len + key->algorithm.len + row->mac_len + other : 0;
}

static void put_rr(struct cursor *c, const struct tsig_rr *rr)
{
    size_t rdlength = rr->algorithm.len + (size_t)RDATA_FIXED + rr->mac_len + rr->other_len;
    cursor_put(c, rr->name.wire, rr->name.len);
    cursor_put_u16(c, TYPE_TSIG);
    cursor_put_u16(c, CLASS_ANY);
    cursor_put_u32(c, 0);
    cursor_put_u16(c, (uint16_t)rdlength);
    cursor_put(c, rr->algorithm.wire, rr->algorithm.len);
    cursor_put_u48(c, rr->time_signed);
    cursor_put_u16(c, rr->fudge);
    cursor_put_u16(c, rr->mac_len);
    cursor_put(c, rr->mac, rr->mac_len);
    cursor_put_u16(c, rr->original_id);
    cursor_put_u16(c, rr->error);
    cursor_put_u16(c, rr->other_len);
    cursor_put(c, rr->other, rr->other_len);
}

enum err tsig_sign(uint8_t *message, size_t *size, size_t room, uint64_t now_s,
                   struct tsig_state *state)
{
    bool without_mac = is_without_mac(state);
    if (state->key == NULL && !without_mac) {
        return ERR_OK;
    }
    if (*size < DNS_HEADER_SIZE || tsig_sign_size(state) > room - *size || room < *size) {
        return ERR_TOO_LARGE;
    }
    uint8_t mac[TSIG_MAC_MAX];
    uint8_t server_time[OTHER_TIME];
    struct cursor other = cursor_over(server_time, sizeof server_time);
    cursor_put_u48(&other, now_s);

    struct tsig_rr rr = {.name = without_mac ? state->key_name : state->key->name,
                         .algorithm = without_mac ? state->algorithm : state->key->algorithm,
                         .time_signed = now_s,
                         .fudge = FUDGE_S,
                         .mac = mac,
                         .original_id = (uint16_t)(message[0] << 8 | message[1]),
                         .error = state->error,
                         .other = server_time};
    if (state->error == RCODE_BADTIME) {
        // Section 5.2.3: the client's time, so that it takes the answer; ours beside it.
        rr.time_signed = state->time_signed;
        rr.other_len = OTHER_TIME;
    }
    uint16_t arcount = arcount_of(message);
    if (!without_mac) {
        const struct algorithm *row = algorithm_of(&state->key->algorithm);
        if (!digest(state, row, message, *size, arcount, &rr, mac)) {
            return ERR_UNSUPPORTED;
        }
        rr.mac_len = row->mac_len;
        state->mac_len = row->mac_len;
        memcpy(state->mac, mac, row->mac_len);
        state->is_stream = state->is_response;
        state->is_response = true;
    }
    struct cursor c = cursor_over(message + *size, room - *size);
    put_rr(&c, &rr);
    arcount++;
    message[10] = (uint8_t)(arcount >> 8);
    message[11] = (uint8_t)arcount;
    *size += cursor_offset(&c);
    return ERR_OK;
}
