#include "webd/auth/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// "12345678901234567890" of RFC 6238 appendix B, in base32; its codes cut to six digits.
#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static void vectors(void **state)
{
    static const struct {
        uint64_t now_s;
        const char *code;
    } rows[] = {
        {59,          "287082"},
        {1111111109,  "081804"},
        {1111111111,  "050471"},
        {1234567890,  "005924"},
        {2000000000,  "279037"},
        {20000000000, "353130"}
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t last = 0;
        assert_true(totp_check(SECRET, rows[i].code, rows[i].now_s, &last));
        assert_int_equal(last, rows[i].now_s / 30);
        assert_false(totp_check(SECRET, rows[i].code, rows[i].now_s, &last)); // used
    }
}

static void refused(void **state)
{
    uint64_t last = 0;
    (void)state;
    assert_true(totp_check("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "287082", 59 + 30, &last));
    last = 0;
    assert_false(totp_check(SECRET, "287082", 59 + 90, &last));
    assert_false(totp_check(SECRET, "287083", 59, &last));
    assert_false(totp_check(SECRET, "28708", 59, &last));
    assert_false(totp_check(SECRET, "", 59, &last));
    assert_false(totp_check("", "287082", 59, &last));
    assert_false(totp_check("not!base32", "287082", 59, &last));
    assert_int_equal(last, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
