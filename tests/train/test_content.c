/* test_content.c - the tower against dense normal equations in double precision. */
#include "train/content.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"
#include "num/vec.h"
#include "train/random_matrix.h"
#include "train/recommend_content.h"

enum { USERS = 14, ITEMS = 30, FEATURES = 11, DIM = 4, SIZE = FEATURES * DIM };

struct problem {
    struct matrix features, by_item;
    double dense_features[ITEMS * FEATURES], dense_acts[ITEMS * USERS];
    float users[USERS * DIM];
    struct content_options o;
};

static void problem_init(struct problem *p, uint64_t seed)
{
    struct rng r;
    struct err err;
    ck_ok(vec_init(&err));
    dense_init();
    rng_init(&r, seed);
    random_matrix(&r, ITEMS, FEATURES, 90, &p->features, p->dense_features);
    /* so few that some items have nobody */
    random_matrix(&r, ITEMS, USERS, 60, &p->by_item, p->dense_acts);
    for (size_t i = 0; i < USERS * DIM; i++)
        p->users[i] = 0.3f * (float)rng_normal(&r);
    p->o = (struct content_options){
        .alpha = 2, .mu = 0.7f, .dim = DIM, .iterations = 200, .residual = 1e-6f};
}

static void problem_release(struct problem *p)
{
    matrix_release(&p->features);
    matrix_release(&p->by_item);
}

static bool known(const struct problem *p, size_t item)
{
    for (size_t u = 0; u < USERS; u++)
        if (p->dense_acts[item * USERS + u] > 0)
            return true;
    return false;
}

/* A cell's unknowns: its item's features times its user's factors. */
static void cell_of(const struct problem *p, size_t item, size_t user, double *out)
{
    for (size_t f = 0; f < FEATURES; f++)
        for (size_t k = 0; k < DIM; k++)
            out[f * DIM + k] =
                p->dense_features[item * FEATURES + f] * (double)p->users[user * DIM + k];
}

/* Gauss's elimination with pivots over the normal equations of every cell. */
static void solve(const struct problem *p, double w[SIZE])
{
    static double a[SIZE][SIZE + 1];
    memset(a, 0, sizeof a);
    for (size_t i = 0; i < SIZE; i++)
        a[i][i] = (double)p->o.mu;
    for (size_t item = 0; item < ITEMS; item++)
        for (size_t u = 0; u < USERS && known(p, item); u++) {
            double x[SIZE], weight = p->dense_acts[item * USERS + u];
            double c = 1 + (double)p->o.alpha * weight;
            cell_of(p, item, u, x);
            for (size_t i = 0; i < SIZE; i++) {
                for (size_t j = 0; j < SIZE; j++)
                    a[i][j] += c * x[i] * x[j];
                a[i][SIZE] += weight > 0 ? c * x[i] : 0;
            }
        }
    for (size_t k = 0; k < SIZE; k++) {
        size_t best = k;
        for (size_t i = k; i < SIZE; i++)
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        for (size_t j = k; j <= SIZE; j++) {
            double t = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = t;
        }
        for (size_t i = 0; i < SIZE; i++) {
            double factor = i == k ? 0 : a[i][k] / a[k][k];
            for (size_t j = k; j <= SIZE && i != k; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
    for (size_t k = 0; k < SIZE; k++)
        w[k] = a[k][SIZE] / a[k][k];
}

START_TEST(the_tower_minimises_the_loss_of_als_over_what_somebody_had)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        struct problem p;
        struct err err;
        double want[SIZE];
        float got[SIZE];
        problem_init(&p, seed);
        solve(&p, want);
        ck_ok(content_fit(&p.features, &p.by_item, p.users, &p.o, NULL, got, &err));
        for (size_t i = 0; i < SIZE; i++)
            ck_assert_double_eq_tol((double)got[i], want[i], 1e-4);
        problem_release(&p);
    }
}
END_TEST

START_TEST(threads_change_no_bit)
{
    struct problem p;
    struct err err;
    struct pool *pool;
    float alone[SIZE], together[SIZE];
    problem_init(&p, 7);
    p.o.iterations = 5; /* not at the solution yet */
    ck_ok(pool_new(&pool, "test", 3, 8, &err));
    ck_ok(content_fit(&p.features, &p.by_item, p.users, &p.o, NULL, alone, &err));
    ck_ok(content_fit(&p.features, &p.by_item, p.users, &p.o, pool, together, &err));
    ck_assert(memcmp(alone, together, sizeof alone) == 0);
    pool_free(pool);
    problem_release(&p);
}
END_TEST

START_TEST(factors_that_are_not_finite_are_refused)
{
    struct problem p;
    struct err err;
    float w[SIZE];
    problem_init(&p, 3);
    p.users[5] = INFINITY;
    ck_err(content_fit(&p.features, &p.by_item, p.users, &p.o, NULL, w, &err), ERR_INVALID);
    problem_release(&p);
}
END_TEST

/* --- catalogues ------------------------------------------------------------------------------ */

/* Products of features 10, 20, ... each with weight 1. */
static void add_product(struct content_catalogue *c, uint32_t no, const uint64_t *keys, size_t n)
{
    struct content_feature features[8];
    struct err err;
    for (size_t i = 0; i < n; i++)
        features[i] = (struct content_feature){keys[i], 1};
    ck_ok(content_catalogue_add(c, &(struct content_product){no, no, 0}, features, n, &err));
}

static uint64_t tag(uint64_t n)
{
    return (uint64_t)CONTENT_TAG << CONTENT_KIND_SHIFT | n;
}

static void small_catalogue(struct content_catalogue *c)
{
    *c = (struct content_catalogue){0};
    add_product(c, 3, (uint64_t[]){1, 2, tag(1)}, 3);
    add_product(c, 5, (uint64_t[]){1, 3, tag(1)}, 3);
    add_product(c, 9, (uint64_t[]){1, 2, tag(2)}, 3);
    add_product(c, 11, NULL, 0);
}

START_TEST(a_vocabulary_holds_what_products_share)
{
    struct content_catalogue c;
    struct content_tower t;
    struct err err;
    small_catalogue(&c);
    ck_ok(content_vocabulary(&c, CONTENT_ALL, 100, &t, &err));
    ck_assert_uint_eq(t.features, 3);
    ck_assert_uint_eq(t.keys[0], 1);
    ck_assert_uint_eq(t.keys[1], 2);
    ck_assert_uint_eq(t.keys[2], tag(1));
    ck_assert_float_eq_tol(t.idf[0], (float)(1 + log(5.0 / 4)), 1e-6f);
    ck_assert_float_eq_tol(t.idf[1], (float)(1 + log(5.0 / 3)), 1e-6f);
    content_tower_release(&t);
    ck_ok(content_vocabulary(&c, 1u << CONTENT_WORD, 100, &t, &err));
    ck_assert_uint_eq(t.features, 2);
    content_tower_release(&t);
    /* of equals the lower key */
    ck_ok(content_vocabulary(&c, CONTENT_ALL, 2, &t, &err));
    ck_assert_uint_eq(t.features, 2);
    ck_assert_uint_eq(t.keys[0], 1);
    ck_assert_uint_eq(t.keys[1], 2);
    content_tower_release(&t);
    content_catalogue_release(&c);
}
END_TEST

START_TEST(rows_of_a_matrix_are_the_products_vectors)
{
    struct content_catalogue c;
    struct content_tower t;
    struct matrix m;
    struct err err;
    small_catalogue(&c);
    ck_ok(content_vocabulary(&c, CONTENT_ALL, 100, &t, &err));
    ck_ok(content_matrix(&t, &c, CONTENT_ALL, (uint32_t[]){1, UINT32_MAX, 4, 5}, 7, &m, &err));
    ck_assert_uint_eq(m.rows, 7);
    ck_assert_uint_eq(m.columns, 3);
    const uint64_t offsets[] = {0, 0, 3, 3, 3, 5, 5, 5};
    ck_assert(memcmp(m.offsets, offsets, sizeof offsets) == 0);
    /* product 9: features 1 and 2, and a tag that nobody shares and that counts for the length */
    double a = 1 + log(5.0 / 4), b = 1 + log(5.0 / 3), u = 1 + log(5.0 / 2);
    double length = sqrt(a * a + b * b + u * u);
    ck_assert_uint_eq(m.column[3], 0);
    ck_assert_uint_eq(m.column[4], 1);
    ck_assert_float_eq_tol(m.value[3], (float)(a / length), 1e-6f);
    ck_assert_float_eq_tol(m.value[4], (float)(b / length), 1e-6f);
    matrix_release(&m);
    content_tower_release(&t);
    content_catalogue_release(&c);
}
END_TEST

START_TEST(what_reads_alike_is_the_best_of_all_pairs)
{
    enum { KEEP = 4 };
    struct problem p;
    struct err err;
    struct neighbour_result got;
    struct pool *pool;
    problem_init(&p, 9);
    for (uint32_t i = 0; i < ITEMS; i++) { /* rows of length 1 */
        double square = 0;
        for (uint64_t k = p.features.offsets[i]; k < p.features.offsets[i + 1]; k++)
            square += (double)p.features.value[k] * (double)p.features.value[k];
        for (uint64_t k = p.features.offsets[i]; k < p.features.offsets[i + 1]; k++)
            p.features.value[k] /= (float)sqrt(square);
        for (size_t f = 0; f < FEATURES && square > 0; f++)
            p.dense_features[i * FEATURES + f] /= sqrt(square);
    }
    ck_ok(pool_new(&pool, "alike", 3, 8, &err));
    ck_ok(content_neighbours_fit(&p.features, KEEP, pool, &got, &err));
    for (size_t i = 0; i < ITEMS; i++) {
        size_t from = got.offsets[i], len = got.offsets[i + 1] - from, shared = 0, better = 0;
        for (size_t j = 0; j < ITEMS; j++) {
            double cosine = 0;
            for (size_t f = 0; f < FEATURES; f++)
                cosine += p.dense_features[i * FEATURES + f] * p.dense_features[j * FEATURES + f];
            shared += j != i && cosine > 0;
            better += j != i && len && cosine > (double)got.scores[from + len - 1] + 1e-5;
            for (size_t k = 0; k < len; k++)
                if (got.rows[from + k] == j)
                    ck_assert_double_eq_tol((double)got.scores[from + k], cosine, 1e-5);
        }
        ck_assert_uint_eq(len, shared < KEEP ? shared : KEEP);
        ck_assert_uint_lt(better, len ? len : 1);
    }
    neighbours_release(&got);
    pool_free(pool);
    problem_release(&p);
}
END_TEST

START_TEST(a_product_goes_from_what_its_record_says_to_what_its_shoppers_say)
{
    enum { HOURS = 1000 };
    for (uint64_t seed = 1; seed < 6; seed++) {
        struct problem p;
        struct err err;
        float y[ITEMS * DIM], x[ITEMS * DIM];
        struct content_product products[ITEMS];
        uint32_t row[ITEMS], had = 0;
        problem_init(&p, seed);
        for (uint32_t i = 0; i < ITEMS; i++) {
            row[i] = ITEMS - 1 - i;
            products[i] = (struct content_product){.created_at = 10 * i};
            had += known(&p, i);
        }
        for (size_t i = 0; i < ITEMS * DIM; i++)
            y[i] = x[i] = 1 + (float)i / 10;
        const struct content_catalogue catalogue = {.len = ITEMS, .products = products};
        struct recommend_content c = {.catalogue = &catalogue,
                                      .row = row,
                                      .features = p.features,
                                      .tower = {.features = FEATURES}};
        const struct recommend_place o = {.fit = p.o, .now = HOURS, .since = 0};
        ck_ok(recommend_content_place(&c, &p.by_item, p.users, &o, x, &err));
        double acts = 0;
        for (size_t i = 0; i < ITEMS * USERS; i++)
            acts += p.dense_acts[i] > 0;
        for (uint32_t i = 0; i < ITEMS; i++) {
            size_t r = row[i];
            double n = 0, expected = acts / had * (HOURS - 10.0 * i) / HOURS;
            for (size_t u = 0; u < USERS; u++)
                n += p.dense_acts[r * USERS + u] > 0;
            for (size_t k = 0; k < DIM; k++) {
                double tower = 0;
                for (size_t f = 0; f < FEATURES; f++)
                    tower +=
                        p.dense_features[r * FEATURES + f] * (double)c.tower.weights[f * DIM + k];
                double want = n / (3 + n) * (double)y[r * DIM + k] +
                              3 / (3 + n) * (1 + n) / (1 + expected) * tower;
                ck_assert_double_eq_tol((double)x[r * DIM + k], want, 1e-4 * (1 + fabs(want)));
            }
        }
        content_tower_release(&c.tower);
        problem_release(&p);
    }
}
END_TEST

SUITE("content", a_product_goes_from_what_its_record_says_to_what_its_shoppers_say,
      what_reads_alike_is_the_best_of_all_pairs,
      the_tower_minimises_the_loss_of_als_over_what_somebody_had, threads_change_no_bit,
      factors_that_are_not_finite_are_refused, a_vocabulary_holds_what_products_share,
      rows_of_a_matrix_are_the_products_vectors)
