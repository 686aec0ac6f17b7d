/* choice.h - the list while it is made: what may still come in, and what is in.
 *
 * Model:   whoever chooses (best first, diverse, filling, pinned) asks the one question here: may this
 *          product come to those that are there? It may if it is for sale, neither barred nor of a group that
 *          is shown or that the page is about, and the caller's filter and the business rules let it.
 * Memory:  in the request's arena. */
#ifndef RECOMMEND_CHOICE_H
#define RECOMMEND_CHOICE_H

#include "rank/rules.h"
#include "recommend/candidates.h"
#include "recommend/diversity.h"

/* A product that a rule pinned. */
struct pinned {
    uint32_t product_no, position;
    size_t rule; /* rules_at */
};

/* A product that gave way to what a rule requires. */
struct gave_way {
    uint32_t product_no;
    size_t rule; /* rules_at */
};

struct choice {
    const struct view *view;
    const struct recommend_request *request;
    const struct candidates *candidates;
    float *totals;                /* [candidates->len + 1] with the rules' factors */
    struct rules_use *rules;      /* NULL: none is in force */
    uint64_t *context_groups;     /* [request->context_len] */
    size_t context_len;           /* that are somewhere */
    int64_t price_most;           /* minor units; < 0: any price will do */
    currency_code currency;       /* of price_most */
    struct recommend_item *items; /* [request->limit] in the order of choice, pinned ones first */
    uint64_t *groups;             /* [request->limit] of the items */
    uint32_t *positions;          /* [request->limit] 1..: pinned there; 0: not pinned */
    size_t len;
    struct pinned *pins; /* [pins_len] */
    size_t pins_len;
    struct gave_way *gave_way; /* [gave_way_len] */
    size_t gave_way_len;
    struct listed *pool; /* [pool_len] what the list was chosen from, where not by scores alone */
    size_t pool_len;
};

/** totals is borrowed.  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code choice_init(struct choice *ch, const struct view *view,
                                       const struct recommend_request *request,
                                       const struct candidates *candidates, float *totals,
                                       struct arena *arena, struct err *err);

/** What keeps a product out, the first that does. */
enum obstacle {
    OBSTACLE_NONE,
    OBSTACLE_NOT_FOR_SALE,
    OBSTACLE_BARRED, /* context, excluded, owned, seen */
    OBSTACLE_OF_CONTEXT,
    OBSTACLE_FILTER,
    OBSTACLE_TOO_DEAR, /* to be a small addition */
    OBSTACLE_HIDDEN,   /* by a rule */
    OBSTACLE_GROUP,    /* is shown */
    OBSTACLE_CAP,      /* of a rule */
};

/** Who asks, as rules want to know it. */
struct rules_asker choice_asker(const struct recommend_request *request);

enum obstacle choice_obstacle(const struct choice *ch, struct location at, uint32_t product_no);

/** Take it in if nothing keeps it out; *taken tells. There must be room.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code choice_add(struct choice *ch, uint32_t product_no, float score,
                                      bool *taken, struct err *err);

/** The same whatever keeps it out. */
ERR_MUST_USE enum err_code choice_put(struct choice *ch, struct location at, uint32_t product_no,
                                      float score, struct err *err);

/** Out again; those behind it close up. */
void choice_remove(struct choice *ch, size_t i);

/** Its score from the sources and the factors; 0: none proposed it. */
float choice_total(const struct choice *ch, uint32_t product_no);

/* --- rules over the whole list (rank/rules.h says what they do) ---------------------------------- */

/** Pinned products, into an empty list. */
ERR_MUST_USE enum err_code choice_pin(struct choice *ch, struct err *err);

/** When nothing more comes in by itself: what is required. */
ERR_MUST_USE enum err_code choice_require(struct choice *ch, struct arena *arena, struct err *err);

/** In the end: pinned products to their positions. */
void choice_order(struct choice *ch);

#endif
