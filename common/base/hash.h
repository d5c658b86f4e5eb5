#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

// Keyed 64-bit hash for tables that outsiders can fill; the key is drawn once at start.
uint64_t hash_bytes(const void *bytes, size_t len);

void hash_sha256(const void *bytes, size_t len, uint8_t out[SHA256_SIZE]);
// Seals files: streaming SHA-256 over several pieces.
struct hash_sha256;
struct hash_sha256 *hash_sha256_new(void);
void hash_sha256_add(struct hash_sha256 *h, const void *bytes, size_t len);
void hash_sha256_free(struct hash_sha256 *h, uint8_t out[SHA256_SIZE]);   // out may be NULL

// 256-bit set digest: the sum modulo 2^256 of the members' SHA-256, so that adding and removing
// a member costs one addition and the order does not matter.
struct hash_set_digest {
    uint64_t word[4];   // little-endian limbs
};
void hash_set_add(struct hash_set_digest *d, const uint8_t member[SHA256_SIZE]);
void hash_set_remove(struct hash_set_digest *d, const uint8_t member[SHA256_SIZE]);
void hash_set_bytes(const struct hash_set_digest *d, uint8_t out[SHA256_SIZE]);
