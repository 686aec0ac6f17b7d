/* explain.h - why a product is in a list, and why another is not.
 *
 * Model:   recommend_trace_run keeps all that led to a list; what is told here is read from that and computed
 *          by the very functions that chose, so it cannot say anything else than what was done. The score
 *          of a product is its total, or what the learned ranker makes of it, times the factors of rules; its total is the sum over sources of
 *          part times scale; a part is the sum of what its lists say.
 *          Where more than scores had a say, the parts of its worth (diversity.h) are told as they were when it was taken; of
 *          what was not taken, as they are after all that was.
 * Reasons: of a product that is not shown, the first thing that keeps it out of the list as it stands.
 * Threads: one request. */
#ifndef RECOMMEND_EXPLAIN_H
#define RECOMMEND_EXPLAIN_H

#include "recommend/trace.h"

enum why_not {
    WHY_SHOWN,
    WHY_NOT_IN_CATALOGUE,
    WHY_INACTIVE,
    WHY_OUT_OF_STOCK,
    WHY_CONTEXT, /* the page is about it */
    WHY_EXCLUDED,
    WHY_OWNED,
    WHY_SEEN,
    WHY_VARIANT_OF_CONTEXT,
    WHY_FILTER,       /* clause */
    WHY_TOO_DEAR,     /* to be a small addition at the till */
    WHY_HIDDEN,       /* rule */
    WHY_GROUP_SHOWN,  /* other */
    WHY_CAPPED,       /* rule */
    WHY_GAVE_WAY,     /* to what rule requires */
    WHY_NOT_PROPOSED, /* by any source, and the placement shows nothing else */
    WHY_BELOW,        /* the list was full before its turn */
    WHYS
};

/** "shown", "not_in_catalogue", ... as in the API. */
const char *why_not_name(enum why_not w);

struct explainer {
    const struct view *view;
    const struct recommend_request *request;
    const struct recommend_trace *trace;
    struct placement_weights weights; /* of the placement */
    const float *raw;                 /* [candidates.len + 1] totals before rules */
    float last_score;                 /* of the last product shown that is not pinned; 0: none */
};

/** ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code explain_init(struct explainer *x, const struct view *view,
                                        const struct recommend_request *request,
                                        const struct recommend_trace *trace, struct arena *arena,
                                        struct err *err);

struct explained {
    uint32_t product_no;
    size_t position; /* in the list, 1..; 0: not shown */
    float total;     /* over the sources; 0: none proposes it */
    float learned;   /* the ranker's score of it, in [1, 2]; 0: it did not order it */
    /* What that means (engine/ranker.h): the probability that the shopper does anything with it, or buys it. Known of a home
     * page of a shopper with a past alone, which is what they were measured on; else below 0. */
    float act, purchase;
    float factor; /* of all boosts and buries */
    size_t rank;  /* by total among what is proposed, 1..; 0: it is not */
    size_t place; /* by score; 0 likewise */
    enum why_not why;
    size_t rule;       /* rules_at; of WHY_HIDDEN, WHY_CAPPED, WHY_GAVE_WAY */
    uint32_t other;    /* product number, of WHY_GROUP_SHOWN */
    struct str clause; /* of WHY_FILTER; borrowed from the filter's text */
    uint32_t index;    /* in the table of candidates; 0: it is not there */
    struct location at;
    const struct listed
        *listed; /* how it stood where more than scores had a say; NULL: it did not */
};

struct explained explain_product(const struct explainer *x, uint32_t product_no);

/** As an object of the answer of POST /v1/recommendations/explain (docs/http-api.md). */
void explain_write(const struct explainer *x, const struct explained *e, struct str language,
                   struct json_writer *w);

/** Every rule of the shop that is on, with whether it is in force here: members of an open array. */
void explain_write_rules(const struct explainer *x, struct arena *arena, struct json_writer *w);

#endif
