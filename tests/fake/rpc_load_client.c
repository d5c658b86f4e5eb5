#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/rpc.h"
#include "proto/clusterd.pb-c.h"

/*
 * rpc_load_client RUN_DIR FILE
 *
 * Keeps calls of Config.Commit and Config.Get under way, more than a window of them, until standard
 * input ends; then waits for the answers still open. FILE gets a line "<number> <error code>" for
 * each Commit. Prints, when all is answered, "issued=N answered=N gets_failed=N"; the exit code is
 * 0 when nothing was lost. For tests/system/test_rpc.py.
 */
enum { UNDER_WAY = 100 };

static struct {
    struct event_base *base;
    struct rpc_client *client;
    FILE *outcomes;
    bool is_ending;
    bool is_inside;   // a call is being made: no closure may come now
    uint64_t next;
    uint64_t issued;
    uint64_t answered;
    uint64_t gets_failed;
} load = {.next = 1};

struct call {
    uint64_t number;
};

static void issue(void);

static void on_answer(struct call *call)
{
    if (load.is_inside) {
        fprintf(stderr, "closure called from inside the call\n");
        abort();
    }
    load.answered++;
    mem_free(call);
    if (!load.is_ending) {
        issue();
    } else if (load.answered == load.issued) {
        event_base_loopbreak(load.base);
    }
}

static void on_commit(const Clusterd__CommitReply *reply, void *ctx)
{
    struct call *call = ctx;
    struct errmsg e;
    enum err err = rpc_error_get(reply->error, &e);
    if (err == ERR_OK && reply->revision != call->number) {
        fprintf(stderr, "answer of another call\n");
        abort();
    }
    fprintf(load.outcomes, "%llu %d\n", (unsigned long long)call->number, (int)err);
    on_answer(call);
}

static void on_get(const Clusterd__GetReply *reply, void *ctx)
{
    struct errmsg e;
    if (rpc_error_get(reply->error, &e) != ERR_OK) {
        load.gets_failed++;
        fprintf(stderr, "get failed: %s\n", e.text);
    }
    on_answer(ctx);
}

static void issue(void)
{
    ProtobufCService *config = rpc_client_service(load.client, &clusterd__config__descriptor);
    struct call *call = mem_alloc(sizeof *call);
    call->number = load.next++;
    load.issued++;
    load.is_inside = true;
    if (call->number % 3 == 0) {
        Clusterd__GetRequest request = CLUSTERD__GET_REQUEST__INIT;
        clusterd__config__get(config, &request, on_get, call);
    } else {
        Clusterd__CommitRequest request = CLUSTERD__COMMIT_REQUEST__INIT;
        request.stage = call->number;
        clusterd__config__commit(config, &request, on_commit, call);
    }
    load.is_inside = false;
}

static void on_input(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    (void)ctx;
    char bytes[16];
    if (read(fd, bytes, sizeof bytes) <= 0) {
        load.is_ending = true;
        event_base_loopexit(load.base, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: rpc_load_client RUN_DIR FILE\n");
        return 2;
    }
    struct errmsg e = {.text = "cannot open the file"};
    load.outcomes = fopen(argv[2], "we");
    load.base = event_base_new();
    if (load.outcomes == NULL || rpc_client_open(load.base, argv[1], RPC_CLUSTERD, RPC_WEBD,
                                                 &load.client, &e) != ERR_OK) {
        fprintf(stderr, "rpc_load_client: %s\n", e.text);
        return 1;
    }
    struct event *input = event_new(load.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
    event_add(input, NULL);
    for (int i = 0; i < UNDER_WAY; i++) {
        issue();
    }
    event_base_dispatch(load.base);   // until the input ends
    event_free(input);
    if (load.answered < load.issued) {
        event_base_dispatch(load.base);   // until the last answer
    }
    printf("issued=%llu answered=%llu gets_failed=%llu\n", (unsigned long long)load.issued,
           (unsigned long long)load.answered, (unsigned long long)load.gets_failed);
    int code = load.issued == load.answered ? 0 : 1;
    rpc_client_close(load.client);
    fclose(load.outcomes);
    event_base_free(load.base);
    return code;
}
