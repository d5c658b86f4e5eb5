#include "common/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// getrandom is a system call, so each thread draws ahead. What was given out is wiped.
enum { BUFFER_SIZE = 512 };
static _Thread_local uint8_t buffer[BUFFER_SIZE];
static _Thread_local size_t left;

static void draw(uint8_t *dst, size_t len)
{
    while (len != 0) {
        ssize_t n = getrandom(dst, len, 0);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            abort();
        }
        dst += n;
        len -= (size_t)n;
    }
}

void rand_bytes(void *dst, size_t len)
{
    if (len > BUFFER_SIZE / 4) {
        draw(dst, len);
        return;
    }
    if (left < len) {
        draw(buffer, BUFFER_SIZE);
        left = BUFFER_SIZE;
    }
    left -= len;
    memcpy(dst, buffer + left, len);
    memset(buffer + left, 0, len);
}

uint64_t rand_u64(void)
{
    uint64_t v;
    rand_bytes(&v, sizeof v);
    return v;
}

// Lemire's multiply-and-reject: uniform, and a division only when a draw may be rejected.
uint32_t rand_below(uint32_t bound)
{
    for (;;) {
        uint32_t v;
        rand_bytes(&v, sizeof v);
        uint64_t product = (uint64_t)v * bound;
        uint32_t low = (uint32_t)product;
        if (low >= bound || low >= (0 - bound) % bound) {
            return (uint32_t)(product >> 32);
        }
    }
}
