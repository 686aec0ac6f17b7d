#include "store/fixture.h"

#include "base/rng.h"

START_TEST(what_is_put_is_got_field_by_field)
{
    struct shop s;
    struct err err;
    struct product p = a_product("sku-1"), got;
    uint32_t no;
    enum product_put_result result;
    shop_init(&s);
    p.group_id = STR_LIT("g");
    p.description = STR_LIT("一件好东西 with words");
    p.brand = STR_LIT("Brand");
    p.category = STR_LIT("A > B");
    p.list_price_minor = 1500;
    p.cost_minor = 420;
    p.images = STR_LIT("[\"http://x/1.jpg\"]");
    p.attributes = STR_LIT("{\"colour\":\"red\"}");
    p.tags = STR_LIT("[\"new\"]");
    p.rating_mean = 4.5;
    p.rating_count = 12;
    p.supplier_id = STR_LIT("s");
    p.url = STR_LIT("https://shop/1");
    p.translations = STR_LIT("{\"en\":{\"title\":\"A thing\"}}");
    p.language = STR_LIT("zh");
    p.created_at = 123456789;
    ck_ok(product_put(tx_begin(&s), &p, &no, &result, &err));
    tx_commit(&s);
    ck_assert_int_eq(result, PRODUCT_CREATED);
    ck_ok(product_get(read_begin(&s), STR_LIT("sku-1"), &s.arena, &got, &err));
    read_end(&s);
    ck_assert_uint_eq(got.no, no);
    ck_text(got.group_id, "g");
    ck_text(got.description, "一件好东西 with words");
    ck_text(got.brand, "Brand");
    ck_text(got.category, "A > B");
    ck_text(got.images, "[\"http://x/1.jpg\"]");
    ck_text(got.attributes, "{\"colour\":\"red\"}");
    ck_text(got.tags, "[\"new\"]");
    ck_text(got.supplier_id, "s");
    ck_text(got.url, "https://shop/1");
    ck_text(got.translations, "{\"en\":{\"title\":\"A thing\"}}");
    ck_text(got.language, "zh");
    ck_assert(got.price_minor == 1000 && got.list_price_minor == 1500 && got.currency == GBP);
    ck_assert_int_eq(got.cost_minor, 420);
    ck_assert(got.stock == 5 && got.status == PRODUCT_ACTIVE && got.created_at == 123456789);
    ck_assert(got.rating_mean == 4.5 && got.rating_count == 12 && got.updated_at > 0);
    shop_release(&s);
}
END_TEST

START_TEST(putting_the_same_again_changes_nothing_and_appends_no_change)
{
    struct shop s;
    struct err err;
    struct product p = a_product("a");
    enum product_put_result result;
    struct change last = {0};
    shop_init(&s);
    ck_ok(product_put(tx_begin(&s), &p, NULL, NULL, &err));
    tx_commit(&s);
    int64_t position = newest_change(read_begin(&s));
    read_end(&s);
    ck_ok(product_put(tx_begin(&s), &p, NULL, &result, &err));
    tx_commit(&s);
    ck_assert_int_eq(result, PRODUCT_UNCHANGED);
    ck_assert_uint_eq(count_changes(read_begin(&s), position, CHANGE_PRODUCT, NULL), 0);
    read_end(&s);

    p.price_minor++;
    ck_ok(product_put(tx_begin(&s), &p, NULL, &result, &err));
    tx_commit(&s);
    ck_assert_int_eq(result, PRODUCT_CHANGED_LIVE);
    ck_assert_uint_eq(count_changes(read_begin(&s), position, CHANGE_PRODUCT, &last), 1);
    ck_assert_int_eq(last.op, CHANGE_LIVE);
    read_end(&s);

    p.brand = STR_LIT("other");
    ck_ok(product_put(tx_begin(&s), &p, NULL, &result, &err));
    tx_commit(&s);
    ck_assert_int_eq(result, PRODUCT_CHANGED);
    shop_release(&s);
}
END_TEST

START_TEST(a_deleted_product_keeps_its_number_and_comes_back_with_it)
{
    struct shop s;
    struct err err;
    struct product got;
    uint32_t deleted, after, revived;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    uint32_t no = put_product(tx, "a");
    ck_ok(product_delete(tx, STR_LIT("a"), &deleted, &err));
    ck_err(product_delete(tx, STR_LIT("a"), NULL, &err), ERR_NOT_FOUND);
    after = put_product(tx, "b");
    tx_commit(&s);
    ck_assert_uint_eq(deleted, no);
    ck_assert_uint_ne(after, no);
    ck_ok(product_get_no(read_begin(&s), no, &s.arena, &got, &err));
    read_end(&s);
    ck_assert_int_eq(got.status, PRODUCT_DELETED);
    ck_text(got.id, "a");
    ck_assert(got.title.n == 0 && got.price_minor == STORE_NO_AMOUNT);
    tx = tx_begin(&s);
    revived = put_product(tx, "a");
    ck_ok(product_get_no(tx->db, no, &s.arena, &got, &err));
    ck_assert_uint_eq(revived, no);
    ck_assert_int_eq(got.created_at, tx->now_us); /* it is as new */
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_patch_touches_only_what_it_names)
{
    struct shop s;
    struct err err;
    struct product got;
    bool changed;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    put_product(tx, "a");
    struct product_patch patch = {.fields = PRODUCT_STOCK, .stock = 0};
    ck_ok(product_patch(tx, STR_LIT("a"), &patch, &changed, &err));
    ck_assert(changed);
    ck_ok(product_patch(tx, STR_LIT("a"), &patch, &changed, &err));
    ck_assert(!changed);
    ck_ok(product_get(tx->db, STR_LIT("a"), &s.arena, &got, &err));
    ck_assert(got.stock == 0 && got.price_minor == 1000 && got.status == PRODUCT_ACTIVE);

    patch = (struct product_patch){.fields = PRODUCT_PRICE, .price_minor = 900, .currency = EUR};
    ck_ok(product_patch(tx, STR_LIT("a"), &patch, &changed, &err));
    patch = (struct product_patch){
        .fields = PRODUCT_LIST_PRICE, .list_price_minor = 2000, .currency = GBP};
    ck_err(product_patch(tx, STR_LIT("a"), &patch, &changed, &err), ERR_INVALID);
    patch = (struct product_patch){.fields = PRODUCT_PRICE, .price_minor = -1};
    ck_err(product_patch(tx, STR_LIT("a"), &patch, &changed, &err), ERR_INVALID);
    ck_err(product_patch(tx, STR_LIT("none"), &patch, &changed, &err), ERR_NOT_FOUND);
    tx_undo(&s);
    shop_release(&s);
}
END_TEST

static int64_t cost_of(struct store_tx *tx, struct shop *s)
{
    struct product got;
    struct err err;
    ck_ok(product_get(tx->db, STR_LIT("a"), &s->arena, &got, &err));
    return got.cost_minor;
}

START_TEST(a_cost_stays_until_it_is_changed_or_the_currency_is)
{
    struct shop s;
    struct err err;
    enum product_put_result result;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    struct product p = a_product("a");
    ck_ok(product_put(tx, &p, NULL, NULL, &err));
    ck_assert_int_eq(cost_of(tx, &s), STORE_NO_AMOUNT);
    p.cost_minor = 700;
    ck_ok(product_put(tx, &p, NULL, &result, &err));
    ck_assert_int_eq(result, PRODUCT_CHANGED_LIVE);
    p.cost_minor = 0; /* nothing is said of it */
    ck_ok(product_put(tx, &p, NULL, &result, &err));
    ck_assert_int_eq(result, PRODUCT_UNCHANGED);
    ck_assert_int_eq(cost_of(tx, &s), 700);
    struct product_patch patch = {.fields = PRODUCT_PRICE, .price_minor = 900};
    ck_ok(product_patch(tx, p.id, &patch, NULL, &err));
    ck_assert_int_eq(cost_of(tx, &s), 700);
    patch.currency = EUR;
    ck_ok(product_patch(tx, p.id, &patch, NULL, &err));
    ck_assert_int_eq(cost_of(tx, &s), STORE_NO_AMOUNT);
    p.cost_minor = 600;
    ck_ok(product_put(tx, &p, NULL, NULL, &err));
    p.cost_minor = 0;
    p.currency = EUR;
    ck_ok(product_put(tx, &p, NULL, NULL, &err));
    ck_assert_int_eq(cost_of(tx, &s), STORE_NO_AMOUNT);
    p.cost_minor = 600;
    ck_ok(product_put(tx, &p, NULL, NULL, &err));
    p.cost_minor = STORE_NO_AMOUNT;
    ck_ok(product_put(tx, &p, NULL, NULL, &err));
    ck_assert_int_eq(cost_of(tx, &s), STORE_NO_AMOUNT);
    p.cost_minor = -5;
    ck_err(product_put(tx, &p, NULL, NULL, &err), ERR_INVALID);
    p.cost_minor = 600;
    ck_ok(product_put(tx, &p, NULL, NULL, &err));
    ck_ok(product_delete(tx, p.id, NULL, &err));
    ck_assert_int_eq(cost_of(tx, &s), STORE_NO_AMOUNT);
    tx_undo(&s);
    shop_release(&s);
}
END_TEST

START_TEST(stock_never_falls_below_zero)
{
    struct shop s;
    struct err err;
    struct product got;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    uint32_t no = put_product(tx, "a");
    ck_ok(product_stock_add(tx, no, -5, &err));
    ck_err(product_stock_add(tx, no, -1, &err), ERR_CONFLICT);
    ck_ok(product_stock_add(tx, no, 3, &err));
    ck_ok(product_get_no(tx->db, no, &s.arena, &got, &err));
    ck_assert_int_eq(got.stock, 3);
    ck_err(product_stock_add(tx, 999, 1, &err), ERR_NOT_FOUND);
    ck_err(product_stock_add(tx, no, INT64_MAX, &err), ERR_CONFLICT);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(an_undone_job_leaves_neither_rows_nor_changes_nor_remembered_numbers)
{
    struct shop s;
    struct err err;
    uint32_t no;
    shop_init(&s);
    put_product(tx_begin(&s), "a");
    tx_undo(&s);
    ck_ok(product_no_of(read_begin(&s), STR_LIT("a"), &no, &err));
    ck_assert_uint_eq(no, 0);
    ck_assert_int_eq(newest_change(s.db), 0);
    read_end(&s);
    put_product(tx_begin(&s), "b");
    put_product(s.tx, "a"); /* a remembered number would point at nothing, or at "b" */
    tx_commit(&s);
    uint32_t a, b;
    ck_ok(product_no_of(read_begin(&s), STR_LIT("a"), &a, &err));
    ck_ok(product_no_of(s.db, STR_LIT("b"), &b, &err));
    read_end(&s);
    ck_assert(a && b && a != b);
    shop_release(&s);
}
END_TEST

START_TEST(bad_products_are_refused_by_field)
{
    struct err err;
    struct product good = a_product("a"), p;
    char long_id[STORE_ID_MAX + 1];
    memset(long_id, 'x', sizeof long_id);
    ck_ok(product_check(&good, &err));
    p = good, p.id = (struct str){long_id, sizeof long_id};
    ck_err(product_check(&p, &err), ERR_LIMIT);
    p = good, p.id = (struct str){long_id, STORE_ID_MAX};
    ck_ok(product_check(&p, &err));
    p = good, p.id = (struct str){0};
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.id = STR_LIT("a\nb");
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.title = STR_LIT("\xff");
    ck_err(product_check(&p, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "title"));
    p = good, p.title = STR_LIT("");
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.currency = 0;
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.price_minor = STORE_AMOUNT_MAX + 1;
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.stock = -2;
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.rating_mean = 5.1;
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.rating_mean = __builtin_nan("");
    ck_err(product_check(&p, &err), ERR_INVALID);
    p = good, p.status = PRODUCT_DELETED;
    ck_err(product_check(&p, &err), ERR_INVALID);
}
END_TEST

/* Oracle: an array of what should be there, walked beside a random history of jobs. */
START_TEST(a_random_history_ends_as_the_obvious_model_says)
{
    enum { IDS = 12, STEPS = 400 };
    struct expected {
        bool there, deleted;
        int64_t price;
    } now[IDS] = {0}, before[IDS];
    struct shop s;
    struct err err;
    struct rng rng;
    rng_init(&rng, 7);
    shop_init(&s);
    for (int step = 0; step < STEPS; step++) {
        memcpy(before, now, sizeof now);
        struct store_tx *tx = tx_begin(&s);
        for (uint64_t ops = rng_below(&rng, 5); ops; ops--) {
            size_t i = rng_below(&rng, IDS);
            char id[8];
            snprintf(id, sizeof id, "p%zu", i);
            if (rng_below(&rng, 3)) {
                struct product p = a_product(id);
                p.price_minor = (int64_t)rng_below(&rng, 3);
                ck_ok(product_put(tx, &p, NULL, NULL, &err));
                now[i] = (struct expected){true, false, p.price_minor};
            } else if (now[i].there && !now[i].deleted) {
                ck_ok(product_delete(tx, str_of(id), NULL, &err));
                now[i].deleted = true;
            } else {
                ck_err(product_delete(tx, str_of(id), NULL, &err), ERR_NOT_FOUND);
            }
        }
        if (rng_below(&rng, 4)) {
            tx_commit(&s);
        } else {
            tx_undo(&s);
            memcpy(now, before, sizeof now);
        }
        if (step == STEPS / 2)
            shop_reopen(&s);
    }
    struct db_rows rows;
    struct product p;
    bool more;
    size_t seen = 0;
    uint32_t last = 0;
    ck_ok(products_after(read_begin(&s), 0, INT64_MAX, &rows, &err));
    for (;;) {
        ck_ok(products_next(&rows, &p, &more, &err));
        if (!more)
            break;
        size_t i = (size_t)strtoul(p.id.p + 1, NULL, 10);
        ck_assert(now[i].there && p.no > last);
        ck_assert_int_eq(p.status == PRODUCT_DELETED, now[i].deleted);
        ck_assert(now[i].deleted || p.price_minor == now[i].price);
        last = p.no;
        seen++;
    }
    for (size_t i = 0; i < IDS; i++)
        seen -= now[i].there;
    ck_assert_uint_eq(seen, 0);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(neighbouring_changes_become_one_entry_and_trimming_keeps_the_newest)
{
    struct shop s;
    struct err err;
    struct change last = {0};
    struct product_counts counts;
    int64_t oldest, newest;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    uint32_t first = put_product(tx, "0");
    for (int i = 1; i < 50; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        put_product(tx, id);
    }
    tx_commit(&s);
    ck_assert_uint_eq(count_changes(read_begin(&s), 0, CHANGE_PRODUCT, &last), 1);
    ck_assert(last.no == first && last.last_no == first + 49 && last.op == CHANGE_PUT);
    ck_ok(products_count(s.db, &counts, &err));
    ck_assert(counts.active == 50 && counts.max_no == first + 49);
    read_end(&s);

    ck_ok(product_delete(tx_begin(&s), STR_LIT("7"), NULL, &err));
    tx_commit(&s);
    ck_ok(changes_trim(tx_begin(&s), INT64_MAX, NULL, &err));
    tx_commit(&s);
    ck_ok(changes_range(read_begin(&s), &oldest, &newest, &err));
    read_end(&s);
    ck_assert(oldest == newest && newest > last.position);
    shop_release(&s);
}
END_TEST

SUITE("contract: products", what_is_put_is_got_field_by_field,
      putting_the_same_again_changes_nothing_and_appends_no_change,
      a_deleted_product_keeps_its_number_and_comes_back_with_it, a_patch_touches_only_what_it_names,
      a_cost_stays_until_it_is_changed_or_the_currency_is, stock_never_falls_below_zero,
      an_undone_job_leaves_neither_rows_nor_changes_nor_remembered_numbers,
      bad_products_are_refused_by_field, a_random_history_ends_as_the_obvious_model_says,
      neighbouring_changes_become_one_entry_and_trimming_keeps_the_newest)
