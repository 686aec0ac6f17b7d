#include "train/als.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "num/dense.h"
#include "num/vec.h"

enum { GRAIN = 64, SCRATCH_ALIGN = 64, GATHER_MAX = 4096 /* rows of Y copied at once */ };

struct lane {
    float *a;      /* [dim][dim] the system */
    float *gather; /* [GATHER_MAX][dim] scaled rows of Y */
};

struct half_step {
    const struct matrix *m;
    const float *fixed; /* [columns][dim] */
    const float *gram;  /* [dim][dim] Y'Y */
    const struct als_options *o;
    float *out;
    struct lane *lanes;
    _Atomic bool failed;
    struct err err; /* of the first failure; written by who sets failed */
};

static void report(struct half_step *h, const struct err *err)
{
    if (!atomic_exchange(&h->failed, true))
        h->err = *err;
}

/* A += sum of alpha w y y', b += sum of (1 + alpha w) y, GATHER_MAX cells at a time. */
static void accumulate(const struct half_step *h, struct lane *lane, uint64_t from, uint64_t to,
                       float *b)
{
    size_t d = h->o->dim;
    for (uint64_t at = from; at < to; at += GATHER_MAX) {
        size_t n = to - at < GATHER_MAX ? (size_t)(to - at) : GATHER_MAX;
        for (size_t i = 0; i < n; i++) {
            const float *y = h->fixed + (size_t)h->m->column[at + i] * d;
            float confidence = h->o->alpha * h->m->value[at + i];
            float root = sqrtf(confidence);
            float *row = lane->gather + i * d;
            for (size_t k = 0; k < d; k++)
                row[k] = root * y[k];
            vec->axpy(1 + confidence, y, b, d);
        }
        dense_gram(1, lane->gather, n, d, 1, lane->a);
    }
}

static enum err_code solve_row(const struct half_step *h, struct lane *lane, uint32_t row,
                               struct err *err)
{
    size_t d = h->o->dim;
    float *b = h->out + (size_t)row * d;
    uint64_t from = h->m->offsets[row], to = h->m->offsets[row + 1];
    memset(b, 0, d * sizeof *b);
    if (from == to)
        return ERR_OK;
    memcpy(lane->a, h->gram, d * d * sizeof *lane->a);
    accumulate(h, lane, from, to, b);
    for (size_t k = 0; k < d; k++)
        lane->a[k * d + k] += h->o->regularisation;
    enum err_code code = dense_solve_spd(lane->a, d, b, 1, err);
    return code == ERR_OK ? code : err_prefix(err, code, "row %u", row);
}

static void solve_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct half_step *h = arg;
    struct err err;
    for (size_t row = begin; row < end && !atomic_load(&h->failed); row++)
        if (signal_check(&err) != ERR_OK ||
            solve_row(h, &h->lanes[lane], (uint32_t)row, &err) != ERR_OK)
            report(h, &err);
}

static void free_lanes(struct lane *lanes, unsigned n)
{
    for (unsigned i = 0; lanes && i < n; i++) {
        mem_free(lanes[i].a);
        mem_free(lanes[i].gather);
    }
    mem_free(lanes);
}

static struct lane *new_lanes(unsigned n, size_t d)
{
    struct lane *lanes = mem_new(n, sizeof *lanes);
    bool good = true;
    for (unsigned i = 0; i < n; i++) {
        lanes[i].a = mem_try_aligned(d * d, sizeof(float), SCRATCH_ALIGN);
        lanes[i].gather = mem_try_aligned(GATHER_MAX * d, sizeof(float), SCRATCH_ALIGN);
        good = good && lanes[i].a && lanes[i].gather;
    }
    if (good)
        return lanes;
    free_lanes(lanes, n);
    return NULL;
}

static enum err_code check_weights(const struct matrix *m, struct err *err)
{
    uint64_t n = matrix_cells(m);
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(m->value[i]) || m->value[i] <= 0)
            return err_set(err, ERR_INVALID, "weight %g of cell %llu is not positive",
                           (double)m->value[i], (unsigned long long)i);
    return ERR_OK;
}

enum err_code als_half_step(const struct matrix *m, const float *fixed, const struct als_options *o,
                            struct pool *pool, float *out, struct err *err)
{
    size_t d = o->dim;
    unsigned n = pool_lanes(pool);
    float *gram = mem_try_aligned(d * d, sizeof *gram, SCRATCH_ALIGN);
    struct lane *lanes = new_lanes(n, d);
    enum err_code code = ERR_OK;
    if (!gram || !lanes) {
        code = err_set(err, ERR_MEMORY, "no memory for systems of %zu", d);
        goto out;
    }
    dense_gram(1, fixed, m->columns, d, 0, gram);
    struct half_step h = {.m = m, .fixed = fixed, .gram = gram, .o = o, .out = out, .lanes = lanes};
    pool_for(pool, m->rows, GRAIN, solve_range, &h);
    if (atomic_load(&h.failed)) {
        if (err)
            *err = h.err;
        code = h.err.code;
    }
out:
    mem_free(gram);
    free_lanes(lanes, n);
    return code;
}

/* Small, so that the first half step sees a nearly flat space. */
static void start(float *factors, size_t n, size_t d, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    float scale = 0.1f / sqrtf((float)d);
    for (size_t i = 0; i < n * d; i++)
        factors[i] = scale * (float)rng_normal(&rng);
}

enum err_code als_fit(const struct matrix *by_user, const struct matrix *by_item,
                      const struct als_options *o, struct pool *pool, float *user_factors,
                      float *item_factors, struct err *err)
{
    enum err_code code = check_weights(by_user, err);
    start(item_factors, by_item->rows, o->dim, o->seed);
    for (uint32_t i = 0; i < o->iterations && code == ERR_OK; i++) {
        code = als_half_step(by_user, item_factors, o, pool, user_factors, err);
        if (code == ERR_OK)
            code = als_half_step(by_item, user_factors, o, pool, item_factors, err);
        if (code == ERR_OK && o->progress)
            o->progress(o->progress_arg, (i + 1.0) / o->iterations);
    }
    return code;
}

static double squares(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

double als_loss(const struct matrix *by_user, const struct als_options *o,
                const float *user_factors, const float *item_factors)
{
    size_t d = o->dim;
    float *gx = mem_new(d * d, sizeof *gx), *gy = mem_new(d * d, sizeof *gy);
    double loss = o->regularisation * (squares(user_factors, by_user->rows * d) +
                                       squares(item_factors, by_user->columns * d));
    dense_gram(1, user_factors, by_user->rows, d, 0, gx);
    dense_gram(1, item_factors, by_user->columns, d, 0, gy);
    for (size_t i = 0; i < d * d; i++) /* all cells as if p = 0, c = 1: trace(X'X Y'Y) */
        loss += (double)gx[i] * (double)gy[i];
    for (uint32_t u = 0; u < by_user->rows; u++)
        for (uint64_t i = by_user->offsets[u]; i < by_user->offsets[u + 1]; i++) {
            double s = (double)vec->dot(user_factors + u * d,
                                        item_factors + (size_t)by_user->column[i] * d, d);
            double c = 1 + (double)o->alpha * (double)by_user->value[i];
            loss += c * (1 - s) * (1 - s) - s * s;
        }
    mem_free(gx);
    mem_free(gy);
    return loss;
}
