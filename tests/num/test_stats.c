#include "support/suite.h"

#include <math.h>

#include "base/mem.h"
#include "num/stats.h"

START_TEST(quantiles_interpolate_between_ranks)
{
    double x[] = {30, NAN, 10, 20};
    stats_sort(x, 4);
    ck_assert(isnan(x[3]));
    ck_assert_double_eq(stats_quantile(x, 3, 0), 10);
    ck_assert_double_eq(stats_quantile(x, 3, 0.25), 15);
    ck_assert_double_eq(stats_quantile(x, 3, 0.5), 20);
    ck_assert_double_eq(stats_quantile(x, 3, 1), 30);
    ck_assert_double_eq(stats_quantile(x, 1, 0.7), 10);
}
END_TEST

/* The probability below t, by the midpoint rule over the density. */
static double student_below(double t, double v)
{
    double whole = exp(lgamma((v + 1) / 2) - lgamma(v / 2)) / sqrt(v * M_PI), sum = 0;
    enum { STEPS = 20000 };
    for (int i = 0; i < STEPS; i++) {
        double x = t * (i + 0.5) / STEPS;
        sum += pow(1 + x * x / v, -(v + 1) / 2);
    }
    return 0.5 + whole * sum * t / STEPS;
}

START_TEST(quantiles_of_the_usual_distributions_are_where_they_should_be)
{
    for (double p = 1e-12; p < 1; p *= 1.7)
        ck_assert_double_eq_tol(0.5 * erfc(-stats_normal_quantile(p) / M_SQRT2), p, 1e-11 * p);
    ck_assert_double_eq_tol(stats_normal_quantile(0.975), 1.959963984540054, 1e-12);
    static const double freedoms[] = {3, 10, 30, 1000};
    static const double within[] = {0.0005, 0.00001, 0.000001, 0.000001};
    for (size_t i = 0; i < 4; i++)
        for (double p = 0.0005; p < 1; p += 0.0333) {
            double t = stats_student_quantile(p, freedoms[i]);
            ck_assert_double_eq_tol(student_below(t, freedoms[i]), p, within[i]);
        }
}
END_TEST

/* A 90% interval holds the true mean in about 90 of 100 samples. */
START_TEST(the_interval_covers_the_truth_as_often_as_it_says)
{
    enum { N = 60, SAMPLES = 300 };
    struct err err;
    struct rng rng;
    rng_init(&rng, 2);
    int covered = 0;
    for (int s = 0; s < SAMPLES; s++) {
        double a[N], b[N];
        for (size_t i = 0; i < N; i++) {
            b[i] = rng_normal(&rng);
            a[i] = b[i] + 0.3 + rng_normal(&rng);
        }
        struct stats_interval got;
        ck_ok(stats_bootstrap(a, b, N, 200, 0.9, &rng, &got, &err));
        ck_assert(got.low <= got.mean && got.mean <= got.high);
        covered += got.low <= 0.3 && 0.3 <= got.high;
    }
    ck_assert_int_ge(covered, SAMPLES * 84 / 100);
    ck_assert_int_le(covered, SAMPLES * 95 / 100);
}
END_TEST

/* For a large sample the interval is that of the normal approximation. */
START_TEST(the_interval_is_as_wide_as_theory_says)
{
    enum { N = 400 };
    struct err err;
    struct rng rng;
    rng_init(&rng, 3);
    double a[N], sum = 0, squares = 0;
    for (size_t i = 0; i < N; i++)
        sum += a[i] = rng_normal(&rng);
    for (size_t i = 0; i < N; i++)
        squares += (a[i] - sum / N) * (a[i] - sum / N);
    struct stats_interval got;
    ck_ok(stats_bootstrap(a, NULL, N, 4000, 0.9, &rng, &got, &err));
    double want = 1.645 * sqrt(squares / (N - 1) / N);
    ck_assert_double_eq_tol(got.high - got.mean, want, 0.08 * want);
    ck_assert_double_eq_tol(got.mean - got.low, want, 0.08 * want);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_interval)
{
    struct err err;
    struct rng one, two;
    rng_init(&one, 7);
    rng_init(&two, 7);
    double a[] = {1, 4, 2, 8, 5, 7};
    struct stats_interval x, y;
    ck_ok(stats_bootstrap(a, NULL, 6, 100, 0.95, &one, &x, &err));
    ck_ok(stats_bootstrap(a, NULL, 6, 100, 0.95, &two, &y, &err));
    ck_assert(x.mean == y.mean && x.low == y.low && x.high == y.high);
    ck_assert_double_eq(x.mean, 4.5);
}
END_TEST

START_TEST(what_cannot_be_measured_is_refused)
{
    struct err err;
    struct rng rng;
    rng_init(&rng, 1);
    struct stats_interval out;
    double a[] = {1, NAN};
    ck_err(stats_bootstrap(a, NULL, 0, 10, 0.9, &rng, &out, &err), ERR_INVALID);
    ck_err(stats_bootstrap(a, NULL, 1, 0, 0.9, &rng, &out, &err), ERR_INVALID);
    ck_err(stats_bootstrap(a, NULL, 1, 10, 1, &rng, &out, &err), ERR_INVALID);
    ck_err(stats_bootstrap(a, NULL, 2, 10, 0.9, &rng, &out, &err), ERR_INVALID);
    ck_err(stats_bootstrap(a, NULL, 1, STATS_BOOTSTRAP_MAX_ROUNDS + 1, 0.9, &rng, &out, &err),
           ERR_LIMIT);
    for (long at = 1; at <= 2; at++) {
        mem_fail_at(at);
        ck_err(stats_bootstrap(a, NULL, 1, 10, 0.9, &rng, &out, &err), ERR_MEMORY);
    }
    mem_fail_at(0);
}
END_TEST

SUITE("stats", quantiles_interpolate_between_ranks,
      quantiles_of_the_usual_distributions_are_where_they_should_be,
      the_interval_covers_the_truth_as_often_as_it_says, the_interval_is_as_wide_as_theory_says,
      the_same_seed_gives_the_same_interval, what_cannot_be_measured_is_refused)
