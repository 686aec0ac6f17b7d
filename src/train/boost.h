/* boost.h - fit boosted trees with XGBoost, the gradients ours.
 *
 * Model:   rounds of one tree each: the caller computes gradients at the margins so far, boost_round fits the next
 *          tree to them (Chen, Guestrin, "XGBoost", KDD 2016; histograms). The margin of no tree is 0. Trees
 *          are taken out as XGBoost's JSON, which num/trees.h scores.
 * Library: its C API of 1.7 (Debian 12) or from 2.1 on (Debian 13 has 3.0), where a round is called
 *          XGBoosterTrainOneIter. Its messages come back in struct err; it prints nothing.
 * Same:    the same data, parameters and threads give the same trees.
 * Threads: one booster, one thread; the library uses `threads` of its own while a call runs.
 * Memory:  boost_free. The library copies the data. */
#ifndef TRAIN_BOOST_H
#define TRAIN_BOOST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct boost_params {
    uint32_t depth;     /* comparisons down a tree, 1..TREES_DEPTH_MAX */
    float eta;          /* share of each tree that counts, 0..1 */
    float leaf_hessian; /* least sum of second derivatives in a leaf, >= 0 */
    float lambda;       /* of squared leaves, >= 0 */
    float rows;         /* share of the rows that a tree sees, above 0, at most 1 */
    float columns;      /* share of the features that a tree sees, likewise */
    uint64_t seed;
    /* >= 1. The library's threads wait for each other, spinning, many times a tree: with as many as there are
     * processors a fit beside other work takes ten times as long as with one. */
    unsigned threads;
};

/** Row-major numbers; NaN: missing. */
struct boost_rows {
    const float *x; /* [n][features] finite or NaN */
    size_t n;       /* >= 1 */
    uint32_t features;
};

struct boost;

/** fit: what trees are fitted to; watch (may be NULL): rows whose margins are asked for, too.
 *  *out is returned owned: boost_free.
 *  ERR_INVALID  what the library refuses (an infinite number)
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code boost_new(const struct boost_rows *fit, const struct boost_rows *watch,
                                     const struct boost_params *p, struct boost **out,
                                     struct err *err);
void boost_free(struct boost *b); /* NULL is fine */

/** Fit one more tree. gradient and hessian [n of fit] are finite, hessian >= 0.
 *  ERR_INVALID, ERR_INTERNAL  what the library reports */
ERR_MUST_USE enum err_code boost_round(struct boost *b, float *gradient, float *hessian,
                                       struct err *err);

/** Margins of the rows by the trees so far, copied. out [n] */
ERR_MUST_USE enum err_code boost_fit_margins(struct boost *b, float *out, struct err *err);
ERR_MUST_USE enum err_code boost_watch_margins(struct boost *b, float *out, struct err *err);

/** Append the trees [from, to), to <= rounds so far, as XGBoost's JSON.
 *  ERR_LIMIT  the buffer's cap */
ERR_MUST_USE enum err_code boost_json(struct boost *b, uint32_t from, uint32_t to, struct buf *out,
                                      struct err *err);

#endif
