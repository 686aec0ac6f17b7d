/* rng.h - explicit, seeded, reproducible randomness.
 *
 * xoshiro256++ 1.0 (Blackman, Vigna 2019), seeded through splitmix64. The same seed gives the same
 * stream on every machine. Not for secrets: auth/ uses libsodium. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);

/** An independent stream for (seed, stream): a thread, a shopper, a product. */
void rng_init_stream(struct rng *r, uint64_t seed, uint64_t stream);

uint64_t rng_u64(struct rng *r);

/** Uniform in [0, n), n > 0, without bias (Lemire 2019). */
uint64_t rng_below(struct rng *r, uint64_t n);

/** Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *r);

/** Standard normal (polar method). */
double rng_normal(struct rng *r);

/** Exponential with mean 1. */
double rng_exponential(struct rng *r);

/** Poisson; exact for small means (Knuth), a rounded normal above 30. */
uint64_t rng_poisson(struct rng *r, double mean);

#endif
