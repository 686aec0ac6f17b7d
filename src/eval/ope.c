#include "eval/ope.h"

#include <math.h>

#include "base/mem.h"
#include "num/stats.h"

static const double default_level = 0.95, plausible_level = 0.999, dominance = 10;

/* --- the log --------------------------------------------------------------------------------- */

enum { FIRST_ROOM = 4096 };

void ope_log_release(struct ope_log *log)
{
    mem_free(log->decisions);
    map_str_release(&log->context_of);
    *log = (struct ope_log){0};
}

enum err_code ope_log_add(struct ope_log *log, const struct ope_decision *d, struct err *err)
{
    if (log->len == OPE_DECISIONS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d decisions", OPE_DECISIONS_MAX);
    if (log->len == log->cap) {
        size_t cap = log->cap ? 2 * log->cap : FIRST_ROOM;
        struct ope_decision *grown = mem_try_resize(log->decisions, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu decisions", cap);
        log->decisions = grown;
        log->cap = cap;
    }
    log->decisions[log->len++] = *d;
    return ERR_OK;
}

/* --- intervals ------------------------------------------------------------------------------- */

/* Hall's transformation of a studentised mean with skewness g over n observations, backwards. */
static double unskew(double x, double g, double n)
{
    double root = sqrt(n);
    if (fabs(g) < 1e-6)
        return x;
    return 3 * root / g * (cbrt(1 + g * (x / root - g / (6 * n))) - 1);
}

/* Degrees of freedom of the variance of values with that kurtosis (Satterthwaite): few where some weights are
 * much larger than the rest. */
static double freedom(double kurtosis, double contexts)
{
    double few = 2 * contexts / (kurtosis - 1);
    return fmax(3, fmin(few, contexts - 1));
}

/* Around a mean over the decisions whose influence values, summed by context, are sums [contexts]. */
static struct ope_estimate around(double value, const double *sums, const struct ope_log *log,
                                  double level)
{
    double contexts = log->contexts, squares = 0, cubes = 0, fourths = 0;
    for (uint32_t c = 0; c < log->contexts; c++) {
        double square = sums[c] * sums[c];
        squares += square;
        cubes += square * sums[c];
        fourths += square * square;
    }
    if (squares <= 0)
        return (struct ope_estimate){value, value, value};
    double mean = squares / contexts;
    double error = sqrt(squares * contexts / (contexts - 1)) / (double)log->len;
    double skewness = cubes / contexts / (mean * sqrt(mean));
    double kurtosis = fourths / contexts / (mean * mean);
    double t = stats_student_quantile((1 + level) / 2, freedom(kurtosis, contexts));
    return (struct ope_estimate){value, value - error * unskew(t, skewness, contexts),
                                 value - error * unskew(-t, skewness, contexts)};
}

/* --- estimates ------------------------------------------------------------------------------- */

enum estimator { LOGGED, WEIGHT, IPS, SNIPS, DR };

static double clipped(const struct ope_decision *d, double clip)
{
    return clip > 0 && d->weight > clip ? clip : d->weight;
}

/* What a decision adds to an estimator that is a mean; of SNIPS, to its numerator. */
static double term(enum estimator which, const struct ope_decision *d, double clip)
{
    switch (which) {
    case LOGGED:
        return d->reward;
    case WEIGHT:
        return d->weight;
    case IPS:
    case SNIPS:
        return clipped(d, clip) * d->reward;
    case DR:
        break;
    }
    return d->model_target + clipped(d, clip) * (d->reward - d->model_logged);
}

/* sums [contexts] is scratch. */
static struct ope_estimate estimate(enum estimator which, const struct ope_log *log, double clip,
                                    double level, double *sums)
{
    double total = 0, weights = 0, n = (double)log->len;
    for (size_t i = 0; i < log->len; i++) {
        total += term(which, &log->decisions[i], clip);
        weights += clipped(&log->decisions[i], clip);
    }
    double value = which == SNIPS ? total / weights : total / n;
    memset(sums, 0, log->contexts * sizeof *sums);
    for (size_t i = 0; i < log->len; i++) {
        const struct ope_decision *d = &log->decisions[i];
        double influence = which == SNIPS ? clipped(d, clip) * (d->reward - value) * n / weights
                                          : term(which, d, clip) - value;
        sums[d->context] += influence;
    }
    return around(value, sums, log, level);
}

static enum err_code check(const struct ope_log *log, const struct ope_options *o, double level,
                           struct err *err)
{
    if (!(level >= 0.5 && level <= 0.999))
        return err_set(err, ERR_INVALID, "the level %g is not within 0.5 and 0.999", level);
    if (!(o->clip >= 0 && isfinite(o->clip)))
        return err_set(err, ERR_INVALID, "weights cannot be clipped at %g", o->clip);
    if (log->contexts < OPE_CONTEXTS_MIN)
        return err_set(err, ERR_INVALID, "%u contexts are too few for an interval, at least %d",
                       log->contexts, OPE_CONTEXTS_MIN);
    for (size_t i = 0; i < log->len; i++)
        if (log->decisions[i].weight > 0)
            return ERR_OK;
    return err_set(err, ERR_INVALID, "the target never takes an action that was logged");
}

static void weigh(const struct ope_log *log, double clip, struct ope_result *out)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < log->len; i++) {
        double w = log->decisions[i].weight;
        out->matched += w > 0;
        out->clipped += clip > 0 && w > clip;
        out->weight_max = fmax(out->weight_max, w);
        sum += w;
        squares += w * w;
    }
    out->effective = sum * sum / squares;
    out->reliable = dominance * out->weight_max <= out->effective;
}

enum err_code ope_estimate(const struct ope_log *log, const struct ope_options *o,
                           struct ope_result *out, struct err *err)
{
    double level = o->level != 0 ? o->level : default_level;
    enum err_code code = check(log, o, level, err);
    if (code != ERR_OK)
        return code;
    double *sums = mem_try_new(log->contexts, sizeof *sums);
    if (!sums)
        return err_set(err, ERR_MEMORY, "no memory for %u contexts", log->contexts);
    *out = (struct ope_result){.logged = estimate(LOGGED, log, 0, level, sums),
                               .ips = estimate(IPS, log, o->clip, level, sums),
                               .snips = estimate(SNIPS, log, o->clip, level, sums),
                               .weight = estimate(WEIGHT, log, 0, plausible_level, sums)};
    out->plausible = out->weight.low <= 1 && out->weight.high >= 1;
    out->weight = estimate(WEIGHT, log, 0, level, sums);
    if (log->modelled)
        out->dr = estimate(DR, log, o->clip, level, sums);
    weigh(log, o->clip, out);
    mem_free(sums);
    return ERR_OK;
}
