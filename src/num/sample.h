/* sample.h - draw from a fixed discrete distribution in constant time.
 *
 * Model:   an alias table: n columns of equal probability, each of which answers itself or one other.
 * Source:  Walker 1977 with Vose's construction ("A linear algorithm for generating random numbers with
 *          a given distribution", IEEE TSE 17(9), 1991).
 * Memory:  the caller owns keep[n] and other[n], so that many tables can lie in one pair of arrays.
 * Result:  every draw takes the caller's struct rng: the same seed gives the same on every machine. */
#ifndef NUM_SAMPLE_H
#define NUM_SAMPLE_H

#include <stdint.h>

#include "base/rng.h"

/** Build the table of weights[n]: finite, >= 0, their sum > 0 and finite, n >= 1 (CHECKed); they need not
 *  sum to 1 and are overwritten.
 *  keep[n]   probability of column i to answer i itself
 *  other[n]  what it answers otherwise
 *  Cost: O(n). */
void sample_alias_build(double *weights, uint32_t n, float *keep, uint32_t *other);

/** An index in [0, n), i with probability weights[i] / sum, within 2^-24. */
uint32_t sample_alias_draw(const float *keep, const uint32_t *other, uint32_t n, struct rng *rng);

#endif
