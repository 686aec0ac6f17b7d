/* recommend_content.h - what products' records add to the model of the family "recommend".
 *
 * Rows:    every product that is sold has a row, whether anybody had it or not. One without a past is put among the
 *          factors by the tower (train/content.h), and every row has its list of what reads alike.
 * Age:     nobody having had a product says the more, the longer it could be had. With E the acts that a product of its
 *          age has on average, its vector is scaled by 1 / (1 + E): the mean of a Gamma-Poisson rate after no act in E
 *          expected ones. What came today stands as the tower puts it, and what never sold in a year fades. */
#ifndef TRAIN_RECOMMEND_CONTENT_H
#define TRAIN_RECOMMEND_CONTENT_H

#include "train/content.h"

enum { RECOMMEND_FEATURES_MAX = 1 << 17 };

/* All-zero is valid: nothing is known of products. */
struct recommend_content {
    const struct content_catalogue *catalogue; /* borrowed */
    uint32_t *row;                             /* [catalogue->len] of each product, owned */
    struct matrix features;                    /* [rows][features] */
    struct content_tower tower;                /* without weights until recommend_content_place */
};

/** Read the catalogue as rows.
 *  row_of  [numbers] row + 1 by product_no, 0: none; every product of the catalogue has one
 *  out     recommend_content_release. ERR_MEMORY */
ERR_MUST_USE enum err_code recommend_content_read(const struct content_catalogue *catalogue,
                                                  const uint32_t *row_of, uint32_t rows,
                                                  struct recommend_content *out, struct err *err);
void recommend_content_release(struct recommend_content *c);

struct recommend_place {
    struct content_options fit;
    int64_t now, since; /* UTC us: the last act and the first */
    struct pool *pool;
};

/** Fit the tower and put products that nobody had where it says.
 *  by_item  [rows][users]
 *  users    [users][dim] factors
 *  items    [rows][dim] those of rows that nobody had are written
 *  Errors as content_fit. */
ERR_MUST_USE enum err_code recommend_content_place(struct recommend_content *c,
                                                   const struct matrix *by_item, const float *users,
                                                   const struct recommend_place *o, float *items,
                                                   struct err *err);

#endif
