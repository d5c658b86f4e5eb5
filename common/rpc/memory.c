#include "common/rpc/memory.h"

#include "common/base/mem.h"

void memory_init(struct memory *m, void *owner)
{
    *m = (struct memory){.owner = owner};
    TAILQ_INIT(&m->clients);
    TAILQ_INIT(&m->kept);
}

static void free_request(struct memory_call *call)
{
    if (call->request != NULL) {
        protobuf_c_message_free_unpacked(call->request, NULL);
        call->request = NULL;
    }
}

void memory_drop(struct memory *m, struct memory_call *call)
{
    if (call->reply != NULL) {
        TAILQ_REMOVE(&m->kept, call, by_age);
        m->kept_bytes -= call->reply_len;
        mem_free(call->reply);
    }
    TAILQ_REMOVE(&call->client->calls, call, of_client);
    call->client->call_count--;
    free_request(call);
    mem_free(call);
}

static bool has_running(const struct memory_client *client)
{
    const struct memory_call *call;
    TAILQ_FOREACH(call, &client->calls, of_client) {
        if (call->reply == NULL) {
            return true;
        }
    }
    return false;
}

static void drop_client(struct memory *m, struct memory_client *client)
{
    while (!TAILQ_EMPTY(&client->calls)) {
        memory_drop(m, TAILQ_FIRST(&client->calls));
    }
    TAILQ_REMOVE(&m->clients, client, link);
    m->client_count--;
    mem_free(client);
}

void memory_fini(struct memory *m)
{
    while (!TAILQ_EMPTY(&m->clients)) {
        struct memory_client *client = TAILQ_FIRST(&m->clients);
        struct memory_call *call = TAILQ_FIRST(&client->calls);
        while (call != NULL) {
            struct memory_call *next = TAILQ_NEXT(call, of_client);
            if (call->reply == NULL) {
                TAILQ_REMOVE(&client->calls, call, of_client);
                call->memory = NULL;
                call->client = NULL;
            }
            call = next;
        }
        drop_client(m, client);
    }
}

// Room for one more client; false = everybody has something running.
static bool make_room(struct memory *m)
{
    struct memory_client *client = TAILQ_LAST(&m->clients, memory_clients);
    while (m->client_count >= MEMORY_CLIENTS_MAX && client != NULL) {
        struct memory_client *previous = TAILQ_PREV(client, memory_clients, link);
        if (!has_running(client)) {
            drop_client(m, client);
        }
        client = previous;
    }
    return m->client_count < MEMORY_CLIENTS_MAX;
}

struct memory_client *memory_client(struct memory *m, enum rpc_party party, uint64_t incarnation,
                                    uint64_t floor)
{
    struct memory_client *client;
    TAILQ_FOREACH(client, &m->clients, link) {
        if (client->incarnation == incarnation && client->party == party) {
            if (client != TAILQ_FIRST(&m->clients)) {
                TAILQ_REMOVE(&m->clients, client, link);
                TAILQ_INSERT_HEAD(&m->clients, client, link);
            }
            return client;
        }
    }
    if (!make_room(m)) {
        return NULL;
    }
    client = mem_alloc(sizeof *client);
    *client = (struct memory_client){.incarnation = incarnation, .party = party, .floor = floor};
    TAILQ_INIT(&client->calls);
    TAILQ_INSERT_HEAD(&m->clients, client, link);
    m->client_count++;
    return client;
}

void memory_client_done(struct memory *m, struct memory_client *client, uint64_t done)
{
    struct memory_call *call = TAILQ_FIRST(&client->calls);
    while (call != NULL) {
        struct memory_call *next = TAILQ_NEXT(call, of_client);
        if (call->reply != NULL && call->id < done) {
            memory_drop(m, call);
        }
        call = next;
    }
}

struct memory_call *memory_find(const struct memory_client *client, uint64_t id)
{
    struct memory_call *call;
    TAILQ_FOREACH(call, &client->calls, of_client) {
        if (call->id == id) {
            return call;
        }
    }
    return NULL;
}

struct memory_call *memory_add(struct memory *m, struct memory_client *client, uint64_t id)
{
    if (client->call_count >= MEMORY_CALLS_MAX) {
        return NULL;
    }
    struct memory_call *call = mem_alloc(sizeof *call);
    *call = (struct memory_call){.memory = m, .client = client, .party = client->party, .id = id};
    TAILQ_INSERT_TAIL(&client->calls, call, of_client);
    client->call_count++;
    return call;
}

void memory_keep(struct memory *m, struct memory_call *call, const uint8_t *reply, size_t len)
{
    free_request(call);
    call->reply = mem_dup(reply, len);
    call->reply_len = len;
    TAILQ_INSERT_TAIL(&m->kept, call, by_age);
    m->kept_bytes += len;
    while (m->kept_bytes > MEMORY_BYTES_MAX) {
        struct memory_call *oldest = TAILQ_FIRST(&m->kept);
        if (oldest->client->floor < oldest->id) {
            oldest->client->floor = oldest->id;
        }
        memory_drop(m, oldest);
    }
}
