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

SUITE("quality", faults_of_products_are_counted_with_examples,
      a_day_that_falls_silent_is_found_and_quiet_sundays_are_not,
      returns_without_a_sale_and_guests_are_counted_and_the_report_is_json)
