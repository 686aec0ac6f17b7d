/* transitions.h - item-to-item transitions: what shoppers had after (and before) an item, in order.
 *
 * Model:   t(i, j) = (sum over sequences and pairs of places p < q with i at p and j at q, q - p <= window, of
 *                     decay^(q - p - 1) * 2^(-(time_q - time_p) / half_life) / length^length_power,
 *                     plus `back` times the same with i and j exchanged)
 *                    / (count_i^alpha * count_j^beta),
 *          a(i, j) = cosine of the items' sets of attributes, weighted by idf = ln(items / items that have it),
 *          s(i, j) = t(i, j) / T * (1 + boost * a(i, j)) + attributes * a(i, j), T being the mean of the items' best t, so
 *          that a weight means the same on every data set; without attributes s = t.
 *          A query is the last items of a shopper: score(j) = sum over them of recency^age * s(i, j).
 * Source:  sequential rules (Kamehkhosh et al. 2017), transition kNN with decay by distance; idf: Spärck Jones 1972.
 * Cut:     t keeps the `keep` best of an item, and so does s; attributes that more than attribute_items items have
 *          count in the length of a vector, but make no pairs.
 * Cost:    events * window * 2, plus sum over attributes of min(items that have it, attribute_items)^2.
 *          Nothing is of size items by items.
 * Result:  the same bits whatever the number of threads. */
#ifndef TRAIN_TRANSITIONS_H
#define TRAIN_TRANSITIONS_H

#include "base/pool.h"
#include "base/str.h"
#include "train/neighbours.h"

enum { TRANSITIONS_KEEP_MAX = 4096, TRANSITIONS_WINDOW_MAX = 1000 };

struct transition_options {
    uint32_t keep;        /* per item, 1..TRANSITIONS_KEEP_MAX */
    uint32_t window;      /* greatest distance of a pair, 1..TRANSITIONS_WINDOW_MAX */
    float decay;          /* by distance, 0..1 */
    float half_life_days; /* of a pair by elapsed time; 0: time does not matter */
    float back;           /* share of pairs read backwards, 0..1 */
    float length_power;   /* of the sequence's length, >= 0 */
    float alpha, beta; /* powers of the counts of the item given and of the item foretold, >= 0 */
    float attributes;  /* weight of attributes, >= 0 */
    float boost;       /* of transitions between items with like attributes, >= 0 */
    uint32_t attribute_items;
    float recency;   /* of a query: decay by age, 0..1 */
    uint32_t recent; /* of a query: how many last items count, >= 1 */
};

/* What to fit on, all borrowed. */
struct transition_input {
    uint32_t sequences, items;
    const uint64_t *offsets; /* [sequences + 1] */
    const uint32_t *item;    /* [offsets[sequences]] < items, in order of time */
    const int64_t *time_us;  /* [the same], or NULL: no times */
    /* Sets of attributes, NULL: none. */
    const uint64_t *attribute_offsets; /* [items + 1] */
    const uint32_t *attribute; /* [attribute_offsets[items]] < attributes, distinct in an item */
    uint32_t attributes;
};

/** Chosen on validation items: docs/recommender-design.md. */
struct transition_options transition_defaults(void);

/** Set one option by its name ("window=5"). ERR_INVALID. */
ERR_MUST_USE enum err_code transition_option_set(struct transition_options *o, struct str text,
                                                 struct err *err);

/** out: best first, scores > 0 and not bounded by 1; neighbours_release. ERR_MEMORY, ERR_LIMIT, ERR_CANCELLED */
ERR_MUST_USE enum err_code transitions_fit(const struct transition_input *in,
                                           const struct transition_options *o, struct pool *pool,
                                           struct neighbour_result *out, struct err *err);

/** Add the scores of a query to scores [items].
 *  history  [n]  in order of time; its last `recent` items count */
void transitions_score(const struct neighbour_result *r, const struct transition_options *o,
                       const uint32_t *history, size_t n, float *scores);

#endif
