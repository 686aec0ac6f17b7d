#include "recommend/recommend.h"

#include "base/check.h"
#include "num/topk.h"
#include "recommend/profile.h"
#include "recommend/sources.h"
#include "recommend/weights.h"

enum { SHELF_WANT = 200, FILL_DOCS_MAX = 200000 };

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
    if (code == ERR_OK && w->profile_alike > 0) {
        code = source_profile_neighbours(view, profile, ALIKE, c, err);
        candidates_close(c, w->profile_alike);
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
    for (size_t i = 0; i < profile->len; i++)
        if (profile_owns(&profile->items[i]) || r->hide_seen)
            candidates_bar(c, profile->items[i].product_no);
}

/* --- choosing -------------------------------------------------------------------------------- */

struct choice {
    const struct view *view;
    const struct recommend_request *request;
    struct recommend_item *items; /* [limit] */
    uint64_t *groups;             /* [limit] of the items chosen */
    size_t len;
};

static bool group_shown(const struct choice *ch, uint64_t group)
{
    for (size_t i = 0; i < ch->len; i++)
        if (ch->groups[i] == group)
            return true;
    return false;
}

/* A variant of what the page is about is no recommendation. */
static bool group_of_context(const struct choice *ch, uint64_t group)
{
    const struct recommend_request *r = ch->request;
    for (size_t i = 0; i < r->context_len; i++) {
        struct location at = catalogue_locate(ch->view->catalogue, r->context[i]);
        if (location_found(at) && ch->view->catalogue->segments[at.slot]->group[at.doc] == group)
            return true;
    }
    return false;
}

/* Show it if the rules allow. */
static void choose(struct choice *ch, uint32_t product_no, float score)
{
    struct location at = catalogue_locate(ch->view->catalogue, product_no);
    if (!location_found(at) || !live_sellable(ch->view->live, product_no))
        return;
    uint64_t group = ch->view->catalogue->segments[at.slot]->group[at.doc];
    if (group_shown(ch, group) || group_of_context(ch, group) ||
        !filter_match(ch->request->filter, at.slot, at.doc))
        return;
    ch->groups[ch->len] = group;
    ch->items[ch->len++] = (struct recommend_item){product_no, score, REASON_POPULAR, 0};
}

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
static enum err_code choose_best(struct choice *ch, const struct candidates *c, struct arena *arena,
                                 struct err *err)
{
    struct topk_item *order = arena_try_alloc(arena, (c->len + 1) * sizeof *order);
    float *totals = arena_try_alloc(arena, (c->len + 1) * sizeof *totals);
    if (!order || !totals)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    candidates_totals(c, totals);
    for (size_t wanted = 2 * (size_t)ch->request->limit;; wanted *= 4) {
        bool some = wanted < c->len;
        size_t n = list_above(c, totals, some ? topk_floor(totals + 1, c->len, wanted) : 0, order);
        if (some && n < wanted) {
            n = list_above(c, totals, 0, order);
            some = wanted < n;
        }
        size_t taken = wanted < n ? wanted : n;
        topk_order(order, n, taken);
        ch->len = 0;
        for (size_t i = 0; i < taken && ch->len < ch->request->limit; i++)
            choose(ch, order[i].id, order[i].score);
        if (ch->len == ch->request->limit || !some)
            break;
    }
    for (size_t i = 0; i < ch->len; i++)
        explain(ch, c, &ch->items[i]);
    return ERR_OK;
}

/* A narrow filter may leave shelves empty: then the hottest that match of the FILL_DOCS_MAX newest. */
static void fill(struct choice *ch, const struct candidates *c)
{
    struct topk_item items[RECOMMEND_LIMIT_MAX * 4];
    struct topk top;
    uint32_t seen = 0;
    size_t before = ch->len;
    const struct catalogue *catalogue = ch->view->catalogue;
    topk_init(&top, items, sizeof items / sizeof *items);
    for (uint32_t no = live_end(ch->view->live); no-- > 1 && seen < FILL_DOCS_MAX;) {
        struct location at = catalogue_locate(catalogue, no);
        if (!location_found(at))
            continue;
        seen++;
        if (live_sellable(ch->view->live, no) && filter_match(ch->request->filter, at.slot, at.doc))
            topk_push(&top, live_heat(ch->view->live, no, ch->request->now_us), no);
    }
    size_t n = topk_finish(&top);
    float floor = before ? ch->items[before - 1].score : 1;
    for (size_t i = 0; i < n && ch->len < ch->request->limit; i++) {
        if (!candidates_barred(c, items[i].id))
            choose(ch, items[i].id, floor * 0.5f / (float)(i + 1));
    }
}

static bool wants_filling(enum placement p)
{
    return p != PLACEMENT_SIMILAR && p != PLACEMENT_BOUGHT_TOGETHER;
}

enum err_code recommend_run(const struct view *view, const struct recommend_request *r,
                            struct arena *arena, struct recommend_result *out, struct err *err)
{
    const struct recommend_weights *weights = r->weights ? r->weights : &recommend_weights_default;
    const struct source_weights *w = &weights->of[r->placement];
    struct profile profile;
    struct candidates c;
    CHECK(r->limit >= 1 && r->limit <= RECOMMEND_LIMIT_MAX);
    enum err_code code = profile_load(view, r->user_no, arena, &profile, err);
    if (code == ERR_OK)
        code = candidates_init(&c, arena, err);
    if (code != ERR_OK)
        return code;
    bar_all(r, &profile, &c);
    code = gather_personal(view, w, &profile, arena, &c, err);
    if (code == ERR_OK)
        code = gather_context(view, w, r, arena, &c, err);
    if (code == ERR_OK)
        code = gather_common(view, w, &c, err);
    if (code != ERR_OK)
        return code;

    struct choice ch = {.view = view, .request = r};
    ch.items = arena_try_alloc(arena, r->limit * sizeof *ch.items);
    ch.groups = arena_try_alloc(arena, r->limit * sizeof *ch.groups);
    if (!ch.items || !ch.groups)
        return err_set(err, ERR_LIMIT, "the recommendations do not fit");
    code = choose_best(&ch, &c, arena, err);
    if (code != ERR_OK)
        return code;
    if (r->filter && ch.len < r->limit && wants_filling(r->placement))
        fill(&ch, &c);
    *out = (struct recommend_result){ch.items, ch.len, profile.len > 0};
    return ERR_OK;
}
