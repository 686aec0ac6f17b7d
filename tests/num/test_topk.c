#include "support/suite.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "num/topk.h"

enum { MAX_N = 300, MAX_K = 40 };

static int by_rank(const void *a, const void *b)
{
    const struct topk_item *x = a, *y = b;
    return topk_before(*x, *y) ? -1 : topk_before(*y, *x);
}

/* The oracle: sort everything, take the first k. Few distinct scores, so that ties are common. */
static size_t fill(struct rng *rng, float *scores, uint32_t *ids, struct topk_item *sorted)
{
    size_t n = (size_t)rng_below(rng, MAX_N + 1);
    uint64_t distinct = 1 + rng_below(rng, 60);
    for (size_t i = 0; i < n; i++) {
        scores[i] = (float)rng_below(rng, distinct) - 20;
        ids[i] = (uint32_t)rng_u64(rng);
        sorted[i] = (struct topk_item){scores[i], ids[i]};
    }
    qsort(sorted, n, sizeof *sorted, by_rank);
    return n;
}

static void expect_first(struct topk *t, const struct topk_item *sorted, size_t n)
{
    size_t want = n < t->cap ? n : t->cap;
    ck_assert_uint_eq(topk_finish(t), want);
    for (size_t i = 0; i < want; i++) {
        ck_assert(t->items[i].score == sorted[i].score);
        ck_assert_uint_eq(t->items[i].id, sorted[i].id);
    }
}

START_TEST(it_keeps_what_a_full_sort_puts_first)
{
    struct rng rng;
    rng_init(&rng, 1);
    for (int round = 0; round < 500; round++) {
        float scores[MAX_N];
        uint32_t ids[MAX_N];
        struct topk_item sorted[MAX_N], items[MAX_K];
        size_t n = fill(&rng, scores, ids, sorted), k = (size_t)rng_below(&rng, MAX_K + 1);
        struct topk t;
        topk_init(&t, items, k);
        for (size_t i = 0; i < n; i++)
            topk_push(&t, scores[i], ids[i]);
        expect_first(&t, sorted, n);
        topk_init(&t, items, k);
        topk_push_block(&t, scores, ids, 0, n);
        expect_first(&t, sorted, n);
    }
}
END_TEST

START_TEST(blocks_without_ids_count_up_from_the_first)
{
    float scores[100];
    struct topk_item items[3];
    for (size_t i = 0; i < 100; i++)
        scores[i] = (float)i;
    struct topk t;
    topk_init(&t, items, 3);
    topk_push_block(&t, scores, NULL, 1000, 100);
    ck_assert_uint_eq(topk_finish(&t), 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(items[i].id, 1099 - i);
}
END_TEST

START_TEST(ties_go_to_the_lower_id_in_either_order)
{
    struct topk_item items[1];
    struct topk t;
    topk_init(&t, items, 1);
    ck_assert(topk_push(&t, 1, 5));
    ck_assert(!topk_push(&t, 1, 6));
    ck_assert(topk_push(&t, 1, 4));
    ck_assert_uint_eq(items[0].id, 4);
}
END_TEST

START_TEST(nan_is_never_kept_and_infinities_are)
{
    struct topk_item items[2];
    struct topk t;
    topk_init(&t, items, 2);
    float scores[9] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, -INFINITY};
    topk_push_block(&t, scores, NULL, 0, 9);
    ck_assert(!topk_push(&t, NAN, 1));
    ck_assert_uint_eq(t.len, 1);
    ck_assert(topk_push(&t, INFINITY, 9));
    ck_assert(topk_threshold(&t) == -INFINITY);
    ck_assert(!topk_push(&t, NAN, 1));
    topk_finish(&t);
    ck_assert_uint_eq(items[0].id, 9);
    ck_assert_uint_eq(items[1].id, 8);
}
END_TEST

START_TEST(the_threshold_is_what_must_be_reached)
{
    struct topk_item items[2];
    struct topk t;
    topk_init(&t, items, 2);
    ck_assert(topk_threshold(&t) == -INFINITY);
    topk_push(&t, 3, 1);
    ck_assert(topk_threshold(&t) == -INFINITY);
    topk_push(&t, 5, 2);
    ck_assert(topk_threshold(&t) == 3);
    topk_init(&t, items, 0);
    ck_assert(topk_threshold(&t) == INFINITY);
    ck_assert(!topk_push(&t, INFINITY, 1));
}
END_TEST

static int best_first(const void *a, const void *b)
{
    struct topk_item x = *(const struct topk_item *)a, y = *(const struct topk_item *)b;
    return topk_before(x, y) ? -1 : topk_before(y, x);
}

START_TEST(selecting_and_ordering_put_the_best_first_whatever_the_order)
{
    enum { N = 700 };
    static const float special[] = {-0.0f, 0, -INFINITY, INFINITY, 1e-40f, -1e-40f};
    struct topk_item items[N], sorted[N], ordered[N];
    struct rng rng;
    rng_init(&rng, 5);
    for (int round = 0; round < 400; round++) {
        size_t n = rng_below(&rng, N) + 1, k = rng_below(&rng, n + 1);
        uint64_t distinct = round % 4 ? 1 + rng_below(&rng, 1000) : 1;
        for (size_t i = 0; i < n; i++) {
            float score = round % 3 ? (float)rng_below(&rng, distinct) - (float)(distinct / 2)
                                    : (float)(round % 2 ? i : n - i); /* sorted either way */
            if (rng_below(&rng, 50) == 0)
                score = special[rng_below(&rng, sizeof special / sizeof *special)];
            items[i] = sorted[i] = ordered[i] = (struct topk_item){score, (uint32_t)i};
        }
        qsort(sorted, n, sizeof *sorted, best_first);
        topk_order(ordered, n, k);
        topk_select(items, n, k);
        qsort(items, k, sizeof *items, best_first);
        for (size_t i = 0; i < k; i++) {
            ck_assert(items[i].id == sorted[i].id && items[i].score == sorted[i].score);
            ck_assert(ordered[i].id == sorted[i].id && ordered[i].score == sorted[i].score);
        }
        qsort(ordered, n, sizeof *ordered, best_first);
        ck_assert(n == 0 || ordered[n - 1].id == sorted[n - 1].id); /* nothing is lost */
    }
}
END_TEST

START_TEST(a_floor_leaves_the_best_and_few_others)
{
    enum { N = 2000, K = 40, ROUNDS = 300 };
    float scores[N];
    struct rng rng;
    int enough = 0;
    rng_init(&rng, 6);
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 400 + rng_below(&rng, N - 400), reached = 0;
        for (size_t i = 0; i < n; i++)
            scores[i] = (float)rng_unit(&rng);
        float floor = topk_floor(scores, n, K);
        for (size_t i = 0; i < n; i++)
            reached += scores[i] >= floor;
        enough += reached >= K;
        ck_assert_uint_lt(reached, K * 5);
    }
    ck_assert_int_ge(enough, ROUNDS * 9 / 10);
    for (size_t i = 0; i < N; i++)
        scores[i] = 0.5f;
    ck_assert(topk_floor(scores, N, K) == 0.5f);
    ck_assert(topk_floor(scores, K, K) == -INFINITY);
}
END_TEST

SUITE("topk", a_floor_leaves_the_best_and_few_others,
      selecting_and_ordering_put_the_best_first_whatever_the_order,
      it_keeps_what_a_full_sort_puts_first, blocks_without_ids_count_up_from_the_first,
      ties_go_to_the_lower_id_in_either_order, nan_is_never_kept_and_infinities_are,
      the_threshold_is_what_must_be_reached)
