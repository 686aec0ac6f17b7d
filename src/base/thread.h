/* thread.h - named threads, and how many of them make sense.
 *
 * Threads start with all signals blocked, so that signals reach the main thread. Locks are pthread
 * mutexes used directly: a wrapper would add nothing. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

struct thread {
    pthread_t id;
    bool running;
};

typedef void thread_fn(void *arg);

/** Run fn(arg) in a new thread. name is cut to 15 bytes (it shows in ps -L and gdb).
 *  ERR_UNAVAILABLE  the system has no thread left. */
ERR_MUST_USE enum err_code thread_start(struct thread *t, const char *name, thread_fn *fn,
                                        void *arg, struct err *err);

/** Wait for its end. All-zero and joined threads are fine. */
void thread_join(struct thread *t);

/** Processors this process may use: the smaller of its affinity mask and the cgroup's CPU quota
 *  (rounded up), at least 1. */
unsigned thread_cpus(void);

#endif
