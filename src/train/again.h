/* again.h - how usual it is to buy a product again, and after how many days.
 *
 * Model:   purchases of one shopper and one product on different days; two on one day are one.
 *            interval  the median over the shoppers who came back of the median of their gaps, in logarithms,
 *                      drawn to the shop's median as if AGAIN_PRIOR_SHOPPERS more had come back after that: one
 *                      wholesaler or one odd gap moves it little;
 *            share     how many of the buyers came back, drawn to the shop's mean as if AGAIN_PRIOR_BUYERS more
 *                      were like it.
 *          What was not bought again yet counts as not coming back, so shares of a young shop are low, for all
 *          products alike.
 * Source:  the repeat customer probability and aggregate intervals of Bhagat et al., "Buy It Again", KDD 2018; medians
 *          instead of fitted log-normals, and both shrunk. */
#ifndef TRAIN_AGAIN_H
#define TRAIN_AGAIN_H

#include "ingest/derive.h"

enum { AGAIN_PRIOR_SHOPPERS = 5, AGAIN_PRIOR_BUYERS = 20 };

/** it as of derive_interactions; acts at or after until (UTC us) are left out.
 *  row_of [products_end] row + 1, 0 none
 *  days   [rows] out: > 0; 1 for all where nobody came back for anything
 *  share  [rows] out: 0..1; 0 for all where nobody came back for anything
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code again_fit(const struct interactions *it, const uint32_t *row_of,
                                     uint32_t rows, int64_t until, float *days, float *share,
                                     struct err *err);

#endif
