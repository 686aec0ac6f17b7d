/* ranker_examples.h - what a ranker is fitted to: candidates of lists whose outcome is known.
 *
 * Model:   a query is a case (eval/list_cases.h): recommend_examples gives its candidates, as they would have been
 *          served at the moment, with their features; what was asked for afterwards has label 1, the others 0.
 *          For fitting, a query without a positive among its candidates teaches nothing and is left out, and of
 *          the negatives a seeded sample is kept; for measuring everything is kept.
 *          Lists that were shown are added by train/ranker_shown.h.
 * Memory:  ranker_examples_release. Four bytes a feature of each candidate. */
#ifndef TRAIN_RANKER_EXAMPLES_H
#define TRAIN_RANKER_EXAMPLES_H

#include "base/rng.h"
#include "eval/list_cases.h"
#include "recommend/features.h"
#include "train/lambdamart.h"

/* All-zero is valid: none. */
struct ranker_examples {
    size_t queries, queries_cap;
    size_t *offsets; /* [queries + 1], owned */
    size_t len, cap;
    float *x;      /* [len][FEATURES], owned */
    float *label;  /* [len] 0 or 1: did they do anything with it? (ranker_shown.h: 0 to 3) owned */
    float *weight; /* [len] what it counts where it is preferred; owned */
    float *purchase; /* [len] 0 or 1: did they buy it? owned; of cases with a shopper */
};

struct ranker_examples_options {
    const struct view *view;                 /* of the moment */
    const struct interactions *it;           /* to tell purchases */
    const struct recommend_weights *weights; /* of the sources; NULL: the default */
    int64_t split, until; /* UTC us: the outcome is what happened in [split, until) */
    size_t candidates;    /* of a query */
    size_t negatives; /* to keep of them at most; 0: everything, queries without a positive too */
    struct rng *rng;
};

/** Append the cases [from, to) of c.
 *  ERR_MEMORY, ERR_CANCELLED; else what recommend_examples reports */
ERR_MUST_USE enum err_code ranker_examples_add(struct ranker_examples *e,
                                               const struct ranker_examples_options *o,
                                               const struct list_cases *c, size_t from, size_t to,
                                               struct err *err);
void ranker_examples_release(struct ranker_examples *e);

/** Append all queries of more.  ERR_MEMORY */
ERR_MUST_USE enum err_code ranker_examples_join(struct ranker_examples *e,
                                                const struct ranker_examples *more,
                                                struct err *err);

/* --- a query by hand: reserve, put each document, end -------------------------------------------- */

/** Room for a query of n documents.  ERR_MEMORY */
ERR_MUST_USE enum err_code ranker_examples_reserve(struct ranker_examples *e, size_t n,
                                                   struct err *err);

/** The candidate i of found is the next document. */
void ranker_examples_put(struct ranker_examples *e, const struct recommend_examples *found,
                         size_t i, float label, bool purchase, float weight);

/** The documents since the last query are one. */
void ranker_examples_end(struct ranker_examples *e);

/** As queries for gradients. Borrows. */
struct ranked ranker_examples_ranked(const struct ranker_examples *e);

#endif
