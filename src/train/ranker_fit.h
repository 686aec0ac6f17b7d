/* ranker_fit.h - boosted trees that order lists, as many as another set of lists is the better for.
 *
 * Model:   a tree a round: gradients by LambdaMART (train/lambdamart.h), the tree by XGBoost (train/boost.h). After each the
 *          lists of `tune` are ordered by all trees so far and measured; it ends when their NDCG@k has not risen for
 *          `patience` trees. Their margins are summed by our own walker of trees (num/trees.h), a tree at a time: it is
 *          what serves, and cheaper than to ask the library.
 * Kept:    the trees up to the best; with `trim` the fewest of at least RANKER_FEW_TREES that are as good but for that share.
 * Same:    the same lists and options give the same trees, whatever the number of threads.
 * Memory:  of the lists to learn from three numbers a document, of the others a copy of their features. */
#ifndef TRAIN_RANKER_FIT_H
#define TRAIN_RANKER_FIT_H

#include "train/ranker_examples.h"
#include "train/ranker_train.h"

struct ranker_fit {
    uint32_t best;               /* trees with the greatest NDCG */
    uint32_t kept;               /* of these */
    double best_ndcg, kept_ndcg; /* of tune, by so many */
    double
        few_ndcg; /* by the first RANKER_FEW_TREES, or by all that were grown where these are fewer */
};

/** learn and tune have documents. Appends the kept trees as XGBoost's JSON.
 *  pool  may be NULL
 *  ERR_MEMORY, ERR_CANCELLED, ERR_LIMIT; else what the parts report */
ERR_MUST_USE enum err_code ranker_fit(const struct ranker_examples *learn,
                                      const struct ranker_examples *tune,
                                      const struct ranker_options *o, struct pool *pool,
                                      struct buf *json, struct ranker_fit *out, struct err *err);

#endif
