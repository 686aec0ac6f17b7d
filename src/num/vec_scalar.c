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

static size_t scan_blocks(const int8_t *q, const uint8_t *blocks, size_t dim, size_t n,
                          const float *scales, float floor, float *scores, uint32_t *places)
{
    size_t len = 0;
    DCHECK(dim <= VEC_MAX_I8);
    for (size_t b = 0; b < n; b++, blocks += vec_block_bytes(dim)) {
        int32_t dots[VEC_BLOCK_ROWS] = {0};
        for (size_t row = 0; row < VEC_BLOCK_ROWS; row++)
            for (size_t k = 0; k < dim; k++)
                dots[row] +=
                    q[k] * (blocks[(k / VEC_BLOCK_GROUP * VEC_BLOCK_ROWS + row) * VEC_BLOCK_GROUP +
                                   k % VEC_BLOCK_GROUP] -
                            VEC_BLOCK_ZERO);
        size_t place = b * VEC_BLOCK_ROWS;
        len = vec_append(dots, scales + place, floor, place, len, scores, places);
    }
    return len;
}

static size_t find_u32(const uint32_t *a, size_t n, uint32_t x)
{
    size_t i = 0;
    while (i < n && a[i] != x)
        i++;
    return i;
}

static void dot_tile(const float *queries, size_t dim, const float *panel, const float *floors,
                     uint32_t *masks, float *scores)
{
    for (size_t q = 0; q < VEC_TILE_QUERIES; q++) {
        float *sums = scores + q * VEC_TILE_ROWS;
        masks[q] = 0;
        for (size_t r = 0; r < VEC_TILE_ROWS; r++) {
            sums[r] = 0;
            for (size_t k = 0; k < dim; k++)
                sums[r] += queries[q * dim + k] * panel[k * VEC_TILE_ROWS + r];
            masks[q] |= (uint32_t)(sums[r] >= floors[q]) << r;
        }
    }
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
    .scan_blocks = scan_blocks,
    .dot_tile = dot_tile,
    .find_u32 = find_u32,
};
