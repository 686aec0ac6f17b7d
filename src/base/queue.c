#include "base/queue.h"

#include <errno.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

void queue_init(struct queue *q, size_t cap)
{
    pthread_condattr_t attr;
    CHECK(cap > 0);
    *q = (struct queue){.cap = cap};
    q->ring = mem_new(cap, sizeof *q->ring);
    CHECK(pthread_mutex_init(&q->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&q->filled, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

void queue_release(struct queue *q)
{
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    mem_free(q->ring);
    *q = (struct queue){0};
}

enum err_code queue_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    enum err_code code = q->closed ? ERR_CANCELLED : q->len == q->cap ? ERR_BUSY : ERR_OK;
    bool wake = false;
    if (code == ERR_OK) {
        size_t tail = q->head + q->len;
        q->ring[tail < q->cap ? tail : tail - q->cap] = item;
        q->len++;
        wake = q->waiting > 0;
    }
    pthread_mutex_unlock(&q->lock);
    if (wake)
        pthread_cond_signal(&q->filled);
    return code;
}

/* With the lock held: until there is an item, the end, or the deadline. */
static enum err_code wait_filled(struct queue *q, int64_t deadline_ns)
{
    const struct timespec until = {.tv_sec = deadline_ns / 1000000000,
                                   .tv_nsec = deadline_ns % 1000000000};
    while (q->len == 0) {
        if (q->closed)
            return ERR_CANCELLED;
        if (deadline_ns != QUEUE_FOREVER && clock_mono_ns() >= deadline_ns)
            return ERR_TIMEOUT;
        q->waiting++;
        if (deadline_ns == QUEUE_FOREVER)
            pthread_cond_wait(&q->filled, &q->lock);
        else
            pthread_cond_timedwait(&q->filled, &q->lock, &until);
        q->waiting--;
    }
    return ERR_OK;
}

enum err_code queue_pop_many(struct queue *q, int64_t deadline_ns, size_t max, void **items,
                             size_t *n)
{
    CHECK(max > 0);
    *n = 0;
    pthread_mutex_lock(&q->lock);
    enum err_code code = wait_filled(q, deadline_ns);
    while (code == ERR_OK && *n < max && q->len > 0) {
        items[(*n)++] = q->ring[q->head];
        q->head = q->head + 1 < q->cap ? q->head + 1 : 0;
        q->len--;
    }
    pthread_mutex_unlock(&q->lock);
    return code;
}

enum err_code queue_pop(struct queue *q, int64_t deadline_ns, void **item)
{
    size_t n;
    return queue_pop_many(q, deadline_ns, 1, item, &n);
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_broadcast(&q->filled);
}

size_t queue_len(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->len;
    pthread_mutex_unlock(&q->lock);
    return n;
}
