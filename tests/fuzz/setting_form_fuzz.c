// Form text of every setting: what is taken is canonical, and can be stored and loaded.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/conf/kind.h"
#include "common/conf/setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static void store_and_load(const struct setting *row, const json_t *value)
{
    char path[CONF_PATH_MAX];
    struct conf_map *map = conf_map_new();
    struct settings *settings = NULL;
    struct errmsg e;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    must(text != NULL);
    must(conf_path_make("settings", row->name, path, sizeof path) == ERR_OK);
    must(conf_kind_check(path, text, &e) == ERR_OK);
    conf_map_set(map, path, text);
    must(settings_load(map, 0, &settings, &e) == ERR_OK);
    json_t *shown = setting_value_json(row, settings, true);
    must(json_equal(shown, value));
    json_decref(shown);
    settings_free(settings);
    conf_map_free(map);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || memchr(bytes, '\0', size) != NULL) {
        return 0;
    }
    const struct setting *row = &setting_table[bytes[0] % setting_count];
    char *text = mem_alloc(size);
    memcpy(text, bytes + 1, size - 1);
    text[size - 1] = '\0';
    struct errmsg e = {0};
    json_t *value = NULL;
    json_t *again = NULL;
    enum err err = setting_parse_form(row, text, &value, &e);
    must(err == ERR_OK || e.text[0] != '\0');
    if (err == ERR_OK && value != NULL) {
        must(setting_normalize(row, value, &again, &e) == ERR_OK);
        must(json_equal(value, again));
        if (setting_is_stored(row) && row->kind != SETTING_TSIG) {
            store_and_load(row, value);
        }
    }
    json_decref(value);
    json_decref(again);
    mem_free(text);
    return 0;
}
