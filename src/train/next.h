/* next.h - transitions of a shop: what shoppers came to after a product (train/transitions.h).
 *
 * Sequences: of each known or anonymous shopper their acts in order of time, of guests those of one order;
 *            an act on the product of the act before it is the same step. Lines of one order have no order among
 *            them: they stand side by side by product number, and elapsed time 0 joins them.
 * Lists:     scores are divided by the greatest of all lists, so that they are in (0, 1] and lists compare. */
#ifndef TRAIN_NEXT_H
#define TRAIN_NEXT_H

#include "base/pool.h"
#include "ingest/derive.h"
#include "train/neighbours.h"

struct next_options {
    int64_t until;        /* UTC us: only acts before it */
    uint32_t keep;        /* per product, 1..RECOMMEND_NEIGHBOURS_MAX */
    float half_life_days; /* of a pair by elapsed time; 0: time does not matter */
};

/** row_of [it->products_end] row + 1 of a product; every product of the acts has one.
 *  out  neighbours_release. ERR_MEMORY, ERR_LIMIT, ERR_CANCELLED */
ERR_MUST_USE enum err_code next_fit(const struct interactions *it, const uint32_t *row_of,
                                    uint32_t rows, const struct next_options *o, struct pool *pool,
                                    struct neighbour_result *out, struct err *err);

#endif
