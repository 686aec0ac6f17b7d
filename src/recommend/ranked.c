#include "recommend/ranked.h"

#include <math.h>

#include "num/vec.h"
#include "recommend/features.h"

enum {
    SPARE =
        8, /* an eighth more candidates are looked at than the ranker orders: some may not be shown */
};

/* The products whose total, above 0, is at least floor. Returns how many. */
static size_t list_above(const struct candidates *c, const float *totals, float floor,
                         struct topk_item *out)
{
    size_t n = 0;
    for (uint32_t i = 1; i <= c->len; i++) {
        out[n] = (struct topk_item){totals[i], c->product_no[i]};
        n += (totals[i] > 0) & (totals[i] >= floor);
    }
    return n;
}

size_t ranked_best(const struct candidates *c, const float *totals, size_t wanted,
                   struct topk_item *order, bool *all)
{
    bool some = wanted < c->len;
    size_t n = list_above(c, totals, some ? topk_floor(totals + 1, c->len, wanted) : 0, order);
    if (some && n < wanted) {
        n = list_above(c, totals, 0, order);
        some = wanted < n;
    }
    *all = !some;
    size_t taken = wanted < n ? wanted : n;
    topk_order(order, n, taken);
    return taken;
}

/* Those of order [n] that the request may show, at most `most`, moved to the front. Returns how many. */
static size_t keep_eligible(const struct view *view, const struct recommend_request *r, size_t most,
                            struct topk_item *order, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < most; i++) {
        struct location at = catalogue_locate(view->catalogue, order[i].id);
        if (location_found(at) && live_sellable(view->live, order[i].id) &&
            filter_match(r->filter, at.slot, at.doc))
            order[kept++] = order[i];
    }
    return kept;
}

/* The best `most` that may be shown, and their features. order, in the arena, has room for all. */
static enum err_code pick(const struct view *view, const struct recommend_request *r,
                          const struct profile *profile, const struct candidates *c,
                          const float *totals, size_t most, struct arena *arena,
                          struct topk_item **order, size_t *n, struct features *f, struct err *err)
{
    bool all;
    *order = arena_try_alloc(arena, (c->len + 1) * sizeof **order);
    if (!*order)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    *n = ranked_best(c, totals, most + most / SPARE, *order, &all);
    *n = keep_eligible(view, r, most, *order, *n);
    return *n ? features_fill(view, r, profile, c, *order, *n, arena, f, err) : ERR_OK;
}

enum err_code ranked_examples(const struct view *view, const struct recommend_request *r,
                              const struct profile *profile, const struct candidates *c,
                              const float *totals, size_t most, struct arena *arena,
                              struct recommend_examples *out, struct err *err)
{
    struct topk_item *order;
    struct features f;
    size_t n;
    *out = (struct recommend_examples){0};
    enum err_code code = pick(view, r, profile, c, totals, most, arena, &order, &n, &f, err);
    if (code != ERR_OK || n == 0)
        return code;
    uint32_t *numbers = arena_try_alloc(arena, n * sizeof *numbers);
    if (!numbers)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    for (size_t i = 0; i < n; i++)
        numbers[i] = order[i].id;
    *out = (struct recommend_examples){n, numbers, f.x};
    return ERR_OK;
}

enum err_code ranked_scores(const struct view *view, const struct recommend_request *r,
                            const struct profile *profile, const struct candidates *c,
                            float *totals, struct arena *arena, size_t *ranked, struct err *err)
{
    const struct ranker *ranker = view->model ? view->model->ranker : NULL;
    struct topk_item *order;
    struct features f;
    size_t n;
    *ranked = 0;
    if (!ranker || !ranker_serves(ranker, placement_name(r->placement)) ||
        features_check(ranker, NULL) != ERR_OK)
        return ERR_OK;
    enum err_code code =
        pick(view, r, profile, c, totals, ranker->candidates, arena, &order, &n, &f, err);
    if (code != ERR_OK || n == 0)
        return code;
    float *margins = arena_try_alloc(arena, n * sizeof *margins), most = 0;
    if (!margins)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    trees_score(&ranker->trees, f.x, n, n, margins);
    for (uint32_t i = 1; i <= c->len; i++)
        most = totals[i] > most ? totals[i] : most;
    vec->scale(1 / most, totals, c->len + 1);
    for (size_t i = 0; i < n; i++)
        totals[candidates_find(c, order[i].id)] = 1 + 1 / (1 + expf(-margins[i]));
    *ranked = n;
    return ERR_OK;
}
