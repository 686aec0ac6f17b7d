/* test_layout.c - lists that are the same however the products are spread over segments, at a size where
 * not all candidates are ordered and not all have room. */
#include "base/rng.h"
#include "num/vec.h"
#include "rank/view_fixture.h"
#include "recommend/candidates.h"
#include "recommend/recommend.h"

/* All are oak, so that alone is more than there is room for; a colour is of few enough. */
enum { PRODUCTS = 3 * CANDIDATES_MAX / 4, COLOURS = 5, PAGE = 1, LIMIT = 30 };
#define NOW ((int64_t)1750000000 * 1000000)

static const char *const colours[COLOURS] = {"red", "green", "blue", "white", "black"};

static uint32_t colour_of(uint32_t no)
{
    return no % COLOURS;
}

struct texts {
    char id[16], title[32];
};

static struct product product_of(uint32_t no, const char *title, struct texts *t)
{
    snprintf(t->id, sizeof t->id, "P%u", no);
    snprintf(t->title, sizeof t->title, "%s", title);
    struct product p = fixture_product(no, t->id, t->title);
    p.price_minor = no;
    return p;
}

/* The products of [first, end), every step-th, as one segment. */
static void index_every(struct view_fixture *f, uint32_t first, uint32_t step, bool old)
{
    static struct texts texts[PRODUCTS + 1];
    static struct product products[PRODUCTS + 1];
    static const struct product *list[PRODUCTS + 1];
    size_t n = 0;
    for (uint32_t no = first; no <= PRODUCTS; no += step) {
        char title[32];
        snprintf(title, sizeof title, "oak %s", old ? "grey" : colours[colour_of(no)]);
        products[n] = product_of(no, title, &texts[n]);
        products[n].currency = f->shop.currency;
        fixture_live(f, &products[n]);
        list[n] = &products[n];
        n++;
    }
    fixture_index(f, list, n);
}

static void one_segment(struct view_fixture *f)
{
    fixture_init(f);
    index_every(f, 1, 1, false);
}

/* Seven, the highest numbers first, over an older one of which all products were replaced. */
static void many_segments(struct view_fixture *f)
{
    fixture_init(f);
    index_every(f, 1, 3, true);
    for (uint32_t first = 7; first >= 1; first--)
        index_every(f, first, 7, false);
}

static struct recommend_result similar(struct view_fixture *f, const char *filter)
{
    static const uint32_t context[] = {PAGE};
    struct recommend_result out;
    struct err err;
    struct recommend_request r = {.placement = PLACEMENT_SIMILAR,
                                  .limit = LIMIT,
                                  .now_us = NOW,
                                  .context = context,
                                  .context_len = 1,
                                  .filter = filter ? fixture_filter(f, filter) : NULL};
    ck_ok(recommend_run(f->view, &r, &f->arena, &out, &err));
    return out;
}

/* Of the colour of the page, the lower numbers first: the common word was left out. */
static void check(const struct recommend_result *got, uint32_t from)
{
    uint32_t no = from;
    ck_assert_uint_eq(got->len, LIMIT);
    for (size_t i = 0; i < LIMIT; i++, no++) {
        while (no == PAGE || colour_of(no) != colour_of(PAGE))
            no++;
        ck_assert_uint_eq(got->items[i].product_no, no);
        ck_assert_int_eq(got->items[i].reason, REASON_SIMILAR);
        ck_assert(got->items[i].score == got->items[0].score);
    }
}

START_TEST(similar_products_are_the_same_in_one_segment_and_in_many)
{
    static void (*const layouts[])(struct view_fixture * f) = {one_segment, many_segments};
    struct err err;
    ck_ok(vec_init(&err));
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct view_fixture f;
        layouts[i](&f);
        struct recommend_result all = similar(&f, NULL), dear = similar(&f, "price >= 1400");
        check(&all, 1);
        /* Most are refused, so the list is chosen in rounds that grow. Of the common word there would be
         * room for some of these. */
        check(&dear, 1400);
        fixture_release(&f);
    }
}
END_TEST

/* Without a word that is rare enough some products of a common one are better than none. */
START_TEST(of_a_common_word_alone_the_lower_numbers_are_taken)
{
    static struct texts texts;
    struct view_fixture f;
    struct err err;
    ck_ok(vec_init(&err));
    many_segments(&f);
    struct product p = product_of(PAGE, "oak", &texts);
    p.currency = f.shop.currency;
    fixture_put(&f, &p);
    struct recommend_result got = similar(&f, NULL);
    ck_assert_uint_eq(got.len, LIMIT);
    for (uint32_t i = 0; i < LIMIT; i++)
        ck_assert_uint_eq(got.items[i].product_no, i + 2);
    fixture_release(&f);
}
END_TEST

SUITE("layout", similar_products_are_the_same_in_one_segment_and_in_many,
      of_a_common_word_alone_the_lower_numbers_are_taken)
