#include "dnsd/xfr/inbox.h"

#include <stdatomic.h>
#include <unistd.h>

#include "common/base/mem.h"

// Single producer (a worker), single consumer (maintenance). `head` and `tail` count up forever;
// the release store of one side publishes the slot, the acquire load of the other side sees it.

#define INBOX_SLOTS 256u // a power of two

struct inbox {
    _Atomic uint32_t head; // next to write
    uint8_t between[64];   // the two sides write to different cache lines
    _Atomic uint32_t tail; // next to read
    int wake_fd;
    struct inbox_notify slots[INBOX_SLOTS];
};

struct inbox *inbox_new(int wake_fd)
{
    struct inbox *inbox = mem_zalloc(sizeof *inbox);
    inbox->wake_fd = wake_fd;
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    mem_free(inbox);
}

bool inbox_put(struct inbox *inbox, const struct inbox_notify *notify)
{
    uint32_t head = atomic_load_explicit(&inbox->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&inbox->tail, memory_order_acquire) == INBOX_SLOTS) {
        return false;
    }
    inbox->slots[head % INBOX_SLOTS] = *notify;
    atomic_store_explicit(&inbox->head, head + 1, memory_order_release);
    uint64_t one = 1;
    // A full eventfd counter already means "look": nothing is lost.
    ssize_t written = write(inbox->wake_fd, &one, sizeof one);
    (void)written;
    return true;
}

bool inbox_take(struct inbox *inbox, struct inbox_notify *notify)
{
    uint32_t tail = atomic_load_explicit(&inbox->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&inbox->head, memory_order_acquire)) {
        return false;
    }
    *notify = inbox->slots[tail % INBOX_SLOTS];
    atomic_store_explicit(&inbox->tail, tail + 1, memory_order_release);
    return true;
}
