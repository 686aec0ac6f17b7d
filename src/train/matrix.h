/* matrix.h - sparse matrices of weights, rows of (column, value) in order of columns.
 *
 * Memory:  all-zero is a valid empty matrix; release with matrix_release.
 * Threads: immutable once built. */
#ifndef TRAIN_MATRIX_H
#define TRAIN_MATRIX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct matrix {
    uint32_t rows, columns;
    uint64_t *offsets; /* [rows + 1], owned */
    uint32_t *column;  /* [offsets[rows]] ascending within a row, owned */
    float *value;      /* [offsets[rows]], owned */
};

struct matrix_cell {
    uint32_t row, column;
    float value;
};

/** Build from cells in any order; values of equal places are summed. cells [n] is sorted in place.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code matrix_build(struct matrix_cell *cells, size_t n, uint32_t rows,
                                        uint32_t columns, struct matrix *out, struct err *err);

/** ERR_MEMORY */
ERR_MUST_USE enum err_code matrix_transpose(const struct matrix *m, struct matrix *out,
                                            struct err *err);

void matrix_release(struct matrix *m);

static inline uint64_t matrix_cells(const struct matrix *m)
{
    return m->offsets ? m->offsets[m->rows] : 0;
}

#endif
