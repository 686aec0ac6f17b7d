#include "support/suite.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/small.h"
#include "num/vec.h"

enum { ORDER_MAX = 176, ROWS_MAX = 70, TABLE_ROWS = 50 };

static void random_fill(struct rng *rng, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(rng);
}

START_TEST(rows_are_gathered_and_scaled)
{
    struct rng rng;
    const struct small_ops *ops;
    rng_init(&rng, 1);
    for (size_t t = 0; (ops = small_available(t)); t++)
        for (size_t order = SMALL_UNIT; order <= 64; order += SMALL_UNIT) {
            size_t stride = order + rng_below(&rng, 20);
            float *table = mem_new(TABLE_ROWS * stride, sizeof *table), scale[64],
                  factors[ROWS_MAX];
            size_t n = rng_below(&rng, ROWS_MAX);
            uint32_t ids[ROWS_MAX];
            float *out = mem_new(n * order, sizeof *out);
            random_fill(&rng, table, TABLE_ROWS * stride);
            random_fill(&rng, scale, order);
            random_fill(&rng, factors, n);
            for (size_t i = 0; i < n; i++)
                ids[i] = (uint32_t)rng_below(&rng, TABLE_ROWS);
            ops->gather(table, stride, ids, factors, n, scale, order, out);
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < order; k++)
                    ck_assert(out[i * order + k] ==
                              factors[i] * table[ids[i] * stride + k] * scale[k]);
            mem_free(table);
            mem_free(out);
        }
}
END_TEST

START_TEST(a_gram_matrix_is_added)
{
    struct rng rng;
    const struct small_ops *ops;
    rng_init(&rng, 2);
    for (size_t t = 0; (ops = small_available(t)); t++)
        for (size_t order = SMALL_UNIT; order <= ORDER_MAX; order += SMALL_UNIT) {
            size_t n = rng_below(&rng, ROWS_MAX);
            float *x = mem_new(n * order, sizeof *x), *a = mem_new(order * order, sizeof *a);
            float *was = mem_new(order * order, sizeof *was);
            random_fill(&rng, x, n * order);
            random_fill(&rng, a, order * order);
            memcpy(was, a, order * order * sizeof *a);
            ops->gram(x, n, order, a);
            for (size_t i = 0; i < order; i++)
                for (size_t j = i; j < order; j++) {
                    double sum = (double)was[i * order + j];
                    for (size_t k = 0; k < n; k++)
                        sum += (double)x[k * order + i] * (double)x[k * order + j];
                    ck_assert_double_eq_tol((double)a[i * order + j], sum, 1e-4);
                }
            mem_free(x);
            mem_free(a);
            mem_free(was);
        }
}
END_TEST

START_TEST(a_matrix_is_transposed)
{
    struct rng rng;
    const struct small_ops *ops;
    rng_init(&rng, 3);
    for (size_t t = 0; (ops = small_available(t)); t++)
        for (size_t rows = SMALL_UNIT; rows <= 64; rows += SMALL_UNIT)
            for (size_t columns = SMALL_UNIT; columns <= 64; columns += SMALL_UNIT) {
                float x[64 * 64], out[64 * 64];
                random_fill(&rng, x, rows * columns);
                ops->transpose(x, rows, columns, out);
                for (size_t i = 0; i < rows; i++)
                    for (size_t j = 0; j < columns; j++)
                        ck_assert(out[j * rows + i] == x[i * columns + j]);
            }
}
END_TEST

/* I + X'X of n random rows whose columns from `real` on are 0. */
static void random_system(struct rng *rng, size_t real, size_t order, float *a)
{
    float *x = mem_new(2 * order * order, sizeof *x);
    random_fill(rng, x, 2 * order * order);
    for (size_t i = 0; i < 2 * order; i++)
        for (size_t k = real; k < order; k++)
            x[i * order + k] = 0;
    memset(a, 0, order * order * sizeof *a);
    for (size_t k = 0; k < order; k++)
        a[k * order + k] = 1;
    small_available(0)->gram(x, 2 * order, order, a);
    mem_free(x);
}

START_TEST(a_solution_solves_its_system)
{
    struct rng rng;
    const struct small_ops *ops;
    rng_init(&rng, 4);
    for (size_t t = 0; (ops = small_available(t)); t++)
        for (size_t real = 1; real <= ORDER_MAX; real += 1 + rng_below(&rng, 9)) {
            size_t order = small_order(real);
            float *a = mem_new(order * order, sizeof *a),
                  *was = mem_new(order * order, sizeof *was);
            float b[ORDER_MAX], wanted[ORDER_MAX];
            random_system(&rng, real, order, a);
            memcpy(was, a, order * order * sizeof *a);
            random_fill(&rng, wanted, order);
            for (size_t i = 0; i < order; i++) {
                double sum = 0;
                wanted[i] = i < real ? wanted[i] : 0;
                for (size_t j = 0; j < real; j++)
                    sum += (double)was[i < j ? i * order + j : j * order + i] * (double)wanted[j];
                b[i] = i < real ? (float)sum : 0;
            }
            ck_assert(ops->solve(a, order, b));
            for (size_t i = 0; i < order; i++)
                ck_assert_double_eq_tol((double)b[i], (double)wanted[i], 2e-3);
            mem_free(a);
            mem_free(was);
        }
}
END_TEST

START_TEST(what_cannot_be_solved_is_told)
{
    static const float bad[] = {0, -1, NAN, INFINITY, -INFINITY};
    enum { ORDER = 48 };
    struct rng rng;
    const struct small_ops *ops;
    rng_init(&rng, 5);
    for (size_t t = 0; (ops = small_available(t)); t++)
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            for (size_t at = 0; at < ORDER; at += 7) {
                float a[ORDER * ORDER], b[ORDER];
                random_system(&rng, ORDER, ORDER, a);
                random_fill(&rng, b, ORDER);
                a[at * ORDER + at] = bad[i];
                ck_assert(!ops->solve(a, ORDER, b));
                if (isfinite(bad[i]))
                    continue;
                random_system(&rng, ORDER, ORDER, a);
                b[at] = bad[i];
                ck_assert(!ops->solve(a, ORDER, b));
            }
}
END_TEST

START_TEST(the_table_goes_with_that_of_the_vectors)
{
    struct err err;
    setenv("AISLE_SIMD", "scalar", 1);
    ck_ok(vec_init(&err));
    small_init();
    ck_assert_ptr_eq(small, small_available(0));
    unsetenv("AISLE_SIMD");
    ck_ok(vec_init(&err));
    small_init();
    size_t last = 0;
    while (small_available(last + 1))
        last++;
    ck_assert_ptr_eq(small, small_available(last));
}
END_TEST

SUITE("small", rows_are_gathered_and_scaled, a_gram_matrix_is_added, a_matrix_is_transposed,
      a_solution_solves_its_system, what_cannot_be_solved_is_told,
      the_table_goes_with_that_of_the_vectors)
