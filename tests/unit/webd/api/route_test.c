#include "webd/api/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/base/mem.h"

#define CATALOGUE "tests/unit/webd/api/catalogue.tsv"
#define COLUMNS   6
enum { PATH, RIGHT, SESSION, CLUSTER, ROLE, ENVELOPE };

// How the catalogue says what a row says.
static void right_text(const struct route *route, char *dst, size_t size)
{
    static const char *const flags[] = {
        [PERMISSION_VIEW] = "View", [PERMISSION_MODIFY] = "Modify", [PERMISSION_DELETE] = "Delete"};
    if (route->section == SECTION_NONE) {
        snprintf(dst, size, "none");
    } else {
        snprintf(dst, size, "%s:%s", section_names[route->section], flags[route->permission]);
    }
}

static const char *session_text(enum session_class class)
{
    static const char *const names[] = {"any", "standard-only", "none"};
    return names[class];
}

static const char *cluster_text(enum cluster_class class)
{
    static const char *const names[] = {"any-node", "primary-auto", "local"};
    return names[class];
}

static const char *role_text(enum cluster_role role)
{
    static const char *const names[] = {"any", "primary", "secondary"};
    return names[role];
}

static const char *envelope_text(enum envelope envelope)
{
    static const char *const names[] = {"wrapped", "flat", "binary"};
    return names[envelope];
}

static void compare(const struct route *route, char *columns[COLUMNS])
{
    char right[64];
    right_text(route, right, sizeof right);
    // Rights that the handler looks at itself: at the zone's level, or one of two sections.
    bool is_own = strcmp(columns[RIGHT], "session") == 0 ||
                  strstr(columns[RIGHT], "zone level") != NULL ||
                  strstr(columns[RIGHT], " or ") != NULL;
    assert_string_equal(is_own ? "none" : columns[RIGHT], right);
    bool is_credentials = strcmp(columns[SESSION], "standard or credentials") == 0;
    assert_string_equal(is_credentials ? "none" : columns[SESSION], session_text(route->session));
    assert_string_equal(columns[CLUSTER], cluster_text(route->cluster));
    assert_string_equal(columns[ROLE], role_text(route->role));
    assert_string_equal(columns[ENVELOPE], envelope_text(route->envelope));
}

static void walk(void **state)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t found = 0;
    (void)state;
    assert_int_equal(file_read(CATALOGUE, 1024 * 1024, &bytes, &len, NULL), ERR_OK);
    char *save = NULL;
    for (char *line = strtok_r((char *)bytes, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *columns[COLUMNS];
        int count = 0;
        for (char *at = line; at != NULL && count < COLUMNS; count++) {
            columns[count] = at;
            at = strchr(at, '\t');
            if (at != NULL) {
                *at++ = 0;
            }
        }
        const struct route *route = line[0] == '#' ? NULL : route_find(columns[PATH]);
        if (route != NULL) {
            assert_int_equal(count, COLUMNS);
            assert_string_equal(route->path, columns[PATH]);
            assert_int_equal(route->flags & ROUTE_OURS, 0);
            compare(route, columns);
            found++;
        }
    }
    size_t ours = 0;
    for (size_t i = 0; i < route_count; i++) {
        ours += (route_table[i].flags & ROUTE_OURS) != 0 ? 1 : 0;
        assert_non_null(route_table[i].handler);
    }
    assert_int_equal(found + ours, route_count);
    mem_free(bytes);
}

static void find(void **state)
{
    (void)state;
    assert_non_null(route_find("ZONES/List"));
    assert_null(route_find("zones/list/"));
    assert_null(route_find(""));
    for (size_t i = 0; i < route_count; i++) {
        assert_ptr_equal(route_find(route_table[i].path), &route_table[i]);
    }
}

static void ttl_text(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds;
        const char *shown;
    } rows[] = {
        {"0",            0,          "0s"        },
        {"3600",         3600,       "1h"        },
        {"1w2d3h4m5s",   788645,     "1w2d3h4m5s"},
        {"1H",           3600,       "1h"        },
        {"90m",          5400,       "1h30m"     },
        {"2147483647",   2147483647, NULL        },
        {"1h30",         UINT32_MAX, ""          },
        {"h",            UINT32_MAX, ""          },
        {"-1",           UINT32_MAX, ""          },
        {"1y",           UINT32_MAX, ""          },
        {"4000w",        UINT32_MAX, ""          },
        {"99999999999s", UINT32_MAX, ""          }
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t seconds = UINT32_MAX;
        char text[32];
        enum err err = value_ttl(rows[i].text, &seconds);
        assert_int_equal(err, rows[i].seconds == UINT32_MAX ? ERR_INVALID : ERR_OK);
        if (err == ERR_OK) {
            assert_int_equal(seconds, rows[i].seconds);
        }
        if (err == ERR_OK && rows[i].shown != NULL) {
            value_ttl_text(seconds, text);
            assert_string_equal(text, rows[i].shown);
        }
    }
}

static void json_escapes(void **state)
{
    struct str out;
    json_t *value = json_string("a+<b>&'c\"\\\xc3\xbc\n");
    (void)state;
    str_init(&out);
    json_append(&out, value);
    assert_string_equal(out.text, "\"a\\u002B\\u003Cb\\u003E\\u0026\\u0027c\\\"\\\\\\u00FC\\n\"");
    json_decref(value);
    str_clear(&out);
    value = json_time_ms(1795423321120);
    json_append(&out, value);
    assert_string_equal(out.text, "\"2026-11-23T08:42:01.12Z\"");
    json_decref(value);
    str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(walk), cmocka_unit_test(find),
                                       cmocka_unit_test(ttl_text), cmocka_unit_test(json_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
