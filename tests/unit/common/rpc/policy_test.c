#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/rpc/frame.h"
#include "common/rpc/message.h"
#include "common/rpc/rpc.h"
#include "proto/clusterd.pb-c.h"
#include "proto/common.pb-c.h"
#include "proto/dnsd.pb-c.h"
#include "proto/webd.pb-c.h"

// Every service of proto/. The build has no list of them, so rows without a method are found too.
static const ProtobufCServiceDescriptor *const services[] = {
    &clusterd__config__descriptor, &clusterd__cluster__descriptor, &clusterd__peer__descriptor,
    &dnsd__zones__descriptor,      &dnsd__server__descriptor,      &webd__web__descriptor,
};
enum { SERVICES = sizeof services / sizeof services[0] };

static void every_method_has_a_row(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVICES; s++) {
        for (unsigned m = 0; m < services[s]->n_methods; m++) {
            char name[128];
            assert_true(message_method_name(services[s], m, name, sizeof name));
            if (rpc_policy_find(name) == NULL) {
                fail_msg("%s has no row in policy.def", name);
            }
        }
    }
}

static void every_row_has_a_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < rpc_policy_count; i++) {
        size_t found = 0;
        for (size_t s = 0; s < SERVICES; s++) {
            for (unsigned m = 0; m < services[s]->n_methods; m++) {
                char name[128];
                assert_true(message_method_name(services[s], m, name, sizeof name));
                found += strcmp(name, rpc_policy[i].name) == 0;
            }
        }
        if (found != 1) {
            fail_msg("%s has a row but %zu methods", rpc_policy[i].name, found);
        }
    }
}

static void rows_make_sense(void **state)
{
    (void)state;
    for (size_t i = 0; i < rpc_policy_count; i++) {
        const struct rpc_method_policy *row = &rpc_policy[i];
        assert_ptr_equal(rpc_policy_find(row->name), row); // named once
        assert_true(row->callers != 0 && row->callers < 1u << RPC_PARTY_COUNT);
        assert_in_range(row->deadline_ms, 1000, 120000);
        uint64_t hash = frame_method_hash(row->name);
        assert_true(hash != 0);
        for (size_t j = 0; j < i; j++) {
            assert_true(hash != frame_method_hash(rpc_policy[j].name));
        }
        // Nobody calls itself.
        for (enum rpc_party p = RPC_DNSD; p < RPC_CTL; p++) {
            const char *party = rpc_party_name(p);
            size_t len = strlen(party);
            if (strncmp(row->name, party, len) == 0 && row->name[len] == '.') {
                assert_int_equal(row->callers & 1u << p, 0);
            }
        }
    }
}

static void every_reply_can_carry_an_error(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVICES; s++) {
        for (unsigned m = 0; m < services[s]->n_methods; m++) {
            struct errmsg in;
            err_set(&in, ERR_BUSY, "come back later");
            ProtobufCMessage *reply = message_error_new(services[s]->methods[m].output, &in);
            if (reply == NULL) {
                fail_msg("the reply of %s.%s has no error in field 1", services[s]->name,
                         services[s]->methods[m].name);
                return;
            }
            struct errmsg out;
            assert_int_equal(message_error_get(reply, &out), ERR_BUSY);
            assert_string_equal(out.text, "come back later");
            protobuf_c_message_free_unpacked(reply, NULL);
        }
    }
}

static void errors_travel(void **state)
{
    (void)state;
    struct errmsg e = {.code = ERR_OK};
    Trellis__Error storage;
    assert_null(rpc_error(&storage, &e));
    err_set(&e, ERR_EXISTS, "zone example.com exists");
    Trellis__Error *error = rpc_error(&storage, &e);
    assert_non_null(error);
    struct errmsg got;
    assert_int_equal(rpc_error_get(error, &got), ERR_EXISTS);
    assert_string_equal(got.text, "zone example.com exists");
    assert_int_equal(rpc_error_get(NULL, &got), ERR_OK);
    // Of a newer peer: a code that we do not know, and one without text.
    error->code = 4711;
    assert_int_equal(rpc_error_get(error, &got), ERR_INTERNAL);
    error->code = ERR_DENIED;
    char empty[] = "";
    error->message = empty;
    assert_int_equal(rpc_error_get(error, &got), ERR_DENIED);
    assert_string_equal(got.text, err_text(ERR_DENIED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_has_a_row), cmocka_unit_test(every_row_has_a_method),
        cmocka_unit_test(rows_make_sense),        cmocka_unit_test(every_reply_can_carry_an_error),
        cmocka_unit_test(errors_travel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
