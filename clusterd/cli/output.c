/*
 * Arguments taken apart, tables and times laid out.
 */
#include "clusterd/cli/cli.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// ---- arguments ---------------------------------------------------------------------------------

static void remove_words(int *argc, char **argv, int at, int count)
{
    for (int i = at; i + count < *argc; i++) {
        argv[i] = argv[i + count];
    }
    *argc -= count;
}

bool cli_flag(int *argc, char **argv, const char *name)
{
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            remove_words(argc, argv, i, 1);
            return true;
        }
    }
    return false;
}

const char *cli_option(int *argc, char **argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        int words = 1;
        if (strcmp(argv[i], name) == 0 && i + 1 < *argc) {
            value = argv[i + 1];
            words = 2;
        } else if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=' && len > 2) {
            value = argv[i] + len + 1;
        }
        if (value != NULL) {
            remove_words(argc, argv, i, words);
            return value;
        }
    }
    return NULL;
}

static enum err ask_secret(struct cli *cli, const char *prompt, struct str *out)
{
    struct termios shown;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        struct termios hidden = shown;
        hidden.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        fputs(prompt, stderr);
    }
    char line[1024];
    bool got = fgets(line, sizeof line, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!got) {
        return err_set(&cli->e, ERR_INVALID, "no password given");
    }
    line[strcspn(line, "\r\n")] = '\0';
    str_add(out, line);
    mem_wipe(line, sizeof line);
    return ERR_OK;
}

enum err cli_secret(struct cli *cli, const char *path, const char *prompt, struct str *out)
{
    if (path == NULL) {
        return ask_secret(cli, prompt, out);
    }
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(path, 64 * 1024, &bytes, &len, &cli->e);
    if (err != ERR_OK) {
        return err;
    }
    str_add_bytes(out, bytes, strcspn((const char *)bytes, "\r\n"));
    mem_wipe(bytes, len);
    mem_free(bytes);
    return ERR_OK;
}

enum err cli_misuse(struct cli *cli, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli->is_misuse = true;
    return err_set(&cli->e, ERR_INVALID, "%s", text);
}

enum err cli_no_more(struct cli *cli, int argc, char **argv, int max)
{
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] == '-') {
            return cli_misuse(cli, "unknown option %s", argv[i]);
        }
    }
    if (argc > max) {
        return cli_misuse(cli, "\"%s\" is one word too many", argv[max]);
    }
    return ERR_OK;
}

// ---- output ------------------------------------------------------------------------------------

void cli_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fputc('\n', stdout);
    json_decref(json);
}

struct cli_table {
    size_t columns;
    char **cells; // headings first
    size_t count;
    size_t capacity;
};

void cli_table_row(struct cli_table *table, const char *const *cells)
{
    mem_grow(&table->cells, &table->capacity, table->count + table->columns, sizeof *table->cells);
    for (size_t i = 0; i < table->columns; i++) {
        table->cells[table->count++] = mem_strdup(cells[i] == NULL ? "" : cells[i]);
    }
}

struct cli_table *cli_table_new(const char *const *headings, size_t columns)
{
    struct cli_table *table = mem_zalloc(sizeof *table);
    table->columns = columns;
    cli_table_row(table, headings);
    return table;
}

// Characters, not bytes, of UTF-8 text.
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static size_t column_width(const struct cli_table *table, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < table->count; i += table->columns) {
        size_t w = text_width(table->cells[i]);
        width = w > width ? w : width;
    }
    return width;
}

void cli_table_free(struct cli_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        mem_free(table->cells[i]);
    }
    mem_free(table->cells);
    mem_free(table);
}

void cli_table_print(struct cli_table *table)
{
    size_t *widths = mem_calloc(table->columns, sizeof *widths);
    for (size_t c = 0; c < table->columns; c++) {
        widths[c] = column_width(table, c);
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t c = i % table->columns;
        bool last = c + 1 == table->columns;
        fputs(table->cells[i], stdout);
        size_t pad = last ? 0 : widths[c] + 2 - text_width(table->cells[i]);
        printf("%*s%s", (int)pad, "", last ? "\n" : "");
    }
    mem_free(widths);
    cli_table_free(table);
}

static char *next_buffer(void)
{
    static char buffers[4][32];
    static unsigned at;
    at = (at + 1) % 4;
    return buffers[at];
}

const char *cli_time(uint64_t unix_ms)
{
    if (unix_ms == 0) {
        return "-";
    }
    char *text = next_buffer();
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm);
    return text;
}

const char *cli_ago(uint64_t unix_ms)
{
    if (unix_ms == 0) {
        return "-";
    }
    uint64_t now = clock_unix_ms();
    uint64_t s = now > unix_ms ? (now - unix_ms) / 1000 : 0;
    char *text = next_buffer();
    if (s < 120) {
        snprintf(text, 32, "%u s", (unsigned)s);
    } else if (s < 7200) {
        snprintf(text, 32, "%u min", (unsigned)(s / 60));
    } else if (s < 172800) {
        snprintf(text, 32, "%u h", (unsigned)(s / 3600));
    } else {
        snprintf(text, 32, "%u d", (unsigned)(s / 86400));
    }
    return text;
}
