#include "store/fixture.h"

#include "store/carts.h"
#include "store/compact.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/users.h"

static uint32_t number(struct store_tx *tx, enum user_kind kind, const char *id)
{
    struct err err;
    uint32_t no;
    ck_ok(user_number(tx, kind, str_of(id), &no, &err));
    return no;
}

START_TEST(one_id_has_one_number_and_kinds_do_not_mix)
{
    struct shop s;
    struct err err;
    enum user_kind kind;
    struct str id;
    uint32_t no;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    uint32_t known = number(tx, USER_KNOWN, "x"), anonymous = number(tx, USER_ANONYMOUS, "x");
    ck_assert_uint_ne(known, anonymous);
    ck_assert_uint_eq(number(tx, USER_KNOWN, "x"), known);
    tx_commit(&s);
    shop_reopen(&s);
    ck_assert_uint_eq(number(tx_begin(&s), USER_KNOWN, "x"), known);
    tx_commit(&s);
    ck_ok(user_id_of(read_begin(&s), anonymous, &s.arena, &kind, &id, &err));
    ck_assert_int_eq(kind, USER_ANONYMOUS);
    ck_text(id, "x");
    ck_ok(user_no_of(s.db, USER_KNOWN, STR_LIT("nobody"), &no, &err));
    ck_assert_uint_eq(no, 0);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_profile_is_put_got_and_listed)
{
    struct shop s;
    struct err err;
    struct user u = {.id = STR_LIT("u"), .attributes = STR_LIT("{\"a\":1}"), .personalise = true};
    struct user got;
    struct db_rows rows;
    uint32_t no;
    bool created, more;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    uint32_t seen_only = number(tx, USER_KNOWN, "seen");
    number(tx, USER_ANONYMOUS, "guest");
    ck_ok(user_put(tx, &u, &no, &created, &err));
    ck_assert(created);
    u.personalise = false;
    ck_ok(user_put(tx, &u, NULL, &created, &err));
    ck_assert(!created);
    tx_commit(&s);
    ck_ok(user_get(read_begin(&s), STR_LIT("u"), &s.arena, &got, &err));
    ck_assert(got.no == no && !got.personalise && got.created_at > 0);
    ck_text(got.attributes, "{\"a\":1}");
    ck_ok(user_get_no(s.db, seen_only, &s.arena, &got, &err));
    ck_assert(got.personalise && got.attributes.n == 0);
    ck_err(user_get(s.db, STR_LIT("guest"), &s.arena, &got, &err), ERR_NOT_FOUND);
    ck_ok(users_after(s.db, 0, 10, &rows, &err));
    ck_ok(users_next(&rows, &got, &more, &err));
    ck_text(got.id, "seen");
    ck_ok(users_next(&rows, &got, &more, &err));
    ck_text(got.id, "u");
    ck_ok(users_next(&rows, &got, &more, &err));
    ck_assert(!more);
    ck_ok(users_by_id(s.db, STR_LIT("s"), STR_LIT("seen"), 10, &rows, &err));
    ck_ok(users_next(&rows, &got, &more, &err));
    ck_text(got.id, "u");
    db_rows_close(&rows);
    ck_ok(users_by_id(s.db, STR_LIT("t"), STR_LIT(""), 10, &rows, &err));
    ck_ok(users_next(&rows, &got, &more, &err));
    ck_text(got.id, "u");
    ck_ok(users_next(&rows, &got, &more, &err));
    ck_assert(!more);
    read_end(&s);
    shop_release(&s);
}
END_TEST

static void add_event(struct store_tx *tx, const char *id, const char *user, const char *anonymous)
{
    struct err err;
    size_t added;
    struct event e = {
        .time = 1000000,
        .id = str_of(id),
        .type = EVENT_SEARCH,
        .query = STR_LIT("shoes"),
        .user_id = str_of(user),
        .anonymous_id = str_of(anonymous),
        .quantity = 1,
        .value_minor = STORE_NO_AMOUNT,
        .position = -1,
    };
    ck_ok(event_check(&e, &err));
    ck_ok(events_add(tx, &e, 1, 0, NULL, &added, &err));
    ck_assert_uint_eq(added, 1);
}

/* How many events read back as this shopper's. */
static size_t events_of(struct db *db, uint32_t no)
{
    struct err err;
    struct db_rows rows;
    struct event e;
    bool more;
    size_t n = 0;
    ck_ok(events_after(db, 0, INT64_MAX, INT64_MAX, &rows, &err));
    for (;;) {
        ck_ok(events_next(&rows, &e, NULL, &more, &err));
        if (!more)
            return n;
        n += e.user_no == no;
    }
}

START_TEST(joining_moves_past_events_and_parting_moves_them_back)
{
    struct shop s;
    struct err err;
    uint32_t guest, user, resolved;
    struct change last = {0};
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    add_event(tx, "1", "", "guest");
    add_event(tx, "2", "", "guest");
    guest = number(tx, USER_ANONYMOUS, "guest");
    ck_assert_uint_eq(events_of(tx->db, guest), 2);
    add_event(tx, "3", "user", "guest"); /* both ids: joined */
    user = number(tx, USER_KNOWN, "user");
    ck_assert_uint_eq(events_of(tx->db, user), 3);
    ck_assert_uint_eq(events_of(tx->db, guest), 0);
    add_event(tx, "4", "other", "guest"); /* the first one keeps the guest */
    ck_assert_uint_eq(events_of(tx->db, user), 3);
    tx_commit(&s);
    ck_ok(user_resolve(read_begin(&s), guest, &resolved, &err));
    ck_assert_uint_eq(resolved, user);
    int64_t position = newest_change(s.db);
    read_end(&s);
    ck_ok(user_unlink(tx_begin(&s), guest, &err));
    ck_err(user_unlink(s.tx, guest, &err), ERR_NOT_FOUND);
    tx_commit(&s);
    ck_assert_uint_eq(events_of(read_begin(&s), guest), 2);
    ck_assert_uint_eq(events_of(s.db, user), 1);
    ck_assert_uint_eq(count_changes(s.db, position, CHANGE_USER, &last), 1);
    ck_assert(last.op == CHANGE_LINK && last.no == guest);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(erasing_a_shopper_empties_every_path_at_once_and_compaction_the_rows)
{
    struct shop s;
    struct err err;
    struct user got;
    struct order order, read;
    struct cart cart;
    struct event_counts counts;
    struct compact_report report;
    enum user_kind kind;
    struct str id;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    uint32_t product = put_product(tx, "p");
    add_event(tx, "0", "stays", "");
    add_event(tx, "1", "", "guest");
    add_event(tx, "2", "user", "guest");
    add_event(tx, "3", "user", "");
    uint32_t guest = number(tx, USER_ANONYMOUS, "guest"), user = number(tx, USER_KNOWN, "user");
    ck_ok(cart_put(tx, user, CART_ANY_VERSION, &(struct cart_line){product, 1}, 1, NULL, &err));
    order = (struct order){
        .id = STR_LIT("o"),
        .user_id = STR_LIT("user"),
        .currency = GBP,
        .address = STR_LIT("{\"street\":\"x\"}"),
        .placed_at = 1,
    };
    ck_ok(order_put(tx, &order, 0, NULL, &err));
    ck_ok(user_delete(tx, STR_LIT("user"), &err));
    ck_err(user_delete(tx, STR_LIT("user"), &err), ERR_NOT_FOUND);
    tx_commit(&s);

    struct db *db = read_begin(&s);
    ck_err(user_get(db, STR_LIT("user"), &s.arena, &got, &err), ERR_NOT_FOUND);
    ck_assert_uint_eq(events_of(db, user) + events_of(db, guest), 0);
    ck_ok(user_id_of(db, guest, &s.arena, &kind, &id, &err));
    ck_assert_ptr_null(id.p);
    ck_ok(cart_get(db, user, &s.arena, &cart, &err));
    ck_assert_uint_eq(cart.lines_len, 0);
    ck_ok(order_get(db, STR_LIT("o"), &s.arena, &read, &err));
    ck_assert(read.user_no == 0 && read.user_id.n == 0 && read.address.n == 0);
    read_end(&s);

    ck_ok(store_compact(s.store, &(struct compact_options){0}, &report, &err));
    ck_assert_int_eq(report.events, 3);
    ck_ok(store_compact(s.store, &(struct compact_options){0}, &report, &err));
    ck_assert_int_eq(report.events, 0);
    add_event(tx_begin(&s), "4", "user", ""); /* the same id is somebody new */
    ck_assert_uint_gt(number(s.tx, USER_KNOWN, "user"), user);
    tx_commit(&s);
    ck_ok(events_count(read_begin(&s), &counts, &err));
    ck_assert_int_eq(counts.last_seq, 5); /* no number was given twice */
    read_end(&s);
    shop_release(&s);
}
END_TEST

SUITE("contract: users", one_id_has_one_number_and_kinds_do_not_mix,
      a_profile_is_put_got_and_listed, joining_moves_past_events_and_parting_moves_them_back,
      erasing_a_shopper_empties_every_path_at_once_and_compaction_the_rows)
