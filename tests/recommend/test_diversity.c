/* Lists that are chosen by more than scores against the definition, computed anew for every choice. */
#include "recommend/diversity.h"

#include <math.h>

#include "base/rng.h"
#include "num/vec.h"
#include "support/suite.h"

enum { ROWS = 60, DIM = 5, LISTED = 45, ALL_ZERO = 7 };

/* Product 2 r + 1 is row r; even numbers are not known. */
struct model {
    struct recommend_model m;
    uint32_t items[ROWS];
    float factors[ROWS * DIM];
};

static void model_init(struct model *o, uint64_t seed)
{
    struct rng r;
    struct err err;
    ck_ok(vec_init(&err));
    rng_init(&r, seed);
    for (uint32_t row = 0; row < ROWS; row++) {
        o->items[row] = 2 * row + 1;
        for (int k = 0; k < DIM; k++)
            o->factors[row * DIM + k] = row == ALL_ZERO ? 0 : (float)rng_normal(&r);
    }
    o->m = (struct recommend_model){.rows = ROWS, .dim = DIM, .items = o->items};
    o->m.vectors.exact = o->factors;
}

/* Distinct products, some unknown, by descending score; some of them boosted or buried. */
static size_t list_init(struct listed *items, uint64_t seed)
{
    static const float factors[] = {1, 1, 1, 1, 0.01F, 50};
    struct rng r;
    float score = 3;
    rng_init(&r, seed);
    size_t n = 0;
    for (uint32_t no = 1; no <= 2 * ROWS && n < LISTED; no++)
        if (rng_below(&r, 2)) {
            score *= 0.9f + 0.1f * (float)rng_unit(&r);
            items[n++] = (struct listed){.item = {.product_no = no, .score = score},
                                         .factor = seed % 3 ? 1 : factors[rng_below(&r, 6)],
                                         .novelty = (float)rng_unit(&r),
                                         .margin = (float)rng_unit(&r)};
        }
    return n;
}

static double cosine(const struct model *o, uint32_t a, uint32_t b)
{
    double ab = 0, aa = 0, bb = 0;
    if (a % 2 == 0 || b % 2 == 0)
        return 0;
    const float *x = o->factors + a / 2 * DIM, *y = o->factors + b / 2 * DIM;
    for (int k = 0; k < DIM; k++) {
        ab += (double)x[k] * (double)y[k];
        aa += (double)x[k] * (double)x[k];
        bb += (double)y[k] * (double)y[k];
    }
    return ab > 0 ? ab / sqrt(aa * bb) : 0;
}

/* The worth of an item beside those that were taken, by the definition. */
static double worth_of(const struct model *o, const struct listed *items, size_t n, size_t i,
                       const uint32_t *taken, size_t taken_len, const struct placement_weights *w)
{
    double like = 0, lowest = INFINITY, best = -INFINITY;
    for (size_t k = 0; k < taken_len; k++)
        like = fmax(like, cosine(o, items[i].item.product_no, taken[k]));
    for (size_t k = 0; k < n; k++) {
        lowest = fmin(lowest, (double)items[k].item.score / (double)items[k].factor);
        best = fmax(best, (double)items[k].item.score / (double)items[k].factor);
    }
    return (1 - (double)w->diversity) * ((double)items[i].item.score - lowest) / (best - lowest) -
           (double)w->diversity * like + (double)w->novelty * (double)items[i].novelty +
           (double)w->margin * (double)items[i].margin;
}

/* The best of what is left, given what was taken. */
static size_t best_of(const struct model *o, const struct listed *items, size_t n, const bool *used,
                      const uint32_t *taken, size_t taken_len, const struct placement_weights *w)
{
    size_t best = n;
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double worth = used[i] ? -INFINITY : worth_of(o, items, n, i, taken, taken_len, w);
        if (!used[i] && worth > most + 1e-6) {
            most = worth;
            best = i;
        }
    }
    return best;
}

static void check_list(const struct model *o, const struct placement_weights *w, uint64_t seed)
{
    struct arena arena;
    struct err err;
    struct listed items[LISTED], got[LISTED];
    uint32_t taken[LISTED];
    bool used[LISTED] = {false};
    arena_init(&arena, 0, 1 << 20);
    size_t n = list_init(items, seed + 100), want = 3 + seed;
    memcpy(got, items, sizeof got);
    ck_ok(diversify(&o->m, w, got, n, want, &arena, &err));
    want = want < n ? want : n;
    for (size_t i = 0; i < want; i++) {
        size_t best = best_of(o, items, n, used, taken, i, w);
        ck_assert_uint_eq(got[i].item.product_no, items[best].item.product_no);
        ck_assert_float_eq(got[i].item.score, items[best].item.score);
        ck_assert_double_eq_tol(got[i].worth, worth_of(o, items, n, best, taken, i, w), 1e-4);
        used[best] = true;
        taken[i] = items[best].item.product_no;
    }
    for (size_t i = 0, k = want; i < n; i++) /* the others follow as they were */
        if (!used[i]) {
            ck_assert_uint_eq(got[k].item.product_no, items[i].item.product_no);
            ck_assert_double_eq_tol(got[k++].worth, worth_of(o, items, n, i, taken, want, w), 1e-4);
        }
    arena_release(&arena);
}

START_TEST(each_choice_is_the_best_that_is_left)
{
    static const struct placement_weights weights[] = {
        {.diversity = 0.1F},
        {.diversity = 0.5F, .novelty = 0.2F},
        {.diversity = 0.9F, .margin = 0.4F},
        {.diversity = 1},
        {.novelty = 0.3F},
        {.margin = 0.3F},
        {.novelty = 1, .margin = 1, .diversity = 0.3F},
    };
    for (uint64_t seed = 0; seed < 28; seed++) {
        struct model o;
        model_init(&o, seed);
        check_list(&o, &weights[seed % 7], seed);
    }
}
END_TEST

START_TEST(a_boost_moves_nobody_else)
{
    struct arena arena;
    struct err err;
    const struct placement_weights w = {.novelty = 0.2F};
    struct listed items[LISTED], boosted[LISTED + 1];
    arena_init(&arena, 0, 1 << 20);
    size_t n = list_init(items, 1);
    memmove(boosted + 1, items, n * sizeof *items);
    boosted[0] = items[7];
    boosted[0].item.score *= 1000;
    boosted[0].factor = 1000;
    memmove(boosted + 8, boosted + 9, (n - 8) * sizeof *boosted);
    ck_ok(diversify(NULL, &w, items, n, n, &arena, &err));
    ck_ok(diversify(NULL, &w, boosted, n, n, &arena, &err));
    uint32_t first = boosted[0].item.product_no;
    for (size_t i = 0, k = 1; i < n; i++)
        if (items[i].item.product_no != first)
            ck_assert_uint_eq(boosted[k++].item.product_no, items[i].item.product_no);
    arena_release(&arena);
}
END_TEST

START_TEST(without_weights_or_vectors_nothing_changes)
{
    struct model o;
    struct arena arena;
    struct err err;
    const struct placement_weights none = {.novelty = 0}, all = {.diversity = 0.9F};
    struct listed items[LISTED], got[LISTED];
    arena_init(&arena, 0, 1 << 20);
    model_init(&o, 1);
    size_t n = list_init(items, 2);
    memcpy(got, items, sizeof got);
    ck_ok(diversify(&o.m, &none, got, n, n, &arena, &err));
    ck_ok(diversify(NULL, &all, got, n, n, &arena, &err));
    ck_ok(diversify(&o.m, &all, got, 0, 5, &arena, &err));
    o.m.dim = 0;
    ck_ok(diversify(&o.m, &all, got, n, n, &arena, &err));
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(got[i].item.product_no, items[i].item.product_no);
    ck_ok(diversify(NULL, &all, got, 1, 1, &arena, &err));
    ck_assert_float_eq(got[0].relevance, 1);
    arena_release(&arena);
    arena_init(&arena, 0, 64);
    ck_err(diversify(&o.m, &all, got, n, n, &arena, &err), ERR_LIMIT);
    arena_release(&arena);
}
END_TEST

START_TEST(how_different_a_list_is_is_the_mean_over_its_pairs)
{
    struct model o;
    model_init(&o, 3);
    static const uint32_t products[] = {1, 4, 2 * ALL_ZERO + 1, 9, 21};
    double sum = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < i; k++) {
            if (products[i] % 2 == 0 || products[k] % 2 == 0)
                continue;
            sum += 1 - cosine(&o, products[i], products[k]);
            pairs++;
        }
    ck_assert_uint_eq(pairs, 6);
    ck_assert_double_eq_tol(diversity_of(&o.m, products, 5), sum / 6, 1e-6);
    ck_assert_double_eq(diversity_of(&o.m, products + 1, 1), 0);
    ck_assert_double_eq(diversity_of(NULL, products, 5), 0);
}
END_TEST

SUITE("diversity", each_choice_is_the_best_that_is_left, a_boost_moves_nobody_else,
      without_weights_or_vectors_nothing_changes,
      how_different_a_list_is_is_the_mean_over_its_pairs)
