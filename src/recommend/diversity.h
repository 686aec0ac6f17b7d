/* diversity.h - a list that is chosen by more than its products' scores.
 *
 * Method: maximal marginal relevance (Carbonell, Goldstein, "The use of MMR, diversity-based reranking for
 *         reordering documents and producing summaries", SIGIR 1998), greedily, with two more terms. The next
 *         is the item with the greatest
 *           worth = (1 - diversity) * relevance - diversity * likeness + novelty * N + margin * M
 *         relevance  its score between the lowest (0) and the best (1) of those that are chosen from, as they are without
 *                    rules; so it means the same for weighted sums, for a ranker's scores and for any number of
 *                    candidates, and what a rule boosts or buries lies above 1 or below 0 and moves nobody else
 *         likeness   max(0, greatest cosine with those taken) of the model's item factors; a product that it does
 *                    not know is like nothing
 *         N          how new it is to the shopper, 0..1 (novelty.h)
 *         M          what the shop keeps of its price, 0..1 (live_margin)
 *         A weight of 0.1 for N or M: from nothing to all of it is worth a tenth of the way between the lowest score
 *         and the best.
 * Cost:   n * want dot products of the model's dimensions. */
#ifndef RECOMMEND_DIVERSITY_H
#define RECOMMEND_DIVERSITY_H

#include "engine/recommend_model.h"
#include "recommend/recommend.h"
#include "recommend/weights.h"

struct listed {
    struct recommend_item item;
    float factor;          /* > 0: of rules; the score without them is score / factor */
    float novelty, margin; /* N and M */
    /* set by diversify, as of the moment at which it was taken; of what was not, after the last one was */
    float relevance, likeness, worth;
};

/** Put the `want` best of items [n], which come by descending score, first, in the order they are taken in; the rest
 *  keeps its order. w's weights of sources are not looked at. m NULL: no product is known.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code diversify(const struct recommend_model *m,
                                     const struct placement_weights *w, struct listed *items,
                                     size_t n, size_t want, struct arena *arena, struct err *err);

/** How different a list is: the mean of 1 - max(0, cosine) over all pairs that the model knows; 0 without a pair. */
double diversity_of(const struct recommend_model *m, const uint32_t *products, size_t n);

#endif
