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

/* Factors whose Gram matrix is diagonal: random ones, turned to its axes. */
static void turned_factors(struct rng *r, float *factors, size_t rows, size_t dim, float *spectrum)
{
    struct err err;
    float *raw = mem_new(rows * dim, sizeof *raw), *axes = mem_new(dim * dim, sizeof *axes);
    random_floats(r, raw, rows * dim, 0.5f);
    dense_gram(1, raw, rows, dim, 0, axes);
    ck_ok(dense_eigen(axes, dim, spectrum, &err));
    dense_turn(raw, rows, axes, dim, factors);
    mem_free(raw);
    mem_free(axes);
}

/* The sum of c y y' and of c p y over all products, row by row, solved in double precision. */
static void fold_in_by_hand(const struct recommend_model *m, const uint32_t *past,
                            const float *weights, size_t n, double *a, double *b)
{
    size_t d = m->dim;
    memset(a, 0, d * d * sizeof *a);
    memset(b, 0, d * sizeof *b);
    for (uint32_t row = 0; row < m->rows; row++) {
        const float *y = m->vectors.exact + row * d;
        double c = 1, p = 0;
        for (size_t i = 0; i < n; i++)
            if (past[i] == row) {
                c += (double)m->alpha * (double)weights[i];
                p = 1;
            }
        for (size_t i = 0; i < d; i++) {
            for (size_t k = 0; k < d; k++)
                a[i * d + k] += c * (double)y[i] * (double)y[k];
            b[i] += c * p * (double)y[i];
        }
    }
    double unseen = m->rows / (double)m->alpha;
    double grown =
        pow(((double)n + unseen) / ((double)m->mean_products + unseen), (double)m->exponent);
    for (size_t i = 0; i < d; i++)
        a[i * d + i] += (double)m->regularisation * grown;
    solve_dense(a, b, d);
}

/* Few acts and more than there are dimensions, mild and extreme weights, almost no regularisation. */
START_TEST(folding_in_solves_the_normal_equations_over_all_products)
{
    enum { ROWS = 300, DIM_MAX = 65 };
    static const struct {
        size_t dim, past;
        float alpha, regularisation, exponent;
    } cases[] = {{1, 1, 1, 1, 0},        {7, 5, 3, 0.7f, 0.5f},   {7, 120, 3, 0.7f, 1},
                 {64, 3, 40, 10, 0},     {64, 40, 2, 20, 0},      {64, 200, 2, 20, 1},
                 {65, 200, 40, 1, 0.5f}, {64, 30, 1000, 0.1f, 2}, {64, 1, 1e5f, 5, 1},
                 {64, 64, 1e-4f, 20, 0}, {16, 250, 100, 1, 1}};
    struct rng r;
    struct arena arena;
    struct err err;
    ck_ok(vec_init(&err));
    rng_init(&r, 1);
    arena_init(&arena, 0, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float factors[ROWS * DIM_MAX], spectrum[DIM_MAX], weights[ROWS], x[DIM_MAX];
        double a[DIM_MAX * DIM_MAX], b[DIM_MAX], apart = 0, size = 0;
        uint32_t past[ROWS];
        size_t dim = cases[i].dim, n = cases[i].past;
        arena_reset(&arena);
        turned_factors(&r, factors, ROWS, dim, spectrum);
        struct recommend_model m = {.rows = ROWS,
                                    .dim = (uint32_t)dim,
                                    .alpha = cases[i].alpha,
                                    .regularisation = cases[i].regularisation,
                                    .exponent = cases[i].exponent,
                                    .mean_products = 20,
                                    .spectrum = spectrum,
                                    .vectors = {.exact = factors}};
        for (size_t k = 0; k < n; k++) {
            past[k] = (uint32_t)((k * 7 + i) % ROWS);
            weights[k] = 0.1f + (float)rng_unit(&r) * 5;
        }
        ck_ok(factors_fold_in(&m, past, weights, n, &arena, x, &err));
        fold_in_by_hand(&m, past, weights, n, a, b);
        for (size_t k = 0; k < dim; k++) {
            apart += ((double)x[k] - b[k]) * ((double)x[k] - b[k]);
            size += b[k] * b[k];
        }
        ck_assert_msg(apart <= 1e-6 * size, "case %zu is off by %g of its size", i,
                      sqrt(apart / size));
    }
    arena_release(&arena);
}
END_TEST

START_TEST(a_model_whose_numbers_overflow_is_an_error)
{
    float factors[2] = {1e30f, 1}, spectrum[1] = {1}, weight = 1, x;
    uint32_t row = 0;
    struct arena arena;
    struct err err;
    struct recommend_model m = {.rows = 2,
                                .dim = 1,
                                .alpha = 1e20f,
                                .regularisation = 1,
                                .spectrum = spectrum,
                                .vectors = {.exact = factors}};
    ck_ok(vec_init(&err));
    arena_init(&arena, 0, 1 << 20);
    ck_err(factors_fold_in(&m, &row, &weight, 1, &arena, &x, &err), ERR_INVALID);
    arena_release(&arena);
}
END_TEST

SUITE("factors", folding_in_solves_the_normal_equations_over_all_products,
      a_model_whose_numbers_overflow_is_an_error)
