#pragma once

#include <urcu-qsbr.h>

/*
 * The read side of RCU (QSBR flavour) for every thread of dnsd. A thread registers once; it is
 * offline while it waits, and online between reader_enter and reader_leave, where everything that
 * was reached through an RCU pointer stays valid. The pair nests. Event loops wait inside libevent,
 * so each of their callbacks that reads shared state is one such section.
 */
void reader_register(void); // first thing in a thread; it is offline then
void reader_unregister(void);
void reader_enter(void);
void reader_leave(void);

// Between two pieces of work of one long section: nothing obtained before it may be used after it.
// Only in the outermost section.
static inline void reader_quiescent(void)
{
    rcu_quiescent_state();
}
