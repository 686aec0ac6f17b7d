#include "train/als.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "engine/recommend_model.h"
#include "num/dense.h"
#include "num/small.h"
#include "num/vec.h"

enum { GRAIN = 64, TURN_GRAIN = 4096, SCRATCH_ALIGN = 64, CHUNK = 128 /* rows gathered at once */ };

/* Of one thread. order: dim in whole units. */
struct lane {
    float *system;     /* [order][order] */
    float *gathered;   /* [max(CHUNK, order)][order] Z, or a piece of it */
    float *transposed; /* [order][order] Z' of the dual */
    float *x;          /* [order] */
    float *root;       /* [order] R */
    float *roots;      /* [max(CHUNK, order)] C^1/2 */
    float *v;          /* [max(CHUNK, order)] */
};

struct half_step {
    const struct matrix *m;
    const float *turned;   /* [columns][order] */
    const float *spectrum; /* [order] G */
    const struct als_options *o;
    size_t order;
    double mean_n;
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

float als_regularisation(const struct als_options *o, double n, double columns, double mean_n)
{
    return recommend_lambda(o->regularisation, o->exponent, columns / (double)o->alpha, mean_n, n);
}

static bool dual_is_cheaper(size_t n, size_t d)
{
    double rows = (double)small_order(n), order = (double)d;
    return rows <= order && rows * rows * (order / 2 + rows / 6) + rows * order <
                                order * order * ((double)n / 2 + order / 6);
}

/* Z and v of n cells from `at` on. */
static void gather(const struct half_step *h, struct lane *lane, uint64_t at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float confidence = h->o->alpha * h->m->value[at + i];
        lane->roots[i] = sqrtf(confidence);
        lane->v[i] = (1 + confidence) / lane->roots[i];
    }
    small->gather(h->turned, h->m->column + at, lane->roots, n, lane->root, h->order,
                  lane->gathered);
}

static void set_identity(float *a, size_t order)
{
    memset(a, 0, order * order * sizeof *a);
    for (size_t k = 0; k < order; k++)
        a[k * order + k] = 1;
}

/* x += Z'v */
static void combine(const struct half_step *h, struct lane *lane, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vec->axpy(lane->v[i], lane->gathered + i * h->order, lane->x, h->order);
}

static bool solve_primal(const struct half_step *h, struct lane *lane, uint64_t from, uint64_t to)
{
    set_identity(lane->system, h->order);
    for (uint64_t at = from; at < to; at += CHUNK) {
        size_t n = to - at < CHUNK ? (size_t)(to - at) : CHUNK;
        gather(h, lane, at, n);
        small->gram(lane->gathered, n, h->order, lane->system);
        combine(h, lane, n);
    }
    return small->solve(lane->system, h->order, lane->x);
}

static bool solve_dual(const struct half_step *h, struct lane *lane, uint64_t from, size_t n)
{
    size_t rows = small_order(n);
    gather(h, lane, from, n);
    memset(lane->gathered + n * h->order, 0, (rows - n) * h->order * sizeof(float));
    memset(lane->v + n, 0, (rows - n) * sizeof(float));
    small->transpose(lane->gathered, rows, h->order, lane->transposed);
    set_identity(lane->system, rows);
    small->gram(lane->transposed, h->order, rows, lane->system);
    if (!small->solve(lane->system, rows, lane->v))
        return false;
    combine(h, lane, n);
    return true;
}

static enum err_code solve_row(const struct half_step *h, struct lane *lane, uint32_t row,
                               struct err *err)
{
    uint64_t from = h->m->offsets[row], to = h->m->offsets[row + 1];
    float *out = h->out + (size_t)row * h->o->dim;
    memset(out, 0, h->o->dim * sizeof *out);
    if (from == to)
        return ERR_OK;
    float lambda = als_regularisation(h->o, (double)(to - from), h->m->columns, h->mean_n);
    for (size_t k = 0; k < h->order; k++)
        lane->root[k] = 1 / sqrtf(h->spectrum[k] + lambda);
    memset(lane->x, 0, h->order * sizeof(float));
    bool solved = dual_is_cheaper(to - from, h->order) ? solve_dual(h, lane, from, to - from)
                                                       : solve_primal(h, lane, from, to);
    float sum = 0; /* whatever is not finite turns it into a NaN */
    for (size_t k = 0; k < h->o->dim; k++) {
        out[k] = lane->x[k] * lane->root[k];
        sum += out[k] * 0;
    }
    if (!solved || sum != 0)
        return err_set(err, ERR_INVALID, "row %u: its system cannot be solved in floats", row);
    return ERR_OK;
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
    for (unsigned i = 0; lanes && i < n; i++)
        mem_free(lanes[i].system);
    mem_free(lanes);
}

static struct lane *new_lanes(unsigned n, size_t order)
{
    size_t rows = order > CHUNK ? order : CHUNK;
    size_t all = 2 * order * order + rows * order + 2 * order + 2 * rows;
    struct lane *lanes = mem_new(n, sizeof *lanes);
    for (unsigned i = 0; i < n; i++) {
        struct lane *l = &lanes[i];
        l->system = mem_try_aligned(all, sizeof(float), SCRATCH_ALIGN);
        if (!l->system) {
            free_lanes(lanes, n);
            return NULL;
        }
        l->transposed = l->system + order * order;
        l->gathered = l->transposed + order * order;
        l->x = l->gathered + rows * order;
        l->root = l->x + order;
        l->roots = l->root + order;
        l->v = l->roots + rows;
    }
    return lanes;
}

/* --- turning the fixed side ------------------------------------------------------------------ */

struct turn {
    float *fixed;      /* [columns][dim] in and out */
    const float *axes; /* [dim][dim] */
    float *turned;     /* [columns][order] out */
    size_t dim, order;
};

static void turn_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct turn *t = arg;
    float *from = t->fixed + begin * t->dim, *to = t->turned + begin * t->order;
    (void)lane;
    /* packed at the front of its place first, then spread from the back */
    dense_turn(from, end - begin, t->axes, t->dim, to);
    memcpy(from, to, (end - begin) * t->dim * sizeof *from);
    for (size_t i = end - begin; i-- > 0 && t->order > t->dim;) {
        memmove(to + i * t->order, to + i * t->dim, t->dim * sizeof *to);
        memset(to + i * t->order + t->dim, 0, (t->order - t->dim) * sizeof *to);
    }
}

/* Turn fixed to the axes of its Gram matrix, whose diagonal is spectrum then. */
static enum err_code turn_fixed(const struct turn *t, float *axes, size_t columns, float *spectrum,
                                struct pool *pool, struct err *err)
{
    dense_gram(1, t->fixed, columns, t->dim, 0, axes);
    enum err_code code = dense_eigen(axes, t->dim, spectrum, err);
    for (size_t k = 0; k < t->order && code == ERR_OK; k++)
        spectrum[k] = k < t->dim ? fmaxf(spectrum[k], 0) : 0;
    if (code == ERR_OK)
        pool_for(pool, columns, TURN_GRAIN, turn_range, (void *)(uintptr_t)t);
    return code;
}

/* --- half steps ------------------------------------------------------------------------------ */

static enum err_code check_weights(const struct matrix *m, struct err *err)
{
    uint64_t n = matrix_cells(m);
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(m->value[i]) || m->value[i] <= 0)
            return err_set(err, ERR_INVALID, "weight %g of cell %llu is not positive",
                           (double)m->value[i], (unsigned long long)i);
    return ERR_OK;
}

enum err_code als_half_step(const struct matrix *m, float *fixed, const struct als_options *o,
                            struct pool *pool, float *out, struct err *err)
{
    size_t d = o->dim, order = small_order(d);
    unsigned n = pool_lanes(pool);
    float *axes = mem_try_aligned(d * d + order, sizeof *axes, SCRATCH_ALIGN);
    float *turned = mem_try_aligned((size_t)m->columns * order, sizeof *turned, SCRATCH_ALIGN);
    struct lane *lanes = new_lanes(n, order);
    enum err_code code = ERR_OK;
    if (!axes || !turned || !lanes) {
        code = err_set(err, ERR_MEMORY, "no memory for systems of %zu", d);
        goto out;
    }
    float *spectrum = axes + d * d;
    struct turn turn = {.fixed = fixed, .axes = axes, .turned = turned, .dim = d, .order = order};
    code = turn_fixed(&turn, axes, m->columns, spectrum, pool, err);
    if (code != ERR_OK)
        goto out;
    struct half_step h = {.m = m,
                          .turned = turned,
                          .spectrum = spectrum,
                          .o = o,
                          .order = order,
                          .mean_n = (double)matrix_cells(m) / (m->rows ? m->rows : 1),
                          .out = out,
                          .lanes = lanes};
    pool_for(pool, m->rows, GRAIN, solve_range, &h);
    if (atomic_load(&h.failed)) {
        if (err)
            *err = h.err;
        code = h.err.code;
    }
out:
    mem_free(axes);
    mem_free(turned);
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

/* sum of lambda_u |x_u|^2 */
static double penalty(const struct matrix *m, const struct als_options *o, const float *factors)
{
    double sum = 0, mean_n = (double)matrix_cells(m) / (m->rows ? m->rows : 1);
    for (uint32_t row = 0; row < m->rows; row++) {
        const float *x = factors + (size_t)row * o->dim;
        double n = (double)(m->offsets[row + 1] - m->offsets[row]), square = 0;
        for (size_t k = 0; k < o->dim; k++)
            square += (double)x[k] * (double)x[k];
        sum += (double)als_regularisation(o, n, m->columns, mean_n) * square;
    }
    return sum;
}

double als_loss(const struct matrix *by_user, const struct matrix *by_item,
                const struct als_options *o, const float *user_factors, const float *item_factors)
{
    size_t d = o->dim;
    float *gx = mem_new(d * d, sizeof *gx), *gy = mem_new(d * d, sizeof *gy);
    double loss = penalty(by_user, o, user_factors) + penalty(by_item, o, item_factors);
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
