#include "train/cells.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "num/vec.h"

enum { ITERATIONS = 10, GRAIN = 256 };

struct clustering {
    const float *factors; /* [rows][dim] */
    float *unit;          /* [rows][dim] of length 1, or 0 */
    float *centers;       /* [cells][dim] of length 1 */
    uint32_t *cell;       /* [rows] */
    uint32_t rows, dim, cells;
};

static void normalise(float *x, size_t d)
{
    float norm = sqrtf(vec->dot(x, x, d));
    if (norm > 0)
        vec->scale(1 / norm, x, d);
}

static void assign_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct clustering *c = arg;
    (void)lane;
    for (size_t r = begin; r < end; r++) {
        float best = -INFINITY;
        for (uint32_t k = 0; k < c->cells; k++) {
            float s = vec->dot(c->unit + r * c->dim, c->centers + (size_t)k * c->dim, c->dim);
            if (s > best) {
                best = s;
                c->cell[r] = k;
            }
        }
    }
}

static void start(struct clustering *c, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    for (uint32_t k = 0; k < c->cells; k++) {
        size_t row = rng_below(&rng, c->rows);
        memcpy(c->centers + (size_t)k * c->dim, c->unit + row * c->dim, c->dim * sizeof(float));
    }
}

/* Centers become the mean directions; one that lost all its rows takes a random row. */
static void recenter(struct clustering *c, struct rng *rng)
{
    size_t d = c->dim;
    memset(c->centers, 0, (size_t)c->cells * d * sizeof(float));
    for (size_t r = 0; r < c->rows; r++)
        vec->axpy(1, c->unit + r * d, c->centers + (size_t)c->cell[r] * d, d);
    for (uint32_t k = 0; k < c->cells; k++) {
        float *center = c->centers + (size_t)k * d;
        if (vec->dot(center, center, d) == 0)
            memcpy(center, c->unit + rng_below(rng, c->rows) * d, d * sizeof(float));
        normalise(center, d);
    }
}

static enum err_code cluster(struct clustering *c, uint64_t seed, struct pool *pool,
                             struct err *err)
{
    struct rng rng;
    rng_init_stream(&rng, seed, 1);
    start(c, seed);
    for (int i = 0; i < ITERATIONS; i++) {
        enum err_code code = signal_check(err);
        if (code != ERR_OK)
            return code;
        pool_for(pool, c->rows, GRAIN, assign_range, c);
        if (i + 1 < ITERATIONS)
            recenter(c, &rng);
    }
    return ERR_OK;
}

static void encode_row(const float *x, size_t d, int8_t *code, float *scale)
{
    float top = 0;
    for (size_t k = 0; k < d; k++)
        top = fmaxf(top, fabsf(x[k]));
    *scale = top / 127;
    for (size_t k = 0; k < d; k++)
        code[k] = top > 0 ? (int8_t)lrintf(x[k] / *scale) : 0;
}

/* Rows cell by cell, each cell's in ascending order. */
static void fill(const struct clustering *c, struct cells *out)
{
    size_t d = c->dim;
    for (uint32_t r = 0; r < c->rows; r++)
        out->offsets[c->cell[r] + 1]++;
    for (uint32_t k = 0; k < c->cells; k++)
        out->offsets[k + 1] += out->offsets[k];
    for (uint32_t r = 0; r < c->rows; r++) {
        uint32_t at = out->offsets[c->cell[r]]++;
        const float *x = c->factors + (size_t)r * d;
        out->rows[at] = r;
        encode_row(x, d, out->codes + (size_t)at * d, &out->scales[at]);
        vec->axpy(1, x, out->centroids + (size_t)c->cell[r] * d, d);
    }
    for (uint32_t k = c->cells; k > 0; k--)
        out->offsets[k] = out->offsets[k - 1];
    out->offsets[0] = 0;
    for (uint32_t k = 0; k < c->cells; k++) {
        uint32_t n = out->offsets[k + 1] - out->offsets[k];
        if (n)
            vec->scale(1 / (float)n, out->centroids + (size_t)k * d, d);
    }
}

static bool allocate(struct clustering *c, struct cells *out)
{
    size_t d = c->dim;
    c->unit = mem_try_aligned((size_t)c->rows * d, sizeof(float), 64);
    c->centers = mem_try_aligned((size_t)c->cells * d, sizeof(float), 64);
    c->cell = mem_try_new(c->rows, sizeof *c->cell);
    out->centroids = mem_try_aligned((size_t)c->cells * d, sizeof(float), 64);
    out->offsets = mem_try_new((size_t)c->cells + 1, sizeof *out->offsets);
    out->rows = mem_try_new(c->rows, sizeof *out->rows);
    out->codes = mem_try_aligned((size_t)c->rows * d, 1, 64);
    out->scales = mem_try_new(c->rows, sizeof *out->scales);
    return c->unit && c->centers && c->cell && out->centroids && out->offsets && out->rows &&
           out->codes && out->scales;
}

enum err_code cells_fit(const float *factors, uint32_t rows, uint32_t dim, uint64_t seed,
                        struct pool *pool, struct cells *out, struct err *err)
{
    *out = (struct cells){0};
    if (rows < CELLS_ROWS_MIN)
        return ERR_OK;
    struct clustering c = {
        .factors = factors, .rows = rows, .dim = dim, .cells = (uint32_t)sqrt((double)rows)};
    enum err_code code = ERR_OK;
    if (!allocate(&c, out)) {
        code = err_set(err, ERR_MEMORY, "no memory for cells of %u rows", rows);
        goto out;
    }
    memcpy(c.unit, factors, (size_t)rows * dim * sizeof *factors);
    for (uint32_t r = 0; r < rows; r++)
        normalise(c.unit + (size_t)r * dim, dim);
    code = cluster(&c, seed, pool, err);
    if (code == ERR_OK) {
        out->cells = c.cells;
        fill(&c, out);
    }
out:
    mem_free(c.unit);
    mem_free(c.centers);
    mem_free(c.cell);
    if (code != ERR_OK)
        cells_release(out);
    return code;
}

void cells_release(struct cells *c)
{
    mem_free(c->centroids);
    mem_free(c->offsets);
    mem_free(c->rows);
    mem_free(c->codes);
    mem_free(c->scales);
    *c = (struct cells){0};
}
