/* ranking.h - how good ranked lists are, user by user.
 *
 * Metrics: for one user with the set T of held-out items and a ranked list L cut at k,
 *            recall@k  |L ∩ T| / |T|
 *            ndcg@k    sum over hits of 1 / log2(rank + 1), divided by that of min(k, |T|) hits on top
 *                      (Järvelin, Kekäläinen 2002, binary gain)
 *            hit@k     1 if anything of T is in L
 *            mrr@k     1 / rank of the first hit, 0 without one
 *          Means are over users with |T| > 0. Coverage is the share of items that any list shows; gini is
 *          the inequality of how often items are shown (0 equal, 1 one item takes all).
 * Threads: one ranking_totals per thread, merged at the end. */
#ifndef EVAL_RANKING_H
#define EVAL_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct user_metrics {
    double recall, ndcg, hit, mrr;
};

/** ranked [n], distinct, best first; truth [truth_len] ascending, distinct, not empty; k >= 1. */
struct user_metrics ranking_measure(const uint32_t *ranked, size_t n, const uint32_t *truth,
                                    size_t truth_len, size_t k);

struct ranking_totals {
    size_t users;
    double recall, ndcg, hit, mrr; /* sums */
    uint32_t *shown;               /* [items] how often each was in a list, owned */
    size_t items;
};

/** ERR_MEMORY */
ERR_MUST_USE enum err_code ranking_init(struct ranking_totals *t, size_t items, struct err *err);
void ranking_release(struct ranking_totals *t);

/** Count one user's list (its first k) and metrics. */
void ranking_add(struct ranking_totals *t, const uint32_t *ranked, size_t n,
                 const struct user_metrics *m, size_t k);
void ranking_merge(struct ranking_totals *into, const struct ranking_totals *from);

/** Share of items shown at least once. */
double ranking_coverage(const struct ranking_totals *t);

/** Gini coefficient of `shown`; 0 when nothing was shown.
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code ranking_gini(const struct ranking_totals *t, double *out,
                                        struct err *err);

#endif
