/* als_rows.c - the systems of single rows. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "num/vec.h"
#include "train/als_int.h"

enum { CHUNK = 128 /* rows gathered at once */ };

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
    small->gather(h->turned, h->order, h->m->column + at, lane->roots, n, lane->root, h->order,
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

/* --- blocks ---------------------------------------------------------------------------------- */

/* Z and v of n cells from `at` on for the factors [from, from + size): v is what the gradient has of them. */
static void gather_block(const struct half_step *h, struct lane *lane, uint64_t at, size_t n,
                         const float *predictions, size_t from, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        float confidence = h->o->alpha * h->m->value[at + i];
        lane->roots[i] = sqrtf(confidence);
        lane->v[i] = (confidence * predictions[i] - 1 - confidence) / lane->roots[i];
    }
    small->gather(h->turned + from, h->order, h->m->column + at, lane->roots, n, lane->root + from,
                  size, lane->gathered);
}

/* What the step changes in the predictions of the cells that are gathered. */
static void predict(struct lane *lane, size_t n, size_t size, float *predictions)
{
    vec->dot_rows(lane->step, lane->gathered, size, size, NULL, n, lane->v);
    for (size_t i = 0; i < n; i++)
        predictions[i] -= lane->v[i] / lane->roots[i];
}

/* The exact minimum over one block of factors, the others as they are. */
static bool step_block(const struct half_step *h, struct lane *lane, uint64_t begin, uint64_t end,
                       size_t from, size_t size)
{
    float *x = lane->x + from;
    set_identity(lane->system, size);
    for (size_t k = 0; k < size; k++)
        lane->step[k] = x[k] / lane->root[from + k];
    for (uint64_t at = begin; at < end; at += CHUNK) {
        size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        gather_block(h, lane, at, n, lane->predictions + (at - begin), from, size);
        small->gram(lane->gathered, n, size, lane->system);
        for (size_t i = 0; i < n; i++)
            vec->axpy(lane->v[i], lane->gathered + i * size, lane->step, size);
    }
    if (!small->solve(lane->system, size, lane->step))
        return false;
    for (size_t k = 0; k < size; k++)
        x[k] -= lane->root[from + k] * lane->step[k];
    for (uint64_t at = begin; at < end; at += CHUNK) {
        size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        if (end - begin > CHUNK) /* else it is still there */
            gather_block(h, lane, at, n, lane->predictions + (at - begin), from, size);
        predict(lane, n, size, lane->predictions + (at - begin));
    }
    return true;
}

static bool step_blocks(const struct half_step *h, struct lane *lane, uint64_t begin, uint64_t end,
                        const float *row)
{
    size_t block = small_order(h->o->block);
    for (size_t k = 0; k < h->order; k++)
        lane->x[k] = k < h->o->dim ? row[k] : 0;
    vec->dot_rows(lane->x, h->turned, h->order, h->order, h->m->column + begin,
                  (size_t)(end - begin), lane->predictions);
    for (size_t from = 0; from < h->order; from += block)
        if (!step_block(h, lane, begin, end, from,
                        h->order - from < block ? h->order - from : block))
            return false;
    return true;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool solve_exactly(const struct half_step *h, struct lane *lane, uint64_t from, uint64_t to)
{
    memset(lane->x, 0, h->order * sizeof(float));
    if (!(dual_is_cheaper(to - from, h->order) ? solve_dual(h, lane, from, to - from)
                                               : solve_primal(h, lane, from, to)))
        return false;
    for (size_t k = 0; k < h->order; k++)
        lane->x[k] *= lane->root[k];
    return true;
}

enum err_code als_solve_row(const struct half_step *h, struct lane *lane, uint32_t row,
                            struct err *err)
{
    uint64_t from = h->m->offsets[row], to = h->m->offsets[row + 1];
    float *out = h->out + (size_t)row * h->o->dim;
    if (from == to) {
        memset(out, 0, h->o->dim * sizeof *out);
        return ERR_OK;
    }
    float lambda = als_regularisation(h->o, (double)(to - from), h->m->columns, h->mean_n);
    for (size_t k = 0; k < h->order; k++)
        lane->root[k] = 1 / sqrtf(h->spectrum[k] + lambda);
    bool solved =
        h->o->block ? step_blocks(h, lane, from, to, out) : solve_exactly(h, lane, from, to);
    float sum = 0; /* whatever is not finite turns it into a NaN */
    for (size_t k = 0; k < h->o->dim; k++) {
        out[k] = lane->x[k];
        sum += out[k] * 0;
    }
    if (!solved || sum != 0)
        return err_set(err, ERR_INVALID, "row %u: its system cannot be solved in floats", row);
    return ERR_OK;
}

/* --- lanes ----------------------------------------------------------------------------------- */

void als_lanes_free(struct lane *lanes, unsigned n)
{
    for (unsigned i = 0; lanes && i < n; i++)
        mem_free(lanes[i].system);
    mem_free(lanes);
}

struct lane *als_lanes_new(unsigned n, const struct als_options *o, size_t longest)
{
    size_t order = small_order(o->dim), rows = order > CHUNK ? order : CHUNK;
    size_t all = 2 * order * order + rows * order + 3 * order + 2 * rows + (o->block ? longest : 0);
    struct lane *lanes = mem_new(n, sizeof *lanes);
    for (unsigned i = 0; i < n; i++) {
        struct lane *l = &lanes[i];
        l->system = mem_try_aligned(all, sizeof(float), ALS_ALIGN);
        if (!l->system) {
            als_lanes_free(lanes, n);
            return NULL;
        }
        l->transposed = l->system + order * order;
        l->gathered = l->transposed + order * order;
        l->x = l->gathered + rows * order;
        l->root = l->x + order;
        l->step = l->root + order;
        l->roots = l->step + order;
        l->v = l->roots + rows;
        l->predictions = l->v + rows;
    }
    return lanes;
}
