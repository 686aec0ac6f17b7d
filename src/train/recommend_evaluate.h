/* recommend_evaluate.h - how well a model fitted on the past foretells what came after.
 *
 * Split:   acts before a moment train, acts after it test. A shopper's truth is what they did after it
 *          with products that they had not touched before, among those the model knows; shoppers without
 *          a past or without a truth are left out. Beyond users_max a seeded sample is taken.
 * Scorers: the factor model through the serving code (recommend/factors.h), and popularity on the same
 *          shoppers with the same products left out. The difference of their NDCG has a paired
 *          bootstrap interval. */
#ifndef TRAIN_RECOMMEND_EVALUATE_H
#define TRAIN_RECOMMEND_EVALUATE_H

#include "base/json_writer.h"
#include "eval/ranking.h"
#include "num/stats.h"
#include "train/recommend_fit.h"

struct scorer_metrics {
    double recall, ndcg, hit, mrr; /* means */
    double coverage, gini;
};

struct recommend_evaluation {
    size_t k;
    size_t users;  /* measured */
    int64_t split; /* UTC microseconds */
    struct scorer_metrics factors, popularity;
    struct stats_interval ndcg; /* of the factor model */
    struct stats_interval gain; /* ndcg over popularity */
    double index_recall; /* share of the exact best k that the vector index finds */
};

/** The moment with `share` (0..1) of the acts before it. it is sorted by user: a copy is sorted.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code recommend_split(const struct interactions *it, double share,
                                           int64_t *split, struct err *err);

/** Measure m, which was fitted on the acts before split.
 *  ERR_MEMORY, ERR_CANCELLED. With no shopper to measure users is 0 and all else too. */
ERR_MUST_USE enum err_code recommend_evaluate(const struct interactions *it, int64_t split,
                                              const struct recommend_model *m, size_t k,
                                              size_t users_max, uint64_t seed,
                                              struct recommend_evaluation *out, struct err *err);

/** As members of an open object. */
void recommend_evaluation_json(const struct recommend_evaluation *e, struct json_writer *w);

#endif
