/* ranker_shown.h - what a ranker is fitted to where lists were logged: what shoppers saw, and what they did with it.
 *
 * Model:   a query is a list that was shown (eval/shown_lists.h). Its documents are the products seen in it that are among the
 *          candidates of its moment, with the features of that moment; labels are those of the list (0 seen to 3 bought).
 *          Neither products that nobody saw nor lists in which nothing was preferred teach anything: they are left out.
 * Moment:  the model is the one that was fitted before the first list. Shoppers' state and heat follow the acts up to each
 *          list, in their order; what is hot and new for all is made anew RANKER_SHOWN_SHELVES times.
 * Weights: what was preferred at place p weighs 1 / look(p), at most RANKER_WEIGHT_MAX (train/propensity.h): the looks of each
 *          placement by EM, with the product as subject. Places are never drawn at random here: the place that explores
 *          (recommend/explore.h) is always the last, so its products stand there by lot, but are not the products
 *          of another place; what they do is to let a product stand at several places, which EM needs. Where fewer than a
 *          tenth of the products seen stood at two places or more, or fewer than RANKER_CLICKS_MIN were opened, the looks
 *          are not known and all weights are 1.
 * Left out: lists of shoppers whose acts derive_interactions left out (bots, test users), if they opened anything.
 * Memory:  as ranker_examples.h; while looks are estimated 40 bytes a product. */
#ifndef TRAIN_RANKER_SHOWN_H
#define TRAIN_RANKER_SHOWN_H

#include "engine/past.h"
#include "eval/shown_lists.h"
#include "train/ranker_examples.h"

enum {
    RANKER_SHOWN_SHELVES = 16,
    RANKER_CLICKS_MIN = 200, /* in a placement, to know how its places are looked at */
    RANKER_WEIGHT_MAX = 10,
};

/* How places are looked at, by placement. */
struct shown_looks {
    bool known[PLACEMENTS];
    float look[PLACEMENTS][SHOWN_PLACES]; /* (0, 1], of place 1 on; 1 where they are not known */
};

/** From all lists.  ERR_MEMORY */
ERR_MUST_USE enum err_code shown_looks_estimate(const struct shown_lists *shown,
                                                struct shown_looks *out, struct err *err);

struct ranker_shown_options {
    struct past
        *past; /* of a moment before the lists; what happened until the last of them is added */
    const struct interactions *it;
    const struct shown_lists *shown;
    const struct shown_looks *looks;         /* NULL: all weights are 1 */
    const struct recommend_weights *weights; /* of the sources; NULL: the default */
    int64_t until;                           /* UTC us: lists before it */
    size_t candidates;                       /* of a query */
    size_t lists;                            /* of each placement, at most: a sample */
    struct rng *rng;
};

/** Append them.
 *  ERR_MEMORY, ERR_CANCELLED; else what recommend_examples reports */
ERR_MUST_USE enum err_code ranker_shown_add(struct ranker_examples *e,
                                            const struct ranker_shown_options *o, struct err *err);

#endif
