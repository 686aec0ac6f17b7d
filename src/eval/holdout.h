/* holdout.h - how well a model foretells what each user had besides what it was fitted on.
 *
 * Users:   those with a past in what the model knows and with something in the truth that is not in their past;
 *          the others are left out. What a user had in the past is neither shown nor wanted.
 * Items:   all that were numbered, known to the model or not; coverage and gini are over all of them.
 * Threads: users are spread over the lanes of a pool; the sums may differ in their last digits with their
 *          number, the lists do not. */
#ifndef EVAL_HOLDOUT_H
#define EVAL_HOLDOUT_H

#include "base/arena.h"
#include "base/pool.h"
#include "engine/recommend_model.h"
#include "ingest/derive.h"
#include "num/topk.h"

enum { HOLDOUT_K_MAX = 1000, HOLDOUT_BATCH = 16 };

struct holdout_options {
    size_t k;          /* length of the lists, 1..HOLDOUT_K_MAX */
    uint32_t users;    /* numbered 1..users */
    uint32_t items;    /* numbered 1..items: product_no in the acts and the model */
    struct pool *pool; /* NULL: this thread alone */
};

/* One user to rank for. */
struct holdout_past {
    uint32_t *rows; /* [len] distinct, of the model */
    float *weights; /* [len] > 0 */
    size_t len;     /* >= 1 */
    size_t want;    /* >= 1 */
    struct topk_item
        *best;    /* [want] out: ids are rows, of the past too; best first, ties by lower row */
    size_t found; /* out: 0..want */
};

/* Any model: items by rows, and what it ranks. */
struct holdout_model {
    const uint32_t *items; /* [rows] numbers > 0, ascending; borrowed */
    uint32_t rows;

    /** Rank for pasts [n], 1 <= n <= HOLDOUT_BATCH: some models score several users in less time together.
     *  Called by several threads at once, each with its own arena. */
    enum err_code (*rank)(const void *model, struct holdout_past *pasts, size_t n,
                          struct arena *arena, struct err *err);
    const void *model; /* the first argument of rank; borrowed */
};

/** A factor model as it serves, through its index, or (exact) by scoring every item. Borrows m.
 *  ERR_INVALID  it has no factors */
ERR_MUST_USE enum err_code holdout_of_factors(const struct recommend_model *m, bool exact,
                                              struct holdout_model *out, struct err *err);

/* Means over the users (eval/ranking.h). */
struct holdout_result {
    size_t users;
    double recall, ndcg, hit, mrr;
    double coverage, gini;
};

/** Measure m, which was fitted on past.
 *  ERR_MEMORY, ERR_LIMIT, ERR_CANCELLED; else what m->rank reports */
ERR_MUST_USE enum err_code holdout_measure(const struct holdout_model *m,
                                           const struct interactions *past,
                                           const struct interactions *truth,
                                           const struct holdout_options *o,
                                           struct holdout_result *out, struct err *err);

#endif
