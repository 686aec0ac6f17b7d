#include "recommend/recommend.h"

#include "base/check.h"
#include "num/topk.h"
#include "recommend/sources.h"
#include "recommend/trace.h"
#include "recommend/weights.h"

enum { SHELF_WANT = 200, FILL_NUMBERS = 200000 };

static const char *const placement_names[PLACEMENTS] = {
    [PLACEMENT_HOME] = "home",
    [PLACEMENT_SIMILAR] = "similar",
    [PLACEMENT_BOUGHT_TOGETHER] = "bought_together",
    [PLACEMENT_CART] = "cart",
    [PLACEMENT_TRENDING] = "trending",
    [PLACEMENT_NEW] = "new",
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

/* --- candidates ------------------------------------------------------------------------------ */

static enum reason_code context_reason(enum placement p)
{
    return p == PLACEMENT_CART              ? REASON_IN_CART
           : p == PLACEMENT_BOUGHT_TOGETHER ? REASON_BOUGHT_WITH
                                            : REASON_SIMILAR;
}

static enum err_code gather_personal(const struct view *view, const struct source_weights *w,
                                     const struct profile *profile, struct arena *arena,
                                     struct candidates *c, struct err *err)
{
    enum err_code code = ERR_OK;
    if (profile->len == 0)
        return ERR_OK;
    if (w->factors > 0) {
        code = source_factors(view, profile, arena, c, err);
        candidates_close(c, w->factors);
    }
    if (code == ERR_OK && w->profile_near > 0) {
        code = source_profile_neighbours(view, profile, NEAR, c, err);
        candidates_close(c, w->profile_near);
    }
    if (code == ERR_OK && w->profile_with > 0) {
        code = source_profile_neighbours(view, profile, WITH, c, err);
        candidates_close(c, w->profile_with);
    }
    if (code == ERR_OK && w->profile_next > 0) {
        code = source_profile_next(view, profile, c, err);
        candidates_close(c, w->profile_next);
    }
    return code;
}

static enum err_code gather_context(const struct view *view, const struct source_weights *w,
                                    const struct recommend_request *r, struct arena *arena,
                                    struct candidates *c, struct err *err)
{
    enum reason_code reason = context_reason(r->placement);
    enum err_code code = ERR_OK;
    if (w->with > 0) {
        code = source_neighbours(view, r->context, r->context_len, WITH, reason, c, err);
        candidates_close(c, w->with);
    }
    if (code == ERR_OK && w->near > 0) {
        /* Liked by the same shoppers is not bought in one basket: nothing else is claimed. */
        code = source_neighbours(view, r->context, r->context_len, NEAR,
                                 r->placement == PLACEMENT_CART ? reason : REASON_SIMILAR, c, err);
        candidates_close(c, w->near);
    }
    if (code == ERR_OK && w->next > 0) {
        code = source_neighbours(view, r->context, r->context_len, NEXT,
                                 r->placement == PLACEMENT_CART ? reason : REASON_SIMILAR, c, err);
        candidates_close(c, w->next);
    }
    if (code == ERR_OK && w->alike > 0 && r->context_len > 0) {
        code = source_alike(view, r->context[0], arena, c, err);
        candidates_close(c, w->alike);
    }
    return code;
}

static enum err_code gather_common(const struct view *view, const struct source_weights *w,
                                   struct candidates *c, struct err *err)
{
    enum err_code code = ERR_OK;
    if (w->trending > 0) {
        code = source_shelf(&view->trending, SHELF_WANT, REASON_POPULAR, c, err);
        candidates_close(c, w->trending);
    }
    if (code == ERR_OK && w->arrivals > 0) {
        code = source_shelf(&view->arrivals, SHELF_WANT, REASON_NEW, c, err);
        candidates_close(c, w->arrivals);
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

/* Best first, of equals the lower number, in rounds that grow: the rules usually leave enough of the
 * first. */
static enum err_code choose_best(struct choice *ch, struct arena *arena, struct err *err)
{
    const struct candidates *c = ch->candidates;
    struct topk_item *order = arena_try_alloc(arena, (c->len + 1) * sizeof *order);
    enum err_code code = ERR_OK;
    bool taken;
    if (!order)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    for (size_t done = 0, wanted = 2 * (size_t)ch->request->limit;; wanted *= 4) {
        bool some = wanted < c->len;
        float floor = some ? topk_floor(ch->totals + 1, c->len, wanted) : 0;
        size_t n = list_above(c, ch->totals, floor, order);
        if (some && n < wanted) {
            n = list_above(c, ch->totals, 0, order);
            some = wanted < n;
        }
        size_t end = wanted < n ? wanted : n;
        topk_order(order, n, end);
        for (; done < end && ch->len < ch->request->limit && code == ERR_OK; done++)
            code = choice_add(ch, order[done].id, order[done].score, &taken, err);
        if (code != ERR_OK || ch->len == ch->request->limit || !some)
            break;
    }
    for (size_t i = 0; i < ch->len; i++)
        if (ch->items[i].reason != REASON_PICKED)
            explain(ch, c, &ch->items[i]);
    return code;
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
    return p != PLACEMENT_SIMILAR && p != PLACEMENT_BOUGHT_TOGETHER;
}

/* From scored candidates to the list. */
static enum err_code choose(struct choice *ch, struct arena *arena, struct err *err)
{
    const struct recommend_request *r = ch->request;
    rules_weigh(ch->rules, ch->candidates->product_no + 1, ch->totals + 1, ch->candidates->len);
    enum err_code code = choice_pin(ch, err);
    if (code == ERR_OK)
        code = choose_best(ch, arena, err);
    if (code == ERR_OK && ch->len < r->limit && wants_filling(r->placement))
        code = fill(ch, err);
    if (code == ERR_OK)
        code = choice_require(ch, arena, err);
    if (code == ERR_OK)
        choice_order(ch);
    return code;
}

enum err_code recommend_trace_run(const struct view *view, const struct recommend_request *r,
                                  struct arena *arena, struct recommend_trace *t, struct err *err)
{
    const struct recommend_weights *weights = r->weights ? r->weights : &recommend_weights_default;
    const struct source_weights *w = &weights->of[r->placement];
    struct candidates *c = &t->candidates;
    CHECK(r->limit >= 1 && r->limit <= RECOMMEND_LIMIT_MAX);
    enum err_code code = profile_load(view, r->user_no, arena, &t->profile, err);
    if (code == ERR_OK)
        code = candidates_init(c, arena, err);
    if (code != ERR_OK)
        return code;
    bar_all(r, &t->profile, c);
    code = gather_personal(view, w, &t->profile, arena, c, err);
    if (code == ERR_OK)
        code = gather_context(view, w, r, arena, c, err);
    if (code == ERR_OK)
        code = gather_common(view, w, c, err);
    if (code != ERR_OK)
        return code;
    float *totals = arena_try_alloc(arena, (c->len + 1) * sizeof *totals);
    if (!totals)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    candidates_totals(c, totals);
    code = choice_init(&t->choice, view, r, c, totals, arena, err);
    return code == ERR_OK ? choose(&t->choice, arena, err) : code;
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
