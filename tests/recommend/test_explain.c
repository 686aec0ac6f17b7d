#include "recommend/explain.h"

#include "recommend/ruled_shop.h"
#include "support/suite.h"

enum { SHOPS = 4, LISTS = 120 };

static struct str name_of_group(const struct oracle *o, uint32_t no)
{
    return group_name(product_of(o, no));
}

static bool owns(const struct recommend_trace *t, uint32_t no)
{
    for (size_t i = 0; i < t->profile.len; i++)
        if (t->profile.items[i].product_no == no)
            return t->profile.items[i].types >> EVENT_PURCHASE & 1;
    return false;
}

static bool is_in(const uint32_t *numbers, size_t n, uint32_t no)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == no)
            return true;
    return false;
}

/* Is what is said of a product that is not shown true of it, by the plain record? */
static bool is_true(const struct oracle *o, const struct recommend_trace *t,
                    const struct explained *e)
{
    const struct product *p = product_of(o, e->product_no);
    const struct recommend_request *r = o->r;
    const struct plain_rule *rule = e->rule < o->s->rules_len ? &o->s->rules[e->rule] : NULL;
    bool selected = rule && rule_selects(o, rule, e->product_no);
    bool full = t->choice.len == r->limit;
    switch (e->why) {
    case WHY_INACTIVE:
        return p->status == PRODUCT_INACTIVE;
    case WHY_OUT_OF_STOCK:
        return p->status == PRODUCT_ACTIVE && p->stock == 0;
    case WHY_CONTEXT:
        return is_in(r->context, r->context_len, p->no);
    case WHY_EXCLUDED:
        return is_in(r->exclude, r->exclude_len, p->no);
    case WHY_OWNED:
        return owns(t, p->no) && !is_in(r->exclude, r->exclude_len, p->no);
    case WHY_SEEN:
        return r->hide_seen && r->user_no && !owns(t, p->no);
    case WHY_VARIANT_OF_CONTEXT:
        return !is_in(r->context, r->context_len, p->no) &&
               (str_eq(name_of_group(o, p->no), name_of_group(o, r->context[0])) ||
                str_eq(name_of_group(o, p->no), name_of_group(o, r->context[r->context_len - 1])));
    case WHY_FILTER:
        return !filter_match_product(r->filter, o->s->f.view, p->no) && e->clause.n > 0;
    case WHY_TOO_DEAR:
        return plain_too_dear(o, p->no);
    case WHY_HIDDEN:
        return selected && rule->action == RULE_HIDE;
    case WHY_GROUP_SHOWN:
        return o->allowed[p->no] && is_in(o->list.no, o->list.len, e->other) &&
               str_eq(name_of_group(o, p->no), name_of_group(o, e->other));
    case WHY_CAPPED:
        return selected && rule->action == RULE_CAP && o->allowed[p->no] && fits(o, p->no, false) &&
               !fits(o, p->no, true);
    case WHY_GAVE_WAY:
        return rule && rule->action == RULE_REQUIRE && !selected && full;
    case WHY_NOT_PROPOSED:
        return fits(o, p->no, true) && !full && e->rank == 0;
    case WHY_BELOW:
        return fits(o, p->no, true) && full;
    case WHY_SHOWN:
    case WHY_NOT_IN_CATALOGUE:
    case WHYS:
        return false;
    }
    return false;
}

/* Its rank by the plain definition. */
static size_t plain_rank(const struct recommend_trace *t, const float *totals, uint32_t no)
{
    size_t rank = 1;
    float mine = totals[candidates_find(&t->candidates, no)];
    for (uint32_t other = 1; other <= PRODUCTS; other++) {
        float theirs = totals[candidates_find(&t->candidates, other)];
        rank += theirs > mine || (theirs == mine && other < no);
    }
    return mine > 0 ? rank : 0;
}

static void ck_total(const struct recommend_trace *t, const struct explained *e)
{
    const struct candidates *c = &t->candidates;
    double total = 0;
    for (uint32_t i = 0; i < c->sources_len; i++) {
        const struct candidate_source *source = &c->sources[i];
        double part = 0;
        for (uint32_t k = source->first; k < source->last; k++)
            for (size_t m = 0; m < c->lists[k].n; m++)
                if (c->lists[k].numbers[c->lists[k].ids ? c->lists[k].ids[m] : m] ==
                        e->product_no &&
                    !candidates_barred(c, e->product_no))
                    part += (double)c->lists[k].weight *
                            (c->lists[k].parts ? (double)c->lists[k].parts[m] : 1.0);
        total += part * (double)source->scale;
    }
    ck_assert_double_eq_tol(total, (double)e->total, 1e-5);
    ck_assert_double_eq_tol((double)e->total * (double)e->factor,
                            (double)t->choice.totals[e->index], 1e-3);
}

START_TEST(what_is_told_of_every_product_is_true_of_the_record)
{
    size_t told[WHYS] = {0};
    for (uint64_t seed = 100; seed < 100 + SHOPS; seed++) {
        struct ruled_shop s;
        struct recommend_trace t;
        struct explainer x;
        struct err err;
        shop_init(&s, seed);
        for (int i = 0; i < LISTS; i++) {
            arena_reset(&s.f.arena);
            struct recommend_request r = random_request(&s);
            random_rules(&s, &r, rng_below(&s.rng, RULES + 1));
            ck_ok(recommend_trace_run(s.f.view, &r, &s.f.arena, &t, &err));
            ck_ok(explain_init(&x, s.f.view, &r, &t, &s.f.arena, &err));
            struct oracle o = {.s = &s, .r = &r, .c = &t.candidates};
            for (size_t k = 0; k < t.choice.len; k++)
                plain_add(&o, t.choice.items[k].product_no, 0, 0);
            for (uint32_t no = 1; no <= PRODUCTS; no++)
                o.allowed[no] = plain_allowed(&o, no);
            for (uint32_t no = 1; no <= PRODUCTS; no++) {
                struct explained e = explain_product(&x, no);
                ck_total(&t, &e);
                ck_assert_uint_eq(e.rank, plain_rank(&t, x.raw, no));
                ck_assert_uint_eq(e.place, plain_rank(&t, t.choice.totals, no));
                told[e.why]++;
                if (is_in(o.list.no, o.list.len, no)) {
                    ck_assert_int_eq(e.why, WHY_SHOWN);
                    ck_assert_uint_eq(t.choice.items[e.position - 1].product_no, no);
                    continue;
                }
                ck_assert_uint_eq(e.position, 0);
                ck_assert_msg(is_true(&o, &t, &e), "list %d (%s): %u: '%s' is not true", i,
                              placement_name(r.placement), no, why_not_name(e.why));
            }
        }
        shop_release(&s);
    }
    for (int w = 0; w < WHYS; w++) /* each of them was told, some times */
        ck_assert_msg((told[w] > 0) == (w != WHY_NOT_IN_CATALOGUE), "%s",
                      why_not_name((enum why_not)w));
}
END_TEST

START_TEST(a_product_that_is_gone_is_in_no_catalogue)
{
    struct ruled_shop s;
    struct recommend_trace t;
    struct explainer x;
    struct err err;
    shop_init(&s, 1);
    fixture_remove(&s.f, 5);
    struct recommend_request r = {.placement = PLACEMENT_TRENDING, .limit = 5, .now_us = NOW};
    ck_ok(recommend_trace_run(s.f.view, &r, &s.f.arena, &t, &err));
    ck_ok(explain_init(&x, s.f.view, &r, &t, &s.f.arena, &err));
    ck_assert_int_eq(explain_product(&x, 5).why, WHY_NOT_IN_CATALOGUE);
    ck_assert_int_eq(explain_product(&x, 4000000).why, WHY_NOT_IN_CATALOGUE);
    shop_release(&s);
}
END_TEST

SUITE("explain", what_is_told_of_every_product_is_true_of_the_record,
      a_product_that_is_gone_is_in_no_catalogue)
