#include "recommend/sources.h"

#include "base/check.h"
#include "recommend/factors.h"

enum {
    NEWCOMERS_WANT = 20,  /* of those that the model does not know */
    SEEDS_MAX = 24,       /* products of a profile whose neighbours are asked for */
    GRAPH_SEEDS_MAX = 64, /* products of a profile that pass something on */
    GRAPH_LIST_MAX = 64,  /* to so many */
    STEPS_MAX = 8,        /* newest products of a profile that are gone on from */
};

/* What a product says of the next step, beside the one after it. */
#define STEP_DECAY 0.6f

static const struct neighbour_lists *lists_of(const struct recommend_model *m,
                                              enum neighbour_kind kind)
{
    switch (kind) {
    case NEAR:
        return &m->near;
    case WITH:
        return &m->with;
    case NEXT:
        return &m->next;
    case GRAPH:
        return &m->graph;
    case ALIKE:
        return &m->alike;
    }
    UNREACHABLE();
}

static enum err_code add_neighbours(const struct recommend_model *m, enum neighbour_kind kind,
                                    uint32_t row, uint32_t most, float weight,
                                    enum reason_code reason, uint32_t because,
                                    struct candidates *out, struct err *err)
{
    const struct neighbour_lists *lists = lists_of(m, kind);
    uint32_t begin = lists->offsets[row], n = lists->offsets[row + 1] - begin;
    return candidates_add(out,
                          &(struct candidate_list){.numbers = m->items,
                                                   .ids = lists->rows + begin,
                                                   .parts = lists->scores + begin,
                                                   .n = n < most ? n : most,
                                                   .weight = weight,
                                                   .reason = reason,
                                                   .because = because},
                          err);
}

static enum reason_code past_reason(const struct profile_item *item)
{
    return profile_owns(item) ? REASON_BOUGHT : REASON_VIEWED;
}

/* What the products of a profile pass on, on the scale of the factors' scores. */
static enum err_code add_graph(const struct recommend_model *m, const struct profile *profile,
                               struct candidates *out, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0, n = 0; i < profile->len && n < GRAPH_SEEDS_MAX && code == ERR_OK; i++) {
        const struct profile_item *item = &profile->items[i];
        if (item->row == UINT32_MAX)
            continue;
        n++;
        code = add_neighbours(m, GRAPH, item->row, GRAPH_LIST_MAX,
                              m->graph_scale * profile_confidence(item->weight), past_reason(item),
                              item->product_no, out, err);
    }
    return code;
}

/* The taste of somebody of whom one product is known is that product's. */
static struct candidate_reason taste_of(const struct profile *profile)
{
    const struct profile_item *only = profile->len == 1 ? profile->items : NULL;
    return only ? (struct candidate_reason){past_reason(only), only->product_no}
                : (struct candidate_reason){REASON_TASTE, 0};
}

/* What the model does not know, by where its tower puts it. x [dim] of the shopper. */
static enum err_code add_newcomers(const struct view *view, const float *x,
                                   struct candidate_reason why, struct arena *arena,
                                   struct candidates *out, struct err *err)
{
    const struct newcomers *n = view->newcomers;
    struct topk_item best[NEWCOMERS_WANT];
    struct topk top;
    if (!n || n->len == 0)
        return ERR_OK;
    float *scores = arena_try_alloc(arena, n->len * sizeof *scores);
    uint32_t *numbers = arena_try_alloc(arena, NEWCOMERS_WANT * sizeof *numbers);
    float *parts = arena_try_alloc(arena, NEWCOMERS_WANT * sizeof *parts);
    if (!scores || !numbers || !parts)
        return err_set(err, ERR_LIMIT, "the scores of new products do not fit");
    vec->dot_rows(x, n->vectors, n->dim, n->dim, NULL, n->len, scores);
    topk_init(&top, best, NEWCOMERS_WANT);
    topk_push_block(&top, scores, NULL, 0, n->len);
    size_t len = topk_finish(&top);
    for (size_t i = 0; i < len; i++) {
        numbers[i] = n->product_no[best[i].id];
        parts[i] = best[i].score;
    }
    return candidates_add(out,
                          &(struct candidate_list){.numbers = numbers,
                                                   .parts = parts,
                                                   .n = len,
                                                   .weight = 1,
                                                   .reason = why.code,
                                                   .because = why.because},
                          err);
}

/* The products of a profile that are newer than the model: where they stand among them. Returns how many. */
static size_t newcomers_of(const struct newcomers *known, const struct profile *profile,
                           uint32_t *rows, float *weights)
{
    size_t n = 0;
    for (size_t i = 0; known && i < profile->len; i++) {
        uint32_t at =
            (uint32_t)vec->find_u32(known->product_no, known->len, profile->items[i].product_no);
        if (at == known->len)
            continue;
        rows[n] = at;
        weights[n++] = profile_confidence(profile->items[i].weight);
    }
    return n;
}

/* What the model knows of the profile; of who did nothing but with products newer than it, where its tower puts
 * these. *n 0: nothing. x [dim] */
static enum err_code fold_in(const struct view *view, const struct profile *profile,
                             struct arena *arena, float *x, size_t *n, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    uint32_t rows[PROFILE_MAX];
    float weights[PROFILE_MAX];
    *n = 0;
    for (size_t i = 0; i < profile->len; i++)
        if (profile->items[i].row != UINT32_MAX) {
            rows[*n] = profile->items[i].row;
            weights[(*n)++] = profile_confidence(profile->items[i].weight);
        }
    if (*n > 0)
        return factors_fold_in(m, rows, weights, *n, arena, x, err);
    if (m->source == FACTORS_ALS)
        *n = newcomers_of(view->newcomers, profile, rows, weights);
    return *n == 0
               ? ERR_OK
               : factors_fold_in_new(m, view->newcomers->vectors, rows, weights, *n, arena, x, err);
}

enum err_code source_factors(const struct view *view, const struct profile *profile, uint32_t want,
                             struct arena *arena, struct candidates *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    struct candidate_reason why = taste_of(profile);
    size_t n = 0, len;
    enum err_code code = ERR_OK;
    if (m && m->source == FACTORS_PROPAGATION)
        code = add_graph(m, profile, out, err);
    if (!m || m->dim == 0 || code != ERR_OK)
        return code;
    float *x = arena_try_alloc(arena, m->dim * sizeof *x);
    uint32_t *ids = arena_try_alloc(arena, want * sizeof *ids);
    float *scores = arena_try_alloc(arena, want * sizeof *scores);
    struct topk_item *best = arena_try_alloc(arena, want * sizeof *best);
    if (!x || !ids || !scores || !best)
        return err_set(err, ERR_LIMIT, "a shopper's factors do not fit");
    code = fold_in(view, profile, arena, x, &n, err);
    if (code == ERR_OK && n == 0)
        return ERR_OK;
    if (code == ERR_OK)
        code = vectors_search(&m->vectors, x, 0, want, arena, best, &len, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < len; i++) {
        ids[i] = best[i].id;
        scores[i] = best[i].score;
    }
    code = candidates_add(out,
                          &(struct candidate_list){.numbers = m->items,
                                                   .ids = ids,
                                                   .parts = scores,
                                                   .n = len,
                                                   .weight = 1,
                                                   .reason = why.code,
                                                   .because = why.because},
                          err);
    return code == ERR_OK ? add_newcomers(view, x, why, arena, out, err) : code;
}

/* A list's lines are on their way while the lists before it are added. */
static void prefetch_list(const struct neighbour_lists *lists, uint32_t row, uint32_t most)
{
    enum { PER_LINE = 64 / sizeof(uint32_t) };
    uint32_t begin = lists->offsets[row], end = lists->offsets[row + 1];
    for (uint32_t i = begin; i < end && i < begin + most; i += PER_LINE) {
        __builtin_prefetch(lists->rows + i);
        __builtin_prefetch(lists->scores + i);
    }
}

enum err_code source_profile_neighbours(const struct view *view, const struct profile *profile,
                                        enum neighbour_kind kind, uint32_t each,
                                        struct candidates *out, struct err *err)
{
    enum { AHEAD = 3 };
    const struct recommend_model *m = view_model(view);
    const struct profile_item *seeds[SEEDS_MAX];
    size_t n = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; m && i < profile->len && n < SEEDS_MAX; i++)
        if (profile->items[i].row != UINT32_MAX)
            seeds[n++] = &profile->items[i];
    for (size_t i = 0; i < n + AHEAD && code == ERR_OK; i++) {
        if (i < n)
            prefetch_list(lists_of(m, kind), seeds[i]->row, each);
        if (i < AHEAD)
            continue;
        const struct profile_item *item = seeds[i - AHEAD];
        code = add_neighbours(m, kind, item->row, each, item->weight, past_reason(item),
                              item->product_no, out, err);
    }
    return code;
}

enum err_code source_profile_next(const struct view *view, const struct profile *profile,
                                  uint32_t each, struct candidates *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    const struct profile_item *steps[STEPS_MAX];
    size_t n = m ? profile_newest(profile, steps, STEPS_MAX) : 0;
    float weight = 1;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && code == ERR_OK; i++, weight *= STEP_DECAY)
        code = add_neighbours(m, NEXT, steps[i]->row, each, weight, past_reason(steps[i]),
                              steps[i]->product_no, out, err);
    return code;
}

enum err_code source_neighbours(const struct view *view, const uint32_t *products, size_t n,
                                enum neighbour_kind kind, uint32_t each, enum reason_code reason,
                                struct candidates *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    enum err_code code = ERR_OK;
    for (size_t i = 0; m && i < n && code == ERR_OK; i++) {
        uint32_t row = recommend_model_row(m, products[i]);
        if (row != UINT32_MAX)
            code = add_neighbours(m, kind, row, each, 1, reason, products[i], out, err);
    }
    return code;
}

enum err_code source_shelf(const struct shelf *shelf, uint32_t want, enum reason_code reason,
                           struct candidates *out, struct err *err)
{
    return candidates_add(out,
                          &(struct candidate_list){.numbers = shelf->product_no,
                                                   .parts = shelf->score,
                                                   .n = shelf->len < want ? shelf->len : want,
                                                   .weight = 1,
                                                   .reason = reason},
                          err);
}
