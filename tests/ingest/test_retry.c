/* Rows in quarantine, tried again. Lines of orders are compared with what the same file gives a shop
 * that could take it from the start. */
#include "ingest/retry.h"
#include "ingest/shop.h"

START_TEST(quarantined_rows_are_taken_once_their_reason_is_gone)
{
    static const char events[] = "id;time;type;user_id;product_id\ne1;2026-01-01;view;u;\"p;1\"\n"
                                 "e2;2026-01-02;view;u;never\ne3;2026-01-03;dance;u;x\n";
    struct shop s;
    struct import_report r;
    struct retry_report t;
    struct err err;
    struct retry_options o = {.kind = IMPORT_EVENTS};
    shop_init(&s);
    setenv("AISLE_NOW", "2026-02-01T00:00:00Z", 1);
    struct import_options from = {.kind = IMPORT_EVENTS};
    from.path = write_file(s.dir, "events.csv", str_of(events), 1);
    ck_ok(import_text(&s, NULL, from, &r, &err));
    ck_assert_uint_eq(r.quarantined, 3);
    ck_ok(import_text(
        &s, "{\"time\":\"2026-01-04\",\"type\":\"view\",\"user_id\":\"u\",\"product_id\":\"p;1\"}",
        (struct import_options){.kind = IMPORT_EVENTS}, &r, &err));
    ck_ok(import_text(&s, "id,title\np;1,Pot\n", (struct import_options){.kind = IMPORT_PRODUCTS},
                      &r, &err));
    ck_ok(fs_remove_file(from.path, &err)); /* the quarantine has what it takes */
    ck_ok(import_retry(s.store, &o, &t, &err));
    ck_assert_uint_eq(t.tried, 4);
    ck_assert_uint_eq(t.taken, 2);
    ck_assert_uint_eq(t.by_reason[REASON_UNKNOWN_PRODUCT], 1);
    ck_assert_uint_eq(t.by_reason[REASON_UNKNOWN_VALUE], 1);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM events"), 2);
    ck_ok(import_retry(s.store, &o, &t, &err));
    ck_assert_uint_eq(t.tried, 2);
    shop_release(&s);
}
END_TEST

/* --- orders ----------------------------------------------------------------------------------- */

/* All that orders hold, by their ids: numbers depend on what came when. */
static void dump(struct shop *s, struct buf *out)
{
    static const char sql[] =
        "SELECT o.id || '/' || o.status || '/' || o.total || '/' || l.ordinal || '/' || l.kind"
        " || '/' || p.id || '/' || l.quantity || '/' || l.amount || '/' ||"
        " COALESCE(sale.id || '.' || l.sale_ordinal, '') FROM order_lines l"
        " JOIN orders o ON o.no = l.order_no JOIN products p ON p.no = l.product_no"
        " LEFT JOIN orders sale ON sale.no = l.sale_order_no ORDER BY o.id, l.ordinal";
    struct db *db;
    struct db_rows rows;
    struct err err;
    bool more = true;
    buf_reset(out);
    ck_ok(store_read_begin(s->store, &db, &err));
    ck_ok(db_query(db, sql, DB_NO_ARGS, &rows, &err));
    while (more) {
        ck_ok(db_next(&rows, &more, &err));
        if (more) {
            buf_put_str(out, db_col_text(&rows, 0));
            buf_putc(out, '\n');
        }
    }
    store_read_end(s->store, db);
    ck_assert(!out->full);
}

static void same_dump(const struct buf *got, const struct buf *want)
{
    struct str g = buf_str(got), w = buf_str(want);
    while (g.p && w.p) {
        struct str a = str_split(&g, '\n'), b = str_split(&w, '\n');
        ck_assert_msg(str_eq(a, b), "'%.*s' instead of '%.*s'", STR_ARG(a), STR_ARG(b));
    }
    ck_assert(!g.p && !w.p && want->len > 1000);
}

enum { PRODUCTS = 12 };

static void put_products(struct shop *s, int from, int to)
{
    struct import_report r;
    struct err err;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_puts(&text, "id,title\n");
    for (int i = from; i < to; i++)
        buf_printf(&text, "S%d,Thing %d\n", i, i);
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    buf_release(&text);
}

/* Orders with equal lines, late lines, returns before and behind their sale. Every seventh price or
 * so is one that only a mended mapping can read. */
static void make_orders(struct buf *out, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    buf_reset(out);
    buf_puts(out, "order;sku;pieces;price;day;shopper\n");
    for (int i = 0; i < 80; i++) {
        int order = rng_below(&rng, 8) == 0 ? (int)rng_below(&rng, 80) : i;
        for (uint64_t n = 1 + rng_below(&rng, 6); n > 0; n--) {
            bool back = rng_below(&rng, 6) == 0;
            buf_printf(out, "%s%d;S%d;%s%d;%s%s;2025-01-%02d;u%d\n", back ? "R" : "", order,
                       (int)rng_below(&rng, PRODUCTS), back ? "-" : "", 1 + (int)rng_below(&rng, 3),
                       rng_below(&rng, 3) ? "2.505" : "3.99", rng_below(&rng, 7) ? "" : " netto",
                       1 + order % 28, order % 5);
        }
    }
}

#define MAPPING(price)                                                                             \
    "kind: orders\ncurrency: EUR\nfields:\n  id: order\n  product_id: sku\n  quantity: pieces\n"   \
    "  unit_price: {column: price" price "}\n  placed_at: day\n  user_id: shopper\n"               \
    "return_when:\n  - {column: order, prefix: R}\n"

static const char blind[] = MAPPING(""), mended[] = MAPPING(", strip_suffix: \" netto\"");

START_TEST(refused_lines_join_their_orders_as_if_they_had_never_been_refused)
{
    struct buf text, want, got;
    buf_init(&text, 1 << 20);
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct shop good, late;
        struct import_report r, l;
        struct retry_report t;
        struct err err;
        struct import_options o = {.kind = IMPORT_ORDERS, .batch_rows = 7};
        make_orders(&text, seed);
        shop_init(&good);
        o.mapping = write_file(good.dir, "good.yaml", str_of(mended), 1);
        put_products(&good, 0, PRODUCTS);
        ck_ok(import_text(&good, text.data, o, &r, &err));
        ck_assert_uint_eq(r.quarantined, 0);
        ck_assert_uint_gt(r.returns_matched, 0);
        dump(&good, &want);

        shop_init(&late);
        struct import_options first = o;
        first.mapping = write_file(late.dir, "blind.yaml", str_of(blind), 2);
        put_products(&late, 0, PRODUCTS / 2);
        ck_ok(import_text(&late, text.data, first, &l, &err));
        ck_assert_uint_gt(l.by_reason[REASON_UNKNOWN_PRODUCT], 0);
        ck_assert_uint_gt(l.by_reason[REASON_BAD_MONEY], 0);
        put_products(&late, PRODUCTS / 2, PRODUCTS);
        struct retry_options again = {.kind = IMPORT_ORDERS, .mapping = first.mapping};
        ck_ok(import_retry(late.store, &again, &t, &err));
        ck_assert_uint_eq(t.tried, l.quarantined);
        ck_assert_uint_eq(t.by_reason[REASON_BAD_MONEY], t.refused);
        ck_assert_uint_gt(t.taken, 0);
        again.mapping = o.mapping;
        ck_ok(import_retry(late.store, &again, &t, &err));
        ck_assert_uint_eq(t.taken, t.tried);
        dump(&late, &got);
        same_dump(&got, &want);
        ck_assert_int_eq(count(&late, "SELECT SUM(total) FROM orders"), r.net_revenue_minor);

        o.force = true;
        ck_ok(import_text(&late, text.data, o, &l, &err));
        ck_assert_uint_eq(l.merged, r.lines);
        ck_assert_uint_eq(l.returns_matched, r.returns_matched);
        ck_ok(import_retry(late.store, &again, &t, &err));
        ck_assert_uint_eq(t.tried, 0);
        dump(&late, &got);
        same_dump(&got, &want);
        shop_release(&good);
        shop_release(&late);
    }
    buf_release(&text);
    buf_release(&want);
    buf_release(&got);
}
END_TEST

START_TEST(thousands_of_rows_are_tried_page_by_page)
{
    for (int orders = 40; orders <= 41; orders++) { /* whole pages, and one that is not full */
        struct shop s;
        struct import_report r;
        struct retry_report t;
        struct err err;
        struct buf text;
        struct import_options o = {.kind = IMPORT_ORDERS};
        buf_init(&text, 4 << 20);
        buf_puts(&text, "order;sku;pieces;price;day;shopper\n");
        for (int i = 0; i < 100 * orders; i++)
            buf_printf(&text, "%d;S%d;1;1.25;2025-01-01;u%d\n", i / 100, i % PRODUCTS, i / 100 % 7);
        shop_init(&s);
        o.mapping = write_file(s.dir, "m.yaml", str_of(mended), 1);
        ck_ok(import_text(&s, text.data, o, &r, &err));
        ck_assert_uint_eq(r.quarantined, (uint64_t)orders * 100);
        put_products(&s, 0, PRODUCTS);
        struct retry_options again = {.kind = IMPORT_ORDERS, .mapping = o.mapping};
        ck_ok(import_retry(s.store, &again, &t, &err));
        ck_assert_uint_eq(t.taken, (uint64_t)orders * 100);
        ck_assert_int_eq(count(&s, "SELECT SUM(total) FROM orders"), orders * 12500);
        ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM order_lines"), orders * 100);
        buf_release(&text);
        shop_release(&s);
    }
}
END_TEST

START_TEST(a_row_that_cannot_be_read_keeps_its_place_for_the_mended_file)
{
    static const char *const damaged[] = {
        "o;S1;1;3.99;2025-01-01\n",            /* a field is missing */
        "o;S1;1;3.99;2025-01-01;u;more\n",     /* one too many */
        "o;S1;1;3.99;2025-01-01;\"u\n",        /* a quote that does not close */
        "\"o\";S1;1;\"3.99\"x;2025-01-01;u\n", /* text behind a quote */
        "o;S1;1;3.99;2025-01-01;\xff\n",       /* no UTF-8 */
        "o;S1;1;much;2025-01-01;u\n",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct shop s;
        struct import_report r;
        struct retry_report t;
        struct err err;
        struct buf text;
        struct import_options o = {.kind = IMPORT_ORDERS};
        buf_init(&text, 1 << 20);
        shop_init(&s);
        o.mapping = write_file(s.dir, "m.yaml", str_of(mended), 1);
        put_products(&s, 0, PRODUCTS);
        for (int round = 0; round < 2; round++) {
            buf_reset(&text);
            buf_printf(&text,
                       "order;sku;pieces;price;day;shopper\no;S0;1;1.00;2025-01-01;u\n%s"
                       "o;S2;1;2.00;2025-01-01;u\nq;S0;1;1.00;2025-01-01;u\n",
                       round ? "o;S1;1;3.99;2025-01-01;u\n" : damaged[i]);
            ck_ok(import_text(&s, text.data, o, &r, &err));
            ck_assert_uint_eq(r.quarantined, round == 0);
            ck_assert_uint_eq(r.accepted, round == 0 ? 3 : 1);
        }
        struct order order = order_of(&s, "o");
        ck_assert_uint_eq(order.lines_len, 3);
        ck_assert_int_eq(order.total_minor, 699);
        for (uint32_t l = 0; l < 3; l++) {
            char id[] = "S0";
            id[1] = (char)('0' + l);
            ck_assert_msg(str_is(order.lines[l].product_id, id), "line %u of '%s'", l, damaged[i]);
        }
        /* The damaged row itself is no better than it was. */
        struct retry_options again = {.kind = IMPORT_ORDERS, .mapping = o.mapping};
        ck_ok(import_retry(s.store, &again, &t, &err));
        ck_assert_uint_eq(t.refused, 1);
        ck_assert_int_eq(order_of(&s, "o").total_minor, 699);
        buf_release(&text);
        shop_release(&s);
    }
}
END_TEST

static struct str only_message(struct shop *s)
{
    struct db *db;
    struct db_rows rows;
    struct quarantine q;
    struct err err;
    bool more;
    ck_ok(store_read_begin(s->store, &db, &err));
    ck_ok(quarantine_list(db, (struct str){NULL, 0}, (struct str){NULL, 0}, 0, 2, &rows, &err));
    ck_ok(quarantine_next(&rows, &q, &more, &err));
    ck_assert(more);
    struct str message =
        arena_printf(&s->arena, "%u %.*s %.*s", q.column, STR_ARG(q.reason), STR_ARG(q.message));
    ck_ok(quarantine_next(&rows, &q, &more, &err));
    ck_assert(!more);
    db_rows_close(&rows);
    store_read_end(s->store, db);
    return message;
}

START_TEST(a_line_without_a_place_is_not_guessed_one_and_says_so)
{
    static const char text[] = "order;sku;pieces;price;day;shopper;nr\n"
                               "o;S0;1;1.00;2025-01-01;u;7\no;S1;1;2.00 netto;2025-01-01;u;7\n";
    struct shop s;
    struct import_report r;
    struct retry_report t;
    struct err err;
    struct import_options o = {.kind = IMPORT_ORDERS};
    shop_init(&s);
    put_products(&s, 0, PRODUCTS);
    o.mapping = write_file(s.dir, "m.yaml", str_of(blind), 1);
    ck_ok(import_text(&s, text, o, &r, &err));
    ck_assert(str_search(only_message(&s), STR_LIT("4 bad_money unit_price: ")) == 0);
    struct buf other;
    buf_init(&other, 1 << 20);
    buf_printf(&other, "%.*s: nr%s", (int)(strstr(mended, "id: order") - mended) + 2, mended,
               strstr(mended, "id: order") + 9);
    struct retry_options again = {.kind = IMPORT_ORDERS};
    again.mapping = write_file(s.dir, "other.yaml", buf_str(&other), 2);
    ck_ok(import_retry(s.store, &again, &t, &err));
    ck_assert_uint_eq(t.by_reason[REASON_REFUSED], 1);
    ck_assert(
        str_is(only_message(&s),
               "7 refused id: the line's place was counted in order 'o': import the file again"));
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM order_lines"), 1);
    again.mapping = write_file(s.dir, "m.yaml", str_of(mended), 1);
    ck_ok(import_retry(s.store, &again, &t, &err));
    ck_assert_uint_eq(t.taken, 1);
    ck_assert_int_eq(order_of(&s, "o").total_minor, 300);
    buf_release(&other);
    shop_release(&s);
}
END_TEST

START_TEST(products_from_lines_learn_from_a_line_that_came_late)
{
    static const char text[] =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "1,A,,1,2010-12-01 08:26:00,0.00,7,UK\n1,A,LAMP,1,01.12.2010,2.55,7,UK\n";
    struct shop s;
    struct import_report r;
    struct retry_report t;
    struct err err;
    struct buf yaml;
    size_t n = 0;
    char *mapping = NULL;
    shop_init(&s);
    ck_ok(import_text(&s, text,
                      (struct import_options){.kind = IMPORT_ORDERS, .mapping = "online-retail"},
                      &r, &err));
    ck_assert_uint_eq(r.by_reason[REASON_BAD_TIME], 1);
    ck_assert_int_eq(product_of(&s, "A").status, PRODUCT_INACTIVE);
    FILE *f = fopen("mappings/online-retail.yaml", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_gt(getdelim(&mapping, &n, '\0', f), 0);
    fclose(f);
    buf_init(&yaml, 1 << 20);
    char *formats = strstr(mapping, "time: [");
    ck_assert_ptr_nonnull(formats);
    buf_printf(&yaml, "%.*stime: [\"%%d.%%m.%%Y\", %s", (int)(formats - mapping), mapping,
               formats + 7);
    free(mapping);
    struct retry_options again = {.kind = IMPORT_ORDERS};
    again.mapping = write_file(s.dir, "retail.yaml", buf_str(&yaml), 1);
    ck_ok(import_retry(s.store, &again, &t, &err));
    ck_assert_uint_eq(t.taken, 1);
    struct product p = product_of(&s, "A");
    ck_assert(str_is(p.title, "LAMP"));
    ck_assert_int_eq(p.price_minor, 255);
    ck_assert_int_eq(p.status, PRODUCT_ACTIVE);
    buf_release(&yaml);
    shop_release(&s);
}
END_TEST

SUITE("retry", quarantined_rows_are_taken_once_their_reason_is_gone,
      refused_lines_join_their_orders_as_if_they_had_never_been_refused,
      thousands_of_rows_are_tried_page_by_page,
      a_row_that_cannot_be_read_keeps_its_place_for_the_mended_file,
      a_line_without_a_place_is_not_guessed_one_and_says_so,
      products_from_lines_learn_from_a_line_that_came_late)
