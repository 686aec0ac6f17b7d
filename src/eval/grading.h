/* grading.h - how well scores order things that somebody has graded.
 *
 * Spearman: Pearson's correlation of the ranks of scores and grades, ties sharing their mean rank
 *           (Spearman 1904); 0 where all scores or all grades are equal.
 * NDCG@k:   sum over the first k in order of score of (2^grade - 1) / log2(rank + 1), divided by what the best
 *           order gives (Burges et al. 2005); 1 where no order gains anything. Equal scores stay in the order
 *           they have.
 * MRR@k:    1 / rank of the first of the first k with at least the grade that counts as relevant, else 0. */
#ifndef EVAL_GRADING_H
#define EVAL_GRADING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/** Rank correlation of scores [n] and grades [n]; n >= 1. ERR_MEMORY */
ERR_MUST_USE enum err_code grading_spearman(const double *scores, const double *grades, size_t n,
                                            double *out, struct err *err);

bool grading_differ(const double *grades, size_t n); /* are not all equal */

/** grades [n] in order of score. ERR_MEMORY */
ERR_MUST_USE enum err_code grading_ndcg(const double *grades, size_t n, size_t k, double *out,
                                        struct err *err);

/** grades [n] in order of score. */
double grading_mrr(const double *grades, size_t n, size_t k, double relevant);

#endif
