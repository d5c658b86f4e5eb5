#pragma once

#include <stdbool.h>

#include "common/conf/setting.h"

// Between setting.c, setting_edit.c and kind.c: parts of checking a value. Any thread.

// The index of a word of the row, in any case or as its decimal value; false = no such word.
bool setting_word_find(const struct setting *row, const char *text, unsigned *word);

// Splits form text at `separator` into trimmed items; empty ones are dropped in lists (','), kept in
// tables ('|'). An empty text and "false" give an empty array. New reference.
json_t *setting_split(const char *text, char separator);
