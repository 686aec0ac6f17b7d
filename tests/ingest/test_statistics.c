/* What became of each product, against figures counted by hand. */
#include "ingest/statistics.h"

#include <math.h>

#include "ingest/shop.h"

static void take(struct shop *s, const char *text, enum import_kind kind)
{
    struct import_report r;
    struct err err;
    ck_ok(import_text(s, text, (struct import_options){.kind = kind}, &r, &err));
    ck_assert_uint_eq(r.quarantined, 0);
}

static struct product_stats read_stats(struct shop *s)
{
    struct derive_options o = derive_defaults();
    struct interactions it;
    struct product_stats st;
    struct err err;
    o.guests = true;
    ck_ok(derive_interactions(s->store, &o, &it, NULL, &err));
    ck_ok(product_stats_read(s->store, &it, &st, &err));
    interactions_release(&it);
    return st;
}

START_TEST(acts_pieces_and_revenue_are_what_a_hand_counts)
{
    struct shop s;
    shop_init(&s);
    take(&s, "id,title\na,Pot\nb,Cup\nnever,Jug\n", IMPORT_PRODUCTS);
    take(&s,
         "time,type,user_id,product_id\n"
         "2026-01-01T10:00:00Z,view,u,a\n"
         "2026-01-01T10:01:00Z,click,u,a\n"
         "2026-01-01T10:02:00Z,view,v,a\n"
         "2026-01-01T10:03:00Z,impression,v,a\n"
         "2026-01-01T10:04:00Z,add_to_cart,v,a\n"
         "2026-01-01T10:05:00Z,favourite,v,b\n"
         "2026-01-01T10:06:00Z,view,test-1,b\n",
         IMPORT_EVENTS);
    take(&s,
         "id,placed_at,user_id,currency,status,product_id,quantity,unit_price,kind\n"
         "1,2026-01-02,u,EUR,paid,a,3,500,sale\n"
         "1,2026-01-02,u,EUR,paid,b,1,250,sale\n"
         "2,2026-01-03,u,EUR,paid,a,2,500,sale\n"
         "3,2026-01-03,v,EUR,paid,a,1,500,sale\n"
         "4,2026-01-04,,EUR,paid,a,1,500,sale\n"       /* a guest: bought, by nobody known */
         "5,2026-01-04,u,EUR,cancelled,a,9,500,sale\n" /* never was */
         "6,2026-01-05,u,USD,paid,b,4,900,sale\n"
         "7,2026-01-06,u,EUR,paid,a,2,500,return\n"
         "8,2026-01-06,u,EUR,paid,,1,-999,adjustment\n",
         IMPORT_ORDERS);
    struct product_stats st = read_stats(&s);
    uint32_t a = product_of(&s, "a").no, b = product_of(&s, "b").no;
    uint32_t never = product_of(&s, "never").no;
    ck_assert_uint_eq(st.views[a], 3);
    ck_assert_uint_eq(st.carts[a], 1);
    ck_assert_uint_eq(st.purchases[a], 4);
    ck_assert_uint_eq(st.buyers[a], 2);
    ck_assert_uint_eq(st.sold[a], 7);
    ck_assert_uint_eq(st.returned[a], 2);
    ck_assert_int_eq(st.revenue_minor[a], 7 * 500 - 2 * 500);
    ck_assert_uint_eq(st.views[b], 0); /* test users are nobody */
    ck_assert_uint_eq(st.carts[b], 1);
    ck_assert_uint_eq(st.sold[b], 5);
    ck_assert_int_eq(st.revenue_minor[b], 250); /* dollars are not added to euros */
    ck_assert_uint_eq(st.foreign_lines, 1);
    ck_assert_uint_eq(st.lines, 7);
    char name[4];
    ck_assert_str_eq(currency_name(st.currency, name), "EUR");
    ck_assert_uint_eq(st.all_views, 3);
    ck_assert_uint_eq(st.all_carts, 2);
    ck_assert_uint_eq(st.all_purchases, 6);
    ck_assert_uint_eq(st.all_sold, 12);
    ck_assert_uint_eq(st.all_returned, 2);
    ck_assert_int_eq(st.all_revenue_minor, 7 * 500 - 2 * 500 + 250);
    ck_assert_uint_eq(st.views[never] + st.sold[never] + st.purchases[never], 0);
    ck_assert_double_eq_tol(product_stats_returns_share(&st, a), 2.0 / 7, 1e-12);
    ck_assert_double_eq(product_stats_returns_share(&st, never), 0);
    ck_assert_double_eq(product_stats_returns_share(&st, st.len), 0);
    product_stats_release(&st);
    shop_release(&s);
}
END_TEST

START_TEST(conversion_is_drawn_to_the_mean_and_its_z_grows_with_the_views)
{
    uint32_t views[] = {0, 100, 400, 0, 4}, purchases[] = {0, 30, 20, 5, 0};
    struct product_stats st = {
        .len = 5, .views = views, .purchases = purchases, .all_views = 1000, .all_purchases = 100};
    ck_assert_double_eq_tol(product_stats_mean_conversion(&st), 0.1, 1e-12);
    ck_assert_double_eq_tol(product_stats_conversion(&st, 1), (30 + 2.0) / 120, 1e-12);
    ck_assert_double_eq_tol(product_stats_conversion(&st, 3), (5 + 2.0) / 20, 1e-12);
    ck_assert_double_eq_tol(product_stats_conversion(&st, 0), 0.1, 1e-12);
    ck_assert_double_eq(product_stats_conversion(&st, 5), 0);
    ck_assert_double_eq_tol(product_stats_conversion_z(&st, 1), 20 / 3.0, 1e-12); /* sd 3 */
    ck_assert_double_eq_tol(product_stats_conversion_z(&st, 2), -20 / 6.0, 1e-12);
    ck_assert_double_eq_tol(product_stats_conversion_z(&st, 4), -0.4 / 0.6, 1e-12);
    ck_assert_double_eq(product_stats_conversion_z(&st, 3), 0); /* nobody looked */
    purchases[3] = 1000; /* more purchases than views: an import of orders alone */
    ck_assert_double_eq(product_stats_conversion(&st, 3), 1);
    st.all_purchases = 5000;
    ck_assert_double_eq(product_stats_mean_conversion(&st), 1);
    ck_assert_double_eq(product_stats_conversion_z(&st, 1), 0);
    st.all_views = 0;
    ck_assert_double_eq(product_stats_mean_conversion(&st), 0);
}
END_TEST

START_TEST(an_empty_shop_has_no_figures)
{
    struct shop s;
    shop_init(&s);
    struct product_stats st = read_stats(&s);
    ck_assert_uint_eq(st.lines + st.all_views + st.all_sold, 0);
    ck_assert_uint_eq(st.currency, 0);
    product_stats_release(&st);
    shop_release(&s);
}
END_TEST

SUITE("statistics", acts_pieces_and_revenue_are_what_a_hand_counts,
      conversion_is_drawn_to_the_mean_and_its_z_grows_with_the_views, an_empty_shop_has_no_figures)
