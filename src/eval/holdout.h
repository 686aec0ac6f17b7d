/* holdout.h - how well a factor model foretells what each user had besides what it was fitted on.
 *
 * Users:   those with a past in what the model knows and with something in the truth that is not in their past;
 *          the others are left out. What a user had in the past is neither shown nor wanted.
 * Items:   all that were numbered, known to the model or not; coverage and gini are over all of them.
 * Threads: users are spread over the lanes of a pool; the sums may differ in their last digits with their
 *          number, the lists do not. */
#ifndef EVAL_HOLDOUT_H
#define EVAL_HOLDOUT_H

#include "base/pool.h"
#include "engine/recommend_model.h"
#include "ingest/derive.h"

enum { HOLDOUT_K_MAX = 1000 };

struct holdout_options {
    size_t k;          /* length of the lists, 1..HOLDOUT_K_MAX */
    uint32_t users;    /* numbered 1..users */
    uint32_t items;    /* numbered 1..items: product_no in the acts and the model */
    bool exact;        /* score every item, without the index */
    struct pool *pool; /* NULL: this thread alone */
};

/* Means over the users (eval/ranking.h). */
struct holdout_result {
    size_t users;
    double recall, ndcg, hit, mrr;
    double coverage, gini;
};

/** Measure m, which was fitted on past.
 *  ERR_INVALID  the model has no factors; ERR_MEMORY, ERR_LIMIT, ERR_CANCELLED */
ERR_MUST_USE enum err_code holdout_measure(const struct recommend_model *m,
                                           const struct interactions *past,
                                           const struct interactions *truth,
                                           const struct holdout_options *o,
                                           struct holdout_result *out, struct err *err);

#endif
