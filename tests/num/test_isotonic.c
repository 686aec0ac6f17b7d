#include "support/suite.h"

#include <math.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/isotonic.h"

/* The rising fit by its max-min formula (Barlow et al. 1972): of scores in order,
 * max over j <= i of min over k >= i of the mean of the outcomes j..k. */
static double slow_fit(const float *outcomes, size_t n, size_t i)
{
    double most = -1;
    for (size_t j = 0; j <= i; j++) {
        double least = 2;
        for (size_t k = i; k < n; k++) {
            double sum = 0;
            for (size_t m = j; m <= k; m++)
                sum += (double)outcomes[m];
            least = fmin(least, sum / (double)(k - j + 1));
        }
        most = fmax(most, least);
    }
    return most;
}

START_TEST(few_cases_are_fitted_as_the_formula_says)
{
    struct rng rng;
    struct err err;
    rng_init(&rng, 1);
    for (int round = 0; round < 200; round++) {
        float scores[ISOTONIC_MAX], outcomes[ISOTONIC_MAX], shuffled[ISOTONIC_MAX],
            moved[ISOTONIC_MAX];
        struct isotonic f;
        size_t n = 1 + rng_below(&rng, ISOTONIC_MAX);
        for (size_t i = 0; i < n; i++) {
            scores[i] = (float)i / 3 - 4;
            outcomes[i] = rng_unit(&rng) < (double)i / (double)n;
        }
        for (size_t i = 0; i < n; i++) { /* in any order */
            size_t k = (i * 37 + 11) % n;
            bool coprime = n % 37 != 0;
            shuffled[i] = scores[coprime ? k : i];
            moved[i] = outcomes[coprime ? k : i];
        }
        ck_ok(isotonic_fit(shuffled, moved, n, &f, &err));
        for (uint32_t s = 0; s < f.len; s++) {
            ck_assert(s == 0 || (f.score[s] > f.score[s - 1] && f.chance[s] > f.chance[s - 1]));
            /* a step stands for the cases whose fit it is */
            double sum = 0, cases = 0;
            for (size_t i = 0; i < n; i++)
                if (fabs(slow_fit(outcomes, n, i) - (double)f.chance[s]) < 1e-6) {
                    sum += (double)scores[i];
                    cases++;
                }
            ck_assert_double_gt(cases, 0);
            ck_assert_double_eq_tol((double)f.score[s], sum / cases, 1e-5);
        }
    }
}
END_TEST

START_TEST(between_steps_it_is_linear_and_outside_flat)
{
    struct isotonic f = {3, {-1, 1, 2}, {0.25f, 0.5f, 1}};
    ck_assert(isotonic_at(&f, -5) == 0.25f && isotonic_at(&f, -1) == 0.25f);
    ck_assert_float_eq_tol(isotonic_at(&f, 0), 0.375f, 1e-6f);
    ck_assert(isotonic_at(&f, 1) == 0.5f && isotonic_at(&f, 2) == 1 && isotonic_at(&f, 9) == 1);
    ck_assert_float_eq_tol(isotonic_at(&f, 1.5f), 0.75f, 1e-6f);
    f.len = 0;
    ck_assert(isotonic_at(&f, 1) == 0);
}
END_TEST

START_TEST(chances_mean_what_they_say)
{
    enum { N = 60000 };
    float *scores = mem_new(N, sizeof *scores), *outcomes = mem_new(N, sizeof *outcomes);
    float *chances = mem_new(N, sizeof *chances);
    struct rng rng;
    struct err err;
    struct isotonic f;
    double before, after;
    rng_init(&rng, 2);
    for (size_t i = 0; i < N; i++) {
        scores[i] = (float)rng_normal(&rng);
        if (i % 7 == 0)
            scores[i] = 1; /* many that are equal */
        double p = 0.3 / (1 + exp(-2 * (double)scores[i]));
        outcomes[i] = rng_unit(&rng) < p;
        chances[i] = 1 / (1 + expf(-scores[i])); /* what the scores claim by themselves */
    }
    ck_ok(isotonic_fit(scores, outcomes, N / 2, &f, &err));
    ck_assert_uint_gt(f.len, 10);
    ck_ok(calibration_error(chances + N / 2, outcomes + N / 2, N / 2, 10, &before, &err));
    for (size_t i = 0; i < N; i++)
        chances[i] = isotonic_at(&f, scores[i]);
    ck_ok(calibration_error(chances + N / 2, outcomes + N / 2, N / 2, 10, &after, &err));
    ck_assert_msg(before > 0.2 && after < 0.01, "before %.4f, after %.4f", before, after);
    mem_free(scores);
    mem_free(outcomes);
    mem_free(chances);
}
END_TEST

START_TEST(the_error_is_that_of_its_definition)
{
    /* two bins: .1 .2 (0 of 2) and .6 .9 (1 of 2): (.15 + .25) / 2 */
    float chances[] = {0.9f, 0.1f, 0.6f, 0.2f}, outcomes[] = {1, 0, 0, 0};
    struct err err;
    double e;
    ck_ok(calibration_error(chances, outcomes, 4, 2, &e, &err));
    ck_assert_double_eq_tol(e, 0.2, 1e-6);
    ck_ok(calibration_error(chances, outcomes, 4, 100, &e, &err));
    ck_assert_double_eq_tol(e, (0.1 + 0.1 + 0.6 + 0.2) / 4, 1e-6);
}
END_TEST

START_TEST(what_is_no_case_is_named)
{
    float scores[] = {0, 1, 2}, outcomes[] = {0, 1, 0};
    struct isotonic f = {.len = 9};
    struct err err;
    scores[1] = NAN;
    ck_err(isotonic_fit(scores, outcomes, 3, &f, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "case 1"));
    scores[1] = 1;
    outcomes[2] = 1.5f;
    ck_err(isotonic_fit(scores, outcomes, 3, &f, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "case 2"));
    ck_assert_uint_eq(f.len, 9);
    ck_ok(isotonic_fit(scores, outcomes, 0, &f, &err));
    ck_assert_uint_eq(f.len, 0);
}
END_TEST

SUITE("isotonic", few_cases_are_fitted_as_the_formula_says,
      between_steps_it_is_linear_and_outside_flat, chances_mean_what_they_say,
      the_error_is_that_of_its_definition, what_is_no_case_is_named)
