/* weights.h - how much each source of candidates says in each placement: numbers with names.
 *
 * A source's scores are scaled to at most 1, weighted by these and summed (recommend.h). They are data, so
 * that they can be chosen by measuring whole lists (train/lists.h), by a variant of an experiment, or by hand. */
#ifndef RECOMMEND_WEIGHTS_H
#define RECOMMEND_WEIGHTS_H

#include "recommend/recommend.h"

enum { SOURCE_WEIGHTS = 12 };

/* SOURCE_WEIGHTS floats, 0: the source is not asked, each 0..RECOMMEND_WEIGHT_MAX; and what else says which
 * products a placement shows. */
struct source_weights {
    float factors, profile_near, profile_with, profile_next; /* from the shopper's past */
    float profile_alike;           /* and from what products' records say */
    float near, with, next, alike; /* from the context */
    float sessions;                /* from this session: context and newest acts */
    float trending, arrivals;      /* for everybody */
    float diversity; /* 0..1: how much unlikeness counts beside the score (diversity.h) */
};

struct recommend_weights {
    struct source_weights of[PLACEMENTS];
};

#define RECOMMEND_WEIGHT_MAX 100

/** Chosen on validation parts: docs/recommendations.md. */
extern const struct recommend_weights recommend_weights_default;

/** Set one by its name: "home.factors=0.8". ERR_INVALID; the message names what is wrong. */
ERR_MUST_USE enum err_code recommend_weight_set(struct recommend_weights *w, struct str text,
                                                struct err *err);

bool recommend_weights_equal(const struct recommend_weights *a, const struct recommend_weights *b);

/** The weight of a number < SOURCE_WEIGHTS, in the order of the struct. */
float source_weight(const struct source_weights *s, size_t i);
void source_weight_put(struct source_weights *s, size_t i, float value);

/** Its name: "factors", ... */
const char *source_weight_name(size_t i);

/** A placement's as members of an open object: "factors": 1, ... Those that are 0 too. */
void source_weights_json(const struct source_weights *s, struct json_writer *w);

#endif
