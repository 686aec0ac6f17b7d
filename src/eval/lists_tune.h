/* lists_tune.h - better weights of sources, by measuring whole lists.
 *
 * Method:  coordinate search on NDCG: each weight of a source of the placement in turn is tried at 0, at shares and
 *          multiples of itself (at some small values where it is 0), and the number of candidates of each source that is
 *          asked at shares and multiples; the best is kept where it is better by TUNE_GAIN, until a
 *          round keeps nothing. Only ratios of weights matter, so the scale drifts nowhere: values are kept to the grid.
 *          More candidates cost time: a larger number must be better by TUNE_GAIN for each doubling, a smaller
 *          one is kept where it loses less than a quarter of that.
 * Honesty: choose on a validation part. What comes out is optimistic about the cases that it was chosen on. */
#ifndef EVAL_LISTS_TUNE_H
#define EVAL_LISTS_TUNE_H

#include "eval/lists.h"

/* Relative: less is chance. */
#define TUNE_GAIN 2e-3

/** Improve weights->of[cases->placement] in place. o->weights is ignored.
 *  rounds_max  at most so many walks over all weights
 *  before, after  NDCG
 *  Errors as lists_measure; weights are then what was best so far. */
ERR_MUST_USE enum err_code lists_tune(const struct list_cases *cases, const struct view *view,
                                      const struct lists_options *o, size_t rounds_max,
                                      struct recommend_weights *weights, double *before,
                                      double *after, struct err *err);

#endif
