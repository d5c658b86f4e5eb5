#include "dnsd/query/nsec3.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

// Each thread keeps one digest context for life, so that a query allocates nothing.

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static bool has_key;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void make_key(void)
{
    has_key = pthread_key_create(&context_key, free_context) == 0;
}

static EVP_MD_CTX *thread_context(void)
{
    pthread_once(&once, make_key);
    if (!has_key) {
        return NULL;
    }
    EVP_MD_CTX *context = pthread_getspecific(context_key);
    if (context != NULL) {
        return context;
    }
    context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha1(), NULL) != 1 ||
        pthread_setspecific(context_key, context) != 0) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    return context;
}

bool nsec3_params_read(const uint8_t *rdata, size_t len, struct nsec3_params *out)
{
    if (len < 5 || rdata[0] != 1 || (size_t)rdata[4] + 5 > len) {
        return false;
    }
    out->iterations = (uint16_t)(rdata[2] << 8 | rdata[3]);
    out->salt_len = rdata[4];
    out->salt = rdata + 5;
    return out->iterations <= NSEC3_ITERATIONS_MAX;
}

// RFC 5155 section 5.
static bool hash_name(const struct nsec3_params *params, const uint8_t *name_lower,
                      uint8_t hash[NSEC3_HASH_SIZE])
{
    EVP_MD_CTX *context = thread_context();
    const uint8_t *from = name_lower;
    size_t len = name_len(name_lower);
    for (unsigned i = 0; context != NULL && i <= params->iterations; i++) {
        if (EVP_DigestInit_ex(context, NULL, NULL) != 1 || EVP_DigestUpdate(context, from, len) != 1 ||
            EVP_DigestUpdate(context, params->salt, params->salt_len) != 1 ||
            EVP_DigestFinal_ex(context, hash, NULL) != 1) {
            return false;
        }
        from = hash;
        len = NSEC3_HASH_SIZE;
    }
    return context != NULL;
}

bool nsec3_owner(const struct nsec3_params *params, const uint8_t *name_lower, const uint8_t *apex,
                 struct name *owner)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    enum { LABEL = NSEC3_HASH_SIZE * 8 / 5 };
    uint8_t hash[NSEC3_HASH_SIZE];
    uint8_t label[1 + LABEL];
    if (!hash_name(params, name_lower, hash)) {
        return false;
    }
    label[0] = LABEL;
    for (unsigned i = 0; i < LABEL; i++) {
        unsigned bit = i * 5;
        unsigned pair = (unsigned)hash[bit / 8] << 8;
        if (bit / 8 + 1 < NSEC3_HASH_SIZE) {
            pair |= hash[bit / 8 + 1];
        }
        label[1 + i] = (uint8_t)digits[pair >> (11 - bit % 8) & 31];
    }
    return name_join(label, sizeof label, apex, owner);
}
