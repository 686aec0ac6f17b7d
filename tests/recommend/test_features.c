/* The learned ranker's features against their definitions, and what a ranker does to a list. */
#include "recommend/explain.h"
#include "recommend/features.h"

#include <math.h>

#include "base/clock.h"
#include "engine/ranker_text.h"
#include "num/vec.h"
#include "rank/view_fixture.h"

enum { PRODUCTS = 20, NEAR_EACH = 8, SHOPPER = 7, COLD = PRODUCTS };
#define NOW ((int64_t)1750000000 * 1000000)

static const char *const categories[] = {"home > lamps", "home > pots", "toys > trains"};
static const char *const brands[] = {"Lux", "Potter"};

struct shop {
    struct view_fixture f;
    char ids[PRODUCTS + 1][8];
};

/* What is known of product `no`, to be told to the shop and to the oracle. */
static int64_t price_of(uint32_t no)
{
    return no % 7 == 0 ? STORE_NO_AMOUNT : (int64_t)no * no * 10 + 50;
}

static uint32_t category_of(uint32_t no)
{
    return no % 3;
}

static uint32_t brand_of(uint32_t no)
{
    return no % 2;
}

static float popularity_of(uint32_t no)
{
    return (float)(no * 3 % 11);
}

static void put(struct shop *s, uint32_t no)
{
    snprintf(s->ids[no], sizeof s->ids[no], "P%02u", no);
    struct product p = fixture_product(no, s->ids[no], s->ids[no]);
    p.category = str_of(categories[category_of(no)]);
    p.brand = str_of(brands[brand_of(no)]);
    p.price_minor = price_of(no);
    p.list_price_minor =
        no % 4 == 0 && p.price_minor != STORE_NO_AMOUNT ? 2 * p.price_minor : STORE_NO_AMOUNT;
    p.currency = p.price_minor != STORE_NO_AMOUNT ? s->f.shop.currency : 0;
    p.created_at = NOW - (int64_t)no * CLOCK_US_PER_DAY;
    p.rating_count = no % 5;
    p.rating_mean = no % 5 ? 3.5f : 0;
    fixture_put(&s->f, &p);
}

/* Each knows its neighbours up and down; the last one is new to the model. */
static void serve_model(struct shop *s)
{
    enum { KNOWN = PRODUCTS - 1 };
    static uint32_t items[KNOWN], offsets[KNOWN + 1], rows[KNOWN * NEAR_EACH], none[KNOWN + 1];
    static float popularity[KNOWN], scores[KNOWN * NEAR_EACH];
    static const uint32_t user_no[] = {1};
    static const uint64_t history_offsets[] = {0, 0};
    for (uint32_t row = 0; row < KNOWN; row++) {
        items[row] = row + 1;
        popularity[row] = popularity_of(row + 1);
        offsets[row + 1] = (row + 1) * NEAR_EACH;
        for (uint32_t i = 0; i < NEAR_EACH; i++) {
            rows[row * NEAR_EACH + i] = (row + 1 + 2 * i) % KNOWN;
            scores[row * NEAR_EACH + i] = 0.9f - 0.1f * (float)i;
        }
    }
    static float days[KNOWN], share[KNOWN];
    for (uint32_t row = 0; row < KNOWN; row++)
        days[row] = 30;
    struct recommend_model m = {.meta = STR_LIT("{}"),
                                .rows = KNOWN,
                                .items = items,
                                .popularity = popularity,
                                .near = {offsets, rows, scores},
                                .with = {none, NULL, NULL},
                                .next = {none, NULL, NULL},
                                .alike = {none, NULL, NULL},
                                .again_days = days,
                                .again_share = share,
                                .users = 1,
                                .user_no = user_no,
                                .history_offsets = history_offsets};
    fixture_model(&s->f, &m);
}

static void shop_init(struct shop *s)
{
    struct err err;
    *s = (struct shop){0};
    ck_ok(vec_init(&err));
    trees_init();
    fixture_init(&s->f);
    for (uint32_t no = 1; no <= PRODUCTS; no++)
        put(s, no);
    serve_model(s);
    struct view *v = s->f.view;
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        v->trending.product_no[v->trending.len] = no;
        v->trending.score[v->trending.len++] = 1 - 0.02f * (float)no;
        live_heat_add(s->f.live, no, (float)no, NOW - CLOCK_US_PER_DAY);
    }
}

static void act(struct shop *s, uint32_t no, enum event_type type, int64_t ago_us)
{
    users_add(s->f.users, SHOPPER,
              &(struct user_action){no, (uint32_t)((NOW - ago_us) / 1000000), (uint32_t)type});
}

/* --- features -------------------------------------------------------------------------------- */

enum { ACTS = 4 };
static const uint32_t seen[ACTS] = {2, 5, 7, 8};
static const enum event_type types[ACTS] = {EVENT_VIEW, EVENT_ADD_TO_CART, EVENT_VIEW,
                                            EVENT_PURCHASE};

static void browse(struct shop *s)
{
    for (int i = 0; i < ACTS; i++)
        act(s, seen[i], types[i], (ACTS - i) * CLOCK_US_PER_DAY);
}

/* The weights of the shopper's products by the rule of profile.h: halved for each 30 days to the newest. */
static double weight_of(int i)
{
    return (double)profile_type_weight(types[i]) * pow(2, -(ACTS - 1 - i) / 30.0);
}

static float at(const struct recommend_examples *e, uint32_t f, size_t i)
{
    return e->x[f * e->n + i];
}

static void near_to(float got, double want, const char *what, uint32_t no)
{
    bool same = isnan(want) ? isnan(got) : fabs((double)got - want) <= 1e-4 * (1 + fabs(want));
    ck_assert_msg(same, "%s of product %u: %g, not %g", what, no, (double)got, want);
}

static double interest(uint32_t no, uint32_t (*of)(uint32_t), uint32_t by)
{
    double sum = 0, all = 0;
    for (int i = 0; i < ACTS; i++) {
        all += weight_of(i);
        sum += of(seen[i]) / by == of(no) / by ? weight_of(i) : 0;
    }
    return sum / all;
}

/* Of the first of the shelf, which is product 1 here; to a 64th of the power of two above it. */
static double heat_share_of(uint32_t no)
{
    double unit = 1;
    while (unit <= no)
        unit *= 2;
    return round(no / unit * 64) / 64 * unit;
}

START_TEST(features_are_what_their_names_say)
{
    struct shop s;
    struct err err;
    struct recommend_examples e;
    shop_init(&s);
    browse(&s);
    struct recommend_request r = {
        .placement = PLACEMENT_HOME, .user_no = SHOPPER, .limit = 1, .now_us = NOW};
    ck_ok(recommend_examples(s.f.view, &r, 150, &s.f.arena, &e, &err));
    ck_assert_uint_gt(e.n, 12);
    double weight = 0, priced = 0, mean = 0, variance = 0, best_trend = 0;
    for (int i = 0; i < ACTS; i++) {
        weight += weight_of(i);
        if (price_of(seen[i]) != STORE_NO_AMOUNT) {
            priced += weight_of(i);
            mean += weight_of(i) * log((double)price_of(seen[i]));
        }
    }
    mean /= priced;
    for (int i = 0; i < ACTS; i++)
        if (price_of(seen[i]) != STORE_NO_AMOUNT)
            variance += weight_of(i) * pow(log((double)price_of(seen[i])) - mean, 2) / priced;
    for (uint32_t no = 1; no <= PRODUCTS; no++)
        if (no != 8) /* it is owned, and so said by nobody */
            best_trend = fmax(best_trend, (double)s.f.view->trending.score[no - 1]);
    for (size_t i = 0; i < e.n; i++) {
        uint32_t no = e.product_no[i];
        double price = price_of(no) == STORE_NO_AMOUNT ? (double)NAN : log((double)price_of(no));
        ck_assert_uint_ne(no, 8);
        near_to(at(&e, FEATURE_SOURCES + 10, i),
                (double)s.f.view->trending.score[no - 1] / best_trend, "source.trending", no);
        near_to(at(&e, FEATURE_BLEND_RANK, i), (double)i, "blend.rank", no);
        near_to(at(&e, FEATURE_ITEM_POPULARITY, i),
                no == COLD ? (double)NAN : (double)popularity_of(no), "item.popularity", no);
        near_to(at(&e, FEATURE_ITEM_HEAT, i), heat_share_of(no), "item.heat", no);
        near_to(at(&e, FEATURE_ITEM_AGE, i), (double)no, "item.age", no);
        near_to(at(&e, FEATURE_ITEM_RATINGS, i), (double)(no % 5), "item.ratings", no);
        near_to(at(&e, FEATURE_ITEM_RATING, i), no % 5 ? 3.5 : (double)NAN, "item.rating", no);
        near_to(at(&e, FEATURE_ITEM_PRICE, i), exp(price), "item.price", no);
        near_to(at(&e, FEATURE_ITEM_DISCOUNT, i), no % 4 == 0 && !isnan(price) ? 0.5 : (double)NAN,
                "item.discount", no);
        near_to(at(&e, FEATURE_SHOPPER_PRODUCTS, i), ACTS, "shopper.products", no);
        near_to(at(&e, FEATURE_SHOPPER_WEIGHT, i), weight, "shopper.weight", no);
        near_to(at(&e, FEATURE_SHOPPER_OWNED, i), weight_of(3) / weight, "shopper.owned", no);
        near_to(at(&e, FEATURE_SHOPPER_IDLE, i), 1, "shopper.idle", no);
        near_to(at(&e, FEATURE_PRICE_HABIT, i), price - mean, "price.habit", no);
        near_to(at(&e, FEATURE_PRICE_UNUSUAL, i), (price - mean) / sqrt(variance), "price.unusual",
                no);
        near_to(at(&e, FEATURE_CATEGORY_INTEREST, i), interest(no, category_of, 1),
                "category.interest", no);
        /* categories 0 and 1 lie in one department */
        near_to(at(&e, FEATURE_DEPARTMENT_INTEREST, i), interest(no, category_of, 2),
                "department.interest", no);
        near_to(at(&e, FEATURE_BRAND_INTEREST, i), interest(no, brand_of, 1), "brand.interest", no);
        near_to(at(&e, FEATURE_CONTEXT_PRODUCTS, i), 0, "context.products", no);
        ck_assert(isnan(at(&e, FEATURE_CONTEXT_CATEGORY, i)));
        ck_assert(at(&e, FEATURE_PLACEMENT, i) == (float)PLACEMENT_HOME);
        ck_assert(at(&e, FEATURE_BLEND_SCORE, i) <= 1 && at(&e, FEATURE_BLEND_SCORE, i) > 0);
        ck_assert(i == 0 || at(&e, FEATURE_BLEND_SCORE, i) <= at(&e, FEATURE_BLEND_SCORE, i - 1));
    }
    ck_assert(at(&e, FEATURE_BLEND_SCORE, 0) == 1);
    fixture_release(&s.f);
}
END_TEST

START_TEST(a_page_and_a_stranger_have_theirs)
{
    static const uint32_t cart[] = {1, 4, 6};
    struct shop s;
    struct err err;
    struct recommend_examples e;
    shop_init(&s);
    struct recommend_request r = {
        .placement = PLACEMENT_CART, .context = cart, .context_len = 3, .limit = 1, .now_us = NOW};
    ck_ok(recommend_examples(s.f.view, &r, 150, &s.f.arena, &e, &err));
    ck_assert_uint_gt(e.n, 5);
    for (size_t i = 0; i < e.n; i++) {
        uint32_t no = e.product_no[i];
        double same = 0, brand = 0, prices = 0;
        for (int k = 0; k < 3; k++) {
            same += category_of(cart[k]) == category_of(no);
            brand += brand_of(cart[k]) == brand_of(no);
            prices += log((double)price_of(cart[k])) / 3;
        }
        near_to(at(&e, FEATURE_CONTEXT_CATEGORY, i), same / 3, "context.category", no);
        near_to(at(&e, FEATURE_CONTEXT_BRAND, i), brand / 3, "context.brand", no);
        near_to(at(&e, FEATURE_CONTEXT_PRODUCTS, i), 3, "context.products", no);
        near_to(at(&e, FEATURE_CONTEXT_PRICE, i),
                price_of(no) == STORE_NO_AMOUNT ? (double)NAN : log((double)price_of(no)) - prices,
                "context.price", no);
        ck_assert(isnan(at(&e, FEATURE_CATEGORY_INTEREST, i)));
        ck_assert(isnan(at(&e, FEATURE_PRICE_HABIT, i)));
        ck_assert(at(&e, FEATURE_SHOPPER_PRODUCTS, i) == 0);
        ck_assert(isnan(at(&e, FEATURE_SHOPPER_IDLE, i)));
    }
    fixture_release(&s.f);
}
END_TEST

START_TEST(features_do_not_depend_on_segments)
{
    struct shop s;
    struct err err;
    struct recommend_examples before, after;
    shop_init(&s);
    browse(&s);
    struct recommend_request r = {
        .placement = PLACEMENT_HOME, .user_no = SHOPPER, .limit = 1, .now_us = NOW};
    ck_ok(recommend_examples(s.f.view, &r, 150, &s.f.arena, &before, &err));
    fixture_merge(&s.f);
    ck_ok(recommend_examples(s.f.view, &r, 150, &s.f.arena, &after, &err));
    ck_assert_uint_eq(before.n, after.n);
    ck_assert_mem_eq(before.product_no, after.product_no, before.n * sizeof *before.product_no);
    ck_assert_mem_eq(before.x, after.x, FEATURES * before.n * sizeof *before.x);
    fixture_release(&s.f);
}
END_TEST

START_TEST(names_are_told_apart)
{
    char a[RANKER_NAME_MAX], b[RANKER_NAME_MAX];
    for (uint32_t f = 0; f < FEATURES; f++) {
        ck_assert_str_ne(feature_name(f, a), "");
        for (uint32_t k = 0; k < f; k++)
            ck_assert_str_ne(a, feature_name(k, b));
    }
    ck_assert_str_eq(feature_name(FEATURE_SOURCES + 10, a), "source.trending");
}
END_TEST

/* --- a ranker -------------------------------------------------------------------------------- */

/* Serves `placement`; dearer is better, in a few steps. `wrong` (or FEATURES) names a feature wrongly. */
static void serve_ranker(struct shop *s, const char *placement, uint32_t candidates, uint32_t wrong)
{
    enum { STEPS = 30 };
    static char names[FEATURES][RANKER_NAME_MAX];
    struct ranker r = {.name = names,
                       .definitions = FEATURES_DEFINITIONS,
                       .placements = 1,
                       .candidates = candidates};
    uint32_t feature[STEPS];
    float threshold[STEPS], left[STEPS], right[STEPS];
    struct buf trees, text;
    struct err err;
    for (uint32_t f = 0; f < FEATURES; f++)
        feature_name(f, names[f]);
    if (wrong < FEATURES)
        snprintf(names[wrong], RANKER_NAME_MAX, "item.colour");
    snprintf(r.placement[0], RANKER_NAME_MAX, "%s", placement);
    for (int i = 0; i < STEPS; i++) {
        feature[i] = FEATURE_ITEM_PRICE;
        threshold[i] = expf(4 + (float)i * 0.15f);
        left[i] = -0.1f;
        right[i] = 0.1f;
    }
    buf_init(&trees, 1 << 20);
    buf_init(&text, 1 << 20);
    put_stumps(&trees, FEATURES, STEPS, feature, threshold, left, right);
    ck_ok(ranker_write(&r, FEATURES, buf_str(&trees), &text, &err));
    s->f.view->model->ranker = MEM_NEW(struct ranker);
    ck_ok(ranker_read(buf_str(&text), s->f.view->model->ranker, &err));
    buf_release(&trees);
    buf_release(&text);
}

static struct recommend_result run(struct shop *s, uint32_t limit,
                                   const struct bound_filter *filter)
{
    struct recommend_request r = {.placement = PLACEMENT_HOME,
                                  .user_no = SHOPPER,
                                  .limit = limit,
                                  .filter = filter,
                                  .now_us = NOW};
    struct recommend_result out;
    struct err err;
    ck_ok(recommend_run(s->f.view, &r, &s->f.arena, &out, &err));
    for (size_t i = 0; i < out.len; i++)
        ck_assert(out.items[i].score > 0 &&
                  (i == 0 || out.items[i].score <= out.items[i - 1].score));
    return out;
}

static const struct recommend_item *item_of(const struct recommend_result *r, uint32_t no)
{
    for (size_t i = 0; i < r->len; i++)
        if (r->items[i].product_no == no)
            return &r->items[i];
    return NULL;
}

START_TEST(a_ranker_orders_the_best_and_the_others_follow)
{
    enum { RANKED = 6 };
    struct shop s;
    shop_init(&s);
    browse(&s);
    struct recommend_result plain = run(&s, 100, NULL);
    serve_ranker(&s, "home", RANKED, FEATURES);
    struct recommend_result ranked = run(&s, 100, NULL);
    ck_assert_uint_eq(plain.len, ranked.len);
    ck_assert_uint_gt(plain.len, RANKED + 3);
    for (size_t i = 0; i < plain.len; i++) {
        const struct recommend_item *was = item_of(&plain, ranked.items[i].product_no);
        ck_assert_ptr_nonnull(was);
        ck_assert_int_eq(was->reason, ranked.items[i].reason);
        ck_assert_uint_eq(was->reason_product, ranked.items[i].reason_product);
        ck_assert_int_eq(was - plain.items < RANKED, i < RANKED);
        if (i >= RANKED)
            ck_assert_uint_eq(plain.items[i].product_no, ranked.items[i].product_no);
        if (i > 0 && i < RANKED) {
            int64_t a = price_of(ranked.items[i - 1].product_no);
            int64_t b = price_of(ranked.items[i].product_no);
            /* of what has no price nothing is known: NaN goes right, as if it were dear */
            ck_assert(a == STORE_NO_AMOUNT || b == STORE_NO_AMOUNT || a >= b);
        }
    }
    struct recommend_result first = run(&s, 3, NULL);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(first.items[i].product_no, ranked.items[i].product_no);
    fixture_release(&s.f);
}
END_TEST

START_TEST(a_ranker_that_does_not_fit_changes_nothing)
{
    for (int round = 0; round < 2; round++) {
        struct shop s;
        struct err err;
        shop_init(&s);
        browse(&s);
        struct recommend_result plain = run(&s, 100, NULL);
        serve_ranker(&s, round == 0 ? "home" : "cart", 150,
                     round == 0 ? (uint32_t)FEATURE_ITEM_HEAT : (uint32_t)FEATURES);
        struct recommend_result same = run(&s, 100, NULL);
        ck_assert_uint_eq(plain.len, same.len);
        for (size_t i = 0; i < plain.len; i++)
            ck_assert(plain.items[i].product_no == same.items[i].product_no &&
                      plain.items[i].score == same.items[i].score);
        if (round == 0) {
            ck_err(features_check(s.f.view->model->ranker, &err), ERR_UNSUPPORTED);
            ck_assert_ptr_nonnull(strstr(err.msg, "\"item.colour\", this program's \"item.heat\""));
        } else {
            ck_ok(features_check(s.f.view->model->ranker, &err));
            s.f.view->model->ranker->definitions++;
            ck_err(features_check(s.f.view->model->ranker, &err), ERR_UNSUPPORTED);
        }
        fixture_release(&s.f);
    }
}
END_TEST

START_TEST(chances_are_told_of_home_pages_of_shoppers_with_a_past)
{
    static const enum placement placements[] = {PLACEMENT_HOME, PLACEMENT_TRENDING};
    struct shop s;
    struct recommend_examples e;
    struct err err;
    float margins[100];
    size_t told = 0;
    shop_init(&s);
    browse(&s);
    for (int round = 0; round < 3; round++) {
        struct recommend_request r = {.placement = placements[round == 1],
                                      .user_no = round == 2 ? 0 : SHOPPER,
                                      .limit = 20,
                                      .now_us = NOW};
        struct recommend_trace t;
        struct explainer x;
        serve_ranker(&s, placement_name(r.placement), 100, FEATURES);
        struct ranker *ranker = s.f.view->model->ranker;
        ranker->act = (struct isotonic){3, {-1, 0, 1}, {0.1f, 0.2f, 0.9f}};
        ranker->purchase = (struct isotonic){2, {-1, 1}, {0, 0.5f}};
        ck_ok(recommend_trace_run(s.f.view, &r, &s.f.arena, &t, &err));
        ck_ok(explain_init(&x, s.f.view, &r, &t, &s.f.arena, &err));
        ck_ok(recommend_examples(s.f.view, &r, 100, &s.f.arena, &e, &err));
        trees_score(&ranker->trees, e.x, e.n, e.n, margins);
        for (size_t i = 0; i < e.n; i++) {
            struct explained said = explain_product(&x, e.product_no[i]);
            bool known = round == 0;
            ck_assert((said.act >= 0) == known && (said.purchase >= 0) == known);
            if (!known)
                continue;
            ck_assert_double_eq_tol((double)said.act, (double)isotonic_at(&ranker->act, margins[i]),
                                    1e-4);
            ck_assert_double_eq_tol((double)said.purchase,
                                    (double)isotonic_at(&ranker->purchase, margins[i]), 1e-4);
            told++;
        }
        ranker_release(ranker);
        mem_free(ranker);
        s.f.view->model->ranker = NULL;
    }
    ck_assert_uint_gt(told, 5);
    fixture_release(&s.f);
}
END_TEST

START_TEST(where_nothing_may_be_shown_nothing_is_ranked)
{
    struct shop s;
    struct err err;
    struct recommend_examples e;
    shop_init(&s);
    serve_ranker(&s, "home", 150, FEATURES);
    ck_assert_uint_eq(run(&s, 10, fixture_filter(&s.f, "brand = \"Nobody\"")).len, 0);
    s.f.view->trending.len = 0;
    struct recommend_request r = {.placement = PLACEMENT_HOME, .limit = 1, .now_us = NOW};
    ck_ok(recommend_examples(s.f.view, &r, 150, &s.f.arena, &e, &err));
    ck_assert_uint_eq(e.n, 0);
    ck_assert_uint_eq(run(&s, 10, NULL).len, 10); /* filled up */
    fixture_release(&s.f);
}
END_TEST

SUITE("features", features_are_what_their_names_say, a_page_and_a_stranger_have_theirs,
      features_do_not_depend_on_segments, names_are_told_apart,
      a_ranker_orders_the_best_and_the_others_follow,
      chances_are_told_of_home_pages_of_shoppers_with_a_past,
      a_ranker_that_does_not_fit_changes_nothing, where_nothing_may_be_shown_nothing_is_ranked)
