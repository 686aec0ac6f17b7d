#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/thread.h"

struct job {
    pool_job_fn *fn;
    void *arg;
};

struct pool {
    struct queue jobs; /* of struct job, owned while they are in it */
    unsigned n;
    struct thread threads[]; /* [n] */
};

/* One pool_for. On the heap, because a helper may come to it only after the caller has gone. */
struct loop {
    size_t n, grain;
    pool_range_fn *fn;
    void *arg;
    atomic_size_t next;   /* first element that nobody took */
    atomic_uint lanes;    /* threads that took part */
    atomic_uint refs;     /* caller and helpers not yet done with it */
    pthread_mutex_t lock; /* of done */
    pthread_cond_t all_done;
    size_t done; /* elements */
};

static void work(void *arg)
{
    struct pool *p = arg;
    void *item;
    while (queue_pop(&p->jobs, QUEUE_FOREVER, &item) == ERR_OK) {
        struct job job = *(struct job *)item;
        mem_free(item);
        job.fn(job.arg);
    }
}

enum err_code pool_new(struct pool **out, const char *name, unsigned threads, size_t cap,
                       struct err *err)
{
    if (threads == 0)
        threads = thread_cpus() > 1 ? thread_cpus() - 1 : 1;
    struct pool *p = mem_new(1, sizeof *p + threads * sizeof *p->threads);
    queue_init(&p->jobs, cap);
    for (; p->n < threads; p->n++) {
        enum err_code code = thread_start(&p->threads[p->n], name, work, p, err);
        if (code != ERR_OK) {
            pool_free(p);
            return code;
        }
    }
    *out = p;
    return ERR_OK;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    queue_close(&p->jobs);
    for (unsigned i = 0; i < p->n; i++)
        thread_join(&p->threads[i]);
    queue_release(&p->jobs);
    mem_free(p);
}

enum err_code pool_submit(struct pool *p, pool_job_fn *fn, void *arg)
{
    struct job *job = MEM_NEW(struct job);
    *job = (struct job){fn, arg};
    enum err_code code = queue_push(&p->jobs, job);
    if (code != ERR_OK)
        mem_free(job);
    return code;
}

unsigned pool_lanes(const struct pool *p)
{
    return p ? p->n + 1 : 1;
}

static void loop_unref(struct loop *l)
{
    if (atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    pthread_cond_destroy(&l->all_done);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

/* Take chunks until none is left. */
static void take_part(struct loop *l)
{
    size_t mine = 0, begin = atomic_fetch_add(&l->next, l->grain);
    if (begin >= l->n)
        return;
    unsigned lane = atomic_fetch_add(&l->lanes, 1);
    for (; begin < l->n; begin = atomic_fetch_add(&l->next, l->grain)) {
        size_t end = l->n - begin < l->grain ? l->n : begin + l->grain;
        l->fn(l->arg, begin, end, lane);
        mine += end - begin;
    }
    pthread_mutex_lock(&l->lock);
    l->done += mine;
    if (l->done == l->n)
        pthread_cond_signal(&l->all_done);
    pthread_mutex_unlock(&l->lock);
}

static void help(void *arg)
{
    take_part(arg);
    loop_unref(arg);
}

static void call_helpers(struct pool *p, struct loop *l)
{
    size_t chunks = (l->n - 1) / l->grain + 1;
    for (unsigned i = 0; i < p->n && i + 1 < chunks; i++) {
        atomic_fetch_add(&l->refs, 1);
        if (pool_submit(p, help, l) != ERR_OK) {
            atomic_fetch_sub(&l->refs, 1);
            return; /* the caller does it alone, or with those who came */
        }
    }
}

void pool_for(struct pool *p, size_t n, size_t grain, pool_range_fn *fn, void *arg)
{
    CHECK(grain > 0);
    if (n == 0)
        return;
    struct loop *l = MEM_NEW(struct loop);
    *l = (struct loop){.n = n, .grain = grain < n ? grain : n, .fn = fn, .arg = arg};
    atomic_init(&l->refs, 1);
    CHECK(pthread_mutex_init(&l->lock, NULL) == 0);
    CHECK(pthread_cond_init(&l->all_done, NULL) == 0);
    if (p)
        call_helpers(p, l);
    take_part(l);
    pthread_mutex_lock(&l->lock);
    while (l->done < l->n)
        pthread_cond_wait(&l->all_done, &l->lock);
    pthread_mutex_unlock(&l->lock);
    loop_unref(l);
}
