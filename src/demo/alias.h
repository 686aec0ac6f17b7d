/* alias.h - draw from a fixed discrete distribution in constant time.
 *
 * Source: Walker 1977 with Vose's construction ("A linear algorithm for generating random numbers with
 *         a given distribution", IEEE TSE 17(9), 1991).
 * Memory: the caller owns keep[n] and other[n], so that many tables lie in one pair of arrays. */
#ifndef DEMO_ALIAS_H
#define DEMO_ALIAS_H

#include <stdint.h>

#include "base/rng.h"

/** Build the table of weights[n] (>= 0, sum > 0, n >= 1); weights are overwritten.
 *  keep[n]   probability of staying in a slot
 *  other[n]  where to go otherwise
 *  Cost: O(n). */
void alias_build(double *weights, uint32_t n, float *keep, uint32_t *other);

/** An index in [0, n), drawn by weight. */
uint32_t alias_draw(const float *keep, const uint32_t *other, uint32_t n, struct rng *r);

#endif
