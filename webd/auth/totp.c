// Time-based one-time codes.

#include "webd/auth/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

#define STEP_S     30
#define SECRET_MAX 80

// RFC 4648 base32, either case, padding and blanks passed over; 0 = not base32 or too long.
static size_t from_base32(const char *text, uint8_t out[SECRET_MAX])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t used = 0;
    for (; *text != 0; text++) {
        if (*text == '=' || *text == ' ') {
            continue;
        }
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        const char *at = strchr(alphabet, c);
        if (at == NULL || used == SECRET_MAX) {
            return 0;
        }
        bits = bits << 5 | (uint32_t)(at - alphabet);
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[used++] = (uint8_t)(bits >> bit_count);
        }
    }
    return used;
}

// RFC 4226 section 5.3.
static bool code_of(const uint8_t *secret, size_t len, uint64_t step, char out[16])
{
    uint8_t counter[8];
    for (int i = 7; i >= 0; i--) {
        counter[i] = (uint8_t)step;
        step >>= 8;
    }
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    if (HMAC(EVP_sha1(), secret, (int)len, counter, sizeof counter, mac, &mac_len) == NULL) {
        return false;
    }
    const uint8_t *p = mac + (mac[mac_len - 1] & 0x0f);
    uint32_t number =
        (uint32_t)(p[0] & 0x7f) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    snprintf(out, 16, "%06u", number % 1000000u);
    return true;
}

bool totp_check(const char *secret, const char *code, uint64_t now_s, uint64_t *last_step)
{
    uint8_t key[SECRET_MAX];
    size_t len = from_base32(secret, key);
    uint64_t now_step = now_s / STEP_S;
    bool is_right = false;
    for (uint64_t step = now_step - 1; len > 0 && step <= now_step + 1; step++) {
        char want[16];
        if (code_of(key, len, step, want) && step > *last_step &&
            str_equal_secret(want, 6, code, strlen(code))) {
            *last_step = step;
            is_right = true;
        }
    }
    mem_wipe(key, sizeof key);
    return is_right;
}
