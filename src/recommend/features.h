/* features.h - what the learned ranker is told of a candidate: numbers with names.
 *
 * Model:   one function fills them, for training and for serving, from what a request has at hand: the shopper's
 *          profile, what each source says, and the view's columns. Their names, in their order, are the contract with
 *          a ranker's file: a program with other features does not use it. What is not known is NaN, which trees
 *          treat as a value of its own.
 *          Trees ask only which of two values is greater, so amounts stand as they are, without logarithms.
 *            source.NAME          share of what the source (recommend/weights.h) says of its best, 0..1
 *            blend.score          the weighted sum, by the best candidate's; blend.rank: place in that order, from 0
 *            blend.voices         how many sources propose it
 *            item.popularity      weighted, decayed acts that the model knows; NaN: it does not know it
 *            item.heat            live heat as a share of the hottest, to a 64th of itself
 *            item.age             whole days since it was created
 *            item.rating, item.ratings   mean (NaN: none), how many
 *            item.price, item.discount   minor units of the shop's currency (NaN: another's, or none);
 *                                 1 - price / list price
 *            shopper.products, shopper.weight, shopper.owned   products of the profile, their weight, share of it
 *                                 on what they bought
 *            shopper.idle         whole days since their last act
 *            price.habit          ln(price) minus the mean of the same over the profile, by weight
 *            price.unusual        that by its deviation (not below PRICE_DEVIATION_MIN)
 *            category.interest, department.interest, brand.interest   share of the profile's weight (its
 *                                 FEATURES_INTERESTS heaviest products) in its category, the first part of that
 *                                 path, its brand
 *            context.products     products of the page or cart
 *            context.category, context.brand   share of them in its category, of its brand
 *            context.price        ln(price) minus the mean of theirs
 *            placement            number of the placement (enum placement)
 *          The position in the list is no feature: it is what is asked for. That clicks depend on it is met by weights
 *          (train/lambdamart.h). Nor is the hour: lists are trained at one moment.
 * Memory:  in the request's arena.
 * Threads: any.
 * Cost:    about 100 ns a candidate, and as much for a product of the profile. */
#ifndef RECOMMEND_FEATURES_H
#define RECOMMEND_FEATURES_H

#include "engine/ranker.h"
#include "recommend/candidates.h"
#include "recommend/profile.h"
#include "recommend/weights.h"

enum feature {
    FEATURE_SOURCES, /* SOURCE_WEIGHTS of them */
    FEATURE_BLEND_SCORE = FEATURE_SOURCES + SOURCE_WEIGHTS,
    FEATURE_BLEND_RANK,
    FEATURE_BLEND_VOICES,
    FEATURE_ITEM_POPULARITY,
    FEATURE_ITEM_HEAT,
    FEATURE_ITEM_AGE,
    FEATURE_ITEM_RATING,
    FEATURE_ITEM_RATINGS,
    FEATURE_ITEM_PRICE,
    FEATURE_ITEM_DISCOUNT,
    FEATURE_SHOPPER_PRODUCTS,
    FEATURE_SHOPPER_WEIGHT,
    FEATURE_SHOPPER_OWNED,
    FEATURE_SHOPPER_IDLE,
    FEATURE_PRICE_HABIT,
    FEATURE_PRICE_UNUSUAL,
    FEATURE_CATEGORY_INTEREST,
    FEATURE_DEPARTMENT_INTEREST,
    FEATURE_BRAND_INTEREST,
    FEATURE_CONTEXT_PRODUCTS,
    FEATURE_CONTEXT_CATEGORY,
    FEATURE_CONTEXT_BRAND,
    FEATURE_CONTEXT_PRICE,
    FEATURE_PLACEMENT,
    FEATURES
};

enum {
    FEATURES_DEFINITIONS =
        3, /* to be raised where a feature is computed otherwise under its name */
    FEATURES_INTERESTS = 64,
};

/** Below this a shopper's prices are not taken for uniform: a tenth up or down. */
#define PRICE_DEVIATION_MIN 0.1

/** The name of a feature, 0 <= f < FEATURES, into out. Returns out. */
char *feature_name(uint32_t f, char out[RANKER_NAME_MAX]);

/** Does this ranker want exactly these features, by these definitions?
 *  ERR_UNSUPPORTED  the message names the first that differs */
ERR_MUST_USE enum err_code features_check(const struct ranker *r, struct err *err);

/* Candidates with their features. */
struct features {
    size_t n;
    float *x; /* [FEATURES][n] in the arena */
};

/** Fill the features of candidates [n] (a request's, in the order of their totals).
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code features_fill(const struct view *view,
                                         const struct recommend_request *request,
                                         const struct profile *profile, const struct candidates *c,
                                         const struct topk_item *candidates, size_t n,
                                         struct arena *arena, struct features *out,
                                         struct err *err);

#endif
