#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/str.h"

static void growing(void **state)
{
    (void)state;
    struct str s;
    str_init(&s);
    str_add(&s, "a");
    str_add_char(&s, 'b');
    str_add_bytes(&s, "cdef", 3);
    str_printf(&s, "%05d", 42);
    assert_string_equal(s.text, "abcde00042");
    assert_int_equal(s.len, 10);
    str_clear(&s);
    assert_string_equal(s.text, "");
    for (int i = 0; i < 500; i++) {
        str_printf(&s, "%d,", i);
    }
    assert_int_equal(s.len, strlen(s.text));
    char *text = str_take(&s);
    assert_memory_equal(text, "0,1,2,", 6);
    mem_free(text);
    text = str_take(&s);
    assert_string_equal(text, "");
    mem_free(text);
    str_fini(&s);
}

static void copies_fit_or_fail(void **state)
{
    (void)state;
    char dst[4] = "zzz";
    assert_true(str_copy(dst, sizeof dst, "abc"));
    assert_string_equal(dst, "abc");
    assert_false(str_copy(dst, sizeof dst, "abcd"));
    assert_string_equal(dst, "");
    assert_false(str_copy(dst, 0, ""));
}

static void unsigned_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        enum err err;
        uint64_t value;
    } rows[] = {
        {"0",                    0,          ERR_OK,      0         },
        {"00012",                12,         ERR_OK,      12        },
        {"65535",                65535,      ERR_OK,      65535     },
        {"65536",                65535,      ERR_INVALID, 0         },
        {"18446744073709551615", UINT64_MAX, ERR_OK,      UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, ERR_INVALID, 0         },
        {"99999999999999999999", UINT64_MAX, ERR_INVALID, 0         },
        {"7",                    5,          ERR_INVALID, 0         },
        {"5",                    5,          ERR_OK,      5         },
        {"",                     9,          ERR_INVALID, 0         },
        {"-1",                   9,          ERR_INVALID, 0         },
        {"+1",                   9,          ERR_INVALID, 0         },
        {" 1",                   9,          ERR_INVALID, 0         },
        {"1 ",                   9,          ERR_INVALID, 0         },
        {"0x1",                  99,         ERR_INVALID, 0         },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 4711;
        assert_int_equal(str_to_u64(rows[i].text, rows[i].max, &value), rows[i].err);
        assert_true(value == (rows[i].err == ERR_OK ? rows[i].value : 4711));
    }
    uint32_t small = 0;
    assert_int_equal(str_to_u32("4294967295", UINT32_MAX, &small), ERR_OK);
    assert_int_equal(small, UINT32_MAX);
    assert_int_equal(str_to_u32("4294967296", UINT32_MAX, &small), ERR_INVALID);
}

static void signed_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min;
        int64_t max;
        enum err err;
        int64_t value;
    } rows[] = {
        {"-5",                   -5,        5,         ERR_OK,      -5       },
        {"-6",                   -5,        5,         ERR_INVALID, 0        },
        {"6",                    -5,        5,         ERR_INVALID, 0        },
        {"-9223372036854775808", INT64_MIN, INT64_MAX, ERR_OK,      INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, ERR_INVALID, 0        },
        {"9223372036854775807",  INT64_MIN, INT64_MAX, ERR_OK,      INT64_MAX},
        {"9223372036854775808",  INT64_MIN, INT64_MAX, ERR_INVALID, 0        },
        {"--1",                  -5,        5,         ERR_INVALID, 0        },
        {"-",                    -5,        5,         ERR_INVALID, 0        },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = 4711;
        assert_int_equal(str_to_i64(rows[i].text, rows[i].min, rows[i].max, &value), rows[i].err);
        assert_true(value == (rows[i].err == ERR_OK ? rows[i].value : 4711));
    }
}

static void small_things(void **state)
{
    (void)state;
    assert_true(str_equal_nocase("AbC", "aBc"));
    assert_false(str_equal_nocase("abc", "abcd"));
    assert_false(str_equal_nocase("abcd", "abc"));
    assert_true(str_equal_nocase("", ""));
    assert_false(str_equal_nocase("[", "{")); // only letters fold
    char text[] = " \t Hello World \r\n";
    char *trimmed = str_trim(text);
    assert_string_equal(trimmed, "Hello World");
    str_lower(trimmed);
    assert_string_equal(trimmed, "hello world");
    char blank[] = "   ";
    assert_string_equal(str_trim(blank), "");
    assert_true(str_starts("zones/list", "zones/"));
    assert_false(str_starts("zone", "zones/"));
    assert_true(str_equal_secret("abc", 3, "abc", 3));
    assert_false(str_equal_secret("abc", 3, "abd", 3));
    assert_false(str_equal_secret("abc", 3, "abc", 2));
    assert_true(str_equal_secret("", 0, "", 0));
}

static void hex(void **state)
{
    (void)state;
    char text[9];
    str_hex(text, "\x00\x9f\xff\x10", 4);
    assert_string_equal(text, "009fff10");
    uint8_t bytes[4];
    size_t len = 9;
    assert_int_equal(str_from_hex("009FfF10", 8, bytes, sizeof bytes, &len), ERR_OK);
    assert_int_equal(len, 4);
    assert_memory_equal(bytes, "\x00\x9f\xff\x10", 4);
    assert_int_equal(str_from_hex("009", 3, bytes, sizeof bytes, &len), ERR_INVALID);
    assert_int_equal(str_from_hex("0g", 2, bytes, sizeof bytes, &len), ERR_INVALID);
    assert_int_equal(str_from_hex("0011223344", 10, bytes, sizeof bytes, &len), ERR_TOO_LARGE);
    assert_int_equal(str_from_hex("", 0, bytes, sizeof bytes, &len), ERR_OK);
    assert_int_equal(len, 0);
}

static void base64(void **state)
{
    (void)state;
    // RFC 4648 section 10.
    static const struct {
        const char *plain;
        const char *coded;
    } rows[] = {
        {"",             ""        },
        {"f",            "Zg=="    },
        {"fo",           "Zm8="    },
        {"foo",          "Zm9v"    },
        {"foob",         "Zm9vYg=="},
        {"fooba",        "Zm9vYmE="},
        {"foobar",       "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"    }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char coded[16];
        uint8_t plain[8];
        size_t len = 99;
        str_base64(coded, rows[i].plain, strlen(rows[i].plain));
        assert_string_equal(coded, rows[i].coded);
        assert_int_equal(str_from_base64(coded, strlen(coded), plain, sizeof plain, &len), ERR_OK);
        assert_int_equal(len, strlen(rows[i].plain));
        assert_memory_equal(plain, rows[i].plain, len);
    }
    static const char *const bad[] = {
        "Zg=", "Zg", "Z===", "====", "Zh==", "Zm9=", "Z g=", "Zg==Zg==", "Zm9*"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t plain[8];
        size_t len;
        if (str_from_base64(bad[i], strlen(bad[i]), plain, sizeof plain, &len) != ERR_INVALID) {
            fail_msg("%s was taken", bad[i]);
        }
    }
    uint8_t small[2];
    size_t len;
    assert_int_equal(str_from_base64("Zm9v", 4, small, sizeof small, &len), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing),          cmocka_unit_test(copies_fit_or_fail),
        cmocka_unit_test(unsigned_numbers), cmocka_unit_test(signed_numbers),
        cmocka_unit_test(small_things),     cmocka_unit_test(hex),
        cmocka_unit_test(base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
