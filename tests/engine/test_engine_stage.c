/* test_engine_stage.c - a full feed is seen whole or not at all, and others' changes at once. */
#include "base/rng.h"
#include "engine/rig.h"
#include "store/products.h"

enum { GBP_PRICE = 1000 };

static uint32_t put_titled(struct store_tx *tx, const char *id, const char *title, int64_t price)
{
    struct err err;
    uint32_t no;
    struct product p = a_product(id);
    p.title = str_of(title);
    p.price_minor = price;
    p.stock = 5;
    ck_ok(product_put(tx, &p, &no, NULL, &err));
    return no;
}

static uint32_t stage_titled(struct rig *r, const char *id, const char *title, int64_t price)
{
    struct store_tx *tx = tx_begin(&r->shop);
    products_stage(tx);
    uint32_t no = put_titled(tx, id, title, price);
    rig_commit(r);
    return no;
}

static void show(struct rig *r)
{
    struct err err;
    ck_ok(products_show(tx_begin(&r->shop), &err));
    rig_commit(r);
}

static void must_be(const struct view *v, uint32_t no, const char *title, int64_t price)
{
    struct live_row row;
    live_get(v->live, no, &row);
    ck_assert(view_shows(v, no));
    ck_text(card_title(v, no, STR_LIT("en")), title);
    ck_assert_int_eq(row.price_minor, price);
}

static void must_be_now(struct rig *r, uint32_t no, const char *title, int64_t price)
{
    struct view *v = engine_view(r->engine);
    must_be(v, no, title, price);
    view_unref(v);
}

START_TEST(what_is_staged_is_seen_when_it_is_shown_all_of_it_and_by_old_views_never)
{
    struct rig r;
    rig_init(&r);
    uint32_t old = put_titled(tx_begin(&r.shop), "old", "Old", 100);
    rig_commit(&r);
    uint32_t gone = put_titled(tx_begin(&r.shop), "gone", "Gone", 100);
    rig_commit(&r);
    stage_titled(&r, "old", "Renamed", 200);
    uint32_t fresh = stage_titled(&r, "fresh", "Fresh", 300);
    struct store_tx *tx = tx_begin(&r.shop);
    struct err err;
    const struct product_patch off = {.fields = PRODUCT_STATUS, .status = PRODUCT_INACTIVE};
    products_stage(tx);
    ck_ok(product_patch(tx, STR_LIT("gone"), &off, NULL, &err));
    rig_commit(&r);
    must_be_now(&r, old, "Old", 100);
    must_be_now(&r, gone, "Gone", 100);
    ck_assert(!rig_shows(&r, fresh));
    struct view *before = engine_view(r.engine);
    show(&r);
    must_be_now(&r, old, "Renamed", 200);
    must_be_now(&r, fresh, "Fresh", 300);
    ck_assert(!rig_shows(&r, gone));
    must_be(before, old, "Old", 100);
    must_be(before, gone, "Gone", 100);
    ck_assert(!view_shows(before, fresh));
    view_unref(before);
    show(&r); /* nothing is staged */
    must_be_now(&r, old, "Renamed", 200);
    rig_release(&r);
}
END_TEST

START_TEST(what_others_change_meanwhile_is_seen_at_once_and_stays)
{
    struct rig r;
    struct err err;
    struct live_row row;
    rig_init(&r);
    uint32_t a = put_titled(tx_begin(&r.shop), "a", "A", 100);
    rig_commit(&r);
    stage_titled(&r, "a", "A of the feed", 200);
    uint32_t b = put_titled(tx_begin(&r.shop), "b", "B", 100);
    rig_commit(&r);
    must_be_now(&r, b, "B", 100);

    struct product_patch patch = {.fields = PRODUCT_STOCK, .stock = 3};
    ck_ok(product_patch(tx_begin(&r.shop), STR_LIT("a"), &patch, NULL, &err));
    rig_commit(&r);
    must_be_now(&r, a, "A", 100); /* a sale does not show the feed's price */
    struct view *v = engine_view(r.engine);
    live_get(v->live, a, &row);
    ck_assert_int_eq(row.stock, 3);
    view_unref(v);

    patch = (struct product_patch){.fields = PRODUCT_PRICE, .price_minor = 150};
    ck_ok(product_patch(tx_begin(&r.shop), STR_LIT("a"), &patch, NULL, &err));
    rig_commit(&r);
    must_be_now(&r, a, "A", 150); /* somebody's own price does */

    patch = (struct product_patch){.fields = PRODUCT_STATUS, .status = PRODUCT_INACTIVE};
    struct store_tx *tx = tx_begin(&r.shop);
    products_stage(tx);
    ck_ok(product_patch(tx, STR_LIT("b"), &patch, NULL, &err)); /* the feed switches it off */
    rig_commit(&r);
    patch = (struct product_patch){.fields = PRODUCT_STOCK, .stock = 2};
    ck_ok(product_patch(tx_begin(&r.shop), STR_LIT("b"), &patch, NULL, &err));
    rig_commit(&r);
    must_be_now(&r, b, "B", 100);

    put_titled(tx_begin(&r.shop), "a", "A by hand", 170);
    rig_commit(&r);
    must_be_now(&r, a, "A by hand", 170);
    uint32_t c = stage_titled(&r, "c", "C", 100);
    ck_ok(product_delete(tx_begin(&r.shop), STR_LIT("c"), NULL, &err));
    rig_commit(&r);
    show(&r);
    must_be_now(&r, a, "A by hand", 170);
    ck_assert(!rig_shows(&r, b));
    ck_assert(!rig_shows(&r, c));
    rig_release(&r);
}
END_TEST

START_TEST(a_feed_that_nobody_ended_is_shown_from_the_next_start)
{
    struct rig r;
    struct err err;
    rig_init(&r);
    uint32_t a = put_titled(tx_begin(&r.shop), "a", "A", 100);
    rig_commit(&r);
    ck_ok(engine_fold(r.engine, &err)); /* a file from before the feed */
    stage_titled(&r, "a", "A of the feed", 200);
    uint32_t b = stage_titled(&r, "b", "B", 100);
    ck_ok(engine_fold(r.engine, &err)); /* and one that must not be taken for the feed's end */
    must_be_now(&r, a, "A", 100);
    rig_restart(&r);
    must_be_now(&r, a, "A of the feed", 200);
    must_be_now(&r, b, "B", 100);
    show(&r);
    must_be_now(&r, b, "B", 100);
    rig_release(&r);
}
END_TEST

/* --- against a table ------------------------------------------------------------------------- */

enum { PRODUCTS = 40, STEPS = 1500 };

/* What a product is: in the record, and for readers. Each change is applied before the next one: an
 * entry of the log does not tell what the record was when it was made. */
struct state {
    bool lives;
    unsigned title;
    int64_t price, stock;
};

struct table {
    struct rig r;
    struct rng rng;
    struct state record[PRODUCTS], seen[PRODUCTS];
    uint32_t no[PRODUCTS];
    unsigned next;
};

static void put_random(struct table *t, size_t i, bool stages)
{
    char id[16], title[32];
    struct err err;
    struct state *s = &t->record[i];
    *s = (struct state){true, ++t->next, ++t->next, 1 + (int64_t)rng_below(&t->rng, 9)};
    snprintf(id, sizeof id, "p%zu", i);
    snprintf(title, sizeof title, "Title %u", s->title);
    struct product p = a_product(id);
    p.title = str_of(title);
    p.price_minor = s->price;
    p.stock = s->stock;
    struct store_tx *tx = tx_begin(&t->r.shop);
    if (stages)
        products_stage(tx);
    ck_ok(product_put(tx, &p, &t->no[i], NULL, &err));
    rig_commit(&t->r);
    if (!stages)
        t->seen[i] = *s;
}

static void patch_random(struct table *t, size_t i, bool price)
{
    char id[16];
    struct err err;
    struct product_patch patch = {.fields = price ? PRODUCT_PRICE : PRODUCT_STOCK};
    if (!t->record[i].lives)
        return;
    snprintf(id, sizeof id, "p%zu", i);
    if (price)
        patch.price_minor = t->record[i].price = t->seen[i].price = ++t->next;
    else
        patch.stock = t->record[i].stock = 1 + (int64_t)rng_below(&t->rng, 9);
    t->seen[i].stock = t->record[i].stock; /* stock is always now */
    ck_ok(product_patch(tx_begin(&t->r.shop), str_of(id), &patch, NULL, &err));
    rig_commit(&t->r);
}

static void delete_random(struct table *t, size_t i)
{
    char id[16];
    struct err err;
    if (!t->record[i].lives)
        return;
    snprintf(id, sizeof id, "p%zu", i);
    ck_ok(product_delete(tx_begin(&t->r.shop), str_of(id), NULL, &err));
    rig_commit(&t->r);
    t->record[i].lives = t->seen[i].lives = false;
}

static void check_table(struct table *t)
{
    struct err err;
    ck_ok(engine_wait(t->r.engine, RIG_WAIT_MS, &err));
    struct view *v = engine_view(t->r.engine);
    uint32_t lives = 0;
    for (size_t i = 0; i < PRODUCTS; i++) {
        const struct state *s = &t->seen[i];
        char title[32];
        struct live_row row;
        snprintf(title, sizeof title, "Title %u", s->title);
        lives += s->lives;
        ck_assert_int_eq(t->no[i] && view_shows(v, t->no[i]), s->lives);
        if (!s->lives)
            continue;
        ck_text(card_title(v, t->no[i], STR_LIT("en")), title);
        live_get(v->live, t->no[i], &row);
        ck_assert_int_eq(row.price_minor, s->price);
        ck_assert_int_eq(row.stock, s->stock);
    }
    ck_assert_uint_eq(v->catalogue->products, lives);
    view_unref(v);
}

static void step(struct table *t)
{
    struct err err;
    size_t i = rng_below(&t->rng, PRODUCTS);
    uint64_t what = rng_below(&t->rng, 100);
    if (what < 50)
        put_random(t, i, true);
    else if (what < 60)
        put_random(t, i, false);
    else if (what < 80)
        patch_random(t, i, what < 70);
    else if (what < 88)
        delete_random(t, i);
    else if (what < 94)
        check_table(t);
    else if (what < 96)
        ck_ok(engine_fold(t->r.engine, &err));
    else if (what < 99)
        show(&t->r);
    else
        rig_restart(&t->r);
    if (what >= 96)
        memcpy(t->seen, t->record, sizeof t->seen);
}

START_TEST(readers_see_what_a_table_says_whatever_comes_between)
{
    struct table t = {0};
    rng_init(&t.rng, 7);
    rig_init(&t.r);
    for (int i = 0; i < STEPS; i++)
        step(&t);
    check_table(&t);
    rig_release(&t.r);
}
END_TEST

START_TEST(a_feed_of_many_products_is_shown_whole)
{
    enum { MANY = 9000, AT_ONCE = 300 };
    struct rig r;
    struct err err;
    char id[16];
    rig_init(&r);
    for (int round = 0; round < 2; round++) {
        uint32_t before = rig_stats(&r).segments;
        for (int i = 0; i < MANY; i += AT_ONCE) {
            struct store_tx *tx = tx_begin(&r.shop);
            products_stage(tx);
            for (int k = i; k < i + AT_ONCE; k++) {
                snprintf(id, sizeof id, "m%d", k);
                put_titled(tx, id, round ? "Second" : "First", GBP_PRICE + round);
            }
            tx_commit(&r.shop);
            if (i % 3000 == 0)
                ck_ok(engine_wait(r.engine, RIG_WAIT_MS, &err));
        }
        ck_ok(engine_wait(r.engine, RIG_WAIT_MS, &err));
        ck_assert_uint_eq(rig_stats(&r).segments, before);
        ck_assert_uint_eq(rig_stats(&r).products, round ? MANY : 0);
        show(&r);
        struct view *v = engine_view(r.engine);
        ck_assert_uint_eq(v->catalogue->products, MANY);
        for (uint32_t no = 1; no <= MANY; no++)
            must_be(v, no, round ? "Second" : "First", GBP_PRICE + round);
        view_unref(v);
    }
    rig_release(&r);
}
END_TEST

SUITE("engine stage", what_is_staged_is_seen_when_it_is_shown_all_of_it_and_by_old_views_never,
      what_others_change_meanwhile_is_seen_at_once_and_stays,
      a_feed_that_nobody_ended_is_shown_from_the_next_start,
      readers_see_what_a_table_says_whatever_comes_between, a_feed_of_many_products_is_shown_whole)
