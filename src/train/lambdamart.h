/* lambdamart.h - gradients that order lists: what boosted trees are fitted to where NDCG counts.
 *
 * Model:   in a query, sort by score (of equals the lower place first); r_i is the rank from 0, g_i = 2^label_i - 1,
 *          D(r) = 1 / log2(r + 2), best the greatest DCG of the first k. A pair (i, j) with label_i > label_j
 *          of which one stands before rank k costs
 *            weight_i |g_i - g_j| |D(r_i) - D(r_j)| / best * ln(1 + exp(-(s_i - s_j)))
 *          where ranks count as constants; gradients and second derivatives by the scores are summed.
 * Source:  Burges, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82; the truncation is
 *          LightGBM's lambdarank_truncation_level: a pair beyond k moves nothing, one across it counts in full.
 * Bias:    weight_i belongs to the document that is preferred. With 1 / (probability that its position was looked
 *          at) it makes the sum over clicks an unbiased estimate of the sum over relevant documents (inverse
 *          propensity weighting: Wang et al., "Position bias estimation for unbiased learning to rank in
 *          personal search", WSDM 2018, whose pairwise form this is; propensities: train/propensity.h).
 *          Not the joint estimation of two ratios per position of Hu et al., "Unbiased LambdaMART", WWW 2019:
 *          it wants logs of nothing but the ranker's own order, and here positions vary and are logged.
 * Threads: any; scratch is one caller's.
 * Cost:    per query n log n + (documents before rank k) n. */
#ifndef TRAIN_LAMBDAMART_H
#define TRAIN_LAMBDAMART_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RANKED_LABEL_MAX = 10 };

/** Documents, query by query. */
struct ranked {
    size_t queries;
    const size_t *offsets; /* [queries + 1] ascending, offsets[0] = 0 */
    const float *label;    /* [offsets[queries]] 0..RANKED_LABEL_MAX: how good it is */
    const float *weight;   /* [the same] >= 0, finite; NULL: all 1 */
};

/** How many documents. */
static inline size_t ranked_len(const struct ranked *q)
{
    return q->offsets[q->queries];
}

/** Fill gradient and hessian, each [ranked_len], from scores [ranked_len], which are finite. A query without
 *  a pair of different labels gives zeros.
 *  k  ranks that count, >= 1
 *  ERR_INVALID  a label or weight outside its range, named by its query and place
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code lambdamart_gradients(const struct ranked *q, size_t k,
                                                const float *scores, float *gradient,
                                                float *hessian, struct err *err);

/** Mean NDCG@k over the queries that have a label above 0, the same gains and discounts, of equal scores
 *  the lower place first; 0 without such a query. by_query [queries] (may be NULL) takes each one's,
 *  NaN where there is nothing to find.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code ranked_ndcg(const struct ranked *q, size_t k, const float *scores,
                                       double *by_query, double *mean, struct err *err);

#endif
