/* The data-quality report counts what was put wrong on purpose. */
#include "base/clock.h"
#include "ingest/quality.h"
#include "ingest/shop.h"

static void take(struct shop *s, const char *text, enum import_kind kind, const char *mapping)
{
    struct import_report r;
    struct err err;
    ck_ok(
        import_text(s, text, (struct import_options){.kind = kind, .mapping = mapping}, &r, &err));
}

static uint64_t found(const struct quality_report *r, enum quality_code c)
{
    return r->finding[c].count;
}

START_TEST(faults_of_products_are_counted_with_examples)
{
    struct shop s;
    static struct quality_report r;
    struct err err;
    shop_init(&s);
    take(&s,
         "id,group_id,title,category,price,list_price,currency,stock,images,description\n"
         "p1,g,Pot,Home,100,,EUR,1,/u,d\n"
         "p2,g,Pot,Home,100,,EUR,1,/u,d\n"
         "p3,,Pot,,100,50,EUR,0,,\n"
         "p4,,Cup,Home,,,,,/u,d\n"
         "p5,,Jug,Home,0,,EUR,1,/u,d\n"
         "p6,,Jar,Home,5,,USD,1,/u,d\n",
         IMPORT_PRODUCTS, NULL);
    ck_ok(quality_check(s.store, 0, &r, &err));
    ck_assert_uint_eq(r.active_products, 6);
    ck_assert_uint_eq(found(&r, QUALITY_MISSING_PRICE), 1);
    ck_assert_str_eq(r.finding[QUALITY_MISSING_PRICE].example[0], "p4");
    ck_assert_uint_eq(found(&r, QUALITY_ZERO_PRICE), 1);
    ck_assert_uint_eq(found(&r, QUALITY_DUPLICATE_TITLE), 1); /* variants share theirs */
    ck_assert_uint_eq(found(&r, QUALITY_EMPTY_CATEGORY), 1);
    ck_assert_uint_eq(found(&r, QUALITY_MISSING_IMAGE), 1);
    ck_assert_uint_eq(found(&r, QUALITY_PRICE_ABOVE_LIST), 1);
    ck_assert_uint_eq(found(&r, QUALITY_MIXED_CURRENCY), 1);
    ck_assert_uint_eq(found(&r, QUALITY_OUT_OF_STOCK), 1);
    ck_assert_uint_eq(found(&r, QUALITY_NEVER_SEEN), 6);
    ck_assert_int_eq(r.finding[QUALITY_MISSING_PRICE].severity, QUALITY_PROBLEM);
    ck_assert_int_eq(r.finding[QUALITY_FUTURE_TIME].severity, QUALITY_FINE);
    shop_release(&s);
}
END_TEST

START_TEST(a_day_that_falls_silent_is_found_and_quiet_sundays_are_not)
{
    struct shop s;
    static struct quality_report r;
    struct err err;
    struct buf text;
    int64_t first, day_us = CLOCK_US_PER_DAY;
    buf_init(&text, 16 << 20);
    buf_puts(&text, "id,time,type,user_id,product_id\n");
    ck_ok(clock_parse_iso(STR_LIT("2025-01-06"), &first, &err)); /* a Monday */
    for (int day = 0; day < 90; day++) {
        int n = day % 7 == 6 ? 1 : day == 75 ? 5 : 40;
        for (int i = 0; i < n; i++) {
            char iso[CLOCK_ISO_SIZE];
            buf_printf(&text, "e%d-%d,%s,view,u%d,p\n", day, i,
                       clock_format_iso(first + day * day_us, iso), i);
        }
    }
    shop_init(&s);
    take(&s, "id,title\np,Pot\n", IMPORT_PRODUCTS, NULL);
    take(&s, text.data, IMPORT_EVENTS, NULL);
    take(&s, "time,type,user_id,product_id\n2025-01-06,view,u,gone\n", IMPORT_EVENTS, NULL);
    ck_ok(quality_check(s.store, 0, &r, &err));
    ck_assert_uint_eq(found(&r, QUALITY_VOLUME_DROP), 1);
    ck_assert_str_eq(r.finding[QUALITY_VOLUME_DROP].example[0], "2025-03-22");
    ck_assert_uint_eq(found(&r, QUALITY_NEVER_SEEN), 0);
    ck_assert_uint_eq(found(&r, QUALITY_UNKNOWN_PRODUCT), 1);
    /* Seen from the past, the newest of them are in the future. */
    ck_ok(quality_check(s.store, first + 80 * day_us, &r, &err));
    ck_assert_uint_gt(found(&r, QUALITY_FUTURE_TIME), 40);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(returns_without_a_sale_and_guests_are_counted_and_the_report_is_json)
{
    struct shop s;
    static struct quality_report r;
    struct err err;
    struct buf out;
    struct json_writer w;
    buf_init(&out, 1 << 20);
    shop_init(&s);
    take(&s, sample, IMPORT_ORDERS, "online-retail");
    ck_ok(quality_check(s.store, 0, &r, &err));
    ck_assert_uint_eq(r.order_lines, 10);
    ck_assert_uint_eq(found(&r, QUALITY_UNMATCHED_RETURN), 1);
    ck_assert_uint_eq(r.finding[QUALITY_UNMATCHED_RETURN].of, 2);
    ck_assert_uint_eq(found(&r, QUALITY_GUEST_ORDER), 3);
    ck_assert_uint_eq(found(&r, QUALITY_QUARANTINED), 1);
    jw_init(&w, &out);
    quality_report_json(&r, &w);
    ck_ok(jw_end(&w, "report", &err));
    ck_assert_ptr_nonnull(strstr(
        out.data, "\"code\":\"unmatched_return\",\"severity\":\"problem\",\"count\":1,\"of\":2"));
    buf_reset(&out);
    quality_report_text(&r, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "returns whose sale is not known: 2010-12-01"));
    buf_release(&out);
    shop_release(&s);
}
END_TEST

/* n acts of one type on a product by shoppers of their own. */
static void act(struct buf *text, int n, const char *type, const char *product)
{
    static int shopper; /* forks start at 0 */
    for (int i = 0; i < n; i++)
        buf_printf(text, "2026-01-01T10:00:00Z,%s,u%d,%s\n", type, shopper++, product);
}

START_TEST(products_that_stand_out_come_with_their_numbers)
{
    struct shop s;
    static struct quality_report r;
    struct err err;
    struct buf text;
    struct json_writer w;
    buf_init(&text, 16 << 20);
    shop_init(&s);
    take(&s, "id,title\nplain,Pot\nstar,Cup\ndud,Jug\nrare,Jar\nback,Mug\nsome,Pan\n",
         IMPORT_PRODUCTS, NULL);
    buf_puts(&text, "time,type,user_id,product_id\n");
    act(&text, 1000, "view", "plain");
    act(&text, 60, "purchase", "plain");
    act(&text, 100, "view", "star");
    act(&text, 40, "purchase", "star");
    act(&text, 500, "view", "dud");
    act(&text, 40, "view", "rare"); /* too few to say anything */
    act(&text, 30, "purchase", "rare");
    act(&text, 100, "view", "test-dummy-is-a-product-here"); /* quarantined */
    take(&s, text.data, IMPORT_EVENTS, NULL);
    take(&s,
         "id,placed_at,user_id,currency,product_id,quantity,unit_price,kind\n"
         "1,2025-01-01,a,EUR,back,30,100,sale\n"
         "2,2025-01-02,a,EUR,back,10,100,return\n"
         "3,2025-01-01,a,EUR,some,30,100,sale\n"
         "4,2025-01-02,a,EUR,some,9,100,return\n"
         "5,2025-01-02,a,EUR,dud,19,100,sale\n"
         "6,2025-01-02,a,EUR,dud,19,100,return\n", /* under 20 pieces */
         IMPORT_ORDERS, NULL);
    ck_ok(quality_check(s.store, 0, &r, &err));
    const struct quality_finding *back = &r.finding[QUALITY_OFTEN_RETURNED];
    ck_assert(back->count == 1 && back->of == 2);
    ck_assert_str_eq(back->example[0], "back");
    ck_assert_uint_eq(r.most_returned.len, 1);
    ck_assert(r.most_returned.at[0].count == 10 && r.most_returned.at[0].of == 30);
    const struct quality_finding *odd = &r.finding[QUALITY_ODD_CONVERSION];
    ck_assert(odd->count == 2 && odd->of == 3 && odd->severity == QUALITY_NOTE);
    ck_assert_uint_eq(r.odd_conversion.len, 2);
    ck_assert_str_eq(r.odd_conversion.at[0].id, "star"); /* the furthest first */
    ck_assert(r.odd_conversion.at[0].count == 40 && r.odd_conversion.at[0].of == 100);
    ck_assert_str_eq(r.odd_conversion.at[1].id, "dud");
    ck_assert_uint_eq(r.sales.sold, 79);
    ck_assert_uint_eq(r.sales.returned, 38);
    ck_assert_int_eq(r.sales.revenue_minor, 4100);

    buf_reset(&text);
    jw_init(&w, &text);
    quality_report_json(&r, &w);
    ck_ok(jw_end(&w, "report", &err));
    ck_assert_ptr_nonnull(strstr(
        text.data,
        "\"most_returned\":[{\"id\":\"back\",\"sold\":30,\"returned\":10,\"share\":0.33333}]"));
    ck_assert_ptr_nonnull(
        strstr(text.data, "\"odd_conversion\":[{\"id\":\"star\",\"views\":100,\"purchases\":40,"));
    buf_reset(&text);
    quality_report_text(&r, &text);
    ck_assert_ptr_nonnull(
        strstr(text.data, "79 pieces sold, 38 returned; revenue 4100 minor units of EUR"));
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(lists_keep_the_furthest_and_are_cut)
{
    struct shop s;
    static struct quality_report r;
    struct err err;
    struct buf text;
    buf_init(&text, 1 << 20);
    shop_init(&s);
    buf_puts(&text, "id,title\n");
    for (int i = 0; i < 15; i++)
        buf_printf(&text, "p%d,Pot %d\n", i, i);
    take(&s, text.data, IMPORT_PRODUCTS, NULL);
    buf_reset(&text);
    buf_puts(&text, "id,placed_at,currency,product_id,quantity,unit_price,kind\n");
    for (int i = 0; i < 15; i++) /* of 100 pieces of p7 come back 49, of p8 56, ... */
        buf_printf(&text, "s%d,2025-01-01,EUR,p%d,100,1,sale\nr%d,2025-01-02,EUR,p%d,%d,1,return\n",
                   i, i, i, i, 35 + i * 7 % 15);
    take(&s, text.data, IMPORT_ORDERS, NULL);
    ck_ok(quality_check(s.store, 0, &r, &err));
    ck_assert_uint_eq(found(&r, QUALITY_OFTEN_RETURNED), 15);
    ck_assert_uint_eq(r.most_returned.len, QUALITY_TOP);
    for (size_t i = 0; i < QUALITY_TOP; i++)
        ck_assert_uint_eq(r.most_returned.at[i].count, 49 - i);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

SUITE("quality", faults_of_products_are_counted_with_examples,
      a_day_that_falls_silent_is_found_and_quiet_sundays_are_not,
      returns_without_a_sale_and_guests_are_counted_and_the_report_is_json,
      products_that_stand_out_come_with_their_numbers, lists_keep_the_furthest_and_are_cut)
