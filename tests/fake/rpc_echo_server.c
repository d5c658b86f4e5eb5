#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/rpc/rpc.h"
#include "proto/clusterd.pb-c.h"

/*
 * rpc_echo_server RUN_DIR FILE
 *
 * Stands in for clusterd: Get answers at once, Commit writes the number in `stage` as a line of FILE
 * (one write(2)) and then answers, every other time some milliseconds later, so that a kill finds
 * calls in every state. Prints "ready". For tests/system/test_rpc.py.
 */
enum { LATE_MS_MAX = 5 };

static int executed_fd = -1;
static struct event_base *base;

struct late {
    Clusterd__CommitReply_Closure closure;
    void *data;
    uint64_t stage;
};

static void answer(Clusterd__CommitReply_Closure closure, void *data, uint64_t stage)
{
    Clusterd__CommitReply reply = CLUSTERD__COMMIT_REPLY__INIT;
    reply.revision = stage;
    reply.changed = 1;
    closure(&reply, data);
}

static void on_late(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct late *late = ctx;
    answer(late->closure, late->data, late->stage);
    mem_free(late);
}

static void echo__commit(Clusterd__Config_Service *service, const Clusterd__CommitRequest *request,
                         Clusterd__CommitReply_Closure closure, void *data)
{
    (void)service;
    char line[32];
    int len = snprintf(line, sizeof line, "%llu\n", (unsigned long long)request->stage);
    if (write(executed_fd, line, (size_t)len) != len) {
        abort();
    }
    if (request->stage % 2 == 0) {
        answer(closure, data, request->stage);
        return;
    }
    struct late *late = mem_alloc(sizeof *late);
    *late = (struct late){closure, data, request->stage};
    const struct timeval after = {.tv_usec = (suseconds_t)rand_below(LATE_MS_MAX * 1000)};
    event_base_once(base, -1, EV_TIMEOUT, on_late, late, &after);
}

static void echo__get(Clusterd__Config_Service *service, const Clusterd__GetRequest *request,
                      Clusterd__GetReply_Closure closure, void *data)
{
    (void)service;
    Clusterd__GetReply reply = CLUSTERD__GET_REPLY__INIT;
    reply.next_cursor = request->cursor;
    closure(&reply, data);
}

#define echo__pull NULL
#define echo__ack NULL
#define echo__history NULL
#define echo__diff NULL
#define echo__revert NULL
static Clusterd__Config_Service config = CLUSTERD__CONFIG__INIT(echo__);

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: rpc_echo_server RUN_DIR FILE\n");
        return 2;
    }
    executed_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    base = event_base_new();
    ProtobufCService *const services[] = {&config.base};
    struct rpc_server *server = NULL;
    struct errmsg e = {.text = "cannot open the file"};
    if (executed_fd < 0 ||
        rpc_server_open(base, argv[1], RPC_CLUSTERD, services, 1, &server, &e) != ERR_OK) {
        fprintf(stderr, "rpc_echo_server: %s\n", e.text);
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    event_base_dispatch(base);   // until it is killed
    return 0;
}
