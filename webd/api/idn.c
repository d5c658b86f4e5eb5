// International names, by libidn2.

#include "webd/api/idn.h"

#include <idn2.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

static bool is_ascii(const char *text)
{
    for (; *text != 0; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

// Without the blanks and dots around it; an escaped last dot stays.
static char *trim(char *text)
{
    text = str_trim(text);
    while (*text == '.') {
        text++;
    }
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '.' && (len < 2 || text[len - 2] != '\\')) {
        text[--len] = 0;
    }
    return text;
}

enum err idn_to_ascii(const char *text, char *dst, size_t size, struct errmsg *e)
{
    char *copy = mem_strdup(text);
    const char *trimmed = trim(copy);
    char *ascii = NULL;
    struct name name;
    enum err err = ERR_OK;
    if (!is_ascii(trimmed)) {
        int code = idn2_to_ascii_8z(trimmed, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
        if (code != IDN2_OK) {
            err = err_set(e, ERR_INVALID, "Invalid domain name: %s (%s)", trimmed,
                          idn2_strerror(code));
            goto out;
        }
        trimmed = ascii;
    }
    err = name_from_text(trimmed[0] == 0 ? "." : trimmed, &name, e);
    if (err != ERR_OK) {
        err = err_prefix(e, err, "Invalid domain name");
        goto out;
    }
    name_fold(name.wire);
    char plain[NAME_MAX_TEXT];
    name_to_text(name.wire, plain);
    if (!str_copy(dst, size, plain)) {
        err = err_set(e, ERR_INVALID, "Invalid domain name: too long");
    }
out:
    idn2_free(ascii);
    mem_free(copy);
    return err;
}

bool idn_to_unicode(const char *name, char *dst, size_t size)
{
    char *unicode = NULL;
    if (strstr(name, "xn--") == NULL ||
        idn2_to_unicode_8z8z(name, &unicode, IDN2_NONTRANSITIONAL) != IDN2_OK) {
        return false;
    }
    bool differs = strcmp(name, unicode) != 0 && str_copy(dst, size, unicode);
    idn2_free(unicode);
    return differs;
}
