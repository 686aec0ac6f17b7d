/* test_content.c - what a product's record says: which features two records share, and how they add up. */
#include "engine/content.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "num/vec.h"
#include "support/suite.h"

static struct content_reader reader;

static size_t read_product(const struct product *p, struct content_feature *out)
{
    struct err err;
    if (!reader.analyser)
        content_reader_init(&reader);
    ck_ok(vec_init(&err));
    ck_ok(content_read(&reader, p, &err));
    for (size_t i = 1; i < reader.len; i++)
        ck_assert_uint_lt(reader.features[i - 1].key, reader.features[i].key);
    memcpy(out, reader.features, reader.len * sizeof *out);
    return reader.len;
}

/* How many features of a kind two records share. */
static size_t shared(const struct product *p, const struct product *q, enum content_kind kind)
{
    struct content_feature a[CONTENT_FEATURES_MAX], b[CONTENT_FEATURES_MAX];
    size_t n = read_product(p, a), m = read_product(q, b), found = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            found += a[i].key == b[j].key && content_kind_of(a[i].key) == kind;
    return found;
}

static size_t of_kind(const struct product *p, enum content_kind kind)
{
    return shared(p, p, kind);
}

#define PRICED(...)  (&(struct product){__VA_ARGS__})
#define PRODUCT(...) PRICED(.price_minor = STORE_NO_AMOUNT, __VA_ARGS__)
#define TITLE(t)     .title = STR_LIT(t)

START_TEST(words_meet_folded_and_stemmed)
{
    const struct product *p = PRODUCT(TITLE("Running Shoes, blue"));
    ck_assert_uint_eq(of_kind(p, CONTENT_WORD), 3);
    ck_assert_uint_eq(of_kind(p, CONTENT_PAIR), 2);
    ck_assert_uint_eq(shared(p, PRODUCT(TITLE("run shoe")), CONTENT_WORD), 2);
    ck_assert_uint_eq(shared(p, PRODUCT(TITLE("run shoe")), CONTENT_PAIR), 1);
    ck_assert_uint_eq(shared(p, PRODUCT(TITLE("shoe run")), CONTENT_PAIR), 0);
    ck_assert_uint_eq(of_kind(PRODUCT(TITLE("tea tea tea")), CONTENT_WORD), 1);
}
END_TEST

START_TEST(chinese_titles_meet_in_pairs_of_characters)
{
    const struct product *p = PRODUCT(TITLE("跑步运动鞋"));
    ck_assert_uint_ge(shared(p, PRODUCT(TITLE("運動鞋")), CONTENT_WORD), 2);
    ck_assert_uint_eq(of_kind(p, CONTENT_PAIR), 0);
}
END_TEST

START_TEST(a_translation_is_a_title_too)
{
    const struct product *p =
        PRODUCT(TITLE("tea"), .translations = STR_LIT("{\"zh\":{\"brand\":\"x\",\"title\":"
                                                      "\"乌龙茶\"},\"fr\":7}"));
    ck_assert_uint_ge(shared(p, PRODUCT(TITLE("乌龙茶")), CONTENT_WORD), 2);
}
END_TEST

START_TEST(a_category_is_in_its_ancestors)
{
    const struct product *p = PRODUCT(TITLE("x"), .category = STR_LIT("Home > Kitchen > Pots"));
    ck_assert_uint_eq(of_kind(p, CONTENT_CATEGORY), 3);
    ck_assert_uint_eq(shared(p, PRODUCT(TITLE("y"), .category = STR_LIT("home > kitchen > Pans")),
                             CONTENT_CATEGORY),
                      2);
}
END_TEST

START_TEST(attributes_meet_by_name_and_value)
{
    const struct product *p =
        PRODUCT(TITLE("x"), .attributes = STR_LIT("{\"color\":[\"Red\",\"blue\"],\"big\":true,"
                                                  "\"odd\":{\"a\":1},\"none\":null}"));
    ck_assert_uint_eq(of_kind(p, CONTENT_ATTRIBUTE), 3);
    ck_assert_uint_eq(shared(p, PRODUCT(TITLE("y"), .attributes = STR_LIT("{\"color\":\"red\"}")),
                             CONTENT_ATTRIBUTE),
                      1);
    ck_assert_uint_eq(shared(p, PRODUCT(TITLE("y"), .attributes = STR_LIT("{\"tint\":\"red\"}")),
                             CONTENT_ATTRIBUTE),
                      0);
    ck_assert_uint_eq(
        shared(p, PRODUCT(TITLE("y"), .attributes = STR_LIT("{\"big\":false}")), CONTENT_ATTRIBUTE),
        0);
    ck_assert_uint_eq(
        of_kind(PRODUCT(TITLE("x"), .attributes = STR_LIT("{\"color\":")), CONTENT_ATTRIBUTE), 0);
}
END_TEST

START_TEST(prices_that_are_near_are_alike)
{
    const struct product *p = PRICED(TITLE("x"), .price_minor = 1000, .currency = 1);
    const struct product *near = PRICED(TITLE("x"), .price_minor = 1020, .currency = 1);
    const struct product *far = PRICED(TITLE("x"), .price_minor = 9000, .currency = 1);
    const struct product *other = PRICED(TITLE("x"), .price_minor = 1000, .currency = 2);
    ck_assert_uint_eq(of_kind(PRODUCT(TITLE("x")), CONTENT_PRICE), 0);
    ck_assert_uint_eq(of_kind(p, CONTENT_PRICE), 2);
    ck_assert_uint_eq(shared(p, near, CONTENT_PRICE), 2);
    ck_assert_uint_eq(shared(p, far, CONTENT_PRICE), 0);
    ck_assert_uint_eq(shared(p, other, CONTENT_PRICE), 0);
    /* 0 is a price, and one power of two */
    ck_assert_uint_eq(of_kind(PRICED(TITLE("x"), .price_minor = 0), CONTENT_PRICE), 1);
}
END_TEST

START_TEST(a_flood_of_words_is_cut)
{
    static char title[STORE_TITLE_MAX];
    struct content_feature out[CONTENT_FEATURES_MAX];
    size_t n = 0;
    for (unsigned i = 0; n + 8 < sizeof title; i++)
        n += (size_t)snprintf(title + n, sizeof title - n, "w%c%c ", 'a' + (int)(i % 26),
                              'a' + (int)(i / 26 % 26));
    struct product p = {.title = {title, n}, .price_minor = STORE_NO_AMOUNT};
    ck_assert_uint_eq(read_product(&p, out), CONTENT_FEATURES_MAX);
}
END_TEST

START_TEST(a_product_is_put_where_its_features_add_up_to)
{
    const uint64_t keys[] = {5, 9};
    const float idf[] = {2, 1}, weights[] = {1, 0, 0, 10};
    const struct content_tower t = {
        .features = 2, .dim = 2, .products = 3, .keys = keys, .idf = idf, .weights = weights};
    const struct content_feature f[] = {{5, 1}, {7, 1}, {9, 0.5f}};
    struct content_vector v;
    struct err err;
    float x[2];
    ck_ok(vec_init(&err));
    double unknown = 1 + log(4.0 / 2), length = sqrt(4 + unknown * unknown + 0.25);
    content_vector_of(&t, f, 3, &v);
    ck_assert_uint_eq(v.len, 2);
    content_embed(&t, &v, x);
    ck_assert_float_eq_tol(x[0], (float)(2 / length), 1e-6f);
    ck_assert_float_eq_tol(x[1], (float)(5 / length), 1e-6f);
    content_vector_of(&t, f + 1, 1, &v);
    ck_assert_uint_eq(v.len, 0);
    content_embed(&t, &v, x);
    ck_assert_float_eq(x[0], 0);
}
END_TEST

SUITE("content", words_meet_folded_and_stemmed, chinese_titles_meet_in_pairs_of_characters,
      a_translation_is_a_title_too, a_category_is_in_its_ancestors,
      attributes_meet_by_name_and_value, prices_that_are_near_are_alike, a_flood_of_words_is_cut,
      a_product_is_put_where_its_features_add_up_to)
