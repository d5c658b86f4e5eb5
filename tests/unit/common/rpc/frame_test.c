#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "common/rpc/frame.h"
#include "common/rpc/rpc.h"

static const struct frame sample = {.kind = FRAME_REQUEST,
                                    .flags = FRAME_RESEND,
                                    .client = 0x0102030405060708,
                                    .server = 0x1112131415161718,
                                    .call = 0x2122232425262728,
                                    .method = 0x3132333435363738,
                                    .done = 0x4142434445464748};

static void head_has_its_layout(void **state)
{
    (void)state;
    static const uint8_t expected[FRAME_HEAD] = {
        1,    1,    0,    1,    0,    0,    0,    0,    0x01, 0x02, 0x03, 0x04,
        0x05, 0x06, 0x07, 0x08, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
        0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34,
        0x35, 0x36, 0x37, 0x38, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    };
    uint8_t bytes[FRAME_HEAD];
    frame_write_head(bytes, &sample);
    assert_memory_equal(bytes, expected, sizeof bytes);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEAD + 3];
    frame_write_head(bytes, &sample);
    memcpy(bytes + FRAME_HEAD, "abc", 3);
    struct frame got;
    assert_int_equal(frame_read(bytes, sizeof bytes, &got), ERR_OK);
    assert_int_equal(got.kind, sample.kind);
    assert_int_equal(got.flags, sample.flags);
    assert_true(got.client == sample.client && got.server == sample.server);
    assert_true(got.call == sample.call && got.method == sample.method);
    assert_true(got.done == sample.done);
    assert_int_equal(got.payload_len, 3);
    assert_ptr_equal(got.payload, bytes + FRAME_HEAD);
}

static void hostile_bytes_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEAD];
    frame_write_head(bytes, &sample);
    struct frame got = {.call = 99};
    for (size_t len = 0; len < FRAME_HEAD; len++) {
        // A copy of just that length, so that the sanitizer sees reads behind the end.
        uint8_t *cut = mem_dup(bytes, len);
        assert_int_equal(frame_read(cut, len, &got), ERR_CORRUPT);
        mem_free(cut);
    }
    for (unsigned version = 0; version < 256; version++) {
        bytes[0] = (uint8_t)version;
        enum err expected = version == FRAME_VERSION ? ERR_OK : ERR_UNSUPPORTED;
        struct frame other;
        assert_int_equal(frame_read(bytes, sizeof bytes, &other), expected);
    }
    bytes[0] = FRAME_VERSION;
    static const uint8_t bad_kinds[] = {0, 5, 128, 255};
    for (size_t i = 0; i < sizeof bad_kinds; i++) {
        bytes[1] = bad_kinds[i];
        assert_int_equal(frame_read(bytes, sizeof bytes, &got), ERR_CORRUPT);
    }
    assert_int_equal(got.call, 99); // untouched by failures
}

static void size_is_limited(void **state)
{
    (void)state;
    size_t max = FRAME_HEAD + RPC_MESSAGE_MAX;
    uint8_t *bytes = mem_zalloc(max + 1);
    frame_write_head(bytes, &sample);
    struct frame got;
    assert_int_equal(frame_read(bytes, max, &got), ERR_OK);
    assert_int_equal(got.payload_len, RPC_MESSAGE_MAX);
    assert_int_equal(frame_read(bytes, max + 1, &got), ERR_CORRUPT);
    mem_free(bytes);
}

static void hash_never_changes(void **state)
{
    (void)state;
    // Neighbouring releases must agree: FNV-1a of published test vectors.
    assert_true(frame_method_hash("") == 0xcbf29ce484222325u);
    assert_true(frame_method_hash("a") == 0xaf63dc4c8601ec8cu);
    assert_true(frame_method_hash("foobar") == 0x85944171f73967e8u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_has_its_layout),       cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(hostile_bytes_are_refused), cmocka_unit_test(size_is_limited),
        cmocka_unit_test(hash_never_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
