/* recommend_content.h - what products' records add to the model of the family "recommend".
 *
 * Rows:    every product that is sold has a row, whether anybody had it or not. One without a past is put among the
 *          factors by the tower (train/content.h), and every row has its list of what reads alike.
 * Few:     of a product that n shoppers had, ALS says little where n is small, and what it says is near nothing: all
 *          others count as having left it, though they may not have seen it. So its vector is
 *            (1 - s) y + s (1 + n) / (1 + E) W'f,  s = TOWER_SHOPPERS / (TOWER_SHOPPERS + n),
 *          y of ALS and W'f of the tower. With E the acts that a product of its age has on average, (1 + n) / (1 + E) is
 *          the mean of a Gamma-Poisson rate after n acts in E expected ones: what came today stands as the tower
 *          puts it, the more it sells the higher, and what never sold in a year fades.
 */
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
 *  items    [rows][dim] of ALS; those of products of the catalogue are changed, those that nobody had written
 *  Errors as content_fit. */
ERR_MUST_USE enum err_code recommend_content_place(struct recommend_content *c,
                                                   const struct matrix *by_item, const float *users,
                                                   const struct recommend_place *o, float *items,
                                                   struct err *err);

#endif
