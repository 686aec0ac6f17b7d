/* A ranker trained on a shop whose shoppers choose by a rule that no source knows. */
#include "train/ranker_train.h"

#include <math.h>

#include "base/mem.h"
#include "engine/past.h"
#include "eval/lists.h"
#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/features.h"
#include "train/bands.h"
#include "train/ranker_examples.h"

struct shop {
    struct view_fixture f;
    struct interactions it;
    struct recommend_params params;
    char ids[PRODUCTS + 1][8];
    char kinds[KINDS][8];
};

static void make_products(struct shop *s)
{
    static struct product products[PRODUCTS];
    const struct product *all[PRODUCTS];
    for (uint32_t k = 0; k < KINDS; k++)
        snprintf(s->kinds[k], sizeof s->kinds[k], "kind%u", k);
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        struct product *p = &products[no - 1];
        snprintf(s->ids[no], sizeof s->ids[no], "P%u", no);
        *p = fixture_product(no, s->ids[no], s->ids[no]);
        p->category = str_of(s->kinds[no % KINDS]);
        p->price_minor = price_of(no);
        p->currency = s->f.shop.currency;
        p->created_at = BEGIN - DAY;
        fixture_live(&s->f, p);
        all[no - 1] = p;
    }
    fixture_index(&s->f, all, PRODUCTS);
}

static void add_act(void *arg, uint32_t user, uint32_t product, int64_t time, enum event_type type)
{
    struct shop *s = arg;
    struct err err;
    ck_ok(interactions_append(&s->it, user, product, time, type == EVENT_PURCHASE ? 8 : 1, type, 1,
                              &err));
}

static void make_acts(struct shop *s)
{
    struct derive_options o = derive_defaults();
    struct err err;
    visits(11, add_act, s);
    ck_ok(interactions_sort(&s->it, &o, &err));
}

static void shop_init(struct shop *s)
{
    struct err err;
    *s = (struct shop){.params = recommend_defaults()};
    s->params.dim = 16;
    s->params.iterations = 4;
    ck_ok(vec_init(&err));
    trees_init();
    fixture_init(&s->f);
    make_products(s);
    make_acts(s);
}

static void shop_release(struct shop *s)
{
    interactions_release(&s->it);
    fixture_release(&s->f);
}

static struct ranker_data data_of(struct shop *s)
{
    return (struct ranker_data){.view = s->f.view,
                                .it = &s->it,
                                .params = &s->params,
                                .fit_at = BEGIN + 50 * DAY,
                                .valid_at = BEGIN + 75 * DAY,
                                .until = END};
}

static struct ranker_options options(void)
{
    struct ranker_options o = ranker_defaults();
    o.candidates = 60;
    o.rounds = 40;
    o.patience = 10;
    o.trees.depth = 3;
    return o;
}

START_TEST(it_learns_what_the_sources_do_not_know)
{
    static struct shop s;
    struct ranker_report report;
    struct ranker r;
    struct buf file;
    struct err err;
    shop_init(&s);
    buf_init(&file, RANKER_BYTES_MAX);
    struct ranker_data d = data_of(&s);
    struct ranker_options o = options();
    ck_ok(ranker_train(&d, &o, &file, &report, &err));
    ck_assert_uint_gt(report.trees, 0);
    ck_assert_msg(report.of[0].serves && report.of[0].gain.low > 0, "home: %.4f to %.4f",
                  report.of[0].blend, report.of[0].ranked);
    ck_assert_double_gt(report.tune_ranked, report.tune_blend);
    ck_assert_msg(report.act_error < 0.03 && report.act_share > 0.02, "%.4f of %.4f",
                  report.act_error, report.act_share);
    ck_assert_double_lt(report.purchase_error, 0.03);
    ck_assert_double_lt(report.purchase_share, report.act_share);
    ck_ok(ranker_read(buf_str(&file), &r, &err));
    ck_ok(features_check(&r, &err));
    ck_assert(ranker_serves(&r, "home"));
    ck_assert_uint_eq(r.trees.len, report.trees);
    ck_assert_uint_eq(r.candidates, 60);
    ck_assert_uint_gt(r.act.len, 1);
    ranker_release(&r);
    buf_release(&file);
    shop_release(&s);
}
END_TEST

START_TEST(what_happened_later_is_not_seen_and_the_same_comes_out_again)
{
    static struct shop s;
    struct ranker_report report;
    struct buf files[3];
    struct err err;
    struct pool *pool;
    ck_ok(pool_new(&pool, "test", 1, 64, &err));
    for (int k = 0; k < 3; k++) {
        shop_init(&s);
        buf_init(&files[k], RANKER_BYTES_MAX);
        struct ranker_data d = data_of(&s);
        struct ranker_options o = options();
        d.until = END - 10 * DAY;
        o.rounds = 10;
        d.pool = k == 1 ? pool : NULL;
        if (k == 2) /* everybody comes for the dearest later on */
            for (size_t i = 0; i < s.it.len; i++)
                if (s.it.time[i] >= d.until)
                    s.it.product_no[i] = 573;
        ck_ok(ranker_train(&d, &o, &files[k], &report, &err));
        ck_assert_uint_gt(files[k].len, 100);
        shop_release(&s);
    }
    ck_assert(str_eq(buf_str(&files[0]), buf_str(&files[2])));
    ck_assert(str_eq(buf_str(&files[0]), buf_str(&files[1])));
    for (int k = 0; k < 3; k++)
        buf_release(&files[k]);
    pool_free(pool);
}
END_TEST

START_TEST(too_few_lists_give_no_ranker)
{
    static struct shop s;
    struct ranker_report report;
    struct buf file;
    struct err err;
    shop_init(&s);
    buf_init(&file, RANKER_BYTES_MAX);
    struct ranker_data d = data_of(&s);
    struct ranker_options o = options();
    o.lists = 20;
    o.rounds = 5;
    ck_ok(ranker_train(&d, &o, &file, &report, &err));
    for (size_t p = 0; p < RANKER_PLACEMENTS; p++)
        ck_assert(!report.of[p].serves);
    ck_assert_uint_eq(file.len, 0);
    buf_release(&file);
    shop_release(&s);
}
END_TEST

START_TEST(a_part_of_the_gain_may_be_given_for_fewer_trees)
{
    static struct shop s;
    struct ranker_report all, few;
    struct buf file;
    struct err err;
    shop_init(&s);
    buf_init(&file, RANKER_BYTES_MAX);
    struct ranker_data d = data_of(&s);
    struct ranker_options o = options();
    o.rounds = o.patience = 80;
    o.trees.eta = 0.02f; /* many are needed */
    ck_ok(ranker_train(&d, &o, &file, &all, &err));
    ck_assert_uint_gt(all.trees, RANKER_FEW_TREES);
    ck_assert_uint_eq(all.trees, all.sets[SET_ACTS].trees);
    o.trim = 0.5f;
    ck_ok(ranker_train(&d, &o, &file, &few, &err));
    ck_assert_uint_eq(few.trees, RANKER_FEW_TREES);
    ck_assert_uint_eq(few.sets[SET_ACTS].trees, all.trees);
    ck_assert_double_eq(few.tune_ranked, few.tune_few);
    ck_assert_double_eq(few.tune_few, all.tune_few);
    ck_assert_double_le(few.tune_ranked, all.tune_ranked);
    buf_release(&file);
    shop_release(&s);
}
END_TEST

START_TEST(moments_follow_each_other)
{
    static struct shop s;
    struct err err;
    shop_init(&s);
    struct ranker_data d = {.it = &s.it};
    ck_ok(ranker_moments(&d, 1, 0.2, &err));
    size_t before_valid = 0, before_fit = 0;
    for (size_t i = 0; i < s.it.len; i++) {
        before_valid += s.it.time[i] < d.valid_at;
        before_fit += s.it.time[i] < d.fit_at;
    }
    ck_assert_double_eq_tol((double)before_valid / (double)s.it.len, 0.8, 0.01);
    ck_assert_double_eq_tol((double)before_fit / (double)s.it.len, 0.64, 0.01);
    shop_release(&s);
}
END_TEST

/* --- examples -------------------------------------------------------------------------------- */

START_TEST(examples_are_the_candidates_that_serve_with_what_came_of_them)
{
    static struct shop s;
    struct recommend_model m;
    struct list_cases cases;
    struct past past;
    struct err err;
    const int64_t at = BEGIN + 50 * DAY, until = BEGIN + 75 * DAY;
    shop_init(&s);
    struct fit_options fit = {.until = at};
    ck_ok(recommend_fit(&s.it, &s.params, &fit, &m, &err));
    ck_ok(past_open(s.f.view, &m, at, &past, &err));
    past_shelve(&past);
    ck_ok(list_cases_read(&s.it, &past.view, PLACEMENT_HOME, at, until, 50, 1, &cases, &err));
    ck_assert_uint_eq(cases.len, 50);
    struct rng rng;
    rng_init(&rng, 1);
    struct ranker_examples all = {0}, some = {0};
    struct ranker_examples_options o = {.view = &past.view,
                                        .it = &s.it,
                                        .split = at,
                                        .until = until,
                                        .candidates = 40,
                                        .rng = &rng};
    ck_ok(ranker_examples_add(&all, &o, &cases, 0, cases.len, &err));
    ck_assert_uint_eq(all.queries, 50);
    size_t with_positive = 0, positives = 0, bought = 0;
    for (size_t q = 0; q < all.queries; q++) {
        struct recommend_request r = {.placement = PLACEMENT_HOME,
                                      .user_no = cases.items[q].user_no,
                                      .limit = 1,
                                      .hide_seen = true,
                                      .now_us = at};
        struct recommend_examples found;
        arena_reset(&s.f.arena);
        ck_ok(recommend_examples(&past.view, &r, 40, &s.f.arena, &found, &err));
        ck_assert_uint_eq(found.n, all.offsets[q + 1] - all.offsets[q]);
        bool any = false;
        for (size_t i = 0; i < found.n; i++) {
            size_t row = all.offsets[q] + i;
            bool acted = false, buys = false;
            for (size_t k = 0; k < s.it.len; k++)
                if (s.it.user_no[k] == r.user_no && s.it.product_no[k] == found.product_no[i] &&
                    s.it.time[k] >= at && s.it.time[k] < until) {
                    acted = true;
                    buys |= s.it.type[k] == EVENT_PURCHASE;
                }
            ck_assert(all.label[row] == (float)acted && all.purchase[row] == (float)buys);
            for (size_t f = 0; f < FEATURES; f++) /* bytes: NaN too */
                ck_assert_mem_eq(&all.x[row * FEATURES + f], &found.x[f * found.n + i],
                                 sizeof(float));
            any |= acted;
            positives += acted;
            bought += buys;
        }
        with_positive += any;
    }
    ck_assert_uint_gt(bought, 5);
    o.negatives = 7;
    ck_ok(ranker_examples_add(&some, &o, &cases, 0, cases.len, &err));
    ck_assert_uint_eq(some.queries, with_positive);
    size_t kept = 0;
    for (size_t q = 0; q < some.queries; q++) {
        size_t negatives = 0;
        for (size_t i = some.offsets[q]; i < some.offsets[q + 1]; i++) {
            negatives += some.label[i] == 0;
            kept += some.label[i] == 1;
        }
        ck_assert_uint_eq(negatives, 7);
    }
    ck_assert_uint_eq(kept, positives);
    ranker_examples_release(&all);
    ranker_examples_release(&some);
    list_cases_release(&cases);
    past_close(&past);
    recommend_fit_release(&m);
    shop_release(&s);
}
END_TEST

SUITE("ranker_train", it_learns_what_the_sources_do_not_know,
      what_happened_later_is_not_seen_and_the_same_comes_out_again, too_few_lists_give_no_ranker,
      a_part_of_the_gain_may_be_given_for_fewer_trees, moments_follow_each_other,
      examples_are_the_candidates_that_serve_with_what_came_of_them)
