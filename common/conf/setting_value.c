#include "common/conf/setting_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "common/conf/value_form.h"

/*
 * One value at a time: form text to JSON, JSON to its canonical form. One function a kind in each
 * direction. Pure functions of their arguments (but for new TSIG secrets); any thread.
 *
 * Form text is first made JSON as it stands (parse_*), then checked like any JSON (normalize_*), so
 * that a rule is written once.
 */
#define LIST_TEXT_MAX ((size_t)256 * 1024)

static bool has_flag(const struct setting *row, unsigned flag)
{
    return (row->flags & flag) != 0;
}

// A short form of a value for an error text.
static void show(const json_t *value, char dst[80])
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    size_t len = text == NULL ? 0 : strlen(text);
    if (len < 64) {
        memcpy(dst, text == NULL ? "" : text, len + 1);
    } else {
        memcpy(dst, text, 60);
        memcpy(dst + 60, "...", 4);
    }
    free(text);
}

static enum err bad_value(const struct setting *row, const json_t *value, const char *expected,
                          struct errmsg *e)
{
    char shown[80] = SETTING_MASK;
    if (!has_flag(row, SETTING_SECRET)) {
        show(value, shown);
    }
    return err_set(e, ERR_INVALID, "setting %s: %s is not %s", row->name, shown, expected);
}

// ---- words ---------------------------------------------------------------------------

bool setting_word_find(const struct setting *row, const char *text, unsigned *word)
{
    uint32_t number = 0;
    if (text == NULL) {
        return false;
    }
    for (unsigned i = 0; i < row->word_count; i++) {
        if (str_equal_nocase(row->words[i], text)) {
            *word = i;
            return true;
        }
    }
    if (str_to_u32(text, UINT32_MAX, &number) == ERR_OK && number < row->word_count) {
        *word = number;
        return true;
    }
    return false;
}

// ---- JSON to canonical JSON --------------------------------------------------------------------

static enum err normalize_bool(const struct setting *row, const json_t *value, json_t **out,
                               struct errmsg *e)
{
    if (!json_is_boolean(value)) {
        return bad_value(row, value, "true or false", e);
    }
    *out = json_boolean(json_is_true(value));
    return ERR_OK;
}

static enum err normalize_number(const struct setting *row, const json_t *value, json_t **out,
                                 struct errmsg *e)
{
    if (!json_is_integer(value) || json_integer_value(value) < row->min ||
        json_integer_value(value) > row->max) {
        char expected[80];
        (void)snprintf(expected, sizeof expected, "a number from %" PRId64 " to %" PRId64, row->min,
                       row->max);
        return bad_value(row, value, expected, e);
    }
    *out = json_integer(json_integer_value(value));
    return ERR_OK;
}

static enum err normalize_word(const struct setting *row, const json_t *value, json_t **out,
                               struct errmsg *e)
{
    unsigned word = 0;
    if (!setting_word_find(row, json_string_value(value), &word)) {
        struct str expected;
        str_init(&expected);
        str_add(&expected, "one of");
        for (size_t i = 0; i < row->word_count; i++) {
            str_printf(&expected, "%s %s", i == 0 ? "" : ",", row->words[i]);
        }
        (void)bad_value(row, value, expected.text, e);
        str_fini(&expected);
        return ERR_INVALID;
    }
    *out = json_string(row->words[word]);
    return ERR_OK;
}

static enum err normalize_string(const struct setting *row, const json_t *value, json_t **out,
                                 struct errmsg *e)
{
    char canonical[VALUE_FORM_MAX];
    const char *text = json_string_value(value);
    bool is_empty = json_is_null(value) || (text != NULL && text[0] == '\0');
    if (is_empty && has_flag(row, SETTING_NULLABLE)) {
        *out = json_null();
        return ERR_OK;
    }
    if (text == NULL || is_empty || !value_form_check(row->form, text, canonical)) {
        return bad_value(row, value, value_form_words(row->form), e);
    }
    if (strlen(canonical) > (size_t)row->max) {
        char expected[60];
        (void)snprintf(expected, sizeof expected, "a text of at most %" PRId64 " bytes", row->max);
        return bad_value(row, value, expected, e);
    }
    *out = json_string(canonical);
    return ERR_OK;
}

static bool array_has(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (strcmp(json_string_value(json_array_get(array, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

static enum err check_count(const struct setting *row, size_t count, struct errmsg *e)
{
    if (count <= (size_t)row->max) {
        return ERR_OK;
    }
    return err_set(e, ERR_INVALID, "setting %s: %zu items are more than the %" PRId64 " allowed",
                   row->name, count, row->max);
}

static enum err normalize_list(const struct setting *row, const json_t *value, json_t **out,
                               struct errmsg *e)
{
    char canonical[VALUE_FORM_MAX];
    if (!json_is_array(value) && !json_is_null(value)) {
        return bad_value(row, value, "a list", e);
    }
    enum err err = check_count(row, json_array_size(value), e);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value) && err == ERR_OK; i++) {
        const json_t *item = json_array_get(value, i);
        const char *text = json_string_value(item);
        if (text == NULL || !value_form_check(row->form, text, canonical)) {
            err = bad_value(row, item, value_form_words(row->form), e);
        } else if (!array_has(list, canonical)) {
            (void)json_array_append_new(list, json_string(canonical));
        }
    }
    if (err != ERR_OK) {
        json_decref(list);
        return err;
    }
    if (json_array_size(list) == 0 && (row->flags & (SETTING_NULLABLE | SETTING_EMPTY_DEFAULT))) {
        json_decref(list);
        list = setting_default_json(row);
    }
    *out = list;
    return ERR_OK;
}

static enum err normalize_ports(const struct setting *row, const json_t *value, json_t **out,
                                struct errmsg *e)
{
    if (!json_is_array(value) && !json_is_null(value)) {
        return bad_value(row, value, "a list of ports", e);
    }
    enum err err = check_count(row, json_array_size(value), e);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value) && err == ERR_OK; i++) {
        const json_t *item = json_array_get(value, i);
        json_int_t port = json_integer_value(item);
        if (!json_is_integer(item) || port < 1 || port > 65535) {
            err = bad_value(row, item, "a port from 1 to 65535", e);
        } else {
            (void)json_array_append_new(list, json_integer(port));
        }
    }
    if (err != ERR_OK) {
        json_decref(list);
        return err;
    }
    *out = list;
    return ERR_OK;
}

// A whole number of `member` within [0, max]; false = it is not.
static bool member_number(const json_t *object, const char *member, json_int_t max, json_int_t *out)
{
    const json_t *value = json_object_get(object, member);
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0 && *out <= max;
}

static bool qpm_has_prefix(const json_t *rows, json_int_t prefix)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_integer_value(json_object_get(row, "prefix")) == prefix) {
            return true;
        }
    }
    return false;
}

// `row->max` is the longest prefix; there is at most one row a prefix.
static enum err normalize_qpm(const struct setting *row, const json_t *value, json_t **out,
                              struct errmsg *e)
{
    if (!json_is_array(value) && !json_is_null(value)) {
        return bad_value(row, value, "a list of rows with prefix, udpLimit and tcpLimit", e);
    }
    json_t *rows = json_array();
    enum err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(value) && err == ERR_OK; i++) {
        const json_t *item = json_array_get(value, i);
        json_int_t prefix = 0;
        json_int_t udp = 0;
        json_int_t tcp = 0;
        char expected[120];
        (void)snprintf(expected, sizeof expected,
                       "a row of prefix (0 to %" PRId64 "), udpLimit and tcpLimit", row->max);
        if (!member_number(item, "prefix", row->max, &prefix) ||
            !member_number(item, "udpLimit", INT32_MAX, &udp) ||
            !member_number(item, "tcpLimit", INT32_MAX, &tcp)) {
            err = bad_value(row, item, expected, e);
        } else if (qpm_has_prefix(rows, prefix)) {
            err = bad_value(row, item, "the only row of its prefix", e);
        } else {
            (void)json_array_append_new(rows, json_pack("{s:I, s:I, s:I}", "prefix", prefix,
                                                        "udpLimit", udp, "tcpLimit", tcp));
        }
    }
    if (err != ERR_OK) {
        json_decref(rows);
        return err;
    }
    *out = rows;
    return ERR_OK;
}

// Puts the canonical form of `value`'s member `from` into `object` as `to`, by the rules of the
// setting `name`.
static enum err copy_member(json_t *object, const json_t *value, const char *member,
                            const char *name, struct errmsg *e)
{
    const json_t *given = json_object_get(value, member);
    json_t *canonical = NULL;
    json_t *none = json_null();
    enum err err =
        setting_normalize(setting_find(name), given == NULL ? none : given, &canonical, e);
    if (err == ERR_OK && !json_is_null(canonical)) {
        (void)json_object_set(object, member, canonical);
    }
    json_decref(canonical);
    return err;
}

static enum err normalize_proxy(const struct setting *row, const json_t *value, json_t **out,
                                struct errmsg *e)
{
    // The parts have rows of their own; address and port must be there.
    static const struct {
        const char *member;
        const char *name;
        bool required;
    } parts[] = {
        {"type",     "proxyType",     true },
        {"address",  "proxyAddress",  true },
        {"port",     "proxyPort",     true },
        {"username", "proxyUsername", false},
        {"password", "proxyPassword", false},
        {"bypass",   "proxyBypass",   false},
    };
    const char *type = json_string_value(json_object_get(value, "type"));
    if (json_is_null(value) || (type != NULL && str_equal_nocase(type, "None"))) {
        *out = json_null();
        return ERR_OK;
    }
    if (!json_is_object(value)) {
        return bad_value(row, value, "an object", e);
    }
    json_t *object = json_object();
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == ERR_OK; i++) {
        err = copy_member(object, value, parts[i].member, parts[i].name, e);
        if (err == ERR_OK && parts[i].required && !json_object_get(object, parts[i].member)) {
            err = err_set(e, ERR_INVALID, "setting %s: %s is missing", row->name, parts[i].name);
        }
    }
    if (err != ERR_OK) {
        json_decref(object);
        return err;
    }
    *out = object;
    return ERR_OK;
}

// ---- TSIG keys ---------------------------------------------------------------------------------

// Words of the API and the bytes of a new secret: the size of the hash (RFC 2104 section 3).
static const struct {
    const char *word;
    size_t secret_size;
} algorithms[] = {
    {"hmac-md5.sig-alg.reg.int", 16},
    {"hmac-sha1",                20},
    {"hmac-sha224",              28},
    {"hmac-sha256",              32},
    {"hmac-sha256-128",          32},
    {"hmac-sha384",              48},
    {"hmac-sha384-192",          48},
    {"hmac-sha512",              64},
    {"hmac-sha512-256",          64},
};

#define SECRET_TEXT_MAX 700

// Checks the base64 of `given`, or makes a secret when it is empty. The mask passes: settings/set
// puts the stored secret in its place.
static bool take_secret(const char *given, size_t size, char text[SECRET_TEXT_MAX])
{
    uint8_t bytes[512];
    size_t len = 0;
    if (strcmp(given, SETTING_MASK) == 0) {
        return str_copy(text, SECRET_TEXT_MAX, given);
    }
    if (given[0] != '\0') {
        bool good = strlen(given) < SECRET_TEXT_MAX &&
                    str_from_base64(given, strlen(given), bytes, sizeof bytes, &len) == ERR_OK &&
                    len > 0 && str_copy(text, SECRET_TEXT_MAX, given);
        mem_wipe(bytes, sizeof bytes);
        return good;
    }
    rand_bytes(bytes, size);
    str_base64(text, bytes, size);
    mem_wipe(bytes, sizeof bytes);
    return true;
}

static enum err normalize_tsig_key(const struct setting *row, const json_t *item, json_t *keys,
                                   struct errmsg *e)
{
    char name[VALUE_FORM_MAX];
    char secret[SECRET_TEXT_MAX];
    const char *given_name = json_string_value(json_object_get(item, "keyName"));
    const char *given_secret = json_string_value(json_object_get(item, "sharedSecret"));
    const char *given_algorithm = json_string_value(json_object_get(item, "algorithmName"));
    if (given_name == NULL || !value_form_check(SETTING_FORM_DOMAIN, given_name, name)) {
        return err_set(e, ERR_INVALID, "setting %s: \"%.60s\" is not a key name", row->name,
                       given_name == NULL ? "" : given_name);
    }
    size_t at = 0;
    size_t count = sizeof algorithms / sizeof algorithms[0];
    while (at < count &&
           (given_algorithm == NULL || !str_equal_nocase(algorithms[at].word, given_algorithm))) {
        at++;
    }
    if (at == count) {
        return err_set(e, ERR_INVALID, "setting %s: \"%.60s\" is not an algorithm (key %.60s)",
                       row->name, given_algorithm == NULL ? "" : given_algorithm, name);
    }
    if (!take_secret(given_secret == NULL ? "" : given_secret, algorithms[at].secret_size,
                     secret)) {
        return err_set(e, ERR_INVALID,
                       "setting %s: the secret of key %.60s is not base64 of 1 to 512 bytes",
                       row->name, name);
    }
    (void)json_array_append_new(keys, json_pack("{s:s, s:s, s:s}", "keyName", name, "sharedSecret",
                                                secret, "algorithmName", algorithms[at].word));
    mem_wipe(secret, sizeof secret);
    return ERR_OK;
}

static enum err normalize_tsig(const struct setting *row, const json_t *value, json_t **out,
                               struct errmsg *e)
{
    if (!json_is_array(value) && !json_is_null(value)) {
        return err_set(e, ERR_INVALID,
                       "setting %s: a list of keyName, sharedSecret, algorithmName is expected",
                       row->name);
    }
    enum err err = check_count(row, json_array_size(value), e);
    json_t *keys = json_array();
    for (size_t i = 0; i < json_array_size(value) && err == ERR_OK; i++) {
        err = normalize_tsig_key(row, json_array_get(value, i), keys, e);
    }
    if (err != ERR_OK) {
        json_decref(keys);
        return err;
    }
    *out = keys;
    return ERR_OK;
}

// ---- the table of kinds ------------------------------------------------------------------------

static const struct {
    enum err (*normalize)(const struct setting *row, const json_t *value, json_t **out,
                          struct errmsg *e);
    enum err (*text)(const struct setting *row, const char *text, json_t **out, struct errmsg *e);
    bool is_scalar; // an empty text leaves it as it is
} kinds[SETTING_KIND_COUNT] = {
    [SETTING_BOOL] = {normalize_bool,   setting_text_bool,   true },
    [SETTING_I32] = {normalize_number, setting_text_number, true },
    [SETTING_U32] = {normalize_number, setting_text_number, true },
    [SETTING_I64] = {normalize_number, setting_text_number, true },
    [SETTING_WORD] = {normalize_word,   setting_text_string, true },
    [SETTING_STRING] = {normalize_string, setting_text_string, true },
    [SETTING_LIST] = {normalize_list,   setting_text_list,   false},
    [SETTING_PORTS] = {normalize_ports,  setting_text_ports,  false},
    [SETTING_QPM] = {normalize_qpm,    setting_text_qpm,    false},
    [SETTING_PROXY] = {normalize_proxy,  setting_text_proxy,  true },
    [SETTING_TSIG] = {normalize_tsig,   setting_text_tsig,   false},
};

// Texts that say "as it was".
static bool leaves_as_is(const struct setting *row, const char *text)
{
    unsigned word = 0;
    if (kinds[row->kind].is_scalar && text[0] == '\0') {
        return row->kind != SETTING_STRING || !has_flag(row, SETTING_NULLABLE);
    }
    if (row->kind == SETTING_WORD) {
        return !setting_word_find(row, text, &word);
    }
    return has_flag(row, SETTING_SECRET) && strcmp(text, SETTING_MASK) == 0;
}

enum err setting_parse_form(const struct setting *row, const char *text, json_t **out,
                            struct errmsg *e)
{
    if (strlen(text) > LIST_TEXT_MAX) {
        return err_set(e, ERR_INVALID, "setting %s: the text is longer than %zu bytes", row->name,
                       LIST_TEXT_MAX);
    }
    if (leaves_as_is(row, text)) {
        *out = NULL;
        return ERR_OK;
    }
    json_t *raw = NULL;
    enum err err = kinds[row->kind].text(row, text, &raw, e);
    if (err == ERR_OK) {
        err = setting_normalize(row, raw, out, e);
    }
    json_decref(raw);
    return err;
}

enum err setting_normalize(const struct setting *row, const json_t *value, json_t **out,
                           struct errmsg *e)
{
    if (has_flag(row, SETTING_READ_ONLY)) {
        return err_set(e, ERR_INVALID, "setting %s cannot be set", row->name);
    }
    return kinds[row->kind].normalize(row, value, out, e);
}

enum err setting_check_json(const struct setting *row, const json_t *value, struct errmsg *e)
{
    json_t *canonical = NULL;
    enum err err = setting_normalize(row, value, &canonical, e);
    json_decref(canonical);
    return err;
}
