/*
 * trellisctl: from the command line to a row of the command tables.
 */
#include "clusterd/cli/cli.h"

#include "common/app/app.h"
#include "common/base/log.h"
#include "common/base/str.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RUN_DIR   "/run/trellis"
#define DEFAULT_SPOOL_DIR "/var/lib/trellis/spool"

struct command_set {
    const struct cli_command *rows;
    const size_t *count;
};
static const struct command_set SETS[] = {
    {cli_node_commands,    &cli_node_command_count   },
    {cli_cluster_commands, &cli_cluster_command_count},
    {cli_config_commands,  &cli_config_command_count },
    {cli_zone_commands,    &cli_zone_command_count   },
};
#define SET_COUNT (sizeof SETS / sizeof SETS[0])

static void print_command(FILE *to, const struct cli_command *command)
{
    char words[128];
    snprintf(words, sizeof words, "%s%s%s%s%s", command->noun, command->verb[0] ? " " : "",
             command->verb, command->arguments[0] ? " " : "", command->arguments);
    fprintf(to, "  %-44s  %s\n", words, command->help);
}

static void print_usage(FILE *to, const char *noun)
{
    fprintf(to, "usage: trellisctl [-r RUN_DIR] [-s SPOOL_DIR] [--json] COMMAND …\n\n");
    for (size_t s = 0; s < SET_COUNT; s++) {
        for (size_t i = 0; i < *SETS[s].count; i++) {
            if (noun == NULL || strcmp(noun, SETS[s].rows[i].noun) == 0) {
                print_command(to, &SETS[s].rows[i]);
            }
        }
    }
    fprintf(to,
            "\n  -r, --run DIR      sockets of the daemons (TRELLIS_RUN, else %s)\n"
            "  -s, --spool DIR    files on their way between daemons (TRELLIS_SPOOL, else %s)\n"
            "  --json             output for programs\n"
            "  -V, --version\n"
            "\nExit codes: 0 done, 1 failed, 2 wrong use\n",
            DEFAULT_RUN_DIR, DEFAULT_SPOOL_DIR);
}

static bool known_noun(const char *noun)
{
    for (size_t s = 0; s < SET_COUNT; s++) {
        for (size_t i = 0; i < *SETS[s].count; i++) {
            if (strcmp(noun, SETS[s].rows[i].noun) == 0) {
                return true;
            }
        }
    }
    return false;
}

// The row of the words given; `*used` gets how many of them named it.
static const struct cli_command *find_command(int argc, char **argv, int *used)
{
    for (size_t s = 0; s < SET_COUNT; s++) {
        for (size_t i = 0; i < *SETS[s].count; i++) {
            const struct cli_command *row = &SETS[s].rows[i];
            if (strcmp(argv[0], row->noun) != 0) {
                continue;
            }
            if (row->verb[0] == '\0') {
                *used = 1;
                return row;
            }
            if (argc > 1 && strcmp(argv[1], row->verb) == 0) {
                *used = 2;
                return row;
            }
        }
    }
    return NULL;
}

static int report(struct cli *cli, enum err err)
{
    if (err == ERR_OK) {
        return CLI_OK;
    }
    const char *text = cli->e.text[0] == '\0' ? err_text(err) : cli->e.text;
    if (cli->json) {
        json_t *json = json_pack("{s:s, s:i}", "error", text, "code", (int)err);
        json_dumpf(json, stderr, JSON_COMPACT);
        fputc('\n', stderr);
        json_decref(json);
    } else {
        fprintf(stderr, "trellisctl: %s\n", text);
    }
    return CLI_FAILED;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    int used = 0;
    const struct cli_command *command = find_command(argc, argv, &used);
    if (command == NULL) {
        bool known = known_noun(argv[0]);
        if (known && argc > 1) {
            fprintf(stderr, "trellisctl: %s knows no \"%s\"\n", argv[0], argv[1]);
        } else if (!known) {
            fprintf(stderr, "trellisctl: no command \"%s\"\n", argv[0]);
        }
        print_usage(stderr, known ? argv[0] : NULL);
        return CLI_USAGE;
    }
    argc -= used;
    argv += used;
    if (argc < command->min_arguments) {
        fprintf(stderr, "usage: trellisctl %s %s %s\n", command->noun, command->verb,
                command->arguments);
        return CLI_USAGE;
    }
    enum err err = command->run(cli, argc, argv);
    int code = report(cli, err);
    return cli->is_misuse ? CLI_USAGE : code;
}

static const char *env_or(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : fallback;
}

int main(int argc, char **argv)
{
    struct cli cli = {.run_dir = env_or("TRELLIS_RUN", DEFAULT_RUN_DIR),
                      .spool_dir = env_or("TRELLIS_SPOOL", DEFAULT_SPOOL_DIR)};
    argc--;
    argv++;
    const char *run = cli_option(&argc, argv, "-r");
    run = run == NULL ? cli_option(&argc, argv, "--run") : run;
    const char *spool = cli_option(&argc, argv, "-s");
    spool = spool == NULL ? cli_option(&argc, argv, "--spool") : spool;
    cli.run_dir = run == NULL ? cli.run_dir : run;
    cli.spool_dir = spool == NULL ? cli.spool_dir : spool;
    cli.json = cli_flag(&argc, argv, "--json");
    if (cli_flag(&argc, argv, "-V") || cli_flag(&argc, argv, "--version")) {
        printf("trellisctl %s\n", app_version);
        return CLI_OK;
    }
    if (cli_flag(&argc, argv, "-h") || cli_flag(&argc, argv, "--help")) {
        print_usage(stdout, argc > 0 && known_noun(argv[0]) ? argv[0] : NULL);
        return CLI_OK;
    }
    if (argc == 0) {
        print_usage(stderr, NULL);
        return CLI_USAGE;
    }
    log_set_level(LOG_ERROR);
    cli.base = event_base_new();
    if (cli.base == NULL) {
        fprintf(stderr, "trellisctl: no event loop\n");
        return CLI_FAILED;
    }
    int code = run_command(&cli, argc, argv);
    for (unsigned i = 0; i < RPC_PARTY_COUNT; i++) {
        if (cli.client[i] != NULL) {
            rpc_client_close(cli.client[i]);
        }
    }
    event_base_free(cli.base);
    return code;
}
