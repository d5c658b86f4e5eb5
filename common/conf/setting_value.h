#pragma once

#include <stdbool.h>

#include "common/conf/setting.h"

// Between setting.c, setting_value.c and setting_text.c: parts of parsing and checking a value. Any
// thread.

// The index of a word of the row, in any case or as its decimal value; false = no such word.
bool setting_word_find(const struct setting *row, const char *text, unsigned *word);

// Form text to JSON that is not checked yet, by kind (new reference). ERR_INVALID.
#define SETTING_TEXT(name)                                                                         \
    NODISCARD enum err setting_text_##name(const struct setting *row, const char *text,            \
                                           json_t **out, struct errmsg *e)
SETTING_TEXT(bool);
SETTING_TEXT(number);
SETTING_TEXT(string);
SETTING_TEXT(list);
SETTING_TEXT(ports);
SETTING_TEXT(qpm);
SETTING_TEXT(tsig);
SETTING_TEXT(proxy);
#undef SETTING_TEXT
