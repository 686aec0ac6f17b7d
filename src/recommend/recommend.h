/* recommend.h - which products to show this shopper here, and why.
 *
 * Model:   several sources give candidates, each with scores normalised to (0, 1]: the factor model with
 *          the shopper folded in from the freshest acts, neighbours of what they looked at, baskets,
 *          what is trending, what is new, what reads alike. A candidate's score is the weighted sum over
 *          the sources (weights per placement, weights.h); its reason is the source that gave most.
 *          Where the model has a learned ranker (engine/ranker.h) that fits this program's features, it
 *          orders the best of them anew, and the others follow.
 *          Then come the rules: sellable, the caller's filter, not owned, not excluded, one variant per
 *          group, best first.
 * Privacy: without a shopper, or with one who opted out, nothing depends on anybody's past.
 * Memory:  everything lies in the request's arena, about 200 KiB.
 * Threads: any, each with its own arena.
 * Cost:    docs/benchmarks.md. */
#ifndef RECOMMEND_RECOMMEND_H
#define RECOMMEND_RECOMMEND_H

#include "engine/view.h"
#include "rank/filter.h"
#include "rank/rules.h"

enum {
    RECOMMEND_LIMIT_MAX = 100,
    RECOMMEND_CONTEXT_MAX = 50, /* products of a cart that are looked at */
    RECOMMEND_EXCLUDE_MAX = 500,
};

enum placement {
    PLACEMENT_HOME,
    PLACEMENT_SIMILAR,         /* context: one product */
    PLACEMENT_BOUGHT_TOGETHER, /* context: one product */
    PLACEMENT_CART,            /* context: what lies in the cart */
    PLACEMENT_TRENDING,
    PLACEMENT_NEW,
    PLACEMENT_VIEWED_AFTER,       /* context: one product */
    PLACEMENT_CHECKOUT,           /* context: what lies in the cart; cheap beside it */
    PLACEMENT_ORDER_CONFIRMATION, /* context: what was just bought */
    PLACEMENT_CATEGORY,           /* needs a filter: the best of what matches */
    PLACEMENT_SEARCH,             /* context: what was found; may be nothing */
    PLACEMENTS
};

/* What a placement is about, beside the shopper. */
enum placement_needs { NEEDS_NOTHING, NEEDS_PRODUCT, NEEDS_PRODUCTS, NEEDS_FILTER };

enum reason_code {
    REASON_TASTE,   /* the factor model, where more than one product is known of the shopper */
    REASON_VIEWED,  /* a neighbour of something viewed */
    REASON_BOUGHT,  /* a neighbour of something bought */
    REASON_IN_CART, /* goes with something in the cart */
    REASON_SIMILAR,
    REASON_BOUGHT_WITH,
    REASON_POPULAR,
    REASON_NEW,
    REASON_VIEWED_AFTER, /* shoppers came to it from this */
    REASON_AFTER,        /* shoppers came to it after the product that is named */
    REASON_LIKE,         /* similar to the product that is named */
    REASON_BUY_AGAIN,    /* bought before */
    REASON_DUE,          /* bought before, and its usual interval is over */
    REASON_VISIT,        /* had in one visit with the product that is named */
    REASON_PICKED,       /* a rule of the shop, and no source */
    REASONS
};

struct recommend_weights;

struct recommend_request {
    enum placement placement;
    uint32_t user_no;        /* known or anonymous; 0: nobody, or opted out */
    bool known;              /* signed in, and not opted out: of the audience of rules for such */
    struct str attributes;   /* of a known shopper, JSON object, for rules; empty: none */
    const uint32_t *context; /* [context_len] product numbers */
    size_t context_len;
    const uint32_t *exclude; /* [exclude_len] product numbers */
    size_t exclude_len;
    const struct bound_filter *filter; /* NULL: everything */
    uint32_t limit;                    /* 1..RECOMMEND_LIMIT_MAX */
    bool hide_seen;                    /* leave out what the shopper viewed lately */
    bool
        may_be_short; /* a filter that leaves little makes a short list, not a walk over the catalogue */
    const struct recommend_weights *weights; /* of the sources; NULL: the default */
    const struct rule_names *named_rules;    /* [named_rules_len] that experiments put in force */
    size_t named_rules_len;
    int64_t now_us;
};

struct recommend_item {
    uint32_t product_no;
    float
        score; /* > 0, descending but for pinned products and where more than scores had a say (diversity.h) */
    enum reason_code reason;
    uint32_t reason_product; /* product number that the reason names; 0 none */
};

struct recommend_result {
    const struct recommend_item *items; /* [len] in the arena */
    size_t len;
    bool personal; /* the shopper's past had a say */
};

/** Fewer than limit only if nothing more may be shown: of all products for sale none is left that the
 *  filter, the rules and what is in the list would let in. But PLACEMENT_SIMILAR and
 *  PLACEMENT_BOUGHT_TOGETHER claim something about each product and hold what it is true of.
 *  ERR_LIMIT   the arena's cap
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code recommend_run(const struct view *view,
                                         const struct recommend_request *request,
                                         struct arena *arena, struct recommend_result *out,
                                         struct err *err);

/* What the learned ranker is asked to order: candidates with their features (recommend/features.h). */
struct recommend_examples {
    size_t n;
    const uint32_t *product_no; /* [n] best first by the sources' weights, in the arena */
    const float *x;             /* [FEATURES][n] in the arena */
};

/** The best `most` candidates of a request that it may show, as recommend_run gives them to a ranker: what
 *  rankers are trained on.
 *  ERR_LIMIT   the arena's cap
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code recommend_examples(const struct view *view,
                                              const struct recommend_request *request, size_t most,
                                              struct arena *arena, struct recommend_examples *out,
                                              struct err *err);

/** "home", "similar", ... False for an unknown name. */
bool placement_of(struct str name, enum placement *out);
const char *placement_name(enum placement p);

/** What a request for it should have; without it the list may be empty. */
enum placement_needs placement_needs(enum placement p);

/** "because_you_viewed", ... as in the API. */
const char *reason_name(enum reason_code r);

/** What people read, in one of the shop's languages, in up to REASON_PIECES pieces: at most one
 *  product title is among them. Returns how many; borrowed while the view is held. */
enum { REASON_PIECES = 3 };
size_t reason_pieces(const struct view *view, enum reason_code reason, uint32_t reason_product,
                     struct str language, struct str out[REASON_PIECES]);

/** The same, appended to out. */
void reason_text(const struct view *view, enum reason_code reason, uint32_t reason_product,
                 struct str language, struct buf *out);

/** The answer as members of an open object, as /v1/recommendations gives them (docs/http-api.md):
 *  "placement" to "items". language is one of the shop's. */
void recommend_members(const struct view *view, const struct recommend_request *request,
                       const struct recommend_result *found, struct str language,
                       struct json_writer *w);

#endif
