// Fields of RDATA: from the API's text to wire form, and from wire form to the API's JSON. One row
// a form.

#include "webd/api/record_form.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "webd/api/call.h"
#include "webd/api/idn.h"
#include "webd/api/view.h"

#define STRING_MAX 255

// ---- names and mailboxes -----------------------------------------------------------------------

static enum err name_from_param(const char *text, struct name *out, struct errmsg *e)
{
    char ascii[NAME_MAX_TEXT];
    enum err err = idn_to_ascii(text, ascii, sizeof ascii, e);
    return err != ERR_OK ? err : name_from_text(ascii, out, e);
}

enum err mailbox_from_text(const char *text, struct name *out, struct errmsg *e)
{
    const char *at = strchr(text, '@');
    if (at == NULL) {
        return name_from_param(text, out, e);
    }
    struct str name;
    str_init(&name);
    for (const char *p = text; p < at; p++) {
        if (*p == '.' || *p == '\\') {
            str_add_char(&name, '\\');
        }
        str_add_char(&name, *p);
    }
    str_add_char(&name, '.');
    str_add(&name, at + 1);
    enum err err = name_from_param(name.text, out, e);
    str_fini(&name);
    return err;
}

void mailbox_to_text(const uint8_t *wire, char *dst, size_t size)
{
    char rest[NAME_MAX_TEXT];
    char local[64 * 4 + 1];
    size_t used = 0;
    if (wire[0] == 0) {
        snprintf(dst, size, ".");
        return;
    }
    for (uint8_t i = 1; i <= wire[0]; i++) {
        bool is_plain = wire[i] > 0x20 && wire[i] < 0x7f;
        used += (size_t)snprintf(local + used, sizeof local - used, is_plain ? "%c" : "\\%03u",
                                 wire[i]);
    }
    name_to_text(wire + wire[0] + 1, rest);
    snprintf(dst, size, "%s@%s", local, rest);
}

// ---- writing -----------------------------------------------------------------------------------

static enum err write_number(const char *text, uint32_t max, uint32_t *out, struct errmsg *e)
{
    if (str_to_u32(text, max, out) != ERR_OK) {
        return err_set(e, ERR_INVALID, "must be a number from 0 to %u", max);
    }
    return ERR_OK;
}

static bool word_equal(const char *a, const char *b)
{
    for (; *a != 0 && *b != 0; a++, b++) {
        char x = *a == '_' ? '-' : *a;
        char y = *b == '_' ? '-' : *b;
        char both[2][2] = {
            {x, 0},
            {y, 0}
        };
        if (!str_equal_nocase(both[0], both[1])) {
            return false;
        }
    }
    return *a == *b;
}

static enum err write_word(const struct record_field *field, const char *text, uint32_t max,
                           uint32_t *out, struct errmsg *e)
{
    for (uint8_t i = 0; i < field->word_count; i++) {
        if (word_equal(field->words[i].text, text)) {
            *out = field->words[i].value;
            return ERR_OK;
        }
    }
    if (str_to_u32(text, max, out) != ERR_OK) {
        return err_set(e, ERR_INVALID, "has an unknown value: %s", text);
    }
    return ERR_OK;
}

static enum err put_string(const char *text, size_t len, struct cursor *out, struct errmsg *e)
{
    if (len > STRING_MAX) {
        return err_set(e, ERR_INVALID, "is longer than %d bytes", STRING_MAX);
    }
    cursor_put_u8(out, (uint8_t)len);
    cursor_put(out, text, len);
    return ERR_OK;
}

// One string per line, with \n, \r, \t and \\ taken as in C; longer lines make several strings.
static void write_split_text(const char *text, struct cursor *out)
{
    char line[STRING_MAX];
    size_t len = 0;
    for (;; text++) {
        char c = *text;
        bool is_end = c == 0 || c == '\n';
        if (c == '\\' && strchr("nrt\\", text[1]) != NULL && text[1] != 0) {
            text++;
            c = *text == 'n' ? '\n' : *text == 'r' ? '\r' : *text == 't' ? '\t' : '\\';
            is_end = false;
        }
        if (is_end || len == sizeof line) {
            cursor_put_u8(out, (uint8_t)len);
            cursor_put(out, line, len);
            len = 0;
        }
        if (*text == 0) {
            return;
        }
        if (!is_end && !(c == '\r' && text[1] == '\n')) {
            line[len++] = c;
        }
    }
}

// Text of any length as strings of at most 255 bytes.
static void write_text(const char *text, struct cursor *out)
{
    size_t left = strlen(text);
    do {
        size_t len = left > STRING_MAX ? STRING_MAX : left;
        cursor_put_u8(out, (uint8_t)len);
        cursor_put(out, text, len);
        text += len;
        left -= len;
    } while (left > 0);
}

// Hex digits; blanks and colons between octets are passed over.
static enum err write_hex(const char *text, struct cursor *out, struct errmsg *e)
{
    size_t len = strlen(text);
    char *digits = mem_alloc(len + 1);
    uint8_t *bytes = mem_alloc(len / 2 + 1);
    size_t used = 0;
    size_t count = 0;
    for (; *text != 0; text++) {
        if (strchr(": \t\r\n-", *text) == NULL) {
            digits[used++] = *text;
        }
    }
    enum err err = ERR_OK;
    if (str_from_hex(digits, used, bytes, len / 2 + 1, &count) != ERR_OK) {
        err = err_set(e, ERR_INVALID, "is not hexadecimal");
    } else {
        cursor_put(out, bytes, count);
    }
    mem_free(digits);
    mem_free(bytes);
    return err;
}

// The association data of a PEM certificate, by the selector and matching type already written
// before it (RFC 6698 section 2.1).
static enum err write_certificate(const char *text, struct cursor *out, struct errmsg *e)
{
    if (strstr(text, "-----BEGIN") == NULL) {
        return write_hex(text, out, e);
    }
    if (cursor_offset(out) < 3) {
        return err_set(e, ERR_INVALID, "cannot be a certificate here");
    }
    uint8_t selector = out->at[-2];
    uint8_t matching = out->at[-1];
    unsigned char *der = NULL;
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    int len = -1;
    if (certificate != NULL) {
        len = selector == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der)
                            : i2d_X509(certificate, &der);
    }
    enum err err = len <= 0 ? err_set(e, ERR_INVALID, "is not a PEM certificate") : ERR_OK;
    if (err == ERR_OK && matching == 0) {
        cursor_put(out, der, (size_t)len);
    } else if (err == ERR_OK) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned digest_len = 0;
        EVP_Digest(der, (size_t)len, digest, &digest_len,
                   matching == 2 ? EVP_sha512() : EVP_sha256(), NULL);
        cursor_put(out, digest, digest_len);
    }
    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(bio);
    return err;
}

static enum err write_address(int family, const char *text, struct cursor *out, struct errmsg *e)
{
    uint8_t bytes[16];
    if (inet_pton(family, text, bytes) != 1) {
        return err_set(e, ERR_INVALID, "is not an IPv%d address: %s", family == AF_INET ? 4 : 6,
                       text);
    }
    cursor_put(out, bytes, family == AF_INET ? 4 : 16);
    return ERR_OK;
}

static enum err write_tag(const char *text, struct cursor *out, struct errmsg *e)
{
    size_t len = strlen(text);
    if (len == 0 ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != len) {
        return err_set(e, ERR_INVALID, "must be letters and digits");
    }
    return put_string(text, len, out, e);
}

enum err record_form_write(const struct record_field *field, const char *text, bool split_text,
                           struct cursor *out, struct errmsg *e)
{
    uint32_t number = 0;
    struct name name = {0};
    enum err err = ERR_OK;
    switch (field->form) {
    case RECORD_U8:
        err = write_number(text, UINT8_MAX, &number, e);
        cursor_put_u8(out, (uint8_t)number);
        return err;
    case RECORD_U16:
        err = write_number(text, UINT16_MAX, &number, e);
        cursor_put_u16(out, (uint16_t)number);
        return err;
    case RECORD_U32:
        err = write_number(text, UINT32_MAX, &number, e);
        cursor_put_u32(out, number);
        return err;
    case RECORD_TTL:
        err = value_ttl(text, &number) == ERR_OK
                  ? ERR_OK
                  : err_set(e, ERR_INVALID, "must be seconds or a time like 1h30m");
        cursor_put_u32(out, number);
        return err;
    case RECORD_WORD8:
        err = write_word(field, text, UINT8_MAX, &number, e);
        cursor_put_u8(out, (uint8_t)number);
        return err;
    case RECORD_WORD16:
        err = write_word(field, text, UINT16_MAX, &number, e);
        cursor_put_u16(out, (uint16_t)number);
        return err;
    case RECORD_IPV4:
        return write_address(AF_INET, text, out, e);
    case RECORD_IPV6:
        return write_address(AF_INET6, text, out, e);
    case RECORD_NAME:
        err = name_from_param(text, &name, e);
        cursor_put(out, name.wire, name.len);
        return err;
    case RECORD_MAILBOX:
        err = mailbox_from_text(text, &name, e);
        cursor_put(out, name.wire, name.len);
        return err;
    case RECORD_STRING:
        return put_string(text, strlen(text), out, e);
    case RECORD_TEXT:
        if (split_text) {
            write_split_text(text, out);
        } else {
            write_text(text, out);
        }
        return ERR_OK;
    case RECORD_TAG:
        return write_tag(text, out, e);
    case RECORD_REST:
        cursor_put(out, text, strlen(text));
        return ERR_OK;
    case RECORD_HEX:
        return write_hex(text, out, e);
    case RECORD_CERTIFICATE:
        return write_certificate(text, out, e);
    case RECORD_SVC:
        return svc_params_write(text, out, e);
    case RECORD_HEX8:
    case RECORD_BASE64:
    case RECORD_BASE32_8:
    case RECORD_TYPE:
    case RECORD_TYPES:
    case RECORD_TIME:
    case RECORD_APL:
    case RECORD_FORM_COUNT:
        break;
    }
    return err_set(e, ERR_UNSUPPORTED, "cannot be set");
}

// ---- showing -----------------------------------------------------------------------------------

static json_t *text_of_bytes(const uint8_t *bytes, size_t len)
{
    struct str text;
    str_init(&text);
    str_add(&text, "");
    bool is_utf8 = web_is_utf8((const char *)bytes, len) && memchr(bytes, 0, len) == NULL;
    for (size_t i = 0; i < len; i++) {
        if (is_utf8 || (bytes[i] >= 0x20 && bytes[i] < 0x7f)) {
            str_add_char(&text, (char)bytes[i]);
        } else {
            str_printf(&text, "\\%03u", bytes[i]);
        }
    }
    json_t *value = json_string(text.len == 0 ? "" : text.text);
    str_fini(&text);
    return value;
}

static json_t *upper_hex(const uint8_t *bytes, size_t len)
{
    char *text = mem_alloc(len * 2 + 1);
    str_hex(text, bytes, len);
    for (char *p = text; *p != 0; p++) {
        *p = *p >= 'a' ? (char)(*p - 'a' + 'A') : *p;
    }
    json_t *value = json_string(text);
    mem_free(text);
    return value;
}

static json_t *base64(const uint8_t *bytes, size_t len)
{
    char *text = mem_alloc(4 * ((len + 2) / 3) + 1);
    str_base64(text, bytes, len);
    json_t *value = json_string(text);
    mem_free(text);
    return value;
}

// RFC 4648 section 7, without padding.
static json_t *base32(const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    char text[STRING_MAX * 8 / 5 + 2];
    size_t used = 0;
    for (size_t bit = 0; bit < len * 8; bit += 5) {
        unsigned value =
            (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < len ? bytes[bit / 8 + 1] : 0u);
        text[used++] = digits[value >> (11 - bit % 8) & 0x1f];
    }
    text[used] = 0;
    return json_string(text);
}

static void show_word(const struct record_field *field, uint16_t value, json_t *object)
{
    char number[8];
    const char *text = number;
    snprintf(number, sizeof number, "%u", value);
    for (uint8_t i = 0; i < field->word_count; i++) {
        if (field->words[i].value == value) {
            text = field->words[i].text;
        }
    }
    json_object_set_new(object, field->json, json_string(text));
    bool has_number =
        strcmp(field->json, "algorithm") == 0 || strcmp(field->json, "digestType") == 0;
    if (has_number && field->word_count != 5) { // not SSHFP's
        char member[32];
        snprintf(member, sizeof member, "%sNumber", field->json);
        json_object_set_new(object, member, json_integer(value));
    }
}

static void show_name(const struct record_field *field, struct cursor *in, json_t *object)
{
    char text[NAME_MAX_TEXT];
    size_t len = name_check(in->at, cursor_left(in));
    const uint8_t *wire = len == 0 ? NULL : cursor_take(in, len);
    if (wire == NULL) {
        in->bad = true;
        return;
    }
    if (field->form == RECORD_MAILBOX) {
        mailbox_to_text(wire, text, sizeof text);
        json_object_set_new(object, field->json, json_text(text));
        return;
    }
    name_to_text(wire, text);
    view_name(object, field->json, text);
}

static void show_ttl(const struct record_field *field, struct cursor *in, json_t *object)
{
    char text[32];
    char member[32];
    uint32_t seconds = cursor_u32(in);
    value_ttl_text(seconds, text);
    snprintf(member, sizeof member, "%sString", field->json);
    json_object_set_new(object, field->json, json_integer(seconds));
    json_object_set_new(object, member, json_string(text));
}

static void show_address(const struct record_field *field, struct cursor *in, json_t *object)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v6 = field->form == RECORD_IPV6;
    const uint8_t *bytes = cursor_take(in, is_v6 ? 16 : 4);
    if (bytes != NULL) {
        inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
    }
    json_object_set_new(object, field->json, json_string(text));
}

static void show_text(const struct record_field *field, struct cursor *in, json_t *object)
{
    struct str all;
    json_t *strings = json_array();
    str_init(&all);
    str_add(&all, "");
    while (cursor_left(in) > 0) {
        size_t len = cursor_u8(in);
        const uint8_t *bytes = cursor_take(in, len);
        if (bytes == NULL) {
            break;
        }
        str_add_bytes(&all, bytes, len);
        json_array_append_new(strings, text_of_bytes(bytes, len));
    }
    json_object_set_new(object, field->json, text_of_bytes((const uint8_t *)all.text, all.len));
    json_object_set_new(object, "splitText", json_boolean(json_array_size(strings) > 1));
    json_object_set_new(object, "characterStrings", strings);
    str_fini(&all);
}

static json_t *show_types(struct cursor *in)
{
    json_t *types = json_array();
    while (cursor_left(in) > 0) {
        unsigned window = cursor_u8(in);
        size_t len = cursor_u8(in);
        const uint8_t *bits = cursor_take(in, len);
        for (size_t i = 0; bits != NULL && i < len * 8; i++) {
            if ((bits[i / 8] & 0x80 >> i % 8) != 0) {
                char text[16];
                rr_type_to_text((uint16_t)(window << 8 | i), text);
                json_array_append_new(types, json_string(text));
            }
        }
    }
    return types;
}

// RFC 3123 section 4.
static json_t *show_apl(struct cursor *in)
{
    json_t *items = json_array();
    while (cursor_left(in) > 0) {
        uint16_t family = cursor_u16(in);
        uint8_t prefix = cursor_u8(in);
        uint8_t head = cursor_u8(in);
        uint8_t bytes[16] = {0};
        char text[INET6_ADDRSTRLEN] = "";
        size_t len = head & 0x7f;
        const uint8_t *part = cursor_take(in, len);
        if (part == NULL || len > sizeof bytes) {
            break;
        }
        memcpy(bytes, part, len);
        inet_ntop(family == 2 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
        json_array_append_new(items, json_pack("{s:s,s:i,s:b,s:s}", "addressFamily",
                                               family == 2 ? "IPv6" : "IPv4", "prefix", prefix,
                                               "negation", head >> 7, "afdPart", text));
    }
    return items;
}

static json_t *show_bytes(enum record_form form, struct cursor *in)
{
    bool has_length = form == RECORD_HEX8 || form == RECORD_BASE32_8 || form == RECORD_STRING ||
                      form == RECORD_TAG;
    size_t len = has_length ? cursor_u8(in) : cursor_left(in);
    const uint8_t *bytes = cursor_take(in, len);
    if (bytes == NULL) {
        return json_string("");
    }
    if (form == RECORD_BASE64) {
        return base64(bytes, len);
    }
    if (form == RECORD_BASE32_8) {
        return base32(bytes, len);
    }
    bool is_text = form == RECORD_STRING || form == RECORD_TAG || form == RECORD_REST;
    return is_text ? text_of_bytes(bytes, len) : upper_hex(bytes, len);
}

void record_form_show(const struct record_field *field, struct cursor *in, json_t *object)
{
    char text[16];
    json_t *value = NULL;
    switch (field->form) {
    case RECORD_U8:
        value = json_integer(cursor_u8(in));
        break;
    case RECORD_U16:
        value = json_integer(cursor_u16(in));
        break;
    case RECORD_U32:
        value = json_integer(cursor_u32(in));
        break;
    case RECORD_TIME:
        value = json_time_ms((uint64_t)cursor_u32(in) * 1000);
        break;
    case RECORD_TYPE:
        rr_type_to_text(cursor_u16(in), text);
        value = json_string(text);
        break;
    case RECORD_TTL:
        show_ttl(field, in, object);
        return;
    case RECORD_WORD8:
        show_word(field, cursor_u8(in), object);
        return;
    case RECORD_WORD16:
        show_word(field, cursor_u16(in), object);
        return;
    case RECORD_IPV4:
    case RECORD_IPV6:
        show_address(field, in, object);
        return;
    case RECORD_NAME:
    case RECORD_MAILBOX:
        show_name(field, in, object);
        return;
    case RECORD_TEXT:
        show_text(field, in, object);
        return;
    case RECORD_TYPES:
        value = show_types(in);
        break;
    case RECORD_SVC:
        value = svc_params_show(in);
        break;
    case RECORD_APL:
        value = show_apl(in);
        break;
    case RECORD_STRING:
    case RECORD_TAG:
    case RECORD_REST:
    case RECORD_HEX:
    case RECORD_HEX8:
    case RECORD_CERTIFICATE:
    case RECORD_BASE64:
    case RECORD_BASE32_8:
        value = show_bytes(field->form, in);
        break;
    case RECORD_FORM_COUNT:
        return;
    }
    json_object_set_new(object, field->json, value);
}
