#include "common/tls/tls.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"

/*
 * Certificates and keys: making, reading, comparing. No state beside OpenSSL's; any thread.
 */
#define CERTIFICATE_DAYS 3653 // ten years
#define FILE_BYTES_MAX   ((size_t)1024 * 1024)
#define CHAIN_MAX        16

// The reason that OpenSSL gives, in words.
static enum err ssl_failed(struct errmsg *e, enum err code, const char *what, const char *path)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    ERR_clear_error();
    return err_set(e, code, "%s%s%s%s%s", path == NULL ? "" : path, path == NULL ? "" : ": ", what,
                   reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
}

// ---- self-signed certificates ------------------------------------------------------------------

static bool add_name(GENERAL_NAMES *names, const char *text)
{
    uint8_t address[16];
    int size = inet_pton(AF_INET, text, address) == 1    ? 4
               : inet_pton(AF_INET6, text, address) == 1 ? 16
                                                         : 0;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = size > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    bool good = name != NULL && value != NULL &&
                (size > 0 ? ASN1_STRING_set(value, address, size)
                          : ASN1_STRING_set(value, text, (int)strlen(text))) == 1;
    if (!good) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, size > 0 ? GEN_IPADD : GEN_DNS, value);
    if (sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static bool add_names(X509 *certificate, const char *const *names, size_t name_count)
{
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool good = list != NULL;
    for (size_t i = 0; i < name_count && good; i++) {
        good = add_name(list, names[i]);
    }
    good = good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1;
    GENERAL_NAMES_free(list);
    return good;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

// RFC 5280 section 4.1.2.2: positive, at most 20 octets, unpredictable.
static bool set_serial(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    bool good = serial != NULL && BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL;
    BN_free(serial);
    return good;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *const *names,
                             size_t name_count)
{
    // The common name takes 64 bytes (RFC 5280 appendix A.1); the names are in subjectAltName
    // anyway.
    char common_name[65];
    (void)snprintf(common_name, sizeof common_name, "%s", name_count > 0 ? names[0] : "Trellis");
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -24L * 3600) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), CERTIFICATE_DAYS, 0, NULL) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           (name_count == 0 || add_names(certificate, names, name_count)) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static enum err write_bio(BIO *bio, const char *path, mode_t mode, struct errmsg *e)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    return file_write_atomic(path, text, len < 0 ? 0 : (size_t)len, mode, e);
}

enum err tls_self_signed(const char *certificate_path, const char *key_path,
                         const char *const *names, size_t name_count, struct errmsg *e)
{
    enum err err = ERR_OK;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *key_text = BIO_new(BIO_s_secmem());
    BIO *certificate_text = BIO_new(BIO_s_mem());
    if (key == NULL || certificate == NULL || key_text == NULL || certificate_text == NULL ||
        !fill_certificate(certificate, key, names, name_count) ||
        PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_X509(certificate_text, certificate) != 1) {
        err = ssl_failed(e, ERR_INTERNAL, "the certificate cannot be made", NULL);
    }
    // The key first: a certificate without its key would be taken for a mistake of the operator.
    if (err == ERR_OK) {
        err = write_bio(key_text, key_path, 0600, e);
    }
    if (err == ERR_OK) {
        err = write_bio(certificate_text, certificate_path, 0644, e);
    }
    BIO_free(certificate_text);
    BIO_free(key_text);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return err;
}

// ---- digests -----------------------------------------------------------------------------------

static bool spki_of(X509 *certificate, uint8_t out[SHA256_SIZE])
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0) {
        return false;
    }
    hash_sha256(der, (size_t)len, out);
    OPENSSL_free(der);
    return true;
}

enum err tls_spki_digest_pem(const char *certificate_pem, uint8_t out[SHA256_SIZE],
                             struct errmsg *e)
{
    BIO *bio = BIO_new_mem_buf(certificate_pem, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    enum err err = ERR_OK;
    if (certificate == NULL || !spki_of(certificate, out)) {
        err = ssl_failed(e, ERR_INVALID, "there is no certificate in PEM form", NULL);
    }
    X509_free(certificate);
    BIO_free(bio);
    return err;
}

enum err tls_spki_digest_ssl(struct ssl_st *ssl, uint8_t out[SHA256_SIZE])
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    bool found = certificate != NULL && spki_of(certificate, out);
    X509_free(certificate);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

enum err tls_spki_digest(const char *certificate_path, uint8_t out[SHA256_SIZE], struct errmsg *e)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum err err = file_read(certificate_path, FILE_BYTES_MAX, &text, &len, e);
    if (err == ERR_OK) {
        err = tls_spki_digest_pem((const char *)text, out, e);
        if (err != ERR_OK) {
            err = err_prefix(e, err, "%s", certificate_path);
        }
    }
    mem_free(text);
    return err;
}

// ---- loading -----------------------------------------------------------------------------------

// Certificate first, then the chain as found, and the key.
struct bundle {
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

static void bundle_free(struct bundle *bundle)
{
    sk_X509_pop_free(bundle->chain, X509_free);
    EVP_PKEY_free(bundle->key);
}

// Answers the question for a password with the one given; without this OpenSSL asks the terminal.
static int give_password(char *dst, int size, int is_writing, void *password)
{
    (void)is_writing;
    size_t len = password == NULL ? 0 : strlen(password);
    if (len == 0 || len > (size_t)size) {
        return -1;
    }
    memcpy(dst, password, len);
    return (int)len;
}

static enum err read_chain_pem(const uint8_t *text, size_t len, const char *path,
                               struct bundle *bundle, struct errmsg *e)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    X509 *certificate = NULL;
    while (sk_X509_num(bundle->chain) < CHAIN_MAX &&
           (certificate = PEM_read_bio_X509(bio, NULL, give_password, NULL)) != NULL) {
        (void)sk_X509_push(bundle->chain, certificate);
    }
    BIO_free(bio);
    if (sk_X509_num(bundle->chain) == 0) {
        return ssl_failed(e, ERR_INVALID, "there is no certificate in PEM or PKCS #12 form", path);
    }
    ERR_clear_error();
    return ERR_OK;
}

static enum err read_key_pem(const uint8_t *text, size_t len, const char *path,
                             const char *password, struct bundle *bundle, struct errmsg *e)
{
    union {
        const char *given;
        void *passed; // OpenSSL hands it back to give_password, which only reads
    } u = {.given = password};
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    bundle->key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, give_password, u.passed);
    BIO_free(bio);
    if (bundle->key == NULL) {
        return ssl_failed(e, ERR_INVALID, "the private key cannot be read", path);
    }
    return ERR_OK;
}

// ERR_NOT_FOUND = the bytes are no PKCS #12.
static enum err read_pkcs12(const uint8_t *bytes, size_t len, const char *path,
                            const char *password, struct bundle *bundle, struct errmsg *e)
{
    const unsigned char *at = bytes;
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)len);
    X509 *certificate = NULL;
    STACK_OF(X509) *others = NULL;
    enum err err = ERR_OK;
    if (p12 == NULL) {
        ERR_clear_error();
        return ERR_NOT_FOUND;
    }
    if (PKCS12_parse(p12, password == NULL ? "" : password, &bundle->key, &certificate, &others) !=
        1) {
        err = ssl_failed(e, ERR_INVALID, "PKCS #12 file or its password is wrong", path);
    } else if (certificate == NULL || bundle->key == NULL) {
        err = err_set(e, ERR_INVALID, "%s: PKCS #12 file without certificate and key", path);
    }
    if (certificate != NULL) {
        (void)sk_X509_push(bundle->chain, certificate);
    }
    while (sk_X509_num(others) > 0) {
        (void)sk_X509_push(bundle->chain, sk_X509_shift(others));
    }
    sk_X509_free(others);
    PKCS12_free(p12);
    return err;
}

static char *take_text(BIO *bio)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = mem_alloc((size_t)len + 1);
    memcpy(text, bytes, (size_t)len);
    text[len] = '\0';
    return text;
}

static enum err write_bundle(const struct bundle *bundle, const char *path, char **certificate_pem,
                             char **key_pem, struct errmsg *e)
{
    BIO *chain = BIO_new(BIO_s_mem());
    BIO *key = BIO_new(BIO_s_secmem());
    enum err err = ERR_OK;
    bool good = chain != NULL && key != NULL;
    for (int i = 0; good && i < sk_X509_num(bundle->chain); i++) {
        good = PEM_write_bio_X509(chain, sk_X509_value(bundle->chain, i)) == 1;
    }
    good = good && PEM_write_bio_PKCS8PrivateKey(key, bundle->key, NULL, NULL, 0, NULL, NULL) == 1;
    if (good) {
        *certificate_pem = take_text(chain);
        *key_pem = take_text(key);
    } else {
        err = ssl_failed(e, ERR_INTERNAL, "certificate and key cannot be written as PEM", path);
    }
    BIO_free(chain);
    BIO_free(key);
    return err;
}

static enum err load_bundle(const uint8_t *bytes, size_t len, const char *certificate_path,
                            const char *key_path, const char *password, struct bundle *bundle,
                            struct errmsg *e)
{
    enum err err = read_pkcs12(bytes, len, certificate_path, password, bundle, e);
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    err = read_chain_pem(bytes, len, certificate_path, bundle, e);
    if (err != ERR_OK) {
        return err;
    }
    if (key_path == NULL || key_path[0] == '\0') {
        return read_key_pem(bytes, len, certificate_path, password, bundle, e);
    }
    uint8_t *key = NULL;
    size_t key_len = 0;
    err = file_read(key_path, FILE_BYTES_MAX, &key, &key_len, e);
    if (err == ERR_OK) {
        err = read_key_pem(key, key_len, key_path, password, bundle, e);
        mem_wipe(key, key_len);
    }
    mem_free(key);
    return err;
}

enum err tls_load(const char *certificate_path, const char *key_path, const char *password,
                  char **certificate_pem, char **key_pem, struct errmsg *e)
{
    struct bundle bundle = {.chain = sk_X509_new_null()};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(certificate_path, FILE_BYTES_MAX, &bytes, &len, e);
    if (err == ERR_OK) {
        err = load_bundle(bytes, len, certificate_path, key_path, password, &bundle, e);
    }
    if (err == ERR_OK && X509_check_private_key(sk_X509_value(bundle.chain, 0), bundle.key) != 1) {
        ERR_clear_error();
        err = err_set(e, ERR_INVALID, "%s: the private key does not belong to the certificate",
                      certificate_path);
    }
    if (err == ERR_OK) {
        err = write_bundle(&bundle, certificate_path, certificate_pem, key_pem, e);
    }
    if (bytes != NULL) {
        mem_wipe(bytes, len);
    }
    mem_free(bytes);
    bundle_free(&bundle);
    return err;
}

// ---- changes on disk ---------------------------------------------------------------------------

static void stamp_file(const char *path, uint64_t word[3])
{
    struct stat st;
    memset(word, 0, 3 * sizeof word[0]);
    if (path != NULL && path[0] != '\0' && stat(path, &st) == 0) {
        word[0] = (uint64_t)st.st_mtim.tv_sec * 1000000000U + (uint64_t)st.st_mtim.tv_nsec;
        word[1] = (uint64_t)st.st_size;
        word[2] = (uint64_t)st.st_ino;
    }
}

bool tls_changed(const char *certificate_path, const char *key_path, struct tls_stamp *stamp)
{
    struct tls_stamp now;
    stamp_file(certificate_path, now.word);
    stamp_file(key_path, now.word + 3);
    bool changed = memcmp(now.word, stamp->word, sizeof now.word) != 0;
    *stamp = now;
    return changed;
}
