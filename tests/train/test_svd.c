#include "train/svd.h"

#include <signal.h>
#include <string.h>

#include "base/signal.h"
#include "num/dense.h"
#include "train/dense_eigen.h"
#include "train/random_matrix.h"

enum { ROWS = 90, COLUMNS = 70, CELLS = 700 };

struct sample {
    struct matrix m, transposed;
    double *dense; /* [ROWS][COLUMNS] */
    double *gram;  /* [COLUMNS][COLUMNS] diagonal after jacobi_eigen */
    double *axes;  /* [COLUMNS][COLUMNS] by column */
    size_t *order; /* [COLUMNS] of the axes, greatest first */
};

static void setup(struct sample *s, size_t cells)
{
    struct rng r;
    struct err err;
    dense_init();
    rng_init(&r, 3);
    s->dense = mem_new(ROWS * COLUMNS, sizeof(double));
    s->gram = mem_new(COLUMNS * COLUMNS, sizeof(double));
    s->axes = mem_new(COLUMNS * COLUMNS, sizeof(double));
    s->order = mem_new(COLUMNS, sizeof(size_t));
    random_matrix(&r, ROWS, COLUMNS, cells, &s->m, s->dense);
    ck_ok(matrix_transpose(&s->m, &s->transposed, &err));
    for (size_t i = 0; i < COLUMNS; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            for (size_t u = 0; u < ROWS; u++)
                s->gram[i * COLUMNS + j] += s->dense[u * COLUMNS + i] * s->dense[u * COLUMNS + j];
    jacobi_eigen(s->gram, COLUMNS, s->axes);
    diagonal_order(s->gram, COLUMNS, s->order);
}

static void teardown(struct sample *s)
{
    matrix_release(&s->m);
    matrix_release(&s->transposed);
    mem_free(s->dense);
    mem_free(s->gram);
    mem_free(s->axes);
    mem_free(s->order);
}

/* The projections on the first dim axes agree in every entry. */
static void check_space(const struct sample *s, const float *vectors, size_t dim, double tolerance)
{
    for (size_t i = 0; i < COLUMNS; i++)
        for (size_t j = 0; j < COLUMNS; j++) {
            double got = 0, want = 0;
            for (size_t k = 0; k < dim; k++) {
                got += (double)vectors[i * dim + k] * (double)vectors[j * dim + k];
                want += s->axes[i * COLUMNS + s->order[k]] * s->axes[j * COLUMNS + s->order[k]];
            }
            ck_assert_double_eq_tol(got, want, tolerance);
        }
}

START_TEST(vectors_and_values_are_those_of_a_dense_decomposition)
{
    static const uint32_t dims[] = {1, 3, 10, 40, COLUMNS};
    float vectors[COLUMNS * COLUMNS], values[COLUMNS];
    struct sample s;
    struct err err;
    setup(&s, CELLS);
    for (size_t t = 0; t < sizeof dims / sizeof *dims; t++) {
        uint32_t dim = dims[t];
        ck_ok(svd_right(&s.m, &s.transposed, dim, 1, NULL, vectors, values, &err));
        for (size_t k = 0; k < dim; k++)
            ck_assert_double_eq_tol((double)values[k], sqrt(s.gram[s.order[k] * (COLUMNS + 1)]),
                                    2e-3 * (double)values[0]);
        check_space(&s, vectors, dim, 2e-3);
    }
    teardown(&s);
}
END_TEST

/* Each user has one item: A is diagonal with as many equal values as there are columns, and the Krylov
 * space of any block is closed at once. */
START_TEST(equal_values_are_found_as_often_as_they_are_there)
{
    enum { N = 50, HALF = N / 2, DIM = 30 };
    struct matrix_cell cells[HALF];
    float vectors[N * DIM], values[DIM];
    struct matrix m, transposed;
    struct err err;
    dense_init();
    for (uint32_t i = 0; i < HALF; i++)
        cells[i] = (struct matrix_cell){i, 2 * i, 3};
    ck_ok(matrix_build(cells, HALF, N, N, &m, &err));
    ck_ok(matrix_transpose(&m, &transposed, &err));
    ck_ok(svd_right(&m, &transposed, DIM, 1, NULL, vectors, values, &err));
    for (size_t k = 0; k < DIM; k++)
        ck_assert_double_eq_tol((double)values[k], k < HALF ? 3 : 0, 1e-4);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double got = 0;
            for (size_t k = 0; k < DIM; k++)
                got += (double)vectors[i * DIM + k] * (double)vectors[j * DIM + k];
            ck_assert_double_eq_tol(got, i == j && i % 2 == 0, 1e-4);
        }
    matrix_release(&m);
    matrix_release(&transposed);
}
END_TEST

/* Large enough for many slices and chunks. */
START_TEST(the_same_bits_for_any_number_of_threads)
{
    enum { LARGE = 9000, DIM = 5 };
    struct matrix m, transposed;
    struct matrix_cell *cells = mem_new(5 * LARGE, sizeof *cells);
    float *first = mem_new(LARGE * DIM, sizeof *first),
          *again = mem_new(LARGE * DIM, sizeof *again);
    float values[DIM], same[DIM];
    struct rng r;
    struct err err;
    dense_init();
    rng_init(&r, 9);
    for (size_t i = 0; i < 5 * LARGE; i++)
        cells[i] = (struct matrix_cell){(uint32_t)rng_below(&r, LARGE / 2),
                                        (uint32_t)rng_below(&r, LARGE), 1};
    ck_ok(matrix_build(cells, 5 * LARGE, LARGE / 2, LARGE, &m, &err));
    ck_ok(matrix_transpose(&m, &transposed, &err));
    ck_ok(svd_right(&m, &transposed, DIM, 4, NULL, first, values, &err));
    for (unsigned threads = 1; threads <= 2; threads++) { /* and the calling one */
        struct pool *pool;
        ck_ok(pool_new(&pool, "svd", threads, 8, &err));
        ck_ok(svd_right(&m, &transposed, DIM, 4, pool, again, same, &err));
        ck_assert(memcmp(first, again, LARGE * DIM * sizeof *first) == 0);
        ck_assert(memcmp(values, same, sizeof same) == 0);
        pool_free(pool);
    }
    ck_ok(svd_right(&m, &transposed, DIM, 5, NULL, again, same, &err));
    ck_assert(memcmp(first, again, LARGE * DIM * sizeof *first) != 0);
    matrix_release(&m);
    matrix_release(&transposed);
    mem_free(cells);
    mem_free(first);
    mem_free(again);
}
END_TEST

START_TEST(more_vectors_than_the_matrix_has_are_refused)
{
    float vectors[COLUMNS], values[1];
    struct sample s;
    struct err err;
    setup(&s, CELLS);
    ck_err(svd_right(&s.m, &s.transposed, COLUMNS + 1, 1, NULL, vectors, values, &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "90 rows and 70 columns: not between 1 and 70"));
    ck_err(svd_right(&s.m, &s.transposed, 0, 1, NULL, vectors, values, &err), ERR_INVALID);
    teardown(&s);
}
END_TEST

START_TEST(an_empty_matrix_has_values_of_0)
{
    float vectors[5 * 2], values[2];
    struct matrix m, transposed;
    struct err err;
    ck_ok(matrix_build(NULL, 0, 4, 5, &m, &err));
    ck_ok(matrix_transpose(&m, &transposed, &err));
    ck_ok(svd_right(&m, &transposed, 2, 1, NULL, vectors, values, &err));
    for (size_t i = 0; i < 10; i++)
        ck_assert(vectors[i] == 0);
    ck_assert(values[0] == 0 && values[1] == 0);
    matrix_release(&m);
    matrix_release(&transposed);
}
END_TEST

START_TEST(values_that_are_not_finite_are_refused)
{
    float vectors[COLUMNS], values[1];
    struct sample s;
    struct err err;
    setup(&s, CELLS);
    s.m.value[7] = s.transposed.value[7] = NAN;
    ck_err(svd_right(&s.m, &s.transposed, 1, 1, NULL, vectors, values, &err), ERR_INVALID);
    teardown(&s);
}
END_TEST

START_TEST(a_stop_is_heard_between_blocks)
{
    float vectors[COLUMNS], values[1];
    struct sample s;
    struct err err;
    setup(&s, CELLS);
    signal_watch_stop();
    raise(SIGTERM);
    ck_err(svd_right(&s.m, &s.transposed, 1, 1, NULL, vectors, values, &err), ERR_CANCELLED);
    teardown(&s);
}
END_TEST

START_TEST(memory_that_runs_out_is_reported)
{
    float vectors[COLUMNS * 3], values[3];
    struct sample s;
    struct err err;
    setup(&s, CELLS);
    enum err_code code = ERR_MEMORY;
    for (long at = 1; code != ERR_OK; at++) {
        mem_fail_at(at);
        code = svd_right(&s.m, &s.transposed, 3, 1, NULL, vectors, values, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        ck_assert(code == ERR_OK ? mem_try_calls() < at : at < 100);
    }
    mem_fail_at(0);
    teardown(&s);
}
END_TEST

SUITE("svd", vectors_and_values_are_those_of_a_dense_decomposition,
      equal_values_are_found_as_often_as_they_are_there, the_same_bits_for_any_number_of_threads,
      more_vectors_than_the_matrix_has_are_refused, an_empty_matrix_has_values_of_0,
      values_that_are_not_finite_are_refused, a_stop_is_heard_between_blocks,
      memory_that_runs_out_is_reported)
