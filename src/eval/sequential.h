/* sequential.h - comparisons that may be looked at, and stopped, at any moment.
 *
 * Model:   an interval of a fixed sample size holds the truth in 95 of 100 looks at one moment; somebody who looks
 *          every day and stops when it excludes 0 is wrong far more often. A confidence sequence holds the truth at
 *          all moments at once with that probability, so that looking and stopping cost nothing.
 * Units:   one observation is one shopper, entered once, when their outcome is final. Requests or visits of one shopper
 *          depend on each other and are no observations.
 * Means:   asymptotic confidence sequence with Robbins' normal mixture; for two arms of n_a and n_b shoppers the
 *          time is t = n_a + n_b and the variance of one step t (s_a^2 / n_a + s_b^2 / n_b), which is that of the augmented
 *          inverse-propensity score with the arms' means as regression. Heavy tails and rare successes make the first
 *          steps unsafe: there is no interval before SEQUENTIAL_MIN_SHOPPERS of each arm, and a proportion's variance
 *          takes two successes and two failures more than were seen (Agresti, Coull 1998), so that it is never 0.
 * Ratios:  sums over shoppers divided by each other (clicks by impressions), linearised (delta method).
 * Counts:  is the traffic divided as planned? The multinomial test with a Dirichlet mixture is an exact martingale: no
 *          asymptotics, and no first step that is unsafe. Here it is the mean of four mixtures, from loose to firm, so
 *          that a thousand shoppers and ten million are both judged well.
 * Source:  Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
 *          sequences", Annals of Statistics 52(6), 2024, equations 3 and 12; Robbins 1970; Lindon, Malek, "Anytime-valid inference
 *          for multinomial count data", NeurIPS 2022; Deng, Knoblich, Lu, "Applying the delta method in metric analytics",
 *          KDD 2018; merging moments: Chan, Golub, LeVeque 1983.
 * Threads: nothing here has state of its own. */
#ifndef EVAL_SEQUENTIAL_H
#define EVAL_SEQUENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SEQUENTIAL_MIN_SHOPPERS = 100, SEQUENTIAL_ARMS_MAX = 16 };

/** Counts and moments of pairs (x, y), one a shopper; y is 1 where a mean is meant. All-zero is empty. */
struct sequential_arm {
    double n;                      /* shoppers */
    double mean_x, mean_y;         /* of what they brought */
    double dev_xx, dev_xy, dev_yy; /* sums of products of deviations from the means */
};

void sequential_add(struct sequential_arm *arm, double x, double y);
void sequential_merge(struct sequential_arm *into, const struct sequential_arm *from);

/** An arm of n shoppers of whom some succeeded; 0 <= successes <= n. */
struct sequential_arm sequential_proportion(double n, double successes);

/** How wide, when. */
struct sequential_plan {
    double alpha; /* within (0, .5]: how often any moment at all may be wrong */
    double
        shoppers; /* >= 1: at this number of all shoppers the intervals are as narrow as they can be made */
};

enum sequential_kind {
    SEQUENTIAL_MEAN,       /* of x */
    SEQUENTIAL_PROPORTION, /* of x, which is 0 or 1 */
    SEQUENTIAL_RATIO,      /* sum of x by sum of y */
};

struct sequential_result {
    double
        estimate; /* of one arm; of the second less the first; NaN: there is nothing to divide by */
    double low,
        high; /* the interval that holds at all moments at once; infinite before the first safe moment */
    double
        p; /* always valid, for estimate 0: at most alpha at any moment with probability alpha; 1 before */
};

/** Half the width of the sequence of a mean whose observations have variance 1, after t > 0 of them. Falls with t
 *  as sqrt(log t / t). */
double sequential_half_width(const struct sequential_plan *plan, double t);

/** What one arm brings a shopper (or by y). */
struct sequential_result sequential_value(const struct sequential_plan *plan,
                                          enum sequential_kind kind,
                                          const struct sequential_arm *arm);

/** b less a. */
struct sequential_result sequential_difference(const struct sequential_plan *plan,
                                               enum sequential_kind kind,
                                               const struct sequential_arm *a,
                                               const struct sequential_arm *b);

/** The always-valid p of "counts are drawn with these shares": at most alpha at any moment with probability alpha
 *  where they are.
 *  counts  [n]  whole numbers >= 0
 *  shares  [n]  > 0; they need not sum to 1
 *  ERR_INVALID  n is 0 or above SEQUENTIAL_ARMS_MAX, or a count or share breaks its rule */
ERR_MUST_USE enum err_code sequential_counts_p(const double *counts, const double *shares, size_t n,
                                               double *p, struct err *err);

#endif
