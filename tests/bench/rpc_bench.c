#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/rpc/rpc.h"
#include "proto/dnsd.pb-c.h"

/*
 * rpc_bench: what a local call costs, with both ends on one core.
 *
 *   lone        one call at a time: CPU time of both processes a call
 *   pipelined   a full window under way: calls a second
 *
 * The other end is this program again (`rpc_bench --server DIR`). The machine may be shared, so the
 * pipelined figure is given by the wall clock and by CPU time; the better one of RUNS counts.
 */
enum { LONE_CALLS = 5000, PIPELINED_CALLS = 100000, UNDER_WAY = 128, RUNS = 3 };
static const double lone_target_us = 100;
static const double pipelined_target = 50000;

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

// ---- the serving end ---------------------------------------------------------------------------

static void bench__status(Dnsd__Server_Service *service, const Trellis__Empty *request,
                          Dnsd__StatusReply_Closure closure, void *data)
{
    (void)service;
    (void)request;
    Dnsd__StatusReply reply = DNSD__STATUS_REPLY__INIT;
    char version[] = "0.1.0";
    reply.product_version = version;
    reply.zones = 12;
    reply.config_revision = 345;
    closure(&reply, data);
}

static int serve(const char *run_dir)
{
    struct event_base *base = event_base_new();
    Dnsd__Server_Service service = DNSD__SERVER__INIT(bench__);
    ProtobufCService *const services[] = {&service.base};
    struct rpc_server *server = NULL;
    struct errmsg e;
    if (rpc_server_open(base, run_dir, RPC_DNSD, services, 1, &server, &e) != ERR_OK) {
        fprintf(stderr, "rpc_bench: %s\n", e.text);
        return 1;
    }
    event_base_dispatch(base);   // until it is killed
    return 0;
}

// ---- the calling end ---------------------------------------------------------------------------

static struct {
    struct event_base *base;
    ProtobufCService *service;
    clockid_t server_cpu;
    unsigned left;      // to be issued
    unsigned open;
    unsigned failed;
} bench;

static double seconds(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID) + seconds(bench.server_cpu);
}

static void on_status(const Dnsd__StatusReply *reply, void *ctx);

static void issue(void)
{
    Trellis__Empty request = TRELLIS__EMPTY__INIT;
    bench.left--;
    bench.open++;
    dnsd__server__status(bench.service, &request, on_status, NULL);
}

static void on_status(const Dnsd__StatusReply *reply, void *ctx)
{
    (void)ctx;
    bench.open--;
    bench.failed += reply->error != NULL;
    if (bench.left != 0) {
        issue();
    } else if (bench.open == 0) {
        event_base_loopbreak(bench.base);
    }
}

static void run(unsigned calls, unsigned under_way)
{
    bench.left = calls;
    for (unsigned i = 0; i < under_way; i++) {
        issue();
    }
    event_base_dispatch(bench.base);
}

static int measure(void)
{
    run(2000, UNDER_WAY);   // warm
    double lone_us = 1e9;
    double by_wall = 0;
    double by_cpu = 0;
    for (int i = 0; i < RUNS; i++) {
        double cpu = cpu_seconds();
        run(LONE_CALLS, 1);
        double us = (cpu_seconds() - cpu) / LONE_CALLS * 1e6;
        lone_us = us < lone_us ? us : lone_us;

        cpu = cpu_seconds();
        double wall = seconds(CLOCK_MONOTONIC);
        run(PIPELINED_CALLS, UNDER_WAY);
        wall = PIPELINED_CALLS / (seconds(CLOCK_MONOTONIC) - wall);
        cpu = PIPELINED_CALLS / (cpu_seconds() - cpu);
        by_wall = wall > by_wall ? wall : by_wall;
        by_cpu = cpu > by_cpu ? cpu : by_cpu;
    }
    printf("measured: rpc lone call: %.1f us CPU, both ends (at most %.0f): %s\n", lone_us,
           lone_target_us, lone_us <= lone_target_us ? "ok" : "MISSED");
    printf("measured: rpc pipelined, both ends on one core: %.0f calls/s by the clock, %.0f a "
           "second of CPU (at least %.0f): %s\n",
           by_wall, by_cpu, pipelined_target, by_cpu >= pipelined_target ? "ok" : "MISSED");
    printf("measured: rpc calls failed: %u\n", bench.failed);
    return bench.failed == 0 && lone_us <= lone_target_us && by_cpu >= pipelined_target ? 0 : 1;
}

static void remove_folder(const char *run_dir)
{
    static const char *const names[] = {
        "dnsd/clusterd/rpc.sock", "dnsd/clusterd/hints.sock", "dnsd/clusterd",
        "dnsd/webd/rpc.sock",     "dnsd/webd/hints.sock",     "dnsd/webd",
        "dnsd/ctl/rpc.sock",      "dnsd/ctl/hints.sock",      "dnsd/ctl",
        "dnsd",                   ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", run_dir, names[i]);
        remove(path);
    }
}

int main(int argc, char **argv)
{
    pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
    if (argc == 3 && strcmp(argv[1], "--server") == 0) {
        return serve(argv[2]);
    }
    char run_dir[] = "/tmp/trellis-bench-XXXXXX";
    if (mkdtemp(run_dir) == NULL) {
        perror("rpc_bench");
        return 1;
    }
    char option[] = "--server";
    char *const arguments[] = {argv[0], option, run_dir, NULL};
    pid_t child = fork();   // before the first socket, and only to exec
    if (child == 0) {
        execv(argv[0], arguments);
        _exit(127);
    }
    struct errmsg e = {.text = "cannot measure the other process"};
    struct rpc_client *client = NULL;
    bench.base = event_base_new();
    int code = 1;
    if (child > 0 && clock_getcpuclockid(child, &bench.server_cpu) == 0 &&
        rpc_client_open(bench.base, run_dir, RPC_DNSD, RPC_CTL, &client, &e) == ERR_OK) {
        bench.service = rpc_client_service(client, &dnsd__server__descriptor);
        code = measure();
    } else {
        fprintf(stderr, "rpc_bench: %s\n", e.text);
    }
    rpc_client_close(client);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    event_base_free(bench.base);
    remove_folder(run_dir);
    return code;
}
