#include "recommend/factors.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/dense.h"
#include "num/vec.h"
#include "support/suite.h"

static void random_floats(struct rng *r, float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = scale * (float)rng_normal(r);
}

/* Gaussian elimination with pivoting, in place; x in b. */
static void solve_dense(double *a, double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        for (size_t j = 0; j < n; j++) {
            double t = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = t;
        }
        double t = b[k];
        b[k] = b[pivot];
        b[pivot] = t;
        for (size_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] / a[k * n + k];
            for (size_t j = k; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
            b[i] -= f * b[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++)
            b[k] -= a[k * n + j] * b[j];
        b[k] /= a[k * n + k];
    }
}

START_TEST(folding_in_solves_the_normal_equations_over_all_products)
{
    enum { ROWS = 50, DIM = 7, PAST = 5 };
    float factors[ROWS * DIM], gram[DIM * DIM], weights[PAST], x[DIM];
    uint32_t past[PAST] = {3, 49, 0, 17, 20};
    struct rng r;
    struct arena arena;
    struct err err;
    ck_ok(vec_init(&err));
    rng_init(&r, 1);
    random_floats(&r, factors, ROWS * DIM, 0.5f);
    dense_gram(1, factors, ROWS, DIM, 0, gram);
    struct recommend_model m = {.rows = ROWS,
                                .dim = DIM,
                                .alpha = 3,
                                .regularisation = 0.7f,
                                .factors = factors,
                                .gram = gram};
    for (size_t i = 0; i < PAST; i++)
        weights[i] = 0.5f + (float)i;
    arena_init(&arena, 0, 1 << 20);
    ck_ok(factors_fold_in(&m, past, weights, PAST, &arena, x, &err));

    double a[DIM * DIM] = {0}, b[DIM] = {0};
    for (uint32_t row = 0; row < ROWS; row++) { /* sum of c y y' and c p y, row by row */
        double c = 1, p = 0;
        for (size_t i = 0; i < PAST; i++)
            if (past[i] == row) {
                c += 3 * (double)weights[i];
                p = 1;
            }
        for (size_t i = 0; i < DIM; i++) {
            for (size_t k = 0; k < DIM; k++)
                a[i * DIM + k] +=
                    c * (double)factors[row * DIM + i] * (double)factors[row * DIM + k];
            b[i] += c * p * (double)factors[row * DIM + i];
        }
    }
    for (size_t i = 0; i < DIM; i++)
        a[i * DIM + i] += (double)0.7f;
    solve_dense(a, b, DIM);
    for (size_t i = 0; i < DIM; i++)
        ck_assert_double_eq_tol((double)x[i], b[i], 1e-4);
    arena_release(&arena);
}
END_TEST

/* --- search ---------------------------------------------------------------------------------- */

enum { ROWS = 20000, DIM = 64, CENTERS = 140, WANT = 100, QUERIES = 40 };

struct clustered {
    struct recommend_model m;
    float *factors, *centroids, *scales;
    uint32_t *offsets, *rows, *cell;
    int8_t *codes;
};

static void encode(const float *x, int8_t *code, float *scale)
{
    float top = 0;
    for (size_t k = 0; k < DIM; k++)
        top = fmaxf(top, fabsf(x[k]));
    *scale = top / 127;
    for (size_t k = 0; k < DIM; k++)
        code[k] = (int8_t)lrintf(x[k] / *scale);
}

/* Rows around random centers; a cell per center. */
static void clustered_init(struct clustered *c, struct rng *r)
{
    float *centers = mem_try_aligned(CENTERS * DIM, sizeof(float), 64);
    *c = (struct clustered){0};
    c->factors = mem_try_aligned(ROWS * DIM, sizeof(float), 64);
    c->centroids = mem_try_aligned(CENTERS * DIM, sizeof(float), 64);
    c->codes = mem_try_aligned(ROWS * DIM, 1, 64);
    c->scales = mem_new(ROWS, sizeof(float));
    c->offsets = mem_new(CENTERS + 1, sizeof(uint32_t));
    c->rows = mem_new(ROWS, sizeof(uint32_t));
    c->cell = mem_new(ROWS, sizeof(uint32_t));
    random_floats(r, centers, CENTERS * DIM, 1);
    random_floats(r, c->factors, ROWS * DIM, 0.5f);
    for (uint32_t i = 0; i < ROWS; i++) {
        c->cell[i] = (uint32_t)rng_below(r, CENTERS);
        vec->axpy(1, centers + c->cell[i] * DIM, c->factors + (size_t)i * DIM, DIM);
        c->offsets[c->cell[i] + 1]++;
    }
    for (uint32_t k = 0; k < CENTERS; k++)
        c->offsets[k + 1] += c->offsets[k];
    for (uint32_t k = 0, at = 0; k < CENTERS; k++)
        for (uint32_t i = 0; i < ROWS; i++)
            if (c->cell[i] == k) {
                float share = 1 / (float)(c->offsets[k + 1] - c->offsets[k]);
                const float *x = c->factors + (size_t)i * DIM;
                encode(x, c->codes + (size_t)at * DIM, &c->scales[at]);
                vec->axpy(share, x, c->centroids + (size_t)k * DIM, DIM);
                c->rows[at++] = i;
            }
    c->m = (struct recommend_model){.rows = ROWS,
                                    .dim = DIM,
                                    .factors = c->factors,
                                    .cells = CENTERS,
                                    .centroids = c->centroids,
                                    .cell_offsets = c->offsets,
                                    .cell_rows = c->rows,
                                    .cell_codes = c->codes,
                                    .cell_scales = c->scales};
    mem_free(centers);
}

static void clustered_release(struct clustered *c)
{
    mem_free(c->factors);
    mem_free(c->centroids);
    mem_free(c->codes);
    mem_free(c->scales);
    mem_free(c->offsets);
    mem_free(c->rows);
    mem_free(c->cell);
}

/* A shopper somewhere near a few of the rows. */
static void random_shopper(const struct clustered *c, struct rng *r, float *x)
{
    random_floats(r, x, DIM, 0.3f);
    for (int i = 0; i < 3; i++)
        vec->axpy(0.4f, c->factors + rng_below(r, ROWS) * DIM, x, DIM);
}

static void best_by_hand(const struct clustered *c, const float *x, struct topk_item *best)
{
    struct topk top;
    topk_init(&top, best, WANT);
    for (uint32_t i = 0; i < ROWS; i++) {
        float score = 0;
        for (size_t k = 0; k < DIM; k++)
            score += x[k] * c->factors[(size_t)i * DIM + k];
        topk_push(&top, score, i);
    }
    topk_finish(&top);
}

static size_t common(const struct topk_item *a, size_t n, const struct topk_item *b)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < WANT; k++)
            hits += a[i].id == b[k].id;
    return hits;
}

START_TEST(cells_find_nearly_all_of_the_best_and_all_probes_find_them_exactly)
{
    struct clustered c;
    struct arena arena;
    struct rng r;
    struct err err;
    size_t found = 0;
    ck_ok(vec_init(&err));
    rng_init(&r, 3);
    clustered_init(&c, &r);
    arena_init(&arena, 0, 16 << 20);
    for (int q = 0; q < QUERIES; q++) {
        float x[DIM];
        struct topk_item exact[WANT], best[WANT];
        size_t n;
        arena_reset(&arena);
        random_shopper(&c, &r, x);
        best_by_hand(&c, x, exact);
        ck_ok(factors_search(&c.m, x, CENTERS, WANT, &arena, best, &n, &err));
        ck_assert_uint_eq(n, WANT);
        ck_assert_uint_ge(common(best, n, exact), WANT - 1); /* sums in another order may tie */
        ck_ok(factors_search(&c.m, x, 0, WANT, &arena, best, &n, &err));
        ck_assert_uint_eq(n, WANT);
        found += common(best, n, exact);
        for (size_t i = 1; i < n; i++)
            ck_assert(topk_before(best[i - 1], best[i]));
        for (size_t i = 0; i < n; i++) /* scored by the float rows */
            ck_assert_float_eq_tol(best[i].score,
                                   vec->dot(x, c.factors + (size_t)best[i].id * DIM, DIM), 1e-4f);
    }
    ck_assert_msg(found >= 0.95 * QUERIES * WANT, "recall@%d is %.3f", WANT,
                  (double)found / (QUERIES * WANT));
    arena_release(&arena);
    clustered_release(&c);
}
END_TEST

START_TEST(without_cells_all_rows_are_scored_and_fewer_rows_than_wanted_all_come)
{
    enum { FEW = 300 };
    struct clustered c;
    struct arena arena;
    struct rng r;
    struct err err;
    struct topk_item best[FEW + 10];
    size_t n;
    float x[DIM];
    ck_ok(vec_init(&err));
    rng_init(&r, 5);
    clustered_init(&c, &r);
    arena_init(&arena, 0, 16 << 20);
    random_shopper(&c, &r, x);
    c.m.cells = 0;
    c.m.rows = FEW;
    ck_ok(factors_search(&c.m, x, 0, FEW + 10, &arena, best, &n, &err));
    ck_assert_uint_eq(n, FEW);
    for (size_t i = 1; i < n; i++)
        ck_assert(topk_before(best[i - 1], best[i]));
    arena_release(&arena);
    clustered_release(&c);
}
END_TEST

SUITE("factors", folding_in_solves_the_normal_equations_over_all_products,
      cells_find_nearly_all_of_the_best_and_all_probes_find_them_exactly,
      without_cells_all_rows_are_scored_and_fewer_rows_than_wanted_all_come)
