/* vec.h - kernels over vectors, one table of functions per instruction set.
 *
 * Model:   vec_init() picks a table once (AISLE_SIMD=scalar|avx2|avx512 in the environment forces
 *          one) and `vec` points to it from then on. The scalar table is the specification: it sums
 *          from the first element to the last. The others sum in lanes, so their last bits may
 *          differ.
 * Errors:  with u = 2^-24, a computed float sum of n terms is within n * u / (1 - n * u) of the sum
 *          of the terms' absolute values, in every table (lanes and FMA only make it smaller).
 *          Integer kernels are exact.
 * Memory:  no alignment is asked for; aligned rows are a little faster. n may be 0. Results do not
 *          depend on the alignment.
 * Threads: call vec_init before the first thread starts; the tables are constant. */
#ifndef NUM_VEC_H
#define NUM_VEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Longest input of the int8 kernels: 2^16 * 128 * 128 fits an int32_t. */
enum { VEC_MAX_I8 = 1 << 16 };

/** Rows of a block (scan_blocks), and its numbers that lie side by side. */
enum { VEC_BLOCK_ROWS = 16, VEC_BLOCK_GROUP = 4 };

/** Queries and rows of a tile (dot_tile). */
enum { VEC_TILE_QUERIES = 12, VEC_TILE_ROWS = 32 };

struct vec_ops {
    const char *name; /* "scalar", "avx2", "avx512", "avx512-vnni" */

    /* Sum of a[i] * b[i]. */
    float (*dot)(const float *a, const float *b, size_t n);

    /* Sum of (a[i] - b[i])^2. */
    float (*l2sq)(const float *a, const float *b, size_t n);

    /* y[i] += alpha * x[i]; x and y do not overlap. */
    void (*axpy)(float alpha, const float *x, float *y, size_t n);

    /* x[i] *= alpha. */
    void (*scale)(float alpha, float *x, size_t n);

    /* Exact sum of a[i] * b[i], n <= VEC_MAX_I8. */
    int32_t (*dot_i8)(const int8_t *a, const int8_t *b, size_t n);

    /* out[j] = dot(q, row ids[j]), where row r is at rows + r * stride (stride in elements, >=
     * dim). ids NULL: rows 0..n-1. The same sums as dot(); rows ahead are prefetched. */
    void (*dot_rows)(const float *q, const float *rows, size_t stride, size_t dim,
                     const uint32_t *ids, size_t n, float *out);

    /* As dot_rows for int8 rows: out[j] is exact, dim <= VEC_MAX_I8. */
    void (*dot_rows_i8)(const int8_t *q, const int8_t *rows, size_t stride, size_t dim,
                        const uint32_t *ids, size_t n, int32_t *out);

    /* Find those of many int8 rows whose score, dot(q, row) * scale, is at least floor: sixteen rows
     * at a time, without a sum across lanes.
     *   q       [vec_block_dim(dim)]   int8, zeros behind dim; dim <= VEC_MAX_I8
     *   blocks  [n]                    as vec_block_put fills them; a row never put has dot 0
     *   scales  [n][VEC_BLOCK_ROWS]    not NaN
     *   scores  [n * VEC_BLOCK_ROWS]   out, in the order of the rows; the same in every table
     *   places  [n * VEC_BLOCK_ROWS]   out, where each stands: block * VEC_BLOCK_ROWS + lane
     * Returns how many; what lies behind them in scores and places is overwritten too. */
    size_t (*scan_blocks)(const int8_t *q, const uint8_t *blocks, size_t dim, size_t n,
                          const float *scales, float floor, float *scores, uint32_t *places);

    /* Dot products of VEC_TILE_QUERIES queries with VEC_TILE_ROWS rows, of which only those are told that reach a
     * query's floor: they stay in registers.
     *   queries  [VEC_TILE_QUERIES][dim]
     *   panel    [dim][VEC_TILE_ROWS]              the rows, number by number side by side
     *   floors   [VEC_TILE_QUERIES]                not NaN
     *   masks    [VEC_TILE_QUERIES]                out: bit r where row r reaches it; a NaN does not
     *   scores   [VEC_TILE_QUERIES][VEC_TILE_ROWS] out, of queries with a mask other than 0 alone
     * Each sum is over the numbers in order, with FMA where there is one. */
    void (*dot_tile)(const float *queries, size_t dim, const float *panel, const float *floors,
                     uint32_t *masks, float *scores);

    /* The first i with a[i] == x, or n. */
    size_t (*find_u32)(const uint32_t *a, size_t n, uint32_t x);
};

/** dim rounded up to whole groups. */
static inline size_t vec_block_dim(size_t dim)
{
    return (dim + VEC_BLOCK_GROUP - 1) / VEC_BLOCK_GROUP * VEC_BLOCK_GROUP;
}

/** Bytes of a block of rows of dim numbers. */
static inline size_t vec_block_bytes(size_t dim)
{
    return vec_block_dim(dim) * VEC_BLOCK_ROWS;
}

/** All rows of a block are zeros. */
void vec_block_clear(uint8_t *block, size_t dim);

/** Put row [dim] as the lane-th row of a block: group by group the four numbers of each row, each
 *  number plus 128 (the instructions multiply unsigned by signed). lane < VEC_BLOCK_ROWS. */
void vec_block_put(uint8_t *block, size_t dim, size_t lane, const int8_t *row);

/** The table in force: the scalar one until vec_init succeeds. */
extern const struct vec_ops *vec;

/** Choose the best table that this machine runs, or the one that AISLE_SIMD names. May be called
 *  again.
 *  ERR_INVALID      AISLE_SIMD names no table.
 *  ERR_UNSUPPORTED  this processor lacks the instructions of the table that it names. */
ERR_MUST_USE enum err_code vec_init(struct err *err);

/** The i-th table that this machine runs, from the scalar one upward; NULL past the last. For
 *  tests and benchmarks. */
const struct vec_ops *vec_available(size_t i);

#endif
