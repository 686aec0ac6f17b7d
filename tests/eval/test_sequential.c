/* Confidence sequences against moments summed twice, a martingale multiplied up step by step, and thousands of
 * experiments that somebody looks at after every shopper. */
#include "eval/sequential.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "support/suite.h"

static const struct sequential_plan plan = {.alpha = 0.05, .shoppers = 1000};

/* --- moments and boundary -------------------------------------------------------------------- */

START_TEST(moments_are_those_of_two_passes_however_they_are_merged)
{
    enum { N = 300, CUT = 117 };
    double x[N], y[N], mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0;
    struct sequential_arm whole = {0}, parts[2] = {0};
    struct rng rng;
    rng_init(&rng, 4);
    for (int i = 0; i < N; i++) {
        x[i] = 1e6 + 50 * rng_normal(&rng), y[i] = rng_exponential(&rng);
        mean_x += x[i] / N, mean_y += y[i] / N;
        sequential_add(&whole, x[i], y[i]);
        sequential_add(&parts[i >= CUT], x[i], y[i]);
    }
    for (int i = 0; i < N; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    sequential_merge(&parts[0], &parts[1]);
    struct sequential_arm got[] = {whole, parts[0]};
    for (int i = 0; i < 2; i++) {
        ck_assert_double_eq(got[i].n, N);
        ck_assert_double_eq_tol(got[i].mean_x, mean_x, 1e-8);
        ck_assert_double_eq_tol(got[i].mean_y, mean_y, 1e-12);
        ck_assert_double_eq_tol(got[i].dev_xx, xx, 1e-6 * xx);
        ck_assert_double_eq_tol(got[i].dev_xy, xy, 1e-6 * sqrt(xx * yy));
        ck_assert_double_eq_tol(got[i].dev_yy, yy, 1e-9 * yy);
    }
    struct sequential_arm none = {0};
    sequential_merge(&none, &(struct sequential_arm){0});
    ck_assert_double_eq(none.n, 0);
    sequential_merge(&none, &whole);
    ck_assert_double_eq(none.dev_xx, whole.dev_xx);
}
END_TEST

START_TEST(a_proportion_is_its_shoppers_one_by_one)
{
    struct sequential_arm by_one = {0}, at_once = sequential_proportion(40, 7);
    for (int i = 0; i < 40; i++)
        sequential_add(&by_one, i < 7, 1);
    ck_assert_double_eq_tol(at_once.mean_x, by_one.mean_x, 1e-15);
    ck_assert_double_eq_tol(at_once.dev_xx, by_one.dev_xx, 1e-12);
    ck_assert_double_eq(at_once.mean_y, 1);
    ck_assert_double_eq(sequential_proportion(0, 0).mean_x, 0);
}
END_TEST

/* The paper's boundary, written out, and its p: the alpha whose boundary the estimate lies on, by bisection. */
START_TEST(boundary_and_p_are_two_ways_to_say_the_same)
{
    double rho2 = (-2 * log(0.05) + log(-2 * log(0.05)) + 1) / 1000;
    for (double t = 200; t < 2e6; t *= 7) {
        double want = sqrt(2 * (t * rho2 + 1) / (t * t * rho2) * log(sqrt(t * rho2 + 1) / 0.05));
        ck_assert_double_eq_tol(sequential_half_width(&plan, t), want, 1e-12 * want);
    }
    struct sequential_arm a = sequential_proportion(600, 60), b = sequential_proportion(500, 75);
    struct sequential_result d = sequential_difference(&plan, SEQUENTIAL_PROPORTION, &a, &b);
    double low = 1e-9, high = 1, t = 1100,
           sd = (d.high - d.low) / 2 / sequential_half_width(&plan, t);
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2, root = sqrt(t * rho2 + 1);
        double half = sd * sqrt(2 * root * root / (t * t * rho2) * log(root / middle));
        *(half > d.estimate ? &low : &high) = middle;
    }
    ck_assert_double_eq_tol(d.p, low, 1e-6);
    ck_assert_double_eq_tol(d.estimate, 0.05, 1e-12);
}
END_TEST

START_TEST(the_boundary_is_narrowest_near_the_planned_number)
{
    for (double other = 10; other < 1e6; other *= 3) {
        struct sequential_plan elsewhere = {.alpha = 0.05, .shoppers = other};
        ck_assert(sequential_half_width(&plan, 1000) <=
                  1.001 * sequential_half_width(&elsewhere, 1000));
    }
}
END_TEST

START_TEST(there_is_no_interval_before_the_first_safe_moment)
{
    struct sequential_arm few = sequential_proportion(SEQUENTIAL_MIN_SHOPPERS - 1, 50),
                          many = sequential_proportion(5000, 10), none = {0}, even = {0},
                          blind = {0};
    struct sequential_result r = sequential_difference(&plan, SEQUENTIAL_PROPORTION, &few, &many);
    ck_assert(isinf(r.low) && r.low < 0 && isinf(r.high) && r.high > 0);
    ck_assert_double_eq(r.p, 1);
    ck_assert_double_eq_tol(r.estimate, 0.002 - 50.0 / 99, 1e-12);
    r = sequential_value(&plan, SEQUENTIAL_MEAN, &none);
    ck_assert(isnan(r.estimate) && isinf(r.low) && r.p == 1);
    r = sequential_difference(&plan, SEQUENTIAL_MEAN, &none, &many);
    ck_assert(isnan(r.estimate) && isinf(r.high));
    /* Nobody varies: no mean can be trusted, a proportion can; nobody saw anything: no ratio. */
    for (int i = 0; i < 5000; i++)
        sequential_add(&even, 0, 1), sequential_add(&blind, 0, 0);
    ck_assert(isinf(sequential_value(&plan, SEQUENTIAL_MEAN, &even).high));
    r = sequential_value(&plan, SEQUENTIAL_PROPORTION, &even);
    ck_assert(r.high > 0 && r.high < 0.01);
    r = sequential_value(&plan, SEQUENTIAL_RATIO, &blind);
    ck_assert(isnan(r.estimate) && isinf(r.high) && r.p == 1);
}
END_TEST

/* --- experiments without a difference, looked at after every shopper --------------------------- */

enum { EXPERIMENTS = 10000, SHOPPERS = 1500 };

struct shop {
    enum sequential_kind kind;
    double share;                                                     /* of arm b */
    void (*draw)(struct rng *rng, double lift, double *x, double *y); /* a shopper */
    double lift[2];                                                   /* by arm */
};

static void draw_buyer(struct rng *rng, double lift, double *x, double *y)
{
    *x = rng_unit(rng) < 0.05 * lift;
    *y = 1;
}

static void draw_even(struct rng *rng, double lift, double *x, double *y)
{
    *x = rng_unit(rng) < 0.5 * lift;
    *y = 1;
}

/* One in eight buys, with a long tail. */
static void draw_revenue(struct rng *rng, double lift, double *x, double *y)
{
    *x = rng_unit(rng) < 0.125 ? exp(7 + lift * 0.9 * rng_normal(rng)) : 0;
    *y = 1;
}

/* Shoppers see 1 to many lists and differ in how often they click. */
static void draw_clicks(struct rng *rng, double lift, double *x, double *y)
{
    double keen = 0.2 * rng_unit(rng) * lift;
    *x = 0;
    *y = 1 + (double)rng_poisson(rng, 3 * rng_exponential(rng));
    for (int i = 0; i < (int)*y; i++)
        *x += rng_unit(rng) < keen;
}

/* Run one; when did the interval first exclude 0? shoppers + 1: never. */
static int first_alarm(const struct shop *shop, struct rng *rng, int shoppers)
{
    struct sequential_arm arms[2] = {0};
    for (int i = 1; i <= shoppers; i++) {
        int b = rng_unit(rng) < shop->share;
        double x, y;
        shop->draw(rng, shop->lift[b], &x, &y);
        sequential_add(&arms[b], x, y);
        struct sequential_result r = sequential_difference(&plan, shop->kind, &arms[0], &arms[1]);
        if ((r.p <= plan.alpha) != (r.low >= 0 || r.high <= 0))
            ck_abort_msg("p %g, interval %g to %g", r.p, r.low, r.high);
        if (r.low > 0 || r.high < 0)
            return i;
    }
    return shoppers + 1;
}

static int alarms(const struct shop *shop, int experiments, int shoppers)
{
    int count = 0;
    for (int e = 0; e < experiments; e++) {
        struct rng rng;
        rng_init_stream(&rng, 11, (uint64_t)e);
        count += first_alarm(shop, &rng, shoppers) <= shoppers;
    }
    return count;
}

static void check_false_alarms(const char *what, struct shop shop)
{
    shop.lift[0] = shop.lift[1] = 1;
    int count = alarms(&shop, EXPERIMENTS, SHOPPERS);
    printf("# %s: %d of %d\n", what, count, EXPERIMENTS);
    ck_assert_int_le(count, (int)(EXPERIMENTS * plan.alpha));
}

START_TEST(false_alarms_of_rare_successes_stay_below_alpha)
{
    check_false_alarms("rare", (struct shop){SEQUENTIAL_PROPORTION, 0.5, draw_buyer, {0}});
}
END_TEST

START_TEST(false_alarms_of_even_successes_stay_below_alpha)
{
    check_false_alarms("even", (struct shop){SEQUENTIAL_PROPORTION, 0.5, draw_even, {0}});
}
END_TEST

START_TEST(false_alarms_of_a_small_arm_stay_below_alpha)
{
    check_false_alarms("uneven", (struct shop){SEQUENTIAL_PROPORTION, 0.1, draw_buyer, {0}});
}
END_TEST

START_TEST(false_alarms_of_revenue_with_a_long_tail_stay_below_alpha)
{
    check_false_alarms("revenue", (struct shop){SEQUENTIAL_MEAN, 0.5, draw_revenue, {0}});
}
END_TEST

START_TEST(false_alarms_of_clicks_by_impressions_stay_below_alpha)
{
    check_false_alarms("clicks", (struct shop){SEQUENTIAL_RATIO, 0.5, draw_clicks, {0}});
}
END_TEST

/* What this is for: the interval of a fixed sample size, looked at as often, is wrong for several times alpha. */
START_TEST(the_interval_of_a_fixed_size_does_not_stand_it)
{
    int count = 0;
    for (int e = 0; e < 1000; e++) {
        struct sequential_arm arms[2] = {0};
        struct rng rng;
        bool alarm = false;
        rng_init_stream(&rng, 12, (uint64_t)e);
        for (int i = 0; i < SHOPPERS && !alarm; i++) {
            sequential_add(&arms[rng_below(&rng, 2)], rng_unit(&rng) < 0.5, 1);
            const struct sequential_arm *a = &arms[0], *b = &arms[1];
            double se = sqrt(a->dev_xx / a->n / (a->n - 1) + b->dev_xx / b->n / (b->n - 1));
            alarm = i >= 200 && fabs(a->mean_x - b->mean_x) > 1.96 * se;
        }
        count += alarm;
    }
    ck_assert_int_ge(count, 150);
}
END_TEST

/* --- experiments with one -------------------------------------------------------------------- */

START_TEST(a_difference_is_found_and_has_the_right_sign)
{
    struct shop shops[] = {{SEQUENTIAL_PROPORTION, 0.5, draw_buyer, {1, 2}},
                           {SEQUENTIAL_RATIO, 0.5, draw_clicks, {1, 1.3}}};
    for (size_t s = 0; s < sizeof shops / sizeof *shops; s++) {
        int found = alarms(&shops[s], 200, 4000);
        printf("# found %d of 200\n", found);
        ck_assert_int_ge(found, 190);
    }
    struct sequential_arm a = sequential_proportion(4000, 200),
                          b = sequential_proportion(4000, 320);
    struct sequential_result r = sequential_difference(&plan, SEQUENTIAL_PROPORTION, &a, &b);
    ck_assert(r.low > 0 && r.p < 0.01);
    r = sequential_difference(&plan, SEQUENTIAL_PROPORTION, &b, &a);
    ck_assert(r.high < 0 && r.p < 0.01);
}
END_TEST

/* --- counts ---------------------------------------------------------------------------------- */

static double counts_p(const double *counts, const double *shares, size_t n)
{
    struct err err;
    double p = 0;
    ck_ok(sequential_counts_p(counts, shares, n, &p, &err));
    return p;
}

/* The next shopper came to an arm with a share of the plan, as the i-th in all: multiply the four martingales up.
 * Returns their mean. */
static double multiply_up(double odds[4], double share, double count, int i)
{
    double sum = 0, firm = 100;
    for (int c = 0; c < 4; c++, firm *= 10)
        sum += odds[c] *= (firm * share + count) / (firm + i) / share;
    return sum / 4;
}

/* The oracle multiplies the martingale up, one shopper at a time: what the mixture foretold for the arm that came,
 * by what the plan foretold. */
START_TEST(the_p_of_counts_is_the_martingale_multiplied_up)
{
    static const double shares[] = {5, 3, 2};
    double counts[3] = {0}, odds[4] = {1, 1, 1, 1};
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        double u = rng_unit(&rng);
        size_t arm = u < 0.52 ? 0 : u < 0.82 ? 1 : 2;
        double mean = multiply_up(odds, shares[arm] / 10, counts[arm], i);
        counts[arm]++;
        if (i % 1000 == 0 || i > 19990) {
            double want = mean > 1 ? 1 / mean : 1;
            ck_assert_double_eq_tol(counts_p(counts, shares, 3), want, 1e-6 * want);
        }
    }
    ck_assert(counts_p(counts, shares, 3) < 0.01);
}
END_TEST

/* An exact martingale, so from the first shopper on. */
START_TEST(false_alarms_of_counts_stay_below_alpha)
{
    enum { TESTS = 10000, N = 3000 };
    static const double shares[] = {0.5, 0.3, 0.2};
    int count = 0;
    for (int e = 0; e < TESTS; e++) {
        double counts[3] = {0}, odds[4] = {1, 1, 1, 1};
        struct rng rng;
        bool alarm = false;
        rng_init_stream(&rng, 13, (uint64_t)e);
        for (int i = 0; i < N && !alarm; i++) {
            double u = rng_unit(&rng);
            size_t arm = u < 0.5 ? 0 : u < 0.8 ? 1 : 2;
            double mean = multiply_up(odds, shares[arm], counts[arm], i);
            counts[arm]++;
            alarm = mean >= 20 && counts_p(counts, shares, 3) <= plan.alpha;
        }
        count += alarm;
    }
    printf("# counts: %d of %d\n", count, TESTS);
    ck_assert_int_le(count, (int)(TESTS * plan.alpha));
}
END_TEST

START_TEST(an_arm_that_loses_a_twentieth_is_noticed)
{
    static const double shares[] = {1, 1};
    ck_assert(counts_p((double[]){20000, 19000}, shares, 2) < 0.001);
    ck_assert(counts_p((double[]){1000, 800}, shares, 2) < 0.001);
    ck_assert_double_eq(counts_p((double[]){20000, 19950}, shares, 2), 1);
    ck_assert(counts_p((double[]){2e9, 2.001e9}, shares, 2) < 1e-6);
    ck_assert_double_eq(counts_p((double[]){0, 0}, shares, 2), 1);
    ck_assert_double_eq(counts_p((double[]){7}, shares, 1), 1);
}
END_TEST

START_TEST(counts_and_shares_that_are_none_are_refused)
{
    static const double shares[] = {1, 1}, bad[] = {0, -1, NAN, INFINITY},
                        odd[] = {-1, 0.5, NAN, INFINITY};
    struct err err;
    double p;
    for (size_t i = 0; i < 4; i++) {
        ck_err(sequential_counts_p((double[]){1, 1}, (double[]){1, bad[i]}, 2, &p, &err),
               ERR_INVALID);
        ck_err(sequential_counts_p((double[]){1, odd[i]}, shares, 2, &p, &err), ERR_INVALID);
    }
    ck_err(sequential_counts_p(shares, shares, 0, &p, &err), ERR_INVALID);
    ck_err(sequential_counts_p(shares, shares, SEQUENTIAL_ARMS_MAX + 1, &p, &err), ERR_INVALID);
}
END_TEST

SUITE("sequential", moments_are_those_of_two_passes_however_they_are_merged,
      a_proportion_is_its_shoppers_one_by_one, boundary_and_p_are_two_ways_to_say_the_same,
      the_boundary_is_narrowest_near_the_planned_number,
      there_is_no_interval_before_the_first_safe_moment,
      false_alarms_of_rare_successes_stay_below_alpha,
      false_alarms_of_even_successes_stay_below_alpha, false_alarms_of_a_small_arm_stay_below_alpha,
      false_alarms_of_revenue_with_a_long_tail_stay_below_alpha,
      false_alarms_of_clicks_by_impressions_stay_below_alpha,
      the_interval_of_a_fixed_size_does_not_stand_it, a_difference_is_found_and_has_the_right_sign,
      the_p_of_counts_is_the_martingale_multiplied_up, false_alarms_of_counts_stay_below_alpha,
      an_arm_that_loses_a_twentieth_is_noticed, counts_and_shares_that_are_none_are_refused)
