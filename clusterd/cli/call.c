/*
 * Calls to the daemons of this node.
 */
#include "clusterd/cli/cli.h"

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "proto/common.pb-c.h"
#include "proto/webd.pb-c.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX   ((size_t)1024 * 1024 * 1024)
#define INLINE_MAX ((size_t)64 * 1024)

// Every reply begins like this (proto: error = 1 is the first field).
struct any_reply {
    ProtobufCMessage base;
    Trellis__Error *error;
};

static enum err connect_to(struct cli *cli, enum rpc_party server)
{
    if (cli->client[server] != NULL) {
        return ERR_OK;
    }
    return rpc_client_open(cli->base, cli->run_dir, server, RPC_CTL, &cli->client[server], &cli->e);
}

enum err cli_call(struct cli *cli, enum rpc_party server, const ProtobufCServiceDescriptor *service,
                  const char *method, const void *request, void *reply)
{
    ProtobufCMessage *message = NULL;
    enum err err = connect_to(cli, server);
    if (err == ERR_OK) {
        err = rpc_call_wait(cli->client[server], service, method, request, &message, &cli->e);
    }
    if (err == ERR_OK) {
        err = rpc_error_get(((struct any_reply *)(void *)message)->error, &cli->e);
    }
    if (err == ERR_UNAVAILABLE) {
        struct errmsg why = cli->e;
        char *folder = realpath(cli->run_dir, NULL);
        err = err_set(&cli->e, err, "%s (sockets in %s)", why.text,
                      folder == NULL ? cli->run_dir : folder);
        free(folder);
    }
    if (err != ERR_OK) {
        if (message != NULL) {
            protobuf_c_message_free_unpacked(message, NULL);
        }
        return err;
    }
    *(ProtobufCMessage **)reply = message;
    return ERR_OK;
}

void cli_free(void *message)
{
    if (message != NULL) {
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

// ---- the HTTP API ------------------------------------------------------------------------------

static enum err take_body(struct cli *cli, const Webd__ApiReply *reply, char **out, size_t *len)
{
    if (reply->body_file[0] == '\0') {
        *out = mem_alloc(reply->body.len + 1);
        if (reply->body.len > 0) {
            memcpy(*out, reply->body.data, reply->body.len);
        }
        (*out)[reply->body.len] = '\0';
        *len = reply->body.len;
        return ERR_OK;
    }
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    enum err err = file_spool_path(cli->spool_dir, reply->body_file, path, sizeof path, &cli->e);
    if (err == ERR_OK) {
        err = file_read(path, FILE_MAX, &bytes, len, &cli->e);
        unlink(path);
    }
    *out = (char *)bytes;
    return err;
}

enum err cli_api_raw(struct cli *cli, const struct cli_api_call *call, char **out, size_t *len)
{
    Webd__ApiRequest request;
    webd__api_request__init(&request);
    char *path = mem_strdup(call->path);
    char *query = mem_strdup(call->query == NULL ? "" : call->query);
    char *type = mem_strdup(call->content_type == NULL ? "" : call->content_type);
    char *file = NULL;
    char *body = NULL;
    char spooled[64] = "";
    enum err err = ERR_OK;
    request.path = path;
    request.query = query;
    request.content_type = type;
    if (call->body != NULL && call->body_len <= INLINE_MAX) {
        body = mem_dup(call->body, call->body_len);
        request.body = (ProtobufCBinaryData){.len = call->body_len, .data = (uint8_t *)body};
    } else if (call->body != NULL || call->body_path != NULL) {
        char joined[PATH_MAX];
        err = call->body != NULL
                  ? cli_spool_write(cli, call->body, call->body_len, spooled, sizeof spooled)
                  : cli_spool_put(cli, call->body_path, spooled, sizeof spooled);
        if (err == ERR_OK) {
            err = file_spool_path(cli->spool_dir, spooled, joined, sizeof joined, &cli->e);
        }
        file = err == ERR_OK ? realpath(joined, NULL) : NULL;
        request.body_file = file == NULL ? request.body_file : file;
    }
    Webd__ApiReply *reply = NULL;
    if (err == ERR_OK) {
        err = cli_call(cli, RPC_WEBD, &webd__web__descriptor, "ApiCall", &request, &reply);
    }
    if (err == ERR_OK && reply->http_status != 200) {
        err = err_set(&cli->e, ERR_NOT_FOUND, "%s: the API answered with HTTP status %u", path,
                      reply->http_status);
    }
    if (err == ERR_OK) {
        err = take_body(cli, reply, out, len);
    }
    cli_free(reply);
    if (spooled[0] != '\0') {
        cli_spool_remove(cli, spooled);
    }
    free(file);
    mem_free(body);
    mem_free(path);
    mem_free(query);
    mem_free(type);
    return err;
}

enum err cli_api(struct cli *cli, const struct cli_api_call *call, json_t **payload)
{
    char *text = NULL;
    size_t len = 0;
    enum err err = cli_api_raw(cli, call, &text, &len);
    if (err != ERR_OK) {
        return err;
    }
    json_t *json = json_loadb(text, len, 0, NULL);
    mem_free(text);
    const char *status = json_string_value(json_object_get(json, "status"));
    if (status == NULL) {
        err = err_set(&cli->e, ERR_CORRUPT, "%s: the API's answer is no JSON", call->path);
    } else if (strcmp(status, "ok") != 0) {
        const char *why = json_string_value(json_object_get(json, "errorMessage"));
        err = err_set(&cli->e, ERR_INVALID, "%s: %s", call->path, why == NULL ? status : why);
    } else {
        json_t *response = json_object_get(json, "response");
        *payload = json_incref(response == NULL ? json : response);
    }
    json_decref(json);
    return err;
}

void cli_query_add(struct str *query, const char *name, const char *value)
{
    str_printf(query, "%s%s=", query->len == 0 ? "" : "&", name);
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("-_.~", *p) != NULL;
        if (plain) {
            str_add_char(query, (char)*p);
        } else {
            str_printf(query, "%%%02X", *p);
        }
    }
}

// ---- the spool ---------------------------------------------------------------------------------

static enum err write_all(struct cli *cli, int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_set(&cli->e, err_from_errno(errno), "%s: %s", cli->spool_dir,
                           strerror(errno));
        }
        bytes += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

// Daemons of another user read it: the folder says who may, the file only who may write.
#define SPOOL_FILE_MODE 0640

enum err cli_spool_write(struct cli *cli, const char *bytes, size_t len, char *name, size_t size)
{
    int fd = -1;
    enum err err = file_spool_create(cli->spool_dir, name, size, &fd, &cli->e);
    if (err != ERR_OK) {
        return err;
    }
    err = write_all(cli, fd, bytes, len);
    if (err == ERR_OK && fchmod(fd, SPOOL_FILE_MODE) != 0) {
        err = err_set(&cli->e, err_from_errno(errno), "%s: %s", cli->spool_dir, strerror(errno));
    }
    close(fd);
    if (err != ERR_OK) {
        cli_spool_remove(cli, name);
    }
    return err;
}

enum err cli_spool_put(struct cli *cli, const char *path, char *name, size_t size)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_read(path, FILE_MAX, &bytes, &len, &cli->e);
    if (err == ERR_OK) {
        err = cli_spool_write(cli, (const char *)bytes, len, name, size);
    }
    mem_free(bytes);
    return err;
}

void cli_spool_remove(struct cli *cli, const char *name)
{
    char path[PATH_MAX];
    struct errmsg ignored;
    if (file_spool_path(cli->spool_dir, name, path, sizeof path, &ignored) == ERR_OK) {
        unlink(path);
    }
}
