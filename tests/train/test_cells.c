#include "train/cells.h"

#include <math.h>
#include <string.h>

#include <stdbool.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/vec.h"
#include "support/suite.h"

enum { ROWS = CELLS_ROWS_MIN + 100, DIM = 16 };

static float *random_rows(uint64_t seed)
{
    struct rng r;
    struct err err;
    ck_ok(vec_init(&err));
    float *x = mem_new(ROWS * DIM, sizeof *x);
    rng_init(&r, seed);
    for (size_t i = 0; i < ROWS * DIM; i++)
        x[i] = (float)rng_normal(&r) + (i % DIM == (i / DIM) % 5 ? 3 : 0);
    memset(x, 0, DIM * sizeof *x); /* a row without a direction */
    return x;
}

START_TEST(cells_hold_every_row_once_with_their_means_and_codes)
{
    struct cells c;
    struct err err;
    float *x = random_rows(1);
    bool *seen = mem_new(ROWS, sizeof *seen);
    ck_ok(cells_fit(x, ROWS, DIM, 5, NULL, &c, &err));
    ck_assert_uint_eq(c.cells, (uint32_t)sqrt(ROWS));
    ck_assert_uint_eq(c.offsets[0], 0);
    ck_assert_uint_eq(c.offsets[c.cells], ROWS);
    for (uint32_t k = 0; k < c.cells; k++) {
        double mean[DIM] = {0};
        uint32_t n = c.offsets[k + 1] - c.offsets[k];
        for (uint32_t at = c.offsets[k]; at < c.offsets[k + 1]; at++) {
            const float *row = x + (size_t)c.rows[at] * DIM;
            ck_assert(!seen[c.rows[at]]);
            ck_assert(at == c.offsets[k] || c.rows[at - 1] < c.rows[at]);
            seen[c.rows[at]] = true;
            for (size_t d = 0; d < DIM; d++) {
                mean[d] += (double)row[d] / n;
                ck_assert_double_eq_tol((double)c.codes[(size_t)at * DIM + d] *
                                            (double)c.scales[at],
                                        (double)row[d], (double)c.scales[at] * 0.51 + 1e-9);
            }
        }
        for (size_t d = 0; d < DIM && n; d++)
            ck_assert_double_eq_tol((double)c.centroids[(size_t)k * DIM + d], mean[d], 1e-3);
    }
    cells_release(&c);
    mem_free(seen);
    mem_free(x);
}
END_TEST

START_TEST(cells_are_the_same_for_any_number_of_threads)
{
    struct cells a, b;
    struct pool *pool;
    struct err err;
    float *x = random_rows(2);
    ck_ok(pool_new(&pool, "cells", 3, 8, &err));
    ck_ok(cells_fit(x, ROWS, DIM, 5, NULL, &a, &err));
    ck_ok(cells_fit(x, ROWS, DIM, 5, pool, &b, &err));
    ck_assert_mem_eq(a.rows, b.rows, ROWS * sizeof *a.rows);
    ck_assert_mem_eq(a.codes, b.codes, ROWS * DIM);
    ck_assert_mem_eq(a.offsets, b.offsets, (a.cells + 1) * sizeof *a.offsets);
    cells_release(&a);
    cells_release(&b);
    pool_free(pool);
    mem_free(x);
}
END_TEST

START_TEST(few_rows_need_no_cells)
{
    struct cells c;
    struct err err;
    float x[DIM] = {1};
    ck_ok(cells_fit(x, 1, DIM, 5, NULL, &c, &err));
    ck_assert_uint_eq(c.cells, 0);
    cells_release(&c);
}
END_TEST

SUITE("cells", cells_hold_every_row_once_with_their_means_and_codes,
      cells_are_the_same_for_any_number_of_threads, few_rows_need_no_cells)
