#pragma once

#include <stddef.h>
#include <stdint.h>

// Cryptographic randomness (getrandom, buffered per thread). Aborts when the kernel gives none.
void rand_bytes(void *dst, size_t len);
uint64_t rand_u64(void);
uint32_t rand_below(uint32_t bound);   // uniform in [0, bound); bound > 0
