/* again.h - what a shopper may want to buy again now.
 *
 * Model:   of every product that this shopper bought, the rate at which they may buy it, a day: a Poisson process whose
 *          rate has a gamma prior made of what all shoppers do with the product (Bhagat et al., "Buy It Again: Modeling
 *          Repeat Purchase Recommendations", KDD 2018, the Poisson-gamma model times the probability of a repeat):
 *            share * (bought - 1 + 2 share) / (days since the first purchase + 2 interval)
 *          with share, how many of its buyers came back for it, and interval, the usual days between two purchases, both
 *          from training (train/again.h). Different from the paper: the prior is those two figures and not fitted by
 *          products, so that a product with few buyers has one; and the peak at the mean interval is left out, for it
 *          made lists worse (docs/placements.md). Two purchases on one day are one. What was bought less than a
 *          part of its interval ago is not wanted again yet.
 * Privacy: the shopper's purchases alone; nothing for user_no 0.
 * Memory:  in the request's arena.
 * Threads: one request. */
#ifndef RECOMMEND_AGAIN_H
#define RECOMMEND_AGAIN_H

#include "base/arena.h"
#include "engine/view.h"

/** A product rests for this part of its usual interval. */
#define AGAIN_REST 0.1f

/** From this part of its usual interval on it is due, if so many of the buyers come back. */
#define AGAIN_DUE       0.75f
#define AGAIN_DUE_SHARE 0.1f

/** What fewer of the buyers come back for is no proposal. */
#define AGAIN_SHARE_MIN 0.03f

struct again_item {
    uint32_t product_no;
    uint32_t bought;          /* days on which it was; >= 1 */
    uint32_t first_s, last_s; /* UTC seconds of the first and the last of them */
    float rate;               /* > 0: a day, what they are ordered by */
    float interval_days;      /* > 0 */
    bool due;                 /* its usual interval is over, or nearly */
};

struct again {
    struct again_item *items; /* [len] by rate, of equal ones the lower number first */
    size_t len;
};

/** Products may be sold out or gone. A product that the model does not know, and one that hardly anybody buys twice, is
 *  not among them.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code again_load(const struct view *view, uint32_t user_no, int64_t now_us,
                                      struct arena *arena, struct again *out, struct err *err);

/** The rate above. share in [0, 1], interval_days > 0, bought >= 1, since_first_days >= 0. */
float again_rate(float share, float interval_days, uint32_t bought, float since_first_days);

#endif
