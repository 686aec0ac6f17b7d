/* Whole lists of a shop's past: the questions against their definitions written out, the figures against the
 * lists that recommend_run gives. */
#include "eval/lists_tune.h"

#include <math.h>

#include "base/mem.h"
#include "engine/past.h"
#include "num/vec.h"
#include "rank/view_fixture.h"

enum { PRODUCTS = 40, USERS = 25, ACTS = 600, DAYS = 60, SOLD_OUT = 7, LATE = 9, LENGTH = 20 };
#define DAY   ((int64_t)86400 * 1000000)
#define BEGIN ((int64_t)20000 * DAY)
#define SPLIT (BEGIN + 40 * DAY)

struct shop {
    struct view_fixture f;
    struct interactions it;
    struct recommend_model m;
    struct past past;
    char ids[PRODUCTS + 1][8];
};

/* Sessions of one shopper within an hour; some are orders, where every act is a purchase. */
static void make_acts(struct interactions *it)
{
    struct derive_options o = derive_defaults();
    struct rng r;
    struct err err;
    rng_init(&r, 5);
    while (it->len < ACTS) {
        uint32_t user = (uint32_t)rng_below(&r, USERS); /* 0: a guest */
        int64_t at = BEGIN + (int64_t)rng_below(&r, DAYS) * DAY + (int64_t)user * 3600 * 1000000;
        bool order = user == 0 || rng_below(&r, 3) == 0;
        for (uint64_t n = 1 + rng_below(&r, 6); n; n--) {
            uint32_t no = 1 + (uint32_t)rng_below(&r, PRODUCTS);
            ck_ok(interactions_append(it, user, no, at + (int64_t)n * 1000000, 1,
                                      order ? EVENT_PURCHASE : EVENT_VIEW, 1, &err));
        }
    }
    ck_ok(interactions_sort(it, &o, &err));
}

static void shop_init(struct shop *s)
{
    static uint32_t items[PRODUCTS], offsets[PRODUCTS + 1], rows[PRODUCTS], user_no[] = {1};
    static float popularity[PRODUCTS], scores[PRODUCTS];
    static const uint64_t history_offsets[2] = {0, 0};
    struct err err;
    *s = (struct shop){0};
    ck_ok(vec_init(&err));
    fixture_init(&s->f);
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        snprintf(s->ids[no], sizeof s->ids[no], "P%u", no);
        struct product p = fixture_product(no, s->ids[no], s->ids[no]);
        p.created_at = no == LATE ? SPLIT + DAY : BEGIN + no;
        p.stock = no == SOLD_OUT ? 0 : STORE_STOCK_UNTRACKED;
        fixture_put(&s->f, &p);
        items[no - 1] = no;
        popularity[no - 1] = (float)no;
        offsets[no] = no;
        rows[no - 1] = no % PRODUCTS; /* the next one */
        scores[no - 1] = 0.5f;
    }
    fixture_merge(&s->f);
    struct neighbour_lists next = {offsets, rows, scores};
    s->m = (struct recommend_model){.rows = PRODUCTS,
                                    .items = items,
                                    .popularity = popularity,
                                    .near = next,
                                    .with = next,
                                    .next = next,
                                    .alike = next,
                                    .users = 1,
                                    .user_no = user_no,
                                    .history_offsets = history_offsets};
    make_acts(&s->it);
    ck_ok(past_open(s->f.view, &s->m, SPLIT, &s->past, &err));
    for (size_t i = 0; i < s->it.len; i++)
        if (s->it.time[i] < SPLIT)
            past_act(&s->past, 0, s->it.product_no[i], (enum event_type)s->it.type[i],
                     s->it.time[i]);
    past_shelve(&s->past);
}

static void shop_release(struct shop *s)
{
    past_close(&s->past);
    interactions_release(&s->it);
    fixture_release(&s->f);
}

static struct list_cases cases_until(struct shop *s, enum placement p, int64_t until, size_t most)
{
    struct list_cases c;
    struct err err;
    ck_ok(list_cases_read(&s->it, &s->past.view, p, SPLIT, until, most, 3, &c, &err));
    return c;
}

static struct list_cases cases_of(struct shop *s, enum placement p, size_t most)
{
    return cases_until(s, p, INT64_MAX, most);
}

/* --- the view of the past -------------------------------------------------------------------- */

START_TEST(a_view_of_the_past_knows_nothing_of_what_came_later)
{
    struct shop s;
    struct user_action seen;
    shop_init(&s);
    users_add(s.f.users, 3, &(struct user_action){1, (uint32_t)(SPLIT / 1000000), EVENT_VIEW});
    live_heat_add(s.f.live, 2, 1000, SPLIT + DAY);
    const struct view *v = &s.past.view;
    ck_assert_uint_eq(users_recent(v->users, 3, &seen, 1), 0);
    ck_assert_uint_eq(v->arrivals.len, PRODUCTS - 2);
    for (uint32_t i = 0; i < v->arrivals.len; i++) {
        ck_assert_uint_ne(v->arrivals.product_no[i], LATE);
        ck_assert_uint_ne(v->arrivals.product_no[i], SOLD_OUT);
    }
    ck_assert_uint_eq(v->arrivals.product_no[0], PRODUCTS);
    double most = 0;
    uint32_t hottest = 0;
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        double heat = 0;
        for (size_t i = 0; i < s.it.len; i++)
            if (s.it.product_no[i] == no && s.it.time[i] < SPLIT)
                heat += (s.it.type[i] == EVENT_PURCHASE ? 8 : 1) *
                        exp2(-(double)(SPLIT - s.it.time[i]) / 1e6 / LIVE_HEAT_HALF_LIFE_S);
        ck_assert_double_eq_tol((double)live_heat(v->live, no, SPLIT), heat, 1e-3 * heat + 1e-6);
        if (heat > most && no != SOLD_OUT) {
            most = heat;
            hottest = no;
        }
    }
    ck_assert_uint_eq(v->trending.product_no[0], hottest);
    shop_release(&s);
}
END_TEST

/* --- questions ------------------------------------------------------------------------------- */

START_TEST(a_shopper_is_asked_for_what_was_new_to_them_afterwards)
{
    struct shop s;
    size_t found = 0;
    shop_init(&s);
    struct list_cases c = cases_of(&s, PLACEMENT_HOME, SIZE_MAX);
    for (uint32_t user = 1; user < USERS; user++) {
        bool before[PRODUCTS + 1] = {false}, after[PRODUCTS + 1] = {false}, past = false;
        size_t wanted = 0;
        for (size_t i = 0; i < s.it.len; i++) {
            if (s.it.user_no[i] != user)
                continue;
            past |= s.it.time[i] < SPLIT;
            (s.it.time[i] < SPLIT ? before : after)[s.it.product_no[i]] = true;
        }
        for (uint32_t no = 1; no <= PRODUCTS; no++)
            wanted += after[no] && !before[no] && no != SOLD_OUT;
        if (!past || wanted == 0)
            continue;
        const struct list_case *k = &c.items[found++];
        ck_assert_uint_eq(k->user_no, user);
        ck_assert_uint_eq(k->context_len, 0);
        ck_assert_uint_eq(k->truth_len, wanted);
        for (size_t i = 0; i < wanted; i++) {
            uint32_t no = c.products[k->at + i];
            ck_assert(after[no] && !before[no] && no != SOLD_OUT);
            ck_assert(i == 0 || c.products[k->at + i - 1] < no);
        }
    }
    ck_assert_uint_gt(found, 10);
    ck_assert_uint_eq(c.len, found);
    list_cases_release(&c);
    shop_release(&s);
}
END_TEST

/* The distinct products of a session that can be shown, in order; orders: of its purchases. */
static size_t session_products(const struct shop *s, uint32_t session, bool orders, uint32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->it.len; i++) {
        uint32_t no = s->it.product_no[i];
        bool known = no == SOLD_OUT || (orders && s->it.type[i] != EVENT_PURCHASE);
        if (s->it.session[i] != session || s->it.time[i] < SPLIT)
            continue;
        for (size_t k = 0; k < n; k++)
            known |= out[k] == no;
        if (!known)
            out[n++] = no;
    }
    return n;
}

START_TEST(sessions_and_orders_are_asked_for_their_rest)
{
    static const enum placement placements[] = {PLACEMENT_SIMILAR, PLACEMENT_BOUGHT_TOGETHER,
                                                PLACEMENT_CART};
    struct shop s;
    shop_init(&s);
    for (size_t p = 0; p < 3; p++) {
        struct list_cases c = cases_of(&s, placements[p], SIZE_MAX);
        size_t found = 0, first_by_lot = 0;
        for (uint32_t session = 0; session < s.it.sessions; session++) {
            uint32_t want[PRODUCTS];
            size_t n = session_products(&s, session, p > 0, want);
            if (n < 2)
                continue;
            const struct list_case *k = &c.items[found++];
            const uint32_t *got = c.products + k->at;
            ck_assert_uint_eq(k->user_no, 0);
            ck_assert_uint_eq(k->context_len, p == 2 ? n / 2 : 1);
            ck_assert_uint_eq(k->context_len + k->truth_len, n);
            for (size_t i = 0; i < n; i++) {
                size_t times = 0;
                for (size_t j = 0; j < n; j++)
                    times += got[j] == want[i];
                ck_assert_uint_eq(times, 1);
            }
            first_by_lot += got[0] != want[0];
        }
        ck_assert_uint_gt(found, 10);
        ck_assert_uint_eq(c.len, found);
        if (p == 0)
            ck_assert_uint_eq(first_by_lot, 0);
        else
            ck_assert_uint_gt(first_by_lot, 0);
        list_cases_release(&c);
    }
    shop_release(&s);
}
END_TEST

START_TEST(guests_in_the_middle_of_a_session_are_asked_for_its_rest)
{
    struct shop s;
    struct err err;
    struct list_cases c;
    size_t found = 0;
    shop_init(&s);
    ck_ok(list_cases_read_guests(&s.it, &s.past.view, SPLIT, INT64_MAX, SIZE_MAX, 3, &c, &err));
    for (uint32_t session = 0; session < s.it.sessions; session++) {
        uint32_t want[PRODUCTS];
        struct user_action done[USERS_ACTIONS_MAX];
        size_t n = session_products(&s, session, false, want);
        if (n < 2)
            continue;
        const struct list_case *k = &c.items[found++];
        ck_assert_uint_ge(k->user_no, s.it.users_end);
        ck_assert_uint_eq(k->context_len, 0);
        size_t clicks = users_recent(s.past.view.users, k->user_no, done, USERS_ACTIONS_MAX);
        ck_assert(clicks >= 1 && clicks <= LIST_CASES_CLICKS_MAX);
        ck_assert_uint_eq(clicks + k->truth_len, n);
        for (size_t i = 0; i < clicks; i++) { /* newest first */
            ck_assert_uint_eq(done[i].product_no, want[clicks - 1 - i]);
            ck_assert_uint_eq(done[i].time_s, SPLIT / 1000000 - 60 * (int64_t)i);
        }
        for (size_t i = clicks; i < n; i++) {
            bool asked = false;
            for (uint32_t j = 0; j < k->truth_len; j++)
                asked |= c.products[k->at + j] == want[i];
            ck_assert(asked);
        }
    }
    ck_assert_uint_gt(found, 10);
    ck_assert_uint_eq(c.len, found);
    list_cases_release(&c);
    shop_release(&s);
}
END_TEST

START_TEST(what_happened_later_is_not_asked_for)
{
    struct shop s;
    shop_init(&s);
    for (int p = PLACEMENT_HOME; p <= PLACEMENT_CART; p++) {
        int64_t until = SPLIT + 8 * DAY;
        struct list_cases c = cases_until(&s, (enum placement)p, until, SIZE_MAX);
        struct list_cases all = cases_of(&s, (enum placement)p, SIZE_MAX);
        ck_assert_uint_gt(c.len, 2);
        ck_assert_uint_lt(c.products_len, all.products_len);
        for (size_t i = 0; i < c.len; i++)
            for (size_t k = 0; k < c.items[i].context_len + c.items[i].truth_len; k++) {
                bool in_time = false;
                for (size_t j = 0; j < s.it.len; j++)
                    in_time |= s.it.product_no[j] == c.products[c.items[i].at + k] &&
                               s.it.time[j] >= SPLIT && s.it.time[j] < until;
                ck_assert(in_time);
            }
        list_cases_release(&c);
        list_cases_release(&all);
    }
    shop_release(&s);
}
END_TEST

START_TEST(a_sample_is_a_part_in_order_and_the_same_each_time)
{
    struct shop s;
    shop_init(&s);
    struct list_cases all = cases_of(&s, PLACEMENT_SIMILAR, SIZE_MAX);
    struct list_cases some = cases_of(&s, PLACEMENT_SIMILAR, 7);
    struct list_cases again = cases_of(&s, PLACEMENT_SIMILAR, 7);
    ck_assert_uint_eq(some.len, 7);
    ck_assert_uint_eq(again.len, 7);
    for (size_t i = 0, k = 0; i < 7; i++, k++) {
        ck_assert_uint_eq(some.items[i].at, again.items[i].at);
        while (k < all.len && all.items[k].at != some.items[i].at)
            k++;
        ck_assert_uint_lt(k, all.len);
    }
    list_cases_release(&all);
    list_cases_release(&some);
    list_cases_release(&again);
    shop_release(&s);
}
END_TEST

/* --- figures --------------------------------------------------------------------------------- */

START_TEST(figures_are_those_of_the_lists_whatever_the_number_of_threads)
{
    struct shop s;
    struct pool *pool;
    struct lists_result r, threaded;
    struct err err;
    shop_init(&s);
    ck_ok(pool_new(&pool, "test", 3, 8, &err));
    struct list_cases c = cases_of(&s, PLACEMENT_CART, SIZE_MAX);
    struct lists_options o = {.k = LENGTH, .now_us = SPLIT};
    ck_ok(lists_measure(&c, &s.past.view, &o, &r, &err));
    o.pool = pool;
    ck_ok(lists_measure(&c, &s.past.view, &o, &threaded, &err));
    double ndcg = 0, recall = 0;
    for (size_t i = 0; i < c.len; i++) {
        const struct list_case *k = &c.items[i];
        const uint32_t *context = c.products + k->at, *truth = context + k->context_len;
        struct recommend_request q = {.placement = PLACEMENT_CART,
                                      .context = context,
                                      .context_len = k->context_len,
                                      .limit = LENGTH,
                                      .now_us = SPLIT};
        struct recommend_result found;
        double gain = 0, ideal = 0, hits = 0;
        ck_ok(recommend_run(&s.past.view, &q, &s.f.arena, &found, &err));
        for (size_t rank = 0; rank < found.len; rank++)
            for (size_t j = 0; j < k->truth_len; j++)
                if (truth[j] == found.items[rank].product_no) {
                    gain += 1 / log2((double)rank + 2);
                    hits++;
                }
        for (size_t rank = 0; rank < LENGTH && rank < k->truth_len; rank++)
            ideal += 1 / log2((double)rank + 2);
        ck_assert_double_eq_tol(r.case_ndcg[i], gain / ideal, 1e-12);
        ndcg += gain / ideal / (double)c.len;
        recall += hits / k->truth_len / (double)c.len;
        arena_reset(&s.f.arena);
    }
    ck_assert(ndcg > 0);
    ck_assert_uint_eq(r.cases, c.len);
    ck_assert_double_eq_tol(r.ndcg, ndcg, 1e-9);
    ck_assert_double_eq_tol(r.recall, recall, 1e-9);
    ck_assert(r.ndcg == threaded.ndcg && r.mrr == threaded.mrr && r.gini == threaded.gini &&
              r.coverage == threaded.coverage);
    lists_result_release(&r);
    lists_result_release(&threaded);
    list_cases_release(&c);
    pool_free(pool);
    shop_release(&s);
}
END_TEST

/* What is asked for is what the trending shelf has on top, and the weights look at arrivals alone. */
START_TEST(tuning_finds_the_source_that_is_right)
{
    struct shop s;
    struct err err;
    struct recommend_weights w = {0};
    double before, after;
    shop_init(&s);
    const struct shelf *hot = &s.past.view.trending;
    uint32_t truth[] = {hot->product_no[0], hot->product_no[1]};
    struct list_case one = {.truth_len = 2};
    if (truth[0] > truth[1]) {
        truth[0] = hot->product_no[1];
        truth[1] = hot->product_no[0];
    }
    struct list_cases c = {.placement = PLACEMENT_HOME, .items = &one, .len = 1, .products = truth};
    struct lists_options o = {.k = 2, .now_us = SPLIT};
    w.of[PLACEMENT_HOME].arrivals = 1;
    ck_ok(lists_tune(&c, &s.past.view, &o, 5, &w, &before, &after, &err));
    ck_assert_double_lt(before, 1);
    ck_assert_double_eq_tol(after, 1, 1e-9);
    struct lists_result r;
    o.weights = &w;
    ck_ok(lists_measure(&c, &s.past.view, &o, &r, &err));
    ck_assert_double_eq_tol(r.ndcg, 1, 1e-9);
    lists_result_release(&r);
    shop_release(&s);
}
END_TEST

SUITE("lists", a_view_of_the_past_knows_nothing_of_what_came_later,
      a_shopper_is_asked_for_what_was_new_to_them_afterwards,
      sessions_and_orders_are_asked_for_their_rest,
      guests_in_the_middle_of_a_session_are_asked_for_its_rest,
      what_happened_later_is_not_asked_for, a_sample_is_a_part_in_order_and_the_same_each_time,
      figures_are_those_of_the_lists_whatever_the_number_of_threads,
      tuning_finds_the_source_that_is_right)
