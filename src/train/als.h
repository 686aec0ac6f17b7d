/* als.h - implicit-feedback matrix factorisation by alternating least squares.
 *
 * Model:   minimise sum over all (u, i) of c_ui (p_ui - x_u' y_i)^2 + sum lambda_u |x_u|^2 + sum lambda_i |y_i|^2,
 *          p = 1 where there is a weight w > 0 and 0 elsewhere, c = 1 + alpha w. A row of n cells has
 *            lambda_u = lambda ((n + columns / alpha) / (mean n + columns / alpha))^nu
 *          and likewise a column: with nu = 0 all are lambda.
 * Solve:   each half step is exact. The fixed side is turned to the axes of its Gram matrix, which is a diagonal G
 *          then; the loss does not change. A row with the matrix Y of its n columns, C = alpha W,
 *          R = (G + lambda_u I)^-1/2, Z = C^1/2 Y R and v = C^-1/2 (1 + C) 1 has
 *            x = R (I + Z'Z)^-1 Z'v    a system of order dim (primal), or, the same,
 *            x = R Z'(I + Z Z')^-1 v   of order n (dual, Woodbury);
 *          the one with fewer multiply-adds is solved. Rows are independent and run on all lanes of the pool.
 *          With blocks a half step goes once through the factors in blocks, each solved exactly while the others
 *          stay as they are: less work where dim is large, and more half steps to the same loss.
 * Source:  Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008; lambda_u: Rendle,
 *          Krichene, Zhang, Koren, "Revisiting the performance of iALS on item recommendation benchmarks",
 *          RecSys 2022, equation 5, with alpha_0 = 1 / alpha and the mean divided out; blocks: the same authors, "iALS++:
 *          Speeding up matrix factorization with subspace optimization", 2021, with a row's predictions held by the thread
 *          that works on it instead of with the matrix.
 * Result:  reproducible for a seed whatever the number of threads: rows do not depend on each other.
 * Cost:    per half step a row of n cells min(n d^2 / 2 + d^3 / 6, n^2 d / 2 + n^3 / 6) multiply-adds; besides 9 d^3
 *          for the axes and 2 d^2 for each column. */
#ifndef TRAIN_ALS_H
#define TRAIN_ALS_H

#include <stdbool.h>

#include "base/pool.h"
#include "train/matrix.h"

struct als_options {
    uint32_t dim;         /* 1..RECOMMEND_DIM_MAX */
    float alpha;          /* > 0 */
    float regularisation; /* lambda > 0 */
    float exponent;       /* nu, 0..2 */
    uint32_t
        block; /* 0: exact half steps; else steps over blocks of so many factors (a multiple of 16) */
    uint32_t iterations; /* pairs of half steps, >= 1 */
    uint64_t seed;       /* of the starting item factors */
    bool
        warm; /* start from what item_factors holds, of a fit on much the same data, and not from als_start */
    /** Told after each pair of half steps by the calling thread, (0, 1]; may be NULL. */
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

/** Fit. by_user [users][items] and by_item, its transpose.
 *  user_factors  [users][dim]  out
 *  item_factors  [items][dim]  out; with warm read as well
 *  pool          NULL: this thread alone
 *  ERR_CANCELLED  a stop was asked for (base/signal.h); ERR_MEMORY
 *  ERR_INVALID    weights that are not finite and positive; a system that cannot be solved in floats */
ERR_MUST_USE enum err_code als_fit(const struct matrix *by_user, const struct matrix *by_item,
                                   const struct als_options *o, struct pool *pool,
                                   float *user_factors, float *item_factors, struct err *err);

/** What a fit begins with: small numbers, so that the first half step sees a nearly flat space. factors [n][d] out. */
void als_start(float *factors, size_t n, size_t d, uint64_t seed);

/** lambda_u of a row of n cells. columns, mean_n >= 0: of the side. */
float als_regularisation(const struct als_options *o, double n, double columns, double mean_n);

/** One half step: rows of out are solved against fixed [m->columns][dim], which is turned. out [m->rows][dim]; with
 *  blocks it is read as well.
 *  ERR_CANCELLED, ERR_MEMORY
 *  ERR_INVALID  a row's system cannot be solved in floats; the message names it. Weights are als_fit's to check. */
ERR_MUST_USE enum err_code als_half_step(const struct matrix *m, float *fixed,
                                         const struct als_options *o, struct pool *pool, float *out,
                                         struct err *err);

/** The loss that is minimised, over all cells, computed without touching the empty ones one by one. */
double als_loss(const struct matrix *by_user, const struct matrix *by_item,
                const struct als_options *o, const float *user_factors, const float *item_factors);

#endif
