#include "recommend/recommend.h"

#include <float.h>
#include <math.h>

#include "base/check.h"
#include "num/topk.h"
#include "recommend/diversity.h"
#include "recommend/novelty.h"
#include "recommend/ranked.h"
#include "recommend/sources.h"
#include "recommend/trace.h"
#include "recommend/weights.h"

enum {
    FILL_NUMBERS = 200000,
    MIXED_POOL = 3, /* lists that are not by scores alone are chosen from so many times the limit */
};

static const char *const placement_names[PLACEMENTS] = {
    [PLACEMENT_HOME] = "home",
    [PLACEMENT_SIMILAR] = "similar",
    [PLACEMENT_BOUGHT_TOGETHER] = "bought_together",
    [PLACEMENT_CART] = "cart",
    [PLACEMENT_TRENDING] = "trending",
    [PLACEMENT_NEW] = "new",
    [PLACEMENT_VIEWED_AFTER] = "viewed_after",
    [PLACEMENT_CHECKOUT] = "checkout",
    [PLACEMENT_ORDER_CONFIRMATION] = "order_confirmation",
    [PLACEMENT_CATEGORY] = "category",
    [PLACEMENT_SEARCH] = "search",
};

static const enum placement_needs needs[PLACEMENTS] = {
    [PLACEMENT_SIMILAR] = NEEDS_PRODUCT,   [PLACEMENT_BOUGHT_TOGETHER] = NEEDS_PRODUCT,
    [PLACEMENT_CART] = NEEDS_PRODUCTS,     [PLACEMENT_VIEWED_AFTER] = NEEDS_PRODUCT,
    [PLACEMENT_CHECKOUT] = NEEDS_PRODUCTS, [PLACEMENT_ORDER_CONFIRMATION] = NEEDS_PRODUCTS,
    [PLACEMENT_CATEGORY] = NEEDS_FILTER,
};

bool placement_of(struct str name, enum placement *out)
{
    for (int i = 0; i < PLACEMENTS; i++)
        if (str_is(name, placement_names[i])) {
            *out = (enum placement)i;
            return true;
        }
    return false;
}

const char *placement_name(enum placement p)
{
    CHECK((unsigned)p < PLACEMENTS);
    return placement_names[p];
}

enum placement_needs placement_needs(enum placement p)
{
    CHECK((unsigned)p < PLACEMENTS);
    return needs[p];
}

/* --- candidates ------------------------------------------------------------------------------ */

/* What a neighbour of the context is shown for. Liked by the same shoppers is not bought in one basket, and come
 * to afterwards is not bought: nothing else is claimed than what a list says. */
static enum reason_code context_reason(enum placement p, enum neighbour_kind kind)
{
    if (p == PLACEMENT_CART || p == PLACEMENT_CHECKOUT)
        return REASON_IN_CART;
    if (p == PLACEMENT_ORDER_CONFIRMATION || p == PLACEMENT_SEARCH)
        return kind == NEXT                        ? REASON_AFTER
               : p == PLACEMENT_ORDER_CONFIRMATION ? REASON_BOUGHT
                                                   : REASON_LIKE;
    if (p == PLACEMENT_VIEWED_AFTER && kind == NEXT)
        return REASON_VIEWED_AFTER;
    return p == PLACEMENT_BOUGHT_TOGETHER && kind == WITH ? REASON_BOUGHT_WITH : REASON_SIMILAR;
}

/* It weighs what *weight, one of w's, says. */
static void close_source(struct candidates *c, const struct placement_weights *w,
                         const float *weight)
{
    candidates_close(c, (uint32_t)(weight - (const float *)w), *weight);
}

static enum err_code gather_personal(const struct view *view, const struct placement_weights *w,
                                     const struct profile *profile, struct arena *arena,
                                     struct candidates *c, struct err *err)
{
    enum err_code code = ERR_OK;
    if (profile->len == 0)
        return ERR_OK;
    if (w->factors > 0) {
        code = source_factors(view, profile, w->candidates.factors, arena, c, err);
        close_source(c, w, &w->factors);
    }
    if (code == ERR_OK && w->profile_near > 0) {
        code = source_profile_neighbours(view, profile, NEAR, w->candidates.profile_near, c, err);
        close_source(c, w, &w->profile_near);
    }
    if (code == ERR_OK && w->profile_with > 0) {
        code = source_profile_neighbours(view, profile, WITH, w->candidates.profile_with, c, err);
        close_source(c, w, &w->profile_with);
    }
    if (code == ERR_OK && w->profile_next > 0) {
        code = source_profile_next(view, profile, w->candidates.profile_next, c, err);
        close_source(c, w, &w->profile_next);
    }
    if (code == ERR_OK && w->profile_alike > 0) {
        code = source_profile_neighbours(view, profile, ALIKE, w->candidates.profile_alike, c, err);
        close_source(c, w, &w->profile_alike);
    }
    return code;
}

static enum err_code gather_context(const struct view *view, const struct placement_weights *w,
                                    const struct recommend_request *r, struct arena *arena,
                                    struct candidates *c, struct err *err)
{
    enum err_code code = ERR_OK;
    if (w->with > 0) {
        code = source_neighbours(view, r->context, r->context_len, WITH, w->candidates.with,
                                 context_reason(r->placement, WITH), c, err);
        close_source(c, w, &w->with);
    }
    if (code == ERR_OK && w->near > 0) {
        code = source_neighbours(view, r->context, r->context_len, NEAR, w->candidates.near,
                                 context_reason(r->placement, NEAR), c, err);
        close_source(c, w, &w->near);
    }
    if (code == ERR_OK && w->next > 0) {
        code = source_neighbours(view, r->context, r->context_len, NEXT, w->candidates.next,
                                 context_reason(r->placement, NEXT), c, err);
        close_source(c, w, &w->next);
    }
    if (code == ERR_OK && w->alike > 0 && r->context_len > 0) {
        code = source_alike(view, r->context[0], w->candidates.alike,
                            r->placement == PLACEMENT_SEARCH ? REASON_LIKE : REASON_SIMILAR, arena,
                            c, err);
        close_source(c, w, &w->alike);
    }
    return code;
}

static enum err_code gather_sessions(const struct view *view, const struct placement_weights *w,
                                     const struct recommend_request *r,
                                     const struct profile *profile, struct arena *arena,
                                     struct candidates *c, struct err *err)
{
    bool cart = r->placement == PLACEMENT_CART || r->placement == PLACEMENT_CHECKOUT;
    bool set = cart || r->placement == PLACEMENT_ORDER_CONFIRMATION;
    if (!(w->sessions > 0))
        return ERR_OK;
    enum err_code code = source_sessions(view, profile, r->context, r->context_len, set,
                                         cart ? REASON_IN_CART : REASON_VISIT, r->now_us,
                                         w->candidates.sessions, arena, c, err);
    close_source(c, w, &w->sessions);
    return code;
}

static enum err_code gather_common(const struct view *view, const struct placement_weights *w,
                                   struct candidates *c, struct err *err)
{
    enum err_code code = ERR_OK;
    if (w->trending > 0) {
        code = source_shelf(&view->trending, w->candidates.trending, REASON_POPULAR, c, err);
        close_source(c, w, &w->trending);
    }
    if (code == ERR_OK && w->arrivals > 0) {
        code = source_shelf(&view->arrivals, w->candidates.arrivals, REASON_NEW, c, err);
        close_source(c, w, &w->arrivals);
    }
    return code;
}

static void bar_all(const struct recommend_request *r, const struct profile *profile,
                    struct candidates *c)
{
    for (size_t i = 0; i < r->context_len; i++)
        candidates_bar(c, r->context[i]);
    for (size_t i = 0; i < r->exclude_len; i++)
        candidates_bar(c, r->exclude[i]);
    /* A filter that asks what was bought decides about that itself. */
    bool hide_owned = !filter_asks_for_purchases(r->filter);
    for (size_t i = 0; i < profile->len; i++)
        if ((profile_owns(&profile->items[i]) && hide_owned) || r->hide_seen)
            candidates_bar(c, profile->items[i].product_no);
}

/* --- choosing -------------------------------------------------------------------------------- */

/* What they looked at may be gone: then it is no name for a reason. */
static void explain(const struct choice *ch, const struct candidates *c,
                    struct recommend_item *item)
{
    const struct recommend_model *m = view_model(ch->view);
    uint32_t row = m ? recommend_model_row(m, item->product_no) : UINT32_MAX;
    struct candidate_reason why = candidates_reason(c, item->product_no, row);
    if (why.because && !location_found(catalogue_locate(ch->view->catalogue, why.because)))
        why = (struct candidate_reason){REASON_TASTE, 0};
    item->reason = why.code;
    item->reason_product = why.because;
}

/* Best first, of equals the lower number, in rounds that grow: the rules usually leave enough of the
 * first. */
static enum err_code choose_best(struct choice *ch, struct arena *arena, struct err *err)
{
    const struct candidates *c = ch->candidates;
    struct topk_item *order = arena_try_alloc(arena, (c->len + 1) * sizeof *order);
    enum err_code code = ERR_OK;
    bool taken, all = false;
    if (!order)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    size_t done = 0;
    for (size_t wanted = 2 * (size_t)ch->request->limit;
         ch->len < ch->request->limit && !all && code == ERR_OK; wanted *= 4) {
        size_t end = ranked_best(c, ch->totals, wanted, order, &all);
        for (; done < end && ch->len < ch->request->limit && code == ERR_OK; done++)
            code = choice_add(ch, order[done].id, order[done].score, &taken, err);
    }
    return code;
}

/* What is said of a product beside its score. */
static struct listed listed_of(const struct choice *ch, const struct placement_weights *w,
                               const struct novelty *novelty, struct topk_item of)
{
    float factor = 1;
    rules_weigh(ch->rules, &of.id, &factor, 1);
    return (struct listed){.item = {.product_no = of.id, .score = of.score},
                           .factor = factor,
                           .novelty = w->novelty > 0 ? novelty_of(novelty, of.id) : 0,
                           .margin = w->margin > 0 ? live_margin(ch->view->live, of.id) : 0};
}

/* The first of the candidates that may come in, by more than their scores. Others may follow. */
static enum err_code choose_mixed(struct choice *ch, const struct placement_weights *w,
                                  const struct profile *profile, struct arena *arena,
                                  struct err *err)
{
    const struct candidates *c = ch->candidates;
    size_t room = (size_t)ch->request->limit * MIXED_POOL;
    struct topk_item *order = arena_try_alloc(arena, (c->len + 1) * sizeof *order);
    struct novelty novelty;
    bool taken, all;
    ch->pool = arena_try_alloc(arena, room * sizeof *ch->pool);
    if (!order || !ch->pool)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    if (w->novelty > 0)
        novelty_init(&novelty, ch->view, profile);
    size_t n = ranked_best(c, ch->totals, c->len, order, &all);
    for (size_t i = 0; i < n && ch->pool_len < room; i++) {
        struct location at = catalogue_locate(ch->view->catalogue, order[i].id);
        if (location_found(at) && choice_obstacle(ch, at, order[i].id) == OBSTACLE_NONE)
            ch->pool[ch->pool_len++] = listed_of(ch, w, &novelty, order[i]);
    }
    enum err_code code =
        diversify(view_model(ch->view), w, ch->pool, ch->pool_len, ch->request->limit, arena, err);
    for (size_t i = 0; i < ch->pool_len && ch->len < ch->request->limit && code == ERR_OK; i++)
        code = choice_add(ch, ch->pool[i].item.product_no, ch->pool[i].item.score, &taken, err);
    return code;
}

/* Why what the sources brought is here. */
static void explain_all(struct choice *ch)
{
    for (size_t i = 0; i < ch->len; i++)
        if (ch->items[i].reason != REASON_PICKED)
            explain(ch, ch->candidates, &ch->items[i]);
}

/* The hottest of the products [begin, end) that may come in, as far as there is room. *more: some did not
 * take part. */
static enum err_code fill_some(struct choice *ch, uint32_t begin, uint32_t end, float floor,
                               bool *more, struct err *err)
{
    struct topk_item items[RECOMMEND_LIMIT_MAX * 4];
    struct topk top;
    enum err_code code = ERR_OK;
    size_t pushed = 0;
    bool taken;
    topk_init(&top, items, sizeof items / sizeof *items);
    for (uint32_t no = end; no-- > begin;) {
        struct location at = catalogue_locate(ch->view->catalogue, no);
        if (!location_found(at) || choice_obstacle(ch, at, no) != OBSTACLE_NONE)
            continue;
        topk_push(&top, live_heat(ch->view->live, no, ch->request->now_us), no);
        pushed++;
    }
    size_t n = topk_finish(&top);
    *more = pushed > n;
    for (size_t i = 0; i < n && ch->len < ch->request->limit && code == ERR_OK; i++)
        code = choice_add(ch, items[i].id, floor / (float)(ch->len + 1), &taken, err);
    return code;
}

/* What no source proposes fills up a list that is short: the hottest of the newest FILL_NUMBERS, then of those
 * before, until nothing is left that may come in. Each round takes at least the first that it finds. */
static enum err_code fill(struct choice *ch, struct err *err)
{
    enum err_code code = ERR_OK;
    float floor = 1;
    for (size_t i = 0; i < ch->len; i++)
        if (ch->items[i].score > 0 && ch->items[i].score < floor)
            floor = ch->items[i].score;
    for (uint32_t end = live_end(ch->view->live); end > 1;) {
        uint32_t begin = end > FILL_NUMBERS ? end - FILL_NUMBERS : 1;
        bool more = true;
        while (more && ch->len < ch->request->limit && code == ERR_OK)
            code = fill_some(ch, begin, end, floor, &more, err);
        if (code != ERR_OK || ch->len == ch->request->limit)
            return code;
        end = begin;
    }
    return ERR_OK;
}

static bool wants_filling(enum placement p)
{
    return needs[p] != NEEDS_PRODUCT;
}

/* From scored candidates to the list. */
static enum err_code choose(struct choice *ch, const struct placement_weights *w,
                            const struct profile *profile, struct arena *arena, struct err *err)
{
    const struct recommend_request *r = ch->request;
    rules_weigh(ch->rules, ch->candidates->product_no + 1, ch->totals + 1, ch->candidates->len);
    enum err_code code = choice_pin(ch, err);
    if (code == ERR_OK && (w->diversity > 0 || w->novelty > 0 || w->margin > 0))
        code = choose_mixed(ch, w, profile, arena, err);
    if (code == ERR_OK)
        code = choose_best(ch, arena, err);
    explain_all(ch);
    if (code == ERR_OK && !r->may_be_short && ch->len < r->limit && wants_filling(r->placement))
        code = fill(ch, err);
    if (code == ERR_OK)
        code = choice_require(ch, arena, err);
    if (code == ERR_OK)
        choice_order(ch);
    return code;
}

/* The shopper, and what all sources propose to them. totals [candidates.len + 1] */
static enum err_code gather(const struct view *view, const struct recommend_request *r,
                            const struct placement_weights *w, struct arena *arena,
                            struct profile *profile, struct candidates *c, float **totals,
                            struct err *err)
{
    enum err_code code = profile_load(view, r->user_no, arena, profile, err);
    if (code == ERR_OK)
        code = candidates_init(c, arena, err);
    if (code != ERR_OK)
        return code;
    bar_all(r, profile, c);
    code = gather_personal(view, w, profile, arena, c, err);
    if (code == ERR_OK)
        code = gather_context(view, w, r, arena, c, err);
    if (code == ERR_OK)
        code = gather_sessions(view, w, r, profile, arena, c, err);
    if (code == ERR_OK)
        code = gather_common(view, w, c, err);
    if (code != ERR_OK)
        return code;
    *totals = arena_try_alloc(arena, (c->len + 1) * sizeof **totals);
    if (!*totals)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    candidates_totals(c, *totals);
    return ERR_OK;
}

enum err_code recommend_examples(const struct view *view, const struct recommend_request *r,
                                 size_t most, struct arena *arena, struct recommend_examples *out,
                                 struct err *err)
{
    struct profile profile;
    struct candidates c;
    float *totals;
    struct placement_weights w = recommend_weights_of(r);
    enum err_code code = gather(view, r, &w, arena, &profile, &c, &totals, err);
    return code == ERR_OK ? ranked_examples(view, r, &profile, &c, totals, most, arena, out, err)
                          : code;
}

enum err_code recommend_trace_run(const struct view *view, const struct recommend_request *r,
                                  struct arena *arena, struct recommend_trace *t, struct err *err)
{
    struct placement_weights w = recommend_weights_of(r);
    struct candidates *c = &t->candidates;
    float *totals;
    CHECK(r->limit >= 1 && r->limit <= RECOMMEND_LIMIT_MAX);
    enum err_code code = gather(view, r, &w, arena, &t->profile, c, &totals, err);
    if (code == ERR_OK)
        code = ranked_scores(view, r, &t->profile, c, totals, arena, &t->ranked, err);
    if (code == ERR_OK)
        code = choice_init(&t->choice, view, r, c, totals, arena, err);
    return code == ERR_OK ? choose(&t->choice, &w, &t->profile, arena, err) : code;
}

enum err_code recommend_run(const struct view *view, const struct recommend_request *r,
                            struct arena *arena, struct recommend_result *out, struct err *err)
{
    struct recommend_trace trace;
    enum err_code code = recommend_trace_run(view, r, arena, &trace, err);
    if (code == ERR_OK)
        *out =
            (struct recommend_result){trace.choice.items, trace.choice.len, trace.profile.len > 0};
    return code;
}
