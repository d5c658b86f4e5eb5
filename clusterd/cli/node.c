/*
 * trellisctl status, setup-token, api: this node as a whole.
 */
#include "clusterd/cli/cli.h"

#include "common/base/mem.h"
#include "proto/clusterd.pb-c.h"
#include "proto/dnsd.pb-c.h"
#include "proto/webd.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- status ------------------------------------------------------------------------------------

static json_t *texts_json(char **items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(items[i]));
    }
    return list;
}

static enum err clusterd_status(struct cli *cli, json_t *json)
{
    Clusterd__StateRequest request;
    clusterd__state_request__init(&request);
    Clusterd__StateReply *reply = NULL;
    enum err err =
        cli_call(cli, RPC_CLUSTERD, &clusterd__cluster__descriptor, "State", &request, &reply);
    if (err == ERR_OK) {
        json_object_set_new(json, "upSinceMs", json_integer((json_int_t)reply->up_since_ms));
        json_object_set_new(json, "productVersion", json_string(reply->product_version));
        json_object_set_new(json, "serverName", json_string(reply->server_name));
        json_object_set_new(json, "cluster", json_string(reply->domain));
        json_object_set_new(json, "revision", json_integer((json_int_t)reply->revision));
        if (reply->operation[0] != '\0') {
            json_object_set_new(json, "operation", json_string(reply->operation));
        }
    }
    cli_free(reply);
    return err;
}

static enum err dnsd_status(struct cli *cli, json_t *json)
{
    Trellis__Empty request;
    trellis__empty__init(&request);
    Dnsd__StatusReply *reply = NULL;
    enum err err = cli_call(cli, RPC_DNSD, &dnsd__server__descriptor, "Status", &request, &reply);
    if (err == ERR_OK) {
        json_object_set_new(json, "upSinceMs", json_integer((json_int_t)reply->up_since_ms));
        json_object_set_new(json, "productVersion", json_string(reply->product_version));
        json_object_set_new(json, "revision", json_integer((json_int_t)reply->config_revision));
        json_object_set_new(json, "listening", texts_json(reply->listening, reply->n_listening));
        json_object_set_new(json, "notListening",
                            texts_json(reply->not_listening, reply->n_not_listening));
        json_object_set_new(json, "workers", json_integer(reply->workers));
        json_object_set_new(json, "zones", json_integer((json_int_t)reply->zones));
        json_object_set_new(json, "blockedNames", json_integer((json_int_t)reply->blocked_names));
        json_object_set_new(json, "allowedNames", json_integer((json_int_t)reply->allowed_names));
        json_t *counters = json_object();
        for (size_t i = 0; i < reply->n_counters; i++) {
            json_object_set_new(counters, reply->counters[i]->name,
                                json_integer((json_int_t)reply->counters[i]->value));
        }
        json_object_set_new(json, "counters", counters);
    }
    cli_free(reply);
    return err;
}

static enum err webd_status(struct cli *cli, json_t *json)
{
    Trellis__Empty request;
    trellis__empty__init(&request);
    Webd__WebStatusReply *reply = NULL;
    enum err err = cli_call(cli, RPC_WEBD, &webd__web__descriptor, "Status", &request, &reply);
    if (err == ERR_OK) {
        json_object_set_new(json, "upSinceMs", json_integer((json_int_t)reply->up_since_ms));
        json_object_set_new(json, "productVersion", json_string(reply->product_version));
        json_object_set_new(json, "revision", json_integer((json_int_t)reply->config_revision));
        json_object_set_new(json, "listening", texts_json(reply->listening, reply->n_listening));
        json_object_set_new(json, "tls", json_boolean(reply->tls_enabled));
        json_object_set_new(json, "passwordChosen", json_boolean(reply->admin_password_set));
    }
    cli_free(reply);
    return err;
}

static void print_value(const char *name, const json_t *value)
{
    if (json_is_object(value) || json_is_null(value)) {
        return;
    }
    if (strcmp(name, "upSinceMs") == 0) {
        printf("  %-16s %s ago\n", "started", cli_ago((uint64_t)json_integer_value(value)));
    } else if (json_is_array(value)) {
        size_t i;
        json_t *item;
        json_array_foreach(value, i, item)
        {
            printf("  %-16s %s\n", i == 0 ? name : "", json_string_value(item));
        }
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        printf("  %-16s %s\n", name, text[0] == '\0' ? "-" : text);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        printf("  %-16s %s\n", name, text);
        free(text);
    }
}

static void print_status(json_t *all)
{
    const char *daemon;
    json_t *json;
    json_object_foreach(all, daemon, json)
    {
        bool up = json_is_true(json_object_get(json, "up"));
        printf("%s: %s\n", daemon, up ? "running" : "down");
        const char *name;
        json_t *value;
        json_object_foreach(json, name, value)
        {
            if (strcmp(name, "up") != 0) {
                print_value(name, value);
            }
        }
    }
}

// A daemon that is down does not hide the others; the exit code says it.
static enum err node_status(struct cli *cli, int argc, char **argv)
{
    static const struct {
        const char *name;
        enum err (*ask)(struct cli *cli, json_t *json);
    } daemons[] = {
        {"dnsd",     dnsd_status    },
        {"clusterd", clusterd_status},
        {"webd",     webd_status    }
    };
    enum err err = cli_no_more(cli, argc, argv, 0);
    if (err != ERR_OK) {
        return err;
    }
    json_t *all = json_object();
    struct errmsg first = {0};
    for (size_t i = 0; i < sizeof daemons / sizeof daemons[0]; i++) {
        json_t *json = json_object();
        enum err one = daemons[i].ask(cli, json);
        json_object_set_new(json, "up", json_boolean(one == ERR_OK));
        if (one != ERR_OK) {
            json_object_set_new(json, "error", json_string(cli->e.text));
            first = first.code == ERR_OK ? cli->e : first;
            cli->e = (struct errmsg){0};
        }
        json_object_set_new(all, daemons[i].name, json);
    }
    if (cli->json) {
        cli_print_json(json_incref(all));
    } else {
        print_status(all);
    }
    json_decref(all);
    cli->e = first;
    return first.code;
}

// ---- small ones --------------------------------------------------------------------------------

static enum err setup_token(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, 0);
    Trellis__Empty request;
    trellis__empty__init(&request);
    Webd__SetupTokenReply *reply = NULL;
    if (err == ERR_OK) {
        err = cli_call(cli, RPC_WEBD, &webd__web__descriptor, "SetupToken", &request, &reply);
    }
    if (err == ERR_OK && cli->json) {
        cli_print_json(json_pack("{s:s}", "token", reply->token));
    } else if (err == ERR_OK && reply->token[0] != '\0') {
        printf("%s\n", reply->token);
    } else if (err == ERR_OK) {
        fprintf(stderr, "the administrator's password has been chosen already\n");
    }
    cli_free(reply);
    return err;
}

// trellisctl api PATH key=value…: any call of the HTTP API, as the local administrator.
static enum err api_call(struct cli *cli, int argc, char **argv)
{
    const char *file = cli_option(&argc, argv, "--file");
    enum err err = cli_no_more(cli, argc, argv, argc);
    struct str query;
    str_init(&query);
    for (int i = 1; i < argc && err == ERR_OK; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL) {
            err = cli_misuse(cli, "\"%s\": write key=value", argv[i]);
            break;
        }
        *equals = '\0';
        cli_query_add(&query, argv[i], equals + 1);
    }
    char *text = NULL;
    size_t len = 0;
    if (err == ERR_OK) {
        const char *path = str_starts(argv[0], "/api/") ? argv[0] + 5 : argv[0];
        struct cli_api_call call = {.path = path,
                                    .query = query.text,
                                    .body_path = file,
                                    .content_type = file == NULL ? NULL : "text/plain"};
        err = cli_api_raw(cli, &call, &text, &len);
    }
    if (err == ERR_OK) {
        json_t *json = json_loadb(text, len, 0, NULL);
        if (json == NULL) {
            fwrite(text, 1, len, stdout);
        } else {
            const char *status = json_string_value(json_object_get(json, "status"));
            const char *why = json_string_value(json_object_get(json, "errorMessage"));
            if (status != NULL && strcmp(status, "ok") != 0) {
                err = err_set(&cli->e, ERR_INVALID, "%s", why == NULL ? status : why);
                json_decref(json);
            } else {
                cli_print_json(json);
            }
        }
    }
    mem_free(text);
    str_fini(&query);
    return err;
}

static enum err seed_file(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, 1);
    return err == ERR_OK ? cli_seed(cli, argv[0]) : err;
}

const struct cli_command cli_node_commands[] = {
    {"status",      "", "",                               "the three daemons of this node",                                     0, -1, node_status},
    {"setup-token", "", "",                               "opens \"choose the administrator's password\" in the panel",         0, 0,
     setup_token                                                                                                                                  },
    {"seed",        "", "FILE",                           "settings, zones, users, allowed and blocked names from a JSON file", 1, 1,
     seed_file                                                                                                                                    },
    {"api",         "", "PATH [KEY=VALUE…] [--file F]", "a call of the HTTP API",                                             1, -1, api_call   },
};
const size_t cli_node_command_count = sizeof cli_node_commands / sizeof cli_node_commands[0];
