#include "webd/http/param.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"

struct fixture {
    struct arena arena;
    struct web_params params;
};

static void setup(struct fixture *f)
{
    arena_init(&f->arena);
    web_params_init(&f->params, &f->arena);
}

static void teardown(struct fixture *f)
{
    web_params_fini(&f->params);
    arena_fini(&f->arena);
}

static enum err parse(struct fixture *f, enum web_param_source source, const char *text)
{
    return web_params_parse(&f->params, source, text, strlen(text), NULL);
}

// One parameter of one text.
static void values(void **state)
{
    static const struct {
        const char *text;
        const char *name;
        const char *value; // NULL = not there
    } rows[] = {
        {"a=1&b=2",        "a",     "1"             },
        {"a=1&b=2",        "b",     "2"             },
        {"a=1&b=2",        "c",     NULL            },
        {"dName=x",        "dname", "x"             },
        {"dName=x",        "DNAME", "x"             },
        {"a=",             "a",     ""              },
        {"a",              "a",     ""              },
        {"=x&a=1",         "a",     "1"             },
        {"a=1&a=2&A=3",    "a",     "1,2,3"         },
        {"a=x+y%20z",      "a",     "x y z"         },
        {"a=%41%6a",       "a",     "Aj"            },
        {"a=100%",         "a",     "100%"          },
        {"a=%zz%4",        "a",     "%zz%4"         },
        {"a=b=c",          "a",     "b=c"           },
        {"&&a=1&&",        "a",     "1"             },
        {"a=m%C3%BCnchen", "a",     "m\xc3\xbcnchen"},
        {"%61=1",          "a",     "1"             },
        {"",               "a",     NULL            },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        assert_int_equal(parse(&f, WEB_PARAM_QUERY, rows[i].text), ERR_OK);
        const char *value = web_params_get(&f.params, rows[i].name);
        if (rows[i].value == NULL) {
            assert_null(value);
        } else {
            assert_non_null(value);
            assert_string_equal(value, rows[i].value);
        }
        teardown(&f);
    }
}

static void query_wins_over_form(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    assert_int_equal(parse(&f, WEB_PARAM_FORM, "a=form&b=form"), ERR_OK);
    assert_int_equal(parse(&f, WEB_PARAM_QUERY, "A=query"), ERR_OK);
    assert_string_equal(web_params_get(&f.params, "a"), "query");
    assert_string_equal(web_params_get(&f.params, "b"), "form");
    teardown(&f);
}

static void bad_text(void **state)
{
    static const char *const rows[] = {"a=%00",       "%00=1",          "a=%ff",   "a=%c0%80",
                                       "a=%ed%a0%80", "a=%f4%90%80%80", "a=%e2%82"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        assert_int_equal(parse(&f, WEB_PARAM_QUERY, rows[i]), ERR_INVALID);
        teardown(&f);
    }
}

static void too_many(void **state)
{
    struct fixture f;
    struct str text;
    (void)state;
    setup(&f);
    str_init(&text);
    for (int i = 0; i <= WEB_PARAM_MAX; i++) {
        str_printf(&text, "p%d=&", i);
    }
    assert_int_equal(parse(&f, WEB_PARAM_QUERY, text.text), ERR_TOO_LARGE);
    str_fini(&text);
    teardown(&f);
}

// Joining repeated names is bounded too, not only what was sent.
static void joined_too_large(void **state)
{
    struct fixture f;
    size_t len = WEB_PARAM_BYTES / 8;
    char *value = mem_alloc(len);
    enum err err = ERR_OK;
    int joined = 0;
    (void)state;
    memset(value, 'x', len);
    setup(&f);
    while (err == ERR_OK && joined < 8) {
        err = web_params_add(&f.params, WEB_PARAM_FORM, "a", 1, value, len, NULL);
        joined++;
    }
    assert_int_equal(err, ERR_TOO_LARGE);
    assert_in_range(joined, 2, 5);
    mem_free(value);
    teardown(&f);
}

static void encode(void **state)
{
    struct str out;
    (void)state;
    str_init(&out);
    web_urlencode(&out, "a b&c=d/\xc3\xbc~");
    assert_string_equal(out.text, "a%20b%26c%3Dd%2F%C3%BC~");
    str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),           cmocka_unit_test(query_wins_over_form),
        cmocka_unit_test(bad_text),         cmocka_unit_test(too_many),
        cmocka_unit_test(joined_too_large), cmocka_unit_test(encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
