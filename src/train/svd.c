#include "train/svd.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "num/dense.h"
#include "num/vec.h"

enum {
    GRAIN = 256, /* rows of a sparse product */
    SLICE =
        2048, /* rows of a dense one: fixed, so that sums do not depend on the number of threads */
    WIDTH_MIN = 64,
    TRIES = 3 /* random columns in place of those that have nothing new */
};

/* What is left of a column, or of a direction among columns of length 1, when it is rounding alone. */
#define NOTHING_NEW 1e-5f

/* Eigenvalues of K'A K below this share of the largest are 0 but for rounding. */
#define NO_VALUE 1e-6f

struct work {
    const struct matrix *m, *transposed;
    struct pool *pool;
    size_t columns, block, blocks, done; /* blocks of the basis that are there */
    float *basis[SVD_BLOCKS];            /* [columns][block] each */
    float *image;                        /* [columns][block] the next block in the making */
    float *spare;                        /* [columns][block] */
    float *users;                        /* [rows][block] R K */
    float *cross;                        /* [blocks][block][block] transpose(basis) * image */
    float *gram;                         /* [block][block] */
    float *lengths, *scratch;            /* [block] */
    float *ritz;                         /* [width][width] K'A K, then its eigenvectors */
    struct rng rng;
};

/* --- products -------------------------------------------------------------------------------- */

struct sparse_product {
    const struct matrix *m;
    const float *in; /* [columns of m][block] */
    float *out;      /* [rows of m][block] */
    size_t block;
};

static void multiply_rows(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct sparse_product *p = arg;
    (void)lane;
    for (size_t r = begin; r < end; r++) {
        float *out = p->out + r * p->block;
        memset(out, 0, p->block * sizeof *out);
        for (uint64_t i = p->m->offsets[r]; i < p->m->offsets[r + 1]; i++)
            vec->axpy(p->m->value[i], p->in + p->m->column[i] * p->block, out, p->block);
    }
}

/* image = R'(R in) */
static void apply(struct work *w, const float *in)
{
    struct sparse_product there = {w->m, in, w->users, w->block};
    struct sparse_product back = {w->transposed, w->users, w->image, w->block};
    pool_for(w->pool, w->m->rows, GRAIN, multiply_rows, &there);
    pool_for(w->pool, w->columns, GRAIN, multiply_rows, &back);
}

static void cross_blocks(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct work *w = arg;
    size_t b = w->block;
    (void)lane;
    for (size_t i = begin; i < end; i++)
        dense_cross(w->basis[i], w->columns, b, w->image, b, w->cross + i * b * b);
}

static void subtract_slice(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct work *w = arg;
    size_t b = w->block;
    (void)lane;
    for (size_t i = 0; i < w->done; i++)
        dense_add(-1, w->basis[i] + begin * b, end - begin, b, w->cross + i * b * b, b,
                  w->image + begin * b);
}

static void turn_slice(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct work *w = arg;
    size_t b = w->block, n = (end - begin) * b;
    (void)lane;
    memset(w->spare + begin * b, 0, n * sizeof *w->spare);
    dense_add(1, w->image + begin * b, end - begin, b, w->gram, b, w->spare + begin * b);
}

/* --- an orthonormal block -------------------------------------------------------------------- */

/* cross = transpose(basis) * image */
static void project(struct work *w)
{
    pool_for(w->pool, w->done, 1, cross_blocks, w);
}

static void subtract_projection(struct work *w)
{
    pool_for(w->pool, w->columns, SLICE, subtract_slice, w);
}

static void measure(const struct work *w, float *lengths)
{
    double sums[DENSE_MAX_ORDER] = {0};
    for (size_t r = 0; r < w->columns; r++)
        for (size_t k = 0; k < w->block; k++)
            sums[k] += (double)w->image[r * w->block + k] * (double)w->image[r * w->block + k];
    for (size_t k = 0; k < w->block; k++)
        lengths[k] = (float)sqrt(sums[k]);
}

/* Turn image to orthonormal columns that span the same, those without anything new (at most
 * NOTHING_NEW of floor [block] long) being 0 and last. Returns in *kept how many are not. */
static enum err_code orthonormalise(struct work *w, const float *floor, size_t *kept,
                                    struct err *err)
{
    size_t b = w->block;
    float *values = w->scratch;
    measure(w, w->lengths);
    for (size_t k = 0; k < b; k++) {
        bool keep = w->lengths[k] > NOTHING_NEW * floor[k];
        w->lengths[k] = keep ? 1 / w->lengths[k] : 0;
    }
    for (size_t r = 0; r < w->columns; r++)
        for (size_t k = 0; k < b; k++)
            w->image[r * b + k] *= w->lengths[k];
    dense_gram(1, w->image, w->columns, b, 0, w->gram);
    enum err_code code = dense_eigen(w->gram, b, values, err);
    if (code != ERR_OK)
        return code;
    /* Rows of gram are eigenvectors, ascending: they become columns, descending. */
    float *turn = w->cross;
    *kept = 0;
    for (size_t k = 0; k < b; k++) {
        size_t from = b - 1 - k;
        bool keep = values[from] > NOTHING_NEW * values[b - 1];
        float scale = keep ? 1 / sqrtf(values[from]) : 0;
        *kept += keep;
        for (size_t i = 0; i < b; i++)
            turn[i * b + k] = w->gram[from * b + i] * scale;
    }
    memcpy(w->gram, turn, b * b * sizeof *turn);
    pool_for(w->pool, w->columns, SLICE, turn_slice, w);
    float *swap = w->image;
    w->image = w->spare;
    w->spare = swap;
    return ERR_OK;
}

static void randomise(struct work *w, size_t from)
{
    for (size_t r = 0; r < w->columns; r++)
        for (size_t k = from; k < w->block; k++)
            w->image[r * w->block + k] = (float)rng_normal(&w->rng);
}

/* What is new in image becomes the next block of the basis. */
static enum err_code add_block(struct work *w, struct err *err)
{
    float before[DENSE_MAX_ORDER], one[DENSE_MAX_ORDER];
    size_t kept = 0;
    for (size_t k = 0; k < w->block; k++)
        one[k] = 1;
    for (int t = 0; t < TRIES && kept < w->block; t++) {
        if (t > 0)
            randomise(w, kept);
        measure(w, before);
        project(w);
        subtract_projection(w);
        enum err_code code = orthonormalise(w, before, &kept, err);
        if (code != ERR_OK)
            return code;
        /* Twice is enough (Giraud et al. 2005). */
        project(w);
        subtract_projection(w);
        code = orthonormalise(w, one, &kept, err);
        if (code != ERR_OK)
            return code;
    }
    memcpy(w->basis[w->done++], w->image, w->columns * w->block * sizeof *w->image);
    return ERR_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Block column `done - 1` of K'A K, and what mirrors it. */
static void note_ritz(struct work *w)
{
    size_t b = w->block, width = b * w->blocks, column = (w->done - 1) * b;
    for (size_t i = 0; i < w->done; i++)
        for (size_t r = 0; r < b; r++)
            for (size_t c = 0; c < b; c++) {
                float x = w->cross[(i * b + r) * b + c];
                w->ritz[(i * b + r) * width + column + c] = x;
                w->ritz[(column + c) * width + i * b + r] = x;
            }
}

static enum err_code build_basis(struct work *w, struct err *err)
{
    randomise(w, 0);
    enum err_code code = add_block(w, err);
    while (code == ERR_OK) {
        code = signal_check(err);
        if (code != ERR_OK)
            break;
        apply(w, w->basis[w->done - 1]);
        project(w);
        note_ritz(w);
        if (w->done == w->blocks)
            break;
        code = add_block(w, err);
    }
    return code;
}

struct turning {
    const struct work *w;
    const float *turn; /* [width][dim] */
    float *vectors;    /* [columns][dim] */
    size_t dim;
};

static void turn_back(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct turning *t = arg;
    size_t b = t->w->block, d = t->dim;
    (void)lane;
    memset(t->vectors + begin * d, 0, (end - begin) * d * sizeof *t->vectors);
    for (size_t i = 0; i < t->w->blocks; i++)
        dense_add(1, t->w->basis[i] + begin * b, end - begin, b, t->turn + i * b * d, d,
                  t->vectors + begin * d);
}

static enum err_code extract(struct work *w, uint32_t dim, float *vectors, float *values,
                             struct err *err)
{
    size_t width = w->block * w->blocks;
    float *turn = mem_try_new(width * dim, sizeof *turn);
    float *spectrum = mem_try_new(width, sizeof *spectrum);
    enum err_code code = turn && spectrum
                             ? dense_eigen(w->ritz, width, spectrum, err)
                             : err_set(err, ERR_MEMORY, "no memory for %zu axes", width);
    if (code == ERR_OK) {
        for (size_t k = 0; k < dim; k++) {
            size_t from = width - 1 - k;
            bool keep = spectrum[from] > NO_VALUE * spectrum[width - 1];
            values[k] = keep ? sqrtf(spectrum[from]) : 0;
            for (size_t i = 0; i < width; i++)
                turn[i * dim + k] = keep ? w->ritz[from * width + i] : 0;
        }
        struct turning t = {w, turn, vectors, dim};
        pool_for(w->pool, w->columns, SLICE, turn_back, &t);
    }
    mem_free(turn);
    mem_free(spectrum);
    return code;
}

static enum err_code allocate(struct work *w, struct err *err)
{
    size_t b = w->block, width = b * w->blocks;
    bool good = true;
    for (size_t i = 0; i < w->blocks; i++) {
        w->basis[i] = mem_try_aligned(w->columns * b, sizeof(float), 64);
        good = good && w->basis[i];
    }
    w->image = mem_try_aligned(w->columns * b, sizeof(float), 64);
    w->spare = mem_try_aligned(w->columns * b, sizeof(float), 64);
    w->users = mem_try_aligned(w->m->rows * b, sizeof(float), 64);
    w->cross = mem_try_aligned(w->blocks * b * b, sizeof(float), 64);
    w->gram = mem_try_aligned(b * b, sizeof(float), 64);
    w->lengths = mem_try_new(b, sizeof(float));
    w->scratch = mem_try_new(b, sizeof(float));
    w->ritz = mem_try_aligned(width * width, sizeof(float), 64);
    good = good && w->image && w->spare && w->users && w->cross && w->gram && w->lengths &&
           w->scratch && w->ritz;
    return good ? ERR_OK
                : err_set(err, ERR_MEMORY, "no memory for singular vectors of %zu columns",
                          w->columns);
}

static void release(struct work *w)
{
    for (size_t i = 0; i < w->blocks; i++)
        mem_free(w->basis[i]);
    mem_free(w->image);
    mem_free(w->spare);
    mem_free(w->users);
    mem_free(w->cross);
    mem_free(w->gram);
    mem_free(w->lengths);
    mem_free(w->scratch);
    mem_free(w->ritz);
}

enum err_code svd_right(const struct matrix *m, const struct matrix *transposed, uint32_t dim,
                        uint64_t seed, struct pool *pool, float *vectors, float *values,
                        struct err *err)
{
    size_t smaller = m->rows < m->columns ? m->rows : m->columns;
    if (dim < 1 || dim > SVD_DIM_MAX || dim > smaller)
        return err_set(
            err, ERR_INVALID,
            "%u singular vectors of a matrix of %u rows and %u columns: not between 1 and "
            "%zu",
            dim, m->rows, m->columns, smaller < SVD_DIM_MAX ? smaller : SVD_DIM_MAX);
    size_t width = 4 * (size_t)dim < WIDTH_MIN ? WIDTH_MIN : 4 * (size_t)dim;
    width = width > DENSE_MAX_ORDER ? DENSE_MAX_ORDER : width;
    width = width > m->columns ? m->columns : width;
    size_t block = (width + SVD_BLOCKS - 1) / SVD_BLOCKS;
    struct work w = {.m = m,
                     .transposed = transposed,
                     .pool = pool,
                     .columns = m->columns,
                     .block = block,
                     .blocks = (width + block - 1) / block};
    rng_init(&w.rng, seed);
    enum err_code code = allocate(&w, err);
    if (code == ERR_OK)
        code = build_basis(&w, err);
    if (code == ERR_OK)
        code = extract(&w, dim, vectors, values, err);
    release(&w);
    return code;
}
