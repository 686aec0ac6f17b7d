/* Home pages of a model, of what is popular in it, and of a rival, on the same shoppers. */
#include "train/recommend_evaluate.h"

#include <math.h>

#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/profile.h"

enum { USERS = 80, PRODUCTS = 60, ACTS = 12, K = 5 };
#define DAY   ((int64_t)86400 * 1000000)
#define BEGIN (20000 * DAY)

struct shop {
    struct view_fixture f;
    struct interactions it;
    struct recommend_params params;
    int64_t split;
    char ids[PRODUCTS + 1][8];
};

/* Two tastes: even shoppers like even products; within a taste the lower numbers. */
static void shop_init(struct shop *s)
{
    struct derive_options o = derive_defaults();
    struct rng r;
    struct err err;
    *s = (struct shop){.params = recommend_defaults()};
    s->params.dim = 4;
    s->params.regularisation = 1;
    ck_ok(vec_init(&err));
    fixture_init(&s->f);
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        snprintf(s->ids[no], sizeof s->ids[no], "P%u", no);
        struct product p = fixture_product(no, s->ids[no], s->ids[no]);
        fixture_put(&s->f, &p);
    }
    fixture_merge(&s->f);
    rng_init(&r, 9);
    for (uint32_t user = 1; user <= USERS; user++)
        for (int i = 0; i < ACTS; i++) {
            uint32_t low = (uint32_t)(rng_unit(&r) * rng_unit(&r) * PRODUCTS / 2);
            ck_ok(interactions_append(&s->it, user, 1 + 2 * low + user % 2,
                                      BEGIN + (int64_t)rng_below(&r, 60 * DAY),
                                      profile_type_weight(EVENT_VIEW), EVENT_VIEW, 1, &err));
        }
    ck_ok(interactions_sort(&s->it, &o, &err));
    ck_ok(recommend_split(&s->it, 0.7, &s->split, &err));
}

static void shop_release(struct shop *s)
{
    interactions_release(&s->it);
    fixture_release(&s->f);
}

static void fit(struct shop *s, int64_t until, struct recommend_model *m)
{
    struct err err;
    ck_ok(recommend_fit(&s->it, &s->params, &(struct fit_options){.until = until}, m, &err));
}

static struct recommend_evaluation evaluate(struct shop *s, const struct recommend_model *m,
                                            const struct recommend_model *rival, int64_t until)
{
    struct evaluate_options o = {.split = s->split,
                                 .k = K,
                                 .users_max = 1000,
                                 .seed = 1,
                                 .rival = rival,
                                 .rival_until = until};
    struct recommend_evaluation e;
    struct err err;
    ck_ok(recommend_evaluate(&s->it, s->f.view, m, &o, &e, &err));
    return e;
}

/* NDCG of the most popular products that are new to each shopper, by the definition. */
static double popular_ndcg(const struct shop *s, const struct recommend_model *m, size_t *users)
{
    double sum = 0;
    *users = 0;
    for (uint32_t user = 1; user <= USERS; user++) {
        bool known[PRODUCTS + 1] = {false}, truth[PRODUCTS + 1] = {false}, past = false;
        size_t wanted = 0;
        double gain = 0, ideal = 0;
        for (size_t i = 0; i < s->it.len; i++)
            if (s->it.user_no[i] == user && s->it.time[i] < s->split)
                past = known[s->it.product_no[i]] = true;
        for (size_t i = 0; i < s->it.len; i++) {
            uint32_t no = s->it.product_no[i];
            if (s->it.user_no[i] != user || s->it.time[i] < s->split || known[no] || truth[no])
                continue;
            truth[no] = true;
            wanted++;
        }
        if (!past || wanted == 0)
            continue;
        ++*users;
        for (size_t rank = 0; rank < K; rank++) {
            uint32_t best = 0;
            float most = -1;
            for (uint32_t row = 0; row < m->rows; row++)
                if (!known[m->items[row]] && m->popularity[row] > most) {
                    most = m->popularity[row];
                    best = m->items[row];
                }
            known[best] = true;
            gain += truth[best] ? 1 / log2((double)rank + 2) : 0;
            ideal += rank < wanted ? 1 / log2((double)rank + 2) : 0;
        }
        sum += gain / ideal;
    }
    return sum / (double)*users;
}

START_TEST(tastes_beat_what_is_popular_by_what_the_definitions_give)
{
    struct shop s;
    struct recommend_model m;
    size_t users;
    shop_init(&s);
    fit(&s, s.split, &m);
    struct recommend_evaluation e = evaluate(&s, &m, NULL, 0);
    ck_assert_double_eq_tol(e.popularity.ndcg, popular_ndcg(&s, &m, &users), 1e-9);
    ck_assert_uint_eq(e.users, users);
    ck_assert_uint_gt(users, USERS / 2);
    ck_assert_double_eq_tol(e.gain.mean, e.lists.ndcg - e.popularity.ndcg, 1e-9);
    ck_assert_double_eq_tol(e.ndcg.mean, e.lists.ndcg, 1e-9);
    ck_assert(e.gain.low <= e.gain.mean && e.gain.mean <= e.gain.high);
    ck_assert_double_gt(e.gain.low, 0);
    ck_assert(e.rival.ndcg == 0 && e.factors.users > 0);
    recommend_fit_release(&m);
    shop_release(&s);
}
END_TEST

START_TEST(a_rival_is_measured_on_the_same_shoppers_as_if_it_were_alone)
{
    struct shop s;
    struct recommend_model m, other;
    shop_init(&s);
    fit(&s, s.split, &m);
    s.params.dim = 1;
    s.params.regularisation = 1000;
    s.params.neighbours = 1;
    fit(&s, s.split, &other);
    struct recommend_evaluation alone = evaluate(&s, &other, NULL, 0);
    struct recommend_evaluation e = evaluate(&s, &m, &m, 0); /* with itself nothing differs */
    ck_assert_double_eq(e.rival.ndcg, e.lists.ndcg);
    ck_assert(e.over_rival.low == 0 && e.over_rival.high == 0);
    e = evaluate(&s, &m, &other, 0);
    ck_assert_uint_eq(e.users, alone.users);
    ck_assert_double_eq(e.rival.ndcg, alone.lists.ndcg);
    ck_assert_double_eq(e.rival.coverage, alone.lists.coverage);
    ck_assert_double_eq_tol(e.over_rival.mean, e.lists.ndcg - e.rival.ndcg, 1e-12);
    ck_assert(e.over_rival.low <= e.over_rival.mean && e.over_rival.mean <= e.over_rival.high);
    recommend_fit_release(&other);
    recommend_fit_release(&m);
    shop_release(&s);
}
END_TEST

/* A model of long ago serves with what shoppers did since: they are not strangers to it. */
START_TEST(a_rival_that_ended_earlier_has_the_acts_since_as_fresh_ones)
{
    struct shop s;
    struct recommend_model m, old;
    shop_init(&s);
    fit(&s, s.split, &m);
    int64_t until = BEGIN + 8 * DAY;
    fit(&s, until, &old);
    struct recommend_evaluation fresh = evaluate(&s, &m, &old, until);
    struct recommend_evaluation stale = evaluate(&s, &m, &old, 0);
    ck_assert_uint_eq(fresh.users, stale.users);
    ck_assert_double_gt(fresh.rival.ndcg, stale.rival.ndcg);
    ck_assert_double_lt(fresh.rival.ndcg, fresh.lists.ndcg);
    recommend_fit_release(&old);
    recommend_fit_release(&m);
    shop_release(&s);
}
END_TEST

SUITE("recommend_evaluate", tastes_beat_what_is_popular_by_what_the_definitions_give,
      a_rival_is_measured_on_the_same_shoppers_as_if_it_were_alone,
      a_rival_that_ended_earlier_has_the_acts_since_as_fresh_ones)
