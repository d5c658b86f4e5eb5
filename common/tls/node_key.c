#include "common/tls/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/mem.h"

// The node's Ed25519 key and signatures by it (RFC 8032). The key is constant once opened; any
// thread.

#define KEY_FILE_MAX ((size_t)16 * 1024)

struct tls_node_key {
    EVP_PKEY *key;
    uint8_t public_key[32];
};

static enum err make_key(const char *path, EVP_PKEY **out, struct errmsg *e)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    enum err err = ERR_OK;
    if (key == NULL || bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        ERR_clear_error();
        err = err_set(e, ERR_INTERNAL, "%s: the key cannot be made", path);
    } else {
        long len = BIO_get_mem_data(bio, &text);
        err = file_write_atomic(path, text, len < 0 ? 0 : (size_t)len, 0600, e);
    }
    BIO_free(bio);
    if (err != ERR_OK) {
        EVP_PKEY_free(key);
        return err;
    }
    *out = key;
    return ERR_OK;
}

// Keeps OpenSSL from asking the terminal.
static int no_password(char *dst, int size, int is_writing, void *ctx)
{
    (void)dst;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return -1;
}

static enum err read_key(const char *path, const uint8_t *text, size_t len, EVP_PKEY **out,
                         struct errmsg *e)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
        ERR_clear_error();
        EVP_PKEY_free(key);
        return err_set(e, ERR_CORRUPT,
                       "%s holds no Ed25519 key; restore it, or remove it and join again", path);
    }
    *out = key;
    return ERR_OK;
}

enum err tls_node_key_open(const char *path, struct tls_node_key **out, struct errmsg *e)
{
    uint8_t *text = NULL;
    size_t len = 0;
    EVP_PKEY *key = NULL;
    enum err err = file_read(path, KEY_FILE_MAX, &text, &len, e);
    if (err == ERR_NOT_FOUND) {
        err = make_key(path, &key, e);
    } else if (err == ERR_OK) {
        err = read_key(path, text, len, &key, e);
        mem_wipe(text, len);
    }
    mem_free(text);
    if (err != ERR_OK) {
        return err;
    }
    struct tls_node_key *node_key = mem_zalloc(sizeof *node_key);
    size_t size = sizeof node_key->public_key;
    node_key->key = key;
    if (EVP_PKEY_get_raw_public_key(key, node_key->public_key, &size) != 1) {
        tls_node_key_close(node_key);
        ERR_clear_error();
        return err_set(e, ERR_INTERNAL, "%s: the public key cannot be derived", path);
    }
    *out = node_key;
    return ERR_OK;
}

void tls_node_key_close(struct tls_node_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->key);
        mem_free(key);
    }
}

void tls_node_key_public(const struct tls_node_key *key, uint8_t out[32])
{
    memcpy(out, key->public_key, sizeof key->public_key);
}

enum err tls_sign(const struct tls_node_key *key, const void *bytes, size_t len,
                  uint8_t signature[64])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t size = 64;
    bool good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->key) == 1 &&
                EVP_DigestSign(ctx, signature, &size, bytes, len) == 1 && size == 64;
    EVP_MD_CTX_free(ctx);
    if (!good) {
        ERR_clear_error();
        return ERR_INTERNAL;
    }
    return ERR_OK;
}

bool tls_verify(const uint8_t public_key[32], const void *bytes, size_t len,
                const uint8_t signature[64])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = key != NULL && ctx != NULL &&
                EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(ctx, signature, 64, bytes, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return good;
}
