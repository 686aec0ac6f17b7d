#include "eval/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "support/suite.h"

enum { ITEMS = 40, USERS = 300 };

static void shuffle(struct rng *r, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = rng_below(r, i);
        uint32_t t = items[i - 1];
        items[i - 1] = items[k];
        items[k] = t;
    }
}

/* The definitions of ranking.h, word by word. */
static struct user_metrics by_definition(const uint32_t *ranked, size_t n, const bool *in_truth,
                                         size_t truth_len, size_t k)
{
    double hits = 0, dcg = 0, ideal = 0, mrr = 0;
    for (size_t rank = 1; rank <= n && rank <= k; rank++)
        if (in_truth[ranked[rank - 1]]) {
            hits++;
            dcg += 1 / log2((double)rank + 1);
            if (mrr == 0)
                mrr = 1 / (double)rank;
        }
    for (size_t rank = 1; rank <= truth_len && rank <= k; rank++)
        ideal += 1 / log2((double)rank + 1);
    return (struct user_metrics){
        .recall = hits / (double)truth_len, .ndcg = dcg / ideal, .hit = hits > 0, .mrr = mrr};
}

/* Mean absolute difference over all pairs, over twice the mean. */
static double gini_by_definition(const uint32_t *shown)
{
    double sum = 0, difference = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        sum += shown[i];
        for (size_t k = 0; k < ITEMS; k++)
            difference += fabs((double)shown[i] - (double)shown[k]);
    }
    return difference / (2.0 * ITEMS * sum);
}

START_TEST(metrics_are_those_of_the_definitions)
{
    struct ranking_totals parts[2], *all = &parts[0];
    struct rng r;
    struct err err;
    uint32_t shown[ITEMS] = {0};
    double ndcg = 0, gini;
    size_t covered = 0;
    rng_init(&r, 2);
    ck_ok(ranking_init(&parts[0], ITEMS, &err));
    ck_ok(ranking_init(&parts[1], ITEMS, &err));
    for (int u = 0; u < USERS; u++) {
        uint32_t ranked[ITEMS], truth[ITEMS];
        bool in_truth[ITEMS] = {false};
        size_t k = 1 + rng_below(&r, 15), n = rng_below(&r, ITEMS / 2), truth_len = 0;
        for (uint32_t i = 0; i < ITEMS; i++) {
            ranked[i] = i;
            in_truth[i] = rng_below(&r, 6) == 0 || i == 7;
            if (in_truth[i])
                truth[truth_len++] = i;
        }
        shuffle(&r, ranked, ITEMS);
        struct user_metrics got = ranking_measure(ranked, n, truth, truth_len, k);
        struct user_metrics want = by_definition(ranked, n, in_truth, truth_len, k);
        ck_assert_double_eq_tol(got.recall, want.recall, 1e-12);
        ck_assert_double_eq_tol(got.ndcg, want.ndcg, 1e-12);
        ck_assert_double_eq_tol(got.mrr, want.mrr, 1e-12);
        ck_assert_double_eq(got.hit, want.hit);
        ranking_add(&parts[u % 2], ranked, n, &got, k);
        ndcg += want.ndcg;
        for (size_t i = 0; i < n && i < k; i++)
            shown[ranked[i]]++;
    }
    ranking_merge(&parts[0], &parts[1]);
    for (size_t i = 0; i < ITEMS; i++)
        covered += shown[i] > 0;
    ck_assert_uint_eq(all->users, USERS);
    ck_assert_double_eq_tol(all->ndcg, ndcg, 1e-9);
    ck_assert_mem_eq(all->shown, shown, sizeof shown);
    ck_assert_double_eq_tol(ranking_coverage(all), (double)covered / ITEMS, 1e-12);
    ck_ok(ranking_gini(all, &gini, &err));
    ck_assert_double_eq_tol(gini, gini_by_definition(shown), 1e-9);
    ranking_release(&parts[0]);
    ranking_release(&parts[1]);
}
END_TEST

START_TEST(a_perfect_list_measures_one_and_nobody_measures_nothing)
{
    static const uint32_t ranked[] = {5, 1, 9}, truth[] = {1, 5, 9};
    struct ranking_totals t;
    struct err err;
    double gini;
    struct user_metrics m = ranking_measure(ranked, 3, truth, 3, 10);
    ck_assert_double_eq(m.ndcg, 1);
    ck_assert_double_eq(m.recall, 1);
    m = ranking_measure(ranked, 0, truth, 3, 10);
    ck_assert_double_eq(m.ndcg, 0);
    ck_assert_double_eq(m.hit, 0);
    ck_ok(ranking_init(&t, 10, &err));
    ck_ok(ranking_gini(&t, &gini, &err));
    ck_assert_double_eq(gini, 0);
    ck_assert_double_eq(ranking_coverage(&t), 0);
    ranking_add(&t, ranked, 3, &m, 1); /* one item of ten takes all */
    ck_ok(ranking_gini(&t, &gini, &err));
    ck_assert_double_eq_tol(gini, 0.9, 1e-12);
    ranking_release(&t);
}
END_TEST

SUITE("ranking", metrics_are_those_of_the_definitions,
      a_perfect_list_measures_one_and_nobody_measures_nothing)
