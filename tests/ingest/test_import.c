/* The import end to end: what is stored, what is refused and why, again, dry, full. */
#include "ingest/shop.h"

static const struct import_options retail = {.kind = IMPORT_ORDERS, .mapping = "online-retail"};

START_TEST(order_lines_become_orders_to_the_penny_with_every_line_accounted_for)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, sample, retail, &r, &err));
    ck_assert_uint_eq(r.lines, SAMPLE_LINES);
    ck_assert_uint_eq(r.accepted, 10);
    ck_assert_uint_eq(r.merged, 0);
    ck_assert_uint_eq(r.quarantined, 1);
    ck_assert_uint_eq(r.by_reason[REASON_BAD_MONEY], 1);
    ck_assert_uint_eq(r.invoices, 6); /* the refused line's too: it was seen */
    ck_assert_uint_eq(r.customers, 1);
    ck_assert_uint_eq(r.sale_lines, 5);
    ck_assert_uint_eq(r.return_lines, 2);
    ck_assert_uint_eq(r.adjustment_lines, 2);
    ck_assert_uint_eq(r.charge_lines, 1);
    ck_assert_uint_eq(r.near_skus, 1);
    ck_assert_str_eq(r.near_examples, "85123A/85123a");
    /* 15.30 * 2 + 15.30 + 0.00 + 54.00 - 5.10 - 27.50 + 0 - 11062.06 + 4.95 */
    ck_assert_int_eq(r.net_revenue_minor, -1098981);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM order_lines"), 10);
    shop_release(&s);
}
END_TEST

START_TEST(lines_are_identified_by_their_place_so_equal_lines_are_two_and_late_ones_join)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, sample, retail, &r, &err));
    struct order o = order_of(&s, "536365");
    ck_assert_uint_eq(o.lines_len, 4);
    ck_assert(str_is(o.user_id, "17850"));
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(o.lines[i].ordinal, i);
    ck_assert_int_eq(o.lines[1].amount_minor, 1530);
    ck_assert_int_eq(o.lines[3].unit_price_micro, 4950000);
    ck_assert_int_eq(o.total_minor, 3 * 1530 + 495);
    ck_assert_uint_eq(order_of(&s, "536366").user_no, 0);
    shop_release(&s);
}
END_TEST

START_TEST(returns_find_their_sale_and_adjustments_keep_their_sign)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, sample, retail, &r, &err));
    struct order sale = order_of(&s, "536365"), back = order_of(&s, "C536379");
    ck_assert_int_eq(back.status, ORDER_RETURNED);
    ck_assert_int_eq(back.lines[0].kind, LINE_RETURN);
    ck_assert_int_eq(back.lines[0].quantity, 2);
    ck_assert_int_eq(back.lines[0].amount_minor, 510);
    ck_assert_int_eq(back.lines[0].sale_order_no, sale.no);
    ck_assert_int_eq(back.lines[1].sale_order_no, 0);
    ck_assert_uint_eq(r.returns_matched, 1);
    struct order debt = order_of(&s, "A563186"), counted = order_of(&s, "536414");
    ck_assert_int_eq(debt.lines[0].kind, LINE_ADJUSTMENT);
    ck_assert_int_eq(debt.lines[0].amount_minor, -1106206);
    ck_assert_int_eq(counted.lines[0].kind, LINE_ADJUSTMENT);
    ck_assert_int_eq(counted.lines[0].quantity, -56);
    shop_release(&s);
}
END_TEST

START_TEST(products_get_their_best_title_last_price_and_only_real_ones_are_sold)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, sample, retail, &r, &err));
    struct product p = product_of(&s, "85123A");
    ck_assert(str_is(p.title, "WHITE HEART"));
    ck_assert_int_eq(p.price_minor, 255);
    ck_assert_int_eq(p.status, PRODUCT_ACTIVE);
    p = product_of(&s, "22139"); /* "damaged" stands on more of its lines */
    ck_assert(str_is(p.title, "RETROSPOT"));
    ck_assert_int_eq(product_of(&s, "POST").status, PRODUCT_INACTIVE);
    ck_assert_int_eq(product_of(&s, "B").status, PRODUCT_INACTIVE);
    shop_release(&s);
}
END_TEST

START_TEST(a_file_or_its_rows_imported_twice_add_nothing)
{
    struct shop s;
    struct import_report r, again;
    struct err err;
    struct buf other;
    shop_init(&s);
    ck_ok(import_text(&s, sample, retail, &r, &err));
    ck_ok(import_text(&s, sample, retail, &again, &err));
    ck_assert(again.again);
    ck_assert_int_eq(again.net_revenue_minor, r.net_revenue_minor);
    ck_assert_uint_eq(again.by_reason[REASON_BAD_MONEY], 1);
    buf_init(&other, 1 << 20);
    buf_puts(&other, sample);
    buf_puts(&other, "536600,22752,NEST,1,2010-12-02 08:00:00,7.65,17850.0,United Kingdom\n");
    ck_ok(import_text(&s, other.data, retail, &again, &err));
    ck_assert(!again.again);
    ck_assert_uint_eq(again.merged, 10);
    ck_assert_uint_eq(again.accepted, 1);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM order_lines"), 11);
    struct import_options force = retail;
    force.force = true;
    ck_ok(import_text(&s, sample, force, &again, &err));
    ck_assert(!again.again);
    ck_assert_uint_eq(again.merged, 10);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM order_lines"), 11);
    buf_release(&other);
    shop_release(&s);
}
END_TEST

START_TEST(batches_of_any_size_store_the_same)
{
    for (uint32_t rows = 1; rows < 8; rows++) {
        struct shop s;
        struct import_report r;
        struct err err;
        struct import_options o = retail;
        o.batch_rows = rows;
        shop_init(&s);
        ck_ok(import_text(&s, sample, o, &r, &err));
        ck_assert_uint_eq(r.accepted, 10);
        ck_assert_int_eq(r.net_revenue_minor, -1098981);
        ck_assert_uint_eq(r.returns_matched, 1);
        ck_assert_uint_eq(order_of(&s, "536365").lines_len, 4);
        shop_release(&s);
    }
}
END_TEST

START_TEST(an_order_of_too_many_lines_keeps_its_first_ones)
{
    struct shop s;
    struct import_report r;
    struct err err;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_puts(&text, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n");
    for (int i = 0; i < STORE_ORDER_LINES_MAX + 3; i++)
        buf_printf(&text, "1,S,THING,1,2011-01-01 00:00:00,%s,7\n", i == 5 ? "?" : "1.00");
    shop_init(&s);
    ck_ok(import_text(&s, text.data, retail, &r, &err));
    ck_assert_uint_eq(r.accepted, STORE_ORDER_LINES_MAX - 1);
    ck_assert_uint_eq(r.by_reason[REASON_OUT_OF_RANGE], 3);
    ck_assert_uint_eq(r.by_reason[REASON_BAD_MONEY], 1);
    ck_assert_int_eq(count(&s, "SELECT MAX(ordinal) FROM order_lines"), STORE_ORDER_LINES_MAX - 1);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(a_status_that_a_file_does_not_give_changes_none)
{
    static const char lines[] = "id,product_id,quantity,unit_price,currency,placed_at,user_id%s\n"
                                "o,p,1,100,EUR,2026-01-01,u%s\no,q,1,50,EUR,2026-01-01,u%s\n";
    struct shop s;
    struct import_report r;
    struct err err;
    struct buf text;
    buf_init(&text, 1 << 20);
    shop_init(&s);
    setenv("AISLE_NOW", "2026-02-01T00:00:00Z", 1);
    ck_ok(import_text(&s, "id,title\np,Pot\n", (struct import_options){.kind = IMPORT_PRODUCTS}, &r,
                      &err));
    buf_printf(&text, lines, ",status", ",shipped", ",shipped");
    struct import_options orders = {.kind = IMPORT_ORDERS};
    ck_ok(import_text(&s, text.data, orders, &r, &err));
    ck_assert_uint_eq(r.accepted, 1); /* the other line's product is not known */
    ck_assert_uint_eq(r.by_reason[REASON_UNKNOWN_PRODUCT], 1);
    ck_assert_int_eq(order_of(&s, "o").status, ORDER_SHIPPED);
    ck_ok(import_text(&s, "id,title\nq,Quill\n", (struct import_options){.kind = IMPORT_PRODUCTS},
                      &r, &err));
    buf_reset(&text);
    buf_printf(&text, lines, "", "", "");
    ck_ok(import_text(&s, text.data, orders, &r, &err));
    ck_assert_uint_eq(r.accepted, 1);
    struct order o = order_of(&s, "o");
    ck_assert_int_eq(o.status, ORDER_SHIPPED);
    ck_assert_int_eq(o.total_minor, 150);
    ck_assert_uint_eq(o.lines[1].ordinal, 1);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(returns_find_sales_of_other_files_and_those_behind_them)
{
    static const char header[] =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n";
    static const char *const files[] = {
        "C2,A,LAMP,-1,2011-01-02 00:00:00,2.00,7\n1,A,LAMP,1,2011-01-01 00:00:00,2.00,7\n",
        "3,E,CUP,5,2011-02-01 00:00:00,2.00,7\n", "C4,E,CUP,-5,2011-03-01 00:00:00,2.00,7\n",
        "C5,E,CUP,-1,2011-03-02 00:00:00,2.00,7\n"};
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    for (int i = 0; i < 4; i++) {
        const char *text = arena_printf(&s.arena, "%s%s", header, files[i]).p;
        ck_ok(import_text(&s, text, retail, &r, &err));
        ck_assert_msg(r.returns_matched == (i == 0 || i == 2), "file %d: %d", i,
                      (int)r.returns_matched);
    }
    ck_assert_int_eq(order_of(&s, "C2").lines[0].sale_order_no, order_of(&s, "1").no);
    ck_assert_int_eq(order_of(&s, "C4").lines[0].sale_order_no, order_of(&s, "3").no);
    ck_assert_int_eq(order_of(&s, "C5").lines[0].sale_order_no, 0); /* all five have come back */
    shop_release(&s);
}
END_TEST

START_TEST(a_dry_run_reports_and_stores_nothing)
{
    struct shop s;
    struct import_report r;
    struct err err;
    struct import_options o = retail;
    o.dry_run = true;
    shop_init(&s);
    ck_ok(import_text(&s, sample, o, &r, &err));
    ck_assert_uint_eq(r.accepted, 10);
    ck_assert_uint_eq(r.quarantined, 1);
    ck_assert_int_eq(r.net_revenue_minor, -1098981);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM orders"), 0);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM quarantine"), 0);
    shop_release(&s);
}
END_TEST

/* --- what bad rows get ------------------------------------------------------------------------ */

START_TEST(every_bad_product_row_goes_to_quarantine_with_place_column_and_reason)
{
    static const struct {
        const char *row;
        enum import_reason why;
        unsigned column;
    } rows[] = {
        {"p1,Kettle,1299,EUR,2020-01-01,,", REASON_NONE, 0},
        {",Kettle,1299,EUR,2020-01-01,,", REASON_MISSING, 1},
        {"p2,,1299,EUR,2020-01-01,,", REASON_MISSING, 2},
        {"p3,Kettle,12.99,EUR,2020-01-01,,", REASON_BAD_NUMBER, 3},
        {"p4,Kettle,NaN,EUR,2020-01-01,,", REASON_BAD_NUMBER, 3},
        {"p5,Kettle,-1,EUR,2020-01-01,,", REASON_OUT_OF_RANGE, 3},
        {"p6,Kettle,99999999999999,EUR,2020-01-01,,", REASON_OUT_OF_RANGE, 3},
        {"p16,Kettle,99999999999999999999,EUR,2020-01-01,,", REASON_OUT_OF_RANGE, 3},
        {"p17,Kettle,1e400,EUR,2020-01-01,,", REASON_BAD_NUMBER, 3},
        {"p18,Kettle,1299,EUR,10000-01-01,,", REASON_BAD_TIME, 5},
        {"p7,Kettle,1299,XYZ,2020-01-01,,", REASON_UNKNOWN_CURRENCY, 4},
        {"p8,Kettle,1299,,2020-01-01,,", REASON_UNKNOWN_CURRENCY, 3},
        {"p9,Kettle,1299,EUR,1970-01-01,,", REASON_ANCIENT_TIME, 5},
        {"p10,Kettle,1299,EUR,2999-01-01,,", REASON_FUTURE_TIME, 5},
        {"p11,Kettle,1299,EUR,yesterday,,", REASON_BAD_TIME, 5},
        {"p12,Ket\xfftle,1299,EUR,2020-01-01,,", REASON_BAD_TEXT, 0},
        {"p13,Kettle,1299", REASON_FIELD_COUNT, 0},
        {"p14,\"Kettle,1299,EUR,2020-01-01", REASON_BROKEN_ROW, 0},
        {"p15,Kettle,1299,EUR,,javascript:alert(1),", REASON_BAD_URL, 6},
        {"p16,Kettle,1299,EUR,,/fine,\"/fine.png,data:text/html\"", REASON_BAD_URL, 7},
        {"p17,Kettle,1299,EUR,,//evil.example/,", REASON_BAD_URL, 6},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    struct shop s;
    struct import_report r;
    struct err err;
    struct buf text;
    struct db *db;
    struct db_rows found;
    buf_init(&text, 1 << 20);
    buf_puts(&text, "id,title,price,currency,created_at,url,images\n");
    for (size_t i = 0; i < ROWS; i++)
        buf_printf(&text, "%s\n", rows[i].row);
    shop_init(&s);
    ck_ok(import_text(&s, text.data, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    ck_assert_uint_eq(r.accepted, 1);
    ck_assert_uint_eq(r.quarantined, ROWS - 1);
    ck_ok(store_read_begin(s.store, &db, &err));
    ck_ok(quarantine_list(db, STR_LIT("products"), (struct str){NULL, 0}, 0, 100, &found, &err));
    bool seen[ROWS] = {true};
    for (size_t i = 1; i < ROWS; i++) {
        struct quarantine q;
        bool more;
        ck_ok(quarantine_next(&found, &q, &more, &err));
        ck_assert(more);
        size_t at = (size_t)q.line - 2;
        ck_assert_msg(str_is(q.reason, import_reason_name(rows[at].why)), "%s: %.*s %.*s",
                      rows[at].row, STR_ARG(q.reason), STR_ARG(q.message));
        ck_assert_msg(q.column == rows[at].column, "%s: column %u", rows[at].row, q.column);
        seen[at] = true;
    }
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(seen[i]);
    db_rows_close(&found);
    store_read_end(s.store, db);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(an_id_of_ten_kilobytes_is_refused_and_its_raw_row_is_cut)
{
    struct shop s;
    struct import_report r;
    struct err err;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_puts(&text, "{\"title\":\"x\",\"id\":\"");
    for (int i = 0; i < 10 << 10; i++)
        buf_putc(&text, 'i');
    buf_puts(&text,
             "\"}\n{\"id\":\"fine\",\"title\":\"t\",\"attributes\":[1]}\n"
             "{\"id\":\"f2\",\"title\":\"t\",\"attributes\":{\"a\":1,\"b\":[\"x\"]},\"price\":5,"
             "\"currency\":\"EUR\",\"rating\":{\"mean\":4.5,\"count\":3},\"images\":[\"/u\"]}\n");
    shop_init(&s);
    ck_ok(import_text(&s, text.data, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    ck_assert_uint_eq(r.by_reason[REASON_BAD_ID], 1);
    ck_assert_uint_eq(r.by_reason[REASON_BAD_JSON], 1);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM quarantine WHERE LENGTH(raw) <= 4096"), 2);
    struct product p = product_of(&s, "f2");
    ck_assert(str_is(p.attributes, "{\"a\":1,\"b\":[\"x\"]}"));
    ck_assert_double_eq(p.rating_mean, 4.5);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(a_key_that_comes_twice_anywhere_is_refused)
{
    static const char text[] =
        "{\"id\":\"a\",\"id\":\"b\",\"title\":\"t\"}\n"
        "{\"id\":\"c\",\"title\":\"t\",\"attributes\":{\"x\":1,\"x\":2}}\n"
        "{\"id\":\"d\",\"title\":\"t\",\"attributes\":{\"x\":[{\"y\":1,\"z\":2,\"y\":3}]}}\n"
        "{\"id\":\"e\",\"title\":\"t\",\"attributes\":{\"x\":{\"x\":1},\"y\":[{\"x\":1},{\"x\":1}]}"
        "}\n";
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, text, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    ck_assert_uint_eq(r.by_reason[REASON_DUPLICATE_KEY], 3);
    ck_assert_uint_eq(r.accepted, 1);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM quarantine WHERE message LIKE"
                               " 'attributes: the key ''y'' comes twice'"),
                     1);
    ck_ok(import_text(&s, "id,title,attributes,attributes.colour\nf,t,\"{\"\"colour\"\":1}\",red\n",
                      (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    ck_assert_uint_eq(r.by_reason[REASON_DUPLICATE_KEY], 1);
    shop_release(&s);
}
END_TEST

START_TEST(a_gzip_cut_short_keeps_what_came_and_says_where_it_ends)
{
    struct shop s;
    struct import_report r;
    struct err err;
    static const unsigned char cut[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x4c};
    shop_init(&s);
    struct import_options o = {.kind = IMPORT_PRODUCTS};
    o.path = write_file(s.dir, "cut.gz", (struct str){(const char *)cut, sizeof cut}, 1);
    ck_err(import_text(&s, NULL, o, &r, &err), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.msg, "cut short after byte"));
    ck_assert_ptr_nonnull(strstr(err.msg, "cut.gz"));
    shop_release(&s);
}
END_TEST

START_TEST(an_attribute_may_have_a_column_of_its_own)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, "id,title,attributes.colour,attributes.size\np,Pot,red,12\nq,Pan,,\n",
                      (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    ck_assert(str_is(product_of(&s, "p").attributes, "{\"colour\":\"red\",\"size\":12}"));
    ck_assert(product_of(&s, "q").attributes.n == 0);
    shop_release(&s);
}
END_TEST

START_TEST(a_missing_column_names_the_header_and_a_missing_file_the_file)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_err(import_text(&s, "sku,name\n1,x\n", (struct import_options){.kind = IMPORT_PRODUCTS}, &r,
                       &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "'id' is missing; the file has: sku, name"));
    ck_err(import_text(&s, NULL,
                       (struct import_options){.kind = IMPORT_PRODUCTS, .path = "/nowhere.csv"}, &r,
                       &err),
           ERR_NOT_FOUND);
    shop_release(&s);
}
END_TEST

/* --- other kinds ------------------------------------------------------------------------------ */

START_TEST(events_are_identified_and_unknown_products_refused)
{
    static const char events[] =
        "{\"id\":\"e1\",\"time\":\"2026-01-01T10:00:00Z\",\"type\":\"view\",\"user_id\":\"u\","
        "\"product_id\":\"p\"}\n"
        "{\"id\":\"e1\",\"time\":\"2026-01-01T10:00:00Z\",\"type\":\"view\",\"user_id\":\"u\","
        "\"product_id\":\"p\"}\n"
        "{\"time\":\"2026-01-01T10:00:01Z\",\"type\":\"click\",\"anonymous_id\":\"a\",\"product_"
        "id\":\"p\"}\n"
        "{\"time\":\"2026-01-01T10:00:02Z\",\"type\":\"view\",\"user_id\":\"u\",\"product_id\":"
        "\"gone\"}\n"
        "{\"time\":\"2026-01-01T10:00:02Z\",\"type\":\"dance\",\"user_id\":\"u\",\"product_id\":"
        "\"p\"}\n"
        "{\"time\":\"2026-01-01T10:00:02Z\",\"type\":\"search\",\"user_id\":\"u\"}\n"
        "{\"time\":\"2026-01-01T10:00:02Z\",\"type\":\"view\",\"product_id\":\"p\"}\n";
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    setenv("AISLE_NOW", "2026-02-01T00:00:00Z", 1);
    ck_ok(import_text(&s, "id,title\np,Pot\n", (struct import_options){.kind = IMPORT_PRODUCTS}, &r,
                      &err));
    ck_ok(import_text(&s, events, (struct import_options){.kind = IMPORT_EVENTS}, &r, &err));
    ck_assert_uint_eq(r.accepted, 2);
    ck_assert_uint_eq(r.merged, 1);
    ck_assert_uint_eq(r.by_reason[REASON_UNKNOWN_PRODUCT], 1);
    ck_assert_uint_eq(r.by_reason[REASON_UNKNOWN_VALUE], 1);
    ck_assert_uint_eq(r.by_reason[REASON_MISSING], 2);
    struct import_options force = {.kind = IMPORT_EVENTS, .force = true};
    ck_ok(import_text(&s, events, force, &r, &err));
    ck_assert_uint_eq(r.accepted, 0);
    ck_assert_uint_eq(r.merged, 3);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM events"), 2);
    shop_release(&s);
}
END_TEST

START_TEST(users_and_interactions_are_taken_and_taken_once)
{
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    struct import_options users = {.kind = IMPORT_USERS, .force = true};
    for (int round = 0; round < 2; round++) {
        ck_ok(
            import_text(&s, "id,attributes.city,personalise\nu1,Rome,no\nu2,,\n", users, &r, &err));
        ck_assert_uint_eq(r.created, round == 0 ? 2 : 0);
        ck_assert_uint_eq(r.merged, round == 0 ? 0 : 2);
    }
    struct import_options pairs = {.kind = IMPORT_INTERACTIONS, .force = true};
    for (int round = 0; round < 2; round++) {
        ck_ok(import_text(&s, "user_id,item_id\nu1,a\nu1,b\nu3,a\nu1,a\n", pairs, &r, &err));
        ck_assert_uint_eq(r.accepted, round == 0 ? 3 : 0);
    }
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM events"), 3);
    ck_assert_int_eq(product_of(&s, "a").status, PRODUCT_INACTIVE);
    shop_release(&s);
}
END_TEST

START_TEST(whole_orders_as_json_are_put_once_and_refused_whole)
{
    static const char orders[] =
        "[{\"id\":\"o1\",\"user_id\":\"u\",\"currency\":\"EUR\",\"placed_at\":\"2026-01-01\","
        "\"status\":\"shipped\","
        "\"lines\":[{\"product_id\":\"p\",\"quantity\":2,\"unit_price\":150},"
        "{\"product_id\":\"p\",\"quantity\":1,\"unit_price\":150,\"kind\":\"return\"}]},"
        "{\"id\":\"o2\",\"currency\":\"EUR\",\"placed_at\":\"2026-01-01\",\"lines\":[{\"product_"
        "id\":\"gone\"}]},"
        "{\"id\":\"o3\",\"currency\":\"EUR\",\"placed_at\":\"2026-01-01\",\"lines\":[{\"product_"
        "id\":\"p\",\"quantity\":0}]},"
        "{\"id\":\"o4\",\"currency\":\"EUR\",\"placed_at\":\"2026-01-01\",\"lines\":[7]}]";
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    ck_ok(import_text(&s, "id,title\np,Pot\n", (struct import_options){.kind = IMPORT_PRODUCTS}, &r,
                      &err));
    for (int round = 0; round < 2; round++) {
        ck_ok(import_text(&s, orders, (struct import_options){.kind = IMPORT_ORDERS, .force = true},
                          &r, &err));
        ck_assert_uint_eq(r.lines, 4);
        ck_assert_uint_eq(r.accepted, round == 0);
        ck_assert_uint_eq(r.merged, round == 1);
        ck_assert_uint_eq(r.by_reason[REASON_UNKNOWN_PRODUCT], 1);
        ck_assert_uint_eq(r.by_reason[REASON_OUT_OF_RANGE], 1);
        ck_assert_uint_eq(r.by_reason[REASON_BAD_JSON], 1);
    }
    struct order o = order_of(&s, "o1");
    ck_assert_int_eq(o.total_minor, 150);
    ck_assert_int_eq(o.status, ORDER_SHIPPED);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM orders"), 1);
    shop_release(&s);
}
END_TEST

/* --- full feeds ------------------------------------------------------------------------------- */

static void feed(struct buf *out, int from, int to)
{
    buf_reset(out);
    buf_puts(out, "id,title,price,currency\n");
    for (int i = from; i < to; i++)
        buf_printf(out, "p%d,Pot %d,%d,EUR\n", i, i, 100 + i);
}

START_TEST(a_full_feed_switches_off_what_it_lacks_but_never_more_than_a_fifth)
{
    struct shop s;
    struct import_report r;
    struct err err;
    struct buf text;
    struct import_options full = {.kind = IMPORT_PRODUCTS, .full = true};
    buf_init(&text, 1 << 20);
    shop_init(&s);
    feed(&text, 0, 100);
    ck_ok(import_text(&s, text.data, full, &r, &err));
    feed(&text, 10, 110);
    ck_ok(import_text(&s, text.data, full, &r, &err));
    ck_assert_uint_eq(r.deactivated, 10);
    ck_assert_uint_eq(r.created, 10);
    ck_assert_uint_eq(r.merged, 90);
    ck_assert_int_eq(product_of(&s, "p5").status, PRODUCT_INACTIVE);
    feed(&text, 50, 120);
    ck_err(import_text(&s, text.data, full, &r, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "40 of 100"));
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM products"), 110); /* nothing was written */
    feed(&text, 11, 110);
    buf_puts(&text, "\"broken,1\n");
    ck_err(import_text(&s, text.data, full, &r, &err), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.msg, "cannot be read"));
    feed(&text, 50, 120);
    full.force = true;
    ck_ok(import_text(&s, text.data, full, &r, &err));
    ck_assert_uint_eq(r.deactivated, 40);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(a_full_feed_holds_whatever_was_imported_before_it)
{
    struct shop s;
    struct import_report r;
    struct err err;
    struct buf one, two;
    struct import_options part = {.kind = IMPORT_PRODUCTS}, full = part;
    full.full = true;
    buf_init(&one, 1 << 20);
    buf_init(&two, 1 << 20);
    feed(&one, 0, 20);
    feed(&two, 2, 21);
    shop_init(&s);
    ck_ok(import_text(&s, two.data, part, &r, &err));
    ck_ok(import_text(&s, one.data, full, &r, &err));
    ck_assert_uint_eq(r.deactivated, 1);
    ck_ok(import_text(&s, two.data, full, &r,
                      &err)); /* was imported before, but not as all there is */
    ck_assert_uint_eq(r.deactivated, 2);
    ck_assert_int_eq(product_of(&s, "p0").status, PRODUCT_INACTIVE);
    ck_assert_int_eq(product_of(&s, "p20").status, PRODUCT_ACTIVE);
    ck_ok(import_text(&s, one.data, full, &r, &err)); /* back to the day before */
    ck_assert_int_eq(product_of(&s, "p0").status, PRODUCT_ACTIVE);
    ck_assert_int_eq(product_of(&s, "p20").status, PRODUCT_INACTIVE);
    ck_ok(import_text(&s, one.data, full, &r, &err));
    ck_assert(!r.again);
    ck_assert_uint_eq(r.merged, 20);
    buf_release(&one);
    buf_release(&two);
    shop_release(&s);
}
END_TEST

START_TEST(of_two_files_of_products_the_last_one_counts)
{
    static const char cheap[] = "id,title,price,currency\np,Pot,100,EUR\n";
    static const char dear[] = "id,title,price,currency\np,Pot,900,EUR\n";
    struct shop s;
    struct import_report r;
    struct err err;
    struct import_options o = {.kind = IMPORT_PRODUCTS};
    shop_init(&s);
    ck_ok(import_text(&s, cheap, o, &r, &err));
    ck_ok(import_text(&s, cheap, o, &r, &err));
    ck_assert(r.again);
    ck_ok(import_text(&s, dear, o, &r, &err));
    ck_ok(import_text(&s, cheap, o, &r, &err));
    ck_assert_int_eq(product_of(&s, "p").price_minor, 100);
    shop_release(&s);
}
END_TEST

SUITE("import", order_lines_become_orders_to_the_penny_with_every_line_accounted_for,
      lines_are_identified_by_their_place_so_equal_lines_are_two_and_late_ones_join,
      returns_find_their_sale_and_adjustments_keep_their_sign,
      products_get_their_best_title_last_price_and_only_real_ones_are_sold,
      a_file_or_its_rows_imported_twice_add_nothing, batches_of_any_size_store_the_same,
      an_order_of_too_many_lines_keeps_its_first_ones,
      a_status_that_a_file_does_not_give_changes_none,
      returns_find_sales_of_other_files_and_those_behind_them, a_dry_run_reports_and_stores_nothing,
      every_bad_product_row_goes_to_quarantine_with_place_column_and_reason,
      an_id_of_ten_kilobytes_is_refused_and_its_raw_row_is_cut,
      a_key_that_comes_twice_anywhere_is_refused,
      a_gzip_cut_short_keeps_what_came_and_says_where_it_ends,
      an_attribute_may_have_a_column_of_its_own,
      a_missing_column_names_the_header_and_a_missing_file_the_file,
      events_are_identified_and_unknown_products_refused,
      users_and_interactions_are_taken_and_taken_once,
      whole_orders_as_json_are_put_once_and_refused_whole,
      a_full_feed_switches_off_what_it_lacks_but_never_more_than_a_fifth,
      a_full_feed_holds_whatever_was_imported_before_it,
      of_two_files_of_products_the_last_one_counts)
