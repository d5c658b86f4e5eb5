// Zone engine alone: zone text to memory and store, restart from the store, memory a name, exact
// lookups of random names, one durable edit. Usage: lookup_bench [NAMES]
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "dnsd/zone/table.h"
#include "tests/unit/dnsd/zone/fixture.h"

static char *zone_file(unsigned names)
{
    struct str text;
    str_init(&text);
    str_add(&text, "$TTL 3600\n@ SOA ns1 host 1 3600 900 1209600 3600\n@ NS ns1\nns1 A 192.0.2.53\n");
    for (unsigned i = 0; i < names; i++) {
        unsigned label = i * 2654435761u;
        str_printf(&text, "n%08x A 10.%u.%u.%u\n", label, i >> 16 & 255, i >> 8 & 255, i & 255);
        if (i % 2 == 0) {
            str_printf(&text, "n%08x AAAA 2001:db8::%x\n", label, i & 0xffff);
        }
        if (i % 10 == 0) {
            str_printf(&text, "n%08x MX 10 n%08x\n", label, i / 10 * 2654435761u);
        }
    }
    return str_take(&text);
}

static long resident_mib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE) >> 20;
}

static void time_lookups(const struct zone_version *version, unsigned names, bool prefetch)
{
    enum { QUERIES = 1 << 20, GROUP = 32 };
    uint8_t (*wires)[32] = mem_calloc(QUERIES, sizeof *wires);
    for (unsigned i = 0; i < QUERIES; i++) {
        char text[64];
        struct name name;
        snprintf(text, sizeof text, "n%08x.big.test", rand_below(names) * 2654435761u);
        if (name_from_text(text, &name, NULL) != ERR_OK) {
            abort();
        }
        memcpy(wires[i], name.wire, name.len);
    }
    unsigned found = 0;
    uint64_t begin = clock_mono_us();
    for (unsigned i = 0; i < QUERIES; i += GROUP) {
        uint64_t hashes[GROUP];
        for (unsigned k = 0; k < GROUP; k++) {
            hashes[k] = name_hash(wires[i + k]);
            if (prefetch) {
                __builtin_prefetch(index_line(&version->index, hashes[k]));
            }
        }
        for (unsigned k = 0; k < GROUP; k++) {
            found += version_find(version, wires[i + k], hashes[k]) != NULL;
        }
    }
    uint64_t us = clock_mono_us() - begin;
    printf("lookup%-24s %8.1f ns (%u of %u found)\n", prefetch ? ", slots prefetched" : "",
           (double)us * 1000 / QUERIES, found, (unsigned)QUERIES);
    mem_free(wires);
}

int main(int argc, char **argv)
{
    uint32_t names = 1000000;
    if (argc > 1 && str_to_u32(argv[1], 10000000, &names) != ERR_OK) {
        return 2;
    }
    struct fixture f;
    fixture_open(&f);
    char *text = zone_file(names);
    uint64_t begin = clock_mono_ms();
    if (fixture_create(&f, "big.test", ZONE_PRIMARY, text) != ERR_OK) {
        fprintf(stderr, "%s\n", f.result.message.text);
        return 1;
    }
    printf("zone file to serving           %8.2f s\n", (double)(clock_mono_ms() - begin) / 1000);
    mem_free(text);
    printf("resident after the import      %8ld MiB\n", resident_mib());
    fixture_stop(&f);
    mem_trim();
    begin = clock_mono_ms();
    fixture_start(&f);
    printf("restart from the store         %8.2f s\n", (double)(clock_mono_ms() - begin) / 1000);
    const struct zone_version *version = zone_current(fixture_zone(&f, "big.test"));
    printf("nodes, tree, index             %8.1f bytes a name (%llu records)\n",
           (double)version_bytes(version) / names,
           (unsigned long long)zone_version_records(version));
    printf("resident                       %8ld MiB\n", resident_mib());
    time_lookups(version, names, false);
    time_lookups(version, names, true);
    begin = clock_mono_us();
    for (unsigned i = 0; i < 100; i++) {
        char owner[64];
        snprintf(owner, sizeof owner, "edit%u.big.test", i);
        if (fixture_edit(&f, "big.test", ZONE_EDIT_ADD, owner, "A", "192.0.2.1") != ERR_OK) {
            return 1;
        }
    }
    printf("durable edit, one at a time    %8.1f us\n", (double)(clock_mono_us() - begin) / 100);
    fixture_close(&f);
    return 0;
}
