#include "train/neighbours.h"

#include <math.h>
#include <string.h>

#include "train/random_matrix.h"

enum { GROUPS = 80, ITEMS = 30, CELLS = 220 /* so few that many pairs meet only once */, KEEP = 6 };

/* Every pair, from the definition in neighbours.h. */
static double similarity(const double *dense, const struct neighbour_options *o, size_t i, size_t j)
{
    double sum = 0, n_i = 0, n_j = 0, shared = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        double size = 0;
        for (size_t k = 0; k < ITEMS; k++)
            size += dense[g * ITEMS + k] > 0;
        if (size == 0)
            continue;
        double damp = 1 / log2(1 + size);
        bool has_i = dense[g * ITEMS + i] > 0, has_j = dense[g * ITEMS + j] > 0;
        n_i += has_i ? damp : 0;
        n_j += has_j ? damp : 0;
        sum += has_i && has_j ? damp : 0;
        shared += has_i && has_j;
    }
    if (i == j || shared < o->support)
        return 0;
    return sum / sqrt(n_i * n_j) * shared / (shared + (double)o->shrink);
}

/* The same with BM25, from its definition, not yet over the greatest. */
static double similarity_bm25(const double *dense, const struct neighbour_options *o, size_t i,
                              size_t j)
{
    double sum = 0, shared = 0, n[2] = {0}, all = 0;
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t k = 0; k < ITEMS; k++) {
            n[0] += k == i ? dense[g * ITEMS + k] : 0;
            n[1] += k == j ? dense[g * ITEMS + k] : 0;
            all += dense[g * ITEMS + k];
        }
    for (size_t g = 0; g < GROUPS; g++) {
        const double w[2] = {dense[g * ITEMS + i], dense[g * ITEMS + j]};
        double size = 0, a[2];
        for (size_t k = 0; k < ITEMS; k++)
            size += dense[g * ITEMS + k] > 0;
        for (int x = 0; x < 2; x++) {
            double length = 1 - (double)o->b + (double)o->b * n[x] / (all / ITEMS);
            a[x] = fmax(log(ITEMS / (1 + size)), 0) * w[x] * ((double)o->bm25 + 1) /
                   ((double)o->bm25 * length + w[x]);
        }
        sum += a[0] * a[1];
        shared += w[0] > 0 && w[1] > 0;
    }
    if (i == j || shared < o->support)
        return 0;
    return sum * shared / (shared + (double)o->shrink);
}

START_TEST(neighbours_by_bm25_are_the_best_of_all_pairs)
{
    struct neighbour_options o = {
        .keep = KEEP, .shrink = 1, .group_max = ITEMS, .support = 2, .bm25 = 1.5f, .b = 0.6f};
    double dense[GROUPS * ITEMS], most = 0;
    struct neighbour_result got;
    struct matrix m;
    struct rng r;
    struct err err;
    rng_init(&r, 8);
    random_matrix(&r, GROUPS, ITEMS, CELLS, &m, dense);
    ck_ok(neighbours_fit(&m, &o, NULL, &got, &err));
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t j = 0; j < ITEMS; j++)
            most = fmax(most, similarity_bm25(dense, &o, i, j));
    for (size_t i = 0; i < ITEMS; i++) {
        size_t from = got.offsets[i], len = got.offsets[i + 1] - from, pairs = 0, better = 0;
        for (size_t j = 0; j < ITEMS; j++) {
            double s = similarity_bm25(dense, &o, i, j) / most;
            pairs += s > 0;
            better += len && s > (double)got.scores[from + len - 1] + 1e-5;
        }
        ck_assert_uint_eq(len, pairs < KEEP ? pairs : KEEP);
        ck_assert_uint_lt(better, KEEP);
        for (size_t k = from; k < from + len; k++)
            ck_assert_double_eq_tol((double)got.scores[k],
                                    similarity_bm25(dense, &o, i, got.rows[k]) / most, 1e-5);
    }
    neighbours_release(&got);
    matrix_release(&m);
}
END_TEST

START_TEST(neighbours_are_the_best_of_all_pairs)
{
    static const unsigned threads[] = {0, 1, 3};
    struct neighbour_options o = {.keep = KEEP, .shrink = 3, .group_max = ITEMS, .support = 2};
    double dense[GROUPS * ITEMS];
    struct matrix m;
    struct rng r;
    struct err err;
    rng_init(&r, 7);
    random_matrix(&r, GROUPS, ITEMS, CELLS, &m, dense);
    for (size_t t = 0; t < 3; t++) {
        struct neighbour_result got;
        struct pool *pool = NULL;
        if (threads[t])
            ck_ok(pool_new(&pool, "near", threads[t], 8, &err));
        ck_ok(neighbours_fit(&m, &o, pool, &got, &err));
        for (size_t i = 0; i < ITEMS; i++) {
            size_t len = got.offsets[i + 1] - got.offsets[i], pairs = 0, better = 0;
            const uint32_t *rows = got.rows + got.offsets[i];
            const float *scores = got.scores + got.offsets[i];
            for (size_t k = 0; k < len; k++) {
                ck_assert_double_eq_tol((double)scores[k], similarity(dense, &o, i, rows[k]), 1e-5);
                ck_assert(k == 0 || scores[k - 1] > scores[k] ||
                          (scores[k - 1] == scores[k] && rows[k - 1] < rows[k]));
            }
            for (size_t j = 0; j < ITEMS; j++) {
                double s = similarity(dense, &o, i, j);
                pairs += s > 0;
                better += len && s > (double)scores[len - 1] + 1e-5;
            }
            ck_assert_uint_eq(len, pairs < KEEP ? pairs : KEEP);
            ck_assert_uint_lt(better, KEEP);
        }
        neighbours_release(&got);
        pool_free(pool);
    }
    matrix_release(&m);
}
END_TEST

START_TEST(a_huge_group_counts_with_its_last_items_only)
{
    struct neighbour_options o = {.keep = 10, .shrink = 0, .group_max = 3, .support = 1};
    struct matrix_cell cells[10];
    struct neighbour_result got;
    struct matrix m;
    struct err err;
    for (uint32_t i = 0; i < 10; i++)
        cells[i] = (struct matrix_cell){0, i, 1};
    ck_ok(matrix_build(cells, 10, 1, 10, &m, &err));
    ck_ok(neighbours_fit(&m, &o, NULL, &got, &err));
    for (uint32_t i = 0; i < 10; i++)
        for (uint32_t k = got.offsets[i]; k < got.offsets[i + 1]; k++)
            ck_assert_uint_ge(got.rows[k], 7);
    ck_assert_uint_eq(got.offsets[10] - got.offsets[9], 2);
    neighbours_release(&got);
    matrix_release(&m);
}
END_TEST

START_TEST(items_without_groups_have_no_neighbours)
{
    struct neighbour_options o = {.keep = 4, .shrink = 1, .group_max = 5, .support = 2};
    struct neighbour_result got;
    struct matrix m;
    struct err err;
    ck_ok(matrix_build(NULL, 0, 0, 5, &m, &err));
    ck_ok(neighbours_fit(&m, &o, NULL, &got, &err));
    ck_assert_uint_eq(got.offsets[5], 0);
    neighbours_release(&got);
    matrix_release(&m);
}
END_TEST

SUITE("neighbours", neighbours_by_bm25_are_the_best_of_all_pairs,
      neighbours_are_the_best_of_all_pairs, a_huge_group_counts_with_its_last_items_only,
      items_without_groups_have_no_neighbours)
