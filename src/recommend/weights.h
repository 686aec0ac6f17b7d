/* weights.h - what a placement shows: how much each source of candidates says, how many it proposes, and what else
 * counts beside their scores. Numbers with names.
 *
 * A source's scores are scaled to at most 1, weighted by these and summed (recommend.h). They are data, so
 * that they can be chosen by measuring whole lists (eval/lists.h), by a variant of an experiment, or by hand. */
#ifndef RECOMMEND_WEIGHTS_H
#define RECOMMEND_WEIGHTS_H

#include "recommend/recommend.h"

enum {
    SOURCE_WEIGHTS = 12,
    LIST_WEIGHTS = 3,
    PLACEMENT_WEIGHTS = 2 * SOURCE_WEIGHTS + LIST_WEIGHTS,
    /* numbers of weights and counts: of sources [0, SOURCE_WEIGHTS), of lists, of candidates */
    FIRST_CANDIDATES = SOURCE_WEIGHTS + LIST_WEIGHTS,
};

/* How many products a source proposes, in the order of the weights; 0: as many as by default. Where it proposes
 * neighbours it is so many of each product that it asks. */
struct source_candidates {
    uint32_t factors, profile_near, profile_with, profile_next, profile_alike;
    uint32_t near, with, next, alike;
    uint32_t sessions;
    uint32_t trending, arrivals;
};

struct placement_weights {
    /* SOURCE_WEIGHTS floats, 0: the source is not asked, each 0..RECOMMEND_WEIGHT_MAX */
    float factors, profile_near, profile_with, profile_next; /* from the shopper's past */
    float profile_alike;           /* and from what products' records say */
    float near, with, next, alike; /* from the context */
    float sessions;                /* from this session: context and newest acts */
    float trending, arrivals;      /* for everybody */
    /* LIST_WEIGHTS floats, each 0..1: what counts beside the score when the list is made (diversity.h) */
    float diversity; /* unlikeness of its products */
    float novelty;   /* what the shopper hardly knows (novelty.h) */
    float margin;    /* what the shop earns (live_margin) */
    struct source_candidates candidates;
};

struct recommend_weights {
    struct placement_weights of[PLACEMENTS];
};

#define RECOMMEND_WEIGHT_MAX 100

/** Chosen on validation parts: docs/recommendations.md. */
extern const struct recommend_weights recommend_weights_default;

/** Set one by its name: "home.factors=0.8", "home.factors.candidates=80". ERR_INVALID; the message names what is
 *  wrong. */
ERR_MUST_USE enum err_code recommend_weight_set(struct recommend_weights *w, struct str text,
                                                struct err *err);

/** Of the placement that a request is for, with counts that are not 0. */
struct placement_weights recommend_weights_of(const struct recommend_request *r);

bool recommend_weights_equal(const struct recommend_weights *a, const struct recommend_weights *b);

/** The weight or count of a number < PLACEMENT_WEIGHTS, in the order of the struct. A count loses what is behind the
 *  point, and what is outside the bounds of its name is put to the nearer one. */
float placement_weight(const struct placement_weights *w, size_t i);
void placement_weight_put(struct placement_weights *w, size_t i, float value);

/** Its name: "factors", ... "factors.candidates", ... */
const char *placement_weight_name(size_t i);

/** All as members of an open object: "factors": 1, ... Those that are 0 too. */
void placement_weights_json(const struct placement_weights *w, struct json_writer *out);

/* --- parts of them: what a variant of an experiment says ----------------------------------------- */

/** Say nothing of any. */
void placement_weights_unset(struct placement_weights *w);

/** Is anything said of it? */
bool placement_weight_said(const struct placement_weights *w, size_t i);

/** What says says, in the place of what is in w. */
void placement_weights_override(struct placement_weights *w, const struct placement_weights *says);

#endif
