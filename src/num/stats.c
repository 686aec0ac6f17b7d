#include "num/stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

double stats_quantile(const double *sorted, size_t n, double q)
{
    CHECK(n >= 1 && q >= 0 && q <= 1);
    double rank = q * (double)(n - 1);
    size_t below = (size_t)rank;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (rank - (double)below) * (sorted[below + 1] - sorted[below]);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

void stats_sort(double *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof *values, compare);
}

double stats_normal_quantile(double p)
{
    double low = -40, high = 40;
    CHECK(p > 0 && p < 1);
    while (high - low > 1e-13 * (1 + fabs(low))) {
        double middle = (low + high) / 2;
        *(erfc(-middle / M_SQRT2) < 2 * p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

double stats_student_quantile(double p, double freedom)
{
    double z = stats_normal_quantile(p), s = z * z, v = freedom;
    CHECK(freedom >= 3);
    return z * (1 + (s + 1) / (4 * v) + ((5 * s + 16) * s + 3) / (96 * v * v) +
                (((3 * s + 19) * s + 17) * s - 15) / (384 * v * v * v));
}

static enum err_code check_bootstrap(size_t n, size_t rounds, double level, struct err *err)
{
    if (n == 0 || rounds == 0)
        return err_set(err, ERR_INVALID, "a bootstrap of %zu values in %zu rounds", n, rounds);
    if (n > STATS_BOOTSTRAP_MAX_N || rounds > STATS_BOOTSTRAP_MAX_ROUNDS)
        return err_set(err, ERR_LIMIT,
                       "a bootstrap of %zu values in %zu rounds, at most %zu and %zu", n, rounds,
                       STATS_BOOTSTRAP_MAX_N, STATS_BOOTSTRAP_MAX_ROUNDS);
    if (!(level > 0 && level < 1))
        return err_set(err, ERR_INVALID, "the level %g is not between 0 and 1", level);
    return ERR_OK;
}

enum err_code stats_bootstrap(const double *a, const double *b, size_t n, size_t rounds,
                              double level, struct rng *rng, struct stats_interval *out,
                              struct err *err)
{
    enum err_code code = check_bootstrap(n, rounds, level, err);
    if (code)
        return code;
    double *apart = mem_try_new(n, sizeof *apart), *means = mem_try_new(rounds, sizeof *means);
    if (!apart || !means) {
        code = err_set(err, ERR_MEMORY, "no memory for a bootstrap of %zu values", n);
        goto out;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        apart[i] = b ? a[i] - b[i] : a[i];
        if (!isfinite(apart[i])) {
            code = err_set(err, ERR_INVALID, "value %zu is not finite", i);
            goto out;
        }
        sum += apart[i];
    }
    for (size_t r = 0; r < rounds; r++) {
        double drawn = 0;
        for (size_t i = 0; i < n; i++)
            drawn += apart[rng_below(rng, n)];
        means[r] = drawn / (double)n;
    }
    stats_sort(means, rounds);
    *out = (struct stats_interval){.mean = sum / (double)n,
                                   .low = stats_quantile(means, rounds, (1 - level) / 2),
                                   .high = stats_quantile(means, rounds, (1 + level) / 2)};
out:
    mem_free(means);
    mem_free(apart);
    return code;
}
