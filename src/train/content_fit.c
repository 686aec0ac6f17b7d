/* content_fit.c - the solver of content.h. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "num/dense.h"
#include "num/vec.h"
#include "train/content.h"

enum { ITEM_GRAIN = 64, FEATURE_GRAIN = 64 };

struct solver {
    const struct matrix *features; /* [items][features] */
    struct matrix by_feature;      /* its transpose */
    const struct matrix *by_item;  /* [items][users] */
    const float *users;            /* [users][dim] */
    const struct content_options *o;
    struct pool *pool;
    size_t dim, size; /* size: of W */
    float *gram;      /* [dim][dim] users' */
    float *at_items;  /* [items][dim] what an item adds to its features */
    float *lanes;     /* [lanes][dim] */
    float *diagonal;  /* [features] */
    const float *in;  /* [features][dim] of a step */
    float *out;       /* [features][dim] of a step */
};

static bool is_known(const struct solver *s, size_t item)
{
    return s->by_item->offsets[item + 1] > s->by_item->offsets[item];
}

/* at_items[i] = A_i W'f_i,  A_i = G + sum over the item's users of alpha w x x' */
static void apply_items(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct solver *s = arg;
    const struct matrix *f = s->features, *m = s->by_item;
    size_t d = s->dim;
    float *v = s->lanes + lane * d;
    for (size_t item = begin; item < end; item++) {
        float *out = s->at_items + item * d;
        memset(out, 0, d * sizeof *out);
        if (!is_known(s, item))
            continue;
        memset(v, 0, d * sizeof *v);
        for (uint64_t k = f->offsets[item]; k < f->offsets[item + 1]; k++)
            vec->axpy(f->value[k], s->in + (size_t)f->column[k] * d, v, d);
        for (size_t k = 0; k < d; k++)
            vec->axpy(v[k], s->gram + k * d, out, d);
        for (uint64_t k = m->offsets[item]; k < m->offsets[item + 1]; k++) {
            const float *x = s->users + (size_t)m->column[k] * d;
            vec->axpy(s->o->alpha * m->value[k] * vec->dot(x, v, d), x, out, d);
        }
    }
}

/* at_items[i] = sum over the item's users of (1 + alpha w) x */
static void target_items(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct solver *s = arg;
    const struct matrix *m = s->by_item;
    size_t d = s->dim;
    (void)lane;
    for (size_t item = begin; item < end; item++) {
        float *out = s->at_items + item * d;
        memset(out, 0, d * sizeof *out);
        for (uint64_t k = m->offsets[item]; k < m->offsets[item + 1]; k++)
            vec->axpy(1 + s->o->alpha * m->value[k], s->users + (size_t)m->column[k] * d, out, d);
    }
}

/* out[k] = sum over items of f_ik at_items[i] + mu in[k] */
static void gather_features(void *arg, size_t begin, size_t end, unsigned lane)
{
    const struct solver *s = arg;
    const struct matrix *f = &s->by_feature;
    size_t d = s->dim;
    (void)lane;
    for (size_t k = begin; k < end; k++) {
        float *out = s->out + k * d;
        memset(out, 0, d * sizeof *out);
        for (uint64_t i = f->offsets[k]; i < f->offsets[k + 1]; i++)
            vec->axpy(f->value[i], s->at_items + (size_t)f->column[i] * d, out, d);
        if (s->in)
            vec->axpy(s->o->mu, s->in + k * d, out, d);
    }
}

static void apply(struct solver *s, pool_range_fn *items, const float *in, float *out)
{
    s->in = in;
    s->out = out;
    pool_for(s->pool, s->features->rows, ITEM_GRAIN, items, s);
    pool_for(s->pool, s->features->columns, FEATURE_GRAIN, gather_features, s);
}

/* The diagonal of the system, its mean over the factors: mu + sum over items of f_ik^2 trace(A_i) / dim. */
static void fill_diagonal(struct solver *s)
{
    const struct matrix *m = s->by_item, *f = s->features;
    double trace = 0;
    for (size_t k = 0; k < s->dim; k++)
        trace += (double)s->gram[k * s->dim + k];
    for (uint32_t k = 0; k < f->columns; k++)
        s->diagonal[k] = s->o->mu;
    for (uint32_t item = 0; item < f->rows; item++) {
        if (!is_known(s, item))
            continue;
        double mine = trace;
        for (uint64_t k = m->offsets[item]; k < m->offsets[item + 1]; k++) {
            const float *x = s->users + (size_t)m->column[k] * s->dim;
            mine += (double)(s->o->alpha * m->value[k] * vec->dot(x, x, s->dim));
        }
        for (uint64_t k = f->offsets[item]; k < f->offsets[item + 1]; k++)
            s->diagonal[f->column[k]] += (float)(mine / (double)s->dim) * f->value[k] * f->value[k];
    }
}

/* --- conjugate gradients --------------------------------------------------------------------- */

/* The sum in double precision, of a row at a time. */
static double inner(const struct solver *s, const float *a, const float *b)
{
    double sum = 0;
    for (size_t at = 0; at < s->size; at += s->dim)
        sum += (double)vec->dot(a + at, b + at, s->dim);
    return sum;
}

static void precondition(const struct solver *s, const float *r, float *z)
{
    memcpy(z, r, s->size * sizeof *z);
    for (size_t k = 0; k < s->features->columns; k++)
        vec->scale(1 / s->diagonal[k], z + k * s->dim, s->dim);
}

static enum err_code solve(struct solver *s, float *w, float *r, float *z, float *p, float *q,
                           struct err *err)
{
    enum err_code code = ERR_OK;
    memset(w, 0, s->size * sizeof *w);
    apply(s, target_items, NULL, r);
    precondition(s, r, z);
    memcpy(p, z, s->size * sizeof *p);
    double rz = inner(s, r, z), enough = inner(s, r, r);
    if (!isfinite(enough))
        return err_set(err, ERR_INVALID, "the shoppers' factors are not finite");
    enough *= (double)s->o->residual * (double)s->o->residual;
    for (uint32_t i = 0; i < s->o->iterations && code == ERR_OK && inner(s, r, r) > enough; i++) {
        apply(s, apply_items, p, q);
        double pq = inner(s, p, q), step = rz / pq;
        if (!isfinite(step) || pq <= 0)
            return err_set(err, ERR_INVALID, "the content model cannot be solved in floats");
        vec->axpy((float)step, p, w, s->size);
        vec->axpy((float)-step, q, r, s->size);
        precondition(s, r, z);
        double next = inner(s, r, z);
        vec->scale((float)(next / rz), p, s->size);
        vec->axpy(1, z, p, s->size);
        rz = next;
        code = signal_check(err);
    }
    return code;
}

enum err_code content_fit(const struct matrix *features, const struct matrix *by_item,
                          const float *users, const struct content_options *o, struct pool *pool,
                          float *weights, struct err *err)
{
    size_t d = o->dim, n = features->columns;
    struct solver s = {.features = features,
                       .by_item = by_item,
                       .users = users,
                       .o = o,
                       .pool = pool,
                       .dim = d,
                       .size = n * d};
    enum err_code code = matrix_transpose(features, &s.by_feature, err);
    if (code != ERR_OK)
        return code;
    s.gram = mem_try_new(d * d, sizeof *s.gram);
    s.at_items = mem_try_new((size_t)features->rows * d, sizeof *s.at_items);
    s.lanes = mem_try_new(pool_lanes(pool) * d, sizeof *s.lanes);
    s.diagonal = mem_try_new(n, sizeof *s.diagonal);
    float *room = mem_try_new(4 * s.size, sizeof *room);
    if (!s.gram || !s.at_items || !s.lanes || !s.diagonal || !room) {
        code = err_set(err, ERR_MEMORY, "no memory for %zu features", n);
        goto out;
    }
    dense_gram(1, users, by_item->columns, d, 0, s.gram);
    fill_diagonal(&s);
    code = solve(&s, weights, room, room + s.size, room + 2 * s.size, room + 3 * s.size, err);
out:
    matrix_release(&s.by_feature);
    mem_free(s.gram);
    mem_free(s.at_items);
    mem_free(s.lanes);
    mem_free(s.diagonal);
    mem_free(room);
    return code;
}
