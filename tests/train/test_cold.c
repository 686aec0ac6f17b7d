/* test_cold.c - what is hidden is hidden, and what products' records say is found. */
#include "train/cold.h"

#include "base/rng.h"

#include "num/dense.h"
#include "num/small.h"
#include "num/vec.h"
#include "support/suite.h"

enum { USERS = 120, PRODUCTS = 100, TASTES = 4, ACTS = 15 };

static uint64_t word(uint64_t n)
{
    return (uint64_t)CONTENT_WORD << CONTENT_KIND_SHIFT | n;
}

/* Shoppers like the products of one of four tastes. A product's group is its number: fold no % 10. Words say the
 * taste, or (misleading) nothing. */
static void make(struct interactions *acts, struct content_catalogue *c, bool misleading)
{
    struct derive_options o = derive_defaults();
    struct rng r;
    struct err err;
    dense_init();
    ck_ok(vec_init(&err));
    small_init();
    rng_init(&r, 5);
    *acts = (struct interactions){0};
    *c = (struct content_catalogue){0};
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        uint64_t said = misleading ? rng_below(&r, TASTES) : no / 10 % TASTES;
        const struct content_feature words[] = {{word(said), 1}, {word(100 + no % 13), 1}};
        ck_ok(content_catalogue_add(c, &(struct content_product){no, no, 0}, words, 2, &err));
    }
    for (uint32_t user = 1; user <= USERS; user++)
        for (int i = 0; i < ACTS; i++) {
            uint32_t no;
            do
                no = 1 + (uint32_t)rng_below(&r, PRODUCTS);
            while (no / 10 % TASTES != user % TASTES);
            ck_ok(interactions_append(acts, user, no, 1600000000000000 + i, 8, EVENT_PURCHASE, 1,
                                      &err));
        }
    ck_ok(interactions_sort(acts, &o, &err));
}

static void release(struct interactions *acts, struct content_catalogue *c)
{
    interactions_release(acts);
    content_catalogue_release(c);
}

static struct cold_options options(uint32_t fold)
{
    struct cold_options o = {
        .fold = fold, .k = 5, .alike = cold_alike(), .params = recommend_defaults()};
    o.params.dim = 8;
    o.params.regularisation = 1;
    o.params.content = 0.1f;
    return o;
}

START_TEST(records_lead_to_products_that_nobody_had)
{
    struct interactions acts;
    struct content_catalogue c;
    struct cold_result told, misled;
    struct err err;
    struct cold_options o = options(0);
    make(&acts, &c, false);
    ck_ok(cold_measure(&acts, &c, &o, &told, &err));
    release(&acts, &c);
    make(&acts, &c, true);
    ck_ok(cold_measure(&acts, &c, &o, &misled, &err));
    release(&acts, &c);
    ck_assert_uint_eq(told.products, PRODUCTS);
    ck_assert_uint_eq(told.cold, 10);
    ck_assert_uint_eq(told.acts + told.cold_acts, USERS * ACTS);
    ck_assert_double_gt(told.among[COLD_TOWER].ndcg, 0.8);
    ck_assert_double_gt(told.among[COLD_CONTENT].ndcg, 0.8);
    ck_assert_double_gt(told.among[COLD_TITLES].ndcg, 0.5);
    ck_assert_double_lt(misled.among[COLD_TOWER].ndcg, 0.7);
    ck_assert_double_eq(told.together[COLD_POPULARITY].ndcg, 0); /* it knows none of them */
    for (int m = 0; m < COLD_MODELS; m++)
        ck_assert(told.among[m].ndcg >= told.together[m].ndcg);
}
END_TEST

START_TEST(the_fold_for_the_end_is_away_while_another_is_measured)
{
    struct interactions acts;
    struct content_catalogue c;
    struct cold_result r;
    struct err err;
    struct cold_options o = options(3);
    size_t at_end = 0;
    make(&acts, &c, false);
    for (size_t i = 0; i < acts.len; i++)
        at_end += acts.product_no[i] % 10 == 0;
    ck_ok(cold_measure(&acts, &c, &o, &r, &err));
    ck_assert_uint_eq(r.products, PRODUCTS - 10);
    ck_assert_uint_eq(r.cold, 10);
    ck_assert_uint_eq(r.acts + r.cold_acts, USERS * ACTS - at_end);
    release(&acts, &c);
}
END_TEST

START_TEST(a_shop_without_a_catalogue_has_nothing_cold)
{
    struct interactions acts;
    struct content_catalogue c, none = {0};
    struct cold_result r;
    struct err err;
    struct cold_options o = options(1);
    make(&acts, &c, false);
    ck_err(cold_measure(&acts, &none, &o, &r, &err), ERR_INVALID);
    release(&acts, &c);
}
END_TEST

SUITE("cold", records_lead_to_products_that_nobody_had,
      the_fold_for_the_end_is_away_while_another_is_measured,
      a_shop_without_a_catalogue_has_nothing_cold)
