#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"

struct ssl_st; // OpenSSL's SSL

// Makes a self-signed ECDSA P-256 certificate (10 years, names and addresses as subjectAltName) and
// its key as PEM files, key mode 0600, both written atomically. For each name or IP in `names`.
NODISCARD enum err tls_self_signed(const char *certificate_path, const char *key_path,
                                   const char *const *names, size_t name_count, struct errmsg *e);

// SHA-256 over the SubjectPublicKeyInfo (DER) of the first certificate of a PEM file: TLSA 3 1 1.
NODISCARD enum err tls_spki_digest(const char *certificate_path, uint8_t out[SHA256_SIZE],
                                   struct errmsg *e);

// The same of PEM text, and of the certificate that the other side of a connection showed
// (ERR_NOT_FOUND: none).
NODISCARD enum err tls_spki_digest_pem(const char *certificate_pem, uint8_t out[SHA256_SIZE],
                                       struct errmsg *e);
NODISCARD enum err tls_spki_digest_ssl(struct ssl_st *ssl, uint8_t out[SHA256_SIZE]);

// Reads certificate chain and key (PEM, or PKCS #12 with `password`) into PEM texts (mem_free; wipe
// the key), and checks that they fit together. `key_path` NULL or "": the key is in the first file.
// `password` may be NULL. ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID (what is wrong with which file).
NODISCARD enum err tls_load(const char *certificate_path, const char *key_path,
                            const char *password, char **certificate_pem, char **key_pem,
                            struct errmsg *e);
// Has either file changed (mtime, size, inode) since this stamp was taken? Takes a new one. A stamp
// of zeros differs from every file that is there.
struct tls_stamp {
    uint64_t word[6];
};
bool tls_changed(const char *certificate_path, const char *key_path, struct tls_stamp *stamp);

// The node's own signing key (Ed25519, RFC 8032), made on first use as a PEM file of mode 0600.
// ERR_CORRUPT: the file is there but holds no such key; it is not replaced, because the other nodes
// know this one by it.
struct tls_node_key;
NODISCARD enum err tls_node_key_open(const char *path, struct tls_node_key **out, struct errmsg *e);
void tls_node_key_close(struct tls_node_key *key);
void tls_node_key_public(const struct tls_node_key *key, uint8_t out[32]);
NODISCARD enum err tls_sign(const struct tls_node_key *key, const void *bytes, size_t len,
                            uint8_t signature[64]);
bool tls_verify(const uint8_t public_key[32], const void *bytes, size_t len,
                const uint8_t signature[64]);
