#include "support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <xgboost/c_api.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "num/trees.h"
#include "num/vec.h"

/* --- an ensemble as XGBoost 3.0.5 wrote it, and what it predicts ------------------------------- */

#define SAMPLE_TREE_0                                                                              \
    "{\"categories\":[],\"categories_nodes\":[],\"default_left\":[0,0,0,0,0],\"id\":0,"            \
    "\"left_children\":[1,3,-1,-1,-1],\"right_children\":[2,4,-1,-1,-1],\"split_conditions\":"     \
    "[-0.0058760266,0.34269157,0.044531252,-0.1032787,0.044021744],\"split_indices\":[0,1,0,0,0]," \
    "\"split_type\":[0,0,0,0,0],\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"3\","      \
    "\"num_nodes\":\"5\",\"size_leaf_vector\":\"1\"}}"
#define SAMPLE_TREE_1                                                                              \
    "{\"categories\":[],\"categories_nodes\":[],\"default_left\":[0,0,0,0,0],\"id\":1,"            \
    "\"left_children\":[1,3,-1,-1,-1],\"right_children\":[2,4,-1,-1,-1],\"split_conditions\":"     \
    "[-0.0058760266,0.34269157,0.031311035,-0.07280301,0.031102313],\"split_indices\":[0,1,0,0,0]" \
    ",\"split_type\":[0,0,0,0,0],\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"3\","     \
    "\"num_nodes\":\"5\",\"size_leaf_vector\":\"1\"}}"
#define SAMPLE                                                                                     \
    "{\"learner\":{\"attributes\":{},\"gradient_booster\":{\"model\":{\"gbtree_model_param\":{"    \
    "\"num_parallel_tree\":\"1\",\"num_trees\":\"2\"},\"iteration_indptr\":[0,1,2],"               \
    "\"tree_info\":[0,0],\"trees\":[" SAMPLE_TREE_0 "," SAMPLE_TREE_1 "]},\"name\":\"gbtree\"},"   \
    "\"learner_model_param\":{\"base_score\":\"3.5E-1\",\"boost_from_average\":\"1\","             \
    "\"num_class\":\"0\",\"num_feature\":\"3\",\"num_target\":\"1\"},\"objective\":{\"name\":"     \
    "\"reg:squarederror\",\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}},\"version\":[3,0,5]}"

/* The sample with each `from` replaced by `to`; owned. */
static char *edited(const char *from, const char *to)
{
    struct buf b;
    const char *at = SAMPLE, *found;
    buf_init(&b, 1 << 20);
    while ((found = strstr(at, from))) {
        buf_put(&b, at, (size_t)(found - at));
        buf_puts(&b, to);
        at = found + strlen(from);
    }
    ck_assert_msg(b.len, "the sample has no %s", from);
    buf_puts(&b, at);
    return b.data;
}

START_TEST(a_model_of_xgboost_3_predicts_what_it_did)
{
    /* columns of six rows */
    float x[3][6] = {{.5f, -.5f, .5f, -.5f, 0, 1}, {.5f, .5f, NAN, NAN, -1, -1}, {0}};
    static const float wanted[6] = {0.42584228515625f,    0.42512404918670654f, 0.42584228515625f,
                                    0.42512404918670654f, 0.42584228515625f,    0.42584228515625f};
    static const char *const base_scores[] = {"\"3.5E-1\"", "\"[3.5E-1]\"", "\"0.35\""};
    struct trees t;
    struct err err;
    float out[6];
    for (size_t k = 0; k < sizeof base_scores / sizeof *base_scores; k++) {
        char *json = edited("\"3.5E-1\"", base_scores[k]);
        ck_ok(trees_read(str_of(json), &t, &err));
        ck_assert_uint_eq(t.features, 3);
        trees_score(&t, x[0], 6, 6, out);
        for (size_t i = 0; i < 6; i++)
            ck_assert(trees_predict(&t, out[i]) == wanted[i]);
        trees_release(&t);
        mem_free(json);
    }
}
END_TEST

START_TEST(a_damaged_file_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to;
        enum err_code code;
        const char *says;
    } cases[] = {
        {"0.34269157", "NaN", ERR_CORRUPT, "1:"},
        {"0.34269157", "1e39", ERR_CORRUPT, "tree 0, node 1: its value is not finite"},
        {"0.34269157", "\"x\"", ERR_CORRUPT, "expected a number"},
        {"[1,3,-1,-1,-1]", "[1,5,-1,-1,-1]", ERR_CORRUPT, "tree 0, node 1: its children"},
        {"[1,3,-1,-1,-1]", "[1,-1,-1,-1,-1]", ERR_CORRUPT, "tree 0, node 1: its children"},
        {"[1,3,-1,-1,-1]", "[1,1.5,-1,-1,-1]", ERR_CORRUPT, "tree 0, node 1: its children"},
        {"[1,3,-1,-1,-1]", "[1,0,-1,-1,-1]", ERR_CORRUPT, "tree 0: two ways lead to node 0"},
        {"[1,3,-1,-1,-1]", "[1,2,-1,-1,-1]", ERR_CORRUPT, "tree 0: two ways lead to node 2"},
        {"[1,3,-1,-1,-1]", "[1,3,-1,-1]", ERR_CORRUPT, "tree 0: right_children has 5"},
        {"[0,1,0,0,0]", "[0,3,0,0,0]", ERR_CORRUPT, "asks for feature 3 of 3"},
        {"[0,1,0,0,0]", "[0,-1,0,0,0]", ERR_CORRUPT, "tree 0, node 1: there is no feature -1"},
        {"[0,1,0,0,0]", "[0,1e9,0,0,0]", ERR_CORRUPT, "there is no feature 1e+09"},
        {"\"split_type\":[0,0,0,0,0]", "\"split_type\":[0,1,0,0,0]", ERR_UNSUPPORTED,
         "tree 0, node 1 splits by categories"},
        {"\"categories\":[]", "\"categories\":[1]", ERR_UNSUPPORTED, "splits by categories"},
        {"\"num_nodes\":\"5\"", "\"num_nodes\":\"7\"", ERR_CORRUPT, "num_nodes is 7"},
        {"\"num_nodes\":\"5\"", "\"num_nodes\":\"-5\"", ERR_CORRUPT, "num_nodes"},
        {"\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"3\"", ERR_UNSUPPORTED, "leaves"},
        {"\"num_trees\":\"2\"", "\"num_trees\":\"3\"", ERR_CORRUPT, "num_trees is 3"},
        {",\"num_trees\":\"2\"", "", ERR_CORRUPT, "no \"num_trees\""},
        {"\"num_feature\":\"3\",\"num_target\"", "\"num_feature\":\"1000\",\"num_target\"",
         ERR_LIMIT, "num_feature is 1000"},
        {"\"num_feature\":\"3\",\"num_target\"", "\"num_target\"", ERR_CORRUPT, "num_feature"},
        {"\"num_class\":\"0\"", "\"num_class\":\"3\"", ERR_UNSUPPORTED, "several outputs"},
        {"\"num_target\":\"1\"", "\"num_target\":\"2\"", ERR_UNSUPPORTED, "several outputs"},
        {"gbtree\"", "dart\"", ERR_UNSUPPORTED, "the booster is \"dart\""},
        {"reg:squarederror", "survival:cox", ERR_UNSUPPORTED, "the objective is \"survival:cox\""},
        {"reg:squarederror\",", "binary:logistic\",\"name\":\"x\",", ERR_CORRUPT, "twice"},
        {"\"3.5E-1\"", "\"nan\"", ERR_CORRUPT, "base_score"},
        {"\"3.5E-1\"", "\"[1,2]\"", ERR_UNSUPPORTED, "base_score is of several outputs"},
        {"\"3.5E-1\"", "\"1e200\"", ERR_CORRUPT, "base_score is 1e+200"},
        {"\"base_score\":\"3.5E-1\",", "", ERR_CORRUPT, "no \"base_score\""},
        {"\"learner\"", "\"teacher\"", ERR_CORRUPT, "no model of XGBoost"},
        {"\"version\":[3,0,5]}", "", ERR_CORRUPT, "1:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trees t = {.features = 77};
        struct err err = {0};
        char *json = edited(cases[i].from, cases[i].to);
        enum err_code code = trees_read(str_of(json), &t, &err);
        ck_assert_msg(code == cases[i].code, "%s -> %s: %s (%s)", cases[i].from, cases[i].to,
                      err_code_name(code), err.msg);
        ck_assert_msg(strstr(err.msg, cases[i].says), "%s -> %s: %s", cases[i].from, cases[i].to,
                      err.msg);
        ck_assert_uint_eq(t.features, 77);
        mem_free(json);
    }
}
END_TEST

START_TEST(memory_that_runs_out_is_reported)
{
    long calls;
    struct trees t;
    struct err err;
    mem_fail_at(0);
    ck_ok(trees_read(STR_LIT(SAMPLE), &t, &err));
    trees_release(&t);
    calls = mem_try_calls();
    ck_assert_int_gt(calls, 5);
    for (long at = 1; at <= calls; at++) {
        mem_fail_at(at);
        ck_err(trees_read(STR_LIT(SAMPLE), &t, &err), ERR_MEMORY);
    }
    mem_fail_at(0);
}
END_TEST

/* --- random trees against a walk over their nodes --------------------------------------------- */

enum { NODES_MAX = 200, TREES = 12, FEATURES = 40, ROWS = 45 };

struct node {
    int left, right, feature, missing_left;
    float value;
};

struct tree {
    struct node nodes[NODES_MAX];
    int len;
};

/* Split a random leaf (`deep`: the newest) until there are `splits`. */
static void random_tree(struct rng *rng, int splits, bool deep, struct tree *t)
{
    int leaves[NODES_MAX], n = 1;
    *t = (struct tree){.len = 1};
    leaves[0] = 0;
    t->nodes[0] = (struct node){.left = -1, .right = -1, .value = (float)rng_normal(rng)};
    for (int s = 0; s < splits; s++) {
        int which = deep ? n - 1 : (int)rng_below(rng, (uint64_t)n);
        struct node *at = &t->nodes[leaves[which]];
        *at = (struct node){.left = t->len,
                            .right = t->len + 1,
                            .feature = (int)rng_below(rng, FEATURES),
                            .missing_left = (int)rng_below(rng, 2),
                            .value = (float)(int)rng_below(rng, 7) - 3};
        leaves[which] = t->len;
        leaves[n++] = t->len + 1;
        for (int k = 0; k < 2; k++)
            t->nodes[t->len++] =
                (struct node){.left = -1, .right = -1, .value = (float)rng_normal(rng)};
    }
}

static void put_numbers(struct buf *b, const char *name, const struct tree *t, int field)
{
    buf_printf(b, "\"%s\":[", name);
    for (int i = 0; i < t->len; i++) {
        const struct node *n = &t->nodes[i];
        const char *comma = i ? "," : "";
        if (field == 4)
            buf_printf(b, "%s%.9g", comma, (double)n->value);
        else
            buf_printf(b, "%s%d", comma,
                       field == 0   ? n->left
                       : field == 1 ? n->right
                       : field == 2 ? n->feature
                                    : n->missing_left);
    }
    buf_puts(b, "],");
}

static void put_model(struct buf *b, const struct tree *trees, size_t n, const char *objective)
{
    buf_printf(b,
               "{\"learner\":{\"objective\":{\"name\":\"%s\"},\"learner_model_param\":{"
               "\"base_score\":\"2.5E-1\",\"num_feature\":\"%d\"},\"gradient_booster\":{"
               "\"name\":\"gbtree\",\"model\":{\"gbtree_model_param\":{\"num_trees\":\"%zu\"},"
               "\"trees\":[",
               objective, FEATURES, n);
    for (size_t k = 0; k < n; k++) {
        buf_puts(b, k ? ",{" : "{");
        put_numbers(b, "left_children", &trees[k], 0);
        put_numbers(b, "right_children", &trees[k], 1);
        put_numbers(b, "split_indices", &trees[k], 2);
        put_numbers(b, "default_left", &trees[k], 3);
        put_numbers(b, "split_conditions", &trees[k], 4);
        buf_printf(b, "\"tree_param\":{\"num_nodes\":\"%d\"}}", trees[k].len);
    }
    buf_puts(b, "]}}}}");
}

static float walk(const struct tree *t, const float *x, size_t stride)
{
    const struct node *n = &t->nodes[0];
    while (n->left >= 0) {
        float v = x[(size_t)n->feature * stride];
        bool left = isnan(v) ? n->missing_left : v < n->value;
        n = &t->nodes[left ? n->left : n->right];
    }
    return n->value;
}

/* Small whole numbers, so that thresholds are met, with NaN and infinities among them. */
static void random_rows(struct rng *rng, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t what = rng_below(rng, 20);
        x[i] = what == 0   ? NAN
               : what == 1 ? INFINITY
               : what == 2 ? -INFINITY
                           : (float)(int)rng_below(rng, 9) - 4;
    }
}

START_TEST(every_table_gives_the_bits_of_a_walk_over_the_nodes)
{
    static struct tree trees[TREES];
    static float x[FEATURES * ROWS];
    struct trees t;
    struct err err;
    struct rng rng;
    struct buf json;
    rng_init(&rng, 7);
    buf_init(&json, 4 << 20);
    for (int round = 0; round < 30; round++) {
        size_t n_trees = round == 0 ? 0 : 1 + rng_below(&rng, TREES);
        for (size_t k = 0; k < n_trees; k++) {
            bool deep = rng_below(&rng, 4) == 0;
            /* single leaves, stumps, shapes of all depths */
            int splits = (int)(deep ? rng_below(&rng, 13)
                                    : rng_below(&rng, (uint64_t)1 << rng_below(&rng, 6)));
            random_tree(&rng, splits, deep, &trees[k]);
        }
        buf_reset(&json);
        put_model(&json, trees, n_trees, "rank:ndcg");
        enum err_code code = trees_read(buf_str(&json), &t, &err);
        if (code == ERR_LIMIT) /* random ones may become too deep */
            continue;
        ck_ok(code);
        for (size_t n = 0; n <= ROWS; n += n < 20 ? 1 : 5) {
            random_rows(&rng, x, FEATURES * ROWS);
            const struct trees_ops *ops;
            for (size_t o = 0; (ops = trees_available(o)); o++) {
                float out[ROWS + 1];
                out[n] = 123;
                trees_score_with(ops, &t, x, ROWS, n, out);
                ck_assert(out[n] == 123);
                for (size_t i = 0; i < n; i++) {
                    float wanted = 0.25f;
                    for (size_t k = 0; k < n_trees; k++)
                        wanted += walk(&trees[k], x + i, ROWS);
                    ck_assert_msg(out[i] == wanted, "%s, round %d, row %zu of %zu: %g, not %g",
                                  ops->name, round, i, n, (double)out[i], (double)wanted);
                }
            }
        }
        trees_release(&t);
    }
    buf_release(&json);
}
END_TEST

START_TEST(caps_are_told_before_memory_is_taken)
{
    static struct tree one;
    struct trees t;
    struct err err;
    struct rng rng;
    struct buf json;
    rng_init(&rng, 3);
    buf_init(&json, 64 << 20);
    random_tree(&rng, TREES_DEPTH_MAX + 1, true, &one);
    put_model(&json, &one, 1, "rank:ndcg");
    ck_err(trees_read(buf_str(&json), &t, &err), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.msg, "tree 0 is deeper than 12"));
    /* 2,000 chains of 12 are a few kilobytes each, and 4,096 leaves each once filled up */
    struct tree *many = mem_new(2000, sizeof *many);
    for (int k = 0; k < 2000; k++)
        random_tree(&rng, TREES_DEPTH_MAX, true, &many[k]);
    buf_reset(&json);
    put_model(&json, many, 2000, "rank:ndcg");
    ck_err(trees_read(buf_str(&json), &t, &err), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.msg, "leaves, filled up"));
    mem_free(many);
    buf_release(&json);
}
END_TEST

/* --- against the library ---------------------------------------------------------------------- */

enum { TRAIN_ROWS = 600, TRAIN_FEATURES = 7, ROUNDS = 25, GROUP = 20 };

#define ck_xgb(call) ck_assert_msg((call) == 0, "%s: %s", #call, XGBGetLastError())

struct data {
    float x[TRAIN_ROWS][TRAIN_FEATURES], label[TRAIN_ROWS];
    unsigned group[TRAIN_ROWS / GROUP];
};

static void make_data(struct rng *rng, bool graded, struct data *d)
{
    for (size_t i = 0; i < TRAIN_ROWS; i++) {
        double sum = 0;
        for (size_t f = 0; f < TRAIN_FEATURES; f++) {
            d->x[i][f] = rng_below(rng, 8) == 0 ? NAN : (float)rng_normal(rng);
            sum += isnan(d->x[i][f]) ? (f % 2 ? 0.7 : -0.7) : (double)d->x[i][f] * (double)f / 3;
        }
        d->label[i] = graded ? (float)(sum > 2 ? 2 : sum > 0) : (float)(sum > 0);
    }
    for (size_t g = 0; g < TRAIN_ROWS / GROUP; g++)
        d->group[g] = GROUP;
}

/* Train with this objective; the model as JSON (borrowed from the booster), and predictions. */
static struct str train(const struct data *d, const char *objective, const char *depth,
                        BoosterHandle *booster, float *predictions)
{
    DMatrixHandle m;
    bst_ulong n, shape_dims;
    const bst_ulong *shape;
    const float *out;
    const char *text;
    ck_xgb(XGDMatrixCreateFromMat(d->x[0], TRAIN_ROWS, TRAIN_FEATURES, NAN, &m));
    ck_xgb(XGDMatrixSetFloatInfo(m, "label", d->label, TRAIN_ROWS));
    if (str_starts(str_of(objective), STR_LIT("rank:")))
        ck_xgb(XGDMatrixSetUIntInfo(m, "group", d->group, TRAIN_ROWS / GROUP));
    ck_xgb(XGBoosterCreate(&m, 1, booster));
    ck_xgb(XGBoosterSetParam(*booster, "objective", objective));
    ck_xgb(XGBoosterSetParam(*booster, "max_depth", depth));
    ck_xgb(XGBoosterSetParam(*booster, "nthread", "1"));
    ck_xgb(XGBoosterSetParam(*booster, "tree_method", "hist"));
    for (int i = 0; i < ROUNDS; i++)
        ck_xgb(XGBoosterUpdateOneIter(*booster, i, m));
    ck_xgb(XGBoosterPredictFromDMatrix(*booster, m,
                                       "{\"type\":0,\"training\":false,\"iteration_begin\":0,"
                                       "\"iteration_end\":0,\"strict_shape\":false}",
                                       &shape, &shape_dims, &out));
    ck_assert_uint_eq(shape[0], TRAIN_ROWS);
    memcpy(predictions, out, TRAIN_ROWS * sizeof *predictions);
    ck_xgb(XGBoosterSaveModelToBuffer(*booster, "{\"format\":\"json\"}", &n, &text));
    XGDMatrixFree(m);
    return (struct str){text, n};
}

START_TEST(predictions_are_those_of_xgboost)
{
    static const char *const objectives[] = {"reg:squarederror", "binary:logistic", "rank:pairwise",
                                             "rank:ndcg"};
    static const char *const depths[] = {"1", "3", "6", "9"};
    static struct data d;
    static float columns[TRAIN_FEATURES][TRAIN_ROWS], predictions[TRAIN_ROWS], out[TRAIN_ROWS];
    struct rng rng;
    struct err err;
    rng_init(&rng, 5);
    for (size_t o = 0; o < 4; o++)
        for (size_t k = 0; k < 4; k++) {
            BoosterHandle booster;
            struct trees t;
            make_data(&rng, o >= 2, &d);
            struct str json = train(&d, objectives[o], depths[k], &booster, predictions);
            ck_ok(trees_read(json, &t, &err));
            ck_assert_uint_eq(t.len, ROUNDS);
            for (size_t i = 0; i < TRAIN_ROWS; i++)
                for (size_t f = 0; f < TRAIN_FEATURES; f++)
                    columns[f][i] = d.x[i][f];
            trees_score(&t, columns[0], TRAIN_ROWS, TRAIN_ROWS, out);
            float least = INFINITY, most = -INFINITY;
            for (size_t i = 0; i < TRAIN_ROWS; i++) {
                ck_assert_float_eq_tol(trees_predict(&t, out[i]), predictions[i], 1e-5f);
                least = fminf(least, predictions[i]);
                most = fmaxf(most, predictions[i]);
            }
            ck_assert_float_gt(most - least, 0.2f); /* it has learned something */
            trees_release(&t);
            XGBoosterFree(booster);
        }
}
END_TEST

START_TEST(the_table_in_force_goes_with_that_of_vectors)
{
    struct err err;
    unsetenv("AISLE_SIMD");
    ck_ok(vec_init(&err));
    trees_init();
    size_t last = 0;
    while (trees_available(last + 1))
        last++;
    ck_assert_ptr_eq(trees_ops, trees_available(last));
    setenv("AISLE_SIMD", "scalar", 1);
    ck_ok(vec_init(&err));
    trees_init();
    ck_assert_str_eq(trees_ops->name, "scalar");
}
END_TEST

SUITE("trees", a_model_of_xgboost_3_predicts_what_it_did, a_damaged_file_is_refused_with_its_place,
      memory_that_runs_out_is_reported, every_table_gives_the_bits_of_a_walk_over_the_nodes,
      caps_are_told_before_memory_is_taken, predictions_are_those_of_xgboost,
      the_table_in_force_goes_with_that_of_vectors)
