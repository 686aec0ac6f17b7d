/* The specification of small.h: one element after another. */
#include <math.h>

#include "num/small_int.h"

static void gather(const float *table, size_t stride, const uint32_t *ids, const float *factors,
                   size_t n, const float *scale, size_t order, float *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < order; k++)
            out[i * order + k] = factors[i] * table[ids[i] * stride + k] * scale[k];
}

static void gram(const float *x, size_t n, size_t order, float *a)
{
    for (size_t row = 0; row < n; row++, x += order)
        for (size_t i = 0; i < order; i++)
            for (size_t j = i; j < order; j++)
                a[i * order + j] += x[i] * x[j];
}

static void transpose(const float *x, size_t rows, size_t columns, float *out)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            out[j * rows + i] = x[i * columns + j];
}

/* a = transpose(u) * u, u in the place of a. */
static bool factor(float *a, size_t order)
{
    for (size_t i = 0; i < order; i++) {
        float *row = a + i * order;
        for (size_t k = 0; k < i; k++)
            for (size_t j = i; j < order; j++)
                row[j] -= a[k * order + i] * a[k * order + j];
        if (!(row[i] > 0) || !isfinite(row[i]))
            return false;
        float scale = 1 / sqrtf(row[i]);
        for (size_t j = i; j < order; j++)
            row[j] *= scale;
    }
    return true;
}

static bool solve(float *a, size_t order, float *b)
{
    bool finite = true;
    if (!factor(a, order))
        return false;
    for (size_t i = 0; i < order; i++) {
        b[i] /= a[i * order + i];
        for (size_t j = i + 1; j < order; j++)
            b[j] -= b[i] * a[i * order + j];
    }
    for (size_t i = order; i-- > 0;) {
        for (size_t j = i + 1; j < order; j++)
            b[i] -= a[i * order + j] * b[j];
        b[i] /= a[i * order + i];
        finite = finite && isfinite(b[i]);
    }
    return finite;
}

const struct small_ops small_scalar = {
    .name = "scalar", .gather = gather, .gram = gram, .transpose = transpose, .solve = solve};
