/* factors.h - the factor model at request time: fold a shopper in, find the best rows.
 *
 * Fold-in: the half step of implicit ALS for one user (Hu, Koren, Volinsky, "Collaborative filtering for
 *          implicit feedback datasets", 2008): x = (G + sum alpha w y y' + lambda I)^-1
 *          sum (1 + alpha w) y.
 * Search:  an inverted file (Jegou, Douze, Schmid, "Product quantization for nearest neighbor search",
 *          2011, without the product codes): the cells whose centroids score highest are scanned
 *          with int8 rows, the best are scored again with the float rows. With cells = 0, or
 *          probes >= cells, the scan is over everything.
 * Threads: any; scratch lies in the arena. */
#ifndef RECOMMEND_FACTORS_H
#define RECOMMEND_FACTORS_H

#include "base/arena.h"
#include "engine/recommend_model.h"
#include "num/topk.h"

/** x [dim] out. rows [n] < m->rows and weights [n] > 0; n >= 1, dim >= 1.
 *  ERR_LIMIT    the arena's cap
 *  ERR_INVALID  the system cannot be solved (a broken model) */
ERR_MUST_USE enum err_code factors_fold_in(const struct recommend_model *m, const uint32_t *rows,
                                           const float *weights, size_t n, struct arena *arena,
                                           float *x, struct err *err);

/** Rows with the highest dot(x, factors), best first.
 *  probes  cells to scan; 0: the default, a twenty-fourth of them and at least 8
 *  best    [want] out; ids are rows
 *  Returns how many. ERR_LIMIT  the arena's cap. */
ERR_MUST_USE enum err_code factors_search(const struct recommend_model *m, const float *x,
                                          uint32_t probes, size_t want, struct arena *arena,
                                          struct topk_item *best, size_t *len, struct err *err);

#endif
