#include "base/rng.h"

#include <math.h>

#include "base/check.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void rng_init(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&seed);
}

void rng_init_stream(struct rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t a = seed, b = stream ^ 0xd1b54a32d192ed03u;
    rng_init(r, splitmix(&a) ^ splitmix(&b));
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t out = rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    CHECK(n > 0);
    __extension__ typedef unsigned __int128 u128;
    u128 m = (u128)rng_u64(r) * n;
    if ((uint64_t)m < n) {
        uint64_t floor = (0 - n) % n;
        while ((uint64_t)m < floor)
            m = (u128)rng_u64(r) * n;
    }
    return (uint64_t)(m >> 64);
}

double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
    double u, v, s;
    do {
        u = 2 * rng_unit(r) - 1;
        v = 2 * rng_unit(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}

double rng_exponential(struct rng *r)
{
    return -log1p(-rng_unit(r));
}

uint64_t rng_poisson(struct rng *r, double mean)
{
    if (mean <= 0)
        return 0;
    if (mean > 30) {
        double v = mean + sqrt(mean) * rng_normal(r);
        return v < 0 ? 0 : (uint64_t)llround(v);
    }
    double limit = exp(-mean), p = 1;
    uint64_t k = 0;
    do {
        p *= rng_unit(r);
        k++;
    } while (p > limit);
    return k - 1;
}
