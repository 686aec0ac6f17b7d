/* acts.h - what a shopper did with which product and when, for filters: `not purchased within 30d`.
 *
 * Model:   the fresh acts (engine/users.h) and the history that the model carries (of which the day is known
 *          and not the hour), each act once. A day of the history stands for its last moment: what was bought
 *          on the thirtieth day before today counts as bought within 30 days.
 * Memory:  in the caller's arena.
 * Threads: one request. */
#ifndef RANK_ACTS_H
#define RANK_ACTS_H

#include "base/arena.h"
#include "engine/view.h"

enum { ACTS_HISTORY_MAX = 1024 }; /* of the model's history, the newest */

struct acts {
    const struct user_action *items; /* [len] by product number */
    size_t len;
};

/** user_no 0 gives none.  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code acts_load(const struct view *view, uint32_t user_no, struct arena *arena,
                                     struct acts *out, struct err *err);

/** Did the shopper do one of types (bit per enum event_type) with the product, not before since_us? */
bool acts_any(const struct acts *acts, uint32_t product_no, uint32_t types, int64_t since_us);

#endif
