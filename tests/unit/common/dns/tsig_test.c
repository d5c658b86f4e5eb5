// TSIG against exchanges that dnspython signed, byte for byte, and every way to be wrong.
#include "common/dns/tsig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/str.h"
#include "common/dns/wire.h"
#include "tests/unit/common/dns/tsig_rows.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

struct message {
    uint8_t bytes[1024];
    size_t len;
};

static struct message from_hex(const char *hex)
{
    struct message m;
    assert_int_equal(str_from_hex(hex, strlen(hex), m.bytes, sizeof m.bytes, &m.len), ERR_OK);
    return m;
}

static struct tsig_key key_of(const char *algorithm)
{
    struct tsig_key key;
    struct errmsg e;
    assert_int_equal(tsig_key_init(&key, "Key.TSIG", algorithm, ROWS_SECRET, &e), ERR_OK);
    return key;
}

// The message as it was before it was signed.
static struct message strip(const struct message *in)
{
    struct message out = *in;
    size_t offset = 0;
    assert_int_equal(dns_tsig_find(in->bytes, in->len, &offset), ERR_OK);
    if (offset != 0) {
        out.len = offset;
        out.bytes[11]--;
    }
    return out;
}

static const struct tsig_key *find_key(void *ctx, const uint8_t *name_lower)
{
    const struct tsig_key *key = ctx;
    return key != NULL && name_equal_lower(key->name.wire, name_lower) ? key : NULL;
}

static enum err verify(const struct message *m, const struct tsig_key *key, uint64_t now,
                       struct tsig_state *state)
{
    size_t offset = 0;
    struct tsig_key copy = *key;
    assert_int_equal(dns_tsig_find(m->bytes, m->len, &offset), ERR_OK);
    enum err err = tsig_verify_request(m->bytes, m->len, offset, find_key, &copy, now, state);
    if (state->key != NULL) {
        state->key = key;
    }
    return err;
}

static void assert_same(const struct message *a, const struct message *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->bytes, b->bytes, a->len);
}

// The server's half: takes the request, signs reply and stream.
static void test_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tsig_rows); i++) {
        const struct tsig_row *row = &tsig_rows[i];
        struct tsig_key key = key_of(row->algorithm);
        struct message request = from_hex(row->request);
        struct message want = from_hex(row->reply);
        struct message reply = strip(&want);
        struct tsig_state s;
        assert_int_equal(verify(&request, &key, ROWS_NOW + 300, &s), ERR_OK);
        assert_int_equal(reply.len + tsig_sign_size(&s), want.len);
        assert_int_equal(tsig_sign(reply.bytes, &reply.len, want.len - 1, ROWS_NOW, &s),
                         ERR_TOO_LARGE);
        assert_int_equal(tsig_sign(reply.bytes, &reply.len, want.len, ROWS_NOW, &s), ERR_OK);
        assert_same(&reply, &want);
        // Streams: every message signed, so only the first two rows are alike.
        assert_int_equal(verify(&request, &key, ROWS_NOW, &s), ERR_OK);
        for (unsigned j = 0; j < 2; j++) {
            want = from_hex(row->stream[j]);
            reply = strip(&want);
            assert_int_equal(tsig_sign(reply.bytes, &reply.len, sizeof reply.bytes, ROWS_NOW, &s),
                             ERR_OK);
            assert_same(&reply, &want);
        }
        tsig_state_fini(&s);
    }
}

// The client's half: signs the request, takes reply and stream.
static void test_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tsig_rows); i++) {
        const struct tsig_row *row = &tsig_rows[i];
        struct tsig_key key = key_of(row->algorithm);
        struct message want = from_hex(row->request);
        struct message request = strip(&want);
        struct tsig_state s = {.key = &key};
        struct errmsg e = {.text = ""};
        assert_int_equal(tsig_sign(request.bytes, &request.len, sizeof request.bytes, ROWS_NOW, &s),
                         ERR_OK);
        assert_same(&request, &want);
        struct tsig_state stream = s;
        struct message reply = from_hex(row->reply);
        struct message plain = strip(&reply);
        assert_int_equal(tsig_verify_reply(reply.bytes, &reply.len, ROWS_NOW - 300, &s, &e),
                         ERR_OK);
        assert_same(&reply, &plain);
        for (unsigned j = 0; j < 4; j++) {
            reply = from_hex(row->stream[j]);
            assert_int_equal(tsig_verify_reply(reply.bytes, &reply.len, ROWS_NOW, &stream, &e),
                             ERR_OK);
            assert_int_equal(stream.unsigned_count, j == 2);
        }
        tsig_state_fini(&stream);
        tsig_state_fini(&s);
    }
}

// The case of the TSIG's own names does not count, nor, in a request, the ID beside the original
// one.
static bool may_change(const struct message *m, size_t bit)
{
    uint8_t c = (uint8_t)(m->bytes[bit / 8] | 0x20);
    bool is_case = bit % 8 == 5 && c >= 'a' && c <= 'z';
    return bit < 16 || (is_case && bit / 8 >= strip(m).len);
}

// Any other changed bit of request or reply is refused, whatever it hits.
static void test_changed_bits(void **state)
{
    (void)state;
    const struct tsig_row *row = &tsig_rows[3];
    struct tsig_key key = key_of(row->algorithm);
    struct message good = from_hex(row->request);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        struct message m = good;
        struct tsig_state s;
        size_t offset = 0;
        m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum err err = dns_tsig_find(m.bytes, m.len, &offset);
        if (err == ERR_OK && offset != 0) {
            err = tsig_verify_request(m.bytes, m.len, offset, find_key, &key, ROWS_NOW, &s);
            assert_true(err == ERR_INVALID || err == ERR_DENIED || may_change(&good, bit));
        }
    }
    struct message request = strip(&good);
    struct tsig_state start = {.key = &key};
    assert_int_equal(tsig_sign(request.bytes, &request.len, sizeof request.bytes, ROWS_NOW, &start),
                     ERR_OK);
    struct message reply = from_hex(row->reply);
    for (size_t bit = 16; bit < reply.len * 8; bit++) {
        struct message m = reply;
        struct tsig_state s = start;
        struct errmsg e;
        m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum err err = tsig_verify_reply(m.bytes, &m.len, ROWS_NOW, &s, &e);
        assert_true(err == ERR_INVALID || err == ERR_DENIED || may_change(&reply, bit));
        tsig_state_fini(&s);
    }
}

// What a client sees of each refusal, through the whole round.
static void refused(const struct tsig_key *server_key, const struct tsig_key *client_key,
                    uint64_t server_now, uint16_t error, const char *text)
{
    struct message plain = from_hex(tsig_rows[3].request);
    plain = strip(&plain);
    struct tsig_state client = {.key = client_key};
    struct tsig_state server;
    struct errmsg e = {.text = ""};
    assert_int_equal(tsig_sign(plain.bytes, &plain.len, sizeof plain.bytes, ROWS_NOW, &client),
                     ERR_OK);
    assert_int_equal(verify(&plain, server_key, server_now, &server), ERR_DENIED);
    assert_int_equal(server.error, error);
    struct message reply = from_hex(tsig_rows[3].reply);
    reply = strip(&reply);
    reply.bytes[3] = RCODE_NOTAUTH;
    size_t before = reply.len;
    size_t expected = tsig_sign_size(&server);
    assert_int_equal(tsig_sign(reply.bytes, &reply.len, sizeof reply.bytes, server_now, &server),
                     ERR_OK);
    assert_int_equal(reply.len - before, expected);
    assert_int_equal(tsig_verify_reply(reply.bytes, &reply.len, ROWS_NOW, &client, &e), ERR_DENIED);
    if (strstr(e.text, text) == NULL) {
        fail_msg("%s", e.text);
    }
    tsig_state_fini(&client);
}

static void test_refusals(void **state)
{
    (void)state;
    struct tsig_key key = key_of("hmac-sha256");
    struct tsig_key other_secret = key;
    struct tsig_key other_algorithm = key_of("hmac-sha512");
    struct tsig_key other_name = key;
    other_secret.secret[0] ^= 1;
    assert_int_equal(name_from_text("other", &other_name.name, NULL), ERR_OK);
    refused(&key, &other_secret, ROWS_NOW, RCODE_BADSIG, "BADSIG");
    refused(&key, &other_algorithm, ROWS_NOW, RCODE_BADKEY, "BADKEY");
    refused(&key, &other_name, ROWS_NOW, RCODE_BADKEY, "BADKEY");
    refused(&key, &key, ROWS_NOW + 301, RCODE_BADTIME, "BADTIME");
    refused(&key, &key, ROWS_NOW - 301, RCODE_BADTIME, "BADTIME");
}

// Section 5.2.2.1: a MAC cut by the sender. Enough for FORMERR's limit, not for us.
static void test_truncated(void **state)
{
    (void)state;
    struct tsig_key key = key_of("hmac-sha256");
    struct message full = from_hex(tsig_rows[3].request);
    size_t mac_at = full.len - 32 - 6;
    static const struct {
        uint8_t len;
        enum err err;
        uint16_t error;
    } rows[] = {
        {32, ERR_OK,      0             },
        {31, ERR_DENIED,  RCODE_BADTRUNC},
        {16, ERR_DENIED,  RCODE_BADTRUNC},
        {15, ERR_INVALID, 0             },
        {0,  ERR_INVALID, 0             }
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct message m = full;
        struct tsig_state s;
        size_t cut = 32u - rows[i].len;
        memmove(m.bytes + mac_at + rows[i].len, m.bytes + mac_at + 32, 6);
        m.len -= cut;
        m.bytes[mac_at - 1] = rows[i].len;
        size_t rdlength_at = mac_at - 2 - 2 - 6 - key.algorithm.len - 1;
        m.bytes[rdlength_at] = (uint8_t)(m.bytes[rdlength_at] - cut);
        assert_int_equal(verify(&m, &key, ROWS_NOW, &s), rows[i].err);
        assert_int_equal(s.error, rows[i].error);
    }
}

static void test_streams_gone_wrong(void **state)
{
    (void)state;
    const struct tsig_row *row = &tsig_rows[3];
    struct tsig_key key = key_of(row->algorithm);
    struct message request = from_hex(row->request);
    request = strip(&request);
    struct tsig_state s = {.key = &key};
    struct errmsg e;
    assert_int_equal(tsig_sign(request.bytes, &request.len, sizeof request.bytes, ROWS_NOW, &s),
                     ERR_OK);
    struct message m = from_hex(row->stream[2]); // unsigned, as the first
    assert_int_equal(tsig_verify_reply(m.bytes, &m.len, ROWS_NOW, &s, &e), ERR_DENIED);
    m = from_hex(row->stream[0]);
    assert_int_equal(tsig_verify_reply(m.bytes, &m.len, ROWS_NOW, &s, &e), ERR_OK);
    m = from_hex(row->stream[3]); // two are missing
    struct tsig_state copy = s;
    assert_int_equal(tsig_verify_reply(m.bytes, &m.len, ROWS_NOW, &copy, &e), ERR_DENIED);
    tsig_state_fini(&copy);
    for (unsigned i = 0; i < 100; i++) {
        m = from_hex(row->stream[2]);
        assert_int_equal(tsig_verify_reply(m.bytes, &m.len, ROWS_NOW, &s, &e),
                         i < 99 ? ERR_OK : ERR_DENIED);
    }
    tsig_state_fini(&s);
}

static void test_without(void **state)
{
    (void)state;
    struct tsig_state s = {.key = NULL};
    struct errmsg e;
    struct message signed_reply = from_hex(tsig_rows[0].reply);
    struct message m = strip(&signed_reply);
    size_t len = m.len;
    assert_int_equal(tsig_sign_size(&s), 0);
    assert_int_equal(tsig_sign(m.bytes, &m.len, sizeof m.bytes, ROWS_NOW, &s), ERR_OK);
    assert_int_equal(m.len, len);
    assert_int_equal(tsig_verify_reply(m.bytes, &m.len, ROWS_NOW, &s, &e), ERR_OK);
    assert_int_equal(tsig_verify_reply(signed_reply.bytes, &signed_reply.len, ROWS_NOW, &s, &e),
                     ERR_DENIED);
}

static void test_bad_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *algorithm;
        const char *secret;
        const char *reason;
    } rows[] = {
        {"a..b", "hmac-sha256", "AAAA", "TSIG key 'a..b': the name has an empty label"},
        {"a",    "hmac-sha3",   "AAAA", "'hmac-sha3' is not a known algorithm"        },
        {"a",    "hmac-sha256", "",     "the secret is not base64"                    },
        {"a",    "hmac-sha256", "A",    "the secret is not base64"                    },
        {"a",    "hmac-sha256", "!!!!", "the secret is not base64"                    },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tsig_key key = {.secret_len = 4242};
        struct errmsg e = {.text = ""};
        assert_int_equal(tsig_key_init(&key, rows[i].name, rows[i].algorithm, rows[i].secret, &e),
                         ERR_INVALID);
        if (strstr(e.text, rows[i].reason) == NULL) {
            fail_msg("%s", e.text);
        }
        assert_int_equal(key.secret_len, 4242);
    }
    struct tsig_key key;
    assert_int_equal(tsig_key_init(&key, "A", "HMAC-MD5", "AAAA", NULL), ERR_OK);
    assert_int_equal(key.algorithm.len, 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server),       cmocka_unit_test(test_client),
        cmocka_unit_test(test_changed_bits), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_streams_gone_wrong),
        cmocka_unit_test(test_without),      cmocka_unit_test(test_bad_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
