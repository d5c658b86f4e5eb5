#include "common/base/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/rand.h"

// The key and the digest algorithm are set once, before main; read-only afterwards. Any thread.

static uint64_t key[2];

__attribute__((constructor)) static void draw_key(void)
{
    rand_bytes(key, sizeof key);
}

// SipHash-1-3 (Aumasson and Bernstein): short, fast on short keys, safe against chosen ones.
static inline uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    size_t left = len;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)len << 56;
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)at[i] << (8 * i);
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

// Fetched once: a fetch by name at each digest costs more than the digest of a short text.
static EVP_MD *sha256_md;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void drop_sha256(void)
{
    EVP_MD_free(sha256_md);
    sha256_md = NULL;
}

static void fetch_sha256(void)
{
    sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256_md == NULL) {
        abort();   // the crypto library is unusable
    }
    atexit(drop_sha256);
}

static const EVP_MD *sha256(void)
{
    pthread_once(&sha256_once, fetch_sha256);
    return sha256_md;
}

void hash_sha256(const void *bytes, size_t len, uint8_t out[SHA256_SIZE])
{
    if (EVP_Digest(bytes, len, out, NULL, sha256(), NULL) != 1) {
        abort();
    }
}

struct hash_sha256 {
    EVP_MD_CTX *ctx;
};

struct hash_sha256 *hash_sha256_new(void)
{
    struct hash_sha256 *h = mem_alloc(sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex(h->ctx, sha256(), NULL) != 1) {
        abort();
    }
    return h;
}

void hash_sha256_add(struct hash_sha256 *h, const void *bytes, size_t len)
{
    if (EVP_DigestUpdate(h->ctx, bytes, len) != 1) {
        abort();
    }
}

void hash_sha256_free(struct hash_sha256 *h, uint8_t out[SHA256_SIZE])
{
    if (h == NULL) {
        return;
    }
    if (out != NULL && EVP_DigestFinal_ex(h->ctx, out, NULL) != 1) {
        abort();
    }
    EVP_MD_CTX_free(h->ctx);
    mem_free(h);
}

static struct hash_set_digest member_words(const uint8_t member[SHA256_SIZE])
{
    struct hash_set_digest d = {{0}};
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        d.word[i / 8] |= (uint64_t)member[i] << (8 * (i % 8));
    }
    return d;
}

void hash_set_add(struct hash_set_digest *d, const uint8_t member[SHA256_SIZE])
{
    struct hash_set_digest m = member_words(member);
    uint64_t carry = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t sum = d->word[i] + m.word[i];
        uint64_t carry_out = sum < m.word[i];
        sum += carry;
        carry_out |= sum < carry;
        d->word[i] = sum;
        carry = carry_out;
    }
}

void hash_set_remove(struct hash_set_digest *d, const uint8_t member[SHA256_SIZE])
{
    struct hash_set_digest m = member_words(member);
    uint64_t borrow = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t was = d->word[i];
        uint64_t rest = was - m.word[i];
        uint64_t borrow_out = was < m.word[i];
        borrow_out |= rest < borrow;
        d->word[i] = rest - borrow;
        borrow = borrow_out;
    }
}

void hash_set_bytes(const struct hash_set_digest *d, uint8_t out[SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out[i] = (uint8_t)(d->word[i / 8] >> (8 * (i % 8)));
    }
}
