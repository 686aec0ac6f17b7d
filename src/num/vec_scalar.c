/* The specification of vec.h: plain loops in order, no lanes. */
#include "base/check.h"
#include "num/vec_int.h"

static float dot(const float *a, const float *b, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static float l2sq(const float *a, const float *b, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static void axpy(float alpha, const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += alpha * x[i];
}

static void scale(float alpha, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= alpha;
}

static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    DCHECK(n <= VEC_MAX_I8);
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void dot_rows(const float *q, const float *rows, size_t stride, size_t dim,
                     const uint32_t *ids, size_t n, float *out)
{
    vec_dot_rows_with(dot, q, rows, stride, dim, ids, n, out);
}

static void dot_rows_i8(const int8_t *q, const int8_t *rows, size_t stride, size_t dim,
                        const uint32_t *ids, size_t n, int32_t *out)
{
    vec_dot_rows_i8_with(dot_i8, q, rows, stride, dim, ids, n, out);
}

const struct vec_ops vec_scalar = {
    .name = "scalar",
    .dot = dot,
    .l2sq = l2sq,
    .axpy = axpy,
    .scale = scale,
    .dot_i8 = dot_i8,
    .dot_rows = dot_rows,
    .dot_rows_i8 = dot_rows_i8,
};
