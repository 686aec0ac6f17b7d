/* The search for parameters: what it reports is what it measured, and it looks at nothing behind its end. */
#include "train/recommend_search.h"

#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/profile.h"

enum { USERS = 60, PRODUCTS = 40, ACTS = 12, K = 5 };
#define DAY   ((int64_t)86400 * 1000000)
#define BEGIN (20000 * DAY)
#define UNTIL (BEGIN + 50 * DAY)

struct shop {
    struct view_fixture f;
    struct interactions it;
    char ids[PRODUCTS + 1][8];
};

/* Two tastes. later: what shoppers do from UNTIL on is drawn from it. */
static void shop_init(struct shop *s, uint64_t later)
{
    struct derive_options o = derive_defaults();
    struct rng r, after;
    struct err err;
    *s = (struct shop){0};
    ck_ok(vec_init(&err));
    fixture_init(&s->f);
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        snprintf(s->ids[no], sizeof s->ids[no], "P%u", no);
        struct product p = fixture_product(no, s->ids[no], s->ids[no]);
        fixture_put(&s->f, &p);
    }
    fixture_merge(&s->f);
    rng_init(&r, 9);
    rng_init(&after, later);
    for (uint32_t user = 1; user <= USERS; user++)
        for (int i = 0; i < ACTS; i++) {
            int64_t at = BEGIN + (int64_t)rng_below(&r, 60 * DAY);
            uint32_t no = 1 + 2 * (uint32_t)rng_below(&r, PRODUCTS / 2) + user % 2;
            if (at >= UNTIL)
                no = 1 + (uint32_t)rng_below(&after, PRODUCTS);
            ck_ok(interactions_append(&s->it, user, no, at, profile_type_weight(EVENT_VIEW),
                                      EVENT_VIEW, 1, &err));
        }
    ck_ok(interactions_sort(&s->it, &o, &err));
}

static void shop_release(struct shop *s)
{
    interactions_release(&s->it);
    fixture_release(&s->f);
}

static struct search_options options(double budget_s)
{
    struct search_options o = {.start = recommend_defaults(),
                               .until = UNTIL,
                               .budget_s = budget_s,
                               .k = K,
                               .users_max = 1000};
    o.start.dim = 1; /* there is better */
    o.start.regularisation = 200;
    o.start.iterations = 2;
    o.start.neighbours = 1;
    return o;
}

static void search(struct shop *s, const struct search_options *o, struct search_result *r)
{
    struct err err;
    ck_ok(recommend_search(&s->it, s->f.view, o, r, &err));
}

/* NDCG of home pages with these parameters, fitted and measured apart from the search. */
static double ndcg_of(struct shop *s, const struct recommend_params *p, int64_t split)
{
    struct recommend_model m;
    struct list_cases cases = {0};
    struct lists_result lists;
    struct err err;
    struct evaluate_options how = {
        .split = split, .until = UNTIL, .k = K, .users_max = 1000, .seed = p->seed};
    ck_ok(recommend_fit(&s->it, p, &(struct fit_options){.until = split}, &m, &err));
    ck_ok(recommend_lists(&s->it, s->f.view, &m, split, false, &how, &cases, &lists, &err));
    double ndcg = lists.ndcg;
    lists_result_release(&lists);
    list_cases_release(&cases);
    recommend_fit_release(&m);
    return ndcg;
}

START_TEST(a_search_keeps_what_is_better_and_tells_what_it_measured)
{
    struct shop s;
    static struct search_result r;
    struct search_options o = options(1e6);
    double best = 0;
    shop_init(&s, 1);
    search(&s, &o, &r);
    ck_assert_uint_gt(r.users, USERS / 2);
    ck_assert_uint_gt(r.len, 10);
    size_t before = 0;
    for (size_t i = 0; i < s.it.len; i++)
        before += s.it.time[i] < r.split;
    ck_assert(r.split < UNTIL && before > s.it.len / 2);
    for (size_t i = 0; i < r.len; i++) {
        ck_assert((r.trials[i].parameter == NULL) == (i == 0));
        ck_assert(r.trials[i].kept == (i == 0 || r.trials[i].ndcg > best * (1 + SEARCH_GAIN)));
        best = r.trials[i].kept ? r.trials[i].ndcg : best;
    }
    ck_assert_double_gt(best, r.trials[0].ndcg * 1.01);
    ck_assert_double_eq_tol(best, ndcg_of(&s, &r.best, r.split), 1e-9);
    ck_assert_double_eq_tol(r.trials[0].ndcg, ndcg_of(&s, &o.start, r.split), 1e-9);
    ck_assert_double_gt(best, r.popularity);
    ck_assert_double_gt(r.item_knn, 0);
    shop_release(&s);
}
END_TEST

START_TEST(what_happened_from_its_end_on_changes_nothing)
{
    struct shop a, b;
    static struct search_result x, y;
    struct search_options o = options(1e6);
    shop_init(&a, 1);
    shop_init(&b, 2);
    search(&a, &o, &x);
    search(&b, &o, &y);
    ck_assert_uint_eq(x.len, y.len);
    ck_assert(recommend_params_equal(&x.best, &y.best));
    for (size_t i = 0; i < x.len; i++)
        ck_assert(x.trials[i].ndcg == y.trials[i].ndcg);
    ck_assert(x.popularity == y.popularity && x.item_knn == y.item_knn);
    shop_release(&a);
    shop_release(&b);
}
END_TEST

START_TEST(without_time_or_shoppers_the_start_is_the_best)
{
    struct shop s;
    static struct search_result r;
    struct search_options o = options(1e-9);
    shop_init(&s, 1);
    search(&s, &o, &r);
    ck_assert_uint_eq(r.len, 1);
    ck_assert(recommend_params_equal(&r.best, &o.start));
    o = options(1e6);
    o.until = BEGIN; /* nothing came before */
    search(&s, &o, &r);
    ck_assert(r.len == 1 && r.users == 0 && r.trials[0].ndcg == 0);
    ck_assert(recommend_params_equal(&r.best, &o.start));
    shop_release(&s);
}
END_TEST

SUITE("recommend_search", a_search_keeps_what_is_better_and_tells_what_it_measured,
      what_happened_from_its_end_on_changes_nothing, without_time_or_shoppers_the_start_is_the_best)
