/* small.h - Gram matrices and symmetric systems of a few dozen to a thousand rows, many of them.
 *
 * Model:   a library's call for one such system costs more than the system. Here matrices are row-major float32
 *          whose order is rounded up to whole vectors (small_order): what lies behind the real order is 0
 *          on entry, 1 on the diagonal of a system, and stays so. Of symmetric matrices the upper
 *          triangle is read and written; what is below it is undefined.
 *          The scalar table is the specification; the others sum in another order.
 * Source:  blocked left-looking Cholesky, Golub, Van Loan, "Matrix Computations", 4.2; registers blocked as
 *          in Goto, van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.
 * Threads: as vec.h: small_init before the first thread starts; any thread on its own matrices. */
#ifndef NUM_SMALL_H
#define NUM_SMALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Orders are multiples of this. */
enum { SMALL_UNIT = 16 };

static inline size_t small_order(size_t n)
{
    return (n + SMALL_UNIT - 1) / SMALL_UNIT * SMALL_UNIT;
}

struct small_ops {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* Row i of out = factors[i] * row ids[i] of table * scale, element by element.
     *   table [..][stride], of whose rows the first order are read; ids [n], factors [n], scale [order],
     *   out [n][order], which overlaps none; stride >= order.
     * Rows ahead are prefetched. */
    void (*gather)(const float *table, size_t stride, const uint32_t *ids, const float *factors,
                   size_t n, const float *scale, size_t order, float *out);

    /* a += transpose(x) * x.  x [n][order], a [order][order]. Cost: n order^2 / 2 multiply-adds. */
    void (*gram)(const float *x, size_t n, size_t order, float *a);

    /* out = transpose(x).  x [rows][columns], out [columns][rows], which does not overlap it; both
     * multiples of SMALL_UNIT. */
    void (*transpose)(const float *x, size_t rows, size_t columns, float *out);

    /* Solve a * x = b; a [order][order] is overwritten by its factor, b [order] by x. False, with both
     * undefined, if a is not positive definite or anything is not finite.
     * Cost: order^3 / 6 + order^2 multiply-adds. */
    bool (*solve)(float *a, size_t order, float *b);
};

/** The table in force: the scalar one until small_init succeeds. */
extern const struct small_ops *small;

/** The table that goes with vec's: call vec_init first. */
void small_init(void);

/** The i-th table that this machine runs, from the scalar one upward; NULL past the last. */
const struct small_ops *small_available(size_t i);

#endif
