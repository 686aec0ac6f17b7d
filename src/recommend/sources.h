/* sources.h - where candidates come from. Each adds parts to the open source of a candidates table;
 * none looks at rules. A view without a model gives nothing where one is needed. */
#ifndef RECOMMEND_SOURCES_H
#define RECOMMEND_SOURCES_H

#include "recommend/candidates.h"
#include "recommend/profile.h"

enum {
    FACTOR_CANDIDATES_MAX = 2000,
    SESSION_CANDIDATES_MAX = 400,
    SESSION_PAUSE_S = 30 * 60,
    SESSION_STEPS_MAX = 5,
    /* a common word is not worth more, and others need room */
    TEXT_CANDIDATES_MAX = CANDIDATES_MAX / 2,
};

/** The `want` rows that the factor model likes best for a profile; of propagation, also what the heaviest products of the
 *  profile pass on; and the products newer than it (engine/newcomers.h).
 *  Who did nothing but with such has the factors that the tower gives these.
 *  Errors as factors_fold_in and vectors_search. */
ERR_MUST_USE enum err_code source_factors(const struct view *view, const struct profile *profile,
                                          uint32_t want, struct arena *arena,
                                          struct candidates *out, struct err *err);

enum neighbour_kind { NEAR, WITH, NEXT, GRAPH, ALIKE };

/** Neighbours of the heaviest products of a profile, at most `each` of one product.
 *  ERR_LIMIT   the arena's cap */
ERR_MUST_USE enum err_code source_profile_neighbours(const struct view *view,
                                                     const struct profile *profile,
                                                     enum neighbour_kind kind, uint32_t each,
                                                     struct candidates *out, struct err *err);

/** What came after the newest products of a profile, the newer the more; at most `each` of one product.
 *  ERR_LIMIT   the arena's cap */
ERR_MUST_USE enum err_code source_profile_next(const struct view *view,
                                               const struct profile *profile, uint32_t each,
                                               struct candidates *out, struct err *err);

/** Neighbours of these products, at most `each` of one, for this reason.
 *  ERR_LIMIT   the arena's cap */
ERR_MUST_USE enum err_code source_neighbours(const struct view *view, const uint32_t *products,
                                             size_t n, enum neighbour_kind kind, uint32_t each,
                                             enum reason_code reason, struct candidates *out,
                                             struct err *err);

/** What shoppers had in one session with what this session has (recommend/sessions.h): the products of the context, the
 *  last one the current one, and what the profile's shopper did before without a longer pause than
 *  SESSION_PAUSE_S; without a context their last session. Only the newest SESSION_STEPS_MAX count.
 *  unordered  the context is a set: its products weigh the same
 *  most       products, 1..SESSION_CANDIDATES_MAX
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code source_sessions(const struct view *view, const struct profile *profile,
                                           const uint32_t *context, size_t n, bool unordered,
                                           enum reason_code reason, int64_t now_us, uint32_t most,
                                           struct arena *arena, struct candidates *out,
                                           struct err *err);

/** The first `want` of a shelf.
 *  ERR_LIMIT   the arena's cap */
ERR_MUST_USE enum err_code source_shelf(const struct shelf *shelf, uint32_t want,
                                        enum reason_code reason, struct candidates *out,
                                        struct err *err);

/** Products whose texts share the most telling words with this one: sums of the words' idf ("more like
 *  this"), of the rarest words and together at most `most` products, 1..TEXT_CANDIDATES_MAX. What a product without a past is shown beside.
 *  ERR_LIMIT   the arena's cap
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code source_alike(const struct view *view, uint32_t product_no, uint32_t most,
                                        enum reason_code reason, struct arena *arena,
                                        struct candidates *out, struct err *err);

#endif
