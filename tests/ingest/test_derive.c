/* What trainers get: weights, decay, sessions, joins, bots, returns. */
#include "base/clock.h"
#include "ingest/derive.h"
#include "ingest/shop.h"

static void products(struct shop *s)
{
    struct import_report r;
    struct err err;
    ck_ok(import_text(s, "id,title,status\na,A,\nb,B,\noff,Off,inactive\n",
                      (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
}

static void events(struct shop *s, const char *rows)
{
    struct import_report r;
    struct err err;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_printf(&text, "time,type,user_id,anonymous_id,product_id\n%s", rows);
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_EVENTS}, &r, &err));
    ck_assert_uint_eq(r.quarantined, 0);
    buf_release(&text);
}

static struct interactions derive(struct shop *s, const struct derive_options *o,
                                  struct derive_report *r)
{
    struct interactions it = {0};
    struct err err;
    ck_ok(derive_interactions(s->store, o, &it, r, &err));
    return it;
}

START_TEST(acts_come_sorted_by_shopper_and_time_with_the_weight_of_their_type)
{
    struct shop s;
    struct derive_report r;
    struct derive_options o = derive_defaults();
    shop_init(&s);
    products(&s);
    events(&s, "2026-01-11T00:00:00Z,purchase,u,,a\n2026-01-01T00:00:00Z,view,u,,b\n"
               "2026-01-11T00:00:00Z,impression,u,,b\n2026-01-11T00:00:00Z,view,u,,off\n"
               "2026-01-05T00:00:00Z,favourite,v,,a\n");
    struct interactions it = derive(&s, &o, &r);
    ck_assert_uint_eq(it.len, 3);
    ck_assert_uint_eq(r.events, 5);
    ck_assert_uint_eq(r.unresolved, 1);
    ck_assert_uint_eq(it.user_no[0], it.user_no[1]);
    ck_assert_uint_lt(it.user_no[1], it.user_no[2]);
    ck_assert_int_eq(it.type[0], EVENT_VIEW);
    ck_assert_float_eq(it.weight[0], 1);
    ck_assert_float_eq(it.weight[1], 8);
    ck_assert_uint_eq(interactions_user_begin(&it, it.user_no[2]), 2);
    ck_assert_uint_eq(interactions_user_end(&it, it.user_no[2]), 3);
    ck_assert_int_gt(it.position, 0);
    interactions_release(&it);
    shop_release(&s);
}
END_TEST

START_TEST(an_anonymous_shopper_who_is_joined_counts_as_the_known_one)
{
    struct shop s;
    struct derive_report r;
    struct derive_options o = derive_defaults();
    shop_init(&s);
    products(&s);
    events(&s, "2026-01-01T00:00:00Z,view,,anon,a\n2026-01-01T00:01:00Z,view,u,anon,b\n"
               "2026-01-01T00:02:00Z,view,,other,b\n");
    struct interactions it = derive(&s, &o, &r);
    ck_assert_uint_eq(it.len, 3);
    ck_assert_uint_eq(r.joined, 1);
    size_t same = 0;
    for (size_t i = 1; i < 3; i++)
        same += it.user_no[i] == it.user_no[i - 1];
    ck_assert_uint_eq(same, 1);
    interactions_release(&it);
    shop_release(&s);
}
END_TEST

START_TEST(bots_and_test_users_are_left_out_and_counted)
{
    struct shop s;
    struct derive_report r;
    struct derive_options o = derive_defaults();
    struct buf rows;
    buf_init(&rows, 1 << 20);
    for (int i = 0; i < 80; i++)
        buf_printf(&rows, "2026-01-01T00:00:%02d.%03dZ,view,bot,,a\n", i / 2, i);
    for (int i = 0; i < 80; i++)
        buf_printf(&rows, "2026-01-01T%02d:%02d:00Z,view,human,,a\n", i / 60, i % 60);
    buf_puts(&rows, "2026-01-01T00:00:00Z,view,test-7,,a\n");
    shop_init(&s);
    products(&s);
    events(&s, rows.data);
    struct interactions it = derive(&s, &o, &r);
    ck_assert_uint_eq(it.len, 80);
    ck_assert_uint_eq(r.bots, 1);
    ck_assert_uint_eq(r.bot_acts, 80);
    ck_assert_uint_eq(r.test_users, 1);
    ck_assert_uint_eq(r.test_acts, 1);
    interactions_release(&it);
    o.filter = (struct derive_filter){0};
    it = derive(&s, &o, NULL);
    ck_assert_uint_eq(it.len, 161);
    interactions_release(&it);
    buf_release(&rows);
    shop_release(&s);
}
END_TEST

START_TEST(orders_are_purchases_that_returns_and_events_do_not_double)
{
    struct shop s;
    struct import_report ir;
    struct derive_report r;
    struct err err;
    struct derive_options o = derive_defaults();
    shop_init(&s);
    ck_ok(import_text(&s, sample,
                      (struct import_options){.kind = IMPORT_ORDERS, .mapping = "online-retail"},
                      &ir, &err));
    events(
        &s,
        "2010-12-01T08:26:30Z,purchase,17850,,85123A\n2010-12-01T08:20:00Z,view,17850,,85123A\n");
    struct interactions it = derive(&s, &o, &r);
    ck_assert_uint_eq(r.order_lines, 10);
    ck_assert_uint_eq(r.twice, 1);
    ck_assert_uint_eq(r.unresolved, 1); /* 85123a was never sold for money: it is not on sale */
    ck_assert_uint_eq(it.len, 5);       /* a view, and four lines of order 536365 */
    ck_assert_uint_eq(it.sessions, 1);
    uint32_t pieces = 0;
    for (size_t i = 0; i < it.len; i++)
        pieces += it.type[i] == EVENT_PURCHASE ? it.quantity[i] : 0;
    ck_assert_uint_eq(pieces, 6 + 6 + 2 + 1 - 2);
    interactions_release(&it);
    o.guests = true;
    o.inactive_products = true;
    it = derive(&s, &o, &r);
    ck_assert_uint_eq(r.guest_acts, 1);
    ck_assert_uint_eq(it.len, 6);
    ck_assert_uint_eq(it.user_no[0], 0);
    interactions_release(&it);
    shop_release(&s);
}
END_TEST

/* --- sessions and sorting against the obvious way --------------------------------------------- */

START_TEST(sorting_and_sessions_are_what_the_obvious_way_gives)
{
    struct rng rng;
    struct derive_options o = derive_defaults();
    rng_init(&rng, 3);
    o.session_max_acts = 5;
    o.session_max_us = 100 * 60 * CLOCK_US_PER_S;
    for (int round = 0; round < 50; round++) {
        struct interactions it = {0};
        struct err err;
        size_t n = 1 + (size_t)rng_below(&rng, 300);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            int64_t time = (int64_t)rng_below(&rng, 600) * 60 * CLOCK_US_PER_S;
            uint32_t user = 1 + (uint32_t)rng_below(&rng, 8);
            ck_ok(interactions_append(&it, user, 1 + (uint32_t)rng_below(&rng, 9), time, 1,
                                      EVENT_VIEW, (uint32_t)i, &err));
            sum += (uint64_t)time * user;
        }
        ck_ok(interactions_sort(&it, &o, &err));
        ck_assert_uint_eq(it.len, n);
        int64_t begin = it.time[0];
        uint32_t session = 0, acts = 1;
        sum -= (uint64_t)it.time[0] * it.user_no[0];
        for (size_t i = 1; i < n; i++) {
            sum -= (uint64_t)it.time[i] * it.user_no[i];
            bool same_user = it.user_no[i] == it.user_no[i - 1];
            ck_assert(it.user_no[i] > it.user_no[i - 1] ||
                      (same_user && it.time[i] >= it.time[i - 1]));
            bool fresh = !same_user || it.time[i] - it.time[i - 1] > o.session_gap_us ||
                         it.time[i] - begin > o.session_max_us || acts == 5;
            if (fresh) {
                session++;
                begin = it.time[i];
                acts = 0;
            }
            acts++;
            ck_assert_uint_eq(it.session[i], session);
        }
        ck_assert_uint_eq(sum, 0);
        ck_assert_uint_eq(it.sessions, session + 1);
        interactions_release(&it);
    }
}
END_TEST

START_TEST(a_weight_halves_with_every_half_life_and_never_grows)
{
    int64_t day = 86400 * INT64_C(1000000);
    ck_assert_float_eq(interactions_decay(0, 30), 1);
    ck_assert_float_eq_tol(interactions_decay(30 * day, 30), 0.5f, 1e-7f);
    ck_assert_float_eq_tol(interactions_decay(45 * day, 15), 0.125f, 1e-7f);
    ck_assert_float_eq(interactions_decay(-day, 30), 1); /* of an act that is ahead of the clock */
}
END_TEST

START_TEST(an_empty_shop_derives_nothing)
{
    struct shop s;
    struct derive_report r;
    struct derive_options o = derive_defaults();
    shop_init(&s);
    struct interactions it = derive(&s, &o, &r);
    ck_assert_uint_eq(it.len, 0);
    ck_assert_uint_eq(it.sessions, 0);
    interactions_release(&it);
    shop_release(&s);
}
END_TEST

SUITE("derive", acts_come_sorted_by_shopper_and_time_with_the_weight_of_their_type,
      an_anonymous_shopper_who_is_joined_counts_as_the_known_one,
      bots_and_test_users_are_left_out_and_counted,
      orders_are_purchases_that_returns_and_events_do_not_double,
      sorting_and_sessions_are_what_the_obvious_way_gives,
      a_weight_halves_with_every_half_life_and_never_grows, an_empty_shop_derives_nothing)
