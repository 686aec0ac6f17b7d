/* profile.h - what is known of a shopper at this moment: fresh acts before the model's histories. */
#ifndef RECOMMEND_PROFILE_H
#define RECOMMEND_PROFILE_H

#include "base/arena.h"
#include "base/map.h"
#include "engine/view.h"

enum { PROFILE_MAX = 192 }; /* products of a profile, the most telling ones */

struct profile_item {
    uint32_t product_no;
    uint32_t row;    /* of the model, UINT32_MAX: it does not know the product */
    float weight;    /* > 0: sum of the acts' weights, decayed by age */
    uint32_t time_s; /* of the newest act */
    uint32_t types;  /* bit per enum event_type */
};

struct profile {
    struct profile_item *items; /* [len] by weight, heaviest first */
    size_t len;
};

/** How much an act of a type tells about taste; the trainers use the same (ingest/derive.h). */
float profile_type_weight(enum event_type type);

/** Collect fresh acts (engine/users.h) and the packed history of the model (of the shopper alone).
 *  user_no 0 gives an empty profile. Each act counts once even where both know it.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code profile_load(const struct view *view, uint32_t user_no,
                                        struct arena *arena, struct profile *out, struct err *err);

/** What a summed weight becomes in the factor model, in training and in serving: log(1 + weight). */
float profile_confidence(float weight);

/** The newest products that the model knows, newest first, of one moment the heavier.
 *  out  [max] max >= 1
 *  Returns how many. */
size_t profile_newest(const struct profile *profile, const struct profile_item **out, size_t max);

static inline bool profile_owns(const struct profile_item *item)
{
    return item->types >> EVENT_PURCHASE & 1;
}

#endif
