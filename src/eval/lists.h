/* lists.h - how good whole lists are, as recommend_run makes them: all sources, weights and rules.
 *
 * Metrics: eval/ranking.h, of each case's list of k products, and their means.
 * View:    of the moment before which everything is known (engine/past.h).
 * Result:  the same whatever the number of threads. */
#ifndef EVAL_LISTS_H
#define EVAL_LISTS_H

#include "base/pool.h"
#include "eval/list_cases.h"
#include "eval/ranking.h"
#include "recommend/weights.h"

struct lists_options {
    size_t k;                                /* length of the lists, 1..RECOMMEND_LIMIT_MAX */
    int64_t now_us;                          /* of the requests: the moment */
    struct pool *pool;                       /* NULL: this thread alone */
    const struct recommend_weights *weights; /* NULL: the default */
};

struct lists_result {
    size_t cases;
    double recall, ndcg, hit, mrr; /* means */
    double coverage, gini;         /* of the products that can be located */
    double diversity;              /* mean of the lists' (recommend/diversity.h) */
    double novelty, margin; /* means of the lists' products' (recommend/novelty.h, live_margin) */
    double *case_ndcg;      /* [cases], owned */
};

/** Answer all cases. out is owned: lists_result_release, on failure too.
 *  ERR_MEMORY, ERR_CANCELLED; else what recommend_run reports */
ERR_MUST_USE enum err_code lists_measure(const struct list_cases *cases, const struct view *view,
                                         const struct lists_options *o, struct lists_result *out,
                                         struct err *err);
void lists_result_release(struct lists_result *r);

#endif
