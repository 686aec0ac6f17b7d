#include "index/vectors.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "num/vec.h"

enum { ITERATIONS = 10, GRAIN = 256 };

struct clustering {
    const float *exact; /* [rows][dim] */
    float *unit;        /* [rows][dim] of length 1, or 0 */
    float *centers;     /* [cells][dim] of length 1 */
    uint32_t *cell;     /* [rows] */
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

/* --- blocks ---------------------------------------------------------------------------------- */

/* The index while it is made; what it points to is ours to write. */
struct made {
    float *centroids;
    uint32_t *cell_blocks, *block_rows;
    float *block_scales;
    uint8_t *codes;
};

static void free_made(struct made *m)
{
    mem_free(m->centroids);
    mem_free(m->cell_blocks);
    mem_free(m->block_rows);
    mem_free(m->block_scales);
    mem_free(m->codes);
}

static bool allocate_blocks(struct made *m, uint32_t blocks, uint32_t dim)
{
    size_t places = (size_t)blocks * VEC_BLOCK_ROWS;
    m->block_rows = mem_try_new(places, sizeof *m->block_rows);
    m->block_scales = mem_try_new(places, sizeof *m->block_scales);
    m->codes = mem_try_aligned(blocks, vec_block_bytes(dim), 64);
    return m->block_rows && m->block_scales && m->codes;
}

/* row as int8 at the place-th row of the blocks. */
static void encode(const float *row, uint32_t dim, size_t place, struct made *m)
{
    int8_t code[VECTORS_DIM_MAX];
    float top = 0;
    for (size_t k = 0; k < dim; k++)
        top = fmaxf(top, fabsf(row[k]));
    for (size_t k = 0; k < dim; k++)
        code[k] = top > 0 ? (int8_t)lrintf(row[k] / top * 127) : 0;
    m->block_scales[place] = top / 127;
    vec_block_put(m->codes + place / VEC_BLOCK_ROWS * vec_block_bytes(dim), dim,
                  place % VEC_BLOCK_ROWS, code);
}

/* Rows cell by cell, each cell's in ascending order, a new block for each cell. next [cells] is scratch. */
static void fill(const struct clustering *c, uint32_t *next, struct made *m)
{
    size_t d = c->dim;
    for (uint32_t b = 0; b < m->cell_blocks[c->cells]; b++)
        vec_block_clear(m->codes + b * vec_block_bytes(d), d);
    for (size_t i = 0; i < (size_t)m->cell_blocks[c->cells] * VEC_BLOCK_ROWS; i++)
        m->block_rows[i] = VECTORS_NO_ROW;
    memset(next, 0, c->cells * sizeof *next);
    for (uint32_t r = 0; r < c->rows; r++) {
        uint32_t cell = c->cell[r];
        size_t place = (size_t)m->cell_blocks[cell] * VEC_BLOCK_ROWS + next[cell]++;
        m->block_rows[place] = r;
        encode(c->exact + r * d, c->dim, place, m);
        vec->axpy(1, c->exact + r * d, m->centroids + cell * d, d);
    }
    for (uint32_t k = 0; k < c->cells; k++)
        if (next[k])
            vec->scale(1 / (float)next[k], m->centroids + k * d, d);
}

static enum err_code make(const struct clustering *c, struct made *m, struct err *err)
{
    uint32_t *sizes = mem_try_new(c->cells, sizeof *sizes);
    enum err_code code = ERR_OK;
    m->centroids = mem_try_aligned((size_t)c->cells * c->dim, sizeof *m->centroids, 64);
    m->cell_blocks = mem_try_new((size_t)c->cells + 1, sizeof *m->cell_blocks);
    if (!sizes || !m->centroids || !m->cell_blocks)
        goto full;
    for (uint32_t r = 0; r < c->rows; r++)
        sizes[c->cell[r]]++;
    for (uint32_t k = 0; k < c->cells; k++)
        m->cell_blocks[k + 1] =
            m->cell_blocks[k] + (sizes[k] + VEC_BLOCK_ROWS - 1) / VEC_BLOCK_ROWS;
    if (!allocate_blocks(m, m->cell_blocks[c->cells], c->dim))
        goto full;
    fill(c, sizes, m);
    goto out;
full:
    code = err_set(err, ERR_MEMORY, "no memory to index %u vectors", c->rows);
out:
    mem_free(sizes);
    return code;
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code find_cells(struct clustering *c, uint64_t seed, struct pool *pool,
                                struct err *err)
{
    c->cell = mem_try_new(c->rows, sizeof *c->cell);
    if (c->cell && c->cells == 1)
        return ERR_OK;
    c->unit = mem_try_aligned((size_t)c->rows * c->dim, sizeof *c->unit, 64);
    c->centers = mem_try_aligned((size_t)c->cells * c->dim, sizeof *c->centers, 64);
    if (!c->cell || !c->unit || !c->centers)
        return err_set(err, ERR_MEMORY, "no memory to cluster %u vectors", c->rows);
    memcpy(c->unit, c->exact, (size_t)c->rows * c->dim * sizeof *c->unit);
    for (uint32_t r = 0; r < c->rows; r++)
        normalise(c->unit + (size_t)r * c->dim, c->dim);
    return cluster(c, seed, pool, err);
}

enum err_code vectors_build(float *exact, uint32_t rows, uint32_t dim, uint64_t seed,
                            struct pool *pool, struct vectors *out, struct err *err)
{
    CHECK(rows >= 1 && dim >= 1 && dim <= VECTORS_DIM_MAX);
    struct clustering c = {.exact = exact, .rows = rows, .dim = dim, .cells = 1};
    struct made m = {0};
    if (rows >= VECTORS_CLUSTERED_MIN)
        c.cells = (uint32_t)sqrt((double)rows);
    enum err_code code = find_cells(&c, seed, pool, err);
    if (code == ERR_OK)
        code = make(&c, &m, err);
    mem_free(c.unit);
    mem_free(c.centers);
    mem_free(c.cell);
    if (code != ERR_OK) {
        free_made(&m);
        mem_free(exact);
        return code;
    }
    *out = (struct vectors){.rows = rows,
                            .dim = dim,
                            .cells = c.cells,
                            .blocks = m.cell_blocks[c.cells],
                            .owned = true,
                            .exact = exact,
                            .centroids = m.centroids,
                            .cell_blocks = m.cell_blocks,
                            .block_rows = m.block_rows,
                            .block_scales = m.block_scales,
                            .codes = m.codes};
    return ERR_OK;
}

static void free_owned(const void *p)
{
    mem_free((void *)(uintptr_t)p);
}

void vectors_release(struct vectors *v)
{
    if (v->owned) {
        free_owned(v->exact);
        free_owned(v->centroids);
        free_owned(v->cell_blocks);
        free_owned(v->block_rows);
        free_owned(v->block_scales);
        free_owned(v->codes);
    }
    *v = (struct vectors){0};
}
