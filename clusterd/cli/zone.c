/*
 * trellisctl zone: the zones of this node's dnsd. Zone files travel through the spool folder.
 */
#include "clusterd/cli/cli.h"

#include "common/base/file.h"
#include "common/base/mem.h"
#include "proto/dnsd.pb-c.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONES (&dnsd__zones__descriptor)

static const char *const TYPE_WORDS[] = {
    [DNSD__ZONE_TYPE__ZONE_PRIMARY] = "Primary",
    [DNSD__ZONE_TYPE__ZONE_SECONDARY] = "Secondary",
    [DNSD__ZONE_TYPE__ZONE_STUB] = "Stub",
    [DNSD__ZONE_TYPE__ZONE_FORWARDER] = "Forwarder",
    [DNSD__ZONE_TYPE__ZONE_SECONDARY_FORWARDER] = "SecondaryForwarder",
    [DNSD__ZONE_TYPE__ZONE_CATALOG] = "Catalog",
    [DNSD__ZONE_TYPE__ZONE_SECONDARY_CATALOG] = "SecondaryCatalog",
};
#define TYPE_COUNT (sizeof TYPE_WORDS / sizeof TYPE_WORDS[0])

static const char *type_word(Dnsd__ZoneType type)
{
    return (size_t)type < TYPE_COUNT && TYPE_WORDS[type] != NULL ? TYPE_WORDS[type] : "?";
}

static enum err parse_type(struct cli *cli, const char *text, Dnsd__ZoneType *type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (TYPE_WORDS[i] != NULL && str_equal_nocase(text, TYPE_WORDS[i])) {
            *type = (Dnsd__ZoneType)i;
            return ERR_OK;
        }
    }
    return cli_misuse(cli, "there is no zone type \"%s\"", text);
}

static const char *zone_state(const Dnsd__ZoneInfo *zone)
{
    if (zone->disabled) {
        return "disabled";
    }
    if (zone->is_expired) {
        return "expired";
    }
    return zone->sync_failed ? "sync failed" : "ok";
}

static json_t *zone_json(const Dnsd__ZoneInfo *zone)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "name", zone->name, "type",
                     type_word(zone->type), "serial", (json_int_t)zone->serial, "records",
                     (json_int_t)zone->record_count, "catalog", zone->catalog, "state",
                     zone_state(zone), "syncError", zone->sync_error);
}

static void add_zone(struct cli *cli, json_t *all, struct cli_table *table,
                     const Dnsd__ZoneInfo *zone)
{
    if (cli->json) {
        json_array_append_new(all, zone_json(zone));
        return;
    }
    char serial[16];
    char records[24];
    snprintf(serial, sizeof serial, "%u", zone->serial);
    snprintf(records, sizeof records, "%llu", (unsigned long long)zone->record_count);
    const char *const cells[] = {zone->name, type_word(zone->type), serial,
                                 records,    zone->catalog,         zone_state(zone)};
    cli_table_row(table, cells);
}

static enum err zone_list(struct cli *cli, int argc, char **argv)
{
    static const char *const headings[] = {"ZONE", "TYPE", "SERIAL", "RECORDS", "CATALOG", "STATE"};
    enum err err = cli_no_more(cli, argc, argv, 1);
    json_t *all = json_array();
    struct cli_table *table = cli_table_new(headings, 6);
    char *cursor = mem_strdup("");
    bool more = true;
    while (more && err == ERR_OK) {
        Dnsd__ZoneListRequest request;
        dnsd__zone_list_request__init(&request);
        request.cursor = cursor;
        if (argc == 1) {
            request.contains = argv[0];
        }
        Dnsd__ZoneListReply *reply = NULL;
        err = cli_call(cli, RPC_DNSD, ZONES, "List", &request, &reply);
        if (err != ERR_OK) {
            break;
        }
        for (size_t i = 0; i < reply->n_zones; i++) {
            add_zone(cli, all, table, reply->zones[i]);
        }
        mem_free(cursor);
        cursor = mem_strdup(reply->next_cursor);
        more = cursor[0] != '\0';
        cli_free(reply);
    }
    if (err == ERR_OK && cli->json) {
        cli_print_json(json_incref(all));
    }
    if (err == ERR_OK && !cli->json) {
        cli_table_print(table);
    } else {
        cli_table_free(table);
    }
    json_decref(all);
    mem_free(cursor);
    return err;
}

static void print_zone(struct cli *cli, const Dnsd__ZoneInfo *zone, const char *what)
{
    if (zone == NULL) {
        return;
    }
    if (cli->json) {
        cli_print_json(zone_json(zone));
    } else {
        printf("%s %s: %s, serial %u, %llu records\n", zone->name, what, type_word(zone->type),
               zone->serial, (unsigned long long)zone->record_count);
    }
}

static enum err zone_create(struct cli *cli, int argc, char **argv)
{
    const char *type_text = cli_option(&argc, argv, "--type");
    const char *catalog = cli_option(&argc, argv, "--catalog");
    const char *primary = cli_option(&argc, argv, "--primary");
    const char *key = cli_option(&argc, argv, "--tsig-key");
    const char *file = cli_option(&argc, argv, "--file");
    Dnsd__ZoneCreateRequest request;
    dnsd__zone_create_request__init(&request);
    Dnsd__ZoneOptions options;
    dnsd__zone_options__init(&options);
    Dnsd__StringList primaries;
    dnsd__string_list__init(&primaries);
    char *catalog_copy = mem_strdup(catalog == NULL ? "" : catalog);
    char *key_copy = mem_strdup(key == NULL ? "" : key);
    char *primary_copy = mem_strdup(primary == NULL ? "" : primary);
    char spooled[64] = "";
    request.type = DNSD__ZONE_TYPE__ZONE_PRIMARY;
    request.options = &options;
    options.catalog = catalog == NULL ? NULL : catalog_copy;
    options.primary_tsig_key = key == NULL ? NULL : key_copy;
    if (primary != NULL) {
        primaries.n_items = 1;
        primaries.items = &primary_copy;
        options.primaries = &primaries;
    }
    enum err err = cli_no_more(cli, argc, argv, 1);
    if (err == ERR_OK && argc < 1) {
        err = cli_misuse(cli, "which zone?");
    }
    if (err == ERR_OK && type_text != NULL) {
        err = parse_type(cli, type_text, &request.type);
    }
    if (err == ERR_OK && file != NULL) {
        err = cli_spool_put(cli, file, spooled, sizeof spooled);
        request.import_file = spooled;
    }
    Dnsd__ZoneReply *reply = NULL;
    if (err == ERR_OK) {
        request.zone = argv[0];
        err = cli_call(cli, RPC_DNSD, ZONES, "Create", &request, &reply);
    }
    if (err == ERR_OK) {
        print_zone(cli, reply->zone, "created");
    }
    if (spooled[0] != '\0') {
        cli_spool_remove(cli, spooled);
    }
    cli_free(reply);
    mem_free(catalog_copy);
    mem_free(key_copy);
    mem_free(primary_copy);
    return err;
}

static enum err zone_delete(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, 1);
    if (err != ERR_OK) {
        return err;
    }
    char actor[] = "local";
    Dnsd__ZoneRequest request;
    dnsd__zone_request__init(&request);
    request.zone = argv[0];
    request.actor = actor;
    void *reply = NULL;
    err = cli_call(cli, RPC_DNSD, ZONES, "Delete", &request, &reply);
    if (err == ERR_OK && !cli->json) {
        printf("%s deleted\n", argv[0]);
    } else if (err == ERR_OK) {
        cli_print_json(json_pack("{s:s}", "deleted", argv[0]));
    }
    cli_free(reply);
    return err;
}

static enum err zone_import(struct cli *cli, int argc, char **argv)
{
    bool merge = cli_flag(&argc, argv, "--merge");
    bool serial = cli_flag(&argc, argv, "--keep-serial");
    enum err err = cli_no_more(cli, argc, argv, 2);
    if (err == ERR_OK && argc < 2) {
        err = cli_misuse(cli, "which zone, and which file?");
    }
    char spooled[64] = "";
    if (err == ERR_OK) {
        err = cli_spool_put(cli, argv[1], spooled, sizeof spooled);
    }
    if (err != ERR_OK) {
        return err;
    }
    Dnsd__ZoneImportRequest request;
    dnsd__zone_import_request__init(&request);
    request.zone = argv[0];
    request.file = spooled;
    request.overwrite = true;
    request.overwrite_zone = !merge;
    request.overwrite_serial = serial;
    Dnsd__ZoneReply *reply = NULL;
    err = cli_call(cli, RPC_DNSD, ZONES, "Import", &request, &reply);
    if (err == ERR_OK) {
        print_zone(cli, reply->zone, "imported");
    }
    cli_free(reply);
    cli_spool_remove(cli, spooled);
    return err;
}

// From the spool to `to`, or to standard output.
static enum err take_export(struct cli *cli, const char *name, const char *to)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err err = file_spool_path(cli->spool_dir, name, path, sizeof path, &cli->e);
    if (err == ERR_OK) {
        err = file_read(path, SIZE_MAX / 2, &bytes, &len, &cli->e);
    }
    if (err == ERR_OK && to != NULL) {
        err = file_write_atomic(to, bytes, len, 0644, &cli->e);
    } else if (err == ERR_OK && fwrite(bytes, 1, len, stdout) != len) {
        err = err_set(&cli->e, ERR_IO, "cannot write to standard output");
    }
    mem_free(bytes);
    return err;
}

static enum err zone_export(struct cli *cli, int argc, char **argv)
{
    enum err err = cli_no_more(cli, argc, argv, 2);
    if (err != ERR_OK) {
        return err;
    }
    Dnsd__ZoneExportRequest request;
    dnsd__zone_export_request__init(&request);
    request.zone = argv[0];
    Dnsd__ZoneExportReply *reply = NULL;
    err = cli_call(cli, RPC_DNSD, ZONES, "Export", &request, &reply);
    if (err != ERR_OK) {
        return err;
    }
    err = take_export(cli, reply->file, argc > 1 ? argv[1] : NULL);
    cli_spool_remove(cli, reply->file);
    cli_free(reply);
    return err;
}

const struct cli_command cli_zone_commands[] = {
    {"zone", "list",   "[TEXT]",                                                    "the zones of this node, or those with TEXT in the name", 0, 1,
     zone_list                                                                                                                                                  },
    {"zone", "create",
     "ZONE [--type T] [--catalog C] [--file F] [--primary ADDRESS] [--tsig-key K]", "a new zone, Primary unless told otherwise",              1, -1, zone_create},
    {"zone", "delete", "ZONE",                                                      "a zone with all its records",                            1, 1,  zone_delete},
    {"zone", "import", "ZONE FILE [--merge] [--keep-serial]",
     "the records of a zone file, all or none",                                                                                               2, -1, zone_import},
    {"zone", "export", "ZONE [FILE]",                                               "as a zone file, to FILE or standard output",             1, 2,
     zone_export                                                                                                                                                },
};
const size_t cli_zone_command_count = sizeof cli_zone_commands / sizeof cli_zone_commands[0];
