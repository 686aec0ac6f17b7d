/* pool.h - a fixed set of threads for jobs and for loops over ranges.
 *
 * Model:   pool_submit puts a job on a bounded queue; pool_for splits [0, n) into chunks that the
 *          calling thread and idle workers take one by one, and returns when all are done. A
 *          pool_for may run inside a job or from several threads at once: the caller always works
 *          itself, so it cannot starve.
 * Memory:  pool_new returns owned; pool_free runs what was queued, then joins.
 * Threads: any, except pool_free. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

struct pool;

typedef void pool_job_fn(void *arg);

/** begin..end is one chunk; lane (0..pool_lanes - 1) is this thread's number within the loop, the
 *  same for all of its chunks and of no other thread: an index for scratch memory. */
typedef void pool_range_fn(void *arg, size_t begin, size_t end, unsigned lane);

/** threads 0: one per processor less the caller's own (at least one). cap: jobs waiting at most. */
ERR_MUST_USE enum err_code pool_new(struct pool **out, const char *name, unsigned threads,
                                    size_t cap, struct err *err);

/** NULL is fine. */
void pool_free(struct pool *p);

/** ERR_BUSY  the queue is full. */
ERR_MUST_USE enum err_code pool_submit(struct pool *p, pool_job_fn *fn, void *arg);

/** Call fn for every chunk of [0, n) of about grain (> 0) elements. p NULL: all in the caller. */
void pool_for(struct pool *p, size_t n, size_t grain, pool_range_fn *fn, void *arg);

/** How many lanes a pool_for may use: workers and the caller; 1 for NULL. */
unsigned pool_lanes(const struct pool *p);

#endif
