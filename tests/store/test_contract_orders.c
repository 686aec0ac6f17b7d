#include "store/fixture.h"

#include "base/rng.h"
#include "store/carts.h"
#include "store/orders.h"
#include "store/users.h"

static struct order_line sale(uint32_t ordinal, const char *product, int64_t amount)
{
    return (struct order_line){
        .ordinal = ordinal,
        .kind = LINE_SALE,
        .product_id = str_of(product),
        .quantity = 1,
        .unit_price_micro = amount * 10000,
        .amount_minor = amount,
    };
}

static struct order an_order(const char *id, const struct order_line *lines, uint32_t n)
{
    return (struct order){
        .id = str_of(id),
        .user_id = STR_LIT("u"),
        .currency = GBP,
        .status = ORDER_PAID,
        .placed_at = 1600000000000000,
        .lines = lines,
        .lines_len = n,
    };
}

START_TEST(putting_an_order_again_adds_nothing_and_parts_are_merged)
{
    struct shop s;
    struct err err;
    struct order_put_result r;
    struct order got;
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    struct order_line lines[] = {sale(0, "p", 100), sale(1, "p", 100), sale(7, "p", 30)};
    lines[2].kind = LINE_RETURN;
    struct order o = an_order("o", lines, 2);
    ck_ok(order_put(s.tx, &o, 0, &r, &err));
    ck_assert(r.created && r.changed && r.lines_added == 2);
    ck_ok(order_put(s.tx, &o, 0, &r, &err));
    ck_assert(!r.created && !r.changed && r.lines_added == 0);
    o = an_order("o", lines + 1, 2);
    o.address = STR_LIT("{}");
    o.status = ORDER_PENDING; /* not given: stays paid */
    ck_ok(order_put(s.tx, &o, 0, &r, &err));
    ck_assert(!r.created && r.changed && r.lines_added == 1);
    tx_commit(&s);
    ck_ok(order_get(read_begin(&s), STR_LIT("o"), &s.arena, &got, &err));
    read_end(&s);
    ck_assert(got.lines_len == 3 && got.total_minor == 170 && got.status == ORDER_PAID);
    ck_assert(got.lines[2].ordinal == 7 && got.lines[2].kind == LINE_RETURN);
    ck_text(got.lines[0].product_id, "p");
    ck_text(got.user_id, "u");
    ck_text(got.address, "{}");
    shop_release(&s);
}
END_TEST

START_TEST(a_late_line_leaves_the_status_alone_unless_all_had_come_back)
{
    struct shop s;
    struct err err;
    struct order got;
    struct order_line lines[] = {sale(0, "p", 100), sale(1, "p", 100)};
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    struct order o = an_order("o", NULL, 0);
    o.status = ORDER_SHIPPED;
    ck_ok(order_put(s.tx, &o, ORDERS_KEEP_STATUS, NULL, &err));
    o = an_order("o", lines, 1);
    ck_ok(order_put(s.tx, &o, ORDERS_KEEP_STATUS, NULL, &err));
    ck_ok(order_get(s.tx->db, o.id, &s.arena, &got, &err));
    ck_assert_int_eq(got.status, ORDER_SHIPPED);
    o = an_order("o", NULL, 0);
    o.status = ORDER_RETURNED;
    ck_ok(order_put(s.tx, &o, 0, NULL, &err));
    lines[1].kind = LINE_RETURN;
    o = an_order("o", lines + 1, 1);
    ck_ok(order_put(s.tx, &o, ORDERS_KEEP_STATUS, NULL, &err));
    ck_ok(order_get(s.tx->db, o.id, &s.arena, &got, &err));
    ck_assert_int_eq(got.status, ORDER_RETURNED);
    lines[1] = sale(2, "p", 5);
    ck_ok(order_put(s.tx, &o, ORDERS_KEEP_STATUS, NULL, &err));
    ck_ok(order_get(s.tx->db, o.id, &s.arena, &got, &err));
    ck_assert_int_eq(got.status, ORDER_PAID);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_return_is_told_which_sale_it_gives_back)
{
    struct shop s;
    struct err err;
    struct db_rows rows;
    struct order_put_result r;
    struct order_line lines[] = {sale(0, "p", 100), sale(1, "p", 100)};
    struct order_line_row line;
    uint32_t user;
    size_t n = 0;
    bool more = true;
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    lines[1].kind = LINE_RETURN;
    struct order o = an_order("o", lines, 2);
    ck_ok(order_put(s.tx, &o, 0, &r, &err));
    ck_ok(order_line_set_sale(s.tx, r.no, 1, r.no, 0, &err));
    ck_ok(order_user_no_of(s.tx->db, r.no, &user, &err));
    ck_assert_uint_gt(user, 0);
    ck_ok(order_lines_of_user(s.tx->db, user, &rows, &err));
    while (more) {
        ck_ok(order_lines_next(&rows, &line, &more, &err));
        n += more;
        if (more && line.line.ordinal == 1)
            ck_assert(line.line.sale_order_no == r.no && line.line.sale_ordinal == 0);
    }
    db_rows_close(&rows);
    ck_assert_uint_eq(n, 2);
    ck_ok(order_lines_of_user(s.tx->db, user + 1, &rows, &err));
    ck_ok(order_lines_next(&rows, &line, &more, &err));
    ck_assert(!more);
    db_rows_close(&rows);
    ck_ok(order_user_no_of(s.tx->db, r.no + 1, &user, &err));
    ck_assert_uint_eq(user, 0);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(an_order_cannot_change_its_currency_or_its_shopper)
{
    struct shop s;
    struct err err;
    shop_init(&s);
    struct order o = an_order("o", NULL, 0);
    ck_ok(order_put(tx_begin(&s), &o, 0, NULL, &err));
    o.currency = EUR;
    ck_err(order_put(s.tx, &o, 0, NULL, &err), ERR_CONFLICT);
    o = an_order("o", NULL, 0);
    o.user_id = STR_LIT("somebody else");
    ck_err(order_put(s.tx, &o, 0, NULL, &err), ERR_CONFLICT);
    struct order_line line = sale(0, "unknown", 1);
    o = an_order("o", &line, 1);
    ck_err(order_put(s.tx, &o, 0, NULL, &err), ERR_NOT_FOUND);
    ck_ok(order_put(s.tx, &o, ORDERS_CREATE_PRODUCTS, NULL, &err));
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(status_changes_set_their_time)
{
    struct shop s;
    struct err err;
    struct order_put_result r;
    struct order o = an_order("o", NULL, 0), got;
    shop_init(&s);
    o.status = ORDER_PENDING;
    ck_ok(order_put(tx_begin(&s), &o, 0, &r, &err));
    ck_ok(order_set_status(s.tx, r.no, ORDER_SHIPPED, 77, &err));
    ck_ok(order_set_status(s.tx, r.no, ORDER_RETURNED, 88, &err));
    ck_err(order_set_status(s.tx, r.no + 1, ORDER_PAID, 0, &err), ERR_NOT_FOUND);
    ck_ok(order_get_no(s.tx->db, r.no, &s.arena, &got, &err));
    ck_assert(got.status == ORDER_RETURNED && got.shipped_at == 77 && got.closed_at == 88);
    ck_assert(got.paid_at == 0 && got.placed_at == o.placed_at);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(orders_of_a_shopper_include_those_of_the_guest_who_was_joined)
{
    struct shop s;
    struct err err;
    struct db_rows rows;
    struct order o = an_order("1", NULL, 0), got;
    uint32_t guest, user;
    bool more;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    o.user_id = (struct str){0};
    o.anonymous_id = STR_LIT("guest");
    ck_ok(order_put(tx, &o, 0, NULL, &err));
    o = an_order("2", NULL, 0);
    ck_ok(order_put(tx, &o, 0, NULL, &err));
    o = an_order("3", NULL, 0);
    o.user_id = STR_LIT("other");
    ck_ok(order_put(tx, &o, 0, NULL, &err));
    ck_ok(user_number(tx, USER_ANONYMOUS, STR_LIT("guest"), &guest, &err));
    ck_ok(user_number(tx, USER_KNOWN, STR_LIT("u"), &user, &err));
    ck_ok(user_link(tx, guest, user, NULL, &err));
    tx_commit(&s);
    ck_ok(orders_of_user(read_begin(&s), user, INT64_MAX, 10, &rows, &err));
    ck_ok(orders_next(&rows, &got, &more, &err));
    ck_text(got.id, "2");
    ck_ok(orders_next(&rows, &got, &more, &err));
    ck_text(got.id, "1");
    ck_assert_uint_eq(got.user_no, user);
    ck_ok(orders_next(&rows, &got, &more, &err));
    ck_assert(!more);
    read_end(&s);
    shop_release(&s);
}
END_TEST

/* Oracle: plain sums. The lines of several orders arrive shuffled and repeated, as an import would
 * that was killed and begun again. */
START_TEST(totals_and_lines_are_exact_whatever_the_order_of_arrival)
{
    enum { ORDERS = 5, LINES = 30, PUTS = 900 };
    struct shop s;
    struct err err;
    struct rng rng;
    bool there[ORDERS][LINES] = {0};
    int64_t total[ORDERS] = {0}, n = 0;
    rng_init(&rng, 11);
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    for (int i = 0; i < PUTS; i++) {
        unsigned o = (unsigned)rng_below(&rng, ORDERS), l = (unsigned)rng_below(&rng, LINES);
        struct order_line line = sale(l, "p", o * 100 + l);
        char id[8];
        line.kind = (enum order_line_kind)(l % 3);
        snprintf(id, sizeof id, "%u", o);
        struct order order = an_order(id, &line, 1);
        ck_ok(order_put(s.tx, &order, 0, NULL, &err));
        if (!there[o][l]) {
            there[o][l] = true;
            total[o] += line.kind == LINE_RETURN ? -line.amount_minor : line.amount_minor;
            n++;
        }
    }
    tx_commit(&s);
    struct order_counts counts;
    ck_ok(orders_count(read_begin(&s), &counts, &err));
    ck_assert(counts.orders == ORDERS && counts.lines == n);
    int64_t at_most;
    ck_ok(orders_at_most(s.db, &at_most, &err));
    ck_assert_int_eq(at_most, ORDERS);
    for (int o = 0; o < ORDERS; o++) {
        char id[8];
        struct order got;
        snprintf(id, sizeof id, "%d", o);
        ck_ok(order_get(s.db, str_of(id), &s.arena, &got, &err));
        ck_assert_int_eq(got.total_minor, total[o]);
    }
    int64_t seen = 0, no = 0;
    uint32_t ordinal = 0;
    for (bool more = true; more;) {
        struct db_rows rows;
        struct order_line_row row;
        int64_t page = 0;
        ck_ok(order_lines_after(s.db, no, ordinal, 7, &rows, &err));
        while (order_lines_next(&rows, &row, &more, &err) == ERR_OK && more) {
            ck_assert(row.order_no > no || row.line.ordinal > ordinal || seen == 0);
            no = row.order_no;
            ordinal = row.line.ordinal;
            page++;
        }
        seen += page;
        more = page == 7;
    }
    ck_assert_int_eq(seen, n);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(bad_orders_are_refused_by_line_and_field)
{
    struct err err;
    struct order_line line = sale(4, "p", 10);
    struct order o = an_order("o", &line, 1);
    ck_ok(order_check(&o, &err));
    line.quantity = 0;
    ck_err(order_check(&o, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "line 4: quantity 0"));
    line.kind = LINE_ADJUSTMENT;
    line.amount_minor = -5;
    line.product_id = (struct str){0};
    ck_ok(order_check(&o, &err));
    line.kind = LINE_RETURN;
    ck_err(order_check(&o, &err), ERR_INVALID);
    o = an_order("o", NULL, 0);
    o.currency = 0;
    ck_err(order_check(&o, &err), ERR_INVALID);
    o = an_order("", NULL, 0);
    ck_err(order_check(&o, &err), ERR_INVALID);
    line = sale(STORE_ORDER_LINES_MAX, "p", 10);
    o = an_order("o", &line, 1);
    ck_err(order_check(&o, &err), ERR_LIMIT);
    o = an_order("o", &line, STORE_ORDER_LINES_MAX + 1);
    ck_err(order_check(&o, &err), ERR_LIMIT);
}
END_TEST

START_TEST(a_cart_is_replaced_whole_and_only_by_who_saw_its_version)
{
    struct shop s;
    struct err err;
    struct cart cart;
    int64_t version;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    struct cart_line lines[] = {{2, 1}, {1, 5}};
    ck_ok(cart_get(tx->db, 9, &s.arena, &cart, &err));
    ck_assert(cart.version == 0 && cart.lines_len == 0);
    ck_ok(cart_put(tx, 9, 0, lines, 2, &version, &err));
    ck_err(cart_put(tx, 9, 0, lines, 1, &version, &err), ERR_CONFLICT);
    ck_ok(cart_get(tx->db, 9, &s.arena, &cart, &err));
    ck_assert(cart.version == version && cart.lines_len == 2);
    ck_assert(cart.lines[0].product_no == 2 && cart.lines[1].quantity == 5);
    ck_ok(cart_put(tx, 9, version, NULL, 0, NULL, &err));
    ck_ok(cart_get(tx->db, 9, &s.arena, &cart, &err));
    ck_assert(cart.version == version + 1 && cart.lines_len == 0);
    lines[1].product_no = 2;
    ck_err(cart_put(tx, 9, CART_ANY_VERSION, lines, 2, NULL, &err), ERR_INVALID);
    lines[0].quantity = 0;
    ck_err(cart_put(tx, 9, CART_ANY_VERSION, lines, 1, NULL, &err), ERR_INVALID);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

/* "product:quantity" of each line by product, separated by spaces. */
static const char *cart_text(struct shop *s, struct db *db, uint32_t user_no)
{
    static char text[200];
    struct err err;
    struct cart cart;
    size_t n = 0;
    ck_ok(cart_get(db, user_no, &s->arena, &cart, &err));
    text[0] = '\0';
    for (uint32_t product = 1; product < 10; product++)
        for (size_t i = 0; i < cart.lines_len; i++)
            if (cart.lines[i].product_no == product)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%u:%lld", n ? " " : "", product,
                                      (long long)cart.lines[i].quantity);
    return text;
}

static void put_cart(struct store_tx *tx, uint32_t user_no, const struct cart_line *lines, size_t n)
{
    struct err err;
    ck_ok(cart_put(tx, user_no, CART_ANY_VERSION, lines, n, NULL, &err));
}

enum { GUEST = 1, USER = 2, OTHER_GUEST = 3 };

START_TEST(joining_a_guest_moves_its_cart_and_parting_moves_back_what_is_left)
{
    static const struct {
        const char *why;
        struct cart_line then[3]; /* what the shopper puts between joining and parting */
        int then_len;             /* -1: nothing is put */
        const char *user, *guest; /* behind parting */
    } cases[] = {
        {"untouched", {{0}}, -1, "6:3 7:1", "5:2 6:4"},
        {"fewer", {{5, 1}, {6, 2}}, 2, "", "5:1 6:2"},
        {"more", {{5, 9}, {6, 9}, {7, 9}}, 3, "5:7 6:5 7:9", "5:2 6:4"},
        {"bought", {{0}}, 0, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shop s;
        struct err err;
        bool joined;
        shop_init(&s);
        struct store_tx *tx = tx_begin(&s);
        put_cart(tx, GUEST, (struct cart_line[]){{5, 2}, {6, 4}}, 2);
        put_cart(tx, USER, (struct cart_line[]){{6, 3}, {7, 1}}, 2);
        ck_ok(user_link(tx, GUEST, USER, &joined, &err));
        ck_assert(joined);
        ck_assert_str_eq(cart_text(&s, tx->db, USER), "5:2 6:7 7:1");
        ck_assert_str_eq(cart_text(&s, tx->db, GUEST), "");
        ck_ok(user_link(tx, GUEST, USER, &joined, &err)); /* once is enough */
        ck_assert_str_eq(cart_text(&s, tx->db, USER), "5:2 6:7 7:1");
        if (cases[i].then_len >= 0)
            put_cart(tx, USER, cases[i].then, (size_t)cases[i].then_len);
        if (cases[i].then_len == 0)
            put_cart(tx, USER, (struct cart_line[]){{5, 2}}, 1); /* the shopper's own, later */
        ck_ok(user_unlink(tx, GUEST, &err));
        ck_assert_msg(strcmp(cart_text(&s, tx->db, USER),
                             cases[i].then_len == 0 ? "5:2" : cases[i].user) == 0,
                      "%s: %s", cases[i].why, cart_text(&s, tx->db, USER));
        ck_assert_msg(strcmp(cart_text(&s, tx->db, GUEST), cases[i].guest) == 0, "%s: %s",
                      cases[i].why, cart_text(&s, tx->db, GUEST));
        tx_commit(&s);
        shop_release(&s);
    }
}
END_TEST

START_TEST(what_does_not_fit_into_the_shoppers_cart_stays_in_the_guests)
{
    struct shop s;
    struct err err;
    struct cart_line full[CART_LINES_MAX];
    struct cart cart;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    for (uint32_t i = 0; i < CART_LINES_MAX; i++)
        full[i] = (struct cart_line){i + 1, i ? 1 : CART_QUANTITY_MAX - 1};
    put_cart(tx, USER, full, CART_LINES_MAX);
    put_cart(tx, GUEST, (struct cart_line[]){{1, 3}, {CART_LINES_MAX + 7, 2}}, 2);
    put_cart(tx, OTHER_GUEST, (struct cart_line[]){{2, 5}}, 1);
    ck_ok(user_link(tx, GUEST, USER, NULL, &err));
    ck_ok(user_link(tx, OTHER_GUEST, USER, NULL, &err));
    ck_ok(cart_get(tx->db, USER, &s.arena, &cart, &err));
    ck_assert(cart.lines_len == CART_LINES_MAX && cart.lines[0].quantity == CART_QUANTITY_MAX);
    ck_assert_int_eq(cart.lines[1].quantity, 6);
    ck_ok(cart_get(tx->db, GUEST, &s.arena, &cart, &err));
    ck_assert(cart.lines_len == 2 && cart.lines[0].quantity == 2 && cart.lines[1].quantity == 2);
    ck_ok(user_unlink(tx, GUEST, &err));
    ck_assert_str_eq(cart_text(&s, tx->db, GUEST), "1:3");
    ck_assert_str_eq(cart_text(&s, tx->db, OTHER_GUEST), "");
    ck_ok(user_unlink(tx, OTHER_GUEST, &err));
    ck_assert_str_eq(cart_text(&s, tx->db, OTHER_GUEST), "2:5");
    ck_ok(cart_get(tx->db, USER, &s.arena, &cart, &err));
    ck_assert(cart.lines_len == CART_LINES_MAX);
    for (uint32_t i = 0; i < CART_LINES_MAX; i++)
        ck_assert_int_eq(cart.lines[i].quantity, full[i].quantity);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

SUITE("contract: orders", putting_an_order_again_adds_nothing_and_parts_are_merged,
      a_late_line_leaves_the_status_alone_unless_all_had_come_back,
      a_return_is_told_which_sale_it_gives_back, an_order_cannot_change_its_currency_or_its_shopper,
      status_changes_set_their_time, orders_of_a_shopper_include_those_of_the_guest_who_was_joined,
      totals_and_lines_are_exact_whatever_the_order_of_arrival,
      bad_orders_are_refused_by_line_and_field,
      a_cart_is_replaced_whole_and_only_by_who_saw_its_version,
      joining_a_guest_moves_its_cart_and_parting_moves_back_what_is_left,
      what_does_not_fit_into_the_shoppers_cart_stays_in_the_guests)
