#include "recommend/explain.h"

#include <math.h>

#include "base/check.h"
#include "recommend/weights.h"

enum { BECAUSE_MAX = 10 /* products that are told of one source */ };

static const char *const names[WHYS] = {
    [WHY_SHOWN] = "shown",
    [WHY_NOT_IN_CATALOGUE] = "not_in_catalogue",
    [WHY_INACTIVE] = "inactive",
    [WHY_OUT_OF_STOCK] = "out_of_stock",
    [WHY_CONTEXT] = "context",
    [WHY_EXCLUDED] = "excluded",
    [WHY_OWNED] = "owned",
    [WHY_SEEN] = "seen",
    [WHY_VARIANT_OF_CONTEXT] = "variant_of_context",
    [WHY_FILTER] = "filter",
    [WHY_TOO_DEAR] = "too_dear",
    [WHY_HIDDEN] = "hidden",
    [WHY_GROUP_SHOWN] = "group_shown",
    [WHY_CAPPED] = "capped",
    [WHY_GAVE_WAY] = "gave_way",
    [WHY_NOT_PROPOSED] = "not_proposed",
    [WHY_BELOW] = "below",
};

const char *why_not_name(enum why_not w)
{
    CHECK((unsigned)w < WHYS);
    return names[w];
}

static bool is_pinned(const struct choice *ch, uint32_t product_no)
{
    for (size_t i = 0; i < ch->pins_len; i++)
        if (ch->pins[i].product_no == product_no)
            return true;
    return false;
}

enum err_code explain_init(struct explainer *x, const struct view *view,
                           const struct recommend_request *request,
                           const struct recommend_trace *trace, struct arena *arena,
                           struct err *err)
{
    const struct choice *ch = &trace->choice;
    float *raw = arena_try_alloc(arena, (trace->candidates.len + 1) * sizeof *raw);
    if (!raw)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    candidates_totals(&trace->candidates, raw);
    *x = (struct explainer){.view = view,
                            .request = request,
                            .trace = trace,
                            .weights = recommend_weights_of(request),
                            .raw = raw};
    for (size_t i = 0; i < ch->len; i++)
        if (!is_pinned(ch, ch->items[i].product_no))
            x->last_score = ch->items[i].score;
    return ERR_OK;
}

/* --- one product ------------------------------------------------------------------------------- */

/* 1 for the best of totals; of equals the lower number is better. */
static size_t rank_of(const struct candidates *c, const float *totals, uint32_t index)
{
    size_t rank = 1;
    if (!(totals[index] > 0))
        return 0;
    for (uint32_t i = 1; i <= c->len; i++)
        rank += totals[i] > totals[index] ||
                (totals[i] == totals[index] && c->product_no[i] < c->product_no[index]);
    return rank;
}

static bool is_among(const uint32_t *numbers, size_t n, uint32_t no)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == no)
            return true;
    return false;
}

static enum why_not why_barred(const struct explainer *x, uint32_t no)
{
    const struct profile *p = &x->trace->profile;
    if (is_among(x->request->context, x->request->context_len, no))
        return WHY_CONTEXT;
    if (is_among(x->request->exclude, x->request->exclude_len, no))
        return WHY_EXCLUDED;
    for (size_t i = 0; i < p->len; i++)
        if (p->items[i].product_no == no && profile_owns(&p->items[i]))
            return WHY_OWNED;
    return WHY_SEEN;
}

static uint32_t shown_of_group(const struct explainer *x, struct location at)
{
    const struct choice *ch = &x->trace->choice;
    uint64_t group = x->view->catalogue->segments[at.slot]->group[at.doc];
    for (size_t i = 0; i < ch->len; i++) {
        struct location there = catalogue_locate(x->view->catalogue, ch->items[i].product_no);
        if (x->view->catalogue->segments[there.slot]->group[there.doc] == group)
            return ch->items[i].product_no;
    }
    return 0;
}

static void find_obstacle(const struct explainer *x, struct explained *e)
{
    const struct choice *ch = &x->trace->choice;
    struct live_row live;
    switch (choice_obstacle(ch, e->at, e->product_no)) {
    case OBSTACLE_NOT_FOR_SALE:
        live_get(x->view->live, e->product_no, &live);
        e->why = live.status == PRODUCT_ACTIVE ? WHY_OUT_OF_STOCK : WHY_INACTIVE;
        break;
    case OBSTACLE_BARRED:
        e->why = why_barred(x, e->product_no);
        break;
    case OBSTACLE_OF_CONTEXT:
        e->why = WHY_VARIANT_OF_CONTEXT;
        break;
    case OBSTACLE_FILTER:
        e->why = WHY_FILTER;
        e->clause = filter_blame(x->request->filter, e->at.slot, e->at.doc);
        break;
    case OBSTACLE_TOO_DEAR:
        e->why = WHY_TOO_DEAR;
        break;
    case OBSTACLE_HIDDEN:
        e->why = WHY_HIDDEN;
        e->rule = rules_judge(ch->rules, e->at).rule;
        break;
    case OBSTACLE_GROUP:
        e->why = WHY_GROUP_SHOWN;
        e->other = shown_of_group(x, e->at);
        break;
    case OBSTACLE_CAP:
        e->why = WHY_CAPPED;
        e->rule = rules_judge(ch->rules, e->at).rule;
        break;
    case OBSTACLE_NONE:
        e->why = ch->len < x->request->limit ? WHY_NOT_PROPOSED : WHY_BELOW;
        break;
    }
}

/* The ranker's margin is what its score was made of (recommend/ranked.h). */
static void tell_chances(const struct explainer *x, struct explained *e)
{
    const struct ranker *ranker = x->view->model->ranker;
    double share = (double)e->learned - 1; /* 1 / (1 + exp(-margin)) */
    if (x->request->placement != PLACEMENT_HOME || x->trace->profile.len == 0 ||
        ranker->act.len == 0)
        return;
    float margin = (float)log(fmax(share, 1e-9) / fmax(1 - share, 1e-9));
    e->act = isotonic_at(&ranker->act, margin);
    e->purchase = isotonic_at(&ranker->purchase, margin);
}

struct explained explain_product(const struct explainer *x, uint32_t no)
{
    const struct choice *ch = &x->trace->choice;
    const struct candidates *c = &x->trace->candidates;
    uint32_t index = candidates_find(c, no);
    struct explained e = {.product_no = no,
                          .total = x->raw[index],
                          .factor = 1,
                          .act = -1,
                          .purchase = -1,
                          .rank = rank_of(c, x->raw, index),
                          .place = rank_of(c, ch->totals, index),
                          .index = index,
                          .at = catalogue_locate(x->view->catalogue, no)};
    for (size_t i = 0; i < ch->len; i++)
        if (ch->items[i].product_no == no)
            e.position = i + 1;
    for (size_t i = 0; i < ch->pool_len; i++)
        if (ch->pool[i].item.product_no == no)
            e.listed = &ch->pool[i];
    if (!location_found(e.at)) {
        e.why = WHY_NOT_IN_CATALOGUE;
        return e;
    }
    rules_weigh(ch->rules, &no, &e.factor, 1);
    if (x->trace->ranked && e.factor > 0 && ch->totals[index] > e.factor) {
        e.learned = ch->totals[index] / e.factor; /* all others are at most 1 */
        tell_chances(x, &e);
    }
    if (e.position)
        return e;
    for (size_t i = 0; i < ch->gave_way_len; i++)
        if (ch->gave_way[i].product_no == no) {
            e.why = WHY_GAVE_WAY;
            e.rule = ch->gave_way[i].rule;
            return e;
        }
    find_obstacle(x, &e);
    return e;
}

/* --- telling ----------------------------------------------------------------------------------- */

struct saying {
    const struct candidate_list *list;
    float part;
};

/* The lists of a source that speak of the product, most first. */
static size_t sayings_of(const struct explainer *x, const struct explained *e,
                         const struct candidate_source *s, struct saying out[BECAUSE_MAX])
{
    const struct recommend_model *m = view_model(x->view);
    uint32_t row = m ? recommend_model_row(m, e->product_no) : UINT32_MAX;
    size_t n = 0;
    for (uint32_t i = s->first; i < s->last; i++) {
        const struct candidate_list *l = &x->trace->candidates.lists[i];
        struct saying said = {l, candidates_said(l, e->product_no, row)};
        size_t at = n < BECAUSE_MAX ? n : BECAUSE_MAX - 1;
        if (!(said.part > 0) || (n == BECAUSE_MAX && said.part <= out[at].part))
            continue;
        n += n < BECAUSE_MAX;
        for (; at > 0 && out[at - 1].part < said.part; at--)
            out[at] = out[at - 1];
        out[at] = said;
    }
    return n;
}

static void write_sources(const struct explainer *x, const struct explained *e,
                          struct json_writer *w)
{
    const struct candidates *c = &x->trace->candidates;
    JW_ARR(w, "sources");
    for (uint32_t i = 0; i < c->sources_len; i++) {
        const struct candidate_source *s = &c->sources[i];
        struct saying said[BECAUSE_MAX];
        float part = e->index && e->index <= s->len ? s->part[e->index] : 0;
        if (!(part * s->scale > 0))
            continue;
        size_t n = sayings_of(x, e, s, said);
        jw_obj(w);
        JW_Z(w, "source", placement_weight_name(s->kind));
        JW_DOUBLE(w, "part", (double)part);
        JW_DOUBLE(w, "scale", (double)s->scale);
        JW_DECIMAL(w, "of_total", (double)(part * s->scale / e->total), 4);
        JW_ARR(w, "because");
        for (size_t k = 0; k < n; k++) {
            jw_obj(w);
            JW_Z(w, "reason", reason_name(said[k].list->reason));
            struct str id = card_id(x->view, said[k].list->because);
            if (id.n)
                JW_STR(w, "product_id", id);
            JW_DOUBLE(w, "part", (double)said[k].part);
            jw_obj_end(w);
        }
        jw_arr_end(w);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

/* Its parts add up to its worth. */
static void write_mix(const struct explainer *x, const struct listed *l, struct json_writer *w)
{
    const struct placement_weights *by = &x->weights;
    JW_OBJ(w, "mix");
    JW_DOUBLE(w, "relevance", (double)((1 - by->diversity) * l->relevance));
    JW_DOUBLE(w, "diversity", (double)(0 - by->diversity * l->likeness));
    JW_DOUBLE(w, "novelty", (double)(by->novelty * l->novelty));
    JW_DOUBLE(w, "margin", (double)(by->margin * l->margin));
    JW_DOUBLE(w, "worth", (double)l->worth);
    jw_obj_end(w);
}

static void write_touching(const struct explainer *x, const struct explained *e,
                           struct json_writer *w)
{
    const struct choice *ch = &x->trace->choice;
    size_t n;
    const uint16_t *rules = rules_in_force(ch->rules, &n);
    JW_ARR(w, "rules");
    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = rules_at(x->view, rules[i]);
        if (!location_found(e->at) || !rules_select(ch->rules, rules[i], e->at))
            continue;
        jw_obj(w);
        JW_STR(w, "id", rule->id);
        JW_Z(w, "action", rule_action_name(rule->action));
        if (rule->action == RULE_BOOST || rule->action == RULE_BURY)
            JW_DOUBLE(w, "factor", (double)rule->factor);
        for (size_t k = 0; k < ch->pins_len; k++)
            if (ch->pins[k].product_no == e->product_no && ch->pins[k].rule == rules[i])
                JW_U64(w, "position", ch->pins[k].position);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static void write_why(const struct explainer *x, const struct explained *e, struct json_writer *w)
{
    if (e->why == WHY_SHOWN) {
        JW_NULL(w, "why_not");
        return;
    }
    JW_OBJ(w, "why_not");
    JW_Z(w, "code", why_not_name(e->why));
    if (e->why == WHY_FILTER)
        JW_STR(w, "clause", e->clause);
    if (e->why == WHY_HIDDEN || e->why == WHY_CAPPED || e->why == WHY_GAVE_WAY)
        JW_STR(w, "rule_id", rules_at(x->view, e->rule)->id);
    if (e->why == WHY_GROUP_SHOWN)
        JW_STR(w, "product_id", card_id(x->view, e->other));
    if (e->why == WHY_BELOW)
        JW_DOUBLE(w, "last_score", (double)x->last_score);
    jw_obj_end(w);
}

static void write_count_or_null(struct json_writer *w, size_t n)
{
    if (n)
        jw_u64(w, n);
    else
        jw_null(w);
}

void explain_write(const struct explainer *x, const struct explained *e, struct str language,
                   struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", card_id(x->view, e->product_no));
    JW_STR(w, "title", card_title(x->view, e->product_no, language));
    JW_BOOL(w, "shown", e->position > 0);
    JW_KEY(w, "position");
    write_count_or_null(w, e->position);
    JW_DOUBLE(w, "total", (double)e->total);
    if (e->learned > 0)
        JW_DOUBLE(w, "learned", (double)e->learned);
    if (e->act >= 0) {
        JW_OBJ(w, "chance");
        JW_DECIMAL(w, "act", (double)e->act, 6);
        JW_DECIMAL(w, "purchase", (double)e->purchase, 6);
        jw_obj_end(w);
    }
    JW_DOUBLE(w, "factor", (double)e->factor);
    JW_DOUBLE(w, "score", (double)x->trace->choice.totals[e->index]);
    if (e->listed)
        write_mix(x, e->listed, w);
    JW_KEY(w, "rank");
    write_count_or_null(w, e->rank);
    JW_KEY(w, "place");
    write_count_or_null(w, e->place);
    write_sources(x, e, w);
    write_touching(x, e, w);
    write_why(x, e, w);
    jw_obj_end(w);
}

void explain_write_rules(const struct explainer *x, struct arena *arena, struct json_writer *w)
{
    const struct rules_asker asker = choice_asker(x->request);
    for (size_t i = 0; i < rules_len(x->view); i++) {
        const struct rule *rule = rules_at(x->view, i);
        const char *idle = rules_idle(x->view, i, &asker, arena);
        jw_obj(w);
        JW_STR(w, "id", rule->id);
        JW_STR(w, "name", rule->name);
        JW_Z(w, "action", rule_action_name(rule->action));
        JW_BOOL(w, "in_force", !idle);
        if (idle)
            JW_Z(w, "why_not", idle);
        jw_obj_end(w);
    }
}
