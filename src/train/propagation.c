#include "train/propagation.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/signal.h"
#include "num/dense.h"
#include "num/topk.h"
#include "num/vec.h"
#include "train/svd.h"

enum { GRAIN = 32 };

struct propagation_options propagation_defaults(void)
{
    return (struct propagation_options){.binary = true,
                                        .user_exponent = 0.35f,
                                        .out_exponent = 0.6f,
                                        .in_exponent = 0.25f,
                                        .keep = 1000,
                                        .dim = 512,
                                        .gamma = 3.5f,
                                        .low_user = 0.35f,
                                        .low_item = 0.4f,
                                        .low_out = 0.5f,
                                        .low_in = 0.3f,
                                        .flat = 2,
                                        .seed = 1};
}

/* --- normalised matrices --------------------------------------------------------------------- */

/* R and the sums of its rows and columns; the matrices below share its places. */
struct graph {
    const struct matrix *by_user; /* [users][items] */
    struct matrix by_item;        /* [items][users], the same weights, or 1 */
    double *user_sum;             /* [users] */
    double *item_sum;             /* [items] */
    bool binary;
};

static float weight_of(const struct graph *g, uint64_t cell)
{
    return g->binary ? 1 : g->by_user->value[cell];
}

/* n^-exponent, 0 for nothing. */
static float damp(double n, float exponent)
{
    return n > 0 ? (float)pow(n, -(double)exponent) : 0;
}

static enum err_code check_weights(const struct matrix *m, struct err *err)
{
    if (matrix_cells(m) == 0)
        return err_set(err, ERR_INVALID, "there is nothing to propagate: no weights at all");
    for (uint32_t r = 0; r < m->rows; r++)
        for (uint64_t i = m->offsets[r]; i < m->offsets[r + 1]; i++)
            if (!(isfinite(m->value[i]) && m->value[i] > 0))
                return err_set(err, ERR_INVALID,
                               "the weight of user %u and item %u is not finite and positive: %g",
                               r, m->column[i], (double)m->value[i]);
    return ERR_OK;
}

static enum err_code graph_init(struct graph *g, struct err *err)
{
    const struct matrix *m = g->by_user;
    enum err_code code = check_weights(m, err);
    if (code == ERR_OK)
        code = matrix_transpose(m, &g->by_item, err);
    if (code != ERR_OK)
        return code;
    g->user_sum = mem_try_new(m->rows, sizeof *g->user_sum);
    g->item_sum = mem_try_new(m->columns, sizeof *g->item_sum);
    if (!g->user_sum || !g->item_sum)
        return err_set(err, ERR_MEMORY, "no memory for %u users and %u items", m->rows, m->columns);
    for (uint32_t r = 0; r < m->rows; r++)
        for (uint64_t i = m->offsets[r]; i < m->offsets[r + 1]; i++) {
            g->user_sum[r] += (double)weight_of(g, i);
            g->item_sum[m->column[i]] += (double)weight_of(g, i);
        }
    for (uint64_t i = 0, n = matrix_cells(&g->by_item); g->binary && i < n; i++)
        g->by_item.value[i] = 1;
    return ERR_OK;
}

static void graph_release(struct graph *g)
{
    matrix_release(&g->by_item);
    mem_free(g->user_sum);
    mem_free(g->item_sum);
}

/* D_u^-user R D_i^-item in the places of by_user; its values alone are owned. */
static enum err_code scale(const struct graph *g, float user, float item, struct matrix *out,
                           struct err *err)
{
    const struct matrix *m = g->by_user;
    float *value = mem_try_new(matrix_cells(m), sizeof *value);
    float *of_item = mem_try_new(m->columns, sizeof *of_item);
    if (!value || !of_item) {
        mem_free(value);
        mem_free(of_item);
        return err_set(err, ERR_MEMORY, "no memory for a matrix of %llu cells",
                       (unsigned long long)matrix_cells(m));
    }
    for (uint32_t i = 0; i < m->columns; i++)
        of_item[i] = damp(g->item_sum[i], item);
    for (uint32_t r = 0; r < m->rows; r++) {
        float of_user = damp(g->user_sum[r], user);
        for (uint64_t i = m->offsets[r]; i < m->offsets[r + 1]; i++)
            value[i] = weight_of(g, i) * of_user * of_item[m->column[i]];
    }
    mem_free(of_item);
    *out = *m;
    out->value = value;
    return ERR_OK;
}

/* --- two steps ------------------------------------------------------------------------------- */

struct lane {
    float *sum;               /* [items] of the row under way; zero between rows */
    uint32_t *touched;        /* [items] */
    struct topk_item *scored; /* [items] */
};

struct list {
    struct topk_item *items; /* [len] best first, owned */
    uint32_t len;
};

struct spread {
    const struct graph *g;
    const struct propagation_options *o;
    struct matrix half; /* D_u^-2a R, by user */
    float *in;          /* [items] n^-in */
    struct lane *lanes;
    struct list *lists; /* [items] */
    _Atomic bool stopped, failed;
};

static uint32_t sum_paths(const struct spread *s, struct lane *lane, uint32_t item)
{
    const struct matrix *by_item = &s->g->by_item, *half = &s->half;
    uint32_t touched = 0;
    for (uint64_t i = by_item->offsets[item]; i < by_item->offsets[item + 1]; i++) {
        uint32_t user = by_item->column[i];
        float w = by_item->value[i];
        for (uint64_t k = half->offsets[user]; k < half->offsets[user + 1]; k++) {
            uint32_t other = half->column[k];
            if (lane->sum[other] == 0)
                lane->touched[touched++] = other;
            lane->sum[other] += w * half->value[k];
        }
    }
    return touched;
}

static bool spread_item(struct spread *s, struct lane *lane, uint32_t item)
{
    uint32_t touched = sum_paths(s, lane, item);
    float out = damp(s->g->item_sum[item], s->o->out_exponent);
    size_t n = 0;
    for (uint32_t i = 0; i < touched; i++) {
        uint32_t other = lane->touched[i];
        float score = lane->sum[other] * out * s->in[other];
        lane->sum[other] = 0;
        if (other != item && score > 0)
            lane->scored[n++] = (struct topk_item){score, other};
    }
    struct list *list = &s->lists[item];
    list->len = n < s->o->keep ? (uint32_t)n : s->o->keep;
    topk_order(lane->scored, n, list->len);
    list->items = mem_try_new(list->len, sizeof *list->items);
    if (!list->items)
        return false;
    if (list->len)
        memcpy(list->items, lane->scored, list->len * sizeof *list->items);
    return true;
}

static void spread_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct spread *s = arg;
    for (size_t item = begin; item < end; item++) {
        if (signal_stopping())
            atomic_store(&s->stopped, true);
        if (atomic_load(&s->stopped) || atomic_load(&s->failed))
            return;
        if (!spread_item(s, &s->lanes[lane], (uint32_t)item))
            atomic_store(&s->failed, true);
    }
}

static enum err_code pack(const struct spread *s, struct neighbour_result *out, struct err *err)
{
    uint32_t items = s->g->by_user->columns;
    uint64_t total = 0;
    for (uint32_t i = 0; i < items; i++)
        total += s->lists[i].len;
    if (total > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "%llu entries in the lists: keep fewer than %u",
                       (unsigned long long)total, s->o->keep);
    out->offsets = mem_try_new((size_t)items + 1, sizeof *out->offsets);
    out->rows = mem_try_new(total, sizeof *out->rows);
    out->scores = mem_try_new(total, sizeof *out->scores);
    if (!out->offsets || !out->rows || !out->scores)
        return err_set(err, ERR_MEMORY, "no memory for lists of %u items", items);
    uint32_t at = 0;
    for (uint32_t i = 0; i < items; i++) {
        for (uint32_t k = 0; k < s->lists[i].len; k++) {
            out->rows[at] = s->lists[i].items[k].id;
            out->scores[at++] = s->lists[i].items[k].score;
        }
        out->offsets[i + 1] = at;
    }
    return ERR_OK;
}

static enum err_code spread_prepare(struct spread *s, unsigned lanes, struct err *err)
{
    uint32_t items = s->g->by_user->columns;
    enum err_code code = scale(s->g, 2 * s->o->user_exponent, 0, &s->half, err);
    if (code != ERR_OK)
        return code;
    s->in = mem_try_new(items, sizeof *s->in);
    s->lists = mem_try_new(items, sizeof *s->lists);
    bool good = s->in && s->lists;
    for (unsigned i = 0; i < lanes; i++) {
        struct lane *lane = &s->lanes[i];
        lane->sum = mem_try_new(items, sizeof *lane->sum);
        lane->touched = mem_try_new(items, sizeof *lane->touched);
        lane->scored = mem_try_new(items, sizeof *lane->scored);
        good = good && lane->sum && lane->touched && lane->scored;
    }
    if (!good)
        return err_set(err, ERR_MEMORY, "no memory for lists of %u items", items);
    for (uint32_t i = 0; i < items; i++)
        s->in[i] = damp(s->g->item_sum[i], s->o->in_exponent);
    return ERR_OK;
}

static enum err_code fit_lists(const struct graph *g, const struct propagation_options *o,
                               struct pool *pool, struct neighbour_result *out, struct err *err)
{
    unsigned lanes = pool_lanes(pool);
    uint32_t items = g->by_user->columns;
    struct spread s = {.g = g, .o = o};
    s.lanes = mem_new(lanes, sizeof *s.lanes);
    enum err_code code = spread_prepare(&s, lanes, err);
    if (code == ERR_OK) {
        pool_for(pool, items, GRAIN, spread_range, &s);
        if (atomic_load(&s.stopped))
            code = signal_check(err);
        else if (atomic_load(&s.failed))
            code = err_set(err, ERR_MEMORY, "no memory for lists of %u items", items);
        else
            code = pack(&s, out, err);
    }
    for (unsigned i = 0; i < lanes; i++) {
        mem_free(s.lanes[i].sum);
        mem_free(s.lanes[i].touched);
        mem_free(s.lanes[i].scored);
    }
    for (uint32_t i = 0; s.lists && i < items; i++)
        mem_free(s.lists[i].items);
    mem_free(s.lanes);
    mem_free(s.lists);
    mem_free(s.in);
    mem_free(s.half.value);
    return code;
}

/* --- low pass -------------------------------------------------------------------------------- */

/* factors = D_i^in' V H^1/2 gamma^1/2 in place of V. */
static void scale_factors(const struct graph *g, const struct propagation_options *o,
                          const float *values, struct propagation *p)
{
    for (uint32_t k = 0; k < p->dim; k++) {
        double share = values[0] > 0 ? (double)values[k] / (double)values[0] : 0;
        double h = (double)o->gamma * pow(fmax(1 - share * share, 0), (double)o->flat);
        for (uint32_t i = 0; i < p->items; i++)
            p->factors[(size_t)i * p->dim + k] *= (float)sqrt(h);
    }
    for (uint32_t i = 0; i < p->items; i++) {
        float up = damp(g->item_sum[i], -o->low_in);
        vec->scale(up, p->factors + (size_t)i * p->dim, p->dim);
        p->fold_in[i] = damp(g->item_sum[i], o->low_out + o->low_in);
    }
}

static enum err_code fit_factors(const struct graph *g, const struct propagation_options *o,
                                 struct pool *pool, struct propagation *p, struct err *err)
{
    struct matrix scaled = {0}, transposed = {0};
    size_t smaller = g->by_user->rows < p->items ? g->by_user->rows : p->items;
    if (o->dim > smaller || o->dim > SVD_DIM_MAX)
        return err_set(err, ERR_INVALID, "dim %u: at most %zu for %u users and %u items", o->dim,
                       smaller < SVD_DIM_MAX ? smaller : SVD_DIM_MAX, g->by_user->rows, p->items);
    float *values = mem_new(o->dim, sizeof *values);
    p->dim = o->dim;
    p->factors = mem_try_aligned((size_t)p->items * p->dim, sizeof *p->factors, 64);
    p->fold_in = mem_try_new(p->items, sizeof *p->fold_in);
    enum err_code code = ERR_OK;
    if (!p->factors || !p->fold_in)
        code = err_set(err, ERR_MEMORY, "no memory for factors of %u items", p->items);
    if (code == ERR_OK)
        code = scale(g, o->low_user, o->low_item, &scaled, err);
    if (code == ERR_OK)
        code = matrix_transpose(&scaled, &transposed, err);
    if (code == ERR_OK)
        code = svd_right(&scaled, &transposed, o->dim, o->seed, pool, p->factors, values, err);
    if (code == ERR_OK)
        scale_factors(g, o, values, p);
    matrix_release(&transposed);
    mem_free(scaled.value);
    mem_free(values);
    return code;
}

/* --- the whole ------------------------------------------------------------------------------- */

enum err_code propagation_fit(const struct matrix *by_user, const struct propagation_options *o,
                              struct pool *pool, struct propagation *out, struct err *err)
{
    struct graph g = {.by_user = by_user, .binary = o->binary};
    struct propagation p = {.items = by_user->columns};
    CHECK(o->keep || o->dim);
    enum err_code code = graph_init(&g, err);
    if (code == ERR_OK && o->dim)
        code = fit_factors(&g, o, pool, &p, err);
    if (code == ERR_OK && o->keep)
        code = fit_lists(&g, o, pool, &p.lists, err);
    graph_release(&g);
    if (code != ERR_OK) {
        propagation_release(&p);
        return code;
    }
    *out = p;
    return ERR_OK;
}

void propagation_release(struct propagation *p)
{
    neighbours_release(&p->lists);
    mem_free(p->factors);
    mem_free(p->fold_in);
    *p = (struct propagation){0};
}

void propagation_fold_in(const struct propagation *p, const uint32_t *rows, const float *weights,
                         size_t n, float *x)
{
    memset(x, 0, p->dim * sizeof *x);
    for (size_t i = 0; i < n && p->dim; i++)
        vec->axpy(weights[i] * p->fold_in[rows[i]], p->factors + (size_t)rows[i] * p->dim, x,
                  p->dim);
}

void propagation_score_factors(const struct propagation *p, const float *x, size_t n, float *scores)
{
    if (p->dim)
        dense_dots(x, n, p->factors, p->items, p->dim, scores);
    else
        memset(scores, 0, n * p->items * sizeof *scores);
}

void propagation_add_lists(const struct propagation *p, const uint32_t *rows, const float *weights,
                           size_t n, float *scores)
{
    for (size_t i = 0; i < n && p->lists.offsets; i++)
        for (uint32_t k = p->lists.offsets[rows[i]]; k < p->lists.offsets[rows[i] + 1]; k++)
            scores[p->lists.rows[k]] += weights[i] * p->lists.scores[k];
}
