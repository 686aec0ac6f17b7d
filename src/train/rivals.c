#include "train/rivals.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "recommend/profile.h"
#include "train/svd.h"

enum { KEEP_MAX = 100000, GROUP_MAX = 1 << 30, SHOPPER_MAX = 500 };

/* --- parameters ------------------------------------------------------------------------------ */

struct rival_params rival_defaults(void)
{
    return (struct rival_params){
        .propagation = propagation_defaults(),
        .neighbours = {.keep = 50, .shrink = 5, .group_max = SHOPPER_MAX, .support = 2}};
}

#define OF_PROPAGATION(field) offsetof(struct rival_params, propagation.field)
#define OF_NEIGHBOURS(field)  offsetof(struct rival_params, neighbours.field)

static const struct tuning of_propagation[] = {
    {"binary", OF_PROPAGATION(binary), TUNING_BOOL, 0, 1},
    {"user_exponent", OF_PROPAGATION(user_exponent), TUNING_FLOAT, -2, 2},
    {"out_exponent", OF_PROPAGATION(out_exponent), TUNING_FLOAT, -2, 2},
    {"in_exponent", OF_PROPAGATION(in_exponent), TUNING_FLOAT, -2, 2},
    {"keep", OF_PROPAGATION(keep), TUNING_U32, 0, KEEP_MAX},
    {"dim", OF_PROPAGATION(dim), TUNING_U32, 0, SVD_DIM_MAX},
    {"gamma", OF_PROPAGATION(gamma), TUNING_FLOAT, 1e-6, 1e6},
    {"low_user", OF_PROPAGATION(low_user), TUNING_FLOAT, -2, 2},
    {"low_item", OF_PROPAGATION(low_item), TUNING_FLOAT, -2, 2},
    {"low_out", OF_PROPAGATION(low_out), TUNING_FLOAT, -2, 2},
    {"low_in", OF_PROPAGATION(low_in), TUNING_FLOAT, -2, 2},
    {"flat", OF_PROPAGATION(flat), TUNING_FLOAT, 0, 100},
    {"seed", OF_PROPAGATION(seed), TUNING_U64, 0, 1e15},
};

static const struct tuning of_neighbours[] = {
    {"neighbours", OF_NEIGHBOURS(keep), TUNING_U32, 1, KEEP_MAX},
    {"shrink", OF_NEIGHBOURS(shrink), TUNING_FLOAT, 0, 1e6},
    {"group_max", OF_NEIGHBOURS(group_max), TUNING_U32, 2, GROUP_MAX},
    {"support", OF_NEIGHBOURS(support), TUNING_U32, 1, GROUP_MAX},
};

static const struct {
    const struct tuning *all;
    size_t n;
} tunings[] = {
    [RIVAL_PROPAGATION] = {of_propagation, sizeof of_propagation / sizeof *of_propagation},
    [RIVAL_NEIGHBOURS] = {of_neighbours, sizeof of_neighbours / sizeof *of_neighbours},
    [RIVAL_POPULARITY] = {NULL, 0},
};

enum err_code rival_param_set(struct rival_params *p, enum rival_kind kind, struct str text,
                              struct err *err)
{
    struct rival_params next = *p;
    struct str rest = text, name = str_split(&rest, '=');
    const struct tuning *known = tuning_find(tunings[kind].all, tunings[kind].n, name);
    if (!known)
        return err_set(err, ERR_INVALID, "this model has no parameter '%.*s'", STR_ARG(name));
    enum err_code code = tuning_set(known, 1, &next, text, err);
    if (code != ERR_OK)
        return code;
    next.dim_asked = next.dim_asked || known->offset == OF_PROPAGATION(dim);
    if (next.propagation.keep == 0 && next.propagation.dim == 0)
        return err_set(err, ERR_INVALID, "%s: one of keep and dim must be above 0", known->name);
    *p = next;
    return ERR_OK;
}

/* --- fitting --------------------------------------------------------------------------------- */

/* row_of [products_end]: row + 1, 0 for none. */
static enum err_code number_items(const struct interactions *it, struct rival *r, uint32_t *row_of,
                                  struct err *err)
{
    r->items = mem_try_new(it->products_end, sizeof *r->items);
    if (!r->items)
        return err_set(err, ERR_MEMORY, "no memory for %u items", it->products_end);
    for (size_t i = 0; i < it->len; i++)
        if (it->user_no[i])
            row_of[it->product_no[i]] = 1;
    for (uint32_t no = 1; no < it->products_end; no++)
        if (row_of[no]) {
            r->items[r->rows] = no;
            row_of[no] = ++r->rows;
        }
    return r->rows ? ERR_OK : err_set(err, ERR_INVALID, "there are no acts to learn from");
}

static enum err_code build_matrix(const struct interactions *it, struct rival *r,
                                  struct matrix *out, struct err *err)
{
    uint32_t *row_of = mem_try_new(it->products_end, sizeof *row_of);
    struct matrix_cell *cells = mem_try_new(it->len, sizeof *cells);
    size_t n = 0;
    enum err_code code = row_of && cells
                             ? number_items(it, r, row_of, err)
                             : err_set(err, ERR_MEMORY, "no memory for %zu acts", it->len);
    for (size_t i = 0; i < it->len && code == ERR_OK; i++)
        if (it->user_no[i])
            cells[n++] = (struct matrix_cell){it->user_no[i] - 1, row_of[it->product_no[i]] - 1,
                                              it->weight[i]};
    if (code == ERR_OK)
        code = matrix_build(cells, n, it->users_end - 1, r->rows, out, err);
    for (uint64_t i = 0, all = code == ERR_OK ? matrix_cells(out) : 0; i < all; i++)
        out->value[i] = profile_confidence(out->value[i]);
    mem_free(row_of);
    mem_free(cells);
    return code;
}

/* The default dim is cut to what the matrix has; one that was asked for is refused where it does not fit. */
static enum err_code fit_propagation(const struct matrix *m, const struct rival_params *p,
                                     struct pool *pool, struct rival *r, struct err *err)
{
    struct propagation_options o = p->propagation;
    uint32_t most = m->rows < m->columns ? m->rows : m->columns;
    if (!p->dim_asked && o.dim > most)
        o.dim = most;
    return propagation_fit(m, &o, pool, &r->propagation, err);
}

static enum err_code fit_popularity(const struct matrix *m, struct rival *r, struct err *err)
{
    r->popular = mem_try_new(r->rows, sizeof *r->popular);
    if (!r->popular)
        return err_set(err, ERR_MEMORY, "no memory for %u items", r->rows);
    for (uint32_t i = 0; i < r->rows; i++)
        r->popular[i].id = i;
    for (uint64_t i = 0; i < matrix_cells(m); i++)
        r->popular[m->column[i]].score++;
    topk_order(r->popular, r->rows, r->rows);
    return ERR_OK;
}

enum err_code rival_fit(const struct interactions *it, enum rival_kind kind,
                        const struct rival_params *p, struct pool *pool, struct rival *out,
                        struct err *err)
{
    struct rival r = {.kind = kind};
    struct matrix m = {0};
    enum err_code code = build_matrix(it, &r, &m, err);
    if (code == ERR_OK)
        switch (kind) {
        case RIVAL_PROPAGATION:
            code = fit_propagation(&m, p, pool, &r, err);
            break;
        case RIVAL_NEIGHBOURS:
            code = neighbours_fit(&m, &p->neighbours, pool, &r.neighbours, err);
            break;
        case RIVAL_POPULARITY:
            code = fit_popularity(&m, &r, err);
            break;
        }
    matrix_release(&m);
    if (code != ERR_OK) {
        rival_release(&r);
        return code;
    }
    *out = r;
    return ERR_OK;
}

void rival_release(struct rival *r)
{
    mem_free(r->items);
    propagation_release(&r->propagation);
    neighbours_release(&r->neighbours);
    mem_free(r->popular);
    *r = (struct rival){0};
}

/* --- ranking --------------------------------------------------------------------------------- */

static void keep_best(const float *scores, uint32_t rows, struct holdout_past *past)
{
    struct topk top;
    topk_init(&top, past->best, past->want);
    topk_push_block(&top, scores, NULL, 0, rows);
    past->found = topk_finish(&top);
    while (past->found && past->best[past->found - 1].score <= 0)
        past->found--;
}

static enum err_code rank_propagated(const void *model, struct holdout_past *pasts, size_t n,
                                     struct arena *arena, struct err *err)
{
    const struct rival *r = model;
    const struct propagation *p = &r->propagation;
    float *scores = arena_try_alloc(arena, n * r->rows * sizeof *scores);
    float *x = arena_try_alloc(arena, n * (p->dim + 1) * sizeof *x);
    if (!scores || !x)
        return err_set(err, ERR_LIMIT, "the scores of %u items do not fit", r->rows);
    for (size_t i = 0; i < n; i++)
        propagation_fold_in(p, pasts[i].rows, pasts[i].weights, pasts[i].len, x + i * p->dim);
    propagation_score_factors(p, x, n, scores);
    for (size_t i = 0; i < n; i++) {
        float *mine = scores + i * r->rows;
        propagation_add_lists(p, pasts[i].rows, pasts[i].weights, pasts[i].len, mine);
        keep_best(mine, r->rows, &pasts[i]);
    }
    return ERR_OK;
}

static enum err_code rank_neighbours(const void *model, struct holdout_past *pasts, size_t n,
                                     struct arena *arena, struct err *err)
{
    const struct rival *r = model;
    const struct neighbour_result *lists = &r->neighbours;
    float *scores = arena_try_alloc(arena, r->rows * sizeof *scores);
    if (!scores)
        return err_set(err, ERR_LIMIT, "the scores of %u items do not fit", r->rows);
    for (struct holdout_past *p = pasts; p < pasts + n; p++) {
        memset(scores, 0, r->rows * sizeof *scores);
        for (size_t i = 0; i < p->len; i++)
            for (uint32_t k = lists->offsets[p->rows[i]]; k < lists->offsets[p->rows[i] + 1]; k++)
                scores[lists->rows[k]] += p->weights[i] * lists->scores[k];
        keep_best(scores, r->rows, p);
    }
    return ERR_OK;
}

static enum err_code rank_popular(const void *model, struct holdout_past *pasts, size_t n,
                                  struct arena *arena, struct err *err)
{
    const struct rival *r = model;
    (void)arena, (void)err;
    for (struct holdout_past *p = pasts; p < pasts + n; p++) {
        p->found = p->want < r->rows ? p->want : r->rows;
        memcpy(p->best, r->popular, p->found * sizeof *p->best);
    }
    return ERR_OK;
}

struct holdout_model rival_holdout(const struct rival *r)
{
    struct holdout_model m = {.items = r->items, .rows = r->rows, .model = r};
    switch (r->kind) {
    case RIVAL_PROPAGATION:
        m.rank = rank_propagated;
        break;
    case RIVAL_NEIGHBOURS:
        m.rank = rank_neighbours;
        break;
    case RIVAL_POPULARITY:
        m.rank = rank_popular;
        break;
    }
    return m;
}
