#include "support/suite.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/queue.h"
#include "base/thread.h"

static void *item(uintptr_t n)
{
    return (void *)n;
}

START_TEST(a_full_queue_refuses_at_once_and_keeps_order)
{
    struct err err = {0};
    struct queue q;
    void *got[8];
    size_t n;
    queue_init(&q, 3);
    for (uintptr_t round = 0; round < 10; round++) {
        for (uintptr_t i = 1; i <= 3; i++)
            ck_ok(queue_push(&q, item(round * 10 + i)));
        ck_err(queue_push(&q, item(4)), ERR_BUSY);
        ck_assert_uint_eq(queue_len(&q), 3);
        ck_ok(queue_pop(&q, QUEUE_NO_WAIT, got));
        ck_assert_ptr_eq(got[0], item(round * 10 + 1));
        ck_ok(queue_pop_many(&q, QUEUE_FOREVER, 8, got, &n));
        ck_assert_uint_eq(n, 2);
        ck_assert_ptr_eq(got[1], item(round * 10 + 3));
    }
    queue_release(&q);
}
END_TEST

START_TEST(a_pop_waits_until_its_deadline_and_no_longer)
{
    struct queue q;
    void *got;
    queue_init(&q, 1);
    ck_err(queue_pop(&q, QUEUE_NO_WAIT, &got), ERR_TIMEOUT);
    int64_t deadline = clock_mono_ns() + 20000000;
    ck_err(queue_pop(&q, deadline, &got), ERR_TIMEOUT);
    ck_assert_int_ge(clock_mono_ns(), deadline);
    queue_release(&q);
}
END_TEST

START_TEST(a_closed_queue_gives_what_is_left_then_ends)
{
    struct err err = {0};
    struct queue q;
    void *got;
    queue_init(&q, 2);
    ck_ok(queue_push(&q, item(1)));
    queue_close(&q);
    ck_err(queue_push(&q, item(2)), ERR_CANCELLED);
    ck_ok(queue_pop(&q, QUEUE_FOREVER, &got));
    ck_err(queue_pop(&q, QUEUE_FOREVER, &got), ERR_CANCELLED);
    queue_release(&q);
}
END_TEST

enum { PRODUCERS = 3, CONSUMERS = 3, EACH = 20000 };

struct traffic {
    struct queue q;
    atomic_uint producer;
    atomic_uint seen[PRODUCERS * EACH];
    atomic_uint out_of_order;
};

static void produce(void *arg)
{
    struct traffic *t = arg;
    uintptr_t base = (uintptr_t)atomic_fetch_add(&t->producer, 1) * EACH;
    for (uintptr_t i = 0; i < EACH; i++)
        while (queue_push(&t->q, item(base + i + 1)) == ERR_BUSY)
            sched_yield();
}

static void consume(void *arg)
{
    struct traffic *t = arg;
    void *got[7];
    size_t n;
    uintptr_t last[PRODUCERS] = {0};
    while (queue_pop_many(&t->q, QUEUE_FOREVER, 7, got, &n) == ERR_OK)
        for (size_t i = 0; i < n; i++) {
            uintptr_t v = (uintptr_t)got[i] - 1;
            if (v < last[v / EACH])
                atomic_fetch_add(&t->out_of_order, 1);
            last[v / EACH] = v;
            atomic_fetch_add(&t->seen[v], 1);
        }
}

START_TEST(every_item_goes_to_exactly_one_consumer_in_order)
{
    static struct traffic t;
    struct err err;
    struct thread in[PRODUCERS], out[CONSUMERS];
    queue_init(&t.q, 64);
    for (int i = 0; i < CONSUMERS; i++)
        ck_ok(thread_start(&out[i], "consumer", consume, &t, &err));
    for (int i = 0; i < PRODUCERS; i++)
        ck_ok(thread_start(&in[i], "a producer of a long name", produce, &t, &err));
    for (int i = 0; i < PRODUCERS; i++)
        thread_join(&in[i]);
    queue_close(&t.q);
    for (int i = 0; i < CONSUMERS; i++)
        thread_join(&out[i]);
    for (int i = 0; i < PRODUCERS * EACH; i++)
        ck_assert_uint_eq(t.seen[i], 1);
    ck_assert_uint_eq(t.out_of_order, 0);
    queue_release(&t.q);
}
END_TEST

/* --- pool ------------------------------------------------------------------------------------ */

struct sums {
    struct pool *pool;
    atomic_size_t covered;
    unsigned char touched[1000];
    atomic_uint busy[8]; /* is a lane in use? */
    atomic_uint clashes;
    unsigned lanes;
};

static void touch(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct sums *s = arg;
    if (lane >= s->lanes || atomic_fetch_add(&s->busy[lane], 1) != 0)
        atomic_fetch_add(&s->clashes, 1);
    for (size_t i = begin; i < end; i++)
        s->touched[i]++;
    atomic_fetch_add(&s->covered, end - begin);
    atomic_fetch_sub(&s->busy[lane], 1);
}

START_TEST(a_loop_covers_its_range_once_whatever_the_grain)
{
    struct err err;
    struct pool *pool;
    ck_ok(pool_new(&pool, "pool", 3, 8, &err));
    ck_assert_uint_eq(pool_lanes(pool), 4);
    ck_assert_uint_eq(pool_lanes(NULL), 1);
    for (size_t n = 0; n <= 1000; n = n * 2 + 1)
        for (size_t grain = 1; grain < 2000; grain *= 3)
            for (int with = 0; with < 2; with++) {
                struct sums s = {.lanes = with ? 4 : 1};
                pool_for(with ? pool : NULL, n, grain, touch, &s);
                ck_assert_uint_eq(s.covered, n);
                ck_assert_uint_eq(s.clashes, 0);
                for (size_t i = 0; i < 1000; i++)
                    ck_assert_uint_eq(s.touched[i], i < n);
            }
    pool_free(pool);
}
END_TEST

/* Every lane waits for the others, so they must all be there at once. */
static void meet(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct sums *s = arg;
    atomic_fetch_add(&s->busy[lane], 1);
    atomic_fetch_add(&s->covered, end - begin);
    while (s->covered < s->lanes)
        sched_yield();
    if (lane != 0) {
        const struct timespec late = {.tv_nsec = 10000000};
        nanosleep(&late, NULL); /* the caller must wait for us */
    }
    atomic_fetch_add(&s->clashes, 1); /* arrivals, here */
}

START_TEST(all_lanes_work_at_once_under_numbers_of_their_own)
{
    struct err err;
    struct pool *pool;
    struct sums s = {.lanes = 4};
    ck_ok(pool_new(&pool, "pool", 3, 8, &err));
    pool_for(pool, 4, 1, meet, &s);
    ck_assert_uint_eq(s.clashes, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(s.busy[i], 1);
    pool_free(pool);
}
END_TEST

static void nested(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct sums *outer = arg;
    (void)lane;
    for (size_t i = begin; i < end; i++) {
        struct sums inner = {.lanes = 3};
        pool_for(outer->pool, 100, 7, touch, &inner);
        atomic_fetch_add(&outer->covered, inner.covered);
    }
}

START_TEST(loops_inside_loops_do_not_starve)
{
    struct err err;
    struct sums s = {0};
    ck_ok(pool_new(&s.pool, "pool", 2, 4, &err));
    pool_for(s.pool, 50, 1, nested, &s);
    ck_assert_uint_eq(s.covered, 5000);
    pool_free(s.pool);
}
END_TEST

static void count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

START_TEST(queued_jobs_run_before_the_pool_ends)
{
    struct err err;
    struct pool *pool;
    atomic_uint ran = 0, accepted = 0;
    ck_ok(pool_new(&pool, "pool", 2, 16, &err));
    for (int i = 0; i < 1000; i++)
        if (pool_submit(pool, count, &ran) == ERR_OK)
            accepted++;
    pool_free(pool);
    pool_free(NULL);
    ck_assert_uint_eq(ran, accepted);
    ck_assert_uint_ge(ran, 16);
}
END_TEST

START_TEST(there_is_at_least_one_processor)
{
    ck_assert_uint_ge(thread_cpus(), 1);
    ck_assert_uint_le(thread_cpus(), 4096);
}
END_TEST

SUITE("queue", a_full_queue_refuses_at_once_and_keeps_order,
      a_pop_waits_until_its_deadline_and_no_longer, a_closed_queue_gives_what_is_left_then_ends,
      every_item_goes_to_exactly_one_consumer_in_order,
      a_loop_covers_its_range_once_whatever_the_grain,
      all_lanes_work_at_once_under_numbers_of_their_own, loops_inside_loops_do_not_starve,
      queued_jobs_run_before_the_pool_ends, there_is_at_least_one_processor)
