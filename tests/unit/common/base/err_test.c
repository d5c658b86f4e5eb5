#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "common/base/err.h"

static void texts_are_there_for_all(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        assert_non_null(err_text((enum err)code));
        assert_true(err_text((enum err)code)[0] != '\0');
    }
    assert_string_equal(err_text((enum err)4711), "unknown error");
}

static void set_and_prefix(void **state)
{
    (void)state;
    struct errmsg e;
    assert_int_equal(err_set(&e, ERR_INVALID, "port %d is in use", 53), ERR_INVALID);
    assert_string_equal(e.text, "port 53 is in use");
    assert_int_equal(err_prefix(&e, ERR_EXISTS, "%s:%d", "file", 7), ERR_EXISTS);
    assert_int_equal(e.code, ERR_EXISTS);
    assert_string_equal(e.text, "file:7: port 53 is in use");
    err_set(&e, ERR_IO, "again: %s", e.text); // may quote itself
    assert_string_equal(e.text, "again: file:7: port 53 is in use");
    assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
    assert_int_equal(err_prefix(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char longer[2 * sizeof((struct errmsg *)0)->text];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct errmsg e;
    err_set(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    err_prefix(&e, ERR_IO, "front");
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_memory_equal(e.text, "front: xx", 9);
    err_prefix(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void errno_becomes_code(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum err code;
    } rows[] = {
        {0,            ERR_OK         },
        {ENOSPC,       ERR_NO_SPACE   },
        {EDQUOT,       ERR_NO_SPACE   },
        {EACCES,       ERR_DENIED     },
        {ENOENT,       ERR_NOT_FOUND  },
        {EEXIST,       ERR_EXISTS     },
        {ENOMEM,       ERR_NO_MEMORY  },
        {ECONNREFUSED, ERR_UNAVAILABLE},
        {EIO,          ERR_IO         },
        {EXDEV,        ERR_IO         }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(err_from_errno(rows[i].number), rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_there_for_all),
        cmocka_unit_test(set_and_prefix),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(errno_becomes_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
