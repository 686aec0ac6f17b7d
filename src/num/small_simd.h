/* small_simd.h - small.h with vectors of LANES floats, ROWS rows of a tile at a time. A file for one instruction
 * set defines both and TABLE, and includes this. The compiler's own vectors: one text for all sets.
 *
 * A tile is ROWS by up to TILE_VECTORS vectors, held in registers while one sums over the rows of x: as
 * many sums side by side as hide the latency of a multiply-add. */
#include <math.h>

#include "num/small_int.h"

enum { TILE_VECTORS = 3, BLOCK = SMALL_UNIT, BLOCK_VECTORS = BLOCK / LANES };

typedef float lanes
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE lanes load(const float *p)
{
    return *(const lanes *)p;
}

INLINE void store(float *p, lanes v)
{
    *(lanes *)p = v;
}

/* a[i.., j..] +- = sum over n rows of x of x[i..] x[j..]; vectors is a constant. */
INLINE void tile(const float *x, size_t n, size_t order, size_t i, size_t j, const int vectors,
                 const bool minus, float *a)
{
    lanes sum[ROWS][TILE_VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            sum[r][v] = load(a + (i + (size_t)r) * order + j + (size_t)v * LANES);
    for (size_t k = 0; k < n; k++, x += order) {
        lanes right[TILE_VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            right[v] = load(x + j + (size_t)v * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < ROWS; r++) {
            float left = x[i + (size_t)r];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                sum[r][v] = minus ? sum[r][v] - left * right[v] : sum[r][v] + left * right[v];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            store(a + (i + (size_t)r) * order + j + (size_t)v * LANES, sum[r][v]);
}

/* Rows i.. of a, from column j on. */
INLINE void tiles(const float *x, size_t n, size_t order, size_t i, size_t j, const bool minus,
                  float *a)
{
    for (; j + TILE_VECTORS * LANES <= order; j += TILE_VECTORS * LANES)
        tile(x, n, order, i, j, TILE_VECTORS, minus, a);
    if (j + 2 * LANES <= order)
        tile(x, n, order, i, j, 2, minus, a);
    else if (j < order)
        tile(x, n, order, i, j, 1, minus, a);
}

static void gather(const float *table, size_t stride, const uint32_t *ids, const float *factors,
                   size_t n, const float *scale, size_t order, float *out)
{
    enum { AHEAD = 4, LINE = 64 / sizeof(float) };
    for (size_t i = 0; i < n; i++, out += order) {
        const float *row = table + ids[i] * stride;
        if (i + AHEAD < n)
            for (size_t k = 0; k < order; k += LINE)
                __builtin_prefetch(table + ids[i + AHEAD] * stride + k);
        for (size_t k = 0; k < order; k += LANES)
            store(out + k, factors[i] * load(row + k) * load(scale + k));
    }
}

static void gram(const float *x, size_t n, size_t order, float *a)
{
    for (size_t i = 0; i < order; i += ROWS)
        tiles(x, n, order, i, i / LANES * LANES, false, a);
}

static void transpose(const float *x, size_t rows, size_t columns, float *out)
{
    for (size_t i = 0; i < rows; i += BLOCK)
        for (size_t j = 0; j < columns; j += BLOCK)
            for (size_t c = 0; c < BLOCK; c++) {
                float *to = out + (j + c) * rows + i;
                const float *from = x + i * columns + j + c;
#pragma GCC unroll 16
                for (size_t r = 0; r < BLOCK; r++)
                    to[r] = from[r * columns];
            }
}

/* The block of a on the diagonal at i0 becomes its factor; scale gets the inverses of its diagonal. */
INLINE bool factor_block(float *a, size_t order, size_t i0, float *scale)
{
    for (size_t r = 0; r < BLOCK; r++) {
        float *row = a + (i0 + r) * order + i0, pivot = row[r];
        if (!(pivot > 0) || !isfinite(pivot))
            return false;
        scale[r] = 1 / sqrtf(pivot);
#pragma GCC unroll 4
        for (int v = 0; v < BLOCK_VECTORS; v++)
            store(row + v * LANES, load(row + v * LANES) * scale[r]);
        for (size_t s = r + 1; s < BLOCK; s++) {
            float *below = a + (i0 + s) * order + i0, factor = row[s];
#pragma GCC unroll 4
            for (int v = 0; v < BLOCK_VECTORS; v++)
                store(below + v * LANES, load(below + v * LANES) - factor * load(row + v * LANES));
        }
    }
    return true;
}

/* The rest of the block's rows: a vector of columns at a time, all rows of it in registers. */
INLINE void solve_block_row(float *a, size_t order, size_t i0, const float *scale)
{
    const float *block = a + i0 * order + i0;
    for (size_t j = i0 + BLOCK; j < order; j += LANES) {
        lanes row[BLOCK];
#pragma GCC unroll 16
        for (size_t r = 0; r < BLOCK; r++)
            row[r] = load(a + (i0 + r) * order + j);
#pragma GCC unroll 16
        for (size_t r = 0; r < BLOCK; r++) {
            row[r] *= scale[r];
#pragma GCC unroll 16
            for (size_t s = r + 1; s < BLOCK; s++)
                row[s] -= block[r * order + s] * row[r];
        }
#pragma GCC unroll 16
        for (size_t r = 0; r < BLOCK; r++)
            store(a + (i0 + r) * order + j, row[r]);
    }
}

/* transpose(u) y = b, block by block. */
INLINE void solve_down(const float *u, size_t order, float *b)
{
    for (size_t i0 = 0; i0 < order; i0 += BLOCK) {
        for (size_t r = 0; r < BLOCK; r++) {
            const float *row = u + (i0 + r) * order + i0;
            b[i0 + r] /= row[r];
            for (size_t s = r + 1; s < BLOCK; s++)
                b[i0 + s] -= b[i0 + r] * row[s];
        }
        for (size_t j = i0 + BLOCK; j < order; j += LANES) {
            lanes rest = load(b + j);
#pragma GCC unroll 16
            for (size_t r = 0; r < BLOCK; r++)
                rest -= b[i0 + r] * load(u + (i0 + r) * order + j);
            store(b + j, rest);
        }
    }
}

INLINE float sum_of(lanes v)
{
    float sum = 0;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        sum += v[i];
    return sum;
}

/* u x = y */
INLINE bool solve_up(const float *u, size_t order, float *b)
{
    bool finite = true;
    for (size_t i0 = order; i0 > 0;) {
        i0 -= BLOCK;
        for (size_t r = BLOCK; r-- > 0;) {
            const float *row = u + (i0 + r) * order;
            lanes sum = {0};
            float rest = b[i0 + r];
            for (size_t j = i0 + BLOCK; j < order; j += LANES)
                sum += load(row + j) * load(b + j);
            for (size_t s = r + 1; s < BLOCK; s++)
                rest -= row[i0 + s] * b[i0 + s];
            b[i0 + r] = (rest - sum_of(sum)) / row[i0 + r];
            finite = finite && isfinite(b[i0 + r]);
        }
    }
    return finite;
}

static bool solve(float *a, size_t order, float *b)
{
    for (size_t i0 = 0; i0 < order; i0 += BLOCK) {
        float scale[BLOCK];
        for (size_t i = i0; i < i0 + BLOCK; i += ROWS)
            tiles(a, i0, order, i, i0, true, a);
        if (!factor_block(a, order, i0, scale))
            return false;
        solve_block_row(a, order, i0, scale);
    }
    solve_down(a, order, b);
    return solve_up(a, order, b);
}

const struct small_ops TABLE = {
    .name = TABLE_NAME, .gather = gather, .gram = gram, .transpose = transpose, .solve = solve};
