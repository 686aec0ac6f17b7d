#include "train/als.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "engine/recommend_model.h"
#include "num/dense.h"
#include "num/vec.h"
#include "train/als_int.h"

enum { GRAIN = 64, TURN_GRAIN = 4096 };

float als_regularisation(const struct als_options *o, double n, double columns, double mean_n)
{
    return recommend_lambda(o->regularisation, o->exponent, columns / (double)o->alpha, mean_n, n);
}

static void report(struct half_step *h, const struct err *err)
{
    if (!atomic_exchange(&h->failed, true))
        h->err = *err;
}

static void solve_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct half_step *h = arg;
    struct err err;
    for (size_t row = begin; row < end && !atomic_load(&h->failed); row++)
        if (signal_check(&err) != ERR_OK ||
            als_solve_row(h, &h->lanes[lane], (uint32_t)row, &err) != ERR_OK)
            report(h, &err);
}

/* --- turning the fixed side ------------------------------------------------------------------ */

struct turn {
    float *factors;    /* [rows][dim] in and out */
    const float *axes; /* [dim][dim] */
    float *turned;     /* [rows][order] out */
    size_t dim, order;
};

static void turn_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct turn *t = arg;
    float *from = t->factors + begin * t->dim, *to = t->turned + begin * t->order;
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
    dense_gram(1, t->factors, columns, t->dim, 0, axes);
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

static size_t longest_row(const struct matrix *m)
{
    uint64_t longest = 0;
    for (uint32_t row = 0; row < m->rows; row++)
        if (m->offsets[row + 1] - m->offsets[row] > longest)
            longest = m->offsets[row + 1] - m->offsets[row];
    return (size_t)longest;
}

/* What a block step begins with goes along when the fixed side is turned. */
static enum err_code turn_along(const struct turn *fixed, uint32_t rows, float *out,
                                struct pool *pool, struct err *err)
{
    struct turn turn = *fixed;
    turn.factors = out;
    turn.turned = mem_try_aligned((size_t)rows * turn.order, sizeof *turn.turned, ALS_ALIGN);
    if (!turn.turned)
        return err_set(err, ERR_MEMORY, "no memory to turn %u rows", rows);
    pool_for(pool, rows, TURN_GRAIN, turn_range, &turn);
    mem_free(turn.turned);
    return ERR_OK;
}

enum err_code als_half_step(const struct matrix *m, float *fixed, const struct als_options *o,
                            struct pool *pool, float *out, struct err *err)
{
    size_t d = o->dim, order = small_order(d);
    unsigned n = pool_lanes(pool);
    float *axes = mem_try_aligned(d * d + order, sizeof *axes, ALS_ALIGN);
    float *turned = mem_try_aligned((size_t)m->columns * order, sizeof *turned, ALS_ALIGN);
    struct lane *lanes = als_lanes_new(n, o, longest_row(m));
    enum err_code code = ERR_OK;
    if (!axes || !turned || !lanes) {
        code = err_set(err, ERR_MEMORY, "no memory for systems of %zu", d);
        goto out;
    }
    float *spectrum = axes + d * d;
    struct turn turn = {.factors = fixed, .axes = axes, .turned = turned, .dim = d, .order = order};
    code = turn_fixed(&turn, axes, m->columns, spectrum, pool, err);
    if (code == ERR_OK && o->block)
        code = turn_along(&turn, m->rows, out, pool, err);
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
    als_lanes_free(lanes, n);
    return code;
}

void als_start(float *factors, size_t n, size_t d, uint64_t seed)
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
    if (!o->warm)
        als_start(item_factors, by_item->rows, o->dim, o->seed);
    memset(user_factors, 0, (size_t)by_user->rows * o->dim * sizeof *user_factors);
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
