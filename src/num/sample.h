/* sample.h - drawing at random: by weight with replacement, by weight without, and shuffles.
 *
 * Every draw takes the caller's struct rng: the same seed gives the same result on every machine.
 * Source:  Vose, "A linear algorithm for generating random numbers with a given distribution",
 *          IEEE TSE 17(9), 1991 (alias table); Efraimidis, Spirakis, "Weighted random sampling
 *          with a reservoir", IPL 97(5), 2006 (A-Res); Durstenfeld, "Algorithm 235", CACM 7(7),
 *          1964 (shuffle). */
#ifndef NUM_SAMPLE_H
#define NUM_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "num/topk.h"

/** Longest table of weights. */
#define SAMPLE_MAX_WEIGHTS ((size_t)1 << 28)

/* Draws indices with fixed weights in O(1). All-zero is a valid empty value. */
struct sample_alias {
    float *keep;     /* [n] probability of column i to answer i itself, owned */
    uint32_t *other; /* [n] what column i answers otherwise, owned */
    size_t n;
};

/** weights [n] are finite and >= 0, at least one is > 0; they need not sum to 1. Cost: O(n).
 *  ERR_INVALID  n is 0, a weight is negative or not finite, or all are 0
 *  ERR_LIMIT    n > SAMPLE_MAX_WEIGHTS
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code sample_alias_init(struct sample_alias *a, const double *weights,
                                             size_t n, struct err *err);
void sample_alias_release(struct sample_alias *a);

/** An index in [0, n), i with probability weights[i] / sum, within 2^-24. */
uint32_t sample_alias_draw(const struct sample_alias *a, struct rng *rng);

/** Offer id to a weighted reservoir: t then holds up to t->cap ids of the stream, without
 *  replacement, as if each next one had been drawn by weight among those that were left. A
 *  weight that is 0, negative or not finite is never kept and draws nothing from rng. Read the
 *  ids with topk_finish. */
void sample_reservoir_push(struct topk *t, double weight, uint32_t id, struct rng *rng);

/** Uniform shuffle of values[n] in place. */
void sample_shuffle_u32(uint32_t *values, size_t n, struct rng *rng);

/** out[n] becomes a uniform permutation of 0..n-1; n <= 2^32. */
void sample_permutation(uint32_t *out, size_t n, struct rng *rng);

#endif
