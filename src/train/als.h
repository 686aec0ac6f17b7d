/* als.h - implicit-feedback matrix factorisation by alternating least squares.
 *
 * Model:   minimise sum over all (u, i) of c_ui (p_ui - x_u' y_i)^2 + lambda (sum |x_u|^2 + sum |y_i|^2),
 *          p = 1 where there is a weight w > 0 and 0 elsewhere, c = 1 + alpha w.
 * Solve:   each half step is exact: for a row with matrix Y of the other side
 *          (Y'Y + sum alpha w y y' + lambda I) x = sum (1 + alpha w) y, by Cholesky. Rows are
 *          independent and run on all lanes of the pool; Y'Y is computed once a half step.
 * Source:  Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
 * Result:  reproducible for a seed whatever the number of threads: rows do not depend on each other.
 * Cost:    per half step cells * d^2 + rows * d^3 / 3 multiply-adds. */
#ifndef TRAIN_ALS_H
#define TRAIN_ALS_H

#include "base/pool.h"
#include "train/matrix.h"

struct als_options {
    uint32_t dim;         /* 1..RECOMMEND_DIM_MAX */
    float alpha;          /* > 0 */
    float regularisation; /* lambda > 0 */
    uint32_t iterations;  /* pairs of half steps, >= 1 */
    uint64_t seed;        /* of the starting item factors */
    /** Told after each pair of half steps by the calling thread, (0, 1]; may be NULL. */
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

/** Fit. by_user [users][items] and by_item, its transpose.
 *  user_factors  [users][dim]  out
 *  item_factors  [items][dim]  out
 *  pool          NULL: this thread alone
 *  ERR_CANCELLED  a stop was asked for (base/signal.h); ERR_MEMORY
 *  ERR_INVALID    weights that are not finite and positive */
ERR_MUST_USE enum err_code als_fit(const struct matrix *by_user, const struct matrix *by_item,
                                   const struct als_options *o, struct pool *pool,
                                   float *user_factors, float *item_factors, struct err *err);

/** One half step: rows of out are solved against fixed [m->columns][dim].
 *  out [m->rows][dim]. Errors as als_fit. */
ERR_MUST_USE enum err_code als_half_step(const struct matrix *m, const float *fixed,
                                         const struct als_options *o, struct pool *pool, float *out,
                                         struct err *err);

/** The loss that is minimised, over all cells, computed without touching the empty ones one by one. */
double als_loss(const struct matrix *by_user, const struct als_options *o,
                const float *user_factors, const float *item_factors);

#endif
