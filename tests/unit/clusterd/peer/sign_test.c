/*
 * Signatures of requests between nodes: what passes, and each way of being refused.
 */
#include "clusterd/peer/sign.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE 11u
#define BOB   22u

struct fixture {
    char folder[64];
    char path[2][96];
    struct tls_node_key *alice;
    struct tls_node_key *mallory;
    struct node nodes[2];
    struct node_table table;    // as bob has it
    struct sign_memory *memory; // bob's
};

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct errmsg e = {0};
    snprintf(f->folder, sizeof f->folder, "/tmp/sign-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path[0], sizeof f->path[0], "%s/alice.key", f->folder);
    snprintf(f->path[1], sizeof f->path[1], "%s/mallory.key", f->folder);
    assert_int_equal(tls_node_key_open(f->path[0], &f->alice, &e), ERR_OK);
    assert_int_equal(tls_node_key_open(f->path[1], &f->mallory, &e), ERR_OK);
    f->nodes[0] = (struct node){.id = ALICE, .name = "alice.test"};
    f->nodes[1] = (struct node){.id = BOB, .name = "bob.test"};
    tls_node_key_public(f->alice, f->nodes[0].public_key);
    f->table = (struct node_table){.in_cluster = true, .nodes = f->nodes, .count = 2};
    f->memory = sign_memory_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tls_node_key_close(f->alice);
    tls_node_key_close(f->mallory);
    sign_memory_free(f->memory);
    unlink(f->path[0]);
    unlink(f->path[1]);
    rmdir(f->folder);
    mem_free(f);
    return 0;
}

static const char BODY[] = "{\"version\":[1,7]}";

static struct sign_request request_of_alice(void)
{
    struct sign_request request = {.method = "POST",
                                   .target = "/cluster/v1/notify",
                                   .node = ALICE,
                                   .target_node = BOB,
                                   .epoch = 3,
                                   .acting_user = "admin"};
    hash_sha256(BODY, strlen(BODY), request.body_sha256);
    return request;
}

static struct sign_check check_of_bob(const struct fixture *f, const struct sign_headers *headers)
{
    struct sign_check check = {.method = "POST",
                               .target = "/cluster/v1/notify",
                               .headers = headers->header,
                               .header_count = headers->count,
                               .table = &f->table,
                               .self = BOB,
                               .now_ms = clock_unix_ms()};
    hash_sha256(BODY, strlen(BODY), check.body_sha256);
    return check;
}

static void expect_refused(struct fixture *f, const struct sign_check *check, const char *said)
{
    struct sign_result result = {0};
    struct errmsg e = {0};
    assert_int_equal(sign_verify(f->memory, check, &result, &e), ERR_DENIED);
    if (strstr(e.text, said) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", e.text, said);
    }
    assert_null(result.node);
}

static void test_a_good_request_passes_once(void **state)
{
    struct fixture *f = *state;
    struct sign_request request = request_of_alice();
    struct sign_headers headers;
    struct errmsg e = {0};
    assert_int_equal(sign_make(f->alice, &request, &headers, &e), ERR_OK);
    struct sign_check check = check_of_bob(f, &headers);
    struct sign_result result = {0};
    assert_int_equal(sign_verify(f->memory, &check, &result, &e), ERR_OK);
    assert_int_equal(result.node->id, ALICE);
    assert_int_equal(result.epoch, 3);
    assert_string_equal(result.acting_user, "admin");
    expect_refused(f, &check, "received before");
    // Header names come in any case.
    assert_int_equal(sign_make(f->alice, &request, &headers, &e), ERR_OK);
    headers.header[0].name = "trellis-node";
    check = check_of_bob(f, &headers);
    assert_int_equal(sign_verify(f->memory, &check, &result, &e), ERR_OK);
}

// What someone on the way, or another node, may change.
enum tamper {
    TAMPER_METHOD,
    TAMPER_TARGET,
    TAMPER_BODY,
    TAMPER_USER,
    TAMPER_NO_USER,
    TAMPER_EPOCH,
    TAMPER_SIGNATURE,
    TAMPER_SHORT_SIGNATURE,
    TAMPER_NONCE,
    TAMPER_BAD_NONCE,
    TAMPER_TIME_TEXT,
    TAMPER_MISSING,
    TAMPER_KEY,
    TAMPER_FAST,
    TAMPER_SLOW,
    TAMPER_OTHER_TARGET,
    TAMPER_REMOVED,
    TAMPER_SELF,
    TAMPER_COUNT
};
static const char *const SAID[TAMPER_COUNT] = {
    [TAMPER_METHOD] = "signature of alice.test",
    [TAMPER_TARGET] = "signature of alice.test",
    [TAMPER_BODY] = "signature of alice.test",
    [TAMPER_USER] = "signature of alice.test",
    [TAMPER_NO_USER] = "signature of alice.test",
    [TAMPER_EPOCH] = "signature of alice.test",
    [TAMPER_SIGNATURE] = "signature of alice.test",
    [TAMPER_SHORT_SIGNATURE] = "signature of alice.test",
    [TAMPER_NONCE] = "signature of alice.test",
    [TAMPER_BAD_NONCE] = "malformed",
    [TAMPER_TIME_TEXT] = "signature of alice.test",
    [TAMPER_MISSING] = "is missing",
    [TAMPER_KEY] = "signature of alice.test",
    [TAMPER_FAST] = "clocks",
    [TAMPER_SLOW] = "clocks",
    [TAMPER_OTHER_TARGET] = "is for node 33",
    [TAMPER_REMOVED] = "no longer",
    [TAMPER_SELF] = "no longer",
};

static struct http_header *header_named(struct sign_headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (strcmp(headers->header[i].name, name) == 0) {
            return &headers->header[i];
        }
    }
    fail_msg("no header %s", name);
    return &headers->header[0]; // not reached
}

static void change_headers(enum tamper tamper, struct sign_headers *headers)
{
    static const struct {
        enum tamper tamper;
        const char *header;
        const char *value;
    } rows[] = {
        {TAMPER_USER,            "Trellis-Acting-User", "root"                            },
        {TAMPER_NO_USER,         "Trellis-Acting-User", ""                                },
        {TAMPER_EPOCH,           "Trellis-Epoch",       "4"                               },
        {TAMPER_SHORT_SIGNATURE, "Trellis-Signature",   "AAAA"                            },
        {TAMPER_NONCE,           "Trellis-Nonce",       "00112233445566778899aabbccddeeff"},
        {TAMPER_BAD_NONCE,       "Trellis-Nonce",       "0011"                            },
        {TAMPER_TIME_TEXT,       "Trellis-Time",        "tomorrow"                        },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].tamper == tamper) {
            header_named(headers, rows[i].header)->value = rows[i].value;
        }
    }
    if (tamper == TAMPER_SIGNATURE) {
        // Another signature of the right length: the last value but one of base64 changed.
        static char copy[320];
        snprintf(copy, sizeof copy, "%s", header_named(headers, "Trellis-Signature")->value);
        copy[10] = copy[10] == 'A' ? 'B' : 'A';
        header_named(headers, "Trellis-Signature")->value = copy;
    } else if (tamper == TAMPER_MISSING) {
        headers->count--;
    }
}

static void test_everything_else_is_refused(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < TAMPER_COUNT; i++) {
        enum tamper tamper = (enum tamper)i;
        struct sign_request request = request_of_alice();
        struct sign_headers headers;
        struct errmsg e = {0};
        request.target_node = tamper == TAMPER_OTHER_TARGET ? 33 : BOB;
        request.node = tamper == TAMPER_REMOVED ? 44 : tamper == TAMPER_SELF ? BOB : ALICE;
        assert_int_equal(
            sign_make(tamper == TAMPER_KEY ? f->mallory : f->alice, &request, &headers, &e),
            ERR_OK);
        change_headers(tamper, &headers);
        struct sign_check check = check_of_bob(f, &headers);
        check.method = tamper == TAMPER_METHOD ? "GET" : check.method;
        check.target = tamper == TAMPER_TARGET ? "/cluster/v1/removed" : check.target;
        check.body_sha256[0] ^= tamper == TAMPER_BODY;
        check.now_ms += tamper == TAMPER_FAST ? SIGN_CLOCK_MS + 5000 : 0;
        check.now_ms -= tamper == TAMPER_SLOW ? SIGN_CLOCK_MS + 5000 : 0;
        expect_refused(f, &check, SAID[i]);
    }
}

static void test_clocks_may_differ_a_little(void **state)
{
    struct fixture *f = *state;
    struct sign_request request = request_of_alice();
    static const int64_t apart_ms[] = {-(int64_t)SIGN_CLOCK_MS + 5000,
                                       (int64_t)SIGN_CLOCK_MS - 5000};
    for (size_t i = 0; i < 2; i++) {
        struct sign_headers headers;
        struct errmsg e = {0};
        struct sign_result result = {0};
        assert_int_equal(sign_make(f->alice, &request, &headers, &e), ERR_OK);
        struct sign_check check = check_of_bob(f, &headers);
        check.now_ms += (uint64_t)apart_ms[i];
        assert_int_equal(sign_verify(f->memory, &check, &result, &e), ERR_OK);
    }
}

static void test_names_that_break_headers_are_not_sent(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"a\r\nTrellis-Epoch: 9", "a\x7f", "tab\there"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sign_request request = request_of_alice();
        struct sign_headers headers;
        struct errmsg e = {0};
        request.acting_user = names[i];
        assert_int_equal(sign_make(f->alice, &request, &headers, &e), ERR_INVALID);
    }
}

// The memory grows beyond its first size without forgetting.
static void test_many_requests_are_remembered(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 1500 };
    struct sign_request request = request_of_alice();
    struct sign_headers *headers = mem_calloc(COUNT, sizeof *headers);
    struct errmsg e = {0};
    struct sign_result result = {0};
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(sign_make(f->alice, &request, &headers[i], &e), ERR_OK);
        struct sign_check check = check_of_bob(f, &headers[i]);
        assert_int_equal(sign_verify(f->memory, &check, &result, &e), ERR_OK);
    }
    for (size_t i = 0; i < COUNT; i += 100) {
        struct sign_check check = check_of_bob(f, &headers[i]);
        assert_int_equal(sign_verify(f->memory, &check, &result, &e), ERR_DENIED);
    }
    mem_free(headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_good_request_passes_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_everything_else_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clocks_may_differ_a_little, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_that_break_headers_are_not_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_many_requests_are_remembered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
