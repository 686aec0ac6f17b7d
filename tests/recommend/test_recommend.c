#include "recommend/recommend.h"

#include <math.h>

#include "num/dense.h"
#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/factors.h"
#include "recommend/profile.h"
#include "recommend/trace.h"
#include "recommend/weights.h"
#include "support/suite.h"

/* A shop of lamps (1 to 12) and pots (13 to 24). Each knows its neighbours, is like the others of its
 * kind in the factors, was bought with the product of the same place of the other kind, and the next one
 * is what shoppers came to from it. Product 25
 * is new to the model. Numbers 1 and 2 are variants of one lamp. */
enum { KIND = 12, KNOWN = 2 * KIND, COLD = KNOWN + 1, DIM = 2, NEAR_EACH = 6, SHOPPER = 7 };
#define NOW ((int64_t)1750000000 * 1000000)

struct shop {
    struct view_fixture f;
    char ids[COLD + 1][8];
    char titles[COLD + 1][40];
};

static void put(struct shop *s, uint32_t no)
{
    bool pot = no > KIND && no <= KNOWN;
    snprintf(s->ids[no], sizeof s->ids[no], "P%02u", no);
    snprintf(s->titles[no], sizeof s->titles[no], "%s of oak w%u", pot ? "pot" : "lamp", no);
    struct product p = fixture_product(no, s->ids[no], s->titles[no]);
    p.brand = pot ? STR_LIT("Potter") : STR_LIT("Lux");
    p.category = pot ? STR_LIT("Pots") : STR_LIT("Lamps");
    p.group_id = no <= 2 ? STR_LIT("twins") : (struct str){NULL, 0};
    p.price_minor = no * 100;
    p.currency = s->f.shop.currency;
    fixture_put(&s->f, &p);
}

static bool is_lamp(uint32_t no)
{
    return no <= KIND || no == COLD;
}

static void serve_model(struct shop *s)
{
    static uint32_t items[KNOWN], near_offsets[KNOWN + 1], near_rows[KNOWN * NEAR_EACH],
        with_offsets[KNOWN + 1], with_rows[KNOWN];
    static float again_days[KNOWN], again_share[KNOWN];
    static float popularity[KNOWN], spectrum[DIM], near_scores[KNOWN * NEAR_EACH],
        with_scores[KNOWN];
    static uint32_t next_offsets[KNOWN + 1], next_rows[KNOWN], alike_rows[KNOWN];
    static const uint32_t user_no[] = {SHOPPER};
    static const uint64_t history_offsets[] = {0, 1};
    static const uint32_t history_acts[] = {(uint32_t)EVENT_PURCHASE << HISTORY_ROW_BITS | 20};
    static const uint16_t history_days[] = {20000};
    struct err err;
    float *factors = mem_try_aligned((size_t)KNOWN * DIM, sizeof *factors, 64);
    for (uint32_t row = 0; row < KNOWN; row++) {
        uint32_t kind = row / KIND, place = row % KIND;
        items[row] = row + 1;
        popularity[row] = (float)(row + 1);
        again_days[row] = 30;
        again_share[row] = 0.25f;
        factors[row * DIM + kind] = 1 + 0.01f * (float)place;
        spectrum[kind] += factors[row * DIM + kind] * factors[row * DIM + kind];
        near_offsets[row + 1] = (row + 1) * NEAR_EACH;
        with_offsets[row + 1] = row + 1;
        with_rows[row] = (row + KIND) % KNOWN;
        next_offsets[row + 1] = row + 1;
        next_rows[row] = (row + 1) % KNOWN;
        alike_rows[row] = (row + 5) % KNOWN;
        with_scores[row] = 0.5f;
        for (uint32_t i = 0; i < NEAR_EACH; i++) {
            near_rows[row * NEAR_EACH + i] = kind * KIND + (place + 1 + i) % KIND;
            near_scores[row * NEAR_EACH + i] = 0.9f - 0.1f * (float)i;
        }
    }
    struct recommend_model m = {.meta = STR_LIT("{}"),
                                .rows = KNOWN,
                                .dim = DIM,
                                .alpha = 10,
                                .regularisation = 0.1f,
                                .items = items,
                                .popularity = popularity,
                                .popularity_most = KNOWN,
                                .again_days = again_days,
                                .again_share = again_share,
                                .spectrum = spectrum,
                                .near = {near_offsets, near_rows, near_scores},
                                .with = {with_offsets, with_rows, with_scores},
                                .next = {next_offsets, next_rows, with_scores},
                                .alike = {next_offsets, alike_rows, with_scores},
                                .users = 1,
                                .user_no = user_no,
                                .history_offsets = history_offsets,
                                .history_acts = history_acts,
                                .history_days = history_days};
    ck_ok(vectors_build(factors, KNOWN, DIM, 1, NULL, &m.vectors, &err));
    fixture_model(&s->f, &m);
    vectors_release(&m.vectors);
}

/* All products on the shelves: trending from 1 down, arrivals from the last. */
static void fill_shelves(struct shop *s)
{
    struct view *v = s->f.view;
    v->trending.len = v->arrivals.len = COLD;
    for (uint32_t i = 0; i < COLD; i++) {
        v->trending.product_no[i] = i + 1;
        v->arrivals.product_no[i] = COLD - i;
        v->trending.score[i] = v->arrivals.score[i] = 1 - (float)i / (COLD + 1);
    }
}

static void shop_init(struct shop *s, bool model)
{
    struct err err;
    ck_ok(vec_init(&err));
    fixture_init(&s->f);
    for (uint32_t no = 1; no <= COLD; no++)
        put(s, no);
    fixture_merge(&s->f);
    if (model)
        serve_model(s);
    fill_shelves(s);
}

static void shop_release(struct shop *s)
{
    fixture_release(&s->f);
}

static void act(struct shop *s, uint32_t user_no, uint32_t product_no, enum event_type type)
{
    static uint32_t seconds;
    struct user_action a = {product_no, (uint32_t)(NOW / 1000000) - 1000 + seconds++,
                            (uint32_t)type};
    users_add(s->f.users, user_no, &a);
}

static struct recommend_request request(enum placement p, uint32_t user_no)
{
    return (struct recommend_request){
        .placement = p, .user_no = user_no, .limit = 8, .now_us = NOW};
}

static struct recommend_result run(struct shop *s, const struct recommend_request *r)
{
    struct recommend_result out;
    struct err err;
    ck_ok(recommend_run(s->f.view, r, &s->f.arena, &out, &err));
    ck_assert_uint_le(out.len, r->limit);
    for (size_t i = 0; i < out.len; i++) {
        const struct recommend_item *item = &out.items[i];
        ck_assert(item->score > 0);
        ck_assert(i == 0 || out.items[i - 1].score >= item->score);
        ck_assert(live_sellable(s->f.live, item->product_no));
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(out.items[k].product_no, item->product_no);
    }
    return out;
}

static bool shows(const struct recommend_result *r, uint32_t product_no)
{
    for (size_t i = 0; i < r->len; i++)
        if (r->items[i].product_no == product_no)
            return true;
    return false;
}

static size_t lamps(const struct recommend_result *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->len; i++)
        n += is_lamp(r->items[i].product_no);
    return n;
}

static void set_live(struct shop *s, uint32_t no, int64_t stock, enum product_status status)
{
    struct product p = fixture_product(no, "", "");
    p.stock = stock;
    p.status = status;
    fixture_live(&s->f, &p);
}

/* --- the home page --------------------------------------------------------------------------- */

START_TEST(a_view_changes_the_next_home_page_and_says_so)
{
    struct shop s;
    shop_init(&s, true);
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    struct recommend_result before = run(&s, &r);
    ck_assert(!before.personal);
    act(&s, 99, 15, EVENT_VIEW);
    struct recommend_result after = run(&s, &r);
    ck_assert(after.personal);
    ck_assert_uint_gt(lamps(&before), 6);
    ck_assert_uint_lt(lamps(&after), 2);
    bool named = false;
    for (size_t i = 0; i < after.len; i++) {
        ck_assert(after.items[i].reason != REASON_VIEWED || after.items[i].reason_product == 15);
        named |= after.items[i].reason == REASON_VIEWED || after.items[i].reason == REASON_TASTE;
    }
    ck_assert(named);
    shop_release(&s);
}
END_TEST

START_TEST(a_history_that_only_the_model_knows_counts_too)
{
    struct shop s;
    shop_init(&s, true);
    struct recommend_request r = request(PLACEMENT_HOME, SHOPPER); /* bought 21, a pot */
    struct recommend_result out = run(&s, &r);
    ck_assert(out.personal);
    ck_assert_uint_lt(lamps(&out), 2);
    ck_assert(!shows(&out, 21));
    shop_release(&s);
}
END_TEST

START_TEST(nobody_and_who_opted_out_get_what_everybody_gets)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW);
    for (int p = 0; p < PLACEMENTS; p++) {
        struct recommend_request nobody = request((enum placement)p, 0);
        struct recommend_request stranger = request((enum placement)p, 1234);
        struct recommend_result a = run(&s, &nobody), b = run(&s, &stranger);
        ck_assert(!a.personal && !b.personal);
        ck_assert_uint_eq(a.len, b.len);
        for (size_t i = 0; i < a.len; i++) {
            ck_assert_uint_eq(a.items[i].product_no, b.items[i].product_no);
            ck_assert(a.items[i].reason == REASON_POPULAR || a.items[i].reason == REASON_NEW);
        }
    }
    shop_release(&s);
}
END_TEST

START_TEST(a_guest_s_acts_count_for_the_shopper_they_became)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 500, 15, EVENT_VIEW);
    users_link(s.f.users, 500, 99);
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    struct recommend_result out = run(&s, &r);
    ck_assert(out.personal && lamps(&out) < 2);
    users_unlink(s.f.users, 500);
    out = run(&s, &r);
    ck_assert(!out.personal);
    shop_release(&s);
}
END_TEST

/* --- rules ----------------------------------------------------------------------------------- */

START_TEST(what_cannot_be_sold_is_never_shown)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW);
    set_live(&s, 16, 0, PRODUCT_ACTIVE);
    set_live(&s, 17, STORE_STOCK_UNTRACKED, PRODUCT_INACTIVE);
    set_live(&s, 3, 0, PRODUCT_ACTIVE);
    fixture_remove(&s.f, 18);
    static const uint32_t context[] = {15};
    for (int p = 0; p < PLACEMENTS; p++) {
        struct recommend_request r = request((enum placement)p, 99);
        r.context = context;
        r.context_len = 1;
        r.limit = 100;
        struct recommend_result out = run(&s, &r);
        for (uint32_t no = 16; no <= 18; no++)
            ck_assert(!shows(&out, no));
        ck_assert(!shows(&out, 3));
        ck_assert(!shows(&out, 15)); /* the context itself */
    }
    shop_release(&s);
}
END_TEST

START_TEST(what_is_owned_excluded_or_seen_is_left_out)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_PURCHASE);
    act(&s, 99, 16, EVENT_VIEW);
    static const uint32_t exclude[] = {17, 18, 17};
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.limit = 100;
    struct recommend_result out = run(&s, &r);
    ck_assert(!shows(&out, 15) && shows(&out, 16) && shows(&out, 17));
    r.exclude = exclude;
    r.exclude_len = 3;
    r.hide_seen = true;
    out = run(&s, &r);
    for (uint32_t no = 15; no <= 18; no++)
        ck_assert(!shows(&out, no));
    r.filter = fixture_filter(&s.f, "brand = potter"); /* filling up brings nothing back */
    out = run(&s, &r);
    ck_assert_uint_eq(out.len, KIND - 4);
    shop_release(&s);
}
END_TEST

START_TEST(a_filter_that_speaks_of_purchases_decides_about_them)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_PURCHASE);
    act(&s, 99, 16, EVENT_VIEW);
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.filter = fixture_filter_for(&s.f, STR_LIT("purchased"), 99, NOW);
    struct recommend_result out = run(&s, &r);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_uint_eq(out.items[0].product_no, 15);
    r.filter = fixture_filter_for(&s.f, STR_LIT("not purchased and not viewed within 1h"), 99, NOW);
    out = run(&s, &r);
    ck_assert_uint_eq(out.len, r.limit);
    ck_assert(!shows(&out, 15) && !shows(&out, 16));
    r.filter = fixture_filter_for(&s.f, STR_LIT("viewed"), 99, NOW);
    out = run(&s, &r);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_uint_eq(out.items[0].product_no, 16);
    shop_release(&s);
}
END_TEST

START_TEST(one_variant_of_a_group_is_shown_and_none_of_the_context_s)
{
    struct shop s;
    static const uint32_t context[] = {1};
    shop_init(&s, true);
    struct recommend_request r = request(PLACEMENT_TRENDING, 0);
    r.limit = 100;
    struct recommend_result out = run(&s, &r);
    ck_assert(shows(&out, 1) && !shows(&out, 2));
    ck_assert_uint_eq(out.len, COLD - 1);
    r.placement = PLACEMENT_SIMILAR;
    r.context = context;
    r.context_len = 1;
    out = run(&s, &r);
    ck_assert(out.len > 0 && !shows(&out, 1) && !shows(&out, 2));
    shop_release(&s);
}
END_TEST

START_TEST(a_filter_holds_everywhere_and_fills_what_the_sources_leave_empty)
{
    struct shop s;
    shop_init(&s, true);
    s.f.view->trending.len = s.f.view->arrivals.len = 3; /* lamps, and new ones */
    live_heat_add(s.f.live, 20, 5, NOW);
    live_heat_add(s.f.live, 14, 9, NOW);
    struct recommend_request r = request(PLACEMENT_HOME, 0);
    r.filter = fixture_filter(&s.f, "brand = Potter AND price >= 1400");
    struct recommend_result out = run(&s, &r);
    ck_assert_uint_eq(out.len, r.limit);
    ck_assert_uint_eq(lamps(&out), 0);
    ck_assert(!shows(&out, 13));
    ck_assert(shows(&out, 14) && shows(&out, 20));
    for (int p = 0; p < PLACEMENTS; p++) {
        static const uint32_t context[] = {14};
        struct recommend_request any = request((enum placement)p, SHOPPER);
        any.context = context;
        any.context_len = 1;
        any.filter = r.filter;
        out = run(&s, &any);
        for (size_t i = 0; i < out.len; i++)
            ck_assert(filter_match_product(r.filter, s.f.view, out.items[i].product_no));
    }
    shop_release(&s);
}
END_TEST

/* --- around a product ------------------------------------------------------------------------ */

START_TEST(similar_together_and_cart_follow_the_lists_of_the_context)
{
    static const struct {
        enum placement placement;
        uint32_t first; /* for product 5 */
        enum reason_code reason;
    } want[] = {{PLACEMENT_SIMILAR, 6, REASON_SIMILAR},
                {PLACEMENT_BOUGHT_TOGETHER, 17, REASON_BOUGHT_WITH},
                {PLACEMENT_CART, 17, REASON_IN_CART},
                {PLACEMENT_VIEWED_AFTER, 6, REASON_VIEWED_AFTER},
                {PLACEMENT_ORDER_CONFIRMATION, 6, REASON_AFTER},
                {PLACEMENT_SEARCH, 6, REASON_LIKE}};
    static const uint32_t context[] = {5};
    struct shop s;
    shop_init(&s, true);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct recommend_request r = request(want[i].placement, 0);
        r.context = context;
        r.context_len = 1;
        struct recommend_result out = run(&s, &r);
        ck_assert_uint_gt(out.len, 0);
        ck_assert_uint_eq(out.items[0].product_no, want[i].first);
        ck_assert_uint_eq(out.items[0].reason, want[i].reason);
        ck_assert_uint_eq(out.items[0].reason_product, 5);
    }
    shop_release(&s);
}
END_TEST

START_TEST(at_the_till_stands_what_costs_a_third_of_the_cart_at_most)
{
    static const uint32_t cart[] = {20, 10, 4000000};
    struct shop s;
    shop_init(&s, true); /* product no costs 100 no */
    struct recommend_request r = request(PLACEMENT_CHECKOUT, 0);
    r.context = cart;
    r.context_len = 3;
    r.limit = 100;
    struct recommend_result out = run(&s, &r);
    ck_assert(out.len == 8 && !shows(&out, 10)); /* 1 to 9, twins once; 10 is in it */
    for (size_t i = 0; i < out.len; i++)
        ck_assert_uint_le(out.items[i].product_no, 10);
    r.context_len = 0; /* nothing to add to */
    ck_assert_uint_eq(run(&s, &r).len, 0);
    r.context = (const uint32_t[]){COLD};
    r.context_len = 1;
    struct product dollars = fixture_product(COLD, "", "");
    dollars.price_minor = 1000000;
    dollars.currency = fixture_currency("USD");
    fixture_live(&s.f, &dollars); /* of which no other price is */
    ck_assert_uint_eq(run(&s, &r).len, 0);
    shop_release(&s);
}
END_TEST

START_TEST(a_category_s_best_are_found_deep_in_the_taste)
{
    struct shop s;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW); /* a pot; a lamp is far down */
    struct recommend_request r = request(PLACEMENT_CATEGORY, 99);
    r.filter = fixture_filter(&s.f, "brand = lux");
    struct recommend_result out = run(&s, &r);
    ck_assert_uint_eq(out.len, r.limit);
    ck_assert_uint_eq(lamps(&out), out.len);
    ck_assert(out.personal);
    shop_release(&s);
}
END_TEST

START_TEST(a_product_that_the_model_does_not_know_has_similar_ones_by_its_texts)
{
    static const uint32_t context[] = {COLD};
    struct shop s;
    for (int model = 0; model < 2; model++) {
        shop_init(&s, model);
        struct recommend_request r = request(PLACEMENT_SIMILAR, 0);
        r.context = context;
        r.context_len = 1;
        struct recommend_result out = run(&s, &r);
        ck_assert_uint_eq(out.len, r.limit);
        ck_assert_uint_eq(lamps(&out), out.len);
        ck_assert_uint_eq(out.items[0].reason, REASON_SIMILAR);
        shop_release(&s);
    }
}
END_TEST

START_TEST(without_a_model_or_a_product_every_placement_answers)
{
    static const uint32_t context[] = {5, 4000000};
    struct shop s, empty;
    shop_init(&s, false);
    fixture_init(&empty.f);
    act(&s, 99, 15, EVENT_VIEW);
    for (int p = 0; p < PLACEMENTS; p++) {
        struct recommend_request r = request((enum placement)p, 99);
        r.context = context;
        r.context_len = 2;
        struct recommend_result out = run(&s, &r);
        ck_assert_int_eq(out.len > 0,
                         p != PLACEMENT_BOUGHT_TOGETHER && p != PLACEMENT_VIEWED_AFTER);
        ck_assert_uint_eq(run(&empty, &r).len, 0);
        r.context_len = 0;
        run(&s, &r);
        ck_assert_uint_eq(run(&empty, &r).len, 0);
    }
    shop_release(&s);
    fixture_release(&empty.f);
}
END_TEST

START_TEST(an_arena_too_small_is_reported)
{
    struct shop s;
    struct recommend_result out;
    struct arena small;
    struct err err;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW);
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    for (size_t cap = 0; cap < 300000; cap += 5000) {
        arena_init(&small, 0, cap);
        enum err_code code = recommend_run(s.f.view, &r, &small, &out, &err);
        ck_assert(code == ERR_LIMIT || code == ERR_OK);
        ck_assert(cap > 0 || code == ERR_LIMIT);
        arena_release(&small);
    }
    shop_release(&s);
}
END_TEST

/* --- names and reasons ----------------------------------------------------------------------- */

START_TEST(placements_have_names)
{
    enum placement p;
    for (int i = 0; i < PLACEMENTS; i++) {
        ck_assert(placement_of(str_of(placement_name((enum placement)i)), &p));
        ck_assert_int_eq(p, i);
    }
    ck_assert(!placement_of(STR_LIT("Home"), &p));
}
END_TEST

START_TEST(reasons_name_the_product_in_the_language_of_the_page)
{
    struct shop s;
    struct buf text;
    shop_init(&s, true);
    buf_init(&text, 1000);
    reason_text(s.f.view, REASON_VIEWED, 3, STR_LIT("en"), &text);
    ck_assert(str_is(buf_str(&text), "Because you looked at “lamp of oak w3”"));
    buf_reset(&text);
    reason_text(s.f.view, REASON_VIEWED, 3, STR_LIT("zh"), &text);
    ck_assert(str_is(buf_str(&text), "因为您看过“lamp of oak w3”"));
    buf_reset(&text);
    reason_text(s.f.view, REASON_POPULAR, 0, STR_LIT("fr"), &text);
    ck_assert(str_is(buf_str(&text), "Popular right now"));
    for (int r = 0; r < REASONS; r++)
        for (int k = 0; k < r; k++)
            ck_assert_str_ne(reason_name((enum reason_code)r), reason_name((enum reason_code)k));
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(no_reason_names_a_product_that_is_gone)
{
    struct shop s;
    size_t of_gone = 0;
    struct err err;
    struct recommend_weights w = recommend_weights_default;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW);
    ck_ok(recommend_weight_set(&w, STR_LIT("home.profile_near=3"), &err));
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.weights = &w;
    r.limit = COLD;
    struct recommend_result before = run(&s, &r);
    for (size_t i = 0; i < before.len; i++)
        of_gone += before.items[i].reason_product == 15;
    ck_assert_uint_gt(of_gone, 0);
    fixture_remove(&s.f, 15);
    struct recommend_result after = run(&s, &r);
    ck_assert(after.personal && after.len > 0);
    for (size_t i = 0; i < after.len; i++)
        ck_assert_uint_ne(after.items[i].reason_product, 15);
    shop_release(&s);
}
END_TEST

START_TEST(what_came_next_follows_the_newest_acts_first)
{
    struct shop s;
    struct err err;
    struct recommend_weights w = {0};
    shop_init(&s, true);
    act(&s, 99, 3, EVENT_ADD_TO_CART); /* the heaviest, and the oldest */
    act(&s, 99, 15, EVENT_VIEW);
    act(&s, 99, 18, EVENT_VIEW);
    ck_ok(recommend_weight_set(&w, STR_LIT("home.profile_next=1"), &err));
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.weights = &w;
    struct recommend_result out = run(&s, &r);
    static const uint32_t want[] = {19, 16, 4}, because[] = {18, 15, 3};
    ck_assert_uint_eq(out.len, r.limit);
    for (size_t i = 3; i < out.len; i++) /* filled up with what nothing proposes */
        ck_assert_int_eq(out.items[i].reason, REASON_POPULAR);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(out.items[i].product_no, want[i]);
        ck_assert_uint_eq(out.items[i].reason_product, because[i]);
        ck_assert(out.items[i].reason == REASON_VIEWED);
        ck_assert_float_eq_tol(out.items[i].score, powf(0.6f, (float)i), 1e-5f);
    }
    for (uint32_t no = 1; no <= 12; no++) /* more than are looked at */
        act(&s, 98, no, EVENT_VIEW);
    r.user_no = 98;
    r.limit = 12;
    out = run(&s, &r);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_eq(out.items[i].product_no, 13 - i);
    for (size_t i = 8; i < out.len; i++)
        ck_assert_int_eq(out.items[i].reason, REASON_POPULAR);
    shop_release(&s);
}
END_TEST

START_TEST(diversity_shows_the_other_kind_too_and_hides_nobody)
{
    struct shop s;
    struct err err;
    struct recommend_weights w = recommend_weights_default;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW);
    ck_ok(recommend_weight_set(&w, STR_LIT("home.factors=8"), &err));
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.weights = &w;
    struct recommend_result alike = run(&s, &r);
    ck_assert_uint_lt(lamps(&alike), 2);
    ck_ok(recommend_weight_set(&w, STR_LIT("home.diversity=0.5"), &err));
    struct recommend_result mixed;
    ck_ok(recommend_run(s.f.view, &r, &s.f.arena, &mixed, &err));
    ck_assert_uint_eq(mixed.len, r.limit);
    ck_assert_uint_gt(lamps(&mixed), lamps(&alike));
    ck_assert_uint_eq(mixed.items[0].product_no, alike.items[0].product_no);
    ck_err(recommend_weight_set(&w, STR_LIT("home.diversity=1.1"), &err), ERR_INVALID);
    shop_release(&s);
}
END_TEST

START_TEST(what_reads_like_a_shopper_s_products_reaches_home)
{
    struct shop s;
    struct err err;
    struct recommend_weights w = {0};
    shop_init(&s, true);
    act(&s, 99, 3, EVENT_VIEW);
    act(&s, 99, 15, EVENT_ADD_TO_CART);
    ck_ok(recommend_weight_set(&w, STR_LIT("home.profile_alike=1"), &err));
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.weights = &w;
    struct recommend_result out = run(&s, &r);
    ck_assert_uint_gt(out.len, 2);                  /* what is hot follows */
    ck_assert_uint_eq(out.items[0].product_no, 20); /* of the heavier one */
    ck_assert_uint_eq(out.items[0].reason_product, 15);
    ck_assert_uint_eq(out.items[1].product_no, 8);
    ck_assert_uint_eq(out.items[1].reason_product, 3);
    shop_release(&s);
}
END_TEST

/* The view as after the catalogue changed, with a tower that puts the record of COLD among the lamps or the pots. */
static void meet_newcomers(struct shop *s, uint32_t kind)
{
    static struct content_reader reader;
    static uint64_t keys[CONTENT_FEATURES_MAX];
    static float idf[CONTENT_FEATURES_MAX], weights[CONTENT_FEATURES_MAX * DIM];
    struct recommend_model *m = &s->f.view->model->recommend;
    struct location at = catalogue_locate(s->f.view->catalogue, COLD);
    struct product p;
    struct err err;
    if (!reader.analyser)
        content_reader_init(&reader);
    ck_ok(segment_source(s->f.view->catalogue->segments[at.slot], at.doc, &s->f.arena, &p, &err));
    ck_ok(content_read(&reader, &p, &err));
    ck_assert_uint_gt(reader.len, 0);
    for (size_t i = 0; i < reader.len; i++) {
        keys[i] = reader.features[i].key;
        idf[i] = 1;
        for (uint32_t k = 0; k < DIM; k++)
            weights[i * DIM + k] = k == kind ? 1 : 0;
    }
    m->content = (struct content_tower){.features = (uint32_t)reader.len,
                                        .dim = DIM,
                                        .products = KNOWN,
                                        .keys = keys,
                                        .idf = idf,
                                        .weights = weights};
    newcomers_unref(s->f.view->newcomers);
    ck_ok(newcomers_build(s->f.view->catalogue, m, s->f.live, &s->f.view->newcomers, &err));
}

START_TEST(a_product_newer_than_the_model_reaches_the_home_pages_of_those_who_would_like_it)
{
    struct shop s;
    struct err err;
    struct recommend_weights w = {0};
    shop_init(&s, true);
    act(&s, 99, 3, EVENT_VIEW);
    ck_ok(recommend_weight_set(&w, STR_LIT("home.factors=1"), &err));
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.weights = &w;
    for (uint32_t kind = 0; kind < 2; kind++) {
        meet_newcomers(&s, kind);
        ck_assert_uint_ge(s.f.view->newcomers->len, 1);
        struct recommend_result out = run(&s, &r);
        bool liked = shows(&out, COLD);
        ck_assert(liked == (kind == (3 - 1) / KIND));
        for (size_t i = 0; i < out.len; i++) { /* their taste is that of the one product */
            ck_assert_int_eq(out.items[i].reason, REASON_VIEWED);
            ck_assert_uint_eq(out.items[i].reason_product, 3);
        }
    }
    set_live(&s, COLD, 0, PRODUCT_ACTIVE); /* sold out */
    meet_newcomers(&s, (3 - 1) / KIND);
    struct recommend_result out = run(&s, &r);
    ck_assert(!shows(&out, COLD));
    shop_release(&s);
}
END_TEST

START_TEST(what_a_variant_says_stands_in_the_place_of_the_shop_s_and_nothing_else)
{
    struct recommend_weights says, shop = recommend_weights_default;
    struct placement_weights *w = &shop.of[PLACEMENT_HOME];
    struct err err;
    size_t said = 0;
    for (int p = 0; p < PLACEMENTS; p++)
        placement_weights_unset(&says.of[p]);
    ck_ok(recommend_weight_set(&says, STR_LIT("home.factors=0"), &err));
    ck_ok(recommend_weight_set(&says, STR_LIT("home.diversity=0.5"), &err));
    ck_ok(recommend_weight_set(&says, STR_LIT("home.trending.candidates=7"), &err));
    placement_weights_override(w, &says.of[PLACEMENT_HOME]);
    for (size_t i = 0; i < PLACEMENT_WEIGHTS; i++) {
        bool is_said = placement_weight_said(&says.of[PLACEMENT_HOME], i);
        said += is_said;
        ck_assert(is_said ||
                  placement_weight(w, i) ==
                      placement_weight(&recommend_weights_default.of[PLACEMENT_HOME], i));
    }
    ck_assert_uint_eq(said, 3);
    ck_assert(w->factors == 0 && w->diversity == 0.5F && w->candidates.trending == 7);
}
END_TEST

START_TEST(who_knows_only_products_newer_than_the_model_gets_what_these_are_like)
{
    for (uint32_t kind = 0; kind < 2; kind++) {
        struct shop s;
        struct err err;
        struct recommend_weights w = {0};
        float x[DIM], unit[DIM] = {0}, weight = 1;
        const uint32_t row = 0;
        shop_init(&s, true);
        ck_ok(recommend_weight_set(&w, STR_LIT("home.factors=1"), &err));
        act(&s, 99, COLD, EVENT_VIEW);
        meet_newcomers(&s, kind);
        struct recommend_request r = request(PLACEMENT_HOME, 99);
        r.weights = &w;
        r.limit = 5;
        r.hide_seen = true;
        struct recommend_result out = run(&s, &r);
        ck_assert(out.personal);
        for (size_t i = 0; i < out.len; i++) {
            ck_assert(is_lamp(out.items[i].product_no) == (kind == 0));
            ck_assert_int_eq(out.items[i].reason, REASON_VIEWED);
            ck_assert_uint_eq(out.items[i].reason_product, COLD);
        }
        /* One act on y: x = (1 + a) G^-1 y / (1 + a y'G^-1 y), in one dimension. */
        const struct recommend_model *m = view_model(s.f.view);
        double a = (double)m->alpha, g = (double)m->spectrum[kind] + (double)m->regularisation;
        unit[kind] = 1;
        ck_ok(factors_fold_in_new(m, unit, &row, &weight, 1, &s.f.arena, x, &err));
        ck_assert_double_eq_tol((double)x[kind], (1 + a) / g / (1 + a / g), 1e-5);
        ck_assert_double_eq_tol((double)x[1 - kind], 0, 1e-6);
        shop_release(&s);
    }
}
END_TEST

START_TEST(weights_have_names_and_say_what_is_shown)
{
    struct shop s;
    struct err err;
    struct recommend_weights w = recommend_weights_default;
    shop_init(&s, true);
    act(&s, 99, 15, EVENT_VIEW);
    static const char *const off[] = {
        "home.factors=0",       "home.profile_near=0", "home.profile_with=0", "home.profile_next=0",
        "home.profile_alike=0", "home.trending=0",     "home.arrivals=0.5"};
    ck_assert(recommend_weights_equal(&w, &recommend_weights_default));
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        ck_ok(recommend_weight_set(&w, str_of(off[i]), &err));
    ck_assert(!recommend_weights_equal(&w, &recommend_weights_default));
    struct recommend_request r = request(PLACEMENT_HOME, 99);
    r.weights = &w;
    struct recommend_result out = run(&s, &r);
    for (size_t i = 0; i < out.len; i++) { /* arrivals alone: from the last on */
        ck_assert_uint_eq(out.items[i].product_no, COLD - i);
        ck_assert(out.items[i].reason == REASON_NEW);
    }
    ck_assert_float_eq_tol(out.items[0].score, 0.5f, 1e-6f);
    static const char *const wrong[] = {"",
                                        "home",
                                        "home.",
                                        "home.factors",
                                        "home.factors=",
                                        "home.factors=-1",
                                        "home.factors=nan",
                                        "home.x=1",
                                        "attic.factors=1",
                                        "home.factors=1e9",
                                        "home.novelty=1.1",
                                        "home.margin=-0.1",
                                        "home.diversity.candidates=5",
                                        "home.factors.candidates=0",
                                        "home.near.candidates=257"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_err(recommend_weight_set(&w, str_of(wrong[i]), &err), ERR_INVALID);
    shop_release(&s);
}
END_TEST

/* Products that a source proposed. */
static size_t proposed(const struct recommend_result *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->len; i++)
        n += r->items[i].reason != REASON_POPULAR;
    return n;
}

START_TEST(a_source_proposes_as_many_as_it_is_told)
{
    static const struct {
        const char *weight, *count;
        size_t some;
    } sources[] = {
        {"home.factors=1", "home.factors.candidates=4", 4},
        {"home.profile_near=1", "home.profile_near.candidates=2", 2 * 2}, /* of each of two */
        {"home.arrivals=1", "home.arrivals.candidates=7", 7},
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct shop s;
        struct err err;
        struct recommend_weights w = {0};
        shop_init(&s, true);
        act(&s, 99, 3, EVENT_ADD_TO_CART);
        act(&s, 99, 15, EVENT_ADD_TO_CART);
        ck_ok(recommend_weight_set(&w, str_of(sources[i].weight), &err));
        struct recommend_request r = request(PLACEMENT_HOME, 99);
        r.weights = &w;
        r.limit = COLD;
        r.hide_seen = true;
        struct recommend_result out = run(&s, &r);
        ck_assert_uint_gt(proposed(&out), 2 * sources[i].some); /* as many as by default */
        ck_ok(recommend_weight_set(&w, str_of(sources[i].count), &err));
        out = run(&s, &r);
        ck_assert_uint_eq(proposed(&out), sources[i].some);
        shop_release(&s);
    }
}
END_TEST

/* Every product with what it costs the shop: nothing of the price is left of even numbers, all but a cent of odd ones. */
static void set_costs(struct shop *s)
{
    struct err err;
    struct live_row row;
    for (uint32_t no = 1; no <= COLD; no++) {
        live_get(s->f.view->live, no, &row);
        row.cost_minor = no % 2 ? 1 : row.price_minor;
        ck_ok(live_set(s->f.view->live, no, &row, &err));
    }
}

/* What every product of a list is worth, by the definition of novelty, margin and relevance; the list has the best. */
static void ck_mix(struct shop *s, const struct recommend_request *r, double novelty, double margin)
{
    struct recommend_trace t;
    struct err err;
    double worth[COLD + 1] = {0}, least = INFINITY;
    uint32_t lowest = 0;
    ck_ok(recommend_trace_run(s->f.view, r, &s->f.arena, &t, &err));
    const struct choice *ch = &t.choice;
    ck_assert_uint_eq(ch->len, r->limit);
    ck_assert_uint_gt(ch->pool_len, ch->len);
    for (size_t i = 0; i < ch->pool_len; i++)
        if (!lowest || choice_total(ch, ch->pool[i].item.product_no) < choice_total(ch, lowest))
            lowest = ch->pool[i].item.product_no;
    double low = (double)choice_total(ch, lowest), best = low;
    for (size_t i = 0; i < ch->pool_len; i++)
        best = fmax(best, (double)choice_total(ch, ch->pool[i].item.product_no));
    for (size_t i = 0; i < ch->pool_len; i++) {
        uint32_t no = ch->pool[i].item.product_no;
        double rarity = no <= KNOWN ? 1 - log1p((double)no) / log1p((double)KNOWN) : 1;
        double familiar = !is_lamp(no); /* all that 99 did was one pot */
        double n = (rarity + 1 - familiar) / 2, m = no % 2 ? 1 - 1 / (100.0 * no) : 0;
        worth[no] = ((double)choice_total(ch, no) - low) / (best - low) + novelty * n + margin * m;
        ck_assert_double_eq_tol((double)ch->pool[i].worth, worth[no], 1e-4);
    }
    for (size_t i = 0; i < ch->len; i++)
        least = fmin(least, worth[ch->items[i].product_no]);
    for (size_t i = 0; i < ch->pool_len; i++) {
        bool shown = false;
        for (size_t k = 0; k < ch->len; k++)
            shown |= ch->items[k].product_no == ch->pool[i].item.product_no;
        ck_assert(shown || worth[ch->pool[i].item.product_no] <= least + 1e-4);
    }
}

START_TEST(novelty_and_margin_weigh_as_they_are_defined)
{
    static const struct {
        const char *novelty, *margin;
    } cases[] = {{"home.novelty=0.3", "home.margin=0"},
                 {"home.novelty=0", "home.margin=0.3"},
                 {"home.novelty=1", "home.margin=0.2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shop s;
        struct err err;
        struct recommend_weights w = recommend_weights_default;
        shop_init(&s, true);
        set_costs(&s);
        act(&s, 99, 15, EVENT_VIEW);
        ck_ok(recommend_weight_set(&w, str_of(cases[i].novelty), &err));
        ck_ok(recommend_weight_set(&w, str_of(cases[i].margin), &err));
        struct recommend_request r = request(PLACEMENT_HOME, 99);
        r.weights = &w;
        r.limit = 5;
        ck_mix(&s, &r, (double)w.of[PLACEMENT_HOME].novelty, (double)w.of[PLACEMENT_HOME].margin);
        shop_release(&s);
    }
}
END_TEST

/* --- profiles -------------------------------------------------------------------------------- */

START_TEST(a_profile_sums_decayed_weights_and_counts_each_act_once)
{
    struct shop s;
    struct profile p;
    struct err err;
    shop_init(&s, true);
    uint32_t bought = 20000u * 86400; /* the model's history: bought 21 on that day */
    struct user_action acts[] = {{21, bought + 100, EVENT_PURCHASE},
                                 {21, bought + 30 * 86400, EVENT_VIEW},
                                 {4, bought + 60 * 86400, EVENT_ADD_TO_CART},
                                 {5, bought + 60 * 86400, EVENT_IMPRESSION}};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        users_add(s.f.users, SHOPPER, &acts[i]);
    ck_ok(profile_load(s.f.view, SHOPPER, &s.f.arena, &p, &err));
    ck_assert_uint_eq(p.len, 2);
    ck_assert_uint_eq(p.items[0].product_no, 4);
    ck_assert_float_eq_tol(p.items[0].weight, 4, 1e-4f);
    ck_assert(!profile_owns(&p.items[0]));
    ck_assert_uint_eq(p.items[1].product_no, 21);
    ck_assert_float_eq_tol(p.items[1].weight, 8 * 0.25f + 0.5f, 1e-3f); /* half-life 30 days */
    ck_assert(profile_owns(&p.items[1]));
    ck_assert_uint_eq(p.items[1].row, 20);
    ck_ok(profile_load(s.f.view, 0, &s.f.arena, &p, &err));
    ck_assert_uint_eq(p.len, 0);
    shop_release(&s);
}
END_TEST

SUITE("recommend", a_view_changes_the_next_home_page_and_says_so,
      a_history_that_only_the_model_knows_counts_too,
      nobody_and_who_opted_out_get_what_everybody_gets,
      a_guest_s_acts_count_for_the_shopper_they_became, what_cannot_be_sold_is_never_shown,
      what_is_owned_excluded_or_seen_is_left_out,
      a_filter_that_speaks_of_purchases_decides_about_them,
      one_variant_of_a_group_is_shown_and_none_of_the_context_s,
      a_filter_holds_everywhere_and_fills_what_the_sources_leave_empty,
      similar_together_and_cart_follow_the_lists_of_the_context,
      at_the_till_stands_what_costs_a_third_of_the_cart_at_most,
      a_category_s_best_are_found_deep_in_the_taste,
      a_product_that_the_model_does_not_know_has_similar_ones_by_its_texts,
      without_a_model_or_a_product_every_placement_answers, an_arena_too_small_is_reported,
      placements_have_names, no_reason_names_a_product_that_is_gone,
      reasons_name_the_product_in_the_language_of_the_page,
      what_came_next_follows_the_newest_acts_first,
      diversity_shows_the_other_kind_too_and_hides_nobody,
      what_reads_like_a_shopper_s_products_reaches_home,
      a_product_newer_than_the_model_reaches_the_home_pages_of_those_who_would_like_it,
      weights_have_names_and_say_what_is_shown,
      what_a_variant_says_stands_in_the_place_of_the_shop_s_and_nothing_else,
      who_knows_only_products_newer_than_the_model_gets_what_these_are_like,
      a_source_proposes_as_many_as_it_is_told, novelty_and_margin_weigh_as_they_are_defined,
      a_profile_sums_decayed_weights_and_counts_each_act_once)
