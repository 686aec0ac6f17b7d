#include "recommend/factors.h"

#include <math.h>
#include <string.h>

#include "num/vec.h"

/* (I + Z'Z) t = b */
struct fold_in {
    const float *z; /* [n][dim] */
    size_t n, dim;
    float *dots; /* [n] */
};

/* out = (I + Z'Z) p */
static void apply(const struct fold_in *f, const float *p, float *out)
{
    memcpy(out, p, f->dim * sizeof *out);
    vec->dot_rows(p, f->z, f->dim, f->dim, NULL, f->n, f->dots);
    for (size_t i = 0; i < f->n; i++)
        vec->axpy(f->dots[i], f->z + i * f->dim, out, f->dim);
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

enum err_code factors_fold_in(const struct recommend_model *m, const uint32_t *rows,
                              const float *weights, size_t n, struct arena *arena, float *x,
                              struct err *err)
{
    enum { VECTORS = 4 };
    size_t d = m->dim;
    float *z = arena_try_alloc(arena, n * d * sizeof *z);
    float *dots = arena_try_alloc(arena, n * sizeof *dots);
    float *scratch = arena_try_alloc(arena, VECTORS * d * sizeof *scratch);
    if (!z || !dots || !scratch)
        return err_set(err, ERR_LIMIT, "a shopper's history of %zu does not fit", n);
    float *root = scratch, *b = root + d, *p = b + d, *ap = p + d; /* root: D^-1/2 */
    for (size_t k = 0; k < d; k++)
        root[k] = 1 / sqrtf(m->spectrum[k] + m->regularisation);
    memset(b, 0, d * sizeof *b);
    memset(x, 0, d * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const float *y = m->vectors.exact + rows[i] * d;
        float confidence = m->alpha * weights[i], stretch = sqrtf(confidence);
        for (size_t k = 0; k < d; k++)
            z[i * d + k] = stretch * root[k] * y[k];
        vec->axpy((1 + confidence) / stretch, z + i * d, b, d);
    }
    struct fold_in f = {.z = z, .n = n, .dim = d, .dots = dots};
    if (!solve(&f, x, b, p, ap))
        return err_set(err, ERR_INVALID, "the factors of a shopper are not finite");
    for (size_t k = 0; k < d; k++)
        x[k] *= root[k];
    return ERR_OK;
}
