#include "num/sample.h"

#include <math.h>

#include "base/check.h"
#include "base/mem.h"

static enum err_code check_weights(const double *weights, size_t n, double *sum, struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_INVALID, "no weights to draw from");
    if (n > SAMPLE_MAX_WEIGHTS)
        return err_set(err, ERR_LIMIT, "%zu weights, at most %zu", n, SAMPLE_MAX_WEIGHTS);
    *sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0 && isfinite(weights[i])))
            return err_set(err, ERR_INVALID, "weight %zu is %g", i, weights[i]);
        *sum += weights[i];
    }
    if (!(*sum > 0 && isfinite(*sum)))
        return err_set(err, ERR_INVALID, "the weights sum to %g", *sum);
    return ERR_OK;
}

/* Vose: a column holds 1/n of the probability; each small weight fills its column with part of a
 * large one. left[i] is what weight i still has to place, in columns. small grows from the front
 * of `work`, large from its back. */
static void fill_columns(struct sample_alias *a, double *left, uint32_t *work)
{
    size_t n = a->n, smalls = 0, larges = 0;
    for (size_t i = 0; i < n; i++) {
        if (left[i] < 1)
            work[smalls++] = (uint32_t)i;
        else
            work[n - ++larges] = (uint32_t)i;
    }
    while (smalls && larges) {
        uint32_t small = work[--smalls], large = work[n - larges];
        a->keep[small] = (float)left[small];
        a->other[small] = large;
        left[large] -= 1 - left[small];
        if (left[large] < 1) {
            larges--;
            work[smalls++] = large;
        }
    }
    /* Rounding leaves columns of one kind, all of them full within the error. */
    while (smalls)
        a->keep[work[--smalls]] = 1;
    while (larges)
        a->keep[work[n - larges--]] = 1;
}

enum err_code sample_alias_init(struct sample_alias *a, const double *weights, size_t n,
                                struct err *err)
{
    *a = (struct sample_alias){0};
    double sum = 0;
    enum err_code code = check_weights(weights, n, &sum, err);
    if (code)
        return code;
    struct sample_alias made = {mem_try_new(n, sizeof *made.keep),
                                mem_try_new(n, sizeof *made.other), n};
    double *left = mem_try_new(n, sizeof *left);
    uint32_t *work = mem_try_new(n, sizeof *work);
    if (!made.keep || !made.other || !left || !work) {
        code = err_set(err, ERR_MEMORY, "no memory for a table of %zu weights", n);
        sample_alias_release(&made);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        left[i] = weights[i] / sum * (double)n;
    fill_columns(&made, left, work);
    *a = made;
out:
    mem_free(work);
    mem_free(left);
    return code;
}

void sample_alias_release(struct sample_alias *a)
{
    mem_free(a->keep);
    mem_free(a->other);
    *a = (struct sample_alias){0};
}

uint32_t sample_alias_draw(const struct sample_alias *a, struct rng *rng)
{
    DCHECK(a->n > 0);
    uint32_t i = (uint32_t)rng_below(rng, a->n);
    return rng_unit(rng) < (double)a->keep[i] ? i : a->other[i];
}

void sample_reservoir_push(struct topk *t, double weight, uint32_t id, struct rng *rng)
{
    if (!(weight > 0 && isfinite(weight)))
        return;
    /* log(u) / weight with u uniform in (0, 1]: the order of u^(1/weight), without its
     * underflow. */
    topk_push(t, (float)(-rng_exponential(rng) / weight), id);
}

void sample_shuffle_u32(uint32_t *values, size_t n, struct rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)rng_below(rng, i);
        uint32_t value = values[i - 1];
        values[i - 1] = values[j];
        values[j] = value;
    }
}

void sample_permutation(uint32_t *out, size_t n, struct rng *rng)
{
    CHECK(n <= (size_t)UINT32_MAX + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)i;
    sample_shuffle_u32(out, n, rng);
}
