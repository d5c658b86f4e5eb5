#include "dnsd/net/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "dnsd/conf/reader.h"
#include "dnsd/conf/list.h"
#include "dnsd/net/udp.h"
#include "dnsd/xfr/inbox.h"

/*
 * The worker's thread is its event loop. While a UDP socket is busy the loop is left alone: batches
 * are taken until one is not full, or for DRAIN_BATCHES, when TCP and the other sockets get their
 * turn. Orders from the control thread come by a locked list and an eventfd; they are rare.
 */

#define DRAIN_BATCHES 32u

struct listener {
    struct list link;
    struct worker *worker;
    enum socket_kind kind;
    union address address;
    bool is_wildcard;
    int fd;
    struct event *event;
};

enum order_kind { ORDER_LISTEN, ORDER_UNLISTEN, ORDER_STOP };
struct order {
    struct order *next;
    enum order_kind kind;
    enum socket_kind socket;
    union address address;
    int fd;
};

struct worker {
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    pthread_mutex_t lock; // of the orders
    struct order *first;
    struct order **last;
    struct list listeners;
    struct responder responder;
    struct udp_batch *batch;
    struct tcp_server *tcp;
    struct inbox *inbox;
    struct stats stats;
};

static void on_udp(evutil_socket_t fd, short what, void *ctx)
{
    struct listener *l = ctx;
    (void)what;
    reader_enter();
    for (unsigned i = 0; i < DRAIN_BATCHES; i++) {
        if (udp_batch_run(l->worker->batch, fd, l->is_wildcard) < UDP_BATCH) {
            break;
        }
        reader_quiescent();
    }
    reader_leave();
}

static void on_tcp(evutil_socket_t fd, short what, void *ctx)
{
    struct listener *l = ctx;
    (void)what;
    tcp_server_accept(l->worker->tcp, fd);
}

static void add_listener(struct worker *worker, const struct order *order)
{
    struct listener *l = mem_zalloc(sizeof *l);
    l->worker = worker;
    l->kind = order->socket;
    l->address = order->address;
    l->is_wildcard = address_is_wildcard(&order->address);
    l->fd = order->fd;
    l->event = event_new(worker->base, l->fd, EV_READ | EV_PERSIST,
                         l->kind == SOCKET_UDP ? on_udp : on_tcp, l);
    event_add(l->event, NULL);
    list_add_last(&worker->listeners, &l->link);
}

static void remove_listener(struct listener *l)
{
    list_remove(&l->link);
    event_free(l->event);
    close(l->fd);
    mem_free(l);
}

static void remove_matching(struct worker *worker, const struct order *order)
{
    struct list *at = worker->listeners.next;
    while (at != &worker->listeners) {
        struct listener *l = list_entry(at, struct listener, link);
        at = at->next;
        if (l->kind == order->socket && address_equal(&l->address, &order->address)) {
            remove_listener(l);
        }
    }
}

static struct order *take_order(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct order *order = worker->first;
    if (order != NULL) {
        worker->first = order->next;
        if (worker->first == NULL) {
            worker->last = &worker->first;
        }
    }
    pthread_mutex_unlock(&worker->lock);
    return order;
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct worker *worker = ctx;
    (void)what;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
    struct order *order = take_order(worker);
    while (order != NULL) {
        switch (order->kind) {
        case ORDER_LISTEN:
            add_listener(worker, order);
            break;
        case ORDER_UNLISTEN:
            remove_matching(worker, order);
            break;
        case ORDER_STOP:
            event_base_loopbreak(worker->base);
            break;
        }
        mem_free(order);
        order = take_order(worker);
    }
}

static void give_order(struct worker *worker, const struct order *order)
{
    struct order *copy = mem_dup(order, sizeof *order);
    copy->next = NULL;
    pthread_mutex_lock(&worker->lock);
    *worker->last = copy;
    worker->last = &copy->next;
    pthread_mutex_unlock(&worker->lock);
    uint64_t one = 1;
    ssize_t n = write(worker->wake_fd, &one, sizeof one);
    (void)n;
}

static void *run(void *ctx)
{
    struct worker *worker = ctx;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", worker->index % 1000);
    pthread_setname_np(pthread_self(), name);
    reader_register();
    event_base_loop(worker->base, EVLOOP_NO_EXIT_ON_EMPTY);
    reader_unregister();
    return NULL;
}

static void free_worker(struct worker *worker)
{
    while (!list_is_empty(&worker->listeners)) {
        remove_listener(list_entry(worker->listeners.next, struct listener, link));
    }
    tcp_server_free(worker->tcp);
    udp_batch_free(worker->batch);
    inbox_free(worker->inbox);
    if (worker->wake != NULL) {
        event_free(worker->wake);
    }
    if (worker->wake_fd >= 0) {
        close(worker->wake_fd);
    }
    if (worker->base != NULL) {
        event_base_free(worker->base);
    }
    pthread_mutex_destroy(&worker->lock);
    mem_free(worker);
}

// Only the worker's thread uses the base once it runs, so it needs no locks.
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum err worker_start(const struct worker_options *options, struct worker **out, struct errmsg *e)
{
    struct worker *worker = mem_zalloc(sizeof *worker);
    worker->index = options->index;
    worker->last = &worker->first;
    list_init(&worker->listeners);
    pthread_mutex_init(&worker->lock, NULL);
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->base = make_base();
    if (worker->wake_fd < 0 || worker->base == NULL) {
        free_worker(worker);
        return err_set(e, ERR_INTERNAL, "cannot make the event loop of a worker");
    }
    worker->wake = event_new(worker->base, worker->wake_fd, EV_READ | EV_PERSIST, on_wake, worker);
    event_add(worker->wake, NULL);
    worker->inbox = inbox_new(options->notify_fd);
    worker->responder = (struct responder){
        .shared = options->shared, .stats = &worker->stats, .inbox = worker->inbox};
    worker->batch = udp_batch_new(&worker->responder);
    worker->tcp = tcp_server_new(worker->base, &worker->responder, &options->tcp);
    if (pthread_create(&worker->thread, NULL, run, worker) != 0) {
        free_worker(worker);
        return err_set(e, ERR_INTERNAL, "cannot start a worker thread");
    }
    *out = worker;
    return ERR_OK;
}

void worker_stop(struct worker *worker)
{
    give_order(worker, &(struct order){.kind = ORDER_STOP});
    pthread_join(worker->thread, NULL);
    // What was ordered after the stop: sockets that nobody has taken.
    struct order *order = take_order(worker);
    while (order != NULL) {
        if (order->kind == ORDER_LISTEN) {
            close(order->fd);
        }
        mem_free(order);
        order = take_order(worker);
    }
    free_worker(worker);
}

void worker_listen(struct worker *worker, enum socket_kind kind, const union address *address,
                   int fd)
{
    give_order(worker, &(struct order){
                           .kind = ORDER_LISTEN, .socket = kind, .address = *address, .fd = fd});
}

void worker_unlisten(struct worker *worker, enum socket_kind kind, const union address *address)
{
    give_order(worker,
               &(struct order){.kind = ORDER_UNLISTEN, .socket = kind, .address = *address});
}

struct inbox *worker_inbox(struct worker *worker)
{
    return worker->inbox;
}

const struct stats *worker_stats(const struct worker *worker)
{
    return &worker->stats;
}
