/* rivals.h - the models that are measured beside the factor model (eval/holdout.h), from acts.
 *
 * Model:   propagation  train/propagation.h
 *          neighbours   train/neighbours.h over shoppers: an item scores the sum over the past of weight times
 *                       similarity, the similarity being that of the past item's list
 *          popularity   how many shoppers an item has, the same for everybody
 *          Weights are those of training: profile_confidence of the summed weights of a shopper's acts. What scores
 *          nothing is not ranked.
 * Memory:  one struct rival: all-zero is valid; rival_release.
 * Threads: immutable once fitted. */
#ifndef TRAIN_RIVALS_H
#define TRAIN_RIVALS_H

#include "eval/holdout.h"
#include "train/propagation.h"

enum rival_kind { RIVAL_PROPAGATION, RIVAL_NEIGHBOURS, RIVAL_POPULARITY };

struct rival_params {
    struct propagation_options propagation;
    bool dim_asked; /* false: propagation.dim is cut to what the matrix has */
    struct neighbour_options neighbours;
};

/** Those of propagation were chosen on a validation part (docs/recommender-design.md). */
struct rival_params rival_defaults(void);

/** Set one parameter of a kind by name ("keep=500"). ERR_INVALID. */
ERR_MUST_USE enum err_code rival_param_set(struct rival_params *p, enum rival_kind kind,
                                           struct str text, struct err *err);

struct rival {
    enum rival_kind kind;
    uint32_t rows;
    uint32_t *items; /* [rows] product_no, ascending, owned */
    struct propagation propagation;
    struct neighbour_result neighbours;
    struct topk_item *popular; /* [rows] best first, owned */
};

/** Fit on the acts of known shoppers. out: rival_release.
 *  ERR_INVALID  there are none; else as propagation_fit and neighbours_fit */
ERR_MUST_USE enum err_code rival_fit(const struct interactions *it, enum rival_kind kind,
                                     const struct rival_params *p, struct pool *pool,
                                     struct rival *out, struct err *err);
void rival_release(struct rival *r);

/** To be measured. Borrows r. */
struct holdout_model rival_holdout(const struct rival *r);

#endif
