// Any message as a signed request and as the answer to one.
#include <stdint.h>
#include <string.h>

#include "common/dns/tsig.h"
#include "common/dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static const struct tsig_key *find(void *ctx, const uint8_t *name_lower)
{
    const struct tsig_key *key = ctx;
    return name_equal_lower(key->name.wire, name_lower) ? key : NULL;
}

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t message[DNS_MESSAGE_MAX + 1024];
    struct tsig_key key;
    struct errmsg e;
    if (size > DNS_MESSAGE_MAX || size < DNS_HEADER_SIZE ||
        tsig_key_init(&key, "key.tsig", "hmac-sha256",
                      "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMhIQ==", &e) != ERR_OK) {
        return 0;
    }
    struct tsig_state server = {.key = NULL};
    size_t offset = 0;
    if (dns_tsig_find(bytes, size, &offset) == ERR_OK && offset != 0) {
        enum err err = tsig_verify_request(bytes, size, offset, find, &key, NOW, &server);
        must(err == ERR_OK || err == ERR_INVALID || (err == ERR_DENIED && server.error != 0));
        memcpy(message, bytes, offset);
        size_t len = offset;
        size_t grows = tsig_sign_size(&server);
        must(tsig_sign(message, &len, sizeof message, NOW, &server) == ERR_OK &&
             len == offset + grows);
    }
    (void)!tsig_verify_request(bytes, size, size / 2, find, &key, NOW, &server);

    struct tsig_state client = {.key = &key};
    memcpy(message, "\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17);
    size_t len = 17;
    must(tsig_sign(message, &len, sizeof message, NOW, &client) == ERR_OK);
    client.is_stream = size % 2 == 0;
    for (unsigned i = 0; i < 2; i++) {
        memcpy(message, bytes, size);
        len = size;
        if (tsig_verify_reply(message, &len, NOW, &client, &e) == ERR_OK) {
            must(len <= size);
        }
    }
    tsig_state_fini(&client);
    return 0;
}
