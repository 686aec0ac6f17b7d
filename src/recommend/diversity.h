/* diversity.h - a list whose products are not all of one kind.
 *
 * Method: maximal marginal relevance (Carbonell, Goldstein, "The use of MMR, diversity-based reranking for
 *         reordering documents and producing summaries", SIGIR 1998), greedily: the next is the item with the
 *         greatest  (1 - diversity) * score / best score - diversity * max(0, greatest cosine with those taken).
 *         Vectors are the model's item factors; a product that it does not know is like nothing.
 * Cost:   n * want dot products of the model's dimensions. */
#ifndef RECOMMEND_DIVERSITY_H
#define RECOMMEND_DIVERSITY_H

#include "engine/recommend_model.h"
#include "recommend/recommend.h"

/** Put the `want` best of items [n], which come by descending score, first, in the order they are taken in; the rest
 *  keeps its order. diversity 0..1; 0 changes nothing.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code diversify(const struct recommend_model *m, float diversity,
                                     struct recommend_item *items, size_t n, size_t want,
                                     struct arena *arena, struct err *err);

/** How different a list is: the mean of 1 - max(0, cosine) over all pairs that the model knows; 0 without a pair. */
double diversity_of(const struct recommend_model *m, const uint32_t *products, size_t n);

#endif
