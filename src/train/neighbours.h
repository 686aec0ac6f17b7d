/* neighbours.h - item-to-item similarity from shared groups: shoppers, or baskets.
 *
 * Model:   cosine of two items' sets of groups, each group damped by its size (a shopper who takes
 *          everything says little about any pair), shrunk towards 0 for pairs with little support:
 *          s(i, j) = sum over shared groups of damp(g) / sqrt(n_i n_j) * c / (c + shrink),
 *          damp(g) = 1 / log2(1 + |g|), n_i = sum of damp over i's groups, c the number of shared groups.
 *          Or, with bm25 = k1 > 0, the dot product of BM25-weighted items, an item being a text whose words are groups:
 *          s(i, j) = sum over shared groups of a_ig a_jg * c / (c + shrink), over the greatest of all,
 *          a_ig = idf(g) w (k1 + 1) / (k1 (1 - b + b n_i / mean n) + w), idf(g) = log(items / (1 + |g|)) or 0 if that is
 *          less, w the weight of i in g, n_i the sum of i's weights.
 * Source:  Sarwar et al. 2001; Breese et al. 1998 (inverse user frequency); Bell, Koren 2007 (shrinkage); Robertson,
 *          Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009, for items as in the library implicit.
 * Cost:    sum over groups of size^2; groups above group_max are cut to their last items.
 * Result:  exact but for that cut, the same whatever the number of threads. */
#ifndef TRAIN_NEIGHBOURS_H
#define TRAIN_NEIGHBOURS_H

#include "base/pool.h"
#include "engine/recommend_model.h"
#include "num/topk.h"
#include "train/matrix.h"

struct neighbour_options {
    uint32_t keep;      /* neighbours per item, 1..RECOMMEND_NEIGHBOURS_MAX */
    float shrink;       /* >= 0 */
    uint32_t group_max; /* items of a group that count */
    uint32_t support;   /* shared groups that a pair needs, >= 1 */
    float bm25;         /* k1; 0: cosine */
    float b;            /* of bm25, 0..1 */
};

struct neighbour_result {
    uint32_t *offsets; /* [items + 1], owned */
    uint32_t *rows;    /* [offsets[items]], owned */
    float *scores;     /* [offsets[items]] in (0, 1], owned */
};

/** by_group [groups][items]; the values, > 0, are used with bm25 alone. ERR_MEMORY, ERR_CANCELLED; ERR_LIMIT  more than
 *  2^32 entries. */
ERR_MUST_USE enum err_code neighbours_fit(const struct matrix *by_group,
                                          const struct neighbour_options *o, struct pool *pool,
                                          struct neighbour_result *out, struct err *err);

/** Lists of up to `keep` each into one piece.
 *  kept [items][keep], kept_len [items]: how many of them.
 *  ERR_MEMORY; ERR_LIMIT  more than 2^32 entries */
ERR_MUST_USE enum err_code neighbours_pack(const struct topk_item *kept, const uint32_t *kept_len,
                                           uint32_t items, uint32_t keep,
                                           struct neighbour_result *out, struct err *err);
void neighbours_release(struct neighbour_result *r);

/** Divide all scores (> 0) of items lists by the greatest, so that they are in (0, 1]. Returns that one; 1 for no
 *  scores at all. */
float neighbours_scale(struct neighbour_result *r, uint32_t items);

#endif
