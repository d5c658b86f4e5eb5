// The panel's files: a table read once from the manifest; no path outside it is ever opened.

#include "webd/http/panel.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/str.h"

#define MANIFEST_MAX ((size_t)1024 * 1024)
#define PATH_MAX_LEN 200
#define COLUMNS      6

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

static const char no_panel[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Trellis</title>"
    "<h1>Trellis</h1><p>The panel is not installed on this server. The API under /api/ works.</p>";

struct panel_file {
    char *path; // without a leading slash
    char *media_type;
    char hash[65];
    bool has_gzip;
    bool has_brotli;
    bool is_hashed; // the name changes with the content
};

struct panel {
    char folder[512];
    struct panel_file *files;
    size_t count;
    size_t capacity;
};

// "main-AB12CD34.js": a dash and at least eight letters or digits before the suffix.
static bool is_hashed_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    const char *dash = strrchr(path, '-');
    if (dot == NULL || dash == NULL || dash > dot || dot - dash - 1 < 8) {
        return false;
    }
    size_t len = (size_t)(dot - dash - 1);
    return strspn(dash + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
           len;
}

static bool is_plain_path(const char *path)
{
    return path[0] != 0 && path[0] != '/' && path[0] != '.' && strlen(path) < PATH_MAX_LEN &&
           strstr(path, "..") == NULL && strstr(path, "//") == NULL;
}

static bool is_yes(const char *text)
{
    return strcmp(text, "1") == 0 || strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
}

// One line; false = not six columns or a path out of bounds.
static bool add_line(struct panel *panel, char *line)
{
    char *columns[COLUMNS];
    size_t count = 0;
    for (char *at = line; at != NULL && count < COLUMNS; count++) {
        columns[count] = at;
        at = strchr(at, '\t');
        if (at != NULL) {
            *at++ = 0;
        }
    }
    if (count != COLUMNS || !is_plain_path(columns[0]) || strlen(columns[3]) != 64) {
        return false;
    }
    mem_grow(&panel->files, &panel->capacity, panel->count + 1, sizeof *panel->files);
    struct panel_file *f = &panel->files[panel->count++];
    *f = (struct panel_file){.path = mem_strdup(columns[0]),
                             .media_type = mem_strdup(columns[1]),
                             .has_gzip = is_yes(columns[4]),
                             .has_brotli = is_yes(columns[5]),
                             .is_hashed = is_hashed_name(columns[0])};
    memcpy(f->hash, columns[3], sizeof f->hash);
    return true;
}

struct panel *panel_open(const char *folder)
{
    struct panel *panel = mem_zalloc(sizeof *panel);
    snprintf(panel->folder, sizeof panel->folder, "%s", folder);
    char path[600];
    snprintf(path, sizeof path, "%s/manifest.tsv", folder);
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct errmsg e = {0};
    if (file_read(path, MANIFEST_MAX, &bytes, &len, &e) != ERR_OK) {
        log_warn("the panel is not installed, only the API is served", F_STR("file", path),
                 F_ERR(&e));
        return panel;
    }
    char *save = NULL;
    for (char *line = strtok_r((char *)bytes, "\r\n", &save); line != NULL;
         line = strtok_r(NULL, "\r\n", &save)) {
        bool is_head = strncmp(line, "path\t", 5) == 0 || line[0] == '#';
        char *copy = mem_strdup(line);
        if (!is_head && !add_line(panel, copy)) {
            log_warn("a line of the panel's manifest is not right", F_STR("file", path),
                     F_STR("line", line));
        }
        mem_free(copy);
    }
    mem_free(bytes);
    return panel;
}

void panel_close(struct panel *panel)
{
    if (panel == NULL) {
        return;
    }
    for (size_t i = 0; i < panel->count; i++) {
        mem_free(panel->files[i].path);
        mem_free(panel->files[i].media_type);
    }
    mem_free(panel->files);
    mem_free(panel);
}

static const struct panel_file *find(const struct panel *panel, const char *path)
{
    for (size_t i = 0; i < panel->count; i++) {
        if (strcmp(panel->files[i].path, path) == 0) {
            return &panel->files[i];
        }
    }
    return NULL;
}

static void page_headers(struct web_answer *answer)
{
    web_answer_header(answer, "Content-Security-Policy", policy);
    web_answer_header(answer, "X-Content-Type-Options", "nosniff");
    web_answer_header(answer, "Referrer-Policy", "no-referrer");
    web_answer_header(answer, "Cross-Origin-Opener-Policy", "same-origin");
}

// Does Accept-Encoding name the coding, and not with q=0 (RFC 9110 section 12.5.3)?
static bool accepts(const char *header, const char *coding)
{
    size_t len = strlen(coding);
    for (const char *at = header; at != NULL; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (strncasecmp(at, coding, len) == 0 && strchr(" ;,", at[len]) != NULL) {
            const char *q = at + len + strspn(at + len, " ;");
            return !(strncasecmp(q, "q=0", 3) == 0 && strspn(q + 3, ".0") == strcspn(q + 3, ", "));
        }
    }
    return false;
}

static bool matches_etag(const struct web_request *request, const char *etag)
{
    const char *header = web_request_header(request, "if-none-match");
    return header != NULL && (strstr(header, etag) != NULL || strcmp(header, "*") == 0);
}

static void serve_text(struct web_request *request, unsigned status, const char *html)
{
    struct web_answer answer;
    web_answer_init(&answer, status);
    page_headers(&answer);
    web_answer_header(&answer, "Cache-Control", "no-cache");
    if (html != NULL) {
        answer.content_type = "text/html; charset=utf-8";
        answer.body = mem_strdup(html);
        answer.body_len = strlen(html);
    }
    web_answer(request, &answer);
}

static void serve_file(const struct panel *panel, const struct panel_file *file,
                       struct web_request *request)
{
    const char *accepted = web_request_header(request, "accept-encoding");
    const char *coding = NULL;
    const char *suffix = "";
    if (file->has_brotli && accepted != NULL && accepts(accepted, "br")) {
        coding = "br";
        suffix = ".br";
    } else if (file->has_gzip && accepted != NULL && accepts(accepted, "gzip")) {
        coding = "gzip";
        suffix = ".gz";
    }
    char etag[96];
    char path[800];
    snprintf(etag, sizeof etag, "\"%.32s%s%s\"", file->hash, coding == NULL ? "" : "-",
             coding == NULL ? "" : coding);
    struct web_answer answer;
    web_answer_init(&answer, MHD_HTTP_OK);
    page_headers(&answer);
    web_answer_header(&answer, "Vary", "Accept-Encoding");
    web_answer_header(&answer, "ETag", etag);
    web_answer_header(&answer, "Cache-Control",
                      file->is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
    if (matches_etag(request, etag)) {
        answer.status = MHD_HTTP_NOT_MODIFIED;
        web_answer(request, &answer);
        return;
    }
    snprintf(path, sizeof path, "%s/%s%s", panel->folder, file->path, suffix);
    struct stat st;
    answer.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (answer.fd < 0 || fstat(answer.fd, &st) != 0) {
        if (answer.fd >= 0) {
            close(answer.fd);
        }
        log_warn("a file of the panel cannot be read", F_STR("file", path));
        serve_text(request, MHD_HTTP_NOT_FOUND, NULL);
        return;
    }
    answer.fd_size = (uint64_t)st.st_size;
    answer.content_type = file->media_type;
    if (coding != NULL) {
        web_answer_header(&answer, "Content-Encoding", coding);
    }
    web_answer(request, &answer);
}

void panel_serve(const struct panel *panel, struct web_request *request)
{
    bool is_read = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    const char *path = request->path[0] == '/' ? request->path + 1 : request->path;
    bool is_start = path[0] == 0;
    const struct panel_file *file = find(panel, is_start ? "index.html" : path);
    if (is_read && file != NULL) {
        serve_file(panel, file, request);
    } else if (is_read && is_start) {
        serve_text(request, MHD_HTTP_OK, no_panel);
    } else {
        serve_text(request, MHD_HTTP_NOT_FOUND, NULL);
    }
}
