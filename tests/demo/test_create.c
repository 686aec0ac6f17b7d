#include "support/suite.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "demo/create.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/users.h"

static const int64_t now = 1764547200LL * CLOCK_US_PER_S; /* 2025-12-01 */
static const struct demo_options small = {.seed = 4, .products = 150, .users = 40, .events = 3000};

static char dir[] = "/tmp/aisle-demo-XXXXXX";

static struct store *open_shop(void)
{
    struct err err = {0};
    struct store *store = NULL;
    struct store_options o = {.dir = dir};
    ck_ok(store_open(&o, &store, &err));
    return store;
}

static void make_folder(void)
{
    ck_assert(mkdtemp(dir) != NULL);
}

static void drop_folder(struct store *store)
{
    struct err err = {0};
    store_close(store);
    ck_ok(fs_remove_tree(dir, &err));
}

struct counts {
    struct product_counts products;
    struct event_counts events;
    struct user_counts users;
    int64_t orders;
};

static struct counts count_all(struct store *store)
{
    struct err err = {0};
    struct counts c = {0};
    struct db *db = NULL;
    ck_ok(store_read_begin(store, &db, &err));
    ck_ok(products_count(db, &c.products, &err));
    ck_ok(events_count(db, &c.events, &err));
    ck_ok(users_count(db, &c.users, &err));
    struct db_rows rows;
    ck_ok(orders_after(db, 0, INT64_MAX, &rows, &err));
    struct order o;
    for (bool more = true; more;) {
        ck_ok(orders_next(&rows, &o, &more, &err));
        c.orders += more;
    }
    bool here;
    ck_ok(demo_is_here(db, &here, &err));
    ck_assert(here);
    store_read_end(store, db);
    return c;
}

START_TEST(a_store_holds_what_was_generated_and_making_it_again_adds_nothing)
{
    struct err err = {0};
    make_folder();
    struct store *store = open_shop();
    struct demo_options o = small;
    o.now_us = now;
    struct demo_totals totals;
    ck_ok(demo_create(store, &o, NULL, &totals, &err));
    struct counts c = count_all(store);
    ck_assert_int_eq(c.products.active, 150);
    ck_assert_uint_eq((uint64_t)c.events.events, totals.events);
    ck_assert_uint_eq((uint64_t)c.orders, totals.orders);
    ck_assert_int_eq(c.users.known, 40);
    ck_assert(c.orders > 10);
    ck_ok(demo_create(store, &o, NULL, &totals, &err));
    ck_assert_uint_eq(totals.products, 0);
    drop_folder(store);
}
END_TEST

/* As if the process had died before the end: the setting says that it is not complete. */
static enum err_code reopen_setting(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return setting_put(tx, STR_LIT(DEMO_SETTING),
                       STR_LIT("{\"seed\":4,\"products\":150,\"users\":40,\"events\":3000,"
                               "\"now_us\":1764547200000000,\"complete\":false}"),
                       err);
}

START_TEST(an_interrupted_creation_continues_with_its_own_day)
{
    struct err err = {0};
    make_folder();
    struct store *store = open_shop();
    struct demo_options o = small;
    o.now_us = now;
    ck_ok(demo_create(store, &o, NULL, NULL, &err));
    struct counts before = count_all(store);
    ck_ok(store_write(store, reopen_setting, NULL, &err));
    struct demo_totals totals;
    ck_ok(demo_create(store, &small, NULL, &totals, &err));
    ck_assert_uint_eq(totals.products, 150);
    struct counts after = count_all(store);
    ck_assert_int_eq(after.events.events, before.events.events);
    ck_assert_int_eq(after.orders, before.orders);
    ck_assert_int_eq(after.products.active, before.products.active);
    ck_assert_uint_eq(after.users.max_no, before.users.max_no);
    drop_folder(store);
}
END_TEST

static enum err_code put_foreign_product(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    struct product p = {.id = STR_LIT("x"),
                        .title = STR_LIT("not ours"),
                        .price_minor = STORE_NO_AMOUNT,
                        .list_price_minor = STORE_NO_AMOUNT};
    return product_put(tx, &p, NULL, NULL, err);
}

START_TEST(a_real_shop_is_not_touched)
{
    struct err err = {0};
    make_folder();
    struct store *store = open_shop();
    ck_ok(store_write(store, put_foreign_product, NULL, &err));
    ck_err(demo_create(store, &small, NULL, NULL, &err), ERR_CONFLICT);
    struct db *db = NULL;
    bool here = true;
    ck_ok(store_read_begin(store, &db, &err));
    ck_ok(demo_is_here(db, &here, &err));
    store_read_end(store, db);
    ck_assert(!here);
    drop_folder(store);
}
END_TEST

START_TEST(another_demonstration_shop_is_not_mixed_in)
{
    struct err err = {0};
    make_folder();
    struct store *store = open_shop();
    ck_ok(demo_create(store, &small, NULL, NULL, &err));
    struct demo_options other = small;
    other.seed = 5;
    ck_err(demo_create(store, &other, NULL, NULL, &err), ERR_CONFLICT);
    drop_folder(store);
}
END_TEST

SUITE("demo create", a_store_holds_what_was_generated_and_making_it_again_adds_nothing,
      an_interrupted_creation_continues_with_its_own_day, a_real_shop_is_not_touched,
      another_demonstration_shop_is_not_mixed_in)
