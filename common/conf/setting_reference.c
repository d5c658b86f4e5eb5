#include <inttypes.h>

#include "common/conf/setting.h"
#include "common/conf/value_form.h"

// The reference of all settings, from the table. Any thread.

static const char *const kind_words[SETTING_KIND_COUNT] = {
    [SETTING_BOOL] = "true or false", [SETTING_I32] = "number",        [SETTING_U32] = "number",
    [SETTING_I64] = "number",         [SETTING_WORD] = "word",         [SETTING_STRING] = "text",
    [SETTING_LIST] = "list",          [SETTING_PORTS] = "ports",       [SETTING_QPM] = "rows",
    [SETTING_PROXY] = "object",       [SETTING_TSIG] = "rows of keys",
};

static const char *const effect_words[] = {
    [SETTING_LIVE] = "at once",
    [SETTING_REBIND] = "listeners reopen",
    [SETTING_REBUILD] = "block set is rebuilt",
};

static void write_values(FILE *out, const struct setting *row)
{
    switch (row->kind) {
    case SETTING_I32:
    case SETTING_U32:
    case SETTING_I64:
        (void)fprintf(out, "%" PRId64 " to %" PRId64, row->min, row->max);
        break;
    case SETTING_WORD:
        for (size_t i = 0; i < row->word_count; i++) {
            (void)fprintf(out, "%s`%s`", i == 0 ? "" : ", ", row->words[i]);
        }
        break;
    case SETTING_STRING:
        (void)fprintf(out, "%s, at most %" PRId64 " bytes", value_form_words(row->form), row->max);
        break;
    case SETTING_LIST:
        (void)fprintf(out, "%s; at most %" PRId64, value_form_words(row->form), row->max);
        break;
    case SETTING_PORTS:
        (void)fprintf(out, "1 to 65535; at most %" PRId64, row->max);
        break;
    case SETTING_QPM:
        (void)fprintf(out, "`prefix`, `udpLimit`, `tcpLimit`; prefix at most %" PRId64, row->max);
        break;
    case SETTING_TSIG:
        (void)fprintf(out, "`keyName`, `sharedSecret`, `algorithmName`");
        break;
    case SETTING_PROXY:
        (void)fprintf(out, "`proxyType` and the other parts");
        break;
    case SETTING_BOOL:
    case SETTING_KIND_COUNT:
        break;
    }
}

void conf_settings_write_reference(FILE *out)
{
    (void)fprintf(out, "| setting | type | values | default | scope | takes effect | |\n"
                       "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        if ((row->flags & SETTING_READ_ONLY) != 0) {
            continue;
        }
        (void)fprintf(out, "| `%s` | %s | ", row->name, kind_words[row->kind]);
        write_values(out, row);
        (void)fprintf(out, " | `%s` | %s | %s | %s%s%s |\n",
                      (row->flags & SETTING_HOST_NAME) != 0 ? "the host name" : row->initial,
                      row->scope == SETTING_CLUSTER ? "cluster" : "node", effect_words[row->effect],
                      row->help, (row->flags & SETTING_SECRET) != 0 ? " Secret." : "",
                      (row->flags & SETTING_SET_ONLY) != 0 ? " Only in settings/set." : "");
    }
}
