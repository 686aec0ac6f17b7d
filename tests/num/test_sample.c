#include "support/suite.h"

#include <math.h>

#include "base/mem.h"
#include "num/sample.h"

START_TEST(an_alias_table_draws_in_proportion_to_the_weights)
{
    static const double weights[] = {0, 1, 7, 0.25, 0, 100, 3};
    enum { N = sizeof weights / sizeof *weights, DRAWS = 200000 };
    struct err err;
    struct sample_alias a;
    struct rng rng;
    rng_init(&rng, 1);
    ck_ok(sample_alias_init(&a, weights, N, &err));
    size_t seen[N] = {0};
    double sum = 0;
    for (size_t i = 0; i < DRAWS; i++)
        seen[sample_alias_draw(&a, &rng)]++;
    for (size_t i = 0; i < N; i++)
        sum += weights[i];
    for (size_t i = 0; i < N; i++) {
        double p = weights[i] / sum, sigma = sqrt(DRAWS * p * (1 - p));
        ck_assert_msg(fabs((double)seen[i] - DRAWS * p) <= 5 * sigma, "%zu: %zu", i, seen[i]);
    }
    sample_alias_release(&a);
}
END_TEST

/* The table itself, summed up, gives back the distribution: no sampling noise. */
START_TEST(the_columns_of_an_alias_table_add_up_to_the_weights)
{
    enum { N = 1000 };
    static double weights[N], share[N];
    struct err err;
    struct rng rng;
    rng_init(&rng, 2);
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += weights[i] = i % 10 ? pow(rng_unit(&rng), 8) : 0;
    struct sample_alias a;
    ck_ok(sample_alias_init(&a, weights, N, &err));
    for (size_t i = 0; i < N; i++) {
        share[i] += (double)a.keep[i] / N;
        share[a.other[i]] += (1 - (double)a.keep[i]) / N;
    }
    for (size_t i = 0; i < N; i++)
        ck_assert_double_eq_tol(share[i], weights[i] / sum, 1e-6);
    sample_alias_release(&a);
}
END_TEST

START_TEST(weights_that_make_no_distribution_are_refused)
{
    struct err err;
    struct sample_alias a;
    ck_err(sample_alias_init(&a, NULL, 0, &err), ERR_INVALID);
    ck_err(sample_alias_init(&a, (double[]){0, 0}, 2, &err), ERR_INVALID);
    ck_err(sample_alias_init(&a, (double[]){1, -1}, 2, &err), ERR_INVALID);
    ck_err(sample_alias_init(&a, (double[]){1, NAN}, 2, &err), ERR_INVALID);
    ck_err(sample_alias_init(&a, (double[]){1e308, 1e308}, 2, &err), ERR_INVALID);
    ck_err(sample_alias_init(&a, (double[]){1}, SAMPLE_MAX_WEIGHTS + 1, &err), ERR_LIMIT);
    sample_alias_release(&a);
}
END_TEST

START_TEST(an_alias_table_survives_every_failing_allocation)
{
    struct err err;
    struct sample_alias a;
    long at = 0;
    enum err_code code;
    do {
        mem_fail_at(++at);
        code = sample_alias_init(&a, (double[]){1, 2}, 2, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        sample_alias_release(&a);
    } while (code);
    ck_assert_int_eq(at, 5);
    mem_fail_at(0);
}
END_TEST

START_TEST(a_reservoir_of_one_draws_in_proportion_to_the_weights)
{
    static const double weights[] = {1, 2, 5, 0, NAN, INFINITY};
    enum { N = 6, ROUNDS = 50000 };
    struct rng rng;
    rng_init(&rng, 3);
    size_t seen[N] = {0};
    for (size_t r = 0; r < ROUNDS; r++) {
        struct topk_item items[1];
        struct topk t;
        topk_init(&t, items, 1);
        for (uint32_t i = 0; i < N; i++)
            sample_reservoir_push(&t, weights[i], i, &rng);
        ck_assert_uint_eq(topk_finish(&t), 1);
        seen[items[0].id]++;
    }
    ck_assert_uint_eq(seen[3] + seen[4] + seen[5], 0);
    for (size_t i = 0; i < 3; i++) {
        double p = weights[i] / 8, sigma = sqrt(ROUNDS * p * (1 - p));
        ck_assert(fabs((double)seen[i] - ROUNDS * p) <= 5 * sigma);
    }
}
END_TEST

START_TEST(every_permutation_is_equally_likely)
{
    enum { N = 4, ROUNDS = 48000, PERMUTATIONS = 24 };
    struct rng rng;
    rng_init(&rng, 4);
    size_t seen[256] = {0}, distinct = 0;
    for (size_t r = 0; r < ROUNDS; r++) {
        uint32_t p[N];
        sample_permutation(p, N, &rng);
        seen[p[0] << 6 | p[1] << 4 | p[2] << 2 | p[3]]++;
    }
    double want = (double)ROUNDS / PERMUTATIONS;
    for (size_t i = 0; i < 256; i++) {
        if (!seen[i])
            continue;
        distinct++;
        ck_assert(fabs((double)seen[i] - want) <= 5 * sqrt(want));
    }
    ck_assert_uint_eq(distinct, PERMUTATIONS);
}
END_TEST

SUITE("sample", an_alias_table_draws_in_proportion_to_the_weights,
      the_columns_of_an_alias_table_add_up_to_the_weights,
      weights_that_make_no_distribution_are_refused,
      an_alias_table_survives_every_failing_allocation,
      a_reservoir_of_one_draws_in_proportion_to_the_weights, every_permutation_is_equally_likely)
