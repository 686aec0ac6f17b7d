/* random_matrix.h - small sparse matrices beside their dense selves. */
#ifndef TESTS_TRAIN_RANDOM_MATRIX_H
#define TESTS_TRAIN_RANDOM_MATRIX_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/rng.h"
#include "support/suite.h"
#include "train/matrix.h"

/** n cells, some at the same place; dense [rows][columns] becomes their sums. Small integers, so that
 *  sums are exact. */
static inline void random_matrix(struct rng *r, uint32_t rows, uint32_t columns, size_t n,
                                 struct matrix *out, double *dense)
{
    struct matrix_cell *cells = mem_new(n, sizeof *cells);
    struct err err;
    for (size_t i = 0; i < (size_t)rows * columns; i++)
        dense[i] = 0;
    for (size_t i = 0; i < n; i++) {
        cells[i] =
            (struct matrix_cell){(uint32_t)rng_below(r, rows), (uint32_t)rng_below(r, columns),
                                 (float)(1 + rng_below(r, 5))};
        dense[(size_t)cells[i].row * columns + cells[i].column] += (double)cells[i].value;
    }
    ck_ok(matrix_build(cells, n, rows, columns, out, &err));
    mem_free(cells);
}

#endif
