/*
 * trellisctl cluster: operations on the cluster through this node's clusterd.
 */
#include "clusterd/cli/cli.h"

#include "common/base/mem.h"
#include "proto/clusterd.pb-c.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER       (&clusterd__cluster__descriptor)
#define ADDRESSES_MAX 32

static char LOCAL_ACTOR[] = "local";

static const char *state_word(Clusterd__NodeState state)
{
    static const char *const words[] = {"Unknown", "Self", "Connected", "Unreachable"};
    return (size_t)state < 4 ? words[state] : "?";
}

static const char *type_word(Clusterd__NodeType type)
{
    return type == CLUSTERD__NODE_TYPE__PRIMARY ? "Primary" : "Secondary";
}

static void version_text(const Trellis__Version *version, char *text, size_t size)
{
    if (version == NULL || version->seq == 0) {
        snprintf(text, size, "-");
    } else {
        snprintf(text, size, "%llu.%llu", (unsigned long long)version->epoch,
                 (unsigned long long)version->seq);
    }
}

static json_t *version_json(const Trellis__Version *version)
{
    return json_pack("{s:I, s:I}", "epoch", (json_int_t)(version == NULL ? 0 : version->epoch),
                     "seq", (json_int_t)(version == NULL ? 0 : version->seq));
}

static json_t *hex_json(const ProtobufCBinaryData *bytes)
{
    char text[2 * 64 + 1] = "";
    if (bytes->len <= 64) {
        str_hex(text, bytes->data, bytes->len);
    }
    return json_string(text);
}

static json_t *strings_json(char **items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(items[i]));
    }
    return list;
}

static json_t *node_json(const Clusterd__Node *node)
{
    json_t *json = json_pack(
        "{s:I, s:s, s:s, s:o, s:i, s:s, s:s, s:I, s:I, s:I}", "id", (json_int_t)node->id, "name",
        node->name, "url", node->url, "addresses", strings_json(node->addresses, node->n_addresses),
        "dnsPort", (int)node->dns_port, "type", type_word(node->type), "state",
        state_word(node->state), "upSinceMs", (json_int_t)node->up_since_ms, "lastSeenMs",
        (json_int_t)node->last_seen_ms, "configSyncedMs", (json_int_t)node->config_synced_ms);
    json_object_set_new(json, "version", version_json(node->version));
    json_object_set_new(json, "appliedDnsd", version_json(node->applied_dnsd));
    json_object_set_new(json, "appliedWebd", version_json(node->applied_webd));
    json_object_set_new(json, "digest", hex_json(&node->digest));
    json_object_set_new(json, "refused", json_string(node->refused));
    json_object_set_new(json, "lastError", json_string(node->last_error));
    json_object_set_new(json, "productVersion", json_string(node->product_version));
    json_object_set_new(json, "catalogSerial", json_integer(node->catalog_serial));
    json_object_set_new(json, "clusterZoneSerial", json_integer(node->cluster_zone_serial));
    return json;
}

static json_t *state_json(const Clusterd__StateReply *state)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < state->n_nodes; i++) {
        json_array_append_new(nodes, node_json(state->nodes[i]));
    }
    json_t *json = json_pack(
        "{s:b, s:s, s:s, s:s, s:I, s:o, s:I}", "initialized", (int)state->initialized, "domain",
        state->domain, "catalog", state->catalog, "serverName", state->server_name, "selfId",
        (json_int_t)state->self_id, "nodes", nodes, "revision", (json_int_t)state->revision);
    json_object_set_new(json, "version", version_json(state->version));
    json_object_set_new(json, "digest", hex_json(&state->digest));
    json_object_set_new(json, "operation", json_string(state->operation));
    json_object_set_new(json, "productVersion", json_string(state->product_version));
    if (state->options != NULL) {
        const Clusterd__ClusterOptions *o = state->options;
        json_object_set_new(json, "options",
                            json_pack("{s:i, s:i, s:i, s:i}", "heartbeatRefreshIntervalSeconds",
                                      (int)o->heartbeat_refresh_s, "heartbeatRetryIntervalSeconds",
                                      (int)o->heartbeat_retry_s, "configRefreshIntervalSeconds",
                                      (int)o->config_refresh_s, "configRetryIntervalSeconds",
                                      (int)o->config_retry_s));
    }
    return json;
}

static char *joined_addresses(const Clusterd__Node *node)
{
    struct str text;
    str_init(&text);
    str_add(&text, "");
    for (size_t i = 0; i < node->n_addresses; i++) {
        str_printf(&text, "%s%s", i == 0 ? "" : " ", node->addresses[i]);
    }
    return str_take(&text);
}

static void print_nodes(const Clusterd__StateReply *state)
{
    static const char *const headings[] = {"NODE",    "TYPE",   "STATE",     "SEEN",  "VERSION",
                                           "APPLIED", "DIGEST", "ADDRESSES", "REMARK"};
    struct cli_table *table = cli_table_new(headings, 9);
    for (size_t i = 0; i < state->n_nodes; i++) {
        const Clusterd__Node *node = state->nodes[i];
        char version[48];
        char applied[48];
        char digest[9] = "-";
        char *addresses = joined_addresses(node);
        version_text(node->version, version, sizeof version);
        version_text(node->applied_dnsd, applied, sizeof applied);
        if (node->digest.len >= 4) {
            str_hex(digest, node->digest.data, 4);
        }
        const char *remark = node->refused[0] != '\0' ? node->refused : node->last_error;
        bool self = node->state == CLUSTERD__NODE_STATE__SELF;
        const char *const cells[] = {node->name,
                                     type_word(node->type),
                                     state_word(node->state),
                                     self ? "" : cli_ago(node->last_seen_ms),
                                     version,
                                     applied,
                                     digest,
                                     addresses,
                                     remark};
        cli_table_row(table, cells);
        mem_free(addresses);
    }
    cli_table_print(table);
}

static void print_state(struct cli *cli, const Clusterd__StateReply *state)
{
    if (cli->json) {
        cli_print_json(state_json(state));
        return;
    }
    if (state->operation[0] != '\0') {
        printf("under way: %s\n", state->operation);
    }
    if (!state->initialized) {
        printf("%s is in no cluster\n", state->server_name);
        return;
    }
    char version[48];
    version_text(state->version, version, sizeof version);
    printf("cluster %s, seen from %s; config version %s of %s\n\n", state->domain,
           state->server_name, version, cli_time(state->version_time_ms));
    print_nodes(state);
    if (state->options != NULL) {
        printf("\nheartbeat every %u s (retry %u s), config every %u s (retry %u s)\n",
               state->options->heartbeat_refresh_s, state->options->heartbeat_retry_s,
               state->options->config_refresh_s, state->options->config_retry_s);
    }
}

// Calls a method that answers with the state, and shows it.
static enum err call_state(struct cli *cli, const char *method, const void *request)
{
    Clusterd__StateReply *reply = NULL;
    enum err err = cli_call(cli, RPC_CLUSTERD, CLUSTER, method, request, &reply);
    if (err == ERR_OK) {
        print_state(cli, reply);
    }
    cli_free(reply);
    return err;
}

// The rest of the words are addresses, each maybe several with commas between.
struct address_list {
    char *items[ADDRESSES_MAX];
    size_t count;
};

static enum err take_addresses(struct cli *cli, int argc, char **argv, struct address_list *list)
{
    for (int i = 0; i < argc; i++) {
        char *rest = argv[i];
        char *part;
        while ((part = strsep(&rest, ",")) != NULL) {
            if (list->count == ADDRESSES_MAX) {
                return err_set(&cli->e, ERR_INVALID, "at most %d addresses", ADDRESSES_MAX);
            }
            if (part[0] != '\0') {
                list->items[list->count++] = part;
            }
        }
    }
    return ERR_OK;
}

static enum err cluster_state(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, 0);
    if (err != ERR_OK) {
        return err;
    }
    Clusterd__StateRequest request;
    clusterd__state_request__init(&request);
    return call_state(cli, "State", &request);
}

static enum err cluster_init(struct cli *cli, int argc, char **argv)
{
    Clusterd__InitRequest request;
    clusterd__init_request__init(&request);
    request.allow_foreign_addresses = cli_flag(&argc, argv, "--foreign-addresses");
    struct address_list addresses = {0};
    enum err err = cli_no_more(cli, argc, argv, argc);
    if (err == ERR_OK && argc < 2) {
        err = cli_misuse(cli, "give the cluster domain and this node's addresses");
    }
    if (err == ERR_OK) {
        err = take_addresses(cli, argc - 1, argv + 1, &addresses);
    }
    if (err != ERR_OK) {
        return err;
    }
    request.domain = argv[0];
    request.addresses = addresses.items;
    request.n_addresses = addresses.count;
    request.actor = LOCAL_ACTOR;
    return call_state(cli, "Initialize", &request);
}

// ---- join --------------------------------------------------------------------------------------

static void show_progress(const struct cli *cli, const Clusterd__TaskReply *task, size_t *shown)
{
    for (; *shown < task->n_steps && task->steps[*shown]->done; (*shown)++) {
        if (!cli->json) {
            printf("%6u ms  %s\n", task->steps[*shown]->ms, task->steps[*shown]->name);
            fflush(stdout);
        }
    }
}

static enum err follow_task(struct cli *cli, Clusterd__TaskReply *task)
{
    size_t shown = 0;
    enum err err = ERR_OK;
    show_progress(cli, task, &shown);
    while (err == ERR_OK && !task->finished) {
        Clusterd__TaskRequest request;
        clusterd__task_request__init(&request);
        request.id = task->id;
        cli_free(task);
        task = NULL;
        struct timeval pause = {.tv_usec = 100000};
        event_base_loopexit(cli->base, &pause);
        event_base_dispatch(cli->base);
        err = cli_call(cli, RPC_CLUSTERD, CLUSTER, "Task", &request, &task);
        if (err == ERR_OK) {
            show_progress(cli, task, &shown);
        }
    }
    cli_free(task);
    return err;
}

static enum err cluster_join(struct cli *cli, int argc, char **argv)
{
    Clusterd__JoinRequest request;
    clusterd__join_request__init(&request);
    const char *token = cli_option(&argc, argv, "--token");
    const char *user = cli_option(&argc, argv, "--user");
    const char *password_file = cli_option(&argc, argv, "--password-file");
    const char *totp = cli_option(&argc, argv, "--totp");
    const char *address = cli_option(&argc, argv, "--primary-address");
    request.ignore_certificate_errors = cli_flag(&argc, argv, "--ignore-certificate");
    request.allow_foreign_addresses = cli_flag(&argc, argv, "--foreign-addresses");
    int first = token == NULL ? 1 : 0;
    struct address_list addresses = {0};
    enum err err = cli_no_more(cli, argc, argv, argc);
    if (err == ERR_OK && argc < first + 1) {
        err = cli_misuse(cli, "give the primary's URL (or --token) and this node's addresses");
    }
    if (err == ERR_OK) {
        err = take_addresses(cli, argc - first, argv + first, &addresses);
    }
    struct str secret;
    str_init(&secret);
    if (err == ERR_OK && token == NULL) {
        err = cli_secret(cli, password_file, "password of the user on the primary: ", &secret);
    }
    char *copies[4] = {
        mem_strdup(token == NULL ? "" : token), mem_strdup(user == NULL ? "admin" : user),
        mem_strdup(totp == NULL ? "" : totp), mem_strdup(address == NULL ? "" : address)};
    if (err == ERR_OK) {
        request.token = copies[0];
        request.user = copies[1];
        request.totp = copies[2];
        request.primary_address = copies[3];
        request.primary_url = first == 1 ? argv[0] : request.primary_url;
        request.password = secret.text == NULL ? request.password : secret.text;
        request.addresses = addresses.items;
        request.n_addresses = addresses.count;
        request.actor = LOCAL_ACTOR;
        Clusterd__TaskReply *task = NULL;
        err = cli_call(cli, RPC_CLUSTERD, CLUSTER, "Join", &request, &task);
        if (err == ERR_OK) {
            err = follow_task(cli, task);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        mem_free(copies[i]);
    }
    if (secret.text != NULL) {
        mem_wipe(secret.text, secret.len);
    }
    str_fini(&secret);
    return err == ERR_OK ? cluster_state(cli, 0, argv) : err;
}

// ---- the others --------------------------------------------------------------------------------

static enum err cluster_token(struct cli *cli, int argc, char **argv)
{
    const char *valid = cli_option(&argc, argv, "--valid");
    Clusterd__JoinTokenRequest request;
    clusterd__join_token_request__init(&request);
    enum err err = cli_no_more(cli, argc, argv, 0);
    if (err == ERR_OK && valid != NULL &&
        str_to_u32(valid, 30 * 24 * 3600, &request.valid_s) != ERR_OK) {
        err = cli_misuse(cli, "--valid: seconds, at most 30 days");
    }
    request.actor = LOCAL_ACTOR;
    Clusterd__JoinTokenReply *reply = NULL;
    if (err == ERR_OK) {
        err = cli_call(cli, RPC_CLUSTERD, CLUSTER, "CreateJoinToken", &request, &reply);
    }
    if (err == ERR_OK && cli->json) {
        cli_print_json(json_pack("{s:s, s:I}", "token", reply->token, "expiresMs",
                                 (json_int_t)reply->expires_ms));
    } else if (err == ERR_OK) {
        printf("%s\n", reply->token);
        fprintf(stderr, "good for one node until %s\n", cli_time(reply->expires_ms));
    }
    cli_free(reply);
    return err;
}

static enum err cluster_options(struct cli *cli, int argc, char **argv)
{
    Clusterd__ClusterOptions request;
    clusterd__cluster_options__init(&request);
    struct {
        const char *option;
        uint32_t *target;
    } rows[] = {
        {"--heartbeat",       &request.heartbeat_refresh_s},
        {"--heartbeat-retry", &request.heartbeat_retry_s  },
        {"--config",          &request.config_refresh_s   },
        {"--config-retry",    &request.config_retry_s     },
    };
    enum err err = ERR_OK;
    bool any = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && err == ERR_OK; i++) {
        const char *value = cli_option(&argc, argv, rows[i].option);
        any = any || value != NULL;
        if (value != NULL && str_to_u32(value, 3600, rows[i].target) != ERR_OK) {
            err = cli_misuse(cli, "%s: seconds, at most 3600", rows[i].option);
        }
    }
    if (err == ERR_OK) {
        err = cli_no_more(cli, argc, argv, 0);
    }
    if (err != ERR_OK || !any) {
        return err == ERR_OK ? cluster_state(cli, 0, argv) : err;
    }
    request.actor = LOCAL_ACTOR;
    return call_state(cli, "SetOptions", &request);
}

static enum err cluster_resync(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, 0);
    Trellis__Empty request;
    trellis__empty__init(&request);
    void *reply = NULL;
    if (err == ERR_OK) {
        err = cli_call(cli, RPC_CLUSTERD, CLUSTER, "Resync", &request, &reply);
    }
    cli_free(reply);
    return err == ERR_OK ? cluster_state(cli, 0, argv) : err;
}

static enum err cluster_leave(struct cli *cli, int argc, char **argv)
{
    Clusterd__LeaveRequest request;
    clusterd__leave_request__init(&request);
    request.force = cli_flag(&argc, argv, "--force");
    request.zones_as_primary = cli_flag(&argc, argv, "--zones-as-primary");
    request.actor = LOCAL_ACTOR;
    enum err err = cli_no_more(cli, argc, argv, 0);
    return err == ERR_OK ? call_state(cli, "Leave", &request) : err;
}

static enum err find_node(struct cli *cli, const char *name, uint32_t *id)
{
    if (str_to_u32(name, UINT32_MAX, id) == ERR_OK) {
        return ERR_OK;
    }
    Clusterd__StateRequest request;
    clusterd__state_request__init(&request);
    Clusterd__StateReply *reply = NULL;
    enum err err = cli_call(cli, RPC_CLUSTERD, CLUSTER, "State", &request, &reply);
    if (err != ERR_OK) {
        return err;
    }
    err = err_set(&cli->e, ERR_NOT_FOUND, "there is no node \"%s\"", name);
    for (size_t i = 0; i < reply->n_nodes; i++) {
        if (str_equal_nocase(reply->nodes[i]->name, name)) {
            *id = reply->nodes[i]->id;
            cli->e = (struct errmsg){0};
            err = ERR_OK;
        }
    }
    cli_free(reply);
    return err;
}

static enum err cluster_remove(struct cli *cli, int argc, char **argv)
{
    Clusterd__RemoveRequest request;
    clusterd__remove_request__init(&request);
    request.force = cli_flag(&argc, argv, "--force");
    request.actor = LOCAL_ACTOR;
    enum err err = cli_no_more(cli, argc, argv, 1);
    if (err == ERR_OK && argc < 1) {
        err = cli_misuse(cli, "which node?");
    }
    if (err == ERR_OK) {
        err = find_node(cli, argv[0], &request.node_id);
    }
    return err == ERR_OK ? call_state(cli, "Remove", &request) : err;
}

static enum err cluster_delete(struct cli *cli, int argc, char **argv)
{
    Clusterd__DeleteRequest request;
    clusterd__delete_request__init(&request);
    request.force = cli_flag(&argc, argv, "--force");
    request.actor = LOCAL_ACTOR;
    enum err err = cli_no_more(cli, argc, argv, 0);
    return err == ERR_OK ? call_state(cli, "Delete", &request) : err;
}

static enum err cluster_addresses(struct cli *cli, int argc, char **argv)
{
    Clusterd__UpdateAddressesRequest request;
    clusterd__update_addresses_request__init(&request);
    request.allow_foreign_addresses = cli_flag(&argc, argv, "--foreign-addresses");
    struct address_list addresses = {0};
    enum err err = cli_no_more(cli, argc, argv, argc);
    if (err == ERR_OK) {
        err = take_addresses(cli, argc, argv, &addresses);
    }
    request.addresses = addresses.items;
    request.n_addresses = addresses.count;
    request.actor = LOCAL_ACTOR;
    return err == ERR_OK ? call_state(cli, "UpdateAddresses", &request) : err;
}

static enum err cluster_primary(struct cli *cli, int argc, char **argv)
{
    Clusterd__UpdatePrimaryRequest request;
    clusterd__update_primary_request__init(&request);
    struct address_list addresses = {0};
    enum err err = cli_no_more(cli, argc, argv, argc);
    if (err == ERR_OK) {
        err = take_addresses(cli, argc - 1, argv + 1, &addresses);
    }
    request.url = argv[0];
    request.addresses = addresses.items;
    request.n_addresses = addresses.count;
    request.actor = LOCAL_ACTOR;
    return err == ERR_OK ? call_state(cli, "UpdatePrimary", &request) : err;
}

const struct cli_command cli_cluster_commands[] = {
    {"cluster", "state",     "",                                                                      "the nodes as this one sees them",           0, 0,  cluster_state    },
    {"cluster", "init",      "DOMAIN ADDRESS… [--foreign-addresses]",
     "make this node a cluster's primary",                                                                                                         2, -1, cluster_init     },
    {"cluster", "join",      "URL ADDRESS… [--user U] [--password-file F] [--totp N]",
     "make this node a secondary; or --token T ADDRESS…",                                                                                        1, -1, cluster_join     },
    {"cluster", "token",     "[--valid SECONDS]",                                                     "a one-time token for a node to join with",  0, -1,
     cluster_token                                                                                                                                                         },
    {"cluster", "options",   "[--heartbeat S] [--heartbeat-retry S] [--config S] [--config-retry S]",
     "the timers",                                                                                                                                 0, -1, cluster_options  },
    {"cluster", "resync",    "",                                                                      "pull the whole config again",               0, 0,  cluster_resync   },
    {"cluster", "leave",     "[--force] [--zones-as-primary]",                                        "take this secondary out",                   0, -1,
     cluster_leave                                                                                                                                                         },
    {"cluster", "remove",    "NODE [--force]",                                                        "take a secondary out; --force: a dead one", 1, -1,
     cluster_remove                                                                                                                                                        },
    {"cluster", "delete",    "[--force]",                                                             "end the cluster",                           0, -1, cluster_delete   },
    {"cluster", "addresses", "ADDRESS…",                                                            "new addresses of this node",                1, -1, cluster_addresses},
    {"cluster", "primary",   "URL [ADDRESS…]",                                                      "where a secondary finds its primary",       1, -1,
     cluster_primary                                                                                                                                                       },
};
const size_t cli_cluster_command_count =
    sizeof cli_cluster_commands / sizeof cli_cluster_commands[0];
