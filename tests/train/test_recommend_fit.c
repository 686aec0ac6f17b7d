#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "num/dense.h"
#include "num/vec.h"
#include "recommend/factors.h"
#include "recommend/profile.h"
#include "support/suite.h"
#include "train/content.h"
#include "train/propagation.h"
#include "train/recommend_evaluate.h"

enum { USERS = 80, PRODUCTS = 60, ACTS = 12 };
#define DAY ((int64_t)86400 * 1000000)

/* Shoppers 1..USERS of two tastes: even ones like even products. Acts of one shopper are days apart. */
static void make(struct interactions *it, uint64_t seed)
{
    struct rng r;
    struct err err;
    struct derive_options o = derive_defaults();
    *it = (struct interactions){0};
    ck_ok(vec_init(&err));
    rng_init(&r, seed);
    for (uint32_t user = 1; user <= USERS; user++)
        for (int i = 0; i < ACTS; i++) {
            uint32_t product = 1 + (uint32_t)rng_below(&r, PRODUCTS / 2) * 2 + user % 2;
            enum event_type type = rng_below(&r, 4) ? EVENT_VIEW : EVENT_PURCHASE;
            ck_ok(interactions_append(it, user, product,
                                      20000 * DAY + (int64_t)rng_below(&r, 60 * DAY),
                                      profile_type_weight(type), type, 1, &err));
        }
    ck_ok(interactions_sort(it, &o, &err));
}

static struct recommend_params params(void)
{
    struct recommend_params p = recommend_defaults();
    p.dim = 8;
    p.regularisation = 1;
    return p;
}

START_TEST(a_model_knows_who_did_what_until_the_moment_and_nothing_later)
{
    struct interactions it;
    struct recommend_model m;
    struct recommend_params p = params();
    struct err err;
    make(&it, 1);
    int64_t until = 20030 * DAY;
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.until = until}, &m, &err));
    ck_assert_uint_eq(m.dim, 8);
    uint64_t acts = 0, told = 0;
    for (size_t i = 0; i < it.len; i++)
        acts += it.time[i] < until;
    for (uint32_t u = 0; u < m.users; u++) {
        const uint32_t *act;
        const uint16_t *days;
        size_t n = recommend_model_history(&m, m.user_no[u], &act, &days);
        size_t at = interactions_user_end(&it, m.user_no[u]);
        for (size_t i = 0; i < n; i++, told++) {
            do
                at--;
            while (it.time[at] >= until); /* newest first */
            ck_assert_uint_eq(m.items[HISTORY_ROW(act[i])], it.product_no[at]);
            ck_assert_uint_eq(HISTORY_TYPE(act[i]), it.type[at]);
            ck_assert_int_eq(days[i], it.time[at] / DAY);
        }
    }
    ck_assert_uint_eq(told, acts);
    for (uint32_t row = 0; row < m.rows; row++) {
        bool known = false;
        for (size_t i = 0; i < it.len; i++)
            known |= it.product_no[i] == m.items[row] && it.time[i] < until;
        ck_assert(known && m.popularity[row] > 0);
        ck_assert(row == 0 || m.items[row - 1] < m.items[row]);
    }
    recommend_fit_release(&m);
    ck_err(recommend_fit(&it, &p, &(struct fit_options){.until = 20000 * DAY}, &m, &err),
           ERR_INVALID);
    interactions_release(&it);
}
END_TEST

/* Every product with a tag that says whose taste it is and one that says nothing; NEW and NEW + 1 are new. */
enum { NEW = PRODUCTS + 11 };

static uint64_t tag_of(uint64_t n)
{
    return (uint64_t)CONTENT_TAG << CONTENT_KIND_SHIFT | n;
}

static void make_catalogue(struct content_catalogue *c, int64_t created_at)
{
    struct err err;
    *c = (struct content_catalogue){0};
    for (uint32_t no = 1; no <= NEW + 1; no++) {
        const struct content_feature tags[] = {{tag_of(10 + no % 2), 1},
                                               {tag_of(20 + no % 7), 0.1f}};
        const struct content_product p = {no, no, no < NEW ? 20000 * DAY : created_at};
        if (no <= PRODUCTS + 1 || no >= NEW)
            ck_ok(content_catalogue_add(c, &p, tags, 2, &err));
    }
}

static float score_of(const struct recommend_model *m, uint32_t liked, uint32_t product_no)
{
    struct arena arena;
    struct err err;
    float x[RECOMMEND_DIM_MAX], weight = 1;
    uint32_t row = recommend_model_row(m, liked);
    arena_init(&arena, 0, 1 << 20);
    ck_ok(factors_fold_in(m, &row, &weight, 1, &arena, x, &err));
    arena_release(&arena);
    return vec->dot(x, m->vectors.exact + recommend_model_row(m, product_no) * m->dim, m->dim);
}

START_TEST(a_product_that_nobody_had_stands_where_its_record_puts_it)
{
    struct interactions it;
    struct content_catalogue c;
    struct recommend_model m, late;
    struct recommend_params p = params();
    struct err err;
    p.content = 0.1f; /* so few acts that the default would say next to nothing */
    p.dim = 2;        /* as many as there are tastes */
    make(&it, 4);
    make_catalogue(&c, it.last_time);
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.catalogue = &c}, &m, &err));
    ck_assert_uint_eq(m.rows, PRODUCTS + 3);
    ck_assert_uint_eq(m.content.features, 9);
    /* NEW is odd: who likes odd products is shown it, others are not */
    ck_assert_float_gt(score_of(&m, 3, NEW), 5 * fabsf(score_of(&m, 4, NEW)));
    ck_assert_float_gt(score_of(&m, 4, NEW + 1), 5 * fabsf(score_of(&m, 3, NEW + 1)));
    /* and what it is liked with says the same */
    ck_assert_float_gt(score_of(&m, NEW, 5), 5 * fabsf(score_of(&m, NEW, 6)));
    /* the tower was turned with the factors: it says where NEW stands */
    const struct content_feature tags[] = {{tag_of(10 + NEW % 2), 1}, {tag_of(20 + NEW % 7), 0.1f}};
    struct content_vector v;
    float x[RECOMMEND_DIM_MAX];
    content_vector_of(&m.content, tags, 2, &v);
    content_embed(&m.content, &v, x);
    const float *row = m.vectors.exact + recommend_model_row(&m, NEW) * m.dim;
    for (uint32_t k = 0; k < m.dim; k++)
        ck_assert_float_eq_tol(x[k], row[k], 1e-4f);
    /* what reads alike is of the same taste */
    uint32_t r = recommend_model_row(&m, NEW), n = m.alike.offsets[r + 1] - m.alike.offsets[r];
    ck_assert_uint_ge(n, 5);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(m.items[m.alike.rows[m.alike.offsets[r] + i]] % 2, NEW % 2);
    /* one that was for sale all the time and that nobody wanted is worth less */
    content_catalogue_release(&c);
    make_catalogue(&c, it.first_time);
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.catalogue = &c}, &late, &err));
    double mean = (double)USERS * ACTS / PRODUCTS; /* and a little less: some did the same twice */
    double share = (double)score_of(&late, 3, NEW) / (double)score_of(&m, 3, NEW);
    ck_assert(share > 0.8 / (1 + mean) && share < 1.5 / (1 + mean));
    recommend_fit_release(&m);
    recommend_fit_release(&late);
    content_catalogue_release(&c);
    interactions_release(&it);
}
END_TEST

START_TEST(neighbours_and_factors_tell_the_two_tastes_apart)
{
    struct interactions it;
    struct recommend_model m;
    struct recommend_params p = params();
    struct err err;
    p.dim = 2; /* as many as there are tastes */
    make(&it, 2);
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){0}, &m, &err));
    size_t near = 0, shown = 0, same = 0;
    for (uint32_t row = 0; row < m.rows; row++)
        for (uint32_t i = m.near.offsets[row]; i < m.near.offsets[row + 1]; i++, near++)
            ck_assert_uint_eq(m.items[row] % 2, m.items[m.near.rows[i]] % 2);
    ck_assert_uint_gt(near, PRODUCTS);
    for (uint32_t row = 0; row < m.rows; row++) {
        struct arena arena;
        struct topk_item best[10];
        float x[2], weight = 1;
        size_t n;
        arena_init(&arena, 0, 1 << 20);
        ck_ok(factors_fold_in(&m, &row, &weight, 1, &arena, x, &err));
        ck_ok(vectors_search(&m.vectors, x, 0, 10, &arena, best, &n, &err));
        shown += n;
        for (size_t i = 0; i < n; i++)
            same += m.items[row] % 2 == m.items[best[i].id] % 2;
        arena_release(&arena);
    }
    ck_assert_uint_ge(same * 100, shown * 95);
    recommend_fit_release(&m);
    interactions_release(&it);
}
END_TEST

/* What is served of a propagation is what it scores. */
START_TEST(propagation_is_served_as_it_scores)
{
    struct interactions it;
    struct recommend_model m;
    struct recommend_params p = params();
    struct propagation want;
    struct propagation_options o = propagation_defaults();
    struct matrix by_user;
    struct arena arena;
    struct err err;
    float scores[PRODUCTS], served[PRODUCTS] = {0}, x[8], wanted_x[8];
    static const uint32_t rows[] = {3, 17, 40};
    static const float weights[] = {0.5f, 2, 1};
    make(&it, 4);
    p.propagation = true;
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){0}, &m, &err));
    ck_assert(m.source == FACTORS_PROPAGATION && m.dim == 8 && m.rows == PRODUCTS);
    struct matrix_cell *cells = mem_new(it.len, sizeof *cells);
    for (size_t i = 0; i < it.len; i++)
        cells[i] = (struct matrix_cell){it.user_no[i] - 1,
                                        recommend_model_row(&m, it.product_no[i]), it.weight[i]};
    ck_ok(matrix_build(cells, it.len, USERS, PRODUCTS, &by_user, &err));
    for (uint64_t i = 0; i < matrix_cells(&by_user); i++)
        by_user.value[i] = log1pf(by_user.value[i]);
    o.binary = false;
    o.keep = RECOMMEND_NEIGHBOURS_MAX;
    o.dim = 8;
    ck_ok(propagation_fit(&by_user, &o, NULL, &want, &err));
    propagation_fold_in(&want, rows, weights, 3, wanted_x);
    propagation_score_factors(&want, wanted_x, 1, scores);
    propagation_add_lists(&want, rows, weights, 3, scores);
    arena_init(&arena, 0, 1 << 20);
    ck_ok(factors_fold_in(&m, rows, weights, 3, &arena, x, &err));
    for (uint32_t row = 0; row < m.rows; row++)
        for (uint32_t k = 0; k < 8; k++)
            served[row] += x[k] * m.vectors.exact[row * 8 + k];
    for (size_t i = 0; i < 3; i++)
        for (uint32_t k = m.graph.offsets[rows[i]]; k < m.graph.offsets[rows[i] + 1]; k++)
            served[m.graph.rows[k]] += weights[i] * m.graph_scale * m.graph.scores[k];
    for (uint32_t row = 0; row < m.rows; row++)
        ck_assert_float_eq_tol(served[row], scores[row], 1e-5f * fabsf(scores[row]) + 1e-6f);
    arena_release(&arena);
    propagation_release(&want);
    matrix_release(&by_user);
    mem_free(cells);
    recommend_fit_release(&m);
    interactions_release(&it);
}
END_TEST

START_TEST(fitting_twice_gives_the_same_model_with_any_number_of_threads)
{
    struct interactions it;
    struct recommend_model a, b;
    struct recommend_params p = params();
    struct pool *pool;
    struct err err;
    make(&it, 3);
    ck_ok(pool_new(&pool, "fit", 3, 8, &err));
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){0}, &a, &err));
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.pool = pool}, &b, &err));
    ck_assert_mem_eq(a.vectors.exact, b.vectors.exact, a.rows * a.dim * sizeof *a.vectors.exact);
    ck_assert_mem_eq(a.near.rows, b.near.rows, a.near.offsets[a.rows] * sizeof *a.near.rows);
    recommend_fit_release(&a);
    recommend_fit_release(&b);
    pool_free(pool);
    interactions_release(&it);
}
END_TEST

START_TEST(the_split_leaves_the_share_of_acts_before_it)
{
    struct interactions it;
    struct err err;
    int64_t split;
    make(&it, 4);
    for (int tenth = 1; tenth < 10; tenth++) {
        size_t before = 0;
        ck_ok(recommend_split(&it, tenth / 10.0, &split, &err));
        for (size_t i = 0; i < it.len; i++)
            before += it.time[i] < split;
        ck_assert_double_eq_tol((double)before, tenth / 10.0 * (double)it.len, 1.5);
    }
    interactions_release(&it);
    it = (struct interactions){0};
    ck_ok(recommend_split(&it, 0.8, &split, &err));
    ck_assert_int_eq(split, 0);
}
END_TEST

/* --- evaluation ------------------------------------------------------------------------------ */

struct naive {
    double ndcg, recall;
    size_t users;
};

/* NDCG of a list over the truth of a shopper. */
static double ndcg(const uint32_t *list, size_t n, const bool *truth, size_t truth_len, size_t k)
{
    double gain = 0, ideal = 0;
    for (size_t i = 0; i < n && i < k; i++)
        gain += truth[list[i]] ? 1 / log2((double)i + 2) : 0;
    for (size_t i = 0; i < truth_len && i < k; i++)
        ideal += 1 / log2((double)i + 2);
    return gain / ideal;
}

/* Rows that are not known, by score, best first. */
static size_t order(const struct recommend_model *m, const double *score, const bool *known,
                    uint32_t *list)
{
    size_t n = 0;
    for (uint32_t row = 0; row < m->rows; row++) {
        if (known[row])
            continue;
        size_t at = n++;
        for (; at > 0 && score[list[at - 1]] < score[row]; at--)
            list[at] = list[at - 1];
        list[at] = row;
    }
    return n;
}

static void measure(const struct interactions *it, int64_t split, const struct recommend_model *m,
                    uint32_t user, size_t k, struct naive *sum)
{
    bool known[PRODUCTS] = {false}, truth[PRODUCTS] = {false};
    float weight[PRODUCTS] = {0}, weights[PRODUCTS], x[8];
    double score[PRODUCTS];
    uint32_t past[PRODUCTS], list[PRODUCTS];
    size_t past_len = 0, truth_len = 0, hits = 0;
    struct arena arena;
    struct err err;
    for (size_t i = 0; i < it->len; i++) {
        uint32_t row = recommend_model_row(m, it->product_no[i]);
        if (it->user_no[i] == user && row != UINT32_MAX && it->time[i] < split) {
            known[row] = true;
            weight[row] += it->weight[i];
        }
    }
    for (size_t i = 0; i < it->len; i++) {
        uint32_t row = recommend_model_row(m, it->product_no[i]);
        if (it->user_no[i] == user && row != UINT32_MAX && it->time[i] >= split && !known[row])
            truth[row] = true;
    }
    for (uint32_t row = 0; row < m->rows; row++) {
        truth_len += truth[row];
        if (known[row]) {
            weights[past_len] = log1pf(weight[row]);
            past[past_len++] = row;
        }
    }
    if (!past_len || !truth_len)
        return;
    arena_init(&arena, 0, 1 << 20);
    ck_ok(factors_fold_in(m, past, weights, past_len, &arena, x, &err));
    arena_release(&arena);
    for (uint32_t row = 0; row < m->rows; row++)
        score[row] = (double)vec->dot(x, m->vectors.exact + row * m->dim, m->dim);
    size_t n = order(m, score, known, list);
    sum->ndcg += ndcg(list, n, truth, truth_len, k);
    for (size_t i = 0; i < n && i < k; i++)
        hits += truth[list[i]];
    sum->recall += (double)hits / (double)truth_len;
    sum->users++;
}

START_TEST(the_factors_are_measured_as_the_definitions_say)
{
    struct interactions it;
    struct recommend_model m;
    struct factor_evaluation e;
    struct recommend_params p = params();
    struct naive want = {0};
    struct err err;
    int64_t split;
    make(&it, 5);
    ck_ok(recommend_split(&it, 0.7, &split, &err));
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.until = split}, &m, &err));
    ck_ok(factor_evaluate(&it, &m, split, 5, 1000, 1, &e, &err));
    for (uint32_t user = 1; user <= USERS; user++)
        measure(&it, split, &m, user, 5, &want);
    ck_assert_uint_gt(want.users, USERS / 2);
    ck_assert_uint_eq(e.users, want.users);
    ck_assert_double_eq_tol(e.ndcg, want.ndcg / (double)want.users, 1e-6);
    ck_assert_double_eq_tol(e.recall, want.recall / (double)want.users, 1e-6);
    ck_assert_double_eq(e.index_recall, 1); /* one cell holds all */
    ck_ok(factor_evaluate(&it, &m, split, 5, 20, 1, &e, &err));
    ck_assert_uint_le(e.users, 20);
    recommend_fit_release(&m);
    p.dim = 0;
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.until = split}, &m, &err));
    ck_ok(factor_evaluate(&it, &m, split, 5, 1000, 1, &e, &err));
    ck_assert(e.users == 0 && e.ndcg == 0 && e.index_recall == 1);
    recommend_fit_release(&m);
    interactions_release(&it);
}
END_TEST

START_TEST(shoppers_across_a_moment_are_those_with_acts_on_both_sides)
{
    struct interactions it;
    int64_t split;
    struct err err;
    make(&it, 6);
    ck_ok(recommend_split(&it, 0.5, &split, &err));
    for (int64_t at = split - 40 * DAY; at < split + 40 * DAY; at += 5 * DAY) {
        size_t n = 0;
        for (uint32_t user = 1; user <= USERS; user++) {
            bool before = false, after = false;
            for (size_t i = 0; i < it.len; i++)
                if (it.user_no[i] == user) {
                    before |= it.time[i] < at;
                    after |= it.time[i] >= at;
                }
            n += before && after;
        }
        ck_assert_uint_eq(recommend_shoppers_across(&it, at), n);
    }
    interactions_release(&it);
}
END_TEST

START_TEST(every_parameter_sets_its_own_field)
{
    static const char *const all[] = {"dim=3",        "alpha=4",           "regularisation=5",
                                      "exponent=1.5", "iterations=7",      "neighbours=8",
                                      "shrink=9",     "half_life_days=10", "seed=11",
                                      "step_days=12", "propagation=1"};
    static const char *const of_ranker[] = {"ranker_trees=40", "ranker_depth=6",
                                            "ranker_candidates=200", "ranker_trim=0.25"};
    const struct recommend_params before = recommend_defaults();
    struct recommend_params p = before;
    struct err err;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct recommend_params last = p;
        ck_ok(recommend_param_set(&p, str_of(all[i]), &err));
        ck_assert(!recommend_params_equal(&p, &last));
        ck_ok(recommend_param_set(&p, str_of(all[i]), &err));
    }
    ck_assert(p.dim == 3 && p.alpha == 4 && p.regularisation == 5 && p.exponent == 1.5f);
    ck_assert(p.iterations == 7 && p.neighbours == 8 && p.shrink == 9 && p.half_life_days == 10);
    ck_assert(p.seed == 11 && p.step_days == 12 && p.propagation);
    struct recommend_params last = p; /* the ranker is no part of the fit */
    for (size_t i = 0; i < sizeof of_ranker / sizeof *of_ranker; i++)
        ck_ok(recommend_param_set(&p, str_of(of_ranker[i]), &err));
    ck_assert(recommend_params_equal(&p, &last));
    ck_assert(p.ranker_trees == 40 && p.ranker_depth == 6);
    ck_assert(p.ranker_candidates == 200 && p.ranker_trim == 0.25f);
}
END_TEST

START_TEST(parameters_are_set_by_name_within_their_bounds)
{
    struct recommend_params p = recommend_defaults();
    struct err err;
    ck_ok(recommend_param_set(&p, STR_LIT("dim=128"), &err));
    ck_ok(recommend_param_set(&p, STR_LIT("alpha=2.5"), &err));
    ck_assert_uint_eq(p.dim, 128);
    ck_assert(p.alpha == 2.5f);
    static const char *const bad[] = {"dim",
                                      "dim=",
                                      "dim=x",
                                      "dim=1e9",
                                      "alpha=0",
                                      "alpha=-1",
                                      "alpha=nan",
                                      "x=1",
                                      "=1",
                                      "",
                                      "neighbours=100000",
                                      "ranker_candidates=49",
                                      "ranker_candidates=501",
                                      "ranker_depth=0",
                                      "ranker_trees=0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(recommend_param_set(&p, str_of(bad[i]), &err), ERR_INVALID);
    ck_assert_uint_eq(p.dim, 128);
}
END_TEST

START_TEST(a_fit_goes_on_from_the_model_before)
{
    struct interactions it;
    struct recommend_model first, cold, warm, other;
    struct recommend_params p = params();
    struct err err;
    make(&it, 6);
    p.dim = 2; /* as many as there are tastes: one place to come to */
    p.iterations = 30;
    int64_t before = 20055 * DAY;
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.until = before}, &first, &err));
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){0}, &cold, &err));
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.start = &first}, &warm, &err));
    double gap = 0, size = 0;
    for (uint32_t i = 0; i < cold.rows; i++)
        for (uint32_t j = 0; j < cold.rows; j++) { /* dot products do not depend on the axes */
            const float *a = cold.vectors.exact, *b = warm.vectors.exact;
            double x = (double)vec->dot(a + i * p.dim, a + j * p.dim, p.dim);
            double y = (double)vec->dot(b + i * p.dim, b + j * p.dim, p.dim);
            gap += (x - y) * (x - y);
            size += x * x;
        }
    ck_assert_double_lt(sqrt(gap / size), 0.1);
    /* with other factors there is nothing to go on from */
    p.dim = 5;
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.start = &first}, &other, &err));
    ck_assert_uint_eq(other.dim, 5);
    recommend_fit_release(&first);
    recommend_fit_release(&cold);
    recommend_fit_release(&warm);
    recommend_fit_release(&other);
    interactions_release(&it);
}
END_TEST

static void check_same_lists(const struct neighbour_lists *a, const struct neighbour_lists *b,
                             uint32_t rows)
{
    ck_assert_mem_eq(a->offsets, b->offsets, (rows + 1) * sizeof *a->offsets);
    ck_assert_mem_eq(a->rows, b->rows, a->offsets[rows] * sizeof *a->rows);
    ck_assert_mem_eq(a->scores, b->scores, a->offsets[rows] * sizeof *a->scores);
}

/* How far the scores that products give each other are from b's, as a share of those. */
static double gap_of(const struct recommend_model *a, const struct recommend_model *b)
{
    double gap = 0, size = 0;
    for (uint32_t i = 0; i < b->rows; i++)
        for (uint32_t j = 0; j < b->rows; j++) {
            double x = (double)score_of(a, b->items[i], b->items[j]);
            double y = (double)score_of(b, b->items[i], b->items[j]);
            gap += (x - y) * (x - y);
            size += y * y;
        }
    return sqrt(gap / size);
}

/* What a refit counts is exact; what it fits is nearly what a full fit comes to, and nearer than what was there. */
START_TEST(a_refit_counts_as_a_full_fit_does_and_its_lists_are_nearly_the_same)
{
    enum { STALE, REFIT, FULL };
    struct interactions it;
    struct recommend_model m[3];
    struct recommend_params p = params();
    struct err err;
    make(&it, 6);
    p.dim = 2; /* as many as there are tastes: one place to come to */
    p.iterations = 30;
    int64_t before = 20045 * DAY;
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){.until = before}, &m[STALE], &err));
    struct fit_options one = {.start = &m[STALE], .warm = 1};
    ck_ok(recommend_fit(&it, &p, &one, &m[REFIT], &err));
    ck_ok(recommend_fit(&it, &p, &(struct fit_options){0}, &m[FULL], &err));
    ck_assert_uint_eq(m[STALE].rows, m[FULL].rows);
    check_same_lists(&m[REFIT].near, &m[FULL].near, m[FULL].rows);
    check_same_lists(&m[REFIT].with, &m[FULL].with, m[FULL].rows);
    check_same_lists(&m[REFIT].next, &m[FULL].next, m[FULL].rows);
    ck_assert_mem_eq(m[REFIT].popularity, m[FULL].popularity, m[FULL].rows * sizeof(float));
    double stale = gap_of(&m[STALE], &m[FULL]), refit = gap_of(&m[REFIT], &m[FULL]);
    ck_assert_msg(refit < 0.1 && refit < stale / 2, "%g and %g", stale, refit);
    for (int i = 0; i < 3; i++)
        recommend_fit_release(&m[i]);
    interactions_release(&it);
}
END_TEST

SUITE("recommend_fit", a_fit_goes_on_from_the_model_before,
      a_refit_counts_as_a_full_fit_does_and_its_lists_are_nearly_the_same,
      a_model_knows_who_did_what_until_the_moment_and_nothing_later,
      a_product_that_nobody_had_stands_where_its_record_puts_it,
      neighbours_and_factors_tell_the_two_tastes_apart, propagation_is_served_as_it_scores,
      fitting_twice_gives_the_same_model_with_any_number_of_threads,
      the_split_leaves_the_share_of_acts_before_it, the_factors_are_measured_as_the_definitions_say,
      shoppers_across_a_moment_are_those_with_acts_on_both_sides,
      every_parameter_sets_its_own_field, parameters_are_set_by_name_within_their_bounds)
