// The one-time token of the first start.

#include "webd/auth/setup.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"

#define TOKEN_BYTES 32
#define GROUP       8                                           // hex digits between dashes
#define TOKEN_TEXT  (TOKEN_BYTES * 2 + TOKEN_BYTES * 2 / GROUP) // with dashes and NUL

struct setup {
    char path[512];
    char token[TOKEN_TEXT]; // "" = none
};

struct setup *setup_new(const char *state_dir)
{
    struct setup *setup = mem_zalloc(sizeof *setup);
    snprintf(setup->path, sizeof setup->path, "%s/setup-token", state_dir);
    return setup;
}

void setup_free(struct setup *setup)
{
    if (setup != NULL) {
        mem_wipe(setup, sizeof *setup);
        mem_free(setup);
    }
}

// The hex digits of a token as typed; false = not 64 of them.
static bool digits_of(const char *text, char out[TOKEN_BYTES * 2 + 1])
{
    size_t used = 0;
    for (; *text != 0; text++) {
        if (strchr("- \r\n\t", *text) != NULL) {
            continue;
        }
        if (used == TOKEN_BYTES * 2) {
            return false;
        }
        out[used++] = *text;
    }
    out[used] = 0;
    str_lower(out);
    return used == TOKEN_BYTES * 2 && strspn(out, "0123456789abcdef") == used;
}

static void format(const char digits[TOKEN_BYTES * 2 + 1], char token[TOKEN_TEXT])
{
    size_t used = 0;
    for (size_t i = 0; i < TOKEN_BYTES * 2; i++) {
        if (i > 0 && i % GROUP == 0) {
            token[used++] = '-';
        }
        token[used++] = digits[i];
    }
    token[used] = 0;
}

static bool load(struct setup *setup)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    char digits[TOKEN_BYTES * 2 + 1];
    bool is_there = file_read(setup->path, 1024, &bytes, &len, NULL) == ERR_OK &&
                    digits_of((const char *)bytes, digits);
    if (is_there) {
        format(digits, setup->token);
    }
    mem_free(bytes);
    return is_there;
}

enum err setup_require(struct setup *setup, bool is_required, struct errmsg *e)
{
    if (!is_required) {
        if (setup->token[0] != 0 || access(setup->path, F_OK) == 0) {
            unlink(setup->path);
        }
        mem_wipe(setup->token, sizeof setup->token);
        return ERR_OK;
    }
    if (setup->token[0] != 0) {
        return ERR_OK;
    }
    if (!load(setup)) {
        uint8_t bytes[TOKEN_BYTES];
        char digits[TOKEN_BYTES * 2 + 1];
        char token[TOKEN_TEXT];
        char line[TOKEN_TEXT + 1];
        rand_bytes(bytes, sizeof bytes);
        str_hex(digits, bytes, sizeof bytes);
        format(digits, token);
        int len = snprintf(line, sizeof line, "%s\n", token);
        enum err err = file_write_atomic(setup->path, line, (size_t)len, 0600, e);
        if (err != ERR_OK) {
            return err;
        }
        memcpy(setup->token, token, sizeof token);
    }
    log_info("no administrator has a password; the token to set one is in a file",
             F_STR("file", setup->path));
    return ERR_OK;
}

bool setup_is_required(const struct setup *setup)
{
    return setup->token[0] != 0;
}

const char *setup_token(const struct setup *setup)
{
    return setup->token;
}

const char *setup_path(const struct setup *setup)
{
    return setup->path;
}

bool setup_check(const struct setup *setup, const char *token)
{
    char given[TOKEN_BYTES * 2 + 1] = "";
    char want[TOKEN_BYTES * 2 + 1] = "";
    return digits_of(token, given) && digits_of(setup->token, want) &&
           str_equal_secret(given, TOKEN_BYTES * 2, want, TOKEN_BYTES * 2);
}
