/* sessions.h - the sessions of a shop that session kNN looks in (recommend/sessions.h).
 *
 * Sessions:  as acts are numbered (ingest/derive.h: a pause of 30 minutes ends one), of known and anonymous
 *            shoppers, and of guests each order. An act on the product of the act before it is the same
 *            step. A session of one product foretells nothing and is left out.
 * Kept:      the newest by their last act. Who they were of is not in the result. */
#ifndef TRAIN_SESSIONS_H
#define TRAIN_SESSIONS_H

#include "index/session_index.h"
#include "ingest/derive.h"

enum { SESSIONS_KEPT_MAX = 10000000 };

struct sessions_options {
    int64_t until; /* UTC us: only acts before it */
    uint32_t keep; /* 0: none, 1..SESSIONS_KEPT_MAX */
};

/** row_of [it->products_end] row + 1 of a product; every product of the acts has one.
 *  out  session_index_release; all-zero where no session is kept. ERR_MEMORY, ERR_LIMIT */
ERR_MUST_USE enum err_code sessions_fit(const struct interactions *it, const uint32_t *row_of,
                                        uint32_t rows, const struct sessions_options *o,
                                        struct session_index *out, struct err *err);

#endif
