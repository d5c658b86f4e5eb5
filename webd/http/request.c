// What requests of every transport share.

#include "webd/http/request.h"

#include <assert.h>
#include <string.h>

#include "common/base/str.h"

const char *web_request_header(const struct web_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_nocase(request->headers[i].name, name)) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

// Finds `name=value` in one Cookie header (RFC 6265 section 4.2).
static bool cookie_in(const char *header, const char *name, char *dst, size_t size)
{
    size_t name_len = strlen(name);
    while (*header != 0) {
        header += strspn(header, " ;");
        size_t len = strcspn(header, ";");
        if (len > name_len && strncmp(header, name, name_len) == 0 && header[name_len] == '=') {
            size_t value_len = len - name_len - 1;
            if (value_len >= size) {
                return false;
            }
            memcpy(dst, header + name_len + 1, value_len);
            dst[value_len] = 0;
            return true;
        }
        header += len;
    }
    return false;
}

bool web_request_cookie(const struct web_request *request, const char *name, char *dst, size_t size)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal_nocase(request->headers[i].name, "cookie") &&
            cookie_in(request->headers[i].value, name, dst, size)) {
            return true;
        }
    }
    return false;
}

void web_answer(struct web_request *request, struct web_answer *answer)
{
    if (request->release != NULL) {
        request->release(request->user);
        request->release = NULL;
    }
    request->answer(request, answer);
}

void web_answer_init(struct web_answer *answer, unsigned status)
{
    *answer = (struct web_answer){.status = status, .fd = -1};
}

void web_answer_header(struct web_answer *answer, const char *name, const char *value)
{
    assert(answer->header_count < WEB_ANSWER_HEADERS);
    answer->headers[answer->header_count++] = (struct web_header){.name = name, .value = value};
}
