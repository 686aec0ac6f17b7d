#include "num/sample.h"

#include <math.h>

#include "base/check.h"
#include "base/mem.h"

/* Vose: a column holds 1/n of the probability; each poor weight fills its column with part of a rich
 * one. The poor stand at the front of work, the rich at its end. */
void sample_alias_build(double *weights, uint32_t n, float *keep, uint32_t *other)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        CHECK(weights[i] >= 0);
        sum += weights[i];
    }
    CHECK(n > 0 && sum > 0 && isfinite(sum));
    uint32_t *work = mem_new(n, sizeof *work);
    uint32_t small = 0, large = n;
    for (uint32_t i = 0; i < n; i++) {
        weights[i] *= n / sum;
        if (weights[i] < 1)
            work[small++] = i;
        else
            work[--large] = i;
    }
    while (small > 0 && large < n) {
        uint32_t poor = work[--small], rich = work[large];
        keep[poor] = (float)weights[poor];
        other[poor] = rich;
        weights[rich] -= 1 - weights[poor];
        if (weights[rich] < 1) {
            large++;
            work[small++] = rich;
        }
    }
    /* Rounding leaves columns of one kind, all of them full within the error. */
    while (large < n)
        keep[work[large++]] = 1;
    while (small > 0)
        keep[work[--small]] = 1;
    mem_free(work);
}

uint32_t sample_alias_draw(const float *keep, const uint32_t *other, uint32_t n, struct rng *rng)
{
    DCHECK(n > 0);
    uint32_t i = (uint32_t)rng_below(rng, n);
    return rng_unit(rng) < (double)keep[i] ? i : other[i];
}
