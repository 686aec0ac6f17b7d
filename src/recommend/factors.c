#include "recommend/factors.h"

#include <math.h>
#include <string.h>

#include "num/vec.h"

/* (I + R Y'CY R) t = b with R = D^-1/2 */
struct fold_in {
    const float *factors;    /* Y: of all products */
    const uint32_t *rows;    /* [n] of them */
    const float *confidence; /* [n] C */
    const float *root;       /* [dim] R */
    size_t n, dim;
    float *dots;   /* [n] scratch */
    float *scaled; /* [dim] scratch */
};

static void multiply(const float *a, const float *b, float *out, size_t n)
{
    for (size_t k = 0; k < n; k++)
        out[k] = a[k] * b[k];
}

/* out = (I + R Y'CY R) p */
static void apply(const struct fold_in *f, const float *p, float *out)
{
    multiply(f->root, p, f->scaled, f->dim);
    vec->dot_rows(f->scaled, f->factors, f->dim, f->dim, f->rows, f->n, f->dots);
    memset(out, 0, f->dim * sizeof *out);
    for (size_t i = 0; i < f->n; i++)
        vec->axpy(f->confidence[i] * f->dots[i], f->factors + (size_t)f->rows[i] * f->dim, out,
                  f->dim);
    multiply(f->root, out, out, f->dim);
    vec->axpy(1, p, out, f->dim);
}

/* t = 0 at the start; r is b and becomes the residual; p and ap [dim] are scratch. Returns whether all
 * stayed finite. */
static bool solve(const struct fold_in *f, float *t, float *r, float *p, float *ap)
{
    size_t d = f->dim, steps_max = (f->n < d ? f->n : d) * 2 + 10;
    float rr = vec->dot(r, r, d), enough = FOLD_IN_RESIDUAL * FOLD_IN_RESIDUAL * rr;
    memcpy(p, r, d * sizeof *p);
    for (size_t step = 0; step < steps_max && rr > enough; step++) {
        apply(f, p, ap);
        float length = rr / vec->dot(p, ap, d);
        vec->axpy(length, p, t, d);
        vec->axpy(-length, ap, r, d);
        float next = vec->dot(r, r, d);
        vec->scale(next / rr, p, d);
        vec->axpy(1, r, p, d);
        rr = next;
    }
    return isfinite(rr) && isfinite(vec->dot(t, t, d));
}

/* What each act adds, as the trainer would (train/propagation.h). */
static void add_up(const struct recommend_model *m, const uint32_t *rows, const float *weights,
                   size_t n, float *x)
{
    memset(x, 0, m->dim * sizeof *x);
    for (size_t i = 0; i < n; i++)
        vec->axpy(weights[i] * m->fold_in[rows[i]], m->vectors.exact + (size_t)rows[i] * m->dim, x,
                  m->dim);
}

static enum err_code solve_als(const struct recommend_model *m, const float *factors,
                               const uint32_t *rows, const float *weights, size_t n,
                               struct arena *arena, float *x, struct err *err)
{
    enum { VECTORS = 5 };
    size_t d = m->dim;
    float *confidence = arena_try_alloc(arena, n * sizeof *confidence);
    float *dots = arena_try_alloc(arena, n * sizeof *dots);
    float *scratch = arena_try_alloc(arena, VECTORS * d * sizeof *scratch);
    if (!confidence || !dots || !scratch)
        return err_set(err, ERR_LIMIT, "a shopper's history of %zu does not fit", n);
    float *root = scratch, *b = root + d, *p = b + d, *ap = p + d, *scaled = ap + d;
    float lambda =
        recommend_lambda(m->regularisation, m->exponent, (double)m->rows / (double)m->alpha,
                         (double)m->mean_products, (double)n);
    for (size_t k = 0; k < d; k++)
        root[k] = 1 / sqrtf(m->spectrum[k] + lambda);
    memset(b, 0, d * sizeof *b);
    memset(x, 0, d * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        confidence[i] = m->alpha * weights[i];
        vec->axpy(1 + confidence[i], factors + (size_t)rows[i] * d, b, d);
    }
    multiply(root, b, b, d);
    struct fold_in f = {.factors = factors,
                        .rows = rows,
                        .confidence = confidence,
                        .root = root,
                        .n = n,
                        .dim = d,
                        .dots = dots,
                        .scaled = scaled};
    if (!solve(&f, x, b, p, ap))
        return err_set(err, ERR_INVALID, "the factors of a shopper are not finite");
    for (size_t k = 0; k < d; k++)
        x[k] *= root[k];
    return ERR_OK;
}

enum err_code factors_fold_in(const struct recommend_model *m, const uint32_t *rows,
                              const float *weights, size_t n, struct arena *arena, float *x,
                              struct err *err)
{
    if (m->source == FACTORS_ALS)
        return solve_als(m, m->vectors.exact, rows, weights, n, arena, x, err);
    add_up(m, rows, weights, n, x);
    return ERR_OK;
}

enum err_code factors_fold_in_new(const struct recommend_model *m, const float *factors,
                                  const uint32_t *rows, const float *weights, size_t n,
                                  struct arena *arena, float *x, struct err *err)
{
    return solve_als(m, factors, rows, weights, n, arena, x, err);
}
