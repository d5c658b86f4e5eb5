#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"

// Makes a self-signed ECDSA P-256 certificate (10 years, names and addresses as subjectAltName) and
// its key as PEM files, key mode 0600, both written atomically. For each name or IP in `names`.
NODISCARD enum err tls_self_signed(const char *certificate_path, const char *key_path,
                                   const char *const *names, size_t name_count, struct errmsg *e);

// SHA-256 over the SubjectPublicKeyInfo (DER) of the first certificate of a PEM file: TLSA 3 1 1.
NODISCARD enum err tls_spki_digest(const char *certificate_path, uint8_t out[SHA256_SIZE],
                                   struct errmsg *e);

// Reads certificate chain and key (PEM, or PKCS #12 with `password`) into PEM texts (mem_free), and
// checks that they fit together. For webd's and dnsd's TLS services.
NODISCARD enum err tls_load(const char *certificate_path, const char *key_path, const char *password,
                            char **certificate_pem, char **key_pem, struct errmsg *e);
// Has either file changed (mtime, size, inode) since this stamp was taken?
struct tls_stamp {
    uint64_t word[6];
};
bool tls_changed(const char *certificate_path, const char *key_path, struct tls_stamp *stamp);

// The node's own signing key (Ed25519), made on first use, mode 0600.
struct tls_node_key;
NODISCARD enum err tls_node_key_open(const char *path, struct tls_node_key **out, struct errmsg *e);
void tls_node_key_close(struct tls_node_key *key);
void tls_node_key_public(const struct tls_node_key *key, uint8_t out[32]);
NODISCARD enum err tls_sign(const struct tls_node_key *key, const void *bytes, size_t len,
                            uint8_t signature[64]);
bool tls_verify(const uint8_t public_key[32], const void *bytes, size_t len,
                const uint8_t signature[64]);
