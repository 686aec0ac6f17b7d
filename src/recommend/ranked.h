/* ranked.h - the order of candidates: by what the sources say, and where there is one by a learned ranker.
 *
 * Ranker: engine/ranker.h. It orders the best candidates that the request may show; these get scores of
 *         1 + 1 / (1 + exp(-margin)), in [1, 2], and all others are scaled to at most 1: they follow. So what rules
 *         do with a score means the same with a ranker and without.
 * Use:    a ranker of other features than this program's (recommend/features.h) is not asked. */
#ifndef RECOMMEND_RANKED_H
#define RECOMMEND_RANKED_H

#include "num/topk.h"
#include "recommend/candidates.h"
#include "recommend/profile.h"

/** The `wanted` best with a total above 0, of equals the lower number first, into order [c->len + 1]; *all tells that
 *  there are no others. Returns how many. */
size_t ranked_best(const struct candidates *c, const float *totals, size_t wanted,
                   struct topk_item *order, bool *all);

/** The best `most` that the request may show, with their features. ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code
ranked_examples(const struct view *view, const struct recommend_request *r,
                const struct profile *profile, const struct candidates *c, const float *totals,
                size_t most, struct arena *arena, struct recommend_examples *out, struct err *err);

/** The ranker's scores in the place of totals [c->len + 1]; without one for the placement nothing changes. *ranked
 *  tells how many it ordered. ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code ranked_scores(const struct view *view, const struct recommend_request *r,
                                         const struct profile *profile, const struct candidates *c,
                                         float *totals, struct arena *arena, size_t *ranked,
                                         struct err *err);

#endif
