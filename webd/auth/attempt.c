// Failed logins by source, in a small table searched linearly: it is looked at once a login, beside
// an Argon2 hash that takes ten thousand times as long.

#include "webd/auth/attempt.h"

#include <netinet/in.h>
#include <string.h>

#include "common/base/mem.h"

#define SOURCES_MAX 4096

struct source {
    uint8_t key[9]; // family and address, IPv6 cut to /64
    uint16_t failures;
    uint16_t under_way;
    uint64_t last_ms; // when something last happened; 0 = the slot is free
    uint64_t blocked_until_ms;
};

struct attempt_table {
    struct source items[SOURCES_MAX];
};

struct attempt_table *attempt_table_new(void)
{
    return mem_zalloc(sizeof(struct attempt_table));
}

void attempt_table_free(struct attempt_table *table)
{
    mem_free(table);
}

static void key_of(const struct sockaddr_storage *address, uint8_t key[9])
{
    memset(key, 0, 9);
    if (address->ss_family == AF_INET6) {
        key[0] = 6;
        memcpy(key + 1, &((const struct sockaddr_in6 *)address)->sin6_addr, 8);
        return;
    }
    key[0] = 4;
    memcpy(key + 1, &((const struct sockaddr_in *)address)->sin_addr, 4);
}

static struct source *find(struct attempt_table *table, const uint8_t key[9])
{
    for (size_t i = 0; i < SOURCES_MAX; i++) {
        if (table->items[i].last_ms != 0 && memcmp(table->items[i].key, key, 9) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

static struct source *add(struct attempt_table *table, const uint8_t key[9])
{
    struct source *oldest = NULL;
    for (size_t i = 0; i < SOURCES_MAX; i++) {
        struct source *s = &table->items[i];
        if (s->under_way == 0 && (oldest == NULL || s->last_ms < oldest->last_ms)) {
            oldest = s;
        }
    }
    if (oldest != NULL) {
        *oldest = (struct source){0};
        memcpy(oldest->key, key, 9);
    }
    return oldest;
}

enum attempt_answer attempt_begin(struct attempt_table *table,
                                  const struct sockaddr_storage *source, uint64_t now_ms)
{
    uint8_t key[9];
    key_of(source, key);
    struct source *s = find(table, key);
    if (s == NULL) {
        s = add(table, key);
    }
    if (s == NULL || now_ms < s->blocked_until_ms) {
        return ATTEMPT_BLOCKED;
    }
    if (s->blocked_until_ms != 0 || now_ms - s->last_ms > ATTEMPT_BLOCK_MS) {
        s->blocked_until_ms = 0;
        s->failures = 0;
    }
    if (s->failures + s->under_way >= ATTEMPT_MAX) {
        return ATTEMPT_WAIT;
    }
    s->under_way++;
    s->last_ms = now_ms;
    return ATTEMPT_GO;
}

bool attempt_end(struct attempt_table *table, const struct sockaddr_storage *source,
                 bool is_failure, bool is_success, uint64_t now_ms)
{
    uint8_t key[9];
    key_of(source, key);
    struct source *s = find(table, key);
    if (s == NULL) {
        return false;
    }
    s->under_way--;
    s->last_ms = now_ms;
    if (is_success) {
        s->failures = 0;
    }
    if (!is_failure) {
        return false;
    }
    s->failures++;
    if (s->failures < ATTEMPT_MAX) {
        return false;
    }
    s->blocked_until_ms = now_ms + ATTEMPT_BLOCK_MS;
    return true;
}
