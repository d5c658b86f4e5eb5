#include "dnsd/xfr/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/str.h"
#include "common/dns/rrtype.h"

static struct name name_of(const char *text)
{
    struct name name;
    assert_int_equal(name_from_text(text, &name, NULL), ERR_OK);
    return name;
}

static void take(struct members *m, const char *owner, uint16_t type, const void *rdata, size_t len)
{
    struct name catalog = name_of("cat.test");
    struct name name = name_of(owner);
    struct zone_record r = {
        .name = name.wire, .type = type, .rdata = rdata, .rdata_len = (uint16_t)len};
    members_take(m, &catalog, &r);
}

static void take_ptr(struct members *m, const char *owner, const char *target)
{
    struct name to = name_of(target);
    take(m, owner, TYPE_PTR, to.wire, to.len);
}

static void test_reads_what_rfc_9432_says(void **state)
{
    struct members m = {0};
    (void)state;
    take(&m, "version.cat.test", TYPE_TXT,
         "\1"
         "1",
         2);
    assert_false(m.has_version);
    take(&m, "version.cat.test", TYPE_TXT,
         "\1"
         "2",
         2);
    assert_true(m.has_version);
    take_ptr(&m, "a1.zones.cat.test", "One.Test");
    take_ptr(&m, "coo.a1.zones.cat.test", "other.test");
    take_ptr(&m, "b2.zones.cat.test", "two.test");
    // Nothing of these makes a member.
    take_ptr(&m, "zones.cat.test", "three.test");
    take_ptr(&m, "deep.b2.zones.cat.test", "three.test");
    take_ptr(&m, "c3.elsewhere.cat.test", "three.test");
    take(&m, "d4.zones.cat.test", TYPE_TXT, "\1x", 2);
    take(&m, "e5.zones.cat.test", TYPE_PTR, "\3ab", 3);
    assert_int_equal(m.count, 2);
    assert_true(members_sort(&m));
    assert_string_equal(m.items[0].id, "a1");
    assert_string_equal(m.items[0].moves_to, "other.test");
    struct name one = name_of("one.test");
    assert_true(name_equal_lower(m.items[0].zone.wire, one.wire));
    assert_null(m.items[1].moves_to);
    members_fini(&m);
}

static void test_a_member_listed_twice_breaks_the_catalog(void **state)
{
    struct members m = {0};
    (void)state;
    take_ptr(&m, "a.zones.cat.test", "one.test");
    take_ptr(&m, "b.zones.cat.test", "one.test");
    assert_false(members_sort(&m));
    members_fini(&m);
    take_ptr(&m, "a.zones.cat.test", "one.test");
    take_ptr(&m, "a.zones.cat.test", "two.test");
    assert_false(members_sort(&m));
    members_fini(&m);
}

static void note(struct str *out, char sign, const struct member *m)
{
    char text[NAME_MAX_TEXT];
    name_to_text(m->zone.wire, text);
    str_printf(out, "%c%s=%s ", sign, m->id, text);
}

static void gone(void *ctx, const struct member *m)
{
    note(ctx, '-', m);
}

static void come(void *ctx, const struct member *m)
{
    note(ctx, '+', m);
}

// Texts: "id=zone id=zone".
static struct members list_of(const char *text)
{
    struct members m = {0};
    char copy[256];
    assert_true(str_copy(copy, sizeof copy, text));
    char *rest = copy;
    while (rest != NULL && rest[0] != '\0') {
        char *item = strsep(&rest, " ");
        char *zone = strchr(item, '=');
        *zone++ = '\0';
        struct name name = name_of(zone);
        members_add(&m, item, &name);
    }
    assert_true(members_sort(&m));
    return m;
}

static void test_difference(void **state)
{
    static const struct {
        const char *have;
        const char *want;
        const char *steps;
    } rows[] = {
        {"",        "",            ""          },
        {"",        "a=x b=y",     "+a=x +b=y "},
        {"a=x b=y", "",            "-a=x -b=y "},
        {"a=x b=y", "a=x b=y",     ""          },
        {"a=x c=z", "b=y c=z",     "-a=x +b=y "},
        {"a=x",     "a=y",         "-a=x +a=y "},
        {"a=x",     "b=x",         "-a=x +b=x "},
        {"b=y",     "a=x b=y c=z", "+a=x +c=z "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct members have = list_of(rows[i].have);
        struct members want = list_of(rows[i].want);
        struct str steps;
        str_init(&steps);
        members_diff(&have, &want, gone, come, &steps);
        assert_string_equal(steps.len != 0 ? steps.text : "", rows[i].steps);
        str_fini(&steps);
        members_fini(&have);
        members_fini(&want);
    }
}

static void test_owner_names(void **state)
{
    struct name catalog = name_of("cat.test");
    struct name owner;
    char text[NAME_MAX_TEXT];
    (void)state;
    assert_true(members_owner(&catalog, "abc", &owner));
    name_to_text(owner.wire, text);
    assert_string_equal(text, "abc.zones.cat.test");
    assert_true(members_version_owner(&catalog, &owner));
    name_to_text(owner.wire, text);
    assert_string_equal(text, "version.cat.test");
    assert_false(members_owner(&catalog, "", &owner));
    assert_false(members_owner(
        &catalog, "0123456789012345678901234567890123456789012345678901234567890123", &owner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_rfc_9432_says),
        cmocka_unit_test(test_a_member_listed_twice_breaks_the_catalog),
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_owner_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
