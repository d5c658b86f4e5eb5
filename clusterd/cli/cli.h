#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/rpc/rpc.h"

struct event_base;

/*
 * trellisctl: the operator's command line. It calls the daemons of this node by the same RPC as
 * they call each other. One process, one command, one thread.
 */
enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli {
    struct event_base *base;
    const char *run_dir;
    const char *spool_dir;
    bool json;
    struct rpc_client *client[RPC_PARTY_COUNT]; // made on first use
    struct errmsg e;                            // why a command failed
    bool is_misuse;                             // … because the command line is wrong
};

// A command: `trellisctl NOUN VERB ARGUMENTS`, or NOUN alone where verb is "".
struct cli_command {
    const char *noun;
    const char *verb;
    const char *arguments; // for the usage line
    const char *help;
    int min_arguments;
    int max_arguments; // -1 = any
    // ERR_OK, or the failure with its text in cli->e. Options are still among the arguments.
    enum err (*run)(struct cli *cli, int argc, char **argv);
};
extern const struct cli_command cli_config_commands[];
extern const size_t cli_config_command_count;
extern const struct cli_command cli_cluster_commands[];
extern const size_t cli_cluster_command_count;
extern const struct cli_command cli_zone_commands[];
extern const size_t cli_zone_command_count;
extern const struct cli_command cli_node_commands[];
extern const size_t cli_node_command_count;

// ---- calls -------------------------------------------------------------------------------------

// Calls a method and waits. ERR_OK: `*reply` is a reply without an error (cli_free). Else cli->e
// says what went wrong, and which daemon does not answer.
NODISCARD enum err cli_call(struct cli *cli, enum rpc_party server,
                            const ProtobufCServiceDescriptor *service, const char *method,
                            const void *request, void *reply);
void cli_free(void *message);

// A call of the HTTP API as the local administrator.
struct cli_api_call {
    const char *path;  // "zones/list"
    const char *query; // urlencoded, NULL = none
    const char *body;  // NULL = none
    size_t body_len;
    const char *body_path;    // upload this file in place of `body`
    const char *content_type; // of the body
};
// ERR_OK: `*payload` is the reply's "response" (new reference). ERR_INVALID: what the API
// complained about.
NODISCARD enum err cli_api(struct cli *cli, const struct cli_api_call *call, json_t **payload);
// The same, with the answer as it is (mem_free; a NUL behind it).
NODISCARD enum err cli_api_raw(struct cli *cli, const struct cli_api_call *call, char **out,
                               size_t *len);
// A parameter for a query or a form: adds `&` where needed and escapes the value.
void cli_query_add(struct str *query, const char *name, const char *value);

// Copies a file into the spool folder for a daemon; `name` at least 40 bytes. The caller removes
// it.
NODISCARD enum err cli_spool_put(struct cli *cli, const char *path, char *name, size_t size);
NODISCARD enum err cli_spool_write(struct cli *cli, const char *bytes, size_t len, char *name,
                                   size_t size);
void cli_spool_remove(struct cli *cli, const char *name);

// Applies a seed file (seed.c).
NODISCARD enum err cli_seed(struct cli *cli, const char *path);

// ---- arguments ---------------------------------------------------------------------------------

// An option among the arguments, `--name` or `--name VALUE`; taken out of argv where found.
bool cli_flag(int *argc, char **argv, const char *name);
const char *cli_option(int *argc, char **argv, const char *name); // NULL = not given
// A password: the first line of `path`, or asked at the terminal without echo.
NODISCARD enum err cli_secret(struct cli *cli, const char *path, const char *prompt,
                              struct str *out);
// The command line is wrong: sets the text, and exit code 2. Returns ERR_INVALID.
enum err cli_misuse(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Complains about what looks like an option and is none, and about too many words.
NODISCARD enum err cli_no_more(struct cli *cli, int argc, char **argv, int max);

// ---- output ------------------------------------------------------------------------------------

// Prints JSON, indented, keys in the order given, and drops the reference.
void cli_print_json(json_t *json);
// A table with aligned columns; headings in capitals, cells by row. NULL cells are empty.
struct cli_table;
struct cli_table *cli_table_new(const char *const *headings, size_t columns);
void cli_table_row(struct cli_table *table, const char *const *cells);
void cli_table_print(struct cli_table *table); // and frees it
void cli_table_free(struct cli_table *table);
// "2026-11-23 08:42:01" in local time, "-" for 0; a static buffer each of four calls.
const char *cli_time(uint64_t unix_ms);
// "12 s", "3 min", "5 h", "8 d" ago; "-" for 0.
const char *cli_ago(uint64_t unix_ms);
