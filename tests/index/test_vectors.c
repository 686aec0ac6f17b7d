#include "index/vectors.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "support/suite.h"

enum { FEW = 300, MANY = 20000, DIM = 24, WANT = 100, QUERIES = 40 };

/* Rows around random centers, longer and shorter ones; the first has no direction. */
static float *random_rows(uint64_t seed, uint32_t rows)
{
    enum { CENTERS = 140 };
    struct rng r;
    struct err err;
    float centers[CENTERS][DIM];
    ck_ok(vec_init(&err));
    float *x = mem_try_aligned((size_t)rows * DIM, sizeof *x, 64);
    rng_init(&r, seed);
    for (size_t i = 0; i < CENTERS * DIM; i++)
        centers[i / DIM][i % DIM] = (float)rng_normal(&r);
    for (uint32_t i = 0; i < rows; i++) {
        const float *center = centers[rng_below(&r, CENTERS)];
        float length = expf(0.2f * (float)rng_normal(&r));
        for (size_t k = 0; k < DIM; k++)
            x[(size_t)i * DIM + k] = length * (center[k] + 0.5f * (float)rng_normal(&r));
    }
    memset(x, 0, DIM * sizeof *x);
    return x;
}

static struct vectors build(uint64_t seed, uint32_t rows, struct pool *pool)
{
    struct vectors v;
    struct err err;
    ck_ok(vectors_build(random_rows(seed, rows), rows, DIM, 5, pool, &v, &err));
    return v;
}

/* A number of a place of the blocks, unpacked. */
static double number_at(const struct vectors *v, size_t place, size_t k)
{
    const uint8_t *block = v->codes + place / VEC_BLOCK_ROWS * vec_block_bytes(v->dim);
    size_t lane = place % VEC_BLOCK_ROWS;
    uint8_t code = block[(k / VEC_BLOCK_GROUP * VEC_BLOCK_ROWS + lane) * VEC_BLOCK_GROUP +
                         k % VEC_BLOCK_GROUP];
    return (code - 128) * (double)v->block_scales[place];
}

static void check_cell(const struct vectors *v, uint32_t cell, bool *seen)
{
    double mean[DIM] = {0};
    uint32_t n = 0, last = 0;
    size_t from = (size_t)v->cell_blocks[cell] * VEC_BLOCK_ROWS;
    size_t end = (size_t)v->cell_blocks[cell + 1] * VEC_BLOCK_ROWS;
    for (size_t place = from; place < end; place++) {
        uint32_t row = v->block_rows[place];
        if (row == VECTORS_NO_ROW)
            continue;
        ck_assert_uint_eq(place, from + n++); /* what is empty comes last */
        ck_assert(!seen[row] && (n == 1 || row > last));
        seen[row] = true;
        last = row;
        for (size_t k = 0; k < DIM; k++) {
            double x = (double)v->exact[(size_t)row * DIM + k];
            mean[k] += x;
            ck_assert_double_eq_tol(number_at(v, place, k), x,
                                    (double)v->block_scales[place] * 0.51 + 1e-9);
        }
    }
    ck_assert_uint_lt(end - from - n, VEC_BLOCK_ROWS);
    for (size_t k = 0; k < DIM && n; k++)
        ck_assert_double_eq_tol((double)v->centroids[cell * DIM + k], mean[k] / n, 1e-3);
}

START_TEST(cells_hold_every_row_once_with_their_means_and_codes)
{
    static const uint32_t sizes[] = {1, 16, FEW, VECTORS_CLUSTERED_MIN - 1, MANY};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct vectors v = build(i, sizes[i], NULL);
        bool *seen = mem_new(v.rows, sizeof *seen);
        ck_assert_uint_eq(v.cells, sizes[i] < VECTORS_CLUSTERED_MIN ? 1 : (uint32_t)sqrt(sizes[i]));
        for (uint32_t cell = 0; cell < v.cells; cell++)
            check_cell(&v, cell, seen);
        for (uint32_t row = 0; row < v.rows; row++)
            ck_assert(seen[row]);
        mem_free(seen);
        vectors_release(&v);
    }
}
END_TEST

START_TEST(building_gives_the_same_for_any_number_of_threads)
{
    struct pool *pool;
    struct err err;
    ck_ok(pool_new(&pool, "vectors", 3, 8, &err));
    struct vectors a = build(2, MANY, NULL), b = build(2, MANY, pool);
    ck_assert_uint_eq(a.blocks, b.blocks);
    ck_assert_mem_eq(a.cell_blocks, b.cell_blocks, (a.cells + 1) * sizeof *a.cell_blocks);
    ck_assert_mem_eq(a.block_rows, b.block_rows, a.blocks * VEC_BLOCK_ROWS * sizeof *a.block_rows);
    ck_assert_mem_eq(a.codes, b.codes, a.blocks * vec_block_bytes(DIM));
    vectors_release(&a);
    vectors_release(&b);
    pool_free(pool);
}
END_TEST

/* Something near a few of the rows. */
static void random_query(const struct vectors *v, struct rng *r, float *q)
{
    for (size_t k = 0; k < DIM; k++)
        q[k] = 0.3f * (float)rng_normal(r);
    for (int i = 0; i < 3; i++)
        vec->axpy(0.4f, v->exact + rng_below(r, v->rows) * DIM, q, DIM);
}

static int best_first(const void *a, const void *b)
{
    struct topk_item x = *(const struct topk_item *)a, y = *(const struct topk_item *)b;
    return topk_before(x, y) ? -1 : topk_before(y, x);
}

/* Every row scored and sorted. Returns how many of want there are. */
static size_t best_by_hand(const struct vectors *v, const float *q, size_t want,
                           struct topk_item *best)
{
    struct topk_item *all = mem_new(v->rows, sizeof *all);
    for (uint32_t row = 0; row < v->rows; row++)
        all[row] = (struct topk_item){vec->dot(q, v->exact + (size_t)row * DIM, DIM), row};
    qsort(all, v->rows, sizeof *all, best_first);
    size_t n = want < v->rows ? want : v->rows;
    memcpy(best, all, n * sizeof *best);
    mem_free(all);
    return n;
}

static size_t common(const struct topk_item *a, size_t n, const struct topk_item *b, size_t m)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            hits += a[i].id == b[k].id;
    return hits;
}

/* Share of the exact best that search finds with so many probes. Whatever it gives is in order, with exact
 * scores. */
static double recall(const struct vectors *v, uint32_t probes, size_t want)
{
    struct arena arena;
    struct rng r;
    struct err err;
    size_t found = 0, wanted = 0;
    rng_init(&r, 3);
    arena_init(&arena, 0, 16 << 20);
    for (int i = 0; i < QUERIES; i++) {
        float q[DIM];
        struct topk_item exact[MANY], best[MANY];
        size_t n;
        arena_reset(&arena);
        random_query(v, &r, q);
        size_t m = best_by_hand(v, q, want, exact);
        ck_assert_uint_eq(vectors_search_exact(v, q, want, best), m);
        ck_assert_mem_eq(best, exact, m * sizeof *best);
        ck_ok(vectors_search(v, q, probes, want, &arena, best, &n, &err));
        ck_assert_uint_le(n, m);
        for (size_t k = 0; k < n; k++) {
            ck_assert(k == 0 || topk_before(best[k - 1], best[k]));
            ck_assert(best[k].score == vec->dot(q, v->exact + (size_t)best[k].id * DIM, DIM));
        }
        found += common(best, n, exact, m);
        wanted += m;
    }
    arena_release(&arena);
    return (double)found / (double)wanted;
}

START_TEST(search_finds_nearly_all_of_the_best)
{
    struct vectors few = build(7, FEW, NULL), many = build(8, MANY, NULL);
    double default_probes = recall(&many, 0, WANT), all_probes = recall(&many, UINT32_MAX, WANT);
    ck_assert_msg(default_probes >= 0.95, "recall@%d is %.4f", WANT, default_probes);
    ck_assert_msg(all_probes >= 0.998, "recall@%d of all cells is %.4f", WANT, all_probes);
    ck_assert(recall(&few, 0, WANT) >= 0.998);
    ck_assert(recall(&few, 0, FEW + 10) == 1); /* fewer than wanted: all come */
    vectors_release(&few);
    vectors_release(&many);
}
END_TEST

START_TEST(a_query_of_zeros_gives_the_first_rows)
{
    struct vectors v = build(9, FEW, NULL);
    struct arena arena;
    struct err err;
    struct topk_item best[5];
    float q[DIM] = {0};
    size_t n;
    arena_init(&arena, 0, 1 << 20);
    ck_ok(vectors_search(&v, q, 0, 5, &arena, best, &n, &err));
    ck_assert_uint_eq(n, 5);
    for (size_t i = 0; i < n; i++)
        ck_assert(best[i].score == 0 && best[i].id == i);
    ck_ok(vectors_search(&v, q, 0, 0, &arena, best, &n, &err));
    ck_assert_uint_eq(n, 0);
    arena_release(&arena);
    vectors_release(&v);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {cells_hold_every_row_once_with_their_means_and_codes,
                                  building_gives_the_same_for_any_number_of_threads,
                                  search_finds_nearly_all_of_the_best,
                                  a_query_of_zeros_gives_the_first_rows};
    Suite *s = suite_create("vectors");
    TCase *c = tcase_create("vectors");
    tcase_set_timeout(c, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return s;
}
