/* svd.h - the leading right singular vectors of a sparse matrix.
 *
 * Model:   R ~ U S V'. With A = R'R, whose eigenvectors V are, a basis K of the Krylov space of a random block
 *          X, [X, A X, A^2 X, ...], is made orthonormal block by block (each against all blocks before it, twice).
 *          The eigenvectors of K'A K, turned back by K, are the best that this space has (Rayleigh, Ritz).
 *          The space is four times as wide as what is wanted, in SVD_BLOCKS blocks. A block that has nothing new
 *          (the space is closed under A) goes on with new random columns.
 * Source:  Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 53(2), 2011; Musco, Musco,
 *          "Randomized block Krylov methods for stronger and faster approximate singular value
 *          decomposition", NIPS 2015. Different: blocks are narrower than dim, which takes more powers of A for
 *          the same memory; K'A K is read from what orthogonalisation computes anyway.
 * Result:  reproducible for a seed whatever the number of threads.
 * Memory:  width + 2 block floats a column, block floats a row; width = max(4 dim, 64), at most 1024 and columns.
 * Cost:    2 cells width multiply-adds for A, 2 columns width^2 to make it orthonormal, 9 width^3
 *          for the eigenproblem. */
#ifndef TRAIN_SVD_H
#define TRAIN_SVD_H

#include "base/pool.h"
#include "train/matrix.h"

enum { SVD_BLOCKS = 8, SVD_DIM_MAX = 512 };

/** m [rows][columns] and its transpose, finite.
 *  dim      1..SVD_DIM_MAX
 *  vectors  [columns][dim]  out: column k is the k-th singular vector, 0 where the singular value is 0
 *  values   [dim]           out: singular values, descending
 *  pool     NULL: this thread alone
 *  ERR_INVALID    dim is larger than the matrix, or a value is not finite
 *  ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code svd_right(const struct matrix *m, const struct matrix *transposed,
                                     uint32_t dim, uint64_t seed, struct pool *pool, float *vectors,
                                     float *values, struct err *err);

#endif
