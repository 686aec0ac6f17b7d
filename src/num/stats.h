/* stats.h - quantiles of samples and of the usual distributions, and the paired bootstrap.
 *
 * Source:  Efron, Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile interval); Hyndman, Fan
 *          1996 (quantile, type 7); Abramowitz, Stegun 1964, 26.7.5 (Student's quantile). */
#ifndef NUM_STATS_H
#define NUM_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

/** q in [0, 1] of sorted[n] (ascending, no NaN, n >= 1), interpolated linearly between ranks. */
double stats_quantile(const double *sorted, size_t n, double q);

/** Ascending, in place; NaN last. */
void stats_sort(double *values, size_t n);

/** The z below which a standard normal value lies with probability p in (0, 1), by bisection to
 *  1e-13 relative. Cost: about 60 erfc. */
double stats_normal_quantile(double p);

/** The same of Student's distribution with that many degrees of freedom (>= 3): within .02 of the truth at 3, within
 *  .0005 from 10 on, for p in [.0005, .9995]. */
double stats_student_quantile(double p, double freedom);

struct stats_interval {
    double mean; /* of the observed differences a[i] - b[i] */
    double low;  /* percentile interval of that mean */
    double high;
};

/** Longest sample and most rounds of the bootstrap. */
#define STATS_BOOTSTRAP_MAX_N      ((size_t)1 << 26)
#define STATS_BOOTSTRAP_MAX_ROUNDS ((size_t)100000)

/** Is a better than b, measured on the same n things? The mean of a[i] - b[i] and its interval at
 *  `level` (0.95), by resampling i with replacement `rounds` times. b NULL: the interval of the
 *  mean of a.
 *  Cost: O(n rounds).
 *  ERR_INVALID  n or rounds is 0, level is not within (0, 1), or a value is not finite
 *  ERR_LIMIT    n or rounds is above its cap
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code stats_bootstrap(const double *a, const double *b, size_t n,
                                           size_t rounds, double level, struct rng *rng,
                                           struct stats_interval *out, struct err *err);

#endif
