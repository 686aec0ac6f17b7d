/* propensity.h - how likely each position of a list is looked at, from logs of impressions and clicks.
 *
 * Model:   a product is clicked if its position is looked at and it is relevant, independently:
 *          P(click) = look(position) * relevance(what is shown). Only ratios of looks are defined, so that of the first position is 1.
 * EM:      alternate what was seen and liked for each impression without a click, and the two averages
 *          (regression EM: Wang et al., "Position bias estimation for unbiased learning to rank in personal
 *          search", WSDM 2018). Deviation: relevance is a number for each subject (a product in a placement, or
 *          a shopper's and a product's pair) and not a regression on features, with a prior of the mean click
 *          rate for subjects that were seldom shown. It needs subjects that stood at several positions.
 * Threads: any. */
#ifndef TRAIN_PROPENSITY_H
#define TRAIN_PROPENSITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct impression {
    uint32_t subject;  /* < subjects */
    uint16_t position; /* < positions, 0 is the first */
    bool clicked;
};

/** Where positions were drawn at random: the click rate of each position by that of the first.
 *  look  [positions] out, in (0, 1]; a position never shown, or more clicked than the first, is as its neighbour
 *        before it
 *  ERR_INVALID  no click at the first position, or a position that is not there, named by its place */
ERR_MUST_USE enum err_code propensity_from_random(const struct impression *all, size_t n,
                                                  size_t positions, float *look, struct err *err);

/** Where they were not: by EM, until no look moves by more than 1e-4 or 500 steps.
 *  ERR_INVALID  as above, or a subject that is not there
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code propensity_estimate(const struct impression *all, size_t n,
                                               size_t positions, size_t subjects, float *look,
                                               struct err *err);

/** What a click at a position with this look weighs: 1 / look, at most `most`, which bounds the variance
 *  that rare clicks far down bring (and biases a little). */
float propensity_weight(float look, float most);

#endif
