#include "num/best_rows.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/vec.h"
#include "support/suite.h"

enum { N = 150, M = 2500, DIM = 7, K = 12, WITHOUT = 40 };

struct fixture {
    float *queries, *rows;
    uint64_t *offsets;
    uint32_t *without;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void fixture_init(struct fixture *f)
{
    struct rng rng;
    struct err err;
    ck_ok(vec_init(&err));
    rng_init(&rng, 3);
    f->queries = mem_new((size_t)N * DIM, sizeof(float));
    f->rows = mem_new((size_t)M * DIM, sizeof(float));
    f->offsets = mem_new(N + 1, sizeof *f->offsets);
    f->without = mem_new((size_t)N * WITHOUT, sizeof *f->without);
    for (size_t i = 0; i < (size_t)N * DIM; i++) /* whole numbers: sums are exact, many are equal */
        f->queries[i] = (float)rng_below(&rng, 5) - 2;
    for (size_t i = 0; i < (size_t)M * DIM; i++)
        f->rows[i] = (float)rng_below(&rng, 5) - 2;
    for (size_t i = 0; i < N; i++) {
        uint32_t *mine = f->without + f->offsets[i];
        size_t n = rng_below(&rng, WITHOUT), kept = 0;
        for (size_t j = 0; j < n; j++)
            mine[j] = j == 0 ? (uint32_t)(i % 2 ? 0 : M - 1) : (uint32_t)rng_below(&rng, M);
        qsort(mine, n, sizeof *mine, by_number);
        for (size_t j = 0; j < n; j++)
            if (kept == 0 || mine[kept - 1] != mine[j])
                mine[kept++] = mine[j];
        f->offsets[i + 1] = f->offsets[i] + kept;
    }
}

static void fixture_release(struct fixture *f)
{
    mem_free(f->queries);
    mem_free(f->rows);
    mem_free(f->offsets);
    mem_free(f->without);
}

static bool is_without(const struct fixture *f, size_t query, uint32_t row)
{
    for (uint64_t i = f->offsets[query]; i < f->offsets[query + 1]; i++)
        if (f->without[i] == row)
            return true;
    return false;
}

static int best_first(const void *a, const void *b)
{
    const struct topk_item *x = a, *y = b;
    return topk_before(*x, *y) ? -1 : 1;
}

/* All rows, sorted. */
static size_t slow(const struct fixture *f, size_t m, size_t query, struct topk_item *all)
{
    size_t n = 0;
    for (uint32_t row = 0; row < m; row++) {
        double score = 0;
        for (size_t k = 0; k < DIM; k++)
            score += (double)f->queries[query * DIM + k] * (double)f->rows[row * DIM + k];
        if (!is_without(f, query, row))
            all[n++] = (struct topk_item){(float)score, row};
    }
    qsort(all, n, sizeof *all, best_first);
    return n < K ? n : K;
}

static void check(const struct fixture *f, size_t m, struct pool *pool)
{
    struct best_rows b = {f->queries, f->rows, N, m, DIM, f->offsets, f->without, K, pool};
    struct topk_item *out = mem_new((size_t)N * K, sizeof *out), *all = mem_new(M, sizeof *all);
    uint32_t found[N];
    struct err err;
    ck_ok(best_rows_find(&b, out, found, &err));
    for (size_t i = 0; i < N; i++) {
        size_t n = slow(f, m, i, all);
        ck_assert_uint_eq(found[i], n);
        for (size_t j = 0; j < n; j++) {
            ck_assert_uint_eq(out[i * K + j].id, all[j].id);
            ck_assert(out[i * K + j].score == all[j].score);
        }
    }
    mem_free(out);
    mem_free(all);
}

START_TEST(lists_are_those_of_sorting_everything)
{
    struct fixture f;
    struct pool *pool;
    struct err err;
    fixture_init(&f);
    check(&f, M, NULL);
    ck_ok(pool_new(&pool, "test", 3, 8, &err));
    check(&f, M, pool);
    pool_free(pool);
    fixture_release(&f);
}
END_TEST

START_TEST(few_rows_make_short_lists)
{
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < f.offsets[N]; i++)
        f.without[i] = 0; /* what lies behind the last row is no row */
    check(&f, 5, NULL);
    check(&f, 1, NULL);
    fixture_release(&f);
}
END_TEST

START_TEST(nothing_is_left_out_where_nothing_is_named)
{
    struct fixture f;
    struct topk_item out[N * K];
    uint32_t found[N];
    struct err err;
    fixture_init(&f);
    struct best_rows b = {.queries = f.queries, .rows = f.rows, .n = N, .m = M, .dim = DIM, .k = K};
    ck_ok(best_rows_find(&b, out, found, &err));
    for (size_t i = 0; i <= N; i++)
        f.offsets[i] = 0;
    check(&f, M, NULL);
    for (size_t i = 0; i < N; i++)
        ck_assert_uint_eq(found[i], K);
    fixture_release(&f);
}
END_TEST

SUITE("best_rows", lists_are_those_of_sorting_everything, few_rows_make_short_lists,
      nothing_is_left_out_where_nothing_is_named)
