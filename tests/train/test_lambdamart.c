#include "support/suite.h"

#include <math.h>
#include <xgboost/c_api.h>

#include "base/mem.h"
#include "base/rng.h"
#include "num/trees.h"
#include "train/boost.h"
#include "train/lambdamart.h"
#include "train/propensity.h"

/* --- gradients against the definition -------------------------------------------------------- */

enum { LISTS = 12, DOCS_MAX = 30 };

/* Rank from 0 by counting who stands before. */
static size_t rank_of(const float *scores, size_t n, size_t i)
{
    size_t rank = 0;
    for (size_t j = 0; j < n; j++)
        rank += scores[j] > scores[i] || (scores[j] == scores[i] && j < i);
    return rank;
}

static double discount(size_t rank)
{
    return log(2) / log((double)rank + 2);
}

/* The greatest DCG of the first k: by taking the best label k times. */
static double slow_best(const float *label, size_t n, size_t k)
{
    bool used[DOCS_MAX] = {false};
    double sum = 0;
    for (size_t r = 0; r < k && r < n; r++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (!used[i] && (best == n || label[i] > label[best]))
                best = i;
        used[best] = true;
        sum += (pow(2, (double)label[best]) - 1) * discount(r);
    }
    return sum;
}

/* The cost of a query as a function of the scores, the ranks held at those of `at`. */
static double slow_cost(const float *label, const float *weight, size_t n, size_t k,
                        const float *at, const double *scores)
{
    double best = slow_best(label, n, k), cost = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            size_t a = rank_of(at, n, i), b = rank_of(at, n, j);
            if (label[i] <= label[j] || (a >= k && b >= k))
                continue;
            cost += (double)weight[i] * (pow(2, (double)label[i]) - pow(2, (double)label[j])) *
                    fabs(discount(a) - discount(b)) / best * log1p(exp(scores[j] - scores[i]));
        }
    return cost;
}

static void random_query(struct rng *rng, size_t n, float *label, float *weight, float *scores)
{
    for (size_t i = 0; i < n; i++) {
        label[i] = (float)rng_below(rng, 4);
        weight[i] = (float)rng_below(rng, 5) / 2;
        scores[i] = (float)(int)rng_below(rng, 12) / 4 - 1; /* some are equal */
    }
}

START_TEST(gradients_are_the_derivatives_of_the_cost)
{
    const double h = 1e-3;
    struct rng rng;
    struct err err;
    rng_init(&rng, 1);
    for (size_t k = 1; k <= 40; k = k * 2 + 1) {
        float label[LISTS * DOCS_MAX], weight[LISTS * DOCS_MAX], scores[LISTS * DOCS_MAX];
        float gradient[LISTS * DOCS_MAX], hessian[LISTS * DOCS_MAX];
        size_t offsets[LISTS + 1] = {0};
        for (size_t q = 0; q < LISTS; q++) {
            size_t n = rng_below(&rng, DOCS_MAX), at = offsets[q];
            offsets[q + 1] = at + n;
            random_query(&rng, n, label + at, weight + at, scores + at);
        }
        struct ranked all = {LISTS, offsets, label, weight};
        ck_ok(lambdamart_gradients(&all, k, scores, gradient, hessian, &err));
        for (size_t q = 0; q < LISTS; q++) {
            size_t at = offsets[q], n = offsets[q + 1] - at;
            double s[DOCS_MAX];
            for (size_t i = 0; i < n; i++)
                s[i] = (double)scores[at + i];
            if (n == 0 || slow_best(label + at, n, k) == 0)
                continue;
            double here = slow_cost(label + at, weight + at, n, k, scores + at, s);
            for (size_t i = 0; i < n; i++) {
                double was = s[i];
                s[i] = was + h;
                double up = slow_cost(label + at, weight + at, n, k, scores + at, s);
                s[i] = was - h;
                double down = slow_cost(label + at, weight + at, n, k, scores + at, s);
                s[i] = was;
                ck_assert_double_eq_tol((double)gradient[at + i], (up - down) / (2 * h), 1e-5);
                ck_assert_double_eq_tol((double)hessian[at + i], (up - 2 * here + down) / (h * h),
                                        1e-5);
            }
        }
    }
}
END_TEST

START_TEST(nothing_to_order_gives_zeros)
{
    static const size_t offsets[] = {0, 0, 3, 4};
    static const float label[] = {2, 2, 2, 1}, scores[] = {1, 2, 3, 4};
    float gradient[4] = {9, 9, 9, 9}, hessian[4] = {9, 9, 9, 9};
    struct ranked q = {3, offsets, label, NULL};
    struct err err;
    double mean, by_query[3];
    ck_ok(lambdamart_gradients(&q, 10, scores, gradient, hessian, &err));
    for (size_t i = 0; i < 4; i++)
        ck_assert(gradient[i] == 0 && hessian[i] == 0);
    ck_ok(ranked_ndcg(&q, 10, scores, by_query, &mean, &err));
    ck_assert(mean == 1 && isnan(by_query[0]) && by_query[1] == 1);
    q.queries = 0;
    ck_ok(lambdamart_gradients(&q, 10, scores, gradient, hessian, &err));
    ck_ok(ranked_ndcg(&q, 10, scores, NULL, &mean, &err));
    ck_assert(mean == 0);
}
END_TEST

START_TEST(a_label_or_weight_that_is_none_is_named)
{
    static const size_t offsets[] = {0, 1, 3};
    float label[] = {0, 1, NAN}, weight[] = {1, 1, 1}, scores[3] = {0}, gradient[3], hessian[3];
    struct ranked q = {2, offsets, label, weight};
    struct err err;
    ck_err(lambdamart_gradients(&q, 5, scores, gradient, hessian, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "query 1, document 1: its label is nan"));
    label[2] = 11;
    ck_err(lambdamart_gradients(&q, 5, scores, gradient, hessian, &err), ERR_INVALID);
    label[2] = 1;
    weight[1] = -1;
    ck_err(lambdamart_gradients(&q, 5, scores, gradient, hessian, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "query 1, document 0: its weight is -1"));
    weight[1] = INFINITY;
    ck_err(lambdamart_gradients(&q, 5, scores, gradient, hessian, &err), ERR_INVALID);
}
END_TEST

START_TEST(ndcg_is_that_of_its_definition)
{
    struct rng rng;
    struct err err;
    rng_init(&rng, 2);
    for (int round = 0; round < 100; round++) {
        float label[DOCS_MAX], weight[DOCS_MAX], scores[DOCS_MAX];
        size_t n = 1 + rng_below(&rng, DOCS_MAX - 1), k = 1 + rng_below(&rng, 40);
        size_t offsets[] = {0, n};
        double mean, dcg = 0;
        random_query(&rng, n, label, weight, scores);
        ck_ok(
            ranked_ndcg(&(struct ranked){1, offsets, label, weight}, k, scores, NULL, &mean, &err));
        for (size_t i = 0; i < n; i++)
            if (rank_of(scores, n, i) < k)
                dcg += (pow(2, (double)label[i]) - 1) * discount(rank_of(scores, n, i));
        double best = slow_best(label, n, k);
        ck_assert_double_eq_tol(mean, best > 0 ? dcg / best : 0, 1e-12);
    }
}
END_TEST

/* --- trees fitted to them --------------------------------------------------------------------- */

enum { FEATURES = 6, QUERIES = 400, DOCS = 20, ROWS = QUERIES * DOCS };

struct task {
    float x[ROWS][FEATURES], relevance[ROWS] /* 0..1 */, label[ROWS], weight[ROWS];
    size_t offsets[QUERIES + 1];
};

/* What is relevant depends on three features and chance, not linearly. */
static void make_task(struct rng *rng, struct task *t)
{
    for (size_t q = 0; q <= QUERIES; q++)
        t->offsets[q] = q * DOCS;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t f = 0; f < FEATURES; f++)
            t->x[i][f] = rng_below(rng, 20) == 0 ? NAN : (float)rng_normal(rng);
        double a = isnan(t->x[i][0]) ? 0 : (double)t->x[i][0];
        double b = isnan(t->x[i][1]) ? 1 : (double)t->x[i][1];
        double c = isnan(t->x[i][2]) ? 0 : (double)t->x[i][2];
        t->relevance[i] = (float)(1 / (1 + exp(1.5 - 2 * a - b * (c > 0) + 0.5 * rng_normal(rng))));
        t->weight[i] = 1;
    }
}

static const struct boost_params params = {.depth = 4,
                                           .eta = 0.2f,
                                           .leaf_hessian = 0.1f,
                                           .lambda = 1,
                                           .rows = 1,
                                           .columns = 1,
                                           .seed = 1,
                                           .threads = 1};

/* Fit to t's labels and weights; the NDCG@k of its labels, or of others' rows `on`. */
static void fit(const struct task *t, const struct task *on, size_t k, int rounds, float *scores)
{
    static float gradient[ROWS], hessian[ROWS], now[ROWS];
    struct boost_rows rows = {t->x[0], ROWS, FEATURES}, watch = {on->x[0], ROWS, FEATURES};
    struct ranked q = {QUERIES, t->offsets, t->label, t->weight};
    struct boost *b;
    struct err err;
    ck_ok(boost_new(&rows, &watch, &params, &b, &err));
    for (int i = 0; i < rounds; i++) {
        ck_ok(boost_fit_margins(b, now, &err));
        ck_assert(i > 0 || now[0] == 0);
        ck_ok(lambdamart_gradients(&q, k, now, gradient, hessian, &err));
        ck_ok(boost_round(b, gradient, hessian, &err));
    }
    ck_ok(boost_watch_margins(b, scores, &err));
    boost_free(b);
}

static double ndcg(const struct task *t, const float *label, size_t k, const float *scores)
{
    struct ranked q = {QUERIES, t->offsets, label, NULL};
    struct err err;
    double mean;
    ck_ok(ranked_ndcg(&q, k, scores, NULL, &mean, &err));
    return mean;
}

/* The library's own objective on the same rows. */
static void fit_rank_ndcg(const struct task *t, const struct task *on, int rounds, float *scores)
{
    DMatrixHandle m, w;
    BoosterHandle b;
    const bst_ulong *shape;
    bst_ulong dims;
    const float *out;
    unsigned group[QUERIES];
    const char *const set[][2] = {{"objective", "rank:ndcg"},  {"max_depth", "4"}, {"eta", "0.2"},
                                  {"min_child_weight", "0.1"}, {"lambda", "1"},    {"nthread", "1"},
                                  {"tree_method", "hist"},     {"seed", "1"}};
    for (size_t q = 0; q < QUERIES; q++)
        group[q] = DOCS;
    ck_assert(XGDMatrixCreateFromMat(t->x[0], ROWS, FEATURES, NAN, &m) == 0);
    ck_assert(XGDMatrixCreateFromMat(on->x[0], ROWS, FEATURES, NAN, &w) == 0);
    ck_assert(XGDMatrixSetFloatInfo(m, "label", t->label, ROWS) == 0);
    ck_assert(XGDMatrixSetUIntInfo(m, "group", group, QUERIES) == 0);
    ck_assert(XGBoosterCreate(&m, 1, &b) == 0);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        ck_assert(XGBoosterSetParam(b, set[i][0], set[i][1]) == 0);
    for (int i = 0; i < rounds; i++)
        ck_assert_msg(XGBoosterUpdateOneIter(b, i, m) == 0, "%s", XGBGetLastError());
    ck_assert(XGBoosterPredictFromDMatrix(b, w,
                                          "{\"type\":1,\"training\":false,\"iteration_begin\":0,"
                                          "\"iteration_end\":0,\"strict_shape\":false}",
                                          &shape, &dims, &out) == 0);
    memcpy(scores, out, ROWS * sizeof *scores);
    XGBoosterFree(b);
    XGDMatrixFree(m);
    XGDMatrixFree(w);
}

START_TEST(equal_weights_order_as_well_as_the_librarys_own_objective)
{
    static struct task learn, judge;
    static float ours[ROWS], theirs[ROWS], nothing[ROWS];
    struct rng rng;
    rng_init(&rng, 3);
    make_task(&rng, &learn);
    make_task(&rng, &judge);
    for (size_t i = 0; i < ROWS; i++) {
        learn.label[i] = floorf(learn.relevance[i] * 4.99f);
        judge.label[i] = floorf(judge.relevance[i] * 4.99f);
    }
    fit(&learn, &judge, 10, 60, ours);
    fit_rank_ndcg(&learn, &judge, 60, theirs);
    double a = ndcg(&judge, judge.label, 10, ours), b = ndcg(&judge, judge.label, 10, theirs);
    double none = ndcg(&judge, judge.label, 10, nothing);
    ck_assert_msg(a > b - 0.01, "ours %.4f, rank:ndcg %.4f", a, b);
    ck_assert_msg(a > none + 0.2, "ours %.4f, in no order %.4f", a, none);
}
END_TEST

START_TEST(a_fit_gives_the_same_trees_again_and_they_score_as_the_library_does)
{
    static struct task t;
    static float gradient[ROWS], hessian[ROWS], now[ROWS], margins[ROWS], columns[FEATURES * ROWS];
    struct rng rng;
    struct err err;
    struct buf json[2];
    rng_init(&rng, 4);
    make_task(&rng, &t);
    for (size_t i = 0; i < ROWS; i++)
        t.label[i] = t.relevance[i] > 0.5f;
    struct boost_rows rows = {t.x[0], ROWS, FEATURES};
    struct ranked q = {QUERIES, t.offsets, t.label, NULL};
    struct boost_params p = params;
    p.rows = 0.7f;
    p.columns = 0.7f;
    for (int k = 0; k < 2; k++) {
        struct boost *b;
        ck_ok(boost_new(&rows, NULL, &p, &b, &err));
        for (int i = 0; i < 12; i++) {
            ck_ok(boost_fit_margins(b, now, &err));
            if (i == 8)
                memcpy(margins, now, sizeof now);
            ck_ok(lambdamart_gradients(&q, 10, now, gradient, hessian, &err));
            ck_ok(boost_round(b, gradient, hessian, &err));
        }
        buf_init(&json[k], 16 << 20);
        ck_ok(boost_json(b, 0, 8, &json[k], &err));
        boost_free(b);
    }
    ck_assert(str_eq(buf_str(&json[0]), buf_str(&json[1])));
    struct trees trees;
    ck_ok(trees_read(buf_str(&json[0]), &trees, &err));
    ck_assert_uint_eq(trees.len, 8);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t f = 0; f < FEATURES; f++)
            columns[f * ROWS + i] = t.x[i][f];
    trees_score(&trees, columns, ROWS, ROWS, now);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_float_eq_tol(now[i], margins[i], 1e-5f);
    trees_release(&trees);
    buf_release(&json[0]);
    buf_release(&json[1]);
}
END_TEST

START_TEST(what_the_library_refuses_is_told)
{
    float x[4] = {1, 2, INFINITY, 4};
    struct boost_rows rows = {x, 2, 2};
    struct boost *b;
    struct err err;
    ck_err(boost_new(&rows, NULL, &params, &b, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "XGBoost, the rows"));
}
END_TEST

/* --- clicks whose bias is known --------------------------------------------------------------- */

/* A list stands in an order that goes by a bad feature, which clicks then praise: who is shown first is
 * clicked first. look(p) is 1 / (p + 1). */
static void click(struct rng *rng, struct task *t, struct impression *all)
{
    for (size_t q = 0; q < QUERIES; q++) {
        float shown[DOCS];
        for (size_t i = 0; i < DOCS; i++) {
            float bad = t->x[q * DOCS + i][5];
            shown[i] = (isnan(bad) ? 0 : 2 * bad) + (float)rng_normal(rng);
        }
        for (size_t i = 0; i < DOCS; i++) {
            size_t at = q * DOCS + i, position = rank_of(shown, DOCS, i);
            double look = 1 / ((double)position + 1);
            t->label[at] = rng_unit(rng) < look * (double)t->relevance[at];
            t->weight[at] = propensity_weight((float)look, 20);
            all[at] = (struct impression){(uint32_t)at, (uint16_t)position, t->label[at] > 0};
        }
    }
}

START_TEST(weights_by_propensity_recover_the_order_that_clicks_hide)
{
    static struct task learn, judge;
    static struct impression shown[ROWS];
    static float naive[ROWS], weighted[ROWS], truth[ROWS];
    struct rng rng;
    rng_init(&rng, 6);
    make_task(&rng, &learn);
    make_task(&rng, &judge);
    click(&rng, &learn, shown);
    for (size_t i = 0; i < ROWS; i++)
        truth[i] = floorf(judge.relevance[i] * 4.99f);
    fit(&learn, &judge, 10, 40, weighted);
    for (size_t i = 0; i < ROWS; i++)
        learn.weight[i] = 1;
    fit(&learn, &judge, 10, 40, naive);
    double with = ndcg(&judge, truth, 10, weighted), without = ndcg(&judge, truth, 10, naive);
    ck_assert_msg(with > without + 0.03, "weighted %.4f, naive %.4f", with, without);
}
END_TEST

enum { SUBJECTS = 200, POSITIONS = 10, SHOWN = 200000 };

/* Impressions of subjects of known relevance at positions: at random, or by a noisy relevance. */
static void show(struct rng *rng, bool random, struct impression *all)
{
    double relevance[SUBJECTS];
    for (size_t s = 0; s < SUBJECTS; s++)
        relevance[s] = 0.05 + 0.9 * rng_unit(rng);
    for (size_t i = 0; i < SHOWN; i++) {
        uint32_t subject = (uint32_t)rng_below(rng, SUBJECTS);
        double place = random ? rng_unit(rng) : 1 - 0.7 * relevance[subject] - 0.3 * rng_unit(rng);
        size_t position = (size_t)(place * POSITIONS);
        position = position < POSITIONS ? position : POSITIONS - 1;
        double look = 1 / sqrt((double)position + 1);
        all[i] = (struct impression){subject, (uint16_t)position,
                                     rng_unit(rng) < look * relevance[subject]};
    }
}

START_TEST(propensities_of_random_and_of_ordered_lists_are_found)
{
    static struct impression all[SHOWN];
    float look[POSITIONS];
    struct rng rng;
    struct err err;
    rng_init(&rng, 8);
    show(&rng, true, all);
    ck_ok(propensity_from_random(all, SHOWN, POSITIONS, look, &err));
    for (size_t p = 0; p < POSITIONS; p++)
        ck_assert_double_eq_tol((double)look[p], 1 / sqrt((double)p + 1), 0.03);
    ck_ok(propensity_estimate(all, SHOWN, POSITIONS, SUBJECTS, look, &err));
    for (size_t p = 0; p < POSITIONS; p++)
        ck_assert_double_eq_tol((double)look[p], 1 / sqrt((double)p + 1), 0.03);
    show(&rng, false, all);
    ck_ok(propensity_from_random(all, SHOWN, POSITIONS, look, &err));
    ck_assert_float_lt(look[9], 0.15f); /* what is shown last is liked less, too: that is no look */
    ck_ok(propensity_estimate(all, SHOWN, POSITIONS, SUBJECTS, look, &err));
    for (size_t p = 0; p < POSITIONS; p++)
        ck_assert_double_eq_tol((double)look[p], 1 / sqrt((double)p + 1), 0.06);
}
END_TEST

START_TEST(a_log_without_a_first_click_says_so)
{
    struct impression all[] = {{0, 0, false}, {0, 1, true}, {1, 2, false}};
    float look[3];
    struct err err;
    ck_err(propensity_from_random(all, 3, 3, look, &err), ERR_INVALID);
    ck_err(propensity_estimate(all, 0, 3, 1, look, &err), ERR_INVALID);
    all[0].clicked = true;
    ck_err(propensity_from_random(all, 3, 2, look, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "impression 2: there is no position 2 of 2"));
    ck_err(propensity_estimate(all, 3, 3, 1, look, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "impression 2: there is no subject 1 of 1"));
    ck_ok(propensity_from_random(all, 3, 3, look, &err));
    ck_assert(look[0] == 1 && look[1] == 1 && look[2] == 1);
    ck_assert(propensity_weight(0.5f, 10) == 2 && propensity_weight(0.01f, 10) == 10);
    ck_assert(propensity_weight(0, 10) == 10);
}
END_TEST

SUITE("lambdamart", gradients_are_the_derivatives_of_the_cost, nothing_to_order_gives_zeros,
      a_label_or_weight_that_is_none_is_named, ndcg_is_that_of_its_definition,
      equal_weights_order_as_well_as_the_librarys_own_objective,
      a_fit_gives_the_same_trees_again_and_they_score_as_the_library_does,
      what_the_library_refuses_is_told, weights_by_propensity_recover_the_order_that_clicks_hide,
      propensities_of_random_and_of_ordered_lists_are_found, a_log_without_a_first_click_says_so)
