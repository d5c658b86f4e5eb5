#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/rand.h"
#include "common/base/str.h"

static void sha256_of_the_standard(void **state)
{
    (void)state;
    uint8_t out[SHA256_SIZE];
    uint8_t pieces[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    hash_sha256("abc", 3, out); // FIPS 180-4
    str_hex(text, out, sizeof out);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct hash_sha256 *h = hash_sha256_new();
    hash_sha256_add(h, "a", 1);
    hash_sha256_add(h, "", 0);
    hash_sha256_add(h, "bc", 2);
    hash_sha256_free(h, pieces);
    assert_memory_equal(out, pieces, sizeof out);
    hash_sha256_free(hash_sha256_new(), NULL);
}

static void set_digest_has_no_order(void **state)
{
    (void)state;
    uint8_t members[3][SHA256_SIZE];
    memset(members[0], 0xff, SHA256_SIZE); // carries through all limbs
    hash_sha256("b", 1, members[1]);
    hash_sha256("c", 1, members[2]);
    struct hash_set_digest x = {{0}};
    struct hash_set_digest y = {{0}};
    static const int forward[] = {0, 1, 2};
    static const int backward[] = {2, 1, 0};
    for (size_t i = 0; i < 3; i++) {
        hash_set_add(&x, members[forward[i]]);
        hash_set_add(&y, members[backward[i]]);
    }
    assert_memory_equal(&x, &y, sizeof x);
    hash_set_remove(&x, members[0]);
    hash_set_remove(&x, members[2]);
    uint8_t left[SHA256_SIZE];
    hash_set_bytes(&x, left);
    assert_memory_equal(left, members[1], sizeof left);
    hash_set_remove(&x, members[1]);
    static const struct hash_set_digest nothing;
    assert_memory_equal(&x, &nothing, sizeof x);
    uint8_t one[SHA256_SIZE] = {1};
    hash_set_add(&x, members[0]); // 2^256 - 1, and one more
    hash_set_add(&x, one);
    assert_memory_equal(&x, &nothing, sizeof x);
}

static void hash_spreads(void **state)
{
    (void)state;
    uint8_t bytes[64];
    rand_bytes(bytes, sizeof bytes);
    for (size_t len = 1; len <= sizeof bytes; len++) {
        assert_true(hash_bytes(bytes, len) == hash_bytes(bytes, len));
        assert_true(hash_bytes(bytes, len) != hash_bytes(bytes, len - 1));
        uint64_t before = hash_bytes(bytes, len);
        bytes[len - 1] ^= 1;
        assert_true(hash_bytes(bytes, len) != before);
    }
}

static void random_numbers_stay_below(void **state)
{
    (void)state;
    unsigned seen[10] = {0};
    for (int i = 0; i < 10000; i++) {
        seen[rand_below(10)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(seen[i], 700, 1300); // ten standard deviations
    }
    assert_int_equal(rand_below(1), 0);
    uint8_t large[2000];
    memset(large, 0, sizeof large);
    rand_bytes(large, sizeof large);
    static const uint8_t zeros[100];
    assert_memory_not_equal(large + 1900, zeros, sizeof zeros);
    assert_true(rand_u64() != rand_u64());
}

static void times_as_text(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_text(0, text, sizeof text);
    assert_string_equal(text, "0001-01-01T00:00:00Z");
    clock_text(1795423321123, text, sizeof text);
    assert_string_equal(text, "2026-11-23T08:42:01.123Z");
    uint64_t before = clock_mono_us();
    assert_true(clock_mono_us() >= before);
    assert_true(clock_unix_ms() / 1000 - clock_unix_s() <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_the_standard), cmocka_unit_test(set_digest_has_no_order),
        cmocka_unit_test(hash_spreads),           cmocka_unit_test(random_numbers_stay_below),
        cmocka_unit_test(times_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
