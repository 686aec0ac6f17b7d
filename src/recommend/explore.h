/* explore.h - one place of a list, filled at random with a known probability.
 *
 * Model:   the last place of a list of `limit` is the one that costs least. With probability `rate` it shows one of the
 *          products from that rank on, all alike; else the one that belongs there. What was shown is logged with the
 *          probability that it would be (propensity), whichever way it came there: a policy that fills the place another
 *          way can be estimated from that log (eval/ope.h).
 *          Of n products the one that belongs there has 1 - rate + rate / n, each other rate / n.
 * Rules:   a product that a rule pinned to that place, or behind it, is no guess of ours, and a rule that requires
 *          products means the list as it is: then nothing is explored.
 * Threads: any, each with its own rng. */
#ifndef RECOMMEND_EXPLORE_H
#define RECOMMEND_EXPLORE_H

#include "base/rng.h"
#include "recommend/recommend.h"

/** How many more products than a list shows are asked for, to choose from. */
enum { EXPLORE_MORE = 20 };

struct explored {
    uint32_t product_no; /* in the last place; 0: nothing was explored */
    float propensity;    /* (0, 1] */
    uint8_t rank;        /* 0: the one that belongs there; how many places behind it */
};

/** The list of the request, whose last place explores with this rate; with 0 as recommend_run.
 *  rate  [0, 1]
 *  Errors as recommend_run */
ERR_MUST_USE enum err_code explore_run(const struct view *view,
                                       const struct recommend_request *request, double rate,
                                       struct rng *rng, struct arena *arena,
                                       struct recommend_result *out, struct explored *explored,
                                       struct err *err);

/** Cut found, of which up to limit + EXPLORE_MORE were asked for, to limit, and fill its last place. A list that is
 *  shorter than limit, or has nothing behind it, is left as it is.
 *  rate  (0, 1]
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code explore_last(struct recommend_result *found, uint32_t limit, double rate,
                                        struct rng *rng, struct arena *arena, struct explored *out,
                                        struct err *err);

#endif
