// RDATA from a call's parameters and to rData, by the rows of record_type.c.

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "webd/api/record_form.h"

// The text of a field; NULL = not given at all.
static const char *field_text(const struct record_field *field, enum record_which which,
                              record_param_fn param, void *ctx)
{
    const char *text = NULL;
    if (which == RECORD_NEW && field->new_param != NULL) {
        text = param(ctx, field->new_param);
        if (text == NULL && field->new_alt != NULL) {
            text = param(ctx, field->new_alt);
        }
    }
    if (text == NULL) {
        text = param(ctx, field->param);
    }
    if (text == NULL && field->alt != NULL) {
        text = param(ctx, field->alt);
    }
    return text;
}

static bool is_split(enum record_which which, record_param_fn param, void *ctx)
{
    const char *text = which == RECORD_NEW ? param(ctx, "newSplitText") : NULL;
    if (text == NULL) {
        text = param(ctx, "splitText");
    }
    return text != NULL && str_equal_nocase(text, "true");
}

// Fields whose text may be empty without being absent.
static bool may_be_empty(const struct record_field *field)
{
    return field->is_optional || field->form == RECORD_REST || field->form == RECORD_TEXT;
}

static enum err build_generic(enum record_which which, record_param_fn param, void *ctx,
                              struct cursor *out, struct errmsg *e)
{
    static const struct record_field field = {
        .form = RECORD_HEX, .param = "rdata", .new_param = "newRData"};
    const char *text = field_text(&field, which, param, ctx);
    if (text == NULL || (text[0] == 0 && which == RECORD_OF_ADD)) {
        return err_set(e, ERR_INVALID, "Parameter 'rdata' missing.");
    }
    enum err err = record_form_write(&field, text, false, out, e);
    return err == ERR_OK ? ERR_OK : err_prefix(e, err, "Parameter 'rdata'");
}

static enum err build_fields(const struct record_row *row, enum record_which which,
                             record_param_fn param, void *ctx, struct cursor *out, struct errmsg *e)
{
    bool split_text = is_split(which, param, ctx);
    for (uint8_t i = 0; i < row->field_count; i++) {
        const struct record_field *field = &row->fields[i];
        const char *text = field_text(field, which, param, ctx);
        if (text == NULL && field->is_optional) {
            text = "";
        }
        if (text == NULL || (text[0] == 0 && !may_be_empty(field))) {
            return err_set(e, ERR_INVALID, "Parameter '%s' missing.", field->param);
        }
        enum err err = record_form_write(field, text, split_text, out, e);
        if (err != ERR_OK) {
            return err_prefix(e, err, "Parameter '%s'", field->param);
        }
    }
    return ERR_OK;
}

enum err record_build(const struct record_row *row, uint16_t type, enum record_which which,
                      record_param_fn param, void *ctx, uint8_t *out, size_t size, size_t *len,
                      struct errmsg *e)
{
    char name[16];
    struct cursor c = cursor_over(out, size);
    if ((row->flags & RECORD_MANAGED) != 0) {
        return err_set(e, ERR_UNSUPPORTED, "Records of this type are made by signing.");
    }
    enum err err = (row->flags & RECORD_GENERIC) != 0 ? build_generic(which, param, ctx, &c, e)
                                                      : build_fields(row, which, param, ctx, &c, e);
    if (err != ERR_OK) {
        return err;
    }
    if (c.bad) {
        return err_set(e, ERR_TOO_LARGE, "The record's data is longer than %zu bytes.", size);
    }
    err = rdata_check(type, out, cursor_offset(&c), e);
    if (err != ERR_OK) {
        rr_type_to_text(type, name);
        return err_prefix(e, err, "The %s record is not right", name);
    }
    *len = cursor_offset(&c);
    return ERR_OK;
}

static json_t *show_unknown(const uint8_t *rdata, size_t len)
{
    struct str text;
    str_init(&text);
    for (size_t i = 0; i < len; i++) {
        str_printf(&text, "%s%02X", i == 0 ? "" : ":", rdata[i]);
    }
    json_t *o = json_object();
    json_object_set_new(o, "value", json_string(text.len == 0 ? "" : text.text));
    str_fini(&text);
    return o;
}

// RFC 4034 appendix B.
static uint32_t key_tag(const uint8_t *rdata, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)rdata[i] << 8 : rdata[i];
    }
    return (sum + (sum >> 16)) & 0xffff;
}

json_t *record_view(uint16_t type, const uint8_t *rdata, size_t len)
{
    const struct record_row *row = record_row_find(type);
    struct cursor in = cursor_over_const(rdata, len);
    if (row->field_count == 0) {
        return show_unknown(rdata, len);
    }
    json_t *o = json_object();
    for (uint8_t i = 0; i < row->field_count; i++) {
        record_form_show(&row->fields[i], &in, o);
    }
    if (in.bad) {
        json_decref(o);
        return show_unknown(rdata, len);
    }
    if (type == TYPE_SVCB || type == TYPE_HTTPS) {
        json_object_set_new(o, "autoIpv4Hint", json_false());
        json_object_set_new(o, "autoIpv6Hint", json_false());
    }
    if (type == TYPE_DNSKEY) {
        json_object_set_new(o, "computedKeyTag", json_integer(key_tag(rdata, len)));
    }
    return o;
}
