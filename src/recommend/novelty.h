/* novelty.h - how new a product is to a shopper.
 *
 * Measure: popularity-based novelty (Vargas, Castells, "Rank and relevance in novelty and diversity metrics for
 *          recommender systems", RecSys 2011): the self-information -log p of the chance that a shopper has met the
 *          product, p by its popularity (weighted, decayed acts, one more for each), moved and scaled so that the most
 *          popular product has 0 and one that nobody had 1:  1 - ln(1 + popularity) / ln(1 + the greatest).
 *          For a shopper with a past, its mean with the share of their past that lies in other categories
 *          (likes.h): what is rare but of the shelf that they always see is half new. A product without a
 *          category, or a shopper whose categories are unknown, has the first part alone.
 * Memory:  the caller's; borrows the view.
 * Threads: any. */
#ifndef RECOMMEND_NOVELTY_H
#define RECOMMEND_NOVELTY_H

#include "recommend/likes.h"

struct novelty {
    const struct view *view;
    struct likes likes;
    float most; /* ln(1 + the greatest popularity); 0: none is known */
};

void novelty_init(struct novelty *n, const struct view *view, const struct profile *profile);

/** 0..1. */
float novelty_of(const struct novelty *n, uint32_t product_no);

#endif
