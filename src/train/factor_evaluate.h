/* factor_evaluate.h - how well the factor source alone foretells what came after, and what its index costs.
 *
 * Split:   as recommend_evaluate.h, over the products that the model knows. Each shopper is folded in from their acts
 *          before it, through the serving code (recommend/factors.h).
 * Use:     a figure to look at. Whether a model may serve is judged by whole lists. */
#ifndef TRAIN_FACTOR_EVALUATE_H
#define TRAIN_FACTOR_EVALUATE_H

#include "engine/recommend_model.h"
#include "ingest/derive.h"

struct factor_evaluation {
    size_t users;
    double recall, ndcg, hit, mrr; /* means */
    double coverage, gini;         /* of the model's products */
    double index_recall;           /* share of the exact best k that the vector index finds */
};

/** Measure m, which was fitted on the acts before the split (UTC us), with lists of k (at most 100) for at most users_max
 *  shoppers. A model without factors gives zeros.
 *  ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code factor_evaluate(const struct interactions *it,
                                           const struct recommend_model *m, int64_t split, size_t k,
                                           size_t users_max, uint64_t seed,
                                           struct factor_evaluation *out, struct err *err);

#endif
