/* Maximal marginal relevance against the definition, computed anew for every choice. */
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

/* Distinct products, some unknown, by descending score. */
static size_t list_init(struct recommend_item *items, uint64_t seed)
{
    struct rng r;
    float score = 3;
    rng_init(&r, seed);
    size_t n = 0;
    for (uint32_t no = 1; no <= 2 * ROWS && n < LISTED; no++)
        if (rng_below(&r, 2)) {
            score *= 0.9f + 0.1f * (float)rng_unit(&r);
            items[n++] = (struct recommend_item){.product_no = no, .score = score};
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

/* The best of what is left, given what was taken. */
static size_t best_of(const struct model *o, const struct recommend_item *items, size_t n,
                      const bool *used, const uint32_t *taken, size_t taken_len, double diversity)
{
    size_t best = n;
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double like = 0;
        if (used[i])
            continue;
        for (size_t k = 0; k < taken_len; k++)
            like = fmax(like, cosine(o, items[i].product_no, taken[k]));
        double worth =
            (1 - diversity) * (double)(items[i].score / items[0].score) - diversity * like;
        if (worth > most + 1e-9) {
            most = worth;
            best = i;
        }
    }
    return best;
}

START_TEST(each_choice_is_the_best_that_is_left)
{
    static const double weights[] = {0.1, 0.5, 0.9, 1};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct model o;
        struct arena arena;
        struct err err;
        struct recommend_item items[LISTED], got[LISTED];
        uint32_t taken[LISTED];
        double diversity = weights[seed % 4];
        bool used[LISTED] = {false};
        arena_init(&arena, 0, 1 << 20);
        model_init(&o, seed);
        size_t n = list_init(items, seed + 100), want = 3 + seed;
        memcpy(got, items, sizeof got);
        ck_ok(diversify(&o.m, (float)diversity, got, n, want, &arena, &err));
        want = want < n ? want : n;
        for (size_t i = 0; i < want; i++) {
            size_t best = best_of(&o, items, n, used, taken, i, diversity);
            ck_assert_uint_eq(got[i].product_no, items[best].product_no);
            ck_assert_float_eq(got[i].score, items[best].score);
            used[best] = true;
            taken[i] = items[best].product_no;
        }
        for (size_t i = 0, k = want; i < n; i++) /* the others follow as they were */
            if (!used[i])
                ck_assert_uint_eq(got[k++].product_no, items[i].product_no);
        arena_release(&arena);
    }
}
END_TEST

START_TEST(without_diversity_or_vectors_nothing_changes)
{
    struct model o;
    struct arena arena;
    struct err err;
    struct recommend_item items[LISTED], got[LISTED];
    arena_init(&arena, 0, 1 << 20);
    model_init(&o, 1);
    size_t n = list_init(items, 2);
    memcpy(got, items, sizeof got);
    ck_ok(diversify(&o.m, 0, got, n, n, &arena, &err));
    ck_ok(diversify(NULL, 1, got, n, n, &arena, &err));
    ck_ok(diversify(&o.m, 1, got, 0, 5, &arena, &err));
    o.m.dim = 0;
    ck_ok(diversify(&o.m, 1, got, n, n, &arena, &err));
    ck_assert_mem_eq(got, items, n * sizeof *got);
    arena_release(&arena);
    arena_init(&arena, 0, 64);
    o.m.dim = DIM;
    ck_err(diversify(&o.m, 1, got, n, n, &arena, &err), ERR_LIMIT);
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

SUITE("diversity", each_choice_is_the_best_that_is_left,
      without_diversity_or_vectors_nothing_changes,
      how_different_a_list_is_is_the_mean_over_its_pairs)
