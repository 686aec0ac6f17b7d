/* dense.h - small dense systems through OpenBLAS and LAPACKE.
 *
 * Model:   matrices are row-major float32 without padding. Symmetric matrices are stored whole;
 *          only the lower triangle is read unless said otherwise.
 * Threads: any thread on its own matrices. OpenBLAS's own threads are off (dense_init): at these
 *          sizes one thread is faster, and the callers already use every core. */
#ifndef NUM_DENSE_H
#define NUM_DENSE_H

#include <stddef.h>

#include "base/err.h"

/** Largest order of a system. */
enum { DENSE_MAX_ORDER = 1024 };

/** Turn OpenBLAS's own threading off. Call once before the first thread starts. With the serial
 *  variant of the library, which two threads must not enter at once, calls take turns: correct, but
 *  then only one core works here. Without this call they always take turns. */
void dense_init(void);

/** The OPENBLAS_CORETYPE under which the library would run faster than it does, or NULL. Releases older
 *  than a processor take it for a Prescott and use its SSE3 kernels, five times slower; the variable
 *  is read when the library is loaded, so only a new start of the program helps (cli/main.c). */
const char *dense_better_core(void);

/** gram = beta * gram + alpha * transpose(x) * x, both triangles written.
 *  x     [n][k]  borrowed
 *  gram  [k][k]  read only if beta is not 0; symmetric on entry
 *  n >= 0, 1 <= k <= DENSE_MAX_ORDER. Cost: n k^2 multiply-adds. */
void dense_gram(float alpha, const float *x, size_t n, size_t k, float beta, float *gram);

/** Solve a * x = b for m right-hand sides by Cholesky's factorisation.
 *  a  [n][n]  symmetric positive definite; overwritten, its content is undefined afterwards
 *  b  [m][n]  one right-hand side per row; overwritten by the solutions, undefined on failure
 *  1 <= n <= DENSE_MAX_ORDER, m >= 1.
 *  ERR_INVALID  a is not positive definite, or a or b holds a NaN or an infinity, or the solution
 *               overflows. */
ERR_MUST_USE enum err_code dense_solve_spd(float *a, size_t n, float *b, size_t m, struct err *err);

/** Eigenvalues and eigenvectors of a symmetric matrix.
 *  a       [n][n]  read: the lower triangle; written: row i is the i-th eigenvector, of length 1
 *  values  [n]     out, ascending
 *  1 <= n <= DENSE_MAX_ORDER. Cost: some 9 n^3 multiply-adds.
 *  ERR_MEMORY
 *  ERR_INVALID  a holds a NaN or an infinity, or the iteration does not converge. */
ERR_MUST_USE enum err_code dense_eigen(float *a, size_t n, float *values, struct err *err);

/** out = x * transpose(q).  x [n][k], q [k][k], out [n][k], which overlaps neither. */
void dense_turn(const float *x, size_t n, const float *q, size_t k, float *out);

/** out = transpose(x) * y.  x [n][k], y [n][m], out [k][m], which overlaps neither. k, m >= 1. */
void dense_cross(const float *x, size_t n, size_t k, const float *y, size_t m, float *out);

/** out = x * transpose(y).  x [n][k], y [m][k], out [n][m], which overlaps neither. k, m >= 1. */
void dense_dots(const float *x, size_t n, const float *y, size_t m, size_t k, float *out);

/** out += alpha * x * c.  x [n][k], c [k][m], out [n][m], which overlaps neither. k, m >= 1. */
void dense_add(float alpha, const float *x, size_t n, size_t k, const float *c, size_t m,
               float *out);

#endif
