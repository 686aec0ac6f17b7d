#include "demo/alias.h"

#include "base/check.h"
#include "base/mem.h"

void alias_build(double *weights, uint32_t n, float *keep, uint32_t *other)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += weights[i];
    CHECK(n > 0 && sum > 0);
    uint32_t *work = mem_new(n, sizeof *work);
    uint32_t small = 0, large = n; /* the poor stand at the front of work, the rich at its end */
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
    while (large < n)
        keep[work[large++]] = 1;
    while (small > 0) /* left over by rounding alone */
        keep[work[--small]] = 1;
    mem_free(work);
}

uint32_t alias_draw(const float *keep, const uint32_t *other, uint32_t n, struct rng *r)
{
    uint32_t i = (uint32_t)rng_below(r, n);
    return rng_unit(r) < (double)keep[i] ? i : other[i];
}
