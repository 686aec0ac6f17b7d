/* queue.h - a bounded queue of pointers between threads.
 *
 * Model:   any number of producers and consumers; first in, first out. A push never waits: a full
 *          queue is the producer's answer (ERR_BUSY, HTTP 503). A pop waits until a deadline. After
 *          queue_close pushes are refused, and pops take what is left, then report ERR_CANCELLED.
 * Memory:  the ring is allocated once; the pointers stay the caller's.
 * Threads: any. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **ring; /* [cap], owned */
    size_t cap;
    size_t head; /* next to pop */
    size_t len;
    unsigned waiting; /* threads in queue_pop */
    bool closed;
};

#define QUEUE_FOREVER INT64_MAX
#define QUEUE_NO_WAIT 0

/** cap > 0. */
void queue_init(struct queue *q, size_t cap);

/** Nobody may be using it. */
void queue_release(struct queue *q);

/** ERR_BUSY full; ERR_CANCELLED closed. The item stays the caller's then. */
ERR_MUST_USE enum err_code queue_push(struct queue *q, void *item);

/** Wait for an item until clock_mono_ns() passes deadline_ns.
 *  ERR_TIMEOUT    none came
 *  ERR_CANCELLED  closed and empty */
ERR_MUST_USE enum err_code queue_pop(struct queue *q, int64_t deadline_ns, void **item);

/** As queue_pop, but takes all that is there, up to max (> 0): how a writer groups its commits.
 *  items  [max], *n of them set, 0 on failure */
ERR_MUST_USE enum err_code queue_pop_many(struct queue *q, int64_t deadline_ns, size_t max,
                                          void **items, size_t *n);

/** Wake everybody; may be called more than once. */
void queue_close(struct queue *q);

/** Items now in it: a figure for metrics, old as soon as it is read. */
size_t queue_len(struct queue *q);

#endif
