#include "common/tls/tls.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// After its own needs.
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"

static char dir[64];
static char certificate[96];
static char key[96];
static char other[96];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/tls-test.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(certificate, sizeof certificate, "%s/cert.pem", dir);
    (void)snprintf(key, sizeof key, "%s/key.pem", dir);
    (void)snprintf(other, sizeof other, "%s/other", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(certificate);
    (void)unlink(key);
    (void)unlink(other);
    return rmdir(dir);
}

static void make(void)
{
    static const char *const names[] = {"ns1.example", "127.0.0.1", "::1"};
    struct errmsg e = {0};
    if (tls_self_signed(certificate, key, names, 3, &e) != ERR_OK) {
        fail_msg("%s", e.text);
    }
}

static X509 *read_certificate(void)
{
    FILE *file = fopen(certificate, "r");
    assert_non_null(file);
    X509 *read = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    assert_non_null(read);
    return read;
}

static void self_signed_names_what_was_asked(void **state)
{
    (void)state;
    struct stat st;
    make();
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    X509 *made = read_certificate();
    assert_int_equal(X509_check_host(made, "ns1.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(made, "ns2.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(made, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(made, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(made, "::2", 0), 0);
    assert_int_equal(X509_verify(made, X509_get0_pubkey(made)), 1);
    assert_int_equal(X509_cmp_current_time(X509_get0_notBefore(made)), -1);
    int days = 0;
    int seconds = 0;
    assert_int_equal(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(made)), 1);
    assert_true(days > 3640 && days < 3660);
    assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(made)), 256);
    X509_free(made);
}

// Against the digest of the DER that OpenSSL writes itself.
static void digest_is_that_of_the_public_key(void **state)
{
    (void)state;
    uint8_t digest[SHA256_SIZE];
    uint8_t expected[SHA256_SIZE];
    make();
    X509 *made = read_certificate();
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(X509_get0_pubkey(made), &der);
    hash_sha256(der, (size_t)len, expected);
    OPENSSL_free(der);
    X509_free(made);
    assert_int_equal(tls_spki_digest(certificate, digest, NULL), ERR_OK);
    assert_memory_equal(digest, expected, sizeof digest);
    struct errmsg e = {0};
    assert_int_equal(tls_spki_digest(key, digest, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, key));
    assert_int_equal(tls_spki_digest(other, digest, &e), ERR_NOT_FOUND);
}

static void loads_pem(void **state)
{
    (void)state;
    char *certificate_pem = NULL;
    char *key_pem = NULL;
    struct errmsg e = {0};
    make();
    assert_int_equal(tls_load(certificate, key, NULL, &certificate_pem, &key_pem, &e), ERR_OK);
    assert_true(str_starts(certificate_pem, "-----BEGIN CERTIFICATE-----"));
    assert_true(str_starts(key_pem, "-----BEGIN PRIVATE KEY-----"));
    // Both in one file.
    struct str both;
    str_init(&both);
    str_add(&both, key_pem);
    str_add(&both, certificate_pem);
    assert_int_equal(file_write_atomic(other, both.text, both.len, 0600, NULL), ERR_OK);
    str_fini(&both);
    mem_free(certificate_pem);
    mem_free(key_pem);
    assert_int_equal(tls_load(other, "", NULL, &certificate_pem, &key_pem, &e), ERR_OK);
    mem_free(certificate_pem);
    mem_free(key_pem);
}

static void write_pkcs12(const char *password)
{
    FILE *file = fopen(key, "r");
    EVP_PKEY *private_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    X509 *made = read_certificate();
    PKCS12 *p12 = PKCS12_create(password, "n", private_key, made, NULL, 0, 0, 0, 0, 0);
    assert_non_null(p12);
    file = fopen(other, "w");
    assert_int_equal(i2d_PKCS12_fp(file, p12), 1);
    (void)fclose(file);
    PKCS12_free(p12);
    X509_free(made);
    EVP_PKEY_free(private_key);
}

static void loads_pkcs12(void **state)
{
    (void)state;
    char *certificate_pem = NULL;
    char *key_pem = NULL;
    uint8_t digest[SHA256_SIZE];
    uint8_t expected[SHA256_SIZE];
    struct errmsg e = {0};
    make();
    write_pkcs12("secret");
    assert_int_equal(tls_load(other, NULL, "secret", &certificate_pem, &key_pem, &e), ERR_OK);
    assert_int_equal(tls_spki_digest_pem(certificate_pem, digest, NULL), ERR_OK);
    assert_int_equal(tls_spki_digest(certificate, expected, NULL), ERR_OK);
    assert_memory_equal(digest, expected, sizeof digest);
    mem_free(certificate_pem);
    mem_free(key_pem);
    assert_int_equal(tls_load(other, NULL, "wrong", &certificate_pem, &key_pem, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "password"));
    assert_int_equal(tls_load(other, NULL, NULL, &certificate_pem, &key_pem, &e), ERR_INVALID);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    char *certificate_pem = NULL;
    char *key_pem = NULL;
    struct errmsg e = {0};
    assert_int_equal(tls_load(certificate, key, NULL, &certificate_pem, &key_pem, &e),
                     ERR_NOT_FOUND);
    make();
    assert_int_equal(tls_load(key, key, NULL, &certificate_pem, &key_pem, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "no certificate"));
    assert_int_equal(tls_load(certificate, certificate, NULL, &certificate_pem, &key_pem, &e),
                     ERR_INVALID);
    assert_non_null(strstr(e.text, "private key cannot be read"));
    // The key of another certificate.
    assert_int_equal(rename(key, other), 0);
    make();
    assert_int_equal(tls_load(certificate, other, NULL, &certificate_pem, &key_pem, &e),
                     ERR_INVALID);
    assert_non_null(strstr(e.text, "does not belong"));
    assert_null(certificate_pem);
    assert_null(key_pem);
}

static void sees_changes(void **state)
{
    (void)state;
    struct tls_stamp stamp = {0};
    assert_false(tls_changed(certificate, key, &stamp));
    make();
    assert_true(tls_changed(certificate, key, &stamp));
    assert_false(tls_changed(certificate, key, &stamp));
    make();
    assert_true(tls_changed(certificate, key, &stamp));
    assert_true(tls_changed(certificate, NULL, &stamp));
    assert_false(tls_changed(certificate, "", &stamp));
}

static void node_key_signs(void **state)
{
    (void)state;
    struct tls_node_key *node_key = NULL;
    struct stat st;
    uint8_t public_key[32];
    uint8_t again[32];
    uint8_t signature[64];
    struct errmsg e = {0};
    assert_int_equal(tls_node_key_open(key, &node_key, &e), ERR_OK);
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    tls_node_key_public(node_key, public_key);
    assert_int_equal(tls_sign(node_key, "message", 7, signature), ERR_OK);
    tls_node_key_close(node_key);
    assert_true(tls_verify(public_key, "message", 7, signature));
    assert_false(tls_verify(public_key, "massage", 7, signature));
    assert_false(tls_verify(public_key, "message", 6, signature));
    signature[5] ^= 1;
    assert_false(tls_verify(public_key, "message", 7, signature));
    assert_int_equal(tls_node_key_open(key, &node_key, &e), ERR_OK);
    tls_node_key_public(node_key, again);
    tls_node_key_close(node_key);
    assert_memory_equal(public_key, again, sizeof again);
    // Another kind of key, and no key: kept, not replaced.
    make();
    assert_int_equal(tls_node_key_open(key, &node_key, &e), ERR_CORRUPT);
    assert_int_equal(truncate(key, 10), 0);
    assert_int_equal(tls_node_key_open(key, &node_key, &e), ERR_CORRUPT);
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_size, 10);
}

// RFC 8032 section 7.1, test 3.
static void verifies_the_rfc_vector(void **state)
{
    (void)state;
    static const char *const hex[] = {
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"};
    uint8_t public_key[32];
    uint8_t signature[64];
    size_t len = 0;
    assert_int_equal(str_from_hex(hex[0], 64, public_key, 32, &len), ERR_OK);
    assert_int_equal(str_from_hex(hex[1], 128, signature, 64, &len), ERR_OK);
    assert_true(tls_verify(public_key, "\xaf\x82", 2, signature));
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(self_signed_names_what_was_asked),
        IN_DIR(digest_is_that_of_the_public_key),
        IN_DIR(loads_pem),
        IN_DIR(loads_pkcs12),
        IN_DIR(bad_files_are_named),
        IN_DIR(sees_changes),
        IN_DIR(node_key_signs),
        IN_DIR(verifies_the_rfc_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
