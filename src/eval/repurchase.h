/* repurchase.h - how good "buy again" is: of what shoppers bought again in their next order, how much stood in the first k.
 *
 * Case:      a shopper with purchases before the moment and an order after it; the first such order counts. Right are
 *            its products that they had bought before the moment.
 * Rankings:  of everything that they had bought: by rate (recommend/again.h, as it serves), by the day of the last
 *            purchase, by the number of days on which it was bought (of equal ones the newer).
 * Metric:    right ones in the first k of all right ones, over all cases. */
#ifndef EVAL_REPURCHASE_H
#define EVAL_REPURCHASE_H

#include "engine/view.h"
#include "ingest/derive.h"

enum { REPURCHASE_K = 3 };

/** The lengths that are measured. */
extern const size_t repurchase_k[REPURCHASE_K];

struct repurchase_result {
    size_t shoppers; /* cases */
    size_t asked;    /* right products in all of them */
    double rate[REPURCHASE_K], recent[REPURCHASE_K], often[REPURCHASE_K];
};

/** it as of derive_interactions, with acts after split (UTC us); view with a model that was fitted before it.
 *  ERR_MEMORY; else what again_load reports */
ERR_MUST_USE enum err_code repurchase_measure(const struct interactions *it,
                                              const struct view *view, int64_t split,
                                              struct repurchase_result *out, struct err *err);

#endif
