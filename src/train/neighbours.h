/* neighbours.h - item-to-item similarity from shared groups: shoppers, or baskets.
 *
 * Model:   cosine of two items' sets of groups, each group damped by its size (a shopper who takes
 *          everything says little about any pair), shrunk towards 0 for pairs with little support:
 *          s(i, j) = sum over shared groups of damp(g) / sqrt(n_i n_j) * c / (c + shrink),
 *          damp(g) = 1 / log2(1 + |g|), n_i = sum of damp over i's groups, c the number of shared groups.
 * Source:  Sarwar et al. 2001; Breese et al. 1998 (inverse user frequency); Bell, Koren 2007 (shrinkage).
 * Cost:    sum over groups of size^2; groups above group_max are cut to their last items.
 * Result:  exact but for that cut, the same whatever the number of threads. */
#ifndef TRAIN_NEIGHBOURS_H
#define TRAIN_NEIGHBOURS_H

#include "base/pool.h"
#include "engine/recommend_model.h"
#include "train/matrix.h"

struct neighbour_options {
    uint32_t keep;      /* neighbours per item, 1..RECOMMEND_NEIGHBOURS_MAX */
    float shrink;       /* >= 0 */
    uint32_t group_max; /* items of a group that count */
    uint32_t support;   /* shared groups that a pair needs, >= 1 */
};

struct neighbour_result {
    uint32_t *offsets; /* [items + 1], owned */
    uint32_t *rows;    /* [offsets[items]], owned */
    float *scores;     /* [offsets[items]] in (0, 1], owned */
};

/** by_group [groups][items]; the values are not used. ERR_MEMORY, ERR_CANCELLED. */
ERR_MUST_USE enum err_code neighbours_fit(const struct matrix *by_group,
                                          const struct neighbour_options *o, struct pool *pool,
                                          struct neighbour_result *out, struct err *err);
void neighbours_release(struct neighbour_result *r);

/** Divide all scores (> 0) of items lists by the greatest, so that they are in (0, 1]. Returns that one; 1 for no
 *  scores at all. */
float neighbours_scale(struct neighbour_result *r, uint32_t items);

#endif
