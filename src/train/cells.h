/* cells.h - an inverted file over item factors, for recommend/factors.h.
 *
 * Model:   spherical k-means over the rows' directions (Dhillon, Modha 2001) with sqrt(rows) cells; a cell's
 *          centroid is the mean of its rows as they are, so that a query's dot product with it is the mean
 *          score of the cell. Rows are int8 with a scale each.
 * Result:  reproducible for a seed whatever the number of threads. */
#ifndef TRAIN_CELLS_H
#define TRAIN_CELLS_H

#include "base/pool.h"
#include "engine/recommend_model.h"

/** Fewer rows are scanned whole. */
enum { CELLS_ROWS_MIN = 8192 };

struct cells {
    uint32_t cells;    /* 0: none are worth while */
    float *centroids;  /* [cells][dim], owned, as the following */
    uint32_t *offsets; /* [cells + 1] */
    uint32_t *rows;    /* [rows] */
    int8_t *codes;     /* [rows][dim] */
    float *scales;     /* [rows] */
};

/** factors [rows][dim]. ERR_MEMORY, ERR_CANCELLED. */
ERR_MUST_USE enum err_code cells_fit(const float *factors, uint32_t rows, uint32_t dim,
                                     uint64_t seed, struct pool *pool, struct cells *out,
                                     struct err *err);
void cells_release(struct cells *c);

#endif
