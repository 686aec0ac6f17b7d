/* bench_matrix.h - matrices to time ALS on: read from a file, or drawn. */
#ifndef CLI_BENCH_MATRIX_H
#define CLI_BENCH_MATRIX_H

#include "base/pool.h"
#include "train/matrix.h"

enum { BENCH_SIDE_MAX = 100000000 /* rows or columns */ };

#define BENCH_CELLS_MAX 2000000000LL

/** int64 rows, columns, cells, offsets[rows + 1], int32 columns[cells], little-endian; every cell weighs 1.
 *  out  matrix_release
 *  ERR_INVALID  it is not such a file */
ERR_MUST_USE enum err_code bench_matrix_read(const char *path, struct matrix *out, struct err *err);

/** A matrix of no meaning, for time and memory. A user's number of items is drawn from an exponential distribution, at
 *  least 1 and at most a tenth of all; half of the items by popularity ~ 1 / (rank + 100), half from a
 *  neighbourhood of the user's own, twice as long as what is taken from it. Every cell weighs 1.
 *  cells  about so many come out
 *  out    the same for a seed, whatever the threads; matrix_release
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code bench_matrix_draw(uint32_t users, uint32_t items, uint64_t cells,
                                             uint64_t seed, struct pool *pool, struct matrix *out,
                                             struct err *err);

#endif
