/* Rank correlation, NDCG and MRR of graded things against figures worked out by hand. */
#include "eval/grading.h"

#include <math.h>

#include "base/rng.h"
#include "support/suite.h"

static double rho(const double *scores, const double *grades, size_t n)
{
    struct err err;
    double out;
    ck_ok(grading_spearman(scores, grades, n, &out, &err));
    return out;
}

static double ndcg(const double *grades, size_t n, size_t k)
{
    struct err err;
    double out;
    ck_ok(grading_ndcg(grades, n, k, &out, &err));
    return out;
}

START_TEST(spearman_is_that_of_the_textbook)
{
    /* Without ties 1 - 6 sum d^2 / (n (n^2 - 1)): d = 0 1 1 0 2 1 1, 8 in all, n = 7. */
    const double scores[] = {1, 2, 3, 4, 5, 6, 7}, grades[] = {1, 3, 2, 4, 7, 5, 6};
    ck_assert_double_eq_tol(rho(scores, grades, 7), 1 - 6 * 8.0 / (7 * 48), 1e-12);
    /* Ties share their mean: ranks 1 2.5 2.5 4 against 1 2 3 4 give 4.5 / sqrt(4.5 * 5). */
    const double tied[] = {1, 2, 2, 3}, plain[] = {10, 20, 30, 40};
    ck_assert_double_eq_tol(rho(tied, plain, 4), 4.5 / sqrt(4.5 * 5), 1e-12);
    const double up[] = {1e-9, 5, 1e9}, down[] = {3, 2, 1}, same[] = {4, 4, 4};
    ck_assert_double_eq_tol(rho(up, up, 3), 1, 1e-12);
    ck_assert_double_eq_tol(rho(up, down, 3), -1, 1e-12);
    ck_assert_double_eq(rho(up, same, 3), 0);
    ck_assert_double_eq(rho(up, up, 1), 0); /* one thing has no order */
}
END_TEST

/* Ranks by counting: 1 + smaller + half of the other equals. */
static double naive_rho(const double *x, const double *y, size_t n)
{
    double a[32], b[32], mean = (double)(n + 1) / 2, ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        a[i] = b[i] = 0.5;
        for (size_t k = 0; k < n; k++) {
            a[i] += (x[k] < x[i]) + 0.5 * (x[k] == x[i]);
            b[i] += (y[k] < y[i]) + 0.5 * (y[k] == y[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

START_TEST(spearman_is_that_of_ranks_found_by_counting)
{
    struct rng r;
    rng_init(&r, 3);
    for (int round = 0; round < 500; round++) {
        double x[32], y[32];
        size_t n = 1 + rng_below(&r, 32);
        for (size_t i = 0; i < n; i++) {
            x[i] = (double)rng_below(&r, 10);
            y[i] = (double)rng_below(&r, 5);
        }
        ck_assert_double_eq_tol(rho(x, y, n), naive_rho(x, y, n), 1e-9);
    }
}
END_TEST

START_TEST(ndcg_gains_two_to_the_grade_less_one)
{
    const double grades[] = {1, 3, 0, 2};
    double got = 1 / log2(2) + 7 / log2(3) + 3 / log2(5);
    double best = 7 / log2(2) + 3 / log2(3) + 1 / log2(4);
    ck_assert_double_eq_tol(ndcg(grades, 4, 10), got / best, 1e-12);
    ck_assert_double_eq_tol(ndcg(grades, 4, 1), 1.0 / 7, 1e-12);
    const double sorted[] = {3, 2, 1, 0}, none[] = {0, 0};
    ck_assert_double_eq(ndcg(sorted, 4, 10), 1);
    ck_assert_double_eq(ndcg(none, 2, 10), 1); /* no order is better */
}
END_TEST

START_TEST(mrr_finds_the_first_that_is_relevant_within_the_cut)
{
    const double grades[] = {1, 2, 3, 3};
    ck_assert_double_eq(grading_mrr(grades, 4, 10, 3), 1.0 / 3);
    ck_assert_double_eq(grading_mrr(grades, 4, 2, 3), 0);
    ck_assert_double_eq(grading_mrr(grades, 4, 10, 1), 1);
    ck_assert_double_eq(grading_mrr(grades, 4, 10, 4), 0);
    ck_assert(grading_differ(grades, 4) && !grading_differ(grades + 2, 2) &&
              !grading_differ(grades, 1));
}
END_TEST

SUITE("grading", spearman_is_that_of_the_textbook, spearman_is_that_of_ranks_found_by_counting,
      ndcg_gains_two_to_the_grade_less_one, mrr_finds_the_first_that_is_relevant_within_the_cut)
