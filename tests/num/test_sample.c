#include "num/sample.h"

#include <math.h>

#include "support/suite.h"

START_TEST(draws_come_in_proportion_to_the_weights)
{
    static const double weights[] = {0, 1, 7, 0.25, 0, 100, 3};
    enum { N = sizeof weights / sizeof *weights, DRAWS = 200000 };
    double left[N], sum = 0;
    float keep[N];
    uint32_t other[N] = {0};
    size_t seen[N] = {0};
    struct rng rng;
    rng_init(&rng, 1);
    memcpy(left, weights, sizeof left);
    sample_alias_build(left, N, keep, other);
    for (size_t i = 0; i < DRAWS; i++)
        seen[sample_alias_draw(keep, other, N, &rng)]++;
    for (size_t i = 0; i < N; i++)
        sum += weights[i];
    for (size_t i = 0; i < N; i++) {
        double p = weights[i] / sum, sigma = sqrt(DRAWS * p * (1 - p));
        ck_assert_msg(fabs((double)seen[i] - DRAWS * p) <= 5 * sigma, "%zu: %zu", i, seen[i]);
    }
}
END_TEST

/* The table itself, summed up, gives back the distribution: no sampling noise. */
START_TEST(the_columns_add_up_to_the_weights_whatever_they_are)
{
    enum { N = 1000 };
    static double weights[N], left[N], share[N];
    static float keep[N];
    static uint32_t other[N];
    struct rng rng;
    rng_init(&rng, 2);
    for (int round = 0; round < 50; round++) {
        uint32_t n = round < 3 ? (uint32_t)round + 1 : 1 + (uint32_t)rng_below(&rng, N);
        double sum = 0, scale = pow(10, round % 21 - 10);
        for (uint32_t i = 0; i < n; i++)
            sum += weights[i] = i % 10 ? pow(rng_unit(&rng), 8) * scale : i ? 0 : scale;
        memcpy(left, weights, n * sizeof *left);
        memset(share, 0, sizeof share);
        memset(other, 0, sizeof other);
        sample_alias_build(left, n, keep, other);
        for (uint32_t i = 0; i < n; i++) {
            ck_assert(keep[i] >= 0 && keep[i] <= 1 && other[i] < n);
            share[i] += (double)keep[i] / n;
            share[other[i]] += (1 - (double)keep[i]) / n;
        }
        for (uint32_t i = 0; i < n; i++)
            ck_assert_double_eq_tol(share[i], weights[i] / sum, 1e-6);
    }
}
END_TEST

SUITE("sample", draws_come_in_proportion_to_the_weights,
      the_columns_add_up_to_the_weights_whatever_they_are)
