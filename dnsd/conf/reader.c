#include "dnsd/conf/reader.h"

#include <assert.h>

// Depth of the sections of this thread: only the outermost one talks to liburcu.
static _Thread_local unsigned depth;

void reader_register(void)
{
    rcu_register_thread();
    rcu_thread_offline();
}

void reader_unregister(void)
{
    assert(depth == 0);
    rcu_unregister_thread();
}

void reader_enter(void)
{
    if (depth++ == 0) {
        rcu_thread_online();
    }
}

void reader_leave(void)
{
    assert(depth > 0);
    if (--depth == 0) {
        rcu_thread_offline();
    }
}
