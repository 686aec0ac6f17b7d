#include "eval/sequential.h"

#include <math.h>

#include "base/check.h"

/* How firmly the mixture believes in the shares as planned: a firm one finds small faults among many shoppers, a
 * loose one large faults among few. The mean of martingales is one. */
static const double concentrations[] = {100, 1000, 10000, 100000};

enum { CONCENTRATIONS = sizeof concentrations / sizeof *concentrations };

/* --- moments --------------------------------------------------------------------------------- */

void sequential_add(struct sequential_arm *arm, double x, double y)
{
    struct sequential_arm one = {.n = 1, .mean_x = x, .mean_y = y};
    sequential_merge(arm, &one);
}

void sequential_merge(struct sequential_arm *into, const struct sequential_arm *from)
{
    double n = into->n + from->n;
    if (n <= 0)
        return;
    double x = from->mean_x - into->mean_x, y = from->mean_y - into->mean_y;
    double share = from->n / n, weight = into->n * share;
    into->dev_xx += from->dev_xx + x * x * weight;
    into->dev_xy += from->dev_xy + x * y * weight;
    into->dev_yy += from->dev_yy + y * y * weight;
    into->mean_x += x * share;
    into->mean_y += y * share;
    into->n = n;
}

struct sequential_arm sequential_proportion(double n, double successes)
{
    struct sequential_arm arm = {.n = n, .mean_y = n > 0};
    if (n > 0) {
        arm.mean_x = successes / n;
        arm.dev_xx = successes * (1 - arm.mean_x);
    }
    return arm;
}

/* --- the boundary ---------------------------------------------------------------------------- */

/* The variance of the mixing distribution: equation 12 of the paper, by which the boundary is narrowest
 * at plan->shoppers. */
static double mixing(const struct sequential_plan *plan)
{
    double log_alpha = -2 * log(plan->alpha);
    return (log_alpha + log(log_alpha) + 1) / plan->shoppers;
}

static void check_plan(const struct sequential_plan *plan)
{
    CHECK(plan->alpha > 0 && plan->alpha <= 0.5 && plan->shoppers >= 1);
}

double sequential_half_width(const struct sequential_plan *plan, double t)
{
    check_plan(plan);
    double rho = mixing(plan), grown = t * rho + 1;
    return sqrt(2 * grown * (0.5 * log(grown) - log(plan->alpha)) / (t * t * rho));
}

/* The same the other way round: the alpha at which the interval around a mean of that many standard deviations of one
 * observation begins to exclude 0. */
static double p_value(const struct sequential_plan *plan, double deviations, double t)
{
    double rho = mixing(plan), grown = t * rho + 1, sum = deviations * t;
    double log_martingale = rho * sum * sum / (2 * grown) - 0.5 * log(grown);
    return log_martingale > 0 ? exp(-log_martingale) : 1;
}

static struct sequential_result around(const struct sequential_plan *plan, double estimate,
                                       double variance, double t)
{
    double deviation = sqrt(variance), half = deviation * sequential_half_width(plan, t);
    double p = deviation > 0 ? p_value(plan, estimate / deviation, t) : 1;
    return (struct sequential_result){estimate, estimate - half, estimate + half, p};
}

/* --- arms ------------------------------------------------------------------------------------ */

static double value_of(enum sequential_kind kind, const struct sequential_arm *arm)
{
    return kind == SEQUENTIAL_RATIO ? arm->mean_x / arm->mean_y : arm->mean_x;
}

/* Variance of what one shopper adds to the arm's value. */
static double variance_of(enum sequential_kind kind, const struct sequential_arm *arm)
{
    double ratio;
    switch (kind) {
    case SEQUENTIAL_PROPORTION:
        ratio = (arm->n * arm->mean_x + 2) / (arm->n + 4);
        return ratio * (1 - ratio);
    case SEQUENTIAL_RATIO:
        ratio = arm->mean_x / arm->mean_y;
        return (arm->dev_xx - 2 * ratio * arm->dev_xy + ratio * ratio * arm->dev_yy) /
               ((arm->n - 1) * arm->mean_y * arm->mean_y);
    case SEQUENTIAL_MEAN:
        break;
    }
    return arm->dev_xx / (arm->n - 1);
}

static struct sequential_result not_yet(double estimate)
{
    return (struct sequential_result){estimate, -INFINITY, INFINITY, 1};
}

static bool is_safe(double variance, const struct sequential_arm *arm)
{
    return arm->n >= SEQUENTIAL_MIN_SHOPPERS && variance > 0 && isfinite(variance);
}

struct sequential_result sequential_value(const struct sequential_plan *plan,
                                          enum sequential_kind kind,
                                          const struct sequential_arm *arm)
{
    double value = arm->n > 0 ? value_of(kind, arm) : NAN, variance = variance_of(kind, arm);
    check_plan(plan);
    return is_safe(variance, arm) ? around(plan, value, variance, arm->n) : not_yet(value);
}

struct sequential_result sequential_difference(const struct sequential_plan *plan,
                                               enum sequential_kind kind,
                                               const struct sequential_arm *a,
                                               const struct sequential_arm *b)
{
    bool any = a->n > 0 && b->n > 0;
    double apart = any ? value_of(kind, b) - value_of(kind, a) : NAN;
    double of_a = variance_of(kind, a), of_b = variance_of(kind, b), t = a->n + b->n;
    check_plan(plan);
    if (!is_safe(of_a, a) || !is_safe(of_b, b))
        return not_yet(apart);
    return around(plan, apart, t * (of_a / a->n + of_b / b->n), t);
}

/* --- counts ---------------------------------------------------------------------------------- */

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign); /* lgamma writes a global */
}

/* The log of the martingale of one concentration: what the mixture foretold by what the shares foretold. */
static double log_odds(const double *counts, const double *shares, size_t n, double whole,
                       double total, double concentration)
{
    double odds = log_gamma(concentration) - log_gamma(concentration + total);
    for (size_t i = 0; i < n; i++) {
        double share = shares[i] / whole, prior = concentration * share;
        odds += log_gamma(prior + counts[i]) - log_gamma(prior) - counts[i] * log(share);
    }
    return odds;
}

enum err_code sequential_counts_p(const double *counts, const double *shares, size_t n, double *p,
                                  struct err *err)
{
    double whole = 0, total = 0, odds[CONCENTRATIONS], most = -INFINITY, sum = 0;
    if (n == 0 || n > SEQUENTIAL_ARMS_MAX)
        return err_set(err, ERR_INVALID, "%zu arms, expected 1 to %d", n, SEQUENTIAL_ARMS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!(shares[i] > 0 && isfinite(shares[i])))
            return err_set(err, ERR_INVALID, "share %zu is %g, expected above 0", i, shares[i]);
        if (!(counts[i] >= 0 && counts[i] == floor(counts[i]) && isfinite(counts[i])))
            return err_set(err, ERR_INVALID, "count %zu is %g, expected a whole number", i,
                           counts[i]);
        whole += shares[i];
        total += counts[i];
    }
    for (size_t c = 0; c < CONCENTRATIONS; c++) {
        odds[c] = log_odds(counts, shares, n, whole, total, concentrations[c]);
        most = fmax(most, odds[c]);
    }
    for (size_t c = 0; c < CONCENTRATIONS; c++)
        sum += exp(odds[c] - most) / CONCENTRATIONS;
    double log_martingale = most + log(sum);
    *p = log_martingale > 0 ? exp(-log_martingale) : 1;
    return ERR_OK;
}
