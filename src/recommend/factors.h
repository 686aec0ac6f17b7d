/* factors.h - the factor model at request time: what a shopper's past says in the space of the products.
 *
 * Propagation: x = sum w fold_in y (train/propagation.h), a sum over what the shopper had.
 * ALS:     the half step of implicit ALS for one user (Hu, Koren, Volinsky, "Collaborative filtering for
 *          implicit feedback datasets", 2008): x solves
 *            (G + sum alpha w y y' + lambda I) x = sum (1 + alpha w) y, lambda by n (train/als.h).
 *          The factors are turned so that G is diagonal (engine/recommend_model.h). With
 *          D = G + lambda I, R = D^-1/2 and C = diag(alpha w) this is (I + R Y'CY R) t = R Y'(1 + C) 1,
 *          x = R t, solved by conjugate gradients (Hestenes, Stiefel 1952) to a residual of FOLD_IN_RESIDUAL:
 *          no matrix is ever built, and in exact arithmetic n + 1 steps would do.
 * Threads: any; scratch lies in the arena.
 * Cost:    2 n dim multiply-adds a step, some ten steps. */
#ifndef RECOMMEND_FACTORS_H
#define RECOMMEND_FACTORS_H

#include "base/arena.h"
#include "engine/recommend_model.h"

/** What the residual comes down to, as a share of the right-hand side. */
#define FOLD_IN_RESIDUAL 1e-5f

/** x [dim] out. rows [n] < m->rows and weights [n] > 0: profile_confidence; n >= 1, dim >= 1.
 *  ERR_LIMIT    the arena's cap
 *  ERR_INVALID  the system cannot be solved (a broken model) */
ERR_MUST_USE enum err_code factors_fold_in(const struct recommend_model *m, const uint32_t *rows,
                                           const float *weights, size_t n, struct arena *arena,
                                           float *x, struct err *err);

/** The same of ALS for products that are no rows of the model: rows of factors [][dim], on the axes of its own
 *  (engine/newcomers.h). Errors as factors_fold_in. */
ERR_MUST_USE enum err_code factors_fold_in_new(const struct recommend_model *m,
                                               const float *factors, const uint32_t *rows,
                                               const float *weights, size_t n, struct arena *arena,
                                               float *x, struct err *err);

#endif
