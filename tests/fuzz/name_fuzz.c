// Any bytes as a name: in wire form, in text, as a key, and compressed in a message.
#include <stdint.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void check_wire(const uint8_t *wire, size_t len)
{
    char text[NAME_MAX_TEXT];
    struct name back;
    name_to_text_dot(wire, text);
    must(strlen(text) < NAME_MAX_TEXT);
    must(name_from_text(text, &back, NULL) == ERR_OK && back.len == len &&
         memcmp(back.wire, wire, len) == 0);

    uint8_t key[NAME_MAX_KEY];
    size_t key_len = name_to_key(wire, key);
    must(key_len <= NAME_MAX_KEY);
    memcpy(back.wire, wire, len);
    name_fold(back.wire);
    struct name unkeyed;
    must(name_from_key(key, key_len, &unkeyed) == ERR_OK && unkeyed.len == len);
    must(name_equal_lower(unkeyed.wire, back.wire) && name_equal(unkeyed.wire, wire));
    must(name_compare(unkeyed.wire, back.wire) == 0 &&
         name_hash(unkeyed.wire) == name_hash(back.wire));
    for (unsigned i = 0; i <= name_labels(wire); i++) {
        must(name_is_below_or_equal(back.wire, name_skip(back.wire, i)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct name name;
    size_t len = name_check(bytes, size);
    if (len != 0) {
        check_wire(bytes, len);
    }
    char *text = mem_alloc(size + 1);
    memcpy(text, bytes, size);
    text[size] = '\0';
    struct errmsg e;
    if (name_from_text_origin(text, size, NULL, &name, &e) == ERR_OK) {
        must(name_check(name.wire, name.len) == name.len);
        check_wire(name.wire, name.len);
    }
    mem_free(text);
    if (name_from_key(bytes, size, &name) == ERR_OK) {
        uint8_t key[NAME_MAX_KEY];
        must(name_check(name.wire, name.len) == name.len);
        (void)name_to_key(name.wire, key);
    }
    for (size_t start = 0; start < size && start < 64; start++) {
        size_t at = start;
        if (name_read(bytes, size, &at, &name) == ERR_OK) {
            must(at <= size && at > start && name_check(name.wire, name.len) == name.len);
        }
    }
    return 0;
}
